"""Order forms by the API: the smart sync that opens one, and leaving it."""

import json
import threading
import time
import uuid
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.test import Client

from sync.coordinator import sessions
from sync.exceptions import ErpUnavailable
from sync.models import OrderFormSession, SyncRun
from tests.api.conftest import signed_in
from tests.concurrency.processes import PATIENCE

SMART_SYNC = "/api/customers/smart-sync"
RESUME = "/api/customers/resume-syncs"

pytestmark = pytest.mark.django_db


def open_sessions():
    return OrderFormSession.objects.live().count()


def when_it_has_ended(run_id):
    """The run, after the thread that carries it out."""
    for thread in threading.enumerate():
        if thread.name == f"run {run_id}":
            thread.join(PATIENCE)
    return SyncRun.objects.get(pk=run_id)


# Searching the ERP


@pytest.mark.django_db(transaction=True)
def test_a_search_answers_with_the_customers_that_the_erp_finds(api, looking):
    wanted = next(looking.erp.find_records("customers"))
    result = api.post(SMART_SYNC, {"search": f" {wanted.name} "}).json()["result"]
    assert looking.asked == [("look", "customers"), ("search", wanted.name)]
    assert wanted.name in [customer["name"] for customer in result["found"]]
    assert result["readFrom"] == "look"


@pytest.mark.django_db(transaction=True)
def test_without_a_search_nothing_is_found_and_with_one_in_vain_nobody(api, looking):
    assert api.post(SMART_SYNC).json()["result"]["found"] is None
    assert api.post(SMART_SYNC, {"search": "nobody is called so"}).json()["result"]["found"] == []


@pytest.mark.django_db(transaction=True)
def test_where_no_look_is_possible_a_search_brings_the_export(api, tiny_erp):
    said = api.post(SMART_SYNC, {"search": "Rossi"}).json()
    assert (said["result"]["readFrom"], said["result"]["found"], said["run"]["readFrom"]) == ("export", None, "export")


@pytest.mark.parametrize("search", ["", "r", "   r   ", "r" * 101, 5, None, "ro\0ssi"])
def test_a_search_has_two_to_a_hundred_characters(search, api):
    answer = api.post(SMART_SYNC, {"search": search})
    assert answer.status_code == 400
    assert list(answer.json()["detail"]) == ["search"]
    assert not SyncRun.objects.exists()


# Entering


@pytest.mark.django_db(transaction=True)
def test_opening_a_form_answers_when_the_customers_are_fresh(api, tiny_erp):
    answer = api.post(SMART_SYNC)
    said = answer.json()
    assert (answer.status_code, said["success"]) == (200, True)
    assert (said["result"]["created"], said["result"]["updated"], said["result"]["read"]) == (1, 0, 1)
    assert said["result"]["durationMs"] >= 0
    assert said["result"]["freshAsOf"]
    assert said["message"] == "The customers are up to date: 1 new, 0 changed."
    assert OrderFormSession.objects.live().get().pk == uuid.UUID(said["session"]["id"])


@pytest.mark.django_db(transaction=True)
def test_a_second_tab_joins_the_first_one_s_run_and_counts(api, tiny_erp):
    first, second = api.post(SMART_SYNC).json(), api.post(SMART_SYNC).json()
    assert first["run"]["runId"] == second["run"]["runId"]
    assert first["session"]["id"] != second["session"]["id"]
    assert (tiny_erp.fetched, open_sessions()) == (["customers"], 2)


@pytest.mark.django_db(transaction=True)
def test_a_tab_that_names_itself_stays_one(api, tiny_erp):
    number = str(uuid.uuid4())
    for _ in range(2):
        assert api.post(SMART_SYNC, {"sessionId": number}).json()["session"]["id"] == number
    assert open_sessions() == 1


@pytest.mark.django_db(transaction=True)
def test_who_prefers_not_to_wait_gets_the_run_to_watch(api, tiny_erp):
    answer = api.post(SMART_SYNC, headers={"prefer": "respond-async, wait=5"})
    run_id = answer.json()["run"]["runId"]
    assert (answer.status_code, answer.json()["result"], answer["Location"]) == (202, None, f"/api/sync/runs/{run_id}")
    assert when_it_has_ended(run_id).status == "succeeded"
    assert api.get(answer["Location"]).json()["run"]["counts"]["created"] == 1


@pytest.mark.django_db(transaction=True)
def test_a_sync_that_takes_too_long_is_answered_with_the_run_to_watch(api, tiny_erp, monkeypatch):
    asked, go_on = threading.Event(), threading.Event()

    class UntilTheErpIsAsked(timedelta):
        def total_seconds(self):
            return 0.0 if asked.wait(PATIENCE) else PATIENCE

    def take_long(sync_type):
        asked.set()
        go_on.wait(PATIENCE)

    tiny_erp.meanwhile = take_long
    monkeypatch.setattr(sessions, "ANSWERED_WITHIN", UntilTheErpIsAsked())
    answer = api.post(SMART_SYNC)
    go_on.set()
    assert (answer.status_code, answer.json()["run"]["status"]) == (202, "running")
    assert when_it_has_ended(answer.json()["run"]["runId"]).status == "succeeded"


@pytest.fixture
def slow_erp(tiny_erp):
    """An ERP that answers no more, until it is told to."""
    go_on = threading.Event()
    tiny_erp.meanwhile = lambda sync_type: go_on.wait(PATIENCE)
    yield go_on
    go_on.set()


