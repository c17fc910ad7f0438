"""What all mirrored records have in common."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Self, TypeVar

from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from sync.list_names import get_list_name
from sync.models.search_field import SearchField
from sync.models.search_word import SearchWord

Record = TypeVar("Record", bound="MirroredModel")

# What a field of a list is, as sync/exports/values.py reads it. What the ERP leaves empty is "" in a text, else null.
TEXT: dict[str, Any] = {"blank": True, "default": ""}
AMOUNT: dict[str, Any] = {"max_digits": 17, "decimal_places": 2}  # in euro, or a percentage
NUMBER: dict[str, Any] = {"max_digits": 19, "decimal_places": 4}


class MirroredQuerySet(models.QuerySet[Record]):
    """Records of the mirror.

    The records of two lists find each other by the number that both carry. Lists arrive in any order, and a number may
    be blank, repeated or not known yet: there are no foreign keys between them.
    """

    def present(self) -> Self:
        """Those that are not removed."""
        return self.filter(removed_at=None)

    def shown(self) -> Self:
        """Those that the last full export showed."""
        return self.filter(missing_since=None, removed_at=None)

    def missing(self) -> Self:
        """Those that the last full export lacked, and that are not removed yet."""
        return self.filter(missing_since__isnull=False, removed_at=None)

    def removed(self) -> Self:
        return self.filter(removed_at__isnull=False)

    def matching(self, **numbers: str) -> Self:
        """Those that carry these numbers and are not removed; none if a number is blank, which says nothing."""
        return self.present().filter(**numbers) if all(numbers.values()) else self.none()

    def find_match(self, **numbers: str) -> Record | None:
        """The record that carries these numbers; of several, the first that was mirrored."""
        return self.matching(**numbers).order_by("pk").first()

    def in_order(self) -> Self:
        """As people expect their list."""
        return self.order_by(*self.model.list_order)

    def bulk_create(self, objs: Iterable[Record], *args: Any, **options: Any) -> list[Record]:
        with transaction.atomic(self.db):
            records = super().bulk_create(objs, *args, **options)
            SearchWord.objects.using(self.db).add_words(self.model, records)
        return records


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

    is_similar = False  # whether a search found it in spite of a slip only

    objects = MirroredQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **options: Any) -> None:
        with transaction.atomic(options.get("using")):
            super().save(*args, **options)
            SearchWord.objects.using(options.get("using")).add_words(type(self), [self])


class MirroredColumn(models.Model):
    """A column of one of the ERP's lists, as an applied export last showed it."""

    sync_type = models.CharField(_("type"), max_length=30)
    field = models.CharField(_("field"), max_length=100)
    last_seen_at = models.DateTimeField(
        _("last seen"), help_text=_("The time of the last export that showed the column.")
    )
    applied_at = models.DateTimeField(_("applied"), help_text=_("When that export was applied."))
    is_confirmed = models.BooleanField(
        _("confirmed"),
        default=False,
        help_text=_("Whether an export has had values in this column, all of which could be read."),
    )

    class Meta:
        verbose_name = _("mirrored column")
        verbose_name_plural = _("mirrored columns")
        constraints = (models.UniqueConstraint(fields=["sync_type", "field"], name="one_row_per_column"),)

    def __str__(self) -> str:
        return f"{get_list_name(self.sync_type)} {self.field}"


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
