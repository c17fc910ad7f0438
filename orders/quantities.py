"""How many of a product may be ordered."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Protocol

PIECE = Decimal(1)


class Rules(Protocol):
    """A product's minimum, multiple and maximum, in pieces; None and 0 say nothing."""

    @property
    def minimum_quantity(self) -> Decimal | None: ...

    @property
    def multiple_quantity(self) -> Decimal | None: ...

    @property
    def maximum_quantity(self) -> Decimal | None: ...


def nearest_valid(quantity: Decimal, rules: Rules) -> list[Decimal]:
    """What may be ordered instead of a quantity: the next below and above, in order; itself alone if it may be.

    Empty if nothing may be ordered: the maximum is under the minimum.
    """
    step = positive(rules.multiple_quantity) or PIECE
    least = multiple_of(step, max(rules.minimum_quantity or step, step), ROUND_CEILING)
    maximum = positive(rules.maximum_quantity)
    most = multiple_of(step, maximum, ROUND_FLOOR) if maximum else None
    if most is not None and most < least:
        return []
    around = {multiple_of(step, quantity, rounding) for rounding in (ROUND_FLOOR, ROUND_CEILING)}
    return sorted({clamped(each, least, most) for each in around})


def least(rules: Rules) -> Decimal:
    """The smallest quantity that may be ordered; one piece if none may."""
    return next(iter(nearest_valid(Decimal(0), rules)), PIECE)


def positive(quantity: Decimal | None) -> Decimal | None:
    return quantity if quantity and quantity > 0 else None


def multiple_of(step: Decimal, quantity: Decimal, rounding: str) -> Decimal:
    return (quantity / step).to_integral_value(rounding) * step


def clamped(quantity: Decimal, least: Decimal, most: Decimal | None) -> Decimal:
    return max(quantity, least) if most is None else min(max(quantity, least), most)
