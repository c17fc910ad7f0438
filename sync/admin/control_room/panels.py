"""What keeps the syncs in order, on the control room: the run in progress, lock, order forms, queue, workers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sync.admin import formatting, links, permissions
from sync.admin.progress import describe_progress, describe_wait
from sync.erp.allowance import Use
from sync.erp_hours import ALWAYS
from sync.list_names import get_list_name
from sync.models import ErpDay, OrderFormSession, SyncLock, SyncRun, SyncWorker
from sync.monitoring.status import SyncStatus

SHOWN = 20  # of the order forms, and of the queue


def describe_current_run(status: SyncStatus) -> dict[str, Any] | None:
    run = status.current
    if run is None:
        return None
    usual = status.by_type[run.sync_type].usual_duration if run.sync_type in status.by_type else None
    return {
        "run": run,
        "name": capfirst(get_list_name(run.sync_type)),
        "address": links.get_url(run),
        "mode": run.get_mode_display(),
        **describe_progress(run, usual=usual, now=status.at),
    }


def describe_lock(request: HttpRequest, status: SyncStatus) -> dict[str, Any]:
    lock = status.lock
    sees = permissions.may_view(request, SyncLock)
    return {
        "lock": lock,
        "state": formatting.format_lock_state(lock),
        "holder": lock.holder if sees else "",
        "since": formatting.format_time(lock.acquired_at),
        "until": formatting.format_time(lock.leased_until),
        "address": links.get_lock_url() if sees else "",
    }


def describe_forms(request: HttpRequest, status: SyncStatus) -> dict[str, Any]:
    """With the agents' names for who may see them; for others how many forms are open, and until when."""
    may_close = request.user.has_perm("sync.close_orderformsession")
    named = status.sessions if permissions.may_view(request, OrderFormSession) else []
    return {
        "open": [
            {
                "agent": session.user.get_full_name() or session.user.get_username(),
                "since": formatting.format_time(session.opened_at),
                "until": formatting.format_time(session.expires_at),
                "close": links.get_button_url(session, "close") if may_close else "",
            }
            for session in named[:SHOWN]
        ],
        "more": max(0, len(named) - SHOWN),
        "until": formatting.format_time(status.paused_until),
        "longest": formatting.format_minutes(settings.SYNC_LONGEST_PAUSE // timedelta(minutes=1)),
    }


def describe_queue(status: SyncStatus, *, may_cancel: bool) -> dict[str, Any]:
    return {
        "runs": [
            {
                "run": run,
                "name": capfirst(get_list_name(run.sync_type)),
                "address": links.get_url(run),
                "mode": run.get_mode_display(),
                "asked": formatting.format_time(run.requested_at),
                "trigger": run.get_trigger_display(),
                "why": describe_wait(run, status.at),
                "cancel": links.get_button_url(run, "cancel") if may_cancel else "",
            }
            for run in status.queue[:SHOWN]
        ],
        "more": max(0, len(status.queue) - SHOWN),
        "address": links.get_list_url(SyncRun, status__exact=SyncRun.Status.QUEUED),
    }


def describe_allowance(status: SyncStatus) -> dict[str, Any] | None:
    """What was asked of the ERP today; None if it is a folder."""
    today = status.allowance
    if today is None:
        return None
    return {
        "is_open": today.is_open,
        "hours": gettext("always") if today.hours == ALWAYS else today.hours,
        "closes": formatting.format_time(today.closes_at) if today.closes_at else "",
        "resumes": formatting.format_time(today.resumes_at) if today.resumes_at else "",
        "logins": describe_use(today.logins),
        "exports": describe_use(today.exports),
        "looks": formatting.format_number(today.looks),
        "address": links.get_list_url(ErpDay),
    }


def describe_use(use: Use) -> str:
    numbers = {"count": formatting.format_number(use.count), "limit": formatting.format_number(use.limit)}
    return gettext("%(count)s of %(limit)s") % numbers


def describe_workers(request: HttpRequest, status: SyncStatus) -> list[dict[str, Any]]:
    """Each worker that is known of; one line if there is none."""
    names = permissions.may_view(request, SyncWorker)
    return [
        {
            "state": formatting.format_worker_state(worker),
            "name": worker.name if names else "",
            "seen": formatting.format_time(worker.seen_at),
            "age": formatting.format_age(worker.seen_at, status.at),
            "stopped": formatting.format_time(worker.stopped_at) if worker.stopped_at else "",
        }
        for worker in status.workers
    ] or [{"state": formatting.format_badge("✗", _("none"), "failed")}]
