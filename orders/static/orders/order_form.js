// The order form: what the user does, what is sent, and what is kept. order_form_view.js draws it.

import { ApiError, Unreachable, ask } from "./api.js";
import { Combobox } from "./combobox.js";
import { NEW_ORDER, forget, keep, leftBehind, newId, recall, resume } from "./kept_forms.js";
import { parsedPercent, parsedQuantity, shown } from "./numbers.js";
import {
  acceptPrice, asSent, canBePriced, content, emptyLine, emptyOrder, filledLines, isEmpty, notePrice, orderOf,
  usualQuantity,
} from "./order.js";
import { customerOption, productOption, view } from "./order_form_view.js";
import { OrderFormSession } from "./session.js";
import { LiveStatus } from "./status.js";
import { render } from "./vendor/lit-html/lit-html.js";

const PREVIEWED_AFTER = 150; // milliseconds without a change
const OPTIONS = 10; // results that a box shows

class OrderForm {
  banner = null; // {kind, text, actions: [{label, run}]}
  errors = {}; // by field; of a line, by its id and then by field
  priced = new Map(); // line id -> what the server says of the line
  totals = null;
  pricing = "idle"; // asking, failed
  isSaving = false;
  conflict = null; // the draft as somebody else has saved it
  packs = new Map(); // article name -> the products that are its packs
  boxes = new Map(); // line id -> its product box

  constructor(root, facts) {
    this.root = root;
    this.facts = facts;
    this.slot = location.pathname + location.search;
    this.order = this.asLoaded();
    this.customerBox = new Combobox({
      id: "customer",
      address: (text) => `/api/customers?pageSize=${OPTIONS}&search=${encodeURIComponent(text)}`,
      option: customerOption,
      isExactly: (customer, text) => [customer.name, customer.accountNumber].some((name) => same(name, text)),
      typed: (text) => this.change((order) => Object.assign(order, { customer: null, customerText: text }), "customer"),
      picked: (customer) => this.chooseCustomer(customer),
      left: () => {},
      changed: () => this.draw(),
    });
    this.session = new OrderFormSession((customers) => this.customersChanged(customers));
    this.status = new LiveStatus({ changed: () => this.draw(), synced: (type) => this.synced(type) });
  }

  async start() {
    this.focusStart();
    this.session.enter();
    this.status.followWhileSeen();
    addEventListener("keydown", (event) => this.pressAnywhere(event));
    addEventListener("online", () => this.previewSoon(0));
    const kept = await recall(this.facts.user, this.slot);
    if (kept && content(this.order) === this.loaded) this.takeUp(kept);
    this.loadPacks();
    this.previewSoon(0);
    await this.offerLeftBehind();
  }

  // The order and what it was

  asLoaded() {
    const { draft, copied } = this.facts;
    const order = draft ? orderOf(draft) : copied ? orderOf(copied, { isCopy: true }) : emptyOrder();
    this.loaded = content(order);
    this.saved = draft ? this.loaded : content(emptyOrder());
    return order;
  }

  get isChanged() {
    return content(this.order) !== this.saved;
  }

  takeUp(kept) {
    this.order = kept;
    this.boxes.clear();
    this.focusStart();
    this.say("note", gettext("This is the order that you had not saved."), [
      { label: gettext("Discard it"), run: () => this.clear() },
    ]);
  }

  /** Change the order by what the user did in a field. */
  change(how, field, line) {
    how(this.order);
    this.forgetError(field, line);
    this.changed();
  }

  changed() {
    if (filledLines(this.order).length === this.order.lines.length && this.order.lines.length < this.facts.mostLines) {
      this.order.lines.push(emptyLine());
    }
    if (this.banner?.kind === "good") this.banner = null;
    this.session.use();
    this.keep();
    this.draw();
    this.previewSoon();
  }

  async keep() {
    try {
      if (this.isChanged) await keep(this.facts.user, this.slot, this.order);
      else await forget(this.order.id, this.facts.user);
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      this.say("warn", gettext("This browser cannot keep the order: save it before you leave the page."));
    }
  }

  // What the user does

  chooseCustomer(customer) {
    this.change((order) => Object.assign(order, { customer, customerText: customer.name }), "customer");
    const unfinished = this.order.lines.find((line) => !line.product) ?? this.order.lines[0];
    this.focus(`product-${unfinished.id}`);
  }

  boxOf(line) {
    if (!this.boxes.has(line.id)) this.boxes.set(line.id, this.productBox(line));
    return this.boxes.get(line.id);
  }

