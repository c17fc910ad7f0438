"""When a schedule would run with the values as they are typed, shown before they are saved."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from sync.admin.formatting import format_time
from sync.admin.permissions import require_permission
from sync.coordinator import schedules
from sync.database import clock
from sync.list_names import get_list_name
from sync.models import SyncSchedule

TIMES_SHOWN = 5
MEETINGS_SHOWN = 3  # with each list
LOOKS_AHEAD = timedelta(hours=3)  # for other lists that start at the same minute; the page says so
LIMITS: dict[type[Any], str] = {MinValueValidator: "min_value", MaxValueValidator: "max_value"}
TEMPLATE = "admin/sync/syncschedule/preview.html"


def list_next_runs(schedule: SyncSchedule, *, now: datetime, is_failing: bool) -> Iterator[datetime]:
    """The moments at which a run will be requested; none if the schedule is disabled."""
    slot = schedules.find_next_due(schedule, now=now, is_failing=is_failing)
    while slot:
        yield slot
        slot = schedule.find_next_slot(max(slot, now))


def find_meetings(schedule: SyncSchedule, now: datetime) -> list[dict[str, Any]]:
    """The times at which another list would start at the same minute: the first ones, and how many more."""
    own = find_slots(schedule, now)
    others = SyncSchedule.objects.filter(enabled=True, sync_type__in=settings.SYNC_TYPES).exclude(pk=schedule.pk)
    common = ((other, sorted(own & find_slots(other, now))) for other in others)
    return [
        {
            "name": get_list_name(other.sync_type),
            "times": list(map(format_time, times[:MEETINGS_SHOWN])),
            "more": len(times) - MEETINGS_SHOWN,
        }
        for other, times in common
        if times
    ]


def find_slots(schedule: SyncSchedule, now: datetime) -> set[datetime]:
    first = schedule.find_next_slot(now)
    count = max(0, (now + LOOKS_AHEAD - first) // schedule.interval + 1)
    return {first + place * schedule.interval for place in range(count)} if schedule.enabled else set()


def get_preview(schedule: Any) -> dict[str, Any]:
    """What is shown of a schedule, saved or not."""
    now = clock.now()
    is_failing = bool(schedule.health and schedule.health.consecutive_failures)
    times = islice(list_next_runs(schedule, now=now, is_failing=is_failing), TIMES_SHOWN)
    return {
        "times": [gettext("at once") if at <= now else format_time(at) for at in times],
        "meetings": find_meetings(schedule, now),
    }


@require_safe
def show_preview(request: HttpRequest, pk: int, schedules_admin: Any) -> HttpResponse:
    """When the schedule would run with the values of the form, alone; what the form says if they cannot be."""
    require_permission(request, SyncSchedule, "sync.change_syncschedule")
    schedule = schedules_admin.get_object(request, str(pk))
    if schedule is None:
        raise Http404
    form = schedules_admin.get_form(request, schedule)(request.GET, instance=schedule)
    if form.is_valid():
        return TemplateResponse(request, TEMPLATE, get_preview(form.instance))
    errors = [f"{form.fields[name].label}: {text}" for name, texts in form.errors.items() for text in texts]
    return TemplateResponse(request, TEMPLATE, {"errors": errors})


def get_limits(field: Any) -> dict[str, int]:
    """What a number may be, for the browser too."""
    limits = {LIMITS[type(each)]: each.limit_value for each in field.validators if type(each) in LIMITS}
    return {**limits, "step_size": 1} if limits else {}
