// What the order form knows of the mirror.

import { formatTime } from "../archibald/clock.js";
import { fillIn } from "./texts.js";
import { html, nothing } from "./vendor/lit-html/lit-html.js";

export function renderNews(form) {
  return html`<div class="news">
    <p id="customers-status" role="status">${renderCustomersLine(form)}</p>
    ${renderFreshness(form)} ${renderClosedErp(form)} ${renderPause(form)} ${renderOpenQuestions(form.pageData)}
  </div>`;
}

function renderCustomersLine(form) {
  const { session, status, pageData } = form;
  const { phase, result, error, run } = session.customers;
  if (phase === "updating") return gettext("Updating customers…");
  const enter = () => {
    session.enter();
    form.focusStart();
  };
  const again = (label) => html`<button type="button" class="quiet" @click=${enter}>${label}</button>`;
  if (phase === "fresh") return html`${describeFreshCustomers(result, pageData)} ${again(gettext("Update"))}`;
  const since = status.data?.health.services.customers.freshAsOf;
  const known = since
    ? fillIn(gettext("The customers shown are from %(time)s."), { time: formatTime(since, pageData.timeZone) })
    : "";
  if (phase === "later") return html`${explainWait(run, pageData)} ${known} ${again(gettext("Try again"))}`;
  return html`<span class="warn">${gettext("Customers not updated.")} ${explainFailure(error)} ${known}</span> ${again(gettext("Try again"))}`;
}

function describeFreshCustomers({ freshAsOf, created, updated, restored, readFrom }, { timeZone }) {
  const time = formatTime(freshAsOf, timeZone);
  if (created === undefined) return fillIn(gettext("Customers updated at %(time)s"), { time });
  const changed = updated + restored;
  const news = [
    created ? interpolate(ngettext("%s new", "%s new", created), [created]) : "",
    changed ? interpolate(ngettext("%s changed", "%s changed", changed), [changed]) : "",
  ].filter(Boolean);
  const text =
    readFrom === "look" // which shows one page of the list
      ? gettext("Newest customers updated at %(time)s (%(news)s)")
      : gettext("Customers updated at %(time)s (%(news)s)");
  return fillIn(text, { time, news: news.join(", ") || gettext("no change") });
}

function explainWait({ waitsFor, waitsUntil }, { timeZone }) {
  const format =
    waitsFor === "hours"
      ? gettext("The ERP is not asked outside its hours: the customers are updated after %(time)s.")
      : gettext("The ERP is not asked now: the customers are updated after %(time)s.");
  return fillIn(format, { time: formatTime(waitsUntil, timeZone) });
}

/** Why there are no customers, for somebody who cannot help it: the administrator finds the details. */
function explainFailure(error) {
  if (!error.rest?.run) return error.message; // it is not the ERP
  const { code } = error;
  if (code === "ErpNotConfigured") return gettext("No ERP is set up: tell the administrator.");
  if (["ErpFolderNotFound", "ExportNotFound"].includes(code)) return gettext("There is no export of the customers.");
  if (code === "ErpLoginRejected") return gettext("The ERP does not accept the login: tell the administrator.");
  if (code === "ErpAnswerUnexpected") return gettext("The ERP does not provide an export.");
  if (["ErpUnavailable", "ErpSessionExpired"].includes(code)) return gettext("The ERP does not answer.");
  return gettext("The ERP's list could not be used.");
}

function renderFreshness(form) {
  const { status, pageData } = form;
  if (status.isUnknown)
    return html`<p class="warn">${gettext("It is not known how up to date prices and products are.")}</p>`;
  if (!status.data) return nothing;
  const formats = {
    prices: [gettext("Prices updated: %(time)s"), gettext("No prices have arrived from the ERP yet.")],
    products: [gettext("Products updated: %(time)s"), gettext("No products have arrived from the ERP yet.")],
  };
  return Object.entries(formats).map(([type, [fetched, never]]) => {
    const { freshAsOf } = status.data.health.services[type];
    const waits = status.data.rejectedLogin || status.data.erp?.resumesAt;
    const soon = waits ? "" : gettext("They arrive automatically in a few minutes.");
    if (!freshAsOf) return html`<p class="warn">${never} ${soon}</p>`;
    const line = fillIn(fetched, { time: formatTime(freshAsOf, pageData.timeZone) });
    if (!status.isDoubtful(type)) return html`<p>${line}</p>`;
    return html`<p class="warn">${line}. ${gettext("The update is late: check before you order.")}
      <button type="button" class="quiet" @click=${() => form.checkLists()}>${gettext("Check again")}</button></p>`;
  });
}

/** That nothing newer comes for hours. */
function renderClosedErp({ status, pageData }) {
  const until = status.data?.erp?.resumesAt;
  if (!until) return nothing;
  const format = gettext("The ERP is not asked until %(time)s: nothing newer comes before.");
  return html`<p class="muted" id="erp-closed">${fillIn(format, { time: formatTime(until, pageData.timeZone) })}</p>`;
}

/** What the mirror leaves open: said once, above the order. */
function renderOpenQuestions({ notices, hiddenColumns, oldColumns }) {
  const columns = hiddenColumns.join(", ");
  const old = fillIn(
    gettext(
      "The ERP's lists no longer show these values, so the last known ones are used: %(columns)s. Check before you order.",
    ),
    { columns: oldColumns.join(", ") },
  );
  const hidden = fillIn(
    gettext(
      "The ERP's list currently does not show these values: %(columns)s. Values that are not known are not checked.",
    ),
    {
      columns,
    },
  );
  return html`${notices.map((notice) => html`<p class="warn">${notice}</p>`)}
    ${oldColumns.length ? html`<p class="warn" id="old-columns">${old}</p>` : nothing}
    ${columns ? html`<p class="muted" id="hidden-columns">${hidden}</p>` : nothing}`;
}

function renderPause({ status, pageData }) {
  if (!status.data) return nothing;
  const { syncsPaused, pausedUntil, activeSessions } = status.data.smartSync;
  if (!syncsPaused) return html`<p id="pause">${gettext("Other updates continue")}</p>`;
  const format = gettext("Other updates wait until %(time)s, or until you leave");
  const open = interpolate(ngettext("(%s form is open)", "(%s forms are open)", activeSessions), [activeSessions]);
  return html`<p id="pause">${fillIn(format, { time: formatTime(pausedUntil, pageData.timeZone) })} ${activeSessions > 1 ? open : nothing}</p>`;
}
