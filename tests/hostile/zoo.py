"""Small hostile PDFs, each by a function that writes it, with what has to become of it."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

import pikepdf

from tests.hostile.writing import (
    FOOTER,
    HEADERS,
    HELVETICA,
    MB,
    ROWS,
    TO_UNICODE,
    Pdf,
    drawn,
    drawn_otherwise,
    list_of_two,
    repeated,
    stream,
    with_index,
)

TABLE = [HEADERS, *ROWS, FOOTER]
READ = "2 records"


@dataclass(frozen=True)
class Animal:
    """One hostile file: how reading it ends, an error's name or READ, and words of what is said."""

    write: Callable[[], bytes]
    ends: str
    says: str

    @property
    def name(self) -> str:
        return self.write.__name__


ZOO: list[Animal] = []


def ends_as(ends: str, says: str = "") -> Callable[[Callable[[], bytes]], Callable[[], bytes]]:
    def keep(write: Callable[[], bytes]) -> Callable[[], bytes]:
        ZOO.append(Animal(write, ends, says))
        return write

    return keep


# Streams that unpack to much more than they are


@ends_as("ExportTooLarge", "page 1, decompressed,")
def content_of_300_megabytes() -> bytes:
    return of_content(packed_once(repeated(b" ", 300 * MB)))


@ends_as("ExportTooLarge", "page 1, decompressed,")
def content_packed_twice() -> bytes:
    twice = zlib.compress(repeated(b" ", 2000 * MB), 9)
    return of_content(stream(twice, filters=b"/Filter [/FlateDecode /FlateDecode]"))


@ends_as("PageUnreadable", "it is compressed 60 times")
def content_packed_sixty_times() -> bytes:
    return of_content(stream(drawn(TABLE), packed=60))


@ends_as("PageUnreadable", "it is compressed with /LZWDecode")
def content_packed_by_lzw() -> bytes:
    return of_content(stream(b"\x80\x0b\x60\x50\x22\x0c\x0c\x85\x01" * 5000, filters=b"/Filter /LZWDecode"))


@ends_as("PageUnreadable", "it is compressed with /RunLengthDecode")
def content_packed_by_run_length() -> bytes:
    return of_content(stream(b"\x81 " * 100_000 + b"\x80", filters=b"/Filter /RunLengthDecode"))


@ends_as("ExportTooLarge", "page 1, decompressed,")
def content_in_hexadecimal_and_packed() -> bytes:
    data = repeated(b" ", 300 * MB).hex().encode() + b">"
    return of_content(stream(data, filters=b"/Filter [/ASCIIHexDecode /FlateDecode]"))


@ends_as("ExportTooLarge", "page 1, decompressed,")
def content_of_packed_zeros_in_base_85() -> bytes:
    return of_content(stream(repeated(b"z", 30 * MB), filters=b"/Filter [/FlateDecode /ASCII85Decode]"))


@ends_as("PageUnreadable", "it is compressed with no filter")
def content_with_a_filter_that_is_none() -> bytes:
    return of_content(stream(b"q Q", filters=b"/Filter << /A 1 >>"))


@ends_as(READ)
def content_with_a_predictor() -> bytes:
    entries = b"/DecodeParms << /Predictor 12 /Columns 1000000000 /Colors 32 /BitsPerComponent 16 >>"
    return of_content(stream(drawn(TABLE), entries, packed=1))


@ends_as("PageUnreadable", "it draws more than 1048576 bytes")
def twenty_pages_of_fifteen_megabytes() -> bytes:
    pdf = Pdf()
    font = pdf.erp_font()
    for _ in range(20):
        content = b"q 1 1 1 1 re W n 1 1 1 rg 1 1 1 1 re f Q "
        pdf.add_page(pdf.add_stream(repeated(content, 15 * MB), filters=b"/Filter /FlateDecode"), font)
    return pdf.written()


# Structures that qpdf unpacks before a page is read


