"""What is said of the mirror: true of the rows, and each change of it once."""

import json
import os
import socket
import subprocess
from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from sync import disk
from sync.coordinator import queue, sessions, worker
from sync.models import SyncEvent, SyncLock, SyncRun, SyncSchedule, SyncWorker
from sync.monitoring import health
from sync.monitoring.serializers import SyncStatusSerializer
from sync.monitoring.state_changes import record_state_changes
from sync.monitoring.status import State
from tests.factories import AlertFactory, OrderFormSessionFactory, SyncRunFactory, SyncWorkerFactory, UserFactory
from tests.lists import TYPES

pytestmark = pytest.mark.django_db

Status = SyncRun.Status
MINUTE = timedelta(minutes=1)


def ago(**time):
    return timezone.now() - timedelta(**time)


def of(sync_type="orders"):
    return next(each for each in health.get_status().types if each.sync_type == sync_type)


@pytest.fixture
def everything_fresh():
    for sync_type in TYPES:
        SyncRunFactory(sync_type=sync_type)
    SyncWorkerFactory()


@pytest.fixture
def agent():
    return UserFactory()


# The state of a list


def test_the_most_urgent_list_comes_first():
    assert [each.sync_type for each in health.get_status().types] == TYPES


def test_a_list_that_was_never_mirrored_says_so():
    assert (of().state, of().fresh_as_of) == (State.NEVER, None)


def test_a_list_is_healthy_after_a_success_and_as_fresh_as_its_export():
    run = SyncRunFactory(sync_type="orders")
    assert (of().state, of().fresh_as_of) == (State.HEALTHY, run.exported_at)


@pytest.mark.parametrize(("minutes", "state"), [(19, State.HEALTHY), (21, State.LATE)])
def test_a_list_is_late_after_its_interval_and_ten_minutes(minutes, state):
    SyncRunFactory(sync_type="orders", ended_ago=minutes * MINUTE)
    assert of().state == state


def disable(sync_type="orders"):
    SyncSchedule.objects.filter(sync_type=sync_type).update(enabled=False)


@pytest.mark.parametrize(("minutes", "state"), [(19, State.HEALTHY), (21, State.OLD), (60 * 24 * 60, State.OLD)])
def test_a_list_whose_schedule_is_disabled_is_judged_by_its_age_like_the_others(minutes, state):
    run = SyncRunFactory(sync_type="orders", ended_ago=minutes * MINUTE)
    disable()
    assert (of().state, of().next_due) == (state, None)
    assert of().late_at == run.exported_at + 20 * MINUTE
    assert of().is_trusted == (state == State.HEALTHY)


def test_an_old_list_is_not_healthy_wherever_it_is_asked(everything_fresh, client):
    SyncRun.objects.filter(sync_type="orders").update(exported_at=ago(days=60))
    disable()
    status = health.get_status()
    assert (status.untrusted, status.is_healthy) == (["orders"], False)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["freshness"]) == (503, False)


@pytest.mark.parametrize(("minutes", "state"), [(49, State.PAUSED), (51, State.LATE)])
def test_order_forms_excuse_a_list_s_age_no_longer_than_they_may_keep_it_waiting(minutes, state, agent):
    SyncRunFactory(sync_type="orders", ended_ago=minutes * MINUTE)
    queue.request_sync("orders", trigger=SyncRun.Trigger.SCHEDULE)
    sessions.open_session(agent)
    assert of().state == state


def pause(*, begun, ended=0):
    """An order form that was in use from so many minutes ago until so many minutes ago."""
    opened_at, closed_at = timezone.now() - begun * MINUTE, timezone.now() - ended * MINUTE
    OrderFormSessionFactory(opened_at=opened_at, expires_at=closed_at + MINUTE, closed_at=closed_at)


