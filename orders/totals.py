"""What an order comes to: every amount is rounded half up to the cent, line by line, so that what is shown adds up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext

CENT = Decimal("0.01")
ALL = Decimal(100)  # percent
EXACT = Context(prec=100, rounding=ROUND_HALF_UP)  # digits; no product of an order's numbers has more


@dataclass(frozen=True)
class Amounts:
    """What a line comes to, in the order's currency: `goods` after its own discount, `net` after the order's too."""

    goods: Decimal
    net: Decimal
    vat_rate: Decimal  # percent
    vat: Decimal

    @property
    def gross(self) -> Decimal:
        return self.net + self.vat


@dataclass(frozen=True)
class VatTotal:
    """The VAT of all lines of one rate."""

    rate: Decimal  # percent
    taxable: Decimal
    amount: Decimal


@dataclass(frozen=True)
class Totals:
    """What an order comes to, in its currency: `goods` less `discount` is `net`, and that with `vat` is `gross`."""

    goods: Decimal
    discount: Decimal
    net: Decimal
    vat_by_rate: list[VatTotal]
    vat: Decimal
    gross: Decimal


def line_amounts(
    *,
    quantity: Decimal,
    unit_price: Decimal,
    price_unit: Decimal,
    discount: Decimal,
    order_discount: Decimal,
    vat_rate: Decimal,
) -> Amounts:
    """The amounts of one line. `unit_price` is for `price_unit` pieces; discounts and the rate are percentages."""
    with localcontext(EXACT):
        goods = cents(quantity * unit_price * (ALL - discount) / (price_unit * ALL))
        net = cents(goods * (ALL - order_discount) / ALL)
        return Amounts(goods, net, vat_rate, cents(net * vat_rate / ALL))


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


def totals_of(lines: Iterable[Amounts]) -> Totals:
    lines = list(lines)
    by_rate: dict[Decimal, list[Amounts]] = defaultdict(list)
    for line in lines:
        by_rate[line.vat_rate].append(line)
    goods, net = total(line.goods for line in lines), total(line.net for line in lines)
    vat = total(line.vat for line in lines)
    return Totals(
        goods=goods,
        discount=goods - net,
        net=net,
        vat_by_rate=[
            VatTotal(rate, total(line.net for line in same), total(line.vat for line in same))
            for rate, same in sorted(by_rate.items(), reverse=True)
        ],
        vat=vat,
        gross=net + vat,
    )


def total(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal("0.00"))
