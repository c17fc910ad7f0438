"""The demo ERP: six lists of invented records, exported as the real one exports them, with faults on demand."""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from operator import attrgetter
from pathlib import Path
from threading import RLock
from typing import Any

from sync.erp.demo import pdf
from sync.erp.demo.data import BaseData
from sync.erp.demo.faults import Fault
from sync.erp.demo.life import Event, Journal, anything, happen, italian_now
from sync.erp.demo.lists import DemoList, ListColumn, Total, list_called
from sync.erp.demo.pdf import Flaws, PageAt, Written
from sync.erp.demo.text import Kind, thousands
from sync.erp.demo.world import World

DEFAULT_SEED = 816
DIGIT = 7.5  # pt that one more digit, or its separator, adds to a total
CENT = Decimal("0.01")


class DemoErp:
    """One demo ERP. Everything in it follows from seed, scale, today and what has happened since.

    Any thread may use it: an export shows one moment.
    """

    def __init__(
        self,
        *,
        scale: float = 1,
        seed: int = DEFAULT_SEED,
        today: date | None = None,
        state: Path | None = None,
    ) -> None:
        today = today or italian_now().date()
        self.journal = Journal(state) if state else None
        if self.journal:
            begun = self.journal.start({"seed": seed, "scale": scale, "today": today.isoformat()})
            today = date.fromisoformat(begun["today"])
        self.world = World(BaseData(seed=seed, scale=scale, today=today))
        self.events = 0
        self.lock = RLock()
        for event in self.journal.events() if self.journal else ():
            self.replay(event)

    @property
    def today(self) -> date:
        return self.world.base.today

    def happen(self, what: str = "", *, at: datetime | None = None) -> str:
        """Let something happen: one of life.HAPPENINGS, or anything. Says in a few words what changed."""
        with self.lock:
            event = Event(what or anything(self.world.base.seed, self.events), at or italian_now())
            changed = self.replay(event)
            if self.journal:
                self.journal.add(event)
        return changed

    def replay(self, event: Event) -> str:
        changed = happen(self.world, event, self.events)
        self.events += 1
        return changed

    def moment(self) -> World:
        """The records as they are now, for as long as it takes to read them."""
        with self.lock:
            return self.world.copy()

    def records(self, name: str, *, filtered: bool = False) -> Iterator[Any]:
        """A list's records in the order in which the ERP shows them; with `filtered`, those of its second filter."""
        demo_list = list_called(name)
        records = self.moment().records(demo_list)
        today = self.today
        return (record for record in records if not filtered or demo_list.is_kept(record, today))

    def size(self, name: str) -> int:
        """How many records a list has."""
        with self.lock:
            return self.world.size(list_called(name).sync_type)

    def as_json(self) -> dict[str, Any]:
        """What it is, and how much has happened."""
        with self.lock:
            base = self.world.base
            return {
                "seed": base.seed,
                "scale": base.scale,
                "today": base.today.isoformat(),
                "events": self.events,
                "sizes": self.world.sizes(),
            }

    def first_rows(self, name: str, count: int, *, filtered: bool = False) -> list[list[str]]:
        """The texts of a list's first records."""
        columns = [column for page in list_called(name).pages for column in page]
        values = map(value_getter(columns), islice(self.records(name, filtered=filtered), count))
        return [texts(columns, row) for row in values]

    def write_export(
        self,
        name: str,
        path: Path,
        *,
        faults: Collection[Fault] = (),
        filtered: bool = False,
        footer: bool = True,
    ) -> Written:
        """Write the export of a list, by sync type or list view name.

        `filtered` leaves out what the list's second filter leaves out. Raises ValueError for a fault that cannot
        strike this list.
        """
        demo_list = list_called(name)
        pages = spoiled_pages(demo_list, faults)
        table = ExportedTable([column for page in pages for column in page], faults)
        records = self.records(name, filtered=filtered or Fault.SILENT_FILTER in faults)
        written = pdf.write_pdf(
            path,
            [[self.drawn(column) for column in page] for page in pages],
            table.rows(records, demo_list.key),
            totals=table.totals if footer else None,
            flaws=flaws(faults),
        )
        table.check_faults_struck(pages=written.pages, pages_per_band=len(pages))
        spoil_file(path, faults)
        return written

    def drawn(self, column: ListColumn) -> pdf.Column:
        """The column as it is drawn; the totals of larger lists need more room, and the ERP gives it."""
        drawn = pdf.Column(column.header, column.kind.align, column.width)
        if column.total and self.world.base.scale > 1:
            return replace(drawn, width=drawn.drawn_width + DIGIT * math.ceil(math.log10(self.world.base.scale)))
        return drawn