@pytest.mark.parametrize(
    ("minutes", "pauses", "state"),
    [
        (39, [{"begun": 20, "ended": 0}], State.HEALTHY),
        (29, [{"begun": 15, "ended": 9}], State.HEALTHY),  # the grace of a run after it
        (31, [{"begun": 15, "ended": 11}], State.LATE),
        (34, [{"begun": 30, "ended": 20}, {"begun": 25, "ended": 15}], State.HEALTHY),  # fifteen minutes in all
        (36, [{"begun": 30, "ended": 20}, {"begun": 25, "ended": 15}], State.LATE),
        (30, [{"begun": 9, "ended": 1}], State.LATE),  # it was so before
        (25, [{"begun": 60, "ended": 30}], State.LATE),  # that was before the export
        (51, [{"begun": 45, "ended": 0}], State.LATE),  # no longer than forms may keep it waiting
    ],
)
def test_time_in_which_order_forms_paused_a_list_makes_it_no_older(minutes, pauses, state):
    SyncRunFactory(sync_type="orders", ended_ago=minutes * MINUTE)
    for times in pauses:
        pause(**times)
    assert of().state == state


def test_a_list_that_order_forms_read_is_not_excused_by_them():
    SyncRunFactory(sync_type="customers", ended_ago=41 * MINUTE)
    pause(begun=20)
    assert of("customers").state == State.LATE


def test_a_form_that_is_left_turns_no_list_late_until_its_run_has_ended(everything_fresh, agent):
    with time_machine.travel(timezone.now(), tick=False) as traveller:
        session = sessions.open_session(agent)
        for _ in range(5):
            traveller.shift(5 * MINUTE)
            session = sessions.touch_session(agent, session.pk)
            SyncRun.objects.exclude(sync_type="orders").update(exported_at=timezone.now())
        queue.request_sync("orders", trigger=SyncRun.Trigger.SCHEDULE)
        assert of().state == State.PAUSED
        sessions.close_session(session)
        traveller.shift(timedelta(seconds=1))
        assert of().state == State.HEALTHY
        traveller.shift(21 * MINUTE)
        assert of().state == State.LATE


def test_the_time_of_the_export_counts_and_not_that_of_the_run():
    SyncRunFactory(sync_type="orders", exported_at=ago(hours=5))
    assert of().state == State.LATE


def test_a_failed_run_makes_a_list_fail_until_a_success():
    success = SyncRunFactory(sync_type="orders", ended_ago=3 * MINUTE)
    SyncRunFactory(sync_type="orders", status=Status.FAILED, ended_ago=2 * MINUTE)
    SyncRunFactory(
        sync_type="orders",
        status=Status.FAILED,
        ended_ago=MINUTE,
        error_class="ErpUnavailable",
        error_text="The ERP did not answer.",
    )
    assert (of().state, of().consecutive_failures, of().fresh_as_of) == (State.FAILING, 2, success.exported_at)
    assert of().error == "ErpUnavailable: The ERP did not answer."
    SyncRunFactory(sync_type="orders")
    assert (of().state, of().consecutive_failures, of().error) == (State.HEALTHY, 0, None)


def test_a_quarantined_run_never_looks_healthy():
    SyncRunFactory(sync_type="orders", ended_ago=2 * MINUTE)
    SyncRunFactory(sync_type="orders", status=Status.QUARANTINED, ended_ago=MINUTE)
    assert (of().state, of().consecutive_failures) == (State.QUARANTINED, 1)


@pytest.mark.parametrize("status", [Status.CANCELLED, Status.QUEUED, Status.RUNNING])
def test_a_run_that_was_cancelled_or_has_stepped_aside_says_nothing_of_a_list(status):
    preempted = [{"outcome": "preempted", "endedAt": timezone.now().isoformat()}]
    SyncRunFactory(sync_type="orders", status=status, attempts=1, ended_attempts=preempted)
    assert (of().state, of().consecutive_failures) == (State.NEVER, 0)


