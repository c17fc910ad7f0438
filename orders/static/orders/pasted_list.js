// A list that is pasted: its lines become lines of the order, and what is not clear about one is marked in it.

import { ask, isExpected } from "./api.js";
import { lineFromPasted } from "./order.js";
import { fillIn } from "./texts.js";
import { getPlace, isStillAt } from "./type_ahead.js";

export class PastedList {
  text = ""; // in the dialog
  error = "";
  isReading = false;
  place = null; // where the cursor was when the reading began

  constructor(form) {
    this.form = form;
  }

  /** Whether keys wait for the lines: the cursor has not been moved since. */
  get holdsKeys() {
    return this.isReading && isStillAt(this.place);
  }

  /** A list in the clipboard becomes lines; one code is pasted as ever. */
  pasteIntoBox(event) {
    const text = event.clipboardData.getData("text/plain");
    if (this.isReading) return; // it lands in the box
    if (!/\S[^\S\t]*[\t\n]\s*\S/.test(text)) return; // one line without cells
    event.preventDefault();
    this.read(text);
  }

  open(text = this.text, error = "") {
    Object.assign(this, { text, error });
    this.form.draw();
    const dialog = document.getElementById("paste");
    if (!dialog.open) dialog.showModal();
  }

  /** The dialog was closed: a list of its own that is being read is not added. */
  cancel() {
    const { form } = this;
    if (!this.isReading || this.place.id !== "paste") return;
    this.request.abort();
    this.isReading = false;
    form.messages.addUnused(form.typeAhead.drop());
    form.draw();
  }

  async read(text) {
    const { form } = this;
    const { order } = form;
    if (this.isReading) return;
    if (!text.trim()) {
      this.open(text, gettext("Paste the list here first."));
      return;
    }
    this.request = new AbortController();
    const { signal } = this.request;
    Object.assign(this, { isReading: true, place: getPlace() });
    form.draw();
    try {
      const { body } = await ask("POST", "/api/products/lookup", { body: { text }, signal });
      if (signal.aborted) return;
      const isStill = isStillAt(this.place);
      this.isReading = false;
      if (form.order === order) this.add(body, text, isStill);
      else {
        form.messages.addUnused(form.typeAhead.drop());
        this.open(text, gettext("Another order was begun meanwhile: nothing was added."));
      }
    } catch (error) {
      if (signal.aborted) return;
      this.isReading = false;
      const unused = form.typeAhead.drop();
      if (!isExpected(error)) throw error;
      form.messages.addUnused(unused);
      if (error.isSignedOut) form.messages.askToSignIn();
      this.open(text, error.detail?.text?.[0] ?? error.message);
    }
  }

  /** Add what was read; the cursor moves on only if it is where it was (`isStill`). */
  add({ lines: found, skipped }, text, isStill) {
    const { form } = this;
    const lines = found.map(lineFromPasted);
    const unclear = lines.filter(({ pasted }) => pasted);
    const count = unclear.length;
    const note = [
      count ? interpolate(ngettext("%s is marked: look at it.", "%s are marked: look at them.", count), [count]) : "",
      skipped.length ? fillIn(gettext("Skipped: %(lines)s"), { lines: skipped.join(" · ") }) : "",
    ];
    if (!form.entry.hasRoomFor(lines.length)) {
      this.open(text, form.messages.banner.text);
      form.messages.addUnused(form.typeAhead.drop());
      return;
    }
    document.getElementById("paste").close();
    this.text = this.error = "";
    form.entry.addLines(lines, { note: note.filter(Boolean).join(" "), movesCursor: isStill });
    if (!count && !skipped.length) {
      if (isStill) form.typeAhead.release();
      else form.messages.addUnused(form.typeAhead.releaseElsewhere());
      return;
    }
    form.messages.addUnused(form.typeAhead.drop()); // nothing is done before it was read
    if (count && isStill) form.entry.goToUnclear(unclear[0]);
  }
}
