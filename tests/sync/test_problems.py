"""What is wrong is found once: the control room and the command line only say it."""

from contextlib import suppress
from datetime import timedelta
from html import unescape
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from sync import disk
from sync.coordinator import mutex, queue, sessions
from sync.erp import login as erp_login
from sync.models import RejectedLogin, SyncLock, SyncRun, SyncSchedule, SyncWorker
from sync.monitoring import health
from sync.monitoring.diagnosis import find_problems
from sync.monitoring.problems import Action, Kind
from sync.service import list_types
from tests.factories import (
    AlertFactory,
    ColumnDriftFactory,
    PriceFactory,
    SyncRunFactory,
    SyncWorkerFactory,
    UserFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]

Status = SyncRun.Status
MINUTE = timedelta(minutes=1)


def ago(**time):
    return timezone.now() - timedelta(**time)


@pytest.fixture(autouse=True)
def all_well():
    """Everything was mirrored a minute ago, and a worker lives."""
    for sync_type in list_types():
        SyncRunFactory(sync_type=sync_type, ended_ago=MINUTE, took=timedelta(seconds=3))
    SyncSchedule.objects.update(requested_slot=timezone.now())
    SyncWorkerFactory(name="elsewhere:1")


def found():
    return [(problem.kind, problem.action) for problem in find_problems(health.get_status())]


def a_worker_was_stopped():
    SyncWorker.objects.update(stopped_at=timezone.now())


def the_worker_is_silent():
    SyncWorker.objects.update(seen_at=ago(minutes=4))


def another_worker_is_silent():
    SyncWorkerFactory(seen_at=ago(minutes=4))


def the_lock_s_holder_is_silent():
    mutex.acquire()
    SyncLock.objects.update(leased_until=ago(minutes=1))


def a_run_is_slow():
    SyncRunFactory(status=Status.RUNNING, took=MINUTE, stage="reading")


def the_erp_is_slow():
    SyncRunFactory(status=Status.RUNNING, took=MINUTE, stage="fetching")


def a_clock_is_ahead():
    SyncWorker.objects.update(clock_ahead=MINUTE)


def a_clock_is_behind():
    SyncWorker.objects.update(clock_ahead=-MINUTE)


def the_login_is_rejected():
    run = SyncRunFactory(sync_type="orders", status=Status.FAILED, error_class="ErpLoginRejected")
    RejectedLogin.objects.create(credentials=erp_login.fingerprint_login(), username="x", at=timezone.now(), run=run)


def an_export_is_quarantined():
    SyncRunFactory(sync_type="orders", status=Status.QUARANTINED)


def a_list_fails():
    SyncRunFactory(sync_type="orders", status=Status.FAILED, error_class="X", error_text="y")


def a_list_was_never_mirrored():
    SyncRun.objects.filter(sync_type="orders").delete()


def a_list_is_late():
    SyncRun.objects.filter(sync_type="orders").update(exported_at=ago(hours=3))


def a_late_list_waits_for_order_forms():
    SyncRun.objects.filter(sync_type="orders").update(exported_at=ago(hours=3))
    sessions.open_session(UserFactory())
    queue.request_sync("orders", trigger=SyncRun.Trigger.SCHEDULE)


def a_disabled_list_is_old():
    a_list_is_late()
    a_schedule_is_disabled()


def a_schedule_is_disabled():
    SyncSchedule.objects.filter(sync_type="orders").update(enabled=False)


def a_schedule_is_missing():
    SyncSchedule.objects.filter(sync_type="orders").delete()


def a_run_is_tried_again():
    attempt = {"outcome": "failed", "error": "ErpUnavailable", "text": "The ERP is down."}
    SyncRunFactory(sync_type="orders", status=Status.QUEUED, ended_attempts=[attempt], not_before=ago(minutes=-1))


def a_column_is_hidden():
    ColumnDriftFactory(kind="hidden")


def nobody_chose_a_price_group():
    PriceFactory()
    PriceFactory(account="003")


def an_alert_was_given_up():
    AlertFactory(error="No.", tried_at=timezone.now(), next_attempt_at=None)