def test_a_smart_run_that_left_something_to_a_full_one_makes_nothing_fresh():
    full = SyncRunFactory(ended_ago=60 * MINUTE)
    SyncRunFactory(mode="smart", ended_ago=MINUTE, left=3)
    assert (of("customers").state, of("customers").fresh_as_of) == (State.LATE, full.exported_at)
    smart = SyncRunFactory(mode="smart")
    assert (of("customers").state, of("customers").fresh_as_of) == (State.HEALTHY, smart.exported_at)


def test_order_forms_pause_the_lists_that_wait_for_them(everything_fresh, agent):
    session = sessions.open_session(agent)
    for sync_type in ("orders", "customers"):
        queue.request_sync(sync_type, trigger=SyncRun.Trigger.SCHEDULE)
    assert {each.sync_type: each.state for each in health.get_status().types if each.state != State.HEALTHY} == {
        "orders": State.PAUSED
    }
    assert health.get_status().is_healthy
    sessions.close_session(session)
    assert of().state == State.HEALTHY


def test_a_run_that_waits_for_its_next_attempt_is_not_paused(agent):
    SyncRunFactory(ended_ago=41 * MINUTE)
    later = timezone.now() + timedelta(minutes=1)
    queue.request_sync("customers", trigger=SyncRun.Trigger.SCHEDULE, not_before=later)
    sessions.open_session(agent)
    assert of("customers").state == State.LATE


def test_the_usual_duration_is_the_median_of_the_last_successes():
    for number, took in enumerate([1000, 1000, *range(1, 21)]):
        SyncRunFactory(sync_type="orders", ended_ago=(60 - number) * MINUTE, took=timedelta(seconds=took))
    assert (of().usual_duration, of().last_duration) == (timedelta(seconds=10.5), timedelta(seconds=20))


# Everything


def test_all_is_healthy_only_with_a_worker(everything_fresh):
    assert health.get_status().is_healthy
    SyncWorker.objects.update(seen_at=ago(minutes=4))
    assert (health.get_status().has_worker, health.get_status().is_healthy) == (False, False)


def test_of_several_workers_one_that_lives_suffices(everything_fresh):
    alive = SyncWorker.objects.get()
    SyncWorkerFactory(stopped_at=timezone.now())
    SyncWorkerFactory(seen_at=ago(hours=1))
    assert health.get_status().is_healthy
    assert health.get_status().worker == alive
    alive.delete()
    assert not health.get_status().is_healthy


def test_a_worker_that_starts_replaces_those_of_its_machine_that_are_gone(monkeypatch):
    monkeypatch.setattr(socket, "gethostname", lambda: "here")
    gone = subprocess.Popen(["true"])
    gone.wait()
    for name in (f"here:{gone.pid}", f"here:{os.getppid()}", f"here-too:{gone.pid}"):
        SyncWorkerFactory(name=name)
    worker.replace_predecessors()
    assert set(SyncWorker.objects.values_list("name", flat=True)) == {f"here:{os.getppid()}", f"here-too:{gone.pid}"}


def test_a_worker_that_is_heard_of_again_is_no_longer_stopped(monkeypatch):
    monkeypatch.setattr(worker, "name", worker.build_name(7))
    worker.sign_off(7)
    assert not health.get_status().has_worker
    worker.write_heartbeat()
    assert health.get_status().has_worker


def test_a_list_without_a_schedule_is_not_trusted_as_nothing_is_known_of_it(everything_fresh, client):
    assert health.get_status().untrusted == []
    SyncSchedule.objects.filter(sync_type="prices").delete()
    status = health.get_status()
    assert (status.untrusted, status.without_schedule, status.is_healthy) == (["prices"], ["prices"], False)
    assert client.get("/readyz").json()["freshness"] is False


def test_what_is_not_trusted_is_named_by_urgency(everything_fresh):
    SyncRunFactory(sync_type="products", status=Status.FAILED)
    SyncSchedule.objects.filter(sync_type="prices").delete()
    assert health.get_status().untrusted == ["prices", "products"]


