"""A process that lost the lock, whether it slept too long or the lock was broken, can never write again."""

import time
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.db import connection
from django_q.models import OrmQ

from sync.coordinator import mutex, runner
from sync.coordinator.mutex import break_lock, fenced
from sync.coordinator.queue import request_sync
from sync.models import SyncEvent, SyncLock, SyncRun
from tests.concurrency.processes import at_a_record, running_run, stop_here, until
from tests.sync.demo import is_mirrored

Kind = SyncEvent.Kind

pytestmark = pytest.mark.usefixtures("demo_server", "lease")


@pytest.fixture
def lease(settings):
    """Shorter than in earnest: it is waited for, and so is the end of a transaction whose process sleeps in it."""
    settings.SYNC_LEASE = timedelta(seconds=1)


@pytest.fixture
def everything(mirror_state):
    """All that a process could write."""

    def rows():
        kept = [list(model.objects.order_by("pk").values_list()) for model in (SyncRun, SyncLock, SyncEvent)]
        return mirror_state(), kept

    return rows


@pytest.fixture(params=["reading", pytest.param("applying", marks=pytest.mark.postgresql)])
def where(request):
    return request.param


def drain_stopping(where):
    with at_a_record(where, 10, stop_here):
        runner.drain_queue()


def stopped_in_a_run(start, where):
    child = start(drain_stopping, where)
    until(lambda: child.is_stopped)
    return child


def test_a_sleeper_that_was_replaced_writes_nothing(start, erp, everything, where):
    run = request_sync("customers", mode="full", trigger=SyncRun.Trigger.API)
    child = stopped_in_a_run(start, where)
    token = SyncLock.objects.get().token
    until(lambda: drained(run))
    assert is_mirrored(erp, "customers")
    assert (run.status, run.attempts) == (SyncRun.Status.SUCCEEDED, 2)
    assert SyncLock.objects.get().token > token
    before = everything()
    child.resume()
    assert child.ended_well()
    assert everything() == before


def test_a_sleeper_that_wakes_while_another_does_its_run_writes_nothing(start, erp, everything, where):
    request_sync("customers", mode="full", trigger=SyncRun.Trigger.API)
    first = stopped_in_a_run(start, where)
    until(lambda: SyncLock.objects.free().exists())
    second = stopped_in_a_run(start, "reading")
    before = everything()
    first.resume()
    assert first.ended_well()
    assert everything() == before
    second.resume()
    assert second.ended_well()
    assert is_mirrored(erp, "customers")
    assert SyncRun.objects.get().attempts == 2


def test_a_sleeper_that_nobody_replaced_goes_on(start, erp):
    request_sync("customers", mode="full", trigger=SyncRun.Trigger.API)
    child = stopped_in_a_run(start, "reading")
    until(lambda: SyncLock.objects.free().exists())
    child.resume()
    assert child.ended_well()
    run = SyncRun.objects.get()
    assert (run.status, run.attempts) == (SyncRun.Status.SUCCEEDED, 1)
    assert is_mirrored(erp, "customers")


@pytest.mark.postgresql
def test_the_run_of_a_sleeper_whose_transaction_the_database_has_ended_is_done_again(start, erp):
    run = request_sync("customers", mode="full", trigger=SyncRun.Trigger.API)
    child = stopped_in_a_run(start, "applying")
    until(lambda: not transaction_is_open())
    child.resume()
    assert child.ended_well()
    assert running_run() == run
    until(lambda: drained(run))
    assert (run.status, run.attempts) == (SyncRun.Status.SUCCEEDED, 2)
    assert [attempt["outcome"] for attempt in run.ended_attempts] == ["lost"]
    assert is_mirrored(erp, "customers")


def test_a_sleeper_that_ends_its_run_while_it_is_replaced_leaves_nothing_waiting(start):
    request_sync("customers", trigger=SyncRun.Trigger.API)
    child = start(drain_failing)
    until(lambda: child.is_stopped)
    request_sync("prices", trigger=SyncRun.Trigger.API)
    until(lambda: SyncLock.objects.free().exists())

    def fenced_late(lease):
        """The orphan has been seen, and is about to be put back."""
        if child.process.is_alive():
            child.resume()
        assert child.ended_well()
        return fenced(lease)

    with patch.object(mutex, "fenced", fenced_late):
        runner.drain_queue()
    ended = dict(SyncRun.objects.values_list("sync_type", "status"))
    assert ended == {"customers": SyncRun.Status.FAILED, "prices": SyncRun.Status.SUCCEEDED}


def test_a_sleeper_whose_lock_was_broken_writes_nothing_and_its_run_is_done_again(start, erp, everything):
    run = request_sync("customers", mode="full", trigger=SyncRun.Trigger.API)
    OrmQ.objects.all().delete()  # delivered
    child = stopped_in_a_run(start, "reading")
    assert break_lock()
    assert OrmQ.objects.exists(), "a worker is told"
    before = everything()
    child.resume()
    assert child.ended_well()
    assert everything() == before
    runner.drain_queue()
    run.refresh_from_db()
    assert (run.status, run.attempts) == (SyncRun.Status.SUCCEEDED, 2)
    assert [attempt["outcome"] for attempt in run.ended_attempts] == ["lost"]
    assert is_mirrored(erp, "customers")


def transaction_is_open():
    """Whether another process has begun one here and not ended it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'"
        )
        return cursor.fetchone() is not None


def fail():
    raise RuntimeError("interrupted")


def drain_failing():
    with at_a_record("reading", 10, stop_here), at_a_record("reading", 11, fail):
        runner.drain_queue()


def test_a_sleeper_whose_lock_was_broken_cannot_even_fail_its_run(start, everything):
    request_sync("customers", mode="full", trigger=SyncRun.Trigger.API)
    child = start(drain_failing)
    until(lambda: child.is_stopped)
    assert break_lock(by=None)
    before = everything()
    child.resume()
    assert child.ended_well()
    assert everything() == before
    assert SyncEvent.objects.filter(kind=Kind.LOCK_BROKEN).count() == 1


def drained(run):
    time.sleep(0.05)
    runner.drain_queue()
    run.refresh_from_db()
    return run.is_finished