  productBox(line) {
    return new Combobox({
      id: `product-${line.id}`,
      address: (text) => `/api/products?pageSize=${OPTIONS}&search=${encodeURIComponent(text)}`,
      option: productOption,
      isExactly: (product, text) => [product.name, product.erpId].some((name) => same(name, text)),
      typed: (text) => this.change(() => Object.assign(line, { text, product: null, was: null }), "product", line),
      picked: (product) => this.chooseProduct(line, product),
      left: () => this.focus(this.next(line) ? `product-${this.next(line).id}` : "save"),
      changed: () => this.draw(),
    });
  }

  chooseProduct(line, product) {
    const isUntouched = !line.quantity.trim() || line.quantity === line.usual;
    const usual = usualQuantity(product);
    const text = product.name || product.erpId;
    this.change(() => Object.assign(line, { product, text, usual, ...(isUntouched ? { quantity: usual } : {}) }), "product", line);
    this.forgetError("quantity", line);
    this.loadPacks();
    this.focus(`quantity-${line.id}`);
  }

  choosePack(line, erpId) {
    this.chooseProduct(line, this.packsOf(line).find((product) => product.erpId === erpId));
  }

  setQuantity(line, quantity) {
    this.change(() => Object.assign(line, { quantity }), "quantity", line);
  }

  next(line) {
    return this.order.lines[this.order.lines.indexOf(line) + 1];
  }

