"""The steps on a list's page, in a real Chromium against the demo ERP."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from playwright.sync_api import Page

from demo.erp.faults import Fault
from demo.erp.front_end import PlannedFault, WaitingExport
from demo.erp.lists import find_list
from demo.erp.server import DemoServer
from sync.erp.browser import list_page
from sync.erp.browser.list_page import DocumentAnswers, ListPage, LoginPageShown
from sync.exceptions import (
    ErpFilterChanged,
    ErpPageChanged,
    ErpPageSlow,
    ErpUnavailable,
    ExportEmpty,
    ExportIsWebPage,
    ExportTooLarge,
    ExportTruncated,
    SyncError,
)
from tests.erp.conftest import ERP_LISTS

LARGEST = 100_000_000  # bytes
NARROW = (1100, 900)  # a viewport that leaves no room for the whole toolbar

OpenList = Callable[..., ListPage]


class Stopped(Exception):
    """What a test's own function raises."""


def stop(*_: object) -> None:
    raise Stopped


def download(page: ListPage, to: Path, **options: Any) -> list[tuple[int, int | None]]:
    """Export a list; how far it was at each step."""
    steps: list[tuple[int, int | None]] = []
    given: dict[str, Any] = {
        "largest": LARGEST,
        "seconds": 60.0,
        "progress": lambda done, total: steps.append((done, total)),
        "may_export": lambda: None,
    }
    page.download_export(to, **(given | options))
    return steps


def fetch(page: ListPage, to: Path) -> None:
    """All steps of an export, in their order."""
    page.choose_safe_filter()
    page.clear_grid_filter()
    page.show_columns()
    download(page, to)


def count_pages(path: Path) -> int:
    with pikepdf.open(path, attempt_recovery=False) as pdf:
        return len(pdf.pages)


def plan(server: DemoServer, fault: Fault, times: int | None = None) -> None:
    server.front_end.plan_fault(PlannedFault(fault, times=times))


def count_clicks(server: DemoServer) -> int:
    return server.front_end.clicks["Esportare in"]


# The lists


@pytest.mark.parametrize("sync_type", ERP_LISTS)
def test_a_list_with_filters_left_by_a_user_is_exported_whole(
    sync_type: str, open_list: OpenList, server: DemoServer, tmp_path: Path
) -> None:
    plan(server, Fault.REMEMBERED_FILTER)
    plan(server, Fault.KEPT_GRID_FILTER)
    page = open_list(sync_type)
    fetch(page, tmp_path / "export.pdf")
    shown = find_list(sync_type).list_known_columns()
    written = server.erp.write_export(ERP_LISTS[sync_type].name, tmp_path / "expected.pdf", shown=shown)
    assert written.records
    assert (tmp_path / "export.pdf").read_bytes() == (tmp_path / "expected.pdf").read_bytes()
    page.restore_filter()
    assert server.front_end.filters.get(sync_type, "") == find_list(sync_type).forgotten


def test_each_step_is_reported(open_list: OpenList, reports: list[str], tmp_path: Path) -> None:
    page = open_list("products")
    fetch(page, tmp_path / "export.pdf")
    page.restore_filter()
    assert reports == [
        "open the list",
        "clear the grid's filter",
        "show the columns",
        "export the list",
        "check the filters",
    ]


@pytest.mark.parametrize("updates", [1, 2])
def test_an_update_over_night_changes_nothing_for_the_client(
    updates: int, open_list: OpenList, server: DemoServer, tmp_path: Path
) -> None:
    for _update in range(updates):
        server.front_end.update()
    plan(server, Fault.REMEMBERED_FILTER)
    for sync_type in ("orders", "products"):
        fetch(open_list(sync_type), tmp_path / f"{sync_type}.pdf")
        assert server.front_end.filters.get(sync_type, "") == find_list(sync_type).safe_filter
    assert server.front_end.clicks == {"Esportare in": 2}


