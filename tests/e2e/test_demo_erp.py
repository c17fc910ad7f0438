"""The demo ERP's pages work by their own scripts, in a real browser, as those of the real ERP do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from demo.erp.lists import CUSTOMERS, DDT, INVOICES, ORDERS, PRICES, PRODUCTS
from demo.erp.server import DEMO_PASSWORD, DEMO_USERNAME, DemoServer
from tests.demo_erp import CachedDemoErp
from tests.e2e.browsers import DESK, Watch, screenshot, somebody
from tests.erp.conftest import SMALL, control

GRID = "Object.values(ASPx.GetControlCollection().elements).find((each) => /_LE_v\\d+$/.test(each.name))"
FILTER = "Object.values(ASPx.GetControlCollection().elements).find((each) => /ITCNT\\d+_xaf_a1_Cb$/.test(each.name))"
IDLE = """() => Object.values(ASPx.GetControlCollection().elements).every((each) => !each.InCallback())
    && [...document.querySelectorAll(".dxgvLoadingPanel_XafTheme, .dxlp")].every((each) => !each.offsetParent)"""
BEGINS = 100  # ms in which a callback that was called for begins
EXPORT = "a[title^='Esportare in']"


@pytest.fixture
def server(network: None) -> Iterator[DemoServer]:
    with DemoServer(CachedDemoErp(scale=SMALL, today=date(2026, 1, 20))) as server:
        yield server


@pytest.fixture
def make_page(browser: Browser, server: DemoServer) -> Iterator[Callable[..., Page]]:
    """Opens a page in a session of its own; nothing may go wrong in its scripts."""
    contexts = []
    watch = Watch(server.url.rstrip("/"))

    def made(**options: Any) -> Page:
        context = browser.new_context(**somebody(viewport=options.pop("viewport", DESK), **options))
        contexts.append(context)
        watch.over(context)
        return context.new_page()

    yield made
    for context in contexts:
        context.close()
    assert watch.complaints() == []


@pytest.fixture
def page(make_page: Callable[..., Page]) -> Page:
    return make_page()


@pytest.fixture
def opened(page: Page, server: DemoServer) -> Callable[..., Page]:
    """A list's page, after the login."""

    def opened(demo_list: Any = CUSTOMERS, page: Page = page) -> Page:
        page.goto(f"{server.url}Archibald/{demo_list.name}/")
        if "Login.aspx" in page.url:
            log_in(page)
            page.wait_for_url(f"**/{demo_list.name}/")
        return page

    return opened


def log_in(page: Page, password: str = DEMO_PASSWORD) -> None:
    page.fill("input[id*=UserName]", DEMO_USERNAME)
    page.fill("input[type=password]", password)
    page.keyboard.press("Tab")
    page.click("[id=Logon_PopupActions_Menu_DXI0_T]")


def call(page: Page, script: str) -> Any:
    """The answer of a control object, once the page is idle."""
    answer = page.evaluate(script)
    page.wait_for_timeout(BEGINS)
    page.wait_for_function(IDLE)
    return answer


def rows(page: Page) -> list[str]:
    shown: list[str] = page.locator("tr.dxgvDataRow_XafTheme").evaluate_all("(all) => all.map((row) => row.innerText)")
    return shown


def chosen(server: DemoServer, demo_list: Any) -> str:
    return server.front_end.get_filter(demo_list)


# Login


def test_a_login_needs_the_events_of_typing(page, server):
    page.goto(f"{server.url}Archibald/Login.aspx")
    screenshot(page, "demo_erp_login")
    for name, value in (("text", DEMO_USERNAME), ("password", DEMO_PASSWORD)):
        page.evaluate("([name, value]) => (document.querySelector(`input[type=${name}]`).value = value)", [name, value])
    page.click("[id=Logon_PopupActions_Menu_DXI0_T]")
    expect(page.get_by_text("non validi")).to_be_visible()
    log_in(page)
    page.wait_for_url(f"**/Archibald/{CUSTOMERS.name}/")
    assert len(page.context.cookies()) == 4


