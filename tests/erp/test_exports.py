"""Exports show what the demo ERP's records say."""

import hashlib
from datetime import date, datetime
from decimal import Decimal

import pdfplumber
import pytest

from demo.erp import export
from demo.erp.erp import DemoErp
from demo.erp.lists import LISTS, find_list
from demo.erp.text import Kind
from tests.demo_erp import CachedDemoErp
from tests.erp.conftest import SMALL, TODAY
from tests.erp.test_pdf import tables

ONE_BAND = 0.005  # of the real size: every list has one band
by_type = pytest.mark.parametrize("sync_type", [each.sync_type for each in LISTS])


def side_by_side(pages):
    """The rows of a band's pages."""
    return [[cell for part in parts for cell in part] for parts in zip(*pages, strict=True)]


def unwrapped(text):
    """A text as it reads once its lines are put together again."""
    return " ".join(text.replace("?", "? ").replace("&tracknum", " &tracknum").replace(".x=42", ".x= 42").split())


@by_type
def test_pdfplumber_reads_the_values_of_the_records_and_the_totals(tmp_path, sync_type):
    erp = CachedDemoErp(scale=ONE_BAND, today=TODAY)
    columns = [column for page in find_list(sync_type).pages for column in page]
    written = erp.write_export(sync_type, tmp_path / "export.pdf")
    header, *rows, totals = side_by_side(tables(tmp_path / "export.pdf"))
    records = list(erp.find_records(sync_type))
    assert header == [column.header for column in columns]
    values = export.make_value_getter(columns)
    expected = [[unwrapped(text) for text in export.format_values(columns, values(record))] for record in records]
    assert len(rows) > 5
    assert [[unwrapped(text) for text in row] for row in rows] == expected
    for column, stated in zip(columns, totals, strict=True):
        match column.total and column.total.value:
            case None:
                assert stated == ""
            case "Count":
                assert stated == f"Count={Kind.INTEGER.format(len(records))}"
            case "Sum":
                total = sum(getattr(record, column.field) for record in records)
                assert stated == f"Sum={column.kind.format(total)}"
    assert written.records == erp.count_records(sync_type)


@pytest.mark.parametrize(
    ("sync_type", "pages", "columns"),
    [
        ("customers", 8, 26), ("orders", 7, 23), ("ddt", 6, 17), ("invoices", 7, 22), ("products", 9, 36),
        ("prices", 3, 14),
    ],
)  # fmt: skip
def test_a_band_has_as_many_pages_as_the_real_ones(tmp_path, sync_type, pages, columns):
    demo_list = find_list(sync_type)
    assert CachedDemoErp(scale=0, today=TODAY).write_export(sync_type, tmp_path / "export.pdf").pages == pages
    assert len(demo_list.columns) == sum(map(len, demo_list.pages)) == columns


def test_the_pages_of_prices_begin_where_the_real_ones_do():
    starts = [page[0].header for page in find_list("prices").pages]
    assert starts == ["ID", "ITEM DESCRIPTION:", "QUANTITÀIMPORTO"]


def test_a_new_session_shows_half_of_the_products_columns_on_five_pages(tmp_path):
    products = find_list("products")
    assert [products.columns[place].header for place in sorted(products.list_first_columns())] == [
        "ID ARTICOLO", "NOME ARTICOLO:", "DESCRIZIONE", "GRUPPO ARTICOLO:", "IMMAGINE:", "CONTENUTO DELL'IMBALLAGGIO",
        "NOME DELLA RICERCA", "UNITÀ DI PREZZO:", "ID GRUPPO DI PRODOTTI", "DESCRIZIONE GRUPPO ARTICOLO:",
        "QTÀ MINIMA:", "QTÀ MULTIPLI:", "QTÀ MASSIMA:", "FIGURA:", "DATAAREAID", "ID", "DATETIME MODIFICATO", "FERMATO",
    ]  # fmt: skip
    erp = CachedDemoErp(scale=0, today=TODAY)
    path = tmp_path / "export.pdf"
    assert erp.write_export("products", path, shown=products.list_first_columns()).pages == 5
    assert erp.write_export("products", path, shown=range(35)).pages == 8  # all but the VAT
    assert tables(path, -1)[0][0][-1] == "ID UNITÀ"