class ExportedTable:
    """The rows of one export as texts, and its totals once they have been read."""

    def __init__(self, columns: Sequence[ListColumn], faults: Collection[Fault]) -> None:
        self.columns = columns
        self.faults = faults
        self.count = 0
        self.sums = {place: Decimal(0) for place, column in enumerate(columns) if column.total is Total.SUM}
        if Fault.WRONG_COUNT in faults and not any(column.total is Total.COUNT for column in columns):
            raise ValueError("This list's footer has no Count.")
        if Fault.WRONG_SUM in faults and not self.sums:
            raise ValueError("This list's footer has no Sum.")

    def rows(self, records: Iterable[Any], key: ListColumn) -> Iterator[list[str]]:
        values_of = value_getter(self.columns)
        first_key = ""
        key_place = next((place for place, column in enumerate(self.columns) if column.field == key.field), 0)
        for record in records:
            values = values_of(record)
            self.count += 1
            for place in self.sums:
                self.sums[place] += values[place]
            row = texts(self.columns, values)
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
            date_place = next(at for at, column in enumerate(self.columns) if column.kind in (Kind.DAY, Kind.MOMENT))
            row[date_place] = "n/d"

    def totals(self) -> list[str]:
        """The footer row."""
        return [self.total(place, column) for place, column in enumerate(self.columns)]

    def total(self, place: int, column: ListColumn) -> str:
        match column.total:
            case Total.COUNT:
                return f"Count={thousands(self.count + (Fault.WRONG_COUNT in self.faults))}"
            case Total.SUM:
                return f"Sum={column.kind.text(self.stated_sum(place))}"
            case None:
                return ""

    def stated_sum(self, place: int) -> Decimal | int:
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


def value_getter(columns: Sequence[ListColumn]) -> Any:
    """Gives a record's values, one per column; a column without a field is empty."""
    getters = [attrgetter(column.field) if column.field else lambda _: None for column in columns]
    return lambda record: [get(record) for get in getters]


def texts(columns: Sequence[ListColumn], values: Sequence[Any]) -> list[str]:
    return [column.kind.text(value) for column, value in zip(columns, values, strict=True)]


def spoiled_pages(demo_list: DemoList, faults: Collection[Fault]) -> list[list[ListColumn]]:
    """The columns of each page, as the faults leave them."""
    pages = [list(page) for page in demo_list.pages]
    if Fault.HIDDEN_COLUMN in faults:
        pages[1].pop()
    if Fault.HIDDEN_KEY in faults:
        pages[0].remove(demo_list.key)
    if Fault.MOVED_COLUMN in faults:
        pages[-1].append(pages[0].pop())
    if Fault.RENAMED_COLUMN in faults:
        place = pages[0].index(demo_list.key)
        pages[0][place] = replace(demo_list.key, header="CHIAVE")
    if Fault.EXTRA_COLUMN in faults:
        pages[1].insert(1, ListColumn("NOTE INTERNE", ""))
    return pages


def flaws(faults: Collection[Fault]) -> Flaws:
    """What the faults make the drawing get wrong."""
    return Flaws(
        missing_page=PageAt(band=1, page=1) if Fault.MISSING_PAGE in faults else None,
        short_page=PageAt(band=0, page=1) if Fault.UNEQUAL_ROWS in faults else None,
    )


def spoil_file(path: Path, faults: Collection[Fault]) -> None:
    if Fault.EMPTY_FILE in faults:
        os.truncate(path, 0)
    elif Fault.TRUNCATED_FILE in faults:
        os.truncate(path, path.stat().st_size * 6 // 10)
