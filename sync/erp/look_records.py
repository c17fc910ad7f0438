"""The records of a look: the grid on the screen read with a list's own layout, as strictly as an export."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from sync.erp.client import Look
from sync.exports.layout import ExportLayout, Footer
from sync.exports.page import PageTable
from sync.exports.reader import Records
from sync.exports.values import NUMERIC
from sync.progress import ignore_progress

IN_PARENTHESES = re.compile(r"\(([\d.,]+)((?: ?[€%])?)\)((?: ?[€%])?)", re.ASCII)


class LookedPage:
    """A look as the only page of an export. It has no control totals: those of the grid are of all its pages."""

    count = 1
    is_rebuilt = False

    def __init__(self, look: Look, layout: ExportLayout) -> None:
        self.look = look
        self.numeric = [is_numeric(header, layout) for header in look.headers]

    def __iter__(self) -> Iterator[PageTable]:
        yield PageTable(1, [list(self.look.headers), *map(list, map(self.read_row, self.look.rows))])

    def read_row(self, row: tuple[str, ...]) -> Iterator[str]:
        """The grid prints an amount below zero as `(12,30)` [seen], an export as `-12,30`."""
        for text, is_number in zip(row, self.numeric, strict=True):
            yield IN_PARENTHESES.sub(r"-\1\2\3", text) if is_number and IN_PARENTHESES.fullmatch(text) else text


def is_numeric(header: str, layout: ExportLayout) -> bool:
    columns = [column for column in layout.columns if column.is_headed(header)]
    return bool(columns) and all(column.convert in NUMERIC for column in columns)


def read_records(
    look: Look,
    layout: ExportLayout,
    *,
    name: str = "this list",
    other_layouts: Mapping[str, ExportLayout] | None = None,
) -> Records:
    """The records on the page of a look, to be iterated once. Whatever cannot be trusted is an ExportError."""
    optional = replace(layout, footer=Footer.OPTIONAL)
    return Records(
        LookedPage(look, layout), optional, name=name, other_layouts=other_layouts or {}, progress=ignore_progress
    )
