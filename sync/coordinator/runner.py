"""Carrying runs from their start to their end: the only place that starts, ends, times and records one."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import Case, Exists, F, Min, Value, When
from django.utils import timezone
from django_q.exceptions import TimeoutException

from sync.coordinator import queue, worker
from sync.coordinator.mutex import Lease, fenced, hold_lock, lost_with_the_connection
from sync.database import clock
from sync.disk import (
    EXPORTS,
    TEMPORARY_FILES,
    is_full,
    make_durable,
    no_room_for_the_database,
    temporary_folder,
    writing,
)
from sync.erp import erp_client
from sync.erp import login as erp_login
from sync.erp.client import Export
from sync.erp.transfer import content_of
from sync.exceptions import (
    ControlTotalMismatch,
    ErpLoginRejected,
    ExportOutdated,
    HandedBack,
    Interrupted,
    LeaseLost,
    NeedsAcceptance,
    Preempted,
    ProcessLost,
    RunCancelled,
    SyncError,
)
from sync.exports.limits import Limits
from sync.exports.process import PageProcess, started_process
from sync.exports.reader import OpenPages, Records, read_export
from sync.exports.totals import ControlTotal
from sync.mirror import comparison as mirror
from sync.mirror import cross_checks, references
from sync.mirror.columns import LONGEST_HEADER, record_drift, record_shown_columns
from sync.mirror.references import Coverage
from sync.models import SyncEvent, SyncRun
from sync.progress import Progress, Stage, unwatched
from sync.service import SyncService, all_services, service_for

Kind = SyncEvent.Kind

logger = logging.getLogger(__name__)

LONGEST_DRAIN = timedelta(minutes=5)  # then another task goes on: a worker's tasks have a time limit
FULL_EVERY = timedelta(hours=6)  # an automatic run is full when the last full success is older
KEPT_EXPORT_IS_READ_FOR = timedelta(hours=1)  # by a run that had stepped aside; then it fetches a new one
LOOKS_EVERY = 0.05  # seconds between two looks at what a run should know; 0.25 is promised
RECORDED_EVERY = 0.5  # seconds between two writes of a run's progress
POLLED_EVERY = 0.05  # seconds between two looks at a run that another process carries out
LOSSES_ALLOWED = 2  # of a run's process; at the next one a person has to look
KEPT_ATTEMPTS = 100  # of a run: while a disk is full, one is made every ten minutes
KEPT_CHARACTERS = 10_000  # of a text: a bug's can weigh megabytes, and so would every page that shows it
LOGGED_CHARACTERS = 1000  # of a text that is logged, on one line

FILE_TIMES_AGREE = timedelta(seconds=5)  # with the database's clock, where a file was just written
FROM_THE_FUTURE = (
    "The export's file is dated {dated}, which is still to come: it counts from when it was first read. Correct the "
    "file's date, or the clock of the machine that it comes from: a file with an earlier date is not read."
)
APPLIED_BEFORE = "This export was applied before: what it lacks was not counted as absent again."

Mode = SyncRun.Mode
Status = SyncRun.Status


def drain(*, until: SyncRun | None = None, progress: Progress = unwatched) -> None:
    """Carry out what is queued, the most urgent first, until nothing may run; or until a run has ended.

    Goes home if another process holds the lock: that one will look into the queue once more before it goes. Raises
    DiskFull if there is no room for the database: what was begun is done again once the lease has passed.
    """
    try:
        drain_queue(until=until, progress=progress)
    except DatabaseError as error:
        if not is_full(error):
            raise
        raise no_room_for_the_database() from error


def drain_queue(*, until: SyncRun | None, progress: Progress) -> None:
    started = time.monotonic()
    while True:
        with hold_lock() as lease:
            if lease is None:
                return
            try:
                with lost_with_the_connection():
                    recover(lease)
                    while may_go_on(started, until) and (run := queue.runnable().first()):
                        execute(run, lease=lease, progress=progress if run == until else unwatched)
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


def wait_for(run: SyncRun, *, progress: Progress = unwatched, at_most: timedelta | None = None) -> SyncRun:
    """Drain until a run has ended, and give the run that stands for it.

    Gives up after a while, when this process must stop, and on a run that may not start yet: while order forms are
    open, or before it is to be tried again.
    """
    started = time.monotonic()
    while True:
        drain(until=run, progress=progress)
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
            show_progress_of(run, progress)
            time.sleep(POLLED_EVERY)


def may_not_start(run: SyncRun) -> bool:
    """Asked in one query: between two, another process may start the run."""
    queued = SyncRun.objects.queued().filter(pk=run.pk)
    return queued.exclude(pk__in=queue.runnable().values("pk")).exists()


def show_progress_of(run: SyncRun, progress: Progress) -> None:
    """Pass on what another process wrote down."""
    if run.stage == Stage.READING:
        progress(Stage.READING, run.pages_read, run.pages)


def recover(lease: Lease) -> None:
    """Put the run of a process that lost the lock, or its life, back into the queue; or fail it, the third time."""
    for pk in SyncRun.objects.running().values_list("pk", flat=True):
        with fenced(lease):
            orphan = SyncRun.objects.running().filter(pk=pk)
            if not orphan.update(token=lease.token):  # who had it woke up, and ended it just now
                continue
            run = orphan.get()
            lose(run)
        delete_unread_exports(run)


def lose(run: SyncRun) -> None:
    SyncEvent.objects.record(Kind.RUN_LOST, run=run, attempt=run.attempts)
    losses = 1 + times_ended(run, "lost")
    if losses > LOSSES_ALLOWED:
        fail(run, Status.FAILED, ProcessLost(times=losses))
    else:
        put_back(run, "lost", export_path="")


def execute(run: SyncRun, *, lease: Lease, progress: Progress = unwatched) -> None:
    """Carry one run from started to its end, or back to the queue, whatever happens below."""
    if not start(run, lease):
        return
    with recorded(run), lost_with_the_connection(), started_process() as process:
        service = service_for(run.sync_type)
        watch = Checkpoint(run, lease, progress)
        outcome = mirror.Outcome()
        doubts = fetch(run, service, watch)
        check_is_latest(run)
        applied = [Path(each.export_path) for each in (run, run.accepts) if each]
        kept_tables = settings.PAGE_TABLES_DIR / run.sync_type
        open_pages = partial(PageProcess, started=process, kept_tables=kept_tables)
        export = reading(Path(run.export_path), service, watch, open_pages=open_pages)
        with export as records, mirror.staged(records) as staged:
            proves_absences = not was_applied(run)
            note(run, records, proves_absences=proves_absences, doubts=doubts)
            coverage = compared(service, staged, mode=run.mode, progress=watch)
            run.change(coverage=[each.as_json() for each in coverage])
            with fenced(lease):
                mirror.apply(
                    service,
                    staged,
                    run=run,
                    outcome=outcome,
                    coverage=coverage,
                    absences_count=proves_absences,
                    progress=watch,
                )
                note_mirrored(run, service, records, watch)
                succeed(run, outcome)
    if run.status == Status.SUCCEEDED:
        for path in applied:
            path.unlink(missing_ok=True)


@contextmanager
def previewed(
    sync_type: str,
    *,
    mode: str,
    given_file: Path | None = None,
    may_lose: bool = False,
    progress: Progress = unwatched,
) -> Iterator[Preview]:
    """What a run would write, with nothing written: no run, no record. Raises what the run would have ended with.

    `may_lose` as if somebody had accepted the export, however much it lacks.
    """
    service = service_for(sync_type)
    with writing(TEMPORARY_FILES, temporary_folder()), TemporaryDirectory(prefix="archibald-") as folder:
        path = given_file or fetch_from_erp(service, to=Path(folder) / "export.pdf", mode=mode, progress=progress).path
        with reading(path, service, progress) as records, mirror.staged(records) as staged:
            mode = automatic_mode(sync_type) if mode == Mode.AUTO else mode
            outcome = mirror.Outcome()
            coverage = compared(service, staged, mode=mode, progress=progress)
            differences = mirror.preview(
                service, staged, mode=mode, outcome=outcome, coverage=coverage, may_lose=may_lose
            )
            yield Preview(mode, outcome, differences, records, coverage)


@dataclass(frozen=True)
class Preview:
    """The mode an automatic run would take, and what it would write; `outcome` is complete after the last."""

    mode: str
    outcome: mirror.Outcome
    differences: Iterator[mirror.Difference]
    records: Records
    coverage: Sequence[Coverage]


def compared(service: SyncService, staged: mirror.Staged, *, mode: str, progress: Progress) -> list[Coverage]:
    """The export held against the other lists; not for an order form, which waits, and takes nothing away."""
    if mode == Mode.SMART:
        return []
    exported = staged.different_values(references.fields_of(service), progress)
    return references.compare(service, exported, progress=progress)


def start(run: SyncRun, lease: Lease) -> bool:
    """Claim a queued run for this process. False if it no longer waits; raises LeaseLost."""
    automatic = When(mode=Mode.AUTO, then=Value(automatic_mode(run.sync_type)))
    with fenced(lease):
        started = SyncRun.objects.filter(pk=run.pk, status=Status.QUEUED).update(
            status=Status.RUNNING,
            token=lease.token,
            mode=Case(automatic, default=F("mode")),
            started_at=clock.now(),
            attempts=F("attempts") + 1,
            pages_read=0,
            pages=None,
            not_before=None,
        )
        if started:
            run.refresh_from_db()
            SyncEvent.objects.record(Kind.RUN_STARTED, run=run, attempt=run.attempts, mode=run.mode)
    return bool(started)


def automatic_mode(sync_type: str) -> Mode:
    """Full if the last full success is too old, else incremental."""
    full = SyncRun.objects.succeeded().for_type(sync_type).filter(mode=Mode.FULL)
    is_recent = full.filter(finished_at__gt=clock.now() - FULL_EVERY).exists()
    return Mode.INCREMENTAL if is_recent else Mode.FULL


@contextmanager
def recorded(run: SyncRun) -> Iterator[None]:
    """End the run, or put it back into the queue, by what stopped it, if anything did. Raises LeaseLost."""
    token = run.token
    try:
        try:
            yield
        except BaseException:
            run.token = token  # which a transaction that was rolled back may have taken from it
            raise
    except LeaseLost:
        raise
    except Interrupted as interruption:
        interrupt(run, interruption)
    except NeedsAcceptance as error:
        stop(run, Status.QUARANTINED, error)
    except SyncError as error:
        retry_or_fail(run, error)
    except DatabaseError as error:
        if is_full(error):
            retry_or_fail(run, no_room_for_the_database())
        else:
            stop_by_bug(run, error)
    except TimeoutException:
        with suppress(LeaseLost), current(run):
            lose(run)
        raise
    except (KeyboardInterrupt, SystemExit):
        with suppress(LeaseLost):  # it is another process's already
            interrupt(run, HandedBack())
        raise
    except Exception as error:  # noqa: BLE001  # the one place that records whatever stops a run
        stop_by_bug(run, error)


@contextmanager
def current(run: SyncRun) -> Iterator[None]:
    """A transaction in which the object shows the run as it stands, without what was rolled back. Raises LeaseLost."""
    with transaction.atomic():
        token = run.token
        run.refresh_from_db(from_queryset=SyncRun.objects.select_for_update())  # nobody cancels it in here
        if run.token != token:
            raise LeaseLost
        yield


def interrupt(run: SyncRun, interruption: Interrupted) -> None:
    with current(run):
        match interruption:
            case Preempted():
                SyncEvent.objects.record(Kind.RUN_PREEMPTED, run=run)
                put_back(run, "preempted")
            case HandedBack():
                SyncEvent.objects.record(Kind.RUN_HANDED_BACK, run=run)
                put_back(run, "handed back")
            case RunCancelled():
                end_cancelled(run)


def put_back(run: SyncRun, outcome: str, error: SyncError | None = None, **changes: Any) -> None:
    """Back into the queue, with the reason; a run that is to be cancelled ends instead."""
    if run.cancel_requested_at:
        end_cancelled(run)
        return
    attempt = {
        "outcome": outcome,
        "startedAt": run.started_at.isoformat() if run.started_at else None,
        "endedAt": clock.now().isoformat(),
        "error": type(error).__name__ if error else "",
        "text": storable(error) if error else "",
    }
    queue.requeue(run, ended_attempts=[*run.ended_attempts, attempt][-KEPT_ATTEMPTS:], **changes)


def times_ended(run: SyncRun, outcome: str) -> int:
    """How many attempts came back to the queue for this reason."""
    return sum(attempt["outcome"] == outcome for attempt in run.ended_attempts)


def end_cancelled(run: SyncRun) -> None:
    run.finish(Status.CANCELLED)
    SyncEvent.objects.record(Kind.RUN_CANCELLED, run=run)


def retry_or_fail(run: SyncRun, error: SyncError) -> None:
    delay = retry_delay(run, error)
    if delay is None:
        stop(run, Status.FAILED, error)
        return
    with current(run):
        again_at = clock.now() + timedelta(seconds=delay)
        SyncEvent.objects.record(Kind.RUN_TO_BE_RETRIED, run=run, error=storable(error), at=again_at.isoformat())
        unread = run.export_path
        put_back(run, "failed", error, not_before=again_at, export_path="")
    if unread:
        Path(unread).unlink(missing_ok=True)


def retry_delay(run: SyncRun, error: SyncError) -> int | None:
    """Seconds until the next attempt; None if none would help, or enough were made.

    A given file stays as it is, and an agent who waits for a smart run had better know.
    """
    if not (run.is_mergeable or error.is_never_given_up):
        return None
    delays = [delay for delay in error.retried_after if delay == 0 or run.mode != Mode.SMART]
    made = sum(attempt["error"] == type(error).__name__ for attempt in run.ended_attempts)  # for the same reason
    last = len(delays) - 1
    place = min(made, last) if error.is_never_given_up else made
    return delays[place] if 0 <= place <= last else None


def stop_by_bug(run: SyncRun, error: Exception) -> None:
    logger.exception("Run %s of %s was stopped by a bug", run.pk, run.sync_type)
    stop(run, Status.FAILED, error)


def stop(run: SyncRun, status: Status, error: BaseException) -> None:
    with current(run):
        fail(run, status, error)


def fail(run: SyncRun, status: Status, error: BaseException) -> None:
    facts = {name: storable(fact) for name, fact in getattr(error, "facts", {}).items()}
    found = {"control_totals": as_json(error.totals)} if isinstance(error, ControlTotalMismatch) else {}
    run.finish(status, error_class=type(error).__name__, error_text=storable(error), error_facts=facts, **found)
    kind = Kind.RUN_QUARANTINED if status == Status.QUARANTINED else Kind.RUN_FAILED
    SyncEvent.objects.record(kind, run=run, error_class=run.error_class, error=run.error_text)
    if isinstance(error, ErpLoginRejected):
        erp_login.note_rejected(run)
        answer_waiting_forms(run)
    text = " ".join(run.error_text.split())[:LOGGED_CHARACTERS]
    ended = (run.pk, run.sync_type, status.value, run.error_class, text)
    transaction.on_commit(lambda: logger.warning("Run %s of %s %s: %s: %s", *ended))


def answer_waiting_forms(run: SyncRun) -> None:
    """End the smart runs that order forms wait for like the run that found the login rejected: they may not try it."""
    ended = {name: getattr(run, name) for name in ("status", "finished_at", "error_class", "error_text", "error_facts")}
    for waiting in SyncRun.objects.queued().filter(mode=Mode.SMART):
        if SyncRun.objects.filter(pk=waiting.pk, status=Status.QUEUED).update(**ended):
            SyncEvent.objects.record(Kind.RUN_FAILED, run=waiting, error_class=run.error_class, error=run.error_text)


def succeed(run: SyncRun, outcome: mirror.Outcome) -> None:
    """End the run well, in the transaction that applied its records."""
    if run.accepts:
        SyncRun.objects.filter(acceptances=run).update(export_path="")
    run.finish(Status.SUCCEEDED, export_path="", left=outcome.left, **outcome.counts())
    SyncEvent.objects.record(Kind.RUN_SUCCEEDED, run=run, counts=outcome.counts())
    if outcome.left:
        trigger = SyncRun.Trigger(run.trigger)
        queue.request_sync(run.sync_type, mode=Mode.FULL, trigger=trigger, by=run.requested_by)


def storable(value: object) -> str:
    """A text that any database takes and any page shows, whatever an export put into it."""
    return str(value)[:KEPT_CHARACTERS].replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def fetch(run: SyncRun, service: SyncService, progress: Progress) -> list[str]:
    """Get the export that the run reads into a file of its own, and its fingerprint on the run; give what is odd."""
    if has_kept_export(run):
        return []
    # Named by the token: a process that lost the lock cannot touch the file of the one that has it.
    path = settings.EXPORT_DIR / f"{run.sync_type}-{run.pk}-{run.token}.pdf"
    unread = run.export_path
    run.change(stage=Stage.FETCHING)
    try:
        with writing(EXPORTS, settings.EXPORT_DIR):
            path.parent.mkdir(parents=True, exist_ok=True)
            dated, erp_time = write_export(run, service, path, progress)
            make_durable(path)  # the run's row says that it is kept
        with path.open("rb") as file:
            fingerprint = hashlib.file_digest(file, "sha256").hexdigest()
        exported_at = when_exported(run, fingerprint, dated=dated)
        run.change(
            export_path=str(path),
            export_sha256=fingerprint,
            export_size=path.stat().st_size,
            exported_at=exported_at,
            erp_time=erp_time,
        )
    except BaseException:
        path.unlink(missing_ok=True)  # no row names it
        raise
    if unread not in ("", str(path)):
        Path(unread).unlink(missing_ok=True)
    return [FROM_THE_FUTURE.format(dated=shown(dated))] if dated - exported_at > FILE_TIMES_AGREE else []


def write_export(
    run: SyncRun, service: SyncService, path: Path, progress: Progress
) -> tuple[datetime, timedelta | None]:
    """Write the export that the run reads to a file: the file's date, and how long the ERP took for it."""
    if run.accepts:
        copy_export(run.accepts.export_path, path)
        return run.accepts.exported_at or clock.now(), None
    if run.given_file:
        copy_export(run.given_file, path)
        return datetime.fromtimestamp(Path(run.given_file).stat().st_mtime, UTC), None
    asked = time.monotonic()
    fetched = fetch_from_erp(service, to=path, mode=run.mode, progress=progress)
    return fetched.fetched_at, timedelta(seconds=time.monotonic() - asked)


