"""What is known of a customer, in a real browser: its page, and the panel of the order form."""

from datetime import timedelta
from decimal import Decimal

import pytest
from playwright.sync_api import expect

from sync.database import clock
from tests.e2e.browsers import DESK, PHONE, axe, intercept, screenshot
from tests.e2e.order_form import OrderForm
from tests.factories import InvoiceFactory


@pytest.fixture
def overdue(customer):
    """Two invoices of the customer."""
    for number in ("CF1/1", "CF1/2"):
        InvoiceFactory(
            number=number,
            account_number=customer.account_number,
            due_date=clock.today() - timedelta(days=3),
            remaining_amount=Decimal("617.25"),
        )


def panel_of(form):
    return form.page.locator("#customer-panel")


def test_an_order_begun_on_a_customer_s_page_goes_on_in_its_first_line(page, site, customer):
    page.goto(f"{site.url}/customers?q={customer.account_number}")
    page.get_by_role("link", name=str(customer)).click()
    page.get_by_role("main").get_by_role("link", name="Nuovo ordine").click()
    form = OrderForm(page, site)
    expect(form.customer).to_have_value(customer.name)
    expect(form.line(1).product).to_be_focused()


def test_a_key_opens_and_closes_the_panel_and_the_cursor_returns(open_page, site, customer):
    form = OrderForm(open_page(viewport=DESK), site).open_fresh()
    form.choose_customer(customer)
    expect(form.line(1).product).to_be_focused()
    form.press("Alt+i")
    expect(panel_of(form)).to_contain_text("Spedizioni (DDT)")
    form.press("Alt+i")
    expect(panel_of(form)).to_be_hidden()
    expect(form.line(1).product).to_be_focused()
    form.press("Alt+i", "Escape")
    expect(panel_of(form)).to_be_hidden()
    expect(form.line(1).product).to_be_focused()


def test_who_types_beside_the_panel_is_not_disturbed_by_it(open_page, site, customer, product):
    held = []
    form = OrderForm(open_page(viewport=DESK), site).open_fresh()
    intercept(form.page, "**/customers/*/panel", lambda route: held.append(route))
    form.choose_customer(customer)
    form.press("Alt+i")
    expect(panel_of(form)).to_contain_text("Caricamento")
    form.line(1).product.focus()
    form.add(product)
    for route in held:
        route.continue_()
    expect(panel_of(form)).to_contain_text("Spedizioni (DDT)")
    expect(form.line(2).product).to_be_focused()
    form.save()
    form.expect_saved(1)
    expect(panel_of(form)).to_be_hidden()


def test_choosing_a_customer_with_overdue_invoices_says_so_and_leads_to_them(open_page, site, customer, overdue):
    form = OrderForm(open_page(viewport=DESK), site).open_fresh()
    form.choose_customer(customer)
    said = form.page.locator(".known")
    expect(said).to_contain_text("fatture scadute: ")
    expect(form.line(1).product).to_be_focused()
    said.get_by_role("button", name="Mostra le fatture").click()
    expect(form.page.locator("#owed")).to_be_focused()
    expect(panel_of(form)).to_contain_text("CF1/2")
    assert axe(form.page) == []
    screenshot(form.page, "customer-panel")


def test_on_a_phone_the_panel_is_a_sheet(open_page, site, customer, overdue):
    form = OrderForm(open_page(viewport=PHONE), site).open_fresh()
    form.choose_customer(customer)
    form.page.get_by_role("button", name="Scheda cliente").click()
    expect(panel_of(form)).to_contain_text("CF1/2")
    assert panel_of(form).evaluate("(panel) => panel.matches(':modal')")
    assert form.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert axe(form.page) == []
    screenshot(form.page, "customer-sheet")
    panel_of(form).get_by_role("button", name="Chiudi").click()
    expect(panel_of(form)).to_be_hidden()


def test_a_panel_that_cannot_be_loaded_says_so_and_can_be_asked_for_again(open_page, site, customer, allowed):
    allowed.append("panel|ERR_FAILED")
    form = OrderForm(open_page(viewport=DESK), site).open_fresh()
    intercept(form.page, "**/customers/*/panel", lambda route: route.abort())
    form.choose_customer(customer)
    form.press("Alt+i")
    expect(panel_of(form).get_by_role("alert")).to_be_visible()
    form.page.unroute("**/customers/*/panel")
    panel_of(form).get_by_role("button", name="Riprova").click()
    expect(panel_of(form)).to_contain_text("Spedizioni (DDT)")
