"""The schedules, to look at and change, and to ask for runs."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.forms.widgets import Script
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import URLPattern, path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sync.admin import columns, formatting, permissions, schedule_preview
from sync.admin.buttons import ButtonsAdmin
from sync.admin.change_list import TolerantChangeList
from sync.admin.formatting import NOTHING
from sync.admin.schedule_buttons import SCHEDULE_BUTTONS
from sync.coordinator import schedules
from sync.database import clock
from sync.models import SyncSchedule
from sync.monitoring import health


class ScheduleChangeList(TolerantChangeList):
    """The schedules, each with its type's health, which is asked for once."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        attach_health(self.result_list)


def attach_health(rows: list[Any]) -> None:
    healths = {each.sync_type: each for each in health.get_status().types}
    for row in rows:
        row.health = healths.get(row.sync_type)  # None for a type that was mirrored once and is no more


@admin.register(SyncSchedule)
class SyncScheduleAdmin(ButtonsAdmin):
    list_display = (
        columns.type_name,
        "state_now",
        "interval",
        "start",
        "enabled",
        "next_due",
        "fresh_as_of",
        "failures",
    )
    sortable_by = ()
    buttons = SCHEDULE_BUTTONS
    readonly_fields = (
        columns.type_name,
        "preview",
        "state_now",
        "next_due",
        "fresh_as_of",
        "failures",
        *columns.make_datetime_columns(SyncSchedule, "counted_from", "requested_slot", "patient_since"),
    )
    fieldsets = (
        (None, {"fields": [columns.type_name, "every", "first_at", "enabled", "preview"]}),
        (_("Current state"), {"fields": ["state_now", "next_due", "fresh_as_of", "failures"]}),
        (_("Where the times start"), {"fields": readonly_fields[-3:]}),
    )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ScheduleChangeList]:
        return ScheduleChangeList

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        schedule = super().get_object(request, object_id, from_field)
        if schedule:
            attach_health([schedule])
        return schedule

    class Media:
        js = [Script("sync/schedule.js", type="module")]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return super().formfield_for_dbfield(db_field, request, **kwargs, **schedule_preview.get_limits(db_field))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if request.method == "POST":
            permissions.require_permission(request, SyncSchedule, "sync.change_syncschedule")
        return super().changeform_view(request, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: SyncSchedule, form: Any, change: bool) -> None:
        """As everywhere else a schedule is changed. The form has validated the values, so that none is refused here."""
        changes = {name: form.cleaned_data[name] for name in form.changed_data}
        if changes:
            schedules.change_schedule(obj.sync_type, **changes, by=permissions.get_staff_user(request))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(schedule_preview.show_preview)
        preview = path("<int:pk>/preview/", view, {"schedules_admin": self}, name="sync_syncschedule_preview")
        return [preview, *super().get_urls()]

    @admin.display(description=_("would run"))
    def preview(self, schedule: SyncSchedule) -> str:
        """When it would run with the values as they are typed, shown before they are saved."""
        context = {"schedule": schedule, **schedule_preview.get_preview(schedule)}
        return render_to_string("admin/sync/syncschedule/preview_field.html", context)

    @admin.display(description=_("every"))
    def interval(self, schedule: SyncSchedule) -> str:
        return formatting.format_minutes(schedule.every)

    @admin.display(description=_("first at"))
    def start(self, schedule: SyncSchedule) -> str:
        return formatting.format_minutes(schedule.first_at)

    @admin.display(description=_("state"))
    def state_now(self, schedule: Any) -> str:
        return formatting.format_state(schedule.health.state) if schedule.health else NOTHING

    @admin.display(description=_("next due"))
    def next_due(self, schedule: Any) -> str:
        due = schedule.health.next_due if schedule.health else None
        return (
            gettext("due since %s") % formatting.format_datetime(due)
            if due and due <= clock.now()
            else formatting.format_datetime(due)
        )

    @admin.display(description=_("fresh as of"))
    def fresh_as_of(self, schedule: Any) -> str:
        return formatting.format_datetime(schedule.health.fresh_as_of if schedule.health else None)

    @admin.display(description=_("failures in a row"))
    def failures(self, schedule: Any) -> str:
        return str(schedule.health.consecutive_failures) if schedule.health else NOTHING
