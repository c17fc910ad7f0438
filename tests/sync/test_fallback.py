"""Pages that the ERP did not draw are read by pdfplumber, and give the same records or none."""

import pikepdf
import pytest
from reportlab.lib import colors
from reportlab.lib.pagesizes import landscape, letter
from reportlab.platypus import PageBreak, SimpleDocTemplate, Table, TableStyle

from sync.exceptions import ExportTooLarge, PageUnreadable
from sync.exports.erp_page import ErpPages
from sync.exports.fallback import FallbackPages
from sync.exports.pdf import Limits
from sync.exports.reader import spans
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
    assert any("read by pdfplumber: 1-3" in note for note in notes(path))


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
    ours = draw(tmp_path / "list.pdf", pages=(4, 3, 3))
    path = mixed(ours, other_producer(tmp_path / "other.pdf"), tmp_path / "mixed.pdf")
    assert read(path) == read(ours)
    assert any("read by pdfplumber: 2-3" in note for note in notes(path))


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
        assert any("read by pdfplumber: 2" in note for note in notes(path))
    except PageUnreadable as error:
        assert "Page 2" in str(error)  # noqa: PT017


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
    with pytest.raises(ExportTooLarge, match="unpacked"):
        read(path, limits=Limits(page_bytes=500))


def test_both_ways_read_a_page_alike(tmp_path):
    path = draw(tmp_path / "list.pdf", [*TWO_ROWS, row("1.003", name="Studio\nDentistico Perù & Figli")])
    with pikepdf.open(path) as pdf, FallbackPages(path, Limits()) as fallback:
        for number, page in enumerate(pdf.pages, start=1):
            assert ErpPages(Limits()).table(page, number) == fallback.table(page, number)


def test_page_numbers_are_told_in_spans():
    assert spans([1, 2, 3, 7, 9, 10]) == "1-3, 7, 9-10"
