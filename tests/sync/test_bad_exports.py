"""An export that cannot be trusted is refused, with its own error that says what, where and what to do."""

import zlib
from contextlib import nullcontext
from dataclasses import replace

import pikepdf
import pytest

from sync.exceptions import (
    BandIncomplete,
    ControlTotalMismatch,
    DuplicateKey,
    ExportDamaged,
    ExportEmpty,
    ExportEncrypted,
    ExportIsWebPage,
    ExportNotPdf,
    ExportTooLarge,
    ExportTruncated,
    LayoutChanged,
    PageUnreadable,
    UnreadableValue,
)
from sync.exports.layout import Column, ExportLayout, Footer
from sync.exports.limits import Limits
from sync.exports.values import text
from tests.sync.drawing import FOOTER, HEADERS, LAYOUT, TWO_ROWS, draw, notes, read, row, without_footer
from tests.sync.test_fallback import other_producer


@pytest.fixture
def export(tmp_path):
    return draw(tmp_path / "list.pdf")


def test_an_empty_file(tmp_path):
    path = tmp_path / "list.pdf"
    path.touch()
    with pytest.raises(ExportEmpty, match="export is empty"):
        read(path)


def test_a_file_that_is_no_pdf(tmp_path):
    path = tmp_path / "list.pdf"
    path.write_bytes(b"PK\3\4 a workbook")
    with pytest.raises(ExportNotPdf, match="not a PDF: it starts with"):
        read(path)


@pytest.mark.parametrize("start", [b"<!DOCTYPE html>", b"\r\n<html>", b"\xef\xbb\xbf<HTML>"])
def test_a_login_page(tmp_path, start):
    path = tmp_path / "list.pdf"
    path.write_bytes(start + b"<title>Login</title>")
    with pytest.raises(ExportIsWebPage, match="session had expired"):
        read(path)


def test_cut_short_at_any_byte(export, tmp_path):
    whole = export.read_bytes()
    for length in range(0, whole.rindex(b"%%EOF") + 5, 7):
        cut = tmp_path / "cut.pdf"
        cut.write_bytes(whole[:length])
        with pytest.raises((ExportEmpty, ExportNotPdf, ExportTruncated)):
            read(cut, without_footer())


def test_cut_in_its_last_bytes(export):
    export.write_bytes(export.read_bytes().rstrip()[:-1])
    with pytest.raises(ExportTruncated, match="end marker is missing"):
        read(export)


def packed_page(export, number):
    """The bytes of a page's content as they stand in the file, and where."""
    with pikepdf.open(export) as pdf:
        packed = pdf.pages[number].Contents.read_raw_bytes()
    return packed, export.read_bytes().index(packed)


