"""How many of a product may be ordered. It is decided here alone: the API gives pages and scripts what this says."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Protocol

PIECE = Decimal(1)


class Rules(Protocol):
    """What the ERP says of a product, in pieces; None, 0 and less say nothing."""

    @property
    def minimum_quantity(self) -> Decimal | None: ...

    @property
    def multiple_quantity(self) -> Decimal | None: ...

    @property
    def maximum_quantity(self) -> Decimal | None: ...

    @property
    def default_quantity(self) -> Decimal | None: ...


@dataclass(frozen=True)
class OrderQuantities:
    """What may be ordered: `least`, and on in steps of `step`, up to `most`. All of them are multiples of `step`."""

    least: Decimal
    step: Decimal
    most: Decimal | None  # None: there is no limit
    usual: Decimal  # what a form begins with
    ignored_maximum: Decimal | None  # the ERP's, if nothing could be ordered within it

    def find_nearest(self, quantity: Decimal) -> list[Decimal]:
        """What may be ordered instead of a quantity: the next below and above, in order; itself alone if it may be."""
        around = {round_to_multiple(self.step, quantity, rounding) for rounding in (ROUND_FLOOR, ROUND_CEILING)}
        return sorted({clamp(each, self.least, self.most) for each in around})


def compute_order_quantities(rules: Rules) -> OrderQuantities:
    """What the ERP's minimum, multiple and maximum come to.

    Without a multiple pieces are whole. A minimum that is no multiple is the next one above it, a maximum the next one
    below. A maximum under the least that may be ordered is no limit: the ERP has counted maximum in packs, 1 beside a
    minimum and a multiple of 100, and an article that cannot be ordered at all is one that it has stopped.
    """
    step = read_positive(rules.multiple_quantity) or PIECE
    least = round_to_multiple(step, read_positive(rules.minimum_quantity) or step, ROUND_CEILING)
    maximum = read_positive(rules.maximum_quantity)
    most = round_to_multiple(step, maximum, ROUND_FLOOR) if maximum else None
    is_ignored = most is not None and most < least
    if is_ignored:
        most = None
    return OrderQuantities(
        least=least,
        step=step,
        most=most,
        usual=clamp(round_to_multiple(step, read_positive(rules.default_quantity) or step, ROUND_CEILING), least, most),
        ignored_maximum=maximum if is_ignored else None,
    )


def read_positive(quantity: Decimal | None) -> Decimal | None:
    return quantity if quantity and quantity > 0 else None


def round_to_multiple(step: Decimal, quantity: Decimal, rounding: str) -> Decimal:
    return (quantity / step).to_integral_value(rounding) * step


def clamp(quantity: Decimal, least: Decimal, most: Decimal | None) -> Decimal:
    return max(quantity, least) if most is None else min(max(quantity, least), most)
