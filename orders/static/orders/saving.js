// Saving the order: what is checked and sent before, what follows, and what is done if somebody else was faster.

import { ask, isExpected } from "./api.js";
import { hasHalfDate } from "./details.js";
import { NEW_ORDER, newId } from "./kept_forms.js";
import { formatMoney } from "./numbers.js";
import {
  createOrder,
  fingerprint,
  getFilledLines,
  getPrice,
  getPriceKey,
  isEmpty,
  isSameOrder,
  isSamePrice,
  orderFromDraft,
  toRequestBody,
} from "./order.js";

export class Saving {
  isSaving = false;
  hasJustSaved = false; // and nothing was typed since

  constructor(form) {
    this.form = form;
  }

  /** With `thenLeave` the drafts are shown afterwards, and not an empty form. */
  async save(options = {}) {
    const { form } = this;
    if (this.isSaving || (this.hasJustSaved && isEmpty(form.order))) return; // pressed twice
    if (form.pasted.isReading || form.usual.isAwaited) {
      form.typeAhead.hold({ key: "Enter", shiftKey: false, ctrlKey: true }); // once the lines are there
      return;
    }
    const lines = getFilledLines(form.order);
    if (!this.check(lines)) return;
    const focused = document.activeElement?.id;
    this.isSaving = true;
    form.messages.banner = null;
    form.draw();
    try {
      const { body, headers } = await this.send(lines);
      this.isSaving = false;
      if (headers.has("Idempotent-Replayed")) await this.resolveConflict(body.draft, lines, options);
      else await this.finish(body, lines, options);
    } catch (error) {
      this.isSaving = false;
      form.typeAhead.drop();
      form.focus(focused);
      this.fail(error, lines, options);
    }
  }

  /** Whether the order can be sent; says what is missing, and goes to the first place. */
  check(lines) {
    const { order, entry, messages, pricing } = this.form;
    messages.errors = {};
    if (!order.customer) messages.errors.customer = gettext("Choose the customer.");
    entry.checkCustomer();
    if (!lines.length) messages.setLineError(order.lines[0], "product", gettext("Add at least one product."));
    for (const line of lines) this.checkLine(line);
    if (hasHalfDate()) messages.errors.deliveryDate = gettext("Enter the whole date, or none.");
    if (pricing.discountProblem) messages.errors.discount = pricing.discountProblem;
    return messages.checkErrors();
  }

  checkLine(line) {
    const { entry, messages, pricing } = this.form;
    const problem = pricing.getProblem(line);
    if (!line.product) entry.checkProduct(line);
    else if (!line.quantity.trim()) messages.setLineError(line, "quantity", gettext("Enter the quantity."));
    else if (problem) messages.setLineError(line, problem.field, problem.text);
  }

  send(lines) {
    const { order, session } = this.form;
    const body = { ...toRequestBody(order, lines), ...(session.id ? { sessionId: session.id } : {}) };
    const { draft, id } = order;
    if (draft) return ask("PUT", `/api/drafts/${draft.id}`, { body: { ...body, version: draft.version } });
    return ask("POST", "/api/drafts", { body, headers: { "Idempotency-Key": id } });
  }

  async finish({ message, draft }, lines, { thenLeave = false }) {
    const { form } = this;
    const { messages, unsaved } = form;
    const { id } = form.order;
    const surprises = lines.filter((line, place) =>
      this.isSurprise(line, getPrice(draft.lines[place], draft.currency)),
    );
    form.session.prolong();
    if (thenLeave) {
      await unsaved.forget(id);
      location.assign("/drafts");
      return;
    }
    form.begin(createOrder());
    const names = surprises.map((line) => line.text).join(", ");
    const warning = names
      ? interpolate(gettext("These prices changed while you saved, and the draft has the new ones: %s."), [names])
      : "";
    const note = [describe(draft), warning].filter(Boolean).join(" ");
    messages.say(names ? "warn" : "good", message, [{ label: gettext("Open"), href: `/drafts/${draft.id}` }], note);
    messages.banner.isSaved = this.hasJustSaved = true;
    form.typeAhead.release();
    await unsaved.forget(id);
    await unsaved.offerLeftBehind();
  }

