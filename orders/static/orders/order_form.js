// The order form: which order it shows, and how its parts work together. order_form_view.js draws it.

import { CustomerPanel } from "./customer_panel.js";
import { OrderDetails } from "./details.js";
import { OrderEntry } from "./entry.js";
import { NEW_ORDER } from "./kept_forms.js";
import { makeSpaceForLists } from "./list_space.js";
import { Messages } from "./messages.js";
import { acceptPrice, createOrder, createOrderFor, fingerprint, orderFromDraft, translateNumbers } from "./order.js";
import { renderForm } from "./order_form_view.js";
import { PastedList } from "./pasted_list.js";
import { Pricing } from "./pricing.js";
import { Saving } from "./saving.js";
import { OrderFormSession } from "./session.js";
import { LiveStatus } from "./status.js";
import { TypeAhead } from "./type_ahead.js";
import { keepUndoInBox } from "./undo.js";
import { UnsavedOrder } from "./unsaved.js";
import { UsualProducts } from "./usual_products.js";
import { render } from "./vendor/lit-html/lit-html.js";

class OrderForm {
  order = createOrder();
  isReady = false; // it is known what this tab has kept

  constructor(root, pageData) {
    this.root = root;
    this.pageData = pageData;
    this.messages = new Messages(this);
    this.details = new OrderDetails(this);
    this.entry = new OrderEntry(this);
    this.pricing = new Pricing(this);
    this.saving = new Saving(this);
    this.unsaved = new UnsavedOrder(this);
    this.usual = new UsualProducts(this);
    this.panel = new CustomerPanel(this, document.getElementById("customer-panel"));
    this.pasted = new PastedList(this);
    this.typeAhead = new TypeAhead(
      () => this.saving.isSaving || this.entry.isWaiting || this.usual.holdsKeys || this.pasted.holdsKeys,
      (text) => this.messages.sayUnused(text),
    );
    this.session = new OrderFormSession((customers) => this.updateCustomers(customers));
    this.status = new LiveStatus({ onChange: () => this.draw(), onFresh: (type) => this.updateList(type) });
  }

  async start() {
    this.session.enter();
    this.status.follow();
    keepUndoInBox(this.root);
    makeSpaceForLists(this.root);
    addEventListener("keydown", (event) => this.pressAnywhere(event));
    const kept = await this.unsaved.recall();
    this.isReady = true;
    this.load();
    if (kept) this.takeUp(kept);
    addEventListener("online", () => this.pricing.askSoon(0));
    await this.unsaved.offerLeftBehind();
  }

  // Which order is shown

  /** Show what the address stands for. */
  load() {
    const { draft, copied, chosen } = this.pageData;
    const { slot } = this.unsaved;
    if (copied) {
      this.begin(orderFromDraft(copied, { isCopy: true }), fingerprint(createOrder()), slot);
      this.unsaved.loaded = fingerprint(this.order);
    } else if (chosen) this.begin(createOrderFor(chosen), fingerprint(createOrderFor(chosen)), slot);
    else if (draft) this.begin(orderFromDraft(draft), fingerprint(orderFromDraft(draft)));
    else this.begin(createOrder());
  }

  /** Show another order in this form; `saved` is what the server has of it. */
  begin(order, saved = fingerprint(createOrder()), slot = order.draft ? `/drafts/${order.draft.id}` : NEW_ORDER) {
    this.order = order;
    this.showHandOver();
    this.messages.clear();
    this.pricing.clear();
    this.details.begin();
    this.entry.productBoxes.clear();
    this.entry.addEmptyLine();
    this.usual.begin();
    this.panel.follow();
    this.unsaved.begin(saved, slot);
    this.pricing.askSoon(0);
    this.focusStart();
    this.entry.loadPacks();
  }

  /** What the page says of its draft's hand-over is of that draft alone. */
  showHandOver() {
    const notice = document.getElementById("handed-over");
    if (notice) notice.hidden = this.order.draft?.id !== this.pageData.draft.id;
  }

  takeUp(kept) {
    this.begin({ ...createOrder(), ...translateNumbers(kept) }, this.unsaved.saved, this.unsaved.slot);
    this.messages.say("note", gettext("This is the order that you had not saved."), [
      { label: gettext("Discard it"), run: () => this.discard() },
    ]);
  }

