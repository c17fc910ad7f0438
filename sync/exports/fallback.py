"""The slow path: a page that the ERP did not draw, read by pdfplumber."""

from __future__ import annotations

import re
from bisect import bisect, bisect_left
from io import BytesIO
from itertools import pairwise
from math import ceil, floor
from typing import Any

import pikepdf

from sync.exceptions import ExportError, PageUnreadable
from sync.exports.code_maps import check_map
from sync.exports.erp_page import tidy
from sync.exports.limits import Limits
from sync.exports.page import Table
from sync.exports.pdf import find_streams, unpack_stream
from sync.messages import Message
from sync.messages import gettext_noop as _

SPACE = 0.15  # of the font's size; pdfplumber's own bound is wider than many fonts' spaces
NEXT_WORD = 0.35  # of the font's size: what follows nearer belongs to one text; two cells' texts stand further apart
SPOILT = 0.25  # of a character's height or width that may lie across an edge, or on the next character
MOST_LINES = 10_000  # drawn on a page; a page of the ERP has 1,500, and pdfplumber needs 3 s for so many
MOST_CONTENT = 1024**2  # bytes; a real page has 75 kB
RESOLUTION = 144  # dots per inch; two for a point, the width of thin letters
MOST_PIXELS = 2000  # along the page's longer side
RIM = 0.05  # of a character's height that is left out, where the cell's border may lie
CONTRAST = 16  # of 255, between a character and its ground; the least seen on real pages is 127
UNJUDGED = ("", "€")  # blanks, and what the fonts that stand in for those not embedded do not draw
LAYER = re.compile(rb"/OC\b")  # content that a reader may show or hide
MOST_TEXT = 200_000  # bytes as texts are written in it; of each character pdfplumber makes 2 kB
# An end may lack, so that a text that has none is gone through once, not once from each of its brackets.
TEXT = re.compile(rb"\((?:[^()\\]|\\.)*+\)?|<[0-9A-Fa-f\s]*+>?", re.DOTALL)
DRAWN_LINE = re.compile(rb"\b(?:re|l|c|v|y)\b")
KEPT = {
    "/Type",
    "/MediaBox",
    "/CropBox",
    "/Rotate",
    "/UserUnit",
    "/Resources",
    "/Contents",
}  # of a page that is rewritten


def read_table(page: pikepdf.Page, number: int, limits: Limits) -> Table:
    """As ErpPages.table, of a page that shows one table. Raises PageUnreadable.

    pdfplumber reads what a stream still has when it is cut, and what it makes of a damaged file is its own; so it is
    given the page alone, rewritten from what was checked.
    """
    try:
        content = read_checked_content(page, number, limits)
    except UnicodeError as error:
        reason = Message(_("a name in it is not text ({cause})"), cause=error)
        raise PageUnreadable(page=number, reason=reason) from error
    try:
        return read_with_pdfplumber(page, number, content)
    except ExportError:
        raise
    except Exception as error:  # whatever a damaged page makes of pdfplumber's insides
        if is_out_of_memory(error):
            raise MemoryError from error
        reason = Message(_("pdfplumber cannot read it ({cause})"), cause=repr(error))
        raise PageUnreadable(page=number, reason=reason) from error


def is_out_of_memory(error: Exception) -> bool:
    """pdfplumber puts what stops pdfminer into an error of its own."""
    return isinstance(error, MemoryError) or any(isinstance(cause, MemoryError) for cause in error.args)


def read_with_pdfplumber(page: pikepdf.Page, number: int, content: bytes) -> Table:
    import pdfplumber  # half a second and 40 MB that the ERP's own exports never need

    plumbed_page = pdfplumber.open(extract_page(page, content)).pages[0]
    table = read_only_table(plumbed_page, number)
    plumbed_page.close()
    return table


def extract_page(page: pikepdf.Page, content: bytes) -> BytesIO:
    """A PDF of a page and its resources, with this content."""
    file = BytesIO()
    with pikepdf.new() as pdf:
        pdf.pages.append(page)
        copy = pdf.pages[0].obj
        for key in set(copy.keys()) - KEPT:
            del copy[key]
        copy.Contents = pikepdf.Stream(pdf, content)
        pdf.save(file)
    file.seek(0)
    return file


def read_only_table(page: Any, number: int) -> Table:
    tables = page.find_tables()
    if len(tables) != 1:
        raise PageUnreadable(page=number, reason=Message(_("it shows {count} tables, not one"), count=len(tables)))
    rows = tables[0].extract(x_tolerance_ratio=SPACE)
    if any(cell is None for row in rows for cell in row):
        raise PageUnreadable(page=number, reason=Message(_("its rows do not all have the same number of cells")))
    if any(char["text"].startswith("(cid:") for char in page.chars):
        raise PageUnreadable(page=number, reason=Message(_("its font does not say which characters it shows")))
    check_texts_stay_in_cells(page, tables[0], number)
    check_texts_are_seen(page, tables[0], number)
    boxes = [row.bbox for row in tables[0].rows]
    edges = [float(page.height - edge) for edge in [boxes[0][1], *(bottom for _, _, _, bottom in boxes)]]
    return Table([[tidy(cell.split("\n")) for cell in row] for row in rows], edges)


