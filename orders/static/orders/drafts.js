// The list of drafts: deleting with Undo, the forms that were left unsaved in this browser, and the key for a new order.

import { Unreachable, ask, isExpected } from "./api.js";
import { findLeftBehind, forget, resume } from "./kept_forms.js";
import { formatTime } from "../archibald/clock.js";
import { fillIn } from "./texts.js";
import { html, nothing, render } from "./vendor/lit-html/lit-html.js";

const userId = JSON.parse(document.querySelector("#user").textContent);
const newOrder = document.querySelector("[data-new-order]");
const messages = document.querySelector("[data-messages]");
const kept = document.querySelector("[data-kept]");
const dialog = document.querySelector("[data-discard]");

document.querySelector("[data-drafts]")?.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-delete]");
  if (button) deleteDraft(button);
});
for (const button of document.querySelectorAll("[data-delete]")) button.disabled = false;
document.addEventListener("keydown", (event) => {
  const isTyped = event.target.closest("input, select, textarea, dialog, [contenteditable]");
  if (event.key.toLowerCase() !== "n" || event.ctrlKey || event.metaKey || event.altKey || isTyped) return;
  event.preventDefault();
  newOrder.click();
});
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && showKept());
addEventListener("pageshow", ({ persisted }) => persisted && location.reload()); // drafts were saved meanwhile
showKept();

// Deleting

function deleteDraft(button) {
  const row = button.closest("[data-draft]");
  const { draft, customer } = row.dataset;
  return attempt(button, async () => {
    try {
      await ask("DELETE", `/api/drafts/${draft}`);
      showDeleted(row, fillIn(gettext("Draft of %(customer)s deleted."), { customer }));
    } catch (error) {
      if (error.status !== 404) throw error;
      showDeleted(row, fillIn(gettext("The draft of %(customer)s had been deleted already."), { customer }));
    }
  });
}

function showDeleted(row, message) {
  const gone = document.createElement("li");
  gone.className = "gone";
  const messageId = `gone-${row.dataset.draft}`;
  const undo = ({ currentTarget }) => restoreDraft(currentTarget, row, gone);
  render(
    html`
    <span id=${messageId}>${message}</span>
    <button aria-describedby=${messageId} @click=${undo}>${gettext("Undo")}</button>`,
    gone,
  );
  row.hidden = true;
  row.after(gone);
  gone.querySelector("button").focus();
}

function restoreDraft(button, row, gone) {
  return attempt(button, async () => {
    await ask("POST", `/api/drafts/${row.dataset.draft}/restore`);
    gone.remove();
    row.hidden = false;
    row.querySelector("a").focus();
  });
}

async function attempt(button, step) {
  say(nothing);
  button.disabled = true;
  const error = await step().then(
    () => null,
    (reason) => reason,
  );
  button.disabled = false;
  if (!error) return;
  if (!isExpected(error)) throw error;
  say(html`<div class="banner bad">${explain(error)}</div>`);
  button.focus();
}

function explain(error) {
  if (error instanceof Unreachable)
    return html`<p>${error.message} ${gettext("Nothing is lost: try again later.")}</p>`;
  if (error.status === 404) return html`<p>${gettext("The draft no longer exists. Reload the page.")}</p>`;
  if (error.status !== 401 && error.status !== 403) return html`<p>${error.message}</p>`;
  const here = `/login?next=${encodeURIComponent(location.pathname + location.search)}`;
  return html`<p>${gettext("You are no longer signed in. Nothing was changed.")}
    <a href=${here}>${gettext("Sign in")}</a></p>`;
}

function say(content) {
  render(content, messages);
}

// Forms that were left unsaved

async function showKept() {
  render((await findLeftBehind(userId)).map(renderBanner), kept);
}

function renderBanner(form) {
  return html`
    <div class="banner warn kept">
      <p>${describe(form)}</p>
      <div class="actions">
        <button class="primary" @click=${() => location.assign(resume(form))}>${gettext("Resume")}</button>
        <button @click=${() => discard(form)}>${gettext("Discard")}</button>
      </div>
    </div>`;
}

function describe(form) {
  const what = [
    form.title || gettext("no customer yet"),
    fillIn(ngettext("%(count)s line", "%(count)s lines", form.lines), { count: form.lines }),
    formatTime(form.savedAt, kept.dataset.timeZone),
  ].join(", ");
  return form.slot.startsWith("/drafts/")
    ? fillIn(gettext("Unsaved change of a draft: %(what)s"), { what })
    : fillIn(gettext("Unsaved order: %(what)s"), { what });
}

function discard(form) {
  dialog.querySelector("[data-question]").textContent = fillIn(
    gettext("%(what)s. Discard it? It cannot be brought back."),
    { what: describe(form) },
  );
  dialog.returnValue = "";
  dialog.onclose = async () => {
    if (dialog.returnValue !== "discard") return;
    await forget(userId, form.id);
    await showKept();
    (kept.querySelector("button") ?? newOrder).focus();
  };
  dialog.showModal();
}
