"""A day of syncs: what ran when and how it ended, what waited, what order forms paused, what is due.

An hour has 60 times settings.SCHEDULE_MINUTE: where schedules are shorter than usual, so is the day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, starmap
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import Q

from sync.models import OrderFormSession, SyncRun
from sync.monitoring.status import SyncStatus
from sync.service import list_smart_types

HOUR: timedelta = 60 * settings.SCHEDULE_MINUTE
BEHIND = 24 * HOUR
AHEAD = 2 * HOUR
MOST_RUNS = 3000  # of the latest; at the usual intervals a day has about 300
MOST_SESSIONS = 1000

Status = SyncRun.Status


class Ran(NamedTuple):
    """What the day needs of a run. A thousand whole ones would take the most of its time."""

    pk: int
    sync_type: str
    status: str
    mode: str
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    ended_attempts: list[dict[str, Any]]
    created: int
    updated: int
    missing: int
    removed: int
    error_text: str


@dataclass(frozen=True)
class Attempt:
    """One go at a run. `ended` is what was kept of it if the run came back to the queue: why, and with which error."""

    run: Ran
    start: datetime
    end: datetime
    ended: dict[str, Any] | None = None


@dataclass(frozen=True)
class Stretch:
    """A time in which something waited, or was paused."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class TypeDay:
    """One sync type's day."""

    sync_type: str
    attempts: list[Attempt]
    waits: list[Stretch]
    pauses: list[Stretch]
    due: list[datetime]  # at which it will run by itself
    usual_duration: timedelta


@dataclass(frozen=True)
class Day:
    """From `start` over `now` to `end`."""

    start: datetime
    now: datetime
    end: datetime
    types: list[TypeDay]


def find_day(status: SyncStatus) -> Day:
    """The day before a status, and what is due after it. Three queries, however much happened."""
    now, start, end = status.at, status.at - BEHIND, status.at + AHEAD
    runs = list(find_runs(start))
    pauses = list(join_stretches(find_pauses(start, until=end)))
    days = []
    for each in status.types:
        mine = [run for run in runs if run.sync_type == each.sync_type]
        days.append(
            TypeDay(
                sync_type=each.sync_type,
                attempts=[attempt for run in mine for attempt in find_attempts(run, now) if attempt.end > start],
                waits=[wait for run in mine for wait in find_waits(run, now) if wait.end > start],
                pauses=[] if each.sync_type in list_smart_types() else pauses,
                due=list(find_due_times(each.next_due, each.schedule.interval, end)),
                usual_duration=each.usual_duration or timedelta(0),
            )
        )
    return Day(start, now, end, days)


def find_runs(start: datetime) -> Iterator[Ran]:
    """Those that ended since, the latest first, after those that have not ended."""
    runs = SyncRun.objects.values_list(*Ran._fields)
    unfinished = runs.filter(Q(status=Status.QUEUED) | Q(status=Status.RUNNING))
    ended = runs.filter(finished_at__gte=start).order_by("-finished_at")[:MOST_RUNS]
    yield from starmap(Ran, chain(unfinished, ended))


def find_attempts(run: Ran, now: datetime) -> Iterator[Attempt]:
    for ended in run.ended_attempts:
        if ended.get("startedAt") and ended.get("endedAt"):
            start, end = (datetime.fromisoformat(ended[name]) for name in ("startedAt", "endedAt"))
            yield Attempt(run, start, end, ended)
    if run.started_at and run.status != Status.QUEUED and not was_cancelled_while_it_waited(run):
        yield Attempt(run, run.started_at, run.finished_at or now)


def was_cancelled_while_it_waited(run: Ran) -> bool:
    """Whether its last start is the one of an attempt that had ended already."""
    starts = {ended.get("startedAt") for ended in run.ended_attempts}
    return bool(run.started_at) and run.started_at.isoformat() in starts  # type: ignore[union-attr]


def find_waits(run: Ran, now: datetime) -> Iterator[Stretch]:
    """Until it was started, and from each attempt to the next."""
    attempts = list(find_attempts(run, now))
    ends = [run.requested_at, *(attempt.end for attempt in attempts)]
    starts = [attempt.start for attempt in attempts]
    if run.status == Status.QUEUED or (run.finished_at and run.finished_at > ends[-1]):
        starts.append(run.finished_at or now)
    yield from (Stretch(end, start) for end, start in zip(ends, starts, strict=False) if start > end)


def find_pauses(start: datetime, *, until: datetime) -> Iterator[Stretch]:
    """When order forms were open, the earliest first."""
    sessions = OrderFormSession.objects.filter(expires_at__gt=start).order_by("-opened_at")
    for opened, expires, closed in reversed(
        sessions.values_list("opened_at", "expires_at", "closed_at")[:MOST_SESSIONS]
    ):
        if (end := min(closed or expires, until)) > max(start, opened):
            yield Stretch(max(start, opened), end)


def join_stretches(stretches: Iterable[Stretch]) -> Iterator[Stretch]:
    """Stretches in their order, those that overlap as one."""
    current: Stretch | None = None
    for stretch in stretches:
        if current and stretch.start <= current.end:
            current = Stretch(current.start, max(current.end, stretch.end))
        else:
            if current:
                yield current
            current = stretch
    if current:
        yield current


def find_due_times(first: datetime | None, interval: timedelta, end: datetime) -> Iterator[datetime]:
    at = first
    while at and at <= end:
        yield at
        at += interval