@pytest.mark.parametrize("sync_type", ["orders", "products"])
def test_a_page_that_becomes_busy_again_is_exported_whole(
    sync_type: str, open_list: OpenList, server: DemoServer, tmp_path: Path
) -> None:
    server.delays["callback"] = 0.3
    plan(server, Fault.REMEMBERED_FILTER)
    plan(server, Fault.KEPT_GRID_FILTER)
    plan(server, Fault.RESTLESS_PAGE)
    page = open_list(sync_type)
    fetch(page, tmp_path / "export.pdf")
    page.restore_filter()
    assert server.front_end.filters.get(sync_type, "") == find_list(sync_type).forgotten
    assert sync_type not in server.front_end.grid_filters


def test_an_english_page_is_exported_too(open_list: OpenList, server: DemoServer, tmp_path: Path) -> None:
    plan(server, Fault.REMEMBERED_FILTER)
    fetch(open_list("customers", locale="en-US"), tmp_path / "export.pdf")
    assert count_pages(tmp_path / "export.pdf") > 1
    assert server.front_end.clicks["Export to"] == 1


# Opening


def test_a_session_that_has_ended_is_seen_by_the_login_page(
    open_page: Callable[..., Page], open_list: OpenList, server: DemoServer
) -> None:
    page = open_page()
    server.front_end.end_sessions()
    with pytest.raises(LoginPageShown):
        open_list("customers", page)


def test_an_export_that_nobody_fetched_is_passed_over(
    open_page: Callable[..., Page], open_list: OpenList, server: DemoServer
) -> None:
    page = open_page()
    [session] = server.front_end.sessions.values()
    session.waiting[ERP_LISTS["customers"].name] = WaitingExport(set(), is_generated=True)
    assert open_list("customers", page).read_look().rows


def test_a_page_without_a_grid_is_named(open_list: OpenList, server: DemoServer) -> None:
    plan(server, Fault.NO_GRID)
    with pytest.raises(ErpPageChanged, match="it has no grid; it is titled “Clienti") as caught:
        open_list("customers")
    assert caught.value.facts["step"] == "open the list"
    assert caught.value.facts["erp_list"] == "CUSTTABLE_ListView_Agent"


def test_a_page_that_stays_busy_is_slow(
    open_list: OpenList, server: DemoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_page, "IDLE_TIMEOUT", 1.0)
    plan(server, Fault.STUCK_LOADING_PANEL)
    with pytest.raises(ErpPageSlow):
        open_list("customers")


def test_an_erp_that_answers_nothing_is_named_with_what_a_block_looks_like(
    open_list: OpenList, server: DemoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_page, "PAGE_TIMEOUT", 1.0)
    server.front_end.is_mute = True
    with pytest.raises(
        ErpUnavailable, match=r"did not answer within 1 s; if it works on another machine, ask"
    ) as caught:
        open_list("customers")
    assert type(caught.value) is ErpUnavailable


# Filters and columns


@pytest.mark.parametrize("sync_type", ["customers", "invoices"])
def test_a_filter_that_cannot_be_set_is_named(sync_type: str, open_list: OpenList, server: DemoServer) -> None:
    plan(server, Fault.REMEMBERED_FILTER)
    plan(server, Fault.STUCK_FILTER)
    with pytest.raises(ErpPageChanged, match=r"its filter stays .* 3 times") as caught:
        open_list(sync_type).choose_safe_filter()
    assert caught.value.facts["step"] == "choose the filter"


@pytest.mark.parametrize("sync_type", ["ddt", "products"])
def test_a_filter_that_a_person_chose_while_the_export_was_made_is_named_and_stays(
    sync_type: str, open_list: OpenList, server: DemoServer, tmp_path: Path
) -> None:
    plan(server, Fault.REMEMBERED_FILTER)
    page = open_list(sync_type)
    page.choose_safe_filter()
    plan(server, Fault.FILTER_CHANGED_AT_CLICK)
    chosen = {"ddt": "ListViewPackingSlipsMonth", "products": r"\[Oid\] % 11 = 0"}[sync_type]
    with pytest.raises(ErpFilterChanged, match=rf"chose another filter there \(.*{chosen}\)"):
        download(page, tmp_path / "export.pdf")
    assert not (tmp_path / "export.pdf").exists()
    page.restore_filter()
    assert server.front_end.filters.get(sync_type, "") == find_list(sync_type).forgotten
    assert server.front_end.grid_filters == ({"products"} if sync_type == "products" else set())


