"""Ordering again what a customer has ordered before, in a real browser: with few keys, and with nothing unseen."""

from contextlib import suppress
from decimal import Decimal

import pytest
from playwright.sync_api import Error, expect

from orders import drafts
from orders.drafts import DraftInput, LineInput
from orders.models import Draft, Price, Product
from tests.e2e.browsers import DESK, PHONE, axe, intercept, screenshot
from tests.e2e.order_form import OrderForm, goods

EIGHT = 8
MOST_KEYS = 12


@pytest.fixture
def form(page, site):
    return OrderForm(page, site).open_fresh()


@pytest.fixture
def ordered(site, agent, customer):
    """The products of the customer's last order, eight lines with a discount on the first."""
    products = list(goods(customer.account_number))[:EIGHT]
    lines = [
        LineInput(product.erp_id, product.order_quantities.least * 2, Decimal(0 if number else 10))
        for number, product in enumerate(products)
    ]
    drafts.create_draft(DraftInput(customer.erp_id, lines, Decimal(0), ""), user=agent)
    return products


def lines_of(draft):
    return [(line.product_id, line.quantity, line.discount_percent) for line in draft.lines.all()]


def shortcuts(form):
    return form.page.locator(".shortcuts")


def offered(form):
    return form.page.locator(".options [role=option]")


def open_list(form, customer):
    """The customer is chosen, and the list of the empty box open."""
    form.choose_customer(customer)
    expect(shortcuts(form)).to_contain_text("Prodotti abituali")
    form.press("ArrowDown")
    expect(offered(form).first).to_be_visible()


def hold(form, pattern):
    """What is asked at an address waits, in the list that is given, until `answer`."""
    held = []
    intercept(form.page, pattern, lambda route: held.append(route))
    return held


def answer(form, pattern, held):
    form.page.unroute(pattern)
    for route in held:
        with suppress(Error):  # the page may have given it up
            route.continue_()


def test_eight_usual_lines_are_ordered_again_with_few_keys(form, customer, ordered):
    typed = customer.account_number
    keys = [*typed, "Enter", "Alt+r"]
    assert len(keys) < MOST_KEYS
    for key in keys:
        form.press(key)
    expect(form.banner).to_contain_text("8 righe aggiunte")
    expect(form.line(EIGHT).amount).to_contain_text("€")
    expect(form.line(EIGHT + 1).product).to_be_focused()
    form.press("Control+Enter")
    form.expect_saved(2)
    again, before = Draft.objects.order_by("-pk")[:2]
    assert lines_of(again) == lines_of(before)


def test_keys_that_are_faster_than_the_answers_do_the_same(form, customer, ordered):
    form.type(customer.account_number)
    form.press("Enter", "Alt+r", "Control+Enter")
    form.expect_saved(2)
    again, before = Draft.objects.order_by("-pk")[:2]
    assert lines_of(again) == lines_of(before)


def test_what_cannot_be_ordered_any_more_is_left_out_and_named_and_nothing_is_saved_unseen(form, customer, ordered):
    Product.objects.filter(pk=ordered[0].pk).update(is_blocked=True)
    form.type(customer.account_number)
    form.press("Enter", "Alt+r", "Control+Enter")
    expect(form.banner).to_contain_text(f"7 righe aggiunte. Tralasciate: {ordered[0]} non è ordinabile")
    assert Draft.objects.count() == 1


def test_repeating_twice_adds_nothing_and_undo_takes_back_all(form, customer, ordered):
    form.choose_customer(customer)
    form.press("Alt+r")
    expect(form.line(EIGHT).product).to_have_value(ordered[-1].name)
    form.press("Alt+r")
    expect(form.banner).to_contain_text("già tutto")
    expect(form.line(EIGHT + 2).group).to_have_count(0)
    form.line(1).group.get_by_role("button", name="Togli la riga 1").click()
    form.press("Alt+r")
    expect(form.banner).to_contain_text("1 riga aggiunta")
    form.banner.get_by_role("button", name="Annulla").click()
    expect(form.line(EIGHT).product).to_have_value("")


def test_without_a_customer_nothing_is_repeated(form):
    form.press("Alt+r")
    expect(form.page.locator("#customer-problem")).to_have_text("Scegli il cliente.")
    expect(form.customer).to_be_focused()


