// How the order form looks, drawn from its state.

import { clock } from "../archibald/clock.js";
import { money, parsedQuantity, shown } from "./numbers.js";
import { filledLines, isEmpty, mayBeOrdered, priceBefore } from "./order.js";
import { html, nothing } from "./vendor/lit-html/lit-html.js";
import { live } from "./vendor/lit-html/directives/live.js";
import { repeat } from "./vendor/lit-html/directives/repeat.js";

const text = (format, values) => interpolate(format, values, true);

export function view(form) {
  return html`
    ${head(form)} ${banner(form)} ${leftBehind(form)}
    <form autocomplete="off" novalidate ?inert=${form.isSaving} @submit=${(event) => event.preventDefault()}>
      ${customerCard(form)} ${linesCard(form)} ${endCard(form)}
    </form>
    ${bar(form)} ${unsavedDialog(form)}`;
}

// What the page knows of the mirror

function head(form) {
  const { draft } = form.order;
  const title = draft ? text(gettext("Draft %(id)s"), draft) : gettext("New order");
  document.title = `${title} · Archibald`;
  return html`<div class="title"><h1>${title}</h1>
      <button type="button" class="quiet" ?hidden=${isEmpty(form.order)} ?disabled=${form.isSaving}
        @click=${() => form.clear()}>${gettext("Clear")}</button>
    </div>
    <div class="news">
      <p id="customers-status" role="status">${customersLine(form)}</p>
      ${freshness(form)} ${pause(form)} ${openQuestions(form.facts)}
    </div>`;
}

function customersLine(form) {
  const { session, status, facts } = form;
  const { phase, result, error } = session.customers;
  if (phase === "updating") return gettext("Updating customers…");
  const enter = () => { session.enter(); form.focusStart(); };
  const again = (label) => html`<button type="button" class="quiet" @click=${enter}>${label}</button>`;
  if (phase === "fresh") return html`${freshCustomers(result, facts)} ${again(gettext("Update"))}`;
  const since = status.data?.health.services.customers.freshAsOf;
  const known = since ? text(gettext("Those here are of %(time)s."), { time: clock(since, facts.timeZone) }) : "";
  return html`<span class="warn">${gettext("Customers not updated.")} ${reason(error)} ${known}</span> ${again(gettext("Try again"))}`;
}

function freshCustomers({ freshAsOf, created, updated, restored }, { timeZone }) {
  const time = clock(freshAsOf, timeZone);
  if (created === undefined) return text(gettext("Customers updated at %(time)s"), { time });
  const changed = updated + restored;
  const news = [
    created ? interpolate(ngettext("%s new", "%s new", created), [created]) : "",
    changed ? interpolate(ngettext("%s changed", "%s changed", changed), [changed]) : "",
  ].filter(Boolean);
  return text(gettext("Customers updated at %(time)s (%(news)s)"), { time, news: news.join(", ") || gettext("no change") });
}

/** Why there are no customers, for somebody who cannot help it: the administrator finds the details. */
function reason(error) {
  if (!error.rest?.run) return error.message; // it is not the ERP
  const { code } = error;
  if (code === "ErpNotConfigured") return gettext("No ERP is set up: tell the administrator.");
  if (["ErpFolderNotFound", "ExportNotFound"].includes(code)) return gettext("There is no export of the customers.");
  if (code === "ErpLoginRejected") return gettext("The ERP does not accept the login: tell the administrator.");
  if (code === "ErpAnswerUnexpected") return gettext("The ERP gives no export.");
  if (["ErpUnavailable", "ErpSessionExpired"].includes(code)) return gettext("The ERP does not answer.");
  return gettext("The ERP's list could not be used.");
}

