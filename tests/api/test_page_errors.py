"""Errors of a page's scripts become a line of the log, which says nothing of a person and is one line."""

import logging

import pytest
from django.test import Client

from sync.api.script_errors import PageErrorThrottle
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

ADDRESS = "/api/page-errors"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0"
ERROR = {
    "message": "TypeError: AbortSignal.any is not a function",
    "place": "/static/orders/api.js:43:25",
    "page": "/orders/new",
}


@pytest.fixture
def agent():
    return UserFactory(username="agente")


@pytest.fixture
def browser(agent):
    """An agent's browser, which the service asks for the token of its pages."""
    client = Client(enforce_csrf_checks=True, headers={"User-Agent": FIREFOX})
    client.force_login(agent)
    client.get("/drafts")
    return client


@pytest.fixture
def report(browser):
    """Reports an error as a page does: `report(message="x")`; gives the answer."""

    def send(**fields):
        token = browser.cookies["csrftoken"].value
        return browser.post(ADDRESS, ERROR | fields, "application/json", headers={"X-CSRFToken": token})

    return send


@pytest.fixture
def lines(caplog):
    """The lines that are logged of pages' errors."""
    caplog.set_level(logging.WARNING, "sync.api.script_errors")
    return lambda: [
        (each.levelname, each.getMessage()) for each in caplog.records if each.name == "sync.api.script_errors"
    ]


def test_a_page_s_error_is_one_warning_with_page_message_place_and_browser(report, lines):
    assert report().status_code == 204
    assert lines() == [
        (
            "WARNING",
            "A page's script failed: page '/orders/new', message 'TypeError: AbortSignal.any is not a function',"
            " place '/static/orders/api.js:43:25', browser 'Firefox 120.0'",
        )
    ]


@pytest.mark.parametrize("field", ["message", "place", "page"])
@pytest.mark.parametrize("text", ["x\nERROR root: all is lost", "x\r\ny", "x\u2028y\u202ez", "x\x1b[31my", "x' y '"])
def test_no_text_makes_a_line_of_its_own_or_colours_it(report, lines, field, text):
    assert report(**{field: text}).status_code == 204
    [(_level, line)] = lines()
    assert line.isprintable()
    assert "\n" not in line


@pytest.mark.parametrize(
    ("fields", "personal"),
    [
        ({"message": "SyntaxError: Unexpected token 'R', \"Rossi Anna\" is not valid JSON"}, "Rossi"),
        ({"message": 'SyntaxError: JSON Parse error: Unexpected identifier "Rossi'}, "Rossi"),
        ({"message": "Error: no such customer: 02345678901"}, "02345678901"),
        ({"page": "/admin/customers/customer/?q=Rossi"}, "Rossi"),
        ({"page": "/drafts#Rossi"}, "Rossi"),
        ({"place": "/static/x.js?user=Rossi:1:2"}, "Rossi"),
    ],
)
def test_nothing_personal_is_noted(report, lines, fields, personal, agent):
    assert report(**fields).status_code == 204
    [(_level, line)] = lines()
    assert personal not in line
    assert agent.username not in line


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (FIREFOX, "Firefox 120.0"),
        (
            "Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.3 Safari/605.1.15",
            "Safari 17.3",
        ),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/119.0.0.0 Safari/537.36", "Chrome 119.0"),
        ("Mozilla/5.0 AppleWebKit/537.36 Chrome/119.0.0.0 Safari/537.36 Edg/119.0.2151.44", "Edge 119.0"),
        ("Rossi's own\nbrowser", "unknown"),
        ("", "unknown"),
    ],
)
def test_a_browser_is_named_by_what_it_is_and_its_version(browser, report, lines, user_agent, name):
    browser.defaults["HTTP_USER_AGENT"] = user_agent
    report()
    [(_level, line)] = lines()
    assert line.endswith(f"browser '{name}'")


def test_only_a_page_of_somebody_who_is_signed_in_may_report(browser, agent, lines):
    without_token = browser.post(ADDRESS, ERROR, "application/json")
    stranger = Client().post(ADDRESS, ERROR, "application/json")
    assert (without_token.status_code, stranger.status_code in (401, 403)) == (403, True)
    assert lines() == []


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"message": "x" * 301}, 400),
        ({"message": ""}, 400),
        ({"message": ["x"]}, 400),
        ({"customer": "Rossi"}, 400),
        ({"message": "x" * 10_000}, 413),
    ],
)
def test_what_is_too_long_or_no_report_is_refused(report, lines, fields, status):
    assert report(**fields).status_code == status
    assert lines() == []


def test_a_page_that_fails_all_the_time_fills_no_log(report, lines):
    number, _per = PageErrorThrottle.rate.split("/")
    answers = [report(message=f"Error: {count}").status_code for count in range(int(number) + 3)]
    assert answers == [204] * int(number) + [429] * 3
    assert len(lines()) == int(number)


def test_a_report_that_is_refused_is_no_line_either_way(report, lines):
    assert report(message="\ud800").status_code == 400  # half a character
    assert lines() == []
