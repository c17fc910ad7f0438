"""What happened, for whoever wants to know: a row for each transition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from sync.database import clock
from sync.list_names import get_list_name
from sync.models.message_field import MessageField

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from sync.models.orchestration import OrderFormSession
    from sync.models.runs import SyncRun


class SyncEventQuerySet(models.QuerySet["SyncEvent"]):
    """Events."""

    def record(
        self,
        kind: SyncEvent.Kind,
        *,
        run: SyncRun | None = None,
        session: OrderFormSession | None = None,
        sync_type: str = "",
        by: User | None = None,
        **facts: Any,
    ) -> SyncEvent:
        """Write down a transition, in its own transaction: it is true of the rows that it speaks of, or not there."""
        return self.create(
            kind=kind, run=run, session=session, sync_type=run.sync_type if run else sync_type, by=by, facts=facts
        )


class SyncEvent(models.Model):
    """One transition, in the order in which they happened; never changed."""

    class Kind(models.TextChoices):
        RUN_QUEUED = "run_queued", _("run queued")
        RUN_STRENGTHENED = "run_strengthened", _("queued run made more urgent or complete")
        RUN_MERGED = "run_merged", _("run merged")
        RUN_STARTED = "run_started", _("run started")
        RUN_SUCCEEDED = "run_succeeded", _("run succeeded")
        RUN_FAILED = "run_failed", _("run failed")
        RUN_QUARANTINED = "run_quarantined", _("run quarantined")
        RUN_CANCELLED = "run_cancelled", _("run cancelled")
        RUN_CANCEL_REQUESTED = "run_cancel_requested", _("cancelling requested")
        RUN_PREEMPTED = "run_preempted", _("run interrupted for an order form")
        RUN_HANDED_BACK = "run_handed_back", _("run returned to the queue by a worker that stopped")
        RUN_POSTPONED = "run_postponed", _("run waits until the ERP may be asked")
        RUN_LOST = "run_lost", _("run's process died or hung")
        RUN_TO_BE_RETRIED = "run_to_be_retried", _("run failed, will be tried again")
        EXPORT_DOWNLOADED = "export_downloaded", _("export downloaded")
        SESSION_OPENED = "session_opened", _("order form opened")
        SESSION_CLOSED = "session_closed", _("order form closed")
        SESSION_EXPIRED = "session_expired", _("order form expired")
        LOCK_TAKEN_OVER = "lock_taken_over", _("lock taken over from a process that died or hung")
        LOCK_BROKEN = "lock_broken", _("lock broken")
        SCHEDULE_CHANGED = "schedule_changed", _("schedule changed")
        HEALTH_CHANGED = "health_changed", _("state changed")
        WORKERS_CHANGED = "workers_changed", _("state of the workers changed")
        ALERT_GIVEN_UP = "alert_given_up", _("sending of an alert given up")
        ALERT_SENT_AGAIN = "alert_sent_again", _("alert sent again")
        COLUMNS_CHANGED = "columns_changed", _("columns changed")
        COLUMNS_SEEN = "columns_seen", _("changed columns marked as seen")
        CUSTOMER_ERASED = "customer_erased", _("customer's data erased")

    at = models.DateTimeField(_("time"), default=clock.now, db_index=True)
    kind = models.CharField(_("kind"), max_length=30, choices=Kind)
    sync_type = models.CharField(_("type"), max_length=30, blank=True)
    run = models.ForeignKey("sync.SyncRun", models.CASCADE, null=True, related_name="events", verbose_name=_("run"))
    session = models.ForeignKey(
        "sync.OrderFormSession",
        models.CASCADE,
        null=True,
        related_name="events",
        verbose_name=_("order-form session"),
    )
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, verbose_name=_("by"))
    facts = MessageField(_("facts"), default=dict, blank=True)

    objects = SyncEventQuerySet.as_manager()

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {get_list_name(self.sync_type)}".strip()
