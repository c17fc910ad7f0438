// What the user fills in: the customer, and the lines with their products, packs and quantities.

import { ApiError, ask, isExpected } from "./api.js";
import { Combobox } from "./combobox.js";
import { renderCustomerOption } from "./customer_view.js";
import { formatNumber, parseQuantity } from "./numbers.js";
import { createLine, formatPercent, getDoubtsLeft, getFilledLines, lineFromPurchase, mayBeOrdered } from "./order.js";
import { renderProductOption } from "./products_view.js";
import { fillIn } from "./texts.js";
import { renderUsualProduct } from "./usual_products_view.js";

const OPTIONS = 10; // results that a box shows
const SHORTEST_CODE = 7; // letters and digits of a product's code that is recognised among quantities
const LONGEST_QUANTITY = 6; // digits, of one that somebody may have typed before a code
const NAMES = 3; // of what the ERP has found, in a sentence
const SHORTEST_SEARCH = 2; // characters, of a search in the ERP, and
const LONGEST_SEARCH = 100;

export class OrderEntry {
  productBoxes = new Map(); // by line id
  isAskingForCode = false; // whether what is in a quantity box is a product's code
  packs = new Map(); // article name -> the products that are its packs

  constructor(form) {
    this.form = form;
    this.customerBox = new Combobox({
      id: "customer",
      getAddress: getCustomersAddress,
      renderOption: renderCustomerOption,
      getChosen: () => form.order.customer,
      isExactly: (customer, text) => hasName([customer.name, customer.accountNumber, customer.vatNumber], text),
      onType: (text) => this.setCustomer(null, text),
      onPick: (customer) => this.chooseCustomer(customer),
      onSkip: () => {},
      onBlur: () => this.checkCustomer(),
      elsewhere: form.pageData.searchesErp ? this.makeErpSearch() : null,
      ...this.makeBoxCallbacks(() => form.focus(this.getUnfinishedProductId())),
    });
  }

  /** The ERP's own search, for customers who are not found in the mirror. */
  makeErpSearch() {
    return {
      label: gettext("Search in the ERP"),
      progress: gettext("Searching in the ERP…"),
      takes: (text) => text.trim().length >= SHORTEST_SEARCH && text.trim().length <= LONGEST_SEARCH,
      find: (text, signal) => this.searchErp(text, signal),
    };
  }

  /** What all boxes tell the form; `focusNext` moves the cursor on from the box. */
  makeBoxCallbacks(focusNext) {
    const { form } = this;
    return {
      onUnclear() {
        form.typeAhead.whenPaused(() => form.entry.leaveUnclear(this, focusNext));
      },
      onSettle(isTaken) {
        if (isTaken) form.typeAhead.release();
        else {
          form.usual.giveUpRepeating();
          form.typeAhead.drop();
        }
      },
      onFail: (error) => error.isSignedOut && form.messages.askToSignIn(),
      onChange: () => form.draw(),
    };
  }

  /** Whether a box has yet to take what an Enter chose. */
  get isWaiting() {
    return this.isAskingForCode || [this.customerBox, ...this.productBoxes.values()].some((box) => box.takesWhenFound);
  }

  /**
   * An Enter came before an answer that leaves a choice. What was typed on goes where it was typed for, and the box is
   * marked; if nothing was, the user chooses from the list.
   */
  leaveUnclear(box, focusNext) {
    const { form } = this;
    if (!box.takesWhenFound) return;
    if (!form.typeAhead.hasMore) {
      box.stopWaiting();
      return;
    }
    box.takesWhenFound = false;
    form.usual.giveUpRepeating();
    focusNext();
    form.typeAhead.release();
  }

  // The customer

  setCustomer(customer, customerText) {
    this.form.change((order) => Object.assign(order, { customer, customerText }), "customer");
  }

  chooseCustomer(customer) {
    const { messages } = this.form;
    if (messages.banner?.isSaved) messages.banner = null;
    this.setCustomer(customer, customer.name);
    this.form.focus(this.getUnfinishedProductId());
    this.form.usual.followCursor();
  }

  getUnfinishedProductId() {
    const { lines } = this.form.order;
    return `product-${(lines.find((line) => !line.product) ?? lines[0]).id}`;
  }

  checkCustomer() {
    const { order, messages } = this.form;
    if (!order.customer && order.customerText.trim()) {
      messages.errors.customer = gettext("Choose the customer from the list.");
    }
    this.form.draw();
  }

