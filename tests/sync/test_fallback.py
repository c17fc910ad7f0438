"""Pages that the ERP did not draw are read by pdfplumber, and give the same records or none."""

import re
from decimal import Decimal
from unittest.mock import Mock

import pikepdf
import pytest
from reportlab.lib import colors
from reportlab.lib.pagesizes import landscape, letter
from reportlab.pdfgen import canvas
from reportlab.platypus import PageBreak, SimpleDocTemplate, Spacer, Table, TableStyle

from demo.erp.pdf import Column as Drawn
from demo.erp.pdf import write_pdf
from sync.exceptions import ExportTooLarge, PageUnreadable, UnequalRowHeights
from sync.exports import fallback
from sync.exports.erp_page import ErpPages, NotErpPage
from sync.exports.layout import Column, ExportLayout
from sync.exports.limits import Limits
from sync.exports.reader import format_ranges
from sync.exports.values import code, date_time, integer, money, text
from tests.sync.drawing import FOOTER, HEADERS, TWO_ROWS, draw, notes, read, row

GRID = TableStyle([("GRID", (0, 0), (-1, -1), 0.5, colors.grey), ("VALIGN", (0, 0), (-1, -1), "MIDDLE")])
CUTS = [(0, 4), (4, 7), (7, 10)]


def other_producer(path, rows=TWO_ROWS, *, footer=FOOTER):
    """The same list as another program would draw it."""
    flow = []
    for left, right in CUTS:
        flow += [Table([cells[left:right] for cells in [HEADERS, *rows, footer]], style=GRID), PageBreak()]
    SimpleDocTemplate(str(path), pagesize=landscape(letter)).build(flow)
    return path


def mixed(first, second, path):
    """The first page of one file, the others of another."""
    with pikepdf.open(first) as ours, pikepdf.open(second) as theirs:
        pdf = pikepdf.new()
        pdf.pages.append(ours.pages[0])
        pdf.pages.extend(theirs.pages[1:])
        pdf.save(path)
    return path


def test_another_producers_export_gives_the_same_records_and_a_note(tmp_path):
    path = other_producer(tmp_path / "other.pdf")
    assert read(path) == read(draw(tmp_path / "list.pdf"))
    assert any("read with pdfplumber: 1-3" in note for note in notes(path))


@pytest.mark.parametrize("reader", ["as the ERP draws", "pdfplumber"])
@pytest.mark.parametrize("width", [24, 31, 38, 45, 52, 59, 66, 90])
def test_what_has_no_spaces_is_whole_however_narrow_its_cell_is_and_prose_keeps_its_spaces(
    tmp_path, monkeypatch, reader, width
):
    path = tmp_path / "narrow.pdf"
    layout = ExportLayout(
        key="code",
        columns=[
            Column("CODICE", "code", code, required="the key"),
            Column("NOME:", "name", text),
            Column("SOMMA", "amount", money),
            Column("DATA", "changed_at", date_time),
        ],
    )
    rows = [
        ["001000K0", "San Remo di Sopra", "100.000.000,50 €", "20/01/2026 12:04:22"],
        ["AB 12 CD", "Roma", "1,50 €", "21/01/2026 12:04:22"],
    ]
    strips = [[Drawn(column.header, width=width) for column in layout.columns]]
    write_pdf(path, strips, rows, totals=["Count=2", "", "Sum=100.000.002 €", ""])
    if reader == "pdfplumber":
        monkeypatch.setattr(ErpPages, "table", Mock(side_effect=NotErpPage))
    first, second = read(path, layout)
    assert (first["code"], first["amount"]) == ("001000K0", Decimal("100000000.50"))
    assert str(first["changed_at"]) == "2026-01-20 11:04:22+00:00"
    assert second["amount"] == Decimal("1.50")
    if width > 38:  # "Sopra" fits
        assert (first["name"], second["name"]) == ("San Remo di Sopra", "Roma")
    if width > 45:  # "AB 12" fits
        assert second["code"] == "AB 12 CD"


LONG_ADDRESS = "amministrazione.magazzino@studio-dentistico-associato-bianchi.example.it"