def copy_export(source: str, path: Path) -> None:
    """Raises ExportTooLarge before more is written than an export may be."""
    with path.open("wb") as file:
        file.writelines(content_of(Path(source), largest=settings.EXPORT_MAX_BYTES))


def when_exported(run: SyncRun, fingerprint: str, *, dated: datetime) -> datetime:
    """The time of an export: what its file is dated, or when this file came first if that is still to come."""
    now = clock.now()
    if dated <= now:
        return dated
    earlier = SyncRun.objects.for_type(run.sync_type).filter(export_sha256=fingerprint, exported_at__lte=now)
    return earlier.aggregate(first=Min("exported_at"))["first"] or now


def fetch_from_erp(service: SyncService, *, to: Path, mode: str, progress: Progress) -> Export:
    export = erp_client().fetch(service.erp_list, to=to, at_most=longest_fetch(mode), progress=progress)
    erp_login.note_accepted()
    return export


def longest_fetch(mode: str) -> timedelta:
    """What a run may wait for the ERP, in all: an order form waits for a smart one."""
    longest: timedelta = settings.ERP_SMART_TIMEOUT if mode == Mode.SMART else settings.ERP_EXPORT_TIMEOUT
    return longest


def delete_unread_exports(run: SyncRun) -> None:
    """Delete what a run's lost process has left in the folder of exports, but for what the row still names."""
    for path in settings.EXPORT_DIR.glob(f"{run.sync_type}-{run.pk}-*.pdf"):
        if str(path) != run.export_path:
            path.unlink(missing_ok=True)


