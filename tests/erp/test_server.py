"""The demo ERP's web front end behaves as the real one does."""

import re
from io import BytesIO
from typing import Any
from urllib.error import HTTPError

import pikepdf
import pytest
import requests
from bs4 import BeautifulSoup

from demo.erp.faults import Fault
from demo.erp.lists import CUSTOMERS, LISTS, ORDERS, PRODUCTS, find_list
from demo.erp.server import DEMO_PASSWORD, DEMO_USERNAME, DemoServer
from sync.erp.session import find_form_address
from sync.erp.web_page import WebPage
from tests.concurrency.processes import until
from tests.demo_erp import CachedDemoErp
from tests.erp.conftest import control, let_sessions_idle


@pytest.fixture
def http():
    with visit() as http:
        yield http


def visit() -> requests.Session:
    """A browser's session, which asks for Italian."""
    http = requests.Session()
    http.headers["Accept-Language"] = "it-IT"
    return http


def page(response: requests.Response) -> WebPage:
    return WebPage(response.text, response.url)


def soup_of(shown: WebPage) -> BeautifulSoup:
    return BeautifulSoup(shown.html, "html.parser")


def log_in(http, server, *, to=CUSTOMERS, password=DEMO_PASSWORD):
    login = page(http.get(f"{server.url}{to.name}/"))
    return http.post(find_form_address(login), data=login.build_login_form(DEMO_USERNAME, password))


def export(http, shown):
    """Click on the export button, then take what waits for the session."""
    assert find_form_address(
        page(http.post(find_form_address(shown), data=shown.build_export_form()))
    ) == find_form_address(shown)
    return http.get(find_form_address(shown))


def headers(shown):
    return [header.get_text(strip=True) for header in soup_of(shown).select("td.dxgvHeader_XafTheme")]


def test_without_a_session_a_list_redirects_to_the_login(http, server):
    response = http.get(f"{server.url}{CUSTOMERS.name}/")
    assert response.status_code == 200
    assert response.history[0].status_code == 302
    assert response.url == f"{server.url}Login.aspx?ReturnUrl=%2fCUSTTABLE_ListView_Agent%2f"
    assert page(response).is_login
    assert "Accedi" in response.text


def test_a_right_login_leads_back_to_the_list(http, server):
    assert log_in(http, server, to=ORDERS).url == f"{server.url}{ORDERS.name}/"


def test_a_wrong_login_stays_on_the_login_page(http, server):
    response = log_in(http, server, password="sbagliata")
    assert "/Login.aspx" in response.url
    assert "non validi" in response.text


def test_a_login_never_leads_elsewhere(http, server):
    login = page(http.get(f"{server.url}Login.aspx?ReturnUrl=//elsewhere.example/"))
    response = http.post(
        find_form_address(login), data=login.build_login_form(DEMO_USERNAME, DEMO_PASSWORD), allow_redirects=False
    )
    assert response.headers["Location"] == "/elsewhere.example/"


def test_a_session_dies_when_it_idles(http, server):
    log_in(http, server)
    let_sessions_idle(server)
    assert page(http.get(f"{server.url}{CUSTOMERS.name}/")).is_login


def test_a_form_without_its_view_state_is_refused(http, server):
    log_in(http, server)
    response = http.post(f"{server.url}{CUSTOMERS.name}/", data={"__EVENTTARGET": "x"})
    assert response.status_code == 500


def test_all_four_cookies_are_needed(http, server):
    log_in(http, server)
    cookies = {cookie.name: cookie for cookie in http.cookies}
    assert set(cookies) == {"ASP.NET_SessionId", "Login", "UserName", "ClientId"}
    assert [name for name, cookie in cookies.items() if cookie.has_nonstandard_attr("HttpOnly")] == [
        "ASP.NET_SessionId",
        "Login",
    ]
    for name in cookies:
        others = {other: cookie.value for other, cookie in cookies.items() if other != name}
        assert page(requests.get(f"{server.url}{CUSTOMERS.name}/", cookies=others)).is_login
    assert not page(http.get(f"{server.url}{CUSTOMERS.name}/")).is_login


