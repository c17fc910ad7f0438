"""Values as the ERP prints them in Italian. Empty means unknown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import Enum
from functools import lru_cache
from typing import Any, Literal

CENT = Decimal("0.01")
Align = Literal["left", "right", "centre"]
ITALIAN = str.maketrans(",.", ".,")


def thousands(value: int) -> str:
    """`60.757`: IDs are printed like any other number."""
    return f"{value:,}".translate(ITALIAN)


def two_decimals(value: Decimal) -> str:
    return f"{value.quantize(CENT, ROUND_HALF_UP):,}".translate(ITALIAN)


@lru_cache(maxsize=16_384)
def money(value: Decimal) -> str:
    """`1.729,22 €`."""
    return f"{two_decimals(value)} €"


def percent(value: Decimal) -> str:
    """`21,49 %`."""
    return f"{two_decimals(value)} %"


@lru_cache(maxsize=16_384)
def number(value: Decimal) -> str:
    """`9.518,1`: without trailing zeros."""
    plain = f"{value:,f}"
    return (plain.rstrip("0").rstrip(".") if "." in plain else plain).translate(ITALIAN)


@lru_cache(maxsize=4096)
def day(value: date) -> str:
    return f"{value:%d/%m/%Y}"


def moment(value: datetime) -> str:
    """Local Italian time, as `value` is."""
    return f"{value:%d/%m/%Y %H:%M:%S}"


def yes_no(value: bool) -> str:
    return "Si" if value else "No"


def checked(value: bool) -> str:
    return "Checked" if value else "Unchecked"


class Kind(Enum):
    """What a column holds: how its values are printed, and where in the cell."""

    TEXT = (str, "left")
    INTEGER = (thousands, "right")
    NUMBER = (number, "right")
    MONEY = (money, "right")
    PERCENT = (percent, "right")
    DAY = (day, "left")
    MOMENT = (moment, "left")
    YES_NO = (yes_no, "left")
    CHECKED = (checked, "centre")

    def __init__(self, print_value: Callable[[Any], str], align: Align) -> None:
        self.print_value = print_value
        self.align = align

    def text(self, value: Any) -> str:
        return "" if value is None else self.print_value(value)