def has_kept_export(run: SyncRun) -> bool:
    """Whether the run fetched its export before it stepped aside, and that is here, recent, and still the latest."""
    if not run.export_path or not run.exported_at:
        return False
    is_recent = run.exported_at > clock.now() - KEPT_EXPORT_IS_READ_FOR
    return is_recent and Path(run.export_path).is_file() and later_success(run) is None


def check_is_latest(run: SyncRun) -> None:
    """Raises ExportOutdated, as when the newest file was taken out of the ERP's folder. A given file is its giver's."""
    later = later_success(run)
    if later and not run.given_file:
        raise ExportOutdated(exported=shown(run.exported_at), later=shown(later.exported_at), run=later.pk)


def later_success(run: SyncRun) -> SyncRun | None:
    """A run that applied a later export of the same list."""
    until_now = (run.exported_at, clock.now())
    later = SyncRun.objects.succeeded().for_type(run.sync_type).filter(exported_at__range=until_now)
    return later.exclude(exported_at=run.exported_at).first()


def shown(moment: datetime | None) -> str:
    return f"{timezone.localtime(moment):%d/%m/%Y %H:%M:%S}"


def reading(
    path: Path, service: SyncService, progress: Progress, *, open_pages: OpenPages = PageProcess
) -> AbstractContextManager[Records]:
    return read_export(
        path,
        service.layout,
        name=service.sync_type,
        other_layouts={other.sync_type: other.layout for other in all_services()},
        limits=Limits(
            file_bytes=settings.EXPORT_MAX_BYTES,
            pages=settings.EXPORT_MAX_PAGES,
            page_bytes=settings.EXPORT_MAX_PAGE_BYTES,
            memory_bytes=settings.EXPORT_MAX_MEMORY_BYTES,
            seconds=settings.EXPORT_MAX_SECONDS,
        ),
        progress=progress,
        open_pages=open_pages,
    )


