"""Downloading the export that a run has kept, and what the ERP showed when a step of it failed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO

from django.conf import settings
from django.contrib import messages
from django.core.handlers.asgi import ASGIRequest
from django.http import FileResponse, Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext
from django.views.decorators.http import require_GET

from sync import failure_files
from sync.admin import links, permissions
from sync.models import SyncEvent, SyncRun

BLOCK = 64 * 1024  # bytes in memory at a time
PERMISSION = "sync.download_export"
CONTENT_TYPES = {".png": "image/png", ".html": "application/octet-stream"}  # no browser shows that page as one of ours


@require_GET
def export_view(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Send the run's export, and write down who took it."""
    permissions.require_permission(request, SyncRun, PERMISSION)
    run = get_object_or_404(SyncRun, pk=pk)
    export = find_kept_export(run)
    if export is None:
        messages.warning(request, gettext("The export of run %s is no longer kept.") % run.pk)
        return HttpResponseRedirect(links.get_url(run))
    response = make_file_response(request, export.open("rb"), filename=f"{run.sync_type}-{run.pk}.pdf")
    SyncEvent.objects.record(SyncEvent.Kind.EXPORT_DOWNLOADED, run=run, by=permissions.get_staff_user(request))
    return response


@require_GET
def failure_file_view(request: HttpRequest, pk: int, kind: str) -> HttpResponseBase:
    """Send the screenshot or the page of the step that failed, and write down who took it."""
    permissions.require_permission(request, SyncRun, PERMISSION)
    run = get_object_or_404(SyncRun, pk=pk)
    suffix = f".{kind}"
    if suffix not in CONTENT_TYPES:
        raise Http404
    path = failure_files.find_failure_file(run, suffix)
    if path is None:
        messages.warning(request, gettext("What the ERP showed in run %s is no longer kept.") % run.pk)
        return HttpResponseRedirect(links.get_url(run))
    filename = f"{run.sync_type}-{run.pk}{suffix}"
    response = make_file_response(request, path.open("rb"), filename=filename, content_type=CONTENT_TYPES[suffix])
    by = permissions.get_staff_user(request)
    SyncEvent.objects.record(SyncEvent.Kind.EXPORT_DOWNLOADED, run=run, by=by, file=filename)
    return response


def find_kept_export(run: SyncRun) -> Path | None:
    """The run's export, if it lies where exports are kept: no link and no wrong path leads to another file."""
    if not run.export_path:
        return None
    export = Path(run.export_path).resolve()
    return export if export.is_relative_to(settings.EXPORT_DIR.resolve()) and export.is_file() else None


def make_file_response(
    request: HttpRequest, file: IO[bytes], *, filename: str, content_type: str = "application/pdf"
) -> FileResponse:
    """A file to be kept, read as it is sent."""
    # An encoding, though it is none: a PDF is packed already, and compressed on the way it would have no length.
    headers = {"Content-Encoding": "identity"}
    response = FileResponse(file, as_attachment=True, filename=filename, content_type=content_type, headers=headers)
    if isinstance(request, ASGIRequest):
        response.streaming_content = read_blocks(file)  # anything else Django would read whole there, and warn of it
    return response


async def read_blocks(file: IO[bytes]) -> AsyncIterator[bytes]:
    while block := await asyncio.to_thread(file.read, BLOCK):
        yield block
