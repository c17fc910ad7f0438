"""What all mirrored records have in common."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


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
