"""What an order comes to: every amount is rounded half up to the cent, line by line, so that what is shown adds up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext

CENT = Decimal("0.01")
ZERO = Decimal("0.00")
ALL = Decimal(100)  # percent
EXACT = Context(prec=100, rounding=ROUND_HALF_UP)  # digits; no product of an order's numbers has more


@dataclass(frozen=True)
class Amounts:
    """What a line comes to, in the order's currency: `goods` after its own discount, `net` after the order's too."""

    goods: Decimal
    net: Decimal
    vat_rate: Decimal | None  # percent; None if it is not known
    vat: Decimal | None

    @property
    def gross(self) -> Decimal | None:
        return None if self.vat is None else self.net + self.vat


@dataclass(frozen=True)
class VatTotal:
    """The VAT of all lines of one rate."""

    rate: Decimal  # percent
    taxable: Decimal
    amount: Decimal


@dataclass(frozen=True)
class Totals:
    """What an order comes to, in its currency: `goods` less `discount` is `net`, and that with `vat` is `gross`.

    The VAT of `net_without_vat` is not known: that part of `net` is in `gross` as it is.
    """

    goods: Decimal
    discount: Decimal
    net: Decimal
    vat_by_rate: list[VatTotal]
    vat: Decimal
    net_without_vat: Decimal
    gross: Decimal


def line_amounts(
    *,
    quantity: Decimal,
    unit_price: Decimal,
    price_unit: Decimal,
    discount: Decimal,
    order_discount: Decimal,
    vat_rate: Decimal | None,
) -> Amounts:
    """The amounts of one line. `unit_price` is for `price_unit` pieces; discounts and the rate are percentages.

    Without a rate, as the ERP's key for it is not known, the line has no VAT and no amount with it.
    """
    with localcontext(EXACT):
        goods = cents(quantity * unit_price * (ALL - discount) / (price_unit * ALL))
        net = cents(goods * (ALL - order_discount) / ALL)
        return Amounts(goods, net, vat_rate, None if vat_rate is None else cents(net * vat_rate / ALL))


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


def totals_of(lines: Iterable[Amounts]) -> Totals:
    lines = list(lines)
    by_rate: dict[Decimal, list[Amounts]] = defaultdict(list)
    for line in lines:
        if line.vat_rate is not None:
            by_rate[line.vat_rate].append(line)
    goods, net = total(line.goods for line in lines), total(line.net for line in lines)
    vat = total(line.vat or ZERO for line in lines)
    return Totals(
        goods=goods,
        discount=goods - net,
        net=net,
        vat_by_rate=[
            VatTotal(rate, total(line.net for line in same), total(line.vat or ZERO for line in same))
            for rate, same in sorted(by_rate.items(), reverse=True)
        ],
        vat=vat,
        net_without_vat=total(line.net for line in lines if line.vat_rate is None),
        gross=net + vat,
    )


def total(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, ZERO)
