"""Waking workers: tasks of django-q2 without data, whenever there is something to do and at the times of schedules."""

from __future__ import annotations

import ast
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django_q.conf import Conf
from django_q.models import OrmQ, Schedule
from django_q.tasks import async_task

from sync.database import clock
from sync.disk import skip_if_disk_full
from sync.models import SyncSchedule

MINUTE = timedelta(minutes=1)
TICK = "sync tick"
TICK_MAY_DIFFER = timedelta(minutes=2)  # from when it is due: django-q2 looks every 30 seconds, and may be busy


def wake_worker() -> None:
    """Have a worker drain the queue once this transaction is committed."""
    transaction.on_commit(enqueue)


def enqueue(task: str = "sync.tasks.drain") -> None:
    """Have a worker do one of our tasks, unless one waits for it: whichever it is drains the queue when delivered."""
    if not OrmQ.objects.filter(key=Conf.CLUSTER_NAME, lock__lte=clock.now()).exists():
        with skip_if_disk_full("No worker could be woken; a running worker finds what is queued by itself"):
            async_task(task)


# django-q2's schedules


def update_wake_ups() -> None:
    """Make the django-q2 schedules what the SyncSchedule rows say, whatever somebody did to them."""
    for schedule in SyncSchedule.objects.all():
        update_wake_up(schedule)
    save_wake_up(TICK, build_wake_up("sync.tasks.tick", 1))


def wake_if_overdue() -> None:
    """Have a worker tick if django-q2 does not: the clock of the machine that keeps its schedules is wrong, or was.

    Whoever serves or works calls this now and then.
    """
    now = clock.now()
    tick = Schedule.objects.filter(name=TICK).order_by("pk").first()
    if tick and abs(tick.next_run - now) > TICK_MAY_DIFFER:
        mended = Schedule.objects.filter(pk=tick.pk, next_run=tick.next_run).update(next_run=now + MINUTE)
        if mended:
            enqueue("sync.tasks.tick")


def update_wake_up(schedule: SyncSchedule) -> None:
    """Make, or mend, the django-q2 schedule of a type."""
    wanted = build_wake_up("sync.tasks.scheduled", max(1, schedule.interval // MINUTE))
    wanted["args"] = f"'{schedule.sync_type}',"
    if not schedule.enabled or schedule.sync_type not in settings.SYNC_TYPES:
        wanted["repeats"] = 0
    now = clock.now()
    row = save_wake_up(f"sync {schedule.sync_type}", wanted)
    if not is_in_phase(row, schedule, now):
        Schedule.objects.filter(pk=row.pk).update(next_run=schedule.find_next_slot(now))


def build_wake_up(func: str, minutes: int) -> dict[str, Any]:
    """A django-q2 schedule's fields, but for when it runs next."""
    return {
        "func": func,
        "args": "",
        "kwargs": "",
        "hook": "",
        "schedule_type": Schedule.MINUTES,
        "minutes": minutes,
        "repeats": -1,
        "cluster": None,
    }


def save_wake_up(name: str, wanted: dict[str, Any]) -> Schedule:
    """The one row of this name, with these fields. A row that is as it should be is not touched."""
    row, *others = Schedule.objects.filter(name=name).order_by("pk") or [Schedule.objects.create(name=name, **wanted)]
    for other in others:
        other.delete()
    changes = {field: value for field, value in wanted.items() if getattr(row, field) != value}
    if changes:
        Schedule.objects.filter(pk=row.pk).update(**changes)
    return row


def is_in_phase(row: Schedule, schedule: SyncSchedule, now: datetime) -> bool:
    """Whether a wake-up falls on a slot: the next one, or one that django-q2 has yet to deliver."""
    if row.next_run is None or row.next_run > schedule.find_next_slot(now):
        return False
    off_phase: timedelta = (row.next_run - schedule.first_slot) % schedule.interval
    return not off_phase


def check_arguments(instance: Schedule, **_: Any) -> None:
    """Keep out a schedule whose arguments cannot be read: django-q2 would deliver none of the others either."""
    try:
        ast.literal_eval(instance.args or "None")
    except (SyntaxError, ValueError) as error:
        raise ValidationError(f"The arguments of schedule {instance.name} cannot be read: {instance.args}") from error
