"""Writing orders in a real browser: the keyboard, quantities, prices, saving, and what is never lost."""

import re
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone
from django.utils.formats import number_format
from playwright.sync_api import Error, expect

from demo.erp.faults import Fault
from demo.erp.front_end import PlannedFault
from orders import drafts, outcome
from orders.drafts import DraftInput, LineInput
from orders.models import Draft, Price, Product
from sync.coordinator.queue import request_sync
from sync.models import OrderFormSession, SyncRun
from tests.demo_erp import change_price, new_customer
from tests.e2e.browsers import PHONE, intercept, sign_in
from tests.e2e.order_form import OrderForm, customers, goods, price_of, saved_draft
from tests.factories import OrderFactory
from tests.sync.demo import run_sync

FIVE = 5
SEARCHES_AFTER, SEEN_AFTER = 120, 300  # milliseconds, as in combobox.js


@pytest.fixture
def form(page, site):
    return OrderForm(page, site).open_fresh()


def shown(quantity):
    return f"{quantity:f}".rstrip("0").rstrip(".")


def euro(amount):
    return f"{number_format(amount, 2, use_l10n=True, force_grouping=True)}\xa0€"


@contextmanager
def unanswered(form, what="products"):
    """Searches for products, or for customers, are answered at the end of the block."""
    pattern, held = f"**/api/{what}?*search*", []
    intercept(form.page, pattern, lambda route: held.append(route))
    yield
    form.page.unroute(pattern)
    for route in held:
        with suppress(Error):  # the page may have given it up
            route.continue_()


def lose_the_answer(form):
    """Let the next save be carried out, and the page not hear of it."""

    def carried_out_but_not_answered(route):
        route.fetch()
        route.abort("internetdisconnected")

    intercept(form.page, "**/api/drafts", carried_out_but_not_answered, times=1)


# With the keyboard only


def test_five_drafts_in_a_row_with_the_keyboard_only(form, agent):
    products = list(goods())[:6]
    for number, customer in enumerate(list(customers())[:FIVE], 1):
        form.type(customer.account_number)
        form.press("Enter")
        expect(form.line(1).product).to_be_focused()
        for product in products[:number]:
            form.add(product)
        form.press("Enter")  # in the empty product box: on to the button
        expect(form.save_button).to_be_focused()
        form.press("Enter")
        form.expect_saved(number)
        expect(form.customer).to_be_focused()
    drafts = Draft.objects.for_user(agent).order_by("pk")
    assert [draft.customer for draft in drafts] == list(customers())[:FIVE]
    assert [[line.product for line in draft.lines.all()] for draft in drafts] == [
        products[: n + 1] for n in range(FIVE)
    ]


def test_enter_takes_an_exact_code_however_fast_it_is_typed(form, customer, product):
    form.choose_customer(customer)
    with unanswered(form):
        form.type(product.erp_id)
        form.press("Enter")
    expect(form.line(1).quantity).to_be_focused()
    expect(form.line(1).product).to_have_value(product.name)


def test_what_was_typed_stays_when_nothing_is_chosen(form):
    form.type("rossi e figli")
    expect(form.page.get_by_text("Nessun risultato.")).to_be_visible()
    form.press("Escape", "Tab")
    expect(form.customer).to_have_value("rossi e figli")
    form.save()
    expect(form.page.get_by_text("Scegli il cliente dall'elenco.")).to_be_visible()
    expect(form.customer).to_be_focused()


def test_arrows_choose_among_customers_shown_with_city_vat_number_and_account(form, customer):
    form.type(customer.name[:12])
    expect(form.options.first).to_have_attribute("aria-selected", "true")
    form.press("ArrowDown")
    second = form.options.nth(1)
    expect(second).to_have_attribute("aria-selected", "true")
    expect(second).to_contain_text(" · ")
    name = second.locator("strong").inner_text()
    form.press("Enter")
    expect(form.customer).to_have_value(name)


def test_what_is_typed_ahead_of_the_answers_lands_where_it_belongs(form, customer, product):
    other = next(each for each in goods() if each.name != product.name)
    for part in (
        customer.account_number,
        product.erp_id,
        shown(product.order_quantities.least),
        other.name,
        shown(other.order_quantities.least),
    ):
        form.type(part)
        form.press("Enter")
    expect(form.line(3).product).to_be_focused()
    expect(form.customer).to_have_value(customer.name)
    expect(form.line(1).product).to_have_value(product.name)
    expect(form.line(2).product).to_have_value(other.name)
    expect(form.line(2).quantity).to_have_value(shown(other.order_quantities.least))


def test_tab_typed_ahead_moves_on_too(form, customer, product):
    form.choose_customer(customer)
    with unanswered(form):
        form.type(product.erp_id)
        form.press("Enter")
        form.type("5")
        form.press("Tab")
        form.type("10")
    expect(form.line(1).discount).to_have_value("10")
    expect(form.line(1).quantity).to_have_value("5")


def test_an_impatient_or_held_enter_saves_nothing(form, customer, product):
    form.choose_customer(customer)
    with unanswered(form):
        form.type(product.erp_id)
        form.press("Enter", "Enter", "Enter", "Enter", "Enter")
    expect(form.save_button).to_be_focused()
    form.line(1).quantity.focus()
    for _ in range(8):
        form.page.keyboard.down("Enter")
    form.page.keyboard.up("Enter")
    expect(form.line(2).product).to_be_focused()
    assert not Draft.objects.exists()


@pytest.mark.parametrize("delay", [5, 60, 120], ids=["a scanner", "60 ms a key", "120 ms a key"])
def test_two_enters_take_the_usual_quantity_and_begin_the_next_line(form, customer, delay):
    one, other = two_articles()
    form.choose_customer(customer)
    network = form.page.context.new_cdp_session(form.page)
    network.send("Network.enable")
    network.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 100, "downloadThroughput": -1, "uploadThroughput": -1},
    )
    form.page.keyboard.type(f"{one.erp_id}\n\n{other.erp_id}\n\n", delay=delay)
    expect(form.line(3).product).to_be_focused()
    expect_lines(form, one, other)


def test_a_code_that_is_scanned_in_the_box_for_the_quantity_begins_the_next_line(form, customer):
    one, other = two_articles()
    form.choose_customer(customer)
    with unanswered(form):
        form.type(f"{one.erp_id}\n{other.erp_id}\n")
    expect(form.line(2).quantity).to_be_focused()
    expect_lines(form, one, other)
    form.line(1).quantity.focus()
    form.press("Control+a")
    form.type(f"{one.erp_id}\n7\n")
    expect(form.line(4).product).to_be_focused()
    expect(form.line(3).product).to_have_value(one.name)
    expect_lines(form, one, other)


