"""Asking for syncs, changing schedules, history: what each call does, for whom, and what it refuses."""

from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_q.models import Schedule

from sync.models import SyncEvent, SyncRun, SyncSchedule
from tests.factories import SyncRunFactory, UserFactory
from tests.lists import TYPES

pytestmark = pytest.mark.django_db

Status = SyncRun.Status
CHANGES = [
    ("post", "/api/sync/orders", "request_syncrun"),
    ("post", "/api/sync/orders/full", "request_syncrun"),
    ("post", "/api/sync/full", "request_syncrun"),
    ("post", "/api/sync/runs/{run}/retry", "request_syncrun"),
    ("post", "/api/sync/runs/{run}/cancel", "request_syncrun"),
    ("post", "/api/sync/runs/{run}/accept", "accept_syncrun"),
    ("patch", "/api/sync/schedule/orders", "change_syncschedule"),
]


def call(client, method, address, data=None):
    return getattr(client, method)(address, data or {})


# Who may


@pytest.fixture(params=CHANGES, ids=[address for _method, address, _permission in CHANGES])
def change(request):
    """A call that changes something, and the permission that it needs."""
    method, address, permission = request.param
    run = SyncRunFactory(status=Status.FAILED)
    return lambda client: getattr(client, method)(address.format(run=run.pk), {}), permission


def test_an_agent_may_not_change_syncs(change, api):
    call, _permission = change
    refused = call(api)
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")


def test_staff_may_do_what_they_may_do_in_the_admin(change, staff_api):
    call, permission = change
    assert call(staff_api(permission)).status_code in (200, 202, 409)


def test_being_staff_is_not_enough(change, staff_api):
    call, permission = change
    refused = call(staff_api("view_syncrun"))
    assert (refused.status_code, permission in refused.json()["error"]) == (403, True)


def test_a_permission_without_being_staff_is_not_enough(change, staff_api):
    call, permission = change
    assert call(staff_api(permission, is_staff=False)).status_code == 403


# Asking


def test_a_sync_that_is_asked_for_waits_for_its_turn(admin_api):
    answer = admin_api.post("/api/sync/orders", {"mode": "incremental", "priority": 9})
    run = SyncRun.objects.get()
    assert (answer.status_code, answer.json()["success"], answer.json()["run"]["runId"]) == (202, True, run.pk)
    assert (run.sync_type, run.mode, run.priority, run.trigger) == ("orders", "incremental", 9, "api")
    assert str(run.requested_by) == "admin"


def test_asking_twice_strengthens_the_one_that_waits(admin_api):
    first = admin_api.post("/api/sync/orders").json()["run"]
    second = admin_api.post("/api/sync/orders/full", {"priority": 50}).json()["run"]
    assert first["runId"] == second["runId"]
    assert (second["mode"], second["priority"]) == ("full", 50)


def test_all_six_are_asked_for_in_full(admin_api):
    answer = admin_api.post("/api/sync/full").json()
    assert [(run["type"], run["mode"]) for run in answer["runs"]] == [(name, "full") for name in TYPES]


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"mode": "smart"}, "mode"),
        ({"mode": "entire"}, "mode"),
        ({"mode": 5}, "mode"),
        ({"priority": 0}, "priority"),
        ({"priority": 100}, "priority"),
        ({"priority": "9"}, "priority"),
        ({"priority": True}, "priority"),
        ({"prioriti": 9}, "prioriti"),
        ({"priority": 2**70}, "priority"),
    ],
)
def test_a_wrong_value_is_400_and_names_the_field(data, field, admin_api):
    answer = admin_api.post("/api/sync/orders", data)
    assert (answer.status_code, answer.json()["code"], list(answer.json()["detail"])) == (400, "invalid", [field])
    assert not SyncRun.objects.exists()


def test_a_list_that_is_not_mirrored_is_404_in_json(admin_api):
    answer = admin_api.post("/api/sync/former_list")
    assert (answer.status_code, answer.json()["success"], answer.json()["code"]) == (404, False, "not_found")


def test_a_body_that_is_no_json_is_400(admin_api):
    answer = admin_api.generic("POST", "/api/sync/orders", "{", content_type="application/json")
    assert (answer.status_code, answer.json()["success"]) == (400, False)
    answer = admin_api.generic("POST", "/api/sync/orders", "[1]", content_type="application/json")
    assert (answer.status_code, list(answer.json()["detail"])) == (400, ["nonFieldErrors"])