@pytest.mark.parametrize("reader", ["as the ERP draws", "pdfplumber"])
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (LONG_ADDRESS, LONG_ADDRESS),
        ("a@x.it\nRoma", "a@x.it Roma"),
        ("Studio\na@x.it", "Studio a@x.it"),
        ("a@x.it\nb@x.it", "a@x.it b@x.it"),
        ("Via\nRoma", "Via Roma"),
    ],
)
def test_an_e_mail_address_in_a_text_is_whole_however_the_erp_broke_it(tmp_path, monkeypatch, reader, name, expected):
    path = draw(tmp_path / "list.pdf", [row("1.001", name=name), row("1.002")])
    with pikepdf.open(path) as pdf:
        assert "\n" in ErpPages(Limits()).table(pdf.pages[0], 1).rows[1][2]
    if reader == "pdfplumber":
        monkeypatch.setattr(ErpPages, "table", Mock(side_effect=NotErpPage))
    assert read(path)[0]["name"] == expected


def test_a_word_before_an_address_that_was_broken_is_no_part_of_it():
    """It would be an address of somebody else."""
    column = Column("CITTÀ", "city", text)
    lines = ["Rossi", "amministrazione@studio-dentistico-as", "sociato.example.it"]
    assert column.read("\n".join(lines)) == " ".join(lines)
    assert column.read("\n".join(["amministrazione.magazzino.esteri", *lines[1:]])) == (
        "amministrazione.magazzino.esteriamministrazione@studio-dentistico-associato.example.it"
    )


def test_the_erps_own_pages_never_fall_back(tmp_path):
    assert notes(draw(tmp_path / "list.pdf")) == []


def test_a_content_stream_may_be_the_only_one_of_an_array(tmp_path):
    path = draw(tmp_path / "list.pdf")
    expected = read(path)
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        pdf.pages[1].obj.Contents = pikepdf.Array([pdf.pages[1].obj.Contents])
        pdf.save(path)
    assert (read(path), notes(path)) == (expected, [])


def test_only_the_pages_that_are_drawn_otherwise_fall_back(tmp_path):
    path = draw(tmp_path / "list.pdf")
    expected = read(path)
    redrawn(path, lambda content: content + b" q 1 w Q")
    assert read(path) == expected
    assert any("read with pdfplumber: 2." in note for note in notes(path))


def test_pages_of_another_producer_between_the_erp_s_own_are_refused(tmp_path):
    ours = draw(tmp_path / "list.pdf", pages=(4, 3, 3))
    with pytest.raises(UnequalRowHeights, match=r"Page 2 .* page 1: its row 0 has a different height"):
        read(mixed(ours, other_producer(tmp_path / "other.pdf"), tmp_path / "mixed.pdf"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b" Tj ET Q Q", b" Tj ET Q Q q 1 0 0 1 0 0 cm Q"),  # an operator that the ERP does not use
        (b"/FNT0 9.75 Tf", b"/FNT9 9.75 Tf"),  # a font that the page does not have
        (b"re W n 0 0 0 rg q BT", b"re W n 0 0 0 rg q 1 Tr BT"),
        (b"72 72", b"72.x 72"),
        (b" 13.5 re f Q", b" 13.5 re f* Q"),
    ],
)
def test_any_other_drawing_is_not_guessed_at(tmp_path, old, new):
    path = draw(tmp_path / "list.pdf")
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        content = pdf.pages[1].Contents.read_bytes()
        assert old in content
        pdf.pages[1].Contents = pikepdf.Stream(pdf, content.replace(old, new, 1))
        pdf.save(path)
    try:
        assert any("read with pdfplumber: 2" in note for note in notes(path))
    except PageUnreadable as error:
        assert "Page 2" in str(error)  # noqa: PT017


def redrawn(path, change):
    """The second page's content, changed."""
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        content = pdf.pages[1].Contents.read_bytes()
        changed = change(content)
        assert changed != content
        pdf.pages[1].Contents = pikepdf.Stream(pdf, changed)
        pdf.save(path)
    return path


TEXT = re.compile(rb" q [0-9.]+ [0-9.]+ [0-9.]+ [0-9.]+ re W n 0 0 0 rg q BT .*? ET Q Q")


def first(pattern, content):
    match = re.search(pattern, content)
    assert match
    return match[0]


