"""Rows of the orchestrator: runs, what they changed, and what all mirrored records have in common."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class MirroredQuerySet(models.QuerySet["MirroredModel"]):
    """Records of the mirror."""

    def present(self) -> MirroredQuerySet:
        """Those that are not removed."""
        return self.filter(removed_at__isnull=True)


class MirroredModel(models.Model):
    """A record of one of the ERP's lists, shown as the ERP shows it; changed by syncs alone."""

    created_at = models.DateTimeField(_("first mirrored"), editable=False)
    changed_at = models.DateTimeField(_("last changed"), editable=False, db_index=True)
    missing_since = models.DateTimeField(
        _("missing since"), null=True, editable=False, help_text=_("Absent from the last full export.")
    )
    removed_at = models.DateTimeField(
        _("removed"), null=True, editable=False, db_index=True, help_text=_("Absent from two full exports in a row.")
    )

    objects = MirroredQuerySet.as_manager()

    class Meta:
        abstract = True


class SyncRunQuerySet(models.QuerySet["SyncRun"]):
    """Runs."""

    def for_type(self, sync_type: str) -> SyncRunQuerySet:
        return self.filter(sync_type=sync_type)

    def queued(self) -> SyncRunQuerySet:
        """Those that wait, the most urgent first."""
        return self.filter(status=SyncRun.Status.QUEUED).order_by("-priority", "requested_at", "pk")

    def succeeded(self) -> SyncRunQuerySet:
        return self.filter(status=SyncRun.Status.SUCCEEDED)


class SyncRun(models.Model):
    """One execution of one sync type.

    queued -> running -> succeeded | failed | quarantined | cancelled
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
        API = "api", _("API")
        ORDER_FORM = "order_form", _("order form")
        RETRY = "retry", _("retry")
        ACCEPT = "accept", _("accepted export")

    sync_type = models.CharField(_("type"), max_length=30)
    mode = models.CharField(_("mode"), max_length=20, choices=Mode, default=Mode.AUTO)
    trigger = models.CharField(_("trigger"), max_length=20, choices=Trigger)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, verbose_name=_("requested by")
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

    requested_at = models.DateTimeField(_("requested"), default=timezone.now)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

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

    read = models.PositiveIntegerField(pgettext_lazy("counted", "read"), default=0)
    created = models.PositiveIntegerField(pgettext_lazy("counted", "created"), default=0)
    updated = models.PositiveIntegerField(pgettext_lazy("counted", "updated"), default=0)
    unchanged = models.PositiveIntegerField(pgettext_lazy("counted", "unchanged"), default=0)
    missing = models.PositiveIntegerField(pgettext_lazy("counted", "missing"), default=0)
    removed = models.PositiveIntegerField(pgettext_lazy("counted", "removed"), default=0)
    restored = models.PositiveIntegerField(pgettext_lazy("counted", "restored"), default=0)

    control_totals = models.JSONField(_("control totals"), default=list, blank=True)
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
        permissions = [("accept_syncrun", "Can accept a quarantined export")]
        indexes = [
            models.Index(fields=["sync_type", "-finished_at"], condition=Q(status="succeeded"), name="last_success"),
            models.Index(fields=["-priority", "requested_at"], condition=Q(status="queued"), name="run_queue"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["sync_type"],
                condition=Q(status="queued", given_file="", accepts=None) & ~Q(mode="smart"),
                name="one_queued_run_per_type",
            ),
            # Accepted twice, an export would prove two absences.
            models.UniqueConstraint(
                fields=["accepts"],
                condition=Q(accepts__isnull=False) & ~Q(status__in=["failed", "cancelled"]),
                name="one_acceptance_of_a_run",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sync_type} {self.pk}"

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
    def is_finished(self) -> bool:
        return self.status not in (self.Status.QUEUED, self.Status.RUNNING)

    def change(self, **values: Any) -> None:
        """Save these fields and no others."""
        for name, value in values.items():
            setattr(self, name, value)
        self.save(update_fields=list(values))

    def finish(self, status: Status, **values: Any) -> None:
        self.change(status=status, finished_at=timezone.now(), stage="", **values)


class RecordChange(models.Model):
    """What one run did to one record: which fields went from what to what."""

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
        return f"{self.sync_type} {self.key}: {self.kind}"
