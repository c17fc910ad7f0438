"""The files of syncs that hold data of a customer: kept exports, and what was read of them."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from django.conf import settings
from django.db import transaction

from sync import failure_files
from sync.coordinator.kept_exports import OUR_EXPORT
from sync.coordinator.reading import open_export
from sync.erasure.stores import Pause, Store, Subject, format_plural
from sync.exceptions import SyncError
from sync.models import SyncRun
from sync.progress import Stage
from sync.service import SyncService, get_service, list_services


class KeptExports(Store):
    """The files that runs have kept: a PDF is deleted whole, as nothing can be taken out of it for certain."""

    def find(self, subject: Subject, pause: Pause) -> list[str]:
        self.runs: list[SyncRun] = []
        self.files: list[Path] = []
        lines = []
        kept = SyncRun.objects.exclude(export_path="").order_by("pk")
        for run in kept:
            if why := find_reason_to_delete(run, subject, pause):
                self.runs.append(run)
                self.files.append(Path(run.export_path))
                lines.append(f"export of run {run.pk} ({run.sync_type}, {run.status}): {why}")
        named = {run.export_path for run in kept}
        strays = [path for path in list_our_exports() if str(path) not in named]
        self.files += strays
        return [*lines, *(f"export {path.name}: of no run, left by a process that was killed" for path in strays)]

    def erase(self) -> None:
        for waiting in SyncRun.objects.queued().filter(accepts__in=self.runs):
            waiting.cancel()  # it has nothing to apply any more
        SyncRun.objects.filter(pk__in=[run.pk for run in self.runs]).update(export_path="")
        for path in self.files:
            transaction.on_commit(partial(path.unlink, missing_ok=True))


class PageTables(Store):
    """What was read of each list's last export. Nothing is lost with it: the next export is read in full."""

    def find(self, subject: Subject, pause: Pause) -> list[str]:
        is_known = bool(subject.texts or subject.account_number)
        types = [service.sync_type for service in list_services() if service.personal_fields and is_known]
        self.files = [path for name in types for path in settings.PAGE_TABLES_DIR.glob(f"{name}*")]
        count = format_plural(len(self.files), "file")
        return [f"page tables kept from the last exports: {count}"] if self.files else []

    def erase(self) -> None:
        for path in self.files:
            transaction.on_commit(partial(path.unlink, missing_ok=True))


class FailureFiles(Store):
    """What the ERP showed when a step failed: nobody can tell who is seen there, so all that show customers go."""

    def find(self, subject: Subject, pause: Pause) -> list[str]:
        is_known = bool(subject.texts or subject.account_number)
        without_customers = {service.sync_type for service in list_services() if not service.personal_fields}
        of_runs = [(path, match["sync_type"]) for path, match in failure_files.list_failure_files()]
        of_check = [(path, path.stem) for path in failure_files.list_check_files()]
        self.files = [path for path, name in (*of_runs, *of_check) if is_known and name not in without_customers]
        count = format_plural(len(self.files), "file")
        return [f"screenshots and pages of steps that failed in the ERP: {count}"] if self.files else []

    def erase(self) -> None:
        for path in self.files:
            transaction.on_commit(partial(path.unlink, missing_ok=True))


def list_our_exports() -> list[Path]:
    """The files that runs have made, but for what one that goes on is just fetching."""
    folder: Path = settings.EXPORT_DIR
    being_fetched = tuple(f"{run.sync_type}-{run.pk}-" for run in SyncRun.objects.running())
    files = folder.iterdir() if folder.is_dir() else ()
    return [path for path in files if OUR_EXPORT.fullmatch(path.name) and not path.name.startswith(being_fetched)]


def find_reason_to_delete(run: SyncRun, subject: Subject, pause: Pause) -> str:
    """Why a run's export may not be kept; "" if it holds nothing of his."""
    path = Path(run.export_path)
    if not path.is_file():
        return ""
    if run.sync_type not in settings.SYNC_TYPES:
        return "of a list that is no longer mirrored"
    service = get_service(run.sync_type)
    if not service.personal_fields:
        return ""
    try:
        return "contains the customer" if is_named_in(path, service, subject, pause) else ""
    except SyncError as error:
        return f"cannot be read ({type(error).__name__}), and may contain the customer"


def is_named_in(path: Path, service: SyncService, subject: Subject, pause: Pause) -> bool:
    """Whether an export has a record of his. Raises ExportError if it cannot be read to its end."""
    key, sync_type = service.layout.key, service.sync_type
    records = [*subject.gone.get(sync_type, ()), *subject.shown.get(sync_type, ())]
    known = {getattr(record, key) for record in records}
    his_texts = subject.texts | ({subject.account_number} - {""})

    def progress(stage: Stage, done: int, total: int | None) -> None:  # noqa: ARG001
        pause()

    with open_export(path, service, progress) as exported:
        for record in exported:
            if record.values[exported.fields.index(key)] in known or not his_texts.isdisjoint(record.values):
                return True
    return False