  /** Look in the ERP for a customer who is not found here. Throws what the box is to tell. */
  async searchErp(text, signal) {
    try {
      const result = await this.form.session.searchErp(stripCountry(text).trim());
      const found = result?.found ?? (await ask("GET", getCustomersAddress(text), { signal })).body.results;
      const results = found.filter((customer) => !customer.isSimilar); // the ERP takes a text as it was typed
      const named = results.slice(0, NAMES).map((customer) => customer.name);
      const names = [...named, ...(results.length > NAMES ? ["…"] : [])].join(", ");
      const note = results.length
        ? fillIn(gettext("Found in the ERP and added: %(names)s"), { names })
        : fillIn(gettext("The ERP has no customer “%(text)s”."), { text: text.trim() });
      return { results, count: results.length, note };
    } catch (error) {
      if (error instanceof ApiError && !error.isSignedOut) {
        error.message = fillIn(gettext("The ERP could not be asked: %(error)s"), { error: error.message });
      }
      throw error;
    }
  }

  refreshCustomers() {
    this.customerBox.refresh(this.form.order.customerText);
  }

  // A line

  getProductBox(line) {
    if (!this.productBoxes.has(line.id)) this.productBoxes.set(line.id, this.createProductBox(line));
    return this.productBoxes.get(line.id);
  }

  createProductBox(line) {
    return new Combobox({
      id: `product-${line.id}`,
      getAddress: (text) => `/api/products?pageSize=${OPTIONS}&search=${encodeURIComponent(text)}`,
      renderOption: renderProductOption,
      getChosen: () => line.product,
      takesFirst: true, // of the packs; there is a box for the others
      isExactly: (product, text) => hasName([product.name, product.erpId], text),
      onType: (text) => this.setInLine(line, "product", { text, product: null }),
      onPick: (product) => this.chooseProduct(line, product),
      onSkip: () => this.skipProduct(line),
      onBlur: () => this.checkProduct(line),
      offers: this.makeUsualOffers(line),
      onPaste: (event) => this.form.pasted.pasteIntoBox(event),
      ...this.makeBoxCallbacks(() => this.form.focus(`quantity-${line.id}`, { toReplace: true })),
    });
  }

  setInLine(line, field, values) {
    this.form.change(() => Object.assign(line, values), field, line);
  }

  checkProduct(line) {
    const { messages } = this.form;
    if (!line.product && line.text.trim()) {
      messages.setLineError(line, "product", gettext("Choose the product from the list."));
    }
    this.form.draw();
  }

  chooseProduct(line, product, { quantity: usual = formatNumber(product.orderQuantities.usual), ...values } = {}) {
    const isUntouched = !line.quantity.trim() || line.quantity === line.usual;
    const text = product.name || product.erpId;
    const pasted = getDoubtsLeft(line, "product");
    const untouched = isUntouched ? { quantity: usual } : {};
    this.setInLine(line, "product", { product, text, usual, pasted, ...untouched, ...values });
    this.form.messages.forgetError("quantity", line);
    this.loadPacks();
    this.form.focus(`quantity-${line.id}`, { toReplace: true });
  }

  /** What the empty box of a line offers: what the customer has ordered before. */
  makeUsualOffers(line) {
    const { form } = this;
    return {
      hint: gettext("Enter: into this line · Space: add it, and stay in the list"),
      nothing: gettext("No past order of this customer is known."),
      getItems: () => this.getUsualProducts(),
      render: (offered) => renderUsualProduct(form, offered, this.findPlace(offered.product)),
      take: (offered) => this.takeUsualProduct(line, offered),
      add: (offered) => this.addUsualProduct(line, offered),
    };
  }

  getUsualProducts() {
    const { order, usual } = this.form;
    if (!order.customer || usual.state === "failed") return undefined;
    return usual.state === "found" ? usual.products : null;
  }

  /** The line that has a product, from 1; 0 if none has. */
  findPlace({ erpId }) {
    return this.form.order.lines.findIndex(({ product }) => product?.erpId === erpId) + 1;
  }

  takeUsualProduct(line, offered) {
    const { product, quantity, discount } = lineFromPurchase(offered);
    this.chooseProduct(line, product, { quantity, ...(line.discount.trim() ? {} : { discount }) });
  }

  /** Add a line before this one, which stays empty, unless the order has the product; says what was done. */
  addUsualProduct(line, offered) {
    const { form } = this;
    const { product, problem } = offered;
    const name = product.name || product.erpId;
    const place = this.findPlace(product);
    if (problem?.field === "product") return problem.text;
    if (place) return fillIn(gettext("%(name)s is in line %(place)s already."), { name, place });
    if (!this.hasRoomFor(1)) return "";
    const added = lineFromPurchase(offered);
    form.change(({ lines }) => lines.splice(lines.indexOf(line), 0, added));
    this.loadPacks();
    return fillIn(gettext("Added: %(name)s × %(quantity)s"), { name, quantity: added.quantity });
  }

