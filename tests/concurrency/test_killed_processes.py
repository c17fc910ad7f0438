"""A process that is killed at any moment costs a lease: another takes over, and does its run again."""

import os
import random
import time
from functools import partial

import pytest

from sync import runner
from sync.events import Kind
from sync.models import SyncEvent, SyncLock, SyncRun
from sync.queue import request_sync
from tests.concurrency.processes import at_a_record, holder, running_run, until
from tests.sync.demo import is_mirrored

KILLS = 50
TYPES = ["orders", "customers", "ddt", "invoices", "prices", "products"]
SLACK = 5.0  # seconds; a busy machine


def drain_for_ever():
    while True:
        runner.drain()
        time.sleep(0.02)


def is_held_by_another(pid):
    return holder() not in (0, pid)


def ask_for_all():
    for sync_type in TYPES:
        request_sync(sync_type, mode="full", trigger=SyncRun.Trigger.API)


def drain_all(start):
    """Let another process do what is left."""
    child = start(drain_for_ever)
    until(lambda: not SyncRun.objects.filter(status__in=["queued", "running"]).exists())
    child.kill()
    until(lambda: SyncLock.objects.free().exists())


@pytest.mark.usefixtures("demo_server")
def test_fifty_holders_killed_at_random_moments_cost_a_lease_each(start, erp, short_lease, capsys):
    began = time.monotonic()
    dice = random.Random(3)
    children = {child.pid: child for child in (start(drain_for_ever), start(drain_for_ever))}
    taken_over_after: list[float] = []
    in_a_run = []
    while len(taken_over_after) < KILLS:
        erp.happen()
        ask_for_all()
        until(running_run)
        time.sleep(dice.uniform(0, 0.2))
        until(holder)
        victim = children.pop(holder(), None)
        if victim is None:  # it released the lock just now
            continue
        victim.kill()
        if holder() == victim.pid:
            if run := running_run():
                in_a_run.append((run.pk, run.attempts))
            taken_over_after.append(until(partial(is_held_by_another, victim.pid)))
        child = start(drain_for_ever)
        children[child.pid] = child
    for child in children.values():
        child.kill()

    ask_for_all()  # also what was lost three times
    drain_all(start)
    assert all(is_mirrored(erp, sync_type) for sync_type in TYPES)
    assert max(taken_over_after) < short_lease + SLACK
    for pk, attempt in in_a_run:
        assert SyncEvent.objects.filter(kind=Kind.RUN_LOST, run=pk, facts__attempt=attempt).count() == 1
    for run in SyncRun.objects.filter(merged_into=None):
        losses = SyncEvent.objects.filter(kind=Kind.RUN_LOST, run=run).count()
        ended = [attempt["outcome"] for attempt in run.ended_attempts].count("lost")
        is_given_up = run.error_class == "ProcessLost"
        assert run.status == ("failed" if is_given_up else "succeeded")
        assert (losses, ended) == (3, 2) if is_given_up else losses == ended
    with capsys.disabled():
        taken_over_after.sort()
        print(
            f" {len(in_a_run)} of {KILLS} were in a run; lease {short_lease} s, taken over"
            f" after {taken_over_after[len(taken_over_after) // 2]:.2f} s (median),"
            f" {taken_over_after[-1]:.2f} s (longest); {time.monotonic() - began:.0f} s in all",
            end="",
        )


@pytest.mark.usefixtures("demo_server", "short_lease")
def test_a_run_whose_process_dies_three_times_fails(start):
    run = request_sync("customers", trigger=SyncRun.Trigger.API)
    for _ in range(3):
        until(lambda: SyncLock.objects.free().exists())
        start(die_while_reading).process.join()
    assert running_run() == run
    until(lambda: SyncLock.objects.free().exists())
    runner.drain()
    run.refresh_from_db()
    assert (run.status, run.error_class, run.attempts) == (SyncRun.Status.FAILED, "ProcessLost", 3)
    assert [attempt["outcome"] for attempt in run.ended_attempts] == ["lost", "lost"]
    assert SyncEvent.objects.filter(kind=Kind.RUN_LOST, run=run).count() == 3
    runner.drain()
    run.refresh_from_db()
    assert run.attempts == 3


def die_while_reading():
    with at_a_record("reading", 5, lambda: os._exit(1)):
        runner.drain()
