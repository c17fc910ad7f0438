"""The demo ERP's front end remembers, counts and answers callbacks as the real one does; no browser is needed."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from bs4 import BeautifulSoup

from demo.erp import web
from demo.erp.lists import CUSTOMERS, DDT, INVOICES, LISTS, ORDERS, PRODUCTS, find_list
from demo.erp.server import DEMO_PASSWORD, DEMO_USERNAME, REALISTIC_DELAYS, DemoServer
from tests.concurrency.processes import until
from tests.erp.conftest import control

NOON = datetime.combine(date(2026, 1, 21), datetime.min.time()) + timedelta(hours=12)
TOMORROW = "2026-03-30T07:00:00"


class ErpUser:
    """Somebody at a list of the demo ERP, whose pages do what the script of a page would."""

    def __init__(self, server: DemoServer, **headers: str) -> None:
        self.server = server
        self.http = requests.Session()
        self.http.headers.update({"Accept-Language": "it-IT"} | headers)

    def log_in(self, password: str = DEMO_PASSWORD) -> requests.Response:
        page = self.http.get(f"{self.server.url}Archibald/Login.aspx?ReturnUrl=%2fArchibald%2fDefault.aspx")
        fields = read_fields(page.text)
        for name in fields:
            fields[name] = {"UserName": DEMO_USERNAME, "Password": password}.get(
                next((part for part in ("UserName", "Password") if part in name), ""), fields[name]
            )
        return self.http.post(page.url, data=fields | {"__EVENTTARGET": web.LOGIN_MENU, "__EVENTARGUMENT": "0"})

    def open(self, demo_list=CUSTOMERS) -> str:
        self.address = f"{self.server.url}Archibald/{demo_list.name}/"
        self.page = self.http.get(self.address).text
        return self.page

    def call(self, target: str, argument: str, **fields: str) -> Any:
        """The answer to a callback."""
        events = {"__EVENTTARGET": target, "__EVENTARGUMENT": argument, "__CALLBACKID": target}
        answer = self.http.post(self.address, data=read_fields(self.page) | fields | events)
        return answer.json() if answer.headers["Content-Type"] == "application/json" else answer

    @property
    def filter(self) -> str:
        """The name of the filter's combo."""
        return str(re.findall(r'name="([^"]+)_VI"', self.page)[-1])

    def call_grid(self, argument: str) -> str:
        """What the list's area shows then."""
        answer = self.call(self.grid, argument)
        return str(answer["parts"][web.LIST_AREA])

    @property
    def grid(self) -> str:
        return str(re.findall(r"Vertical\$v\d+\$LE_v\d+", self.page)[0])

    def find_index(self, field_name: str) -> int:
        """That of a column of the grid, whether it is shown or not."""
        [index] = re.findall(rf'{{"index":(\d+),"fieldName":"{field_name}"', self.page)
        return int(index)

    def click_on_export(self) -> Any:
        [place] = re.findall(r'mainMenu_Menu_DXI(\d+)_T" title="(?:Esportare in|Export to)', self.page)
        return self.call(web.MENU, place)


def read_fields(html: str) -> dict[str, str]:
    soup = BeautifulSoup(html, "html.parser")
    return {str(field["name"]): str(field.get("value", "")) for field in soup.select("input[name]")}


def rows(html: str) -> list[list[str]]:
    soup = BeautifulSoup(html, "html.parser")
    return [[cell.get_text() for cell in row.select("td")] for row in soup.select("tr.dxgvDataRow_XafTheme")]


def headers(html: str) -> list[str]:
    return [each.get_text(strip=True) for each in BeautifulSoup(html, "html.parser").select("td.dxgvHeader_XafTheme")]


@pytest.fixture
def user(server):
    user = ErpUser(server)
    user.log_in()
    yield user
    user.http.close()


# Addresses and languages