  /** Show the usual products in the first empty line. */
  offerUsualProducts() {
    const empty = this.focusEmptyLine();
    if (empty) this.getProductBox(empty).reopen("", { highlights: true });
  }

  /** Go to the first empty line, if there is one, and give it. */
  focusEmptyLine() {
    const empty = this.form.order.lines.find((line) => !line.text.trim());
    if (empty) this.form.focus(`product-${empty.id}`);
    return empty;
  }

  refreshOffers() {
    for (const box of this.productBoxes.values()) box.refreshOffers();
  }

  /** Enter in the empty box: on, unless nothing is ordered yet, or text that was typed ahead is for this box. */
  skipProduct(line) {
    if (getFilledLines(this.form.order).length && !this.form.typeAhead.hasText) this.goOn(line);
  }

  choosePack(line, erpId) {
    this.chooseProduct(
      line,
      this.getPacks(line).find((product) => product.erpId === erpId),
    );
  }

  setQuantity(line, quantity) {
    this.setInLine(line, "quantity", { quantity, pasted: getDoubtsLeft(line, "quantity") });
  }

  /** On to the next line, or to the button. */
  goOn(line) {
    const { lines } = this.form.order;
    const next = lines[lines.indexOf(line) + 1];
    this.form.focus(next ? `product-${next.id}` : "save");
  }

  /** Keep what is in a quantity box when the cursor comes to it. */
  keepQuantity(line) {
    this.quantityBefore = line.quantity;
  }

  /**
   * A product's code in a quantity box, as a scanner leaves it there, begins the next line. Of one that may begin with a
   * quantity typed before it the server says whether it is a code as a whole, and only so; else `otherwise` is done.
   */
  async moveCodeOn(line, otherwise) {
    const code = line.quantity.trim();
    const { quantityBefore } = this; // the cursor may be elsewhere once the server has answered
    const next = this.form.order.lines.find((each) => !each.text.trim());
    const isClear = next && (!mayBeginWithQuantity(code) || (await this.isOnlyCode(code)));
    if (!isClear) {
      otherwise();
      return;
    }
    this.setQuantity(line, quantityBefore);
    this.form.focus(`product-${next.id}`);
    this.getProductBox(next).enterText(code);
  }

  /** Whether a text is a product's code, and no quantity with a code behind it. */
  async isOnlyCode(text) {
    const digits = text.slice(0, Math.min(text.search(/\D|$/), LONGEST_QUANTITY));
    const parts = [...digits, ""].map((_digit, place) => text.slice(place));
    this.isAskingForCode = true;
    try {
      const { body } = await ask("POST", "/api/products/lookup", { body: { text: parts.join("\n") } });
      const codes = body.lines.filter(({ products }) => products.length).map((found) => found.text);
      return codes.length === 1 && codes[0] === text;
    } catch (error) {
      if (!isExpected(error)) throw error;
      return false; // it stays, and is marked
    } finally {
      this.isAskingForCode = false;
    }
  }

  markNoQuantity(line) {
    const { messages, typeAhead } = this.form;
    const text = gettext("This is not a quantity. Enter the quantity here, and the code in the next line.");
    messages.setLineError(line, "quantity", text);
    typeAhead.stop();
    this.form.draw();
  }

  pressInQuantity(event, line) {
    const isCode = looksLikeCode(line.quantity);
    if (isPlainEnter(event) && (isCode || isUnlikelyQuantity(line))) {
      event.preventDefault();
      this.moveCodeOn(line, () => (isCode ? this.markNoQuantity(line) : this.goOnTyping(line)));
    } else this.pressInLine(event, line);
  }

  goOnTyping(line) {
    this.goOn(line);
    this.form.typeAhead.release();
  }

  pressInLine(event, line) {
    if (isPlainEnter(event)) {
      event.preventDefault();
      this.goOn(line);
    }
    const place = { ArrowDown: 0, ArrowUp: -1 }[event.key];
    const nearest = this.form.pricing.getNearestQuantities(line);
    if (event.altKey && place !== undefined && nearest.length) {
      event.preventDefault();
      this.setQuantity(line, formatNumber(nearest.at(place)));
    }
  }

  // All lines

  addEmptyLine() {
    const { order, pageData } = this.form;
    const isFull = order.lines.length >= pageData.mostLines;
    if (getFilledLines(order).length === order.lines.length && !isFull) order.lines.push(createLine());
  }