WRONG = {
    a_worker_was_stopped: (Kind.WORKER_STOPPED, Action.START_WORKER),
    the_worker_is_silent: (Kind.WORKER_SILENT, Action.RESTART_WORKER),
    another_worker_is_silent: (Kind.ONE_WORKER_SILENT, Action.RESTART_WORKER),
    the_lock_s_holder_is_silent: (Kind.LOCK_SILENT, Action.WAIT_FOR_TAKEOVER),
    a_run_is_slow: (Kind.RUN_SLOW, Action.WAIT_FOR_RUN),
    the_erp_is_slow: (Kind.FETCH_SLOW, Action.WAIT_FOR_FETCH),
    a_clock_is_ahead: (Kind.CLOCK_AHEAD, Action.SET_CLOCK),
    a_clock_is_behind: (Kind.CLOCK_BEHIND, Action.SET_CLOCK),
    the_login_is_rejected: (Kind.LOGIN_REJECTED, Action.CHECK_LOGIN),
    an_export_is_quarantined: (Kind.QUARANTINED, Action.DECIDE_ON_EXPORT),
    a_list_fails: (Kind.FAILING, Action.DUE_LATER),
    a_list_was_never_mirrored: (Kind.NEVER_MIRRORED, Action.DUE_LATER),
    a_list_is_late: (Kind.LATE, Action.DUE_LATER),
    a_late_list_waits_for_order_forms: (Kind.LATE, Action.QUEUED_BEHIND_FORMS),
    a_disabled_list_is_old: (Kind.OLD, Action.RUN_OR_ENABLE),
    a_schedule_is_disabled: (Kind.SCHEDULES_DISABLED, Action.LOOK_AT_SCHEDULES),
    a_schedule_is_missing: (Kind.NO_SCHEDULE, Action.MIGRATE),
    a_run_is_tried_again: (Kind.RETRYING, Action.RETRIED_LATER),
    a_column_is_hidden: (Kind.COLUMNS_CHANGED, Action.SHOW_COLUMNS),
    nobody_chose_a_price_group: (Kind.NOTICE, Action.FOLLOW_NOTICE),
    an_alert_was_given_up: (Kind.ALERT_NOT_DELIVERED, Action.SEND_AGAIN),
}
happens = pytest.mark.parametrize("happens", WRONG, ids=lambda happens: happens.__name__)


@pytest.fixture(autouse=True)
def alerts_go_somewhere(settings):
    settings.ALERT_URL = "http://127.0.0.1:1/"


def said_by_command():
    said = StringIO()
    with suppress(SystemExit):
        call_command("syncstatus", stdout=said)
    return said.getvalue()


def test_when_all_is_well_nothing_is_wrong():
    assert found() == []
    assert said_by_command().rstrip().endswith("All is well.")


@happens
def test_what_is_wrong_is_found_with_what_to_do(happens):
    happens()
    assert found() == [WRONG[happens]]


@happens
def test_both_doors_say_it(happens, admin_client):
    happens()
    assert len(admin_client.get("/admin/now/").context["problems"]) == 1
    said = said_by_command()
    assert "All is well." not in said
    assert "%(" not in said
    assert "%(" not in unescape(admin_client.get("/admin/now/").content.decode())


@happens
def test_the_service_is_unhealthy_while_there_is_a_grave_problem(happens):
    happens()
    status = health.get_status()
    assert status.is_healthy == (not any(problem.is_grave for problem in find_problems(status)))


@pytest.mark.parametrize(("free", "kind"), [(disk.LOW - 1, Kind.DISK_LOW), (disk.FULL - 1, Kind.DISK_FULL)])
def test_a_disk_without_room_is_named(free, kind, monkeypatch, tmp_path):
    monkeypatch.setattr(disk, "list_volumes", lambda: [disk.Volume(tmp_path, (disk.EXPORTS,), free)])
    assert found() == [(kind, Action.MAKE_ROOM)]
    assert str(tmp_path) in said_by_command()
    assert health.get_status().is_healthy == (kind == Kind.DISK_LOW)


def test_the_command_line_names_a_silent_holder_of_the_lock():
    the_lock_s_holder_is_silent()
    said = said_by_command()
    assert "Lock     NOT RENEWED, " in said
    assert "The process that holds the lock has not responded since " in said
    assert "you do not need to do anything." in said


def test_the_gravest_comes_first():
    another_worker_is_silent()
    a_list_fails()
    assert [problem.is_grave for problem in find_problems(health.get_status())] == [True, False]
