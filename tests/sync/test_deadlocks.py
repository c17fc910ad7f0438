"""Rows are taken in one order, and what PostgreSQL undoes for another transaction's sake is done again."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import OperationalError, connections, transaction

from sync.coordinator import queue, schedules
from sync.database import clock
from sync.database.deadlocks import retry_deadlocks
from sync.models import SyncRun, SyncSchedule

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]

ROUNDS = 60


def at_the_same_time(*works):
    """Do this in threads, each with its connection, in step with each other."""
    barrier = Barrier(len(works))

    def work_in_step(work):
        try:
            for _ in range(ROUNDS):
                barrier.wait(60)
                work()
        except BaseException:
            barrier.abort()
            raise
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as threads:
        for future in [threads.submit(work_in_step, work) for work in works]:
            future.result()


def test_a_schedule_and_persons_ask_for_the_same_list_at_the_same_moment():
    SyncSchedule.objects.filter(sync_type="orders").update(counted_from=clock.now() - timedelta(days=1))

    def be_due():
        SyncSchedule.objects.filter(sync_type="orders").update(requested_slot=None)
        schedules.request_due("orders")

    def ask():
        queue.request_sync("orders", trigger=SyncRun.Trigger.API)

    at_the_same_time(be_due, ask, ask, forget_what_waits)
    assert SyncRun.objects.queued().count() <= 1


def forget_what_waits():
    """So that it is inserted again, and not only made more urgent."""
    SyncRun.objects.queued().update(status="cancelled", finished_at=clock.now())


def test_a_transaction_that_the_database_has_ended_is_begun_again():
    names = ["orders", "prices"]
    calls = []

    def touch(first, second, barrier):
        @retry_deadlocks
        def touch_both():
            calls.append(first)
            with transaction.atomic():
                SyncSchedule.objects.filter(sync_type=first).update(state=first)
                if calls.count(first) == 1:
                    barrier.wait(60)
                SyncSchedule.objects.filter(sync_type=second).update(state=first)

        try:
            touch_both()
        finally:
            connections.close_all()

    barrier = Barrier(2)
    with ThreadPoolExecutor(2) as threads:
        for future in [threads.submit(touch, first, second, barrier) for first, second in (names, names[::-1])]:
            future.result()
    assert len(calls) > 2, "one was the victim, perhaps more than once"
    assert len(set(SyncSchedule.objects.filter(sync_type__in=names).values_list("state", flat=True))) == 1


def test_a_part_of_a_transaction_is_not_begun_again():
    calls = []

    @retry_deadlocks
    def fail():
        calls.append(1)
        error = OperationalError("deadlock detected")
        error.__cause__ = type("Cause", (Exception,), {"sqlstate": "40P01"})()
        raise error

    with pytest.raises(OperationalError), transaction.atomic():
        fail()
    assert len(calls) == 1