@ends_as("ExportTooCostly", "its opening takes more than 350 MB of memory")
def object_streams_packed_twice() -> bytes:
    """3.9 kB, of which a reader without limits makes 4.2 GB in 56 s."""
    return of_object_stream(zlib.compress(repeated(b"[0]", 1000 * MB), 9), b"/Filter [/FlateDecode /FlateDecode]")


@ends_as("ExportDamaged", "it has 0 pages, although it declares 1")
def object_stream_of_countless_small_objects() -> bytes:
    count = 200_000
    index = b"".join(b"%d %d " % (number, 3 * (number - 3)) for number in range(3, 3 + count))
    data = zlib.compress(index + b"[] " * count, 9)
    return of_object_stream(data, b"/Filter /FlateDecode", count=count, first=len(index))


@ends_as("ExportTooCostly", "its opening takes more than 350 MB of memory")
def object_stream_packed_by_run_length() -> bytes:
    return of_object_stream(zlib.compress(b"\x81[" * (3 * MB), 9), b"/Filter [/FlateDecode /RunLengthDecode]")


@ends_as("ExportTooCostly", "its opening takes more than 350 MB of memory")
def object_stream_with_a_predictor() -> bytes:
    return of_object_stream(b"", b"/Filter /FlateDecode /DecodeParms << /Predictor 12 /Columns 2000000000 /Colors 1 >>")


@ends_as("ExportTooCostly", "its opening takes more than 350 MB of memory")
def index_stream_packed_twice() -> bytes:
    index = zlib.compress(repeated(b"\1\0\0\0\0\0\0\0", 1200 * MB), 9)
    return of_index_stream(index, b"/Filter [/FlateDecode /FlateDecode] /W [1 4 3] /Size 150000000")


@ends_as(READ)
def index_stream_of_huge_fields() -> bytes:
    return of_index_stream(b"\0" * 100, b"/W [2147483647 2147483647 2147483647] /Size 3")


@ends_as(READ)
def index_of_countless_objects() -> bytes:
    return list_of_two().written().replace(b"xref\n0 ", b"xref\n0 99999999", 1)


@ends_as(READ)
def index_that_leads_to_itself() -> bytes:
    whole = list_of_two().written()
    at = whole.index(b"xref\n0 ")
    return whole.replace(b"trailer\n<< ", b"trailer\n<< /Prev %d " % at)


@ends_as(READ)
def two_indexes_that_lead_to_each_other() -> bytes:
    whole = list_of_two().written()
    first = whole.index(b"xref\n0 ")
    second = len(whole)
    whole = whole.replace(b"trailer\n<< ", b"trailer\n<< /Prev %08d " % (second + len(b"/Prev 00000000 ")))
    return whole + b"xref\n0 0\ntrailer\n<< /Size 9 /Root 1 0 R /Prev %d >>\nstartxref\n%d\n%%%%EOF\n" % (
        first,
        second + len(b"/Prev 00000000 "),
    )


@ends_as(READ)
def index_beside_a_stream_that_is_itself() -> bytes:
    whole = list_of_two().written()
    return whole.replace(b"trailer\n<< ", b"trailer\n<< /XRefStm %d " % whole.index(b"xref\n0 "))


@ends_as(READ)
def a_thousand_changes_one_after_the_other() -> bytes:
    whole = list_of_two().written()
    for number in range(1000):
        before = int(whole.split(b"startxref\n")[-1].split()[0])
        at = len(whole)
        change = b"%d 0 obj\n<< /A %d >>\nendobj\n" % (100 + number, number)
        whole += (
            change
            + b"xref\n%d 1\n%010d 00000 n \ntrailer\n<< /Size %d /Root 1 0 R /Prev %d >>\nstartxref\n%d\n%%%%EOF\n"
            % (
                100 + number,
                at,
                101 + number,
                before,
                at + len(change),
            )
        )
    return whole


@ends_as(READ)
def linearised_by_its_own_account() -> bytes:
    pdf = list_of_two()
    pdf.add(b"<< /Linearized 1 /L 1 /H [99999999999 -5] /O 1 /E -1 /N 1000000000 /T 7 >>")
    return pdf.written()


