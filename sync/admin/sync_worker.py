"""The workers, to look at."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from sync.admin.parts import (
    badge,
    time_in,
)
from sync.admin.read_only import ReadOnlyAdmin
from sync.database import clock
from sync.models import SyncWorker
from sync.monitoring import health
from sync.monitoring.health import WorkerState


def worker_badge(state: WorkerState) -> SafeString:
    match state:
        case WorkerState.ALIVE:
            return badge("✓", _("alive"), "succeeded")
        case WorkerState.SILENT:
            return badge("✗", _("silent"), "failed")
        case WorkerState.STOPPED:
            return badge("–", _("stopped"))


@admin.register(SyncWorker)
class SyncWorkerAdmin(ReadOnlyAdmin):
    times = tuple(time_in(SyncWorker, name) for name in ("started_at", "seen_at", "stopped_at"))
    list_display = ("name", "state", *times)
    readonly_fields = ("state",)
    fieldsets = ((None, {"fields": ["name", "state", *times]}),)

    @admin.display(description=_("status"))
    def state(self, worker: SyncWorker) -> SafeString:
        return worker_badge(health.worker_state(worker, clock.now()))