def test_what_is_entered_before_the_login_page_has_settled_is_lost_once(page, server):
    control(server, "POST", "delays", settling=1)
    page.goto(f"{server.url}Archibald/Login.aspx")
    log_in(page)
    expect(page.locator("input[id*=UserName]")).to_have_value("")
    assert "/Login.aspx" in page.url
    log_in(page)
    page.wait_for_url(f"**/Archibald/{CUSTOMERS.name}/")


def test_a_wrong_password_shows_the_login_page_again(page, server):
    page.goto(f"{server.url}Archibald/Login.aspx")
    log_in(page, "sbagliata")
    expect(page.get_by_text("non validi")).to_be_visible()
    assert "/Login.aspx" in page.url


def test_a_session_that_ends_leads_to_the_login_page_at_the_next_callback(opened, server):
    page = opened()
    server.front_end.end_sessions()
    page.evaluate(f"{GRID}.GotoPage(1)")
    page.wait_for_url("**/Login.aspx?*")


# Combos


@pytest.mark.parametrize("demo_list", [DDT, INVOICES], ids=lambda each: each.sync_type)
def test_of_ddt_and_invoices_only_a_click_on_an_item_changes_the_filter(opened, server, demo_list):
    control(server, "POST", "faults", fault="remembered-filter", list=demo_list.sync_type)
    page = opened(demo_list)
    before = rows(page)
    safe = f"xaf_xaf_a1{demo_list.safe_filter}"
    call(page, f"{FILTER}.SetValue('{safe}')")
    assert call(page, f"[{FILTER}.GetValue(), {FILTER}.GetText()]") == [safe, "Tutti"]
    assert rows(page) == before
    assert chosen(server, demo_list) == demo_list.forgotten
    page.click("[id$=_xaf_a1_Cb_I]")
    page.locator("td.dxeListBoxItem_XafTheme:visible").get_by_text("Tutti", exact=True).click()
    page.wait_for_timeout(BEGINS)
    page.wait_for_function(IDLE)
    assert chosen(server, demo_list) == demo_list.safe_filter
    assert rows(page) != before


def test_a_click_of_a_script_on_an_item_does_nothing(opened, server):
    page = opened(DDT)
    call(page, "document.querySelector('td.dxeListBoxItem_XafTheme').click()")
    assert chosen(server, DDT) == DDT.safe_filter


@pytest.mark.parametrize("demo_list", [ORDERS, PRICES], ids=lambda each: each.sync_type)
def test_of_orders_and_prices_a_value_set_opens_the_page_anew(opened, server, demo_list):
    control(server, "POST", "faults", fault="remembered-filter", list=demo_list.sync_type)
    page = opened(demo_list)
    with page.expect_navigation():
        page.evaluate(f"{FILTER}.SetValue('xaf_xaf_a1{demo_list.safe_filter}')")
    assert call(page, f"{FILTER}.GetValue()") == f"xaf_xaf_a1{demo_list.safe_filter}"
    assert chosen(server, demo_list) == demo_list.safe_filter


def test_of_customers_a_value_set_is_told_by_a_callback(opened, server):
    page = opened(CUSTOMERS)
    call(page, f"{FILTER}.SetValue('xaf_xaf_a1Free_Customers')")
    assert chosen(server, CUSTOMERS) == "Free_Customers"
    assert call(page, f"{FILTER}.GetText()") == "Clienti liberi"
    assert call(page, f"{FILTER}.GetItem(0).text") == "Tutti i clienti"


def test_a_filter_that_cannot_be_set_shows_what_it_is(opened, server):
    control(server, "POST", "faults", fault="stuck-filter")
    page = opened(CUSTOMERS)
    call(page, f"{FILTER}.SetValue('xaf_xaf_a1Free_Customers')")
    assert call(page, f"{FILTER}.GetText()") == "Tutti i clienti"


# The grid


