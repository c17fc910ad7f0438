"""Every fault of an export does what it says."""

import re

import pikepdf
import pytest

from demo.erp.erp import DemoErp
from demo.erp.faults import Fault
from demo.erp.lists import LISTS, find_list
from tests.erp.conftest import TODAY
from tests.erp.test_pdf import tables


@pytest.fixture
def shown(erp: DemoErp, tmp_path):
    """Some pages of a list's export, with faults."""

    def shown(sync_type, *faults, pages):
        erp.write_export(sync_type, tmp_path / "export.pdf", faults=faults)
        return tables(tmp_path / "export.pdf", *pages)

    return shown


@pytest.fixture
def headers(tmp_path):
    """The headers of the customers' list, with a fault."""

    def headers(fault):
        DemoErp(scale=0, today=TODAY).write_export("customers", tmp_path / "export.pdf", faults=[fault])  # one band
        return [header for page in tables(tmp_path / "export.pdf") for header in page[0]]

    return headers


def test_a_hidden_column_is_not_there(headers):
    assert "TERMINI DI CONSEGNA" not in headers(Fault.HIDDEN_COLUMN)


def test_a_hidden_key_is_not_there(headers):
    assert headers(Fault.HIDDEN_KEY)[0] == "PROFILO CLIENTE:"


def test_a_moved_column_comes_last(headers):
    moved = headers(Fault.MOVED_COLUMN)
    assert moved[2:4] == ["NOME", "PEC:"]
    assert moved[-1] == "PARTITA IVA:"


def test_a_renamed_column_has_another_header(headers):
    assert headers(Fault.RENAMED_COLUMN)[0] == "CHIAVE"


def test_an_extra_column_is_empty(shown):
    [page] = shown("customers", Fault.EXTRA_COLUMN, pages=[1])
    assert page[0][:3] == ["PEC:", "NOTE INTERNE", "SDI:"]
    assert {row[1] for row in page[1:]} == {""}


def test_a_wrong_count_is_one_too_high(erp: DemoErp, shown):
    [page] = shown("customers", Fault.WRONG_COUNT, pages=[-8])
    assert page[-1][0] == f"Count={erp.count_records('customers') + 1}"


def test_a_wrong_sum_is_a_cent_too_high(shown):
    def cents(text):
        return int(text.removeprefix("Sum=").removesuffix(" €").replace(".", "").replace(",", ""))

    right, wrong = shown("orders", pages=[-2, -1]), shown("orders", Fault.WRONG_SUM, pages=[-2, -1])
    assert cents(wrong[0][-1][3]) == cents(right[0][-1][3]) + 1
    assert right[1][-1] == wrong[1][-1]


def test_a_duplicate_key_stands_in_the_second_row(shown):
    [rows] = shown("orders", Fault.DUPLICATE_KEY, pages=[0])
    assert rows[1][0] == rows[2][0] != rows[3][0]


def test_an_unreadable_value_stands_in_the_second_row(shown):
    [rows] = shown("orders", Fault.UNREADABLE_VALUE, pages=[2])
    assert rows[2][0] == "n/d"


def test_a_missing_page_is_the_second_of_the_second_band(shown):
    assert shown("orders", Fault.MISSING_PAGE, pages=[7, 8]) == shown("orders", pages=[7, 9])


def test_unequal_rows_are_on_the_second_page(shown):
    first, second, third = shown("orders", Fault.UNEQUAL_ROWS, pages=[0, 1, 2])
    assert len(second) == len(first) - 1 == len(third) - 1


def test_a_silent_filter_leaves_records_out_and_agrees_with_itself(erp: DemoErp, shown):
    [page] = shown("customers", Fault.SILENT_FILTER, pages=[-8])
    kept = len(list(erp.find_records("customers", filtered=True)))
    assert kept == pytest.approx(erp.count_records("customers") * 0.09, abs=1)
    assert page[-1][0] == f"Count={kept}"


