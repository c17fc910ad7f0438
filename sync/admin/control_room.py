"""The admin's front page: whether the mirror can be trusted, what is wrong if not, and the button for it."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any, cast

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.timesince import timesince, timeuntil
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sync.admin.day import describe_changes, draw_day
from sync.admin.formatting import (
    EVENT_KINDS,
    NOTHING,
    describe_queued_run,
    format_badge,
    format_duration,
    format_lock_state,
    format_minutes,
    format_number,
    format_state,
    format_time,
    format_worker_state,
)
from sync.admin.links import get_list_url, get_lock_url, get_next_url, get_run_url
from sync.admin.permissions import may_view, require_permission
from sync.admin.problems import describe_problems, get_verdict
from sync.admin.progress import describe_progress
from sync.coordinator import queue
from sync.coordinator.turns import WaitsFor
from sync.list_names import get_list_name
from sync.mirror.columns import find_hidden_columns
from sync.models import OrderFormSession, RecordChange, SyncLock, SyncRun, SyncWorker
from sync.monitoring import health
from sync.monitoring.health import SyncStatus, TypeHealth
from sync.monitoring.timeline import find_day
from sync.service import get_service

RUNS_IN_A_SPARKLINE = 30
SPARK_HEIGHT, SPARK_LOWEST = 24.0, 2.0  # of the drawing; every run is to be seen
SHOWN = 20  # of the order forms, and of the queue
ROUNDED = timedelta(seconds=30)  # "in 12 minutes" is said of 11:40 too
RUNNING_EVERY, RESTING_EVERY = 1, 30  # seconds after which the page asks again, if no event comes before

MAY_VIEW, MAY_REQUEST = "sync.view_syncrun", "sync.request_syncrun"
REQUESTED_MODES = (SyncRun.Mode.AUTO, SyncRun.Mode.FULL, SyncRun.Mode.INCREMENTAL)

Status = SyncRun.Status


# Views


def index(request: HttpRequest) -> HttpResponse:
    """The front page; the control room is part of it for whoever may see runs."""
    context: dict[str, Any] = {"title": _("Control room")}
    if may_view(request, SyncRun):
        status = health.get_status()
        context |= build_context(request, status) | {"day": draw_day(find_day(status)), "live_kinds": EVENT_KINDS}
    return admin.site.index(request, context)


def show_now(request: HttpRequest) -> HttpResponse:
    """What the front page says of this moment, alone."""
    require_permission(request, SyncRun, MAY_VIEW)
    return TemplateResponse(request, "admin/sync/control_room/now.html", build_context(request, health.get_status()))


def show_day(request: HttpRequest) -> HttpResponse:
    """The front page's picture of the day, alone."""
    require_permission(request, SyncRun, MAY_VIEW)
    context = {"day": draw_day(find_day(health.get_status()))}
    return TemplateResponse(request, "admin/sync/control_room/day.html", context)


def request_run(request: HttpRequest) -> HttpResponse:
    """Ask for a run of a list, in a mode, and lead back or to the run."""
    require_permission(request, SyncRun, MAY_REQUEST)
    sync_type, mode = request.POST.get("sync_type", ""), request.POST.get("mode", "")
    if sync_type not in settings.SYNC_TYPES or mode not in REQUESTED_MODES:
        raise BadRequest(f"There is no list {sync_type} to sync in mode {mode}.")
    run = queue.request_sync(sync_type, mode=mode, trigger=SyncRun.Trigger.ADMIN, by=cast(User, request.user))
    messages.success(request, describe_queued_run(run))
    return HttpResponseRedirect(get_next_url(request) or get_run_url(run))


def build_context(request: HttpRequest, status: SyncStatus) -> dict[str, Any]:
    problems = describe_problems(request, status)
    may_request = request.user.has_perm(MAY_REQUEST)
    return {
        "control_room": True,
        "status": status,
        "verdict": get_verdict(status, problems),
        "problems": problems,
        "cards": [describe_list(each, status) for each in status.types],
        "current": describe_current_run(status),
        "every": RUNNING_EVERY if status.current else RESTING_EVERY,
        "lock": describe_lock(request, status),
        "forms": describe_forms(request, status),
        "queue": [describe_queued(run, may_request) for run in status.queue[:SHOWN]],
        "more_queued": max(0, len(status.queue) - SHOWN),
        "queue_address": get_list_url(SyncRun, status__exact=Status.QUEUED),
        "workers": describe_workers(request, status),
        "may_request": may_request,
        "modes": [(mode.value, mode.label) for mode in REQUESTED_MODES],
        "run_address": reverse("request_run"),
    }


