"""Columns and bands: right, or a named error; never a shifted column."""

import random
import re
from datetime import date
from itertools import accumulate, pairwise

import pikepdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.erp.pdf import Flaws, PageAt
from sync.exceptions import (
    BandIncomplete,
    LayoutChanged,
    MissingKey,
    RepeatedColumn,
    UnequalRowHeights,
    UnequalRows,
    WrongList,
)
from sync.exports.bands import divide_into_bands
from sync.exports.erp_page import ErpPages
from sync.exports.fallback import read_table
from sync.exports.layout import Column, ExportLayout
from sync.exports.limits import Limits
from sync.exports.page import PageTable
from sync.exports.values import integer
from tests.sync.drawing import FOOTER, HEADERS, LAYOUT, TWO_ROWS, draw, notes, read, row

EXPECTED = {
    "erp_id": 1001,
    "name": "Studio Alfa",
    "orders_last_year": 3,
    "sales_last_year": 1200.50,
    "orders_before": 1,
    "sales_before": 80,
}


def without(*headers):
    """The list's headers, rows and footer without some columns."""
    kept = [place for place, header in enumerate(HEADERS) if header not in headers]
    return moved(kept)


def moved(places):
    def taken(cells):
        return [cells[place] for place in places]

    return {
        "headers": taken(HEADERS),
        "rows": [taken(cells) for cells in TWO_ROWS],
        "footer": taken(FOOTER),
        "pages": (len(places),),
    }


def test_an_export_is_read_by_its_headers(tmp_path):
    first, second = read(draw(tmp_path / "list.pdf"))
    assert first.items() >= EXPECTED.items()
    assert second["name"] == "Studio Beta"


@pytest.mark.parametrize("pages", [(10,), (1,) * 10, (4, 6), (2, 2, 2, 2, 2), (3, 1, 1, 1, 1, 1, 1, 1)])
def test_a_band_may_have_any_number_of_pages(tmp_path, pages):
    assert read(draw(tmp_path / "list.pdf", pages=pages)) == read(draw(tmp_path / "usual.pdf"))


def test_a_hidden_column_is_left_out_and_noted(tmp_path):
    path = draw(tmp_path / "list.pdf", **without("BLOCCATO"))
    assert "is_blocked" not in read(path)[0]
    assert any("BLOCCATO" in note and "values are kept" in note for note in notes(path))


def test_a_required_column_that_is_hidden_is_named(tmp_path):
    with pytest.raises(LayoutChanged, match="NOME:"):
        read(draw(tmp_path / "list.pdf", **without("NOME:")))


def test_a_renamed_column_is_named(tmp_path):
    headers = ["RAGIONE SOCIALE" if header == "NOME:" else header for header in HEADERS]
    with pytest.raises(LayoutChanged, match="NOME:"):
        read(draw(tmp_path / "list.pdf", headers=headers))


def test_moved_columns_are_noted_and_give_the_same_records(tmp_path):
    places = [9, 7, 1, 3, 4, 5, 6, 8, 2, 0]  # those that share a header stay beside their neighbours
    path = draw(tmp_path / "list.pdf", **moved(places))
    assert read(path) == read(draw(tmp_path / "usual.pdf"))
    assert any("different order" in note for note in notes(path))


def test_an_extra_column_is_noted_and_not_mirrored(tmp_path):
    path = draw(
        tmp_path / "list.pdf",
        [["x", *cells] for cells in TWO_ROWS],
        headers=["COLORE", *HEADERS],
        footer=["", *FOOTER],
        pages=(4, 3, 2, 2),
    )
    assert read(path) == read(draw(tmp_path / "usual.pdf"))
    assert any("COLORE" in note for note in notes(path))


def test_two_pairs_that_share_headers_may_change_places(tmp_path):
    path = draw(tmp_path / "list.pdf", **moved([0, 1, 2, 5, 6, 3, 4, 7, 8, 9]))
    assert read(path) == read(draw(tmp_path / "usual.pdf"))


