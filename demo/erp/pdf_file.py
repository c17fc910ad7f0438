"""A PDF file written from its first byte to its last: objects as they come, then the table of where they are."""

from __future__ import annotations

import hashlib
import zlib
from array import array
from typing import BinaryIO

from demo.erp import font

PRODUCER = rb"(Developer Express Inc. DXperience \(tm\) v24.1.7)"  # as the real ERP's exports say
FONT_NAME = b"/DEVEXP+ArchibaldDemoSerif"
CMAP_BLOCK = 100  # characters, the most that one bfchar section may list
PAGE = (
    b"<< /Contents %d 0 R /CropBox [ 0 0 612 792 ] /MediaBox [ 0 0 612 792 ] /Parent 3 0 R "
    b"/Resources 4 0 R /Type /Page >>"
)
CMAP = """/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo
<<
/Registry (Adobe)
/Ordering (DEVEXP)
/Supplement 0
>> def
/CMapName /DEVEXP def
/CMapType 2 def
1 begincodespacerange
<0000> <FFFF>
endcodespacerange
{sections}endcmap
CMapName currentdict /CMap defineresource pop
end
end"""

CATALOG, INFO, PAGES, RESOURCES, FONT, DESCENDANT, DESCRIPTOR, FONT_FILE, TO_UNICODE = range(1, 10)


class PdfFile:
    """Takes page contents one by one."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.offsets = array("Q", [0] * (TO_UNICODE + 1))
        self.position = 0
        self.digest = hashlib.md5(usedforsecurity=False)  # the file's ID, so that equal exports are equal files
        self.page_numbers = array("Q")
        self.write(b"%PDF-1.3\n%\xe2\xe3\xcf\xd3\n")
        self.add_shared_objects()

    @property
    def page_count(self) -> int:
        return len(self.page_numbers)

    def write(self, data: bytes) -> None:
        self.file.write(data)
        self.digest.update(data)
        self.position += len(data)

    def add_object(self, body: bytes, number: int | None = None) -> int:
        if number is None:
            number = len(self.offsets)
            self.offsets.append(0)
        self.offsets[number] = self.position
        self.write(b"%d 0 obj\n%b\nendobj\n" % (number, body))
        return number

    def add_stream(self, data: bytes, number: int | None = None, entries: bytes = b"") -> int:
        packed = zlib.compress(data)
        head = b"<< /Filter /FlateDecode /Length %d %b>>" % (len(packed), entries)
        return self.add_object(b"%b\nstream\n%b\nendstream" % (head, packed), number)

    def add_page(self, content: bytes) -> None:
        self.page_numbers.append(self.add_object(PAGE % self.add_stream(content)))

    def add_shared_objects(self) -> None:
        self.add_object(b"<< /Pages 3 0 R /Type /Catalog >>", CATALOG)
        self.add_object(b"<< /Producer %b >>" % PRODUCER, INFO)
        self.add_object(b"<< /Font << /FNT0 5 0 R >> /ProcSet [ /PDF /Text ] >>", RESOURCES)
        self.add_object(
            b"<< /BaseFont %b /DescendantFonts [ 6 0 R ] /Encoding /Identity-H /Subtype /Type0 "
            b"/ToUnicode 9 0 R /Type /Font >>" % FONT_NAME,
            FONT,
        )
        self.add_object(
            b"<< /BaseFont %b /CIDSystemInfo << /Ordering (Identity) /Registry (Adobe) /Supplement 0 >> "
            b"/CIDToGIDMap /Identity /DW 1000 /FontDescriptor 7 0 R /Subtype /CIDFontType2 /Type /Font "
            b"/W [ %b ] >>" % (FONT_NAME, list_glyph_widths()),
            DESCENDANT,
        )
        self.add_object(make_descriptor(), DESCRIPTOR)
        typeface = font.FONT_FILE.read_bytes()
        self.add_stream(typeface, FONT_FILE, b"/Length1 %d " % len(typeface))
        self.add_stream(make_unicode_map().encode("ascii"), TO_UNICODE)

    def close(self) -> None:
        """Write the list of pages, the cross-reference table and the trailer."""
        kids = b" ".join(b"%d 0 R" % number for number in self.page_numbers)
        self.add_object(b"<< /Count %d /Kids [ %b ] /Type /Pages >>" % (self.page_count, kids), PAGES)
        table_at = self.position
        self.write(b"xref\n0 %d\n0000000000 65535 f \n" % len(self.offsets))
        for offset in self.offsets[1:]:
            self.write(b"%010d 00000 n \n" % offset)
        name = self.digest.hexdigest().encode()
        self.write(
            b"trailer << /Info 2 0 R /Root 1 0 R /Size %d /ID [<%b><%b>] >>\nstartxref\n%d\n%%%%EOF\n"
            % (len(self.offsets), name, name, table_at)
        )


def list_glyph_widths() -> bytes:
    """The /W array: each glyph's width in thousandths."""
    widths = {font.GLYPHS[character]: font.ADVANCES[character] for character in font.GLYPHS}
    return " ".join(f"{glyph} [ {font.format_thousandths(widths[glyph])} ]" for glyph in sorted(widths)).encode()


def make_descriptor() -> bytes:
    metrics = font.METRICS
    box = " ".join(font.format_thousandths(units) for units in metrics["bbox"])
    ascent, descent, cap_height = (
        font.format_thousandths(metrics[name]) for name in ("ascent", "descent", "capHeight")
    )
    return (
        f"<< /Ascent {ascent} /CapHeight {cap_height} /Descent {descent} /Flags 34 /FontBBox [ {box} ] "
        f"/FontFile2 8 0 R /FontName {FONT_NAME.decode()} /ItalicAngle 0 /StemV 0 /Type /FontDescriptor >>"
    ).encode()


def make_unicode_map() -> str:
    """The map from glyph codes back to characters."""
    glyphs: dict[int, str] = {}
    for character, glyph in font.GLYPHS.items():
        glyphs.setdefault(glyph, character)
    lines = [f"<{glyph:04X}> <{ord(character):04X}>\n" for glyph, character in sorted(glyphs.items())]
    blocks = [lines[first : first + CMAP_BLOCK] for first in range(0, len(lines), CMAP_BLOCK)]
    return CMAP.format(sections="".join(f"{len(b)} beginbfchar\n{''.join(b)}endbfchar\n" for b in blocks))
