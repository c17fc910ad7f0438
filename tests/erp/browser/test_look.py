"""One page of a list's grid, in a real Chromium against the demo ERP: beside what the export of the same list says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from demo.erp.faults import Fault
from demo.erp.front_end import PlannedFault
from demo.erp.lists import find_list
from demo.erp.server import DemoServer
from sync import service
from sync.erp import look_records
from sync.erp.browser.list_page import ListPage
from sync.erp.client import Look
from sync.exceptions import ErpPageChanged
from sync.exports.layout import ExportLayout
from sync.exports.reader import read_export
from tests.erp.conftest import ERP_LISTS

PAGE_SIZE = 20  # rows that the demo ERP's grids show
OpenList = Callable[..., ListPage]
Records = dict[Any, dict[str, Any]]  # by key


def read_look(look: Look, layout: ExportLayout) -> Records:
    records = look_records.read_records(look, layout)
    values = [record.values for record in records]
    return index([dict(zip(records.fields, each, strict=True)) for each in values], layout)


def read_file(path: Path, layout: ExportLayout) -> Records:
    with read_export(path, layout) as records:
        values = [record.values for record in records]
        return index([dict(zip(records.fields, each, strict=True)) for each in values], layout)


def index(records: list[dict[str, Any]], layout: ExportLayout) -> Records:
    return {record[layout.key]: record for record in records}


@pytest.mark.parametrize("sync_type", ERP_LISTS)
def test_a_look_shows_records_as_the_export_does(
    sync_type: str, open_list: OpenList, server: DemoServer, tmp_path: Path
) -> None:
    layout = service.get_service(sync_type).layout
    page = open_list(sync_type)
    page.show_columns()
    look = page.read_look()
    shown = find_list(sync_type).list_known_columns()
    server.erp.write_export(ERP_LISTS[sync_type].name, tmp_path / "export.pdf", shown=shown)
    exported, looked = read_file(tmp_path / "export.pdf", layout), read_look(look, layout)
    assert len(looked) == len(look.keys) == min(PAGE_SIZE, len(exported))
    assert {key: exported[key] for key in looked} == looked
    assert look.count == len(exported)
    assert list(look.modified) == sorted(look.modified, reverse=True)
    assert len(look.modified) == (0 if sync_type == "customers" else len(look.rows))


def test_customers_come_highest_id_first(open_list: OpenList, server: DemoServer) -> None:
    server.erp.happen("new-customer")
    ids = [int(key.replace(".", "")) for key in open_list("customers").read_look().keys]
    assert ids == sorted(ids, reverse=True)
    assert ids[0] == max(record.id for record in server.erp.world.find_records(find_list("customers")))


def test_a_change_is_seen_on_the_first_page(open_list: OpenList, server: DemoServer) -> None:
    page = open_list("orders")
    before = page.read_look()
    server.erp.happen("next-state")
    page.open()
    after = page.read_look()
    assert (before.keys, before.modified) != (after.keys, after.modified)
    assert after.modified[0] > before.modified[0]
    assert after.seen_at > before.seen_at


def test_an_unchanged_list_looks_the_same_in_another_session(open_list: OpenList) -> None:
    first, second = open_list("ddt").read_look(), open_list("ddt").read_look()
    assert (first.keys, first.modified, first.count) == (second.keys, second.modified, second.count)


def test_a_page_that_somebody_went_on_to_is_left(open_list: OpenList) -> None:
    page = open_list("customers")
    first = page.read_look()
    page.page.evaluate("name => window[name].GotoPage(2)", find_grid(page.page))
    page.wait_until_idle()
    assert page.read_look().keys == first.keys


def test_a_page_that_another_session_went_on_to_is_left(open_list: OpenList, server: DemoServer) -> None:
    first = open_list("orders").read_look()
    server.front_end.grid_pages["orders"] = 3
    assert open_list("orders").read_look().keys == first.keys


def find_grid(page: Page) -> str:
    name: str = page.evaluate("Object.keys(window).find(name => /LE_v[0-9]+$/.test(name))")
    return name


def test_the_search_box_narrows_a_look_and_is_emptied(open_list: OpenList, server: DemoServer) -> None:
    page = open_list("customers")
    wanted = next(record for record in server.erp.world.find_records(find_list("customers")) if record.account)
    look = page.read_look(wanted.account)
    assert look.count is not None
    assert look.count < PAGE_SIZE
    assert f"{wanted.id:,}".replace(",", ".") in look.keys
    assert page.read_look().count == len(list(server.erp.world.find_records(find_list("customers"))))


def test_a_search_that_finds_nothing_is_no_error(open_list: OpenList) -> None:
    look = open_list("customers").read_look("qqqqqq")
    assert (look.rows, look.keys, look.count) == ((), (), 0)


def test_a_search_that_was_left_is_cleared_with_the_filters(open_list: OpenList) -> None:
    page = open_list("customers")
    everything = page.read_look().count
    page.search("qqqqqq")
    page.open()
    page.clear_grid_filter()
    assert page.read_look().count == everything


def test_a_look_needs_the_column_by_which_it_sorts(open_list: OpenList) -> None:
    page = open_list("customers", locale="en-US")
    page.erp_list = ERP_LISTS["invoices"]
    with pytest.raises(
        ErpPageChanged, match="its grid has no column MODIFIEDDATETIME to sort by; columns found: ACCOUNT, "
    ):
        page.read_look()


def test_an_english_page_says_that_the_key_s_column_is_missing(open_list: OpenList) -> None:
    with pytest.raises(ErpPageChanged, match="its grid does not show the column ID ARTICOLO once; columns found: "):
        open_list("products", locale="en-US").read_look()


def test_a_grid_that_does_not_sort_is_no_look(open_list: OpenList) -> None:
    page = open_list("customers")
    page.page.evaluate(
        "name => window[name].SortBy = function () { this.call('SortBy', '0|ASC') }", find_grid(page.page)
    )
    with pytest.raises(ErpPageChanged, match="its grid is not sorted by ID"):
        page.read_look()


def test_a_grid_that_is_drawn_in_part_is_no_look(open_list: OpenList, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.erp.browser.list_page.DIALOG_TIMEOUT", 0.5)
    page = open_list("customers")
    page.page.evaluate("name => window[name].GetVisibleRowsOnPage = () => 21", find_grid(page.page))
    with pytest.raises(ErpPageChanged, match="its grid shows 20 rows, and says that there are 21"):
        page.read_look()


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault.PARTIAL_GRID, r"its grid shows 10 rows, and says that there are 150 on 8 pages"),
        (Fault.CUT_ROW, "a row of its grid has 22 cells below 23 headers"),
        (Fault.PHANTOM_COLUMN, "a row of its grid has 23 cells below 24 headers"),
    ],
)
def test_a_grid_that_contradicts_itself_is_no_look(
    fault: Fault, reason: str, open_list: OpenList, server: DemoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.erp.browser.list_page.DIALOG_TIMEOUT", 0.5)
    server.front_end.plan_fault(PlannedFault(fault))
    with pytest.raises(ErpPageChanged, match=reason):
        open_list("orders").read_look()


def test_a_check_box_is_read_by_its_class(open_list: OpenList, server: DemoServer) -> None:
    """As it is drawn in the newest page's rows, whichever they are."""
    look = open_list("orders").read_look()
    gifts = [row[look.headers.index("ORDINE OMAGGIO:")] for row in look.rows]
    newest = list(server.erp.find_records("orders"))[:PAGE_SIZE]
    assert gifts == ["Checked" if order.is_gift else "Unchecked" for order in newest]


def test_a_look_at_a_filtered_list_counts_less(open_list: OpenList, server: DemoServer) -> None:
    server.front_end.plan_fault(PlannedFault(Fault.REMEMBERED_FILTER, "customers"))
    page = open_list("customers")
    filtered = page.read_look().count
    page.choose_safe_filter()
    everything = page.read_look().count
    assert filtered is not None
    assert everything is not None
    assert filtered < everything
