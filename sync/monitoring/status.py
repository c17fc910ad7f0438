"""The status of the mirror at one moment: the state of every type, the lock, order forms, the queue, the workers."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings

from sync import disk
from sync.coordinator.turns import Pause, WaitsFor
from sync.database import clock
from sync.erp import allowance
from sync.erp.allowance import Allowance
from sync.exceptions import ErpLoginRejected
from sync.messages import Message
from sync.models import (
    ColumnDrift,
    OrderFormSession,
    RejectedLogin,
    SyncLock,
    SyncRun,
    SyncSchedule,
    SyncWorker,
)
from sync.service import list_types

GRACE = timedelta(minutes=10)  # that a type may be older than its interval: a run takes its time, and waits its turn
LONGEST_UNCHANGED = timedelta(minutes=1)  # that a status is taken to hold, whatever the clock does
CLOCKS_AGREE = timedelta(seconds=5)  # as far as clocks do that a network keeps right

Status = SyncRun.Status


class State(StrEnum):
    """What can be said of a sync type; the first that holds."""

    QUARANTINED = "quarantined"  # its last export waits for a decision
    FAILING = "failing"  # its last run failed
    NEVER = "never"  # it never succeeded
    PAUSED = "paused"  # order forms keep its run waiting, no longer than they may
    OLD = "old"  # as late, but its schedule is disabled: nothing newer comes by itself
    RETRYING = "retrying"  # an attempt failed, and another one is to come by itself; what it shows is still fresh
    LATE = "late"  # what it shows is older than its interval and the grace
    HEALTHY = "healthy"


TRUSTED = (State.HEALTHY, State.PAUSED, State.RETRYING)


class Activity(StrEnum):
    """What a sync type is doing, or did last."""

    IDLE = "idle"  # nothing was ever done
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    ERROR = "error"


@dataclass(frozen=True)
class TypeHealth:
    """One sync type at one moment."""

    at: datetime
    schedule: SyncSchedule
    last_success: SyncRun | None  # after which the mirror showed the whole list
    records: int | None  # of the last export that was applied
    last_end: SyncRun | None
    consecutive_failures: int
    usual_duration: timedelta | None
    current: SyncRun | None
    queued: list[SyncRun]
    next_due: datetime | None
    paused_by_forms: bool  # what becomes due waits for them
    pauses: list[Pause]  # of late, by order forms; in order, apart from each other
    drifts: list[ColumnDrift]  # changes of its columns that nobody has seen

    @property
    def sync_type(self) -> str:
        return self.schedule.sync_type

    @property
    def enabled(self) -> bool:
        return self.schedule.enabled

    @property
    def fresh_as_of(self) -> datetime | None:
        """When the export behind the last success was fetched."""
        return self.last_success.exported_at if self.last_success else None

    @property
    def late_at(self) -> datetime | None:
        """When what it shows is too old to be trusted, if nothing comes; None if it shows nothing yet.

        Only time within the ERP's hours counts in which no order form paused it; and when these begin, or the forms
        are left, a run has the grace.
        """
        late_at, longest = self.late_unpaused_at, self.late_for_forms_at
        if self.fresh_as_of is None or late_at is None or longest is None:
            return None
        hours = allowance.find_hours()
        for pause in self.pauses:
            begins = max(pause.begins, self.fresh_as_of)
            if begins < min(pause.ends, late_at):
                late_at = hours.add_open_time(late_at, pause.ends - begins)
                late_at = max(late_at, hours.add_open_time(pause.ends, GRACE))
        return min(late_at, longest)

    @property
    def late_unpaused_at(self) -> datetime | None:
        """When that would be so if no order form had paused it."""
        if self.fresh_as_of is None:
            return None
        hours = allowance.find_hours()
        late_at = hours.add_open_time(self.fresh_as_of, self.schedule.interval + GRACE)
        return late_at if hours.is_always else max(late_at, hours.find_window(late_at).opens + GRACE)

    @property
    def late_for_forms_at(self) -> datetime | None:
        """When that is so though order forms keep it waiting, or did: they may for so long."""
        unpaused = self.late_unpaused_at
        return allowance.find_hours().add_open_time(unpaused, settings.SYNC_LONGEST_PAUSE) if unpaused else None

    @property
    def state(self) -> State:
        if self.last_end and self.last_end.status == Status.QUARANTINED:
            return State.QUARANTINED
        if self.last_end and self.last_end.status == Status.FAILED:
            return State.FAILING
        if self.late_at is None or self.late_for_forms_at is None:
            return State.NEVER
        if self.at <= self.late_for_forms_at and any(run.waits_for == WaitsFor.FORMS for run in self.queued):
            return State.PAUSED
        if self.at <= self.late_at:
            return State.RETRYING if self.retried else State.HEALTHY
        return State.LATE if self.enabled else State.OLD

    @property
    def is_trusted(self) -> bool:
        return self.state in TRUSTED

    @property
    def retried(self) -> list[SyncRun]:
        """Its runs of which an attempt failed, and that are tried again by themselves."""
        return [run for run in (self.current, *self.queued) if run and run.failed_attempt]

    @property
    def waits_for_login(self) -> bool:
        """Whether it is in no other trouble than that the ERP, while that is so, does not accept the login."""
        if self.state == State.FAILING:
            return self.failure is not None and self.failure.error_class == ErpLoginRejected.__name__
        return self.state in (State.NEVER, State.LATE)

    @property
    def last_duration(self) -> timedelta | None:
        return self.last_success.duration if self.last_success else None

    @property
    def activity_run(self) -> SyncRun | None:
        """The run that its activity is about."""
        return self.current or next(iter(self.queued), None) or self.last_end

    @property
    def activity(self) -> Activity:
        match self.activity_run:
            case None:
                return Activity.IDLE
            case SyncRun(status=Status.RUNNING):
                return Activity.RUNNING
            case SyncRun(status=Status.QUEUED):
                return Activity.QUEUED
            case SyncRun(status=Status.SUCCEEDED):
                return Activity.COMPLETED
        return Activity.ERROR

    @property
    def queued_ids(self) -> list[int]:
        return [run.pk for run in self.queued]

    @property
    def failure(self) -> SyncRun | None:
        """The last run, if it ended without success."""
        return self.last_end.failure if self.last_end else None

    @property
    def error(self) -> Message | None:
        """What the last run ended with."""
        if self.failure is None:
            return None
        return Message("{error_class}: {text}", error_class=self.failure.error_class, text=self.failure.error_text)


@dataclass(frozen=True)
class WrongClock:
    """A machine whose clock is not the database's: `ahead` of it, or behind if that is less than nothing."""

    machine: str
    ahead: timedelta

    @property
    def seconds_ahead(self) -> float:
        return self.ahead.total_seconds()


