// A box that searches as one types: a combobox with a list, as the ARIA Authoring Practices describe it.

import { Unreachable, ask, isExpected } from "./api.js";
import { html, nothing } from "./vendor/lit-html/lit-html.js";
import { live } from "./vendor/lit-html/directives/live.js";

const SEARCHES_AFTER = 120; // milliseconds without a keystroke
const SEEN_AFTER = 300; // milliseconds that a list has to be shown before an Enter can mean what it highlights
const TRIES_AGAIN_AFTER = 3_000; // milliseconds, while there is no connection

export class Combobox {
  items = [];
  more = 0; // results beyond those
  active = -1;
  isOpen = false;
  state = "idle"; // searching, found, failed
  takesWhenFound = false; // Enter was faster than the answer, or than the eye
  isClear = false; // the text names what is highlighted
  hasMoved = false; // by the arrows, to what is highlighted
  shownAt = 0; // when what is highlighted was shown first, by the page's clock in milliseconds
  isTouched = false; // typed in, or moved through, since it was opened
  note = ""; // of what was found elsewhere, or was added
  isOffering = false; // it shows what is offered before anything is typed

  /**
   * Options: `getAddress(text)` is where a text is looked up, `renderOption(item)` shows a result, `getChosen()` is the
   * one that was taken, `isExactly(item, text)` tells whether a text names it, `takesFirst` whether the first of many
   * will do. `onType(text)`, `onPick(item)`, `onSkip()` (Enter in the empty box) and `onBlur()` say what the user did,
   * `onSettle(isTaken)` how an Enter ended that came before the answer was seen, `onUnclear()` that its answer leaves a
   * choice: the box waits on, until `stopWaiting()`. `onFail(error)` says that there is no answer, and `onChange()` that
   * the page must be drawn again. `elsewhere`, if given, is offered for what is not found: its
   * `label`, its `progress`, and `find(text, signal)`, which gives results, their count, and a note. `offers`, if given,
   * is what an arrow or a click shows in the empty box: `getItems()` gives them, null while they are awaited, undefined if
   * there are none to wait for; `render(item)` shows one; Enter does `take(item)`, and a blank `add(item)`, which gives a
   * note: the list stays for the next one. `hint` says so, and `nothing` that there is none. `onPaste(event)` may take what
   * is pasted for itself.
   */
  constructor(options) {
    Object.assign(this, options);
  }

  // What is drawn

  renderInput({ text, label, describedBy, invalid, placeholder = "" }) {
    return html`<input
      id=${this.id} type="text" role="combobox" autocomplete="off" autocapitalize="off" spellcheck="false"
      enterkeyhint="next" aria-autocomplete="list" aria-haspopup="listbox" aria-label=${label ?? nothing}
      aria-controls="${this.id}-list" aria-expanded=${this.isOpen ? "true" : "false"}
      aria-activedescendant=${this.isOpen && this.active >= 0 ? this.getOptionId(this.active) : nothing}
      aria-describedby=${describedBy ?? nothing} aria-invalid=${invalid ? "true" : nothing} placeholder=${placeholder}
      .value=${live(text)}
      @input=${({ target }) => this.type(target.value)} @keydown=${(event) => this.press(event)}
      @paste=${(event) => this.onPaste?.(event)} @blur=${() => this.blur()} @click=${() => this.reopen(text)}>`;
  }

  renderList() {
    return html`<div class="options" id="${this.id}-options" ?hidden=${!this.isOpen} @mousedown=${(event) => event.preventDefault()}>
      <ul id="${this.id}-list" role="listbox" tabindex="-1" aria-label=${gettext("Results")}>
        ${this.items.map((item, place) => this.renderItem(item, place))}
        ${this.offersElsewhere ? this.renderElsewhere() : nothing}
      </ul>
      ${this.isOpen && !this.items.length ? html`<p>${this.getMessage()}</p>` : nothing}
      ${this.isOpen && this.items.length && this.note ? html`<p>${this.note}</p>` : nothing}
      ${this.isOffering && this.items.length ? html`<p class="hint">${this.offers.hint}</p>` : nothing}
      ${this.isOpen && this.more ? html`<p>${this.getMoreText()}</p>` : nothing}
    </div>
    <span class="only-heard" role="status">${this.isOpen ? this.describe() : nothing}</span>`;
  }

  /** The last option, if nothing was found but what is similar. */
  renderElsewhere() {
    const place = this.items.length;
    return html`<li id=${this.getOptionId(place)} class="elsewhere" role="option"
      aria-selected=${this.active === place ? "true" : "false"} @click=${() => this.findElsewhere()}>
      ${this.elsewhere.label}</li>`;
  }

  renderItem(item, place) {
    return html`<li id=${this.getOptionId(place)} role="option" aria-selected=${place === this.active ? "true" : "false"}
      @click=${() => this.take(place)}>
      ${item.isSimilar ? html`<span class="similar">${gettext("similar")}</span>` : nothing}
      ${this.isOffering ? this.offers.render(item) : this.renderOption(item)}</li>`;
  }

