"""What became of the columns of the ERP's lists."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, pgettext_lazy

from sync.models.runs import SyncRun


class ColumnDriftQuerySet(models.QuerySet["ColumnDrift"]):
    """Changes of columns."""

    def last_of_each(self) -> ColumnDriftQuerySet:
        """Of each column the last."""
        return self.filter(~Exists(self.of_same_column().filter(pk__gt=OuterRef("pk"))))

    def outdated(self) -> ColumnDriftQuerySet:
        """Those after which the same column changed again."""
        return self.filter(Exists(self.of_same_column().filter(pk__gt=OuterRef("pk"))))

    def unseen(self) -> ColumnDriftQuerySet:
        """Those that nobody has marked as seen."""
        return self.filter(seen_at=None)

    def of_same_column(self) -> ColumnDriftQuerySet:
        same: Any = {name: OuterRef(name) for name in ("sync_type", "field", "header")}
        return ColumnDrift.objects.filter(**same)


class ColumnDrift(models.Model):
    """A list came with other columns than before: told until somebody has seen it."""

    class Kind(models.TextChoices):
        HIDDEN = "hidden", _("no longer read")  # not shown, or not to be told apart: what is mirrored of it stays
        SHOWN = "shown", _("read again")
        UNKNOWN = "unknown", _("not known, not mirrored")
        GONE = "gone", _("not known, no longer shown")

    sync_type = models.CharField(_("type"), max_length=30)
    field = models.CharField(
        _("field"), max_length=100, blank=True, help_text=_("The field of the mirror, if this column has one.")
    )
    header = models.CharField(_("column"), max_length=200)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    run = models.ForeignKey(SyncRun, models.SET_NULL, null=True, related_name="column_drifts", verbose_name=_("run"))
    at = models.DateTimeField(_("since"), help_text=_("The time of the first export with this change."))
    values_as_of = models.DateTimeField(
        _("values as of"), null=True, help_text=_("The time of the last export from which the column was read.")
    )
    seen_at = models.DateTimeField(pgettext_lazy("drift", "seen"), null=True)
    seen_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, verbose_name=_("seen by"))

    objects = ColumnDriftQuerySet.as_manager()

    class Meta:
        verbose_name = _("column change")
        verbose_name_plural = _("column changes")
        ordering = ("-pk",)
        permissions = [("see_columndrift", gettext_noop("Can mark changed columns as seen"))]
        indexes = [
            models.Index(fields=["sync_type", "field", "header"], name="drift_of_column"),
            models.Index(fields=["sync_type"], condition=Q(seen_at=None), name="unseen_drift"),
        ]

    def __str__(self) -> str:
        return f"{self.header}: {self.get_kind_display()}"

    @property
    def title(self) -> str:
        """The header as it stands in a sentence."""
        return self.header.removesuffix(":")