@pytest.mark.django_db(transaction=True)
def test_the_time_that_a_request_has_waited_before_counts(api, slow_erp, monkeypatch):
    monkeypatch.setattr("customers.api.get_arrival_time", lambda request: time.monotonic() - 3600)
    monkeypatch.setattr(sessions, "ANSWERED_WITHIN", timedelta(hours=1))
    answer = api.post(SMART_SYNC)
    slow_erp.set()
    assert answer.status_code == 202
    when_it_has_ended(answer.json()["run"]["runId"])


@pytest.mark.django_db(transaction=True)
def test_forms_that_share_a_run_share_the_thread_that_carries_it_out(api, slow_erp):
    answers = [api.post(SMART_SYNC, headers={"prefer": "respond-async"}) for _ in range(5)]
    [run_id] = {answer.json()["run"]["runId"] for answer in answers}
    assert sum(thread.name == f"run {run_id}" for thread in threading.enumerate()) == 1
    slow_erp.set()
    assert when_it_has_ended(run_id).status == "succeeded"


@pytest.mark.django_db(transaction=True)
def test_a_failed_smart_sync_says_so_and_keeps_the_form_open(api, tiny_erp):
    tiny_erp.errors["customers"] = ErpUnavailable(reason="it is down")
    answer = api.post(SMART_SYNC)
    said = answer.json()
    assert (answer.status_code, said["success"], said["code"]) == (502, False, "ErpUnavailable")
    assert "it is down" in said["error"]
    assert (said["session"]["id"], open_sessions()) == (str(OrderFormSession.objects.get().pk), 1)


@pytest.mark.parametrize("number", ["5", "x" * 36, 5, [], {}, "\0"])
def test_a_number_that_is_none_is_400(number, api):
    for address in (SMART_SYNC, RESUME):
        answer = api.post(address, {"sessionId": number})
        assert (answer.status_code, list(answer.json()["detail"])) == (400, ["sessionId"])
    assert open_sessions() == 0


def test_another_agent_s_form_is_404(api, colleague):
    session = sessions.open_session(colleague)
    for address in (SMART_SYNC, RESUME):
        answer = api.post(address, {"sessionId": str(session.pk)})
        assert (answer.status_code, answer.json()["code"]) == (404, "SessionNotFound")
    session.refresh_from_db()
    assert session.is_live


# Leaving


def test_leaving_twice_is_the_same_as_once(api, agent):
    session = sessions.open_session(agent)
    for _ in range(2):
        answer = api.post(RESUME, {"sessionId": str(session.pk)})
        assert (answer.status_code, answer.json()["session"]["id"]) == (200, str(session.pk))
    assert (answer.json()["activeSessions"], open_sessions()) == (0, 0)


@pytest.mark.django_db(transaction=True)
def test_a_form_that_is_left_before_it_was_opened_is_not_opened_by_what_comes_late(api, tiny_erp):
    number = str(uuid.uuid4())
    assert api.post(RESUME, {"sessionId": number}).status_code == 200
    assert api.post(SMART_SYNC, {"sessionId": number}).status_code == 200
    assert open_sessions() == 0


def test_who_names_no_form_leaves_the_oldest(api, agent):
    oldest, newest = sessions.open_session(agent), sessions.open_session(agent)
    assert api.post(RESUME).json()["session"]["id"] == str(oldest.pk)
    said = api.post(RESUME).json()
    assert (said["session"]["id"], said["activeSessions"]) == (str(newest.pk), 0)
    assert api.post(RESUME).json()["session"] is None


def test_the_other_agents_forms_go_on_pausing(api, agent, colleague):
    sessions.open_session(agent)
    sessions.open_session(colleague)
    said = api.post(RESUME).json()
    assert (said["activeSessions"], said["message"]) == (
        1,
        "The other syncs still wait, because another order form is open.",
    )


@pytest.fixture
def browser(agent):
    """An agent's browser, which was signed in by a page."""
    browser = Client(enforce_csrf_checks=True)
    browser.get("/admin/login/")
    browser.force_login(agent)
    return browser


@pytest.mark.parametrize("kind", ["multipart", "urlencoded"])
def test_a_page_that_is_being_closed_leaves_by_a_form_of_its_own(kind, browser, agent):
    """What `navigator.sendBeacon` can send: no headers, so the CSRF token is a field."""
    session = sessions.open_session(agent)
    fields = {"sessionId": str(session.pk), "csrfmiddlewaretoken": browser.cookies["csrftoken"].value}
    if kind == "multipart":
        answer = browser.post(RESUME, fields)
    else:
        answer = browser.post(RESUME, urlencode(fields), content_type="application/x-www-form-urlencoded")
    assert (answer.status_code, open_sessions()) == (200, 0), answer.content


def test_a_closing_page_without_the_csrf_token_leaves_nothing(browser, agent):
    sessions.open_session(agent)
    assert browser.post(RESUME, {}).status_code == 403
    assert open_sessions() == 1


def test_a_page_with_keepalive_sends_json_and_the_token_as_a_header(browser, agent):
    body = json.dumps({"sessionId": str(sessions.open_session(agent).pk)})
    token = {"x-csrftoken": browser.cookies["csrftoken"].value}
    answer = browser.post(RESUME, body, content_type="application/json", headers=token)
    assert (answer.status_code, open_sessions()) == (200, 0)


def test_nobody_else_opens_or_leaves_a_form():
    stranger = signed_in()
    assert [stranger.post(address).status_code for address in (SMART_SYNC, RESUME)] == [401, 401]
