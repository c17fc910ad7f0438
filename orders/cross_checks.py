"""What else agrees in orders, DDT, invoices, products and prices, and in how many records it was seen to.

The figures are those of the ERP's own exports with scrambled texts: 99 orders, 53 DDT, 74 invoices. Texts and codes
were scrambled alike wherever they stood, the amounts of one record apart from each other: they show little. That an
order's gross amount less its discount is its total does not hold as such: of 63 orders without a discount percentage
28 cost less than their gross amount.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils import timezone

from sync.exports.layout import Source
from sync.messages import gettext_noop as _
from sync.service import CrossCheck, Reference

MEASURED, ASSUMED = Source.MEASURED, Source.ASSUMED
CUSTOMER = Reference("account_number", target="customers", target_field="account_number")
ORDER = Reference("order_number", target="orders", target_field="number")
PRODUCT = Reference("product_erp_id", target="products", target_field="erp_id")

ROUNDING = Decimal("0.02")  # euro; three amounts that are each printed to the cent differ by up to 1.5
RATES = (Decimal("0.22"), Decimal("0.04"), Decimal(0))
HALF_A_PERCENT_S_PLACE = Decimal("0.00005")  # discounts are printed as 21,49 %


def same(*fields: tuple[str, str]) -> Callable[[Any, list[Any]], bool | None]:
    """Whether a record that is named has the values of the one that names it; a blank value says nothing."""

    def agrees(record: Any, named: list[Any]) -> bool | None:
        if not named:
            return None
        return any(all(equal(getattr(record, own), getattr(each, theirs)) for own, theirs in fields) for each in named)

    return agrees


def equal(one: str, other: str) -> bool:
    return not one or not other or one == other


def is_there(_: Any, named: list[Any]) -> bool:
    return bool(named)


def is_only_one(_: Any, named: list[Any]) -> bool:
    return len(named) == 1


def in_order(*days: date | None) -> bool | None:
    """Whether the other days, as far as they are known, are not before the first."""
    first, *later = days
    known = [day for day in later if day is not None]
    return all(first <= day for day in known) if first and known else None


def day_of_order(order: Any) -> date | None:
    return timezone.localtime(order.ordered_at).date() if order.ordered_at else None


def not_before_the_order(field: str) -> Callable[[Any, list[Any]], bool | None]:
    """Whether a day of a record is not before the order that it names; a day that is not known says nothing."""

    def agrees(record: Any, orders: list[Any]) -> bool | None:
        day = getattr(record, field)
        days = [ordered for order in orders if (ordered := day_of_order(order))]
        return any(ordered <= day for ordered in days) if day and days else None

    return agrees


def adds_up(invoice: Any) -> bool | None:
    if None in (invoice.sales_balance, invoice.total_discount, invoice.tax_amount, invoice.total_amount):
        return None
    total = invoice.sales_balance - invoice.total_discount + invoice.tax_amount
    return bool(abs(total - invoice.total_amount) <= ROUNDING)


def remains(invoice: Any) -> bool | None:
    if None in (invoice.total_amount, invoice.settled_amount, invoice.remaining_amount):
        return None
    return bool(abs(invoice.total_amount - invoice.settled_amount - invoice.remaining_amount) <= ROUNDING)


def has_one_rate(invoice: Any) -> bool | None:
    """Whether the VAT is that of one rate on the whole net amount."""
    if None in (invoice.sales_balance, invoice.total_discount, invoice.tax_amount):
        return None
    net = invoice.sales_balance - invoice.total_discount
    return any(abs(net * rate - invoice.tax_amount) <= ROUNDING for rate in RATES)


def has_discount(order: Any) -> bool | None:
    if not order.discount_percent or order.gross_amount is None or order.total_amount is None:
        return None
    expected = order.gross_amount * (100 - order.discount_percent) / 100
    allowed = abs(order.gross_amount) * HALF_A_PERCENT_S_PLACE + ROUNDING
    return bool(abs(expected - order.total_amount) <= allowed)


def is_settled_when_closed(invoice: Any) -> bool | None:
    """Whether a closed invoice was settled on the day it was closed, and leaves no amount and no days."""
    if invoice.closed_date is None:
        return None
    return (
        invoice.last_settlement_date in (None, invoice.closed_date)
        and not invoice.remaining_amount
        and not invoice.days_left
    )


def was_paid_by_something(invoice: Any) -> bool | None:
    """Whether there is a last payment, and a day of it, if and only if an amount is settled."""
    if invoice.settled_amount is None or (invoice.last_settlement_date is None and not invoice.last_payment_number):
        return None
    return bool(invoice.settled_amount)


def is_name_of_parts(product: Any) -> bool | None:
    parts = (product.figure, product.shank, product.size)
    return product.name == ".".join(parts) if product.name and all(parts) else None


def is_named_alike(price: Any, products: list[Any]) -> bool | None:
    if not products or not price.product_name:
        return None
    return any(price.product_name in (product.name, product.description) for product in products)


def is_a_range(price: Any) -> bool | None:
    """Whether both what it is valid for and until when end after they begin."""
    pairs = ((price.valid_from, price.valid_to), (price.quantity_from, price.quantity_to))
    known = [first <= last for first, last in pairs if first is not None and last is not None]
    return all(known) if known else None


ORDER_CHECKS = (
    CrossCheck(
        _("Orders: a number is one order's"),
        fields=("number",),
        agrees=is_only_one,
        source=MEASURED,
        evidence="all 99",
        reference=Reference("number", target="orders", target_field="number"),
    ),
    CrossCheck(
        _("Orders: the account is that of a customer"),
        fields=(),
        agrees=is_there,
        source=ASSUMED,
        evidence="not counted: the exports were cut short",
        reference=CUSTOMER,
    ),
    CrossCheck(
        _("Orders: the account's customer has this name"),
        fields=("customer_name",),
        agrees=same(("customer_name", "name")),
        source=ASSUMED,
        evidence="72 of 75: a customer may have got another name since",
        reference=CUSTOMER,
        their_fields=("name",),
    ),
    CrossCheck(
        _("Orders: delivery, transfer and completion are not before the order"),
        fields=("ordered_at", "delivery_date", "transfer_date", "completion_date"),
        agrees=lambda order: in_order(
            day_of_order(order), order.delivery_date, order.transfer_date, order.completion_date
        ),
        source=MEASURED,
        evidence="99 of 99",
    ),
    CrossCheck(
        _("Orders: transfer and completion are on the same day"),
        fields=("transfer_date", "completion_date"),
        agrees=lambda order: (
            order.transfer_date == order.completion_date if order.transfer_date and order.completion_date else None
        ),
        source=MEASURED,
        evidence="99 of 99",
    ),
    CrossCheck(
        _("Orders: the gross amount less the discount, if there is one, is the total"),
        fields=("gross_amount", "discount_percent", "total_amount"),
        agrees=has_discount,
        source=ASSUMED,
        evidence="none: in 36 of 36 the amounts were scrambled apart",
    ),
)

DDT_CHECKS = (
    CrossCheck(
        _("DDT: a number is one DDT's"),
        fields=("number",),
        agrees=is_only_one,
        source=MEASURED,
        evidence="all 53",
        reference=Reference("number", target="ddt", target_field="number"),
    ),
    CrossCheck(
        _("DDT: the order is there"),
        fields=(),
        agrees=is_there,
        source=MEASURED,
        evidence="53 of 53",
        reference=ORDER,
    ),
    CrossCheck(
        _("DDT: the order has the same account and customer"),
        fields=("account_number", "customer_name"),
        agrees=same(("account_number", "account_number"), ("customer_name", "customer_name")),
        source=MEASURED,
        evidence="53 of 53",
        reference=ORDER,
        their_fields=("account_number", "customer_name"),
    ),
    CrossCheck(
        _("DDT: the order has the same delivery address, description and customer reference"),
        fields=("delivery_address", "description", "customer_reference"),
        agrees=same(
            ("delivery_address", "delivery_address"),
            ("description", "description"),
            ("customer_reference", "customer_reference"),
        ),
        source=MEASURED,
        evidence="53 of 53, of which 11 have a description and none a reference",
        reference=ORDER,
        their_fields=("delivery_address", "description", "customer_reference"),
    ),
    CrossCheck(
        _("DDT: the order has the same delivery name"),
        fields=("delivery_name",),
        agrees=same(("delivery_name", "delivery_name")),
        source=ASSUMED,
        evidence="51 of 53",
        reference=ORDER,
        their_fields=("delivery_name",),
    ),
    CrossCheck(
        _("DDT: the delivery is not before the order"),
        fields=("delivery_date",),
        agrees=not_before_the_order("delivery_date"),
        source=MEASURED,
        evidence="53 of 53",
        reference=ORDER,
        their_fields=("ordered_at",),
    ),
)

INVOICE_CHECKS = (
    CrossCheck(
        _("Invoices: the balance less the total discount, and the VAT, are the invoice's amount"),
        fields=("sales_balance", "total_discount", "tax_amount", "total_amount"),
        agrees=adds_up,
        source=ASSUMED,
        evidence="none: in 74 of 74 the amounts were scrambled apart",
    ),
    CrossCheck(
        _("Invoices: the VAT is 22 %, 4 % or 0 % of the balance less the total discount"),
        fields=("sales_balance", "total_discount", "tax_amount"),
        agrees=has_one_rate,
        source=ASSUMED,
        evidence="22 % in 75 of 75 that others have seen; that no invoice mixes rates is inferred",
    ),
    CrossCheck(
        _("Invoices: the amount less what is settled remains"),
        fields=("total_amount", "settled_amount", "remaining_amount"),
        agrees=remains,
        source=MEASURED,
        evidence="72 of 72; of 2 others, settled in part, the amounts were scrambled apart",
    ),
    CrossCheck(
        _("Invoices: a closed one was settled on that day, and leaves no amount and no days"),
        fields=("closed_date", "last_settlement_date", "remaining_amount", "days_left"),
        agrees=is_settled_when_closed,
        source=MEASURED,
        evidence="47 of 47",
    ),
    CrossCheck(
        _("Invoices: what has a payment has a settled amount"),
        fields=("settled_amount", "last_payment_number", "last_settlement_date"),
        agrees=was_paid_by_something,
        source=MEASURED,
        evidence="49 of 49",
    ),
    CrossCheck(
        _("Invoices: due date and settlement are not before the invoice"),
        fields=("invoice_date", "due_date", "last_settlement_date", "closed_date"),
        agrees=lambda invoice: in_order(
            invoice.invoice_date, invoice.due_date, invoice.last_settlement_date, invoice.closed_date
        ),
        source=MEASURED,
        evidence="74 of 74",
    ),
    CrossCheck(
        _("Invoices: the order is there"),
        fields=(),
        agrees=is_there,
        source=ASSUMED,
        evidence="not counted: the exports were cut short",
        reference=ORDER,
    ),
    CrossCheck(
        _("Invoices: the order has the same account, description and customer reference"),
        fields=("account_number", "purchase_order", "customer_reference"),
        agrees=same(
            ("account_number", "account_number"),
            ("purchase_order", "description"),
            ("customer_reference", "customer_reference"),
        ),
        source=MEASURED,
        evidence="33 of 33, of which 7 have a description and none a reference",
        reference=ORDER,
        their_fields=("account_number", "description", "customer_reference"),
    ),
    CrossCheck(
        _("Invoices: the account is that of a customer"),
        fields=(),
        agrees=is_there,
        source=ASSUMED,
        evidence="not counted: the exports were cut short",
        reference=CUSTOMER,
    ),
    CrossCheck(
        _("Invoices: the account's customer has this name"),
        fields=("customer_name",),
        agrees=same(("customer_name", "name")),
        source=MEASURED,
        evidence="61 of 61",
        reference=CUSTOMER,
        their_fields=("name",),
    ),
    CrossCheck(
        _("Invoices: the invoice is not before the order"),
        fields=("invoice_date",),
        agrees=not_before_the_order("invoice_date"),
        source=MEASURED,
        evidence="33 of 33",
        reference=ORDER,
        their_fields=("ordered_at",),
    ),
)

PRODUCT_CHECKS = (
    CrossCheck(
        _("Products: the article's name is figure, shank and size"),
        fields=("name", "figure", "shank", "size"),
        agrees=is_name_of_parts,
        source=ASSUMED,
        evidence="none",
    ),
)

PRICE_CHECKS = (
    CrossCheck(
        _("Prices: the product is there"),
        fields=(),
        agrees=is_there,
        source=ASSUMED,
        evidence="about 4,520 of 4,950 that others have seen",
        reference=PRODUCT,
    ),
    CrossCheck(
        _("Prices: the product has this name or description"),
        fields=("product_name",),
        agrees=is_named_alike,
        source=ASSUMED,
        evidence="none",
        reference=PRODUCT,
        their_fields=("name", "description"),
    ),
    CrossCheck(
        _("Prices: validity and quantity end after they begin"),
        fields=("valid_from", "valid_to", "quantity_from", "quantity_to"),
        agrees=is_a_range,
        source=ASSUMED,
        evidence="none counted",
    ),
)