  pressInLine(event, line) {
    if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      this.focus(this.next(line) ? `product-${this.next(line).id}` : "save");
    }
    const place = { ArrowDown: 0, ArrowUp: -1 }[event.key];
    const nearest = this.nearestOf(line);
    if (event.altKey && place !== undefined && nearest.length) {
      event.preventDefault();
      this.setQuantity(line, shown(nearest.at(place)));
    }
  }

  pressAnywhere(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.save();
    }
  }

  removeLine(line) {
    const place = this.order.lines.indexOf(line);
    this.order.lines.splice(place, 1);
    if (!this.order.lines.length) this.order.lines.push(emptyLine());
    this.say("note", interpolate(gettext("Line removed: %s."), [line.text]), [
      { label: gettext("Undo"), run: () => this.putBack(line, place) },
    ]);
    this.changed();
    this.focus(`product-${this.order.lines[Math.min(place, this.order.lines.length - 1)].id}`);
  }

  putBack(line, place) {
    this.order.lines.splice(place, 0, line);
    this.banner = null;
    this.changed();
    this.focus(`quantity-${line.id}`);
  }

  /** Empty the form; what it held can be had back until the next order is saved. */
  clear() {
    const before = this.order;
    forget(before.id, this.facts.user);
    this.begin(emptyOrder());
    this.say("note", gettext("The form was cleared."), [{ label: gettext("Undo"), run: () => this.bringBack(before) }]);
  }

  bringBack(order) {
    this.begin(order);
    this.changed();
  }

  /** Show another order in this form. */
  begin(order, saved = content(emptyOrder())) {
    Object.assign(this, { order, saved, errors: {}, banner: null, conflict: null, totals: null });
    this.priced.clear();
    this.boxes.clear();
    this.slot = order.draft ? `/drafts/${order.draft.id}` : NEW_ORDER;
    history.replaceState(null, "", this.slot);
    this.focusStart();
    this.loadPacks();
    this.previewSoon(0);
  }

  acceptPrice(line) {
    acceptPrice(line);
    this.keep();
    this.draw();
    this.focus(`quantity-${line.id}`);
  }

  // Packs

  packsOf(line) {
    return this.packs.get(line.product?.name) ?? [];
  }

  async loadPacks() {
    for (const { product } of this.order.lines) {
      if (!product?.name || this.packs.has(product.name)) continue;
      this.packs.set(product.name, []);
      try {
        const { body } = await ask("GET", `/api/products?pageSize=100&name=${encodeURIComponent(product.name)}`);
        this.packs.set(product.name, body.results);
      } catch (error) {
        this.packs.delete(product.name); // asked again with the next product
        if (!isExpected(error)) throw error;
        return;
      }
      this.draw();
    }
  }

  // Prices and totals

  previewSoon(after = PREVIEWED_AFTER) {
    clearTimeout(this.previewing);
    this.previewRequest?.abort();
    const lines = this.order.lines.filter(canBePriced);
    for (const id of this.priced.keys()) if (!lines.some((line) => line.id === id)) this.priced.delete(id);
    if (!lines.length) {
      Object.assign(this, { pricing: "idle", totals: null });
      this.draw();
      return;
    }
    this.pricing = "asking";
    this.previewing = setTimeout(() => this.preview(lines), after);
  }

  async preview(lines) {
    this.previewRequest = new AbortController();
    const { signal } = this.previewRequest;
    try {
      const { body } = await ask("POST", "/api/drafts/preview", { body: asSent(this.order, lines), signal });
      if (!signal.aborted) this.showPrices(lines, body.draft);
    } catch (error) {
      if (!signal.aborted) this.previewFailed(error);
    }
  }

  showPrices(lines, draft) {
    this.currency = draft.currency;
    this.totals = draft.totals;
    this.pricing = "idle";
    lines.forEach((line, place) => {
      const priced = draft.lines[place];
      this.priced.set(line.id, priced);
      if (priced.unitPrice !== null) notePrice(this.order, line, { ...priced, currency: draft.currency });
    });
    this.keep();
    this.draw();
  }

  previewFailed(error) {
    if (!isExpected(error)) throw error;
    this.pricing = "failed";
    if (error.status === 400 && error.detail.customer) this.errors.customer = error.detail.customer[0];
    else if (error.isSignedOut) this.askToSignIn();
    this.pricingError = error.message;
    this.draw();
  }

  nearestOf(line) {
    const priced = this.priced.get(line.id);
    return priced?.problem?.field === "quantity" ? priced.nearestQuantities : [];
  }

  problemOf(line) {
    return this.priced.get(line.id)?.problem ?? null;
  }

  // Saving

  async save({ thenLeave = false } = {}) {
    if (this.isSaving) return;
    const lines = filledLines(this.order);
    if (!this.check(lines)) return;
    const focused = document.activeElement?.id;
    this.banner = null;
    this.isSaving = true;
    this.draw();
    try {
      const { body } = await this.send(lines);
      this.isSaving = false;
      await this.saveDone(body, lines);
      if (thenLeave) location.assign("/drafts");
    } catch (error) {
      this.isSaving = false;
      this.draw();
      this.focus(focused);
      this.saveFailed(error, lines);
    }
  }

  /** Whether the order can be sent; says what is missing, and goes there. */
  check(lines) {
    this.errors = {};
    if (!this.order.customer) {
      this.errors.customer = this.order.customerText.trim()
        ? gettext("Choose the customer from the list.")
        : gettext("For which customer is the order?");
    }
    if (!lines.length) this.setError(this.order.lines[0], "product", gettext("The order has no line yet."));
    for (const line of lines) {
      if (!line.product) this.setError(line, "product", gettext("Choose the product from the list."));
      else if (parsedQuantity(line.quantity) === null) this.setError(line, "quantity", gettext("How many?"));
      else if (parsedPercent(line.discount) === null) this.setError(line, "discount", gettext("From 0 to 100."));
    }
    if (parsedPercent(this.order.discount) === null) this.errors.discount = gettext("From 0 to 100.");
    return this.showErrors();
  }

  setError(line, field, text) {
    this.errors[line.id] = { field, text };
  }

  forgetError(field, line) {
    if (!line) delete this.errors[field];
    else if (this.errors[line.id]?.field === field) delete this.errors[line.id];
  }

  showErrors() {
    const [first] = Object.keys(this.errors);
    if (first === undefined) return true;
    this.say("bad", gettext("Not saved: see what is marked."));
    this.focus(first in { customer: 1, discount: 1, notes: 1 } ? first : `${this.errors[first].field}-${first}`);
    return false;
  }

  send(lines) {
    const body = { ...asSent(this.order, lines), ...(this.session.id ? { sessionId: this.session.id } : {}) };
    const { draft } = this.order;
    if (draft) return ask("PUT", `/api/drafts/${draft.id}`, { body: { ...body, version: draft.version } });
    return ask("POST", "/api/drafts", { body, headers: { "Idempotency-Key": this.order.id } });
  }

  async saveDone({ message, draft }, lines) {
    const surprises = lines.filter((line, place) => line.seen && line.seen.unitPrice !== draft.lines[place].unitPrice);
    await forget(this.order.id, this.facts.user);
    this.session.prolong();
    this.begin(emptyOrder());
    const actions = [{ label: gettext("Open"), href: `/drafts/${draft.id}` }];
    const names = surprises.map((line) => line.text).join(", ");
    const note = names ? interpolate(gettext("Prices have changed in the same moment: %s."), [names]) : "";
    this.say("good", message, actions, note);
    await this.offerLeftBehind();
  }

  saveFailed(error, lines) {
    if (!isExpected(error)) throw error;
    const again = { label: gettext("Try again"), run: () => this.save() };
    if (error.isSignedOut) this.askToSignIn();
    else if (error.code === "idempotency_key_reused" && error.detail.draft) this.saveOverOwn(error.detail.draft);
    else if (error.code === "idempotency_key_reused") this.saveAsNew();
    else if (error.code === "stale") this.meet(error.detail.draft);
    else if (error.status === 404 && this.order.draft) {
      const asNew = { label: gettext("Save as a new draft"), run: () => this.saveAsNew() };
      this.say("bad", gettext("Not saved: the draft was deleted meanwhile."), [asNew]);
    } else if (error.status === 400) this.showRefusal(error, lines);
    else this.say("bad", interpolate(gettext("Not saved: %s The order is kept here."), [error.message]), [again]);
  }

  /** An earlier save of this order was carried out, and its answer lost: what is typed now replaces it. */
  saveOverOwn({ id, version }) {
    this.order.draft = { id, version };
    this.save();
  }

  saveAsNew() {
    forget(this.order.id, this.facts.user);
    Object.assign(this.order, { draft: null, id: newId() });
    this.save();
  }

  /** Somebody has saved the draft since it was opened here: the user decides. */
  meet(draft) {
    this.conflict = draft;
    this.say("bad", gettext("Not saved: the draft was changed in another place meanwhile."), [
      { label: gettext("Save this one over it"), run: () => this.saveOverOwn(draft) },
      { label: gettext("Show the other one"), run: () => this.begin(orderOf(draft), content(orderOf(draft))) },
    ]);
  }

  showRefusal({ message, detail }, lines) {
    this.errors = {};
    for (const field of ["customer", "notes"]) if (detail[field]) this.errors[field] = detail[field][0];
    if (detail.discountPercent) this.errors.discount = detail.discountPercent[0];
    for (const [place, fields] of Object.entries(detail.lines ?? {})) {
      const [[field, [text]]] = Object.entries(fields);
      this.setError(lines[place], { discountPercent: "discount" }[field] ?? field, text);
    }
    if (this.showErrors()) this.say("bad", interpolate(gettext("Not saved: %s The order is kept here."), [message]));
    this.draw();
  }

  askToSignIn() {
    const next = encodeURIComponent(this.slot);
    this.say("bad", gettext("Your login has expired. The order is kept in this browser."), [
      { label: gettext("Sign in again"), href: `/login?next=${next}` },
    ]);
  }

  // Leaving

  done(event) {
    if (!this.isChanged) return;
    event.preventDefault();
    document.getElementById("unsaved").showModal();
  }

  // What happens elsewhere

  customersChanged({ phase, error }) {
    if (phase === "failed" && error.isSignedOut) this.askToSignIn();
    if (phase === "fresh") this.synced("customers");
    this.draw();
  }

  synced(type) {
    if (type === "products") this.packs.clear();
    if (type === "products") this.loadPacks();
    if (type === "customers" && !this.order.customer && document.activeElement?.id === "customer") {
      this.customerBox.search(this.order.customerText, 0);
    }
    if (type === "products" || type === "prices") this.previewSoon(0);
  }

  async offerLeftBehind() {
    if (!isEmpty(this.order)) return;
    this.left = (await leftBehind(this.facts.user)).filter(({ id }) => id !== this.order.id);
    this.draw();
  }

  resume(kept) {
    location.assign(resume(kept));
  }

  // Showing

  say(kind, text, actions = [], note = "") {
    this.banner = { kind, text, actions, note };
    this.draw();
  }

  /** Where one goes on writing: the customer, or the first line that is still empty. */
  focusStart() {
    const empty = this.order.lines.find((line) => !line.text.trim());
    this.focus(this.order.customer && empty ? `product-${empty.id}` : "customer");
  }

  focus(id) {
    this.draw();
    const element = document.getElementById(id);
    element?.focus();
    element?.select?.();
  }

  draw() {
    render(view(this), this.root);
  }
}

function isExpected(error) {
  return error instanceof ApiError || error instanceof Unreachable;
}

function same(name, text) {
  return compact(name) !== "" && compact(name) === compact(text);
}

function compact(text) {
  return text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
}

const facts = JSON.parse(document.getElementById("facts").textContent);
new OrderForm(document.getElementById("order-form"), facts).start();
