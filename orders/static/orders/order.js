// An order as the form holds it: plain values, so that it can be kept in the browser. Amounts are the server's to say.

import { newId } from "./kept_forms.js";
import { formatNumber, language, parsePercent, parseQuantity } from "./numbers.js";

/** What an order may say of itself besides its lines, as the API calls it; empty. */
const NO_DETAILS = { deliveryAddress: "", deliveryDate: "", customerReference: "", isGift: false, isQuote: false };

/** An empty order; its id is also what keeps a repeated save from making two drafts. */
export function createOrder() {
  const empty = { customer: null, customerText: "", lines: [createLine()], discount: "", notes: "" };
  return { id: newId(), draft: null, language, ...empty, details: { ...NO_DETAILS } };
}

export function createOrderFor(customer) {
  return { ...createOrder(), customer, customerText: customer.name };
}

export function createLine() {
  return { id: newId(), text: "", product: null, quantity: "", discount: "", now: null, known: {}, pasted: null };
}

/** The order of a saved draft, or a copy of it that is a draft of its own. */
export function orderFromDraft(draft, { isCopy = false } = {}) {
  const order = {
    ...createOrder(),
    draft: isCopy ? null : { id: draft.id, version: draft.version },
    customer: draft.customer,
    customerText: draft.customer.name,
    discount: formatPercent(draft.discountPercent),
    notes: draft.notes,
    details: readDetails(draft),
  };
  order.lines = draft.lines.map((line) => lineFromDraft(line, order, draft.currency));
  return order;
}

function readDetails(draft) {
  return Object.fromEntries(Object.keys(NO_DETAILS).map((name) => [name, draft[name] ?? NO_DETAILS[name]]));
}

function lineFromDraft(saved, order, currency) {
  const line = {
    ...createLine(),
    text: saved.product.name || saved.product.erpId,
    product: saved.product,
    quantity: formatNumber(saved.quantity),
    discount: formatPercent(saved.discountPercent),
  };
  line.known[getPriceKey(order, line)] = getPrice(saved, currency);
  return line;
}

/** A line as it was ordered the last time; without a product, which has to be chosen, if that is not certain. */
export function lineFromPurchase({ product, article, last }) {
  const quantity = formatNumber(last.quantity);
  return {
    ...createLine(),
    text: product ? product.name || product.erpId : article,
    product,
    quantity,
    usual: quantity,
    discount: formatPercent(last.discountPercent),
  };
}

const DOUBTS_OF = { product: ["code", "codes", "packs"], quantity: ["quantity", "no_quantity", "too_long"] }; // by field

/** A line of a pasted list: of several packs the first in which its quantity may be ordered; with what is not clear. */
export function lineFromPasted({ text, code, quantity, products, doubts }) {
  const product = products.find((each) => quantity !== null && mayBeOrdered(each, quantity)) ?? products[0] ?? null;
  const usual = product ? formatNumber(product.orderQuantities.usual) : "";
  return {
    ...createLine(),
    text: product ? product.name || product.erpId : code,
    product,
    quantity: quantity === null ? usual : formatNumber(quantity),
    usual,
    pasted: doubts.length ? { text, doubts } : null,
  };
}

/** What is still not clear about a pasted line once its product, or its quantity, is filled in. */
export function getDoubtsLeft({ pasted }, field) {
  const doubts = pasted?.doubts.filter((doubt) => !DOUBTS_OF[field].includes(doubt)) ?? [];
  return doubts.length ? { ...pasted, doubts } : null;
}

export function formatPercent(percent) {
  return Number(percent) ? formatNumber(percent) : "";
}

/** An order that was kept while the pages were in another language: its numbers in this one. */
export function translateNumbers(order) {
  const quantity = (text) => parseQuantity(text, order.language);
  const percent = (text) => text.trim() && parsePercent(text, order.language);
  const rewrite = (text, read) => (read(text) ? formatNumber(read(text)) : text);
  const lines = order.lines.map((line) => ({
    ...line,
    quantity: rewrite(line.quantity, quantity),
    usual: line.usual && rewrite(line.usual, quantity),
    discount: rewrite(line.discount, percent),
  }));
  return order.language === language
    ? order
    : { ...order, language, lines, discount: rewrite(order.discount, percent) };
}

/** The lines in which something was filled in. */
export function getFilledLines(order) {
  return order.lines.filter((line) => line.text.trim() || line.product);
}

export function isEmpty(order) {
  const texts = [order.customerText, order.notes, order.discount];
  return !texts.some((text) => text.trim()) && !hasDetails(order) && !getFilledLines(order).length;
}

/** Whether any of its details was filled in. */
export function hasDetails({ details }) {
  return Object.values(trimDetails(details)).some(Boolean);
}

function trimDetails(details) {
  return Object.fromEntries(
    Object.entries(details).map(([name, value]) => [name, typeof value === "string" ? value.trim() : value]),
  );
}

/** What tells one order from another: what the user filled in. */
export function fingerprint(order) {
  const { customer, customerText, discount, notes } = order;
  const lines = getFilledLines(order).map(({ text, product, quantity, discount: off }) => [
    text,
    product?.erpId,
    quantity,
    off,
  ]);
  const texts = [customerText, discount, notes].map((text) => text.trim());
  return JSON.stringify([customer?.erpId, texts, lines, trimDetails(order.details)]);
}

/** Whether two orders are the same to the server: numbers may be written otherwise. */
export function isSameOrder(one, other) {
  return toComparable(one) === toComparable(other);
}

function toComparable(order) {
  const { customer, lines, discountPercent, notes, ...details } = toRequestBody(order, getFilledLines(order));
  const numbers = lines.map(({ product, quantity, discountPercent: off }) => [product, Number(quantity), Number(off)]);
  return JSON.stringify([customer, numbers, Number(discountPercent), notes.trim(), details]);
}

/** Whether the server can say what a line costs. */
export function canBePriced(line) {
  return Boolean(line.product) && parseQuantity(line.quantity) !== null && parsePercent(line.discount) !== null;
}

/** An order as the API takes it, with these lines. */
export function toRequestBody(order, lines) {
  return {
    customer: order.customer?.erpId ?? null,
    lines: lines.map((line) => ({
      product: line.product?.erpId,
      quantity: parseQuantity(line.quantity),
      discountPercent: parsePercent(line.discount),
    })),
    discountPercent: parsePercent(order.discount) ?? "0",
    notes: order.notes,
    ...trimDetails(order.details),
    deliveryDate: order.details.deliveryDate || null,
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
export function getPriceKey(order, line) {
  return [order.customer?.erpId ?? "", line.product.erpId, Number(parseQuantity(line.quantity))].join("|");
}

export function getPrice({ unitPrice, priceUnit }, currency) {
  return { unitPrice, priceUnit, currency };
}

/** Note the price that counts now; the first one for a key is what is known, until another is accepted. */
export function notePrice(order, line, price) {
  const key = getPriceKey(order, line);
  line.now = { asked: key, price };
  line.known[key] ??= price;
}

/** What a line's price was before it changed; null if it has not. */
export function getOldPrice(order, line) {
  if (!line.product || line.now?.asked !== getPriceKey(order, line)) return null; // it is not known what counts
  const known = line.known[line.now.asked];
  return isSamePrice(known, line.now.price) ? null : known;
}

export function isSamePrice(one, other) {
  return ["unitPrice", "priceUnit", "currency"].every((part) => one[part] === other[part]);
}

export function acceptPrice(line) {
  line.known[line.now.asked] = line.now.price;
}
