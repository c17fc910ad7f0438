"""The status: what it says, how little asking again costs, and that page, API and command say the same."""

import json
from contextlib import suppress
from datetime import datetime, timedelta
from io import StringIO
from unittest.mock import ANY

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from sync.coordinator import mutex, queue, schedules, sessions
from sync.models import OrderFormSession, SyncLock, SyncRun, SyncSchedule, SyncWorker
from sync.service import list_types
from tests.factories import SyncRunFactory, SyncWorkerFactory

pytestmark = pytest.mark.django_db

Status = SyncRun.Status
STATUS = "/api/sync/status"


@pytest.fixture
def everything_fresh():
    for sync_type in list_types():
        SyncRunFactory(sync_type=sync_type)
    SyncWorkerFactory()


def data(api):
    return api.get(STATUS).json()["data"]


def of(api, sync_type):
    return next(each for each in data(api)["statuses"] if each["type"] == sync_type)


# What it says


def test_before_anything_was_done_every_list_is_idle(api):
    said = data(api)
    assert [each["type"] for each in said["statuses"]] == list_types()
    assert {each["status"] for each in said["statuses"]} == {"idle"}
    assert (said["health"]["allHealthy"], said["current"], said["queue"]) == (False, None, [])
    assert said["smartSync"] == {
        "activeSessions": 0,
        "syncsPaused": False,
        "safetyTimeoutActive": False,
        "pausedUntil": None,
    }


def test_a_list_is_queued_running_completed_or_in_error(api):
    run = queue.request_sync("orders", trigger=SyncRun.Trigger.API)
    assert (of(api, "orders")["status"], of(api, "orders")["runId"]) == ("queued", run.pk)
    SyncRun.objects.update(status="running", started_at=timezone.now(), stage="reading", pages_read=3, pages=8)
    running = of(api, "orders")
    assert (running["status"], running["progress"]) == ("running", {"stage": "reading", "pagesRead": 3, "pages": 8})
    assert (running["startedAt"] is not None, running["completedAt"]) == (True, None)
    now = timezone.now()
    SyncRun.objects.update(status="failed", finished_at=now, error_class="ErpUnavailable", error_text="It is down.")
    failed = of(api, "orders")
    assert (failed["status"], failed["error"], failed["progress"]) == ("error", "ErpUnavailable: It is down.", None)
    SyncRun.objects.update(status="succeeded", error_class="", error_text="", exported_at=now)
    assert (of(api, "orders")["status"], of(api, "orders")["error"]) == ("completed", None)


def test_an_open_order_form_pauses_and_its_end_is_told(api, agent):
    session = sessions.open_session(agent)
    said = data(api)["smartSync"]
    assert (said["activeSessions"], said["syncsPaused"], said["safetyTimeoutActive"]) == (1, True, True)
    assert datetime.fromisoformat(said["pausedUntil"]) == session.expires_at


def test_when_all_is_well_it_says_so(api, everything_fresh):
    assert data(api)["health"]["allHealthy"] is True


# Page, API and command say the same


def syncstatus():
    said = StringIO()
    with suppress(SystemExit):
        call_command("syncstatus", "--json", stdout=said)
    return json.loads(said.getvalue())


def test_the_command_line_and_the_admin_say_the_same_of_the_same_moment(
    admin_api, agent, admin_client, everything_fresh
):
    SyncRunFactory(status="failed", sync_type="ddt", error_class="X", error_text="y")
    queue.request_sync("orders", trigger=SyncRun.Trigger.API)
    sessions.open_session(agent)
    with time_machine.travel(timezone.now() + timedelta(minutes=35), tick=False):
        sessions.open_session(agent)
        ours, theirs = data(admin_api), syncstatus()
        assert ours["health"]["services"] == theirs["types"]
        assert (ours["current"], ours["queue"], ours["lock"]) == (theirs["current"], theirs["queue"], theirs["lock"])
        assert ours["worker"] == theirs["worker"]
        shown = ours["smartSync"]
        assert theirs["sessions"] == {
            "live": shown["activeSessions"],
            "paused": shown["syncsPaused"],
            "pausedUntil": shown["pausedUntil"],
        }
        rows = admin_client.get(reverse("admin:sync_syncschedule_changelist")).context["cl"].result_list
    admin = {row.sync_type: row.health for row in rows}
    assert len({health.state for health in admin.values()}) > 2
    for sync_type, said in ours["health"]["services"].items():
        shown_there = admin[sync_type]
        assert said["state"] == shown_there.state
        assert said["freshAsOf"] == timezone.localtime(shown_there.fresh_as_of).isoformat()
        assert said["nextDue"] == timezone.localtime(shown_there.next_due).isoformat()
        assert said["consecutiveFailures"] == shown_there.consecutive_failures


# Asking again


def again(api, etag):
    with CaptureQueriesContext(connection) as queries:
        answer = api.get(STATUS, headers={"if-none-match": etag})
    return answer.status_code, len(queries)


def test_asking_again_costs_four_queries_while_nothing_has_changed(api, everything_fresh):
    first = api.get(STATUS)
    assert again(api, first["ETag"]) == (304, 4)
    answer = api.get(STATUS, headers={"if-none-match": first["ETag"]})
    assert (answer.content, answer["ETag"]) == (b"", first["ETag"])
    italian = {"if-none-match": first["ETag"], "accept-language": "it"}
    assert api.get(STATUS, headers=italian).status_code == 200, "its errors are in another language"


@pytest.mark.parametrize("etag", ["", "*", '"another"', 'W/"x-y"', 'W/"-"', "W/", '"-9e999"'])
def test_an_etag_of_somebody_else_is_no_reason_for_an_empty_answer(etag, api):
    assert again(api, etag)[0] == 200


