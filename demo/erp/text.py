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


def round_to_cents(value: Decimal) -> Decimal:
    return value.quantize(CENT, ROUND_HALF_UP)


def format_integer(value: int) -> str:
    """`60.757`: IDs are printed like any other number."""
    return f"{value:,}".translate(ITALIAN)


@lru_cache(maxsize=16_384)
def format_money(value: Decimal) -> str:
    """`1.729,22 €`."""
    return f"{round_to_cents(value):,} €".translate(ITALIAN)


def format_percent(value: Decimal) -> str:
    """`21,49 %`."""
    return f"{round_to_cents(value):,} %".translate(ITALIAN)


@lru_cache(maxsize=16_384)
def format_number(value: Decimal) -> str:
    """`9.518,1`: without trailing zeros."""
    plain = f"{value:,f}"
    return (plain.rstrip("0").rstrip(".") if "." in plain else plain).translate(ITALIAN)


def format_pieces(value: Decimal) -> str:
    """`52,00`, as the footer of one order's lines has it."""
    return f"{value:,.2f}".translate(ITALIAN)


def make_english(format_italian: Callable[[Any], str]) -> Callable[[Any], str]:
    """The English form of a number: `9,518.1`."""
    return lambda value: format_italian(value).translate(ITALIAN)


@lru_cache(maxsize=4096)
def format_day(value: date) -> str:
    return f"{value:%d/%m/%Y}"


def format_english_day(value: date) -> str:
    """`1/20/2026`."""
    return f"{value.month}/{value.day}/{value.year}"


def format_moment(value: datetime) -> str:
    """Local Italian time, as `value` is."""
    return f"{value:%d/%m/%Y %H:%M:%S}"


def format_english_moment(value: datetime) -> str:
    """`1/20/2026 6:05:09 PM`."""
    return f"{format_english_day(value)} {value.hour % 12 or 12}:{value:%M:%S %p}"


def format_check(value: bool) -> str:
    return "Checked" if value else "Unchecked"


class Kind(Enum):
    """What a column holds: how its values are printed in Italian and in English, and where in the cell."""

    TEXT = (str, str, "left")
    INTEGER = (format_integer, make_english(format_integer), "right")
    NUMBER = (format_number, make_english(format_number), "right")
    PIECES = (format_pieces, make_english(format_pieces), "right")
    MONEY = (format_money, make_english(format_money), "right")
    PERCENT = (format_percent, make_english(format_percent), "right")
    DAY = (format_day, format_english_day, "left")
    MOMENT = (format_moment, format_english_moment, "left")
    YES_NO = (lambda value: "Si" if value else "No", lambda value: "Yes" if value else "No", "left")
    CHECKED = (format_check, format_check, "centre")

    def __init__(
        self, format_italian: Callable[[Any], str], format_english: Callable[[Any], str], align: Align
    ) -> None:
        self.format_italian = format_italian
        self.format_english = format_english
        self.align = align

    def format(self, value: Any, *, english: bool = False) -> str:
        if value is None:
            return ""
        return self.format_english(value) if english else self.format_italian(value)
