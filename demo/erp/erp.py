"""The demo ERP: lists of invented records, exported as the real one exports them, with faults on demand."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from operator import attrgetter
from pathlib import Path
from threading import RLock
from typing import Any

from demo.erp import export, life
from demo.erp.clock import Clock
from demo.erp.data import REAL_SIZES, BaseData
from demo.erp.faults import Fault
from demo.erp.lists import ORDER_LINES, ORDERS, ListColumn, find_list
from demo.erp.pdf import Written
from demo.erp.records import OrderLine
from demo.erp.unusual import spoil_records
from demo.erp.world import World

DEFAULT_SEED = 816
FILTERED = 11  # of so many records the grid's filter shows one: it once left 419 of 4,523 products


@dataclass(frozen=True)
class Sort:
    """By which field of its records a list is sorted."""

    field: str
    descending: bool


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
        self.clock = Clock()
        today = today or self.clock.read().date()
        self.journal = life.Journal(state) if state else None
        if self.journal:
            begun = self.journal.start({"seed": seed, "scale": scale, "today": today.isoformat()})
            today = date.fromisoformat(begun["today"])
        self.world = World(BaseData(seed=seed, scale=scale, today=today))
        self.events = 0
        self.lock = RLock()
        for event in self.journal.read_events() if self.journal else ():
            self.replay(event)

    @property
    def today(self) -> date:
        return self.world.base.today

    def happen(self, what: str = "", *, at: datetime | None = None) -> str:
        """Let something happen: one of life.HAPPENINGS, or anything. Says in a few words what changed."""
        with self.lock:
            what = what or life.choose_event(self.world.base.seed, self.events)
            return self.let_happen(life.Event(what, at or self.clock.read()))

    def enter_order(self, account: str, amount: Decimal, *, at: datetime | None = None) -> str:
        """Enter an order of a customer, as an agent does by hand; `amount` is in euro. Raises life.NoSuchAccount."""
        with self.lock:
            entered = life.EnteredOrder(account, amount)
            return self.let_happen(life.Event("entered-order", at or self.clock.read(), entered=entered))

    def let_happen(self, event: life.Event) -> str:
        changed = self.replay(event)
        if self.journal:
            self.journal.add(event)
        return changed

    def replay(self, event: life.Event) -> str:
        changed = life.happen(self.world, event, self.events)
        self.events += 1
        return changed

    def find_records(
        self,
        name: str,
        *,
        choice: str = "",
        filtered: bool = False,
        search: str = "",
        faults: Collection[Fault] = (),
    ) -> Iterator[Any]:
        """A list's records in the order in which the ERP shows them.

        `choice` is the value of one of its filter's choices; `filtered` leaves what a forgotten grid filter shows,
        `search` those that contain this text. Faults may change records or add some.
        """
        demo_list = find_list(name)
        with self.lock:
            world, today = self.world.copy(), self.today  # as they are now, for as long as it takes to read them
            today = self.clock.read().date() if self.clock.is_set else today
        records = world.find_records(demo_list)
        if choice and choice != demo_list.safe_filter:
            chosen = demo_list.find_choice(choice)
            records = (record for record in records if chosen.shows(record, today))
            records = map(chosen.change, records) if chosen.change else records
        if filtered or Fault.SILENT_FILTER in faults:
            records = islice(records, 0, None, FILTERED)
        if search:
            records = find_text(demo_list.columns, records, search)
        base = self.world.base
        return spoil_records(records, faults, base.find_practice(base.find_place_with_account(0)))

    def count_records(self, name: str, *, choice: str = "", filtered: bool = False, search: str = "") -> int:
        """How many records are left by a choice of the list's filter, by the grid's, by a search."""
        everything = not filtered and not search and choice in ("", find_list(name).safe_filter)
        if not everything:
            return sum(1 for _ in self.find_records(name, choice=choice, filtered=filtered, search=search))
        with self.lock:
            return self.world.count(find_list(name).sync_type)

    def as_json(self) -> dict[str, Any]:
        """What it is, and how much has happened."""
        with self.lock:
            base = self.world.base
            return {
                "seed": base.seed,
                "scale": base.scale,
                "today": base.today.isoformat(),
                "events": self.events,
                "sizes": self.world.count_all(),
            }

    def read_page(
        self,
        name: str,
        sort: Sort | None,
        first: int,
        count: int,
        *,
        choice: str = "",
        filtered: bool = False,
        search: str = "",
    ) -> list[Any]:
        """A page of a list as its grid has it: `count` records from place `first`, of those that are left."""
        records = self.find_records(name, choice=choice, filtered=filtered, search=search)
        if sort:
            get = attrgetter(sort.field)
            records = iter(sorted(records, key=lambda record: make_sort_key(get(record)), reverse=sort.descending))
        return list(islice(records, first, first + count))

    def write_export(
        self,
        name: str,
        path: Path,
        *,
        faults: Collection[Fault] = (),
        choice: str = "",
        filtered: bool = False,
        search: str = "",
        shown: Collection[int] | None = None,
        footer: bool = True,
    ) -> Written:
        """Write the export of a list, by sync type or list view name.

        `choice`, `filtered` and `search` leave out records, as in `find_records`. `shown` are the places of the columns
        that the session shows: all but `hidden_columns`, if nothing is said. Raises ValueError for a fault that cannot
        strike this list.
        """
        demo_list = find_list(name)
        for fault in faults:
            if fault.sync_type not in (None, demo_list.sync_type):
                raise ValueError(f"The fault {fault.label} can strike {fault.sync_type} only.")
        records = self.find_records(name, choice=choice, filtered=filtered, search=search, faults=faults)
        return export.write(demo_list, records, path, faults=faults, shown=shown, footer=footer, growth=self.growth)

    def find_order_lines(self, order_id: int) -> list[OrderLine] | None:
        """None if there is no such order."""
        with self.lock:
            order = next((order for order in self.world.find_records(ORDERS) if order.id == order_id), None)
            return self.world.base.make_order_lines(order) if order else None

    def write_order_lines(self, order_id: int, path: Path, *, faults: Collection[Fault] = ()) -> Written:
        """Write the export of one order's page. Raises ValueError for a fault that cannot strike it."""
        lines = self.find_order_lines(order_id)
        if lines is None:
            raise ValueError(f"There is no order {order_id}.")
        kept = lines[:: FILTERED if Fault.SILENT_FILTER in faults else 1]
        return export.write(ORDER_LINES, kept, path, faults=faults, shown=None, footer=True, growth=1)

    @property
    def growth(self) -> float:
        """How many times larger than the real ERP's its lists are at most: customers add up what the orders bring."""
        with self.lock:
            return max(size / REAL_SIZES[name] for name, size in self.world.count_all().items())


def find_text(columns: Sequence[ListColumn], records: Iterable[Any], text: str) -> Iterator[Any]:
    """The records with this text in one of these columns, in capitals or not."""
    values_of = export.make_value_getter(columns)
    for record in records:
        if any(text.casefold() in shown.casefold() for shown in export.format_values(columns, values_of(record))):
            yield record


def make_sort_key(value: Any) -> tuple[bool, Any]:
    """What is empty comes first."""
    return (value is not None, value.casefold() if isinstance(value, str) else value)