@pytest.mark.parametrize(
    ("sync_type", "place"),
    [("customers", "6"), ("orders", "7"), ("ddt", "3"), ("invoices", "3"), ("products", "3"), ("prices", "3")],
)
def test_the_export_button_has_its_place_on_every_list(http, server, sync_type, place):
    fields = page(log_in(http, server, to=find_list(sync_type))).build_export_form() or {}
    assert (fields["__EVENTTARGET"], fields["__EVENTARGUMENT"]) == ("Vertical$mainMenu", place)


def test_an_export_waits_for_the_session_that_asked_for_it_and_is_given_once(http, server):
    shown = page(log_in(http, server))
    with visit() as other:
        log_in(other, server)
        response = export(http, shown)
        assert response.headers["Content-Type"] == "application/pdf"
        assert response.url == f"{server.url}{CUSTOMERS.name}/"
        assert "<h1>Clienti</h1>" in http.get(response.url).text
        assert "<h1>Clienti</h1>" in other.get(response.url).text


def test_a_filter_is_a_text_field_beside_a_hidden_value(http, server):
    soup: Any = soup_of(page(log_in(http, server)))
    name = soup.select('input[name$="Cb_VI"]')[1]["name"].removesuffix("_VI")
    assert re.fullmatch(r"Vertical\$mainMenu\$Menu\$ITCNT\d+\$xaf_a1\$Cb", name)
    assert soup.select_one(f'input[type="text"][name="{name}"]')["value"] == "Tutti i clienti"
    assert soup.select_one(f'input[type="hidden"][name="{name}_VI"]')["value"] == "xaf_xaf_a1All_Customers"
    assert soup.select("select") == []
    assert len(soup.select('input[name$="Cb_VI"]')) == 2  # the other one chooses between a list and a map


@pytest.mark.parametrize(
    ("sync_type", "choices"),
    [
        ("customers", ["Tutti i clienti", "Clienti esclusivi", "Clienti liberi"]),
        (
            "orders",
            ["Tutti gli ordini", "Ordini odierni", "Ordini della settimana", "Ordini del mese", "Ordini inseriti",
             "Ordini completati", "Ordini in attesa di approvazione"],
        ),
        ("ddt", ["Oggi", "Questa settimana", "Questo mese", "Ultimi 3 mesi", "Tutti"]),
        ("invoices", ["Ultimi 3 mesi", "Fatture aperte", "Fatture scadute", "Tutti"]),
        ("products", []),
        ("prices", ["Prezzi attivi", "Prezzi bloccati"]),
    ],
)  # fmt: skip
def test_every_list_has_its_choices(http, server, sync_type, choices):
    shown = page(log_in(http, server, to=find_list(sync_type)))
    items = soup_of(shown).select('td.dxeListBoxItem_XafTheme[id*="xaf_a1"]')
    assert [item.get_text() for item in items] == choices


def test_columns_are_shown_to_the_session_that_chose_them(http, server):
    shown = page(log_in(http, server, to=PRODUCTS))
    assert len(headers(shown)) == 18
    assert len(soup_of(page(http.get(shown.url))).select('[id$="DXCDWindow"]')) == 0
    chooser = page(http.post(find_form_address(shown), data=shown.build_chooser_form()))
    assert len(soup_of(chooser).select('[id$="DXCDWindow"] .dxICheckBox_XafTheme')) == 36
    assert len(soup_of(chooser).select('[id$="DXCDWindow"] input[name*="Chk"][value="C"]')) == 18
    applied = page(http.post(find_form_address(shown), data=chooser.build_columns_form(["Pacco", "ID elemento IvaId"])))
    assert headers(applied)[14] == "PACCO"
    assert headers(applied)[-1] == "ID ELEMENTO IVAID"
    assert len(headers(page(http.get(shown.url)))) == 20
    with visit() as other:
        assert len(headers(page(log_in(other, server, to=PRODUCTS)))) == 18


