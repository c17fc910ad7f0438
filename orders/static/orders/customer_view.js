// The customer of an order: the field, and each customer that it offers.

import { renderPanelButtons } from "./customer_panel_view.js";
import { renderProblem } from "./messages_view.js";
import { fillIn } from "./texts.js";
import { html, nothing } from "./vendor/lit-html/lit-html.js";

export function renderCustomer(form) {
  const { customer, customerText } = form.order;
  const { customerBox } = form.entry;
  const problem = form.messages.errors.customer;
  return html`<section class="card customer">
    <label for="customer">${gettext("Customer")}</label>
    <div class="box">
      ${customerBox.renderInput({ text: customerText, describedBy: "customer-facts customer-problem", invalid: problem })}
      ${customerBox.renderList()}
    </div>
    <p class="facts" id="customer-facts">${customer ? renderCustomerFacts(customer) : nothing}</p>
    ${renderProblem("customer-problem", problem)} ${renderPanelButtons(form)}
  </section>`;
}

function renderCustomerFacts({ city, vatNumber, accountNumber, missingSince }) {
  const parts = [
    city,
    vatNumber && fillIn(gettext("VAT no. %(vatNumber)s"), { vatNumber }),
    accountNumber ? fillIn(gettext("Account %(accountNumber)s"), { accountNumber }) : gettext("No account yet"),
  ].filter(Boolean);
  const warning = html` <span class="warn">${gettext("This customer is no longer in the ERP's latest list.")}</span>`;
  return html`${parts.join(" · ")}${missingSince ? warning : nothing}`;
}

export function renderCustomerOption(customer) {
  return html`<strong>${customer.name}</strong> <span>${renderCustomerFacts(customer)}</span>`;
}
