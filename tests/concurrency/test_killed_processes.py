"""A process that is killed at any moment costs a lease: another takes over, and does its run again."""

import os
import random
import time

import pytest
from django.db import connection

from sync.coordinator import runner
from sync.coordinator.queue import request_sync
from sync.models import SyncEvent, SyncLock, SyncRun
from tests.concurrency.processes import at_a_record, running_run, until
from tests.lists import TYPES
from tests.sync.demo import is_mirrored

Kind = SyncEvent.Kind

KILLS = 50


def drain_for_ever():
    while True:
        runner.drain_queue()
        time.sleep(0.02)


def held_lock():
    return SyncLock.objects.exclude(holder="").first()


def attempts(run, kind):
    """Which of the run's attempts began, or were lost."""
    return [event.facts["attempt"] for event in SyncEvent.objects.filter(run=run, kind=kind).order_by("pk")]


def ask_for_all():
    if connection.vendor == "postgresql":  # whose short patience is for those who hold the lock
        with connection.cursor() as cursor:
            cursor.execute("SET idle_in_transaction_session_timeout = 0")
    for sync_type in TYPES:
        request_sync(sync_type, mode="full", trigger=SyncRun.Trigger.API)


def drain_all(start):
    """Let another process do what is left."""
    child = start(drain_for_ever)
    until(lambda: not SyncRun.objects.filter(status__in=["queued", "running"]).exists())
    child.kill()
    until(lambda: SyncLock.objects.free().exists())


@pytest.mark.usefixtures("demo_server", "short_lease")
def test_fifty_holders_killed_at_random_moments_are_each_taken_over(start, erp):
    rng = random.Random(3)
    children = {child.pid: child for child in (start(drain_for_ever), start(drain_for_ever))}
    died_with_the_lock = 0
    while died_with_the_lock < KILLS:
        erp.happen()
        ask_for_all()
        until(running_run)
        time.sleep(rng.uniform(0, 0.2))
        until(held_lock)
        lock = held_lock()
        victim = children.pop(int(lock.holder.split(":")[1]), None) if lock else None
        if victim is None:  # it released the lock just now
            continue
        victim.kill()
        if SyncLock.objects.filter(holder=lock.holder).exists():
            died_with_the_lock += 1
            until(SyncEvent.objects.filter(kind=Kind.LOCK_TAKEN_OVER, facts__from_holder=lock.holder).exists)
        child = start(drain_for_ever)
        children[child.pid] = child
    for child in children.values():
        child.kill()

    ask_for_all()  # also what was lost three times
    drain_all(start)
    assert all(is_mirrored(erp, sync_type) for sync_type in TYPES)
    assert SyncEvent.objects.filter(kind=Kind.RUN_LOST).exists(), "some were in a run"
    for run in SyncRun.objects.filter(merged_into=None):
        started, lost = attempts(run, Kind.RUN_STARTED), attempts(run, Kind.RUN_LOST)
        ended = [attempt["outcome"] for attempt in run.ended_attempts].count("lost")
        is_given_up = run.error_class == "ProcessLost"
        assert run.status == ("failed" if is_given_up else "succeeded")
        assert started == list(range(1, run.attempts + 1))
        assert lost == (started if is_given_up else started[:-1])
        assert (len(lost), ended) == (3, 2) if is_given_up else len(lost) == ended


@pytest.mark.usefixtures("demo_server", "short_lease")
def test_a_run_whose_process_dies_three_times_fails(start):
    run = request_sync("customers", trigger=SyncRun.Trigger.API)
    for _ in range(3):
        until(lambda: SyncLock.objects.free().exists())
        start(die_while_reading).process.join()
    assert running_run() == run
    until(lambda: SyncLock.objects.free().exists())
    runner.drain_queue()
    run.refresh_from_db()
    assert (run.status, run.error_class, run.attempts) == (SyncRun.Status.FAILED, "ProcessLost", 3)
    assert [attempt["outcome"] for attempt in run.ended_attempts] == ["lost", "lost"]
    assert SyncEvent.objects.filter(kind=Kind.RUN_LOST, run=run).count() == 3
    runner.drain_queue()
    run.refresh_from_db()
    assert run.attempts == 3


def die_while_reading():
    with at_a_record("reading", 5, lambda: os._exit(1)):
        runner.drain_queue()
