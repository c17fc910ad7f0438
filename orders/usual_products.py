"""What a customer has ordered before: the usual products, the last order, and what a product cost the last time.

What is read are the lines of saved drafts, whichever agent's, as the customer is the same, and those of the ERP's
orders, as far as they are mirrored. Drafts that were deleted or put away, quotes and gifts do not count. A draft that
was entered in the ERP is there twice: it does not count once the lines of its order are mirrored; and while its order
is not known, a line of it does not if an order has the same article on the same day.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import cast

from django.db.models import F
from django.utils import timezone

from customers.models import Customer
from orders import drafts
from orders.drafts import LineInput, LineProblem, PricedLine
from orders.models import Draft, DraftLine, OrderLine, Product
from orders.pricing import PriceList
from sync.database import clock

ORDER_CURRENCY = "EUR"  # assumed, as orders name none, and all amounts that were seen are in euro
USUAL = 40  # products that are offered: more than that is a catalogue
LINES_READ = 2000  # the latest ones of drafts, and of orders; one has 500 at most, so that the last order is whole
CENT = Decimal("0.01")
HALVED_AFTER = timedelta(days=180)  # an order counts half as much after this time: who orders twice a year is a regular


class Source(StrEnum):
    DRAFT = "draft"
    ORDER = "order"


class PriceChange(StrEnum):
    """What has become of a price since the last time."""

    RISEN = "risen"
    FALLEN = "fallen"
    UNCHANGED = "unchanged"


@dataclass(frozen=True)
class Purchase:
    """A line of a past draft or order."""

    source: Source
    document: int  # the primary key of the draft or the order
    at: datetime  # when the draft was last saved, or the order made
    product: int | None  # its primary key; None if it is not certain which pack it was
    article: str  # its name
    quantity: Decimal
    unit_price: Decimal | None  # before discounts
    is_derived: bool  # the price: an order's line prints its amount
    price_unit: Decimal  # the number of pieces that the price is for
    currency: str
    discount_percent: Decimal
    order_discount_percent: Decimal

    @property
    def article_on_day(self) -> tuple[str, date]:
        """What a draft's line has in common with that of the order which the draft became."""
        return self.article, timezone.localdate(self.at)

    @property
    def inexactness(self) -> Decimal:
        """By how much the price of a piece may be wrong: that of a derived one by what a cent of the amount is."""
        if not self.is_derived:
            return Decimal(0)
        share_paid = 1 - self.discount_percent / 100
        return CENT / self.quantity / (share_paid or 1)


@dataclass(frozen=True)
class OfferedLine:
    """A line that is offered once more: as it was the last time, and at today's price."""

    product: Product | None
    last: Purchase
    count: int  # of the orders that had the product
    today: PricedLine

    @property
    def price_change(self) -> PriceChange | None:
        return compare_price(self.last, self.today)


@dataclass(frozen=True)
class UsualProducts:
    products: list[OfferedLine]  # the most usual first
    last_order: list[OfferedLine]  # the lines of the last order, in their order


def find_usual_products(customer: Customer, *, except_draft: int | None = None) -> UsualProducts:
    """The products that a customer orders most often and lately, and the last order; without one of the drafts.

    Each order counts once for a product, one of half a year ago half as much as one of today.
    """
    purchases = read_purchases(customer, except_draft=except_draft)
    latest: dict[int, Purchase] = {}
    documents: dict[int, dict[tuple[Source, int], datetime]] = defaultdict(dict)
    for purchase in purchases:
        if purchase.product is not None:
            latest.setdefault(purchase.product, purchase)
            documents[purchase.product][purchase.source, purchase.document] = purchase.at
    now = clock.now()

    def weigh(product: int) -> tuple[float, datetime]:
        return sum(0.5 ** ((now - at) / HALVED_AFTER) for at in documents[product].values()), latest[product].at

    usual = sorted(latest, key=weigh, reverse=True)[:USUAL]
    last_order = [each for each in purchases if (each.source, each.document) == find_document(purchases[0])]
    products = Product.objects.in_bulk({*usual, *(each.product for each in last_order if each.product)})
    prices = PriceList(products.values(), account=customer.account_number)

    def offer(purchase: Purchase) -> OfferedLine:
        product = products.get(purchase.product) if purchase.product else None
        count = len(documents[purchase.product]) if purchase.product else 0
        return OfferedLine(product, purchase, count, price_again(purchase, product, prices))

    return UsualProducts([offer(latest[key]) for key in usual], [offer(each) for each in last_order])


