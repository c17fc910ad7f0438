"""What a product costs on a day, for an account and a quantity."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date
from decimal import Decimal

from django.db.models import Q
from django.utils import timezone

from customers.matching import present
from orders.models.catalogue import Price, Product

ONE = Decimal(1)


class PriceList:
    """The prices of some products that are valid on a day for an account, read in one query.

    An account's own price goes before that of all accounts; then the one for the largest quantity that is reached, then
    the one that is valid since the latest day. A prospect, without an account, has the prices of all. A price of
    nothing, or without a currency, is none.
    """

    def __init__(self, products: Iterable[Product], *, account: str, on: date | None = None) -> None:
        self.prices: dict[tuple[str, str], list[Price]] = defaultdict(list)
        for price in valid_prices(list(products), account=account, on=on or timezone.localdate()):
            self.prices[price.product_erp_id, ""].append(price)
            self.prices[price.product_erp_id, price.product_name].append(price)

    def price(self, product: Product, quantity: Decimal) -> Price | None:
        """The price that counts; None if none does."""
        by_id = self.prices.get((product.erp_id, ""), [])
        as_pack = self.prices.get((product.pack, product.name), []) if product.pack and product.name else []
        fitting = [price for price in {*by_id, *as_pack} if is_for(quantity, price)]
        return max(fitting, key=precedence, default=None)


def valid_prices(products: Collection[Product], *, account: str, on: date) -> Iterable[Price]:
    by_id = Q(product_erp_id__in={product.erp_id for product in products})
    packs = [product for product in products if product.pack and product.name]
    as_pack = Q(product_erp_id__in={each.pack for each in packs}, product_name__in={each.name for each in packs})
    return (
        present(Price)
        .filter(
            by_id | as_pack,
            Q(valid_from=None) | Q(valid_from__lte=on),
            Q(valid_to=None) | Q(valid_to__gte=on),
            account__in={account, ""},
            unit_price__gt=0,
        )
        .exclude(currency="")
    )


def price_unit(price: Price, product: Product) -> Decimal:
    """How many pieces a price is for."""
    return next(unit for unit in (price.price_unit, product.price_unit, ONE) if unit and unit > 0)


def is_for(quantity: Decimal, price: Price) -> bool:
    """Whether a quantity lies within a price's; None says nothing, and 0 is no upper end."""
    return (price.quantity_from or 0) <= quantity and (not price.quantity_to or quantity <= price.quantity_to)


def precedence(price: Price) -> tuple[bool, Decimal, date, int]:
    return (bool(price.account), price.quantity_from or Decimal(0), price.valid_from or date.min, price.erp_id)
