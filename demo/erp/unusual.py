"""What faults make of a list's records: values and records that the real ERP's lists can have, and usually have not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

from demo.erp.faults import Fault
from demo.erp.invented import take_percent
from demo.erp.records import Customer, Price, Product

EVERY = 10  # of so many records, the first is struck
UNKNOWN_VAT_KEY = "7"
OTHER_PRICE_GROUP = ("003", "RIVENDITORI")
FROM_FIFTY = Decimal(50)
OTHER_ID = 5_000_000  # apart from all other prices' IDs, which have gaps of two


def spoil_records(records: Iterator[Any], faults: Collection[Fault], customer: Customer) -> Iterator[Any]:
    """A list's records as the faults leave them; `customer` is the one that has prices of its own."""
    if Fault.NEW_VAT_KEY in faults:
        records = set_unknown_vat_keys(records)
    if Fault.SECOND_PRICE_GROUP in faults:
        records = add_second_price_group(records)
    if Fault.CUSTOMER_PRICES in faults:
        records = add_customer_prices(records, customer)
    return records


def set_unknown_vat_keys(products: Iterable[Product]) -> Iterator[Product]:
    for place, product in enumerate(products):
        yield product if place % EVERY else replace(product, vat_group=UNKNOWN_VAT_KEY)


def add_second_price_group(prices: Iterable[Price]) -> Iterator[Price]:
    account, account_name = OTHER_PRICE_GROUP
    for place, price in enumerate(prices):
        yield price
        if place % EVERY == 0:
            yield replace(
                price,
                id=price.id + 1,
                account=account,
                account_name=account_name,
                unit_price=take_percent(price.unit_price, 80),
            )


def add_customer_prices(prices: Iterable[Price], customer: Customer) -> Iterator[Price]:
    for place, price in enumerate(prices):
        yield price
        if place % EVERY == 0:
            own = replace(
                price,
                id=price.id + 2,
                account_code="Table",
                account=customer.account,
                account_name=customer.name,
                unit_price=take_percent(price.unit_price, 90),
            )
            yield own
            yield replace(
                own, id=own.id + OTHER_ID, quantity_from=FROM_FIFTY, unit_price=take_percent(price.unit_price, 70)
            )