  /** Whether a line was saved at another price than the one that was on the page. */
  isSurprise(line, price) {
    const key = getPriceKey(this.form.order, line);
    const seen = line.now?.asked === key ? line.now.price : line.known[key];
    return Boolean(seen) && !isSamePrice(seen, price);
  }

  fail(error, lines, options) {
    if (!isExpected(error)) throw error;
    const { order, messages } = this.form;
    if (error.isSignedOut) messages.askToSignIn();
    else if (["idempotency_key_reused", "stale", "settled"].includes(error.code) && error.detail.draft) {
      this.resolveConflict(error.detail.draft, lines, options);
    } else if (error.code === "idempotency_key_reused" || (error.code === "not_found" && order.draft)) {
      this.offerAsNew(gettext("Not saved: the draft was deleted meanwhile."), options);
    } else if (error.status === 400) this.showRefusal(error, lines);
    else messages.sayNotSaved(error, [{ label: gettext("Try again"), run: () => this.save(options) }]);
  }

  showRefusal({ message, detail }, lines) {
    const { messages } = this.form;
    messages.errors = {};
    for (const field of ["customer", "notes", ...Object.keys(this.form.order.details)])
      if (detail[field]) messages.errors[field] = detail[field][0];
    if (detail.discountPercent) messages.errors.discount = detail.discountPercent[0];
    for (const [place, fields] of Array.isArray(detail.lines) ? [] : Object.entries(detail.lines ?? {})) {
      const [[field, [text]]] = Object.entries(fields);
      messages.setLineError(lines[place], { discountPercent: "discount" }[field] ?? field, text);
    }
    if (messages.checkErrors()) messages.sayNotSaved({ message });
    this.form.draw();
  }

  // Conflicts

  /** The server has this order already: by an earlier save, whose answer was lost, or changed by somebody since. */
  async resolveConflict(draft, lines, options) {
    const isSame = isSameOrder(orderFromDraft(draft), this.form.order);
    const message = gettext("The draft had been saved already.");
    if (isSame && draft.state !== "open") await this.finish({ message, draft }, lines, options);
    else if (draft.state === "found")
      this.offerAsNew(gettext("Not saved: the draft was found in the ERP meanwhile."), options);
    else if (draft.state === "closed") this.offerAsNew(gettext("Not saved: the draft was closed meanwhile."), options);
    else if (isSame || draft.version === 1) await this.saveOver(draft, options);
    else this.askWhichCounts(draft, options);
  }

  async saveOver({ id, version }, options) {
    this.form.order.draft = { id, version };
    await this.save(options);
  }

  /** Somebody has saved the draft since it was opened here: the user decides. */
  askWhichCounts(draft, options) {
    this.form.messages.say("bad", gettext("Not saved: the draft was changed in another place meanwhile."), [
      { label: gettext("Replace it with this version"), run: () => this.saveOver(draft, options) },
      { label: gettext("Show the other version"), run: () => this.showOther(draft) },
    ]);
  }

  showOther(draft) {
    this.form.begin(orderFromDraft(draft), fingerprint(orderFromDraft(draft)));
    this.form.messages.say("note", gettext("What you typed is kept: you can resume it from the drafts."));
  }

  /** The draft cannot be changed any more. */
  offerAsNew(text, options) {
    const asNew = { label: gettext("Save as a new draft"), run: () => this.saveAsNew(options) };
    this.form.messages.say("bad", text, [asNew]);
  }

  async saveAsNew(options) {
    const { order, unsaved } = this.form;
    const old = order.id;
    Object.assign(order, { draft: null, id: newId() });
    unsaved.begin(fingerprint(createOrder()), NEW_ORDER);
    await unsaved.keep();
    await unsaved.forget(old);
    await this.save(options);
  }
}

/** Which order was saved: whose, of how many lines, and what it comes to. */
function describe({ customer, lines, totals, currency }) {
  const count = interpolate(ngettext("%s line", "%s lines", lines.length), [lines.length]);
  return `${[customer.name, count, `${gettext("Total")} ${formatMoney(totals.gross, currency)}`].join(" · ")}.`;
}