@pytest.mark.parametrize(("chosen", "pages"), [((), 5), ([each.header for each in PRODUCTS.columns], 9)])
def test_an_export_has_the_columns_that_its_session_shows(erp, http, network, chosen, pages):
    with DemoServer(CachedDemoErp(scale=0, today=erp.today)) as server:
        shown = page(log_in(http, server, to=PRODUCTS))
        chooser = page(http.post(find_form_address(shown), data=shown.build_chooser_form()))
        shown = page(http.post(find_form_address(shown), data=chooser.build_columns_form(chosen)))
        with pikepdf.open(BytesIO(export(http, shown).content)) as pdf:
            assert len(pdf.pages) == pages


def test_the_grids_id_is_another_in_every_session(http, server):
    first = page(log_in(http, server)).grid
    http.cookies.clear()
    second = page(log_in(http, server)).grid
    assert re.fullmatch(r"Vertical\$v\d+\$LE_v2", first)
    assert first != second


def test_a_grid_filter_is_kept_over_sessions_until_it_is_cleared(server, erp):
    control(server, "POST", "faults", fault="kept-grid-filter", list="products")
    for _ in range(2):
        with visit() as http:
            shown = page(log_in(http, server, to=PRODUCTS))
            assert shown.grid_filter == "[Oid] % 11 = 0"
            assert f"({erp.count_records('products', filtered=True)} elementi)" in shown.html
            assert page(http.get(f"{server.url}{CUSTOMERS.name}/")).grid_filter == ""
    with visit() as http:
        shown = page(log_in(http, server, to=PRODUCTS))
        cleared = page(http.post(find_form_address(shown), data=shown.build_clear_filter_form()))
        assert f"({erp.count_records('products')} elementi)" in cleared.html
    assert control(server, "GET", "state")["grid_filters"] == []


def test_a_list_shows_its_first_records(http, server, erp):
    shown = log_in(http, server).text
    assert re.search(r"<h1>Clienti</h1>", shown)
    assert next(erp.find_records("customers")).vat_number in shown
    assert f"Pagina 1 di 11 ({erp.count_records('customers')} elementi)" in shown


@pytest.mark.parametrize("profile", ["it", "en"])
@pytest.mark.parametrize(
    ("sync_type", "names"),
    [
        ("customers", {"it": "Clienti.pdf", "en": "Customers.pdf"}),
        ("orders", {"it": "Ordini cliente.pdf", "en": "Customer orders.pdf"}),
        (
            "ddt",
            {"it": "Giornale di registrazione bolla di consegna.pdf", "en": "Packing slip journal.pdf"},
        ),
        (
            "invoices",
            {"it": "Giornale di registrazione fatture cliente.pdf", "en": "Customer invoice journal.pdf"},
        ),
        ("products", {"it": "Prodotti.pdf", "en": "Products.pdf"}),
        ("prices", {"it": "Tabella prezzi.pdf", "en": "Price table.pdf"}),
    ],
)
def test_an_export_is_named_in_the_users_language(erp, http, profile, network, sync_type, names):
    with DemoServer(CachedDemoErp(scale=0, today=erp.today), profile=profile) as server:
        shown = page(log_in(http, server, to=find_list(sync_type)))
        assert {"it": "Esportare in", "en": "Export toExport to"}[profile] in soup_of(shown).get_text()
        response = export(http, shown)
    assert response.content.startswith(b"%PDF-1.3")
    assert f'filename="{names[profile]}"' in response.headers["Content-Disposition"]


def test_the_login_button_is_named_in_the_users_language(erp, http, network):
    for profile, button in (("it", "Accedi"), ("en", "Log In")):
        with DemoServer(erp, profile=profile) as server:
            soup: Any = soup_of(page(http.get(f"{server.url}Login.aspx")))
            assert soup.select_one("a#Logon_PopupActions_Menu_DXI0_T")["title"] == button
            assert soup.select_one("a#Logon_HeaderTableLogo")  # whose id has "log" in it too