def test_the_real_addresses_are_there(server, user):
    assert user.http.get(f"{server.url}Archibald/Default.aspx").url == f"{server.url}Archibald/{CUSTOMERS.name}/"
    user.http.cookies.clear()
    assert user.http.get(f"{server.url}Archibald/").url.endswith(
        "/Archibald/Login.aspx?ReturnUrl=%2fArchibald%2fDefault.aspx"
    )
    assert "/Archibald/DXR.axd/archibald.js" in user.http.get(f"{server.url}Archibald/").text


def test_the_ids_of_the_login_page_are_others_each_time(server, user):
    pages = [user.http.get(f"{server.url}Archibald/Login.aspx").text for _ in range(2)]
    first, second = ([name for name in read_fields(page) if "UserName" in name] for page in pages)
    assert first != second


@pytest.mark.parametrize(
    ("header", "log_in", "export_to", "date_of"),
    [
        ("it-IT,it;q=0.9", "Accedi", "Esportare in", r"\d\d/\d\d/\d{4} "),
        ("en-US", "Log In", "Export to", r"\d+/\d+/\d{4} .*[AP]M"),
        (None, "Log In", "Export to", r"\d+/\d+/\d{4} .*[AP]M"),
    ],
)  # fmt: skip
def test_a_page_has_the_language_that_a_browser_asks_for(server, header, log_in, export_to, date_of):
    user = ErpUser(server, **{"Accept-Language": header})
    assert log_in in user.http.get(f"{server.url}Login.aspx").text
    user.log_in()
    assert export_to in user.open(ORDERS)
    assert re.match(date_of, rows(user.page)[0][6])


def test_a_users_own_language_counts_more_than_the_browsers(erp, network):
    with DemoServer(erp, profile="it") as server:
        user = ErpUser(server, **{"Accept-Language": "en-US"})
        user.log_in()
        assert "Esportare in" in user.open()


# The grid


def test_documents_stand_with_the_newest_change_first(server, user, erp):
    erp.happen("next-state", at=NOON)
    newest = next(erp.find_records("orders"))
    assert newest.modified_at == NOON
    user.open(ORDERS)
    assert rows(user.page)[0][0] == f"{newest.id:,}".replace(",", ".")
    for demo_list in (ORDERS, DDT, INVOICES):
        moments = [record.modified_at for record in erp.find_records(demo_list.name)]
        assert moments == sorted(moments, reverse=True)


@pytest.mark.parametrize("sync_type", ["orders", "ddt", "invoices", "prices"])
def test_the_time_of_change_is_hidden_mislabelled_and_can_be_sorted_by(user, erp, sync_type):
    demo_list = find_list(sync_type)
    user.open(demo_list)
    index = user.find_index("MODIFIEDDATETIME")
    assert '"fieldName":"MODIFIEDDATETIME","name":"","visible":false' in user.page
    assert "CITTÀ DI FATTURAZIONE" not in user.page
    user.call_grid(f"SortBy|{index}|ASC")
    oldest = min(erp.find_records(sync_type), key=lambda record: record.modified_at)
    shown = user.call(user.grid, "RowValues|0")["row"]["values"][index]
    assert datetime(*shown) == oldest.modified_at  # noqa: DTZ001  # Italian
    chooser = BeautifulSoup(user.call_grid("ShowCustomizationDialog"), "html.parser")
    assert chooser.select(f"[id$=C{index}Chk5_D] + span")[0].get_text() == "CITTÀ DI FATTURAZIONE"


@pytest.mark.parametrize(
    ("sync_type", "columns", "hidden"),
    [
        ("customers", 37, 11), ("orders", 63, 40), ("ddt", 33, 16), ("invoices", 47, 25), ("products", 36, 18),
        ("prices", 46, 32),
    ],
)  # fmt: skip
def test_a_new_session_hides_as_many_columns_as_were_seen(user, sync_type, columns, hidden):
    page = user.open(find_list(sync_type))
    assert (page.count('"fieldName":'), page.count('"visible":false')) == (columns, hidden)
    assert len(headers(page)) == columns - hidden


