"""One run, from its start to its end."""

from __future__ import annotations

from sync.coordinator import attempts, kept_exports, looks, mutex, queue, reading
from sync.coordinator.checkpoint import Checkpoint
from sync.coordinator.mutex import Lease
from sync.erp import allowance
from sync.exports.process import start_process
from sync.messages import Message, gettext_noop
from sync.mirror import column_drift, columns, comparison, cross_checks, references, staging
from sync.models import SyncRun
from sync.progress import Progress, Stage, ignore_progress
from sync.service import SyncService, get_service

APPLIED_BEFORE = Message(
    gettext_noop("This export was applied before: the records it lacks were not counted as absent a second time.")
)


def execute(run: SyncRun, *, lease: Lease, progress: Progress = ignore_progress) -> None:
    """Carry one run from its start to its end, or back to the queue, whatever happens below."""
    with mutex.fenced(lease):
        if not run.start(lease.token):
            return
    with (
        attempts.handle_errors(run),
        mutex.translate_lost_connection(),
        allowance.ignore_hours(run.ignores_hours),
    ):
        service = get_service(run.sync_type)
        checkpoint = Checkpoint(run, lease, progress)
        attempt = looks.try_instead_of_export(run, service, lease, checkpoint)
        if not run.is_finished:
            read_and_apply(run, service, attempt, lease, checkpoint)


def read_and_apply(
    run: SyncRun, service: SyncService, attempt: looks.Attempt, lease: Lease, checkpoint: Checkpoint
) -> None:
    """Obtain a run's export, read it and apply it; `attempt` is what came of looking at the list before."""
    with start_process() as process:
        outcome = comparison.Outcome()
        at_most = kept_exports.get_longest_fetch(run.mode) - attempt.took
        obtained = kept_exports.obtain_export(run, service, at_most, checkpoint)
        export = reading.open_export(run.export_path, service, checkpoint, process=process)
        with export as records, staging.stage(records) as staged:
            absences_count = not run.was_applied_before
            run.change(
                read=records.running.records,
                stage=Stage.APPLYING,
                pages_read=records.pages.count,
                pages=records.pages.count,
                control_totals=[total.as_json() for total in records.totals],
                notes=[
                    *attempt.notes,
                    *obtained.doubts,
                    *records.notes,
                    *([] if absences_count else [APPLIED_BEFORE]),
                ],
            )
            looks.check_count(obtained.seen, records.running)
            coverage = references.compare_export(service, staged, mode=run.mode, progress=checkpoint)
            run.change(coverage=[each.as_json() for each in coverage])
            with mutex.fenced(lease):
                comparison.apply(
                    service,
                    staged,
                    run=run,
                    outcome=outcome,
                    coverage=coverage,
                    absences_count=absences_count,
                    progress=checkpoint,
                )
                if obtained.seen and run.mode != SyncRun.Mode.SMART:
                    looks.keep_seen_list(run, obtained.seen)
                column_drift.record_drift(service, run, records)
                notes = service.describe_doubts()
                notes += columns.record_columns(service, run, records)
                notes += cross_checks.describe_disagreements(service, run, progress=checkpoint)
                if notes:
                    run.change(notes=[*run.notes, *notes])
                run.succeed(outcome.get_counts(), left=outcome.left)
                if outcome.left:
                    trigger = SyncRun.Trigger(run.trigger)
                    queue.request_sync(run.sync_type, mode=SyncRun.Mode.FULL, trigger=trigger, by=run.requested_by)