# Cards


def describe_list(each: TypeHealth, status: SyncStatus) -> dict[str, Any]:
    """What is said of one list."""
    return {
        "health": each,
        "name": capfirst(get_list_name(each.sync_type)),
        "badge": format_state(each.state),
        "records_address": get_list_url(get_service(each.sync_type).model),
        "runs_address": get_list_url(SyncRun, sync_type=each.sync_type),
        "fresh": format_time(each.fresh_as_of),
        "age": format_age(each.fresh_as_of, status.at),
        "next": describe_next_run(each, status),
        "took": format_duration(each.last_duration),
        "usual": gettext("usually %s") % format_duration(each.usual_duration) if each.usual_duration else "",
        "spark": draw_sparkline(get_recent_runs(each.sync_type)),
        "records": format_number(each.last_success.read) if each.last_success else NOTHING,
        "change": find_last_change(each.sync_type),
        "hidden": describe_hidden_columns(each.sync_type),
    }


def describe_hidden_columns(sync_type: str) -> dict[str, Any]:
    """The columns that the ERP's list does not show now: how many, and which, by as of when they are known."""
    columns = find_hidden_columns(get_service(sync_type))
    by_time: dict[datetime | None, list[str]] = defaultdict(list)
    for each in columns:
        by_time[each.last_seen_at].append(each.column.header.removesuffix(":"))
    lines = [
        gettext("as of %(time)s: %(columns)s") % {"time": format_time(at), "columns": ", ".join(headers)}
        if at
        else gettext("never shown so far: %s") % ", ".join(headers)
        for at, headers in by_time.items()
    ]
    return {"count": len(columns), "lines": lines}


def format_age(at: datetime | None, now: datetime) -> str:
    if at is None:
        return ""
    if now - at < timedelta(minutes=1):
        return gettext("just now")
    return gettext("%s ago") % timesince(at, now, depth=1)


def describe_next_run(each: TypeHealth, status: SyncStatus) -> str:
    """What happens next to a list, and when."""
    if each.current:
        return gettext("in progress")
    if each.queued:
        return describe_wait(each.queued[0])
    if status.rejected_login and each.enabled:
        return gettext("waits until the ERP accepts the login")
    if each.next_due is None:
        return gettext("never: the schedule is disabled")
    if each.paused_by_forms:
        return gettext("%s, when the order forms are closed") % format_time(each.next_due)
    if each.next_due <= status.at:
        return gettext("due since %s") % format_time(each.next_due)
    if each.next_due - status.at < timedelta(minutes=1):
        return gettext("%s, in a moment") % format_time(each.next_due)
    span = timeuntil(each.next_due + ROUNDED, status.at, depth=1)
    return gettext("%(time)s, in %(span)s") % {"time": format_time(each.next_due), "span": span}


def describe_wait(run: SyncRun) -> str:
    """Why a queued run has not started yet."""
    match run.waits_for:
        case WaitsFor.LOGIN:
            return gettext("waits until the ERP accepts the login")
        case WaitsFor.TIME:
            return gettext("tried again at %s") % format_time(run.not_before)
        case WaitsFor.FORMS:
            return gettext("waits until the order forms are closed")
    return gettext("waits for its turn")


def get_recent_runs(sync_type: str) -> list[SyncRun]:
    """The last that ended by themselves, the latest first."""
    runs = SyncRun.objects.for_type(sync_type).finished().exclude(status=Status.CANCELLED)
    return list(runs.order_by("-finished_at").only("status", "started_at", "finished_at")[:RUNS_IN_A_SPARKLINE])


