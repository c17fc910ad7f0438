"""Runs, and what each one changed."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, pgettext_lazy

from sync import error_texts
from sync.database import clock
from sync.exceptions import CannotAccept, CannotCancel, CannotRetry, LeaseLost
from sync.list_names import list_name

UNSUCCESSFUL = Q(status__in=["failed", "quarantined"])
SMART = Q(given_file="", mode="smart")
ORDINARY = Q(given_file="", accepts=None) & ~Q(mode="smart")  # runs that stand for every request of their type


class SyncRunQuerySet(models.QuerySet["SyncRun"]):
    """Runs."""

    def for_type(self, sync_type: str) -> SyncRunQuerySet:
        return self.filter(sync_type=sync_type)

    def queued(self) -> SyncRunQuerySet:
        """Those that wait, by priority and age."""
        return self.filter(status=SyncRun.Status.QUEUED).order_by("-priority", "requested_at", "pk")

    def running(self) -> SyncRunQuerySet:
        """The one that is carried out, if any."""
        return self.filter(status=SyncRun.Status.RUNNING)

    def finished(self) -> SyncRunQuerySet:
        return self.filter(finished_at__isnull=False)

    def succeeded(self) -> SyncRunQuerySet:
        return self.filter(status=SyncRun.Status.SUCCEEDED)

    def unsuccessful(self) -> SyncRunQuerySet:
        """Those that were to refresh the mirror from the ERP and did not."""
        return self.finished().filter(UNSUCCESSFUL, given_file="")

    def finished_by_themselves(self) -> SyncRunQuerySet:
        """Those that say something about the list: a cancelled run does not, nor a wrong file that somebody gave."""
        return self.finished().filter(Q(status=SyncRun.Status.SUCCEEDED) | (UNSUCCESSFUL & Q(given_file="")))

    def mergeable(self, mode: str) -> SyncRunQuerySet:
        """Those that stand for every request of their type, or for every smart one; a given file is read by itself."""
        return self.filter(SMART if mode == SyncRun.Mode.SMART else ORDINARY)


class SyncRun(models.Model):
    """One execution of one sync type.

    queued -> running -> succeeded | failed | quarantined | cancelled
       ^---------'  preempted, given back, to be tried again, or lost with its process
    """

    class Status(models.TextChoices):
        QUEUED = "queued", _("queued")
        RUNNING = "running", _("running")
        SUCCEEDED = "succeeded", _("succeeded")
        FAILED = "failed", _("failed")
        QUARANTINED = "quarantined", _("quarantined")
        CANCELLED = "cancelled", _("cancelled")

    class Mode(models.TextChoices):
        AUTO = "auto", _("automatic")  # full or incremental, decided at the start
        FULL = "full", _("full")
        INCREMENTAL = "incremental", _("incremental")
        SMART = "smart", _("smart")

    class Trigger(models.TextChoices):
        SCHEDULE = "schedule", _("schedule")
        MANUAL = "manual", _("command line")
        ADMIN = "admin", _("admin")
        API = "api", _("API")
        ORDER_FORM = "order_form", _("order form")
        RETRY = "retry", _("retry")
        ACCEPT = "accept", _("accepted export")

    sync_type = models.CharField(_("type"), max_length=30)
    mode = models.CharField(_("mode"), max_length=20, choices=Mode, default=Mode.AUTO)
    trigger = models.CharField(_("trigger"), max_length=20, choices=Trigger)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        db_index=False,  # the list's index has it
        verbose_name=_("requested by"),
    )
    priority = models.PositiveSmallIntegerField(_("priority"))
    status = models.CharField(_("status"), max_length=20, choices=Status, default=Status.QUEUED)
    accepts = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="acceptances",
        verbose_name=_("accepts the export of"),
    )
    retries = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="retried_by",
        verbose_name=_("tries again"),
    )
    merged_into = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="merged",
        verbose_name=_("merged into"),
        help_text=_("The run of the same type that came back to the queue and stands for this one too."),
    )

    requested_at = models.DateTimeField(_("requested"), default=clock.now)
    not_before = models.DateTimeField(_("not before"), null=True, blank=True)
    cancel_requested_at = models.DateTimeField(_("cancelling requested"), null=True, blank=True)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    token = models.BigIntegerField(
        _("token"), null=True, blank=True, help_text=_("Of the lock, in the hands of the process that carries it out.")
    )
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0, help_text=_("How often it was started."))
    ended_attempts = models.JSONField(
        _("ended attempts"), default=list, blank=True, help_text=_("Why it came back to the queue, each time.")
    )

    stage = models.CharField(_("stage"), max_length=20, blank=True)
    pages_read = models.PositiveIntegerField(_("pages read"), default=0)
    pages = models.PositiveIntegerField(_("pages"), null=True, blank=True)

    given_file = models.CharField(_("given file"), blank=True, help_text=_("An export given instead of the ERP's."))
    export_path = models.CharField(_("kept export"), blank=True)
    export_sha256 = models.CharField(_("export's SHA-256"), max_length=64, blank=True)
    export_size = models.PositiveBigIntegerField(_("export's size"), null=True, blank=True, help_text=_("bytes"))
    exported_at = models.DateTimeField(
        _("exported"), null=True, blank=True, help_text=_("When the ERP showed what the export holds.")
    )
    erp_time = models.DurationField(_("time of the ERP"), null=True, blank=True)

    read = models.PositiveIntegerField(pgettext_lazy("counted", "read"), default=0)
    created = models.PositiveIntegerField(pgettext_lazy("counted", "created"), default=0)
    updated = models.PositiveIntegerField(pgettext_lazy("counted", "updated"), default=0)
    unchanged = models.PositiveIntegerField(pgettext_lazy("counted", "unchanged"), default=0)
    missing = models.PositiveIntegerField(pgettext_lazy("counted", "missing"), default=0)
    removed = models.PositiveIntegerField(pgettext_lazy("counted", "removed"), default=0)
    restored = models.PositiveIntegerField(pgettext_lazy("counted", "restored"), default=0)

    left = models.PositiveIntegerField(
        pgettext_lazy("counted", "left"), default=0, help_text=_("Differ, and wait for the full run that was queued.")
    )

    control_totals = models.JSONField(_("control totals"), default=list, blank=True)
    coverage = models.JSONField(
        _("coverage"), default=list, blank=True, help_text=_("What lists name of each other, and how much is there.")
    )
    notes = models.JSONField(_("notes"), default=list, blank=True)
    error_class = models.CharField(_("error"), max_length=100, blank=True)
    error_text = models.TextField(_("error text"), blank=True)
    error_facts = models.JSONField(
        _("error facts"), default=dict, blank=True, help_text=_("What the error text is made of, by name.")
    )

    objects = SyncRunQuerySet.as_manager()

    class Meta:
        verbose_name = _("run")
        verbose_name_plural = _("runs")
        ordering = ("-requested_at", "-pk")
        permissions = [
            ("accept_syncrun", gettext_noop("Can accept a quarantined export")),
            ("request_syncrun", gettext_noop("Can ask for a sync, try one again, or cancel it")),
            ("download_export", gettext_noop("Can download a run's export")),
        ]
        indexes = [
            # A condition may be one value, or null: SQLite finds no use for an index of several values.
            models.Index(fields=["sync_type", "-finished_at"], condition=Q(status="succeeded"), name="last_success"),
            models.Index(fields=["sync_type", "-exported_at"], condition=Q(status="succeeded"), name="last_export"),
            models.Index(fields=["-priority", "requested_at"], condition=Q(status="queued"), name="run_queue"),
            models.Index(fields=["sync_type", "-finished_at"], condition=Q(finished_at__isnull=False), name="last_end"),
            models.Index(fields=["finished_at"], condition=~Q(export_path=""), name="kept_export"),
            models.Index(fields=["finished_at"], condition=Q(export_path=""), name="oldest_run"),
            # Whatever a list of runs is narrowed to, the rows that are left out need not be looked at.
            models.Index(
                fields=["requested_at", "id", "sync_type", "status", "mode", "trigger", "requested_by"],
                name="run_list",
            ),
            models.Index(fields=["requested_at", "id"], condition=~Q(error_class=""), name="run_errors"),
        ]
        constraints = [
            # The mutex of last resort: no code path can make two runs overlap.
            models.UniqueConstraint(fields=["status"], condition=Q(status="running"), name="one_running_run"),
            models.UniqueConstraint(
                fields=["sync_type"], condition=Q(status="queued") & ORDINARY, name="one_queued_run_per_type"
            ),
            models.UniqueConstraint(
                fields=["sync_type"],
                condition=Q(status="queued", given_file="", mode="smart"),
                name="one_queued_smart_run_per_type",
            ),
            # Accepted twice, an export would prove two absences.
            models.UniqueConstraint(
                fields=["accepts"],
                condition=Q(accepts__isnull=False) & ~Q(status__in=["failed", "cancelled"]),
                name="one_acceptance_of_a_run",
            ),
        ]

    def __str__(self) -> str:
        return f"{list_name(self.sync_type)} {self.pk}"

    @property
    def duration(self) -> timedelta | None:
        """From start to end, None while it lasts."""
        if self.started_at is None or self.finished_at is None:
            return None
        return self.finished_at - self.started_at

    @property
    def waits_for_a_decision(self) -> bool:
        """Whether it is quarantined and nobody has accepted its export."""
        failed = [self.Status.FAILED, self.Status.CANCELLED]
        return self.status == self.Status.QUARANTINED and not self.acceptances.exclude(status__in=failed).exists()

    @property
    def failure(self) -> SyncRun | None:
        """The run itself, if an error ended it."""
        return self if self.error_class else None

    @property
    def failed_attempt(self) -> dict[str, Any] | None:
        """The last of its attempts that failed, while another is to come or goes on."""
        failed = [] if self.is_finished else [attempt for attempt in self.ended_attempts if attempt.get("error")]
        return failed[-1] if failed else None

    @property
    def error_sentence(self) -> str:
        """The error text in the reader's language."""
        return error_texts.sentence(self.error_text)

    @property
    def is_finished(self) -> bool:
        return self.status not in (self.Status.QUEUED, self.Status.RUNNING)

    @property
    def is_mergeable(self) -> bool:
        """Whether it stands for every request of its type, or for every smart one."""
        return not self.given_file and self.accepts_id is None

    @property
    def standing(self) -> SyncRun:
        """The run that stands for this one: itself, or what it was merged into."""
        return self.merged_into.standing if self.merged_into else self

    @property
    def overdue_at(self) -> datetime:
        """When it will have waited too long: neither order forms nor more urgent runs keep it any longer."""
        longest: timedelta = settings.SYNC_LONGEST_PAUSE
        return self.requested_at + longest

    @property
    def waits_for_its_time(self) -> bool:
        """Whether it would run at once if its list were asked for: a given file and an acceptance stay as they are."""
        is_later = self.not_before is not None and self.not_before > clock.now()
        return self.status == self.Status.QUEUED and is_later and self.is_mergeable

    # Whether a person can do something with it, and if not, why

    def cannot_cancel(self) -> CannotCancel | None:
        return CannotCancel(run=self.pk, status=self.status) if self.is_finished else None

    def cannot_retry(self) -> CannotRetry | None:
        if not self.is_finished:
            return CannotRetry(run=self.pk, reason=f"it is {self.status}.")
        if self.sync_type not in settings.SYNC_TYPES:
            return CannotRetry(run=self.pk, reason=f"{self.sync_type} is no longer mirrored.")
        if self.accepts_id:
            return CannotRetry(run=self.pk, reason=f"accept the export of run {self.accepts_id} again instead.")
        if self.given_file and not Path(self.given_file).is_file():
            return CannotRetry(run=self.pk, reason=f"the given file {self.given_file} is gone.")
        return None

    def cannot_accept(self) -> CannotAccept | None:
        if self.status != self.Status.QUARANTINED:
            return CannotAccept(run=self.pk, reason=f"it is {self.status}, not quarantined.")
        if self.sync_type not in settings.SYNC_TYPES:
            return CannotAccept(run=self.pk, reason=f"{self.sync_type} is no longer mirrored.")
        if not self.waits_for_a_decision:
            return CannotAccept(run=self.pk, reason="it has been accepted already.")
        if not Path(self.export_path).is_file():
            return CannotAccept(run=self.pk, reason="its export is no longer kept. Run the sync again.")
        since = (self.exported_at, clock.now())
        if SyncRun.objects.succeeded().for_type(self.sync_type).filter(exported_at__range=since).exists():
            reason = "this export, or a later one, was applied since. Run the sync again."
            return CannotAccept(run=self.pk, reason=reason)
        return None

    # While it is carried out

    def change(self, **values: Any) -> None:
        """Save these fields of a run in progress. Raises LeaseLost if it is no longer this process's."""
        mine = SyncRun.objects.running().filter(pk=self.pk, token=self.token)
        if not mine.update(**values):
            raise LeaseLost
        for name, value in values.items():
            setattr(self, name, value)

    def finish(self, status: Status, **values: Any) -> None:
        self.change(status=status, finished_at=clock.now(), stage="", token=None, **values)


class RecordChange(models.Model):
    """What one run did to one record: which fields went from what to what.

    A created one has every field that its first export showed, from null: whoever carries out a record's changes one
    after the other, from an empty row of its model, gets the record. It has none if it is older than that was kept.
    """

    class Kind(models.TextChoices):
        CREATED = "created", _("created")
        UPDATED = "updated", _("updated")
        MISSING = "missing", _("missing")
        REMOVED = "removed", _("removed")
        RESTORED = "restored", _("restored")

    run = models.ForeignKey(SyncRun, models.CASCADE, related_name="changes", verbose_name=_("run"))
    sync_type = models.CharField(_("type"), max_length=30)
    key = models.CharField(_("key"), help_text=_("The record's key in the ERP."))
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    fields = models.JSONField(
        _("fields"),
        default=dict,
        blank=True,
        encoder=DjangoJSONEncoder,
        help_text=_("Each changed field with its old and its new value."),
    )

    class Meta:
        verbose_name = _("change")
        verbose_name_plural = _("changes")
        ordering = ("-pk",)
        indexes = [models.Index(fields=["sync_type", "key"], name="change_of_record")]

    def __str__(self) -> str:
        return f"{list_name(self.sync_type)} {self.key}: {self.get_kind_display()}"
