// A list that is pasted: its lines become lines of the order, and what is not clear about one is marked in it.

import { ask, isExpected } from "./api.js";
import { lineFromPasted } from "./order.js";
import { fillIn } from "./texts.js";

export class PastedList {
  text = ""; // in the dialog
  error = "";
  isReading = false;

  constructor(form) {
    this.form = form;
  }

  /** A list in the clipboard becomes lines; one code is pasted as ever. */
  pasteIntoBox(event) {
    const text = event.clipboardData.getData("text/plain");
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

  async read(text) {
    const { form } = this;
    if (this.isReading) return;
    if (!text.trim()) {
      this.open(text, gettext("Paste the list here first."));
      return;
    }
    this.isReading = true;
    form.draw();
    try {
      const { body } = await ask("POST", "/api/products/lookup", { body: { text } });
      this.isReading = false;
      this.add(body, text);
    } catch (error) {
      this.isReading = false;
      form.typeAhead.drop();
      if (!isExpected(error)) throw error;
      if (error.isSignedOut) form.messages.askToSignIn();
      this.open(text, error.detail?.text?.[0] ?? error.message);
    }
  }

  add({ lines: found, skipped }, text) {
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
      form.typeAhead.drop();
      return;
    }
    document.getElementById("paste").close();
    this.text = this.error = "";
    form.entry.addLines(lines, { note: note.filter(Boolean).join(" ") });
    if (!count && !skipped.length) {
      form.typeAhead.release();
      return;
    }
    form.typeAhead.drop(); // nothing is done before it was read
    if (count) form.entry.goToUnclear(unclear[0]);
  }
}
