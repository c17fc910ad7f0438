"""Opening a list's export, within the limits of the settings."""

from __future__ import annotations

import subprocess
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from django.conf import settings

from sync.exports.limits import Limits
from sync.exports.process import PageProcess
from sync.exports.reader import Records, read_export
from sync.progress import Progress
from sync.service import SyncService, list_services


def open_export(
    path: Path | str, service: SyncService, progress: Progress, *, process: subprocess.Popen[bytes] | None = None
) -> AbstractContextManager[Records]:
    """The records of an export. `process` is a run's, which keeps page tables for the next export of the list."""
    kept_tables = settings.PAGE_TABLES_DIR / service.sync_type if process else None
    return read_export(
        Path(path),
        service.layout,
        name=service.sync_type,
        other_layouts={other.sync_type: other.layout for other in list_services()},
        limits=Limits(
            file_bytes=settings.EXPORT_MAX_BYTES,
            pages=settings.EXPORT_MAX_PAGES,
            page_bytes=settings.EXPORT_MAX_PAGE_BYTES,
            memory_bytes=settings.EXPORT_MAX_MEMORY_BYTES,
            seconds=settings.EXPORT_MAX_SECONDS,
        ),
        progress=progress,
        open_pages=partial(PageProcess, started=process, kept_tables=kept_tables),
    )