@pytest.mark.parametrize(
    "places",
    [
        [0, 1, 2, 3, 6, 5, 7, 4, 8, 9],  # the first is away from its neighbour
        [0, 1, 2, 3, 5, 4, 6, 7, 8, 9],  # both after the second's
        [0, 1, 2, 3, 4, 5, 7, 8, 9],  # one is hidden
        [0, 1, 2, 3, 5, 6, 7, 8, 9],  # the other is hidden
    ],
)
def test_columns_with_one_header_that_cannot_be_told_apart_are_not_read_and_noted(tmp_path, places):
    path = draw(tmp_path / "list.pdf", **moved(places))
    usual = read(draw(tmp_path / "usual.pdf"))
    doubtful = ("sales_last_year", "sales_before")
    assert read(path) == [
        {field: value for field, value in record.items() if field not in doubtful} for record in usual
    ]
    (note,) = [note for note in notes(path) if note.startswith("Columns that share a header")]
    assert "VENDITE" in note


@pytest.mark.parametrize(
    ("hidden", "places"),
    [
        ("orders_last_year", [0, 1, 2, 4, 5, 6, 7, 8, 9]),
        ("orders_before", [0, 1, 2, 3, 4, 6, 7, 8, 9]),
    ],
)
def test_one_of_two_columns_with_one_header_is_known_by_the_other_when_its_neighbour_is_hidden(
    tmp_path, hidden, places
):
    usual = read(draw(tmp_path / "usual.pdf"))
    shown = read(draw(tmp_path / "list.pdf", **moved(places)))
    assert shown == [{field: value for field, value in record.items() if field != hidden} for record in usual]


@pytest.mark.parametrize("at", [4, 6])
def test_a_new_column_may_stand_between_one_of_two_with_one_header_and_its_neighbour(tmp_path, at):
    def widened(cells, text):
        return [*cells[:at], text, *cells[at:]]

    path = draw(
        tmp_path / "list.pdf",
        [widened(cells, "x") for cells in TWO_ROWS],
        headers=widened(HEADERS, "NUOVA"),
        footer=widened(FOOTER, ""),
        pages=(3, 3, 2, 3),
    )
    assert read(path) == read(draw(tmp_path / "usual.pdf"))


def test_a_known_header_that_comes_twice_is_refused(tmp_path):
    path = draw(
        tmp_path / "list.pdf",
        [[*cells, "Altro"] for cells in TWO_ROWS],
        headers=[*HEADERS, "NOME:"],
        footer=[*FOOTER, ""],
        pages=(3, 3, 2, 3),
    )
    with pytest.raises(RepeatedColumn, match="has the column NOME 2 times"):
        read(path)


def test_a_column_that_comes_twice_and_is_not_required_is_not_read_and_noted(tmp_path):
    path = draw(
        tmp_path / "list.pdf",
        [[*cells, "No"] for cells in TWO_ROWS],
        headers=[*HEADERS, "BLOCCATO"],
        footer=[*FOOTER, ""],
        pages=(3, 3, 2, 3),
    )
    assert "is_blocked" not in read(path)[0]
    assert any(
        note.startswith("Columns that appear more often than expected") and "BLOCCATO" in note for note in notes(path)
    )


def test_headers_are_the_same_with_either_apostrophe_and_however_they_wrap(tmp_path):
    headers = [header.replace("’", "'").replace("DELL'ULTIMO ORDINE", "DELL’ULTIMO\nORDINE") for header in HEADERS]
    assert read(draw(tmp_path / "list.pdf", headers=headers)) == read(draw(tmp_path / "usual.pdf"))


def test_a_wrapped_cell_is_one_text(tmp_path):
    rows = [row("1.001", name="Studio Dentistico\nAssociato\nGamma"), row("1.002")]
    assert read(draw(tmp_path / "list.pdf", rows))[0]["name"] == "Studio Dentistico Associato Gamma"


