"""Carrying out what is queued, one run at a time, each from its start to its end."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError

from sync.coordinator import queue, worker
from sync.coordinator.attempts import handle_errors
from sync.coordinator.checkpoint import Checkpoint
from sync.coordinator.kept_exports import check_is_latest, delete_unread_exports, obtain_export, open_export
from sync.coordinator.mutex import Lease, fenced, hold_lock, lost_with_the_connection
from sync.coordinator.queue import WaitsFor
from sync.database import clock
from sync.disk import is_full, make_database_full_error
from sync.exceptions import LeaseLost
from sync.exports.process import PageProcess, started_process
from sync.exports.reader import Records
from sync.messages import Message, gettext_noop, make_storable
from sync.mirror import comparison as mirror
from sync.mirror.columns import LONGEST_HEADER, record_drift, record_shown_columns
from sync.mirror.cross_checks import describe_disagreements
from sync.models import SyncRun
from sync.progress import Progress, Stage, ignore_progress
from sync.service import SyncService, service_for

logger = logging.getLogger(__name__)

LONGEST_DRAIN = timedelta(minutes=5)  # then another task goes on: a worker's tasks have a time limit
POLLED_EVERY = 0.05  # seconds between two looks at a run that another process carries out

APPLIED_BEFORE = Message(gettext_noop("This export was applied before: what it lacks was not counted as absent again."))

Mode = SyncRun.Mode


def drain_queue(*, until: SyncRun | None = None, progress: Progress = ignore_progress) -> None:
    """Carry out what is queued, the most urgent first, until nothing may run; or until a run has ended.

    Goes home if another process holds the lock: that one will look into the queue once more before it goes. Raises
    DiskFull if there is no room for the database: what was begun is done again once the lease has passed.
    """
    try:
        drain_with_lock(until=until, progress=progress)
    except DatabaseError as error:
        if not is_full(error):
            raise
        raise make_database_full_error() from error


def drain_with_lock(*, until: SyncRun | None, progress: Progress) -> None:
    started = time.monotonic()
    while True:
        with hold_lock() as lease:
            if lease is None:
                return
            try:
                with lost_with_the_connection():
                    recover(lease)
                    while may_go_on(started, until) and (run := queue.runnable().first()):
                        execute(run, lease=lease, progress=progress if run == until else ignore_progress)
            except LeaseLost:
                logger.warning("The lock was lost: another process goes on")
                return
        if not queue.runnable().exists():
            return
        if not may_go_on(started, until):
            queue.wake()
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
            or may_not_start(run)
            or (at_most is not None and time.monotonic() - started > at_most.total_seconds())
        ):
            return run
        else:
            if run.stage == Stage.READING:  # as the process that carries it out has written down
                progress(Stage.READING, run.pages_read, run.pages)
            time.sleep(POLLED_EVERY)


def may_not_start(run: SyncRun) -> bool:
    return queue.what_it_waits_for(run) not in (None, WaitsFor.TURN)


def recover(lease: Lease) -> None:
    """Put the run of a process that lost the lock, or its life, back into the queue; or fail it, the third time."""
    for pk in SyncRun.objects.running().values_list("pk", flat=True):
        with fenced(lease):
            orphan = SyncRun.objects.running().filter(pk=pk)
            if not orphan.update(token=lease.token):  # who had it woke up, and ended it just now
                continue
            run = orphan.get()
            run.lose()
            queue.wake()
        delete_unread_exports(run)


def execute(run: SyncRun, *, lease: Lease, progress: Progress = ignore_progress) -> None:
    """Carry one run from its start to its end, or back to the queue, whatever happens below."""
    with fenced(lease):
        if not run.start(lease.token):
            return
    with handle_errors(run), lost_with_the_connection(), started_process() as process:
        service = service_for(run.sync_type)
        checkpoint = Checkpoint(run, lease, progress)
        outcome = mirror.Outcome()
        doubts = obtain_export(run, service, checkpoint)
        check_is_latest(run)
        applied = [Path(each.export_path) for each in (run, run.accepts) if each]
        open_pages = partial(PageProcess, started=process, kept_tables=settings.PAGE_TABLES_DIR / run.sync_type)
        export = open_export(Path(run.export_path), service, checkpoint, open_pages=open_pages)
        with export as records, mirror.stage(records) as staged:
            absences_count = not run.was_applied_before
            note_export(run, records, [*doubts, *records.notes, *([] if absences_count else [APPLIED_BEFORE])])
            coverage = mirror.compare_with_other_lists(service, staged, mode=run.mode, progress=checkpoint)
            run.change(coverage=[each.as_json() for each in coverage])
            with fenced(lease):
                mirror.apply(
                    service,
                    staged,
                    run=run,
                    outcome=outcome,
                    coverage=coverage,
                    absences_count=absences_count,
                    progress=checkpoint,
                )
                note_mirror(run, service, records, checkpoint)
                run.succeed(outcome.counts(), left=outcome.left)
                if outcome.left:
                    trigger = SyncRun.Trigger(run.trigger)
                    queue.request_sync(run.sync_type, mode=Mode.FULL, trigger=trigger, by=run.requested_by)
    if run.status == SyncRun.Status.SUCCEEDED:
        for path in applied:
            path.unlink(missing_ok=True)


def note_export(run: SyncRun, records: Records, notes: Sequence[str]) -> None:
    """Keep what the export proved about itself, whatever becomes of its records."""
    run.change(
        read=records.running.records,
        stage=Stage.APPLYING,
        pages_read=records.pages.count,
        pages=records.pages.count,
        control_totals=[total.as_json() for total in records.totals],
        notes=list(notes),
    )


def note_mirror(run: SyncRun, service: SyncService, records: Records, progress: Progress) -> None:
    """Keep what is known of the list now that the records are applied, in the same transaction."""
    at = run.exported_at or clock.now()
    unknown = [make_storable(header)[:LONGEST_HEADER] for header in records.unknown if header]
    record_drift(service, run, records.fields, unknown)
    first_seen = record_shown_columns(service, records.fields, well_read=records.well_read, at=at)
    notes = service.describe_doubts()
    if first_seen:
        headers = ", ".join(column.title for column in first_seen)
        first = gettext_noop(
            "First seen in an export, as it was assumed: {columns}. Please tell whoever keeps this software."
        )
        notes.append(Message(first, columns=headers))
    notes += describe_disagreements(service, run, progress=progress)
    if notes:
        run.change(notes=[*run.notes, *notes])
