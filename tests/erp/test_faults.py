"""Every fault of an export does what it says."""

import pikepdf
import pytest

from sync.erp.demo.erp import DemoErp
from sync.erp.demo.faults import Fault
from sync.erp.demo.lists import LISTS, list_called
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
    assert page[-1][0] == f"Count={erp.size('customers') + 1}"


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
    kept = len(list(erp.records("customers", filtered=True)))
    assert 0 < kept < erp.size("customers")
    assert page[-1][0] == f"Count={kept}"


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


def test_every_list_has_a_filter_that_hides_something():
    erp = DemoErp(scale=1)
    for demo_list in LISTS:
        kept = sum(1 for _ in erp.records(demo_list.name, filtered=True))
        assert 0 < kept < erp.size(demo_list.name), demo_list.sync_type


def test_faults_are_called_by_their_labels():
    assert Fault.called("missing-page") is Fault.MISSING_PAGE
    assert all(fault.does.endswith(".") for fault in Fault)
    with pytest.raises(ValueError, match="there is no fault 'flood'"):
        Fault.called("flood")


def test_lists_are_called_by_sync_type_or_by_name():
    assert list_called("ddt") is list_called("CUSTPACKINGSLIPJOUR_ListView")
    with pytest.raises(KeyError):
        list_called("agents")