@pytest.mark.parametrize("name", ["Studio\n\nAlfa", "\nStudio\nAlfa", "Studio\nAlfa\n\n"])
def test_an_empty_line_within_a_cell_says_nothing(tmp_path, name):
    path = draw(tmp_path / "list.pdf", [row("1.001", name=name), row("1.002")])
    with pikepdf.open(path) as pdf:
        assert re.search(rb"Td (?:[-0-9.]+ [-0-9.]+ Td|ET)", pdf.pages[0].Contents.read_bytes())
        assert ErpPages(Limits()).table(pdf.pages[0], 1).rows == read_table(pdf.pages[0], 1, Limits()).rows
    assert (read(path)[0]["name"], notes(path)) == ("Studio Alfa", [])


def test_a_kerned_text_loses_nothing(tmp_path):
    path = draw(tmp_path / "list.pdf", [row("1.001", name="Via\nVA"), row("1.002")])
    with pikepdf.open(path) as pdf:
        assert b"] TJ" in pdf.pages[0].Contents.read_bytes()
    assert (read(path)[0]["name"], notes(path)) == ("Via VA", [])


def test_an_empty_cell_is_empty_and_moves_no_other(tmp_path):
    path = draw(tmp_path / "list.pdf", [row("1.001", name="", is_blocked=""), row("1.002", last_order="")])
    first, second = read(path)
    assert (first["name"], first["is_blocked"], first["last_order"]) == ("", None, date(2026, 1, 18))
    assert (second["name"], second["is_blocked"], second["last_order"]) == ("Studio Alfa", False, None)


def test_rows_without_an_id_are_no_records(tmp_path):
    zeros = dict.fromkeys(ZEROED, "0,00 €") | {"name": "", "last_order": "", "is_blocked": "Unchecked"}
    unset = dict.fromkeys(ZEROED, "") | {"name": "System.\nByte[]", "last_order": "01/01/0001", "is_blocked": ""}
    placeholders = [[""] * 10, row("", **zeros), row("", **unset), row("0", **dict.fromkeys(ZEROED, ""))]
    path = draw(tmp_path / "list.pdf", [*TWO_ROWS, *placeholders])
    assert [record["erp_id"] for record in read(path)] == [1001, 1002]
    assert any("Rows without an ID" in note and "4" in note for note in notes(path))


@pytest.mark.parametrize("cells", [{"name": "Studio Gamma"}, {"last_order": "18/01/2026"}, {"orders_last_year": "1"}])
def test_a_record_that_lost_its_id_is_refused(tmp_path, cells):
    nothing = dict.fromkeys([*ZEROED, "name", "last_order", "is_blocked"], "")
    path = draw(tmp_path / "list.pdf", [*TWO_ROWS, row("", **nothing | cells)])
    (shown,) = cells.values()
    with pytest.raises(MissingKey, match=rf"Page 1, row 3 has no ID, although it shows a record: {shown}\."):
        read(path)


ZEROED = ("orders_last_year", "sales_last_year", "orders_before", "sales_before")


def many(count):
    rows = [row(str(number), name=f"Studio {number}") for number in range(1, count + 1)]
    footer = ["", f"Count={count}", *[""] * 8]
    return {"rows": rows, "footer": footer}


@pytest.mark.parametrize("missing", [0, 1, 2, 3])
@pytest.mark.parametrize("band", [0, 1, 2])
def test_a_page_missing_from_a_band_is_noticed(tmp_path, band, missing):
    path = draw(tmp_path / "list.pdf", **many(120), flaws=Flaws(missing_page=PageAt(band, missing)))
    with pytest.raises((BandIncomplete, UnequalRows, LayoutChanged)):
        read(path)


