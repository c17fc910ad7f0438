"""When a schedule would run with the values as they are typed, shown before they are saved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.core.validators import MaxValueValidator, MinValueValidator
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

from sync.admin.buttons import ModelAdmin
from sync.admin.formatting import format_time
from sync.admin.permissions import require_permission
from sync.coordinator import schedules
from sync.database.clock import now as database_now
from sync.list_names import list_name
from sync.models import SyncSchedule

TIMES_SHOWN = 5
MEETINGS_SHOWN = 3  # with each list
LOOKS_AHEAD = timedelta(hours=3)  # for other lists that start at the same minute; the page says so
LIMITS: dict[type[Any], str] = {MinValueValidator: "min_value", MaxValueValidator: "max_value"}
FRAGMENT = "admin/sync/syncschedule/preview.html"


@dataclass(frozen=True)
class Meeting:
    """The times at which another list would start at the same minute: the first ones, and how many more."""

    name: str
    times: list[str]
    more: int


def upcoming(schedule: SyncSchedule, *, now: datetime, is_failing: bool) -> Iterator[datetime]:
    """The moments at which a run will be requested; none if the schedule is disabled."""
    slot = schedules.find_next_due(schedule, now=now, is_failing=is_failing)
    while slot:
        yield slot
        slot = schedule.next_slot(max(slot, now))


def meetings(schedule: SyncSchedule, now: datetime) -> list[Meeting]:
    own = slots_ahead(schedule, now)
    others = SyncSchedule.objects.filter(enabled=True, sync_type__in=settings.SYNC_TYPES).exclude(pk=schedule.pk)
    common = ((other, sorted(own & slots_ahead(other, now))) for other in others)
    return [
        Meeting(
            list_name(other.sync_type), [format_time(at) for at in times[:MEETINGS_SHOWN]], len(times) - MEETINGS_SHOWN
        )
        for other, times in common
        if times
    ]


def slots_ahead(schedule: SyncSchedule, now: datetime) -> set[datetime]:
    first = schedule.next_slot(now)
    count = max(0, (now + LOOKS_AHEAD - first) // schedule.interval + 1)
    return {first + place * schedule.interval for place in range(count)} if schedule.enabled else set()


def preview_of(schedule: Any) -> dict[str, Any]:
    """What is shown of a schedule, saved or not."""
    now = database_now()
    is_failing = bool(schedule.health and schedule.health.consecutive_failures)
    times = islice(upcoming(schedule, now=now, is_failing=is_failing), TIMES_SHOWN)
    return {
        "times": [gettext("at once") if at <= now else format_time(at) for at in times],
        "meetings": meetings(schedule, now),
    }


def limits_of(field: models.Field[Any, Any]) -> dict[str, int]:
    """What a number may be, for the browser too."""
    validators: list[Any] = field.validators
    limits = {LIMITS[type(each)]: each.limit_value for each in validators if type(each) in LIMITS}
    return {**limits, "step_size": 1} if limits else {}


class PreviewAdmin(ModelAdmin):
    """A schedule's page tells beforehand when it would run."""

    class Media:
        js = [Script("sync/schedule.js", type="module")]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return super().formfield_for_dbfield(db_field, request, **kwargs, **limits_of(db_field))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_safe(self.preview_view))
        return [path("<int:pk>/preview/", view, name="sync_syncschedule_preview"), *super().get_urls()]

    def preview_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What the page shows with these values, alone; what the form says if they cannot be."""
        require_permission(request, SyncSchedule, "sync.change_syncschedule")
        schedule = self.get_object(request, str(pk))
        if schedule is None:
            raise Http404
        form = self.get_form(request, schedule)(request.GET, instance=schedule)
        if form.is_valid():
            return TemplateResponse(request, FRAGMENT, preview_of(form.instance))
        errors = [f"{form.fields[name].label}: {text}" for name, texts in form.errors.items() for text in texts]
        return TemplateResponse(request, FRAGMENT, {"errors": errors})

    @admin.display(description=_("would run"))
    def preview(self, schedule: SyncSchedule) -> SafeString:
        return format_html(
            '<div id="schedule-preview" aria-live="polite" data-address="{}" data-unanswered="{}">{}</div>',
            reverse("admin:sync_syncschedule_preview", args=[schedule.pk]),
            gettext("The service does not answer: when it would run is not known."),
            render_to_string(FRAGMENT, preview_of(schedule)),
        )
