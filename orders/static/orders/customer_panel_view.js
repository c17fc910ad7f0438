// How the panel of the order's customer looks, and what the form says of overdue invoices.

import { html, nothing } from "./vendor/lit-html/lit-html.js";

export function renderPanel(panel) {
  const { customer, state, content } = panel;
  return html`<div class="panel-head">
      <h2 id="panel-title">${customer?.name}</h2>
      <div class="actions">
        <button type="button" class="quiet" @click=${() => panel.dialog.close()}>${gettext("Close")} <kbd>Alt+I</kbd></button>
        <a href=${`/customers/${customer?.erpId}`} target="_blank">${gettext("Open as a page")}</a>
      </div>
    </div>
    <p role="status">${state === "asking" && !content ? gettext("Loading…") : nothing}</p>
    ${state === "failed" ? renderFailure(panel) : nothing}
    <div .innerHTML=${content}></div>`;
}

function renderFailure(panel) {
  return html`<p class="banner bad" role="alert">${panel.error}
    <button type="button" class="quiet" @click=${() => panel.find()}>${gettext("Try again")}</button></p>`;
}

export function renderPanelButtons({ panel, order }) {
  return html`<p class="known">
    ${
      order.customer
        ? html`<button type="button" class="quiet" aria-keyshortcuts="Alt+I" aria-expanded=${panel.dialog.open}
            @click=${() => panel.toggle()}>${gettext("Customer overview")} <kbd>Alt+I</kbd></button>`
        : nothing
    }
    <span aria-live="polite" class=${panel.overdue ? "warn" : ""}>${panel.overdue || nothing}</span>
    ${
      panel.overdue
        ? html`<button type="button" class="quiet" @click=${() => panel.open("owed")}>${gettext("Show the invoices")}</button>`
        : nothing
    }
  </p>`;
}