@pytest.mark.parametrize("page", [0, 1, 3])
def test_a_page_that_lacks_a_row_is_named(tmp_path, page):
    path = draw(tmp_path / "list.pdf", **many(120), flaws=Flaws(short_page=PageAt(1, page)))
    with pytest.raises(UnequalRows, match=r"Page \d+ has \d+ rows"):
        read(path)


def of_unequal_rows(path):
    """Bands of as many rows, which are as high on all the pages of a band, but not in all bands."""
    rows = [row(str(at), name="Studio\nAlfa" if at % 45 == 7 + at // 45 else "Studio") for at in range(135)]
    draw(path, rows, footer=["", "Count=134", *[""] * 8])  # ID 0 is none
    return path


def test_bands_of_unequal_rows_are_read(tmp_path):
    assert len(read(of_unequal_rows(tmp_path / "list.pdf"))) == 134


@pytest.mark.parametrize("reader", ["as the ERP draws", "pdfplumber"])
def test_pages_of_two_bands_that_changed_places_are_known_by_their_rows(tmp_path, reader):
    path = of_unequal_rows(tmp_path / "list.pdf")
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        pdf.pages[2].Contents, pdf.pages[6].Contents = pdf.pages[6].Contents, pdf.pages[2].Contents
        if reader == "pdfplumber":
            pdf.pages[2].Contents = pikepdf.Stream(pdf, pdf.pages[2].Contents.read_bytes() + b" q 1 w Q")
        pdf.save(path)
    with pytest.raises(UnequalRowHeights, match="Page 3 does not show the same records as page 1: its row 8 "):
        read(path)


def test_another_lists_export_is_named_as_what_it_is(tmp_path):
    other = ExportLayout(key="number", columns=[Column("NUMERO", "number", integer, required="the key")])
    with pytest.raises(WrongList, match="export of studios, not of numbers"):
        read(draw(tmp_path / "list.pdf"), other, name="numbers", other_layouts={"numbers": other, "studios": LAYOUT})


@st.composite
def cut_lists(draw, *, least=1):
    """Rows of a list, and its pages: cut into strips, and into bands of some rows each."""
    widths = draw(st.lists(st.integers(1, 4), min_size=least, max_size=5))
    lengths = draw(st.lists(st.integers(1, 5), min_size=least, max_size=5))
    edges = [0, *accumulate(widths)]
    rows = [[f"{row}/{column}" for column in range(edges[-1])] for row in range(sum(lengths))]
    header = [f"header {column}" for column in range(edges[-1])]
    pages: list[PageTable] = []
    first = 0
    for length in lengths:
        for left, right in pairwise(edges):
            strip = [cells[left:right] for cells in [header, *rows[first : first + length]]]
            pages.append(PageTable(len(pages) + 1, strip))
        first += length
    return rows, pages


@given(cut_lists())
def test_any_cut_into_pages_and_bands_gives_the_rows_back(cut_list):
    rows, pages = cut_list
    assert [band.row(number) for band in divide_into_bands(pages) for number in range(1, band.length + 1)] == rows


@given(cut_lists(least=2), st.data())
def test_any_page_that_is_lost_from_a_band_is_noticed(cut_list, data):
    """With two bands or more, of two pages or more: the one measures the other."""
    _, pages = cut_list
    lost = data.draw(st.integers(0, len(pages) - 1))
    with pytest.raises((BandIncomplete, UnequalRows)):
        list(divide_into_bands(pages[:lost] + pages[lost + 1 :]))


def test_a_drawing_seeded_differently_each_time_reads_back(tmp_path):
    """Rows of one to three lines, so that bands differ in length."""
    chance = random.Random(7)
    rows = [row(str(number), name="\n".join(["Studio"] * chance.randint(1, 3))) for number in range(1, 300)]
    path = draw(tmp_path / "list.pdf", rows, footer=["", "Count=299", *[""] * 8])
    assert [record["name"].count("Studio") for record in read(path)] == [cells[2].count("Studio") for cells in rows]