def note(run: SyncRun, records: Records, *, proves_absences: bool, doubts: Sequence[str]) -> None:
    """Keep what the export proved about itself, whatever becomes of its records."""
    applied_before = [] if proves_absences else [APPLIED_BEFORE]
    run.change(
        read=records.running.records,
        stage=Stage.APPLYING,
        pages_read=records.pages.count,
        pages=records.pages.count,
        control_totals=as_json(records.totals),
        notes=[storable(text) for text in [*doubts, *records.notes, *applied_before]],
    )


def note_mirrored(run: SyncRun, service: SyncService, records: Records, progress: Progress) -> None:
    """Keep what is known of the list now that the records are applied, in the same transaction."""
    at = run.exported_at or clock.now()
    unknown = [storable(header)[:LONGEST_HEADER] for header in records.unknown if header]
    record_drift(service, run, records.fields, unknown)
    first_seen = record_shown_columns(service, records.fields, well_read=records.well_read, at=at)
    notes = service.describe_doubts()
    if first_seen:
        headers = ", ".join(column.title for column in first_seen)
        notes.append(f"First seen in an export, as it was assumed: {headers}. Please tell whoever keeps this software.")
    notes += cross_checks.describe_disagreements(service, run, progress=progress)
    if notes:
        run.change(notes=[*run.notes, *map(storable, notes)])


