// The order form: what the user does, what is sent, and what is kept. order_form_view.js draws it.

import { ApiError, Unreachable, ask } from "./api.js";
import { Combobox } from "./combobox.js";
import { NEW_ORDER, forget, keep, leftBehind, newId, recall, resume } from "./kept_forms.js";
import { parsedPercent, parsedQuantity, shown } from "./numbers.js";
import {
  acceptPrice,
  asSent,
  canBePriced,
  content,
  emptyLine,
  emptyOrder,
  filledLines,
  inThisLanguage,
  isEmpty,
  isSameOrder,
  isSamePrice,
  notePrice,
  orderOf,
  priceOf,
  question,
} from "./order.js";
import { customerOption, productOption, view } from "./order_form_view.js";
import { OrderFormSession } from "./session.js";
import { LiveStatus } from "./status.js";
import { TypeAhead } from "./type_ahead.js";
import { render } from "./vendor/lit-html/lit-html.js";

const PREVIEWED_AFTER = 150; // milliseconds without a change
const PREVIEWED_AGAIN_AFTER = 5_000; // milliseconds, while there is no answer
const OPTIONS = 10; // results that a box shows

class OrderForm {
  order = emptyOrder();
  banner = null; // {kind, text, actions: [{label, run}]}
  errors = {}; // by field; of a line, by its id and then by field
  priced = new Map(); // line id -> what the server says of the line
  totals = null;
  pricing = "idle"; // asking, failed
  isReady = false; // it is known what this tab has kept
  isSaving = false;
  hasJustSaved = false; // and nothing was typed since
  packs = new Map(); // article name -> the products that are its packs
  boxes = new Map(); // line id -> its product box
  left = []; // forms that other tabs have left behind

  constructor(root, facts) {
    this.root = root;
    this.facts = facts;
    this.slot = location.pathname + location.search;
    this.customerBox = new Combobox({
      id: "customer",
      address: (text) => `/api/customers?pageSize=${OPTIONS}&search=${encodeURIComponent(withoutCountry(text))}`,
      option: customerOption,
      chosen: () => this.order.customer,
      isExactly: (customer, text) => namesIt([customer.name, customer.accountNumber, customer.vatNumber], text),
      typed: (text) => this.change((order) => Object.assign(order, { customer: null, customerText: text }), "customer"),
      picked: (customer) => this.chooseCustomer(customer),
      left: () => {},
      gone: () => this.checkCustomer(),
      ...this.boxDuties(),
    });
    this.typeAhead = new TypeAhead(() => this.isSaving || this.allBoxes().some((box) => box.takesWhenFound));
    this.session = new OrderFormSession((customers) => this.customersChanged(customers));
    this.status = new LiveStatus({ changed: () => this.draw(), synced: (type) => this.synced(type) });
  }

  async start() {
    this.session.enter();
    this.status.followWhileSeen();
    addEventListener("keydown", (event) => this.pressAnywhere(event));
    const kept = await recall(this.facts.user, this.slot);
    this.isReady = true;
    this.load();
    if (kept) this.takeUp(kept);
    addEventListener("online", () => this.previewSoon(0));
    await this.offerLeftBehind();
  }

  // The order and what it was

  /** Show what the address stands for. */
  load() {
    const { draft, copied } = this.facts;
    if (copied) {
      this.begin(orderOf(copied, { isCopy: true }), content(emptyOrder()), this.slot);
      this.loaded = content(this.order);
    } else if (draft) this.begin(orderOf(draft), content(orderOf(draft)));
    else this.begin(emptyOrder());
  }

  /** Show another order in this form; `saved` is what the server has of it. */
  begin(order, saved = content(emptyOrder()), slot = order.draft ? `/drafts/${order.draft.id}` : NEW_ORDER) {
    Object.assign(this, { order, saved, loaded: saved, errors: {}, banner: null, totals: null, left: [] });
    this.priced.clear();
    this.boxes.clear();
    this.addEmptyLine();
    this.showAt(slot);
    this.previewSoon(0);
    this.focusStart();
    this.loadPacks();
  }

  showAt(slot) {
    this.slot = slot;
    history.replaceState(null, "", slot);
    document.querySelector("footer [name=next]").value = slot; // where a change of language comes back to
  }

  get isChanged() {
    return content(this.order) !== this.saved;
  }