def test_where_a_column_is_shown_says_nothing_of_its_index_nor_of_its_place(user):
    """Hidden ones stand between the others, and the numbers in ids follow neither."""
    shown = BeautifulSoup(user.open(ORDERS), "html.parser").select("td.dxgvHeader_XafTheme")
    indexes = [int(re.findall(r"_col(\d+)$", str(header["id"]))[0]) for header in shown]
    places = [place for place, column in enumerate(ORDERS.grid_columns) if not column.hidden]
    assert indexes != sorted(indexes)
    assert places != list(range(len(places)))
    assert not set(zip(range(len(places)), indexes, strict=True)) & set(zip(range(len(places)), places, strict=True))


def test_after_an_update_the_products_time_of_change_is_hidden_and_mislabelled_too(server, user):
    control(server, "POST", "update")
    user.log_in()
    assert "DATETIME MODIFICATO" not in user.open(PRODUCTS)
    assert '"fieldName":"MODIFIEDDATETIME","name":"","visible":false' in user.page
    assert "CITTÀ DI FATTURAZIONE" in user.call_grid("ShowCustomizationDialog")
    user.click_on_export()
    user.http.get(user.address)


def test_of_products_the_time_of_change_is_one_of_the_36_columns(user):
    assert user.open(PRODUCTS).count('"fieldName":"MODIFIEDDATETIME","name":"","visible":true') == 1
    assert user.page.count('"fieldName":') == 36


def test_customers_have_no_time_of_change(user):
    assert "MODIFIEDDATETIME" not in user.open(CUSTOMERS)


def test_a_page_of_the_grid_persists_and_so_do_its_size_and_order(user, erp):
    user.open()
    total = erp.count_records("customers")
    assert f"Pagina 1 di {-(-total // 20)} ({total} elementi)" in user.page
    assert len(rows(user.page)) == 20
    second = rows(user.call_grid("GotoPage|1"))
    assert rows(user.open()) == second
    largest = rows(user.call_grid("PageSize|200"))
    assert len(largest) == min(200, total - 200) if total > 400 else largest
    user.call_grid("GotoPage|0")
    user.call_grid(f"SortBy|{user.find_index('ID')}|DSC")
    newest = max(record.id for record in erp.find_records("customers"))
    assert rows(user.open())[0][0] == f"{newest:,}".replace(",", ".")


def test_a_footer_counts_where_the_list_has_a_count(user, erp):
    counts = {demo_list.sync_type: re.findall(r"Count=([\d.]+)", user.open(demo_list)) for demo_list in LISTS}
    expected = {each.sync_type: [f"{erp.count_records(each.sync_type):,}".replace(",", ".")] for each in LISTS}
    assert counts == expected | {"invoices": []}


def test_negative_amounts_are_in_brackets(user, erp):
    user.open(INVOICES)
    shown = rows(user.call_grid("PageSize|200"))
    amount = [column.field for column in INVOICES.columns].index("total")
    credit = next(record for record in erp.find_records("invoices") if record.total < 0)
    [row] = [row for row in shown if row[1] == credit.number]
    assert re.fullmatch(r"\([\d.]+(,\d+)?\)", row[amount])


def test_rows_of_other_pages_are_given_when_asked_for(user, erp):
    user.open()
    last = list(erp.find_records("customers"))[-1]
    row = user.call(user.grid, f"RowValues|{erp.count_records('customers') - 1}")["row"]
    id_and_name = [row["values"][user.find_index(field)] for field in ("ID", "NAME")]
    assert (row["key"], id_and_name) == (str(last.id), [last.id, last.name])
    assert user.call(user.grid, "RowValues|100000")["row"] is None


def test_a_search_narrows_list_and_export_until_it_is_cleared(server, user, erp):
    someone = list(erp.find_records("customers"))[7]
    user.open()
    assert len(rows(user.call(web.SEARCH, "", **{web.SEARCH: someone.name.upper()})["parts"][web.LIST_AREA])) >= 1
    found = list(erp.find_records("customers", search=someone.name))
    assert f"({len(found)} elementi)" in user.open()
    assert someone in found
    user.call(web.SEARCH, "", **{web.SEARCH: ""})
    assert f"({erp.count_records('customers')} elementi)" in user.open()