function freshness({ status, facts }) {
  if (status.isUnknown) return html`<p class="warn">${gettext("It is not known how fresh prices and products are.")}</p>`;
  if (!status.data) return nothing;
  const formats = {
    prices: [gettext("Prices updated: %(time)s"), gettext("Prices were never fetched.")],
    products: [gettext("Products updated: %(time)s"), gettext("Products were never fetched.")],
  };
  return Object.entries(formats).map(([type, [fetched, never]]) => {
    const { freshAsOf } = status.data.health.services[type];
    const soon = status.data.rejectedLogin ? "" : gettext("They come by themselves, in some minutes.");
    if (!freshAsOf) return html`<p class="warn">${never} ${soon}</p>`;
    const line = text(fetched, { time: clock(freshAsOf, facts.timeZone) });
    if (!status.isDoubtful(type)) return html`<p>${line}</p>`;
    return html`<p class="warn">${line}. ${gettext("Newer ones are overdue: check before you order.")}</p>`;
  });
}

/** What the mirror leaves open: said once, above the order. */
function openQuestions({ notices, hiddenColumns, oldColumns }) {
  const columns = hiddenColumns.join(", ");
  const old = text(gettext("The ERP's lists no longer show these, which count as they were: %(columns)s. Check before you order."), {
    columns: oldColumns.join(", "),
  });
  const hidden = text(gettext("The ERP's list does not show now: %(columns)s. What is not known is not checked."), { columns });
  return html`${notices.map((notice) => html`<p class="warn">${notice}</p>`)}
    ${oldColumns.length ? html`<p class="warn" id="old-columns">${old}</p>` : nothing}
    ${columns ? html`<p class="muted" id="hidden-columns">${hidden}</p>` : nothing}`;
}

function pause({ status, facts }) {
  if (!status.data) return nothing;
  const { syncsPaused, pausedUntil, activeSessions } = status.data.smartSync;
  if (!syncsPaused) return html`<p id="pause">${gettext("Other updates go on")}</p>`;
  const format = gettext("Other updates wait until %(time)s, or until you leave");
  const open = interpolate(ngettext("(%s form is open)", "(%s forms are open)", activeSessions), [activeSessions]);
  return html`<p id="pause">${text(format, { time: clock(pausedUntil, facts.timeZone) })} ${activeSessions > 1 ? open : nothing}</p>`;
}

// What is said to the user

function banner({ banner: said }) {
  const kind = { good: "good", bad: "bad", warn: "warn", note: "warn" }[said?.kind] ?? "";
  const role = said?.kind === "bad" ? "alert" : "status";
  return html`<div id="banner" role=${role} class=${said ? `banner ${kind}` : ""}>${said ? html`
    <p><strong>${said.text}</strong> ${said.note || nothing}</p>
    ${said.actions.length ? html`<p class="actions">${said.actions.map(action)}</p>` : nothing}` : nothing}</div>`;
}

function action({ label, href, run }) {
  return href ? html`<a href=${href}>${label}</a>` : html`<button type="button" class="quiet" @click=${run}>${label}</button>`;
}

function leftBehind(form) {
  if (!form.left.length || !isEmpty(form.order) || form.isSaving) return nothing;
  return form.left.slice(0, 3).map((kept) => html`<div class="banner warn left-behind"><p class="actions">
    ${text(gettext("An order is not saved yet: %(title)s, %(lines)s, %(time)s."), {
      title: kept.title || gettext("no customer"),
      lines: interpolate(ngettext("%s line", "%s lines", kept.lines), [kept.lines]),
      time: clock(kept.savedAt, form.facts.timeZone),
    })}
    <button type="button" class="quiet" @click=${() => form.resume(kept)}>${gettext("Resume")}</button></p></div>`);
}

function unsavedDialog(form) {
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
  form.save({ thenLeave: true });
}

function problem(id, said) {
  return html`<p class="problem" id=${id} aria-live="polite">${said || nothing}</p>`;
}

// The customer

function customerCard(form) {
  const { customer, customerText } = form.order;
  return html`<section class="card customer">
    <label for="customer">${gettext("Customer")}</label>
    <div class="box">
      ${form.customerBox.input({ text: customerText, describedBy: "customer-facts customer-problem", invalid: form.errors.customer })}
      ${form.customerBox.list()}
    </div>
    <p class="facts" id="customer-facts">${customer ? customerFacts(customer) : nothing}</p>
    ${problem("customer-problem", form.errors.customer)}
  </section>`;
}

