"""Runs and what they changed, to look at; a quarantined export, to accept."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import FieldDoesNotExist, PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.dateparse import parse_datetime
from django.utils.formats import number_format
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from sync import queue, runner
from sync.exceptions import CannotAccept
from sync.exports.totals import ControlTotal
from sync.models import RecordChange, SyncRun
from sync.read_only_admin import (
    NOTHING,
    ReadOnlyAdmin,
    column_of,
    link,
    list_address,
    list_link,
    may_view,
    printed,
    printed_value,
)
from sync.service import SyncService, service_for

if TYPE_CHECKING:
    AnyPaginator = Paginator[Any]
else:
    AnyPaginator = Paginator

ACCEPTED_WITHIN = timedelta(seconds=15)  # or the page says that it is still being applied
FIELDS_SHOWN = 4  # in a list; a change's own page shows all
CHARACTERS_SHOWN = 40  # of a value, in a list
SYMBOLS = {
    SyncRun.Status.QUEUED: "…",
    SyncRun.Status.RUNNING: "▶",
    SyncRun.Status.SUCCEEDED: "✓",
    SyncRun.Status.FAILED: "✗",
    SyncRun.Status.QUARANTINED: "⚠",
    SyncRun.Status.CANCELLED: "–",
}


class SyncTypeFilter(admin.SimpleListFilter):
    """The sync types as they are declared: asking the rows would read all of them."""

    title = _("type")
    parameter_name = "sync_type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(sync_type, list_name(sync_type)) for sync_type in settings.SYNC_TYPES]

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        return queryset.filter(sync_type=self.value()) if self.value() else queryset


def field_of(model: type[models.Model], name: str) -> models.Field[Any, Any]:
    return cast("models.Field[Any, Any]", model._meta.get_field(name))


def list_name(sync_type: str) -> str:
    service = service_of(sync_type)
    return str(service.model._meta.verbose_name_plural) if service else sync_type


def service_of(sync_type: str) -> SyncService | None:
    """None for a type that was mirrored once and is no more."""
    return service_for(sync_type) if sync_type in settings.SYNC_TYPES else None


@admin.display(description=_("type"), ordering="sync_type")
def type_column(row: SyncRun | RecordChange) -> str:
    return list_name(row.sync_type)


type_name: Any = type_column  # in a fieldset too, of which the stubs know names alone


def time_of(name: str) -> Any:
    return column_of(field_of(SyncRun, name))


def count_of(name: str) -> Any:
    """A column that shows a count with its thousands apart."""

    @admin.display(description=field_of(SyncRun, name).verbose_name, ordering=name)
    def column(run: SyncRun) -> str:
        return number_format(getattr(run, name), force_grouping=True)

    column.__name__ = name
    return column


@admin.register(SyncRun)
class SyncRunAdmin(ReadOnlyAdmin):
    list_display = (
        "state",
        "id",
        type_name,
        time_of("started_at"),
        "error",
        "took",
        *map(count_of, ("read", "created", "updated", "missing", "removed")),
        "mode",
        "trigger",
        "requested_by",
    )
    list_filter = (SyncTypeFilter, "status", "mode", "trigger")
    list_select_related = ("requested_by",)
    date_hierarchy = "requested_at"
    search_fields = ("id__exact", "error_text", "error_class")
    search_help_text = _("A run's number, or words of its error.")
    actions = ("accept_export",)
    readonly_fields = (
        "state",
        "took",
        "pages_of",
        "came_back",
        "accepted_by",
        "size",
        "totals",
        "noted",
        "error_message",
        "changed_records",
    )
    fieldsets = (
        (None, {"fields": ["state", "error_message", type_name, ("mode", "trigger"), ("requested_by", "priority")]}),
        (
            _("Times and progress"),
            {
                "fields": [
                    time_of("requested_at"),
                    (time_of("not_before"), time_of("cancel_requested_at")),
                    (time_of("started_at"), time_of("finished_at"), "took", "erp_time"),
                    ("stage", "pages_of"),
                    ("attempts", "token", "came_back"),
                    ("retries", "merged_into"),
                ]
            },
        ),
        (
            _("Counts"),
            {
                "fields": [
                    tuple(map(count_of, ("read", "created", "updated", "unchanged"))),
                    tuple(map(count_of, ("missing", "removed", "restored", "left"))),
                    "changed_records",
                ]
            },
        ),
        (
            _("Export"),
            {
                "fields": [
                    "given_file",
                    "export_path",
                    "size",
                    "export_sha256",
                    time_of("exported_at"),
                    "accepts",
                    "accepted_by",
                ]
            },
        ),
        (_("Control totals"), {"fields": ["totals", "noted"]}),
    )

    class Media:
        css = {"all": ["sync/admin.css"]}

    @admin.display(description=_("status"), ordering="status")
    def state(self, run: SyncRun) -> SafeString:
        status = SyncRun.Status(run.status)
        return format_html('<span class="run-status {}">{} {}</span>', status.value, SYMBOLS[status], status.label)

    @admin.display(description=_("duration"))
    def took(self, run: SyncRun) -> str:
        if run.duration is None:
            return NOTHING
        seconds = round(run.duration.total_seconds(), 1)
        if seconds < 60:
            return f"{number_format(seconds, 1)} s"
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes} min {rest} s"

    @admin.display(description=_("error"), ordering="error_class")
    def error(self, run: SyncRun) -> SafeString | str:
        first_line = (run.error_text or run.error_class).partition("\n")[0]
        return format_html('<span title="{}">{}</span>', run.error_text, Truncator(first_line).chars(80))

    @admin.display(description=_("error"))
    def error_message(self, run: SyncRun) -> SafeString | str:
        if not run.error_class:
            return NOTHING
        return format_html('<strong>{}</strong><div class="error-text">{}</div>', run.error_class, run.error_text)

    @admin.display(description=_("pages read"))
    def pages_of(self, run: SyncRun) -> str:
        read = number_format(run.pages_read, force_grouping=True)
        if run.pages is None:
            return read
        return gettext("%(read)s of %(pages)s") % {
            "read": read,
            "pages": number_format(run.pages, force_grouping=True),
        }

    @admin.display(description=_("ended attempts"))
    def came_back(self, run: SyncRun) -> SafeString | str:
        headers = [_("ended"), _("because"), _("error")]
        return table(headers, map(attempt_line, run.ended_attempts))

    @admin.display(description=_("changes"))
    def changed_records(self, run: SyncRun) -> SafeString | str:
        return list_link(RecordChange, number_format(run.changes.count(), force_grouping=True), run=str(run.pk))

    @admin.display(description=_("export's size"))
    def size(self, run: SyncRun) -> str:
        return NOTHING if run.export_size is None else filesizeformat(run.export_size)

    @admin.display(description=_("accepted by"))
    def accepted_by(self, run: SyncRun) -> SafeString | str:
        lines = ((link(each), self.state(each)) for each in run.acceptances.all())
        return format_html_join("", "<div>{} {}</div>", lines) or NOTHING

    @admin.display(description=_("control totals"))
    def totals(self, run: SyncRun) -> SafeString | str:
        headers = [_("column"), _("function"), _("stated"), _("found"), _("agrees")]
        return table(headers, map(total_line, run.control_totals))

    @admin.display(description=_("notes"))
    def noted(self, run: SyncRun) -> SafeString | str:
        items = format_html_join("", "<li>{}</li>", ((note,) for note in run.notes))
        return format_html('<ul class="notes">{}</ul>', items) if items else NOTHING

    def tools(self, request: HttpRequest, run: SyncRun) -> list[tuple[Any, str]]:
        tools: list[tuple[Any, str]] = []
        if self.has_accept_permission(request) and run.waits_for_a_decision:
            tools.append((_("Accept the export…"), accept_address(run)))
        if may_view(request, RecordChange):
            tools.append((_("Changes"), list_address(RecordChange, run=str(run.pk))))
        return tools

    # Accepting a quarantined export

    def has_accept_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("sync.accept_syncrun") and self.has_view_permission(request)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_http_methods(["GET", "POST"])(self.accept_view))
        return [path("<int:pk>/accept/", view, name="sync_syncrun_accept"), *super().get_urls()]

    @admin.action(description=_("Accept the quarantined export"), permissions=["accept"])
    def accept_export(self, request: HttpRequest, runs: models.QuerySet[SyncRun]) -> HttpResponse | None:
        """Lead to the page that asks; of several exports each has to be looked at."""
        chosen = list(runs[:2])
        if len(chosen) == 1:
            return HttpResponseRedirect(accept_address(chosen[0]))
        self.message_user(request, gettext("Select one run: each export is accepted by itself."), messages.ERROR)
        return None

    def accept_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask whether to apply a quarantined export, and apply it."""
        if not self.has_accept_permission(request):
            raise PermissionDenied
        run = get_object_or_404(SyncRun, pk=pk)
        if request.method == "POST":
            return HttpResponseRedirect(self.accept(request, run))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "media": self.media,
            "title": _("Accept the export of %s") % run,
            "run": run,
            "list_name": type_name(run),
            "exported_at": time_of("exported_at")(run),
            "size": self.size(run),
            "state": self.state(run),
            "facts": facts_of(run),
        }
        return TemplateResponse(request, "admin/sync/syncrun/accept.html", context)

    def accept(self, request: HttpRequest, run: SyncRun) -> str:
        """Apply the run's export, say what came of it, and give the address of the run to look at."""
        try:
            accepted = queue.accept(run, by=cast(User, request.user))
        except CannotAccept as error:
            self.message_user(request, str(error), messages.ERROR)
            return run_address(run)
        accepted = runner.wait_for(accepted, at_most=ACCEPTED_WITHIN)
        self.message_user(request, *told(accepted))
        return run_address(accepted)