def test_bytes_lost_from_its_middle(export):
    packed, start = packed_page(export, 1)
    whole = export.read_bytes()
    export.write_bytes(whole[: start + len(packed) // 2] + whole[start + len(packed) :])
    with pytest.raises(ExportDamaged):
        read(export)


def test_a_damaged_page(export):
    packed, start = packed_page(export, 1)
    whole = bytearray(export.read_bytes())
    whole[start + len(packed) // 2 : start + len(packed) // 2 + 40] = bytes(40)
    export.write_bytes(whole)
    with pytest.raises(ExportDamaged, match="page 2 cannot be decompressed"):
        read(export)


def test_an_index_that_points_nowhere_is_rebuilt_only_where_control_totals_vouch_for_the_rest(export, tmp_path):
    expected = read(export)
    export.write_bytes(export.read_bytes().replace(b"startxref\n", b"startxref\n9"))
    assert read(export) == expected
    assert any("rebuilt" in note for note in notes(export))
    bare = draw(tmp_path / "bare.pdf", footer=None)
    bare.write_bytes(bare.read_bytes().replace(b"startxref\n", b"startxref\n9"))
    with pytest.raises(ExportTruncated, match="control totals"):
        read(bare, without_footer())


def locked(export, *, user):
    with pikepdf.open(export, allow_overwriting_input=True) as pdf:
        pdf.save(export, encryption=pikepdf.Encryption(owner="a", user=user))
    return export


def test_a_file_that_asks_for_a_password(export):
    with pytest.raises(ExportEncrypted, match="without a password"):
        read(locked(export, user="b"))


@pytest.mark.parametrize("drawn_by", [draw, other_producer])
def test_a_file_that_opens_without_a_password_is_read_although_it_is_encrypted(tmp_path, drawn_by):
    expected = read(drawn_by(tmp_path / "list.pdf"))
    assert read(locked(tmp_path / "list.pdf", user="")) == expected


def test_a_file_with_no_pages(tmp_path):
    with pikepdf.new() as pdf:
        pdf.save(tmp_path / "list.pdf")
    with pytest.raises(ExportTruncated, match="no pages"):
        read(tmp_path / "list.pdf")


@pytest.mark.parametrize("owner", ["/ToUnicode", "/Contents"])
def test_a_stream_that_unpacks_to_hundreds_of_megabytes(export, tmp_path, owner):
    with pikepdf.open(export) as pdf:
        bomb = pikepdf.Stream(pdf, b"")
        bomb.write(zlib.compress(bytes(300 * 1024**2)), filter=pikepdf.Name.FlateDecode)
        page = pdf.pages[1]
        holder = page.obj if owner == "/Contents" else page.Resources.Font["/FNT0"]
        holder[owner] = bomb
        pdf.save(tmp_path / "bomb.pdf")
    with pytest.raises(ExportTooLarge, match=r"decompressed.*raise EXPORT_MAX_PAGE_BYTES"):
        read(tmp_path / "bomb.pdf")


@pytest.mark.parametrize(
    ("limits", "setting"),
    [
        (Limits(pages=3), "EXPORT_MAX_PAGES"),
        (Limits(file_bytes=100), "EXPORT_MAX_BYTES"),
        (Limits(page_bytes=100), "EXPORT_MAX_PAGE_BYTES"),
    ],
)
def test_over_a_limit_names_the_setting(export, limits, setting):
    with pytest.raises(ExportTooLarge, match=setting):
        read(export, limits=limits)


def footer_with(place, text):
    return [text if at == place else cell for at, cell in enumerate(FOOTER)]


@pytest.mark.parametrize(
    ("place", "text", "message"),
    [
        (1, "Count=3", "Count of ID is 2 in the export's records, but 3 in its footer"),
        (1, "Count=1", "Count of ID is 2 in the export's records, but 1 in its footer"),
        (4, "Sum=2.401,01 €", "Sum of VENDITE is 2.401,00 in the export's records, but 2.401,01 € in its footer"),
        (6, "Sum=159,99 €", "Sum of VENDITE is 160,00 in the export's records, but 159,99 € in its footer"),
        (3, "Sum=7", "Sum of CONTEGGIO is 6 in the export's records, but 7 in its footer"),
    ],
)
def test_totals_that_do_not_agree(tmp_path, place, text, message):
    with pytest.raises(ControlTotalMismatch, match=message):
        read(draw(tmp_path / "list.pdf", footer=footer_with(place, text)))


@pytest.mark.parametrize(("stated", "agrees"), [("2.401,01", True), ("2.400,99", True), ("2.401,02", False)])
def test_a_sum_that_the_erp_adds_before_it_rounds_may_differ_by_half_a_cent_for_each_amount(tmp_path, stated, agrees):
    columns = [
        replace(column, added_before_rounding=True) if column.field == "sales_last_year" else column
        for column in LAYOUT.columns
    ]
    zeros = [row(f"1.1{number:02}", sales_last_year=text) for number, text in enumerate(["0,00 €", "0 €", ""] * 5)]
    path = draw(tmp_path / "list.pdf", [*TWO_ROWS, *zeros], footer=["", "", "", "", f"Sum={stated} €", *[""] * 5])
    with nullcontext() if agrees else pytest.raises(ControlTotalMismatch, match=r"Sum of VENDITE is 2\.401,00"):
        read(path, ExportLayout(key=LAYOUT.key, columns=columns))


def test_no_footer_where_one_is_due(tmp_path):
    path = draw(tmp_path / "list.pdf", footer=None)
    with pytest.raises(ExportTruncated, match="control totals"):
        read(path)
    assert len(read(path, without_footer())) == 2
    assert any("no control totals" in note for note in notes(path, without_footer()))


def test_a_total_that_cannot_be_checked_is_noted(tmp_path):
    path = draw(tmp_path / "list.pdf", footer=footer_with(8, "Max=18"))
    assert any("Max of DATA DELL'ULTIMO ORDINE in the footer was not checked" in note for note in notes(path))


def test_a_footer_that_totals_nothing_is_none(tmp_path):
    with pytest.raises(ExportTruncated, match="control totals"):
        read(draw(tmp_path / "list.pdf", footer=["", "", "", "", "", "", "", "", "Max=18/01/2026", ""]))


@pytest.mark.parametrize("place", [0, 2, 7])
def test_a_footer_with_other_words_in_it_is_still_compared(tmp_path, place):
    wrong = [*FOOTER]
    wrong[1], wrong[place] = "Count=99", "Totale"
    with pytest.raises(ControlTotalMismatch, match="Count of ID is 2 in the export's records, but 99 in its footer"):
        read(draw(tmp_path / "list.pdf", footer=wrong), without_footer())


def test_a_footer_in_the_midst_of_a_list_is_no_record(tmp_path):
    codes = ExportLayout(key="code", columns=[Column("CODICE", "code", text)], footer=Footer.OPTIONAL)
    path = draw(tmp_path / "list.pdf", [["A1"], ["Count=1"], ["A2"]], headers=["CODICE"], pages=(1,), footer=None)
    with pytest.raises(UnreadableValue, match="'Count=1' is not a key"):
        read(path, codes)


def test_a_text_that_looks_like_a_total_is_a_text(tmp_path):
    path = draw(tmp_path / "list.pdf", [TWO_ROWS[0], row("1.002", name="Sum=3")])
    assert read(path)[1]["name"] == "Sum=3"
    assert read(draw(path, [TWO_ROWS[0], row("1.002", name="Count=1")], footer=None), without_footer())[1]["name"]


def test_a_duplicate_key(tmp_path):
    with pytest.raises(DuplicateKey, match=r"ID 1001 appears twice .* page 1, row 2"):
        read(draw(tmp_path / "list.pdf", [TWO_ROWS[0], row("1.001")]))


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"sales_before": "n/a"}, r"Page 3, row 2, column VENDITE: 'n/a' is not an amount in euro"),
        ({"last_order": "31/02/2026"}, r"Page 4, row 2, column DATA DELL'ULTIMO ORDINE: '31/02/2026' is not a date"),
        ({"is_blocked": "forse"}, r"Page 4, row 2, column BLOCCATO: 'forse' is not a yes or no"),
    ],
)
def test_an_unreadable_value_is_named_with_its_place(tmp_path, cells, message):
    path = draw(tmp_path / "list.pdf", [TWO_ROWS[0], row("1.002", **cells)])
    with pytest.raises(UnreadableValue, match=message + r".*\. The record: ID 1\.002\.$"):
        read(path)