  getMessage() {
    if (this.state === "failed") return this.error;
    if (this.state === "elsewhere") return this.elsewhere.progress;
    if (this.note) return this.note;
    if (this.isOffering && this.state === "found") return this.offers.nothing;
    return this.state === "found" ? gettext("Nothing found.") : gettext("Searching…");
  }

  /** What a screen reader tells. */
  describe() {
    if (this.note || ["elsewhere", "failed"].includes(this.state)) return this.note || this.getMessage();
    if (this.state !== "found") return nothing;
    return this.offersElsewhere ? `${this.countResults()}. ${this.elsewhere.label}` : this.countResults();
  }

  countResults() {
    const similar = this.items.filter((item) => item.isSimilar).length;
    const exact = this.items.length - similar;
    const counts = [
      ...(exact || !similar ? [interpolate(ngettext("%s result", "%s results", exact), [exact])] : []),
      ...(similar ? [interpolate(ngettext("%s similar result", "%s similar results", similar), [similar])] : []),
    ];
    const found = counts.join(", ");
    return this.more ? `${found}. ${this.getMoreText()}` : found;
  }

  getMoreText() {
    return interpolate(ngettext("%s more: keep typing to find it.", "%s more: keep typing to find them.", this.more), [
      this.more,
    ]);
  }

  getOptionId(place) {
    return `${this.id}-option-${place}`;
  }

  /** Whether what was not found, but for similar ones, can be looked for elsewhere, and was not yet. */
  get offersElsewhere() {
    const isFound = this.items.some((item) => !item.isSimilar);
    const isMissing = this.isOpen && this.state === "found" && !isFound && !this.note;
    return isMissing && this.elsewhere?.takes(this.text);
  }

  // What the user does

  type(text) {
    const wasWaiting = this.takesWhenFound;
    Object.assign(this, { takesWhenFound: false, isTouched: true });
    this.onType(text);
    this.search(text);
    if (wasWaiting) this.onSettle(false);
  }

