"""Which failures are tried again, when, and what the run tells of them."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone
from django_q.exceptions import TimeoutException

from sync import exceptions
from sync.coordinator import queue, runner
from sync.coordinator.mutex import hold_lock
from sync.models import SyncEvent, SyncLock, SyncRun
from tests.sync.test_runsync import runsync

pytestmark = pytest.mark.django_db

Status = SyncRun.Status
NO_ANSWER = exceptions.ErpUnavailable(reason="no answer")
TOTALS = {"column": "ID", "function": "Count", "found": "1", "stated": "2"}
PASSING = [
    NO_ANSWER,
    exceptions.ErpSessionExpired(),
    exceptions.ExportTruncated(reason="it has no end"),
    exceptions.ExportEmpty(),
]
LASTING = [
    exceptions.ErpLoginRejected(username="agente"),
    exceptions.LayoutChanged(missing="ID"),
    exceptions.UnreadableValue(page=1, row=2, header="ID", text="x", kind="a number", record="ID 1"),
    exceptions.DuplicateKey(header="ID", key="1", page=1, row=2),
    RuntimeError("a bug"),
]


def name(error):
    return type(error).__name__


@pytest.fixture
def clock():
    with time_machine.travel(datetime(2026, 1, 20, 8, tzinfo=UTC), tick=False) as traveller:
        yield traveller


@pytest.fixture
def run():
    return queue.request_sync("orders", trigger=SyncRun.Trigger.MANUAL)


@pytest.mark.parametrize("error", PASSING, ids=name)
def test_what_may_pass_is_tried_again_after_30_seconds_2_minutes_and_10_minutes(clock, tiny_erp, run, error):
    tiny_erp.errors["orders"] = error
    for seconds in (30, 120, 600):
        runner.wait_for(run)
        assert (run.status, run.not_before) == (Status.QUEUED, timezone.now() + timedelta(seconds=seconds))
        clock.shift(timedelta(seconds=seconds - 1))
        attempts = run.attempts
        runner.wait_for(run)
        assert run.attempts == attempts
        clock.shift(timedelta(seconds=1))
    runner.wait_for(run)
    assert (run.status, run.error_class, run.attempts) == (Status.FAILED, name(error), 4)
    assert tiny_erp.fetched == ["orders"] * 4


@pytest.mark.parametrize("error", LASTING, ids=name)
def test_what_will_not_pass_fails_at_once(tiny_erp, run, error):
    tiny_erp.errors["orders"] = error
    runner.wait_for(run)
    assert (run.status, run.error_class, run.error_text) == (Status.FAILED, name(error), str(error))
    assert tiny_erp.fetched == ["orders"]


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (exceptions.ListEmpty(), "orders quarantined: ListEmpty: The export has no records: it may be filtered. "),
        (exceptions.ExportEncrypted(), "orders failed: ExportEncrypted: The export is encrypted. "),
        (RuntimeError("a bug\nin two lines"), "orders failed: RuntimeError: a bug in two lines"),
    ],
    ids=["quarantined", "failed", "a bug"],
)
@pytest.mark.django_db(transaction=True)
def test_a_run_that_fails_or_is_quarantined_leaves_a_line_in_the_log(tiny_erp, run, error, line, caplog):
    tiny_erp.errors["orders"] = error
    runner.wait_for(run)
    lines = [each.getMessage() for each in caplog.records if each.levelname == "WARNING"]
    assert len(lines) == 1
    assert lines[0].startswith(f"Run {run.pk} of {line}")


@pytest.mark.django_db(transaction=True)
def test_what_is_tried_again_and_what_succeeds_leaves_no_such_line(tiny_erp, run, caplog):
    tiny_erp.errors["orders"] = NO_ANSWER
    runner.wait_for(run)
    assert run.status == Status.QUEUED
    runner.wait_for(queue.request_sync("ddt", trigger=SyncRun.Trigger.MANUAL))
    assert [each.getMessage() for each in caplog.records if each.name == "sync.coordinator.runner"] == []


def test_of_a_very_long_error_the_beginning_is_kept(tiny_erp, run):
    tiny_erp.errors["orders"] = exceptions.DuplicateKey(header="ID", key="x" * 1_000_000, page=1, row=2)
    runner.wait_for(run)
    event = SyncEvent.objects.get(run=run, kind="run_failed")
    kept = exceptions.DuplicateKey(header="ID", key="x" * 10_000, page=1, row=2)
    assert run.error_text == event.facts["error"] == str(kept)
    assert run.error_text.startswith("ID xxx")


def test_of_a_very_long_error_of_an_attempt_the_beginning_is_kept(tiny_erp, run):
    tiny_erp.errors["orders"] = exceptions.ErpUnavailable(reason="x" * 1_000_000)
    runner.wait_for(run)
    event = SyncEvent.objects.get(run=run, kind="run_to_be_retried")
    kept = exceptions.ErpUnavailable(reason="x" * 10_000)
    assert run.ended_attempts[0]["text"] == event.facts["error"] == str(kept)


def test_totals_that_do_not_agree_are_looked_at_once_more_in_a_fresh_export(clock, tiny_erp, run):
    tiny_erp.errors["orders"] = exceptions.ControlTotalMismatch(**TOTALS)
    runner.wait_for(run)
    assert (run.status, run.error_class, run.attempts) == (Status.FAILED, "ControlTotalMismatch", 2)


def test_a_fresh_export_is_fetched_however_often_the_erp_gave_none(clock, tiny_erp, run):
    tiny_erp.errors["orders"] = NO_ANSWER
    runner.wait_for(run)
    clock.shift(timedelta(seconds=30))
    tiny_erp.errors["orders"] = exceptions.ControlTotalMismatch(**TOTALS)
    runner.wait_for(run)
    assert (run.status, run.attempts) == (Status.FAILED, 3)


def test_an_attempt_that_succeeds_ends_well_and_tells_of_the_others(clock, tiny_erp, run):
    tiny_erp.errors["orders"] = NO_ANSWER
    runner.wait_for(run)
    first = {"startedAt": run.started_at.isoformat(), "endedAt": timezone.now().isoformat()}
    clock.shift(timedelta(seconds=30))
    tiny_erp.errors.clear()
    runner.wait_for(run)
    assert (run.status, run.attempts, run.error_class, run.not_before) == (Status.SUCCEEDED, 2, "", None)
    assert run.ended_attempts == [first | {"outcome": "failed", "error": "ErpUnavailable", "text": str(NO_ANSWER)}]
    kinds = SyncEvent.objects.filter(run=run).order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["run_queued", "run_started", "run_to_be_retried", "run_started", "run_succeeded"]


def test_a_run_to_be_tried_again_leaves_the_lock_to_others(clock, tiny_erp, run):
    tiny_erp.errors["orders"] = NO_ANSWER
    products = queue.request_sync("products", trigger=SyncRun.Trigger.SCHEDULE)
    runner.drain_queue()
    products.refresh_from_db()
    assert products.status == Status.SUCCEEDED


def test_stepping_aside_uses_up_no_attempt(clock, tiny_erp, run):
    def smart_run_waits(sync_type):
        if len(tiny_erp.fetched) in (1, 3, 5, 7):
            queue.request_sync("customers", mode="smart", trigger=SyncRun.Trigger.ORDER_FORM)

    tiny_erp.meanwhile = smart_run_waits
    runner.wait_for(run)
    assert [attempt["outcome"] for attempt in run.ended_attempts] == ["preempted"] * 4
    assert run.status == Status.SUCCEEDED


def test_an_order_form_is_told_at_once(tiny_erp):
    tiny_erp.errors["customers"] = NO_ANSWER
    run = queue.request_sync("customers", mode="smart", trigger=SyncRun.Trigger.ORDER_FORM)
    runner.wait_for(run)
    assert (run.status, run.attempts) == (Status.FAILED, 1)


def test_a_run_lost_with_its_process_is_tried_again_twice(run):
    for _ in range(3):
        with hold_lock() as lease:
            assert lease
            run.start(lease.token)
            runner.recover(lease)
        run.refresh_from_db()
    assert (run.status, run.error_class, run.attempts) == (Status.FAILED, "ProcessLost", 3)


def test_the_command_line_says_when_it_is_tried_again(clock, tiny_erp):
    tiny_erp.errors["orders"] = NO_ANSWER
    status, output, _ = runsync("orders")
    assert status == 4
    assert f"it is tried again at 09:00:30. {str(NO_ANSWER).removesuffix('.')}" in output
    status, output, _ = runsync("orders", "--json")
    assert (status, json.loads(output)["status"]) == (4, "queued")


def test_a_run_that_django_q2_ends_for_its_time_limit_counts_as_lost_and_waits(tiny_erp, run):
    tiny_erp.errors["orders"] = TimeoutException("30 minutes")
    with pytest.raises(TimeoutException):
        runner.drain_queue()
    run.refresh_from_db()
    assert (run.status, [attempt["outcome"] for attempt in run.ended_attempts]) == (Status.QUEUED, ["lost"])
    assert SyncLock.objects.free().exists()
    tiny_erp.errors.clear()
    assert runner.wait_for(run).status == Status.SUCCEEDED
