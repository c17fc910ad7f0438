"""The fast path: a page as the ERP draws it, read from its content stream with no geometry to guess.

The ERP (DevExpress) draws each cell as a filled background, four thin border rectangles and, unless the cell is empty,
its text under a clip that is the cell's inner box. Every operator is checked against that grammar; a page that says
anything else is NotErpPage, to be read another way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import sha256
from itertools import pairwise
from typing import Any, NamedTuple

import pikepdf

from sync.exports.code_maps import check_map
from sync.exports.kept_tables import KeptTables
from sync.exports.limits import Limits
from sync.exports.page import Table
from sync.exports.pdf import list_filters, unpack_stream

NUMBER = rb"-?[0-9.]+"
AREA = rb"%b %b %b %b" % ((NUMBER,) * 4)  # left, bottom, width, height
COLOUR = rb"%b %b %b rg" % ((NUMBER,) * 3)
SHOW = rb"(?:<[0-9A-Fa-f]*> Tj|\[[^\]()]*\] ?TJ)"
FILLED = re.compile(rb"(%b) re W n (%b) (%b) re f" % (AREA, COLOUR, AREA))
MOVE = rb"%b %b Td" % ((NUMBER,) * 2)
LINE = rb"%b(?: %b)?" % (MOVE, SHOW)  # to an empty line the ERP only moves
SIZE = rb"[1-9][0-9.]*"  # of a text that can be seen
TEXT = re.compile(
    rb"(%b) re W n (%b) q BT /(\w+) %b Tf %b((?: %b)?(?: %b)*) ET Q" % (AREA, COLOUR, SIZE, MOVE, SHOW, LINE)
)
GAP = re.compile(rb"> ?(-[0-9.]+)")
HEX = re.compile(rb"<([0-9A-Fa-f]*)>")
BFCHAR = re.compile(rb"beginbfchar(.*?)endbfchar", re.DOTALL)
BFRANGE = re.compile(rb"beginbfrange(.*?)endbfrange", re.DOTALL)

CODE_DIGITS = 4  # of a two-byte code
UNMAPPABLE = frozenset(["\0", "\ufffd", *map(chr, range(0xD800, 0xE000))])  # no character of any text

BETWEEN = b" Q q "  # what ends one drawing and begins the next
WIDEST_GAP = -100.0  # thousandths of the font size; a wider one may stand for a space, and the ERP draws its spaces
THIN = 1.0  # pt; a border is 0.75 wide, the lowest cell 13 high
SLACK = 0.3  # pt, between edges printed to a few digits
DRAWINGS_KEPT = 100_000  # 20 MB; a list of 40 columns, whose rows start at 290 heights, has 60,000
TEXTS_KEPT = 20_000


class NotErpPage(Exception):
    """The page is not drawn as the ERP draws."""


class Box(NamedTuple):
    """In points from the page's lower left corner, to a tenth."""

    left: float
    bottom: float
    right: float
    top: float
    colour: bytes = b""

    def holds(self, left: float, bottom: float, width: float, height: float) -> bool:
        return (
            width > THIN
            and height > THIN
            and self.left - SLACK <= left
            and self.bottom - SLACK <= bottom
            and left + width <= self.right + SLACK
            and bottom + height <= self.top + SLACK
        )


UNSEEN = Box(0, 0, 0, 0)


class Font:
    """A font's codes as texts. A code without a character is never dropped: the page is not read this way."""

    def __init__(self, glyphs: dict[int, str]) -> None:
        self.glyphs = Glyphs(glyphs)
        self.texts: dict[bytes, str] = {}

    def text(self, shown: bytes) -> str:
        """What the operators that show a text say, line by line."""
        text = self.texts.get(shown)
        if text is None:
            if any(float(gap) < WIDEST_GAP for gap in GAP.findall(shown)):
                raise NotErpPage
            lines = [b"".join(HEX.findall(line)) for line in shown.split(b" Td ")]
            try:
                codes = [bytes.fromhex(line.decode()).decode("utf-16-be") for line in lines]
            except ValueError:
                raise NotErpPage from None
            text = tidy([line.translate(self.glyphs) for line in codes])
            remember(self.texts, shown, text, TEXTS_KEPT)
        return text