def test_a_list_can_be_sorted_by_a_column_that_is_always_empty(user):
    before = rows(user.open(DDT))
    assert DDT.columns[0].field == ""
    assert rows(user.call_grid(f"SortBy|{user.find_index('DOCUMENTPDF')}|DSC")) == before


def test_the_page_that_a_user_went_to_is_that_of_the_next_session_too(server, user):
    first = rows(user.open(ORDERS))
    second = rows(user.call_grid("GotoPage|1"))
    other = ErpUser(server)
    other.log_in()
    assert rows(other.open(ORDERS)) == second != first
    assert rows(other.call_grid("GotoPage|0")) == first
    other.http.close()


def test_a_filter_of_the_grid_is_cleared_and_the_search_stays(server, user, erp):
    control(server, "POST", "faults", fault="kept-grid-filter", list="customers")
    user.open()
    assert "dxgvFilterBar" in user.page
    user.call(web.SEARCH, "", **{web.SEARCH: "studio"})
    assert "dxgvFilterBar" not in user.call_grid("ClearFilter")
    found = sum(1 for _ in erp.find_records("customers", search="studio"))
    assert 0 < found < erp.count_records("customers")
    assert f"({found} elementi)" in user.open()


def test_a_filter_of_the_grid_can_be_invisible_and_can_stay(server, user, erp):
    control(server, "POST", "faults", fault="silent-grid-filter", list="products")
    control(server, "POST", "faults", fault="stuck-grid-filter", times=1)
    kept = f"Count={len(list(erp.find_records('products', filtered=True)))}"
    assert kept in user.open(PRODUCTS)
    assert "dxgvFilterBar" not in user.page
    assert kept in user.call_grid("ClearFilter")
    assert kept not in user.call_grid("ClearFilter")


def test_blocked_prices_are_none_of_the_active_ones(erp):
    active = {price.id for price in erp.find_records("prices")}
    blocked = {price.id for price in erp.find_records("prices", choice="BlockedPrices")}
    assert blocked
    assert not active & blocked


@pytest.mark.parametrize(
    ("fault", "cells"),
    [("partial-grid", [23] * 10), ("cut-row", [*[23] * 19, 22]), ("phantom-column", [23] * 20)],
)
def test_a_callback_can_bring_less_than_its_page(server, user, fault, cells):
    control(server, "POST", "faults", fault=fault, times=1)
    user.open(ORDERS)
    area = user.call_grid("Refresh")
    assert [len(row) for row in rows(area)] == cells
    assert len(headers(area)) == (24 if fault == "phantom-column" else 23)
    assert [len(row) for row in rows(user.call_grid("Refresh"))] == [23] * 20


def test_a_check_box_in_the_grid_is_a_picture(user):
    place = [column.header for column in ORDERS.columns].index("ORDINE OMAGGIO:")
    cells = BeautifulSoup(user.open(ORDERS), "html.parser").select("tr.dxgvDataRow_XafTheme")[0].select("td")
    assert cells[place].get_text() == ""
    assert re.search("dxWeb_edtCheckBox(Unc|C)hecked_XafTheme", str(cells[place]))


# Exports


def test_a_click_is_a_form_of_26_kb_and_the_pdf_waits_for_one_get(user):
    user.open()
    assert 24_000 < len(urlencode(read_fields(user.page))) < 30_000
    assert user.click_on_export()["fetches"]
    assert user.http.get(user.address).content.startswith(b"%PDF")
    assert "<h1>Clienti</h1>" in user.http.get(user.address).text


def test_a_form_belongs_to_its_session_and_its_list(server, user):
    other = ErpUser(server)
    other.log_in()
    fields = read_fields(other.open(ORDERS))
    user.open(ORDERS)
    answers = [user.http.post(user.address, data=read_fields(user.open(each)) | fields) for each in (ORDERS, DDT)]
    fields = read_fields(user.open(ORDERS))
    user.open(DDT)
    answers.append(user.http.post(user.address, data=read_fields(user.page) | fields))
    assert [answer.status_code for answer in answers] == [500, 500, 500]
    assert "viewstate" in answers[0].text
    assert user.http.post(user.address, data=read_fields(user.page)).ok


