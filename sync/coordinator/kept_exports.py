"""The file that a run reads: fetched from the ERP or copied, dated, and kept until its records are applied."""

from __future__ import annotations

import hashlib
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from sync import disk
from sync.coordinator import outages
from sync.database import clock
from sync.erp import allowance, get_erp_client
from sync.erp import login as erp_login
from sync.erp.client import Export, Look
from sync.erp.transfer import read_file
from sync.exceptions import ExportOutdated
from sync.messages import Message, gettext_noop
from sync.models import SyncRun
from sync.progress import Progress, Stage
from sync.service import SyncService

READ_FOR = timedelta(hours=1)  # by a run that had stepped aside; then it fetches a new one
OUR_EXPORT = re.compile(r"[a-z]+-\d+(-\d+)?\.pdf")  # type, run, token
FILE_TIMES_AGREE = timedelta(seconds=5)  # with the database's clock, where a file was just written
FROM_THE_FUTURE = gettext_noop(
    "The export's file is dated {dated}, which is in the future, so the time at which it was first read is used "
    "instead. Correct the file's date, or the clock of the machine that it comes from: until then, a file with an "
    "earlier date is not read."
)

Mode = SyncRun.Mode


@dataclass(frozen=True)
class Obtained:
    """What came with an export: what is odd about it, and a look at its list just before, if the client looks."""

    doubts: list[Message]
    seen: Look | None = None


def obtain_export(run: SyncRun, service: SyncService, at_most: timedelta, progress: Progress) -> Obtained:
    """Get the export that the run reads into a file of its own, and its fingerprint on the run.

    The ERP is given no longer than `at_most`. Raises ExportOutdated, as when the newest file was taken out of the ERP's
    folder. A given file is its giver's.
    """
    if has_kept_export(run):
        return Obtained([])
    path = name_file(run)
    unread = run.export_path
    run.change(stage=Stage.FETCHING)
    try:
        with disk.translate_disk_errors(disk.EXPORTS, settings.EXPORT_DIR):
            path.parent.mkdir(parents=True, exist_ok=True)
            dated, erp_time, seen = write_export(run, service, path, at_most, progress)
            disk.make_durable(path)  # the run's row says that it is kept
        with path.open("rb") as file:
            fingerprint = hashlib.file_digest(file, "sha256").hexdigest()
        exported_at = find_export_time(run, fingerprint, dated=dated)
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
    later = run.later_success
    if later and not run.given_file:
        raise ExportOutdated(
            exported=format_export_time(exported_at), later=format_export_time(later.exported_at), run=later.pk
        )
    is_future = dated - exported_at > FILE_TIMES_AGREE
    return Obtained([Message(FROM_THE_FUTURE, dated=format_export_time(dated))] if is_future else [], seen)


def name_file(run: SyncRun) -> Path:
    """Where the run's export is written. By its token: who lost the lock cannot touch the file of who has it."""
    path: Path = settings.EXPORT_DIR / f"{run.sync_type}-{run.pk}-{run.token}.pdf"
    return path


def has_kept_export(run: SyncRun) -> bool:
    """Whether the run fetched its export before it stepped aside, and that is here, recent, and still the latest.

    What a look has brought since, the export would take back.
    """
    if not run.export_path or not run.exported_at:
        return False
    is_recent = run.exported_at > clock.now() - READ_FOR
    looks = SyncRun.objects.succeeded().for_type(run.sync_type).exclude(created=0, updated=0, restored=0)
    has_brought = looks.filter(read_from=SyncRun.Source.LOOK, exported_at__gte=run.exported_at).exists()
    return is_recent and Path(run.export_path).is_file() and run.later_success is None and not has_brought


def write_export(
    run: SyncRun, service: SyncService, path: Path, at_most: timedelta, progress: Progress
) -> tuple[datetime, timedelta | None, Look | None]:
    """Write the export that the run reads to a file: its date, how long the ERP took, a look just before."""
    if run.accepts:
        copy_export(run.accepts.export_path, path)
        return run.accepts.exported_at or clock.now(), None, None
    if run.given_file:
        copy_export(run.given_file, path)
        return datetime.fromtimestamp(Path(run.given_file).stat().st_mtime, UTC), None, None
    asked = time.monotonic()
    with allowance.note_missed_login():
        export = fetch_export(service, to=path, at_most=at_most, progress=progress)
    return export.fetched_at, timedelta(seconds=time.monotonic() - asked), export.seen


def copy_export(source: str, path: Path) -> None:
    """Raises ExportTooLarge before more is written than an export may be."""
    with path.open("wb") as file:
        file.writelines(read_file(Path(source), largest=settings.EXPORT_MAX_BYTES))


def fetch_export(service: SyncService, *, to: Path, at_most: timedelta, progress: Progress) -> Export:
    with erp_login.note_outcome():
        export = get_erp_client().fetch(service.erp_list, to=to, at_most=at_most, progress=progress)
    outages.note_answer()
    return export


def get_longest_fetch(mode: str) -> timedelta:
    """What a run may wait for the ERP, in all: an order form waits for a smart one."""
    longest: timedelta = settings.ERP_SMART_TIMEOUT if mode == Mode.SMART else settings.ERP_EXPORT_TIMEOUT
    return longest


def find_export_time(run: SyncRun, fingerprint: str, *, dated: datetime) -> datetime:
    """The time of an export: what its file is dated, or when this file came first if that is still to come."""
    now = clock.now()
    if dated <= now:
        return dated
    same = SyncRun.objects.for_type(run.sync_type).filter(export_sha256=fingerprint, exported_at__lte=now)
    return same.order_by("exported_at").values_list("exported_at", flat=True).first() or now


def format_export_time(moment: datetime | None) -> str:
    return f"{timezone.localtime(moment):%d/%m/%Y %H:%M:%S}"


def delete_unread_exports(run: SyncRun) -> None:
    """Delete what a run's lost process has left in the folder of exports, but for what the row still names."""
    for path in settings.EXPORT_DIR.glob(f"{run.sync_type}-{run.pk}-*.pdf"):
        if str(path) != run.export_path:
            path.unlink(missing_ok=True)