def test_a_scanned_code_of_digits_begins_the_next_line_too(form, customer):
    one, other = two_articles()
    form.choose_customer(customer)
    form.type(f"{one.name}\n")
    expect(form.line(1).quantity).to_be_focused()
    usual = form.line(1).quantity.input_value()
    form.type(f"{other.name}\n{one.erp_id}\n")
    expect(form.line(3).quantity).to_be_focused()
    expect(form.line(2).product).to_have_value(other.name)
    expect(form.line(3).product).to_have_value(one.name)
    expect(form.line(1).quantity).to_have_value(usual)


def test_what_is_scanned_when_the_button_is_in_focus_begins_a_line(form, customer, product):
    form.fill(customer, product)
    form.press("Enter")
    expect(form.save_button).to_be_focused()
    form.type(f"{product.erp_id}\n")
    expect(form.line(2).quantity).to_be_focused()
    expect(form.line(2).product).to_have_value(product.name)
    assert not Draft.objects.exists()


def test_a_code_that_begins_with_a_letter_is_no_quantity(form, customer, product):
    form.fill(customer, product)
    form.line(1).quantity.focus()
    form.press("Control+a")
    form.type("H9.314.016\n")
    expect(form.line(2).product).to_be_focused()
    expect(form.line(2).product).to_have_value("H9.314.016")
    expect_lines(form, product)


@pytest.mark.parametrize("code", ["erp_id", "name"])
def test_a_quantity_typed_before_a_scanned_code_is_not_lost(form, customer, code):
    one, other = two_articles()
    form.fill(customer, one)
    line, typed = form.line(1), f"5{getattr(other, code)}"
    line.quantity.focus()
    form.press("Control+a")
    form.type(f"{typed}\n")
    expect(line.problem).to_have_text("Questa non è una quantità. Scrivi qui la quantità, e il codice nella riga dopo.")
    expect(line.quantity).to_have_value(typed)
    expect(line.quantity).to_be_focused()
    expect(form.line(2).product).to_have_value("")
    form.press("Control+a")
    form.type("5\n")
    expect(form.line(2).product).to_be_focused()
    expect(line.quantity).to_have_value("5")


def test_impatient_enters_before_the_next_code_save_nothing_and_lose_nothing(form, customer):
    one, other = two_articles()
    form.choose_customer(customer)
    with unanswered(form):
        form.type(f"{one.erp_id}\n\n\n\n{other.erp_id}\n\n")
    expect(form.line(3).product).to_be_focused()
    expect_lines(form, one, other)
    assert not Draft.objects.exists()


def test_text_that_is_typed_ahead_to_a_button_is_shown_and_presses_nothing(form, customer, product):
    form.choose_customer(customer)
    with unanswered(form):
        form.type(product.erp_id)
        form.press("Enter", "Tab", "Tab", "7", "Enter")  # on the button that removes the line
    expect(form.banner).to_contain_text("Scritto in anticipo e non usato: 7⏎")
    form.press("Enter")
    expect_lines(form, product)


def two_articles():
    one = next(goods())
    return one, next(each for each in goods() if each.name != one.name)


def expect_lines(form, *products):
    for number, product in enumerate(products, 1):
        expect(form.line(number).product).to_have_value(product.name)
        expect(form.line(number).quantity).to_have_value(shown(product.order_quantities.usual))


def test_what_is_typed_on_after_an_ambiguous_name_goes_where_it_was_typed_for(form, product):
    with unanswered(form, "customers"):
        form.type(f"s\n{product.erp_id}\n\n")
    expect(form.line(2).product).to_be_focused()
    expect(form.customer).to_have_value("s")
    expect(form.page.get_by_text("Scegli il cliente dall'elenco.")).to_be_visible()
    expect_lines(form, product)


def test_what_is_typed_on_after_a_product_that_is_not_clear_goes_where_it_was_typed_for(form, customer, product):
    form.choose_customer(customer)
    with unanswered(form):
        form.type(f"nessuno così\n\n{product.erp_id}\n\n")
    expect(form.line(3).product).to_be_focused()
    expect(form.line(1).problem).to_have_text("Scegli il prodotto dall'elenco.")
    expect(form.line(1).product).to_have_value("nessuno così")
    expect(form.line(2).product).to_have_value(product.name)


def test_a_quantity_typed_on_after_a_product_that_is_not_clear_replaces_the_one_before(form, customer, product):
    form.fill(customer, product)
    form.line(1).quantity.fill("10")
    form.line(1).product.focus()
    form.press("Control+a")
    with unanswered(form):
        form.type("nessuno così\n5\n")
    expect(form.line(2).product).to_be_focused()
    expect(form.line(1).quantity).to_have_value("5")


def test_an_enter_takes_only_what_was_seen(form):
    form.page.clock.install()
    form.page.clock.pause_at(timezone.now() + timedelta(seconds=2))
    form.type("s")
    form.page.clock.run_for(SEARCHES_AFTER)
    expect(form.options.nth(2)).to_be_visible()
    form.press("Enter")  # too soon after the list was drawn
    form.page.clock.run_for(SEEN_AFTER)
    expect(form.customer).to_have_value("s")
    expect(form.customer).to_be_focused()
    name = form.page.get_by_role("option", selected=True).locator("strong").inner_text()
    form.press("Enter")
    expect(form.customer).to_have_value(name)


def test_a_similar_customer_is_never_taken_unseen(form, erp):
    known = new_customer(erp, name="Quarantini Ludovico", account="7654321")
    run_sync("customers", mode="full")
    with unanswered(form, "customers"):
        form.type("quarentini")
        form.press("Enter")
    expect(form.options).to_have_count(1)
    expect(form.options).to_contain_text("simile")
    expect(form.page.locator(".customer .only-heard")).to_have_text("1 risultato simile")
    expect(form.customer).to_have_value("quarentini")
    expect(form.page.locator("#customer-facts")).to_be_empty()
    form.press("ArrowDown")
    form.press("Enter")
    expect(form.customer).to_have_value(known.name)


def test_the_only_exact_customer_is_taken_though_similar_ones_are_shown(form, erp):
    exact = new_customer(erp, name="Quarantini Ludovico", account="7654321")
    new_customer(erp, name="Quarentini Ludovica", account="7654322")
    run_sync("customers", mode="full")
    with unanswered(form, "customers"):
        form.type("quaranti")
        form.press("Enter")
    expect(form.customer).to_have_value(exact.name)