  /** Whether the order may have so many lines more; says so if it may not. */
  hasRoomFor(count) {
    const { messages, order, pageData } = this.form;
    const most = pageData.mostLines;
    if (getFilledLines(order).length + count <= most) return true;
    messages.say("bad", fillIn(gettext("Nothing was added: an order has %(most)s lines at most."), { most }));
    return false;
  }

  /**
   * Add lines below those that are filled in, in one step that can be undone; with a discount on the whole order. The
   * cursor goes to the first line without a product, unless not `movesCursor`.
   */
  addLines(lines, { note = "", discount = null, movesCursor = true } = {}) {
    const { form } = this;
    const { order } = form;
    if (!this.hasRoomFor(lines.length)) return;
    const before = order.discount;
    const filled = getFilledLines(order);
    const empty = order.lines.filter((line) => !filled.includes(line)); // they stay: the cursor may be there
    order.lines = [...filled, ...lines, ...empty];
    if (Number(discount)) order.discount = formatPercent(discount);
    const text = interpolate(ngettext("%s line added.", "%s lines added.", lines.length), [lines.length]);
    form.messages.say("note", text, [{ label: gettext("Undo"), run: () => this.takeOut(lines, before) }], note);
    form.afterChange();
    this.loadPacks();
    if (movesCursor) form.focus(this.getUnfinishedProductId());
  }

  /** Go to what is not clear about a pasted line; a product that was not found is looked for. */
  goToUnclear(line) {
    this.form.focus(line.product ? `quantity-${line.id}` : `product-${line.id}`);
    if (!line.product) this.getProductBox(line).reopen(line.text);
  }

  settleDoubts(line) {
    this.setInLine(line, "quantity", { pasted: null });
    this.form.focus(`quantity-${line.id}`);
  }

  takeOut(lines, discount) {
    const { form } = this;
    const { order } = form;
    order.lines = order.lines.filter((line) => !lines.includes(line));
    order.discount = discount;
    form.messages.banner = null;
    if (!order.lines.length) order.lines.push(createLine());
    form.afterChange();
    form.focus(this.getUnfinishedProductId());
  }

  removeLine(line) {
    const { form } = this;
    const { lines } = form.order;
    const place = lines.indexOf(line);
    lines.splice(place, 1);
    if (!lines.length) lines.push(createLine());
    form.messages.say("note", interpolate(gettext("Line removed: %s."), [line.text]), [
      { label: gettext("Undo"), run: () => this.putBack(line, place) },
    ]);
    form.afterChange();
    form.focus(`product-${lines[Math.min(place, lines.length - 1)].id}`);
  }

  putBack(line, place) {
    const { form } = this;
    form.order.lines.splice(place, 0, line);
    form.messages.banner = null;
    form.afterChange();
    form.focus(`quantity-${line.id}`);
  }

  // Packs

  getPacks(line) {
    return this.packs.get(line.product?.name) ?? [];
  }

  async loadPacks() {
    for (const { product } of this.form.order.lines) {
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
      this.form.draw();
    }
  }

  reloadPacks() {
    this.packs.clear();
    this.loadPacks();
  }
}

function getCustomersAddress(text) {
  return `/api/customers?pageSize=${OPTIONS}&search=${encodeURIComponent(stripCountry(text))}`;
}

function hasName(names, text) {
  return names.some((name) => normalize(name) !== "" && normalize(name) === normalize(stripCountry(text)));
}

/** A VAT number may be typed with its country, which the ERP leaves out. */
function stripCountry(text) {
  return text.replace(/^\s*IT(?=\d{5})/i, "");
}

/** Whether a text in a quantity box cannot be a quantity, and may be a product's code. */
function looksLikeCode(text) {
  const { length } = normalize(text);
  const isDecimal = /^\d+[.,]\d+$/.test(text.trim());
  return parseQuantity(text) === null && !isDecimal && length >= SHORTEST_CODE && /^\S*\d\S*$/.test(text.trim());
}

/** Whether a number is as long as a code, and no quantity in which the product may be ordered. */
function isUnlikelyQuantity({ product, quantity }) {
  const number = parseQuantity(quantity);
  return (
    Boolean(product) && number !== null && normalize(quantity).length >= SHORTEST_CODE && !mayBeOrdered(product, number)
  );
}

/** Whether the first digits of a code may be a quantity: only a letter, or a zero before a digit, begins none. */
function mayBeginWithQuantity(code) {
  return !/^(\p{L}|0\d)/u.test(code.trim());
}

function isPlainEnter({ key, ctrlKey, metaKey }) {
  return key === "Enter" && !ctrlKey && !metaKey;
}

function normalize(text) {
  return text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
}
