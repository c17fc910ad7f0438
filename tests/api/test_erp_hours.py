"""Outside the ERP's hours: what who asks is told, and who may have a run nevertheless."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
import time_machine

from sync.coordinator import queue
from sync.erp_hours import EXAMPLE, parse_hours
from sync.models import OrderFormSession, SyncRun

pytestmark = pytest.mark.django_db

OPENING = "2026-12-02T07:00:00+01:00"


@pytest.fixture(autouse=True)
def night(settings):
    settings.ERP_URL, settings.ERP_HOURS = "https://erp.example/Archibald", parse_hours(EXAMPLE)
    with time_machine.travel(datetime(2026, 12, 1, 22, tzinfo=ZoneInfo("Europe/Rome")), tick=False):
        yield


def test_a_sync_that_is_asked_for_says_until_when_it_waits(admin_api):
    said = admin_api.post("/api/sync/orders").json()
    run = said["run"]
    assert (run["waitsFor"], run["waitsUntil"]) == ("hours", OPENING)
    assert said["message"] == (
        f"Run {run['runId']} of orders waits until 02/12/2026 07:00: the ERP is not asked outside its hours."
    )
    assert {run["waitsFor"] for run in admin_api.post("/api/sync/full").json()["runs"]} == {"hours"}


def test_runs_are_listed_with_what_they_wait_for(api):
    run = queue.request_sync("orders", trigger=SyncRun.Trigger.SCHEDULE)
    [listed] = api.get("/api/sync/runs").json()["results"]
    for described in (listed, api.get(f"/api/sync/runs/{run.pk}").json()["run"]):
        assert (described["waitsFor"], described["waitsUntil"]) == ("hours", OPENING)
    run.cancel()
    described = api.get(f"/api/sync/runs/{run.pk}").json()["run"]
    assert (described["waitsFor"], described["waitsUntil"]) == (None, None)


@pytest.mark.parametrize("address", ["/api/sync/orders", "/api/sync/orders/full"])
def test_a_run_is_forced_by_who_has_the_permission(address, staff_api):
    refused = staff_api("request_syncrun").post(address, {"ignoreHours": True})
    assert (refused.status_code, "sync.force_syncrun" in refused.json()["error"]) == (403, True)
    assert not SyncRun.objects.exists()
    forced = staff_api("request_syncrun", "force_syncrun").post(address, {"ignoreHours": True})
    assert (forced.status_code, forced.json()["run"]["waitsFor"]) == (202, "turn")
    assert SyncRun.objects.get().ignores_hours


def test_an_order_form_is_answered_at_once_with_when_the_customers_are_updated(api):
    answer = api.post("/api/customers/smart-sync")
    said = answer.json()
    assert (answer.status_code, said["result"], said["run"]["waitsFor"]) == (202, None, "hours")
    assert said["run"]["waitsUntil"] == OPENING
    assert said["message"] == (
        "The customers are not updated before 02/12/2026 07:00: the ERP is not asked until then."
    )
    assert OrderFormSession.objects.live().count() == 1


def test_the_status_says_that_the_erp_is_closed_and_until_when(api):
    erp = api.get("/api/sync/status").json()["data"]["erp"]
    assert (erp["open"], erp["resumesAt"], erp["closesAt"]) == (False, OPENING, None)