function customerFacts({ city, vatNumber, accountNumber, missingSince }) {
  const parts = [
    city,
    vatNumber && text(gettext("VAT no. %(vatNumber)s"), { vatNumber }),
    accountNumber ? text(gettext("Account %(accountNumber)s"), { accountNumber }) : gettext("No account yet"),
  ].filter(Boolean);
  const warning = html` <span class="warn">${gettext("The ERP's last list does not show this customer any more.")}</span>`;
  return html`${parts.join(" · ")}${missingSince ? warning : nothing}`;
}

export function customerOption(customer) {
  return html`<strong>${customer.name}</strong> <span>${customerFacts(customer)}</span>`;
}

// The lines

function linesCard(form) {
  return html`<section class="card lines" aria-label=${gettext("Lines")}>
    <div class="line headings" aria-hidden="true">
      <span>${gettext("Product")}</span><span>${gettext("Pack")}</span><span>${gettext("Quantity")}</span>
      <span>${gettext("Discount %")}</span><span class="amount">${gettext("Price")}</span>
      <span class="amount">${gettext("Amount")}</span><span></span>
    </div>
    ${repeat(form.order.lines, (line) => line.id, (line, place) => lineRow(form, line, place + 1))}
  </section>`;
}

function lineRow(form, line, number) {
  const error = form.errors[line.id] ?? form.problemOf(line);
  const isLastEmpty = number === form.order.lines.length && !line.text.trim();
  return html`<div class="line ${error ? "wrong" : ""} ${isLastEmpty ? "empty" : ""}" role="group"
      aria-label=${text(gettext("Line %(number)s"), { number })}>
    ${productField(form, line, error)} ${packField(form, line)} ${quantityField(form, line, error, isLastEmpty)}
    ${discountField(form, line, error, isLastEmpty)} ${prices(form, line)}
    <button type="button" class="quiet remove" ?hidden=${isLastEmpty} @click=${() => form.removeLine(line)}
      aria-label=${text(gettext("Remove line %(number)s"), { number })}>×</button>
    <div class="below">
      ${problem(`problem-${line.id}`, error?.text)} ${nearest(form, line)} ${unknownVat(form, line)} ${priceChange(form, line)}
    </div>
  </div>`;
}

function productField(form, line, error) {
  const box = form.boxOf(line);
  const invalid = error?.field === "product";
  return html`<div class="product box">
    <label for=${box.id}>${gettext("Product")}</label>
    ${box.input({ text: line.text, describedBy: `problem-${line.id}`, invalid, placeholder: gettext("Code or words") })}
    ${box.list()}
    ${line.product ? html`<p class="facts">${line.product.description}</p>` : nothing}
  </div>`;
}

function packField(form, line) {
  const packs = form.packsOf(line);
  if (packs.length < 2) return html`<div class="pack"><p class="single">${line.product ? packName(line.product) : nothing}</p></div>`;
  return html`<div class="pack">
    <label for="pack-${line.id}">${gettext("Pack")}</label>
    <select id="pack-${line.id}" .value=${live(line.product.erpId)} @change=${({ target }) => form.choosePack(line, target.value)}>
      ${packs.map((product) => html`<option value=${product.erpId} ?selected=${product.erpId === line.product.erpId}>${packName(product)}</option>`)}
    </select>
  </div>`;
}

function packName({ erpId, pack, packPieces }) {
  const pieces = Number(packPieces) ? interpolate(ngettext("%s pc.", "%s pcs.", Number(packPieces)), [shown(packPieces)]) : "";
  return [pack || erpId, pieces].filter(Boolean).join(" · ");
}

export function productOption(product) {
  const { least, step, most } = product.orderQuantities;
  const rules = [
    packName(product),
    Number(least) > 1 ? text(gettext("min. %(n)s"), { n: shown(least) }) : "",
    Number(step) > 1 ? text(gettext("in %(n)s's"), { n: shown(step) }) : "",
    most === null ? "" : text(gettext("max. %(n)s"), { n: shown(most) }),
    product.isBlocked || product.isOrderable === false ? gettext("cannot be ordered") : "",
  ].filter(Boolean);
  return html`<strong>${product.name || product.erpId}</strong> <span>${product.description}</span> <span>${rules.join(" · ")}</span>`;
}

