// What the customer has ordered before: the usual products, and the last order, to be taken once more.

import { ask, isExpected } from "./api.js";
import { formatNumber } from "./numbers.js";
import { getFilledLines, lineFromPurchase } from "./order.js";
import { fillIn } from "./texts.js";
import { getPlace, isStillAt } from "./type_ahead.js";

export class UsualProducts {
  state = "idle"; // asking, found, failed
  customer = null; // the ID of whose they are
  products = []; // as the API offers them, the most usual first
  lastOrder = []; // its lines
  repeatsWhenFound = false; // the key was faster than the answer
  place = null; // where the cursor was then

  constructor(form) {
    this.form = form;
  }

  /** Whether an answer is awaited that brings lines. */
  get isAwaited() {
    const { order, entry } = this.form;
    return this.repeatsWhenFound && (order.customer !== null || entry.isWaiting);
  }

  /** Whether keys wait for those lines: the cursor has not been moved since. */
  get holdsKeys() {
    return this.isAwaited && (this.form.entry.isWaiting || isStillAt(this.place));
  }

  /** Another order is shown. */
  begin() {
    this.clear();
    this.repeatsWhenFound = false;
    this.follow();
  }

  /** Ask for those of the order's customer, unless they are here or on their way. */
  follow() {
    const customer = this.form.order.customer?.erpId ?? null;
    if (customer === this.customer) return;
    this.clear();
    this.customer = customer;
    if (customer !== null) this.find(customer);
  }

  clear() {
    this.request?.abort();
    Object.assign(this, { state: "idle", customer: null, products: [], lastOrder: [] });
    this.giveUpRepeating();
  }

  /** Nothing is repeated for a customer who is chosen later. */
  giveUpRepeating() {
    if (!this.form.order.customer) this.repeatsWhenFound = false;
  }

  /** The form has moved the cursor itself. */
  followCursor() {
    this.place = getPlace();
  }

  async find(customer) {
    const { form } = this;
    const { draft } = form.order;
    this.request = new AbortController();
    const { signal } = this.request;
    this.state = "asking";
    try {
      const own = draft ? `?draft=${draft.id}` : "";
      const { body } = await ask("GET", `/api/customers/${customer}/usual-products${own}`, { signal });
      if (signal.aborted) return;
      Object.assign(this, { state: "found", products: body.products, lastOrder: body.lastOrder });
    } catch (error) {
      if (signal.aborted) return;
      if (!isExpected(error)) throw error;
      this.fail(error);
      return;
    }
    form.entry.refreshOffers();
    const isStill = isStillAt(this.place);
    if (this.repeatsWhenFound) {
      this.repeatsWhenFound = false;
      this.addLastOrder(isStill);
    }
    form.draw();
  }

  /** They are asked for once more with the next change. */
  fail(error) {
    const { form } = this;
    Object.assign(this, { state: "failed", customer: null });
    if (error.isSignedOut) form.messages.askToSignIn();
    else if (this.repeatsWhenFound) form.messages.say("warn", error.message);
    if (this.repeatsWhenFound) form.messages.addUnused(form.typeAhead.drop());
    this.repeatsWhenFound = false;
    form.entry.refreshOffers();
    form.draw();
  }

  // The last order

  /** The lines of the last order whose products are not in this one. */
  getMissing() {
    const ordered = getFilledLines(this.form.order).map(({ product, text }) => product?.erpId ?? text);
    return this.lastOrder.filter(({ product, article }) => !ordered.includes(product?.erpId ?? article));
  }

  /** Add the last order's lines. What cannot be ordered any more is left out, and named. */
  repeatLastOrder() {
    const { form } = this;
    if (!form.order.customer && !form.entry.isWaiting) {
      form.messages.errors.customer = gettext("Choose the customer.");
      form.focus("customer");
      return;
    }
    this.repeatsWhenFound = this.state !== "found";
    this.followCursor();
    if (this.repeatsWhenFound) this.follow();
    else this.addLastOrder();
  }

  /** With the discount of the whole order if this one had no lines; the cursor moves on only if `isStill`. */
  addLastOrder(isStill = true) {
    const { form } = this;
    const { discount: own } = form.order;
    const last = this.lastOrder[0]?.last.orderDiscountPercent;
    const discount = Number(last) && !own.trim() && !getFilledLines(form.order).length ? last : null;
    const missing = this.getMissing();
    const left = missing.filter(({ problem, product }) => product && problem?.field === "product");
    const lines = missing.filter((offered) => !left.includes(offered)).map(lineFromPurchase);
    const problems = left.map(({ problem }) => problem.text).join(" ");
    const leftOut = left.length ? fillIn(gettext("Left out: %(problems)s"), { problems }) : "";
    const percent = discount && `${formatNumber(discount)} %`;
    const taken = discount ? fillIn(gettext("Order discount: %(percent)s."), { percent }) : "";
    const note = [taken, leftOut].filter(Boolean).join(" ");
    if (lines.length) form.entry.addLines(lines, { note, discount, movesCursor: isStill });
    else form.messages.say("note", this.describeNothing(), [], leftOut);
    if (leftOut) form.messages.addUnused(form.typeAhead.drop()); // nothing is saved before it was read
    else if (isStill) form.typeAhead.release();
    else form.messages.addUnused(form.typeAhead.releaseElsewhere());
  }

  describeNothing() {
    return this.lastOrder.length
      ? gettext("The order has all that can be repeated of the last one.")
      : gettext("No past order of this customer is known.");
  }
}
