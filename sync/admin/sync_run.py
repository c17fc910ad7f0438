"""Runs, to look at, cancel and try again; a run's own page is in run_page.py."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import AdminForm
from django.contrib.admin.utils import flatten_fieldsets, unquote
from django.contrib.auth.models import User
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from sync.admin import acceptance, downloads, progress, run_list
from sync.admin.buttons import Button, LinkButton
from sync.admin.change_list import SyncTypeFilter, limit_words
from sync.admin.columns import get_field, make_columns, type_name
from sync.admin.formatting import (
    EVENT_KINDS,
    NOTHING,
    format_duration,
    format_link,
    format_list_link,
    format_number,
    format_status,
)
from sync.admin.links import get_list_url
from sync.admin.permissions import require_permission
from sync.admin.read_only import ReadOnlyAdmin
from sync.admin.run_page import get_story
from sync.coordinator import queue
from sync.list_names import get_list_name
from sync.models import RecordChange, SyncEvent, SyncRun


def make_count_column(name: str) -> Any:
    """Shows a count with its thousands apart."""

    @admin.display(description=get_field(SyncRun, name).verbose_name, ordering=name)
    def column(run: SyncRun) -> str:
        return format_number(getattr(run, name))

    column.__name__ = name
    return column


def cancel_run(run: SyncRun, *, by: User) -> str:
    run.cancel(by=by)
    if run.is_finished:
        return gettext("Run %s is cancelled.") % run.pk
    return gettext("Run %s stops at its next page.") % run.pk


def request_same_run(run: SyncRun, *, by: User) -> SyncRun:
    return queue.request_sync(run.sync_type, mode=run.mode, trigger=SyncRun.Trigger.ADMIN, by=by)


def get_accept_url(run: SyncRun) -> str:
    return reverse("admin:sync_syncrun_accept", args=[run.pk])


@admin.register(SyncRun)
class SyncRunAdmin(ReadOnlyAdmin):
    buttons = (
        Button(
            "cancel",
            _("Cancel"),
            "sync.request_syncrun",
            lambda run: not run.cannot_cancel(),
            cancel_run,
            list_label=_("Cancel the runs"),
        ),
        Button("run", _("Run now"), "sync.request_syncrun", lambda run: run.waits_for_its_time, request_same_run),
        Button("retry", _("Try again"), "sync.request_syncrun", lambda run: not run.cannot_retry(), queue.retry),
        LinkButton(
            _("View what would be lost"),
            acceptance.PERMISSION,
            get_accept_url,
            lambda run: run.waits_for_a_decision,
        ),
        LinkButton(
            _("Download the export"),
            downloads.PERMISSION,
            lambda run: reverse("admin:sync_syncrun_export", args=[run.pk]),
            downloads.find_kept_export,
        ),
        LinkButton(_("Changes"), "sync.view_recordchange", lambda run: get_list_url(RecordChange, run=str(run.pk))),
        LinkButton(_("Events"), "sync.view_syncevent", lambda run: get_list_url(SyncEvent, run=str(run.pk))),
    )
    actions = ("accept_export",)
    action_permissions = {"accept_export": acceptance.PERMISSION}
    list_display = (
        "state",
        "id",
        type_name,
        *make_columns(SyncRun, "requested_at"),
        "took",
        run_list.outcome,
        run_list.asked,
    )
    list_display_links = ("state", "id")
    list_filter = (
        SyncTypeFilter,
        "status",
        ("requested_at", run_list.RequestedFilter),
        "mode",
        "trigger",
        run_list.WhoFilter,
    )
    list_select_related = ("requested_by",)
    list_max_show_all = 0
    show_facets = admin.ShowFacets.NEVER  # each number beside a filter would read the whole table
    sortable_by = ()
    paginator = run_list.KeyPaginator
    search_fields = ("id",)
    search_help_text = _("Enter a run's number, the name of the person who asked for it, or words from its error.")
    readonly_fields = (
        "state",
        "took",
        "stage_now",
        "pages_of",
        "accepted_by",
        "size",
        "changed_records",
    )
    fieldsets = (
        (None, {"fields": ["state", "error_class", type_name, ("mode", "trigger"), ("requested_by", "priority")]}),
        (
            _("Times and progress"),
            {
                "fields": [
                    *make_columns(SyncRun, "requested_at"),
                    make_columns(SyncRun, "not_before", "cancel_requested_at"),
                    (*make_columns(SyncRun, "started_at", "finished_at"), "took", *make_columns(SyncRun, "erp_time")),
                    ("stage_now", "pages_of"),
                    ("attempts", "token"),
                    ("retries", "merged_into"),
                ]
            },
        ),
        (
            _("Counts"),
            {
                "fields": [
                    tuple(map(make_count_column, ("read", "created", "updated", "unchanged"))),
                    tuple(map(make_count_column, ("missing", "removed", "restored", "left"))),
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
                    *make_columns(SyncRun, "exported_at"),
                    "accepts",
                    "accepted_by",
                ]
            },
        ),
    )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[run_list.RunChangeList]:
        return run_list.RunChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[SyncRun], search_term: str
    ) -> tuple[models.QuerySet[SyncRun], bool]:
        typed = limit_words(search_term)
        return (run_list.search_runs(queryset, typed) if typed else queryset), False

    @admin.action(description=_("Accept the quarantined export"))
    def accept_export(self, request: HttpRequest, runs: models.QuerySet[SyncRun]) -> HttpResponse | None:
        """Lead to the page that asks; of several exports each has to be looked at."""
        chosen = list(runs[:2])
        if len(chosen) == 1:
            return HttpResponseRedirect(get_accept_url(chosen[0]))
        messages.error(request, gettext("Select only one run: exports are accepted one at a time."))
        return None

    def get_urls(self) -> list[URLPattern]:
        admin_view = self.admin_site.admin_view
        return [
            path("<int:pk>/story/", admin_view(require_GET(self.story_view)), name="sync_syncrun_story"),
            path("<int:pk>/accept/", admin_view(acceptance.accept_view), name="sync_syncrun_accept"),
            path("<int:pk>/export/", admin_view(downloads.export_view), name="sync_syncrun_export"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The run's page: what happened, and all fields."""
        run = self.get_object(request, unquote(object_id))
        if run is None or request.method == "POST" or not self.has_view_permission(request, run):
            return super().change_view(request, object_id, form_url, extra_context)  # which says that it cannot be
        context = {
            **self.admin_site.each_context(request),
            **self.get_story_context(request, run),
            "opts": self.opts,
            "title": gettext("%(list)s, run %(number)s")
            % {"list": capfirst(get_list_name(run.sync_type)), "number": run.pk},
            "original": run,
            "has_view_permission": True,
            "media": self.media,
            "live_kinds": EVENT_KINDS,
            "adminform": self.get_all_fields(request, run),
        }
        return TemplateResponse(request, "admin/sync/syncrun/change_form.html", context)

    def get_all_fields(self, request: HttpRequest, run: SyncRun) -> AdminForm:
        fieldsets: Any = self.get_fieldsets(request, run)
        names = flatten_fieldsets(fieldsets)
        form = self.get_form(request, run, change=True, fields=names)(instance=run)
        return AdminForm(form, fieldsets, {}, names, model_admin=self)

    def story_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What happened, alone, for the page to follow."""
        require_permission(request, SyncRun, "sync.view_syncrun")
        run = self.get_object(request, str(pk))
        if run is None:
            raise Http404
        return TemplateResponse(request, "admin/sync/syncrun/story.html", self.get_story_context(request, run))

    def get_story_context(self, request: HttpRequest, run: SyncRun) -> dict[str, Any]:
        return {"buttons": self.get_shown_buttons(request, run), "story": get_story(request, run)}

    @admin.display(description=_("status"), ordering="status")
    def state(self, run: SyncRun) -> SafeString:
        return format_status(run)

    @admin.display(description=_("duration"))
    def took(self, run: SyncRun) -> str:
        return format_duration(run.duration)

    @admin.display(description=_("stage"))
    def stage_now(self, run: SyncRun) -> str:
        return progress.format_stage(run) if run.stage else NOTHING

    @admin.display(description=_("pages read"))
    def pages_of(self, run: SyncRun) -> str:
        return progress.format_pages(run)

    @admin.display(description=_("changes"))
    def changed_records(self, run: SyncRun) -> SafeString | str:
        return format_list_link(RecordChange, format_number(run.changes.count()), run=str(run.pk))

    @admin.display(description=_("export's size"))
    def size(self, run: SyncRun) -> str:
        return NOTHING if run.export_size is None else filesizeformat(run.export_size)

    @admin.display(description=_("accepted by"))
    def accepted_by(self, run: SyncRun) -> SafeString | str:
        lines = ((format_link(each), self.state(each)) for each in run.acceptances.all())
        return format_html_join("", "<div>{} {}</div>", lines) or NOTHING