def test_a_page_of_prices_has_47_rows(tmp_path):
    written = CachedDemoErp(scale=SMALL, today=TODAY).write_export("prices", tmp_path / "export.pdf")
    [first] = tables(tmp_path / "export.pdf", 0)
    assert len(first) - 1 == 47
    assert written.pages == 3 * -(-(written.records + 1) // 47)  # the footer is a row too


@pytest.mark.parametrize(
    ("sync_type", "expected"),
    [
        (
            "products",
            {
                "ID ARTICOLO": "001627K1", "NOME ARTICOLO:": "9801.314.016", "IMMAGINE:": "System.Byte[]",
                "CONTENUTO DELL'IMBALLAGGIO": "10", "UNITÀ DI PREZZO:": "0", "QTÀ MINIMA:": "10", "PACCO": "K1",
                "ARTICOLO ORDINABILE:": "Si", "ID ELEMENTO IVAID": "5",
            },
        ),
        (
            "prices",
            {
                "CODICE CONTO": "Group", "ACCOUNT:": "002", "DESCRIZIONE ACCOUNT:": "DETTAGLIO (consigliato)",
                "ITEM SELECTION:": "001627K1", "DATA": "31/12/2154", "QUANTITÀIMPORTODA": "1",
                "QUANTITÀIMPORTO": "100.000.000", "UNITÀ DI PREZZO": "0", "VALUTA": "EUR",
                "PREZZO NETTO BRASSELER": "No",
            },
        ),
    ],
)  # fmt: skip
def test_products_and_prices_are_printed_as_they_were_seen(tmp_path, sync_type, expected):
    CachedDemoErp(scale=0, today=TODAY).write_export(sync_type, tmp_path / "export.pdf")
    header, first, *_ = side_by_side(tables(tmp_path / "export.pdf"))
    assert expected.items() <= dict(zip(header, first, strict=True)).items()


def test_invoices_have_no_count_and_the_others_that_were_seen_no_lack_of_one():
    counted = {each.sync_type for each in LISTS if any(c.total and c.total.value == "Count" for c in each.columns)}
    assert counted >= {"customers", "orders", "ddt", "products", "prices"}
    assert "invoices" not in counted


def test_a_list_may_be_exported_without_its_footer(erp: DemoErp, tmp_path):
    erp.write_export("products", tmp_path / "export.pdf", footer=False)
    assert not any(cell.startswith("Count=") for cell in tables(tmp_path / "export.pdf", -9)[0][-1])


def test_the_same_seed_scale_and_day_give_the_same_bytes(tmp_path):
    def digest(*, scale=0.02, seed=7, today=TODAY):
        DemoErp(scale=scale, seed=seed, today=today).write_export("orders", tmp_path / "export.pdf")
        return hashlib.sha256((tmp_path / "export.pdf").read_bytes()).hexdigest()

    assert digest() == digest()
    assert len({digest(), digest(seed=8), digest(today=date(2026, 1, 21)), digest(scale=0.03)}) == 4


def test_the_footer_of_orders_adds_unrounded_amounts(erp: DemoErp):
    orders = list(erp.find_records("orders"))
    assert sum(order.total for order in orders) != sum(order.net for order in orders)
    assert abs(sum(order.total - order.net for order in orders)) <= len(orders) * Decimal("0.005")


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (Kind.INTEGER, 60757, "60.757"),
        (Kind.NUMBER, Decimal("9518.10"), "9.518,1"),
        (Kind.NUMBER, Decimal("-12.30"), "-12,3"),
        (Kind.NUMBER, Decimal(1000), "1.000"),
        (Kind.NUMBER, Decimal("0.00"), "0"),
        (Kind.MONEY, Decimal("623935.84"), "623.935,84 €"),
        (Kind.MONEY, Decimal("-0.125"), "-0,13 €"),
        (Kind.PERCENT, Decimal("21.49"), "21,49 %"),
        (Kind.DAY, date(2026, 1, 8), "08/01/2026"),
        (Kind.DAY, None, ""),
        (Kind.YES_NO, True, "Si"),
        (Kind.CHECKED, False, "Unchecked"),
    ],
)
def test_values_are_printed_in_italian(kind, value, text):
    assert kind.format(value) == text


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (Kind.INTEGER, 60757, "60,757"),
        (Kind.NUMBER, Decimal("9518.10"), "9,518.1"),
        (Kind.MONEY, Decimal("1922.85"), "1,922.85 €"),
        (Kind.PERCENT, Decimal("21.49"), "21.49 %"),
        (Kind.DAY, date(2026, 1, 8), "1/8/2026"),
        (Kind.MOMENT, datetime(2026, 1, 8, 15, 4, 5), "1/8/2026 3:04:05 PM"),  # noqa: DTZ001  # as the ERP shows it
        (Kind.MOMENT, datetime(2026, 1, 8, 0, 4, 5), "1/8/2026 12:04:05 AM"),  # noqa: DTZ001
        (Kind.YES_NO, True, "Yes"),
        (Kind.TEXT, "9801.314.016", "9801.314.016"),
        (Kind.TEXT, None, ""),
    ],
)
def test_values_can_be_printed_in_english(kind, value, text):
    assert kind.format(value, english=True) == text


def test_wrapped_cells_occur(erp: DemoErp, tmp_path):
    names = {record.name for record in DemoErp(scale=1, today=TODAY).find_records("customers")}
    assert any(len(name) > 120 for name in names)
    erp.write_export("products", tmp_path / "export.pdf")
    with pdfplumber.open(tmp_path / "export.pdf") as pdf:
        assert any("\n" in (row[2] or "") for row in pdf.pages[0].extract_tables()[0])


def test_a_small_scale_still_has_several_bands(erp: DemoErp, tmp_path):
    for demo_list in LISTS:
        written = erp.write_export(demo_list.name, tmp_path / "export.pdf")
        bands = written.pages // len(demo_list.pages)
        assert bands >= (1 if erp.count_records(demo_list.sync_type) < 50 else 2), (demo_list.sync_type, SMALL)
