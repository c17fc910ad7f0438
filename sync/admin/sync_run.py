"""Runs, to look at, cancel and try again."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.formats import number_format
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sync.admin import progress
from sync.admin.acceptance import AcceptanceAdmin
from sync.admin.columns import get_field, make_column, type_name
from sync.admin.downloads import ExportDownloadAdmin
from sync.admin.formatting import NOTHING, format_duration, format_link, format_list_link, format_status
from sync.admin.links import get_list_url
from sync.admin.permissions import may_view
from sync.admin.run_list import RunListAdmin
from sync.admin.story import RunStoryAdmin
from sync.admin.verbs import Verb
from sync.coordinator import queue
from sync.models import RecordChange, SyncEvent, SyncRun


def time_of(name: str) -> Any:
    return make_column(get_field(SyncRun, name))


def count_of(name: str) -> Any:
    """A column that shows a count with its thousands apart."""

    @admin.display(description=get_field(SyncRun, name).verbose_name, ordering=name)
    def column(run: SyncRun) -> str:
        return number_format(getattr(run, name), force_grouping=True)

    column.__name__ = name
    return column


def cancel(run: SyncRun, *, by: User) -> str:
    queue.cancel(run, by=by)
    if run.is_finished:
        return gettext("Run %s is cancelled.") % run.pk
    return gettext("Run %s stops at its next page.") % run.pk


def run_now(run: SyncRun, *, by: User) -> SyncRun:
    return queue.request_sync(run.sync_type, mode=run.mode, trigger=SyncRun.Trigger.ADMIN, by=by)


@admin.register(SyncRun)
class SyncRunAdmin(RunStoryAdmin, AcceptanceAdmin, ExportDownloadAdmin, RunListAdmin):
    verbs = (
        Verb(
            "cancel",
            _("Cancel"),
            "sync.request_syncrun",
            cancel,
            lambda run: not run.cannot_cancel(),
            action=_("Cancel the runs"),
        ),
        Verb("run", _("Run now"), "sync.request_syncrun", run_now, lambda run: run.waits_for_its_time),
        Verb("retry", _("Try again"), "sync.request_syncrun", queue.retry, lambda run: not run.cannot_retry()),
    )
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
                    time_of("requested_at"),
                    (time_of("not_before"), time_of("cancel_requested_at")),
                    (time_of("started_at"), time_of("finished_at"), "took", time_of("erp_time")),
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
    )

    @admin.display(description=_("status"), ordering="status")
    def state(self, run: SyncRun) -> SafeString:
        return format_status(run)

    @admin.display(description=_("duration"))
    def took(self, run: SyncRun) -> str:
        return format_duration(run.duration)

    @admin.display(description=_("stage"))
    def stage_now(self, run: SyncRun) -> str:
        return progress.stage_of(run) if run.stage else NOTHING

    @admin.display(description=_("pages read"))
    def pages_of(self, run: SyncRun) -> str:
        return progress.pages_of(run)

    @admin.display(description=_("changes"))
    def changed_records(self, run: SyncRun) -> SafeString | str:
        return format_list_link(RecordChange, number_format(run.changes.count(), force_grouping=True), run=str(run.pk))

    @admin.display(description=_("export's size"))
    def size(self, run: SyncRun) -> str:
        return NOTHING if run.export_size is None else filesizeformat(run.export_size)

    @admin.display(description=_("accepted by"))
    def accepted_by(self, run: SyncRun) -> SafeString | str:
        lines = ((format_link(each), self.state(each)) for each in run.acceptances.all())
        return format_html_join("", "<div>{} {}</div>", lines) or NOTHING

    def tools(self, request: HttpRequest, run: SyncRun) -> list[tuple[Any, str]]:
        tools = super().tools(request, run)
        if may_view(request, RecordChange):
            tools.append((_("Changes"), get_list_url(RecordChange, run=str(run.pk))))
        if may_view(request, SyncEvent):
            tools.append((_("Events"), get_list_url(SyncEvent, run=str(run.pk))))
        return tools