def test_all_workers_are_told_each_as_it_is(admin_api, everything_fresh):
    now = timezone.now()
    SyncWorkerFactory(name="b:2", seen_at=now - timedelta(hours=1))
    SyncWorkerFactory(name="c:3", stopped_at=now)
    told = data(admin_api)
    assert [each["state"] for each in told["workers"]] == ["alive", "silent", "stopped"]
    assert told["workers"][2] == {
        "name": "c:3",
        "state": "stopped",
        "startedAt": ANY,
        "seenAt": ANY,
        "stoppedAt": timezone.localtime(now).isoformat(),
    }
    assert (told["worker"]["alive"], told["worker"]["name"]) == (True, told["workers"][0]["name"])


HAPPENINGS = {
    "a run is queued": lambda user: queue.request_sync("orders", trigger=SyncRun.Trigger.API),
    "a run gets on": lambda user: SyncRun.objects.filter(status="running").update(pages_read=7),
    "a form is opened": lambda user: sessions.open_session(user),
    "a form is used": lambda user: sessions.touch_session(user, OrderFormSession.objects.get().pk),
    "a form is left": lambda user: sessions.close_own_session(user),
    "a schedule is changed": lambda user: schedules.change_schedule("orders", every=15),
    "a slot is claimed": lambda user: SyncSchedule.objects.update(requested_slot=timezone.now()),
    "the lock is taken": lambda user: mutex.acquire(),
    "the lock is renewed": lambda user: SyncLock.objects.update(leased_until=timezone.now() + timedelta(minutes=5)),
    "a form's agent is deleted": lambda user: OrderFormSession.objects.all().delete(),
    "a run is cancelled, without a word": lambda user: SyncRun.objects.filter(status="queued").delete(),
    "a run ends, without a word": lambda user: SyncRunFactory(),
    "the worker beats": lambda user: SyncWorker.objects.update(seen_at=timezone.now() + timedelta(seconds=1)),
    "the worker is stopped": lambda user: SyncWorker.objects.update(stopped_at=timezone.now()),
    "a silent worker beats": lambda user: SyncWorkerFactory(seen_at=timezone.now() - timedelta(hours=1)),
}


@pytest.mark.parametrize("happens", HAPPENINGS.values(), ids=HAPPENINGS)
def test_whatever_happens_the_next_answer_is_whole(happens, api, agent, everything_fresh):
    SyncRunFactory(status="running", sync_type="products")
    SyncRunFactory(status="queued", sync_type="ddt")
    sessions.open_session(agent)
    etag = api.get(STATUS)["ETag"]
    happens(agent)
    assert again(api, etag)[0] == 200


PASSINGS = {
    "a form expires": timedelta(minutes=10),
    "the worker falls silent": timedelta(minutes=3),
    "orders are late": timedelta(minutes=15 + 10 + 10),  # the interval, the grace, the form's pause
    "what waits has waited too long": timedelta(minutes=30),
}


@pytest.mark.parametrize("after", PASSINGS.values(), ids=PASSINGS)
def test_what_the_clock_alone_changes_is_never_answered_as_unchanged(after, api, agent, everything_fresh, monkeypatch):
    monkeypatch.setattr("sync.monitoring.status.LONGEST_UNCHANGED", timedelta(days=1))
    SyncSchedule.objects.update(every=180, counted_from=timezone.now() - timedelta(minutes=1))
    SyncSchedule.objects.filter(sync_type="orders").update(every=15)
    queue.request_sync("products", trigger=SyncRun.Trigger.API)
    SyncRunFactory(status="queued", sync_type="ddt", requested_at=timezone.now() + timedelta(minutes=5))
    sessions.open_session(agent)
    start = timezone.now()
    with time_machine.travel(start, tick=False) as clock:
        clock.move_to(start + after - timedelta(seconds=2))
        before, etag = data(api), api.get(STATUS)["ETag"]
        clock.move_to(start + after + timedelta(seconds=2))
        status, _queries = again(api, etag)
        assert (status, data(api) != before) == (200, True)


def test_every_change_that_time_brings_is_foreseen(api, agent, everything_fresh, monkeypatch):
    """Step by step through two hours: a 304 only when the whole answer would have been the same."""
    monkeypatch.setattr("sync.monitoring.status.LONGEST_UNCHANGED", timedelta(days=1))
    queue.request_sync("products", trigger=SyncRun.Trigger.API)
    sessions.open_session(agent)
    start, unchanged = timezone.now(), 0
    with time_machine.travel(start, tick=False) as clock:
        for minute in range(0, 120, 2):
            clock.move_to(start + timedelta(minutes=minute))
            before, etag = data(api), api.get(STATUS)["ETag"]
            clock.move_to(start + timedelta(minutes=minute + 2))
            if again(api, etag)[0] == 304:
                unchanged += 1
                assert data(api) == before
    assert unchanged > 20


def asked(api, address):
    with CaptureQueriesContext(connection) as queries:
        assert api.get(address).status_code == 200
    return len(queries)


def every_list_fails():
    for sync_type in list_types():
        SyncRunFactory(status="failed", sync_type=sync_type)


@pytest.mark.parametrize(("address", "once"), [(STATUS, 14), ("/api/sync/schedule", 11)])
def test_the_number_of_queries_grows_with_nothing_but_the_lists(address, once, api, agent, everything_fresh):
    when_well = once + 2 * len(list_types())
    when_all_fail = once + 4 * len(list_types())
    SyncSchedule.objects.update(requested_slot=timezone.now())
    for _ in range(10):
        assert asked(api, address) == when_well
        sessions.open_session(agent)
        SyncRunFactory(status="queued", given_file="export.pdf")
    for _ in range(10):  # each list that fails is asked for its back-off, whatever the number of its failures
        every_list_fails()
        assert asked(api, address) == when_all_fail