@pytest.mark.parametrize(
    "change",
    [
        lambda content: TEXT.sub(lambda text: text[0] * 2, content, count=1),  # two texts in a cell
        lambda content: TEXT.sub(b"", content, count=1) + first(TEXT, content),  # in another cell
        lambda content: re.sub(rb"(0 0 0 rg q BT .*? Td )(<[^>]+>) Tj", rb"\1[ \2 -400 \2] TJ", content, count=1),
    ],
)
def test_a_text_that_is_not_one_cell_s_own_is_not_read_as_if_it_were(tmp_path, change):
    path = redrawn(draw(tmp_path / "list.pdf"), change)
    with pikepdf.open(path) as pdf, pytest.raises(NotErpPage):
        ErpPages(Limits()).table(pdf.pages[1], 2)


@pytest.mark.parametrize(
    "entry",
    [
        b"1 beginbfrange <0000> <FFFF> <D800> endbfrange",
        b"1 beginbfrange <000000> <10FF00> <0041> endbfrange",
        b"1 beginbfrange <0001> <0002> [<0041> <0042>] endbfrange",
        b"1 beginbfchar <0001> <> endbfchar",
        b"1 beginbfchar <0001> <FFFD> endbfchar",
        b" ",
    ],
)
def test_a_code_without_a_character_is_never_dropped(tmp_path, entry):
    path = draw(tmp_path / "list.pdf")
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        pdf.pages[1].Resources.Font["/FNT0"].ToUnicode = pikepdf.Stream(pdf, entry)
        pdf.save(path)
    with pikepdf.open(path) as pdf, pytest.raises((NotErpPage, PageUnreadable)):
        ErpPages(Limits()).table(pdf.pages[1], 2)


def test_fonts_that_pages_hold_themselves_are_not_taken_for_one_another(tmp_path):
    path = draw(tmp_path / "list.pdf")
    expected = read(path)
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        for number, page in enumerate(pdf.pages):
            font = {key: value for key, value in page.Resources.Font["/FNT0"].items() if key != "/ToUnicode"}
            cmap = page.Resources.Font["/FNT0"].ToUnicode.read_bytes()
            one, two = (first(rb"<[0-9A-F]{4}>(?= <%b>)" % character, cmap) for character in (b"0031", b"0032"))
            if number == 3:  # the codes of 1 and 2 have changed places
                cmap = swapped(cmap, one, two)
            font["/ToUnicode"] = pikepdf.Stream(pdf, cmap)
            page.obj.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary({"/FNT0": pikepdf.Dictionary(font)}))
        pdf.save(path)
    assert [record["last_order"].month for record in read(path)] == [2, 2]
    assert [record["last_order"].month for record in expected] == [1, 1]


def swapped(cmap, one, two):
    return cmap.replace(one + b" <0031>", one + b" <0032>").replace(two + b" <0032>", two + b" <0031>")


@pytest.mark.parametrize("font", [3, "name", [1], {"/Encoding": 3}])
@pytest.mark.parametrize("key", ["/Font", "/FNT0"])
def test_what_is_no_font_is_no_crash(tmp_path, font, key):
    path = draw(tmp_path / "list.pdf")
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        holder = pdf.pages[1].Resources if key == "/Font" else pdf.pages[1].Resources.Font
        holder[key] = pikepdf.Dictionary(font) if isinstance(font, dict) else font
        pdf.save(path)
    with pytest.raises(PageUnreadable):
        read(path)


def by_words(path, name):
    """A list whose words another program draws one by one, with no blanks between them."""
    page = canvas.Canvas(str(path), pagesize=(700, 600))
    for line, cells in enumerate([["ID", "NOME:", "CITTÀ"], ["1", name, "San Remo"], ["Count=1", "", ""]]):
        left = 20.0
        for width, cell in zip([60, 160, 110], cells, strict=True):
            page.rect(left, 550 - 18 * line, width, 18)
            page.setFont("Helvetica", 10)
            start = left + 3
            for word in cell.split():
                page.drawString(start, 555 - 18 * line, word)
                start += page.stringWidth(f"{word} ")
            left += width
    page.save()
    return path


