// A box that searches as one types: a combobox with a list, as the ARIA Authoring Practices describe it.

import { ApiError, Unreachable, ask } from "./api.js";
import { html, nothing } from "./vendor/lit-html/lit-html.js";
import { live } from "./vendor/lit-html/directives/live.js";

const SEARCHES_AFTER = 120; // milliseconds without a keystroke

export class Combobox {
  items = [];
  active = -1;
  isOpen = false;
  state = "idle"; // searching, found, failed
  takesWhenFound = false; // Enter was faster than the answer

  /**
   * `address(text)` is where a text is looked up, `option(item)` shows a result, `isExactly(item, text)` tells whether a
   * text names it; `typed(text)`, `picked(item)` and `left()` (Enter in the empty box) say what the user did,
   * `changed()` that the page must be drawn again.
   */
  constructor({ id, address, option, isExactly, typed, picked, left, changed }) {
    Object.assign(this, { id, address, option, isExactly, typed, picked, left, changed });
  }

  // What is drawn

  input({ text, label, describedBy, invalid, placeholder = "" }) {
    return html`<input
      id=${this.id} type="text" role="combobox" autocomplete="off" autocapitalize="off" spellcheck="false"
      enterkeyhint="next" aria-autocomplete="list" aria-haspopup="listbox" aria-label=${label ?? nothing}
      aria-controls="${this.id}-list" aria-expanded=${this.isOpen ? "true" : "false"}
      aria-activedescendant=${this.isOpen && this.active >= 0 ? this.optionId(this.active) : nothing}
      aria-describedby=${describedBy ?? nothing} aria-invalid=${invalid ? "true" : nothing} placeholder=${placeholder}
      .value=${live(text)}
      @input=${({ target }) => this.type(target.value)} @keydown=${(event) => this.press(event)}
      @blur=${() => this.close()} @click=${() => this.reopen(text)}>`;
  }

  list() {
    return html`<div class="options" ?hidden=${!this.isOpen} @mousedown=${(event) => event.preventDefault()}>
      <ul id="${this.id}-list" role="listbox" aria-label=${gettext("Results")}>
        ${this.items.map((item, place) => html`<li
          id=${this.optionId(place)} role="option" aria-selected=${place === this.active ? "true" : "false"}
          @click=${() => this.take(place)}>${this.option(item)}</li>`)}
      </ul>
      ${this.isOpen && !this.items.length ? html`<p>${this.message()}</p>` : nothing}
    </div>
    <span class="only-heard" role="status">${this.isOpen && this.state === "found" ? this.count() : nothing}</span>`;
  }

  message() {
    if (this.state === "failed") return this.error;
    return this.state === "found" ? gettext("Nothing found.") : gettext("Searching…");
  }

  count() {
    return interpolate(ngettext("%s result", "%s results", this.items.length), [this.items.length]);
  }

  optionId(place) {
    return `${this.id}-option-${place}`;
  }

  // What the user does

  type(text) {
    this.typed(text);
    this.takesWhenFound = false;
    this.search(text);
  }

  press(event) {
    const handler = {
      ArrowDown: () => (this.isOpen ? this.move(1) : this.reopen(event.target.value)),
      ArrowUp: () => this.isOpen && this.move(-1),
      Enter: () => this.enter(event.target.value),
      Escape: () => this.close(),
    }[event.key];
    if (!handler || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    event.preventDefault();
    handler();
  }

  enter(text) {
    if (!text.trim()) this.left();
    else if (this.isOpen && this.state === "searching") this.takesWhenFound = true;
    else if (this.isOpen && this.active >= 0) this.take(this.active);
    else this.reopen(text);
  }

  move(step) {
    if (!this.items.length) return;
    this.active = (this.active + step + this.items.length) % this.items.length;
    this.changed();
    document.getElementById(this.optionId(this.active)).scrollIntoView({ block: "nearest" });
  }

  take(place) {
    const item = this.items[place];
    this.close();
    this.picked(item);
  }

  close() {
    clearTimeout(this.timer);
    this.request?.abort();
    Object.assign(this, { isOpen: false, takesWhenFound: false, items: [], active: -1, state: "idle" });
    this.changed();
  }

  // What is found

  reopen(text) {
    if (text.trim() && !this.isOpen) this.search(text, 0);
  }

  search(text, after = SEARCHES_AFTER) {
    clearTimeout(this.timer);
    this.request?.abort();
    if (!text.trim()) {
      this.close();
      return;
    }
    Object.assign(this, { isOpen: true, active: -1, state: "searching" }); // what was found stays in sight
    this.changed();
    this.timer = setTimeout(() => this.find(text), after);
  }

  async find(text) {
    this.request = new AbortController();
    const { signal } = this.request;
    try {
      const { body } = await ask("GET", this.address(text), { signal });
      if (!signal.aborted) this.show(body.results, text);
    } catch (error) {
      if (!signal.aborted) this.fail(error);
    }
  }

  show(items, text) {
    const exact = items.filter((item) => this.isExactly(item, text));
    const isClear = exact.length === 1 || items.length === 1;
    const active = exact.length === 1 ? items.indexOf(exact[0]) : items.length ? 0 : -1;
    Object.assign(this, { items, active, state: "found" });
    this.changed();
    if (this.takesWhenFound && isClear) this.take(active);
    this.takesWhenFound = false;
  }

  fail(error) {
    if (!(error instanceof ApiError || error instanceof Unreachable)) throw error;
    Object.assign(this, { items: [], active: -1, state: "failed", error: error.message, takesWhenFound: false });
    this.changed();
  }
}
