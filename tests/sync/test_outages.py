"""What waits because the ERP cannot be reached goes on once it answers, and what fails by itself does not."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from sync.coordinator import outages, preview, queue, runner, schedules
from sync.exceptions import ErpPageChanged, ErpUnavailable
from sync.models import SyncRun, SyncSchedule
from tests.factories import SyncRunFactory
from tests.plans import explain

pytestmark = pytest.mark.django_db

Status, Trigger = SyncRun.Status, SyncRun.Trigger
MINUTE = timedelta(minutes=1)


@pytest.fixture
def clock():
    with time_machine.travel(datetime(2026, 1, 20, 8, tzinfo=UTC), tick=False) as traveller:
        SyncSchedule.objects.update(requested_slot=timezone.now(), counted_from=timezone.now())
        yield traveller


@pytest.fixture
def run(clock, tiny_erp):
    """A run of prices whose second attempt has just failed: the next one is due in two minutes."""
    tiny_erp.errors["prices"] = ErpUnavailable(reason="it is down")
    run = queue.request_sync("prices", trigger=Trigger.SCHEDULE)
    runner.drain_queue()
    clock.shift(30 * timedelta(seconds=1))
    runner.drain_queue()
    run.refresh_from_db()
    assert len(run.ended_attempts) == 2
    assert run.not_before
    clock.shift(timedelta(seconds=1))
    return run


def fail(sync_type, *, times, error="ErpUnavailable"):
    """Runs that failed one after the other, the last a minute ago."""
    for place in range(times, 0, -1):
        at = timezone.now() - place * MINUTE
        SyncRunFactory(sync_type=sync_type, status=Status.FAILED, error_class=error, started_at=at, finished_at=at)


def sync(sync_type, **options):
    run = queue.request_sync(sync_type, trigger=Trigger.SCHEDULE, **options)
    runner.drain_queue(until=run)
    run.refresh_from_db()
    assert run.status == Status.SUCCEEDED


def find_wait(sync_type):
    """How long after the usual time the list is due next."""
    schedule = SyncSchedule.objects.get(sync_type=sync_type)
    due = schedules.find_next_due(schedule, now=timezone.now())
    assert due
    return due - schedule.find_next_slot(timezone.now())


def test_one_list_s_success_ends_the_back_off_of_all_that_could_not_reach_the_erp(clock, tiny_erp):
    fail("prices", times=7)
    fail("ddt", times=7, error="ErpAnswerUnexpected")
    assert find_wait("prices") > timedelta(hours=2)
    sync("orders")
    assert (find_wait("prices"), find_wait("ddt")) == (timedelta(0), timedelta(0))


@pytest.mark.usefixtures("clock", "tiny_erp")
def test_the_last_answer_is_found_by_an_index():
    with CaptureQueriesContext(connection) as queries:
        outages.note_answer()
    assert "last_end_of_any" in explain(queries.captured_queries[0]["sql"])


def test_a_dry_run_ends_it_too(clock, tiny_erp):
    fail("prices", times=7)
    with preview.preview_sync("orders", mode="full"):
        pass
    assert find_wait("prices") == timedelta(0)


def test_an_order_form_s_look_says_nothing_of_exports(clock, looking):
    sync("customers")
    clock.shift(10 * MINUTE)
    fail("prices", times=7)
    wait = find_wait("prices")
    sync("customers", mode=SyncRun.Mode.SMART)
    assert looking.asked[-1] == ("look", "customers")
    assert find_wait("prices") == wait > timedelta(hours=2)
    clock.shift(MINUTE)
    sync("orders")
    assert find_wait("prices") <= timedelta(0), "the failures came after the last answer"


@pytest.mark.parametrize("error", ["LayoutChanged", "ErpPageChanged", "ErpLeadsElsewhere"])
def test_a_list_with_a_cause_of_its_own_keeps_its_back_off(clock, tiny_erp, error):
    fail("prices", times=7, error=error)
    fail("ddt", times=5, error=error)
    clock.shift(10 * MINUTE)
    fail("ddt", times=2)
    waits = [find_wait(name) for name in ("prices", "ddt")]
    sync("orders")
    assert [find_wait(name) for name in ("prices", "ddt")] == waits


def test_a_list_that_fails_while_others_succeed_keeps_its_back_off(clock, tiny_erp):
    fail("prices", times=6)
    for _ in range(3):
        clock.shift(10 * MINUTE)
        SyncSchedule.objects.filter(sync_type="prices").update(patient_since=None)
        fail("prices", times=1)
        wait = find_wait("prices")
        sync("orders")
    assert find_wait("prices") == wait > timedelta(hours=2)


def test_a_given_file_says_nothing_of_the_erp(clock, tiny_erp):
    fail("prices", times=7)
    sync("orders", given_file=next(path for name, path in tiny_erp.exports.items() if tiny_erp.names[name] == "orders"))
    assert find_wait("prices") > timedelta(hours=2)


def test_a_run_that_is_to_be_tried_again_is_tried_at_once(run, tiny_erp):
    tiny_erp.errors.clear()
    sync("orders")
    run.refresh_from_db()
    assert run.not_before is None
    runner.drain_queue()
    run.refresh_from_db()
    assert (run.status, run.attempts) == (Status.SUCCEEDED, 3)


def test_a_run_waits_as_ever_if_others_succeeded_between_its_attempts(clock, tiny_erp):
    tiny_erp.errors["prices"] = ErpUnavailable(reason="it is slow")
    run = queue.request_sync("prices", trigger=Trigger.SCHEDULE)
    for seconds in (30, 120):
        runner.drain_queue()
        clock.shift(timedelta(seconds=1))
        sync("orders")
        run.refresh_from_db()
        assert run.not_before
        clock.shift(timedelta(seconds=seconds))
    assert tiny_erp.fetched == ["prices", "orders"] * 2


def test_a_run_whose_page_has_changed_meanwhile_waits_as_ever(run, clock, tiny_erp):
    tiny_erp.errors["prices"] = ErpPageChanged(erp_list="x", step="y", reason="z")
    clock.shift(2 * MINUTE)
    runner.drain_queue()
    run.refresh_from_db()
    waits_until = run.not_before
    sync("orders")
    run.refresh_from_db()
    assert run.not_before == waits_until is not None
