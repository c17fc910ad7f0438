"""The demo ERP's web front end behaves as the real one does."""

import re
from urllib.error import HTTPError

import pytest
import requests

from sync.erp.demo.faults import Fault
from sync.erp.demo.lists import CUSTOMERS, LISTS, ORDERS
from sync.erp.demo.server import DEMO_PASSWORD, DEMO_USERNAME, DemoServer
from sync.erp.web_page import WebPage
from tests.concurrency.processes import until
from tests.erp.conftest import control, let_sessions_idle


@pytest.fixture
def browser():
    with requests.Session() as browser:
        yield browser


def page(response: requests.Response) -> WebPage:
    return WebPage(response.text, response.url)


def log_in(browser, server, *, to=CUSTOMERS, password=DEMO_PASSWORD):
    login = page(browser.get(f"{server.url}{to.name}/"))
    return browser.post(login.action, data=login.login_fields(DEMO_USERNAME, password))


def export(browser, shown):
    return browser.post(shown.action, data=shown.export_fields())


def test_without_a_session_a_list_redirects_to_the_login(browser, server):
    response = browser.get(f"{server.url}{CUSTOMERS.name}/")
    assert response.status_code == 200
    assert response.history[0].status_code == 302
    assert response.url == f"{server.url}Login.aspx?ReturnUrl=%2FCUSTTABLE_ListView_Agent%2F"
    assert page(response).is_login
    assert "Accedi" in response.text


def test_a_right_login_leads_back_to_the_list(browser, server):
    assert log_in(browser, server, to=ORDERS).url == f"{server.url}{ORDERS.name}/"


def test_a_wrong_login_stays_on_the_login_page(browser, server):
    response = log_in(browser, server, password="sbagliata")
    assert "/Login.aspx" in response.url
    assert "non validi" in response.text


def test_a_login_never_leads_elsewhere(browser, server):
    login = page(browser.get(f"{server.url}Login.aspx?ReturnUrl=//elsewhere.example/"))
    response = browser.post(login.action, data=login.login_fields(DEMO_USERNAME, DEMO_PASSWORD), allow_redirects=False)
    assert response.headers["Location"] == "/elsewhere.example/"


def test_a_session_dies_when_it_idles(browser, server):
    log_in(browser, server)
    let_sessions_idle(server)
    assert page(browser.get(f"{server.url}{CUSTOMERS.name}/")).is_login


def test_a_form_without_its_view_state_is_refused(browser, server):
    log_in(browser, server)
    response = browser.post(f"{server.url}{CUSTOMERS.name}/", data={"__EVENTTARGET": "x"})
    assert response.status_code == 500


def test_the_export_button_has_another_place_on_every_list(browser, server):
    log_in(browser, server)
    fields = [page(browser.get(f"{server.url}{each.name}/")).export_fields() or {} for each in LISTS]
    places = {each["__EVENTARGUMENT"] for each in fields}
    assert len(places) == len(LISTS)


def test_a_list_shows_its_first_records(browser, server, erp):
    shown = log_in(browser, server).text
    assert re.search(r"<h1>Clienti</h1>", shown)
    assert next(erp.records("customers")).vat_number in shown
    assert f"25 elementi su {erp.size('customers')}" in shown


@pytest.mark.parametrize(
    ("profile", "button", "file_name"),
    [("it", "Esportare in", "Documenti di trasporto.pdf"), ("en", "Export to", "Packing slip journal.pdf")],
)
def test_an_export_is_named_in_the_users_language(erp, browser, profile, button, file_name, network):
    ddt = next(each for each in LISTS if each.sync_type == "ddt")
    with DemoServer(erp, profile=profile) as server:
        shown = page(log_in(browser, server, to=ddt))
        assert button in shown.html
        response = export(browser, shown)
    assert response.content.startswith(b"%PDF-1.3")
    assert f'filename="{file_name}"' in response.headers["Content-Disposition"]


def test_the_chosen_filter_is_remembered_over_sessions(server):
    for chosen in (ORDERS.filters[0], ORDERS.filters[1]):
        with requests.Session() as browser:
            shown = page(log_in(browser, server, to=ORDERS))
            combo = shown.filter_combo(ORDERS.filters[0])
            assert combo
            assert combo.chosen == chosen
            browser.post(shown.action, data=shown.filter_fields(combo, ORDERS.filters[1]))
    assert control(server, "GET", "state")["filters"] == {"orders": ORDERS.filters[1]}


def test_the_state_says_what_is_there_and_what_is_to_come(server, erp):
    state = control(server, "POST", "faults", fault="error-banner", list="orders", times=2)
    assert state["faults"] == [{"fault": "error-banner", "list": "orders", "times": 2}]
    assert state["sizes"] == {each.sync_type: erp.size(each.sync_type) for each in LISTS}
    assert (state["today"], state["events"]) == ("2026-01-20", 0)


def test_faults_strike_as_often_as_asked_and_only_their_list(server):
    control(server, "POST", "faults", fault="error-banner", list="orders", times=1)
    control(server, "POST", "faults", fault="server-error")
    struck = [server.front_end.faults_for(demo_list) for demo_list in (CUSTOMERS, ORDERS, ORDERS)]
    assert struck == [{Fault.SERVER_ERROR}, {Fault.SERVER_ERROR, Fault.ERROR_BANNER}, {Fault.SERVER_ERROR}]


def test_faults_can_be_cleared_one_by_one_or_all(server):
    for fault in ("error-banner", "server-error", "wrong-count"):
        control(server, "POST", "faults", fault=fault)
    assert len(control(server, "DELETE", "faults/server-error")["faults"]) == 2
    assert control(server, "DELETE", "faults")["faults"] == []


def test_life_can_be_asked_for(server, erp):
    before = erp.size("customers")
    assert control(server, "POST", "life/new-customer")["changed"].startswith("customer ")
    assert erp.size("customers") == before + 1
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
        ("POST", "faults", {}),
        ("POST", "life/flood", {}),
        ("GET", "faults", {}),
    ],
)
def test_what_cannot_be_asked_for_is_refused(server, method, path, body):
    with pytest.raises(HTTPError, match="400") as refused:
        control(server, method, path, **body)
    refused.value.close()


def test_other_addresses_are_not_found(browser, server):
    assert browser.get(f"{server.url}elsewhere/").status_code == 404
