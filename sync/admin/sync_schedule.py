"""The schedules, to look at and change, and to ask for runs."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any, cast

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth.models import User
from django.db import models
from django.forms.widgets import Script
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from sync.admin.buttons import Button, ButtonsAdmin, LinkButton
from sync.admin.change_list import TolerantChangeList
from sync.admin.columns import make_datetime_columns, type_name
from sync.admin.formatting import NOTHING, format_datetime, format_minutes, format_state
from sync.admin.links import get_list_url
from sync.admin.permissions import require_permission
from sync.admin.schedule_preview import TEMPLATE, get_limits, get_preview
from sync.coordinator import queue, schedules
from sync.database import clock
from sync.exceptions import NotMirrored
from sync.messages import Message
from sync.models import SyncEvent, SyncRun, SyncSchedule
from sync.monitoring import health


class ScheduleChangeList(TolerantChangeList):
    """The schedules, each with its type's health, which is asked for once."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = attach_health(self.result_list)


def attach_health(rows: Iterable[Any]) -> list[Any]:
    healths = {each.sync_type: each for each in health.get_status().types}
    rows = list(rows)
    for row in rows:
        row.health = healths.get(row.sync_type)  # None for a type that was mirrored once and is no more
    return rows


def run_schedule(schedule: SyncSchedule, *, mode: str, by: User) -> SyncRun:
    if not has_service(schedule):
        raise NotMirrored(sync_type=Message(schedule.sync_type))
    return queue.request_sync(schedule.sync_type, mode=mode, trigger=SyncRun.Trigger.ADMIN, by=by)


def enable_schedule(schedule: SyncSchedule, *, by: User) -> str:
    if schedule.enabled:
        return gettext("The schedule of %s is already enabled.") % schedule
    schedules.change_schedule(schedule.sync_type, enabled=True, by=by)
    return gettext("The schedule of %s is enabled.") % schedule


def disable_schedule(schedule: SyncSchedule, *, by: User) -> str:
    if not schedule.enabled:
        return gettext("The schedule of %s is already disabled.") % schedule
    schedules.change_schedule(schedule.sync_type, enabled=False, by=by)
    return gettext("The schedule of %s is disabled.") % schedule


def has_service(schedule: SyncSchedule) -> bool:
    return schedule.sync_type in settings.SYNC_TYPES


@admin.register(SyncSchedule)
class SyncScheduleAdmin(ButtonsAdmin):
    list_display = (type_name, "state_now", "interval", "start", "enabled", "next_due", "fresh_as_of", "failures")
    sortable_by = ()
    buttons = (
        Button("run", _("Run now"), "sync.request_syncrun", has_service, partial(run_schedule, mode=SyncRun.Mode.AUTO)),
        Button(
            "run_full",
            _("Run now, in full"),
            "sync.request_syncrun",
            has_service,
            partial(run_schedule, mode=SyncRun.Mode.FULL),
        ),
        Button(
            "run_incremental",
            _("Run now, created and changed only"),
            "sync.request_syncrun",
            has_service,
            partial(run_schedule, mode=SyncRun.Mode.INCREMENTAL),
        ),
        Button(
            "enable",
            _("Enable"),
            "sync.change_syncschedule",
            lambda schedule: not schedule.enabled,
            enable_schedule,
            list_label=_("Enable the schedules"),
        ),
        Button(
            "disable",
            _("Disable"),
            "sync.change_syncschedule",
            lambda schedule: schedule.enabled,
            disable_schedule,
            list_label=_("Disable the schedules"),
        ),
        LinkButton(
            _("Runs"), "sync.view_syncrun", lambda schedule: get_list_url(SyncRun, sync_type=schedule.sync_type)
        ),
        LinkButton(
            _("Events"), "sync.view_syncevent", lambda schedule: get_list_url(SyncEvent, sync_type=schedule.sync_type)
        ),
    )
    readonly_fields = (
        type_name,
        "preview",
        "state_now",
        "next_due",
        "fresh_as_of",
        "failures",
        *make_datetime_columns(SyncSchedule, "counted_from", "requested_slot", "patient_since"),
    )
    fieldsets = (
        (None, {"fields": [type_name, "every", "first_at", "enabled", "preview"]}),
        (_("Current state"), {"fields": ["state_now", "next_due", "fresh_as_of", "failures"]}),
        (_("Where the times start"), {"fields": readonly_fields[-3:]}),
    )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ScheduleChangeList

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        schedule = super().get_object(request, object_id, from_field)
        return attach_health([schedule])[0] if schedule else None

    class Media:
        js = [Script("sync/schedule.js", type="module")]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return super().formfield_for_dbfield(db_field, request, **kwargs, **get_limits(db_field))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if request.method == "POST":
            require_permission(request, SyncSchedule, "sync.change_syncschedule")
        return super().changeform_view(request, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: SyncSchedule, form: Any, change: bool) -> None:
        """As everywhere else a schedule is changed. The form has validated the values, so that none is refused here."""
        changes = {name: form.cleaned_data[name] for name in form.changed_data}
        if changes:
            schedules.change_schedule(obj.sync_type, **changes, by=cast(User, request.user))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_safe(self.preview_view))
        return [path("<int:pk>/preview/", view, name="sync_syncschedule_preview"), *super().get_urls()]

    def preview_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """When the schedule would run with these values, alone; what the form says if they cannot be."""
        require_permission(request, SyncSchedule, "sync.change_syncschedule")
        schedule = self.get_object(request, str(pk))
        if schedule is None:
            raise Http404
        form = self.get_form(request, schedule)(request.GET, instance=schedule)
        if form.is_valid():
            return TemplateResponse(request, TEMPLATE, get_preview(form.instance))
        errors = [f"{form.fields[name].label}: {text}" for name, texts in form.errors.items() for text in texts]
        return TemplateResponse(request, TEMPLATE, {"errors": errors})

    @admin.display(description=_("would run"))
    def preview(self, schedule: SyncSchedule) -> SafeString:
        """When it would run with the values as they are typed, shown before they are saved."""
        return format_html(
            '<div id="schedule-preview" aria-live="polite" data-address="{}" data-unanswered="{}">{}</div>',
            reverse("admin:sync_syncschedule_preview", args=[schedule.pk]),
            gettext("The service does not answer, so the time of the next run is not known."),
            render_to_string(TEMPLATE, get_preview(schedule)),
        )

    @admin.display(description=_("every"))
    def interval(self, schedule: SyncSchedule) -> str:
        return format_minutes(schedule.every)

    @admin.display(description=_("first at"))
    def start(self, schedule: SyncSchedule) -> str:
        return format_minutes(schedule.first_at)

    @admin.display(description=_("state"))
    def state_now(self, schedule: Any) -> SafeString | str:
        return format_state(schedule.health.state) if schedule.health else NOTHING

    @admin.display(description=_("next due"))
    def next_due(self, schedule: Any) -> str:
        due = schedule.health.next_due if schedule.health else None
        return gettext("due since %s") % format_datetime(due) if due and due <= clock.now() else format_datetime(due)

    @admin.display(description=_("fresh as of"))
    def fresh_as_of(self, schedule: Any) -> str:
        return format_datetime(schedule.health.fresh_as_of if schedule.health else None)

    @admin.display(description=_("failures in a row"))
    def failures(self, schedule: Any) -> str:
        return str(schedule.health.consecutive_failures) if schedule.health else NOTHING
