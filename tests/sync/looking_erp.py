"""An ERP client that looks: its grids and its exports show the records of a demo ERP, and fail as it is told."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone

from demo.erp import export
from demo.erp.lists import DemoList, find_list
from sync.erp.client import ErpList, Export, Look
from sync.progress import Progress, Stage
from tests.demo_erp import CachedDemoErp

ROWS = 10  # on a page of its grids


class LookingErp:
    """`asked` says what runs did: ("look", "customers"), ("search", what), ("export", "customers")."""

    def __init__(self, erp: CachedDemoErp) -> None:
        self.erp = erp
        self.asked: list[tuple[str, str]] = []
        self.errors: dict[str, BaseException] = {}  # by "look" or "export": what each of these raises
        self.given: list[timedelta] = []
        self.spoil: Callable[[Look], Look] = lambda look: look
        self.is_seen = True  # whether an export comes with a look

    def look(
        self, erp_list: ErpList, *, search: str = "", failure: Path, at_most: timedelta, progress: Progress
    ) -> Look:
        assert failure.parent.is_dir()
        self.asked.append(("look", find_list(erp_list.name).sync_type))
        self.answer("look", at_most, progress)
        look = self.make_look(erp_list)
        if search:
            self.asked.append(("search", search))
            look = replace(look, found=self.make_look(erp_list, search))
        return self.spoil(look)

    def fetch(self, erp_list: ErpList, *, to: Path, at_most: timedelta, progress: Progress) -> Export:
        self.asked.append(("export", find_list(erp_list.name).sync_type))
        seen = self.make_look(erp_list) if self.is_seen else None
        self.answer("export", at_most, progress)
        self.erp.write_export(erp_list.name, to)
        return Export(to, timezone.now(), seen)

    def answer(self, kind: str, at_most: timedelta, progress: Progress) -> None:
        self.given.append(at_most)
        progress(Stage.FETCHING, 0, None)
        if error := self.errors.get(kind):
            raise error

    def make_look(self, erp_list: ErpList, search: str = "") -> Look:
        shown = find_list(erp_list.name)
        place = next(at for at, column in enumerate(shown.columns) if column.header == erp_list.key)
        rows = [(record, print_record(shown, record)) for record in self.erp.find_records(shown.sync_type)]
        count = len(rows)
        rows = [row for row in rows if any(search.casefold() in cell.casefold() for cell in row[1])]
        if not erp_list.modified:
            rows.sort(key=lambda row: -row[0].id)
        rows = rows[:ROWS]
        return Look(
            headers=tuple(column.header for column in shown.columns),
            rows=tuple(cells for _, cells in rows),
            keys=tuple(cells[place] for _, cells in rows),
            modified=tuple(print_version(record) for record, _ in rows) if erp_list.modified else (),
            count=count,
            seen_at=timezone.now(),
        )


def print_record(shown: DemoList, record: Any) -> tuple[str, ...]:
    values = export.make_value_getter(shown.columns)(record)
    return tuple(" ".join(cell.split()) for cell in export.format_values(shown.columns, values))


def print_version(record: Any) -> str:
    """Another text for each state of a record, in the place of the time of its last change."""
    return str(zlib.crc32(repr(record).encode()))


def without_column(look: Look, header: str) -> Look:
    place = look.headers.index(header)

    def drop(cells: tuple[str, ...]) -> tuple[str, ...]:
        return (*cells[:place], *cells[place + 1 :])

    return replace(look, headers=drop(look.headers), rows=tuple(map(drop, look.rows)))


def with_cell(look: Look, header: str, text: str) -> Look:
    """The look with another text in its first row."""
    place, first = look.headers.index(header), look.rows[0]
    return replace(look, rows=((*first[:place], text, *first[place + 1 :]), *look.rows[1:]))
