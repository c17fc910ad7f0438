"""Carrying out what is queued, one run at a time."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from sync.coordinator import kept_exports, mutex, turns, wake_ups, worker
from sync.coordinator.execution import execute
from sync.coordinator.mutex import Lease
from sync.disk import translate_database_errors
from sync.exceptions import LeaseLost
from sync.models import SyncRun
from sync.progress import Progress, Stage, ignore_progress

logger = logging.getLogger(__name__)

LONGEST_DRAIN = timedelta(minutes=5)  # then another task goes on: a worker's tasks have a time limit
POLLED_EVERY = 0.05  # seconds between two looks at a run that another process carries out


@translate_database_errors()
def drain_queue(*, until: SyncRun | None = None, progress: Progress = ignore_progress) -> None:
    """Carry out what is queued, the most urgent first, until nothing may run; or until a run has ended.

    Goes home if another process holds the lock: that one will look into the queue once more before it goes. Raises
    DiskFull if there is no room for the database: what was begun is done again once the lease has passed.
    """
    started = time.monotonic()
    while True:
        with mutex.hold_lock() as lease:
            if lease is None:
                return
            try:
                with mutex.translate_lost_connection():
                    recover(lease)
                    while may_go_on(started, until) and (run := turns.find_runnable().first()):
                        execute(run, lease=lease, progress=progress if run == until else ignore_progress)
            except LeaseLost:
                logger.warning("The lock was lost: another process goes on")
                return
        if not turns.find_runnable().exists():
            return
        if not may_go_on(started, until):
            wake_ups.wake_worker()
            return


def may_go_on(started: float, until: SyncRun | None) -> bool:
    if worker.is_stopping():
        return False
    if until:
        return not has_ended(until)
    return time.monotonic() - started < LONGEST_DRAIN.total_seconds()


def has_ended(run: SyncRun) -> bool:
    run.refresh_from_db()
    return run.is_finished


def wait_for(run: SyncRun, *, progress: Progress = ignore_progress, at_most: timedelta | None = None) -> SyncRun:
    """Drain until a run has ended, and give the run that stands for it.

    Gives up after a while, when this process must stop, and on a run that may not start yet: while order forms are
    open, or before it is to be tried again.
    """
    started = time.monotonic()
    while True:
        drain_queue(until=run, progress=progress)
        if has_ended(run):
            if run.standing == run:
                return run
            run = run.standing
        elif (
            worker.is_stopping()
            or turns.find_what_it_waits_for(run) not in (None, turns.WaitsFor.TURN)
            or (at_most is not None and time.monotonic() - started > at_most.total_seconds())
        ):
            return run
        else:
            if run.stage == Stage.READING:  # as the process that carries it out has written down
                progress(Stage.READING, run.pages_read, run.pages)
            time.sleep(POLLED_EVERY)


def recover(lease: Lease) -> None:
    """Put the run of a process that lost the lock, or its life, back into the queue; or fail it, the third time."""
    for pk in SyncRun.objects.running().values_list("pk", flat=True):
        with mutex.fenced(lease):
            orphan = SyncRun.objects.running().filter(pk=pk)
            if not orphan.update(token=lease.token):  # who had it woke up, and ended it just now
                continue
            run = orphan.get()
            run.lose()
            wake_ups.wake_worker()
        kept_exports.delete_unread_exports(run)


@contextmanager
def hold_lock_between_syncs(waiting: Callable[[], None]) -> Iterator[Lease]:
    """Hold the lock, so that nothing is synced meanwhile; `waiting` is called while another process holds it."""
    while True:
        with mutex.hold_lock() as lease:
            if lease:
                with mutex.translate_lost_connection():
                    recover(lease)
                    yield lease
                break
        waiting()
        time.sleep(POLLED_EVERY)
    if turns.find_runnable().exists():
        wake_ups.wake_worker()
