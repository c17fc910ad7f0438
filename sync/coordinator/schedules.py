"""When each type syncs by itself: SyncSchedule rows.

A schedule's slots are counted from a start that never moves. The latest slot is claimed by one conditional UPDATE, so
that a wake-up that comes twice, late, or not at all makes one run of it: after hours of downtime one per type.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.apps import apps as all_apps
from django.apps.registry import Apps
from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q

from sync.coordinator import queue, wake_ups
from sync.database import clock
from sync.database.deadlocks import retry_deadlocks
from sync.erp import allowance
from sync.erp import login as erp_login
from sync.exceptions import InvalidSchedule
from sync.messages import Message
from sync.models import SyncEvent, SyncLock, SyncRun, SyncSchedule

LONGEST_INTERVAL = timedelta(hours=4)  # to which it doubles


# What is due


def request_due(sync_type: str | None = None) -> list[SyncRun]:
    """Queue a run of each type, or of this one, whose latest slot was not requested yet.

    None while the ERP's login is rejected, outside its hours, and once the exports of the day are spent: what is due
    meanwhile is queued once that has changed, one run of each type.
    """
    today = allowance.read_allowance(clock.now())
    if erp_login.find_rejected_login() or (today and today.resumes_at):
        return []
    schedules = SyncSchedule.objects.filter(enabled=True, sync_type__in=settings.SYNC_TYPES)
    if sync_type:
        schedules = schedules.filter(sync_type=sync_type)
    requested = (request_if_due(schedule) for schedule in schedules)
    return [run for run in requested if run]


@retry_deadlocks
def request_if_due(schedule: SyncSchedule) -> SyncRun | None:
    now = clock.now()
    latest = schedule.find_latest_slot(now)
    if latest is None or (schedule.requested_slot and latest <= schedule.requested_slot):
        return None  # failures are counted only if there is a slot to ask for
    slot = find_next_claim(schedule, now=now)
    if slot is None or slot > now:
        return None
    unclaimed = Q(requested_slot=None) | Q(requested_slot__lt=slot)
    with transaction.atomic():
        claimed = SyncSchedule.objects.filter(unclaimed, pk=schedule.pk, enabled=True).update(requested_slot=slot)
        return queue.request_sync(schedule.sync_type, trigger=SyncRun.Trigger.SCHEDULE) if claimed else None


def compute_back_off(interval: timedelta, *, failures: int) -> timedelta:
    """The interval after so many failures in a row."""
    if failures < SyncSchedule.FAILURES_ENDURED:
        return timedelta(0)  # any later slot will do
    doublings = min(failures - SyncSchedule.FAILURES_ENDURED + 1, 10)  # 180 minutes are past the longest after one
    longer: timedelta = min(interval * 2**doublings, LONGEST_INTERVAL)
    return max(interval, longer)


def find_next_due(
    schedule: SyncSchedule, *, now: datetime, is_failing: bool = True, not_before: datetime | None = None
) -> datetime | None:
    """When the next run will be requested; None if the schedule is disabled.

    What falls outside the ERP's hours, or before `not_before`, is requested when these have passed.
    """
    slot = find_next_claim(schedule, now=now, is_failing=is_failing)
    return slot and allowance.find_hours().find_opening(max(slot, not_before or slot))


def find_next_claim(schedule: SyncSchedule, *, now: datetime, is_failing: bool = True) -> datetime | None:
    """The next slot for which a run will be requested; None if the schedule is disabled.

    If the type keeps failing, it comes a back-off after the last one that was requested.
    """
    if not schedule.enabled:
        return None
    latest = schedule.find_latest_slot(now)
    if latest and (schedule.requested_slot is None or latest > schedule.requested_slot):
        slot = latest
    else:
        slot = schedule.find_next_slot(now)
    if schedule.requested_slot and is_failing:
        earliest = schedule.requested_slot + compute_back_off(
            schedule.interval, failures=schedule.find_failures().count()
        )
        while slot < earliest:
            slot += schedule.interval
    return slot


# Rows


@retry_deadlocks
def change_schedule(
    sync_type: str,
    *,
    every: int | None = None,
    first_at: int | None = None,
    enabled: bool | None = None,
    by: User | None = None,
) -> SyncSchedule:
    """Change when a type syncs, from now on and without a restart; no other type's schedule moves.

    `every` and `first_at` are minutes, from 5 to 180 and from 0 to 1440. Raises InvalidSchedule.
    """
    given = {"every": every, "first_at": first_at, "enabled": enabled}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    with transaction.atomic():
        schedule = SyncSchedule.objects.get(sync_type=sync_type)
        for name, value in changes.items():
            setattr(schedule, name, value)
        try:
            schedule.clean_fields()
        except ValidationError as error:
            raise InvalidSchedule(sync_type=Message(sync_type), reason=" ".join(error.messages)) from None
        schedule.save(update_fields=list(changes))
        wake_ups.update_wake_up(schedule)
        SyncEvent.objects.record(SyncEvent.Kind.SCHEDULE_CHANGED, sync_type=sync_type, by=by, **changes)
    return schedule


def create_missing_rows(apps: Apps = all_apps, **_: Any) -> None:
    """Make the lock and a schedule for every type that has none, and wake-ups for them: after each migrate."""
    if "synclock" not in apps.all_models["sync"]:  # migrated to before there was one
        return
    SyncLock.objects.bulk_create([SyncLock(pk=SyncLock.THE_ROW)], ignore_conflicts=True)
    shared = SyncSchedule.objects.order_by("counted_from").values_list("counted_from", flat=True).first()
    start = shared or clock.now().replace(second=0, microsecond=0)
    SyncSchedule.objects.bulk_create(
        [
            SyncSchedule(
                sync_type=sync_type,
                every=declared["every"] // wake_ups.MINUTE,
                first_at=declared["first_at"] // wake_ups.MINUTE,
                counted_from=start,
            )
            for sync_type, declared in settings.SYNC_TYPES.items()
        ],
        ignore_conflicts=True,
    )
    wake_ups.update_wake_ups()