def test_the_grid_tells_its_columns_and_its_rows(opened, server):
    page = opened(ORDERS)
    screenshot(page, "demo_erp_orders")
    order = next(server.erp.find_records("orders"))
    assert call(page, f"{GRID}.GetColumnsCount()") == len(ORDERS.grid_columns)
    described = call(page, f"{GRID}.GetColumnByField('MODIFIEDDATETIME')")
    assert call(page, f"{GRID}.GetColumn({described['index']}).fieldName") == "MODIFIEDDATETIME"
    assert (described["visible"], "CITTÀ DI FATTURAZIONE" in page.inner_text("tr[id$=HeadersRow0]")) == (False, False)
    assert call(page, f"[{GRID}.GetVisibleRowsOnPage(), {GRID}.GetRowKey(0)]") == [20, str(order.id)]
    values = (
        "new Promise((give) => {0}.GetRowValues({1}, 'ID;MODIFIEDDATETIME', (all) => give([all[0], String(all[1])])))"
    )
    shown = call(page, values.format(GRID, 0))
    assert shown[0] == order.id
    assert f"{order.modified_at:%d %Y %H:%M:%S}" in shown[1]
    far = list(server.erp.find_records("orders"))[100]
    assert call(page, values.format(GRID, 100))[0] == far.id


def test_pages_and_sizes_and_orders_are_callbacks_and_persist(opened, server):
    page = opened(CUSTOMERS)
    address, first = page.url, rows(page)
    call(page, f"{GRID}.GotoPage(1)")
    second = rows(page)
    assert second != first
    assert page.url == address
    opened(CUSTOMERS)
    assert rows(page) == second
    call(page, f"{GRID}.GotoPage(0)")
    page.fill("[id$=DXPagerBottom_PSI]", "200")
    page.keyboard.press("Tab")
    page.wait_for_function("document.querySelectorAll('tr.dxgvDataRow_XafTheme').length === 200")
    call(page, f"{GRID}.SortBy('ID', 'DSC')")
    assert call(page, f"{GRID}.GetRowKey(0)") == str(max(each.id for each in server.erp.find_records("customers")))


def test_a_loading_panel_is_seen_during_a_callback_and_goes_away(opened, server):
    page = opened(CUSTOMERS)
    page.route("**/CUSTTABLE_ListView_Agent/", lambda route: route.abort() if route.request.method == "GET" else None)
    assert not page.evaluate(f"{GRID}.GotoPage(1), {GRID}.InCallback()")
    page.wait_for_function(f"{GRID}.InCallback()")
    expect(page.locator("[id$=_LPV].dxgvLoadingPanel_XafTheme")).to_be_visible()
    page.unroute_all()
    page.close()


def test_a_loading_panel_can_stay(opened, server):
    control(server, "POST", "faults", fault="stuck-loading-panel", times=1)
    page = opened(CUSTOMERS)
    expect(page.locator("#LPV.dxlp")).to_be_visible()
    opened(CUSTOMERS)
    expect(page.locator(".dxlp:visible")).to_have_count(0)


def test_a_filter_of_the_grid_is_cleared(opened, server):
    control(server, "POST", "faults", fault="kept-grid-filter", list="products")
    page = opened(PRODUCTS)
    expect(page.locator(".dxgvFilterBar_XafTheme")).to_be_visible()
    call(page, f"{GRID}.ClearFilter()")
    expect(page.locator(".dxgvFilterBar_XafTheme")).to_have_count(0)


def test_hidden_columns_are_shown_by_the_column_chooser(opened, server):
    page = opened(PRODUCTS)
    hidden = call(
        page, f"Array.from({{ length: 36 }}, (_, at) => {GRID}.GetColumn(at)).filter((each) => !each.visible)"
    )
    assert len(hidden) == 18
    call(page, f"{GRID}.ShowCustomizationDialog()")
    expect(page.locator("[id*=DXCDWindow] .dxICheckBox_XafTheme").first).to_be_hidden()
    page.click("[id$=DXCDPageControl_T3T]")
    screenshot(page, "demo_erp_column_chooser")
    for column in hidden:
        page.click(f"[id*=C{column['index']}Chk5_D]")
    page.click("[id$=DXCDWindow_DXCBtn201]")
    expect(page.locator("[id*=DXCDWindow]")).to_have_count(0)
    assert page.locator("td.dxgvHeader_XafTheme").count() == 36
    assert call(page, f"{GRID}.GetColumnByField('VATGROUP').visible")


