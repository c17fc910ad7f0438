// An order as the form holds it: plain values, so that it can be kept in the browser. Amounts are the server's to say.

import { newId } from "./kept_forms.js";
import { parsedPercent, parsedQuantity, shown } from "./numbers.js";

/** An empty order; its id is also what keeps a repeated save from making two drafts. */
export function emptyOrder() {
  return { id: newId(), draft: null, customer: null, customerText: "", lines: [emptyLine()], discount: "", notes: "" };
}

export function emptyLine() {
  return { id: newId(), text: "", product: null, quantity: "", discount: "", seen: null };
}

/** The order of a saved draft, or a copy of it that is a draft of its own. */
export function orderOf(draft, { isCopy = false } = {}) {
  const order = {
    ...emptyOrder(),
    draft: isCopy ? null : { id: draft.id, version: draft.version },
    customer: draft.customer,
    customerText: draft.customer.name,
    discount: percentText(draft.discountPercent),
    notes: draft.notes,
  };
  order.lines = [...draft.lines.map((line) => lineOf(line, order, draft.currency)), emptyLine()];
  return order;
}

function lineOf(saved, order, currency) {
  const line = {
    ...emptyLine(),
    text: saved.product.name || saved.product.erpId,
    product: saved.product,
    quantity: shown(saved.quantity),
    discount: percentText(saved.discountPercent),
  };
  line.seen = priceSeen(order, line, { ...saved, currency });
  return line;
}

function percentText(percent) {
  return Number(percent) ? shown(percent) : "";
}

/** The lines in which something was filled in. */
export function filledLines(order) {
  return order.lines.filter((line) => line.text.trim() || line.product);
}

export function isEmpty(order) {
  return !order.customerText.trim() && !order.notes.trim() && !order.discount.trim() && !filledLines(order).length;
}

/** What tells one order from another: what the user filled in. */
export function content(order) {
  const { customer, customerText, discount, notes } = order;
  const lines = filledLines(order).map(({ text, product, quantity, discount: off }) => [text, product?.erpId, quantity, off]);
  return JSON.stringify([customer?.erpId, customerText.trim(), lines, discount.trim(), notes.trim()]);
}

/** Whether the server can say what a line costs. */
export function canBePriced(line) {
  return Boolean(line.product) && parsedQuantity(line.quantity) !== null && parsedPercent(line.discount) !== null;
}

/** An order as the API takes it, with these lines. */
export function asSent(order, lines) {
  return {
    customer: order.customer?.erpId ?? null,
    lines: lines.map((line) => ({
      product: line.product.erpId,
      quantity: parsedQuantity(line.quantity),
      discountPercent: parsedPercent(line.discount),
    })),
    discountPercent: parsedPercent(order.discount) ?? "0",
    notes: order.notes,
  };
}

/** The smallest quantity of a product that may be ordered, or the one it is usually ordered in, as text. */
export function usualQuantity(product) {
  const step = Number(product.multipleQuantity) || 1;
  const wanted = Math.max(Number(product.defaultQuantity) || Number(product.minimumQuantity) || step, step);
  return shown(Math.ceil(wanted / step) * step);
}

/** Whether so many of a product may be ordered, as far as its minimum, multiple and maximum say. */
export function mayBeOrdered(product, quantity) {
  const { minimumQuantity, multipleQuantity, maximumQuantity, isBlocked, isOrderable } = product;
  const steps = quantity / (Number(multipleQuantity) || 1);
  const isWhole = Math.abs(steps - Math.round(steps)) < 1e-9 && steps >= 1;
  const isWithin = quantity >= Number(minimumQuantity) && quantity <= (Number(maximumQuantity) || Infinity);
  return isWhole && isWithin && !isBlocked && isOrderable !== false;
}

// Prices that change while somebody looks at them

/** A price, and what it was asked for: another customer or quantity may well have another one. */
export function priceSeen(order, line, { unitPrice, priceUnit, currency }) {
  const askedFor = [order.customer?.erpId ?? "", line.product.erpId, parsedQuantity(line.quantity)].join("|");
  return { askedFor, unitPrice, priceUnit, currency };
}

/** Note the price that counts: what was seen for the same thing before, and is another one, stays as `line.was`. */
export function notePrice(order, line, priced) {
  const now = priceSeen(order, line, priced);
  const before = line.was ?? line.seen;
  const isSameQuestion = before?.askedFor === now.askedFor;
  const isSamePrice = ["unitPrice", "priceUnit", "currency"].every((part) => before?.[part] === now[part]);
  line.was = isSameQuestion && !isSamePrice ? before : null;
  line.seen = now;
}

export function acceptPrice(line) {
  line.was = null;
}
