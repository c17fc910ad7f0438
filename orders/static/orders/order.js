// An order as the form holds it: plain values, so that it can be kept in the browser. Amounts are the server's to say.

import { newId } from "./kept_forms.js";
import { language, parsedPercent, parsedQuantity, shown } from "./numbers.js";

/** An empty order; its id is also what keeps a repeated save from making two drafts. */
export function emptyOrder() {
  const lines = [emptyLine()];
  return { id: newId(), draft: null, language, customer: null, customerText: "", lines, discount: "", notes: "" };
}

export function emptyLine() {
  return { id: newId(), text: "", product: null, quantity: "", discount: "", now: null, known: {} };
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
  order.lines = draft.lines.map((line) => lineOf(line, order, draft.currency));
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
  line.known[question(order, line)] = priceOf(saved, currency);
  return line;
}

function percentText(percent) {
  return Number(percent) ? shown(percent) : "";
}

/** An order that was kept while the pages were in another language: its numbers in this one. */
export function inThisLanguage(order) {
  const quantity = (text) => parsedQuantity(text, order.language);
  const percent = (text) => text.trim() && parsedPercent(text, order.language);
  const written = (text, read) => (read(text) ? shown(read(text)) : text);
  const lines = order.lines.map((line) => ({
    ...line,
    quantity: written(line.quantity, quantity),
    usual: line.usual && written(line.usual, quantity),
    discount: written(line.discount, percent),
  }));
  return order.language === language
    ? order
    : { ...order, language, lines, discount: written(order.discount, percent) };
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
  const lines = filledLines(order).map(({ text, product, quantity, discount: off }) => [
    text,
    product?.erpId,
    quantity,
    off,
  ]);
  return JSON.stringify([customer?.erpId, customerText.trim(), lines, discount.trim(), notes.trim()]);
}

/** Whether two orders are the same to the server: numbers may be written otherwise. */
export function isSameOrder(one, other) {
  return asCompared(one) === asCompared(other);
}

function asCompared(order) {
  const { customer, lines, discountPercent, notes } = asSent(order, filledLines(order));
  const numbers = lines.map(({ product, quantity, discountPercent: off }) => [product, Number(quantity), Number(off)]);
  return JSON.stringify([customer, numbers, Number(discountPercent), notes.trim()]);
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
      product: line.product?.erpId,
      quantity: parsedQuantity(line.quantity),
      discountPercent: parsedPercent(line.discount),
    })),
    discountPercent: parsedPercent(order.discount) ?? "0",
    notes: order.notes,
  };
}

/** Whether so many of a product may be ordered: the server says which quantities may be. */
export function mayBeOrdered({ orderQuantities: { least, step, most }, isBlocked, isOrderable }, quantity) {
  const isWhole = inTenThousandths(quantity) % inTenThousandths(step) === 0;
  const isWithin = Number(quantity) >= Number(least) && (most === null || Number(quantity) <= Number(most));
  return isWhole && isWithin && !isBlocked && isOrderable !== false;
}

/** A quantity, which has four decimals at most, as a whole number: 0.3 / 0.1 is less than 3. */
function inTenThousandths(quantity) {
  return Math.round(Number(quantity) * 10_000);
}

// Prices that change while somebody looks at them

/** What a price is asked for: another customer or quantity may well have another one. */
export function question(order, line) {
  return [order.customer?.erpId ?? "", line.product.erpId, Number(parsedQuantity(line.quantity))].join("|");
}

export function priceOf({ unitPrice, priceUnit }, currency) {
  return { unitPrice, priceUnit, currency };
}

/** Note the price that counts now; the first one for a question is what is known, until another is accepted. */
export function notePrice(order, line, price) {
  const asked = question(order, line);
  line.now = { asked, price };
  line.known[asked] ??= price;
}

/** What a line's price was before it changed; null if it has not. */
export function priceBefore(order, line) {
  if (!line.product || line.now?.asked !== question(order, line)) return null; // it is not known what counts
  const known = line.known[line.now.asked];
  return isSamePrice(known, line.now.price) ? null : known;
}

export function isSamePrice(one, other) {
  return ["unitPrice", "priceUnit", "currency"].every((part) => one[part] === other[part]);
}

export function acceptPrice(line) {
  line.known[line.now.asked] = line.now.price;
}