def draw_sparkline(runs: list[SyncRun]) -> dict[str, Any]:
    """How long each run took, as a bar; the latest on the right."""
    durations = [run.duration or timedelta(0) for run in runs]
    longest = max(durations, default=timedelta(0)) or timedelta(seconds=1)
    heights = [max(SPARK_LOWEST, duration / longest * SPARK_HEIGHT) for duration in durations]
    bars = [
        {
            "x": RUNS_IN_A_SPARKLINE - place,
            "y": f"{SPARK_HEIGHT - height:.1f}",
            "height": f"{height:.1f}",
            "kind": run.status,
        }
        for place, (run, height) in enumerate(zip(runs, heights, strict=True), start=1)
    ]
    facts = {
        "count": len(runs),
        "longest": format_duration(longest),
        "unsuccessful": sum(run.status != Status.SUCCEEDED for run in runs),
    }
    text = gettext("The last %(count)s runs: the longest took %(longest)s, %(unsuccessful)s did not succeed.")
    return {"bars": bars, "label": text % facts}


def find_last_change(sync_type: str) -> dict[str, Any] | None:
    """The last run that changed a record: two queries, however long ago it was."""
    rows = get_service(sync_type).model.objects.order_by("-changed_at")
    changed_at = rows.values_list("changed_at", flat=True).first()
    if changed_at is None:
        return None
    runs = SyncRun.objects.succeeded().for_type(sync_type).filter(finished_at__gte=changed_at)
    run = runs.order_by("finished_at").first()
    return {
        "at": format_time(changed_at),
        "run": run,
        "address": get_list_url(RecordChange, run=str(run.pk)) if run else "",
        "what": describe_changes(run) if run else "",
    }


# What keeps the syncs in order


def describe_current_run(status: SyncStatus) -> dict[str, Any] | None:
    run = status.current
    if run is None:
        return None
    usual = status.by_type[run.sync_type].usual_duration if run.sync_type in status.by_type else None
    return {
        "run": run,
        "name": capfirst(get_list_name(run.sync_type)),
        "address": get_run_url(run),
        "mode": run.get_mode_display(),
        **describe_progress(run, usual=usual, now=status.at),
    }


def describe_lock(request: HttpRequest, status: SyncStatus) -> dict[str, Any]:
    lock = status.lock
    sees = may_view(request, SyncLock)
    return {
        "lock": lock,
        "state": format_lock_state(lock),
        "holder": lock.holder if sees else "",
        "since": format_time(lock.acquired_at),
        "until": format_time(lock.leased_until),
        "address": get_lock_url("change") if sees else "",
    }


def describe_forms(request: HttpRequest, status: SyncStatus) -> dict[str, Any]:
    """With the agents' names for who may see them; for others how many forms are open, and until when."""
    may_close = request.user.has_perm("sync.close_orderformsession")
    named = status.sessions if may_view(request, OrderFormSession) else []
    return {
        "open": [
            {
                "agent": session.user.get_full_name() or session.user.get_username(),
                "since": format_time(session.opened_at),
                "until": format_time(session.expires_at),
                "close": get_close_url(session) if may_close else "",
            }
            for session in named[:SHOWN]
        ],
        "more": max(0, len(named) - SHOWN),
        "until": format_time(status.paused_until),
        "longest": format_minutes(settings.SYNC_LONGEST_PAUSE // timedelta(minutes=1)),
    }


def get_close_url(session: OrderFormSession) -> str:
    return reverse("admin:sync_orderformsession_do", args=[session.pk, "close"])


def describe_queued(run: SyncRun, may_cancel: bool) -> dict[str, Any]:
    return {
        "run": run,
        "name": capfirst(get_list_name(run.sync_type)),
        "address": get_run_url(run),
        "mode": run.get_mode_display(),
        "asked": format_time(run.requested_at),
        "trigger": run.get_trigger_display(),
        "why": describe_wait(run),
        "cancel": reverse("admin:sync_syncrun_do", args=[run.pk, "cancel"]) if may_cancel else "",
    }


def describe_workers(request: HttpRequest, status: SyncStatus) -> list[dict[str, Any]]:
    """Each worker that is known of; one line if there is none."""
    names = may_view(request, SyncWorker)
    return [
        {
            "state": format_worker_state(worker),
            "name": worker.name if names else "",
            "seen": format_time(worker.seen_at),
            "age": format_age(worker.seen_at, status.at),
            "stopped": format_time(worker.stopped_at) if worker.stopped_at else "",
        }
        for worker in status.workers
    ] or [{"state": format_badge("✗", _("none"), "failed")}]
