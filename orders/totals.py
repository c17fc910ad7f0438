"""What an order comes to, rounded half up to the cent so that what is shown adds up.

Goods and net are rounded line by line, VAT as on the ERP's invoices: once for each rate, on what the lines of that rate
come to together. So an order's VAT may differ by cents from what its lines have one by one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext

CENT = Decimal("0.01")
ZERO = Decimal("0.00")
ALL = Decimal(100)  # percent
EXACT = Context(prec=100, rounding=ROUND_HALF_UP)  # digits; no product of an order's numbers has more


@dataclass(frozen=True)
class Amounts:
    """What a line comes to, in the order's currency: `goods` after its own discount, `net` after the order's too.

    `undiscounted` is before both. `vat` is that of the line alone: the order's is no sum of these.
    """

    undiscounted: Decimal
    goods: Decimal
    net: Decimal
    vat_rate: Decimal | None  # percent; None if it is not known
    vat: Decimal | None

    @property
    def gross(self) -> Decimal | None:
        return None if self.vat is None else self.net + self.vat


@dataclass(frozen=True)
class Shipping:
    """What is charged for shipping, without VAT, and its VAT in percent."""

    amount: Decimal
    vat_rate: Decimal


NO_SHIPPING = Shipping(ZERO, ZERO)


@dataclass(frozen=True)
class VatTotal:
    """The VAT of all lines of one rate, and of shipping at that rate, on what they come to together."""

    rate: Decimal  # percent
    taxable: Decimal
    amount: Decimal


@dataclass(frozen=True)
class Totals:
    """What an order comes to, in its currency: goods less discount is net; with shipping and VAT that is gross.

    The VAT of `net_without_vat` is not known: that part of `net` is in `gross` as it is. `undiscounted` is what the
    lines would come to without any discount.
    """

    undiscounted: Decimal
    goods: Decimal
    discount: Decimal
    net: Decimal
    shipping: Decimal
    vat_by_rate: list[VatTotal]
    vat: Decimal
    net_without_vat: Decimal
    gross: Decimal

    @property
    def discount_percent(self) -> Decimal:
        """What all discounts take off together, in percent of `undiscounted`."""
        if not self.undiscounted:
            return ZERO
        with localcontext(EXACT):
            return round_to_cents((self.undiscounted - self.net) * ALL / self.undiscounted)


def compute_line_amounts(
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
        undiscounted = round_to_cents(quantity * unit_price / price_unit)
        goods = round_to_cents(quantity * unit_price * (ALL - discount) / (price_unit * ALL))
        net = round_to_cents(goods * (ALL - order_discount) / ALL)
        return Amounts(undiscounted, goods, net, vat_rate, None if vat_rate is None else compute_vat(net, vat_rate))


def compute_vat(net: Decimal, rate: Decimal) -> Decimal:
    with localcontext(EXACT):
        return round_to_cents(net * rate / ALL)


def round_to_cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


def compute_totals(lines: Sequence[Amounts], shipping: Shipping = NO_SHIPPING) -> Totals:
    taxable: dict[Decimal, Decimal] = defaultdict(lambda: ZERO)
    if shipping.amount:
        taxable[shipping.vat_rate] += shipping.amount
    for line in lines:
        if line.vat_rate is not None:
            taxable[line.vat_rate] += line.net
    vat_by_rate = [VatTotal(rate, net, compute_vat(net, rate)) for rate, net in sorted(taxable.items(), reverse=True)]
    goods, net = add_up(line.goods for line in lines), add_up(line.net for line in lines)
    vat = add_up(each.amount for each in vat_by_rate)
    return Totals(
        undiscounted=add_up(line.undiscounted for line in lines),
        goods=goods,
        discount=goods - net,
        net=net,
        shipping=shipping.amount,
        vat_by_rate=vat_by_rate,
        vat=vat,
        net_without_vat=add_up(line.net for line in lines if line.vat_rate is None),
        gross=net + shipping.amount + vat,
    )


def add_up(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, ZERO)
