"""What a product costs on a day, for an account and a quantity."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property

from django.conf import settings
from django.db.models import Max, Q, QuerySet
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from orders.models.catalogue import ACCOUNT_CODES, Price, Product
from sync.database import clock

Audience = Price.Audience
MOST_SPECIFIC_LAST = (Audience.EVERYBODY, Audience.GROUP, Audience.CUSTOMER)


@dataclass(frozen=True)
class PriceGroup:
    """A price group that the mirror has prices of."""

    code: str  # what ACCOUNT: says
    description: str

    def __str__(self) -> str:
        return f"{self.code} ({self.description})" if self.description else self.code


class PriceList:
    """The prices of some products that are valid on a day for an account, read in one query.

    A customer's own price goes before the price group's, that before everybody's; then the one for the largest quantity
    that is reached, then the one that is valid since the latest day. A prospect, without an account, has no prices of
    its own. A price of nothing, or without a currency, is none.
    """

    def __init__(self, products: Iterable[Product], *, account: str, on: date | None = None) -> None:
        self.prices: dict[str, list[Price]] = defaultdict(list)
        for price in find_valid_prices(list(products), account=account, on=on or clock.today()):
            self.prices[price.product_erp_id].append(price)

    def find_price(self, product: Product, quantity: Decimal) -> Price | None:
        """The price that counts; None if none does."""
        fitting = [
            price
            for price in self.prices.get(product.erp_id, [])
            if (price.quantity_from or 0) <= quantity <= (price.quantity_to or quantity)  # 0 is no upper end
        ]
        return max(fitting, key=rank_price, default=None)

    def describe_missing(self, product: Product) -> str:
        """Why a product has no price that counts."""
        if self.must_choose_group:
            text = _("{product} has no price: an administrator must first choose the price group that applies.")
            return text.format(product=product)
        return _("The ERP has no price for {product} that is valid today.").format(product=product)

    @cached_property
    def must_choose_group(self) -> bool:
        """Whether no group's price counts as long as nobody chooses a price group."""
        return must_choose_price_group()


def find_valid_prices(products: Collection[Product], *, account: str | None, on: date) -> QuerySet[Price]:
    """The prices that are valid on a day for an account, whatever the quantity; for None, those of all accounts."""
    is_anyones = Q(code__in=ACCOUNT_CODES[Audience.EVERYBODY])
    if group := find_price_group():
        is_anyones |= Q(code__in=ACCOUNT_CODES[Audience.GROUP], account=group)
    if account is None:
        is_anyones |= Q(code__in=ACCOUNT_CODES[Audience.CUSTOMER])
    elif account:
        is_anyones |= Q(code__in=ACCOUNT_CODES[Audience.CUSTOMER], account=account)
    prices = Price.objects.present().annotate(code=Lower("account_code")).filter(is_anyones)
    return filter_valid(prices.filter(product_erp_id__in={product.erp_id for product in products}), on=on)


def filter_valid(prices: QuerySet[Price], *, on: date) -> QuerySet[Price]:
    """Those that are valid on a day, of more than nothing, in a currency."""
    is_valid = (Q(valid_from=None) | Q(valid_from__lte=on)) & (Q(valid_to=None) | Q(valid_to__gte=on))
    return prices.filter(is_valid, unit_price__gt=0).exclude(currency="")


def find_price_group() -> str:
    """The group that counts: the setting, or the only one with prices that are valid today; empty if none does."""
    if settings.PRICE_GROUP:
        return settings.PRICE_GROUP
    prices = filter_group_prices()
    for looked_at in (prices, filter_valid(prices, on=clock.today())):  # the first takes no look at the rows
        found = looked_at.order_by("account").values_list("account", flat=True).distinct()[:2]
        if len(found) == 1:
            return found[0]
    return ""


def list_price_groups() -> list[PriceGroup]:
    """All price groups that the mirror has prices of, valid today."""
    prices = filter_valid(filter_group_prices(), on=clock.today())
    groups = prices.order_by("account").values_list("account").annotate(text=Max("account_description"))
    return [PriceGroup(*group) for group in groups]


def must_choose_price_group() -> bool:
    """Whether no group's price counts, as nobody has chosen one of the groups there are."""
    groups = {group.code for group in list_price_groups()}
    return bool(groups) and find_price_group() not in groups


def filter_group_prices() -> QuerySet[Price]:
    prices = Price.objects.present().annotate(code=Lower("account_code"))
    return prices.filter(code__in=ACCOUNT_CODES[Audience.GROUP]).exclude(account="")


def find_price_unit(price: Price, product: Product) -> Decimal:
    """How many pieces a price is for: the ERP's 0 is one piece."""
    return next(unit for unit in (price.price_unit, product.price_unit, Decimal(1)) if unit and unit > 0)


def rank_price(price: Price) -> tuple[int, Decimal, date, int]:
    return (
        MOST_SPECIFIC_LAST.index(price.audience) if price.audience else -1,
        price.quantity_from or Decimal(0),
        price.valid_from or date.min,
        price.erp_id,
    )