  takeUp(kept) {
    this.begin(inThisLanguage(kept), this.saved, this.slot);
    this.say("note", gettext("This is the order that you had not saved."), [
      { label: gettext("Discard it"), run: () => this.discard() },
    ]);
  }

  /** Change the order by what the user did in a field. */
  change(how, field, line) {
    how(this.order);
    this.forgetError(field, line);
    this.changed();
  }

  changed() {
    this.addEmptyLine();
    this.hasJustSaved = false;
    this.session.use();
    this.keep();
    this.draw();
    this.previewSoon();
  }

  addEmptyLine() {
    const { lines } = this.order;
    if (filledLines(this.order).length === lines.length && lines.length < this.facts.mostLines) lines.push(emptyLine());
  }

  async keep() {
    if (!this.isChanged) {
      await forget(this.order.id, this.facts.user);
    } else if (content(this.order) !== this.loaded || !location.search) {
      if (location.search) this.showAt(NEW_ORDER); // a copy, once it is touched
      if (await keep(this.facts.user, this.slot, this.order)) return;
      this.say("warn", gettext("This browser cannot keep the order: save it before you leave the page."));
    }
  }

  // What the user does

  chooseCustomer(customer) {
    if (this.banner?.isSaved) this.banner = null;
    this.change((order) => Object.assign(order, { customer, customerText: customer.name }), "customer");
    const unfinished = this.order.lines.find((line) => !line.product) ?? this.order.lines[0];
    this.focus(`product-${unfinished.id}`);
  }

  checkCustomer() {
    const { customer, customerText } = this.order;
    if (!customer && customerText.trim()) this.errors.customer = gettext("Choose the customer from the list.");
    this.draw();
  }

  /** What all boxes have to do. */
  boxDuties() {
    return {
      settled: (isTaken) => (isTaken ? this.typeAhead.release() : this.typeAhead.drop()),
      failed: (error) => error.isSignedOut && this.askToSignIn(),
      changed: () => this.draw(),
    };
  }

