// What is known of the order's customer: a panel beside the form, on a phone a sheet over it. customer_panel_view.js
// draws it. It is fetched once a customer is chosen, and takes the cursor only when it is asked for.

import { askForPart, isExpected } from "./api.js";
import { renderPanel } from "./customer_panel_view.js";
import { render } from "./vendor/lit-html/lit-html.js";

const BESIDE = "(min-width: 68.75rem)"; // 1,100 pixels: room for both

export class CustomerPanel {
  state = "idle"; // asking, found, failed
  customer = null; // the one that is shown, as the order has it
  content = ""; // of the panel, as the server draws it
  overdue = ""; // what it says of overdue invoices
  error = "";
  cameFrom = null; // where the cursor was

  constructor(form, dialog) {
    this.form = form;
    this.dialog = dialog;
    dialog.addEventListener("close", () => this.afterClose());
    dialog.addEventListener("keydown", (event) => this.press(event));
  }

  // What it shows

  /** Ask for the order's customer, unless that is here or on its way. */
  follow() {
    const { customer } = this.form.order;
    if (customer?.erpId === this.customer?.erpId) return;
    Object.assign(this, { state: "idle", customer, content: "", overdue: "" });
    this.request?.abort();
    if (customer) this.find();
    else if (this.dialog.open) this.dialog.close();
  }

  async find() {
    this.request?.abort();
    this.request = new AbortController();
    const { signal } = this.request;
    this.state = "asking";
    this.draw();
    try {
      const content = await askForPart(`/customers/${this.customer.erpId}/panel`, { signal });
      if (signal.aborted) return;
      const overdue = new DOMParser().parseFromString(content, "text/html").querySelector("[data-overdue]");
      Object.assign(this, { state: "found", content, overdue: overdue ? overdue.textContent.trim() : "" });
    } catch (error) {
      if (signal.aborted) return;
      if (!isExpected(error)) throw error;
      Object.assign(this, { state: "failed", error: error.message });
      if (error.isSignedOut) this.form.messages.askToSignIn();
    }
    this.form.draw();
    this.draw();
  }

  /** A list has been brought up to date. */
  refresh() {
    if (this.customer) this.find();
  }

  draw() {
    render(renderPanel(this), this.dialog);
  }

  // Opening and closing

  toggle() {
    const { form } = this;
    if (this.dialog.open) this.dialog.close();
    else if (form.order.customer) this.open();
    else if (!form.entry.isWaiting) {
      form.messages.errors.customer = gettext("Choose the customer.");
      form.focus("customer");
    }
  }

  /** With the cursor on its first button, or at a section that is named by its id. */
  open(section = null) {
    if (!this.dialog.open) this.cameFrom = document.activeElement;
    if (this.state === "failed") this.find();
    this.draw();
    if (!this.dialog.open && window.matchMedia(BESIDE).matches) this.dialog.show();
    else if (!this.dialog.open) this.dialog.showModal();
    document.getElementById("main").classList.add("with-panel");
    this.form.draw();
    const found = section && document.getElementById(section);
    found?.scrollIntoView();
    found?.focus();
  }

  afterClose() {
    const hadFocus = document.activeElement === document.body || document.activeElement.closest("#customer-panel");
    document.getElementById("main").classList.remove("with-panel");
    if (hadFocus) this.cameFrom?.focus();
    this.cameFrom = null;
    this.form.draw();
  }

  press(event) {
    const isKey = event.code === "KeyI" && event.altKey;
    if (event.key !== "Escape" && !isKey) return;
    event.preventDefault();
    event.stopPropagation();
    if (!event.repeat) this.dialog.close();
  }
}
