"""Asking for a run: every page, command and schedule comes through here."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, models, transaction

from sync.coordinator import turns, wake_ups
from sync.database import clock
from sync.database.deadlocks import retry_deadlocks
from sync.erp import login as erp_login
from sync.exceptions import CannotAccept, CannotForce, NotMirrored
from sync.messages import Message, gettext_noop
from sync.models import SyncEvent, SyncRun, SyncSchedule
from sync.models.runs import TRIES

Kind = SyncEvent.Kind
Mode = SyncRun.Mode
Trigger = SyncRun.Trigger
BY_A_PERSON = (Trigger.MANUAL, Trigger.ADMIN, Trigger.API, Trigger.RETRY)  # who asks ends a type's back-off
SMART_PRIORITY = 100  # above all that a person can ask for


@retry_deadlocks
def request_sync(
    sync_type: str,
    *,
    trigger: SyncRun.Trigger,
    mode: str = Mode.AUTO,
    priority: int | None = None,
    by: User | None = None,
    given_file: Path | None = None,
    not_before: datetime | None = None,
    retries: SyncRun | None = None,
    search: str = "",
    ignores_hours: bool = False,
) -> SyncRun:
    """Queue a run of a type, or strengthen the one that is queued already, and wake a worker.

    `given_file` is an export to read instead of the ERP's; such a run is always one of its own, and smart runs are
    strengthened only by smart ones with the same `search`, a text that these look for in the ERP's list. With
    `ignores_hours`, which is an administrator's to say, it starts although the ERP's hours are over, or the exports of
    the day are spent. Raises NotMirrored for a type that settings.SYNC_TYPES does not have.
    """
    if sync_type not in settings.SYNC_TYPES:
        raise NotMirrored(sync_type=Message(sync_type))
    if priority is None:
        priority = SMART_PRIORITY if mode == Mode.SMART else settings.SYNC_TYPES[sync_type]["priority"]
    insert = partial(
        insert_run,
        sync_type=sync_type,
        mode=mode,
        priority=priority,
        trigger=trigger,
        requested_by=by,
        given_file=str(given_file or ""),
        not_before=not_before,
        retries=retries,
        search=search,
        ignores_hours=ignores_hours,
    )
    strengthen = partial(
        strengthen_run,
        sync_type,
        mode=mode,
        priority=priority,
        trigger=trigger,
        by=by,
        search=search,
        ignores_hours=ignores_hours,
    )
    if not given_file:
        for _ in range(TRIES):  # the one that is queued may be started in between
            with suppress(IntegrityError):
                return insert()
            if queued := strengthen():
                return queued
    return insert()


def insert_run(**fields: Any) -> SyncRun:
    """A new run in the queue. Raises IntegrityError if it must not stand there beside another."""
    with transaction.atomic():
        note_request(fields["sync_type"], fields["trigger"])
        run = SyncRun.objects.create(**fields)
        forced: dict[str, Any] = {"ignores_hours": True} if run.ignores_hours else {}
        SyncEvent.objects.record(
            Kind.RUN_QUEUED, run=run, by=run.requested_by, trigger=run.trigger, mode=run.mode, **forced
        )
        if run.trigger in BY_A_PERSON:
            erp_login.allow_attempt(run)
    return run


def note_request(sync_type: str, trigger: str) -> None:
    """Wake a worker for a request, and end the type's back-off if it is a person's.

    Called before a run's row is touched: whoever takes a schedule's row and a run's takes them in this order.
    """
    if trigger in BY_A_PERSON:
        SyncSchedule.objects.filter(sync_type=sync_type).update(patient_since=clock.now())
    wake_ups.wake_worker()


def strengthen_run(
    sync_type: str,
    *,
    mode: str,
    priority: int,
    trigger: SyncRun.Trigger,
    by: User | None,
    search: str,
    ignores_hours: bool,
) -> SyncRun | None:
    """The type's queued run, made at least as urgent and as thorough.

    A schedule is content with what waits; whoever else asks wants it now, and the list as it is now: a run that a
    schedule asked for is his from then on, so that no look takes the place of its export.
    """
    mergeable = SyncRun.objects.queued().for_type(sync_type).mergeable(mode, search)
    changes: dict[str, Any] = {"priority": models.functions.Greatest(models.F("priority"), models.Value(priority))}
    if mode != Mode.SMART:
        weaker = SyncRun.STRONGEST_FIRST[SyncRun.STRONGEST_FIRST.index(Mode(mode)) :]
        changes["mode"] = models.Case(models.When(mode__in=weaker, then=models.Value(mode)), default=models.F("mode"))
    if trigger != Trigger.SCHEDULE:
        scheduled = models.When(trigger=Trigger.SCHEDULE, then=models.Value(trigger))
        changes |= {
            "not_before": None,
            "export_path": "",
            "trigger": models.Case(scheduled, default=models.F("trigger")),
        }
    forced: dict[str, Any] = {"ignores_hours": True} if ignores_hours else {}
    changes |= forced
    with transaction.atomic():
        note_request(sync_type, trigger)
        queued = mergeable.first()
        if queued is None or not mergeable.filter(pk=queued.pk).update(**changes):
            return None
        if "export_path" in changes:
            queued.forget_export()
        before = {name: getattr(queued, name) for name in changes}
        queued.refresh_from_db()
        if before != {name: getattr(queued, name) for name in changes}:
            SyncEvent.objects.record(
                Kind.RUN_STRENGTHENED, run=queued, by=by, trigger=trigger, mode=mode, priority=priority, **forced
            )
        if trigger in BY_A_PERSON:
            erp_login.allow_attempt(queued)
        return queued


def force(run: SyncRun, *, by: User | None = None) -> SyncRun:
    """Let a queued run start outside the ERP's hours, and although the exports of the day are spent.

    Raises CannotForce for one that does not wait for that.
    """
    if turns.find_what_it_waits_for(run) not in (turns.WaitsFor.HOURS, turns.WaitsFor.ALLOWANCE):
        run.refresh_from_db()
        raise CannotForce(run=run.pk, status=Message(run.status))
    return request_sync(
        run.sync_type, mode=run.mode, trigger=Trigger.ADMIN, by=by, search=run.search, ignores_hours=True
    )


# Doing a run's work again


def retry(run: SyncRun, *, by: User | None = None) -> SyncRun:
    """Queue a run that does again what a finished one was to do. Raises CannotRetry."""
    if error := run.cannot_retry():
        raise error
    return request_sync(
        run.sync_type,
        mode=Mode.AUTO if run.mode == Mode.SMART else run.mode,
        trigger=Trigger.RETRY,
        by=by,
        given_file=Path(run.given_file) if run.given_file else None,
        retries=run,
    )


@retry_deadlocks
def accept(run: SyncRun, *, by: User | None = None) -> SyncRun:
    """Queue a run that applies a quarantined export after all. Raises CannotAccept."""
    if error := run.cannot_accept():
        raise error
    try:
        return insert_run(
            sync_type=run.sync_type,
            mode=Mode.FULL,
            priority=run.priority,
            trigger=Trigger.ACCEPT,
            requested_by=by,
            accepts=run,
        )
    except IntegrityError:  # by somebody else, just now
        raise CannotAccept(run=run.pk, reason=Message(gettext_noop("it has been accepted already."))) from None
