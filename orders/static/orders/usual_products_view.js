// How it is shown what the customer has ordered before: as options of an empty box, in a line, and to be repeated.

import { formatDay } from "../archibald/clock.js";
import { formatNumber } from "./numbers.js";
import { formatPack, formatPrice } from "./products_view.js";
import { fillIn } from "./texts.js";
import { html, nothing } from "./vendor/lit-html/lit-html.js";

const CHANGES = { risen: gettext("price has risen"), fallen: gettext("price has fallen") };

/** A usual product; `place` is the line of the order that has it, from 1, or 0. */
export function renderUsualProduct(form, offered, place) {
  const { product, last, problem } = offered;
  const isOut = problem?.field === "product";
  const mark = place ? html` · ${fillIn(gettext("✓ In line %(place)s"), { place })}` : nothing;
  return html`<strong>${product.name || product.erpId}</strong>${mark}
    <span>${[product.description, formatPack(product)].filter(Boolean).join(" · ")}</span>
    <span>${describeLast(form, last)} ${renderPriceChange(offered)}</span>
    ${isOut ? html`<span class="warn">${problem.text}</span>` : nothing}`;
}

/** How a product was ordered the last time. */
export function describeLast(
  { pageData },
  { quantity, unitPrice, isDerived, priceUnit, currency, discountPercent, at },
) {
  const price =
    unitPrice === null ? "" : ` × ${isDerived ? "≈ " : ""}${formatPrice({ unitPrice, priceUnit, currency })}`;
  const discount = Number(discountPercent) ? `−${formatNumber(discountPercent)} %` : "";
  const amount = [`${formatNumber(quantity)}${price}`, discount, formatDay(at, pageData.timeZone)];
  return fillIn(gettext("last: %(amount)s"), { amount: amount.filter(Boolean).join(", ") });
}

export function renderPriceChange({ priceChange }) {
  const text = CHANGES[priceChange];
  return text ? html`<em class="${priceChange}">${text}</em>` : nothing;
}

/** What is quicker than typing, below the lines. */
export function renderShortcuts(form) {
  const { usual, entry, pasted } = form;
  const { lastOrder, products } = usual;
  const count = usual.getMissing().length;
  const lines = interpolate(ngettext("%s line", "%s lines", count), [count]);
  const day = lastOrder.length && formatDay(lastOrder[0].last.at, form.pageData.timeZone);
  return html`<p class="actions shortcuts">
    ${
      count
        ? html`<button type="button" class="quiet" aria-keyshortcuts="Alt+R" @click=${() => usual.repeatLastOrder()}>
            ${fillIn(gettext("Repeat the order of %(day)s, %(lines)s"), { day, lines })} <kbd>Alt+R</kbd></button>`
        : nothing
    }
    ${
      products.length
        ? html`<button type="button" class="quiet" @click=${() => entry.offerUsualProducts()}>
            ${gettext("Usual products")} <kbd>↓</kbd></button>`
        : nothing
    }
    <button type="button" class="quiet" aria-keyshortcuts="Alt+P" @click=${() => pasted.open()}>
      ${gettext("Paste a list")} <kbd>Alt+P</kbd></button></p>`;
}
