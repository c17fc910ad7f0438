"""A fingerprint of the status, so that nobody is told again what has not changed."""

from __future__ import annotations

import hashlib

from django.db import models

from sync.erp import login as erp_login
from sync.models import ColumnDrift, ErpDay, OrderFormSession, RejectedLogin, SyncLock, SyncRun, SyncWorker
from sync.monitoring.health import select_schedules

UNFINISHED = (
    *("pk", "status", "mode", "trigger", "priority", "not_before", "ignores_hours", "attempts"),
    *("stage", "pages_read", "pages"),
)


def compute_status_fingerprint() -> str:
    """What all that `get_status()` says rests on, but for the clock: while it stays the same, so does the status.

    Four queries. The number of the last event would not do: a transaction with a lower one may end later.
    """
    unseen = ColumnDrift.objects.unseen().order_by()
    left_open = OrderFormSession.objects.filter(closed_at=None)
    last_to_expire = left_open.order_by("-expires_at")
    last_day = ErpDay.objects.order_by("-day")
    rejected = RejectedLogin.objects.filter(pk=erp_login.fingerprint_login())
    schedules_and_ends = select_schedules().values_list(
        *("sync_type", "every", "first_at", "enabled", "counted_from", "requested_slot", "patient_since"),
        *("last_success_id", "last_end_id"),
        models.Subquery(left_open.order_by().values("closed_at").annotate(count=models.Count("pk")).values("count")),
        models.Subquery(unseen.values("seen_at").annotate(count=models.Count("pk")).values("count")),
        models.Subquery(last_to_expire.values("expires_at")[:1]),
        *(models.Subquery(SyncLock.objects.values(name)[:1]) for name in ("holder", "token", "leased_until")),
        *(models.Subquery(rejected.values(name)[:1]) for name in ("at", "attempt")),
        *(
            models.Subquery(last_day.values(name)[:1])
            for name in ("day", "logins", "is_login_missed", "exports", "looks")
        ),
    )
    unfinished = (runs.values_list(*UNFINISHED) for runs in (SyncRun.objects.queued(), SyncRun.objects.running()))
    workers = SyncWorker.objects.order_by("pk").values_list("name", "started_at", "seen_at", "stopped_at")
    facts = [list(rows) for rows in (schedules_and_ends.order_by("pk"), *unfinished, workers)]
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:20]