CITIES = ExportLayout(
    key="id",
    columns=[
        Column("ID", "id", integer, required="the key"),
        Column("NOME:", "name", text),
        Column("CITTÀ", "city", text),
    ],
)


def test_words_that_are_drawn_one_by_one_keep_their_spaces(tmp_path):
    (record,) = read(by_words(tmp_path / "words.pdf", "Mario De Rossi"), CITIES)
    assert record == {"id": 1, "name": "Mario De Rossi", "city": "San Remo"}


def test_a_word_that_runs_into_the_next_cell_is_refused(tmp_path):
    with pytest.raises(PageUnreadable, match="runs over the edge of its cell"):
        read(by_words(tmp_path / "words.pdf", "Studio Dentistico Mario " + "i" * 21 + " Roma Sud"), CITIES)


def test_a_text_that_runs_into_the_next_row_is_refused(tmp_path):
    path = tmp_path / "rows.pdf"
    cells = [["ID", "NOME:", "CITTÀ"], ["1", "Beta", ""], ["2", "Studio\nAlfa\nRossi", ""], ["Count=2", "", ""]]
    SimpleDocTemplate(str(path)).build([Table(cells, rowHeights=[14] * 4, style=GRID)])
    with pytest.raises(PageUnreadable, match=r"runs over the edge of its row|characters overlap"):
        read(path, CITIES)


@pytest.mark.parametrize("padding", [0, 1, 3])
def test_letters_that_hang_into_another_row_stay_in_their_own(tmp_path, padding):
    path = tmp_path / "tight.pdf"
    cells = [["ID", "NOME:", "CITTÀ"], ["1", "Rossi gqp", "Bari"], ["2", "VIA ROMA\nMILANO", "Via\nTorino"]]
    style = TableStyle(
        [*GRID.getCommands(), *((f"{side}PADDING", (0, 0), (-1, -1), padding) for side in ("TOP", "BOTTOM"))]
    )
    SimpleDocTemplate(str(path)).build([Table([*cells, ["Count=2", "", ""]], [50, 60, 50], style=style)])
    assert [(record["name"], record["city"]) for record in read(path, CITIES)] == [
        ("Rossi gqp", "Bari"),
        ("VIA ROMA MILANO", "Via Torino"),
    ]


def test_a_page_of_countless_lines_is_refused_before_pdfplumber_sees_it(tmp_path):
    path = redrawn(draw(tmp_path / "list.pdf"), lambda content: content + b" 1 1 5 5 re f" * 20_000)
    with pytest.raises(PageUnreadable, match="draws more than"):
        read(path)


def test_a_page_of_more_than_a_megabyte_is_not_given_to_pdfplumber(tmp_path):
    path = redrawn(draw(tmp_path / "list.pdf"), lambda content: content + b" 0 0 m" * 180_000)
    with pytest.raises(PageUnreadable, match="draws more than 1048576 bytes"):
        read(path)


HIDDEN = {
    "not rendered": lambda content: content.replace(b" rg q BT ", b" rg q BT 3 Tr "),
    "clipped away": lambda content: TEXT.sub(lambda text: text[0].replace(b" q ", b" q 0 0 5 5 re W n ", 1), content),
    "white": lambda content: content.replace(b"re W n 0 0 0 rg q", b"re W n 1 1 1 rg q"),
    "nearly white": lambda content: content.replace(b"re W n 0 0 0 rg q", b"re W n 1 1 .99 rg q 0 w"),
    "of no size": lambda content: content.replace(b" 9.75 Tf", b" 0 Tf"),
    "tiny": lambda content: content.replace(b" 9.75 Tf", b" 0.01 Tf"),
    "of no width": lambda content: content.replace(b" rg q BT ", b" rg q BT 0 Tz "),
    "under no clip": lambda content: re.sub(rb" [0-9.]+ [0-9.]+ re W n 0 0 0 rg q", b" 0 0 re W n 0 0 0 rg q", content),
    "covered": lambda content: content + b" q 1 1 1 rg 74 600 200 120 re f Q",
    "in a hidden layer": lambda content: content.replace(b" BT ", b" /OC /MC0 BDC BT ").replace(b" ET ", b" ET EMC "),
}