def test_looking_at_a_chosen_box_changes_nothing(form, erp):
    one = new_customer(erp, name="Rossi Gemelli", account="7654321")
    other = new_customer(erp, name="Rossi Gemelli", account="7654322")
    run_sync("customers", mode="full")
    for chosen, key in ((one, "Tab"), (other, "Tab"), (one, "Enter"), (other, "Enter")):
        form.customer.fill("")
        form.type(chosen.account)
        form.press("Enter")
        expect(form.page.locator("#customer-facts")).to_contain_text(chosen.account)
        form.customer.click()
        expect(form.options.first).to_be_visible()
        form.press(key)
        expect(form.page.locator("#customer-facts")).to_contain_text(chosen.account)


def test_keys_that_were_held_for_a_box_go_nowhere_else(form, customer, product):
    form.choose_customer(customer)
    with unanswered(form):
        form.type(product.erp_id)
        form.press("Enter")
        form.type("77")
        form.press("Delete")
        form.page.keyboard.insert_text("x")
    form.line(1).product.fill(product.erp_id)
    form.press("Enter")
    expect(form.line(1).quantity).to_have_value(shown(product.order_quantities.least))


def test_tab_takes_the_highlighted_one_and_goes_on(form, customer):
    form.type(customer.account_number)
    expect(form.options).to_have_count(1)
    form.press("Tab")
    expect(form.customer).to_have_value(customer.name)
    expect(form.line(1).product).to_be_focused()


def test_a_refresh_of_the_customers_moves_no_highlight(form, erp):
    form.type("s")
    expect(form.options.nth(2)).to_be_visible()
    form.press("ArrowDown", "ArrowDown")
    name = form.page.get_by_role("option", selected=True).locator("strong").inner_text()
    new_customer(erp, name="Saa Studio", account="7654321")
    OrderFactory.create_batch(
        50, account_number="7654321", ordered_at=timezone.now()
    )  # the first of those that begin so
    run_sync("customers")
    expect(form.options).to_contain_text(["Saa Studio"])
    form.press("Enter")
    expect(form.customer).to_have_value(name)


def test_a_customer_who_is_no_more_the_chosen_one_is_marked_at_once(form, customer):
    form.choose_customer(customer)
    form.customer.focus()
    form.press("End")
    form.type("x")
    form.press("Escape", "Tab")
    expect(form.page.get_by_text("Scegli il cliente dall'elenco.")).to_be_visible()


def test_an_italian_vat_number_is_found_with_its_country(form, customer):
    form.type(f"IT{customer.vat_number}")
    form.press("Enter")
    expect(form.customer).to_have_value(customer.name)


def test_a_box_says_that_there_are_more_results(form):
    form.type("s")
    expect(form.page.get_by_text("continua a scrivere per trovarli").first).to_be_visible()


# Quantities and packs


@pytest.fixture
def packed():
    """A product that is ordered in fives or more, whose article has another pack too."""
    for product in goods():
        others = [each for each in goods() if each.name == product.name and each != product]
        if product.order_quantities.least >= FIVE and any(
            each.order_quantities.find_nearest(Decimal(7)) == [Decimal(7)] for each in others
        ):
            return product
    raise AssertionError("no such product")


def test_a_quantity_that_cannot_be_ordered_offers_the_nearest(form, customer, packed):
    form.choose_customer(customer)
    form.add(packed, "7")
    line = form.line(1)
    offered = [shown(each) for each in packed.order_quantities.find_nearest(Decimal(7))]
    expect(line.problem).to_contain_text(offered[-1])
    expect(line.quantity).to_have_attribute("aria-invalid", "true")
    line.group.get_by_role("button", name=offered[-1], exact=True).click()
    expect(line.quantity).to_have_value(offered[-1])
    expect(line.problem).to_be_hidden()
    line.quantity.fill("7")
    expect(line.problem).to_be_visible()
    form.press("Alt+ArrowDown")
    expect(line.quantity).to_have_value(offered[0])


def test_a_corrected_quantity_can_be_saved_at_once(form, customer, packed, allowed):
    allowed.append("ERR_FAILED .*/preview")
    form.choose_customer(customer)
    form.add(packed, "7")
    expect(form.line(1).problem).to_be_visible()
    intercept(form.page, "**/preview", lambda route: route.abort())
    form.line(1).quantity.focus()
    form.press("Alt+ArrowDown", "Control+Enter")
    form.expect_saved(1)


def test_a_quantity_is_offered_in_the_pack_that_has_it(form, customer, packed):
    form.choose_customer(customer)
    form.add(packed, "7")
    line = form.line(1)
    line.group.get_by_role("button", name=re.compile("^7 in ")).first.click()
    expect(line.problem).to_be_hidden()
    expect(line.quantity).to_have_value("7")
    expect(line.amount).to_contain_text("€")
    form.save()
    form.expect_saved(1)
    [saved] = Draft.objects.get().lines.all()
    assert (saved.product.name, saved.quantity) == (packed.name, Decimal(7))
    assert saved.product != packed


def test_the_pack_can_be_changed(form, customer, packed):
    form.fill(customer, packed)
    line = form.line(1)
    expect(line.pack).to_have_value(packed.erp_id)
    other = next(each for each in goods() if each.name == packed.name and each != packed)
    line.pack.select_option(other.erp_id)
    expect(line.quantity).to_be_focused()
    expect(line.quantity).to_have_value(shown(other.order_quantities.least))


# What is special about a price


def test_a_net_price_and_a_customer_s_own_are_marked_and_a_discount_on_a_net_price_is_warned_of(
    form, customer, product
):
    price, _amount = price_of(product, customer.account_number)
    Price.objects.filter(erp_id=price).update(
        is_net_price=True, account_code="Tabella", account=customer.account_number
    )
    form.fill(customer, product)
    line = form.line(1)
    expect(line.marks).to_have_text(["Prezzo netto", "Prezzo riservato a questo cliente"])
    expect(line.warning).to_be_empty()
    line.discount.fill("10")
    expect(line.warning).to_have_text("Questo è un prezzo netto: non prevede sconti.")
    form.save()
    form.expect_saved(1)


# What the form says


def test_an_article_that_is_in_another_line_too_is_mentioned(form, customer):
    one, other = two_articles()
    form.fill(customer, one, other, one)
    expect(form.line(1).repeated).to_have_text("Anche nella riga 3.")
    expect(form.line(2).repeated).to_be_empty()
    expect(form.line(3).repeated).to_have_text("Anche nella riga 1.")


def test_what_is_saved_is_named_by_customer_lines_and_total(form, customer):
    form.fill(customer, *two_articles())
    form.save()
    form.expect_saved(1)
    total = euro(Draft.objects.get().totals.gross)
    expect(form.banner).to_contain_text(f"{customer.name} · 2 righe · Totale {total}.")


