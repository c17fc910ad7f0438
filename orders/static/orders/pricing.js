// What an order costs, which is the server's to say: it is asked shortly after each change.

import { ask, isExpected } from "./api.js";
import { parsePercent, parseQuantity } from "./numbers.js";
import { canBePriced, getPrice, getPriceKey, notePrice, toRequestBody } from "./order.js";

const ASKS_AFTER = 150; // milliseconds without a change
const ASKS_AGAIN_AFTER = 5_000; // milliseconds, while there is no answer

export class Pricing {
  state = "idle"; // asking, failed
  error = null; // why it failed
  lines = new Map(); // line id -> what the server says of the line
  totals = null;
  needsApproval = false; // its discounts together are above what needs none
  currency = ""; // empty too if the server could price no line

  constructor(form) {
    this.form = form;
  }

  clear() {
    this.lines.clear();
    Object.assign(this, { totals: null, needsApproval: false });
  }

  askSoon(after = ASKS_AFTER) {
    clearTimeout(this.timer);
    this.request?.abort();
    const lines = this.form.order.lines.filter(canBePriced);
    for (const id of this.lines.keys()) if (!lines.some((line) => line.id === id)) this.lines.delete(id);
    if (!lines.length) {
      Object.assign(this, { state: "idle", totals: null, needsApproval: false });
      this.form.draw();
      return;
    }
    this.state = "asking";
    this.timer = setTimeout(() => this.ask(lines), after);
  }

  async ask(lines) {
    this.request = new AbortController();
    const { signal } = this.request;
    const { order } = this.form;
    try {
      const { body } = await ask("POST", "/api/drafts/preview", {
        body: { ...toRequestBody(order, lines), draft: order.draft?.id ?? null },
        signal,
      });
      if (!signal.aborted) this.show(lines, body.draft);
    } catch (error) {
      if (!signal.aborted) this.fail(error);
    }
  }

  show(lines, { currency, totals, needsApproval, lines: answers }) {
    const { order, unsaved } = this.form;
    Object.assign(this, { currency, totals, needsApproval, state: "idle" });
    lines.forEach((line, place) => {
      const answer = answers[place];
      this.lines.set(line.id, { ...answer, key: getPriceKey(order, line) });
      if (answer.unitPrice !== null) notePrice(order, line, getPrice(answer, currency));
    });
    unsaved.keep();
    this.form.draw();
  }

  fail(error) {
    if (!isExpected(error)) throw error;
    const { messages } = this.form;
    Object.assign(this, { state: "failed", error });
    if (error.isSignedOut) messages.askToSignIn();
    else if (error.status === 400 && error.detail.customer) messages.errors.customer = error.detail.customer[0];
    else this.timer = setTimeout(() => this.askSoon(0), ASKS_AGAIN_AFTER);
    this.form.draw();
  }

  /** What the server says of a line as it is now. */
  getAnswer(line) {
    const answer = this.lines.get(line.id);
    return line.product && answer?.key === getPriceKey(this.form.order, line) ? answer : null;
  }

  /** The quantities that may be ordered instead of a line's. */
  getNearestQuantities(line) {
    const answer = this.getAnswer(line);
    return answer?.problem?.field === "quantity" ? answer.nearestQuantities : [];
  }

  /** What is wrong with a line, as far as it is known: `{field, text}`. */
  getProblem(line) {
    const isTyped = line.quantity.trim() !== "";
    if (isTyped && parseQuantity(line.quantity) === null)
      return { field: "quantity", text: gettext("Enter the quantity.") };
    if (parsePercent(line.discount) === null)
      return { field: "discount", text: gettext("Enter a number from 0 to 100.") };
    return this.getAnswer(line)?.problem ?? null;
  }

  get discountProblem() {
    return parsePercent(this.form.order.discount) === null ? gettext("Enter a number from 0 to 100.") : null;
  }
}
