// A product as it is shown: its pack, its price, and as one of those that are found.

import { formatMoney, formatNumber } from "./numbers.js";
import { fillIn } from "./texts.js";
import { html } from "./vendor/lit-html/lit-html.js";

export function formatPack({ erpId, pack, packPieces }) {
  const count = Number(packPieces);
  const pieces = count && interpolate(ngettext("%s pc.", "%s pcs.", count), [formatNumber(count)]);
  return [pack || erpId, pieces].filter(Boolean).join(" · ");
}

export function formatPrice({ unitPrice, priceUnit, currency }) {
  const pieces = Number(priceUnit) === 1 ? "" : fillIn(gettext(" for %(n)s"), { n: formatNumber(priceUnit) });
  return `${formatMoney(unitPrice, currency)}${pieces}`;
}

export function renderProductOption(product) {
  const { least, step, most } = product.orderQuantities;
  const rules = [
    formatPack(product),
    Number(least) > 1 ? fillIn(gettext("min. %(n)s"), { n: formatNumber(least) }) : "",
    Number(step) > 1 ? fillIn(gettext("multiples of %(n)s"), { n: formatNumber(step) }) : "",
    most === null ? "" : fillIn(gettext("max. %(n)s"), { n: formatNumber(most) }),
    product.isBlocked || product.isOrderable === false ? gettext("cannot be ordered") : "",
  ].filter(Boolean);
  return html`<strong>${product.name || product.erpId}</strong> <span>${product.description}</span> <span>${rules.join(" · ")}</span>`;
}
