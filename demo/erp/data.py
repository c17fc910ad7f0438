"""The demo ERP's records: invented, the same for the same seed, scale and day, and consistent with each other.

A record is made when it is asked for, from its place in its list: a hundred times the real size needs no more memory.
Orders, DDT and invoices count from the newest. The ERP lists only its latest invoices.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from functools import cached_property, lru_cache
from random import Random
from typing import Any

from demo.erp import documents, invented
from demo.erp import vocabulary as words
from demo.erp.catalogue import Catalogue
from demo.erp.records import NOTHING, Customer, Ddt, Invoice, Order, OrderLine, OrderState
from demo.erp.text import round_to_cents

REAL_SIZES = {"customers": 1450, "orders": 1000, "ddt": 1130, "invoices": 130, "products": 4540, "prices": 4955}
PENDING, OPEN, DELIVERED = 4, 12, 34  # of 1,000 orders, from the newest; the rest is invoiced
ORDERS_REACH = 400  # days back
WITH_ACCOUNT = 6  # of ten customers, the first
CREDIT_NOTE_EVERY = 12  # of so many invoices, the last is a credit note
OPEN_INVOICES = 0.21  # of the list, from the newest
OVERDUE_EVERY = 7  # of so many open invoices, the last is overdue


class BaseData:
    """The lists as they are on `today`, before anything else happens."""

    def __init__(self, *, seed: int, scale: float, today: date) -> None:
        self.seed = seed
        self.scale = scale
        self.today = today
        self.sizes = {name: max(12, round(size * scale)) for name, size in REAL_SIZES.items()}
        self.first_open = max(1, round(PENDING * scale))
        self.first_delivered = self.first_open + max(1, round(OPEN * scale))
        self.first_invoiced = self.first_delivered + max(1, round(DELIVERED * scale))
        self.accounts = self.sizes["customers"] // 10 * WITH_ACCOUNT + min(self.sizes["customers"] % 10, WITH_ACCOUNT)
        self.sizes["invoices"] = min(self.sizes["invoices"], self.sizes["orders"] - self.first_invoiced)
        self.catalogue = Catalogue(seed=seed, scale=scale, today=today, products=self.sizes["products"])
        self.sizes["prices"] = self.catalogue.prices
        self.makers: dict[str, Callable[[int], Any]] = {
            "customers": self.make_customer,
            "orders": self.make_order,
            "ddt": self.make_ddt,
            "invoices": self.make_invoice,
            "products": self.catalogue.make_product,
            "prices": self.catalogue.make_price,
        }
        self.find_practice = lru_cache(maxsize=4096)(self.make_practice)

    # Customers

    def make_customer(self, place: int) -> Customer:
        """A customer, with what its orders add up to."""
        practice = self.find_practice(place)
        activity = self.activity.get(practice.account) if practice.account else None
        if not activity:
            return practice
        this_year = self.today.year
        past = invented.make_random(self.seed, "past", place)
        orders_two_years_ago = past.choice((0, 0, 1, 2, 6))
        return replace(
            practice,
            last_order=activity.last_order,
            orders_this_year=activity.orders.get(this_year, 0),
            sales_this_year=round_to_cents(activity.sales.get(this_year, NOTHING)),
            orders_last_year=activity.orders.get(this_year - 1, 0),
            sales_last_year=round_to_cents(activity.sales.get(this_year - 1, NOTHING)),
            orders_two_years_ago=orders_two_years_ago,
            sales_two_years_ago=sum(
                (invented.make_amount(past, 40, 900) for _ in range(orders_two_years_ago)), NOTHING
            ),
        )

    def make_practice(self, place: int) -> Customer:
        """A customer, as if it had never ordered."""
        random = invented.make_random(self.seed, "customer", place)
        has_account = place % 10 < WITH_ACCOUNT
        number = 80 + place * 6 + random.randrange(6)
        name = invented.make_practice_name(random, place)
        postcode, city, province = random.choice(words.TOWNS)
        handle = f"studio{number}"
        return Customer(
            id=number,
            account=invented.make_account_number(place) if has_account else "",
            name=name,
            vat_number=invented.make_vat_number(random) if has_account or random.random() < 0.4 else "",
            pec=f"{handle}@pec.example" if random.random() < 0.3 else "",
            sdi=invented.make_sdi_code(random) if has_account else "",
            fiscal_code=invented.make_vat_number(random) if random.random() < 0.1 else "",
            delivery_mode=random.choice(("FedEx", "FedEx", "FedEx", "UPS Italia")),
            street=invented.make_street(random, place),
            postcode=postcode,
            city=city,
            province=province,
            phone=f"+39000{random.randrange(10**7):07d}" if random.random() < 0.8 else "",
            mobile=f"+39300{random.randrange(10**7):07d}" if random.random() < 0.1 else "",
            url="",
            attention="",
            email=f"{handle}@posta.example" if random.random() < 0.7 else "",
            description="Debitore"
            if has_account
            else ("Cliente potenziale del concessionario", "Contatto del concessionario")[place % 2],
            type="Debitor" if has_account else ("CustFromConcess", "PotFromCon")[place % 2],
            external_account=str(number),
            our_account="",
        )

    def make_order_lines(self, order: Order) -> list[OrderLine]:
        """The lines of an order, of some dozen products that its customer always takes."""
        usual = invented.make_random(self.seed, f"usual products/{order.account}", 0)
        places = usual.sample(range(self.sizes["products"]), min(12, self.sizes["products"]))
        products = [self.catalogue.make_product(place) for place in places]
        return documents.make_order_lines(order, invented.make_random(self.seed, "lines", order.id), products)

    def find_place_with_account(self, rank: int) -> int:
        """The place of the customer who is `rank`-th of those with an account."""
        return rank // WITH_ACCOUNT * 10 + rank % WITH_ACCOUNT

    @cached_property
    def activity(self) -> dict[str, documents.Activity]:
        return documents.add_up_orders(self.make_order(place) for place in range(self.sizes["orders"]))

    # Orders, DDT, invoices

    def make_order(self, place: int) -> Order:
        random = invented.make_random(self.seed, "order", place)
        created_at = self.make_order_moment(place, random)
        customer = self.find_practice(self.find_place_with_account(int(self.accounts * random.random() ** 2)))
        return documents.make_order(
            customer,
            random,
            order_id=80_000 + (self.sizes["orders"] - place) * 3,
            number="" if place < self.first_open else f"ORD/{created_at:%y}{self.sizes['orders'] - place:06d}",
            created_at=created_at,
            state=self.find_order_state(place),
            modified_at=self.make_change_moment(place),
        )

    def make_order_moment(self, place: int, random: Random) -> datetime:
        """Later the nearer its place is to the top, on weekdays before today."""
        days = 1 + place * ORDERS_REACH / self.sizes["orders"]
        day = invented.find_weekday(self.today - timedelta(days=int(days)))
        evening = datetime.combine(day, time(18))
        return evening - timedelta(seconds=int((days % 1) * 9 * 3600) + random.randrange(60))

    def make_change_moment(self, place: int) -> datetime:
        """When the order of this place, or what followed from it, was last changed: in the order of the places, after
        the order was made, before today."""
        days = 1 + place * ORDERS_REACH / self.sizes["orders"]
        evening = datetime.combine(self.today - timedelta(days=int(days)), time(23, 30))
        return evening - timedelta(seconds=int((days % 1) * 9 * 3600))

    def find_order_state(self, place: int) -> tuple[str, str, str]:
        if place < self.first_open:
            return OrderState.PENDING
        if place < self.first_delivered:
            return OrderState.OPEN
        return OrderState.DELIVERED if place < self.first_invoiced else OrderState.INVOICED

    def make_ddt(self, place: int) -> Ddt:
        """Delivered orders have one DDT or two, spread evenly."""
        deliveries = self.sizes["orders"] - self.first_delivered
        rank = ((place + 1) * deliveries - 1) // self.sizes["ddt"]
        first = rank * self.sizes["ddt"] // deliveries
        parts = (rank + 1) * self.sizes["ddt"] // deliveries - first
        order = self.make_order(self.first_delivered + rank)
        return documents.make_ddt(
            order,
            invented.make_random(self.seed, "ddt", place),
            ddt_id=60_000 + self.sizes["ddt"] - place,
            number=f"DDT/{order.delivery_date:%y}{self.sizes['ddt'] - place:06d}",
            pieces=invented.count_part(order.pieces, parts, place - first),
            delivery_date=min(order.delivery_date, self.today),
            modified_at=order.modified_at,
        )

    def make_invoice(self, place: int) -> Invoice:
        random = invented.make_random(self.seed, "invoice", place)
        order = self.make_order(self.first_invoiced + place - (place + 1) // CREDIT_NOTE_EVERY)
        invoice = documents.make_invoice(
            order,
            random,
            sequence=self.sizes["invoices"] - place,
            day=min(order.delivery_date + timedelta(days=3), self.today),
            today=self.today,
            modified_at=order.modified_at,
        )
        if place % CREDIT_NOTE_EVERY == CREDIT_NOTE_EVERY - 1:
            invoice = documents.make_credit_note(invoice)
        is_open = place < self.sizes["invoices"] * OPEN_INVOICES
        if is_open and place % OVERDUE_EVERY != OVERDUE_EVERY - 1:
            return invoice
        if is_open:
            due = max(invoice.issued_on, self.today - timedelta(days=1 + random.randrange(75)))
            return replace(invoice, due_date=due, days_left=(due - self.today).days)
        return documents.settle(invoice, f"INC/{invoice.issued_on:%y}{random.randrange(10**6):06d}", self.today)
