"""Drawing a table as the ERP's exports draw it, operator for operator.

The positions were read off real exports: 612 x 792 pages, cells with a background, four borders and a clipped text.
Bands are drawn and written as they come, so memory does not grow with the export. Lengths are in points.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from itertools import accumulate, pairwise
from pathlib import Path
from typing import NamedTuple

from demo.erp import font
from demo.erp.pdf_file import PdfFile
from demo.erp.text import Align
from demo.erp.wrapping import wrap

TOP, BOTTOM, LEFT = 720.0, 72.0, 72.0  # of the table's place on the page
FULL_WIDTH = 468.0  # between the margins; the clip of a band's last page is always this wide
ROW = 13.5  # of one line
LINE = 11.25  # what each further line adds to its row
LEADING = 11.2115  # between baselines
BASELINE = 3.4603  # above the bottom of a one-line row
WRAPPED_LIFT = 0.2072  # wrapped texts stand this much above the middle
BORDER = 0.75
WIDEST_COLUMN = 225.75
HALF = BORDER / 2
PADDING = 1.875  # between a cell's edge and its text

GROUND = " q 0 0.000017703 612 792 re W n 1 1 1 rg 0 0.000017703 612 792 re f Q"
BORDER_COLOUR = "0.66275 0.66275 0.66275"
MEMO_SIZE = 4096  # row positions remembered for a page of the band


@dataclass(frozen=True)
class Column:
    """One column of a drawn table. Without a width it fits its header and, where they are known, its texts."""

    header: str
    align: Align = "left"
    width: float | None = None

    @property
    def drawn_width(self) -> float:
        return self.width or compute_width([self.header])


def compute_width(texts: Iterable[str]) -> float:
    """The width of a column that fits its texts, as the ERP's widths are: up to a limit, where texts wrap."""
    widest = max(font.measure(line) for text in texts for line in text.split("\n"))
    return min(math.ceil((widest + 2 * PADDING) / BORDER) * BORDER, WIDEST_COLUMN)


class PageAt(NamedTuple):
    """A page of the export, both counted from 0."""

    band: int
    page: int


@dataclass(frozen=True)
class Flaws:
    """What the drawing gets wrong on purpose."""

    missing_page: PageAt | None = None
    short_page: PageAt | None = None  # lacks its last row


class Written(NamedTuple):
    """What an export holds."""

    pages: int
    records: int


class Style(Enum):
    """How a row looks: its background and its text's colour."""

    HEADER = ("0.50196 0.50196 0.50196", "1 1 1")
    RECORD = ("1 1 1", "0 0 0")
    FOOTER = ("1 1 0.87843", "0 0 0")

    def __init__(self, background: str, ink: str) -> None:
        self.background = background
        self.ink = ink


class Row(NamedTuple):
    """The lines of each cell, over all the pages of a band."""

    cells: list[tuple[str, ...]]
    height: float
    style: Style


def write_pdf(
    path: Path,
    pages: Sequence[Sequence[Column]],
    rows: Iterable[Sequence[str]],
    *,
    totals: Sequence[str] | Callable[[], Sequence[str]] | None = None,
    flaws: Flaws | None = None,
) -> Written:
    """Draw rows of texts as an export: `pages` are the columns of each page of a band.

    A row has one text per column, over all pages; a newline in a text always breaks its line. `totals` is the footer
    row, or gives it once all rows are drawn. Columns without a width fit the texts of rows that are a sequence.
    """
    flaws = flaws or Flaws()
    if isinstance(rows, Sequence) and not callable(totals):
        pages = fit_columns(pages, [*rows, totals] if totals else rows)
    table = Table(pages)
    with path.open("wb") as file:
        pdf = PdfFile(file)
        for band_number, band in enumerate(table.make_bands(rows, totals)):
            for page_number, strip in enumerate(table.strips):
                here = PageAt(band_number, page_number)
                if here != flaws.missing_page:
                    pdf.add_page(strip.draw(band[:-1] if here == flaws.short_page else band))
        pdf.close()
    return Written(pdf.page_count, table.records)


def fit_columns(pages: Sequence[Sequence[Column]], rows: Sequence[Sequence[str]]) -> list[list[Column]]:
    """The columns, each with a width."""
    columns = [column for page in pages for column in page]
    for row in rows:
        if len(row) != len(columns):
            raise ValueError(f"{len(row)} texts for {len(columns)} columns: {row!r}")
    widths = [
        column.width or compute_width([column.header, *(row[place] for row in rows)])
        for place, column in enumerate(columns)
    ]
    fitted_columns = iter([replace(column, width=width) for column, width in zip(columns, widths, strict=True)])
    return [[next(fitted_columns) for _ in page] for page in pages]


