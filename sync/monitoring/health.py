"""Whether the mirror can be trusted: reading the status of all lists and of what syncs them.

Everything is read from rows, in a number of queries that does not grow with them; the API, the admin and the command
line show what `get_status()` says.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from statistics import median
from typing import Any

from django.db import models

from sync import disk
from sync.coordinator import schedules, turns
from sync.coordinator.turns import WaitsFor
from sync.database import clock
from sync.erp import allowance
from sync.erp import login as erp_login
from sync.mirror.column_drift import find_unseen_drifts
from sync.models import OrderFormSession, SyncLock, SyncRun, SyncSchedule, SyncWorker
from sync.models.runs import SyncRunQuerySet
from sync.monitoring.status import SyncStatus, TypeHealth, find_wrong_clocks
from sync.service import list_smart_types, list_types

PAUSES_COUNT_FOR = timedelta(days=1)  # what is older than that is late, whatever kept it waiting
USUAL_OF = 20  # successes that the usual duration is the median of


def get_status() -> SyncStatus:
    now = clock.now()
    sessions = list(OrderFormSession.objects.live(now).select_related("user").order_by("opened_at"))
    current = SyncRun.objects.running().first()
    queued = list(turns.find_queued(now))
    runnable = [run for run in queued if run.waits_for == WaitsFor.TURN]
    waiting = [run for run in queued if run.waits_for != WaitsFor.TURN]
    waiting.sort(key=lambda run: (-run.priority, run.requested_at, run.pk))
    rejected = erp_login.find_rejected_login()
    today = allowance.read_allowance(now)
    workers = sorted(
        SyncWorker.objects.order_by("-seen_at"), key=lambda worker: list(SyncWorker.State).index(worker.state)
    )
    return SyncStatus(
        at=now,
        types=assess_types(
            now,
            current=current,
            queued=runnable + waiting,
            is_due=rejected is None,
            not_before=today.resumes_at if today else None,
        ),
        lock=SyncLock.objects.first() or SyncLock(),
        current=current,
        queue=runnable + waiting,
        sessions=sessions,
        workers=workers,
        wrong_clocks=find_wrong_clocks(workers),
        volumes=disk.list_volumes(),
        rejected_login=rejected,
        allowance=today,
    )


def assess_types(
    now: datetime, *, current: SyncRun | None, queued: list[SyncRun], is_due: bool, not_before: datetime | None
) -> list[TypeHealth]:
    """The health of each type, the most urgent first.

    `is_due` says whether any schedule makes a run as things are, and `not_before` when the first does.
    """
    paused = models.ExpressionWrapper(turns.is_paused_by_forms(now), output_field=models.BooleanField())
    rows = {row.sync_type: row for row in select_schedules().annotate(paused_by_forms=paused)}
    runs = SyncRun.objects.in_bulk({pk for row in rows.values() for pk in (row.last_success_id, row.last_end_id) if pk})
    drifts = find_unseen_drifts()
    pauses = find_pauses(now, list(runs.values()))
    found = []
    for name in list_types():
        if name not in rows:
            continue
        row = rows[name]
        last_success = runs.get(row.last_success_id)
        failed = SyncRun.objects.for_type(name).unsuccessful()
        if last_success:
            failed = failed.filter(finished_at__gt=last_success.finished_at)
        failures = failed.count()
        found.append(
            TypeHealth(
                at=now,
                schedule=row,
                last_success=last_success,
                records=row.records,
                last_end=runs.get(row.last_end_id),
                consecutive_failures=failures,
                usual_duration=find_usual_duration(name),
                current=current if current and current.sync_type == name else None,
                queued=[run for run in queued if run.sync_type == name],
                next_due=schedules.find_next_due(row, now=now, is_failing=failures > 0, not_before=not_before)
                if is_due
                else None,
                paused_by_forms=row.paused_by_forms,
                pauses=[] if name in list_smart_types() else pauses,
                drifts=[drift for drift in drifts if drift.sync_type == name],
            )
        )
    return found


def find_pauses(now: datetime, runs: list[SyncRun]) -> list[turns.Pause]:
    """Those that the age of what the runs exported may have to do with."""
    exported = [run.exported_at for run in runs if run.exported_at]
    return turns.find_pauses(max(min(exported, default=now), now - PAUSES_COUNT_FOR))


def select_schedules() -> Any:
    """Schedules with their type's last success that left nothing to another run, its last end, and how many records.

    A smart run that saw one page of the list is neither: it says nothing of the rest.
    """
    runs = SyncRun.objects.filter(sync_type=models.OuterRef("sync_type"))
    successes = select_whole_successes(runs)
    return SyncSchedule.objects.annotate(
        last_success_id=models.Subquery(successes.values("pk")[:1]),
        records=models.Subquery(successes.from_exports().values("read")[:1]),
        last_end_id=models.Subquery(runs.finished_by_themselves().order_by("-finished_at").values("pk")[:1]),
    )


def select_whole_successes(runs: SyncRunQuerySet) -> SyncRunQuerySet:
    """Those of these runs after which the mirror showed the whole list, the last first."""
    return runs.succeeded().about_whole_list().filter(left=0).order_by("-finished_at")


def find_fresh_times() -> dict[str, datetime | None]:
    """As of when each list is fresh, as `TypeHealth.fresh_as_of` says it of one, by the list's name; one query."""
    successes = select_whole_successes(SyncRun.objects.filter(sync_type=models.OuterRef("sync_type")))
    times = SyncSchedule.objects.annotate(fresh_as_of=models.Subquery(successes.values("exported_at")[:1]))
    return dict.fromkeys(list_types()) | dict(times.values_list("sync_type", "fresh_as_of"))


def find_usual_duration(sync_type: str) -> timedelta | None:
    """The median of the last successes that read an export."""
    exports = SyncRun.objects.succeeded().from_exports().for_type(sync_type)
    last = exports.exclude(mode=SyncRun.Mode.SMART).order_by("-finished_at")
    durations = [run.duration for run in last.only("started_at", "finished_at")[:USUAL_OF] if run.duration]
    return median(durations) if durations else None  # type: ignore[type-var]  # durations can be added and halved