class BoundedPaginator(AnyPaginator):
    """Counts and pages no further than the limit, so that no page of a long list reads all of it."""

    limit = 10_000  # rows; nobody turns two hundred pages

    @cached_property
    def count(self) -> int:
        rows = cast("models.QuerySet[Any]", self.object_list)
        return rows.order_by()[: self.limit].count()


@admin.register(RecordChange)
class RecordChangeAdmin(ReadOnlyAdmin):
    list_display = ("when", "run_by_number", type_name, "record", "kind", "changed")
    list_filter = ("kind", SyncTypeFilter)
    show_facets = admin.ShowFacets.NEVER  # each number beside a filter would read the whole table
    sortable_by = ()
    paginator = BoundedPaginator
    search_fields = ("key",)
    search_help_text = _("The whole key of a record.")
    readonly_fields = ("when", "run_by_number", "record", "all_changed")
    fieldsets = ((None, {"fields": ["when", "run_by_number", type_name, "record", "kind", "all_changed"]}),)

    class Media:
        css = {"all": ["sync/admin.css"]}

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[RecordChange]:
        return super().get_queryset(request).prefetch_related("run")  # a join could be read from its wrong end

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[RecordChange], search_term: str
    ) -> tuple[models.QuerySet[RecordChange], bool]:
        """By whole keys, in every type: this is what the index of keys answers."""
        if term := search_term.strip():
            queryset = queryset.filter(sync_type__in=list(settings.SYNC_TYPES), key=term)
        return queryset, False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        title = subject(request.GET)
        return super().changelist_view(request, {**({"title": title} if title else {}), **(extra_context or {})})

    def tools(self, request: HttpRequest, change: RecordChange) -> list[tuple[Any, str]]:
        return [(_("History"), list_address(RecordChange, sync_type=change.sync_type, key=change.key))]

    @admin.display(description=_("when"))
    def when(self, change: RecordChange) -> str:
        return printed(change.run, "finished_at")

    @admin.display(description=_("run"))
    def run_by_number(self, change: RecordChange) -> SafeString | str:
        return link(change.run)

    @admin.display(description=_("record"))
    def record(self, change: RecordChange) -> SafeString | str:
        service = service_of(change.sync_type)
        return list_link(service.model, change.key, **{service.layout.key: change.key}) if service else change.key

    @admin.display(description=_("changed fields"))
    def changed(self, change: RecordChange) -> SafeString | str:
        names = list(change.fields)
        lines = [
            (label, Truncator(old).chars(CHARACTERS_SHOWN), Truncator(new).chars(CHARACTERS_SHOWN))
            for label, old, new in (changed_field(change, name) for name in names[:FIELDS_SHOWN])
        ]
        html = format_html_join("", '<div><span class="changed-field">{}</span> {} → {}</div>', lines)
        if more := len(names) - len(lines):
            html += format_html("<div>{}</div>", ngettext("and %d more", "and %d more", more) % more)
        return html or NOTHING

    @admin.display(description=_("changed fields"))
    def all_changed(self, change: RecordChange) -> SafeString | str:
        headers = [_("field"), _("old value"), _("new value")]
        return table(headers, (changed_field(change, name) for name in change.fields))


