"""An export of a list: its records as rows of texts, its control totals, and what the faults make of both."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from operator import attrgetter
from pathlib import Path
from typing import Any

from demo.erp import pdf
from demo.erp.faults import Fault
from demo.erp.lists import DemoList, ListColumn, Total, divide_into_pages
from demo.erp.text import CENT, Kind

OF_SECOND_PAGE = {Fault.HIDDEN_COLUMN, Fault.EXTRA_COLUMN, Fault.MISSING_PAGE, Fault.UNEQUAL_ROWS}
DIGIT = 7.5  # pt that one more digit, or its separator, adds to a total


def write(
    demo_list: DemoList,
    records: Iterable[Any],
    path: Path,
    *,
    faults: Collection[Fault],
    shown: Collection[int] | None,
    footer: bool,
    growth: float,
) -> pdf.Written:
    """Write records into a PDF. Raises ValueError for a fault that these records cannot show.

    `growth` is how many times larger than the real ERP's the lists are: their totals need more room.
    """
    pages = spoil_pages(demo_list, shown, faults)
    table = ExportedTable([column for page in pages for column in page], faults)
    written = pdf.write_pdf(
        path,
        [[make_drawn_column(column, growth) for column in page] for page in pages],
        table.make_rows(records, demo_list.key),
        totals=table.make_totals if footer else None,
        flaws=pdf.Flaws(
            missing_page=pdf.PageAt(band=1, page=1) if Fault.MISSING_PAGE in faults else None,
            short_page=pdf.PageAt(band=0, page=1) if Fault.UNEQUAL_ROWS in faults else None,
        ),
    )
    table.check_faults_struck(pages=written.pages, pages_per_band=len(pages))
    if Fault.EMPTY_FILE in faults:
        os.truncate(path, 0)
    elif Fault.TRUNCATED_FILE in faults:
        os.truncate(path, path.stat().st_size * 6 // 10)
    return written


def make_drawn_column(column: ListColumn, growth: float) -> pdf.Column:
    """The column as it is drawn; the totals of larger lists need more room, and the ERP gives it."""
    drawn = pdf.Column(column.header, column.kind.align, column.width)
    if column.total and growth > 1:
        return replace(drawn, width=drawn.drawn_width + DIGIT * math.ceil(math.log10(growth)))
    return drawn


class ExportedTable:
    """The rows of one export as texts, and its totals once they have been read."""

    def __init__(self, columns: Sequence[ListColumn], faults: Collection[Fault]) -> None:
        self.columns = columns
        self.faults = faults
        self.english = Fault.ENGLISH in faults
        self.count = 0
        self.sums = {place: Decimal(0) for place, column in enumerate(columns) if column.total is Total.SUM}
        if Fault.WRONG_COUNT in faults and not any(column.total is Total.COUNT for column in columns):
            raise ValueError("This list's footer has no Count.")
        if Fault.WRONG_SUM in faults and not self.sums:
            raise ValueError("This list's footer has no Sum.")
        self.dates = [place for place, column in enumerate(columns) if column.kind in (Kind.DAY, Kind.MOMENT)]
        if Fault.UNREADABLE_VALUE in faults and not self.dates:
            raise ValueError("This list has no date.")

    def make_rows(self, records: Iterable[Any], key: ListColumn) -> Iterator[list[str]]:
        values_of = make_value_getter(self.columns)
        first_key = ""
        key_place = next((place for place, column in enumerate(self.columns) if column.field == key.field), 0)
        for record in records:
            values = values_of(record)
            self.count += 1
            for place in self.sums:
                self.sums[place] += values[place]
            row = format_values(self.columns, values, english=self.english)
            if self.count == 1:
                first_key = row[key_place]
            elif self.count == 2:
                self.spoil(row, key_place, first_key)
            yield row

    def spoil(self, row: list[str], key_place: int, first_key: str) -> None:
        """The second record carries the faults of values."""
        if Fault.DUPLICATE_KEY in self.faults:
            row[key_place] = first_key
        if Fault.UNREADABLE_VALUE in self.faults:
            row[self.dates[0]] = "n/d"

    def make_totals(self) -> list[str]:
        """The footer row."""
        return [self.make_total(place, column) for place, column in enumerate(self.columns)]

    def make_total(self, place: int, column: ListColumn) -> str:
        match column.total:
            case Total.COUNT:
                return f"Count={self.format(Kind.INTEGER, self.count + (Fault.WRONG_COUNT in self.faults))}"
            case Total.SUM:
                return f"Sum={self.format(column.kind, self.find_stated_sum(place))}"
            case None:
                return ""

    def format(self, kind: Kind, value: Any) -> str:
        return kind.format(value, english=self.english)

    def find_stated_sum(self, place: int) -> Decimal | int:
        is_integer = self.columns[place].kind is Kind.INTEGER
        wrong_place = min(self.sums, key=lambda at: (self.columns[at].kind is Kind.INTEGER, at))
        stated = self.sums[place]
        if Fault.WRONG_SUM in self.faults and place == wrong_place:
            stated += 1 if is_integer else CENT
        return int(stated) if is_integer else stated

    def check_faults_struck(self, *, pages: int, pages_per_band: int) -> None:
        if Fault.MISSING_PAGE in self.faults and pages < 2 * pages_per_band - 1:
            raise ValueError("This list has one band only: none can lack a page.")
        if self.count < 2 and {Fault.DUPLICATE_KEY, Fault.UNREADABLE_VALUE} & set(self.faults):
            raise ValueError("This list has no second record to spoil.")


def make_value_getter(columns: Sequence[ListColumn]) -> Callable[[Any], list[Any]]:
    """Gives a record's values, one per column; a column without a field is empty."""
    getters = [attrgetter(column.field) if column.field else lambda _: None for column in columns]
    return lambda record: [get(record) for get in getters]


def format_values(columns: Sequence[ListColumn], values: Sequence[Any], *, english: bool = False) -> list[str]:
    return [column.kind.format(value, english=english) for column, value in zip(columns, values, strict=True)]


def spoil_pages(
    demo_list: DemoList, shown: Collection[int] | None, faults: Collection[Fault]
) -> list[list[ListColumn]]:
    """The columns of each page: those that the session shows, as the faults leave them."""
    if Fault.HIDDEN_COLUMNS in faults:
        shown = demo_list.list_stubborn_columns()
    columns = [
        column
        for place, column in enumerate(demo_list.columns if shown is None else demo_list.grid_columns)
        if shown is None or place in shown
    ]
    if Fault.ENGLISH in faults:
        columns = [column.translate() for column in columns]
    pages = divide_into_pages(columns)
    if OF_SECOND_PAGE & set(faults) and len(pages) < 2:
        raise ValueError("This list has one page of columns only.")
    key_place = next((place for place, column in enumerate(pages[0]) if column.field == demo_list.key.field), 0)
    key = pages[0][key_place]
    if Fault.HIDDEN_COLUMN in faults:
        if len(pages[1]) < 2:
            raise ValueError("This list's second page has one column only.")
        pages[1].pop()
    if Fault.HIDDEN_KEY in faults:
        pages[0].remove(key)
    if Fault.MOVED_COLUMN in faults:
        pages[-1].append(pages[0].pop())
    if Fault.RENAMED_COLUMN in faults:
        pages[0][key_place] = replace(key, header="CHIAVE")
    if Fault.EXTRA_COLUMN in faults:
        pages[1].insert(1, ListColumn("NOTE INTERNE", ""))
    return pages