def test_a_form_has_all_fields_of_its_page(user):
    fields = read_fields(user.open(ORDERS))
    for missing in ("__EVENTARGUMENT", web.SEARCH, f"{user.filter}_VI", user.filter):
        answer = user.http.post(user.address, data={name: fields[name] for name in fields if name != missing})
        assert (answer.status_code, "Invalid postback" in answer.text) == (500, True)
    assert user.http.post(user.address, data=fields).ok


def test_what_is_posted_besides_a_click_on_export_changes_no_filter(server, user):
    control(server, "POST", "faults", fault="remembered-filter", list="ddt")
    user.open(DDT)
    name = f"{user.filter}_VI"
    assert read_fields(user.page)[name].endswith(DDT.forgotten)
    user.call(web.MENU, "3", **{name: "xaf_xaf_a1ListViewPackingSlipsAll"})
    assert server.front_end.get_filter(DDT) == DDT.forgotten


def test_other_items_of_the_menu_export_nothing_and_are_counted(server, user):
    user.open()
    assert not user.call(web.MENU, "1")["fetches"]
    assert control(server, "GET", "state")["clicks"] == {"Elimina": 1}


# One operation of a session at a time


def test_a_second_request_of_a_session_waits_for_the_first(server, user):
    user.open()
    [session] = server.front_end.sessions.values()
    with ThreadPoolExecutor() as pool, session.busy:
        second = pool.submit(requests.get, user.address, cookies=user.http.cookies.get_dict())
        until(lambda: server.front_end.overlaps == 1)
        assert not second.done()
        session.busy.release()
        assert len(rows(second.result().text)) == 20
        session.busy.acquire()


def test_requests_of_a_session_can_race(server, user):
    control(server, "POST", "faults", fault="endless-export")
    control(server, "POST", "faults", fault="racing-requests")
    user.open()
    with ThreadPoolExecutor() as pool:
        click = pool.submit(user.click_on_export)
        [session] = server.front_end.sessions.values()
        until(session.busy.locked)
        garbage = requests.get(user.address, cookies=user.http.cookies.get_dict())
        assert (garbage.status_code, rows(garbage.text), "</html>" in garbage.text) == (200, [], False)
        assert requests.get(f"{server.url}DXR.axd/archibald.js", cookies=user.http.cookies.get_dict()).ok
        other = ErpUser(server)
        other.log_in()
        assert len(rows(other.open())) == 20
        assert control(server, "GET", "state")["overlaps"] == 1
        server.stopping.set()
        with pytest.raises(requests.ConnectionError):
            click.result()


# What can be set


def test_the_clock_ends_sessions_and_names_the_day_of_what_is_counted(server, user):
    user.open()
    control(server, "POST", "clock", now=TOMORROW)
    assert "Logon" in user.open()
    user.log_in()
    user.log_in(password="sbagliata")
    user.open()
    user.click_on_export()
    user.http.get(user.address)
    until(lambda: server.front_end.exports == 1)  # counted once the last byte is sent
    state = control(server, "GET", "state")
    assert state["logins"]["2026-03-30"] == {"succeeded": 1, "failed": 1}
    assert state["exports_by_day"] == {"2026-03-30": 1}
    assert state["requests_by_hour"]["2026-03-30T07"] > 0
    assert state["clock"].startswith("2026-03-30T07:")


def test_the_clocks_day_is_today(server, user, erp):
    control(server, "POST", "clock", now=TOMORROW)
    control(server, "POST", "life/new-order")
    assert erp.count_records("orders", choice="ListViewSalesTableOrdersToday") == 1
    control(server, "POST", "clock", now="2026-03-31T07:00:00")
    assert erp.count_records("orders", choice="ListViewSalesTableOrdersToday") == 0


