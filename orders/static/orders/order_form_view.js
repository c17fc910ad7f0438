// How the order form looks, drawn from its state.

import { renderCustomer } from "./customer_view.js";
import { renderDetails } from "./details_view.js";
import { renderLines } from "./lines_view.js";
import { renderBanner, renderLeftBehind, renderUnsavedDialog } from "./messages_view.js";
import { renderNews } from "./mirror_view.js";
import { isEmpty } from "./order.js";
import { fillIn } from "./texts.js";
import { renderPasteDialog } from "./pasted_list_view.js";
import { renderBar, renderEnd } from "./totals_view.js";
import { html } from "./vendor/lit-html/lit-html.js";

export function renderForm(form) {
  return html`
    ${renderHead(form)} ${renderBanner(form)} ${renderLeftBehind(form)}
    <form autocomplete="off" novalidate ?inert=${form.saving.isSaving} @submit=${(event) => event.preventDefault()}>
      ${renderCustomer(form)} ${renderLines(form)} ${renderDetails(form)} ${renderEnd(form)}
    </form>
    ${renderBar(form)} ${renderUnsavedDialog(form)} ${renderPasteDialog(form)}`;
}

function renderHead(form) {
  const { draft } = form.order;
  const title = draft ? fillIn(gettext("Draft %(id)s"), draft) : gettext("New order");
  document.title = `${title} · Archibald`;
  return html`<div class="title"><h1>${title}</h1>
      <button type="button" class="quiet" ?hidden=${isEmpty(form.order)} ?disabled=${form.saving.isSaving}
        @click=${() => form.clear()}>${gettext("Clear")}</button>
    </div>
    ${renderNews(form)}`;
}
