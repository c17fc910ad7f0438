"""Exports are drawn operator for operator as the real ones are."""

import re
import shutil
import subprocess
from pathlib import Path

import pdfplumber
import pikepdf
import pytest

from demo.erp import font
from demo.erp.erp import DemoErp
from demo.erp.lists import LISTS
from demo.erp.pdf import Column, Flaws, PageAt, Written, write_pdf
from demo.erp.wrapping import wrap
from tests.erp.conftest import contents

NUMBER = rb"-?\d+(?:\.\d{1,5})?"
COLOUR = rb"%b %b %b rg" % ((NUMBER,) * 3)
BOX = rb"%b %b %b %b" % ((NUMBER,) * 4)
FILL = rb"q %b re W n %b %b re f Q" % (BOX, COLOUR, BOX)
SHOW = rb"(?:<(?:[0-9A-F]{4})+> Tj|\[ <(?:[0-9A-F]{4})+>(?: %b <(?:[0-9A-F]{4})+>)+\] TJ)" % NUMBER
LINE = rb"%b %b Td %b" % (NUMBER, NUMBER, SHOW)
FIRST_LINES = rb"%b(?: %b -11\.2115 Td %b)*" % (LINE, NUMBER, SHOW)
TEXT = rb"q %b re W n %b q BT /FNT0 9\.75 Tf %b ET Q Q" % (BOX, COLOUR, FIRST_LINES)
CELL = rb"%b(?: %b)?" % (b" ".join([FILL] * 5), TEXT)
GROUND = rb" q 0 0\.000017703 612 792 re W n 1 1 1 rg 0 0\.000017703 612 792 re f Q"
PAGE = re.compile(rb"%b(?: %b)+" % (GROUND, CELL))

TWO_PAGES = [
    [Column("ID", "right"), Column("NOME"), Column("PARTITA IVA:")],
    [Column("TIPO DI CLIENTE", "right"), Column("NOTE")],
]
ROWS = [
    ("80", "Studio Fioralba", "01234567890", "1.729,22 €", ""),
    ("1.452", "Centro Città Alta", "", "-12,30 €", "Dott.ssa L’Aquila"),
]


def tables(path: Path, *places: int) -> list[list[list[str]]]:
    """What pdfplumber reads from the pages at these places, or from all."""
    with pdfplumber.open(path) as pdf:
        pages = [pdf.pages[place] for place in places] or pdf.pages
        return [
            [[" ".join((cell or "").split()) for cell in row] for row in page.extract_tables()[0]] for page in pages
        ]


def test_the_real_exports_obey_the_grammar_that_the_demo_is_held_to(erp_exports):
    for path in sorted(erp_exports.glob("*.pdf")):
        assert all(PAGE.fullmatch(content.rstrip()) for content in contents(path)), path.name


@pytest.mark.parametrize("demo_list", LISTS, ids=lambda each: each.sync_type)
def test_every_page_obeys_the_grammar(erp: DemoErp, tmp_path, demo_list):
    erp.write_export(demo_list.name, tmp_path / "export.pdf")
    assert all(PAGE.fullmatch(content) for content in contents(tmp_path / "export.pdf"))


def test_a_cell_stands_where_a_real_export_has_it(tmp_path):
    columns = [Column("ID", "right", 55.5), Column("PROFILO CLIENTE:", width=90.75), Column("NOME", width=224.25)]
    name = "Studio Fioralba &\nM."
    write_pdf(tmp_path / "export.pdf", [columns], [("80", "068631", name)])
    [content] = contents(tmp_path / "export.pdf")
    assert (
        b"q 72.375 706.875 54.75 12.75 re W n 1 1 1 rg q BT /FNT0 9.75 Tf 94.606 709.9603 Td <002C0027> Tj" in content
    )
    assert b" 115.875 690.8353 Td <001B0013> Tj ET Q Q" in content  # in the middle of a row of two lines
    assert b" 220.125 696.6482 Td " in content
    assert b" 0 -11.2115 Td <00300011> Tj ET Q Q" in content


def test_only_wrapped_texts_are_kerned(tmp_path):
    write_pdf(tmp_path / "export.pdf", [[Column("A"), Column("B")]], [("Via VA", "Via\nVA")])
    [content] = contents(tmp_path / "export.pdf")
    assert b"<00390029" not in content
    assert b"<0039004C0044000300390024> Tj" in content  # one line
    assert b"[ <0039> 60.0586 <004C0044>] TJ" in content  # the same word, in a wrapped cell


def test_pdfplumber_reads_what_was_drawn(tmp_path):
    totals = ["Count=2", "", "", "Sum=1.716,92 €", ""]
    written = write_pdf(tmp_path / "export.pdf", TWO_PAGES, ROWS, totals=totals)
    assert written == Written(pages=2, records=2)
    first, second = tables(tmp_path / "export.pdf")
    assert first == [["ID", "NOME", "PARTITA IVA:"], *(list(row[:3]) for row in ROWS), ["Count=2", "", ""]]
    assert second == [["TIPO DI CLIENTE", "NOTE"], *(list(row[3:]) for row in ROWS), ["Sum=1.716,92 €", ""]]


