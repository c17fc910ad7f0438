"""Reading an export: path in, records out, lazily, one band in memory.

    with read_export(path, layout) as records:
        for record in records: ...
        records.totals, records.notes

A page is read as the ERP draws it; a page that is drawn any other way is read by pdfplumber, and noted. The records
can be trusted once the last one has been given: only then have the control totals been compared.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

from sync.exceptions import (
    DuplicateKey,
    ExportTruncated,
    LayoutChanged,
    MissingKey,
    PageUnreadable,
    UnreadableRequiredValue,
    UnreadableValue,
    WrongList,
)
from sync.exports.bands import Band, Record, divide_into_bands
from sync.exports.layout import Binding, Column, ExportLayout, Footer
from sync.exports.limits import Limits
from sync.exports.page import PageTable
from sync.exports.process import PageProcess
from sync.exports.totals import ControlTotal, RunningTotals, is_footer, is_total
from sync.messages import Message
from sync.messages import gettext_noop as _
from sync.progress import Progress, Stage, ignore_progress

DEFAULT_LIMITS = Limits()
NO_RECORD = ("", "0")  # the ERP's rows with such an ID are placeholders
# What a placeholder without an ID may hold: what nobody has set.
EMPTY = re.compile(r"|System\.Byte\[\]|-?0+(?:,0+)? ?[€%]?|No|Unchecked|01/01/0001(?: ?00:00:00)?")
SHOWN = 3  # texts of a record that has no ID to call it by


class Pages(Protocol):
    """The pages of an open export, to be iterated once."""

    count: int
    is_rebuilt: bool  # whether the page index had to be rebuilt

    def __iter__(self) -> Iterator[PageTable]: ...


OpenPages = Callable[[Path, Limits, Progress], AbstractContextManager[Pages]]


@contextmanager
def read_export(
    path: Path,
    layout: ExportLayout,
    *,
    name: str = "this list",
    other_layouts: Mapping[str, ExportLayout] | None = None,
    limits: Limits = DEFAULT_LIMITS,
    progress: Progress = ignore_progress,
    open_pages: OpenPages = PageProcess,
) -> Iterator[Records]:
    """Open one list's export. Whatever cannot be trusted is an ExportError, here or while iterating.

    `other_layouts`, by name, serve to say what an export of another list is. `progress` is called once a page, and
    while a page is waited for.
    """
    with open_pages(path, limits, progress) as pages:
        yield Records(pages, layout, name=name, other_layouts=other_layouts or {}, progress=progress)


class Records:
    """An export's records, to be iterated once.

    `fields` names the values of a record, once the first has been given; `totals` and `notes` are complete after the
    last.
    """

    def __init__(
        self,
        pages: Pages,
        layout: ExportLayout,
        *,
        name: str,
        other_layouts: Mapping[str, ExportLayout],
        progress: Progress,
    ) -> None:
        self.pages = pages
        self.layout = layout
        self.name = name
        self.other_layouts = other_layouts
        self.progress = progress
        self.fallback_pages: list[int] = []
        self.blank_page: int | None = None
        self.totals: list[ControlTotal] = []
        self.notes: list[Message] = []
        self.keys: set[Any] = set()
        self.binding = Binding({})
        self.running = RunningTotals(())
        self.unreadable: dict[Column, Counter[str]] = {}  # texts of columns whose form is only assumed
        self.filled: set[Column] = set()  # columns with a value

    @property
    def fields(self) -> list[str]:
        return [column.field for column in self.columns]

    @property
    def unknown(self) -> tuple[str, ...]:
        """The headers of columns that the layout does not know."""
        return self.binding.unknown

    @property
    def well_read(self) -> list[str]:
        """The fields of which there were values, and all could be read."""
        return [column.field for column in self.columns if column in self.filled and column not in self.unreadable]

    @property
    def columns(self) -> dict[Column, int]:
        """The columns that are mirrored, and their places."""
        return {column: place for column, place in self.binding.positions.items() if column.field}

    def __iter__(self) -> Iterator[Record]:
        band: Band | None = None
        for following in divide_into_bands(self.read_pages()):
            if band is None:
                self.bind(following)
            else:
                yield from self.read_records(band, range(1, band.length + 1))
            band = following
        if band is None:
            reason = _("it has no pages that show anything") if self.blank_page else _("it has no pages")
            raise ExportTruncated(reason=Message(reason))
        yield from self.read_last_records(band)
        self.note_unreadable()
        self.note_pages()

    def read_pages(self) -> Iterator[PageTable]:
        for table in self.pages:
            if self.blank_page is not None:
                raise PageUnreadable(page=self.blank_page, reason=Message(_("it is blank")))
            if not table.is_drawn_by_erp:
                self.fallback_pages.append(table.page)
            if table.rows:
                yield table
            else:
                self.blank_page = table.page
            self.progress(Stage.READING, table.page, self.pages.count)

    def bind(self, band: Band) -> None:
        try:
            self.binding = self.layout.bind(band.headers)
        except LayoutChanged as error:
            for other, layout in self.other_layouts.items():
                if layout is not self.layout and layout.recognises(band.headers):
                    raise WrongList(found=Message(other), expected=Message(self.name)) from error
            raise
        self.running = RunningTotals(self.columns)
        self.notes.extend(self.binding.notes)

    def read_last_records(self, band: Band) -> Iterator[Record]:
        """The records of the last band, then its footer."""
        last = [cell.replace("\n", "") for cell in band.row(band.length)]  # a total has no spaces
        footer = last if band.length and is_footer(last, key=last[self.columns[self.layout.key_column]]) else None
        yield from self.read_records(band, range(1, band.length + (footer is None)))
        if footer is not None:
            by_place = {place: column for column, place in self.columns.items()}
            self.totals, notes = self.running.compare(footer, band.headers, by_place)
            self.notes.extend(notes)
        is_doubtful = self.pages.is_rebuilt or self.blank_page is not None
        if not self.totals and (self.layout.footer is Footer.REQUIRED or is_doubtful):
            raise ExportTruncated(reason=Message(_("the control totals at the end of this list are missing")))

    def read_records(self, band: Band, rows: Sequence[int]) -> Iterator[Record]:
        key = self.layout.key_column
        keys = [text.replace("\n", "") for text in band.texts(self.columns[key], rows)]
        for row, text in zip(rows, keys, strict=True):
            if is_total(text):  # which only the last row may hold
                page = band.column(self.columns[key])[0]
                kind, name = Message(_("a key")), f"{key.title} {text}"
                raise UnreadableRequiredValue(
                    page=page.page, row=row, header=key.title, text=text, kind=kind, record=name
                )
            if not text and (shown := [cell for cell in band.row(row) if not EMPTY.fullmatch(cell.replace("\n", ""))]):
                texts = ", ".join(" ".join(cell.split()) for cell in shown[:SHOWN])
                more = ", …" if len(shown) > SHOWN else ""
                raise MissingKey(page=band.first_page, row=row, header=key.title, shown=texts + more)
        kept = [row for row, text in zip(rows, keys, strict=True) if text not in NO_RECORD]
        names = [f"{key.title} {text}" for text in keys if text not in NO_RECORD]
        values = []
        for column, place in self.columns.items():
            values.append(self.read_values(band, place, column, kept, names))
            self.running.add(column, values[-1])
            if column not in self.filled and any(value not in (None, "") for value in values[-1]):
                self.filled.add(column)
        self.running.records += len(kept)
        self.running.placeholders += len(rows) - len(kept)
        at = self.fields.index(self.layout.key)
        for row, record in zip(kept, zip(*values, strict=True), strict=True):
            if record[at] in self.keys:
                raise DuplicateKey(header=key.title, key=record[at], page=band.first_page, row=row)
            self.keys.add(record[at])
            yield Record(band.first_page, row, record)

    def read_values(
        self, band: Band, place: int, column: Column, rows: Sequence[int], names: Sequence[str]
    ) -> list[Any]:
        """The values of one column; one whose form is only assumed is unknown where it cannot be read."""
        try:
            return band.values(place, column, rows, names)
        except UnreadableValue:
            if column.is_strict:
                raise
        values, unreadable = band.readable_values(place, column, rows)
        self.unreadable.setdefault(column, Counter()).update(unreadable)
        return values

    def note_unreadable(self) -> None:
        for column, texts in self.unreadable.items():
            [(text, _most)], total = texts.most_common(1), sum(texts.values())
            note = _(
                "{header}: values that could not be read count as unknown ({count}, such as “{text}”): the format of "
                "this column is only assumed."
            )
            self.notes.append(Message(note, header=column.title, count=total, text=text))

    def note_pages(self) -> None:
        if self.fallback_pages:
            note = _("Pages that are not drawn as the ERP draws them, read with pdfplumber: {pages}.")
            self.notes.append(Message(note, pages=format_ranges(self.fallback_pages)))
        if self.blank_page is not None:
            self.notes.append(Message(_("The last page, {page}, is blank."), page=self.blank_page))
        if self.running.placeholders:
            note = _("Rows without an ID, which are not records: {rows}.")
            self.notes.append(Message(note, rows=self.running.placeholders))
        if self.pages.is_rebuilt:
            self.notes.append(Message(_("The PDF's structure was damaged and was rebuilt.")))
        if not self.totals:
            self.notes.append(Message(_("The export has no control totals to compare.")))


def format_ranges(numbers: Sequence[int]) -> str:
    """`[1, 2, 3, 7]` is "1-3, 7"."""
    groups: list[list[int]] = []
    for number in numbers:
        if groups and number == groups[-1][-1] + 1:
            groups[-1].append(number)
        else:
            groups.append([number])
    return ", ".join(f"{group[0]}-{group[-1]}" if len(group) > 1 else str(group[0]) for group in groups)
