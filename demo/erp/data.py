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

from demo.erp import vocabulary as words
from demo.erp.documents import credit_note, new_ddt, new_invoice, new_order, settled
from demo.erp.invented import (
    account_number,
    cents,
    is_one_of,
    part,
    practice_name,
    sdi_code,
    share,
    street,
    vat_number,
    weekday,
)
from demo.erp.records import NOTHING, Customer, Ddt, Invoice, Order, OrderState, Price, Product
from demo.erp.text import CENT

REAL_SIZES = {"customers": 1450, "orders": 1000, "ddt": 1130, "invoices": 130, "products": 4540, "prices": 4955}
PENDING, OPEN, DELIVERED = 4, 12, 34  # of 1,000 orders, from the newest; the rest is invoiced
ORDERS_REACH = 400  # days back
WITH_ACCOUNT = 6  # of ten customers, the first
CREDIT_NOTE_EVERY = 12  # of so many invoices, the last is a credit note
OPEN_INVOICES = 0.21  # of the list, from the newest
OVERDUE_EVERY = 7  # of so many open invoices, the last is overdue

# Of 4,540 products and 4,955 prices, as they were seen in the real ERP's lists.
VAT_STANDARD, VAT_REDUCED, NO_VAT = "5", "1", "0"  # keys of VAT groups: 22 %, 4 %, none
REDUCED_VAT = 121  # products
FIRST_REDUCED, COURSE = 5, 10  # places; the course is the only product without VAT
UNPRICED = 20  # products, the latest
UNKNOWN_ARTICLES = 430  # have a price, and are not among the products
SECOND_PRICES = 5  # of articles that have one already
WITHOUT_ACCOUNT = 3  # of the second prices; of which articles the real ones are is not known
PRICE_GROUP = ("002", "DETTAGLIO (consigliato)")
PRICED_FOR_EVER = date(2154, 12, 31)
ANY_QUANTITY = Decimal(100_000_000)

