// The lines of an order: products, quantities and prices, and each product that they offer.

import { renderProblem } from "./messages_view.js";
import { formatMoney, formatNumber, parseQuantity } from "./numbers.js";
import { getOldPrice, mayBeOrdered } from "./order.js";
import { renderDoubts } from "./pasted_list_view.js";
import { formatPack, formatPrice } from "./products_view.js";
import { fillIn } from "./texts.js";
import { describeLast, renderPriceChange, renderShortcuts } from "./usual_products_view.js";
import { html, nothing } from "./vendor/lit-html/lit-html.js";
import { live } from "./vendor/lit-html/directives/live.js";
import { repeat } from "./vendor/lit-html/directives/repeat.js";

const OTHERS = 3; // lines of the same article that a line names

export function renderLines(form) {
  const places = getPlaces(form.order.lines);
  return html`<section class="card lines" aria-label=${gettext("Lines")}>
    <div class="line headings" aria-hidden="true">
      <span>${gettext("Product")}</span><span>${gettext("Pack")}</span><span>${gettext("Quantity")}</span>
      <span>${gettext("Discount %")}</span><span class="amount">${gettext("Price")}</span>
      <span class="amount">${gettext("Amount")}</span><span></span>
    </div>
    ${repeat(
      form.order.lines,
      ({ id }) => id,
      (line, place) => renderLine(form, line, place + 1, places),
    )}
    ${renderShortcuts(form)}
  </section>`;
}

function getArticle({ product }) {
  return product && (product.name || product.erpId);
}

/** By article, in which lines it is. */
function getPlaces(lines) {
  const places = new Map();
  lines.forEach((line, place) => {
    const article = getArticle(line);
    if (article) places.set(article, [...(places.get(article) ?? []), place + 1].slice(0, OTHERS + 2));
  });
  return places;
}

function renderLine(form, line, number, places) {
  const error = form.messages.errors[line.id] ?? form.pricing.getProblem(line);
  const isLastEmpty = number === form.order.lines.length && !line.text.trim();
  return html`<div class="line ${error ? "wrong" : ""} ${isLastEmpty ? "empty" : ""}" role="group"
      aria-label=${fillIn(gettext("Line %(number)s"), { number })}>
    ${renderProduct(form, line, error)} ${renderPack(form, line)} ${renderQuantity(form, line, error, isLastEmpty)}
    ${renderDiscount(form, line, error, isLastEmpty)} ${renderPrices(form, line)}
    <button type="button" class="quiet remove" ?hidden=${isLastEmpty} @click=${() => form.entry.removeLine(line)}
      aria-label=${fillIn(gettext("Remove line %(number)s"), { number })}>×</button>
    <div class="below">
      ${renderProblem(`problem-${line.id}`, error?.text)} ${renderNearest(form, line)} ${renderUnknownVat(form, line)} ${renderPriceKind(form, line)} ${renderNewPrice(form, line)}
      ${renderRepeated(places.get(getArticle(line)), number)} ${renderLast(form, line)} ${renderDoubts(form, line)}
    </div>
  </div>`;
}

function renderProduct(form, line, error) {
  const box = form.entry.getProductBox(line);
  const invalid = error?.field === "product";
  return html`<div class="product box">
    <label for=${box.id}>${gettext("Product")}</label>
    ${box.renderInput({ text: line.text, describedBy: `problem-${line.id}`, invalid, placeholder: gettext("Code or words") })}
    ${box.renderList()}
    ${line.product ? html`<p class="facts">${line.product.description}</p>` : nothing}
  </div>`;
}

function renderPack(form, line) {
  const packs = form.entry.getPacks(line);
  if (packs.length < 2) {
    return html`<div class="pack"><p class="single">${line.product ? formatPack(line.product) : nothing}</p></div>`;
  }
  return html`<div class="pack">
    <label for="pack-${line.id}">${gettext("Pack")}</label>
    <select id="pack-${line.id}" .value=${live(line.product.erpId)} @change=${({ target }) => form.entry.choosePack(line, target.value)}>
      ${packs.map((product) => html`<option value=${product.erpId} ?selected=${product.erpId === line.product.erpId}>${formatPack(product)}</option>`)}
    </select>
  </div>`;
}

function renderQuantity(form, line, error, isLastEmpty) {
  return html`<div class="quantity">
    <label for="quantity-${line.id}">${gettext("Quantity")}</label>
    <input id="quantity-${line.id}" inputmode="decimal" enterkeyhint="next" autocomplete="off" .value=${live(line.quantity)}
      ?disabled=${isLastEmpty} aria-describedby="problem-${line.id}" aria-invalid=${error?.field === "quantity" ? "true" : nothing}
      @focus=${() => form.entry.keepQuantity(line)}
      @input=${({ target }) => form.entry.setQuantity(line, target.value)} @keydown=${(event) => form.entry.pressInQuantity(event, line)}>
  </div>`;
}