def accept_address(run: SyncRun) -> str:
    return reverse("admin:sync_syncrun_accept", args=[run.pk])


def run_address(run: SyncRun) -> str:
    return reverse("admin:sync_syncrun_change", args=[run.pk])


def facts_of(run: SyncRun) -> list[tuple[Any, str]]:
    """What was expected of a quarantined export and what came, each with its name."""
    totals = map(control_total, run.control_totals)
    facts: list[tuple[Any, Decimal | int]] = [
        (_("In the export"), total.found) for total in totals if total.function == "Count"
    ]
    if run.status == SyncRun.Status.QUARANTINED:
        numbers = {name: int(number) for name, number in run.error_facts.items()}
        facts = [
            (_("Expected, as in the mirror"), numbers["mirrored"]),
            *facts,
            (_("Would be marked missing"), numbers["missing"]),
            (_("Allowed without asking"), numbers["allowed"]),
        ]
    return [(name, number_format(number, force_grouping=True)) for name, number in facts]


def told(run: SyncRun) -> tuple[str, int]:
    """What became of an accepted export, and how good that is."""
    if run.status == SyncRun.Status.SUCCEEDED:
        counts = ("created", "updated", "missing", "removed")
        numbers = {name: number_format(getattr(run, name), force_grouping=True) for name in counts}
        text = gettext("Applied: %(created)s created, %(updated)s updated, %(missing)s missing, %(removed)s removed.")
        return text % numbers, messages.SUCCESS
    if run.is_finished:
        return gettext("Not applied: %s") % run.error_text, messages.ERROR
    return gettext("Run %s waits for its turn.") % run.pk, messages.WARNING


