"""PDFs byte by byte, so that any of them can be wrong: a list of three columns, as the ERP draws it or otherwise."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence

MB = 1024**2
HEADERS = ["ID", "NOME:", "VENDITE"]
ROWS = [["1", "Alfa", "1,50 €"], ["2", "Beta", "2 €"]]
FOOTER = ["Count=2", "", "Sum=3,50 €"]
TO_UNICODE = b"1 beginbfrange <0020> <20AC> <0020> endbfrange"
FONT = b"<< /Type /Font /Subtype /Type0 /BaseFont /A /Encoding /Identity-H /DescendantFonts [%b] /ToUnicode %b >>"
DESCENDANT = b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /A /CIDSystemInfo << >> /DW 500 >>"
HELVETICA = b"<< /Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>"


class Pdf:
    """A PDF in the making: its objects, numbered from 1. The first is the catalog, the second the page tree."""

    def __init__(self) -> None:
        self.objects: list[bytes] = [b"<< /Type /Catalog /Pages 2 0 R >>", b""]
        self.pages: list[bytes] = []
        self.trailer = b""

    def add(self, body: bytes) -> bytes:
        """A further object; its reference."""
        self.objects.append(body)
        return b"%d 0 R" % len(self.objects)

    def add_stream(self, data: bytes, entries: bytes = b"", *, packed: int = 0, filters: bytes = b"") -> bytes:
        return self.add(stream(data, entries, packed=packed, filters=filters))

    def add_page(self, content: bytes, resources: bytes, entries: bytes = b"") -> bytes:
        """A page with this content, which may be a reference, or an array of them."""
        contents = content if content.endswith((b" R", b"]")) else self.add_stream(content)
        box = b"" if b"/MediaBox" in entries else b"/MediaBox [0 0 612 792]"
        page = b"<< /Type /Page /Parent 2 0 R %b /Contents %b /Resources %b %b >>" % (box, contents, resources, entries)
        self.pages.append(self.add(page))
        return self.pages[-1]

    def add_erp_page(self, rows: Sequence[Sequence[str]], entries: bytes = b"") -> bytes:
        return self.add_page(drawn(rows), self.erp_font(), entries)

    def erp_font(self, to_unicode: bytes = TO_UNICODE, *, packed: int = 0) -> bytes:
        font = self.add(FONT % (self.add(DESCENDANT), self.add_stream(to_unicode, packed=packed)))
        return b"<< /Font << /F %b >> >>" % font

    def written(self) -> bytes:
        if not self.objects[1]:
            self.objects[1] = b"<< /Type /Pages /Count %d /Kids [%b] >>" % (len(self.pages), b" ".join(self.pages))
        return with_index(self.objects, self.trailer)


def stream(data: bytes, entries: bytes = b"", *, packed: int = 0, filters: bytes = b"") -> bytes:
    """A stream, packed so many times."""
    for _ in range(packed):
        data = zlib.compress(data, 9)
    if packed:
        filters = b"/Filter [%b]" % (b"/FlateDecode " * packed)
    return b"<< /Length %d %b %b >>\nstream\n%b\nendstream" % (len(data), filters, entries, data)


def with_index(objects: Iterable[bytes], trailer: bytes = b"") -> bytes:
    file = bytearray(b"%PDF-1.7\n")
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(len(file))
        file += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    index = len(file)
    file += b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1)
    file += b"".join(b"%010d 00000 n \n" % place for place in places)
    root = b"" if b"/Root" in trailer else b"/Root 1 0 R"
    file += b"trailer\n<< /Size %d %b %b >>\nstartxref\n%d\n%%%%EOF\n" % (len(places) + 1, root, trailer, index)
    return bytes(file)


def repeated(chunk: bytes, size: int) -> bytes:
    """A chunk again and again, packed: so many bytes, unpacked. One block of them is packed, and repeated as it is."""
    block = chunk * max(1, MB // len(chunk))
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    count = max(1, size // len(block))
    check = 1
    for _ in range(count):
        check = zlib.adler32(block, check)
    return b"\x78\xda" + packed * count + b"\x03\x00" + check.to_bytes(4, "big")


def drawn(rows: Sequence[Sequence[str]], *, width: float = 150, height: float = 20) -> bytes:
    """A table as the ERP draws it."""
    drawings = []
    for line, cells in enumerate(rows):
        for place, text in enumerate(cells):
            left, bottom = 20 + width * place, 700 - height * line
            box = b"%g %g %g %g" % (left, bottom, width, height)
            clip = b"%g %g %g %g" % (left - 1, bottom - 1, width + 2, height + 2)
            drawings.append(b"q %b re W n 1 1 1 rg %b re f Q" % (clip, box))
            if text:
                shown = text.encode("utf-16-be").hex().encode()
                at = b"%g %g" % (left + 2, bottom + 4)
                drawings.append(b"q %b re W n 0 0 0 rg q BT /F 9 Tf %b Td <%b> Tj ET Q Q" % (box, at, shown))
    return b" ".join(drawings)


def drawn_otherwise(rows: Sequence[Sequence[str]], *, more: bytes = b"") -> bytes:
    """A table as another program draws it: rectangles and texts, with the font HELVETICA."""
    parts = []
    for line, cells in enumerate(rows):
        for place, text in enumerate(cells):
            left, bottom = 20 + 150 * place, 700 - 20 * line
            parts.append(b"%d %d 150 20 re S" % (left, bottom))
            shown = text.replace("€", "EUR").encode("latin-1")
            parts.append(b"BT /F 9 Tf %d %d Td (%b) Tj ET" % (left + 2, bottom + 4, shown))
    return b"\n".join([*parts, more])


def list_of_two() -> Pdf:
    """A PDF of one page that is read well."""
    pdf = Pdf()
    pdf.add_erp_page([HEADERS, *ROWS, FOOTER])
    return pdf
