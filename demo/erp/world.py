"""The demo ERP's records at this moment: what it began with, and what has happened since."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge
from operator import attrgetter
from typing import Any

from demo.erp.data import REAL_SIZES, BaseData
from demo.erp.lists import LISTS, DemoList


class World:
    """The records of each list by place. New records come after those it began with."""

    def __init__(self, base: BaseData) -> None:
        self.base = base
        self.changed: dict[str, dict[int, Any]] = {name: {} for name in REAL_SIZES}
        self.added: dict[str, list[Any]] = {name: [] for name in REAL_SIZES}

    def copy(self) -> World:
        """The same moment, whatever happens next."""
        copy = World(self.base)
        copy.changed = {name: dict(records) for name, records in self.changed.items()}
        copy.added = {name: list(records) for name, records in self.added.items()}
        return copy

    def count(self, sync_type: str) -> int:
        return self.base.sizes[sync_type] + len(self.added[sync_type])

    def find_record(self, sync_type: str, place: int) -> Any:
        first_added = self.base.sizes[sync_type]
        if place >= first_added:
            return self.added[sync_type][place - first_added]
        changed = self.changed[sync_type].get(place)
        return changed if changed is not None else self.base.makers[sync_type](place)

    def change(self, sync_type: str, place: int, record: Any) -> None:
        first_added = self.base.sizes[sync_type]
        if place >= first_added:
            self.added[sync_type][place - first_added] = record
        else:
            self.changed[sync_type][place] = record

    def add(self, sync_type: str, record: Any) -> None:
        self.added[sync_type].append(record)

    def find_records(self, demo_list: DemoList) -> Iterator[Any]:
        """A list's records in the order in which the ERP shows them."""
        name = demo_list.sync_type
        if not demo_list.newest_first:
            return (self.find_record(name, place) for place in range(self.count(name)))
        changed = [*reversed(self.added[name]), *(record for _, record in sorted(self.changed[name].items()))]
        as_they_were = (
            self.find_record(name, place) for place in range(self.base.sizes[name]) if place not in self.changed[name]
        )
        newest_change = attrgetter("modified_at")
        return merge(sorted(changed, key=newest_change, reverse=True), as_they_were, key=newest_change, reverse=True)

    def count_all(self) -> dict[str, int]:
        return {demo_list.sync_type: self.count(demo_list.sync_type) for demo_list in LISTS}