def all_headers(path):
    return [header for page in tables(path) for header in page[0]]


@pytest.mark.parametrize(
    ("sync_type", "pages", "columns", "left_out"),
    [
        ("customers", 6, 20, "CITTÀ"), ("orders", 5, 17, "E-MAIL"), ("ddt", 4, 13, "DESCRIZIONE:"),
        ("invoices", 5, 16, "OLTRE I GIORNI DI SCADENZA"), ("products", 5, 18, "ID ELEMENTO IVAID"),
        ("prices", 3, 12, "QUANTITÀIMPORTODA"),
    ],
)  # fmt: skip
def test_columns_are_hidden_whatever_the_session_shows(tmp_path, sync_type, pages, columns, left_out):
    path = tmp_path / "export.pdf"
    erp = DemoErp(scale=0, today=TODAY)
    erp.write_export(sync_type, path, faults=[Fault.HIDDEN_COLUMNS], shown=range(36))
    headers = all_headers(path)
    assert (len(tables(path)), len(headers)) == (pages, columns)
    assert left_out not in headers
    assert find_list(sync_type).key.header in headers


def test_every_tenth_product_has_a_vat_key_that_nobody_knows(erp: DemoErp, shown):
    keys = [product.vat_group for product in erp.find_records("products", faults=[Fault.NEW_VAT_KEY])]
    assert keys[::10] == ["7"] * len(keys[::10])
    assert "7" not in [key for place, key in enumerate(keys) if place % 10]
    [page] = shown("products", Fault.NEW_VAT_KEY, pages=[8])
    assert [page[0][0], page[1][0], page[2][0]] == ["ID ELEMENTO IVAID", "7", "5"]


def test_every_tenth_price_has_a_second_price_group(erp: DemoErp, shown):
    prices = list(erp.find_records("prices", faults=[Fault.SECOND_PRICE_GROUP]))
    other = [price for price in prices if price.account == "003"]
    assert len(prices) - len(other) == erp.count_records("prices")
    assert len(other) == pytest.approx(erp.count_records("prices") / 10, abs=1)
    assert {price.account_code for price in other} == {"Group"}
    assert len({price.id for price in prices}) == len(prices)
    [page] = shown("prices", Fault.SECOND_PRICE_GROUP, pages=[0])
    assert [row[2] for row in page[1:4]] == ["002", "003", "002"]
    assert page[1][4] == page[2][4]


def test_every_tenth_price_has_a_customers_own_prices(erp: DemoErp, shown):
    prices = list(erp.find_records("prices", faults=[Fault.CUSTOMER_PRICES]))
    own = [price for price in prices if price.account_code == "Table"]
    customer = next(customer for customer in erp.find_records("customers") if customer.account)
    assert {(price.account, price.account_name) for price in own} == {(customer.account, customer.name)}
    assert [price.quantity_from for price in own[:2]] == [1, 50]
    assert prices[0].unit_price > own[0].unit_price > own[1].unit_price
    assert len(prices) - len(own) == erp.count_records("prices")
    assert len({price.id for price in prices}) == len(prices)
    [page] = shown("prices", Fault.CUSTOMER_PRICES, pages=[0])
    assert [row[1] for row in page[1:5]] == ["Group", "Table", "Table", "Group"]


def test_an_english_profile_has_other_headers_dates_and_numbers(erp: DemoErp, shown):
    first, third = shown("orders", Fault.ENGLISH, pages=[0, 2])
    assert first[0] == ["ID", "SALES ID", "CUSTOMER PROFILE:", "SALES NAME:"]
    order = next(erp.find_records("orders"))
    created = order.created_at
    assert first[1][0] == f"{order.id:,}"
    assert third[1][0].startswith(f"{created.month}/{created.day}/{created.year} ")
    [page] = shown("orders", Fault.ENGLISH, pages=[-2])
    assert re.fullmatch(r"Sum=[\d,]+\.\d\d €", page[-1][3])


