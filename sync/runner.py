"""Carrying a run from its start to its end: the only place that starts, ends, times and records one."""

from __future__ import annotations

import hashlib
import logging
import shutil
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from sync import mirror
from sync.erp import erp_client
from sync.exceptions import ExportOutdated, SyncError, TooManyMissing
from sync.exports.pdf import Limits
from sync.exports.reader import Records, read_export
from sync.models import SyncRun
from sync.progress import Progress, Stage, unwatched
from sync.queue import request_sync
from sync.service import SyncService, all_services, service_for

logger = logging.getLogger(__name__)

FULL_EVERY = timedelta(hours=6)  # an automatic run is full when the last full success is older
RECORDED_EVERY = 0.5  # seconds between two writes of a run's progress

APPLIED_BEFORE = "This export was applied before: what it lacks was not counted as absent again."

Mode = SyncRun.Mode
Status = SyncRun.Status


def execute(run: SyncRun, *, progress: Progress = unwatched) -> bool:
    """Carry one run from started to its end, whatever happens below. False if another process has started it."""
    if not start(run):
        return False
    service = service_for(run.sync_type)
    outcome = mirror.Outcome()
    with recorded(run):
        watch = RecordedProgress(run, progress)
        fetch(run, service, watch)
        check_is_latest(run)
        with reading(Path(run.export_path), service, watch) as records, mirror.staged(records) as staged:
            proves_absences = not was_applied(run)
            note(run, records, proves_absences=proves_absences)
            with transaction.atomic():
                mirror.apply(service, staged, run=run, outcome=outcome, absences_count=proves_absences, progress=watch)
                run.finish(Status.SUCCEEDED, **outcome.counts())
    if run.status == Status.SUCCEEDED:
        for applied in filter(None, (run, run.accepts)):
            Path(applied.export_path).unlink(missing_ok=True)
            applied.change(export_path="")
        if outcome.left:
            request_sync(run.sync_type, mode=Mode.FULL, trigger=SyncRun.Trigger(run.trigger), by=run.requested_by)
    return True


@contextmanager
def previewed(
    sync_type: str, *, mode: str, given_file: Path | None = None, progress: Progress = unwatched
) -> Iterator[Preview]:
    """What a run would write, with nothing written: no run, no record. Raises what the run would have ended with."""
    service = service_for(sync_type)
    with TemporaryDirectory(prefix="archibald-") as folder:
        path = (
            given_file or erp_client().fetch(service.erp_list, to=Path(folder) / "export.pdf", progress=progress).path
        )
        with reading(path, service, progress) as records, mirror.staged(records) as staged:
            mode = automatic_mode(sync_type) if mode == Mode.AUTO else mode
            outcome = mirror.Outcome()
            differences = mirror.preview(service, staged, mode=mode, outcome=outcome)
            yield Preview(mode, outcome, differences, records)


@dataclass(frozen=True)
class Preview:
    """The mode an automatic run would take, and what it would write; `outcome` is complete after the last."""

    mode: str
    outcome: mirror.Outcome
    differences: Iterator[mirror.Difference]
    records: Records


def start(run: SyncRun) -> bool:
    """Claim a queued run for this process."""
    mode = run.mode if run.mode != Mode.AUTO else automatic_mode(run.sync_type)
    started = SyncRun.objects.filter(pk=run.pk, status=Status.QUEUED).update(
        status=Status.RUNNING, started_at=timezone.now(), mode=mode
    )
    run.refresh_from_db()
    return bool(started)


def automatic_mode(sync_type: str) -> Mode:
    """Full if the last full success is too old, else incremental."""
    full = SyncRun.objects.succeeded().for_type(sync_type).filter(mode=Mode.FULL)
    is_recent = full.filter(finished_at__gt=timezone.now() - FULL_EVERY).exists()
    return Mode.INCREMENTAL if is_recent else Mode.FULL


@contextmanager
def recorded(run: SyncRun) -> Iterator[None]:
    """End the run by what stopped it, if anything did."""
    try:
        yield
    except TooManyMissing as error:
        stop(run, Status.QUARANTINED, error)
    except SyncError as error:
        stop(run, Status.FAILED, error)
    except KeyboardInterrupt as error:
        stop(run, Status.CANCELLED, error)
        raise
    except Exception as error:
        logger.exception("Run %s was stopped by a bug", run)
        stop(run, Status.FAILED, error)