def test_what_is_announced_has_a_place_before_it_is_said(form, customer, product):
    for box in (form.page.locator("#customer-problem"), form.line(1).problem, form.page.locator("#total-heard")):
        assert box.evaluate("(box) => getComputedStyle(box).display") != "none"
    form.fill(customer, product)
    expect(form.page.locator("#total-heard")).to_have_text(re.compile(r"^Totale\s[\d.]+,\d\d\s€$"))


CONTRAST = """(box) => {
  const luminance = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).map(Number).map((each) => each / 255)
      .map((each) => (each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  for (let each = box; each; each = each.parentElement) if (getComputedStyle(each).opacity !== "1") return 0;
  const { color, backgroundColor } = getComputedStyle(box);
  const [dark, light] = [luminance(color), luminance(backgroundColor)].sort((one, other) => one - other);
  return (light + 0.05) / (dark + 0.05);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_that_prices_are_not_up_to_date_can_be_read(scheme, form, customer, product, allowed):
    allowed.append("ERR_FAILED .*/preview")
    form.page.emulate_media(color_scheme=scheme)
    form.fill(customer, product)
    intercept(form.page, "**/preview", lambda route: route.abort())
    form.line(1).discount.fill("5")
    warning = form.totals.locator(".warn")
    expect(warning).to_contain_text("non sono aggiornati")
    assert warning.evaluate(CONTRAST) >= 4.5


def test_undo_stays_in_its_box(form, customer):
    one, other = two_articles()
    form.fill(customer, one)
    form.add(other, "7")
    form.line(1).discount.focus()
    form.press("Control+z")
    expect(form.line(2).quantity).to_have_value("7")
    form.type("12")
    form.press("Control+z", "Control+z", "Control+z")
    expect(form.line(1).discount).to_be_focused()
    expect(form.line(1).discount).to_have_value("")
    expect(form.line(2).quantity).to_have_value("7")
    expect(form.line(2).product).to_have_value(other.name)


def test_what_is_pressed_by_a_finger_is_as_large_as_one(open_page, site, customer, product):
    form = OrderForm(open_page(viewport=PHONE, has_touch=True, is_mobile=True), site).open_fresh()
    form.fill(customer, product)
    buttons = form.page.locator("#order-form button:visible, #order-form a:visible")
    sizes = buttons.evaluate_all("(all) => all.map((each) => [each.textContent, each.offsetWidth, each.offsetHeight])")
    assert len(sizes) > 4
    assert [size for size in sizes if min(size[1:]) < 44] == []


def test_where_an_order_goes_is_kept_saved_and_shown_again(form, customer, product):
    OrderFactory(account_number=customer.account_number, delivery_name="Verdi", delivery_address="Via Roma 1")
    page = form.page
    form.fill(customer, product)
    page.locator("#details").press("Enter")
    expect(page.locator("#deliveryAddress-list option[value='Verdi, Via Roma 1']")).to_be_attached()
    page.locator("#deliveryAddress").fill("Verdi, Via Roma 1")
    page.locator("#deliveryDate").fill("2026-12-24")
    page.locator("#isQuote").check()
    page.reload()
    expect(page.locator("#deliveryAddress")).to_have_value("Verdi, Via Roma 1")
    expect(page.locator("#isQuote")).to_be_checked()
    form.save()
    form.expect_saved(1)
    draft = Draft.objects.get()
    assert (draft.delivery_address, draft.delivery_date) == ("Verdi, Via Roma 1", date(2026, 12, 24))
    assert (draft.is_quote, draft.is_gift) == (True, False)
    expect(page.locator("#deliveryAddress")).to_be_hidden()
    page.goto(f"{page.url.partition('/orders')[0]}/drafts/{draft.pk}")
    expect(page.locator("#deliveryDate")).to_have_value("2026-12-24")


def test_another_customer_s_addresses_are_offered_once_he_is_chosen(form, customer, product):
    other = next(each for each in customers() if each != customer)
    for each, place in ((customer, "Via Roma 1"), (other, "Via Po 2")):
        OrderFactory(account_number=each.account_number, delivery_name="", delivery_address=place)
    page = form.page
    form.fill(customer, product)
    page.locator("#details").press("Enter")
    first, second = (page.locator(f"option[value='{place}']") for place in ("Via Roma 1", "Via Po 2"))
    expect(first).to_be_attached()
    page.locator("#deliveryAddress").fill("Via Roma 1")
    page.locator("#customer").fill("")
    form.choose_customer(other)
    expect(second).to_be_attached()
    expect(first).not_to_be_attached()
    page.locator("#details").press("Enter")
    expect(page.locator("#details")).to_contain_text("Via Roma 1")


def test_half_a_date_is_not_saved_as_none(form, customer, product):
    page = form.page
    form.fill(customer, product)
    page.locator("#details").press("Enter")
    page.locator("#deliveryDate").press("1")
    form.save()
    expect(page.locator("#deliveryDate-problem")).to_have_text("Inserisci la data intera, o nessuna.")
    expect(page.locator("#deliveryDate")).to_be_focused()
    assert not Draft.objects.exists()


def test_a_hand_over_is_told_of_its_draft_alone(form, site, agent, customer, product):
    draft = saved_draft(agent, customer, product)
    outcome.hand_over(draft, "printed", version=draft.version)
    page = form.page
    page.goto(f"{site.url}/drafts/{draft.pk}")
    expect(page.locator("#handed-over")).to_be_visible()
    form.save()
    expect(page.locator("#handed-over")).to_be_hidden()


def test_a_phone_shows_results_beside_its_keyboard(open_page, site):
    width, height = PHONE
    form = OrderForm(open_page(viewport=(width, height // 2), has_touch=True, is_mobile=True), site).open_fresh()
    form.page.locator("#customer").press_sequentially("stu")
    options = form.page.locator("#customer-list [role=option]")
    expect(options.nth(2)).to_be_in_viewport(ratio=1)
    in_front = options.nth(2).evaluate(
        """(option) => {
          const { left, top, width, height } = option.getBoundingClientRect();
          return option.contains(document.elementFromPoint(left + width / 2, top + height / 2));
        }"""
    )
    assert in_front


def test_a_phone_shows_a_whole_draft_as_it_is_printed(open_page, site, agent, customer, product):
    draft = saved_draft(agent, customer, product)
    page = open_page(user=agent, viewport=PHONE)
    page.goto(f"{site.url}/drafts/{draft.pk}/print")
    cells = page.locator("tbody td")
    edges = cells.evaluate_all("(all) => all.map((each) => each.getBoundingClientRect().right)")
    assert len(edges) == 8
    assert max(edges) <= PHONE[0]
    assert cells.nth(3).evaluate("(cell) => getComputedStyle(cell, '::before').content") == '"Quantità"'


# The real ERP's lists


def as_the_erp_has_it(erp, product):
    """What a piece of a product costs, and its VAT rate, by the ERP's own records."""
    rates = {"5": 22, "1": 4, "0": 0}
    [record] = [each for each in erp.erp.find_records("products") if each.id == product.erp_id]
    prices = [
        each for each in erp.erp.find_records("prices") if (each.product_id, each.account) == (product.erp_id, "002")
    ]
    return max(prices, key=lambda price: price.valid_from).unit_price, rates[record.vat_group]


