// Where an order goes, when, for what reference, and which kind it is: folded up until it is needed.

import { renderProblem } from "./messages_view.js";
import { html, nothing } from "./vendor/lit-html/lit-html.js";
import { live } from "./vendor/lit-html/directives/live.js";

export function renderDetails(form) {
  const { details } = form;
  return html`<details class="card details" ?open=${details.isOpen}
    @toggle=${({ target }) => details.toggle(target.open)}>
    <summary id="details">${gettext("Delivery and references")}${renderFoldedAddress(form)}</summary>
    <div class="fields">
      ${renderText(form, "deliveryAddress", gettext("Delivery address"), {
        placeholder: gettext("The customer's own"),
        length: form.pageData.addressLength,
        suggestions: details.addresses,
      })}
      ${renderText(form, "customerReference", gettext("Customer reference"), {
        length: form.pageData.referenceLength,
      })}
      ${renderText(form, "deliveryDate", gettext("Wanted delivery date"), { type: "date" })}
      ${renderCheck(form, "isQuote", gettext("Quote"))} ${renderCheck(form, "isGift", gettext("Gift order"))}
    </div>
  </details>`;
}

/** Where the order goes, while that is folded up: after a change of customer it may be the other one's address. */
function renderFoldedAddress({ details, order }) {
  const address = order.details.deliveryAddress.trim();
  return address && !details.isOpen ? html`<span>: ${address}</span>` : nothing;
}

function renderText(form, name, label, { type = "text", placeholder = "", length, suggestions }) {
  const problem = form.messages.errors[name];
  return html`<div class=${name}>
    <label for=${name}>${label}</label>
    <input id=${name} type=${type} autocomplete="off" placeholder=${placeholder} maxlength=${length ?? nothing}
      list=${suggestions ? `${name}-list` : nothing} .value=${live(form.order.details[name])}
      aria-describedby="${name}-problem" aria-invalid=${problem ? "true" : nothing}
      @focus=${() => form.details.loadAddresses()} @input=${({ target }) => form.details.set(name, target.value)}>
    ${
      suggestions
        ? html`<datalist id="${name}-list">${suggestions.map((each) => html`<option value=${each}></option>`)}</datalist>`
        : nothing
    }
    ${renderProblem(`${name}-problem`, problem)}
  </div>`;
}

function renderCheck(form, name, label) {
  return html`<label class="check"><input id=${name} type="checkbox" .checked=${live(form.order.details[name])}
    @change=${({ target }) => form.details.set(name, target.checked)}> ${label}</label>`;
}