function quantityField(form, line, error, isLastEmpty) {
  return html`<div class="quantity">
    <label for="quantity-${line.id}">${gettext("Quantity")}</label>
    <input id="quantity-${line.id}" inputmode="decimal" enterkeyhint="next" autocomplete="off" .value=${live(line.quantity)}
      ?disabled=${isLastEmpty} aria-describedby="problem-${line.id}" aria-invalid=${error?.field === "quantity" ? "true" : nothing}
      @input=${({ target }) => form.setQuantity(line, target.value)} @keydown=${(event) => form.pressInLine(event, line)}>
  </div>`;
}

function discountField(form, line, error, isLastEmpty) {
  const change = ({ target }) => form.change(() => { line.discount = target.value; }, "discount", line);
  return html`<div class="discount">
    <label for="discount-${line.id}">${gettext("Discount %")}</label>
    <input id="discount-${line.id}" inputmode="decimal" enterkeyhint="next" autocomplete="off" .value=${live(line.discount)}
      ?disabled=${isLastEmpty} aria-describedby="problem-${line.id}" aria-invalid=${error?.field === "discount" ? "true" : nothing}
      @input=${change} @keydown=${(event) => form.pressInLine(event, line)}>
  </div>`;
}

function prices(form, line) {
  const priced = form.priced.get(line.id);
  const isOld = form.pricing !== "idle" ? "old" : "";
  const has = priced && priced.unitPrice !== null;
  return html`<p class="price amount ${isOld}">${has ? html`<span class="label">${gettext("Price")}</span>
      ${priceText({ ...priced, currency: form.currency })}` : nothing}</p>
    <p class="sum amount ${isOld}">${has ? html`<span class="label">${gettext("Amount")}</span>
      ${money(priced.goods, form.currency)}` : nothing}</p>`;
}

function priceText({ unitPrice, priceUnit, currency }) {
  const pieces = Number(priceUnit) === 1 ? "" : text(gettext(" for %(n)s"), { n: shown(priceUnit) });
  return `${money(unitPrice, currency)}${pieces}`;
}

/** What may be ordered instead: quantities next to the typed one, and packs in which that one may be. */
function nearest(form, line) {
  const quantities = form.nearestOf(line);
  if (!quantities.length) return nothing;
  const take = (quantity) => { form.setQuantity(line, shown(quantity)); form.focus(`quantity-${line.id}`); };
  const packs = form.packsOf(line).filter((product) => mayBeOrdered(product, parsedQuantity(line.quantity)));
  return html`<p class="actions">
    ${quantities.map((quantity) => html`<button type="button" @click=${() => take(quantity)}>${shown(quantity)}</button>`)}
    ${packs.map((product) => html`<button type="button" @click=${() => form.choosePack(line, product.erpId)}>
      ${text(gettext("%(quantity)s in %(pack)s"), { quantity: line.quantity, pack: packName(product) })}</button>`)}
  </p>`;
}

function unknownVat(form, line) {
  const priced = form.priced.get(line.id);
  if (!priced || priced.unitPrice === null || priced.vatRate !== null) return nothing;
  return html`<p class="muted unknown-vat">${gettext("VAT not known")}</p>`;
}

function priceChange(form, line) {
  const before = priceBefore(form.order, line);
  if (!before) return nothing;
  return html`<p class="price-change warn" role="status">${gettext("The price has changed:")}
    <del>${priceText(before)}</del> → <ins>${priceText(line.now.price)}</ins>
    <button type="button" class="quiet" @click=${() => form.acceptPrice(line)}>${gettext("Seen")}</button></p>`;
}

// The end of the order

