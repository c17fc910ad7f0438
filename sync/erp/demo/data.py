"""The demo ERP's records: invented, the same for the same seed, scale and day, and consistent with each other.

A record is made when it is asked for, from its place in its list: a hundred times the real size needs no more memory.
Orders, DDT and invoices count from the newest. The ERP lists only its latest invoices.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property, lru_cache
from random import Random
from typing import Any

from sync.erp.demo import vocabulary as words
from sync.erp.demo.documents import credit_note, new_ddt, new_invoice, new_order, settled
from sync.erp.demo.invented import (
    account_number,
    cents,
    part,
    practice_name,
    sdi_code,
    share,
    street,
    vat_number,
    weekday,
)
from sync.erp.demo.records import NOTHING, Customer, Ddt, Invoice, Order, OrderState, Price, Product
from sync.erp.demo.text import CENT

REAL_SIZES = {"customers": 1450, "orders": 1000, "ddt": 1130, "invoices": 130, "products": 4540, "prices": 4960}
PENDING, OPEN, DELIVERED = 4, 12, 34  # of 1,000 orders, from the newest; the rest is invoiced
ORDERS_REACH = 400  # days back
WITH_ACCOUNT = 6  # of ten customers, the first
CREDIT_NOTE_EVERY = 12  # of so many invoices, the last is a credit note
OPEN_INVOICES = 0.4  # of the list, from the newest
OVERDUE_EVERY = 7  # of so many open invoices, the last is overdue
PACKS = {"K1": 10, "K2": 5, "K3": 1}  # pieces
PACKS_OF_ARTICLE = (("K2",), ("K2", "K3"), ("K1", "K2", "K3"))  # of three articles in a row
PRODUCTS_OF_THREE_ARTICLES = 6


@dataclass
class Activity:
    """What a customer ordered, by year."""

    orders: dict[int, int]
    sales: dict[int, Decimal]
    last_order: date


class BaseData:
    """The six lists as they are on `today`, before anything else happens."""

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
        self.makers: dict[str, Callable[[int], Any]] = {
            "customers": self.customer,
            "orders": self.order,
            "ddt": self.ddt,
            "invoices": self.invoice,
            "products": self.product,
            "prices": self.price,
        }
        self.practice = lru_cache(maxsize=4096)(self.make_practice)

    def record(self, sync_type: str, place: int) -> Any:
        return self.makers[sync_type](place)

    def dice(self, what: str, place: int) -> Random:
        return Random(f"{self.seed}/{what}/{place}")

    # Customers

    def customer(self, place: int) -> Customer:
        """A customer, with what its orders add up to."""
        practice = self.practice(place)
        activity = self.activity.get(practice.account) if practice.account else None
        if not activity:
            return practice
        this_year = self.today.year
        past = self.dice("past", place)
        orders_two_years_ago = past.choice((0, 0, 1, 2, 6))
        return replace(
            practice,
            last_order=activity.last_order,
            orders_this_year=activity.orders.get(this_year, 0),
            sales_this_year=activity.sales.get(this_year, NOTHING).quantize(CENT, ROUND_HALF_UP),
            orders_last_year=activity.orders.get(this_year - 1, 0),
            sales_last_year=activity.sales.get(this_year - 1, NOTHING).quantize(CENT, ROUND_HALF_UP),
            orders_two_years_ago=orders_two_years_ago,
            sales_two_years_ago=sum((cents(past, 40, 900) for _ in range(orders_two_years_ago)), NOTHING),
        )

    def make_practice(self, place: int) -> Customer:
        """A customer, as if it had never ordered."""
        dice = self.dice("customer", place)
        has_account = place % 10 < WITH_ACCOUNT
        number = 80 + place * 6 + dice.randrange(6)
        name = practice_name(dice, place)
        postcode, city, province = dice.choice(words.TOWNS)
        handle = f"studio{number}"
        return Customer(
            id=number,
            account=account_number(place) if has_account else "",
            name=name,
            vat_number=vat_number(dice) if has_account or dice.random() < 0.4 else "",
            pec=f"{handle}@pec.example" if dice.random() < 0.3 else "",
            sdi=sdi_code(dice) if has_account else "",
            fiscal_code=vat_number(dice) if dice.random() < 0.1 else "",
            delivery_mode=dice.choice(("FedEx", "FedEx", "FedEx", "UPS Italia")),
            street=street(dice, place),
            postcode=postcode,
            city=city,
            province=province,
            phone=f"+39000{dice.randrange(10**7):07d}" if dice.random() < 0.8 else "",
            mobile=f"+39300{dice.randrange(10**7):07d}" if dice.random() < 0.1 else "",
            url="",
            attention="",
            email=f"{handle}@posta.example" if dice.random() < 0.7 else "",
            description=self.customer_description(place),
            type="Debitor" if has_account else ("CustFromConcess", "PotFromCon")[place % 2],
            external_account=str(number),
            our_account="",
        )

    def customer_description(self, place: int) -> str:
        if place % 10 < WITH_ACCOUNT:
            return "Debitore"
        return ("Cliente potenziale del concessionario", "Contatto del concessionario")[place % 2]

    def place_with_account(self, rank: int) -> int:
        """The place of the customer who is `rank`-th of those with an account."""
        return rank // WITH_ACCOUNT * 10 + rank % WITH_ACCOUNT

    @cached_property
    def activity(self) -> dict[str, Activity]:
        """By account, what the orders add up to."""
        found: dict[str, Activity] = {}
        for place in range(self.sizes["orders"]):
            order = self.order(place)
            day = order.created_at.date()
            if order.account not in found:
                found[order.account] = Activity(defaultdict(int), defaultdict(Decimal), last_order=day)
            activity = found[order.account]
            activity.orders[day.year] += 1
            activity.sales[day.year] += order.total
            activity.last_order = max(activity.last_order, day)
        return found

    # Orders, DDT, invoices

    def order(self, place: int) -> Order:
        dice = self.dice("order", place)
        created_at = self.order_moment(place, dice)
        customer = self.practice(self.place_with_account(int(self.accounts * dice.random() ** 2)))
        return new_order(
            customer,
            dice,
            order_id=80_000 + (self.sizes["orders"] - place) * 3,
            number="" if place < self.first_open else self.order_number(place, created_at),
            created_at=created_at,
            state=self.order_state(place),
        )

    def order_moment(self, place: int, dice: Random) -> datetime:
        """Later the nearer its place is to the top, on weekdays before today."""
        days = 1 + place * ORDERS_REACH / self.sizes["orders"]
        day = weekday(self.today - timedelta(days=int(days)))
        evening = datetime.combine(day, time(18))
        return evening - timedelta(seconds=int((days % 1) * 9 * 3600) + dice.randrange(60))

    def order_number(self, place: int, created_at: datetime) -> str:
        return f"ORD/{created_at:%y}{self.sizes['orders'] - place:06d}"

    def order_state(self, place: int) -> tuple[str, str, str]:
        if place < self.first_open:
            return OrderState.PENDING
        if place < self.first_delivered:
            return OrderState.OPEN
        return OrderState.DELIVERED if place < self.first_invoiced else OrderState.INVOICED

    def ddt(self, place: int) -> Ddt:
        """Delivered orders have one DDT or two, spread evenly."""
        deliveries = self.sizes["orders"] - self.first_delivered
        rank = ((place + 1) * deliveries - 1) // self.sizes["ddt"]
        first = rank * self.sizes["ddt"] // deliveries
        parts = (rank + 1) * self.sizes["ddt"] // deliveries - first
        order = self.order(self.first_delivered + rank)
        return new_ddt(
            order,
            self.dice("ddt", place),
            ddt_id=60_000 + self.sizes["ddt"] - place,
            number=f"DDT/{order.delivery_date:%y}{self.sizes['ddt'] - place:06d}",
            pieces=part(order.pieces, parts, place - first),
            delivery_date=min(order.delivery_date, self.today),
        )

    def invoice(self, place: int) -> Invoice:
        dice = self.dice("invoice", place)
        order = self.order(self.first_invoiced + place - (place + 1) // CREDIT_NOTE_EVERY)
        invoice = new_invoice(
            order,
            dice,
            sequence=self.sizes["invoices"] - place,
            day=min(order.delivery_date + timedelta(days=3), self.today),
        )
        if place % CREDIT_NOTE_EVERY == CREDIT_NOTE_EVERY - 1:
            invoice = credit_note(invoice)
        is_open = place < self.sizes["invoices"] * OPEN_INVOICES
        if is_open and place % OVERDUE_EVERY != OVERDUE_EVERY - 1:
            return invoice
        if is_open:
            due = self.today - timedelta(days=1 + dice.randrange(75))
            return replace(invoice, due_date=due, days_overdue=(self.today - due).days)
        return settled(invoice, f"INC/{invoice.issued_on:%y}{dice.randrange(10**6):06d}", self.today)

    # Products, prices

    def product(self, place: int) -> Product:
        """Of three articles in a row the first has one pack, the second two, the third three."""
        three, rest = divmod(place, PRODUCTS_OF_THREE_ARTICLES)
        in_three, pack_place = ((0, 0), (1, 0), (1, 1), (2, 0), (2, 1), (2, 2))[rest]
        article = three * 3 + in_three
        dice = self.dice("article", article)
        pack = PACKS_OF_ARTICLE[in_three][pack_place]
        pieces = Decimal(PACKS[pack])
        shank, size = words.SHANKS[article // 12 % 4], words.SIZES[article % 12]
        figure = str(9801 + article // 48)
        group, group_description, description = dice.choice(words.PRODUCT_GROUPS)
        created_at = datetime.combine(self.today - timedelta(days=400 + dice.randrange(3000)), time(9, 12, 4))
        modified = self.dice("product", place)
        return Product(
            id=f"{1627 + article * 7:06d}{pack}",
            name=f"{figure}.{shank}.{size}",
            description=f"{description} Ø {int(size) / 10:.1f} MM{dice.choice(words.PRODUCT_REMARKS)}",
            group=group,
            image="System.Byte[]",
            pack_pieces=pieces,
            search_name=f"{figure}{shank}{size}",
            price_unit=Decimal(1),
            product_group=f"{group[:3]}{article % 9:02d}",
            group_description=group_description,
            minimum=pieces,
            multiple=pieces,
            maximum=Decimal(0),
            figure=figure,
            data_area="it1",
            record_id=5_637_000 + place,
            modified_at=datetime.combine(
                self.today - timedelta(days=1 + modified.randrange(360)), time(7 + modified.randrange(12), 30, 15)
            ),
            is_stopped=dice.random() < 0.02,
            bulk_id="",
            pack=pack,
            shank=shank,
            size=size,
            configuration=pack,
            created_by="admin",
            created_at=created_at,
            default_quantity=pieces,
            display_number=f"{figure}.{shank}.{size} {pack}",
            total_discount=Decimal(0),
            line_discount="",
            modified_by=modified.choice(("admin", "listino")),
            is_orderable=True,
            purchase_price=NOTHING,
            standard_configuration=pack,
            standard_quantity=pieces,
            vat_group="04" if article % 40 == 39 else "22",
            unit="pz",
        )

    def price(self, place: int) -> Price:
        """First the list price of every product; then, by turns, quantity breaks and one account's own prices."""
        products = self.sizes["products"]
        dice = self.dice("price", place)
        own_price, rank = (place - products) % 2 == 1, (place - products) // 2
        if place < products:
            return self.list_price(place, place)
        if own_price:
            base = self.list_price((rank * 10 + 3) % products, place)
            customer = self.practice(self.place_with_account(dice.randrange(self.accounts)))
            return replace(
                base,
                account_code="Tabella",
                account=customer.account,
                account_name=customer.name,
                unit_price=share(base.unit_price, dice.randrange(70, 95)),
                quantity_to=None,
                is_net_price=True,
            )
        base = self.list_price(rank * 10 % products, place)
        return replace(base, quantity_from=Decimal(50), quantity_to=None, unit_price=share(base.unit_price, 90))

    def list_price(self, product_place: int, place: int) -> Price:
        product = self.product(product_place)
        breaks = (self.sizes["prices"] - self.sizes["products"] + 1) // 2
        has_break = product_place % 10 == 0 and product_place // 10 < breaks
        start, end = date(self.today.year, 1, 1), date(self.today.year, 12, 31)
        return Price(
            id=5_637_100 + place * 3,
            account_code="Tutti",
            account="",
            account_name="",
            product_id=product.id,
            product_name=product.name,
            valid_from=start,
            valid_to=end if product_place % 5 else None,
            quantity_from=Decimal(0),
            quantity_to=Decimal(49) if has_break else None,
            price_unit=Decimal(1),
            unit_price=cents(self.dice("unit price", product_place), 4, 240),
            currency="EUR",
            is_net_price=False,
        )