@pytest.mark.parametrize("hides", [(), (Fault.HIDDEN_COLUMNS,)], ids=["all columns shown", "a fresh session's columns"])
def test_an_order_of_ten_lines_of_both_vat_rates_costs_what_the_erp_says(hides, page, site, customer, erp):
    for fault in hides:
        erp.front_end.plan_fault(PlannedFault(fault))
        run = run_sync("products", mode="full")
        assert run.status == SyncRun.Status.SUCCEEDED
    form = OrderForm(page, site).open_fresh()
    expect(page.locator("#old-columns")).to_have_count(len(hides))
    reduced, full = ([each for each in goods() if each.vat_rate == rate] for rate in (4, 22))
    products = [*reduced[:1], *full[:9]]
    assert len(products) == 10
    form.fill(customer, *products)
    form.save()
    form.expect_saved(1)
    draft = Draft.objects.get()
    saved = [(line.product.erp_id, line.unit_price, line.vat_rate) for line in draft.lines.all()]
    assert saved == [(each.erp_id, *as_the_erp_has_it(erp, each)) for each in products]
    assert [vat.rate for vat in draft.totals.vat_by_rate] == [22, 4]
    assert draft.totals.net_without_vat == 0


def test_a_line_whose_vat_is_not_known_is_saved_net_and_both_form_and_print_say_so(form, customer):
    known, unknown = list(goods())[:2]
    Product.objects.present().filter(pk=unknown.pk).update(vat_group="7")
    form.fill(customer, known, unknown)
    expect(form.line(1).group).not_to_contain_text("IVA non nota")
    expect(form.line(2).group).to_contain_text("IVA non nota")
    expect(form.totals).to_contain_text("IVA non nota, su ")
    expect(form.totals).to_contain_text("Totale, IVA incompleta")
    expect(form.page.locator(".bar")).to_contain_text("IVA non nota per alcune righe")
    form.save()
    form.expect_saved(1)
    draft = Draft.objects.get()
    assert draft.totals.net_without_vat == draft.lines.get(product=unknown).amounts.net > 0
    form.page.goto(f"{form.site.url}/drafts/{draft.pk}/print")
    expect(form.page.get_by_text("IVA non nota, su ")).to_be_visible()
    expect(form.page.get_by_text(euro(draft.totals.gross))).to_be_visible()


def test_several_price_groups_are_named_until_one_is_chosen(form, customer, product):
    Price.objects.present().filter(product_erp_id=product.erp_id).update(
        account="003", account_description="RIVENDITORI"
    )
    form.open_fresh()
    expect(form.page.locator(".news")).to_contain_text("002 (DETTAGLIO (consigliato)), 003 (RIVENDITORI)")
    form.choose_customer(customer)
    form.add(product)
    expect(form.line(1).problem).to_contain_text("prima un amministratore deve scegliere il gruppo di prezzi")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("ErpNotConfigured", "Nessun ERP è configurato: avvisa l'amministratore."),
        ("ExportNotFound", "Non c'è un'esportazione dei clienti."),
        ("ErpUnavailable", "L'ERP non risponde."),
        ("ErpAnswerUnexpected", "L'ERP non fornisce l'esportazione."),
        ("ErpLoginRejected", "L'ERP non accetta le credenziali: avvisa l'amministratore."),
        ("ControlTotalMismatch", "Non è stato possibile usare l'elenco dell'ERP."),
    ],
)
def test_why_there_are_no_new_customers_is_said_in_the_agent_s_words(form, allowed, code, reason):
    allowed += ["(status of|answer) 502"]
    answer = {"success": False, "error": "x", "code": code, "detail": {}, "run": {"id": 1}, "session": None}
    intercept(form.page, "**/api/customers/smart-sync", lambda route: route.fulfill(status=502, json=answer))
    form.page.get_by_role("button", name="Aggiorna", exact=True).click()
    expect(form.news).to_contain_text(f"Clienti non aggiornati. {reason}")


def test_a_failed_fetch_is_not_hidden_by_an_earlier_one_that_is_told_late(form, allowed):
    allowed += ["(status of|answer) 502"]

    def tell_an_earlier_time(route):
        answer = route.fetch()
        status = answer.json()
        status["data"]["health"]["services"]["customers"]["freshAsOf"] = "2025-01-01T00:00:00Z"
        route.fulfill(response=answer, json=status)

    def tell_status():
        OrderFormSession.objects.all().delete()  # as if the longest pause were over
        with form.page.expect_response("**/api/sync/status"):
            run_sync("orders")

    intercept(form.page, "**/api/sync/status", tell_an_earlier_time)
    tell_status()
    answer = {"success": False, "error": "x", "code": "ErpUnavailable", "detail": {}, "run": {"id": 1}, "session": None}
    intercept(form.page, "**/api/customers/smart-sync", lambda route: route.fulfill(status=502, json=answer))
    form.page.get_by_role("button", name="Aggiorna", exact=True).click()
    expect(form.news).to_contain_text("L'ERP non risponde.")
    form.page.unroute("**/api/sync/status")
    tell_status()
    form.page.wait_for_timeout(200)  # for what must not happen
    expect(form.news).to_contain_text("L'ERP non risponde.")


# Prices and totals


def test_totals_follow_as_one_types_and_are_those_of_the_saved_draft(form, customer, product, agent):
    form.fill(customer, product, next(each for each in goods() if each != product))
    form.line(1).discount.fill("10")
    form.discount.fill("2,5")
    expect(form.totals).to_contain_text("Sconto")
    form.save()
    form.expect_saved(1)
    draft = Draft.objects.with_lines().get()
    form.page.get_by_role("link", name="Apri").click()
    for amount in (draft.totals.goods, draft.totals.net, draft.totals.gross):
        expect(form.totals).to_contain_text(euro(amount))
    for each in draft.totals.vat_by_rate:
        expect(form.totals).to_contain_text(f"IVA {each.rate:.0f}%")
    assert (draft.discount_percent, draft.lines.get(position=1).discount_percent) == (Decimal("2.5"), Decimal(10))
    assert draft.user == agent


