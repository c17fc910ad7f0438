// How the order form looks, drawn from its state.

import { formatTime } from "../archibald/clock.js";
import { formatMoney, formatNumber, parseQuantity } from "./numbers.js";
import { getFilledLines, getOldPrice, isEmpty, mayBeOrdered } from "./order.js";
import { html, nothing } from "./vendor/lit-html/lit-html.js";
import { live } from "./vendor/lit-html/directives/live.js";
import { repeat } from "./vendor/lit-html/directives/repeat.js";

const fillIn = (template, values) => interpolate(template, values, true);

export function renderForm(form) {
  return html`
    ${renderHead(form)} ${renderBanner(form)} ${renderLeftBehind(form)}
    <form autocomplete="off" novalidate ?inert=${form.saving.isSaving} @submit=${(event) => event.preventDefault()}>
      ${renderCustomer(form)} ${renderLines(form)} ${renderEnd(form)}
    </form>
    ${renderBar(form)} ${renderUnsavedDialog(form)}`;
}

// What the page knows of the mirror

function renderHead(form) {
  const { draft } = form.order;
  const title = draft ? fillIn(gettext("Draft %(id)s"), draft) : gettext("New order");
  document.title = `${title} · Archibald`;
  return html`<div class="title"><h1>${title}</h1>
      <button type="button" class="quiet" ?hidden=${isEmpty(form.order)} ?disabled=${form.saving.isSaving}
        @click=${() => form.clear()}>${gettext("Clear")}</button>
    </div>
    <div class="news">
      <p id="customers-status" role="status">${renderCustomersLine(form)}</p>
      ${renderFreshness(form)} ${renderPause(form)} ${renderOpenQuestions(form.pageData)}
    </div>`;
}

function renderCustomersLine(form) {
  const { session, status, pageData } = form;
  const { phase, result, error } = session.customers;
  if (phase === "updating") return gettext("Updating customers…");
  const enter = () => {
    session.enter();
    form.focusStart();
  };
  const again = (label) => html`<button type="button" class="quiet" @click=${enter}>${label}</button>`;
  if (phase === "fresh") return html`${describeFreshCustomers(result, pageData)} ${again(gettext("Update"))}`;
  const since = status.data?.health.services.customers.freshAsOf;
  const known = since
    ? fillIn(gettext("Those here are of %(time)s."), { time: formatTime(since, pageData.timeZone) })
    : "";
  return html`<span class="warn">${gettext("Customers not updated.")} ${explainFailure(error)} ${known}</span> ${again(gettext("Try again"))}`;
}

function describeFreshCustomers({ freshAsOf, created, updated, restored }, { timeZone }) {
  const time = formatTime(freshAsOf, timeZone);
  if (created === undefined) return fillIn(gettext("Customers updated at %(time)s"), { time });
  const changed = updated + restored;
  const news = [
    created ? interpolate(ngettext("%s new", "%s new", created), [created]) : "",
    changed ? interpolate(ngettext("%s changed", "%s changed", changed), [changed]) : "",
  ].filter(Boolean);
  return fillIn(gettext("Customers updated at %(time)s (%(news)s)"), {
    time,
    news: news.join(", ") || gettext("no change"),
  });
}

/** Why there are no customers, for somebody who cannot help it: the administrator finds the details. */
function explainFailure(error) {
  if (!error.rest?.run) return error.message; // it is not the ERP
  const { code } = error;
  if (code === "ErpNotConfigured") return gettext("No ERP is set up: tell the administrator.");
  if (["ErpFolderNotFound", "ExportNotFound"].includes(code)) return gettext("There is no export of the customers.");
  if (code === "ErpLoginRejected") return gettext("The ERP does not accept the login: tell the administrator.");
  if (code === "ErpAnswerUnexpected") return gettext("The ERP gives no export.");
  if (["ErpUnavailable", "ErpSessionExpired"].includes(code)) return gettext("The ERP does not answer.");
  return gettext("The ERP's list could not be used.");
}