  clear() {
    this.replace(createOrder(), fingerprint(createOrder()), gettext("The form was cleared."));
  }

  /** Back to what the address stands for. */
  discard() {
    const { draft } = this.pageData;
    if (!draft || this.order.draft?.id !== draft.id) this.clear();
    else
      this.replace(orderFromDraft(draft), fingerprint(orderFromDraft(draft)), gettext("Your changes were discarded."));
  }

  /** Show another order instead; this one can be had back until the next is saved. */
  replace(order, saved, message) {
    const before = [this.order, this.unsaved.saved, this.unsaved.slot];
    this.typeAhead.drop();
    this.unsaved.forget(this.order.id);
    this.begin(order, saved);
    this.messages.say("note", message, [{ label: gettext("Undo"), run: () => this.bringBack(...before) }]);
  }

  bringBack(order, saved, slot) {
    this.begin(order, saved, slot);
    this.afterChange();
  }

  // What the user does

  /** Change the order by what the user did in a field. */
  change(edit, field, line) {
    edit(this.order);
    this.messages.forgetError(field, line);
    this.afterChange();
  }

  afterChange() {
    this.entry.addEmptyLine();
    this.saving.hasJustSaved = false;
    this.session.use();
    this.unsaved.keep();
    this.usual.follow();
    this.panel.follow();
    this.details.follow();
    this.draw();
    this.pricing.askSoon();
  }

  acceptPrice(line) {
    acceptPrice(line);
    this.unsaved.keep();
    this.draw();
    this.focus(`quantity-${line.id}`);
  }

  pressAnywhere(event) {
    if (event.target.id === "save" && isTyping(event)) this.entry.focusEmptyLine(); // where the key lands then
    const action = this.findAction(event);
    if (!action || document.querySelector("dialog:modal")) return;
    event.preventDefault();
    if (!event.repeat) action();
  }

  /** What keys do wherever the cursor is. */
  findAction({ key, code, ctrlKey, metaKey, altKey }) {
    if (ctrlKey || metaKey) return key === "Enter" ? () => this.saving.save() : null;
    if (!altKey || this.saving.isSaving) return null;
    return {
      KeyI: () => this.panel.toggle(),
      KeyP: () => this.pasted.isReading || this.pasted.open(),
      KeyR: () => this.usual.repeatLastOrder(),
    }[code];
  }

  leave(event) {
    const { isSaving } = this.saving;
    if (!this.unsaved.isChanged && !isSaving) return;
    event.preventDefault();
    if (!isSaving) document.getElementById("unsaved").showModal();
  }

  // What happens elsewhere

  updateCustomers({ phase, error }) {
    if (phase === "failed" && error.isSignedOut) this.messages.askToSignIn();
    if (phase === "fresh" && this.isReady) this.entry.refreshCustomers();
    this.draw();
  }

  updateList(type) {
    if (type === "customers") {
      this.session.noteFreshCustomers(this.status.freshAsOf.customers);
      this.entry.refreshCustomers();
    } else if (["products", "prices"].includes(type)) {
      this.entry.reloadPacks();
      this.pricing.askSoon(0);
    } else this.panel.refresh();
  }

  /** See whether a list that is late has come, and say so if it has not. */
  async checkLists() {
    await this.status.ask();
    this.pricing.askSoon(0);
    const isLate = this.status.data && ["prices", "products"].some((type) => this.status.isDoubtful(type));
    if (isLate)
      this.messages.say("note", gettext("Nothing newer has come yet: the update waits while an order form is open."));
    this.draw();
  }

  // Showing

  /** Where one goes on writing: the customer, or the first line that is still empty. */
  focusStart() {
    const empty = this.order.lines.find((line) => !line.text.trim());
    this.focus(this.order.customer && empty ? `product-${empty.id}` : "customer");
  }

  focus(id, { toReplace = false } = {}) {
    this.draw();
    const element = document.getElementById(id);
    element?.focus();
    if (toReplace) element.select();
  }

  draw() {
    if (this.isReady) render(renderForm(this), this.root);
  }
}

function isTyping({ key, ctrlKey, metaKey, altKey }) {
  return key.length === 1 && key !== " " && !ctrlKey && !metaKey && !altKey;
}

const pageData = JSON.parse(document.getElementById("page-data").textContent);
new OrderForm(document.getElementById("order-form"), pageData).start();
