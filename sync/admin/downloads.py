"""Downloading the export that a run has kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO, Any, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.handlers.asgi import ASGIRequest
from django.http import FileResponse, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from sync import events
from sync.admin.links import get_run_url
from sync.admin.permissions import require_permission
from sync.admin.read_only import ToolsAdmin
from sync.models import SyncRun

BLOCK = 64 * 1024  # bytes in memory at a time
PERMISSION = "sync.download_export"


class ExportDownloadAdmin(ToolsAdmin):
    """Runs whose kept exports may be downloaded."""

    def has_download_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(PERMISSION) and self.has_view_permission(request)

    def tools(self, request: HttpRequest, run: SyncRun) -> list[tuple[Any, str]]:
        offers = self.has_download_permission(request) and kept_export(run)
        address = reverse("admin:sync_syncrun_export", args=[run.pk])
        return [*([(_("Download the export"), address)] if offers else []), *super().tools(request, run)]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_GET(self.export_view))
        return [path("<int:pk>/export/", view, name="sync_syncrun_export"), *super().get_urls()]

    def export_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Send the run's export, and write down who took it."""
        require_permission(self, request, PERMISSION)
        run = get_object_or_404(SyncRun, pk=pk)
        export = kept_export(run)
        if export is None:
            self.message_user(request, gettext("The export of run %s is no longer kept.") % run.pk, messages.WARNING)
            return HttpResponseRedirect(get_run_url(run))
        response = download(request, export.open("rb"), filename=f"{run.sync_type}-{run.pk}.pdf")
        events.record(events.Kind.EXPORT_DOWNLOADED, run=run, by=cast(User, request.user))
        return response


def kept_export(run: SyncRun) -> Path | None:
    """The run's export, if it lies where exports are kept: no link and no wrong path leads to another file."""
    if not run.export_path:
        return None
    export = Path(run.export_path).resolve()
    return export if export.is_relative_to(settings.EXPORT_DIR.resolve()) and export.is_file() else None


def download(request: HttpRequest, file: IO[bytes], *, filename: str) -> FileResponse:
    """A file to be kept, read as it is sent."""
    # An encoding, though it is none: a PDF is packed already, and compressed on the way it would have no length.
    headers = {"Content-Encoding": "identity"}
    response = FileResponse(
        file, as_attachment=True, filename=filename, content_type="application/pdf", headers=headers
    )
    if isinstance(request, ASGIRequest):
        response.streaming_content = blocks(file)  # anything else Django would read whole there, and warn of it
    return response


async def blocks(file: IO[bytes]) -> AsyncIterator[bytes]:
    while block := await asyncio.to_thread(file.read, BLOCK):
        yield block
