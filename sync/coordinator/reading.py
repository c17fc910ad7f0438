"""Opening a list's export, within the limits of the settings."""

from __future__ import annotations

import subprocess
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from django.conf import settings

from sync.exports.layout import ExportLayout
from sync.exports.limits import Limits
from sync.exports.process import PageProcess
from sync.exports.reader import OpenPages, Records, read_export
from sync.progress import Progress
from sync.service import SyncService, list_services


def open_export(
    path: Path | str, service: SyncService, progress: Progress, *, process: subprocess.Popen[bytes] | None = None
) -> AbstractContextManager[Records]:
    """The records of an export. `process` is a run's, which keeps page tables for the next export of the list."""
    kept_tables = settings.PAGE_TABLES_DIR / service.sync_type if process else None
    open_pages = partial(PageProcess, started=process, kept_tables=kept_tables)
    return open_with_layout(Path(path), service.layout, progress, name=service.sync_type, open_pages=open_pages)


def open_with_layout(
    path: Path, layout: ExportLayout, progress: Progress, *, name: str, open_pages: OpenPages = PageProcess
) -> AbstractContextManager[Records]:
    """The records of an export with this layout, which need not be that of a list. Another list's is a WrongList."""
    return read_export(
        path,
        layout,
        name=name,
        other_layouts={other.sync_type: other.layout for other in list_services()},
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