  allBoxes() {
    return [this.customerBox, ...this.boxes.values()];
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
      chosen: () => line.product,
      takesFirst: true, // of the packs; there is a box for the others
      isExactly: (product, text) => namesIt([product.name, product.erpId], text),
      typed: (text) => this.change(() => Object.assign(line, { text, product: null }), "product", line),
      picked: (product) => this.chooseProduct(line, product),
      left: () => this.goOn(line),
      gone: () => this.checkProduct(line),
      ...this.boxDuties(),
    });
  }

  checkProduct(line) {
    if (!line.product && line.text.trim()) this.setError(line, "product", gettext("Choose the product from the list."));
    this.draw();
  }

  chooseProduct(line, product) {
    const isUntouched = !line.quantity.trim() || line.quantity === line.usual;
    const usual = shown(product.orderQuantities.usual);
    const text = product.name || product.erpId;
    this.change(
      () => Object.assign(line, { product, text, usual, ...(isUntouched ? { quantity: usual } : {}) }),
      "product",
      line,
    );
    this.forgetError("quantity", line);
    this.loadPacks();
    this.focus(`quantity-${line.id}`, { toReplace: true });
  }

  choosePack(line, erpId) {
    this.chooseProduct(
      line,
      this.packsOf(line).find((product) => product.erpId === erpId),
    );
  }

  setQuantity(line, quantity) {
    this.change(() => Object.assign(line, { quantity }), "quantity", line);
  }

  /** On to the next line, or to the button. */
  goOn(line) {
    const next = this.order.lines[this.order.lines.indexOf(line) + 1];
    this.focus(next ? `product-${next.id}` : "save");
  }

  pressInLine(event, line) {
    if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      this.goOn(line);
    }
    const place = { ArrowDown: 0, ArrowUp: -1 }[event.key];
    const nearest = this.nearestOf(line);
    if (event.altKey && place !== undefined && nearest.length) {
      event.preventDefault();
      this.setQuantity(line, shown(nearest.at(place)));
    }
  }

  pressAnywhere(event) {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    if (!event.repeat) this.save();
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

  clear() {
    this.replace(emptyOrder(), content(emptyOrder()), gettext("The form was cleared."));
  }

  /** Back to what the address stands for. */
  discard() {
    const { draft } = this.facts;
    if (!draft || this.order.draft?.id !== draft.id) this.clear();
    else this.replace(orderOf(draft), content(orderOf(draft)), gettext("Your changes were discarded."));
  }

  /** Show another order instead; this one can be had back until the next is saved. */
  replace(order, saved, said) {
    const before = [this.order, this.saved, this.slot];
    this.typeAhead.drop();
    forget(this.order.id, this.facts.user);
    this.begin(order, saved);
    this.say("note", said, [{ label: gettext("Undo"), run: () => this.bringBack(...before) }]);
  }

  bringBack(order, saved, slot) {
    this.begin(order, saved, slot);
    this.changed();
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
      this.priced.set(line.id, { ...priced, asked: question(this.order, line) });
      if (priced.unitPrice !== null) notePrice(this.order, line, priceOf(priced, draft.currency));
    });
    this.keep();
    this.draw();
  }

  previewFailed(error) {
    if (!isExpected(error)) throw error;
    Object.assign(this, { pricing: "failed", pricingError: error.message });
    if (error.isSignedOut) this.askToSignIn();
    else if (error.status === 400 && error.detail.customer) this.errors.customer = error.detail.customer[0];
    else this.previewing = setTimeout(() => this.previewSoon(0), PREVIEWED_AGAIN_AFTER);
    this.draw();
  }

  /** What the server says of a line as it is now. */
  answerFor(line) {
    const priced = this.priced.get(line.id);
    return line.product && priced?.asked === question(this.order, line) ? priced : null;
  }

  nearestOf(line) {
    const priced = this.answerFor(line);
    return priced?.problem?.field === "quantity" ? priced.nearestQuantities : [];
  }

  /** What is wrong with a line, as far as it is known: `{field, text}`. */
  problemOf(line) {
    const isTyped = line.quantity.trim() !== "";
    if (isTyped && parsedQuantity(line.quantity) === null)
      return { field: "quantity", text: gettext("Which quantity?") };
    if (parsedPercent(line.discount) === null) return { field: "discount", text: gettext("From 0 to 100.") };
    return this.answerFor(line)?.problem ?? null;
  }

  get discountProblem() {
    return parsedPercent(this.order.discount) === null ? gettext("From 0 to 100.") : null;
  }

  // Saving

  async save(options = {}) {
    if (this.isSaving || (this.hasJustSaved && isEmpty(this.order))) return; // pressed twice
    const lines = filledLines(this.order);
    if (!this.check(lines)) return;
    const focused = document.activeElement?.id;
    Object.assign(this, { banner: null, isSaving: true });
    this.draw();
    try {
      const { body, headers } = await this.send(lines);
      this.isSaving = false;
      if (headers.has("Idempotent-Replayed")) this.settle(body.draft, options);
      else await this.saveDone(body, lines, options);
    } catch (error) {
      this.isSaving = false;
      this.typeAhead.drop();
      this.focus(focused);
      this.saveFailed(error, lines, options);
    }
  }

  /** Whether the order can be sent; says what is missing, and goes to the first place. */
  check(lines) {
    this.errors = {};
    if (!this.order.customer) this.errors.customer = gettext("For which customer is the order?");
    this.checkCustomer();
    if (!lines.length) this.setError(this.order.lines[0], "product", gettext("The order has no line yet."));
    for (const line of lines) this.checkLine(line);
    if (this.discountProblem) this.errors.discount = this.discountProblem;
    return this.showErrors();
  }

  checkLine(line) {
    const problem = this.problemOf(line);
    if (!line.product) this.checkProduct(line);
    else if (!line.quantity.trim()) this.setError(line, "quantity", gettext("Which quantity?"));
    else if (problem) this.setError(line, problem.field, problem.text);
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

  async saveDone({ message, draft }, lines, { thenLeave = false }) {
    const surprises = lines.filter((line, place) => this.isSurprise(line, priceOf(draft.lines[place], draft.currency)));
    const { id } = this.order;
    this.session.prolong();
    if (thenLeave) {
      await forget(id, this.facts.user);
      location.assign("/drafts");
      return;
    }
    this.begin(emptyOrder());
    const names = surprises.map((line) => line.text).join(", ");
    const note = names ? interpolate(gettext("Prices have changed in the same moment: %s."), [names]) : "";
    this.say(note ? "warn" : "good", message, [{ label: gettext("Open"), href: `/drafts/${draft.id}` }], note);
    this.banner.isSaved = this.hasJustSaved = true;
    this.typeAhead.release();
    await forget(id, this.facts.user);
    await this.offerLeftBehind();
  }

  /** Whether a line was saved at another price than the one that was on the page. */
  isSurprise(line, price) {
    const asked = question(this.order, line);
    const seen = line.now?.asked === asked ? line.now.price : line.known[asked];
    return Boolean(seen) && !isSamePrice(seen, price);
  }

  saveFailed(error, lines, options) {
    if (!isExpected(error)) throw error;
    if (error.isSignedOut) this.askToSignIn();
    else if (["idempotency_key_reused", "stale"].includes(error.code) && error.detail.draft) {
      this.settle(error.detail.draft, options);
    } else if (error.code === "idempotency_key_reused" || (error.code === "not_found" && this.order.draft)) {
      const asNew = { label: gettext("Save as a new draft"), run: () => this.saveAsNew(options) };
      this.say("bad", gettext("Not saved: the draft was deleted meanwhile."), [asNew]);
    } else if (error.status === 400) this.showRefusal(error, lines);
    else this.sayNotSaved(error, [{ label: gettext("Try again"), run: () => this.save(options) }]);
  }

  sayNotSaved({ message }, actions = []) {
    this.say("bad", interpolate(gettext("Not saved. %s The order is kept here."), [message]), actions);
  }

  /** The server has this order already: by an earlier save, whose answer was lost, or changed by somebody since. */
  settle(draft, options) {
    const isOurs = draft.version === 1 || isSameOrder(orderOf(draft), this.order);
    if (isOurs) this.saveOver(draft, options);
    else this.meet(draft, options);
  }

  saveOver({ id, version }, options) {
    this.order.draft = { id, version };
    return this.save(options);
  }

  async saveAsNew(options) {
    const old = this.order.id;
    Object.assign(this.order, { draft: null, id: newId() });
    this.saved = this.loaded = content(emptyOrder());
    this.showAt(NEW_ORDER);
    await this.keep();
    await forget(old, this.facts.user);
    await this.save(options);
  }

  /** Somebody has saved the draft since it was opened here: the user decides. */
  meet(draft, options) {
    this.say("bad", gettext("Not saved: the draft was changed in another place meanwhile."), [
      { label: gettext("Save this one over it"), run: () => this.saveOver(draft, options) },
      { label: gettext("Show the other one"), run: () => this.showOther(draft) },
    ]);
  }

  showOther(draft) {
    this.begin(orderOf(draft), content(orderOf(draft)));
    this.say("note", gettext("What you had typed is kept, and offered among the drafts."));
  }

  showRefusal({ message, detail }, lines) {
    this.errors = {};
    for (const field of ["customer", "notes"]) if (detail[field]) this.errors[field] = detail[field][0];
    if (detail.discountPercent) this.errors.discount = detail.discountPercent[0];
    for (const [place, fields] of Array.isArray(detail.lines) ? [] : Object.entries(detail.lines ?? {})) {
      const [[field, [text]]] = Object.entries(fields);
      this.setError(lines[place], { discountPercent: "discount" }[field] ?? field, text);
    }
    if (this.showErrors()) this.sayNotSaved({ message });
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
    if (!this.isChanged && !this.isSaving) return;
    event.preventDefault();
    if (!this.isSaving) document.getElementById("unsaved").showModal();
  }

  // What happens elsewhere

  customersChanged({ phase, error }) {
    if (phase === "failed" && error.isSignedOut) this.askToSignIn();
    if (phase === "fresh" && this.isReady) this.customerBox.refresh(this.order.customerText);
    this.draw();
  }

  synced(type) {
    if (type === "customers") {
      this.session.othersFetched(this.status.freshAsOf.customers);
      this.customerBox.refresh(this.order.customerText);
    } else if (["products", "prices"].includes(type)) {
      this.packs.clear();
      this.loadPacks();
      this.previewSoon(0);
    }
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

  focus(id, { toReplace = false } = {}) {
    this.draw();
    const element = document.getElementById(id);
    element?.focus();
    if (toReplace) element.select();
  }

  draw() {
    if (this.isReady) render(view(this), this.root);
  }
}

function isExpected(error) {
  return error instanceof ApiError || error instanceof Unreachable;
}

function namesIt(names, text) {
  return names.some((name) => compact(name) !== "" && compact(name) === compact(withoutCountry(text)));
}

/** A VAT number may be typed with its country, which the ERP leaves out. */
function withoutCountry(text) {
  return text.replace(/^\s*IT(?=\d{5})/i, "");
}

function compact(text) {
  return text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
}

const facts = JSON.parse(document.getElementById("facts").textContent);
new OrderForm(document.getElementById("order-form"), facts).start();