def test_a_save_waits_for_the_lines_and_the_cursor_stays_where_it_was_put(form, customer, ordered):
    pattern = "**/usual-products*"
    held = hold(form, pattern)
    form.choose_customer(customer)
    form.press("Alt+r")
    form.notes.click()
    form.type("Lunedì")
    expect(form.notes).to_have_value("Lunedì")
    form.save()
    assert Draft.objects.count() == 1
    answer(form, pattern, held)
    form.expect_saved(2)
    again, before = Draft.objects.order_by("-pk")[:2]
    assert lines_of(again) == lines_of(before)
    assert again.notes == "Lunedì"


def test_lines_that_are_added_while_the_user_types_elsewhere_leave_the_cursor_there(form, customer, ordered):
    pattern = "**/usual-products*"
    held = hold(form, pattern)
    form.choose_customer(customer)
    form.press("Alt+r")
    form.notes.click()
    form.type("Lu")
    answer(form, pattern, held)
    expect(form.banner).to_contain_text("8 righe aggiunte")
    form.type("nedì")
    expect(form.notes).to_have_value("Lunedì")
    expect(form.line(EIGHT + 1).product).to_have_value("")


def test_the_discount_of_the_whole_order_is_taken_into_an_order_without_lines_and_named(form, customer, ordered):
    Draft.objects.update(discount_percent=Decimal(10))
    form.choose_customer(customer)
    form.press("Alt+r")
    expect(form.banner).to_contain_text("Sconto ordine: 10 %.")
    expect(form.discount).to_have_value("10")
    form.line(1).group.get_by_role("button", name="Togli la riga 1").click()
    form.discount.fill("")
    form.line(1).product.focus()
    form.press("Alt+r")
    expect(form.banner).to_contain_text("1 riga aggiunta")
    expect(form.discount).to_have_value("")


def test_an_arrow_and_enter_take_a_usual_product_with_its_last_quantity(form, customer, ordered):
    open_list(form, customer)
    form.press("Enter")
    expect(form.line(1).quantity).to_be_focused()
    quantities = {f"{each.order_quantities.least * 2:f}".rstrip("0").rstrip(".") for each in ordered}
    assert form.line(1).quantity.input_value() in quantities
    expect(form.line(1).group.locator(".last")).to_contain_text("ultima:")
    form.press("Enter")
    expect(form.line(2).product).to_be_focused()


def test_a_blank_adds_one_line_after_the_other_and_what_is_typed_searches_as_ever(form, customer, ordered):
    open_list(form, customer)
    form.press("Space", "Space", "Space")
    expect(form.line(4).product).to_be_focused()
    expect(offered(form).first).to_contain_text("✓ Nella riga 1")
    screenshot(form.page, "usual products", full_page=True)
    form.press("ArrowUp", "ArrowUp", "ArrowUp", "Space")
    expect(form.page.locator(".options:visible")).to_contain_text("è già nella riga 1")
    form.type(ordered[0].erp_id)
    expect(offered(form)).to_have_count(1)
    form.press("Enter")
    expect(form.line(4).quantity).to_be_focused()


def test_a_price_that_has_risen_since_is_said_in_list_and_line(form, customer, ordered):
    Price.objects.update(unit_price=Decimal("9999.00"))
    open_list(form, customer)
    expect(offered(form).first).to_contain_text("prezzo aumentato")
    form.press("Enter")
    expect(form.line(1).group.locator(".last")).to_contain_text("prezzo aumentato")


def test_the_list_is_in_nobody_s_way(form, customer, ordered):
    form.choose_customer(customer)
    expect(shortcuts(form)).to_contain_text("Prodotti abituali")
    expect(offered(form)).to_have_count(0)
    form.press("ArrowDown", "Escape")
    expect(offered(form)).to_have_count(0)
    expect(form.line(1).product).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESK])
def test_usual_products_can_be_read_on_a_phone_and_a_desk(open_page, site, customer, ordered, viewport, scheme):
    form = OrderForm(open_page(viewport=viewport, color_scheme=scheme), site).open_fresh()
    form.choose_customer(customer)
    form.press("Alt+r")
    expect(form.line(EIGHT).group.locator(".last")).to_be_visible()
    screenshot(form.page, f"repeated {viewport[0]} {scheme}", full_page=True)
    form.press("ArrowDown")
    expect(offered(form).first).to_be_visible()
    screenshot(form.page, f"usual {viewport[0]} {scheme}")
    assert axe(form.page) == []
    assert form.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
