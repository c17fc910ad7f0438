// What the form says to its user: a banner above the order, and what is wrong with which field.

import { fillIn } from "./texts.js";

export class Messages {
  banner = null; // {kind, text, actions: [{label, href or run}], note}
  errors = {}; // by field; of a line, by its id: {field, text}

  constructor(form) {
    this.form = form;
  }

  clear() {
    Object.assign(this, { banner: null, errors: {} });
  }

  say(kind, text, actions = [], note = "") {
    this.banner = { kind, text, actions, note };
    this.form.draw();
  }

  sayNotSaved({ message }, actions = []) {
    this.say("bad", interpolate(gettext("Not saved. %s The order is kept here."), [message]), actions);
  }

  askToSignIn() {
    const next = encodeURIComponent(this.form.unsaved.slot);
    this.say("bad", gettext("You are no longer signed in. The order is kept in this browser."), [
      { label: gettext("Sign in again"), href: `/login?next=${next}` },
    ]);
  }

  sayUnused(text) {
    this.say("warn", fillIn(gettext("Typed ahead, and not used: %(text)s"), { text }));
  }

  /** Add to what is said that text was typed ahead and dropped; "" is none. */
  addUnused(text) {
    if (!text) return;
    const { banner } = this;
    this.sayUnused(text);
    if (banner) this.banner = { ...banner, note: [banner.note, this.banner.text].filter(Boolean).join(" ") };
    this.form.draw();
  }

  setLineError(line, field, text) {
    this.errors[line.id] = { field, text };
  }

  forgetError(field, line) {
    if (!line) delete this.errors[field];
    else if (this.errors[line.id]?.field === field) delete this.errors[line.id];
  }

  /** Whether there is no error; if there is, say so and go to the first. */
  checkErrors() {
    const [first] = Object.keys(this.errors);
    if (first === undefined) return true;
    this.say("bad", gettext("Not saved: correct the marked fields."));
    const { details } = this.form.order;
    if (first in details) this.form.details.isOpen = true;
    const isField = first in { customer: 1, discount: 1, notes: 1, ...details };
    this.form.focus(isField ? first : `${this.errors[first].field}-${first}`);
    return false;
  }
}
