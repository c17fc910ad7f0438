// Where a list is pasted, and what is not clear about a line that was.

import { renderProblem } from "./messages_view.js";
import { html, nothing } from "./vendor/lit-html/lit-html.js";
import { live } from "./vendor/lit-html/directives/live.js";

const DOUBTS = {
  code: gettext("No product has this code: choose one."),
  codes: gettext("It names several products: choose one."),
  packs: gettext("It comes in several packs: check which."),
  quantity: gettext("Which quantity is meant is not clear: check it."),
  no_quantity: gettext("It had no quantity: this is the usual one."),
  too_long: gettext("It is too long to be read: choose a product, and fill in the quantity."),
};

export function renderDoubts(form, line) {
  if (!line.pasted) return nothing;
  const { text, doubts } = line.pasted;
  return html`<p class="doubts"><strong class="warn">${doubts.map((doubt) => DOUBTS[doubt]).join(" ")}</strong>
    <q>${text}</q>
    ${
      line.product
        ? html`<button type="button" class="quiet" @click=${() => form.entry.settleDoubts(line)}>${gettext("Seen")}</button>`
        : nothing
    }</p>`;
}

export function renderPasteDialog({ pasted }) {
  const read = () => pasted.read(pasted.text);
  return html`<dialog id="paste" aria-labelledby="paste-title" @close=${() => pasted.cancel()}>
    <form method="dialog" @submit=${(event) => event.preventDefault()}>
      <h2 id="paste-title">${gettext("Paste a list")}</h2>
      <label for="paste-text">${gettext("A product and its quantity in each line, from a spreadsheet or a message")}</label>
      <textarea id="paste-text" rows="10" aria-describedby="paste-problem" aria-invalid=${pasted.error ? "true" : nothing}
        placeholder="9801.314.016 x 5" spellcheck="false" .value=${live(pasted.text)}
        @input=${({ target }) => Object.assign(pasted, { text: target.value })}
        @keydown=${(event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && read()}></textarea>
      ${renderProblem("paste-problem", pasted.error)}
      <div class="actions">
        <button type="button" class="primary" ?disabled=${pasted.isReading} aria-keyshortcuts="Control+Enter"
          @click=${read}>${gettext("Add the lines")}</button>
        <button type="button" @click=${({ target }) => target.closest("dialog").close()}>${gettext("Cancel")}</button>
      </div>
    </form>
  </dialog>`;
}
