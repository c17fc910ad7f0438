"""The admin's front page: whether the mirror can be trusted, what is wrong if not, and the button for it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _

from sync.admin import links, permissions
from sync.admin.control_room import cards, panels, problems
from sync.admin.control_room.day import draw_day
from sync.admin.event_facts import EVENT_KINDS
from sync.coordinator import queue
from sync.models import ErpDay, SyncRun
from sync.monitoring import health

RUNNING_EVERY, RESTING_EVERY = 1, 30  # seconds after which the page asks again, if no event comes before

MAY_VIEW, MAY_REQUEST = "sync.view_syncrun", "sync.request_syncrun"
REQUESTED_MODES = (SyncRun.Mode.AUTO, SyncRun.Mode.FULL, SyncRun.Mode.INCREMENTAL)


def index(request: HttpRequest) -> HttpResponse:
    """The front page; the control room is part of it for whoever may see runs."""
    context: dict[str, Any] = {"title": _("Control room")}
    if permissions.may_view(request, SyncRun):
        context |= build_context(request)
        context |= {"day": draw_day(context["status"]), "live_kinds": EVENT_KINDS}
    return admin.site.index(request, context)


def show_now(request: HttpRequest) -> HttpResponse:
    """What the front page says of this moment, alone."""
    permissions.require_permission(request, SyncRun, MAY_VIEW)
    return TemplateResponse(request, "admin/sync/control_room/now.html", build_context(request))


def show_day(request: HttpRequest) -> HttpResponse:
    """The front page's picture of the day, alone."""
    permissions.require_permission(request, SyncRun, MAY_VIEW)
    return TemplateResponse(request, "admin/sync/control_room/day.html", {"day": draw_day(health.get_status())})


def request_run(request: HttpRequest) -> HttpResponse:
    """Ask for a run of a list, in a mode, and lead back or to the run."""
    permissions.require_permission(request, SyncRun, MAY_REQUEST)
    sync_type, mode = request.POST.get("sync_type", ""), request.POST.get("mode", "")
    if sync_type not in settings.SYNC_TYPES or mode not in REQUESTED_MODES:
        raise BadRequest(f"There is no list {sync_type} to sync in mode {mode}.")
    run = queue.request_sync(
        sync_type, mode=mode, trigger=SyncRun.Trigger.ADMIN, by=permissions.get_staff_user(request)
    )
    messages.success(request, links.describe_queued_run(run))
    return links.redirect_to_next(request, run)


def build_context(request: HttpRequest) -> dict[str, Any]:
    status = health.get_status()
    found = problems.describe_problems(request, status)
    may_request = request.user.has_perm(MAY_REQUEST)
    return {
        "control_room": True,
        "status": status,
        "verdict": problems.get_verdict(status, found),
        "problems": found,
        "cards": [cards.describe_list(each, status) for each in status.types],
        "current": panels.describe_current_run(status),
        "every": RUNNING_EVERY if status.current else RESTING_EVERY,
        "lock": panels.describe_lock(request, status),
        "forms": panels.describe_forms(request, status),
        "queue": panels.describe_queue(status, may_cancel=may_request),
        "erp": panels.describe_allowance(status) if permissions.may_view(request, ErpDay) else None,
        "workers": panels.describe_workers(request, status),
        "may_request": may_request,
        "modes": [(mode.value, mode.label) for mode in REQUESTED_MODES],
    }