@ends_as("ExportDamaged")
def object_numbers_at_their_largest() -> bytes:
    pdf = list_of_two()
    pdf.objects[0] = b"<< /Type /Catalog /Pages 2 0 R /A 2147483647 0 R /B 99999999999999999999 65536 R >>"
    pdf.trailer = b"/Size 2147483647"
    return pdf.written()


# Page trees


@ends_as("ExportDamaged")
def page_tree_that_holds_itself() -> bytes:
    pdf = list_of_two()
    pdf.objects[1] = b"<< /Type /Pages /Count 2 /Kids [%b 2 0 R] >>" % pdf.pages[0]
    return pdf.written()


@ends_as("ExportDamaged")
def page_tree_of_ten_thousand_levels() -> bytes:
    pdf = list_of_two()
    depth = 10_000
    first = len(pdf.objects) + 1
    for level in range(depth):
        below = pdf.pages[0] if level == depth - 1 else b"%d 0 R" % (first + level + 1)
        pdf.add(b"<< /Type /Pages /Count 1 /Kids [%b] >>" % below)
    pdf.objects[1] = b"<< /Type /Pages /Count 1 /Kids [%d 0 R] >>" % first
    return pdf.written()


@ends_as("ExportTooCostly", "its opening takes more than 350 MB of memory")
def page_tree_of_a_million_nodes() -> bytes:
    return of_kids(b"3 0 R " * 1_000_000, count=1_000_000)


@ends_as("ExportTooCostly", "its opening takes more than 350 MB of memory")
def page_tree_of_a_million_empty_nodes() -> bytes:
    return of_kids(b"<<>>" * 1_000_000, count=1_000_000)


@ends_as("ExportDamaged")
def page_tree_without_kids() -> bytes:
    pdf = list_of_two()
    pdf.objects[1] = b"<< /Type /Pages /Count 1 /Kids null >>"
    return pdf.written()


@ends_as("ExportDamaged", "it has 0 pages, although it declares -1")
def page_tree_of_numbers() -> bytes:
    pdf = list_of_two()
    pdf.objects[1] = b"<< /Type /Pages /Count -1 /Kids [1 2 (a) /B [] null true] >>"
    return pdf.written()


@ends_as("ExportDamaged")
def page_tree_that_counts_wrong() -> bytes:
    pdf = list_of_two()
    pdf.objects[1] = b"<< /Type /Pages /Count 99999999999999999999 /Kids [%b] >>" % pdf.pages[0]
    return pdf.written()


@ends_as("ExportDamaged", "page 2 shows the content of page 1")
def five_thousand_pages_of_one_content() -> bytes:
    pdf = Pdf()
    content, font = pdf.add_stream(drawn(TABLE)), pdf.erp_font()
    for _ in range(5000):
        pdf.add_page(content, font)
    return pdf.written()


@ends_as("PageUnreadable", "it shows 0 tables, not one")
def content_of_countless_pieces() -> bytes:
    pdf = Pdf()
    piece = pdf.add_stream(b"q Q " * 2000)
    pdf.add_page(b"[" + (piece + b" ") * 90_000 + b"]", HELVETICA)
    return pdf.written()


@ends_as("LayoutChanged")
def a_band_that_never_ends() -> bytes:
    pdf = Pdf()
    font = pdf.erp_font()
    for number in range(1000):
        rows = [[f"H{number}"], *[["x" * 200]] * 40]
        pdf.add_page(pdf.add_stream(drawn(rows), packed=1), font)
    return pdf.written()


# Fonts


@ends_as("PageUnreadable", "one of its fonts has more than 65536 codes")
def a_font_of_countless_ranges() -> bytes:
    """37 kB, of which a reader without limits makes hours."""
    ranges = b"1 beginbfrange " + b"<0000> <FFFF> <0041>\n" * 200_000 + b"endbfrange"
    return of_font(ranges, packed=2)


@ends_as("PageUnreadable", "one of its fonts has more than 65536 codes")
def a_font_of_one_endless_range() -> bytes:
    return of_font(b"1 beginbfrange <0> <%b> <0041> endbfrange" % (b"F" * 60_000))


