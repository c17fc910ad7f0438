"""Control totals: the ERP's own Count and Sums, in the last row of an export, against what was read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sync.exceptions import ControlTotalMismatch, UnreadableTotal
from sync.exports.layout import Column
from sync.exports.values import MONEY_PLACES, NUMERIC, number
from sync.messages import Message
from sync.messages import gettext_noop as _

TOTAL = re.compile(r"(Count|Sum|Min|Max|Avg|Average)\s*=\s*(\S.*)")
CHECKED = ("Count", "Sum")
HALF_A_CENT = Decimal(5).scaleb(-MONEY_PLACES - 1)


@dataclass(frozen=True)
class ControlTotal:
    """One total of the footer as compared. `difference_allowed` is 0 unless the ERP adds before it rounds."""

    column: str
    function: str
    stated: Decimal
    found: Decimal
    difference_allowed: Decimal = Decimal(0)

    @property
    def agrees(self) -> bool:
        return abs(self.stated - self.found) <= self.difference_allowed

    def as_json(self) -> dict[str, str]:
        return {
            "column": self.column,
            "function": self.function,
            "stated": str(self.stated),
            "found": str(self.found),
            "differenceAllowed": str(self.difference_allowed),
        }


def is_total(cell: str) -> bool:
    return TOTAL.fullmatch(cell) is not None


def is_footer(cells: Iterable[str], *, key: str) -> bool:
    """Whether a row holds totals instead of a record, whose key it would have."""
    return (not key or is_total(key)) and any(map(is_total, cells))


class RunningTotals:
    """Adds up the records as they are read."""

    def __init__(self, columns: Iterable[Column]) -> None:
        self.sums = {column: Decimal(0) for column in columns if column.convert in NUMERIC}
        self.amounts = dict.fromkeys(self.sums, 0)  # how many were added that are not 0
        self.records = 0
        self.placeholders = 0  # rows without an ID, which are no records

    def add(self, column: Column, values: Iterable[Decimal | int | None]) -> None:
        if column in self.sums:
            amounts = [value for value in values if value]
            self.sums[column] += sum(amounts, Decimal(0))
            self.amounts[column] += len(amounts)

    def compare(
        self, footer: Sequence[str], headers: Sequence[str], columns: dict[int, Column]
    ) -> tuple[list[ControlTotal], list[Message]]:
        """Each total of the footer as compared, and notes on those that cannot be. Raises ControlTotalMismatch."""
        totals, notes, texts = [], [], []
        for place, cell in enumerate(footer):
            match = TOTAL.fullmatch(cell)
            if not match:
                continue
            function, text = match.groups()
            column = columns.get(place)
            if function not in CHECKED or (function == "Sum" and column not in self.sums):
                note = _(
                    "The {function} of {header} in the footer was not checked, because this column is not added "
                    "up here."
                )
                notes.append(Message(note, function=function, header=headers[place]))
                continue
            stated = read_number(text, function, headers[place])
            totals.append(self.total(function, stated, headers[place], column))
            texts.append(text)
        check(totals, texts)
        return totals, notes

    def total(self, function: str, stated: Decimal, header: str, column: Column | None) -> ControlTotal:
        if column is None or function == "Count":
            counts_placeholders = stated == self.records + self.placeholders
            return ControlTotal(header, function, stated, stated if counts_placeholders else Decimal(self.records))
        allowed = self.amounts[column] * HALF_A_CENT if column.added_before_rounding else Decimal(0)
        return ControlTotal(header, function, stated, self.sums[column], allowed)


def check(totals: Sequence[ControlTotal], texts: Sequence[str]) -> None:
    """Raises ControlTotalMismatch for the first that does not agree with what the ERP printed; it has them all."""
    for total, text in zip(totals, texts, strict=True):
        if not total.agrees:
            raise ControlTotalMismatch(
                totals=totals,
                column=total.column,
                function=total.function,
                found=format_as_printed(total.found),
                stated=text,
            )


def read_number(text: str, function: str, column: str) -> Decimal:
    try:
        value = number(text.rstrip("€% "))
        if value is None:
            raise ValueError(Message(_("a number")))
    except ValueError as error:
        raise UnreadableTotal(function=function, column=column, text=text, kind=error.args[0]) from None
    return value


def format_as_printed(value: Decimal) -> str:
    """As the ERP would print it: 1.234,5."""
    return f"{value:,f}".replace(",", " ").replace(".", ",").replace(" ", ".")
