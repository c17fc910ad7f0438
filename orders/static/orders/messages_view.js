// What the order form says to its user.

import { formatTime } from "../archibald/clock.js";
import { isEmpty } from "./order.js";
import { fillIn } from "./texts.js";
import { html, nothing } from "./vendor/lit-html/lit-html.js";

export function renderBanner({ messages: { banner } }) {
  const kind = banner?.kind === "note" ? "warn" : banner?.kind;
  const role = kind === "bad" ? "alert" : "status";
  const content = banner ? renderBannerContent(banner) : nothing;
  return html`<div id="banner" role=${role} class=${banner ? `banner ${kind}` : ""}>${content}</div>`;
}

function renderBannerContent({ text, note, actions }) {
  return html`<p><strong>${text}</strong> ${note || nothing}</p>
    ${actions.length ? html`<p class="actions">${actions.map(renderAction)}</p>` : nothing}`;
}

function renderAction({ label, href, run }) {
  if (href) return html`<a href=${href}>${label}</a>`;
  return html`<button type="button" class="quiet" @click=${run}>${label}</button>`;
}

export function renderLeftBehind(form) {
  if (!isEmpty(form.order) || form.saving.isSaving) return nothing;
  return form.unsaved.leftBehind.slice(0, 3).map((kept) => {
    const text = fillIn(gettext("An order is not saved yet: %(title)s, %(lines)s, %(time)s."), {
      title: kept.title || gettext("no customer"),
      lines: interpolate(ngettext("%s line", "%s lines", kept.lines), [kept.lines]),
      time: formatTime(kept.savedAt, form.pageData.timeZone),
    });
    return html`<div class="banner warn left-behind"><p class="actions">${text}
      <button type="button" class="quiet" @click=${() => form.unsaved.resume(kept)}>${gettext("Resume")}</button></p></div>`;
  });
}

export function renderUnsavedDialog(form) {
  return html`<dialog id="unsaved" aria-labelledby="unsaved-title">
    <form method="dialog">
      <h2 id="unsaved-title">${gettext("This order is not saved.")}</h2>
      <p>${gettext("It stays in this browser if you leave.")}</p>
      <div class="actions">
        <button type="button" class="primary" @click=${(event) => saveAndLeave(event, form)}>${gettext("Save, and go to the drafts")}</button>
        <button @click=${() => location.assign("/drafts")}>${gettext("Leave without saving")}</button>
        <button>${gettext("Continue with the order")}</button>
      </div>
    </form>
  </dialog>`;
}

function saveAndLeave({ currentTarget }, form) {
  currentTarget.closest("dialog").close(); // before the cursor goes to what may be wrong
  form.saving.save({ thenLeave: true });
}

export function renderProblem(id, text) {
  return html`<p class="problem" id=${id} aria-live="polite">${text || nothing}</p>`;
}