function renderFreshness({ status, pageData }) {
  if (status.isUnknown)
    return html`<p class="warn">${gettext("It is not known how fresh prices and products are.")}</p>`;
  if (!status.data) return nothing;
  const formats = {
    prices: [gettext("Prices updated: %(time)s"), gettext("Prices were never fetched.")],
    products: [gettext("Products updated: %(time)s"), gettext("Products were never fetched.")],
  };
  return Object.entries(formats).map(([type, [fetched, never]]) => {
    const { freshAsOf } = status.data.health.services[type];
    const soon = status.data.rejectedLogin ? "" : gettext("They come by themselves, in some minutes.");
    if (!freshAsOf) return html`<p class="warn">${never} ${soon}</p>`;
    const line = fillIn(fetched, { time: formatTime(freshAsOf, pageData.timeZone) });
    if (!status.isDoubtful(type)) return html`<p>${line}</p>`;
    return html`<p class="warn">${line}. ${gettext("Newer ones are overdue: check before you order.")}</p>`;
  });
}

/** What the mirror leaves open: said once, above the order. */
function renderOpenQuestions({ notices, hiddenColumns, oldColumns }) {
  const columns = hiddenColumns.join(", ");
  const old = fillIn(
    gettext("The ERP's lists no longer show these, which count as they were: %(columns)s. Check before you order."),
    { columns: oldColumns.join(", ") },
  );
  const hidden = fillIn(gettext("The ERP's list does not show now: %(columns)s. What is not known is not checked."), {
    columns,
  });
  return html`${notices.map((notice) => html`<p class="warn">${notice}</p>`)}
    ${oldColumns.length ? html`<p class="warn" id="old-columns">${old}</p>` : nothing}
    ${columns ? html`<p class="muted" id="hidden-columns">${hidden}</p>` : nothing}`;
}

function renderPause({ status, pageData }) {
  if (!status.data) return nothing;
  const { syncsPaused, pausedUntil, activeSessions } = status.data.smartSync;
  if (!syncsPaused) return html`<p id="pause">${gettext("Other updates go on")}</p>`;
  const format = gettext("Other updates wait until %(time)s, or until you leave");
  const open = interpolate(ngettext("(%s form is open)", "(%s forms are open)", activeSessions), [activeSessions]);
  return html`<p id="pause">${fillIn(format, { time: formatTime(pausedUntil, pageData.timeZone) })} ${activeSessions > 1 ? open : nothing}</p>`;
}

// What is said to the user

