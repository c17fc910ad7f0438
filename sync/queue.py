"""Asking for a run: every door comes through here."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Case, F, Value, When
from django.db.models.functions import Greatest

from sync.exceptions import CannotAccept
from sync.models import SyncRun

Mode = SyncRun.Mode
STRONGEST_FIRST = (Mode.FULL, Mode.AUTO, Mode.INCREMENTAL)


def request_sync(
    sync_type: str,
    *,
    trigger: SyncRun.Trigger,
    mode: str = Mode.AUTO,
    priority: int | None = None,
    by: User | None = None,
    given_file: Path | None = None,
) -> SyncRun:
    """Queue a run of a type, or strengthen the one that is queued already.

    `given_file` is an export to read instead of the ERP's; such a run, and a smart one, is always one of its own.
    """
    if priority is None:
        priority = settings.SYNC_TYPES[sync_type]["priority"]
    while True:
        try:
            with transaction.atomic():
                return SyncRun.objects.create(
                    sync_type=sync_type,
                    mode=mode,
                    priority=priority,
                    trigger=trigger,
                    requested_by=by,
                    given_file=str(given_file or ""),
                )
        except IntegrityError:
            if queued := strengthened(sync_type, mode=mode, priority=priority):  # else it was started in between
                return queued


def strengthened(sync_type: str, *, mode: str, priority: int) -> SyncRun | None:
    """The type's queued run, made at least as urgent and as thorough."""
    mergeable = (
        SyncRun.objects.queued().for_type(sync_type).filter(given_file="", accepts=None).exclude(mode=Mode.SMART)
    )
    weaker = STRONGEST_FIRST[STRONGEST_FIRST.index(Mode(mode)) :]
    mergeable.update(
        priority=Greatest(F("priority"), Value(priority)),
        mode=Case(When(mode__in=weaker, then=Value(mode)), default=F("mode")),
    )
    return mergeable.first()


def accept(run: SyncRun, *, by: User | None = None) -> SyncRun:
    """Queue a run that applies a quarantined export after all. Raises CannotAccept."""
    if run.status != SyncRun.Status.QUARANTINED:
        raise CannotAccept(run=run.pk, reason=f"it is {run.status}, not quarantined.")
    if not run.waits_for_a_decision:
        raise CannotAccept(run=run.pk, reason="it has been accepted already.")
    if not Path(run.export_path).is_file():
        raise CannotAccept(run=run.pk, reason="its export is no longer kept. Run the sync again.")
    if SyncRun.objects.succeeded().for_type(run.sync_type).filter(exported_at__gte=run.exported_at).exists():
        raise CannotAccept(run=run.pk, reason="this export, or a later one, was applied since. Run the sync again.")
    try:
        with transaction.atomic():
            return SyncRun.objects.create(
                sync_type=run.sync_type,
                mode=Mode.FULL,
                priority=run.priority,
                trigger=SyncRun.Trigger.ACCEPT,
                requested_by=by,
                accepts=run,
            )
    except IntegrityError:  # by somebody else, just now
        raise CannotAccept(run=run.pk, reason="it has been accepted already.") from None
