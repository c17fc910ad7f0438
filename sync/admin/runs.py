"""Runs, to look at, cancel and try again; a quarantined export, to accept."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.dateparse import parse_datetime
from django.utils.formats import number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from sync import queue, runner
from sync.admin.parts import SyncTypeFilter, field_of, run_address, run_waits, table, type_name
from sync.admin.verbs import Verb, VerbsAdmin
from sync.exceptions import CannotAccept
from sync.exports.totals import ControlTotal
from sync.models import RecordChange, SyncEvent, SyncRun
from sync.progress import Stage
from sync.read_only_admin import (
    NOTHING,
    ReadOnlyAdmin,
    column_of,
    link,
    list_address,
    list_link,
    may_view,
    printed_duration,
    printed_value,
)

ACCEPTED_WITHIN = timedelta(seconds=15)  # or the page says that it is still being applied
SYMBOLS = {
    SyncRun.Status.QUEUED: "…",
    SyncRun.Status.RUNNING: "▶",
    SyncRun.Status.SUCCEEDED: "✓",
    SyncRun.Status.FAILED: "✗",
    SyncRun.Status.QUARANTINED: "⚠",
    SyncRun.Status.CANCELLED: "–",
}
STAGES = {
    Stage.FETCHING: _("fetching the export"),
    Stage.READING: _("reading the export"),
    Stage.APPLYING: _("applying the records"),
}


def time_of(name: str) -> Any:
    return column_of(field_of(SyncRun, name))


def count_of(name: str) -> Any:
    """A column that shows a count with its thousands apart."""

    @admin.display(description=field_of(SyncRun, name).verbose_name, ordering=name)
    def column(run: SyncRun) -> str:
        return number_format(getattr(run, name), force_grouping=True)

    column.__name__ = name
    return column


def cancel(run: SyncRun, *, by: User) -> str:
    queue.cancel(run, by=by)
    if run.is_finished:
        return gettext("Run %s is cancelled.") % run.pk
    return gettext("Run %s stops at its next page.") % run.pk


def retry(run: SyncRun, *, by: User) -> str:
    return run_waits(queue.retry(run, by=by))


def can_be_retried(run: SyncRun) -> bool:
    return run.is_finished and not run.accepts_id and run.sync_type in settings.SYNC_TYPES


@admin.register(SyncRun)
class SyncRunAdmin(VerbsAdmin, ReadOnlyAdmin):
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
    verbs = (
        Verb(
            "cancel",
            _("Cancel"),
            "sync.request_syncrun",
            cancel,
            lambda run: not run.is_finished,
            action=_("Cancel the runs"),
        ),
        Verb("retry", _("Try again"), "sync.request_syncrun", retry, can_be_retried),
    )
    readonly_fields = (
        "state",
        "took",
        "stage_now",
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
                    (time_of("started_at"), time_of("finished_at"), "took", time_of("erp_time")),
                    ("stage_now", "pages_of"),
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
        return printed_duration(run.duration)

    @admin.display(description=_("error"), ordering="error_class")
    def error(self, run: SyncRun) -> SafeString | str:
        first_line = (run.error_text or run.error_class).partition("\n")[0]
        return format_html('<span title="{}">{}</span>', run.error_text, Truncator(first_line).chars(80))

    @admin.display(description=_("error"))
    def error_message(self, run: SyncRun) -> SafeString | str:
        if not run.error_class:
            return NOTHING
        return format_html('<strong>{}</strong><div class="error-text">{}</div>', run.error_class, run.error_text)

    @admin.display(description=_("stage"))
    def stage_now(self, run: SyncRun) -> str:
        return str(STAGES[Stage(run.stage)]) if run.stage else NOTHING

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
        if may_view(request, SyncEvent):
            tools.append((_("Events"), list_address(SyncEvent, run=str(run.pk))))
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


def accept_address(run: SyncRun) -> str:
    return reverse("admin:sync_syncrun_accept", args=[run.pk])


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