def test_an_update_moves_menus_values_tabs_columns_and_ends_sessions(server, user):
    before = user.open(ORDERS)
    control(server, "POST", "update")
    assert "Logon" in user.open(ORDERS)
    user.log_in()
    after = user.open(ORDERS)
    places = [re.findall(r'DXI(\d+)_T" title="Esportare', page) for page in (before, after)]
    assert places == [["7"], ["8"]]
    assert 'value="xaf_xaf_a2ListViewSalesTableOrdersAll"' in after
    assert "LE_v6" in after
    assert ">Agenda</a>" in after
    assert headers(after) == [*headers(before), "NOTE INTERNE"]


def test_the_update_after_it_brings_back_no_number_and_a_menu_with_an_item_of_the_same_text(server, user):
    control(server, "POST", "update")
    control(server, "POST", "update")
    user.log_in()
    page = user.open(ORDERS)
    assert re.findall(r'DXI(\w+)_T" title="Esportare', page) == ["9"]
    assert re.findall(r'DXI(\w+)_T">Esportare in<', page) == ["1i0"]
    assert 'value="xaf_xaf_a0ListViewSalesTableOrdersAll"' in page
    assert user.click_on_export()["fetches"]


def test_the_filters_name_differs_from_list_to_list_and_session_to_session(server):
    names = set()
    for _session in range(5):
        user = ErpUser(server)
        user.log_in()
        for demo_list in (ORDERS, DDT):
            user.open(demo_list)
            names.add(user.filter)
    assert len(names) > 2


def test_a_server_can_take_requests_and_answer_none(server, user):
    control(server, "POST", "mute")
    with pytest.raises(requests.ReadTimeout):
        requests.get(f"{server.url}Login.aspx", timeout=0.5)
    control(server, "DELETE", "mute")
    assert user.http.get(f"{server.url}Login.aspx").ok


def test_a_server_that_is_down_closes_connections(server, user):
    control(server, "POST", "down")
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{server.url}Login.aspx")
    control(server, "DELETE", "down")
    assert user.http.get(f"{server.url}Login.aspx").ok


def test_a_password_can_be_changed(server, user):
    control(server, "POST", "password", password="nuova")
    user.http.cookies.clear()
    assert "non validi" in user.log_in().text
    assert user.log_in(password="nuova").url.endswith(f"{CUSTOMERS.name}/")


def test_the_login_page_can_come_under_the_lists_own_address(server, user):
    control(server, "DELETE", "sessions")
    control(server, "POST", "faults", fault="login-in-place", times=1)
    user.open()
    answer = user.http.get(user.address)
    assert "Logon" in user.page
    assert "Login.aspx" in answer.url
    control(server, "POST", "faults", fault="login-in-place", times=1)
    answer = user.http.get(user.address)
    assert (answer.status_code, answer.history, answer.url) == (200, [], user.address)


def test_sessions_can_be_ended(server, user):
    control(server, "DELETE", "sessions")
    assert "Logon" in user.open()


def test_delays_can_be_set(server):
    control(server, "POST", "delays", page=[0.6, 1.2], error=0)
    assert 0.6 <= server.choose_delay("page") <= 1.2
    assert server.choose_delay("error") == 0
    assert 60 <= server.choose_delay("slow-export") <= 300


@pytest.mark.parametrize("delays", [{"pages": 1}, {"page": -1}, {"page": [2, 1]}, {"page": "long"}])
def test_a_delay_that_cannot_be_is_refused(server, delays):
    assert requests.post(f"{server.url}demo/delays", json=delays).status_code == 400


def test_a_certificate_that_nobody_trusts_is_refused(erp, network):
    certificate = Path(__file__).with_name("self_signed.pem")
    with DemoServer(erp, certificate=certificate) as server:
        assert server.url.startswith("https://")
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(f"{server.url}Login.aspx")
        assert "Logon" in requests.get(f"{server.url}Login.aspx", verify=str(certificate)).text


