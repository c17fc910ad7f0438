"""Values as the ERP prints them, in Italian and in English. Empty means unknown.

The Italian forms were measured on real exports. Of the English ones `M/D/YYYY` and `1,922.85` were seen; how English
exports write times, currencies and booleans is assumed.
"""

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


def english_thousands(value: int) -> str:
    """`60,757`."""
    return f"{value:,}"


def english_money(value: Decimal) -> str:
    """`1,729.22 €`."""
    return f"{value.quantize(CENT, ROUND_HALF_UP):,} €"


def english_percent(value: Decimal) -> str:
    """`21.49 %`."""
    return f"{value.quantize(CENT, ROUND_HALF_UP):,} %"


def english_number(value: Decimal) -> str:
    """`9,518.1`."""
    return number(value).translate(ITALIAN)


def english_day(value: date) -> str:
    """`1/20/2026`."""
    return f"{value.month}/{value.day}/{value.year}"


def english_moment(value: datetime) -> str:
    """`1/20/2026 6:05:09 PM`."""
    return f"{english_day(value)} {value.hour % 12 or 12}:{value:%M:%S %p}"


def english_yes_no(value: bool) -> str:
    return "Yes" if value else "No"


class Kind(Enum):
    """What a column holds: how its values are printed in Italian and in English, and where in the cell."""

    TEXT = (str, str, "left")
    INTEGER = (thousands, english_thousands, "right")
    NUMBER = (number, english_number, "right")
    MONEY = (money, english_money, "right")
    PERCENT = (percent, english_percent, "right")
    DAY = (day, english_day, "left")
    MOMENT = (moment, english_moment, "left")
    YES_NO = (yes_no, english_yes_no, "left")
    CHECKED = (checked, checked, "centre")

    def __init__(self, in_italian: Callable[[Any], str], in_english: Callable[[Any], str], align: Align) -> None:
        self.in_italian = in_italian
        self.in_english = in_english
        self.align = align

    def text(self, value: Any, *, english: bool = False) -> str:
        if value is None:
            return ""
        return self.in_english(value) if english else self.in_italian(value)
