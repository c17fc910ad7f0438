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

from demo.erp import pdf
from demo.erp.data import REAL_SIZES, BaseData
from demo.erp.faults import Fault
from demo.erp.life import Event, Journal, anything, happen, italian_now
from demo.erp.lists import DemoList, ListColumn, Total, list_called, paged
from demo.erp.pdf import Flaws, PageAt, Written
from demo.erp.text import Kind
from demo.erp.unusual import with_unusual_records
from demo.erp.world import World

DEFAULT_SEED = 816
FILTERED = 11  # of so many records the grid's filter shows one: it once left 419 of 4,523 products
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

    def records(
        self, name: str, *, choice: str = "", filtered: bool = False, faults: Collection[Fault] = ()
    ) -> Iterator[Any]:
        """A list's records in the order in which the ERP shows them.

        `choice` is the value of one of its filter's choices; `filtered` leaves what a forgotten grid filter shows.
        Faults may change records or add some.
        """
        demo_list = list_called(name)
        moment, today = self.moment(), self.today
        records = moment.records(demo_list)
        if choice and choice != demo_list.safe_filter:
            shows = demo_list.choice(choice).shows
            records = (record for record in records if shows(record, today))
        if filtered or Fault.SILENT_FILTER in faults:
            records = islice(records, 0, None, FILTERED)
        base = self.world.base
        return with_unusual_records(records, faults, base.practice(base.place_with_account(0)))

    def size(self, name: str) -> int:
        """How many records a list has."""
        with self.lock:
            return self.world.size(list_called(name).sync_type)

    def count(self, name: str, *, choice: str = "", filtered: bool = False) -> int:
        """How many records are left by a choice of the list's filter, or by the grid's."""
        everything = not filtered and choice in ("", list_called(name).safe_filter)
        return self.size(name) if everything else sum(1 for _ in self.records(name, choice=choice, filtered=filtered))

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

    def first_rows(
        self,
        name: str,
        columns: Sequence[ListColumn],
        count: int,
        *,
        choice: str = "",
        filtered: bool = False,
        english: bool = False,
    ) -> list[list[str]]:
        """The texts of a list's first records, in these columns."""
        records = self.records(name, choice=choice, filtered=filtered)
        values_of = value_getter(columns)
        return [texts(columns, values_of(record), english=english) for record in islice(records, count)]

    def write_export(
        self,
        name: str,
        path: Path,
        *,
        faults: Collection[Fault] = (),
        choice: str = "",
        filtered: bool = False,
        shown: Collection[int] | None = None,
        footer: bool = True,
    ) -> Written:
        """Write the export of a list, by sync type or list view name.

        `choice` and `filtered` leave out records, as in `records`. `shown` are the places of the columns that the
        session shows: all, if nothing is said. Raises ValueError for a fault that cannot strike this list.
        """
        demo_list = list_called(name)
        check_list(demo_list, faults)
        pages = spoiled_pages(demo_list, shown, faults)
        growth = self.growth
        table = ExportedTable([column for page in pages for column in page], faults)
        records = self.records(name, choice=choice, filtered=filtered, faults=faults)
        written = pdf.write_pdf(
            path,
            [[self.drawn(column, growth) for column in page] for page in pages],
            table.rows(records, demo_list.key),
            totals=table.totals if footer else None,
            flaws=flaws(faults),
        )
        table.check_faults_struck(pages=written.pages, pages_per_band=len(pages))
        spoil_file(path, faults)
        return written

    def drawn(self, column: ListColumn, growth: float) -> pdf.Column:
        """The column as it is drawn; the totals of larger lists need more room, and the ERP gives it."""
        drawn = pdf.Column(column.header, column.kind.align, column.width)
        if column.total and growth > 1:
            return replace(drawn, width=drawn.drawn_width + DIGIT * math.ceil(math.log10(growth)))
        return drawn

    @property
    def growth(self) -> float:
        """How many times larger than the real ERP's its lists are at most: customers add up what the orders bring."""
        with self.lock:
            return max(size / REAL_SIZES[name] for name, size in self.world.sizes().items())


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

    def rows(self, records: Iterable[Any], key: ListColumn) -> Iterator[list[str]]:
        values_of = value_getter(self.columns)
        first_key = ""
        key_place = next((place for place, column in enumerate(self.columns) if column.field == key.field), 0)
        for record in records:
            values = values_of(record)
            self.count += 1
            for place in self.sums:
                self.sums[place] += values[place]
            row = texts(self.columns, values, english=self.english)
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
                return f"Count={self.text(Kind.INTEGER, self.count + (Fault.WRONG_COUNT in self.faults))}"
            case Total.SUM:
                return f"Sum={self.text(column.kind, self.stated_sum(place))}"
            case None:
                return ""

    def text(self, kind: Kind, value: Any) -> str:
        return kind.text(value, english=self.english)

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


def texts(columns: Sequence[ListColumn], values: Sequence[Any], *, english: bool = False) -> list[str]:
    return [column.kind.text(value, english=english) for column, value in zip(columns, values, strict=True)]


def check_list(demo_list: DemoList, faults: Collection[Fault]) -> None:
    for fault in faults:
        if fault.sync_type not in (None, demo_list.sync_type):
            raise ValueError(f"The fault {fault.label} can strike {fault.sync_type} only.")


def spoiled_pages(
    demo_list: DemoList, shown: Collection[int] | None, faults: Collection[Fault]
) -> list[list[ListColumn]]:
    """The columns of each page: those that the session shows, as the faults leave them."""
    if Fault.HIDDEN_COLUMNS in faults:
        shown = demo_list.shown_by_a_stubborn_session()
    columns = [column for place, column in enumerate(demo_list.columns) if shown is None or place in shown]
    if Fault.ENGLISH in faults:
        columns = [column.in_english() for column in columns]
    pages = paged(columns)
    key_place = next((place for place, column in enumerate(pages[0]) if column.field == demo_list.key.field), 0)
    key = pages[0][key_place]
    if Fault.HIDDEN_COLUMN in faults:
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