def test_a_realistic_demo_has_the_delays_that_were_seen_and_the_filters_that_a_person_left(erp):
    server = DemoServer(erp, realistic=True)
    server.stop()
    filters = {demo_list.sync_type: server.front_end.get_filter(demo_list) for demo_list in LISTS}
    assert filters == {demo_list.sync_type: demo_list.forgotten for demo_list in LISTS}
    assert filters["ddt"] != DDT.safe_filter
    assert server.delays == REALISTIC_DELAYS
    assert (REALISTIC_DELAYS["page"], REALISTIC_DELAYS["export"]) == ((0.6, 1.2), (5, 60))


# Faults of pages


def test_the_export_item_can_have_another_number(server, user):
    control(server, "POST", "faults", fault="moved-export", times=1)
    places = [re.findall(r'DXI(\d+)_T" title="Esportare', user.open()) for _ in range(2)]
    assert places == [["7"], ["6"]]


def test_a_moved_export_item_exports_where_it_is(server, user):
    control(server, "POST", "faults", fault="moved-export", times=1)
    user.open()
    assert user.click_on_export()["fetches"]


def test_the_export_item_can_be_missing_or_renamed(server, user):
    control(server, "POST", "faults", fault="missing-export", times=1)
    assert "Esportare" not in user.open()
    control(server, "POST", "faults", fault="renamed-export", times=1)
    assert "Scaricare" in user.open()
    assert "Esportare" in user.open()


def test_a_page_can_be_without_its_grid(server, user):
    control(server, "POST", "faults", fault="no-grid", list="products")
    assert "LE_v8" not in user.open(PRODUCTS)
    assert "LE_v2" in user.open(CUSTOMERS)


def test_a_filter_can_refuse_to_be_set(server, user):
    control(server, "POST", "faults", fault="remembered-filter", list="orders")
    control(server, "POST", "faults", fault="stuck-filter", times=1)
    user.open(ORDERS)
    chosen = {f"{user.filter}_VI": f"{web.RELEASES[0].filter_prefix}{ORDERS.safe_filter}"}
    user.call(user.filter, "", **chosen)
    assert server.front_end.get_filter(ORDERS) == ORDERS.forgotten
    user.call(user.filter, "", **chosen)
    assert server.front_end.get_filter(ORDERS) == ORDERS.safe_filter


# Faults of exports


@pytest.mark.parametrize(
    ("fault", "navigates", "says_so"),
    [("error-banner", False, False), ("error-navigation", True, True), ("error-reload", True, False)],
)
def test_an_export_fails_some_time_after_the_click(server, user, fault, navigates, says_so):
    control(server, "POST", "faults", fault=fault, times=1)
    user.open()
    answer = user.click_on_export()
    assert answer["error"] == {"text": web.BANNER, "after": 5, "navigates": navigates}
    assert not answer["fetches"]
    assert (web.BANNER in user.open()) == says_so
    assert web.BANNER not in user.open()
    assert user.click_on_export()["fetches"]


def test_the_login_page_can_come_instead_of_the_pdf(server, user):
    control(server, "POST", "faults", fault="login-instead-of-pdf", times=1)
    user.open()
    assert user.click_on_export()["fetches"]
    answer = user.http.get(user.address)
    assert (answer.status_code, "Login.aspx" in answer.url) == (200, True)


def test_a_slow_export_takes_its_time_while_the_click_is_answered(server, user):
    server.delays["export"] = (0, 0)
    control(server, "POST", "delays", **{"slow-export": 0})
    control(server, "POST", "faults", fault="slow-export", times=1)
    user.open()
    assert user.click_on_export()["fetches"]


@pytest.mark.parametrize(
    ("sync_type", "name"),
    [
        ("customers", "Clienti.pdf"), ("orders", "Ordini.pdf"), ("ddt", "Documenti di trasporto.pdf"),
        ("invoices", "Fatture.pdf"), ("products", "Prodotti.pdf"), ("prices", "Tabella prezzi.pdf"),
    ],
)  # fmt: skip
def test_an_export_can_have_the_other_name_that_was_seen(server, user, sync_type, name):
    control(server, "POST", "faults", fault="other-file-name")
    user.open(find_list(sync_type))
    user.click_on_export()
    assert f'filename="{name}"' in user.http.get(user.address).headers["Content-Disposition"]