@pytest.mark.parametrize("who", ["admin_api", "api"])
@pytest.mark.parametrize("address", ["/api/sync/orders", "/api/sync/runs", "/api/sync/schedule"])
def test_an_unknown_method_is_405_in_json_for_everybody(request, who, address):
    answer = request.getfixturevalue(who).delete(address)
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


# Runs


def test_runs_are_listed_the_latest_first_and_paged(api):
    runs = SyncRunFactory.create_batch(5)
    page = api.get("/api/sync/runs", {"pageSize": 2}).json()
    assert [run["runId"] for run in page["results"]] == [runs[4].pk, runs[3].pk]
    assert (page["count"], page["previous"]) == (5, None)
    last = api.get(api.get(page["next"]).json()["next"]).json()
    assert ([run["runId"] for run in last["results"]], last["next"]) == ([runs[0].pk], None)
    assert api.get("/api/sync/runs", {"page": 9}).json()["results"] == []


@pytest.mark.parametrize(
    "question",
    [
        {"type": "orders"},
        {"status": "failed"},
        {"mode": "full"},
        {"trigger": "schedule"},
        {"since": "2026-01-20T12:00:00+01:00"},
        {"until": "2026-01-20T12:00:00+01:00"},
    ],
)
def test_runs_are_filtered(question, api):
    old = datetime.fromisoformat("2026-01-01T12:00:00+01:00")
    SyncRunFactory(requested_at=old)
    wanted = {"type": "sync_type"}
    fields = {wanted.get(name, name): value for name, value in question.items() if name not in ("since", "until")}
    found = SyncRunFactory(requested_at=old - timedelta(days=1) if "until" in question else timezone.now(), **fields)
    results = api.get("/api/sync/runs", question).json()["results"]
    assert found.pk in [run["runId"] for run in results]
    assert len(results) == (2 if "until" in question else 1)


@pytest.mark.parametrize(
    ("question", "field"),
    [({"type": "former_list"}, "type"), ({"status": "late"}, "status"), ({"since": "yesterday"}, "since"),
     ({"page": 0}, "page"), ({"page": "x"}, "page"), ({"pageSize": 101}, "pageSize"), ({"page": 10**30}, "page"),
     ({"page": [1, 2]}, "page"), ({"state": "failed"}, "state"), ({"type": ""}, "type"), ({"until": ""}, "until")],
)  # fmt: skip
def test_a_wrong_question_is_400_and_names_the_parameter(question, field, api):
    answer = api.get("/api/sync/runs", question)
    assert (answer.status_code, list(answer.json()["detail"])) == (400, [field])


@pytest.mark.parametrize("address", ["/api/sync/runs", "/api/sync/runs?status=failed&type=customers"])
def test_a_page_of_runs_takes_two_queries_however_many_there_are(address, api):
    for count in (1, 30):
        for _ in range(count):
            SyncRunFactory(status="failed", requested_by=UserFactory())
        with CaptureQueriesContext(connection) as queries:
            assert api.get(address).json()["results"]
        assert len(queries) == 2


def test_a_filter_that_is_given_twice_means_either(api):
    runs = [SyncRunFactory(status=status) for status in ("failed", "quarantined", "succeeded")]
    results = api.get("/api/sync/runs?status=failed&status=quarantined").json()["results"]
    assert [run["runId"] for run in results] == [runs[1].pk, runs[0].pk]


def test_a_run_tells_its_whole_story(api):
    total = {"column": "ID", "function": "Count", "stated": "2", "found": "2", "differenceAllowed": "0"}
    attempt = {"outcome": "lost", "startedAt": None, "endedAt": "2026-01-20T11:00:00+00:00", "error": "", "text": ""}
    run = SyncRunFactory(
        status=Status.QUARANTINED,
        error_class="TooManyMissing",
        error_text="The export lacks 30.",
        control_totals=[total],
        ended_attempts=[attempt],
        notes=["A column is new."],
    )
    shown = api.get(f"/api/sync/runs/{run.pk}").json()["run"]
    assert shown["error"] == {"code": "TooManyMissing", "text": "The export lacks 30."}
    assert (shown["controlTotals"], shown["endedAttempts"], shown["notes"]) == (
        [total],
        [attempt],
        ["A column is new."],
    )
    assert shown["waitsForADecision"] is True
    assert shown["counts"] == dict.fromkeys(
        ("read", "created", "updated", "unchanged", "missing", "removed", "restored"), 0
    )


