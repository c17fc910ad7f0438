// The order as long as it is not saved: it is kept in this browser, and offered to whoever comes back.

import { NEW_ORDER, findLeftBehind, forget, keep, recall, resume } from "./kept_forms.js";
import { fingerprint, isEmpty } from "./order.js";

export class UnsavedOrder {
  saved = ""; // what the server has of the order, as a fingerprint
  loaded = ""; // what the form showed first, as a fingerprint: of a copy, what it copies; of a customer's, the customer
  slot = location.pathname + location.search; // the address at which this tab shows the order
  leftBehind = []; // forms that other tabs have left behind

  constructor(form) {
    this.form = form;
  }

  get isChanged() {
    return fingerprint(this.form.order) !== this.saved;
  }

  /** The order that this tab had not saved; null if there is none. */
  recall() {
    return recall(this.form.pageData.user, this.slot);
  }

  begin(saved, slot) {
    Object.assign(this, { saved, loaded: saved, leftBehind: [] });
    this.moveTo(slot);
  }

  moveTo(slot) {
    this.slot = slot;
    history.replaceState(null, "", slot);
    document.querySelector("footer [name=next]").value = slot; // where a change of language comes back to
  }

  async keep() {
    const { order, pageData, messages } = this.form;
    if (!this.isChanged) {
      await this.forget(order.id);
    } else if (fingerprint(order) !== this.loaded || !location.search) {
      if (location.search) this.moveTo(NEW_ORDER); // a copy, or an order for a customer, once it is touched
      if (await keep(pageData.user, this.slot, order)) return;
      messages.say("warn", gettext("This browser cannot keep the order: save it before you leave the page."));
    }
  }

  forget(id) {
    return forget(this.form.pageData.user, id);
  }

  async offerLeftBehind() {
    if (!isEmpty(this.form.order)) return;
    const forms = await findLeftBehind(this.form.pageData.user);
    this.leftBehind = forms.filter(({ id }) => id !== this.form.order.id);
    this.form.draw();
  }

  resume(kept) {
    location.assign(resume(kept));
  }
}
