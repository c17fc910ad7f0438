"""The slow path: a page that the ERP did not draw, read by pdfplumber."""

from __future__ import annotations

import re
from bisect import bisect, bisect_left
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any

import pikepdf

from sync.exceptions import ExportError, PageUnreadable
from sync.exports.erp_page import Table, tidy
from sync.exports.pdf import Limits, unpacked

SPACE = 0.15  # of the font's size; pdfplumber's own bound is wider than many fonts' spaces
NEXT_WORD = 0.35  # of the font's size: what follows nearer belongs to one text; two cells' texts stand further apart
SPOILT = 0.25  # of a character's height or width that may lie across an edge, or on the next character
MOST_LINES = 10_000  # drawn on a page; a page of the ERP has 1,500, and pdfplumber needs 3 s for so many
DRAWN_LINE = re.compile(rb"\b(?:re|l|c|v|y)\b")


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

    def table(self, page: pikepdf.Page, number: int, *, pages: int) -> Table:
        """As ErpPages.table, of a page that shows one table, in a PDF with so many pages. Raises PageUnreadable."""
        check_streams(page, number, self.limits)
        try:
            return self.plumbed(number, pages=pages)
        except ExportError:
            raise
        except Exception as error:  # whatever a damaged page makes of pdfplumber's insides
            raise PageUnreadable(page=number, reason=f"pdfplumber stops at it ({error!r})") from error

    def plumbed(self, number: int, *, pages: int) -> Table:
        if self.document is None:
            import pdfplumber  # half a second and 40 MB that the ERP's own exports never need

            self.document = pdfplumber.open(self.path)
        if len(self.document.pages) != pages:
            raise PageUnreadable(page=number, reason=f"pdfplumber counts {len(self.document.pages)} pages, not {pages}")
        page = self.document.pages[number - 1]
        try:
            return only_table(page, number)
        finally:
            page.close()


def only_table(page: Any, number: int) -> Table:
    tables = page.find_tables()
    if len(tables) != 1:
        raise PageUnreadable(page=number, reason=f"it shows {len(tables)} tables, not one")
    rows = tables[0].extract(x_tolerance_ratio=SPACE)
    if any(cell is None for row in rows for cell in row):
        raise PageUnreadable(page=number, reason="its rows have unequal cells")
    if any(char["text"].startswith("(cid:") for char in page.chars):
        raise PageUnreadable(page=number, reason="its font does not say which characters it shows")
    check_texts_stay_in_cells(page, tables[0], number)
    return [[tidy(cell.split("\n")) for cell in row] for row in rows]


def check_texts_stay_in_cells(page: Any, table: Any, number: int) -> None:
    """pdfplumber gives a character to the cell it stands in, so a text that runs on would spoil its neighbour."""
    columns = sorted({cell[0] for cell in table.cells} | {cell[2] for cell in table.cells})
    rows = sorted({cell[1] for cell in table.cells} | {cell[3] for cell in table.cells})
    _, top, _, bottom = table.bbox
    drawn = [char for char in page.chars if top < (char["top"] + char["bottom"]) / 2 < bottom]
    for char in drawn:
        slack = SPOILT * (char["bottom"] - char["top"])
        if bisect(rows, char["top"] + slack) != bisect(rows, char["bottom"] - slack):
            raise PageUnreadable(page=number, reason=f"a text runs over the edge of its row at {char['text']!r}")
    for char, following in pairwise(drawn):
        if is_one_text(char, following) and column(char, columns) != column(following, columns):
            raise PageUnreadable(page=number, reason=f"a text runs over the edge of its cell at {following['text']!r}")
    if (char := lying_on_another(drawn)) is not None:
        raise PageUnreadable(page=number, reason=f"characters lie on one another at {char['text']!r}")


def is_one_text(char: Any, following: Any) -> bool:
    reach = NEXT_WORD * char["size"]
    return bool(abs(char["top"] - following["top"]) < 1 and abs(following["x0"] - char["x1"]) < reach)


def lying_on_another(drawn: list[Any]) -> Any:
    """The first character on which another one lies, whichever was drawn first; None if none does."""
    seen = sorted((char for char in drawn if char["text"].strip()), key=lambda char: char["x0"])
    places = [char["x0"] for char in seen]
    for at, char in enumerate(seen, start=1):
        reach = bisect_left(places, char["x0"] + SPOILT * (char["x1"] - char["x0"]), at)
        for other in seen[at:reach]:
            if abs(char["top"] - other["top"]) < SPOILT * char["size"]:
                return char
    return None


def column(char: Any, edges: list[float]) -> int:
    return bisect(edges, (char["x0"] + char["x1"]) / 2)


def check_streams(page: pikepdf.Page, number: int, limits: Limits) -> None:
    """Unpack, within limits, all that pdfplumber would unpack of the page without any."""
    resources = page.obj.get("/Resources", pikepdf.Dictionary())
    contents = page.obj.get("/Contents")
    drawn = b"".join(unpacked(stream, page=number, limits=limits) for stream in streams(contents))
    if len(DRAWN_LINE.findall(drawn)) > MOST_LINES:
        raise PageUnreadable(page=number, reason=f"it draws more than {MOST_LINES} lines")
    if not isinstance(resources, pikepdf.Dictionary):
        raise PageUnreadable(page=number, reason="it has no resources")
    for name, resource in resources.items():
        for stream in streams(resource):
            if name == "/XObject":
                if stream.get("/Subtype") != "/Image":  # which pdfplumber leaves packed
                    raise PageUnreadable(page=number, reason="it shows a drawing within the drawing")
            else:
                unpacked(stream, page=number, limits=limits)


def streams(found: Any) -> list[pikepdf.Stream]:
    """The streams that an object holds, at any depth."""
    held: list[pikepdf.Stream] = []
    seen: set[tuple[int, int]] = set()
    waiting = [found]
    while waiting:
        found = waiting.pop()
        if not isinstance(found, pikepdf.Object) or found.objgen in seen:
            continue
        if found.is_indirect:
            seen.add(found.objgen)
        if isinstance(found, pikepdf.Stream):
            held.append(found)
        if isinstance(found, pikepdf.Array):
            waiting.extend(found.as_list())
        elif isinstance(found, pikepdf.Dictionary | pikepdf.Stream):
            waiting.extend(value for key, value in found.items() if key != "/Parent")
    return held
