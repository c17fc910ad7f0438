"""The order form as somebody uses it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, expect

from customers.models import Customer
from orders import drafts
from orders.drafts import DraftInput, LineInput
from orders.models import Draft, Product
from orders.pricing import PriceList
from sync.models import OrderFormSession
from tests.concurrency.processes import until
from tests.site import Site


class OrderForm:
    """An order form in a page. Texts are Italian."""

    def __init__(self, page: Page, site: Site) -> None:
        self.page = page
        self.site = site
        self.customer = page.get_by_label("Cliente", exact=True)
        self.discount = page.get_by_label("Sconto ordine %")
        self.notes = page.locator("#notes")
        self.totals = page.locator("#totals")
        self.banner = page.locator("#banner")
        self.news = page.locator("#customers-status")
        self.pause = page.locator("#pause")
        self.options = page.get_by_role("option")
        self.save_button = page.get_by_role("button", name="Salva bozza")

    def open(self, address: str = "/orders/new") -> OrderForm:
        self.page.goto(self.site.url + address)
        expect(self.page.locator("input:focus")).to_be_visible()
        return self

    def open_fresh(self, address: str = "/orders/new") -> OrderForm:
        """Open it and wait until the customers are fresh."""
        self.open(address)
        expect(self.news).to_contain_text("Clienti aggiornati")
        return self

    def line(self, number: int) -> Line:
        return Line(self.page.get_by_role("group", name=f"Riga {number}", exact=True))

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def choose_customer(self, customer: Customer) -> None:
        """With the keyboard, by the account number."""
        self.customer.focus()
        self.type(customer.account_number)
        self.press("Enter")
        expect(self.page.locator("#customer-facts")).to_contain_text(customer.account_number)

    def add(self, product: Product, quantity: str = "") -> None:
        """Fill in the line in whose product box the cursor is, and go on to the next."""
        self.type(product.erp_id)
        self.press("Enter")
        expect(self.page.locator("[id^=quantity-]:focus")).to_be_visible()
        if quantity:
            self.type(quantity)
        self.press("Enter")

    def fill(self, customer: Customer, *products: Product) -> None:
        self.choose_customer(customer)
        for product in products:
            self.add(product)
        expect(self.totals).to_contain_text("Totale")

    def save(self) -> None:
        self.press("Control+Enter")

    def expect_saved(self, count: int) -> None:
        said = "Bozza salvata! (1 bozza totale)" if count == 1 else f"Bozza salvata! ({count} bozze totali)"
        expect(self.banner).to_contain_text(said)


class Line:
    """One line of an order form."""

    def __init__(self, group: Locator) -> None:
        self.group = group
        self.product = group.get_by_label("Prodotto")
        self.pack = group.get_by_label("Confezione")
        self.quantity = group.get_by_label("Quantità")
        self.discount = group.get_by_label("Sconto %")
        self.price = group.locator(".price")
        self.amount = group.locator(".sum")
        self.problem = group.locator(".problem")
        self.marks = group.locator(".mark")
        self.warning = group.locator(".warning")
        self.repeated = group.locator(".repeated")
        self.change = group.locator(".price-change")


def goods(account: str = "") -> Iterator[Product]:
    """Products that can be ordered, at the price of their least quantity."""
    products = list(Product.objects.present().exclude(is_blocked=True).exclude(is_orderable=False).order_by("erp_id"))
    prices = PriceList(products, account=account)
    for product in products:
        if product.vat_rate is not None and prices.find_price(product, product.order_quantities.least):
            yield product


def price_of(product: Product, account: str) -> tuple[int, Decimal]:
    """Its number in the ERP, and what it is for the least quantity."""
    price = PriceList([product], account=account).find_price(product, product.order_quantities.least)
    assert price
    assert price.unit_price
    return price.erp_id, price.unit_price


def customers() -> Iterator[Customer]:
    """Those with an account number."""
    yield from Customer.objects.present().exclude(account_number="").order_by("erp_id")


def live_sessions() -> int:
    return OrderFormSession.objects.live().count()


def expect_sessions(count: int) -> None:
    until(lambda: live_sessions() == count)


def saved_draft(user: User, customer: Customer, product: Product) -> Draft:
    """A draft with one line, at today's price."""
    line = LineInput(product.erp_id, product.order_quantities.least, Decimal(0))
    assert customer.erp_id
    draft, _is_new = drafts.create_draft(DraftInput(customer.erp_id, [line], Decimal(0), ""), user=user)
    return draft