@ends_as("PageUnreadable", "one of its fonts has more than 65536 codes")
def a_font_of_countless_characters() -> bytes:
    characters = b"1 beginbfchar " + b"<0041> <0041>\n" * 1_000_000 + b"endbfchar"
    return of_font(characters, packed=1)


@ends_as("PageUnreadable", "it shows more than 500000 characters")
def a_character_that_is_a_book() -> bytes:
    """Each cell shows one code, of which the font makes a hundred thousand letters."""
    characters = TO_UNICODE.replace(b"<0020> <20AC>", b"<0022> <20AC>")
    characters += b" 1 beginbfchar <0021> <" + b"0041" * 100_000 + b"> <0020> <0020> endbfchar"
    rows = [HEADERS, *[[str(number), "!" * 20, "!" * 20] for number in range(1, 40)]]
    pdf = Pdf()
    pdf.add_page(pdf.add_stream(drawn(rows), packed=1), pdf.erp_font(characters, packed=1))
    return pdf.written()


@ends_as("PageUnreadable", "one of its fonts has more than 65536 codes")
def countless_fonts() -> bytes:
    pdf = Pdf()
    ranges = repeated(b"1 beginbfrange <0000> <D7FE> <0001> endbfrange\n", MB // 2)
    descendant = pdf.add(b"<< /Type /Font /Subtype /CIDFontType2 /DW 500 >>")
    fonts = []
    for number in range(280):
        to_unicode = pdf.add_stream(ranges, filters=b"/Filter /FlateDecode")
        fonts.append(
            b"/F%d << /Type /Font /Subtype /Type0 /Encoding /Identity-H /DescendantFonts [%b] /ToUnicode %b >>"
            % (number, descendant, to_unicode)
        )
    pdf.add_page(drawn(TABLE), b"<< /Font << %b >> >>" % b" ".join(fonts))
    return pdf.written()


@ends_as(READ)
def a_font_that_uses_itself() -> bytes:
    return of_font(TO_UNICODE + b" /Identity-H usecmap", more=b"/UseCMap 4 0 R")


@ends_as("ExportTooLarge", "page 1, decompressed,")
def a_font_file_of_a_gigabyte() -> bytes:
    pdf = Pdf()
    file = pdf.add_stream(repeated(b"\0", 600 * MB), filters=b"/Filter /FlateDecode")
    font = b"<< /Type /Font /Subtype /TrueType /BaseFont /A /FontDescriptor << /FontFile2 %b >> >>" % file
    pdf.add_page(drawn_otherwise(TABLE), b"<< /Font << /F %b >> >>" % font)
    return pdf.written()


@ends_as("ExportTooCostly", "page 1 takes more than 350 MB of memory")
def a_font_of_a_million_widths() -> bytes:
    pdf = Pdf()
    descendant = pdf.add(
        b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /A /CIDSystemInfo << >> /W [0 2000000000 500 0 [%b]] >>"
        % (b"1 " * 200_000)
    )
    font = (
        b"<< /Type /Font /Subtype /Type0 /BaseFont /A /Encoding /Identity-H /DescendantFonts [%b] /ToUnicode %b >>"
        % (descendant, pdf.add_stream(TO_UNICODE))
    )
    pdf.add_page(drawn_otherwise(TABLE), b"<< /Font << /F %b >> >>" % font)
    return pdf.written()


@ends_as("PageUnreadable", "it shows 0 tables, not one")
def a_font_whose_characters_draw_themselves() -> bytes:
    pdf = Pdf()
    here = len(pdf.objects) + 2
    glyph = pdf.add_stream(b"1000 0 d0 BT /F 9 Tf (a) Tj ET")
    pdf.add(
        b"<< /Type /Font /Subtype /Type3 /FontBBox [0 0 1 1] /FontMatrix [1 0 0 1 0 0] /CharProcs << /a %b >>"
        b" /Encoding << /Differences [97 /a] >> /FirstChar 97 /LastChar 97 /Widths [1] /Resources << /Font << /F %d 0 R"
        b" >> >> >>" % (glyph, here)
    )
    pdf.add_page(drawn_otherwise([["a"]]), b"<< /Font << /F %d 0 R >> >>" % here)
    return pdf.written()


# Pages of the ERP's own form


@ends_as("PageUnreadable", "it shows more than 20000 cells")
def a_page_of_countless_cells() -> bytes:
    rows = [HEADERS, *[[str(number), "", ""] for number in range(1, 40_000)]]
    return of_content(stream(drawn(rows, height=2), packed=1))


@ends_as("PageUnreadable", "it draws more than 1048576 bytes")
def a_page_of_countless_columns() -> bytes:
    columns = [f"H{place}" for place in range(25_000)]
    return of_content(stream(drawn([columns, columns]), packed=1))


@ends_as("PageUnreadable", "it shows more than 500000 characters")
def a_text_of_a_million_characters() -> bytes:
    return of_content(stream(drawn([HEADERS, ["1", "A" * 2_000_000, ""]]), packed=1))


@ends_as("UnreadableRequiredValue")
def a_number_of_fifty_thousand_digits() -> bytes:
    return of_content(stream(drawn([HEADERS, ["9" * 50_000, "Alfa", ""]]), packed=1))


@ends_as("PageUnreadable", "it shows 0 tables, not one")
def boxes_at_the_end_of_the_world() -> bytes:
    content = drawn(TABLE).replace(b" 150 20 re f", b" 9" + b"9" * 400 + b" 20 re f")
    return of_content(stream(content))


# Pages that pdfplumber reads


@ends_as(READ)
def sixty_kilobytes_of_text() -> bytes:
    return of_other(b"BT /F 1 Tf 1 1 Td (%b) Tj ET" % (b"A" * 60_000))


@ends_as("PageUnreadable", "a text cannot be seen at")
def sixty_kilobytes_of_text_in_one_place() -> bytes:
    return of_other(b"BT /F 0.001 Tf 30 705 Td (%b) Tj ET" % (b"A" * 60_000))


@ends_as("PageUnreadable", "a text runs over the edge of its row")
def twenty_thousand_single_letters() -> bytes:
    letters = b" ".join(b"%d %d Td (A) Tj" % (at % 3, at % 2) for at in range(20_000))
    return of_other(b"BT /F 9 Tf %b ET" % letters, packed=1)


@ends_as("ExportDamaged")
def an_array_of_millions() -> bytes:
    return of_kids(b"3 0 R] /A [" + b"0 " * 20_000_000, count=1)


@ends_as("PageUnreadable", "its texts have more than 200000 bytes")
def a_megabyte_of_packed_text() -> bytes:
    return of_other(b"BT /F 1 Tf 1 1 Td (%b) Tj ET" % (b"A" * 900_000), packed=1)


@ends_as("PageUnreadable", "it draws more than 10000 lines")
def countless_lines() -> bytes:
    return of_other(b"1 1 5 5 re f " * 50_000, packed=1)


@ends_as("PageUnreadable", "it shows 0 tables, not one")
def a_net_of_lines() -> bytes:
    """Whose every crossing may be the corner of a cell."""
    lines = [b"%d 10 m %d 700 l S 10 %d m 700 %d l S" % (at, at, at, at) for at in range(20, 690)]
    return of_other(b" ".join(lines), packed=1)


@ends_as(READ)
def states_that_are_never_restored() -> bytes:
    return of_other(b"q " * 400_000, packed=1)


@ends_as(READ)
def operands_without_an_operator() -> bytes:
    return of_other(b"1 " * 400_000, packed=1)


@ends_as("PageUnreadable", "pdfplumber cannot read it")
def brackets_within_brackets() -> bytes:
    return of_other(b"[" * 100_000 + b"]" * 100_000 + b" TJ", packed=1)


@ends_as(READ)
def an_image_in_the_line() -> bytes:
    return of_other(b"BI /W 100000 /H 100000 /CS /RGB /BPC 8 ID " + b"\0" * 500_000 + b" EI", packed=1)


@ends_as("PageUnreadable", "it contains a drawing nested in another one")
def a_drawing_that_shows_itself() -> bytes:
    pdf = Pdf()
    here = len(pdf.objects) + 1
    form = pdf.add_stream(
        b"/X Do /X Do", b"/Type /XObject /Subtype /Form /Resources << /XObject << /X %d 0 R >> >>" % here
    )
    pdf.add_page(b"/X Do", HELVETICA[:-2] + b"/XObject << /X %b >> >>" % form)
    return pdf.written()


@ends_as(READ)
def a_hundred_patterns() -> bytes:
    pdf = Pdf()
    data = repeated(b"0 ", 8 * MB)
    patterns = [
        b"/P%d %b" % (number, pdf.add_stream(data, b"/PatternType 1", filters=b"/Filter /FlateDecode"))
        for number in range(100)
    ]
    pdf.add_page(drawn_otherwise(TABLE), HELVETICA[:-2] + b"/Pattern << %b >> >>" % b" ".join(patterns))
    return pdf.written()


@ends_as(READ)
def an_image_of_a_gigabyte() -> bytes:
    pdf = Pdf()
    image = pdf.add_stream(
        repeated(b"\0", 800 * MB),
        b"/Type /XObject /Subtype /Image /Width 30000 /Height 30000 /ColorSpace /DeviceGray /BitsPerComponent 8",
        filters=b"/Filter /FlateDecode",
    )
    pdf.add_page(drawn_otherwise(TABLE, more=b"/X Do"), HELVETICA[:-2] + b"/XObject << /X %b >> >>" % image)
    return pdf.written()


@ends_as("ExportDamaged", "it has 0 pages, although it declares 1")
def a_page_without_measure() -> bytes:
    pdf = Pdf()
    pdf.add_page(drawn_otherwise(TABLE), HELVETICA, b"/MediaBox [nan -inf 1e999 99999999999999999999]")
    return pdf.written()


@ends_as("PageUnreadable", "a text cannot be seen at")
def a_page_of_light_years() -> bytes:
    pdf = Pdf()
    entries = b"/MediaBox [0 0 9999999999 9999999999] /UserUnit 1000000000 /Rotate 45"
    pdf.add_page(drawn_otherwise(TABLE), HELVETICA, entries)
    return pdf.written()


# Objects


@ends_as(READ)
def resources_of_ten_thousand_steps() -> bytes:
    pdf = Pdf()
    steps = 10_000
    first = len(pdf.objects) + 1
    for step in range(steps):
        pdf.add(b"<< /Next %d 0 R >>" % (first + step + 1) if step < steps - 1 else b"<< >>")
    font = pdf.erp_font()
    pdf.add_page(drawn(TABLE), font[:-2] + b"/Steps %d 0 R >>" % first)
    return pdf.written()


@ends_as(READ)
def resources_that_hold_themselves() -> bytes:
    pdf = Pdf()
    here = len(pdf.objects) + 1
    font = pdf.erp_font().split(b"/F ")[1].split(b" >>")[0]
    pdf.add(b"<< /Font << /F %b >> /Resources %d 0 R /XObject %d 0 R >>" % (font, here + 3, here + 3))
    pdf.add_page(drawn(TABLE), b"%d 0 R" % (here + 3))
    return pdf.written()


@ends_as("ExportDamaged")
def arrays_within_arrays() -> bytes:
    pdf = list_of_two()
    pdf.objects[0] = b"<< /Type /Catalog /Pages 2 0 R /A %b%b >>" % (b"[" * 100_000, b"]" * 100_000)
    return pdf.written()


@ends_as("ExportDamaged", "page 1 has no content")
def a_string_of_ten_megabytes() -> bytes:
    """And a name of as many, both packed."""
    body = b"<< /S (" + b"\\(" * (5 * MB) + b") /" + b"N" * (5 * MB) + b" 1 >>"
    index = b"3 0 "
    return of_object_stream(zlib.compress(index + body, 9), b"/Filter /FlateDecode", count=1, first=len(index))


@ends_as(READ)
def a_length_below_nothing() -> bytes:
    return list_of_two().written().replace(b"/Length ", b"/Length -")


@ends_as(READ)
def a_length_that_is_told_by_itself() -> bytes:
    pdf = Pdf()
    content = drawn(TABLE)
    here = len(pdf.objects) + 1
    pdf.add(b"<< /Length %d 0 R >>\nstream\n%b\nendstream" % (here, content))
    pdf.add_page(b"%d 0 R" % here, pdf.erp_font())
    return pdf.written()


@ends_as(READ)
def a_thousand_digits_where_a_number_is_due() -> bytes:
    pdf = list_of_two()
    pdf.add_stream(b"", b"/A %b /B -%b.%b /C 1e99999" % (b"9" * 1000, b"9" * 1000, b"9" * 1000))
    return pdf.written()


# What a PDF may hold beside its pages


@ends_as(READ)
def scripts_that_run_when_it_is_opened() -> bytes:
    pdf = list_of_two()
    pdf.objects[0] = (
        b"<< /Type /Catalog /Pages 2 0 R /OpenAction << /S /JavaScript /JS (while(true){}) >>"
        b" /AA << /WC << /S /Launch /F (/bin/sh) >> >> /Names << /JavaScript << /Names [(a) << /S /JavaScript"
        b" /JS (app.alert\\(1\\)) >>] >> >> >>"
    )
    return pdf.written()


@ends_as(READ)
def a_file_of_a_gigabyte_within_it() -> bytes:
    pdf = list_of_two()
    bomb = pdf.add_stream(repeated(b"\0", 400 * MB), b"/Type /EmbeddedFile", filters=b"/Filter /FlateDecode")
    pdf.objects[0] = (
        b"<< /Type /Catalog /Pages 2 0 R /Names << /EmbeddedFiles << /Names [(a) << /EF << /F %b >> >>] >> >> >>" % bomb
    )
    return pdf.written()


@ends_as(READ)
def metadata_of_a_gigabyte() -> bytes:
    pdf = list_of_two()
    bomb = pdf.add_stream(repeated(b"<a>", 400 * MB), b"/Type /Metadata /Subtype /XML", filters=b"/Filter /FlateDecode")
    pdf.objects[0] = b"<< /Type /Catalog /Pages 2 0 R /Metadata %b >>" % bomb
    return pdf.written()


@ends_as("PageUnreadable", "it has layers that may be hidden")
def a_layer_that_is_hidden() -> bytes:
    pdf = Pdf()
    pdf.add_page(b"/OC /L BDC " + drawn(TABLE) + b" EMC", pdf.erp_font())
    pdf.objects[0] = (
        b"<< /Type /Catalog /Pages 2 0 R /OCProperties << /D << /OFF [null] /BaseState /OFF >> /OCGs [] >> >>"
    )
    return pdf.written()


@ends_as("ExportEncrypted")
def locked_by_a_password() -> bytes:
    locked = BytesIO()
    with pikepdf.open(BytesIO(list_of_two().written())) as pdf:
        pdf.save(locked, encryption=pikepdf.Encryption(owner="a", user="b"))
    return locked.getvalue()


@ends_as("ExportDamaged")
def locked_by_a_key_that_is_no_key() -> bytes:
    pdf = list_of_two()
    pdf.trailer = (
        b"/Encrypt << /Filter /Standard /V 5 /R 6 /Length 99999 /O () /U () /OE () /UE () /P -1 >> /ID [() ()]"
    )
    return pdf.written()


@ends_as("ExportTruncated")
def cut_short() -> bytes:
    return list_of_two().written()[:-30]


@ends_as(READ)
def a_web_page_and_a_pdf() -> bytes:
    return b"<!DOCTYPE html><html><body>%s</body></html>\n" % b"Login" + list_of_two().written()


@ends_as("ExportDamaged")
def a_head_and_an_end_and_noise_between() -> bytes:
    noise = zlib.compress(bytes(range(256)) * 50_000, 0)[:900_000]
    return b"%PDF-1.7\n" + noise + b"\nstartxref\n9\n%%EOF\n"


@ends_as("ExportDamaged")
def a_hundred_thousand_objects_to_look_for() -> bytes:
    return b"%PDF-1.7\n" + b"1 0 obj " * 110_000 + b"\ntrailer << >>\nstartxref\n0\n%%EOF\n"


def packed_once(data: bytes) -> bytes:
    return stream(data, filters=b"/Filter /FlateDecode")


def of_content(body: bytes) -> bytes:
    """A PDF whose page has this stream as its content."""
    pdf = Pdf()
    pdf.add_page(pdf.add(body), pdf.erp_font())
    return pdf.written()


def of_other(more: bytes, *, packed: int = 0) -> bytes:
    """A page that pdfplumber reads, which draws more than the table."""
    pdf = Pdf()
    pdf.add_page(pdf.add_stream(drawn_otherwise(TABLE, more=more), packed=packed), HELVETICA)
    return pdf.written()


def of_font(to_unicode: bytes, *, packed: int = 0, more: bytes = b"") -> bytes:
    pdf = Pdf()
    descendant = pdf.add(b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /A /DW 500 >>")
    map_ = pdf.add_stream(to_unicode, more, packed=packed)
    font = (
        b"<< /Type /Font /Subtype /Type0 /BaseFont /A /Encoding /Identity-H /DescendantFonts [%b] /ToUnicode %b >>"
        % (descendant, map_)
    )
    pdf.add_page(drawn(TABLE), b"<< /Font << /F %b >> >>" % font)
    return pdf.written()


def of_kids(kids: bytes, *, count: int) -> bytes:
    """A page tree with these kids, itself in a packed object stream."""
    tree = b"<< /Type /Pages /Count %d /Kids [%b] >>" % (count, kids)
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents [] >>"
    index = b"2 0 3 %d " % (len(tree) + 1)
    return of_object_stream(
        zlib.compress(index + tree + b" " + page, 9), b"/Filter /FlateDecode", count=2, first=len(index), numbers=(2, 3)
    )


def of_object_stream(
    data: bytes, filters: bytes, *, count: int = 1, first: int = 4, numbers: tuple[int, ...] = (3,)
) -> bytes:
    """A PDF whose catalog needs what is in an object stream (4); its index is a stream, as that demands."""
    objects = {1: b"<< /Type /Catalog /Pages %d 0 R /A 3 0 R >>" % (2 if 2 in numbers else 5)}
    objects[4] = stream(data, b"/Type /ObjStm /N %d /First %d" % (count, first), filters=filters)
    if 2 not in numbers:
        objects[5] = b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>"
    file = bytearray(b"%PDF-1.7\n")
    entries = {0: (0, 0, 0)}
    for number, body in objects.items():
        entries[number] = (1, len(file), 0)
        file += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    for place, number in enumerate(numbers):
        entries[number] = (2, 4, place)
    at = len(file)
    entries[6] = (1, at, 0)
    rows = b"".join(
        kind.to_bytes(1, "big") + place.to_bytes(4, "big") + more.to_bytes(2, "big")
        for kind, place, more in (entries.get(number, (0, 0, 0)) for number in range(7))
    )
    index = stream(rows, b"/Type /XRef /W [1 4 2] /Size 7 /Root 1 0 R", packed=1)
    return bytes(file) + b"6 0 obj\n%b\nendobj\nstartxref\n%d\n%%%%EOF\n" % (index, at)


def of_index_stream(data: bytes, entries: bytes) -> bytes:
    whole = with_index(list_of_two_objects())
    body = whole[: whole.index(b"xref\n0 ")]
    index = b"<< /Type /XRef /Root 1 0 R /Length %d %b >>\nstream\n%b\nendstream" % (len(data), entries, data)
    return body + b"99 0 obj\n%b\nendobj\nstartxref\n%d\n%%%%EOF\n" % (index, len(body))


def list_of_two_objects() -> list[bytes]:
    pdf = list_of_two()
    pdf.written()
    return pdf.objects
