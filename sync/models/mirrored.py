"""What all mirrored records have in common."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from sync.list_names import list_name
from sync.models.search_field import SearchField


class MirroredQuerySet(models.QuerySet["MirroredModel"]):
    """Records of the mirror."""

    def present(self) -> MirroredQuerySet:
        """Those that are not removed."""
        return self.filter(removed_at__isnull=True)

    def in_order(self) -> MirroredQuerySet:
        """As people expect their list."""
        return self.order_by(*self.model.list_order)


class MirroredModel(models.Model):
    """A record of one of the ERP's lists, shown as the ERP shows it; changed by syncs alone."""

    search_fields: ClassVar[tuple[str, ...]] = ()  # texts that it is found by
    list_order: ClassVar[tuple[str, ...]] = ("search_text", "pk")  # the first search field's, without case and accents

    created_at = models.DateTimeField(_("first mirrored"), editable=False)
    changed_at = models.DateTimeField(_("last changed"), editable=False, db_index=True)
    missing_since = models.DateTimeField(
        _("missing since"), null=True, editable=False, help_text=_("Absent from the last full export.")
    )
    removed_at = models.DateTimeField(
        _("removed"), null=True, editable=False, help_text=_("Absent from two full exports in a row.")
    )
    erased_at = models.DateTimeField(
        _("erased"), null=True, editable=False, help_text=_("When its personal data was erased, at a person's request.")
    )

    search_text = SearchField(_("search text"))

    objects = MirroredQuerySet.as_manager()

    class Meta:
        abstract = True


class MirroredColumn(models.Model):
    """A column of one of the ERP's lists, as an applied export last showed it."""

    sync_type = models.CharField(_("type"), max_length=30)
    field = models.CharField(_("field"), max_length=100)
    last_seen_at = models.DateTimeField(_("last seen"), help_text=_("In an export of this moment."))
    applied_at = models.DateTimeField(_("applied"), help_text=_("When that export was applied."))
    is_confirmed = models.BooleanField(
        _("confirmed"), default=False, help_text=_("Whether an export ever had values of it, and all could be read.")
    )

    class Meta:
        verbose_name = _("mirrored column")
        verbose_name_plural = _("mirrored columns")
        constraints = (models.UniqueConstraint(fields=["sync_type", "field"], name="one_row_per_column"),)

    def __str__(self) -> str:
        return f"{list_name(self.sync_type)} {self.field}"


def list_indexes(name: str, *order: str) -> tuple[models.Index, models.Index]:
    """Two indexes that every list needs: one of its records in their order, one of those that are removed.

    Listing and searching need not look at the rows. For SQLite, the first one holds `removed_at` though it is null
    throughout, and there is no index of `removed_at` alone: it would take that one for the better.
    """
    rest = [field for field in ("search_text", "removed_at") if field not in order]
    return (
        models.Index(fields=[*order, *rest], condition=models.Q(removed_at=None), name=f"{name}_in_order"),
        models.Index(fields=["removed_at"], condition=models.Q(removed_at__isnull=False), name=f"{name}_removed"),
    )
