"""The workers, to look at."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from sync.admin.columns import make_datetime_columns
from sync.admin.formatting import format_worker_state
from sync.admin.read_only import ReadOnlyAdmin
from sync.models import SyncWorker


@admin.register(SyncWorker)
class SyncWorkerAdmin(ReadOnlyAdmin):
    times = make_datetime_columns(SyncWorker, "started_at", "seen_at", "stopped_at")
    list_display = ("name", "state", *times)
    readonly_fields = ("state",)
    fieldsets = ((None, {"fields": ["name", "state", *times]}),)

    @admin.display(description=_("status"))
    def state(self, worker: SyncWorker) -> SafeString:
        return format_worker_state(worker)
