"""Exports show what the demo ERP's records say."""

import hashlib
from datetime import date
from decimal import Decimal

import pdfplumber
import pytest

from sync.erp.demo.erp import DemoErp, texts, value_getter
from sync.erp.demo.lists import LISTS, list_called
from sync.erp.demo.text import Kind
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
    columns = [column for page in list_called(sync_type).pages for column in page]
    written = erp.write_export(sync_type, tmp_path / "export.pdf")
    header, *rows, totals = side_by_side(tables(tmp_path / "export.pdf"))
    records = list(erp.records(sync_type))
    assert header == [column.header for column in columns]
    values = value_getter(columns)
    expected = [[unwrapped(text) for text in texts(columns, values(record))] for record in records]
    assert len(rows) > 5
    assert [[unwrapped(text) for text in row] for row in rows] == expected
    for column, stated in zip(columns, totals, strict=True):
        match column.total and column.total.value:
            case None:
                assert stated == ""
            case "Count":
                assert stated == f"Count={Kind.INTEGER.text(len(records))}"
            case "Sum":
                total = sum(getattr(record, column.field) for record in records)
                assert stated == f"Sum={column.kind.text(total)}"
    assert written.records == erp.size(sync_type)


def test_invoices_have_no_count_and_the_others_no_lack_of_one():
    counted = {each.sync_type for each in LISTS if any(c.total and c.total.value == "Count" for c in each.pages[0])}
    assert counted == {"customers", "orders", "ddt", "products", "prices"}


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
    orders = list(erp.records("orders"))
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
    assert kind.text(value) == text


def test_wrapped_cells_and_headers_occur(erp: DemoErp, tmp_path):
    names = {record.name for record in DemoErp(scale=1, today=TODAY).records("customers")}
    assert any(len(name) > 120 for name in names)
    erp.write_export("products", tmp_path / "export.pdf")
    with pdfplumber.open(tmp_path / "export.pdf") as pdf:
        assert "CONTENUTO\nDELL'IMBALLAGGIO" in pdf.pages[1].extract_tables()[0][0]


def test_a_small_scale_still_has_several_bands(erp: DemoErp, tmp_path):
    for demo_list in LISTS:
        written = erp.write_export(demo_list.name, tmp_path / "export.pdf")
        bands = written.pages // len(demo_list.pages)
        assert bands >= (1 if demo_list.sync_type == "invoices" else 2), (demo_list.sync_type, SMALL)