def find_wrong_clocks(workers: list[SyncWorker]) -> list[WrongClock]:
    """The machines of workers, and this one, whose clock differs from the database's by more than a few seconds."""
    last = {worker.machine: worker.clock_ahead for worker in reversed(workers) if worker.is_alive}
    clocks = last | {socket.gethostname(): clock.measure_lead()}
    return [WrongClock(machine, ahead) for machine, ahead in clocks.items() if abs(ahead) > CLOCKS_AGREE]


@dataclass(frozen=True)
class SyncStatus:
    """Everything at one moment."""

    at: datetime
    types: list[TypeHealth]
    lock: SyncLock
    current: SyncRun | None
    queue: list[SyncRun]  # the most urgent first; those that may not start yet at the end
    sessions: list[OrderFormSession]
    workers: list[SyncWorker]  # those that live, then the silent, then the stopped
    wrong_clocks: list[WrongClock]
    volumes: list[disk.Volume]
    rejected_login: RejectedLogin | None  # which keeps every list from being synced
    allowance: Allowance | None  # what the ERP may be asked for today; None if it is a folder

    @property
    def has_worker(self) -> bool:
        """Whether a worker lives."""
        return any(worker.is_alive for worker in self.workers)

    @property
    def worker(self) -> SyncWorker | None:
        """The one that was heard of last, of those that live, if any does."""
        return max(self.workers, key=lambda worker: (worker.is_alive, worker.seen_at), default=None)

    @property
    def session_count(self) -> int:
        return len(self.sessions)

    @property
    def is_paused(self) -> bool:
        return bool(self.sessions)

    @property
    def paused_until(self) -> datetime | None:
        """When the last session ends by itself, if nobody uses it any more."""
        return max((session.expires_at for session in self.sessions), default=None)

    @property
    def is_healthy(self) -> bool:
        is_full = any(volume.is_full for volume in self.volumes)
        return self.has_worker and not self.untrusted and not self.rejected_login and not is_full

    @property
    def untrusted(self) -> list[str]:
        """The types that cannot be trusted, the most urgent first."""
        trusted = {each.sync_type for each in self.types if each.is_trusted}
        return [name for name in list_types() if name not in trusted]

    @property
    def without_schedule(self) -> list[str]:
        """The types whose state is not known."""
        return [name for name in list_types() if name not in self.by_type]

    @property
    def by_type(self) -> dict[str, TypeHealth]:
        return {each.sync_type: each for each in self.types}

    @property
    def changes_by_itself_at(self) -> datetime:
        """The next moment at which something said here is no longer so, though nothing happens until then."""
        moments = [self.at + LONGEST_UNCHANGED, self.lock.leased_until]
        moments += [session.expires_at for session in self.sessions]
        moments += [
            moment
            for each in self.types
            for moment in (each.late_at, each.late_for_forms_at, each.schedule.find_next_slot(self.at))
        ]
        moments += [moment for run in self.queue for moment in (run.not_before, run.overdue_at)]
        if self.allowance:
            moments += [self.allowance.resumes_at, self.allowance.closes_at, allowance.find_midnight(self.at)]
        moments += [worker.seen_at + SyncWorker.SILENT_AFTER for worker in self.workers if worker.is_alive]
        return min(moment for moment in moments if moment and moment > self.at)
