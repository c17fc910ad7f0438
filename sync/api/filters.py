"""What lists can be filtered by."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.conf import settings
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from django_filters import rest_framework as filters
from django_filters.fields import IsoDateTimeField
from drf_spectacular.drainage import set_override
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from sync.api.fields import NO_BLANK_TEXT
from sync.api.pagination import PageQuerySerializer
from sync.database.search import LENGTH, search
from sync.models import SyncRun
from sync.models.mirrored import MirroredQuerySet

KEY_LENGTH = 2000


def check_parameters(
    given: QueryDict, *, known: Collection[str], multiple: Collection[str] = (), may_be_blank: Collection[str] = ()
) -> None:
    """Raises ValidationError: a misspelt parameter would be taken for not given."""
    errors: dict[str, Any] = {}
    for name, values in sorted(given.lists()):
        if name not in known:
            errors[name] = [_("This field does not exist. Check its name.")]
        elif len(values) > 1 and name not in multiple:
            errors[name] = [_("This parameter can be given only once.")]
        elif name not in may_be_blank and not all(value.strip() for value in values):
            errors[name] = [serializers.CharField.default_error_messages["blank"]]
    if errors:
        raise ValidationError(errors)


class FilterBackend(filters.DjangoFilterBackend):  # type: ignore[misc]
    """Refuses parameters that no filter knows, that are given twice, or that are empty."""

    def filter_queryset(self, request: Request, queryset: Any, view: Any) -> Any:
        if view.detail:
            return queryset
        filterset_class = self.get_filterset_class(view, queryset)
        known = filterset_class.base_filters if filterset_class else {}
        check_parameters(
            request.query_params,
            known={*known, *PageQuerySerializer().fields},
            multiple={name for name, each in known.items() if isinstance(each, filters.MultipleChoiceFilter)},
            may_be_blank={"search"},
        )
        return super().filter_queryset(request, queryset, view)


# Mirrored lists


class TextFilter(filters.CharFilter):  # type: ignore[misc]
    """Exactly this text."""

    def __init__(self, field_name: str, *, help_text: str, max_length: int = KEY_LENGTH, pattern: str = NO_BLANK_TEXT):
        super().__init__(field_name, help_text=help_text, max_length=max_length)
        schema = {"type": "string", "pattern": pattern, "maxLength": max_length, "description": help_text}
        set_override(self, "field", schema)


class MirrorFilterSet(filters.FilterSet):  # type: ignore[misc]
    search = TextFilter(
        "search_text",
        max_length=LENGTH,
        pattern="^[^\\u0000]*$",
        help_text="Words in any order, or parts of them; case, accents and dots do not matter. Best matches first, "
        "then, if these are few, what is similar (`isSimilar`).",
    )

    def filter_queryset(self, queryset: MirroredQuerySet[Any]) -> MirroredQuerySet[Any] | SearchResults:
        text = self.form.cleaned_data.pop("search")
        found = super().filter_queryset(queryset)
        return SearchResults(found, text) if text else found.in_order()


class SearchResults:
    """The records that a search finds, the best first. A page of them is read when it is sliced."""

    def __init__(self, records: MirroredQuerySet[Any], text: str) -> None:
        self.records = records
        found = search(records, text)
        self.keys, self.similar = found.keys, frozenset(found.similar)

    def count(self) -> int:
        return len(self.keys)

    def __getitem__(self, page: slice) -> Sequence[Any]:
        records = self.records.in_bulk(self.keys[page])
        for key, record in records.items():
            record.is_similar = key in self.similar
        return [records[key] for key in self.keys[page] if key in records]


# Runs


class MomentField(IsoDateTimeField):  # type: ignore[misc]
    """A moment that has a time in every time zone."""

    def to_python(self, value: Any) -> datetime | None:
        moment: datetime | None = super().to_python(value)
        try:
            return moment and moment.astimezone(UTC)
        except OverflowError:
            raise forms.ValidationError(self.error_messages["invalid"], "invalid") from None


class MomentFilter(filters.IsoDateTimeFilter):  # type: ignore[misc]
    field_class = MomentField


class ChoicesFilter(filters.MultipleChoiceFilter):  # type: ignore[misc]
    """Any of the given ones."""

    def __init__(self, field_name: str, choices: list[tuple[str, Any]]) -> None:
        super().__init__(field_name, choices=choices, distinct=False)
        set_override(self, "field", {"type": "string", "enum": [value for value, _label in choices]})


class RunFilterSet(filters.FilterSet):  # type: ignore[misc]
    type = ChoicesFilter("sync_type", choices=[(name, name) for name in settings.SYNC_TYPES])
    status = ChoicesFilter("status", choices=SyncRun.Status.choices)
    mode = ChoicesFilter("mode", choices=SyncRun.Mode.choices)
    trigger = ChoicesFilter("trigger", choices=SyncRun.Trigger.choices)
    since = MomentFilter("requested_at", "gte", help_text="Requested at this moment or later.")
    until = MomentFilter("requested_at", "lt", help_text="Requested before this moment.")