def test_a_key_that_is_no_number(tmp_path):
    with pytest.raises(UnreadableValue, match=r"Page 1, row 2, column ID: 'abc' is not a whole number"):
        read(draw(tmp_path / "list.pdf", [TWO_ROWS[0], row("abc")]))


def test_a_renamed_column_is_told_with_the_header_that_is_there_instead(tmp_path):
    renamed = ["CHIAVE" if header == "ID" else header for header in HEADERS]
    with pytest.raises(LayoutChanged, match=r"columns: ID \(unknown columns in the export: CHIAVE\)\. Show them again"):
        read(draw(tmp_path / "list.pdf", headers=renamed))


def test_of_many_unknown_headers_the_first_are_told(tmp_path):
    unknown = [f"COLUMN {place}" for place in range(len(HEADERS))]
    with pytest.raises(LayoutChanged, match=r"in the export: COLUMN 0, .*COLUMN 7(, …)?\)\. Show"):
        read(draw(tmp_path / "list.pdf", headers=unknown))


BLANK = [b" ", b" q 0 0.000017703 612 792 re W n 1 1 1 rg 0 0.000017703 612 792 re f Q"]


def with_blank_page(path, content, *, at=None):
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        page = pdf.make_indirect(pikepdf.Dictionary(Type=pikepdf.Name.Page, MediaBox=pdf.pages[0].MediaBox))
        page.Contents, page.Resources = pikepdf.Stream(pdf, content), pdf.pages[0].Resources
        pdf.pages.insert(len(pdf.pages) if at is None else at, pikepdf.Page(page))
        pdf.save(path)
    return path


@pytest.mark.parametrize("content", BLANK)
def test_a_blank_last_page_is_left_out_and_noted(export, content):
    expected = read(export)
    assert read(with_blank_page(export, content)) == expected
    assert notes(export) == ["The last page, 5, is blank."]


@pytest.mark.parametrize("content", BLANK)
def test_a_blank_page_between_others_is_refused(export, content):
    with pytest.raises(PageUnreadable, match="Page 3 holds no table that can be read: it is blank"):
        read(with_blank_page(export, content, at=2))


def test_a_blank_last_page_is_left_out_only_where_control_totals_vouch_for_the_rest(tmp_path):
    path = with_blank_page(draw(tmp_path / "list.pdf", footer=None), b" ")
    with pytest.raises(ExportTruncated, match="control totals"):
        read(path, without_footer())


def test_a_last_page_that_lost_what_it_showed_is_no_blank_one(export):
    many = [row(str(number)) for number in range(1, 100)]
    draw(export, many, footer=["", "Count=99", *[""] * 8])
    with pikepdf.open(export, allow_overwriting_input=True) as pdf:
        pdf.pages[-1].Contents = pikepdf.Stream(pdf, BLANK[1])
        pdf.save(export)
    with pytest.raises(BandIncomplete, match="BLOCCATO"):
        read(export)