def find_last_purchases(
    customer: Customer | None, products: Collection[int], *, except_draft: int | None = None
) -> dict[int, Purchase]:
    """By a product's primary key: how a customer ordered it the last time; nothing without a customer."""
    found: dict[int, Purchase] = {}
    for purchase in read_purchases(customer, products=products, except_draft=except_draft) if customer else ():
        if purchase.product is not None:
            found.setdefault(purchase.product, purchase)
    return found


def read_purchases(
    customer: Customer, *, products: Collection[int] | None = None, except_draft: int | None = None
) -> list[Purchase]:
    """A customer's past lines, the latest order first, each in its order."""
    ordered = list(read_order_lines(customer, products))
    known = {each.article_on_day for each in ordered if each.article}
    drafted = [each for each in read_draft_lines(customer, products, except_draft) if each.article_on_day not in known]
    return sorted([*ordered, *drafted], key=lambda each: each.at, reverse=True)


def read_order_lines(customer: Customer, products: Collection[int] | None) -> Iterator[Purchase]:
    lines = OrderLine.objects.for_account(customer.account_number).filter(order__ordered_at__isnull=False)
    lines = lines.exclude(order__is_quote=True).exclude(order__is_gift=True).filter(quantity__gt=0)
    if products is not None:
        lines = lines.filter(product__in=products)
    for line in lines.select_related("order")[:LINES_READ]:
        yield Purchase(
            source=Source.ORDER,
            document=line.order_id,
            at=cast(datetime, line.order.ordered_at),
            product=line.product_id,
            article=line.article,
            quantity=line.quantity,
            unit_price=line.unit_price,
            is_derived=True,
            price_unit=Decimal(1),
            currency=ORDER_CURRENCY,
            discount_percent=line.discount_percent or Decimal(0),
            order_discount_percent=line.order.discount_percent or Decimal(0),
        )


def read_draft_lines(
    customer: Customer, products: Collection[int] | None, except_draft: int | None
) -> Iterator[Purchase]:
    lines = DraftLine.objects.filter(draft__customer=customer, draft__deleted_at=None).exclude(draft=except_draft)
    lines = lines.filter(draft__is_quote=False, draft__is_gift=False, draft__closed_at=None)
    lines = lines.filter(draft__order__lines_fetch__fetched_at=None)  # whose order has no lines here, or is not known
    if products is not None:
        lines = lines.filter(product__in=products)
    lines = lines.select_related("draft").annotate(article=F("product__name"))
    for line in lines.order_by("-draft__changed_at", "-draft", "position")[:LINES_READ]:
        yield Purchase(
            source=Source.DRAFT,
            document=line.draft_id,
            at=line.draft.changed_at,
            product=line.product_id,
            article=line.article,
            quantity=line.quantity,
            unit_price=line.unit_price,
            is_derived=False,
            price_unit=line.price_unit,
            currency=line.draft.currency,
            discount_percent=line.discount_percent,
            order_discount_percent=line.draft.discount_percent,
        )


def find_document(purchase: Purchase) -> tuple[Source, int]:
    return purchase.source, purchase.document


def price_again(purchase: Purchase, product: Product | None, prices: PriceList) -> PricedLine:
    """A past line at today's price, or what keeps it from being ordered again."""
    present = product if product and product.removed_at is None else None
    name = product.erp_id if product else purchase.article
    wanted = LineInput(name, purchase.quantity, purchase.discount_percent)
    try:
        return drafts.price_line(Draft(), 1, wanted, present, prices)
    except LineProblem as problem:
        return PricedLine(wanted, present, problem=problem)


def compare_price(last: Purchase | None, today: PricedLine) -> PriceChange | None:
    """What has become of a price, discounts apart; None if one of the two is not known."""
    line = today.line
    if last is None or line is None or last.unit_price is None or last.currency != line.draft.currency:
        return None
    before, now = last.unit_price / last.price_unit, line.unit_price / line.price_unit
    if abs(before - now) <= last.inexactness:
        return PriceChange.UNCHANGED
    return PriceChange.RISEN if now > before else PriceChange.FALLEN