def test_a_filter_that_is_not_restored_is_reported(open_list: OpenList, server: DemoServer, reports: list[str]) -> None:
    plan(server, Fault.REMEMBERED_FILTER)
    page = open_list("customers")
    page.choose_safe_filter()
    plan(server, Fault.STUCK_FILTER)
    page.restore_filter()
    assert "was not restored" in reports[-1]
    assert server.front_end.filters["customers"] == "All_Customers"


def test_columns_that_cannot_be_shown_are_reported(open_list: OpenList, server: DemoServer, reports: list[str]) -> None:
    plan(server, Fault.HIDDEN_COLUMNS)
    open_list("products").show_columns()
    assert reports[-1].startswith("columns that stay hidden: ")
    assert "PACCO" in reports[-1]


def test_columns_are_shown_although_their_check_boxes_have_no_captions(open_list: OpenList, reports: list[str]) -> None:
    page = open_list("products")
    page.page.evaluate(
        "setInterval(() => document.querySelectorAll('[id*=Chk5_D] + span').forEach(caption => caption.remove()), 20)"
    )
    page.show_columns()
    assert reports == ["open the list", "show the columns"]
    assert page.find_hidden() == []


@pytest.mark.parametrize(("locale", "hides"), [("it-IT", "Nascondi colonna"), ("en-US", "Hide Column")])
def test_where_no_script_opens_the_column_chooser_the_menu_of_a_header_does(
    locale: str, hides: str, open_list: OpenList, server: DemoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_page, "DIALOG_TIMEOUT", 1.5)
    server.front_end.update()
    page = open_list("products", locale=locale)
    assert page.page.get_by_text(hides).count() == 1
    tabs = page.open_chooser()
    assert [bool(list_page.COLUMN_CHOOSER.search(tab["text"])) for tab in tabs] == [False, False, False, True]


def test_after_an_update_the_columns_are_shown_but_for_a_mislabelled_one(
    open_list: OpenList, server: DemoServer, reports: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_page, "DIALOG_TIMEOUT", 1.5)
    server.front_end.update()
    page = open_list("products")
    page.show_columns()
    assert reports == ["open the list", "show the columns"]
    page.page.wait_for_function("document.querySelectorAll('td.dxgvHeader_XafTheme').length === 36")


# The grid's own filter


def test_a_filter_of_the_grid_that_nothing_shows_is_cleared(open_list: OpenList, server: DemoServer) -> None:
    plan(server, Fault.SILENT_GRID_FILTER)
    page = open_list("products")
    filtered = page.read_look().count
    page.clear_grid_filter()
    assert (filtered, page.read_look().count) == (
        len(list(server.erp.find_records("products", filtered=True))),
        server.erp.count_records("products"),
    )


def test_a_filter_of_the_grid_that_stays_is_named(open_list: OpenList, server: DemoServer) -> None:
    plan(server, Fault.KEPT_GRID_FILTER)
    plan(server, Fault.STUCK_GRID_FILTER)
    with pytest.raises(ErpPageChanged, match=r"its filter \[Oid\] % 11 = 0 cannot be cleared") as caught:
        open_list("products").clear_grid_filter()
    assert caught.value.facts["step"] == "clear the grid's filter"


def test_a_filter_of_the_grid_that_stays_twice_is_cleared(open_list: OpenList, server: DemoServer) -> None:
    plan(server, Fault.KEPT_GRID_FILTER)
    plan(server, Fault.STUCK_GRID_FILTER, times=2)
    open_list("products").clear_grid_filter()
    assert server.front_end.grid_filters == {find_list(each).sync_type for each in ERP_LISTS} - {"products"}