def stop(run: SyncRun, status: Status, error: BaseException) -> None:
    run.refresh_from_db()  # what was rolled back still stands on the object
    facts = {name: storable(fact) for name, fact in getattr(error, "facts", {}).items()}
    run.finish(status, error_class=type(error).__name__, error_text=storable(error), error_facts=facts)


def storable(value: object) -> str:
    """A text that any database takes, whatever an export put into it."""
    return str(value).replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def fetch(run: SyncRun, service: SyncService, progress: Progress) -> None:
    """Get the export that the run reads into a file of its own, and its fingerprint on the run."""
    path = settings.EXPORT_DIR / f"{run.sync_type}-{run.pk}.pdf"
    path.parent.mkdir(parents=True, exist_ok=True)
    run.change(stage=Stage.FETCHING)
    if run.accepts:
        shutil.copyfile(run.accepts.export_path, path)
        exported_at = run.accepts.exported_at
    elif run.given_file:
        shutil.copyfile(run.given_file, path)
        exported_at = datetime.fromtimestamp(Path(run.given_file).stat().st_mtime, UTC)
    else:
        exported_at = erp_client().fetch(service.erp_list, to=path, progress=progress).fetched_at
    with path.open("rb") as file:
        fingerprint = hashlib.file_digest(file, "sha256").hexdigest()
    run.change(
        export_path=str(path), export_sha256=fingerprint, export_size=path.stat().st_size, exported_at=exported_at
    )


def check_is_latest(run: SyncRun) -> None:
    """Raises ExportOutdated, as when the newest file was taken out of the ERP's folder. A given file is its giver's."""
    later = SyncRun.objects.succeeded().for_type(run.sync_type).filter(exported_at__gt=run.exported_at).first()
    if later and not run.given_file:
        raise ExportOutdated(exported=shown(run.exported_at), later=shown(later.exported_at), run=later.pk)


def shown(moment: datetime | None) -> str:
    return f"{timezone.localtime(moment):%d/%m/%Y %H:%M:%S}"


def reading(path: Path, service: SyncService, progress: Progress) -> AbstractContextManager[Records]:
    return read_export(
        path,
        service.layout,
        name=service.sync_type,
        other_layouts={other.sync_type: other.layout for other in all_services()},
        limits=Limits(
            file_bytes=settings.EXPORT_MAX_BYTES,
            pages=settings.EXPORT_MAX_PAGES,
            page_bytes=settings.EXPORT_MAX_PAGE_BYTES,
        ),
        progress=progress,
    )


def note(run: SyncRun, records: Records, *, proves_absences: bool) -> None:
    """Keep what the export proved about itself, whatever becomes of its records."""
    applied_before = [] if proves_absences else [APPLIED_BEFORE]
    run.change(
        read=records.running.records,
        stage=Stage.APPLYING,
        pages_read=records.pages.count,
        pages=records.pages.count,
        control_totals=[total.as_json() for total in records.totals],
        notes=[storable(text) for text in records.notes + applied_before],
    )


def was_applied(run: SyncRun) -> bool:
    """Whether this very export was applied before, as when nobody has dropped a newer one into the ERP's folder."""
    return (
        SyncRun.objects.succeeded()
        .for_type(run.sync_type)
        .filter(mode=Mode.FULL, export_sha256=run.export_sha256, exported_at=run.exported_at)
        .exists()
    )


class RecordedProgress:
    """Passes progress on, and writes it to the run's row now and then."""

    def __init__(self, run: SyncRun, progress: Progress) -> None:
        self.run = run
        self.progress = progress
        self.written = 0.0  # seconds, monotonic

    def __call__(self, stage: Stage, done: int, total: int | None) -> None:
        self.progress(stage, done, total)
        if stage == Stage.READING and time.monotonic() - self.written >= RECORDED_EVERY:
            self.run.change(stage=stage, pages_read=done, pages=total)
            self.written = time.monotonic()