def test_a_price_that_changes_while_the_form_is_open_is_marked(form, erp, customer, product):
    form.fill(customer, product)
    line = form.line(1)
    price_id, amount = price_of(product, customer.account_number)
    before, now = euro(amount), euro(amount + 1)
    expect(line.price).to_contain_text(before)
    change_price(erp, price_id, amount + 1)
    OrderFormSession.objects.all().delete()  # as if the longest pause were over
    run_sync("prices")
    expect(line.change).to_contain_text(f"Il prezzo è cambiato: {before} → {now}")
    expect(line.price).to_contain_text(now)
    form.page.reload()
    expect(line.change).to_contain_text(f"{before} → {now}")
    line.group.get_by_role("button", name="Visto").click()
    expect(line.change).to_be_hidden()


def test_a_price_that_changed_since_the_draft_was_saved_is_marked(page, site, agent, customer, product):
    draft = saved_draft(agent, customer, product)
    price_id, old = price_of(product, customer.account_number)
    Price.objects.present().filter(erp_id=price_id).update(unit_price=old + 2)
    form = OrderForm(page, site).open(f"/drafts/{draft.pk}")
    expect(form.line(1).change).to_contain_text(f"{euro(old)} → {euro(old + 2)}")


def test_another_quantity_s_price_is_no_change(form, customer, product):
    form.fill(customer, product)
    line = form.line(1)
    line.quantity.fill(shown(product.order_quantities.least * 10))
    expect(line.amount).to_contain_text("€")
    expect(form.totals).not_to_have_class("old")
    expect(line.change).to_be_hidden()


def test_prices_that_are_overdue_are_said_though_the_form_pauses_their_sync(form):
    line = form.page.locator(".news p", has_text="Prezzi aggiornati")
    expect(line).not_to_have_class("warn")
    request_sync("prices", mode="full", trigger=SyncRun.Trigger.MANUAL)
    SyncRun.objects.filter(sync_type="prices").update(exported_at=timezone.now() - timedelta(hours=2))
    form.page.reload()
    expect(line).to_contain_text("L'aggiornamento è in ritardo: verifica prima di ordinare.")
    line.get_by_role("button", name="Ricontrolla").click()
    expect(form.banner).to_contain_text("Non è ancora arrivato niente di nuovo")


def test_a_changed_price_stays_marked_though_the_quantity_was_another_meanwhile(page, site, agent, customer, product):
    draft = saved_draft(agent, customer, product)
    price_id, old = price_of(product, customer.account_number)
    Price.objects.present().filter(erp_id=price_id).update(unit_price=old + 2)
    form = OrderForm(page, site).open(f"/drafts/{draft.pk}")
    line = form.line(1)
    expect(line.change).to_contain_text(f"{euro(old)} → {euro(old + 2)}")
    line.quantity.fill(shown(product.order_quantities.least * 10))
    expect(line.change).to_be_hidden()
    line.quantity.fill(shown(product.order_quantities.least))
    expect(line.change).to_contain_text(f"{euro(old)} → {euro(old + 2)}")


def test_the_total_says_which_lines_it_leaves_out(form, customer, product):
    form.choose_customer(customer)
    form.add(product)
    form.add(product, "0,5")
    expect(form.page.locator(".bar")).to_contain_text("senza 1 riga")


@pytest.mark.parametrize(
    ("typed", "text"), [("200", "Indica un numero da 0 a 100."), ("abc", "Indica un numero da 0 a 100.")]
)
def test_a_discount_that_is_none_is_marked_as_it_is_typed(form, customer, product, typed, text):
    form.fill(customer, product)
    form.line(1).discount.fill(typed)
    expect(form.line(1).problem).to_have_text(text)
    form.discount.fill(typed)
    expect(form.page.locator("#discount-problem")).to_have_text(text)
    form.discount.fill("10%")
    expect(form.page.locator("#discount-problem")).to_be_hidden()


def test_a_number_means_the_same_in_the_other_language(form, customer, product):
    form.fill(customer, product)
    form.line(1).quantity.fill("1.000")
    form.discount.fill("2,5")
    expect(form.line(1).amount).to_contain_text("€")
    form.page.get_by_role("button", name="English").click()
    expect(form.page.get_by_label("Order discount %")).to_have_value("2.5")
    expect(form.page.get_by_label("Quantity", exact=True).first).to_have_value("1000")


def test_a_changed_price_is_told_though_no_preview_had_answered(page, site, agent, customer, product, allowed):
    allowed.append("ERR_FAILED .*/preview")
    draft = saved_draft(agent, customer, product)
    price_id, old = price_of(product, customer.account_number)
    Price.objects.present().filter(erp_id=price_id).update(unit_price=old + 2)
    page.route("**/preview", lambda route: route.abort())
    form = OrderForm(page, site).open(f"/drafts/{draft.pk}")
    form.save()
    expect(form.banner).to_contain_text(
        f"Questi prezzi sono cambiati durante il salvataggio, e la bozza ha quelli nuovi: {product.name}."
    )
    form.type("ro")
    expect(form.banner).to_contain_text("Questi prezzi sono cambiati")


# Saving


def test_a_save_with_the_server_down_keeps_the_form_and_succeeds_when_it_is_up(
    own_site, form, customer, product, allowed
):
    allowed += ["ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_EMPTY_RESPONSE"]
    form.fill(customer, product)
    form.notes.fill("Citofonare due volte")
    own_site.stop()
    form.save()
    expect(form.banner).to_contain_text("Non salvata. Nessuna connessione al servizio. L'ordine resta qui.")
    expect(form.customer).to_have_value(customer.name)
    expect(form.notes).to_have_value("Citofonare due volte")
    own_site.start()
    form.banner.get_by_role("button", name="Riprova").click()
    form.expect_saved(1)
    assert Draft.objects.get().notes == "Citofonare due volte"


def test_an_order_for_which_the_server_s_disk_has_no_room_stays_in_the_browser(form, customer, product, allowed):
    allowed += ["status of 507", "answer 507"]
    text = "Il disco è pieno: non si può salvare nulla finché un amministratore non libera spazio."
    answer = {"success": False, "error": text, "code": "disk_full", "detail": {}}
    form.fill(customer, product)
    intercept(form.page, "**/api/drafts", lambda route: route.fulfill(status=507, json=answer))
    form.save()
    expect(form.banner).to_contain_text(f"Non salvata. {text} L'ordine resta qui.")
    form.page.unroute("**/api/drafts")
    form.page.reload()
    expect(form.banner).to_contain_text("Questo è l'ordine che non avevi salvato")
    form.save()
    form.expect_saved(1)


