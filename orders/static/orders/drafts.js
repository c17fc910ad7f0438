// The list of drafts: what agents say of them, with Undo, the forms that were left unsaved in this browser, and keys.

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
const copyDialog = document.querySelector("[data-copy]");

document.querySelector("[data-drafts]")?.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-delete]");
  if (button) deleteDraft(button);
  const step = target.closest("[data-do]");
  if (step) steps[step.dataset.do](step, step.closest("[data-draft]"));
});
for (const button of document.querySelectorAll("[data-delete], [data-do]")) button.disabled = false;
document.addEventListener("keydown", (event) => {
  const isTyped = event.target.closest("input, select, textarea, dialog, [contenteditable]");
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || isTyped) return;
  const key = event.key.toLowerCase();
  const row = event.target.closest("[data-draft]");
  const control = key === "n" ? newOrder : findControl(row, key);
  const next = control ?? findNext(row, { arrowdown: 1, j: 1, arrowup: -1, k: -1 }[key]);
  if (!next) return;
  event.preventDefault();
  if (control) control.click();
  else next.focus();
});
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && showKept());
addEventListener("pageshow", ({ persisted }) => persisted && location.reload()); // drafts were saved meanwhile
showKept();

// Keys

/** What a key presses in a draft that has the focus; in a list of one its links without it too, as they change nothing. */
function findControl(row, key) {
  const rows = document.querySelectorAll("[data-draft]:not([hidden])");
  const only = rows.length === 1 ? [...rows[0].querySelectorAll("a[aria-keyshortcuts]")] : [];
  const all = row ? [...row.querySelectorAll("[aria-keyshortcuts]")] : only;
  return all.find((each) => each.getAttribute("aria-keyshortcuts") === key);
}

/** The link of the draft before or after this one, the first one's from anywhere else. */
function findNext(row, step) {
  const rows = [...document.querySelectorAll("[data-draft]:not([hidden])")];
  const next = step && (row ? rows[rows.indexOf(row) + step] : rows[0]);
  return next?.querySelector("h2 a");
}

// What agents say of a draft

const steps = {
  confirm: (button, row) =>
    change(
      button,
      row,
      "confirm",
      { order: Number(button.dataset.order) },
      gettext("The draft of %(customer)s is this order."),
    ),
  reject: rejectOrder,
  close: (button, row) => change(button, row, "close", {}, gettext("Draft of %(customer)s closed."), "reopen"),
  reopen: (button, row) => change(button, row, "reopen", {}, gettext("Draft of %(customer)s is open again.")),
  enter: (button, row) => handOver(button, row, "entered", gettext("Draft of %(customer)s: entered in the ERP.")),
  restore: (button, row) =>
    attempt(button, async () => {
      await ask("POST", `/api/drafts/${row.dataset.draft}/restore`);
      showDone(row, gettext("Draft of %(customer)s restored."));
    }),
  copy: copyLines,
};

function change(button, row, step, more, message, undo) {
  return attempt(button, async () => {
    const wasOpen = row.dataset.state === "open";
    await send(row, step, more);
    showDone(row, message, wasOpen ? undo : null); // to reopen would forget an earlier hand-over
  });
}

async function send(row, step, more) {
  const body = { version: Number(row.dataset.version), ...more };
  const { body: answer } = await ask("POST", `/api/drafts/${row.dataset.draft}/${step}`, { body });
  row.dataset.version = answer.draft.version;
}

/** Of several orders that it may be only this one goes; the draft and the others stay. */
function rejectOrder(button, row) {
  return attempt(button, async () => {
    await send(row, "reject", { order: Number(button.dataset.order) });
    const message = gettext("Not the order of %(customer)s: it is not proposed again.");
    const proposal = button.closest(".fitting");
    if (!proposal) return showDone(row, message);
    proposal.remove();
    say(html`<p class="banner good">${fillIn(message, row.dataset)}</p>`);
    (row.querySelector(".fitting button") ?? row.querySelector("a")).focus();
  });
}

function handOver(button, row, how, message) {
  return change(button, row, "hand-over", { how }, message, "reopen");
}

async function copyLines(button, row) {
  const { text } = button.dataset;
  const message = gettext("Lines of %(customer)s copied: paste them in the ERP. The draft is marked as handed over.");
  const wasCopied = await Promise.resolve(navigator.clipboard?.writeText(text).then(() => true)).catch(() => false);
  if (wasCopied) return handOver(button, row, "copied", message);
  const box = copyDialog.querySelector("textarea");
  box.value = text;
  copyDialog.returnValue = "";
  copyDialog.onclose = () => (copyDialog.returnValue ? handOver(button, row, "copied", message) : button.focus());
  copyDialog.showModal();
  box.select();
}

/** A line in place of the draft, with Undo where that is one step. */
function showDone(row, message, undo) {
  const again = ({ currentTarget }) =>
    attempt(currentTarget, async () => {
      const body = { version: Number(row.dataset.version) };
      await ask("POST", `/api/drafts/${row.dataset.draft}/${undo}`, { body });
      location.reload();
    });
  const reload = () => location.reload();
  replace(row, fillIn(message, row.dataset), (id) =>
    undo
      ? html`<button aria-describedby=${id} @click=${again}>${gettext("Undo")}</button>`
      : html`<button aria-describedby=${id} @click=${reload}>${gettext("Show the list anew")}</button>`,
  );
}

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
  const gone = replace(row, message, (id) => {
    const undo = ({ currentTarget }) => restoreDraft(currentTarget, row, gone);
    return html`<button aria-describedby=${id} @click=${undo}>${gettext("Undo")}</button>`;
  });
}

/** Puts a message with a button in place of a draft. */
function replace(row, message, renderButton) {
  const gone = document.createElement("li");
  gone.className = "gone";
  const id = `gone-${row.dataset.draft}`;
  render(html`<span id=${id}>${message}</span> ${renderButton(id)}`, gone);
  row.hidden = true;
  row.after(gone);
  gone.querySelector("button").focus();
  return gone;
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
