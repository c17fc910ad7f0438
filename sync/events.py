"""What happened, for whoever wants to know: a row for each transition, and a signal within the process."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.dispatch import Signal

from sync.models import OrderFormSession, SyncEvent, SyncRun

Kind = SyncEvent.Kind

happened = Signal()  # event: a SyncEvent that was committed; sent in the process in which it happened


def record(
    kind: Kind,
    *,
    run: SyncRun | None = None,
    session: OrderFormSession | None = None,
    sync_type: str = "",
    by: User | None = None,
    **facts: Any,
) -> SyncEvent:
    """Write down a transition, in its own transaction: it is true of the rows that it speaks of, or not there."""
    event = SyncEvent.objects.create(
        kind=kind, run=run, session=session, sync_type=run.sync_type if run else sync_type, by=by, facts=facts
    )
    transaction.on_commit(lambda: happened.send_robust(SyncEvent, event=event))
    return event