function renderDiscount(form, line, error, isLastEmpty) {
  const change = ({ target }) => form.entry.setInLine(line, "discount", { discount: target.value });
  return html`<div class="discount">
    <label for="discount-${line.id}">${gettext("Discount %")}</label>
    <input id="discount-${line.id}" inputmode="decimal" enterkeyhint="next" autocomplete="off" .value=${live(line.discount)}
      ?disabled=${isLastEmpty} aria-describedby="problem-${line.id}" aria-invalid=${error?.field === "discount" ? "true" : nothing}
      @input=${change} @keydown=${(event) => form.entry.pressInLine(event, line)}>
  </div>`;
}

function renderPrices({ pricing }, line) {
  const answer = pricing.lines.get(line.id);
  const isOld = pricing.state === "idle" ? "" : "old";
  if (!answer || answer.unitPrice === null) {
    return html`<p class="price amount ${isOld}"></p><p class="sum amount ${isOld}"></p>`;
  }
  const { currency } = pricing;
  return html`<p class="price amount ${isOld}"><span class="label">${gettext("Price")}</span>
      ${formatPrice({ ...answer, currency })}</p>
    <p class="sum amount ${isOld}"><span class="label">${gettext("Amount")}</span>
      ${formatMoney(answer.goods, currency)}</p>`;
}

/** What may be ordered instead: quantities next to the typed one, and packs in which that one may be. */
function renderNearest(form, line) {
  const { entry, pricing } = form;
  const quantities = pricing.getNearestQuantities(line);
  if (!quantities.length) return nothing;
  const take = (quantity) => {
    entry.setQuantity(line, formatNumber(quantity));
    form.focus(`quantity-${line.id}`);
  };
  const quantityButton = (quantity) =>
    html`<button type="button" @click=${() => take(quantity)}>${formatNumber(quantity)}</button>`;
  const packs = entry.getPacks(line).filter((product) => mayBeOrdered(product, parseQuantity(line.quantity)));
  const packButton = (product) => {
    const text = fillIn(gettext("%(quantity)s in %(pack)s"), { quantity: line.quantity, pack: formatPack(product) });
    return html`<button type="button" @click=${() => entry.choosePack(line, product.erpId)}>${text}</button>`;
  };
  return html`<p class="actions">${quantities.map(quantityButton)} ${packs.map(packButton)}</p>`;
}

function renderUnknownVat({ pricing }, line) {
  const answer = pricing.lines.get(line.id);
  if (!answer || answer.unitPrice === null || answer.vatRate !== null) return nothing;
  return html`<p class="muted unknown-vat">${gettext("VAT not known")}</p>`;
}

/** What is special about a price, and a warning of a discount that it is not meant for. */
function renderPriceKind({ pricing }, line) {
  const { isNetPrice, priceAudience, warning } = pricing.getAnswer(line) ?? {};
  const marks = [
    isNetPrice ? gettext("Net price") : "",
    priceAudience === "customer" ? gettext("This customer's own price") : "",
  ].filter(Boolean);
  return html`${marks.map((mark) => html`<p class="mark">${mark}</p>`)}
    <p class="warning warn" aria-live="polite">${warning ?? nothing}</p>`;
}

/** That the same article is in other lines too. */
function renderRepeated(places = [], number) {
  const others = places.filter((place) => place !== number);
  const named = [...others.slice(0, OTHERS), ...(others.length > OTHERS ? ["…"] : [])].join(", ");
  const text = interpolate(ngettext("Also in line %s.", "Also in lines %s.", others.length), [named]);
  return html`<p class="repeated muted" aria-live="polite">${others.length ? text : nothing}</p>`;
}

/** How the customer ordered it the last time. */
function renderLast(form, line) {
  const answer = form.pricing.getAnswer(line);
  if (!answer?.last) return nothing;
  return html`<p class="last muted">${describeLast(form, answer.last)} ${renderPriceChange(answer)}</p>`;
}

function renderNewPrice(form, line) {
  const before = getOldPrice(form.order, line);
  if (!before) return nothing;
  return html`<p class="price-change warn" role="status">${gettext("The price has changed:")}
    <del>${formatPrice(before)}</del> → <ins>${formatPrice(line.now.price)}</ins>
    <button type="button" class="quiet" @click=${() => form.acceptPrice(line)}>${gettext("Seen")}</button></p>`;
}