def test_a_worker_is_heard_of_when_it_is_delivered_a_task(monkeypatch):
    monkeypatch.setattr(worker, "name", "host:7")
    assert not health.get_status().has_worker
    worker.write_heartbeat()
    assert health.get_status().has_worker


def test_the_number_of_queries_does_not_grow(everything_fresh, agent):
    with CaptureQueriesContext(connection) as few:
        health.get_status()
    for sync_type in TYPES:
        for number in range(30):
            SyncRunFactory(sync_type=sync_type, ended_ago=(1000 + number) * MINUTE)
        queue.request_sync(sync_type, trigger=SyncRun.Trigger.SCHEDULE)
    for _ in range(5):
        sessions.open_session(agent)
    with CaptureQueriesContext(connection) as many:
        health.get_status()
    assert len(many) <= len(few)


def test_a_pause_is_told_with_its_end(agent):
    assert SyncStatusSerializer(health.get_status()).data["sessions"] == {
        "live": 0,
        "paused": False,
        "pausedUntil": None,
    }
    session = sessions.open_session(agent)
    told = SyncStatusSerializer(health.get_status()).data["sessions"]
    assert told == {"live": 1, "paused": True, "pausedUntil": timezone.localtime(session.expires_at).isoformat()}


def test_a_clock_that_is_wrong_is_told_in_seconds_as_json():
    SyncWorkerFactory(name="machine:1", clock_ahead=-MINUTE)
    [told] = SyncStatusSerializer(health.get_status()).data["wrongClocks"]
    assert told == {"machine": "machine", "secondsAhead": -60.0}


# Changes


def changes():
    return [
        (event.sync_type, event.facts["before"], event.facts["after"])
        for event in SyncEvent.objects.filter(kind="health_changed").order_by("pk")
    ]


def test_each_change_of_state_is_one_event():
    SyncRunFactory(sync_type="products")
    for _ in range(2):
        record_state_changes()
    assert changes() == [("products", "never", "healthy")]
    with time_machine.travel(timezone.now() + timedelta(minutes=101), tick=False):
        for _ in range(2):
            record_state_changes()
    assert changes()[1:] == [("products", "healthy", "late")]


def healthy():
    SyncRunFactory(sync_type="orders")


def late():
    SyncRunFactory(sync_type="orders", ended_ago=21 * MINUTE)


def failing():
    SyncRunFactory(sync_type="orders", status=Status.FAILED)


def quarantined():
    SyncRunFactory(sync_type="orders", status=Status.QUARANTINED)


def paused():
    queue.request_sync("orders", trigger=SyncRun.Trigger.SCHEDULE)
    SyncRunFactory(sync_type="orders", ended_ago=21 * MINUTE)
    sessions.open_session(UserFactory())


def old():
    late()
    disable()


@pytest.mark.parametrize("happens", [healthy, late, old, failing, quarantined, paused])
def test_every_state_is_told_when_it_begins(happens):
    happens()
    for _ in range(2):
        record_state_changes()
    assert changes() == [("orders", "never", happens.__name__)]


def test_what_is_no_longer_so_when_a_stopped_process_goes_on_is_not_told(monkeypatch):
    late()
    SyncSchedule.objects.filter(sync_type="orders").update(state="healthy")
    seen_before = [health.get_status()]
    SyncRunFactory(sync_type="orders")
    look = health.get_status
    monkeypatch.setattr(health, "get_status", lambda: seen_before.pop() if seen_before else look())
    record_state_changes()
    assert changes() == []
    assert SyncSchedule.objects.get(sync_type="orders").state == "healthy"


# Whether any worker is heard of


def told_of_workers():
    return [
        (event.facts["before"], event.facts["after"])
        for event in SyncEvent.objects.filter(kind="workers_changed").order_by("pk")
    ]


@pytest.fixture
def clock():
    with time_machine.travel(timezone.now(), tick=False) as traveller:
        yield traveller


def look_after(clock, time):
    clock.shift(time)
    record_state_changes()


