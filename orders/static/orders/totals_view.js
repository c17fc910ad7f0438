// The end of an order: discount, notes, totals, and the bar that saves it.

import { renderProblem } from "./messages_view.js";
import { formatMoney, formatNumber } from "./numbers.js";
import { getFilledLines } from "./order.js";
import { fillIn } from "./texts.js";
import { html, nothing } from "./vendor/lit-html/lit-html.js";
import { live } from "./vendor/lit-html/directives/live.js";

export function renderEnd(form) {
  const { order, messages, pageData, pricing } = form;
  const wrongDiscount = messages.errors.discount ?? pricing.discountProblem;
  const set = (field, { value }) => form.change(() => Object.assign(form.order, { [field]: value }), field);
  return html`<section class="card end">
    <div class="order-discount">
      <label for="discount">${gettext("Order discount %")}</label>
      <input id="discount" inputmode="decimal" autocomplete="off" .value=${live(order.discount)}
        aria-describedby="discount-problem" aria-invalid=${wrongDiscount ? "true" : nothing}
        @input=${({ target }) => set("discount", target)}
        @keydown=${(event) => event.key === "Enter" && !event.ctrlKey && !event.metaKey && form.focus("notes")}>
      ${renderProblem("discount-problem", wrongDiscount)}
    </div>
    <div class="notes">
      <label for="notes">${gettext("Notes")}</label>
      <textarea id="notes" rows="3" maxlength=${pageData.notesLength} .value=${live(order.notes)}
        @input=${({ target }) => set("notes", target)}></textarea>
      ${renderProblem("notes-problem", messages.errors.notes)}
    </div>
    ${renderTotals(pricing, pageData.terms)}
  </section>`;
}

function renderTotals({ state, error, totals, needsApproval, currency }, terms) {
  if (!totals && state !== "failed") {
    return html`<p id="totals" class="muted">${gettext("Totals appear as you type.")}</p>`;
  }
  const rows = totals && currency ? getTotalRows(totals, currency, terms) : [];
  const outdated = () => html`<p class="warn">${gettext("Prices and totals are not up to date.")} ${error.message}</p>`;
  return html`<div id="totals" class=${state === "idle" ? "" : "old"}>
    <dl>${rows.map(([name, amount]) => html`<div><dt>${name}</dt><dd class="amount">${amount}</dd></div>`)}</dl>
    <p id="approval" class=${needsApproval ? "warn" : ""} role="status">${needsApproval ? describeApproval(totals, terms) : nothing}</p>
    ${state === "failed" ? outdated() : nothing}
  </div>`;
}

function describeApproval({ discountPercent }, { approvalAbove }) {
  return fillIn(gettext("Needs approval: the discounts come to %(percent)s%, above %(limit)s%."), {
    percent: formatNumber(discountPercent),
    limit: formatNumber(approvalAbove),
  });
}

function getTotalRows(totals, currency, { shippingBelow }) {
  const { goods, discount, net, shipping, netWithoutVat, vatByRate, gross } = totals;
  const format = (amount) => formatMoney(amount, currency);
  const rows = [[gettext("Net"), format(net)]];
  if (Number(discount)) rows.unshift([gettext("Goods"), format(goods)], [gettext("Discount"), format(`-${discount}`)]);
  if (Number(shipping)) {
    rows.push([fillIn(gettext("Shipping, below %(net)s"), { net: format(shippingBelow) }), format(shipping)]);
  }
  for (const { rate, amount } of vatByRate) {
    rows.push([fillIn(gettext("VAT %(rate)s%"), { rate: formatNumber(rate) }), format(amount)]);
  }
  const isIncomplete = hasUnknownVat(totals);
  if (isIncomplete) rows.push([fillIn(gettext("VAT not known, on %(net)s"), { net: format(netWithoutVat) }), "—"]);
  rows.push([isIncomplete ? gettext("Total, VAT incomplete") : gettext("Total"), format(gross)]);
  return rows;
}

function hasUnknownVat(totals) {
  return Number(totals.netWithoutVat) !== 0;
}

/** What the totals leave out. */
function renderLeftOut({ order, pricing: { state, lines, totals } }) {
  const renderText = (text) => html`<span class="left-out">${text}</span>`;
  if (state === "failed") return renderText(gettext("not up to date"));
  if (state !== "idle") return nothing;
  const left = getFilledLines(order).filter(({ id }) => !lines.get(id) || lines.get(id).problem).length;
  if (left) return renderText(interpolate(ngettext("without %s line", "without %s lines", left), [left]));
  return totals && hasUnknownVat(totals) ? renderText(gettext("VAT not known for some lines")) : nothing;
}

export function renderBar(form) {
  const { pricing, saving } = form;
  const { totals, currency, state } = pricing;
  const total = totals && currency ? formatMoney(totals.gross, currency) : "";
  const gross = total ? html`${gettext("Total")} <strong>${total}</strong>` : nothing;
  const left = renderLeftOut(form);
  const isEmptyBar = gross === nothing && left === nothing;
  const heard =
    state === "failed" ? gettext("Prices and totals are not up to date.") : total && `${gettext("Total")} ${total}`;
  return html`<div class="bar">
    <p class="only-heard" id="total-heard" role="status">${heard}</p>
    <p class="gross ${isEmptyBar ? "nothing" : ""} ${state === "idle" ? "" : "old"}">${gross} ${left}</p>
    <p class="keys muted">${gettext("Enter: next field · Ctrl+Enter: save · Alt+↓↑: next quantity that can be ordered")}</p>
    <div class="actions">
      <a class="button" id="done" href="/drafts" @click=${(event) => form.leave(event)}>${gettext("Done")}</a>
      <button type="button" id="save" class="primary" ?disabled=${saving.isSaving} aria-keyshortcuts="Control+Enter"
        @click=${() => saving.save()}>${saving.isSaving ? gettext("Saving…") : gettext("Save draft")}</button>
    </div>
  </div>`;
}