def test_what_is_pressed_twice_is_saved_once_and_said_so(form, customer, product):
    form.fill(customer, product)
    form.page.keyboard.down("Control")
    for _ in range(6):
        form.page.keyboard.down("Enter")  # held, it repeats
    form.page.keyboard.up("Enter")
    form.page.keyboard.up("Control")
    form.expect_saved(1)
    form.save()
    form.expect_saved(1)
    assert Draft.objects.count() == 1


def test_another_s_page_instead_of_an_answer_deletes_no_draft(page, site, agent, customer, product, allowed):
    allowed.append("status of 404")
    draft = saved_draft(agent, customer, product)
    form = OrderForm(page, site).open(f"/drafts/{draft.pk}")
    form.notes.fill("resta")
    intercept(
        page, f"**/api/drafts/{draft.pk}", lambda route: route.fulfill(status=404, body="<h1>Not found</h1>"), times=1
    )
    form.save()
    expect(form.banner).to_contain_text("Il servizio ha risposto con l'errore 404.")
    form.banner.get_by_role("button", name="Riprova").click()
    form.expect_saved(1)
    assert Draft.objects.get().notes == "resta"


def test_a_save_whose_answer_was_lost_makes_one_draft_though_the_order_was_changed_since(
    form, customer, product, allowed
):
    allowed += ["ERR_INTERNET_DISCONNECTED", "status of 409"]
    form.fill(customer, product)

    lose_the_answer(form)
    form.save()
    expect(form.banner).to_contain_text("Non salvata")
    assert Draft.objects.count() == 1
    form.notes.fill("con una nota")
    form.save()
    form.expect_saved(1)
    assert [draft.notes for draft in Draft.objects.all()] == ["con una nota"]


def test_a_repeated_save_whose_draft_somebody_has_changed_since_asks(form, customer, product, allowed):
    allowed += ["ERR_INTERNET_DISCONNECTED", "status of 409"]
    form.fill(customer, product)

    lose_the_answer(form)
    form.save()
    expect(form.banner).to_contain_text("Non salvata")
    Draft.objects.update(version=2, notes="altrui")
    form.notes.fill("mia")
    form.save()
    expect(form.banner).to_contain_text("la bozza è stata cambiata altrove")
    assert Draft.objects.get().notes == "altrui"
    form.banner.get_by_role("button", name="Sostituiscila con questa versione").click()
    form.expect_saved(1)
    assert Draft.objects.get().notes == "mia"


def test_a_repeated_save_counts_at_the_price_on_the_page(form, customer, product, allowed):
    allowed.append("ERR_INTERNET_DISCONNECTED")
    form.fill(customer, product)

    lose_the_answer(form)
    form.save()
    expect(form.banner).to_contain_text("Non salvata")
    price_id, old = price_of(product, customer.account_number)
    Price.objects.present().filter(erp_id=price_id).update(unit_price=old + 3)
    form.save()
    form.expect_saved(1)
    assert Draft.objects.get().lines.get().unit_price == old + 3


def test_notes_go_on_where_they_were_after_a_failed_save(form, customer, product, allowed):
    allowed.append("ERR_INTERNET_DISCONNECTED")
    form.fill(customer, product)
    form.notes.focus()
    form.type("Solo al mattino")
    intercept(form.page, "**/api/drafts", lambda route: route.abort("internetdisconnected"))
    form.save()
    expect(form.banner).to_contain_text("Non salvata")
    form.type(", suonare")
    expect(form.notes).to_have_value("Solo al mattino, suonare")


def test_a_page_of_one_login_saves_nothing_for_another(form, context, colleague, customer, product, allowed):
    allowed.append("status of 40[134]")
    form.fill(customer, product)
    other = context.new_page()
    other.goto(f"{form.site.url}/drafts")
    other.get_by_role("button", name="Esci").click()
    other.get_by_label("Nome utente").fill("collega")
    other.get_by_label("Password").fill("una parola segreta")
    other.keyboard.press("Enter")
    other.wait_for_url("**/drafts")
    form.page.bring_to_front()
    form.save()
    expect(form.banner).to_contain_text("L'accesso è scaduto.")
    assert not Draft.objects.exists()


def test_a_browser_that_keeps_nothing_says_so_and_saves_all_the_same(open_page, site, customer, product):
    page = open_page()
    page.add_init_script("indexedDB.open = () => { throw new DOMException('no', 'SecurityError'); }")
    form = OrderForm(page, site).open_fresh()
    form.fill(customer, product)
    expect(form.banner).to_contain_text("Questo browser non può conservare l'ordine")
    form.save()
    form.expect_saved(1)
    expect(form.customer).to_have_value("")


def test_five_hundred_lines_are_saved(page, site, agent, customer, product):
    lines = [LineInput(product.erp_id, product.order_quantities.least, Decimal(0))] * 500
    draft, _is_new = drafts.create_draft(DraftInput(customer.erp_id, lines, Decimal(0), ""), user=agent)
    form = OrderForm(page, site).open(f"/drafts/{draft.pk}")
    expect(form.page.locator(".line[role=group]")).to_have_count(500)
    form.notes.fill("tante")
    with form.page.expect_response(lambda answer: answer.request.method == "PUT"):
        form.save()
    form.expect_saved(1)  # asked for only now: to look for a text in vain, Playwright names all that the page has


def test_a_login_that_expired_loses_nothing(form, customer, product, allowed):
    allowed.append("status of 40[13]")
    form.fill(customer, product)
    Session.objects.all().delete()
    form.save()
    expect(form.banner).to_contain_text("L'accesso è scaduto.")
    form.page.get_by_role("link", name="Accedi di nuovo").click()
    form.page.get_by_label("Nome utente").fill("agente")
    form.page.get_by_label("Password").fill("una parola segreta")
    form.press("Enter")
    expect(form.customer).to_have_value(customer.name)
    form.save()
    form.expect_saved(1)


def test_what_the_server_refuses_is_marked_in_its_line(form, customer, product, allowed):
    allowed.append("status of 400")
    form.fill(customer, product)
    Product.objects.present().filter(pk=product.pk).update(is_blocked=True)
    form.save()
    expect(form.line(1).problem).to_have_text(re.compile("non (può|è)|ordina"))
    expect(form.line(1).product).to_be_focused()
    assert not Draft.objects.exists()


def test_a_draft_changed_elsewhere_is_not_overwritten_unasked(page, site, agent, customer, product, allowed):
    allowed.append("status of 409")
    draft = saved_draft(agent, customer, product)
    form = OrderForm(page, site).open(f"/drafts/{draft.pk}")
    form.notes.fill("mia")
    Draft.objects.filter(pk=draft.pk).update(version=2, notes="altrui")
    form.save()
    expect(form.banner).to_contain_text("la bozza è stata cambiata altrove")
    expect(form.notes).to_have_value("mia")
    form.banner.get_by_role("button", name="Mostra l'altra").click()
    expect(form.notes).to_have_value("altrui")
    form.notes.fill("altrui e mia")
    form.save()
    form.expect_saved(1)
    assert Draft.objects.get().notes == "altrui e mia"


