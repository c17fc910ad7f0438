"""Rows that keep the syncs in order: the lock, schedules, open order forms, workers, who is told."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, pgettext_lazy

from sync.database import clock
from sync.list_names import get_list_name
from sync.models.events import SyncEvent
from sync.models.message_field import MessageField
from sync.models.runs import SyncRun, SyncRunQuerySet


class SyncLockQuerySet(models.QuerySet["SyncLock"]):
    """The lock."""

    def free(self) -> SyncLockQuerySet:
        """If nobody holds it, or its holder has not been heard of for a lease, by the database's clock."""
        return self.filter(Q(leased_until=None) | Q(leased_until__lt=Now()))


class SyncLock(models.Model):
    """The one row that a process must hold to sync."""

    holder = models.CharField(
        _("holder"), max_length=200, blank=True, help_text=_("Host, process, and identifier of the acquisition.")
    )
    token = models.BigIntegerField(
        _("token"),
        default=0,
        help_text=_("Increases each time a process takes the lock. A process with an older token cannot write."),
    )
    acquired_at = models.DateTimeField(_("acquired"), null=True, blank=True)
    leased_until = models.DateTimeField(_("leased until"), null=True, blank=True)

    THE_ROW = 1

    class State(StrEnum):
        FREE = "free"
        HELD = "held"
        SILENT = "silent"  # its holder has not renewed it: whoever comes next takes it

    objects = SyncLockQuerySet.as_manager()

    class Meta:
        verbose_name = _("lock")
        verbose_name_plural = _("lock")  # there is one
        permissions = [("break_synclock", gettext_noop("Can break the lock"))]
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="one_lock")]

    def __str__(self) -> str:
        return self.holder or str(_("free"))

    @property
    def state(self) -> State:
        if self.leased_until is None:
            return self.State.FREE
        return self.State.HELD if self.leased_until >= clock.now() else self.State.SILENT

    @property
    def is_held(self) -> bool:
        return self.state == self.State.HELD


class SyncSchedule(models.Model):
    """When a sync type runs by itself: every so many minutes from a first time, whatever happens in between.

    The moments at which it is due are its slots. A minute lasts settings.SCHEDULE_MINUTE.
    """

    sync_type = models.CharField(_("type"), max_length=30, unique=True, editable=False)
    every = models.PositiveSmallIntegerField(
        _("every"), validators=[MinValueValidator(5), MaxValueValidator(180)], help_text=_("minutes, from 5 to 180")
    )
    first_at = models.PositiveSmallIntegerField(
        _("first at"),
        validators=[MaxValueValidator(1440)],
        help_text=_("minutes after the start time that all schedules share, so that they do not run at the same time"),
    )
    enabled = models.BooleanField(_("enabled"), default=True)
    counted_from = models.DateTimeField(
        _("counted from"), editable=False, help_text=_("The start time that all schedules share.")
    )
    requested_slot = models.DateTimeField(
        _("last requested time"),
        null=True,
        editable=False,
        help_text=_("The latest scheduled time for which a run was queued."),
    )
    patient_since = models.DateTimeField(
        _("failures counted since"),
        null=True,
        editable=False,
        help_text=_("When a person last asked for a run, or an outage of the ERP ended."),
    )
    state = models.CharField(_("last known state"), max_length=20, default="never", editable=False)

    FAILURES_ENDURED = 5  # in a row; from then on the interval doubles with each

    class Meta:
        verbose_name = _("schedule")
        verbose_name_plural = _("schedules")
        ordering = ("sync_type",)

    def __str__(self) -> str:
        return get_list_name(self.sync_type)

    @property
    def interval(self) -> timedelta:
        interval: timedelta = self.every * settings.SCHEDULE_MINUTE
        return interval

    @property
    def first_slot(self) -> datetime:
        first: datetime = self.counted_from + self.first_at * settings.SCHEDULE_MINUTE
        return first

    def find_latest_slot(self, now: datetime) -> datetime | None:
        """The last moment until now at which it was due; None before the first."""
        if now < self.first_slot:
            return None
        return self.first_slot + (now - self.first_slot) // self.interval * self.interval

    def find_next_slot(self, now: datetime) -> datetime:
        """The next moment after now at which it is due."""
        latest = self.find_latest_slot(now)
        return self.first_slot if latest is None else latest + self.interval

    def find_failures(self) -> SyncRunQuerySet:
        """Runs that failed since the last success, since a person asked, or since an outage of the ERP ended.

        An order form's are left out.
        """
        runs = SyncRun.objects.for_type(self.sync_type).exclude(mode=SyncRun.Mode.SMART)
        last_success = runs.succeeded().order_by("-finished_at").values_list("finished_at", flat=True).first()
        since = max(filter(None, [last_success, self.patient_since]), default=None)
        failures = runs.unsuccessful()
        return failures.filter(finished_at__gt=since) if since else failures


class OrderFormSessionQuerySet(models.QuerySet["OrderFormSession"]):
    """Open order forms."""

    def live(self, now: datetime | None = None) -> OrderFormSessionQuerySet:
        """Those that keep other syncs paused."""
        return self.filter(closed_at=None, expires_at__gt=now or clock.now())

    def expired(self, now: datetime | None = None) -> OrderFormSessionQuerySet:
        """Those that nobody closed, and nobody has used for the timeout."""
        return self.filter(closed_at=None, expires_at__lte=now or clock.now())


