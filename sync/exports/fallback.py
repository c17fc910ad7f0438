"""The slow path: a page that the ERP did not draw, read by pdfplumber."""

from __future__ import annotations

from bisect import bisect
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any

import pikepdf

from sync.exceptions import PageUnreadable
from sync.exports.erp_page import Table
from sync.exports.pdf import Limits, unpacked

ADJACENT = 1.0  # pt between two characters of one text; the texts of two cells stand further apart


class FallbackPages:
    """Reads single pages with pdfplumber, which is loaded and opened only when the first one is asked for."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self.path = path
        self.limits = limits
        self.document: Any = None

    def __enter__(self) -> FallbackPages:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.document is not None:
            self.document.close()

    def table(self, page: pikepdf.Page, number: int) -> Table:
        """The one table of the page, header first. Raises PageUnreadable."""
        check_streams(page, number, self.limits)
        if self.document is None:
            import pdfplumber  # half a second and 40 MB that the ERP's own exports never need

            self.document = pdfplumber.open(self.path)
        plumbed = self.document.pages[number - 1]
        try:
            return only_table(plumbed, number)
        finally:
            plumbed.close()


def only_table(page: Any, number: int) -> Table:
    tables = page.find_tables()
    if len(tables) != 1:
        raise PageUnreadable(page=number, reason=f"it shows {len(tables)} tables, not one")
    rows = tables[0].extract()
    if any(cell is None for row in rows for cell in row):
        raise PageUnreadable(page=number, reason="its rows have unequal cells")
    if any(char["text"].startswith("(cid:") for char in page.chars):
        raise PageUnreadable(page=number, reason="its font does not say which characters it shows")
    check_texts_stay_in_cells(page, tables[0], number)
    return [[" ".join(cell.split()) for cell in row] for row in rows]


def check_texts_stay_in_cells(page: Any, table: Any, number: int) -> None:
    """pdfplumber gives a character to the cell it stands in, so a text that runs on would spoil its neighbour."""
    edges = sorted({cell[0] for cell in table.cells} | {cell[2] for cell in table.cells})
    _, top, _, bottom = table.bbox
    drawn = [char for char in page.chars if top < char["top"] < bottom]
    for char, following in pairwise(drawn):
        same_text = abs(char["top"] - following["top"]) < ADJACENT and abs(following["x0"] - char["x1"]) < ADJACENT
        if same_text and column(char, edges) != column(following, edges):
            raise PageUnreadable(page=number, reason=f"a text runs over the edge of its cell at {following['text']!r}")


def column(char: Any, edges: list[float]) -> int:
    return bisect(edges, (char["x0"] + char["x1"]) / 2)


def check_streams(page: pikepdf.Page, number: int, limits: Limits) -> None:
    """Unpack, within limits, all that pdfplumber would unpack of the page without any."""
    seen: set[tuple[int, int]] = set()
    waiting = [page.obj.get(key) for key in ("/Contents", "/Resources")]
    while waiting:
        found = waiting.pop()
        if not isinstance(found, pikepdf.Object):
            continue
        if found.is_indirect:
            if found.objgen in seen:
                continue
            seen.add(found.objgen)
        if isinstance(found, pikepdf.Stream) and found.get("/Subtype") != "/Image":
            unpacked(found, page=number, limits=limits)
        if isinstance(found, pikepdf.Array):
            waiting.extend(found.as_list())
        elif isinstance(found, pikepdf.Dictionary | pikepdf.Stream):
            waiting.extend(value for key, value in found.items() if key != "/Parent")
