"""What a run would write, with nothing written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from sync.coordinator import kept_exports
from sync.coordinator.reading import open_export
from sync.disk import TEMPORARY_FILES, get_temporary_folder, translate_disk_errors
from sync.exports.reader import Records
from sync.mirror import comparison, references, staging
from sync.mirror.references import Coverage
from sync.models import SyncRun
from sync.progress import Progress, ignore_progress
from sync.service import get_service

Mode = SyncRun.Mode


@dataclass(frozen=True)
class Preview:
    """The mode an automatic run would take, and what it would write; `outcome` is complete after the last."""

    mode: str
    outcome: comparison.Outcome
    differences: Iterator[comparison.Difference]
    records: Records
    coverage: Sequence[Coverage]


@contextmanager
def preview_sync(
    sync_type: str,
    *,
    mode: str,
    given_file: Path | None = None,
    may_lose: bool = False,
    progress: Progress = ignore_progress,
) -> Iterator[Preview]:
    """What a run would write, with nothing written: no run, no record. Raises what the run would have ended with.

    `may_lose` as if somebody had accepted the export, however much it lacks.
    """
    service = get_service(sync_type)
    with (
        translate_disk_errors(TEMPORARY_FILES, get_temporary_folder()),
        TemporaryDirectory(prefix="archibald-") as folder,
    ):
        path = given_file or Path(folder) / "export.pdf"
        if not given_file:
            kept_exports.fetch_export(service, to=path, at_most=kept_exports.get_longest_fetch(mode), progress=progress)
        with open_export(path, service, progress) as records, staging.stage(records) as staged:
            mode = SyncRun.objects.choose_mode(sync_type) if mode == Mode.AUTO else mode
            outcome = comparison.Outcome()
            coverage = references.compare_export(service, staged, mode=mode, progress=progress)
            differences = comparison.preview(
                service, staged, mode=mode, outcome=outcome, coverage=coverage, may_lose=may_lose
            )
            yield Preview(mode, outcome, differences, records, coverage)
