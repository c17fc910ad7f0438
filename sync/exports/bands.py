"""Tables of pages -> bands, the consecutive pages that show the same records -> records, by header."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from sync.exceptions import (
    BandIncomplete,
    PageUnreadable,
    UnequalRowHeights,
    UnequalRows,
    UnreadableRequiredValue,
    UnreadableValue,
)
from sync.exports.layout import Column, normalise_header
from sync.exports.page import PageTable
from sync.messages import Message
from sync.messages import gettext_noop as _


class Record(NamedTuple):
    """One row of an export: where its first page shows it (the header is row 0) and its values in layout order."""

    page: int
    row: int
    values: tuple[Any, ...]


SLACK = 1.0  # pt, between edges as the ERP draws them and as pdfplumber finds them; a line of text is 11 high


@dataclass(frozen=True)
class Band:
    """Pages that show the same records, side by side."""

    pages: Sequence[PageTable]

    @cached_property
    def headers(self) -> list[str]:
        return [header for page in self.pages for header in page.rows[0]]

    @property
    def first_page(self) -> int:
        return self.pages[0].page

    @property
    def length(self) -> int:
        """Rows below the header, the footer among them."""
        return len(self.pages[0].rows) - 1

    def row(self, number: int) -> list[str]:
        return [cell for page in self.pages for cell in page.rows[number]]

    def column(self, place: int) -> tuple[PageTable, int]:
        """The page that shows the column at a place of the headers, and its place on that page."""
        for page in self.pages:
            if place < len(page.rows[0]):
                return page, place
            place -= len(page.rows[0])
        raise IndexError(place)

    def texts(self, place: int, rows: Sequence[int]) -> list[str]:
        page, cell = self.column(place)
        return [page.rows[row][cell] for row in rows]

    def values(self, place: int, column: Column, rows: Sequence[int], names: Sequence[str]) -> list[Any]:
        """The values of one column. Raises UnreadableValue, which calls each row's record by its name."""
        read = column.read
        texts = self.texts(place, rows)
        try:
            return [read(text) for text in texts]
        except ValueError:
            raise self.unreadable(place, column, rows, texts, names) from None

    def readable_values(self, place: int, column: Column, rows: Sequence[int]) -> tuple[list[Any], list[str]]:
        """The values of one column, unknown where a text cannot be read; and those texts."""
        values, unreadable = [], []
        for text in self.texts(place, rows):
            try:
                values.append(column.read(text))
            except ValueError:
                values.append(column.convert(""))
                unreadable.append(" ".join(text.split()))
        return values, unreadable

    def unreadable(
        self, place: int, column: Column, rows: Sequence[int], texts: Sequence[str], names: Sequence[str]
    ) -> UnreadableValue:
        page = self.column(place)[0]
        for row, text, name in zip(rows, texts, names, strict=True):
            try:
                column.read(text)
            except ValueError as error:
                text = " ".join(text.split())
                kind = UnreadableRequiredValue if column.required else UnreadableValue
                return kind(page=page.page, row=row, header=column.title, text=text, kind=error.args[0], record=name)
        raise AssertionError("a converter gave two answers for one text")


def divide_into_bands(tables: Iterable[PageTable]) -> Iterator[Band]:
    """Group pages into bands: one ends where the first page's header comes again.

    Raises BandIncomplete, UnequalRows and UnequalRowHeights. The first band is the measure of the others.
    """
    pages: list[PageTable] = []
    first: Band | None = None
    for table in tables:
        if not table.rows or not any(table.rows[0]):
            raise PageUnreadable(page=table.page, reason=Message(_("it has no header")))
        table.rows[0][:] = [" ".join(header.split()) for header in table.rows[0]]
        if pages and have_same_headers(table.rows[0], pages[0].rows[0]):
            band = check_band(pages, first)
            first = first or band
            yield band
            pages = []
        pages.append(table)
    if pages:
        yield check_band(pages, first)


def check_band(pages: list[PageTable], first: Band | None) -> Band:
    band = Band(tuple(pages))
    for page in pages[2:]:
        if have_same_headers(page.rows[0], pages[1].rows[0]):  # the second page of a band whose first is not there
            raise BandIncomplete(first_page=page.page, missing=", ".join(pages[0].rows[0]))
    if first and not have_same_headers(band.headers, first.headers):
        raise BandIncomplete(**describe_missing_page(band, first))
    for page in pages:
        if len(page.rows) != len(pages[0].rows):
            raise UnequalRows(
                page=page.page, found=len(page.rows) - 1, first_page=band.first_page, expected=band.length
            )
    check_heights(pages)
    return band


def check_heights(pages: Sequence[PageTable]) -> None:
    """All rows are as high as on a page that the ERP drew; another program may draw each page its own way."""
    measure = next((page for page in pages if page.is_drawn_by_erp), None)
    if measure is None:
        return
    for page in pages:
        if (row := find_unequal_row(page.edges, measure.edges)) is not None:
            raise UnequalRowHeights(page=page.page, first_page=measure.page, row=row)


def find_unequal_row(edges: Sequence[float], others: Sequence[float]) -> int | None:
    """The first row that does not end where the other page's does; the header is row 0."""
    for row, (ours, theirs) in enumerate(zip(edges[1:], others[1:], strict=True)):
        if abs(ours - theirs) > SLACK:
            return row
    return None


def describe_missing_page(band: Band, first: Band) -> dict[str, Any]:
    """Which of two unequal bands lacks a page, and what stands on it."""
    poorer, richer = (band, first) if len(band.headers) < len(first.headers) else (first, band)
    theirs = {normalise_header(header) for header in poorer.headers}
    missing = [header for header in richer.headers if normalise_header(header) not in theirs]
    return {"first_page": poorer.first_page, "missing": ", ".join(missing or richer.headers)}


def have_same_headers(ours: Sequence[str], theirs: Sequence[str]) -> bool:
    return list(ours) == list(theirs) or list(map(normalise_header, ours)) == list(map(normalise_header, theirs))