def test_the_menu_of_a_header_opens_the_column_chooser_where_no_script_does(opened, server):
    server.front_end.update()
    page = opened(PRODUCTS)
    call(page, f"{GRID}.ShowCustomizationDialog()")
    page.wait_for_timeout(500)
    expect(page.locator("[id$=DXCDWindow]")).to_have_count(0)
    page.locator("td.dxgvHeader_XafTheme").first.click(button="right")
    page.get_by_text("Selezione colonne").click()
    expect(page.locator("[id$=DXCDWindow]")).to_be_visible()


def test_the_search_box_narrows_the_list(opened, server):
    customer = list(server.erp.find_records("customers"))[33]
    page = opened(CUSTOMERS)
    page.fill("input[id*=SearchAC][id*=Ed_I]", customer.vat_number or customer.name)
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelectorAll('tr.dxgvDataRow_XafTheme').length < 20")
    assert any(customer.name in row for row in rows(page))


# The toolbar, and exports


def test_an_export_needs_every_event_of_a_click(opened, server):
    page = opened(ORDERS)
    call(page, f'document.querySelector("{EXPORT}").click()')
    assert server.front_end.clicks == {}
    with page.expect_download() as download:
        page.click(EXPORT)
    assert download.value.suggested_filename == "Ordini cliente.pdf"
    assert download.value.path().read_bytes().startswith(b"%PDF")
    assert page.url.endswith(f"{ORDERS.name}/")


def test_an_items_text_stands_in_it_twice(opened):
    page = opened(ORDERS)
    assert page.text_content(EXPORT) == "Esportare inEsportare in"
    assert page.inner_text(EXPORT) == "Esportare in"


def test_in_a_narrow_window_the_export_is_in_the_overflow_menu_and_stays_there(make_page, opened):
    page = opened(CUSTOMERS, make_page(viewport=(1280, 900)))
    assert page.locator("li[id*=mainMenu_Menu_DXI6_]").is_hidden()
    page.set_viewport_size({"width": 1440, "height": 900})
    assert page.locator(EXPORT).is_hidden()
    page.click("li.overflow > a")
    with page.expect_download():
        page.click(EXPORT)


def test_the_export_can_be_in_the_overflow_menu_of_any_window(opened, server):
    control(server, "POST", "faults", fault="export-in-overflow", times=1)
    page = opened(CUSTOMERS)
    assert page.locator(EXPORT).is_hidden()
    opened(CUSTOMERS)
    assert page.locator(EXPORT).is_visible()


def test_a_banner_comes_some_time_after_the_click(opened, server):
    control(server, "POST", "faults", fault="error-banner", times=1)
    control(server, "POST", "delays", error=0)
    page = opened(CUSTOMERS)
    page.click(EXPORT)
    expect(page.get_by_text("Requested objects cannot be loaded")).to_be_visible()
    with page.expect_download():
        page.click(EXPORT)


def test_a_navigation_comes_some_time_after_the_click(opened, server):
    control(server, "POST", "faults", fault="error-navigation", times=1)
    control(server, "POST", "delays", error=0)
    page = opened(CUSTOMERS)
    with page.expect_navigation():
        page.click(EXPORT)
    expect(page.get_by_text("Requested objects cannot be loaded")).to_be_visible()
    with page.expect_download():
        page.click(EXPORT)


def test_a_browser_of_another_language_sees_english(make_page, opened):
    page = opened(INVOICES, make_page(locale="en-US"))
    assert re.search(r"Page 1 of \d+ \(\d+ items\)", page.inner_text(".dxp-summary"))
    expect(page.locator("a[title='Export to PDF File']")).to_be_visible()
