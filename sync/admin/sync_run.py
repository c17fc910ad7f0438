"""Runs, to look at, cancel and try again."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.models import User
from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sync import failure_files
from sync.admin import columns, formatting, links, progress
from sync.admin.buttons import Button, LinkButton
from sync.admin.formatting import NOTHING
from sync.admin.runs import acceptance, downloads
from sync.admin.runs.run_list import RunListAdmin
from sync.coordinator import queue, turns
from sync.models import RecordChange, SyncEvent, SyncRun


def cancel_run(run: SyncRun, *, by: User) -> str:
    run.cancel(by=by)
    if run.is_finished:
        return gettext("Run %s is cancelled.") % run.pk
    return gettext("Run %s stops at its next page.") % run.pk


@admin.register(SyncRun)
class SyncRunAdmin(RunListAdmin):
    buttons = (
        Button(
            "cancel",
            _("Cancel"),
            "sync.request_syncrun",
            lambda run: not run.is_finished,
            cancel_run,
            list_label=_("Cancel the runs"),
        ),
        Button(
            "run",
            _("Run now"),
            "sync.request_syncrun",
            lambda run: run.waits_for_its_time,
            lambda run, by: queue.request_sync(run.sync_type, mode=run.mode, trigger=SyncRun.Trigger.ADMIN, by=by),
        ),
        Button(
            "force",
            _("Run now outside the ERP's hours"),
            "sync.force_syncrun",
            lambda run: turns.find_what_it_waits_for(run) in turns.REASONS,
            queue.force,
        ),
        Button("retry", _("Try again"), "sync.request_syncrun", lambda run: not run.cannot_retry(), queue.retry),
        LinkButton(
            _("View what would be lost"),
            acceptance.PERMISSION,
            lambda run: links.get_url(run, "accept"),
            lambda run: run.waits_for_a_decision,
        ),
        LinkButton(
            _("Download the export"),
            downloads.PERMISSION,
            lambda run: links.get_url(run, "export"),
            downloads.find_kept_export,
        ),
        LinkButton(
            _("Download the screenshot of the ERP"),
            downloads.PERMISSION,
            lambda run: links.get_url(run, "failure", "png"),
            lambda run: failure_files.find_failure_file(run, ".png"),
        ),
        LinkButton(
            _("Download the page of the ERP"),
            downloads.PERMISSION,
            lambda run: links.get_url(run, "failure", "html"),
            lambda run: failure_files.find_failure_file(run, ".html"),
        ),
        LinkButton(
            _("Changes"), "sync.view_recordchange", lambda run: links.get_list_url(RecordChange, run=str(run.pk))
        ),
        LinkButton(_("Events"), "sync.view_syncevent", lambda run: links.get_list_url(SyncEvent, run=str(run.pk))),
    )
    actions = (acceptance.accept_export,)
    action_permissions = {"accept_export": acceptance.PERMISSION}
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
        (
            None,
            {
                "fields": [
                    "state",
                    "error_class",
                    columns.type_name,
                    ("mode", "trigger"),
                    ("requested_by", "priority"),
                    ("read_from", "search", "found"),
                    "ignores_hours",
                ]
            },
        ),
        (
            _("Times and progress"),
            {
                "fields": [
                    *columns.make_columns(SyncRun, "requested_at"),
                    columns.make_columns(SyncRun, "not_before", "cancel_requested_at"),
                    (
                        *columns.make_columns(SyncRun, "started_at", "finished_at"),
                        "took",
                        *columns.make_columns(SyncRun, "erp_time"),
                    ),
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
                    columns.make_columns(
                        SyncRun, "read", "created", "updated", "unchanged", show=formatting.format_number
                    ),
                    columns.make_columns(
                        SyncRun, "missing", "removed", "restored", "left", show=formatting.format_number
                    ),
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
                    *columns.make_columns(SyncRun, "exported_at"),
                    "accepts",
                    "accepted_by",
                ]
            },
        ),
    )

    @admin.display(description=_("status"), ordering="status")
    def state(self, run: SyncRun) -> str:
        return formatting.format_status(run)

    @admin.display(description=_("duration"))
    def took(self, run: SyncRun) -> str:
        return formatting.format_duration(run.duration)

    @admin.display(description=_("stage"))
    def stage_now(self, run: SyncRun) -> str:
        return progress.format_stage(run) if run.stage else NOTHING

    @admin.display(description=_("pages read"))
    def pages_of(self, run: SyncRun) -> str:
        return progress.format_pages(run)

    @admin.display(description=_("changes"))
    def changed_records(self, run: SyncRun) -> str:
        return links.format_list_link(RecordChange, formatting.format_number(run.changes.count()), run=str(run.pk))

    @admin.display(description=_("export's size"))
    def size(self, run: SyncRun) -> str:
        return NOTHING if run.export_size is None else filesizeformat(run.export_size)

    @admin.display(description=_("accepted by"))
    def accepted_by(self, run: SyncRun) -> str:
        lines = ((links.format_link(each), self.state(each)) for each in run.acceptances.all())
        return format_html_join("", "<div>{} {}</div>", lines) or NOTHING
