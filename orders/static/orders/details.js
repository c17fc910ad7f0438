// What an order says of itself besides its lines: where it goes, when, for what reference, and which kind it is.

import { ask, isExpected } from "./api.js";
import { hasDetails } from "./order.js";

export class OrderDetails {
  isOpen = false;
  addresses = []; // where the customer's orders went
  customer = null; // whose they are, by erpId
  followed = null; // the order's customer when it was looked at last

  constructor(form) {
    this.form = form;
  }

  /** Another order is shown. */
  begin() {
    this.isOpen = hasDetails(this.form.order);
    clearHalfDate();
    this.follow();
  }

  toggle(isOpen) {
    this.isOpen = isOpen;
    this.loadAddresses();
    this.form.draw();
  }

  /** The order may be another customer's now; what failed is not asked again at each key. */
  follow() {
    const customer = this.form.order.customer?.erpId ?? null;
    if (customer === this.followed) return;
    this.followed = customer;
    this.loadAddresses();
  }

  set(name, value) {
    this.form.change((order) => Object.assign(order.details, { [name]: value }), name);
  }

  /** Ask where the customer's orders went, once it is of use. */
  async loadAddresses() {
    const customer = this.form.order.customer?.erpId ?? null;
    if (!this.isOpen || customer === this.customer) return;
    Object.assign(this, { customer, addresses: [] });
    if (customer === null) return;
    try {
      const { body } = await ask("GET", `/api/customers/${customer}/delivery-addresses`);
      if (customer === this.customer) this.addresses = body.deliveryAddresses;
    } catch (error) {
      if (!isExpected(error)) throw error;
      if (customer === this.customer) this.customer = null; // they are asked for again when the box is used
    }
    this.form.draw();
  }
}

/** Whether there is a date that is not whole or not possible: browsers give it as none. */
export function hasHalfDate() {
  return Boolean(document.getElementById("deliveryDate")?.validity.badInput);
}

function clearHalfDate() {
  if (hasHalfDate()) document.getElementById("deliveryDate").value = "";
}
