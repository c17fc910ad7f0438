"""Writing down when the state of a list changes, and when no worker is heard of, or one again."""

from __future__ import annotations

from django.db import transaction

from sync.models import SyncEvent, SyncSchedule, SyncWorker, WorkerWatch
from sync.monitoring import alerts, health
from sync.monitoring.status import TRUSTED, SyncStatus, TypeHealth


def record_state_changes() -> None:
    """Write down each change of state since the last time, once, whoever else looks at the same moment."""
    known = dict(SyncSchedule.objects.values_list("sync_type", "state"))
    found = health.get_status()
    for each in found.types:
        if known[each.sync_type] != each.state:
            record_state_change(each, before=known[each.sync_type])
    record_silence(found)


def record_state_change(each: TypeHealth, *, before: str) -> None:
    """Write down one type's change of state; nothing if another process has, or if this one looked too long ago."""
    with transaction.atomic():
        if not SyncSchedule.objects.filter(sync_type=each.sync_type, state=before).update(state=each.state):
            return
        if health.get_status().by_type[each.sync_type].state != each.state:  # this process was stopped in between
            transaction.set_rollback(True)
            return
        # Nobody is called because a list is tried again, or waits for an order form, that can be trusted all along.
        record = SyncEvent.objects.record if before in TRUSTED and each.is_trusted else alerts.record
        record(SyncEvent.Kind.HEALTH_CHANGED, sync_type=each.sync_type, before=before, after=each.state)


def record_silence(found: SyncStatus) -> None:
    """Write down that no worker is heard of any more, or that one is again.

    When one was heard of last is kept apart: a worker that is started takes away the rows of its predecessors.
    """
    watch, _is_new = WorkerWatch.objects.get_or_create(pk=WorkerWatch.THE_ROW, defaults={"heard_at": found.at})
    if found.worker and found.worker.seen_at > watch.heard_at:
        watch.heard_at = found.worker.seen_at
        WorkerWatch.objects.filter(heard_at__lt=watch.heard_at).update(heard_at=watch.heard_at)
    is_silent = watch.heard_at < found.at - SyncWorker.SILENT_AFTER
    if watch.is_silent == is_silent:
        return
    before, after = ("alive", "silent") if is_silent else ("silent", "alive")
    unchanged = WorkerWatch.objects.filter(is_silent=not is_silent, heard_at=watch.heard_at)
    with transaction.atomic():
        if unchanged.update(is_silent=is_silent):
            alerts.record(SyncEvent.Kind.WORKERS_CHANGED, before=before, after=after)
