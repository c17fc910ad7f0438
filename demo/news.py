"""What happened, a line each, for a person who watches."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils import timezone

from sync.models import RecordChange, SyncEvent, SyncRun
from sync.monitoring.status import TRUSTED, State

Kind = SyncEvent.Kind

TEXTS = {
    Kind.RUN_FAILED: "failed: {error}",
    Kind.RUN_QUARANTINED: "quarantined: {error}",
    Kind.RUN_CANCELLED: "cancelled",
    Kind.RUN_PREEMPTED: "interrupted for an order form, and starts again later",
    Kind.RUN_POSTPONED: "waits until the ERP may be asked",
    Kind.RUN_HANDED_BACK: "returned to the queue by a worker that was stopped, and starts again later",
    Kind.RUN_LOST: "its process died or hung, so it is done again",
    Kind.RUN_TO_BE_RETRIED: "tried again later: {error}",
    Kind.EXPORT_DOWNLOADED: "its export was downloaded by {by}",
    Kind.SESSION_OPENED: "opened by {by}: syncs of lists that it does not use wait until it is closed",
    Kind.SESSION_CLOSED: "closed",
    Kind.SESSION_EXPIRED: "expired: nobody has used it for a long time",
    Kind.LOCK_TAKEN_OVER: "taken over from a process that died or hung",
    Kind.LOCK_BROKEN: "broken by {by}",
    Kind.COLUMNS_CHANGED: "its columns have changed: see syncstatus",
    Kind.SCHEDULE_CHANGED: "its schedule was changed by {by}",
    Kind.WORKERS_CHANGED: "was {before}, is {after}",
    Kind.ALERT_GIVEN_UP: "no alert about its state could be sent: {error}",
    Kind.ALERT_SENT_AGAIN: "{by} had the alert about its state sent again",
}


class News:
    """The events since it was last asked, but for those that go without saying."""

    def __init__(self) -> None:
        self.last = SyncEvent.objects.values_list("pk", flat=True).order_by("-pk").first() or 0

    def read_lines(self) -> Iterator[str]:
        for event in SyncEvent.objects.filter(pk__gt=self.last).select_related("run", "by").order_by("pk"):
            self.last = event.pk
            if text := describe_event(event):
                yield f"{timezone.localtime(event.at):%H:%M:%S}  {name_subject(event):<10} {text}"


def name_subject(event: SyncEvent) -> str:
    of_workers = event.kind in (Kind.WORKERS_CHANGED, Kind.ALERT_GIVEN_UP, Kind.ALERT_SENT_AGAIN)
    return event.sync_type or ("worker" if of_workers else "order form" if event.session_id else "lock")


def describe_event(event: SyncEvent) -> str:
    """What to say of an event; nothing of one that another line tells."""
    match event.kind:
        case Kind.RUN_SUCCEEDED if event.run:
            return describe_success(event.run)
        case Kind.HEALTH_CHANGED:
            before, after = State(event.facts["before"]), State(event.facts["after"])
            if after in TRUSTED and before in (*TRUSTED, State.NEVER):  # a success or an order form says it already
                return ""
            return f"was {before}, is {after}"
    text = TEXTS.get(Kind(event.kind), "").format(by=event.by or "the system", **event.facts)
    return " ".join(text.split())


def describe_success(run: SyncRun) -> str:
    changes = [f"{count:,} {kind}" for kind in RecordChange.Kind.values if (count := getattr(run, kind))]
    form = " for an order form" if run.mode == SyncRun.Mode.SMART else ""
    return f"{run.read:>6,} records read{form}: {', '.join(changes) or 'no change'}"