def tidy(lines: Iterable[str]) -> str:
    """Lines of a cell, without empty ones, and with single spaces."""
    return "\n".join(filter(None, [" ".join(line.split()) for line in lines]))


class Glyphs(dict[int, str]):
    def __missing__(self, code: int) -> str:
        raise NotErpPage


class ErpPages:
    """Reads the pages of one PDF, remembering the drawings and texts that pages share."""

    def __init__(self, limits: Limits, kept: KeptTables | None = None) -> None:
        self.limits = limits
        self.kept = kept or KeptTables(None)
        self.fills: dict[bytes, Box | None] = {}  # None: not a cell
        self.fonts: dict[tuple[int, int], Font] = {}
        self.digests: dict[tuple[int, int], bytes] = {}

    def table(self, page: pikepdf.Page, number: int) -> Table:
        """What the page shows; no rows if it is blank. Raises NotErpPage.

        It is made of the page's content and font maps, and of nothing else.
        """
        content = content_stream(page)
        font_maps = font_map_streams(page)
        source = self.source(content, font_maps)
        table = self.kept.table(source)
        if table is None:
            fonts = {name: self.font(font_map, number) for name, font_map in font_maps.items()}
            table = self.drawn_table(unpack_stream(content, page=number, limits=self.limits), fonts)
        self.kept.keep(source, table)
        return table

    def source(self, content: pikepdf.Stream, font_maps: dict[bytes, pikepdf.Stream]) -> bytes:
        """A digest of everything that a page's table is made of."""
        parts = [str(self.limits.page_bytes).encode(), digest(content)]
        for name, font_map in sorted(font_maps.items()):
            if font_map.objgen not in self.digests:
                self.digests[font_map.objgen] = digest(font_map)
            parts += [name, self.digests[font_map.objgen]]
        return sha256(b" ".join(parts)).digest()

    def drawn_table(self, content: bytes, fonts: dict[bytes, Font]) -> Table:
        fills = self.fills
        cells: list[Box] = []
        texts: list[str] = []
        drawn = drawings(content)
        for drawing in drawn:
            cell = fills.get(drawing, UNSEEN)
            if cell is UNSEEN:
                if drawing.endswith(b"ET Q"):
                    if not cells or texts[-1]:
                        raise NotErpPage
                    texts[-1] = text_of(drawing, cells[-1], fonts)
                    continue
                cell = self.fill(drawing)
            if cell is not None:
                cells.append(cell)
                texts.append("")
        if not cells and len(drawn) <= 1:  # the page's ground at most
            return Table([], [])
        return grid(cells, texts)

    def fill(self, drawing: bytes) -> Box | None:
        """The cell that a filled rectangle makes, None for a border or the page's own ground."""
        match = FILLED.fullmatch(drawing)
        if not match:
            raise NotErpPage
        clip, colour, area = match.groups()
        left, bottom, width, height = numbers(area.split())
        cell = None
        if width > THIN and height > THIN and clip != area:
            cell = Box(round(left, 1), round(bottom, 1), round(left + width, 1), round(bottom + height, 1), colour)
        remember(self.fills, drawing, cell, DRAWINGS_KEPT)
        return cell

    def font(self, font_map: pikepdf.Stream, number: int) -> Font:
        """Remembered by its map, which is an object of its own in any PDF."""
        if font_map.objgen not in self.fonts:
            code_map = unpack_stream(font_map, page=number, limits=self.limits)
            check_map(code_map, number)
            self.fonts[font_map.objgen] = Font(characters(code_map))
        return self.fonts[font_map.objgen]


def content_stream(page: pikepdf.Page) -> pikepdf.Stream:
    stream = page.obj.get("/Contents")
    if isinstance(stream, pikepdf.Array) and len(stream) == 1:
        stream = stream[0]
    if not isinstance(stream, pikepdf.Stream) or list_filters(stream) not in ([], ["/FlateDecode"]):
        raise NotErpPage
    return stream


def font_map_streams(page: pikepdf.Page) -> dict[bytes, pikepdf.Stream]:
    """The maps to Unicode of the page's fonts, by the fonts' names in its content."""
    try:
        fonts = page.obj.get("/Resources", pikepdf.Dictionary()).get("/Font", pikepdf.Dictionary())
        return {name[1:].encode(): font_map_stream(font) for name, font in fonts.items()}
    except (AttributeError, TypeError, UnicodeError):  # something else stands where a font is due
        raise NotErpPage from None