class Table:
    """A table wider than a page: its strips, and its rows laid out into bands."""

    def __init__(self, pages: Sequence[Sequence[Column]]) -> None:
        self.columns = [column for page in pages for column in page]
        self.rooms = [column.drawn_width - 2 * PADDING for column in self.columns]
        starts = accumulate((len(page) for page in pages), initial=0)
        self.strips = [
            Strip(page, first=start, is_last=number == len(pages))
            for number, (page, start) in enumerate(zip(pages, starts, strict=False), start=1)
        ]
        self.header = self.make_row([column.header for column in self.columns], Style.HEADER)
        self.records = 0

    def make_row(self, texts: Sequence[str], style: Style) -> Row:
        cells = [wrap(text, room) for text, room in zip(texts, self.rooms, strict=True)]
        if style is not Style.HEADER:
            self.check_numbers_fit(cells)
        lines = max(map(len, cells), default=0)
        return Row(cells, ROW + LINE * (max(lines, 1) - 1), style)

    def check_numbers_fit(self, cells: Sequence[tuple[str, ...]]) -> None:
        """A number cut over two lines would be another number; the ERP widens its column instead."""
        for lines, column in zip(cells, self.columns, strict=True):
            if len(lines) > 1 and column.align == "right":
                raise ValueError(f"{''.join(lines)!r} does not fit its column, {column.header}: give it a width")

    def make_rows(
        self, rows: Iterable[Sequence[str]], totals: Sequence[str] | Callable[[], Sequence[str]] | None
    ) -> Iterator[Row]:
        for texts in rows:
            self.records += 1
            yield self.make_row(texts, Style.RECORD)
        if totals is not None:
            yield self.make_row(totals() if callable(totals) else totals, Style.FOOTER)

    def make_bands(
        self, rows: Iterable[Sequence[str]], totals: Sequence[str] | Callable[[], Sequence[str]] | None
    ) -> Iterator[list[Row]]:
        """The rows of each band, header first: as many as fit on a page. An export always has one band."""
        band = [self.header]
        room = whole_room = TOP - BOTTOM - self.header.height
        for row in self.make_rows(rows, totals):
            if row.height > room and len(band) > 1:
                yield band
                band, room = [self.header], whole_room
            band.append(row)
            room -= row.height
        yield band


@dataclass
class Strip:
    """The columns that stand on one page of a band, and how to draw their part of each row."""

    columns: Sequence[Column]
    first: int  # of its columns, in the whole row
    is_last: bool
    frames: dict[tuple[float, float, Style], list[tuple[str, str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        widths = [column.drawn_width for column in self.columns]
        self.lefts = list(accumulate(widths, initial=LEFT))
        clip_width = FULL_WIDTH if self.is_last else math.ceil(sum(widths))
        self.clip = f"q 72 72 {font.format_decimal(clip_width)} 648 re W n"

    def draw(self, rows: Iterable[Row]) -> bytes:
        """The content of a page with these rows."""
        parts = [GROUND]
        top = TOP
        for row in rows:
            top -= row.height
            parts.extend(self.draw_row(row, top))
        return " ".join(parts).encode("ascii")

    def draw_row(self, row: Row, bottom: float) -> Iterator[str]:
        for position, (frame, text_clip) in enumerate(self.draw_frames(row, bottom)):
            yield frame
            if lines := row.cells[self.first + position]:
                yield f"{text_clip} BT /FNT0 9.75 Tf {self.draw_text(lines, position, row, bottom)} ET Q Q"

    def draw_frames(self, row: Row, bottom: float) -> list[tuple[str, str]]:
        """Background and borders of each cell, and the clip of its text; most pages have rows at the same places."""
        key = (bottom, row.height, row.style)
        if key not in self.frames:
            if len(self.frames) >= MEMO_SIZE:
                self.frames.clear()
            boxes = [Box(left, bottom, right - left, row.height) for left, right in pairwise(self.lefts)]
            self.frames[key] = [(self.draw_frame(box, row.style), make_text_clip(box, row.style)) for box in boxes]
        return self.frames[key]

    def draw_frame(self, box: Box, style: Style) -> str:
        x, y, width, height = box
        fills = [
            (style.background, box),
            (BORDER_COLOUR, Box(x - HALF, y - HALF, BORDER, height + BORDER)),
            (BORDER_COLOUR, Box(x + width - HALF, y - HALF, BORDER, height + BORDER)),
            (BORDER_COLOUR, Box(x - HALF, y + height - HALF, width + BORDER, BORDER)),
            (BORDER_COLOUR, Box(x - HALF, y - HALF, width + BORDER, BORDER)),
        ]
        return " ".join(f"{self.clip} {colour} rg {area} re f Q" for colour, area in fills)

    def draw_text(self, lines: Sequence[str], position: int, row: Row, bottom: float) -> str:
        """The operators that show a cell's lines: the first at its place, the others below it, of which an empty one is
        only moved to. Only wrapped texts are kerned."""
        column = self.columns[position]
        align: Align = "centre" if row.style is Style.HEADER else column.align
        starts = [find_start(line, align, self.lefts[position], self.lefts[position + 1]) for line in lines]
        y = bottom + find_first_baseline(len(lines), row.height)
        if len(lines) == 1:
            return f"{font.format_decimal(starts[0])} {font.format_decimal(y)} Td {font.show(lines[0])}"
        moves = [(starts[0], y)]
        moves += [(now - before, -LEADING) for before, now in pairwise(starts)]
        return " ".join(
            f"{font.format_decimal(dx)} {font.format_decimal(dy)} Td" + (f" {font.show_kerned(line)}" if line else "")
            for (dx, dy), line in zip(moves, lines, strict=True)
        )


class Box(NamedTuple):
    """Printed as an operand."""

    left: float
    bottom: float
    width: float
    height: float

    def __str__(self) -> str:
        return " ".join(map(font.format_decimal, self))


def make_text_clip(box: Box, style: Style) -> str:
    """Opens a cell's text: clipped to the inside of its borders."""
    inside = Box(box.left + HALF, box.bottom + HALF, box.width - BORDER, box.height - BORDER)
    return f"q {inside} re W n {style.ink} rg q"


def find_first_baseline(lines: int, height: float) -> float:
    """Of the first of so many lines, above the bottom of a row: the text stands in the middle."""
    middle = (height - ROW) / 2 + BASELINE
    return middle if lines == 1 else middle + (lines - 1) * LEADING / 2 + WRAPPED_LIFT


def find_start(line: str, align: Align, left: float, right: float) -> float:
    """Where a line starts in its cell."""
    match align:
        case "left":
            return left + PADDING
        case "right":
            return right - PADDING - font.measure(line)
        case "centre":
            return (left + right - font.measure(line)) / 2