class OrderFormSession(models.Model):
    """One open order form: one browser tab of one agent.

    It is live until it is closed, or until `expires_at`: nothing has to come and end it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, verbose_name=_("agent"))
    opened_at = models.DateTimeField(_("opened"))
    active_at = models.DateTimeField(_("last activity"))
    expires_at = models.DateTimeField(_("expires"))
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)

    objects = OrderFormSessionQuerySet.as_manager()

    class Meta:
        verbose_name = _("order-form session")
        verbose_name_plural = _("order-form sessions")
        ordering = ("-opened_at",)
        permissions = [("close_orderformsession", gettext_noop("Can close an order-form session"))]
        indexes = [
            models.Index(fields=["expires_at"], condition=Q(closed_at=None), name="open_session"),
            models.Index(fields=["expires_at"], name="session_end"),
        ]

    def __str__(self) -> str:
        return f"{self.user} {timezone.localtime(self.opened_at):%H:%M}"

    @property
    def is_live(self) -> bool:
        return self.closed_at is None and self.expires_at > clock.now()

    @property
    def was_left(self) -> bool:
        """Whether it was closed, and did not just end by itself."""
        return self.closed_at is not None and self.closed_at < self.expires_at

    @property
    def was_left_before(self) -> bool:
        """Whether it was closed before it could be opened."""
        return self.closed_at is not None and self.closed_at == self.opened_at == self.expires_at


class RejectedLogin(models.Model):
    """A login that the ERP did not accept: until a person acts, no run tries it again."""

    credentials = models.CharField(
        primary_key=True, max_length=64, help_text=_("A fingerprint of the ERP's address, the name and the password.")
    )
    username = models.CharField(_("username"))
    at = models.DateTimeField(_("rejected"))
    run = models.ForeignKey(
        SyncRun,
        models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("run"),
        help_text=_("The run that stands for the rejection; none if what asked the ERP was not a run."),
    )
    attempt = models.ForeignKey(
        SyncRun,
        models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("next attempt"),
        help_text=_("The only run that may try the login again, because a person asked for it."),
    )

    class Meta:
        verbose_name = _("rejected login")
        verbose_name_plural = _("rejected logins")

    def __str__(self) -> str:
        return self.username

    @property
    def is_tried_again(self) -> bool:
        """Whether a run that may try it waits, or is at work."""
        return self.attempt is not None and not self.attempt.is_finished


class SyncWorker(models.Model):
    """A process that carries out what others have queued, as it last said that it lives, or that it was stopped."""

    name = models.CharField(_("name"), max_length=200, unique=True, help_text=_("Host and process."))
    started_at = models.DateTimeField(pgettext_lazy("worker", "started"), default=clock.now)
    seen_at = models.DateTimeField(_("seen"))
    stopped_at = models.DateTimeField(pgettext_lazy("worker", "stopped"), null=True, blank=True)
    clock_ahead = models.DurationField(
        _("clock ahead by"),
        default=timedelta(0),
        help_text=_("How far the clock of the worker's machine is ahead of the database's."),
    )

    SILENT_AFTER = timedelta(minutes=3)  # without a tick; they come once a minute

    class State(StrEnum):
        ALIVE = "alive"  # one in a long run beats with the lock
        SILENT = "silent"  # not heard of for too long, though nobody has stopped it
        STOPPED = "stopped"

    class Meta:
        verbose_name = _("worker")
        verbose_name_plural = _("workers")
        ordering = ("-seen_at",)

    def __str__(self) -> str:
        return self.name

    @property
    def state(self) -> State:
        if self.stopped_at:
            return self.State.STOPPED
        return self.State.ALIVE if self.seen_at > clock.now() - self.SILENT_AFTER else self.State.SILENT

    @property
    def is_alive(self) -> bool:
        return self.state == self.State.ALIVE

    @property
    def machine(self) -> str:
        return self.name.rpartition(":")[0]


class WorkerWatch(models.Model):
    """The one row that says when any worker was heard of, though it signed off, and what was last told of that."""

    heard_at = models.DateTimeField(_("last response"))
    is_silent = models.BooleanField(_("not responding"), default=False)

    THE_ROW = 1

    class Meta:
        verbose_name = verbose_name_plural = _("state of the workers")
        default_permissions = ()
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="one_worker_watch")]

    def __str__(self) -> str:
        return str(_("not responding") if self.is_silent else _("responding"))


class AlertQuerySet(models.QuerySet["Alert"]):
    """What somebody is to be told."""

    def waiting(self) -> AlertQuerySet:
        return self.filter(next_attempt_at__isnull=False)

    def due(self) -> AlertQuerySet:
        """Those that may be sent now, by the database's clock; whoever sends one postpones it first."""
        return self.filter(next_attempt_at__lte=Now())


class Alert(models.Model):
    """One event to be told through one channel: written with the event, and sent later by whoever comes first.

    waiting -> delivered | given up
    """

    class Channel(models.TextChoices):
        MAIL = "mail", _("mail")
        WEB = "web", _("web address")

    event = models.ForeignKey(SyncEvent, models.CASCADE, related_name="alerts", verbose_name=_("event"))
    channel = models.CharField(_("channel"), max_length=10, choices=Channel)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True, db_default=Now())
    tried_at = models.DateTimeField(_("last tried"), null=True)  # an attempt that came to an end
    delivered_at = models.DateTimeField(_("delivered"), null=True)
    given_up_at = models.DateTimeField(_("given up"), null=True)
    error = MessageField(_("last error"), default=str, blank=True)

    objects = AlertQuerySet.as_manager()

    class Meta:
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")
        ordering = ("-pk",)
        permissions = [("resend_alert", gettext_noop("Can send an alert again"))]
        indexes = [
            models.Index(
                fields=["next_attempt_at", "id"], condition=Q(next_attempt_at__isnull=False), name="waiting_alert"
            ),
            models.Index(fields=["channel", "-tried_at"], name="last_tried_alert"),
        ]

    def __str__(self) -> str:
        return f"{self.event} ({self.get_channel_display()})"
