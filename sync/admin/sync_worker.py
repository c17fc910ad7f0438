"""The workers, to look at."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from sync.admin import columns, formatting
from sync.admin.read_only import ReadOnlyAdmin
from sync.models import SyncWorker


@admin.register(SyncWorker)
class SyncWorkerAdmin(ReadOnlyAdmin):
    times = columns.make_datetime_columns(SyncWorker, "started_at", "seen_at", "stopped_at")
    list_display = ("name", "state", *times)
    readonly_fields = ("state",)
    fieldsets = ((None, {"fields": ["name", "state", *times]}),)

    @admin.display(description=_("status"))
    def state(self, worker: SyncWorker) -> str:
        return formatting.format_worker_state(worker)
