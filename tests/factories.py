"""The dullest valid records; a test states only what matters to it.

Texts that link one list to another are blank unless given: records that should find each other say so.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from factory.declarations import Sequence
from factory.django import DjangoModelFactory

from customers.models import Customer
from orders.models import Ddt, Invoice, Order, Price, Product

if TYPE_CHECKING:
    Factory: Any  # calling one gives a record, which its own types do not say
else:
    Factory = DjangoModelFactory

MIRRORED_AT = dt.datetime(2026, 1, 20, 12, 0, tzinfo=dt.UTC)


class MirroredFactory(Factory):  # type: ignore[misc]
    class Meta:
        abstract = True

    created_at = MIRRORED_AT
    changed_at = MIRRORED_AT


class CustomerFactory(MirroredFactory):
    class Meta:
        model = Customer

    erp_id = Sequence(lambda number: 1000 + number)
    name = Sequence(lambda number: f"Studio {number}")


class OrderFactory(MirroredFactory):
    class Meta:
        model = Order

    erp_id = Sequence(lambda number: 2000 + number)
    ordered_at = dt.datetime(2026, 1, 20, 11, 4, 22, tzinfo=dt.UTC)
    total_amount = Decimal("100.00")


class DdtFactory(MirroredFactory):
    class Meta:
        model = Ddt

    erp_id = Sequence(lambda number: 3000 + number)
    number = Sequence(lambda number: f"DDT/{number:08}")
    delivery_date = dt.date(2026, 1, 20)
    pieces = Decimal(6)


class InvoiceFactory(MirroredFactory):
    class Meta:
        model = Invoice

    number = Sequence(lambda number: f"CF1/{number:08}")
    invoice_date = dt.date(2026, 1, 20)
    total_amount = Decimal("122.00")
    remaining_amount = Decimal("122.00")


class ProductFactory(MirroredFactory):
    class Meta:
        model = Product

    erp_id = Sequence(lambda number: f"{number:06}K2")
    name = Sequence(lambda number: f"9801.314.{number:03}")
    is_orderable = True
    is_blocked = False


class PriceFactory(MirroredFactory):
    class Meta:
        model = Price

    erp_id = Sequence(lambda number: 5000 + number)
    valid_from = dt.date(2022, 7, 1)
    valid_to = dt.date(2154, 12, 31)
    unit_price = Decimal("234.59")
    currency = "EUR"