def test_a_row_is_as_high_on_every_page_as_its_longest_cell(tmp_path):
    write_pdf(tmp_path / "export.pdf", TWO_PAGES, [("1", "una\ndue\ntre", "", "", "breve")])
    first, second = contents(tmp_path / "export.pdf")
    assert b" 36 re f Q" in first
    assert b" 36 re f Q" in second


def test_a_band_ends_where_the_page_is_full_and_the_next_begins_with_the_headers(tmp_path):
    written = write_pdf(tmp_path / "export.pdf", TWO_PAGES, [("1", "x", "x", "1", "x")] * 48)
    assert written.pages == 4
    assert [len(table) for table in tables(tmp_path / "export.pdf")] == [48, 48, 2, 2]


def test_an_export_without_records_has_its_headers_and_totals(tmp_path):
    assert write_pdf(tmp_path / "export.pdf", TWO_PAGES, [], totals=["Count=0", "", "", "", ""]).pages == 2
    assert tables(tmp_path / "export.pdf")[0][1] == ["Count=0", "", ""]


def test_headers_may_repeat_and_wrap(tmp_path):
    pages = [[Column("NOME DI CONSEGNA"), Column("NOME DI CONSEGNA", width=60)], [Column("QTÀ")]]
    write_pdf(tmp_path / "export.pdf", pages, [("a", "b", "c")])
    assert tables(tmp_path / "export.pdf") == [[["NOME DI CONSEGNA"] * 2, ["a", "b"]], [["QTÀ"], ["c"]]]


def test_a_number_is_never_cut(tmp_path):
    with pytest.raises(ValueError, match="does not fit its column, IMPORTO: give it a width"):
        write_pdf(tmp_path / "export.pdf", [[Column("IMPORTO", "right", 50)]], [("1.234.567.890,12 €",)])


def test_a_row_with_too_few_texts_is_refused(tmp_path):
    with pytest.raises(ValueError, match="2 texts for 5 columns"):
        write_pdf(tmp_path / "export.pdf", TWO_PAGES, [("1", "2")])


def test_a_character_that_the_font_lacks_is_named(tmp_path):
    with pytest.raises(ValueError, match="has no '漢'"):
        write_pdf(tmp_path / "export.pdf", [[Column("A")]], [("漢",)])


def test_flaws_leave_out_a_page_or_a_row(tmp_path):
    rows = [("1", "x", "x", "1", "x")] * 60
    flaws = Flaws(missing_page=PageAt(band=1, page=0), short_page=PageAt(band=0, page=1))
    assert write_pdf(tmp_path / "export.pdf", TWO_PAGES, rows, flaws=flaws).pages == 3
    assert [len(table) for table in tables(tmp_path / "export.pdf")] == [48, 47, 14]


def test_the_file_says_what_the_real_ones_say(tmp_path):
    write_pdf(tmp_path / "export.pdf", TWO_PAGES, ROWS)
    assert (tmp_path / "export.pdf").read_bytes().startswith(b"%PDF-1.3\n")
    with pikepdf.open(tmp_path / "export.pdf", attempt_recovery=False) as pdf:
        assert str(pdf.docinfo["/Producer"]) == "Developer Express Inc. DXperience (tm) v24.1.7"
        page = pdf.pages[0].obj
        assert [float(length) for length in page.MediaBox] == [0, 0, 612, 792]
        typeface = page.Resources.Font["/FNT0"]
        assert [str(typeface.Subtype), str(typeface.Encoding)] == ["/Type0", "/Identity-H"]
        assert typeface.DescendantFonts[0].Subtype == "/CIDFontType2"


@pytest.mark.usefixtures("real_processes")
@pytest.mark.skipif(not shutil.which("pdffonts"), reason="needs poppler's pdffonts")
def test_the_font_is_embedded_for_viewers(tmp_path):
    write_pdf(tmp_path / "export.pdf", TWO_PAGES, ROWS)
    shown = subprocess.run(["pdffonts", tmp_path / "export.pdf"], capture_output=True, text=True, check=True).stdout
    assert re.search(r"DEVEXP\+ArchibaldDemoSerif +CID TrueType +Identity-H +yes yes yes", shown)


def test_the_font_is_named_and_licensed_as_its_licence_asks():
    assert font.FONT_FILE.stat().st_size < 60_000
    assert "Liberation" not in font.FONT_FILE.name
    assert "SIL OPEN FONT LICENSE Version 1.1" in (font.FONT_FILE.parent / "OFL.txt").read_text()


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", ()),
        ("una riga", ("una riga",)),
        ("due\nrighe", ("due", "righe")),
        ("parole che non stanno in una sola riga stretta", ("parole che non stanno in", "una sola riga stretta")),
        ("unaparolalunghissimasenzaspazi", ("unaparolalunghissimasen", "zaspazi")),
    ],
)
def test_texts_wrap_at_words(text, lines):
    assert wrap(text, 100) == lines


def test_a_tracking_link_wraps_as_in_real_exports():
    link = "https://www.fedex.com/fedextrack/?trknbr=175934530820&locale=it_IT"
    assert wrap(f'<a href = "{link} target="_blank">fedex 175934530820</a>', 221.25) == (
        '<a href = "https://www.fedex.com/fedextrack/?',
        "trknbr=175934530820&locale=it_IT",
        'target="_blank">fedex 175934530820</a>',
    )