def test_no_worker_is_told_once_and_so_is_that_there_is_one_again(clock):
    SyncWorkerFactory()
    look_after(clock, 0 * MINUTE)
    look_after(clock, 2 * MINUTE)
    assert told_of_workers() == []
    for _ in range(3):
        look_after(clock, 2 * MINUTE)
    assert told_of_workers() == [("alive", "silent")]
    SyncWorkerFactory()
    for _ in range(2):
        look_after(clock, 0 * MINUTE)
    assert told_of_workers() == [("alive", "silent"), ("silent", "alive")]


def test_a_worker_that_is_started_anew_is_not_missed(clock):
    stopped = SyncWorkerFactory()
    look_after(clock, 0 * MINUTE)
    stopped.delete()
    look_after(clock, 2 * MINUTE)
    SyncWorkerFactory()
    look_after(clock, 2 * MINUTE)
    assert told_of_workers() == []


def test_one_worker_of_two_is_enough(clock):
    SyncWorkerFactory()
    look_after(clock, 2 * MINUTE)
    SyncWorkerFactory()
    look_after(clock, 2 * MINUTE)
    assert told_of_workers() == []


def test_a_worker_that_never_came_is_missed_after_a_while(clock):
    look_after(clock, 0 * MINUTE)
    assert told_of_workers() == []
    look_after(clock, 4 * MINUTE)
    assert told_of_workers() == [("alive", "silent")]


# The command line


def syncstatus(*arguments):
    output = StringIO()
    try:
        call_command("syncstatus", *arguments, stdout=output)
    except SystemExit as end:
        return end.code, output.getvalue()
    return 0, output.getvalue()


def test_the_command_says_that_all_is_well(everything_fresh):
    status, said = syncstatus()
    assert status == 0
    assert said.rstrip().endswith("All is well.")
    assert said.count("healthy") == len(TYPES)


def test_the_command_says_what_is_wrong_and_what_to_do(everything_fresh):
    SyncRunFactory(
        sync_type="orders", status=Status.FAILED, error_class="ErpUnavailable", error_text="The ERP did not answer."
    )
    SyncWorker.objects.all().delete()
    status, said = syncstatus()
    assert status == 1
    assert "orders is failing (1 in a row): The ERP did not answer." in said
    assert "No worker has been started yet: nothing runs automatically. Start manage.py qcluster" in said


def test_the_command_names_the_worker_that_was_stopped_last(everything_fresh):
    SyncWorker.objects.update(name="vm:1", stopped_at=timezone.now())
    status, said = syncstatus()
    assert status == 1
    assert "Worker   stopped, vm:1 at " in said
    assert "The worker on vm was stopped at " in said


def test_the_command_warns_of_a_silent_worker_while_another_lives(everything_fresh):
    SyncWorkerFactory(name="b:2", seen_at=ago(minutes=4))
    status, said = syncstatus()
    assert status == 0, "all lists are kept fresh"
    assert "NOT RESPONDING, b:2 last seen " in said
    assert "The worker on b has not responded since " in said
    assert "All is well" not in said


def test_the_command_says_how_old_a_list_is_whose_schedule_is_disabled(everything_fresh):
    SyncRun.objects.filter(sync_type="orders").update(exported_at=ago(days=60))
    disable()
    disable("ddt")
    status, said = syncstatus()
    old_since = f"{timezone.localtime(ago(days=60)):%d/%m/%Y %H:%M}"
    assert status == 1
    assert (
        f"orders is old: last updated at {old_since} — its schedule is disabled: run manage.py runsync orders" in said
    )
    assert "All is well." not in said


def test_the_command_says_as_of_when_a_fresh_list_is_that_nothing_refreshes(everything_fresh):
    disable("ddt")
    status, said = syncstatus()
    assert status == 0
    assert "All is well." not in said
    assert said.rstrip().endswith("and synced only if somebody asks: its schedule is disabled.")