function endCard(form) {
  const wrongDiscount = form.errors.discount ?? form.discountProblem;
  return html`<section class="card end">
    <div class="order-discount">
      <label for="discount">${gettext("Order discount %")}</label>
      <input id="discount" inputmode="decimal" autocomplete="off" .value=${live(form.order.discount)}
        aria-describedby="discount-problem" aria-invalid=${wrongDiscount ? "true" : nothing}
        @input=${({ target }) => form.change((order) => { order.discount = target.value; }, "discount")}
        @keydown=${(event) => event.key === "Enter" && !event.ctrlKey && !event.metaKey && form.focus("notes")}>
      ${problem("discount-problem", wrongDiscount)}
    </div>
    <div class="notes">
      <label for="notes">${gettext("Notes")}</label>
      <textarea id="notes" rows="3" maxlength=${form.facts.notesLength} .value=${live(form.order.notes)}
        @input=${({ target }) => form.change((order) => { order.notes = target.value; }, "notes")}></textarea>
      ${problem("notes-problem", form.errors.notes)}
    </div>
    ${totals(form)}
  </section>`;
}

function totals(form) {
  const { totals: sums, currency, pricing, pricingError } = form;
  if (!sums && pricing !== "failed") return html`<p id="totals" class="muted">${gettext("Totals appear as you type.")}</p>`;
  const amounts = sums && currency ? [
    ...(Number(sums.discount) ? [[gettext("Goods"), sums.goods], [gettext("Discount"), `-${sums.discount}`]] : []),
    [gettext("Net"), sums.net],
    ...sums.vatByRate.map(({ rate, amount }) => [text(gettext("VAT %(rate)s%"), { rate: shown(rate) }), amount]),
  ].map(([name, amount]) => [name, money(amount, currency)]) : [];
  if (amounts.length) {
    const net = money(sums.netWithoutVat, currency);
    if (hasUnknownVat(sums)) amounts.push([text(gettext("VAT not known, of %(net)s"), { net }), "—"]);
    amounts.push([hasUnknownVat(sums) ? gettext("Total, VAT incomplete") : gettext("Total"), money(sums.gross, currency)]);
  }
  return html`<div id="totals" class=${pricing === "idle" ? "" : "old"}>
    <dl>${amounts.map(([name, amount]) => html`<div><dt>${name}</dt><dd class="amount">${amount}</dd></div>`)}</dl>
    ${pricing === "failed" ? html`<p class="warn">${gettext("Prices and totals are not up to date.")} ${pricingError}</p>` : nothing}
  </div>`;
}

function hasUnknownVat(sums) {
  return Number(sums.netWithoutVat) !== 0;
}

/** What the totals do not hold. */
function leftOut({ order, priced, pricing, totals: sums }) {
  const left = filledLines(order).filter(({ id }) => !priced.get(id) || priced.get(id).problem).length;
  if (pricing === "idle" && !left && sums && hasUnknownVat(sums)) {
    return html`<span class="left-out">${gettext("VAT not known for some lines")}</span>`;
  }
  const isUnsaid = !left || pricing !== "idle";
  if (pricing !== "failed" && isUnsaid) return nothing;
  const said = pricing === "failed" ? gettext("not up to date") : ngettext("without %s line", "without %s lines", left);
  return html`<span class="left-out">${interpolate(said, [left])}</span>`;
}

function bar(form) {
  const { totals: sums, currency, isSaving, pricing } = form;
  const gross = sums && currency ? html`${gettext("Total")} <strong>${money(sums.gross, currency)}</strong>` : nothing;
  const left = leftOut(form);
  return html`<div class="bar">
    <p class="gross ${gross === nothing && left === nothing ? "nothing" : ""} ${pricing === "idle" ? "" : "old"}">${gross} ${left}</p>
    <p class="keys muted">${gettext("Enter: next field · Ctrl+Enter: save · Alt+↓↑: a quantity that may be ordered")}</p>
    <div class="actions">
      <a class="button" id="done" href="/drafts" @click=${(event) => form.done(event)}>${gettext("Done")}</a>
      <button type="button" id="save" class="primary" ?disabled=${isSaving} aria-keyshortcuts="Control+Enter"
        @click=${() => form.save()}>${isSaving ? gettext("Saving…") : gettext("Save draft")}</button>
    </div>
  </div>`;
}
