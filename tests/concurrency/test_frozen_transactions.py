"""A process that is frozen in a transaction, whatever it is for, keeps the others out for a lease and no longer."""

from datetime import timedelta
from unittest.mock import patch

import pytest
from django.db import DatabaseError

from sync.coordinator import queue, runner, sessions
from sync.models import OrderFormSession, SyncEvent, SyncLock, SyncRun
from sync.models.events import SyncEventQuerySet
from tests.concurrency.processes import at_a_record, stop_here, until
from tests.concurrency.test_stopped_processes import drained, fail, transaction_is_open
from tests.factories import UserFactory
from tests.sync.demo import is_mirrored

Kind = SyncEvent.Kind

pytestmark = [pytest.mark.postgresql, pytest.mark.usefixtures("demo_server", "lease")]

Status, Trigger = SyncRun.Status, SyncRun.Trigger


@pytest.fixture
def lease(settings):
    settings.SYNC_LEASE = timedelta(seconds=1)


def freeze_at(kind, work, *args):
    """Do something, and stop in the transaction that writes down this event."""
    record = SyncEventQuerySet.record

    def record_and_stop(events, recorded, **facts):
        event = record(events, recorded, **facts)
        if recorded == kind:
            stop_here()
        return event

    with patch.object(SyncEventQuerySet, "record", record_and_stop):
        work(*args)


def freeze(start, kind, work, *args):
    """A process that is stopped in there."""
    child = start(freeze_at, kind, work, *args)
    until(lambda: child.is_stopped)
    assert transaction_is_open()
    return child


def request(sync_type):
    return queue.request_sync(sync_type, mode="full", trigger=Trigger.API)


def ask_and_be_refused(sync_type):
    with pytest.raises(DatabaseError):
        request(sync_type)


def open_and_be_refused(user, session_id):
    with pytest.raises(DatabaseError):
        sessions.touch_session(user, session_id)


def drain_to_a_bug():
    with at_a_record("reading", 10, fail):
        runner.drain_queue()


def die_in_a_run():
    with at_a_record("reading", 10, stop_here):
        runner.drain_queue()


def test_starting_a_run(start, erp):
    run = request("customers")
    frozen = freeze(start, Kind.RUN_STARTED, runner.drain_queue)
    until(lambda: drained(run))
    assert (run.status, run.attempts) == (Status.SUCCEEDED, 1)
    frozen.resume()
    assert frozen.ended_well(), "it sees that the lock is lost"
    assert is_mirrored(erp, "customers")
    assert SyncRun.objects.get().attempts == 1


def test_recovering_a_run(start, erp):
    run = request("customers")
    dead = start(die_in_a_run)
    until(lambda: dead.is_stopped)
    dead.kill()
    until(lambda: SyncLock.objects.free().exists())
    frozen = freeze(start, Kind.RUN_LOST, runner.drain_queue)
    until(lambda: drained(run))
    assert (run.status, run.attempts) == (Status.SUCCEEDED, 2)
    frozen.resume()
    assert frozen.ended_well()
    assert [attempt["outcome"] for attempt in SyncRun.objects.get().ended_attempts] == ["lost"]


def test_ending_a_run(start, erp):
    run = request("customers")
    frozen = freeze(start, Kind.RUN_FAILED, drain_to_a_bug)
    until(lambda: drained(run))
    assert (run.status, run.attempts) == (Status.SUCCEEDED, 2)
    frozen.resume()
    assert frozen.ended_well()
    assert is_mirrored(erp, "customers")


def test_applying_a_run(start, erp):
    run = request("customers")
    frozen = freeze(start, Kind.RUN_SUCCEEDED, runner.drain_queue)
    until(lambda: drained(run))
    assert (run.status, run.attempts) == (Status.SUCCEEDED, 2)
    frozen.resume()
    assert frozen.ended_well()
    assert is_mirrored(erp, "customers")


def test_asking_for_a_run(start, erp):
    frozen = freeze(start, Kind.RUN_QUEUED, ask_and_be_refused, "customers")
    run = request("customers")
    until(lambda: drained(run))
    assert run.status == Status.SUCCEEDED
    frozen.resume()
    assert frozen.ended_well(), "it learns that nothing was asked for"
    assert SyncRun.objects.get() == run


def test_opening_an_order_form(start):
    user, session = UserFactory(), OrderFormSession().pk
    frozen = freeze(start, Kind.SESSION_OPENED, open_and_be_refused, user, session)
    sessions.touch_session(user, session)  # another click of the same tab
    frozen.resume()
    assert frozen.ended_well()
    assert OrderFormSession.objects.live().count() == 1