def test_a_grid_that_clears_its_filter_a_while_after_it_was_told_to_is_waited_for(
    open_list: OpenList, server: DemoServer
) -> None:
    plan(server, Fault.SILENT_GRID_FILTER)
    page = open_list("products")
    page.page.evaluate(
        """() => {
            const clear = ASPxClientGridView.prototype.ClearFilter;
            ASPxClientGridView.prototype.ClearFilter = function () { setTimeout(() => clear.call(this), 1500); };
        }"""
    )
    page.clear_grid_filter()
    assert "products" not in server.front_end.grid_filters


# The export item


@pytest.mark.parametrize("fault", [Fault.MOVED_EXPORT, Fault.EXPORT_IN_OVERFLOW])
def test_the_export_item_is_found_wherever_it_stands(
    fault: Fault, open_list: OpenList, server: DemoServer, tmp_path: Path
) -> None:
    plan(server, fault)
    download(open_list("orders"), tmp_path / "export.pdf")
    assert server.front_end.clicks == {"Esportare in": 1}


def test_an_item_of_another_menu_with_the_same_text_is_not_clicked(
    open_list: OpenList, server: DemoServer, tmp_path: Path
) -> None:
    server.front_end.update()
    server.front_end.update()
    page = open_list("orders")
    page.page.add_style_tag(content="li ul { display: block !important; }")  # as while the mouse is over its menu
    item = page.page.locator("a[id$=i0_T]", has_text="Esportare in")
    assert item.is_visible()
    item.evaluate("item => item.title = 'Esportare in PDF File'")
    download(page, tmp_path / "export.pdf")
    assert server.front_end.clicks == {"Esportare in": 1}


def test_of_two_items_with_the_same_text_the_one_that_names_pdf_is_clicked(
    open_list: OpenList, server: DemoServer, tmp_path: Path
) -> None:
    page = open_list("orders")
    page.page.evaluate("document.querySelector('[id$=mainMenu_Menu_DXI0_T]').textContent = 'Esportare in'")
    download(page, tmp_path / "export.pdf")
    assert server.front_end.clicks == {"Esportare in": 1}


def test_the_export_item_is_found_in_a_narrow_window(open_list: OpenList, tmp_path: Path) -> None:
    download(open_list("customers", viewport=NARROW), tmp_path / "export.pdf")
    assert count_pages(tmp_path / "export.pdf") > 1


@pytest.mark.parametrize("fault", [Fault.MISSING_EXPORT, Fault.RENAMED_EXPORT])
def test_a_page_without_an_export_item_says_which_items_it_has(
    fault: Fault, open_list: OpenList, server: DemoServer, tmp_path: Path
) -> None:
    plan(server, fault)
    with pytest.raises(ErpPageChanged, match=r"it has no export item: .* items found: .*Elimina, "):
        download(open_list("customers"), tmp_path / "export.pdf")
    assert not server.front_end.clicks
    assert not (tmp_path / "export.pdf").exists()


# The ERP's banner


def test_only_a_page_in_place_of_the_list_s_counts_as_opened_anew(open_list: OpenList) -> None:
    page = open_list("customers").page
    with DocumentAnswers(page) as answers:
        page.evaluate("document.body.append(Object.assign(document.createElement('iframe'), {src: location.href}))")
        wait_for_answer(answers)
        answers.look()
        assert not answers.is_reloaded
        page.evaluate("location.reload()")
        wait_for_answer(answers)
        answers.look()
        assert answers.is_reloaded


def wait_for_answer(answers: DocumentAnswers) -> None:
    while not answers.paused:
        answers.page.wait_for_timeout(50)