def check_texts_stay_in_cells(page: Any, table: Any, number: int) -> None:
    """pdfplumber gives a character to the cell it stands in, so a text that runs on would spoil its neighbour."""
    columns = sorted({cell[0] for cell in table.cells} | {cell[2] for cell in table.cells})
    rows = sorted({cell[1] for cell in table.cells} | {cell[3] for cell in table.cells})
    top, bottom = table.bbox[1], table.bbox[3]
    drawn = [char for char in page.chars if top < (char["top"] + char["bottom"]) / 2 < bottom]
    for char in drawn:
        slack = SPOILT * (char["bottom"] - char["top"])
        if bisect(rows, char["top"] + slack) != bisect(rows, char["bottom"] - slack):
            reason = Message(_("a text runs over the edge of its row at {character}"), character=repr(char["text"]))
            raise PageUnreadable(page=number, reason=reason)
    for char, following in pairwise(drawn):
        if is_one_text(char, following) and find_column(char, columns) != find_column(following, columns):
            place = repr(following["text"])
            reason = Message(_("a text runs over the edge of its cell at {character}"), character=place)
            raise PageUnreadable(page=number, reason=reason)
    if (char := find_overlap(drawn)) is not None:
        reason = Message(_("characters overlap at {character}"), character=repr(char["text"]))
        raise PageUnreadable(page=number, reason=reason)


def check_texts_are_seen(page: Any, table: Any, number: int) -> None:
    """A text that leaves no trace on the drawn page was never seen: hidden, clipped, or in the colour of its ground."""
    longest = max(page.width, page.height)
    picture = page.to_image(resolution=min(RESOLUTION, MOST_PIXELS / longest * 72)).original.convert("L")
    scale = picture.width / page.width
    left, top, right, bottom = table.bbox
    for char in page.chars:
        middle, centre = (char["x0"] + char["x1"]) / 2, (char["top"] + char["bottom"]) / 2
        if char["text"].strip() in UNJUDGED or not (left < middle < right and top < centre < bottom):
            continue
        rim = RIM * (char["bottom"] - char["top"])
        box = [char["x0"], char["top"] + rim, char["x1"], char["bottom"] - rim]
        area = [*(floor(edge * scale) for edge in box[:2]), *(ceil(edge * scale) for edge in box[2:])]
        is_seen = area[0] < area[2] and area[1] < area[3]
        if is_seen:
            darkest, brightest = picture.crop(area).getextrema()
            is_seen = brightest - darkest > CONTRAST
        if not is_seen:
            reason = Message(_("a text cannot be seen at {character}"), character=repr(char["text"]))
            raise PageUnreadable(page=number, reason=reason)


def is_one_text(char: Any, following: Any) -> bool:
    reach = NEXT_WORD * char["size"]
    return bool(abs(char["top"] - following["top"]) < 1 and abs(following["x0"] - char["x1"]) < reach)


def find_overlap(drawn: list[Any]) -> Any:
    """The first character on which another one lies, whichever was drawn first; None if none does."""
    seen = sorted((char for char in drawn if char["text"].strip()), key=lambda char: char["x0"])
    places = [char["x0"] for char in seen]
    for at, char in enumerate(seen, start=1):
        reach = bisect_left(places, char["x0"] + SPOILT * (char["x1"] - char["x0"]), at)
        for other in seen[at:reach]:
            if abs(char["top"] - other["top"]) < SPOILT * char["size"]:
                return char
    return None


def find_column(char: Any, edges: list[float]) -> int:
    return bisect(edges, (char["x0"] + char["x1"]) / 2)


def read_checked_content(page: pikepdf.Page, number: int, limits: Limits) -> bytes:
    """What the page draws. All that pdfplumber would unpack of the page without any limit is unpacked within limits."""
    resources = page.obj.get("/Resources", pikepdf.Dictionary())
    parts = find_streams(page.obj.get("/Contents"), set())
    content = b"\n".join(unpack_stream(stream, page=number, limits=limits) for stream in parts)
    if len(content) > MOST_CONTENT:
        raise PageUnreadable(page=number, reason=Message(_("it draws more than {count} bytes"), count=MOST_CONTENT))
    if LAYER.search(content):
        raise PageUnreadable(page=number, reason=Message(_("it has layers that may be hidden")))
    if len(DRAWN_LINE.findall(content)) > MOST_LINES:
        raise PageUnreadable(page=number, reason=Message(_("it draws more than {count} lines"), count=MOST_LINES))
    if sum(map(len, TEXT.findall(content))) > MOST_TEXT:
        reason = Message(_("its texts have more than {count} bytes"), count=MOST_TEXT)
        raise PageUnreadable(page=number, reason=reason)
    if not isinstance(resources, pikepdf.Dictionary):
        raise PageUnreadable(page=number, reason=Message(_("it has no resources")))
    for name, resource in resources.items():
        for stream in find_streams(resource, set()):
            if name == "/XObject":
                if stream.get("/Subtype") != "/Image":  # which pdfplumber leaves packed
                    raise PageUnreadable(page=number, reason=Message(_("it contains a drawing nested in another one")))
            else:
                check_map(unpack_stream(stream, page=number, limits=limits), number)
    return content