  press(event) {
    const handler = {
      Tab: () => this.enter(event.target.value),
      ArrowDown: () => (this.isOpen ? this.move(1) : this.reopen(event.target.value, { highlights: true })),
      ArrowUp: () => this.isOpen && this.move(-1),
      Enter: () => this.enter(event.target.value),
      Escape: () => this.close(),
      " ": this.isOffering && this.active >= 0 ? () => this.add(this.active) : undefined,
    }[event.key];
    const isHighlighted = this.active >= 0 && this.active < this.items.length;
    const takes = this.isTouched && !event.shiftKey && (this.state === "searching" || isHighlighted);
    const isOffersAwaited = this.isOffering && this.state === "searching";
    if (event.key === "Tab" && (!takes || isOffersAwaited)) return; // it moves on, and leaves what was chosen
    if (!handler || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    event.preventDefault();
    handler();
  }

  enter(text) {
    if (this.isOffering && this.active >= 0) this.take(this.active);
    else if (!text.trim()) {
      if (this.isOffering) this.close(); // what it would take is not there yet
      this.onSkip();
    } else if (this.isOpen && this.state === "searching") this.takesWhenFound = true;
    else if (this.active === this.items.length && this.offersElsewhere) this.findElsewhere();
    else if (this.isOpen && !this.isSeen) {
      this.takesWhenFound = true;
      this.settle();
    } else if (this.isOpen && this.active >= 0) this.take(this.active);
    else this.reopen(text);
  }

  /** Look for a text, and take what it names. */
  enterText(text) {
    this.type(text);
    this.takesWhenFound = true;
  }

  /** Whether the user can know what an Enter takes. */
  get isSeen() {
    return this.hasMoved || this.state === "elsewhere" || performance.now() - this.shownAt >= SEEN_AFTER;
  }

  move(step) {
    const count = this.items.length + (this.offersElsewhere ? 1 : 0);
    if (!count) return;
    if (this.takesWhenFound) this.stopWaiting();
    Object.assign(this, { isTouched: true, hasMoved: true });
    this.active = (this.active + step + count) % count;
    this.onChange();
    document.getElementById(this.getOptionId(this.active)).scrollIntoView({ block: "nearest" });
  }

  take(place) {
    const item = this.items[place];
    const wasWaiting = this.takesWhenFound;
    const pick = this.isOffering ? this.offers.take : this.onPick;
    this.takesWhenFound = false;
    this.close();
    pick(item);
    if (wasWaiting) this.onSettle(true);
  }

  /** Take what is offered, and go on in the list. */
  add(place) {
    this.note = this.offers.add(this.items[place]);
    if (place < this.items.length - 1) this.move(1);
    else this.onChange();
    this.scrollToOptions();
  }

  stopWaiting() {
    this.takesWhenFound = false;
    this.onSettle(false);
  }

  blur() {
    this.close();
    this.onBlur();
  }

  close() {
    clearTimeout(this.timer);
    this.request?.abort();
    const wasWaiting = this.takesWhenFound;
    Object.assign(this, { isOpen: false, takesWhenFound: false, isTouched: false });
    Object.assign(this, { items: [], more: 0, active: -1, state: "idle", note: "", isClear: false, hasMoved: false });
    this.isOffering = false;
    this.onChange();
    if (wasWaiting) this.onSettle(false);
  }

  // What is found

  reopen(text, options) {
    if (this.isOpen) return;
    if (text.trim()) this.search(text, 0);
    else this.offer(options);
  }

  /** Show what there is before anything is typed; with `highlights`, an Enter takes the first. */
  offer({ highlights = false } = {}) {
    const items = this.offers?.getItems();
    if (items === undefined) return;
    const state = items ? "found" : "searching";
    const active = highlights && items?.length ? 0 : -1;
    Object.assign(this, { isOpen: true, isOffering: true, isTouched: highlights, hasMoved: highlights });
    Object.assign(this, { items: items ?? [], more: 0, active, state, note: "" });
    this.onChange();
    this.scrollToOptions();
  }

  /** What is offered has come, or has failed to. */
  refreshOffers() {
    if (!this.isOffering) return;
    if (this.offers.getItems() === undefined) this.close();
    else if (this.state === "searching") this.offer({ highlights: this.hasMoved });
  }

  scrollToOptions() {
    document.getElementById(`${this.id}-options`).scrollIntoView({ block: "nearest" });
  }

  search(text, after = SEARCHES_AFTER) {
    clearTimeout(this.timer);
    this.request?.abort();
    if (!text.trim()) {
      this.close();
      return;
    }
    if (this.isOffering) Object.assign(this, { isOffering: false, items: [] });
    Object.assign(this, { isOpen: true, active: -1, state: "searching", note: "" }); // what was found stays in sight
    this.onChange();
    this.timer = setTimeout(() => this.find(text), after);
  }

  /** Look again for what is shown, as there may be news; who is highlighted stays so. */
  refresh(text) {
    const isElsewhere = this.state === "elsewhere" || this.note;
    if (this.isOpen && this.state !== "searching" && !isElsewhere) this.find(text, { staysOn: true });
  }

  async find(text, { staysOn = false } = {}) {
    this.request?.abort();
    this.request = new AbortController();
    const { signal } = this.request;
    this.text = text;
    try {
      const { body } = await ask("GET", this.getAddress(text), { signal });
      if (!signal.aborted) this.show(body, text, { staysOn });
    } catch (error) {
      if (!signal.aborted) this.fail(error, text);
    }
  }

  async findElsewhere() {
    const { text } = this;
    this.request = new AbortController();
    const { signal } = this.request;
    Object.assign(this, { state: "elsewhere", active: -1 });
    this.onChange();
    try {
      const found = await this.elsewhere.find(text, signal);
      if (!signal.aborted) this.show(found, text);
    } catch (error) {
      if (!signal.aborted) this.fail(error, text);
    }
  }

  show({ results: items, count, note = "" }, text, { staysOn = false } = {}) {
    const highlighted = staysOn ? this.items[this.active] : this.getChosen();
    const exact = items.filter((item) => !item.isSimilar && this.isExactly(item, text));
    const before = items.findIndex((item) => item.erpId === highlighted?.erpId);
    const best = exact.length ? items.indexOf(exact[0]) : items.length ? 0 : -1;
    const active = before >= 0 ? before : best;
    const isOnlyOne = items.filter((item) => !item.isSimilar).length === 1;
    const isNamed = isOnlyOne || exact.length === 1 || (exact.length > 1 && this.takesFirst);
    const isChosen = active >= 0 && items[active].erpId === this.getChosen()?.erpId;
    const isClear = isChosen || (isNamed && !items[active].isSimilar);
    if (!staysOn || before < 0) Object.assign(this, { hasMoved: false, shownAt: performance.now() });
    Object.assign(this, { items, more: count - items.length, active, state: "found", note, isClear });
    this.onChange();
    this.scrollToOptions();
    if (this.takesWhenFound) this.settle();
  }

  /** Enter came before the answer was seen: take what the text names, and nothing else. */
  settle() {
    if (this.isClear) this.take(this.active);
    else this.onUnclear();
  }

  fail(error, text) {
    if (!isExpected(error)) throw error;
    Object.assign(this, { items: [], more: 0, active: -1, state: "failed", error: error.message });
    Object.assign(this, { isClear: false, shownAt: performance.now() });
    if (this.takesWhenFound) this.settle();
    this.onFail(error);
    this.onChange();
    if (error instanceof Unreachable) this.timer = setTimeout(() => this.find(text), TRIES_AGAIN_AFTER);
  }
}