@pytest.mark.parametrize("fault", [Fault.NEW_VAT_KEY, Fault.SECOND_PRICE_GROUP, Fault.CUSTOMER_PRICES])
def test_a_fault_of_one_list_strikes_no_other(erp: DemoErp, tmp_path, fault):
    with pytest.raises(ValueError, match=f"{fault.label} can strike (products|prices) only"):
        erp.write_export("customers", tmp_path / "export.pdf", faults=[fault])


def test_a_truncated_file_does_not_open_strictly(erp: DemoErp, tmp_path):
    erp.write_export("invoices", tmp_path / "export.pdf", faults=[Fault.TRUNCATED_FILE])
    with pytest.raises(pikepdf.PdfError):
        pikepdf.open(tmp_path / "export.pdf", attempt_recovery=False)


def test_an_empty_file_has_no_bytes(erp: DemoErp, tmp_path):
    erp.write_export("invoices", tmp_path / "export.pdf", faults=[Fault.EMPTY_FILE])
    assert (tmp_path / "export.pdf").read_bytes() == b""


def test_a_fault_that_cannot_strike_says_so(erp: DemoErp, tmp_path):
    with pytest.raises(ValueError, match="no Count"):
        erp.write_export("invoices", tmp_path / "export.pdf", faults=[Fault.WRONG_COUNT])
    with pytest.raises(ValueError, match="no Sum"):
        erp.write_export("prices", tmp_path / "export.pdf", faults=[Fault.WRONG_SUM])
    with pytest.raises(ValueError, match="one band only"):
        erp.write_export("invoices", tmp_path / "export.pdf", faults=[Fault.MISSING_PAGE])


@pytest.mark.parametrize(
    ("sync_type", "safe", "forgotten"),
    [
        ("customers", "All_Customers", "Exclusive_Customers"),
        ("orders", "ListViewSalesTableOrdersAll", "ListViewSalesTableOrdersMonth"),
        ("ddt", "ListViewPackingSlipsAll", "ListViewPackingSlipsMonth"),
        ("invoices", "All_invoices", "Open_invoices"),
        ("products", "", ""),
        ("prices", "ActivePrices", "BlockedPrices"),
    ],
)
def test_a_forgotten_filter_hides_something_and_the_safe_one_nothing(erp: DemoErp, sync_type, safe, forgotten):
    demo_list = find_list(sync_type)
    assert (demo_list.safe_filter, demo_list.forgotten) == (safe, forgotten)
    assert erp.count_records(sync_type, choice=safe) == erp.count_records(sync_type)
    for choice in demo_list.choices:
        kept = list(erp.find_records(sync_type, choice=choice.value))
        assert len(kept) == erp.count_records(sync_type, choice=choice.value)
        assert len(kept) < erp.count_records(sync_type) or choice.value != forgotten


def test_the_filter_of_this_month_shows_this_month(erp: DemoErp):
    orders = list(erp.find_records("orders", choice="ListViewSalesTableOrdersMonth"))
    assert {(order.created_at.year, order.created_at.month) for order in orders} == {(2026, 1)}


@pytest.mark.parametrize("sync_type", [each.sync_type for each in LISTS])
def test_a_grid_filter_shows_a_small_part_of_every_list(sync_type):
    erp = DemoErp(scale=1, today=TODAY)
    assert erp.count_records(sync_type, filtered=True) == pytest.approx(erp.count_records(sync_type) / 11, abs=1)


def test_faults_are_called_by_their_labels():
    assert Fault.called("missing-page") is Fault.MISSING_PAGE
    assert all(fault.does.endswith(".") for fault in Fault)
    with pytest.raises(ValueError, match="there is no fault 'flood'"):
        Fault.called("flood")


def test_lists_are_called_by_sync_type_or_by_name():
    assert find_list("ddt") is find_list("CUSTPACKINGSLIPJOUR_ListView")
    with pytest.raises(KeyError):
        find_list("agents")