# One article name comes in several packs: 22 products have 19 names, so 4,540 have 3,920.
PACKS = {"K1": 10, "K2": 5, "K3": 1, "K4": 100}  # pieces
ROUND = 19  # articles, whose packs come again with the next ones
SEVERAL_PACKS = {0: ("K1", "K2", "K3"), 9: ("K2", "K3")}  # of a round's articles
ONLY_PACK = ("K2", "K3", "K2", "K1", "K4")  # of the others, by turns
PRODUCTS_OF_ROUND = [
    (article, pack) for article in range(ROUND) for pack in range(len(SEVERAL_PACKS.get(article, ("only",))))
]


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
        self.priced_products = self.sizes["products"] - self.share_of(UNPRICED)
        self.second_prices = max(SECOND_PRICES, self.share_of(SECOND_PRICES))
        self.without_account = max(WITHOUT_ACCOUNT, self.share_of(WITHOUT_ACCOUNT))
        self.first_second_price = self.priced_products + self.share_of(UNKNOWN_ARTICLES)
        self.sizes["prices"] = self.first_second_price + self.second_prices
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

    def share_of(self, number: int) -> int:
        """What is left of a number of records at this scale; at least one."""
        return max(1, round(number * self.scale))

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
            today=self.today,
        )
        if place % CREDIT_NOTE_EVERY == CREDIT_NOTE_EVERY - 1:
            invoice = credit_note(invoice)
        is_open = place < self.sizes["invoices"] * OPEN_INVOICES
        if is_open and place % OVERDUE_EVERY != OVERDUE_EVERY - 1:
            return invoice
        if is_open:
            due = max(invoice.issued_on, self.today - timedelta(days=1 + dice.randrange(75)))
            return replace(invoice, due_date=due, days_left=(due - self.today).days)
        return settled(invoice, f"INC/{invoice.issued_on:%y}{dice.randrange(10**6):06d}", self.today)

    # Products, prices

    def product(self, place: int) -> Product:
        rounds, rest = divmod(place, len(PRODUCTS_OF_ROUND))
        in_round, pack_place = PRODUCTS_OF_ROUND[rest]
        article = rounds * ROUND + in_round
        is_course = place == COURSE
        packs = SEVERAL_PACKS.get(in_round) or (ONLY_PACK[article % len(ONLY_PACK)],)
        pack = "" if is_course else packs[pack_place]
        pieces = Decimal(PACKS.get(pack, 0))
        dice = self.dice("article", article)
        name = article_name(9801, article)
        figure, shank, size = name.split(".")
        group, group_description, description = words.COURSE if is_course else dice.choice(words.PRODUCT_GROUPS)
        created_at = datetime.combine(self.today - timedelta(days=400 + dice.randrange(3000)), time(9, 12, 4))
        modified = self.dice("product", place)
        return Product(
            id=f"{1627 + article * 7:06d}{pack}",
            name=name,
            description=(
                description
                if is_course
                else f"{description} Ø {int(size) / 10:.1f} MM{dice.choice(words.PRODUCT_REMARKS)}"
            ),
            group=group,
            image="System.Byte[]",
            pack_pieces=pieces,
            search_name=f"{figure}{shank}{size}",
            price_unit=Decimal(article % 3 != 0),
            product_group=f"{group}{article % 9:02d}",
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
            display_number=f"{name} {pack}".rstrip(),
            total_discount=Decimal(0),
            line_discount="",
            modified_by=modified.choice(("admin", "listino")),
            is_orderable=True,
            purchase_price=NOTHING,
            standard_configuration=pack,
            standard_quantity=pieces,
            vat_group=self.vat_group(place),
            unit="pz",
        )

    def vat_group(self, place: int) -> str:
        if place == COURSE:
            return NO_VAT
        is_reduced = is_one_of(place, self.share_of(REDUCED_VAT), self.sizes["products"], first=FIRST_REDUCED)
        return VAT_REDUCED if is_reduced else VAT_STANDARD

    def price(self, place: int) -> Price:
        """First those of products, then those of articles that are no products, then second prices."""
        if place < self.priced_products:
            product = self.product(place)
            return self.list_price(place, product.id, product.name)
        unknown = place - self.priced_products
        if place < self.first_second_price:
            return self.list_price(place, f"{1630 + unknown * 7:06d}K2", article_name(7401, unknown))
        return self.second_price(place)

    def list_price(self, place: int, product_id: str, product_name: str) -> Price:
        dice = self.dice("price", place)
        account, account_name = PRICE_GROUP
        return Price(
            id=5_637_100 + place * 3,
            account_code="Group",
            account=account,
            account_name=account_name,
            product_id=product_id,
            product_name=product_name,
            valid_from=date(2022 + dice.randrange(3), 1 + dice.randrange(12), 1),
            valid_to=PRICED_FOR_EVER,
            quantity_from=Decimal(1),
            quantity_to=ANY_QUANTITY,
            price_unit=Decimal(0),
            unit_price=cents(dice, 4, 240),
            currency="EUR",
            is_net_price=False,
        )

    def second_price(self, place: int) -> Price:
        """A higher price of a product from a later day; the first ones have no account."""
        rank = place - self.first_second_price
        first = self.price(rank * self.priced_products // self.second_prices)
        account, account_name = ("", "") if rank < self.without_account else PRICE_GROUP
        return replace(
            first,
            id=5_637_100 + place * 3,
            account=account,
            account_name=account_name,
            valid_from=date(2025, 3, 1 + rank % 28),
            unit_price=share(first.unit_price, 108),
        )


def article_name(first_figure: int, article: int) -> str:
    """Figure, shank and size: `9801.314.016`."""
    shank, size = words.SHANKS[article // 12 % 4], words.SIZES[article % 12]
    return f"{first_figure + article // 48}.{shank}.{size}"