def test_a_draft_deleted_elsewhere_can_be_saved_as_a_new_one(page, site, agent, customer, product, allowed):
    allowed.append("status of 404")
    draft = saved_draft(agent, customer, product)
    form = OrderForm(page, site).open(f"/drafts/{draft.pk}")
    form.notes.fill("ancora qui")
    draft.delete()
    form.save()
    form.banner.get_by_role("button", name="Salva come nuova bozza").click()
    form.expect_saved(1)
    assert Draft.objects.get().notes == "ancora qui"


def test_a_draft_found_in_the_erp_meanwhile_can_be_saved_as_a_new_one(page, site, agent, customer, product, allowed):
    allowed.append("status of 409")
    draft = saved_draft(agent, customer, product)
    form = OrderForm(page, site).open(f"/drafts/{draft.pk}")
    form.notes.fill("di nuovo")
    order = OrderFactory(account_number=customer.account_number, ordered_at=timezone.now())
    outcome.confirm_order(draft, order.erp_id, version=1, user=agent)
    form.save()
    expect(form.banner).to_contain_text("trovata nell'ERP")
    form.banner.get_by_role("button", name="Salva come nuova bozza").click()
    form.expect_saved(1)
    assert sorted(Draft.objects.values_list("notes", "order")) == [("", order.pk), ("di nuovo", None)]


def test_what_was_changed_in_a_draft_that_is_closed_now_is_resumed_and_saved(
    page, site, agent, customer, product, allowed
):
    allowed.append("status of 409")
    draft = saved_draft(agent, customer, product)
    form = OrderForm(page, site).open(f"/drafts/{draft.pk}")
    form.notes.fill("da riprendere")
    outcome.close(draft, version=1)
    page.goto(f"{site.url}/drafts")
    page.get_by_role("button", name="Riprendi").click()
    expect(form.notes).to_have_value("da riprendere")
    form.save()
    expect(form.banner).to_contain_text("chiusa")
    form.banner.get_by_role("button", name="Salva come nuova bozza").click()
    form.expect_saved(1)
    assert Draft.objects.for_user(agent).in_hand().get().notes == "da riprendere"


def test_a_save_whose_answer_was_lost_is_saved_though_its_draft_was_found_since(
    form, agent, customer, product, allowed
):
    allowed.append("ERR_INTERNET_DISCONNECTED")
    form.fill(customer, product)
    lose_the_answer(form)
    form.save()
    expect(form.banner).to_contain_text("Non salvata")
    order = OrderFactory(account_number=customer.account_number, ordered_at=timezone.now())
    found = outcome.confirm_order(Draft.objects.get(), order.erp_id, version=1, user=agent)
    form.save()
    expect(form.banner).to_contain_text("era già stata salvata")
    expect(form.customer).to_have_value("")
    assert Draft.objects.get().version == found.version


def test_done_with_an_unsaved_order_asks_first(form, customer, product):
    form.fill(customer, product)
    form.page.get_by_role("link", name="Fatto").click()
    dialog = form.page.get_by_role("dialog")
    expect(dialog).to_contain_text("Quest'ordine non è salvato.")
    dialog.get_by_role("button", name="Continua con l'ordine").click()
    expect(form.customer).to_have_value(customer.name)
    form.page.get_by_role("link", name="Fatto").click()
    dialog.get_by_role("button", name="Salva e vai alle bozze").click()
    form.page.wait_for_url("**/drafts")
    expect(form.page.get_by_role("link", name=customer.name, exact=True)).to_be_visible()


# Nothing typed is lost


def test_an_unsaved_form_survives_a_reload(form, customer, product):
    form.fill(customer, product)
    form.notes.fill("Chiamare prima")
    form.page.reload()
    expect(form.banner).to_contain_text("Questo è l'ordine che non avevi salvato.")
    expect(form.customer).to_have_value(customer.name)
    expect(form.line(1).product).to_have_value(product.name)
    expect(form.notes).to_have_value("Chiamare prima")
    form.save()
    form.expect_saved(1)
    form.page.reload()
    expect(form.customer).to_have_value("")


def test_an_unsaved_form_survives_a_killed_browser(open_own_browser, site, agent, customer, product):
    own = open_own_browser()
    form = OrderForm(own.page, site).open()
    form.fill(customer, product)
    form.notes.fill("Prima del buio")
    form.page.wait_for_function(
        "idbKeyval.values().then((kept) => kept.some(({form}) => form.notes === 'Prima del buio'))"
    )
    own.kill()
    form = OrderForm(open_own_browser().page, site).open()
    form.page.locator(".left-behind").get_by_role("button", name="Riprendi").click()
    expect(form.notes).to_have_value("Prima del buio")
    expect(form.customer).to_have_value(customer.name)
    form.save()
    form.expect_saved(1)


def test_an_order_left_behind_by_a_closed_tab_is_offered(form, context, site, customer, product):
    form.fill(customer, product)
    other = OrderForm(context.new_page(), site).open_fresh()
    expect(other.page.locator(".left-behind")).to_have_count(0)  # another tab shows it
    form.page.close(run_before_unload=True)
    other.page.reload()
    expect(other.page.locator(".left-behind")).to_contain_text(f"{customer.name}, 1 riga")
    other.page.goto(f"{site.url}/drafts")
    other.page.get_by_role("button", name="Riprendi").click()
    expect(other.customer).to_have_value(customer.name)


def test_another_agent_on_the_same_browser_does_not_see_it(form, context, site, colleague, customer, product):
    form.fill(customer, product)
    sign_in(context, colleague)
    form.page.goto(f"{site.url}/drafts")
    expect(form.page.get_by_role("button", name="Riprendi")).to_have_count(0)
    form.open()
    expect(form.customer).to_have_value("")


def test_clearing_and_removing_a_line_can_be_undone(form, customer, product):
    form.fill(customer, product)
    form.page.get_by_role("button", name="Togli la riga 1").click()
    expect(form.line(1).product).to_have_value("")
    form.banner.get_by_role("button", name="Annulla").click()
    expect(form.line(1).product).to_have_value(product.name)
    form.page.get_by_role("button", name="Svuota").click()
    expect(form.customer).to_have_value("")
    form.banner.get_by_role("button", name="Annulla").click()
    expect(form.customer).to_have_value(customer.name)
    expect(form.line(1).product).to_have_value(product.name)
