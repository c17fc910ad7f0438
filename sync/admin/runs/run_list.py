"""The list of runs: its columns, how it is searched, and how it stays fast over a long history."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.db import models
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _

from sync.admin import columns, formatting
from sync.admin.change_list import KeyPaginator, SyncTypeFilter, TolerantChangeList, limit_words
from sync.admin.formatting import NOTHING
from sync.admin.runs.run_filters import RequestedFilter, WhoFilter
from sync.admin.runs.run_page import RunPageAdmin
from sync.models import SyncRun
from sync.translations import translate

ERRORS_SEARCHED = 10_000  # the newest; some months of them
CHARACTERS_SHOWN = 70  # of an error, and
CHARACTERS_IN_TITLE = 300  # to whoever points at it
COUNTS = ("read", "created", "updated", "missing", "removed", "restored", "left")

Runs = models.QuerySet[SyncRun]


class RunChangeList(TolerantChangeList):
    """The newest first and in no other order, which an index keeps."""

    def get_ordering(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> list[Any]:
        return list(SyncRun._meta.ordering or ())

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if not self.multi_page:  # Django would not ask the paginator
            self.result_list = self.paginator.page(1).object_list


class RunListAdmin(RunPageAdmin):
    """Runs, as a list."""

    list_display = (
        "state",
        "id",
        columns.type_name,
        *columns.make_columns(SyncRun, "requested_at"),
        "took",
        "outcome",
        "asked",
    )
    list_display_links = ("state", "id")
    list_filter = (
        SyncTypeFilter,
        "status",
        ("requested_at", RequestedFilter),
        "mode",
        "trigger",
        WhoFilter,
    )
    list_select_related = ("requested_by",)
    list_max_show_all = 0
    show_facets = admin.ShowFacets.NEVER  # each number beside a filter would read the whole table
    sortable_by = ()
    paginator = KeyPaginator
    search_fields = ("id",)
    search_help_text = _("Enter a run's number, the name of the person who asked for it, or words from its error.")

    def get_changelist(self, request: HttpRequest, **kwargs: object) -> type[RunChangeList]:
        return RunChangeList

    def get_search_results(self, request: HttpRequest, queryset: Runs, search_term: str) -> tuple[Runs, bool]:
        typed = limit_words(search_term)
        return (search_runs(queryset, typed) if typed else queryset), False

    @admin.display(description=_("records"))
    def outcome(self, run: SyncRun) -> str:
        """What the run read and changed; the first words of its error below."""
        counted = [formatting.format_count(name, getattr(run, name)) for name in COUNTS if getattr(run, name)]
        if run.read_from == SyncRun.Source.LOOK:
            counted.insert(0, run.get_read_from_display())
        counts = " · ".join(words.replace(" ", "\N{NO-BREAK SPACE}") for words in counted)
        error = run.error_sentence or run.error_class
        if not error:
            return counts or NOTHING
        words = Truncator(error.partition("\n")[0]).chars(CHARACTERS_SHOWN)
        title = Truncator(error).chars(CHARACTERS_IN_TITLE)
        return format_html('{}<div class="error-words" title="{}">{}</div>', counts, title, words)

    @admin.display(description=_("asked by"))
    def asked(self, run: SyncRun) -> str:
        parts = [SyncRun.Trigger(run.trigger).label, SyncRun.Mode(run.mode).label]
        return " · ".join(map(str, [*parts, run.requested_by] if run.requested_by else parts))


# Searching


def search_runs(runs: Runs, typed: str) -> Runs:
    """The run of this number; else those that somebody of this name asked for; else those whose error has the words."""
    if typed.isdecimal():
        return runs.filter(pk=typed) if formatting.is_number(typed) else runs.none()
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