def as_json(totals: Sequence[ControlTotal]) -> list[dict[str, str]]:
    return [total.as_json() for total in totals]


def was_applied(run: SyncRun) -> bool:
    """Whether this very export was applied before, as when nobody has dropped a newer one into the ERP's folder."""
    return (
        SyncRun.objects.succeeded()
        .for_type(run.sync_type)
        .filter(mode=Mode.FULL, export_sha256=run.export_sha256, exported_at=run.exported_at)
        .exists()
    )


class Checkpoint:
    """The progress of a run in execution: passed on, written down, and where the run learns that it must stop."""

    def __init__(self, run: SyncRun, lease: Lease, progress: Progress) -> None:
        self.run = run
        self.lease = lease
        self.progress = progress
        self.steps_aside = run.mode != Mode.SMART and not has_stepped_aside_enough(run)
        self.looked = self.written = 0.0  # seconds, monotonic

    def __call__(self, stage: Stage, done: int, total: int | None) -> None:
        self.progress(stage, done, total)
        now = time.monotonic()
        if now - self.looked >= LOOKS_EVERY:
            self.look()
            self.looked = now
        if stage == Stage.READING and now - self.written >= RECORDED_EVERY:
            self.run.change(stage=stage, pages_read=done, pages=total)
            self.written = now

    def look(self) -> None:
        """Raises an Interrupted if the run has to stop."""
        worker.prove_life()
        if worker.is_stopping():
            raise HandedBack
        if self.lease.keep():
            worker.beat()
        smart = Exists(queue.runnable().filter(mode=Mode.SMART)) if self.steps_aside else Value(False)
        row = SyncRun.objects.running().filter(pk=self.run.pk, token=self.run.token)
        found = row.values_list("cancel_requested_at", smart).first()
        if found is None:
            raise LeaseLost
        cancel_requested_at, smart_run_waits = found
        if cancel_requested_at:
            raise RunCancelled
        if smart_run_waits:
            raise Preempted


def has_stepped_aside_enough(run: SyncRun) -> bool:
    """Whether it stepped aside when it had waited too long already: it would never come to its end."""
    ends = (attempt["endedAt"] for attempt in run.ended_attempts if attempt["outcome"] == "preempted")
    return any(datetime.fromisoformat(ended) > run.overdue_at for ended in ends)