@pytest.mark.parametrize("change", HIDDEN.values(), ids=HIDDEN)
def test_a_text_that_cannot_be_seen_is_no_text(tmp_path, change):
    path = redrawn(draw(tmp_path / "list.pdf"), change)
    with pytest.raises(PageUnreadable, match=r"Page 2 .* again from the ERP; do not print it"):
        read(path)


def test_texts_that_can_be_seen_are_read_however_small_they_are(tmp_path):
    path = draw(tmp_path / "list.pdf", [row("1.001", name="i . , ' - _ l"), row("1.002")], pages=(2, 4, 2, 2))
    expected = read(path)
    assert read(redrawn(path, lambda content: content + b" q 1 w Q")) == expected


@pytest.mark.parametrize(("key", "value"), [("/Rotate", "x"), ("/CropBox", [0]), ("/MediaBox", [0, 0, 0, 0])])
def test_what_pdfplumber_stops_at_is_a_named_error_also_when_it_is_closed(tmp_path, key, value):
    path = other_producer(tmp_path / "other.pdf")
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        pdf.pages[1].obj[key] = value
        pdf.save(path)
    with pytest.raises(PageUnreadable, match="Page 2 holds no table that can be read: pdfplumber cannot read it"):
        read(path)


def test_a_drawing_within_the_drawing_is_refused(tmp_path):
    path = redrawn(draw(tmp_path / "list.pdf"), lambda content: content + b" /A Do")
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        form = pikepdf.Stream(pdf, b"", Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Form)
        pdf.pages[1].Resources.XObject = pikepdf.Dictionary(A=form)
        pdf.save(path)
    with pytest.raises(PageUnreadable, match="drawing nested in another one"):
        read(path)


def test_two_tables_on_a_page_are_not_one(tmp_path):
    path = tmp_path / "two.pdf"
    table = [["ID", "NOME:", "CITTÀ"], ["1", "Alfa", ""]]
    SimpleDocTemplate(str(path)).build([Table(table, style=GRID), Spacer(1, 40), Table(table, style=GRID)])
    with pytest.raises(PageUnreadable, match="2 tables, not one"):
        read(path, CITIES)


def test_a_page_without_a_table_is_named(tmp_path):
    path = draw(tmp_path / "list.pdf")
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        pdf.pages[2].Contents = pikepdf.Stream(pdf, b"BT ET")
        pdf.save(path)
    with pytest.raises(PageUnreadable, match="Page 3 holds no table"):
        read(path)


def test_a_text_that_runs_into_the_next_cell_is_refused(tmp_path):
    """pdfplumber would give its end to the neighbour."""
    path = draw(tmp_path / "list.pdf", pages=(4, 3, 3))
    narrow = TableStyle([*GRID.getCommands(), ("ALIGN", (0, 0), (-1, -1), "LEFT")])
    cells = [[*HEADERS[:4]], *[[*cells[:4]] for cells in [TWO_ROWS[0], row("1.002", name="Studio " * 9)]], FOOTER[:4]]
    other = tmp_path / "other.pdf"
    SimpleDocTemplate(str(other), pagesize=landscape(letter)).build([Table(cells, [100] * 4, style=narrow)])
    with pytest.raises(PageUnreadable, match="runs over the edge of its cell"):
        read(mixed(other, path, tmp_path / "mixed.pdf"))


def test_the_limits_hold_for_pages_that_fall_back(tmp_path):
    path = other_producer(tmp_path / "other.pdf")
    with pytest.raises(ExportTooLarge, match="decompressed"):
        read(path, limits=Limits(page_bytes=500))


def test_both_ways_read_a_page_alike(tmp_path):
    path = draw(tmp_path / "list.pdf", [*TWO_ROWS, row("1.003", name="Studio\nDentistico Perù & Figli")])
    with pikepdf.open(path) as pdf:
        for number, page in enumerate(pdf.pages, start=1):
            as_drawn = ErpPages(Limits()).table(page, number)
            plumbed = fallback.read_table(page, number, Limits())
            assert plumbed.rows == as_drawn.rows
            assert plumbed.edges == pytest.approx(as_drawn.edges, abs=0.1)


def test_page_numbers_are_told_in_spans():
    assert format_ranges([1, 2, 3, 7, 9, 10]) == "1-3, 7, 9-10"