def test_the_command_says_that_nobody_may_be_told_of_changes(everything_fresh, settings):
    settings.ALERT_URL = "http://127.0.0.1:1/"
    AlertFactory(error="The alert was not delivered: no.", tried_at=timezone.now(), next_attempt_at=None)
    status, said = syncstatus()
    assert (status, said.splitlines()[-1]) == (
        0,
        "Alerts may not be arriving (web): The alert was not delivered: no. "
        "The service no longer tries to send it; send it again in the admin.",
    )


def test_the_command_says_which_lists_have_no_schedule(everything_fresh):
    SyncSchedule.objects.filter(sync_type="prices").delete()
    status, said = syncstatus()
    assert status == 1
    assert "prices has no schedule, so its state is not known — run manage.py migrate" in said
    assert "All is well." not in said


def test_the_command_tells_of_the_lock_the_queue_and_open_forms(everything_fresh, agent):
    sessions.open_session(agent)
    run = queue.request_sync("orders", trigger=SyncRun.Trigger.SCHEDULE)
    SyncLock.objects.update(holder="host:1:a", acquired_at=timezone.now(), leased_until=ago(minutes=-1))
    _, said = syncstatus()
    assert "held by host:1:a" in said
    assert f"orders (auto, run {run.pk})" in said
    assert "1 open" in said


def test_the_command_s_json_is_what_health_says(everything_fresh, monkeypatch):
    disks = disk.list_volumes()
    monkeypatch.setattr(disk, "list_volumes", lambda: disks)  # whose free bytes change from one look to the next
    with time_machine.travel(timezone.now(), tick=False):
        status, said = syncstatus("--json")
        answer = SyncStatusSerializer(health.get_status(), context={"for_staff": True}).data
    assert json.loads(said) == json.loads(json.dumps(answer))
    assert status == 0
    assert json.loads(said)["healthy"] is True


FAILED_ATTEMPT = {"outcome": "failed", "error": "ErpUnavailable", "text": "The ERP is down."}


def retried_run(**values):
    return SyncRunFactory(sync_type="orders", status=Status.QUEUED, ended_attempts=[FAILED_ATTEMPT], **values)


def test_a_list_that_is_tried_again_is_not_called_healthy_and_trusted_while_it_is_fresh():
    fresh = SyncRunFactory(sync_type="orders")
    run = retried_run()
    assert (of().state, of().is_trusted, of().retried) == (State.RETRYING, True, [run])
    SyncRun.objects.filter(pk=run.pk).update(status=Status.RUNNING)
    assert of().state == State.RETRYING
    SyncRun.objects.filter(pk=fresh.pk).update(exported_at=ago(hours=1))
    assert of().state == State.LATE
    SyncRun.objects.filter(pk=run.pk).update(status=Status.CANCELLED, finished_at=timezone.now())
    assert of().retried == []


def test_the_command_line_says_that_a_list_is_tried_again_and_promises_no_time_that_is_past(everything_fresh):
    run = retried_run(not_before=timezone.now() + MINUTE)
    out = StringIO()
    call_command("syncstatus", stdout=out)
    at = f"{timezone.localtime(run.not_before):%H:%M:%S}"
    assert f"orders is tried again: The ERP is down. It is tried again at {at}." in out.getvalue()
    assert "All is well" not in out.getvalue()
    SyncRun.objects.filter(pk=run.pk).update(not_before=ago(seconds=1))
    out = StringIO()
    call_command("syncstatus", stdout=out)
    assert "It is tried again when its turn comes." in out.getvalue()
    assert "not before" not in out.getvalue()


def test_the_command_line_gives_a_late_list_that_is_tried_again_no_advice_about_workers(everything_fresh):
    SyncRun.objects.filter(sync_type="orders").update(exported_at=ago(hours=1))
    retried_run(not_before=timezone.now() + MINUTE)
    _, said = syncstatus()
    [late] = [line for line in said.splitlines() if line.startswith("orders is late")]
    assert "qcluster" not in late
    assert "orders is tried again: The ERP is down." in said