def test_the_chosen_filter_is_remembered_over_sessions(server):
    chosen = ORDERS.forgotten
    control(server, "POST", "faults", fault="remembered-filter", list="orders")
    with visit() as http:
        shown = page(log_in(http, server, to=ORDERS))
        combo: Any = shown.find_filter_combo(ORDERS.safe_filter)
        assert combo.chosen == f"xaf_xaf_a1{chosen}"
        assert f"({len(list(server.erp.find_records('orders', choice=chosen)))} elementi)" in shown.html
        http.post(find_form_address(shown), data=shown.build_filter_form(combo))
    with visit() as http:
        combo = page(log_in(http, server, to=ORDERS)).find_filter_combo(ORDERS.safe_filter)
        assert combo.is_safe
    assert control(server, "GET", "state")["filters"] == {"orders": ORDERS.safe_filter}


def test_the_state_says_what_is_there_and_what_is_to_come(server, erp):
    state = control(server, "POST", "faults", fault="error-banner", list="orders", times=2)
    assert state["faults"] == [{"fault": "error-banner", "list": "orders", "times": 2}]
    assert state["sizes"] == {each.sync_type: erp.count_records(each.sync_type) for each in LISTS}
    assert (state["today"], state["events"]) == ("2026-01-20", 0)


def test_faults_strike_as_often_as_asked_and_only_their_list(server):
    control(server, "POST", "faults", fault="error-banner", list="orders", times=1)
    control(server, "POST", "faults", fault="server-error")
    struck = [server.front_end.take_faults(demo_list) for demo_list in (CUSTOMERS, ORDERS, ORDERS)]
    assert struck == [{Fault.SERVER_ERROR}, {Fault.SERVER_ERROR, Fault.ERROR_BANNER}, {Fault.SERVER_ERROR}]


def test_a_fault_of_one_list_strikes_that_list_only(server):
    state = control(server, "POST", "faults", fault="new-vat-key")
    assert state["faults"] == [{"fault": "new-vat-key", "list": "products", "times": None}]
    assert server.front_end.take_faults(CUSTOMERS) == set()
    assert server.front_end.take_faults(PRODUCTS) == {Fault.NEW_VAT_KEY}


def test_faults_can_be_cleared_one_by_one_or_all(server):
    for fault in ("error-banner", "server-error", "wrong-count"):
        control(server, "POST", "faults", fault=fault)
    assert len(control(server, "DELETE", "faults/server-error")["faults"]) == 2
    assert control(server, "DELETE", "faults")["faults"] == []


def test_life_can_be_asked_for(server, erp):
    before = erp.count_records("customers")
    assert control(server, "POST", "life/new-customer")["changed"].startswith("customer ")
    assert erp.count_records("customers") == before + 1
    control(server, "POST", "life")
    assert erp.events == 2


def test_life_goes_on_by_itself(erp, network):
    server = DemoServer(erp)
    server.start(life=0.01)
    try:
        until(lambda: erp.events >= 3)
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "faults", {"fault": "flood"}),
        ("POST", "faults", {"fault": "error-banner", "times": 0}),
        ("POST", "faults", {"fault": "error-banner", "list": "agents"}),
        ("POST", "faults", {"fault": "new-vat-key", "list": "prices"}),
        ("POST", "faults", {}),
        ("POST", "life/flood", {}),
        ("GET", "faults", {}),
    ],
)
def test_what_cannot_be_asked_for_is_refused(server, method, path, body):
    with pytest.raises(HTTPError, match="400") as refused:
        control(server, method, path, **body)
    refused.value.close()


def test_other_addresses_are_not_found(http, server):
    assert http.get(f"{server.url}elsewhere/").status_code == 404