def test_a_run_that_is_not_there_is_404(api, admin_api):
    for address in ("/api/sync/runs/999", f"/api/sync/runs/{10**18 - 1}"):
        assert api.get(address).status_code == 404
    assert admin_api.post("/api/sync/runs/999/retry").json()["code"] == "not_found"


def test_a_finished_run_is_tried_again(admin_api):
    run = SyncRunFactory(status=Status.FAILED)
    answer = admin_api.post(f"/api/sync/runs/{run.pk}/retry")
    assert answer.status_code == 202
    assert SyncRun.objects.get(pk=answer.json()["run"]["runId"]).retries == run


def test_a_queued_run_is_cancelled_at_once(admin_api):
    run = SyncRunFactory(status=Status.QUEUED)
    answer = admin_api.post(f"/api/sync/runs/{run.pk}/cancel")
    assert (answer.status_code, answer.json()["run"]["status"]) == (200, "cancelled")
    assert SyncEvent.objects.get(kind="run_cancelled").by == User.objects.get(username="admin")


@pytest.mark.parametrize(
    ("verb", "status", "code"),
    [("retry", "queued", "CannotRetry"), ("cancel", "succeeded", "CannotCancel"), ("accept", "failed", "CannotAccept")],
)
def test_what_does_not_fit_a_run_s_state_is_409_and_says_why(verb, status, code, admin_api):
    run = SyncRunFactory(status=status)
    answer = admin_api.post(f"/api/sync/runs/{run.pk}/{verb}")
    assert (answer.status_code, answer.json()["code"]) == (409, code)
    assert (str(run.pk) in answer.json()["error"], answer.json()["detail"]["run"]) == (True, run.pk)


def test_a_quarantined_export_is_accepted(admin_api, tmp_path):
    export = tmp_path / "export.pdf"
    export.write_bytes(b"%PDF")
    run = SyncRunFactory(status=Status.QUARANTINED, export_path=str(export))
    answer = admin_api.post(f"/api/sync/runs/{run.pk}/accept")
    assert answer.status_code == 202
    assert SyncRun.objects.get(pk=answer.json()["run"]["runId"]).accepts == run


# Schedules


def test_schedules_are_shown_the_most_urgent_first(api):
    shown = api.get("/api/sync/schedule").json()["schedules"]
    assert [each["type"] for each in shown] == TYPES
    assert (shown[0]["intervalMinutes"], shown[0]["startDelayMinutes"], shown[0]["enabled"]) == (10, 0, True)
    assert shown[0]["nextDue"]


def test_a_schedule_is_changed_from_now_on(admin_api):
    answer = admin_api.patch("/api/sync/schedule/products", {"intervalMinutes": 45})
    assert (answer.status_code, answer.json()["schedule"]["intervalMinutes"]) == (200, 45)
    assert SyncSchedule.objects.get(sync_type="products").every == 45
    assert Schedule.objects.get(name="sync products").minutes == 45
    assert SyncEvent.objects.get(kind="schedule_changed").by == User.objects.get(username="admin")


def test_a_disabled_schedule_is_never_due(admin_api):
    shown = admin_api.patch("/api/sync/schedule/products", {"enabled": False}).json()["schedule"]
    assert (shown["enabled"], shown["nextDue"]) == (False, None)


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"intervalMinutes": 4}, "intervalMinutes"),
        ({"intervalMinutes": 181}, "intervalMinutes"),
        ({"intervalMinutes": "15"}, "intervalMinutes"),
        ({"startDelayMinutes": -1}, "startDelayMinutes"),
        ({"enabled": "yes"}, "enabled"),
        ({"interval": 20}, "interval"),
        ({"enabled": None}, "enabled"),
    ],
)
def test_a_schedule_with_a_wrong_value_stays_as_it_is(data, field, admin_api):
    before = list(SyncSchedule.objects.values())
    answer = admin_api.patch("/api/sync/schedule/products", data)
    assert (answer.status_code, list(answer.json()["detail"])) == (400, [field])
    assert list(SyncSchedule.objects.values()) == before