@pytest.mark.parametrize("fault", [Fault.ERROR_BANNER, Fault.ERROR_NAVIGATION, Fault.ERROR_RELOAD])
def test_a_banner_is_answered_by_another_click(
    fault: Fault, open_list: OpenList, server: DemoServer, tmp_path: Path
) -> None:
    server.delays["error"] = 0.3
    plan(server, fault, times=2)
    download(open_list("customers"), tmp_path / "export.pdf")
    assert count_clicks(server) == 3
    assert count_pages(tmp_path / "export.pdf") > 1


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Fault.ERROR_BANNER, "it answered “Requested objects cannot be loaded” 3 times"),
        (Fault.ERROR_NAVIGATION, "it answered “Requested objects cannot be loaded” 3 times"),
        (Fault.ERROR_RELOAD, "it was opened anew after 3 clicks on its export item, without an export"),
    ],
)
def test_a_banner_that_always_comes_ends_the_export(
    fault: Fault, says: str, open_list: OpenList, server: DemoServer, tmp_path: Path
) -> None:
    server.delays["error"] = 0.3
    plan(server, fault)
    with pytest.raises(ErpPageChanged, match=says):
        download(open_list("customers"), tmp_path / "export.pdf")
    assert count_clicks(server) == 3


# The download


def test_how_much_of_an_export_has_come_is_told_while_it_comes(open_list: OpenList, tmp_path: Path) -> None:
    steps = download(open_list("customers"), tmp_path / "export.pdf")
    size = (tmp_path / "export.pdf").stat().st_size
    assert [total for _done, total in steps] == [size] * len(steps)
    done = [done for done, _total in steps]
    assert (done[0], done[-1]) == (0, size)
    assert len(done) > 2
    assert done == sorted(done)


def test_nothing_is_asked_of_the_erp_that_must_not_be(open_list: OpenList, server: DemoServer, tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        download(open_list("customers"), tmp_path / "export.pdf", may_export=stop)
    assert not server.front_end.clicks


def test_a_list_can_be_used_after_a_download_that_was_stopped(open_list: OpenList, tmp_path: Path) -> None:
    page = open_list("customers")
    with pytest.raises(Stopped):
        download(page, tmp_path / "export.pdf", progress=stop)
    assert not (tmp_path / "export.pdf").exists()
    page.open()
    download(page, tmp_path / "export.pdf")
    assert count_pages(tmp_path / "export.pdf") > 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.CUT_CONNECTION, ExportTruncated),
        (Fault.TRUNCATED_FILE, ExportTruncated),
        (Fault.EMPTY_FILE, ExportEmpty),
        (Fault.HTML_INSTEAD_OF_PDF, ExportIsWebPage),
        (Fault.LOGIN_INSTEAD_OF_PDF, LoginPageShown),
        (Fault.EXPIRED_SESSION, LoginPageShown),
    ],
)
def test_what_is_no_whole_pdf_is_named(
    fault: Fault, error: type[Exception], open_list: OpenList, server: DemoServer, tmp_path: Path
) -> None:
    plan(server, fault)
    with pytest.raises(error):
        download(open_list("customers"), tmp_path / "export.pdf")
    assert not (tmp_path / "export.pdf").exists()


def test_an_export_that_is_too_large_is_not_written(open_list: OpenList, tmp_path: Path) -> None:
    steps: list[int] = []
    with pytest.raises(ExportTooLarge):
        download(
            open_list("customers"), tmp_path / "export.pdf", largest=1000, progress=lambda *at: steps.append(at[0])
        )
    assert steps == []
    assert not (tmp_path / "export.pdf").exists()


def test_an_export_that_never_comes_is_given_up(open_list: OpenList, server: DemoServer, tmp_path: Path) -> None:
    plan(server, Fault.ENDLESS_EXPORT)
    with pytest.raises(ErpPageSlow):
        download(open_list("customers"), tmp_path / "export.pdf", seconds=1.0)


def test_a_click_that_does_nothing_is_named(
    open_list: OpenList, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_page, "SILENCE", 1.0)
    page = open_list("customers")
    page.page.evaluate("window.RaiseXafCallback = () => undefined")
    with pytest.raises(ErpPageChanged, match="neither an export nor a message came; the page is “Clienti"):
        download(page, tmp_path / "export.pdf")


def test_errors_say_what_to_do(open_list: OpenList, server: DemoServer) -> None:
    plan(server, Fault.NO_GRID)
    with pytest.raises(SyncError) as caught:
        open_list("orders")
    assert "tell the maintainer" in str(caught.value)