def font_map_stream(font: pikepdf.Object) -> pikepdf.Stream:
    stream = font.get("/ToUnicode")
    if font.get("/Encoding") != "/Identity-H" or not isinstance(stream, pikepdf.Stream):
        raise NotErpPage
    return stream


def digest(stream: pikepdf.Stream) -> bytes:
    """Of a stream as it is packed, and of how it is packed."""
    return sha256(" ".join(list_filters(stream)).encode() + b"\n" + stream.read_raw_bytes()).digest()


def remember(memo: dict[Any, Any], key: object, value: object, most: int) -> None:
    """Keep what was found, within a bound however long the export is."""
    if len(memo) >= most:
        memo.clear()
    memo[key] = value


def text_of(drawing: bytes, cell: Box, fonts: dict[bytes, Font]) -> str:
    """What a drawn text says; its clip must lie in the cell, and its colour be another than the cell's."""
    match = TEXT.fullmatch(drawing)
    if not match:
        raise NotErpPage
    clip, colour, font, shown = match.groups()
    if font not in fonts or colour == cell.colour or not cell.holds(*area_numbers(clip)):
        raise NotErpPage
    return fonts[font].text(shown)


@lru_cache(maxsize=TEXTS_KEPT)
def area_numbers(area: bytes) -> list[float]:
    return numbers(area.split())


def numbers(operands: Sequence[bytes]) -> list[float]:
    try:
        return list(map(float, operands))
    except ValueError:
        raise NotErpPage from None


def drawings(content: bytes) -> list[bytes]:
    """The page's drawings, each without the `q` and `Q` around it."""
    if b"\n" in content or b"\r" in content:
        content = b" ".join(content.split())
    content = content.strip()
    if not content:
        return []
    if not (content.startswith(b"q ") and content.endswith(b" Q")):
        raise NotErpPage
    return content[2:-2].split(BETWEEN)


def grid(cells: list[Box], texts: list[str]) -> Table:
    """Cells drawn row by row, as rows. Raises NotErpPage unless they tile a rectangle."""
    if not cells:
        raise NotErpPage
    width = next((i for i, cell in enumerate(cells) if cell.top != cells[0].top), len(cells))
    edges = [(cell.left, cell.right) for cell in cells[:width]]
    if any(abs(right - left) > SLACK for (_, right), (left, _) in pairwise(edges)):
        raise NotErpPage
    rows = []
    row_edges = [cells[0].top]
    for start in range(0, len(cells), width):
        row = cells[start : start + width]
        bottom = row[0].bottom
        if abs(row[0].top - row_edges[-1]) > SLACK or [(cell.left, cell.right) for cell in row] != edges:
            raise NotErpPage
        if any(cell.bottom != bottom or cell.top != row[0].top for cell in row):
            raise NotErpPage
        rows.append(texts[start : start + width])
        row_edges.append(bottom)
    return Table(rows, row_edges)


def characters(cmap: bytes) -> dict[int, str]:
    """A ToUnicode map's codes as characters."""
    glyphs: dict[int, str] = {}
    try:
        for section in BFCHAR.findall(cmap):
            codes = HEX.findall(section)
            for code, character in zip(codes[::2], codes[1::2], strict=True):
                glyphs[int(code, 16)] = utf16(character)
        for section in BFRANGE.findall(cmap):
            if b"[" in section:
                raise NotErpPage
            codes = HEX.findall(section)
            for first, last, character in zip(codes[::3], codes[1::3], codes[2::3], strict=True):
                start = ord(utf16(character))
                if len(last) > CODE_DIGITS:
                    raise NotErpPage
                for offset in range(int(last, 16) - int(first, 16) + 1):
                    glyphs[int(first, 16) + offset] = chr(start + offset)
    except (ValueError, TypeError):
        raise NotErpPage from None
    if any(not text or not UNMAPPABLE.isdisjoint(text) for text in glyphs.values()):
        raise NotErpPage
    return glyphs


def utf16(code: bytes) -> str:
    return bytes.fromhex(code.decode()).decode("utf-16-be")
