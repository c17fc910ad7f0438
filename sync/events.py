"""What happened, for whoever wants to know: a row for each transition."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User

from sync.models import OrderFormSession, SyncEvent, SyncRun

Kind = SyncEvent.Kind


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
    return SyncEvent.objects.create(
        kind=kind, run=run, session=session, sync_type=run.sync_type if run else sync_type, by=by, facts=facts
    )
