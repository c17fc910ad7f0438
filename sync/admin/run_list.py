"""The list of runs: its columns, what it is narrowed and searched by, and how it stays fast over a long history."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.paginator import Page
from django.db import connection, models, transaction
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.timezone import is_naive, localtime, make_aware
from django.utils.translation import gettext_lazy as _

from sync.admin.change_list import BoundedPaginator, TolerantChangeList
from sync.admin.columns import get_field
from sync.admin.formatting import NOTHING, format_count, format_value, is_number
from sync.models import SyncRun
from sync.translations import translate

PEOPLE_SHOWN = 30  # beside the list; whoever else asked for runs is searched for
ERRORS_SEARCHED = 10_000  # the newest; some months of them
CHARACTERS_SHOWN = 70  # of an error, and
CHARACTERS_IN_TITLE = 300  # to whoever points at it
COUNTS = ("read", "created", "updated", "missing", "removed", "restored", "left")
NOBODY = "nobody"

Runs = models.QuerySet[SyncRun]


# Columns


@admin.display(description=_("records"))
def outcome(run: SyncRun) -> SafeString | str:
    """What the run read and changed; the first words of its error below."""
    counted = (format_count(name, getattr(run, name)) for name in COUNTS if getattr(run, name))
    counts = " · ".join(words.replace(" ", "\N{NO-BREAK SPACE}") for words in counted)
    error = run.error_sentence or run.error_class
    if not error:
        return counts or NOTHING
    words = Truncator(error.partition("\n")[0]).chars(CHARACTERS_SHOWN)
    title = Truncator(error).chars(CHARACTERS_IN_TITLE)
    return format_html('{}<div class="error-words" title="{}">{}</div>', counts, title, words)


@admin.display(description=_("asked by"))
def asked(run: SyncRun) -> str:
    parts = [SyncRun.Trigger(run.trigger).label, SyncRun.Mode(run.mode).label]
    return " · ".join(map(str, [*parts, run.requested_by] if run.requested_by else parts))


# Filters


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
        return queryset.filter(requested_by=who) if is_number(who) else queryset.none()


class RequestedFilter(admin.DateFieldListFilter):
    """When runs were asked for: on some days, or from and until the moments that a link names."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        today = localtime().replace(hour=0, minute=0, second=0, microsecond=0)
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
        return {name: parse_requested_at(text) for name, text in given.items() if text}

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
        return " – ".join(format_value(self.field, end) for end in named)


def parse_requested_at(text: str) -> datetime:
    """What a link calls a moment; without a time zone it is ours. Raises OverflowError if a time zone lacks it."""
    moment: datetime = get_field(SyncRun, "requested_at").to_python(text)
    return localtime((make_aware(moment) if is_naive(moment) else moment).astimezone(UTC))


# Searching


def search_runs(runs: Runs, typed: str) -> Runs:
    """The run of this number; else those that somebody of this name asked for; else those whose error has the words."""
    if typed.isdecimal():
        return runs.filter(pk=typed) if is_number(typed) else runs.none()
    if who := User.objects.filter(username__iexact=typed).first():
        return runs.filter(requested_by=who)
    words = typed.casefold().split()
    errors = keep_newest_errors(runs).values_list("pk", "error_class", "error_text").iterator()
    texts = ((pk, f"{kind} {text} {translate(text)}".casefold()) for pk, kind, text in errors)
    return runs.filter(pk__in=[pk for pk, text in texts if all(word in text for word in words)])


def keep_newest_errors(runs: Runs) -> Runs:
    """Those of them that end with one of the newest errors: a search reads the texts of no more."""
    runs = runs.exclude(error_class="")
    errors = SyncRun.objects.exclude(error_class="").order_by("-requested_at", "-pk")
    oldest = errors.values_list("requested_at", flat=True)[ERRORS_SEARCHED:].first()
    return runs.filter(requested_at__gt=oldest) if oldest else runs


# Paging


class KeyPaginator(BoundedPaginator):
    """Reads the keys of all its rows at once, which an index holds, and of the rows those of one page."""

    @cached_property
    def keys(self) -> list[Any]:
        with prefer_index():
            return list(self.rows.values_list("pk", flat=True)[: self.limit])

    @cached_property
    def count(self) -> int:
        return len(self.keys)

    @property
    def rows(self) -> models.QuerySet[Any]:
        return cast("models.QuerySet[Any]", self.object_list)

    def page(self, number: Any) -> Page[Any]:
        number = self.validate_number(number)
        first = (number - 1) * self.per_page
        return Page(self.rows.filter(pk__in=self.keys[first : first + self.per_page]), number, self)


@contextmanager
def prefer_index() -> Iterator[None]:
    """Let PostgreSQL walk along an index, where it would rather read the table: it takes each step for a far one."""
    if connection.vendor != "postgresql":
        yield
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL random_page_cost = 1")
        yield


class RunChangeList(TolerantChangeList):
    """The newest first and in no other order, which an index keeps."""

    def get_ordering(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> list[Any]:
        return list(SyncRun._meta.ordering or ())

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if not self.multi_page:  # Django would not ask the paginator
            self.result_list = self.paginator.page(1).object_list