function renderBanner({ messages: { banner } }) {
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

function renderLeftBehind(form) {
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

function renderUnsavedDialog(form) {
  return html`<dialog id="unsaved" aria-labelledby="unsaved-title">
    <form method="dialog">
      <h2 id="unsaved-title">${gettext("This order is not saved.")}</h2>
      <p>${gettext("It stays in this browser if you leave.")}</p>
      <div class="actions">
        <button type="button" class="primary" @click=${(event) => saveAndLeave(event, form)}>${gettext("Save, and go to the drafts")}</button>
        <button @click=${() => location.assign("/drafts")}>${gettext("Leave without saving")}</button>
        <button>${gettext("Go on writing")}</button>
      </div>
    </form>
  </dialog>`;
}

function saveAndLeave({ currentTarget }, form) {
  currentTarget.closest("dialog").close(); // before the cursor goes to what may be wrong
  form.saving.save({ thenLeave: true });
}

function renderProblem(id, text) {
  return html`<p class="problem" id=${id} aria-live="polite">${text || nothing}</p>`;
}

// The customer

function renderCustomer(form) {
  const { customer, customerText } = form.order;
  const { customerBox } = form.entry;
  const problem = form.messages.errors.customer;
  return html`<section class="card customer">
    <label for="customer">${gettext("Customer")}</label>
    <div class="box">
      ${customerBox.renderInput({ text: customerText, describedBy: "customer-facts customer-problem", invalid: problem })}
      ${customerBox.renderList()}
    </div>
    <p class="facts" id="customer-facts">${customer ? renderCustomerFacts(customer) : nothing}</p>
    ${renderProblem("customer-problem", problem)}
  </section>`;
}

function renderCustomerFacts({ city, vatNumber, accountNumber, missingSince }) {
  const parts = [
    city,
    vatNumber && fillIn(gettext("VAT no. %(vatNumber)s"), { vatNumber }),
    accountNumber ? fillIn(gettext("Account %(accountNumber)s"), { accountNumber }) : gettext("No account yet"),
  ].filter(Boolean);
  const warning = html` <span class="warn">${gettext("The ERP's last list does not show this customer any more.")}</span>`;
  return html`${parts.join(" · ")}${missingSince ? warning : nothing}`;
}

export function renderCustomerOption(customer) {
  return html`<strong>${customer.name}</strong> <span>${renderCustomerFacts(customer)}</span>`;
}

// The lines

function renderLines(form) {
  return html`<section class="card lines" aria-label=${gettext("Lines")}>
    <div class="line headings" aria-hidden="true">
      <span>${gettext("Product")}</span><span>${gettext("Pack")}</span><span>${gettext("Quantity")}</span>
      <span>${gettext("Discount %")}</span><span class="amount">${gettext("Price")}</span>
      <span class="amount">${gettext("Amount")}</span><span></span>
    </div>
    ${repeat(
      form.order.lines,
      ({ id }) => id,
      (line, place) => renderLine(form, line, place + 1),
    )}
  </section>`;
}

function renderLine(form, line, number) {
  const error = form.messages.errors[line.id] ?? form.pricing.getProblem(line);
  const isLastEmpty = number === form.order.lines.length && !line.text.trim();
  return html`<div class="line ${error ? "wrong" : ""} ${isLastEmpty ? "empty" : ""}" role="group"
      aria-label=${fillIn(gettext("Line %(number)s"), { number })}>
    ${renderProduct(form, line, error)} ${renderPack(form, line)} ${renderQuantity(form, line, error, isLastEmpty)}
    ${renderDiscount(form, line, error, isLastEmpty)} ${renderPrices(form, line)}
    <button type="button" class="quiet remove" ?hidden=${isLastEmpty} @click=${() => form.entry.removeLine(line)}
      aria-label=${fillIn(gettext("Remove line %(number)s"), { number })}>×</button>
    <div class="below">
      ${renderProblem(`problem-${line.id}`, error?.text)} ${renderNearest(form, line)} ${renderUnknownVat(form, line)} ${renderPriceChange(form, line)}
    </div>
  </div>`;
}

function renderProduct(form, line, error) {
  const box = form.entry.getProductBox(line);
  const invalid = error?.field === "product";
  return html`<div class="product box">
    <label for=${box.id}>${gettext("Product")}</label>
    ${box.renderInput({ text: line.text, describedBy: `problem-${line.id}`, invalid, placeholder: gettext("Code or words") })}
    ${box.renderList()}
    ${line.product ? html`<p class="facts">${line.product.description}</p>` : nothing}
  </div>`;
}

function renderPack(form, line) {
  const packs = form.entry.getPacks(line);
  if (packs.length < 2) {
    return html`<div class="pack"><p class="single">${line.product ? formatPack(line.product) : nothing}</p></div>`;
  }
  return html`<div class="pack">
    <label for="pack-${line.id}">${gettext("Pack")}</label>
    <select id="pack-${line.id}" .value=${live(line.product.erpId)} @change=${({ target }) => form.entry.choosePack(line, target.value)}>
      ${packs.map((product) => html`<option value=${product.erpId} ?selected=${product.erpId === line.product.erpId}>${formatPack(product)}</option>`)}
    </select>
  </div>`;
}

function formatPack({ erpId, pack, packPieces }) {
  const count = Number(packPieces);
  const pieces = count && interpolate(ngettext("%s pc.", "%s pcs.", count), [formatNumber(count)]);
  return [pack || erpId, pieces].filter(Boolean).join(" · ");
}

export function renderProductOption(product) {
  const { least, step, most } = product.orderQuantities;
  const rules = [
    formatPack(product),
    Number(least) > 1 ? fillIn(gettext("min. %(n)s"), { n: formatNumber(least) }) : "",
    Number(step) > 1 ? fillIn(gettext("in %(n)s's"), { n: formatNumber(step) }) : "",
    most === null ? "" : fillIn(gettext("max. %(n)s"), { n: formatNumber(most) }),
    product.isBlocked || product.isOrderable === false ? gettext("cannot be ordered") : "",
  ].filter(Boolean);
  return html`<strong>${product.name || product.erpId}</strong> <span>${product.description}</span> <span>${rules.join(" · ")}</span>`;
}

function renderQuantity(form, line, error, isLastEmpty) {
  return html`<div class="quantity">
    <label for="quantity-${line.id}">${gettext("Quantity")}</label>
    <input id="quantity-${line.id}" inputmode="decimal" enterkeyhint="next" autocomplete="off" .value=${live(line.quantity)}
      ?disabled=${isLastEmpty} aria-describedby="problem-${line.id}" aria-invalid=${error?.field === "quantity" ? "true" : nothing}
      @input=${({ target }) => form.entry.setQuantity(line, target.value)} @keydown=${(event) => form.entry.pressInLine(event, line)}>
  </div>`;
}

function renderDiscount(form, line, error, isLastEmpty) {
  const change = ({ target }) => form.entry.setInLine(line, "discount", { discount: target.value });
  return html`<div class="discount">
    <label for="discount-${line.id}">${gettext("Discount %")}</label>
    <input id="discount-${line.id}" inputmode="decimal" enterkeyhint="next" autocomplete="off" .value=${live(line.discount)}
      ?disabled=${isLastEmpty} aria-describedby="problem-${line.id}" aria-invalid=${error?.field === "discount" ? "true" : nothing}
      @input=${change} @keydown=${(event) => form.entry.pressInLine(event, line)}>
  </div>`;
}

function renderPrices({ pricing }, line) {
  const answer = pricing.lines.get(line.id);
  const isOld = pricing.state === "idle" ? "" : "old";
  if (!answer || answer.unitPrice === null) {
    return html`<p class="price amount ${isOld}"></p><p class="sum amount ${isOld}"></p>`;
  }
  const { currency } = pricing;
  return html`<p class="price amount ${isOld}"><span class="label">${gettext("Price")}</span>
      ${formatPrice({ ...answer, currency })}</p>
    <p class="sum amount ${isOld}"><span class="label">${gettext("Amount")}</span>
      ${formatMoney(answer.goods, currency)}</p>`;
}

function formatPrice({ unitPrice, priceUnit, currency }) {
  const pieces = Number(priceUnit) === 1 ? "" : fillIn(gettext(" for %(n)s"), { n: formatNumber(priceUnit) });
  return `${formatMoney(unitPrice, currency)}${pieces}`;
}

/** What may be ordered instead: quantities next to the typed one, and packs in which that one may be. */
function renderNearest(form, line) {
  const { entry, pricing } = form;
  const quantities = pricing.getNearestQuantities(line);
  if (!quantities.length) return nothing;
  const take = (quantity) => {
    entry.setQuantity(line, formatNumber(quantity));
    form.focus(`quantity-${line.id}`);
  };
  const quantityButton = (quantity) =>
    html`<button type="button" @click=${() => take(quantity)}>${formatNumber(quantity)}</button>`;
  const packs = entry.getPacks(line).filter((product) => mayBeOrdered(product, parseQuantity(line.quantity)));
  const packButton = (product) => {
    const text = fillIn(gettext("%(quantity)s in %(pack)s"), { quantity: line.quantity, pack: formatPack(product) });
    return html`<button type="button" @click=${() => entry.choosePack(line, product.erpId)}>${text}</button>`;
  };
  return html`<p class="actions">${quantities.map(quantityButton)} ${packs.map(packButton)}</p>`;
}

function renderUnknownVat({ pricing }, line) {
  const answer = pricing.lines.get(line.id);
  if (!answer || answer.unitPrice === null || answer.vatRate !== null) return nothing;
  return html`<p class="muted unknown-vat">${gettext("VAT not known")}</p>`;
}

function renderPriceChange(form, line) {
  const before = getOldPrice(form.order, line);
  if (!before) return nothing;
  return html`<p class="price-change warn" role="status">${gettext("The price has changed:")}
    <del>${formatPrice(before)}</del> → <ins>${formatPrice(line.now.price)}</ins>
    <button type="button" class="quiet" @click=${() => form.acceptPrice(line)}>${gettext("Seen")}</button></p>`;
}

// The end of the order

function renderEnd(form) {
  const { order, messages, pageData, pricing } = form;
  const wrongDiscount = messages.errors.discount ?? pricing.discountProblem;
  const set = (field, { value }) => form.change(() => Object.assign(form.order, { [field]: value }), field);
  return html`<section class="card end">
    <div class="order-discount">
      <label for="discount">${gettext("Order discount %")}</label>
      <input id="discount" inputmode="decimal" autocomplete="off" .value=${live(order.discount)}
        aria-describedby="discount-problem" aria-invalid=${wrongDiscount ? "true" : nothing}
        @input=${({ target }) => set("discount", target)}
        @keydown=${(event) => event.key === "Enter" && !event.ctrlKey && !event.metaKey && form.focus("notes")}>
      ${renderProblem("discount-problem", wrongDiscount)}
    </div>
    <div class="notes">
      <label for="notes">${gettext("Notes")}</label>
      <textarea id="notes" rows="3" maxlength=${pageData.notesLength} .value=${live(order.notes)}
        @input=${({ target }) => set("notes", target)}></textarea>
      ${renderProblem("notes-problem", messages.errors.notes)}
    </div>
    ${renderTotals(pricing)}
  </section>`;
}

function renderTotals({ state, error, totals, currency }) {
  if (!totals && state !== "failed") {
    return html`<p id="totals" class="muted">${gettext("Totals appear as you type.")}</p>`;
  }
  const rows = totals && currency ? getTotalRows(totals, currency) : [];
  const outdated = () => html`<p class="warn">${gettext("Prices and totals are not up to date.")} ${error.message}</p>`;
  return html`<div id="totals" class=${state === "idle" ? "" : "old"}>
    <dl>${rows.map(([name, amount]) => html`<div><dt>${name}</dt><dd class="amount">${amount}</dd></div>`)}</dl>
    ${state === "failed" ? outdated() : nothing}
  </div>`;
}

function getTotalRows(totals, currency) {
  const { goods, discount, net, netWithoutVat, vatByRate, gross } = totals;
  const format = (amount) => formatMoney(amount, currency);
  const rows = [[gettext("Net"), format(net)]];
  if (Number(discount)) rows.unshift([gettext("Goods"), format(goods)], [gettext("Discount"), format(`-${discount}`)]);
  for (const { rate, amount } of vatByRate) {
    rows.push([fillIn(gettext("VAT %(rate)s%"), { rate: formatNumber(rate) }), format(amount)]);
  }
  const isIncomplete = hasUnknownVat(totals);
  if (isIncomplete) rows.push([fillIn(gettext("VAT not known, of %(net)s"), { net: format(netWithoutVat) }), "—"]);
  rows.push([isIncomplete ? gettext("Total, VAT incomplete") : gettext("Total"), format(gross)]);
  return rows;
}

function hasUnknownVat(totals) {
  return Number(totals.netWithoutVat) !== 0;
}

/** What the totals leave out. */
function renderLeftOut({ order, pricing: { state, lines, totals } }) {
  const renderText = (text) => html`<span class="left-out">${text}</span>`;
  if (state === "failed") return renderText(gettext("not up to date"));
  if (state !== "idle") return nothing;
  const left = getFilledLines(order).filter(({ id }) => !lines.get(id) || lines.get(id).problem).length;
  if (left) return renderText(interpolate(ngettext("without %s line", "without %s lines", left), [left]));
  return totals && hasUnknownVat(totals) ? renderText(gettext("VAT not known for some lines")) : nothing;
}

function renderBar(form) {
  const { pricing, saving } = form;
  const { totals, currency, state } = pricing;
  const gross =
    totals && currency ? html`${gettext("Total")} <strong>${formatMoney(totals.gross, currency)}</strong>` : nothing;
  const left = renderLeftOut(form);
  const isEmptyBar = gross === nothing && left === nothing;
  return html`<div class="bar">
    <p class="gross ${isEmptyBar ? "nothing" : ""} ${state === "idle" ? "" : "old"}">${gross} ${left}</p>
    <p class="keys muted">${gettext("Enter: next field · Ctrl+Enter: save · Alt+↓↑: a quantity that may be ordered")}</p>
    <div class="actions">
      <a class="button" id="done" href="/drafts" @click=${(event) => form.leave(event)}>${gettext("Done")}</a>
      <button type="button" id="save" class="primary" ?disabled=${saving.isSaving} aria-keyshortcuts="Control+Enter"
        @click=${() => saving.save()}>${saving.isSaving ? gettext("Saving…") : gettext("Save draft")}</button>
    </div>
  </div>`;
}
