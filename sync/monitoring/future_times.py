"""What is to be done when the database's clock was ahead, and was put right: no row may lie in the future.

Else a dead process would keep the lock, an order form its pause, and a success hide what failed since, until that time
has come.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.conf import settings
from django.db.models import Model

from sync.database import clock
from sync.exceptions import WITH_BACK_OFF
from sync.models import Alert, OrderFormSession, SyncEvent, SyncLock, SyncRun, SyncSchedule, SyncWorker, WorkerWatch
from sync.monitoring.alerts import LONGEST_DELAY

logger = logging.getLogger(__name__)

CLOCKS_DIFFER = timedelta(minutes=1)  # less is no sign that the clock was put back
LONGEST_BACK_OFF = timedelta(seconds=max(WITH_BACK_OFF))  # of a run

PAST_TIMES: dict[type[Model], tuple[str, ...]] = {
    SyncRun: ("requested_at", "started_at", "finished_at", "exported_at", "cancel_requested_at"),
    SyncSchedule: ("patient_since",),
    OrderFormSession: ("opened_at", "active_at", "closed_at"),
    SyncWorker: ("started_at", "seen_at", "stopped_at"),
    WorkerWatch: ("heard_at",),
    SyncEvent: ("at",),  # last: as long as one lies in the future, this is done again
}


def correct_future_times() -> None:
    """Set to now what has happened in the future, and end what would last longer than anything may."""
    now = clock.now()
    if not SyncEvent.objects.filter(at__gt=now + CLOCKS_DIFFER).exists():
        return
    logger.warning("The database's clock was put back: what lies in the future is taken to be of now")
    lease, timeout = settings.SYNC_LEASE, settings.ORDER_FORM_TIMEOUT
    SyncSchedule.objects.filter(requested_slot__gt=now).update(requested_slot=None)  # so that the latest one counts
    SyncLock.objects.filter(leased_until__gt=now + lease).update(leased_until=now)
    OrderFormSession.objects.filter(expires_at__gt=now + timeout).update(expires_at=now + timeout)
    SyncRun.objects.queued().filter(not_before__gt=now + LONGEST_BACK_OFF).update(not_before=now)
    Alert.objects.filter(next_attempt_at__gt=now + LONGEST_DELAY).update(next_attempt_at=now)
    for model, names in PAST_TIMES.items():
        for name in names:
            model._default_manager.filter(**{f"{name}__gt": now}).update(**{name: now})
