"""What the list of runs is narrowed by, beside the fields of a run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from sync.admin import formatting

PEOPLE_SHOWN = 30  # beside the list; whoever else asked for runs is searched for
NOBODY = "nobody"


class WhoFilter(admin.SimpleListFilter):
    """Who asked for runs."""

    title = _("asked by")
    parameter_name = "requested_by"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        people = User.objects.filter(is_staff=True).order_by("username")[:PEOPLE_SHOWN]
        return [(NOBODY, _("nobody (schedule or command line)")), *((str(user.pk), user) for user in people)]

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        who = self.value()
        if not who:
            return queryset
        if who == NOBODY:
            return queryset.filter(requested_by=None)
        return queryset.filter(requested_by=who) if formatting.is_number(who) else queryset.none()


class RequestedFilter(admin.DateFieldListFilter):
    """When runs were asked for: on some days, or from and until the moments that a link names."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        today = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
        self.links = (
            (_("any time"), {}),
            (_("today"), self.make_period(today)),
            (_("yesterday"), self.make_period(today - timedelta(days=1), today)),
            (_("last 7 days"), self.make_period(today - timedelta(days=6))),
            (_("last 30 days"), self.make_period(today - timedelta(days=29))),
        )

    def make_period(self, since: datetime, until: datetime | None = None) -> dict[str, Any]:
        given = {self.lookup_kwarg_since: since, self.lookup_kwarg_until: until}
        return {name: moment for name, moment in given.items() if moment}

    def get_bounds(self) -> dict[str, datetime]:
        """What the address says, by lookup."""
        given = {name: self.date_params.get(name) for name in (self.lookup_kwarg_since, self.lookup_kwarg_until)}
        return {name: self.parse(text) for name, text in given.items() if text}

    def parse(self, text: str) -> datetime:
        """What a link calls a moment; without a zone it is ours. Raises OverflowError if a time zone lacks it."""
        moment: datetime = self.field.to_python(text)
        is_naive = timezone.is_naive(moment)
        return timezone.localtime((timezone.make_aware(moment) if is_naive else moment).astimezone(UTC))

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        try:
            return queryset.filter(**self.get_bounds())
        except (ValidationError, OverflowError) as error:
            raise IncorrectLookupParameters(error) from error

    def choices(self, changelist: Any) -> Iterator[Any]:
        choices = list(super().choices(changelist))
        yield from choices
        if self.get_bounds() and not any(choice["selected"] for choice in choices):
            yield {"selected": True, "query_string": changelist.get_query_string(), "display": self.describe_period()}

    def describe_period(self) -> str:
        ends = self.get_bounds()
        named = (ends.get(name) for name in (self.lookup_kwarg_since, self.lookup_kwarg_until))
        return " – ".join(formatting.format_value(self.field, end) for end in named)