def subject(query: QueryDict) -> str:
    """What a list of changes is narrowed to by the link that led to it: a record, or a run."""
    if key := query.get("key"):
        return gettext("Changes of %(list)s %(key)s") % {"list": list_name(query.get("sync_type", "")), "key": key}
    if run := query.get("run"):
        return gettext("Changes by run %s") % run
    return ""


def changed_field(change: RecordChange, name: str) -> tuple[str, str, str]:
    """A changed field's label, old value and new value."""
    old, new = change.fields[name]
    if service := service_of(change.sync_type):
        with suppress(FieldDoesNotExist, ValidationError):  # the list was another when the change was made
            field = field_of(service.model, name)
            values = [printed_value(field, field.to_python(value)) for value in (old, new)]
            return str(field.verbose_name), values[0], values[1]
    return name, str(old), str(new)


def control_total(kept: dict[str, str]) -> ControlTotal:
    numbers = (Decimal(kept[name]) for name in ("stated", "found", "differenceAllowed"))
    return ControlTotal(kept["column"], kept["function"], *numbers)


def total_line(kept: dict[str, str]) -> tuple[str, ...]:
    total = control_total(kept)
    numbers = (number_format(number, force_grouping=True) for number in (total.stated, total.found))
    return total.column, total.function, *numbers, gettext("Yes") if total.agrees else gettext("No")


def attempt_line(attempt: dict[str, str]) -> tuple[str, ...]:
    ended = printed_value(field_of(SyncRun, "finished_at"), parse_datetime(attempt["endedAt"]))
    return ended, attempt["outcome"], f"{attempt['error']}: {attempt['text']}" if attempt["error"] else NOTHING


def table(headers: Iterable[Any], rows: Iterable[Iterable[str]]) -> SafeString | str:
    """A small table; a dash if it has no rows."""
    lines = [(format_html_join("", "<td>{}</td>", ((cell,) for cell in row)),) for row in rows]
    if not lines:
        return NOTHING
    head = format_html_join("", '<th scope="col">{}</th>', ((header,) for header in headers))
    body = format_html_join("", "<tr>{}</tr>", lines)
    return format_html('<table class="small-table"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>', head, body)
