"""Finding all that is wrong with the mirror and with what syncs it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from django.conf import settings

from sync.coordinator import turns
from sync.coordinator.kept_exports import get_longest_fetch
from sync.coordinator.turns import WaitsFor
from sync.erp import allowance
from sync.models import ColumnDrift, SyncLock, SyncRun, SyncWorker
from sync.monitoring import alerts
from sync.monitoring.problems import Action, Kind, Problem
from sync.monitoring.status import State, SyncStatus, TypeHealth
from sync.progress import Stage
from sync.service import list_services

SLOWER_THAN_USUAL = 3  # times
SLOW_AT_LEAST = timedelta(seconds=30)


def find_problems(status: SyncStatus) -> list[Problem]:
    """All that is wrong, the gravest first."""
    found = chain(
        find_worker_problems(status),
        find_lock_problems(status),
        find_slow_runs(status),
        find_clock_problems(status),
        find_login_problems(status),
        find_allowance_problems(status),
        find_disk_problems(status),
        *(find_list_problems(each, status) for each in status.types),
        find_notices(),
        find_schedule_problems(status),
        find_alert_problems(status),
    )
    return sorted(found, key=lambda problem: not problem.is_grave)


def find_worker_problems(status: SyncStatus) -> Iterator[Problem]:
    silent = [worker for worker in status.workers if worker.state == SyncWorker.State.SILENT]
    if not status.workers:
        yield Problem(Kind.NO_WORKER, Action.START_WORKER)
    elif not status.has_worker and not silent:
        last = status.workers[0]
        facts = {"worker": last, "time": last.stopped_at}
        yield Problem(Kind.WORKER_STOPPED, Action.START_WORKER, row=last, facts=facts)
    for worker in silent:
        yield Problem(
            Kind.ONE_WORKER_SILENT if status.has_worker else Kind.WORKER_SILENT,
            Action.RESTART_WORKER,
            is_grave=not status.has_worker,
            row=worker,
            facts={
                "worker": worker,
                "time": worker.seen_at,
                "seconds": settings.WORKER_HANGS_AFTER.total_seconds(),
            },
        )


def find_lock_problems(status: SyncStatus) -> Iterator[Problem]:
    lock = status.lock
    if lock.state == SyncLock.State.SILENT:
        facts = {"time": lock.leased_until}
        yield Problem(Kind.LOCK_SILENT, Action.WAIT_FOR_TAKEOVER, is_grave=False, row=lock, facts=facts)


def find_slow_runs(status: SyncStatus) -> Iterator[Problem]:
    """A run that takes so much longer than its like that the ERP may have stopped answering; the others wait."""
    run = status.current
    usual = status.by_type[run.sync_type].usual_duration if run and run.sync_type in status.by_type else None
    if not (run and run.started_at and usual):
        return
    elapsed = status.at - run.started_at
    if elapsed > max(usual * SLOWER_THAN_USUAL, SLOW_AT_LEAST):
        kind, action = Kind.RUN_SLOW, Action.WAIT_FOR_RUN
        if run.stage == Stage.FETCHING:
            kind, action = Kind.FETCH_SLOW, Action.WAIT_FOR_FETCH
        facts = {"list": run.sync_type, "elapsed": elapsed, "usual": usual, "longest": get_longest_fetch(run.mode)}
        yield Problem(kind, action, is_grave=False, row=run, facts=facts)


def find_clock_problems(status: SyncStatus) -> Iterator[Problem]:
    for each in status.wrong_clocks:
        kind = Kind.CLOCK_AHEAD if each.ahead > timedelta(0) else Kind.CLOCK_BEHIND
        facts = {"machine": each.machine, "difference": abs(each.ahead)}
        yield Problem(kind, Action.SET_CLOCK, is_grave=False, facts=facts)


def find_login_problems(status: SyncStatus) -> Iterator[Problem]:
    """One for all lists: what is wrong with each is the same."""
    login = status.rejected_login
    if login is None:
        return
    facts = {"username": login.username, "time": login.at}
    if login.is_tried_again:
        yield Problem(Kind.LOGIN_REJECTED, Action.WAIT_FOR_LOGIN, row=login.attempt, facts=facts)
    else:
        yield Problem(Kind.LOGIN_REJECTED, Action.CHECK_LOGIN, row=login.run, facts=facts)


def find_allowance_problems(status: SyncStatus) -> Iterator[Problem]:
    """What was asked of the ERP today, if that is all that may be, or nearly."""
    today = status.allowance
    if today is None:
        return
    for use, spent, high in (
        (today.exports, (Kind.EXPORTS_SPENT, Action.WAIT_FOR_EXPORTS), (Kind.EXPORTS_HIGH, Action.SPARE_EXPORTS)),
        (today.logins, (Kind.LOGINS_SPENT, Action.WAIT_FOR_LOGINS), (Kind.LOGINS_HIGH, Action.SPARE_LOGINS)),
    ):
        facts = {"count": use.count, "limit": use.limit, "next": allowance.find_next_day(status.at)}
        if use.is_spent:
            yield Problem(*spent, is_grave=use is today.exports, facts=facts)
        elif use.is_high:
            yield Problem(*high, is_grave=False, facts=facts)


def find_disk_problems(status: SyncStatus) -> Iterator[Problem]:
    for volume in status.volumes:
        if volume.is_low:
            kind = Kind.DISK_FULL if volume.is_full else Kind.DISK_LOW
            facts = {"files": volume.files, "folder": volume.folder, "free": volume.free}
            yield Problem(kind, Action.MAKE_ROOM, is_grave=volume.is_full, facts=facts)


def find_list_problems(each: TypeHealth, status: SyncStatus) -> Iterator[Problem]:
    if not (status.rejected_login and each.waits_for_login):
        yield from find_state_problems(each, status)
    if not status.rejected_login:
        for run in each.retried:
            action, facts = find_next_try(run, status.at)
            facts |= {"list": each.sync_type, "error": (run.failed_attempt or {}).get("text", "")}
            yield Problem(Kind.RETRYING, action, is_grave=False, row=run, facts=facts)
    if each.drifts:
        is_hidden = any(drift.kind == ColumnDrift.Kind.HIDDEN for drift in each.drifts)
        yield Problem(
            Kind.COLUMNS_CHANGED,
            Action.SHOW_COLUMNS if is_hidden else Action.MARK_AS_SEEN,
            is_grave=False,
            row=each.drifts[-1],
            facts={"list": each.sync_type, "changes": each.drifts},
        )


def find_state_problems(each: TypeHealth, status: SyncStatus) -> Iterator[Problem]:
    """Why a list cannot be trusted."""
    action, facts = find_next_attempt(each, status)
    facts["list"] = each.sync_type
    age = {"time": each.fresh_as_of, "ago": each.fresh_as_of}
    run = each.last_end
    match each.state:
        case State.QUARANTINED if run:
            waits = run.waits_for_a_decision
            action = Action.DECIDE_ON_EXPORT if waits else Action.WAIT_FOR_ACCEPTANCE
            yield Problem(
                Kind.QUARANTINED, action, row=run, facts=facts | {"time": run.exported_at, "error": run.error_text}
            )
        case State.FAILING if run:
            ended = {"times": each.consecutive_failures, "time": run.finished_at, "error": run.error_text}
            yield Problem(Kind.FAILING, action, row=run, facts=facts | ended)
        case State.NEVER:
            yield Problem(Kind.NEVER_MIRRORED, action, facts=facts)
        case State.OLD:
            is_refreshed = each.current or each.queued
            action = action if is_refreshed else Action.RUN_OR_ENABLE
            yield Problem(Kind.OLD, action, row=each.schedule, facts=facts | age)
        case State.LATE:
            yield Problem(Kind.LATE, action, facts=facts | age)


def find_next_attempt(each: TypeHealth, status: SyncStatus) -> tuple[Action, dict[str, Any]]:
    """What happens to a list that is in trouble if nobody does anything."""
    if each.current:
        return Action.IN_PROGRESS, {}
    if status.rejected_login:
        return Action.LOGIN_FIRST, {}
    if each.retried:
        return find_next_try(each.retried[0], status.at)
    if each.queued:
        run = each.queued[0]
        if until := turns.find_end_of_wait(run, run.waits_for, status.at):
            return Action.QUEUED_UNTIL, {"next": until}
        waits = run.waits_for == WaitsFor.FORMS
        return Action.QUEUED_BEHIND_FORMS if waits else Action.QUEUED, {}
    if each.next_due is None:
        return Action.RUN_BY_HAND, {}
    return Action.DUE if each.next_due <= status.at else Action.DUE_LATER, {"next": each.next_due}


def find_next_try(run: SyncRun, now: datetime) -> tuple[Action, dict[str, Any]]:
    if run.status == SyncRun.Status.RUNNING:
        return Action.RETRIED_NOW, {}
    return find_retry(run.not_before, now)


def find_retry(at: datetime | None, now: datetime) -> tuple[Action, dict[str, Any]]:
    """When something is tried again that failed. A time that is past is no promise."""
    return (Action.RETRIED_LATER, {"next": at}) if at and at > now else (Action.RETRIED_IN_TURN, {})


def find_notices() -> Iterator[Problem]:
    """What somebody has to decide, although the mirror can be trusted."""
    for service in list_services():
        for notice in service.find_notices():
            facts = {"list": service.sync_type, "text": notice.text, "advice": notice.action}
            yield Problem(Kind.NOTICE, Action.FOLLOW_NOTICE, is_grave=False, facts=facts)


def find_schedule_problems(status: SyncStatus) -> Iterator[Problem]:
    for sync_type in status.without_schedule:
        yield Problem(Kind.NO_SCHEDULE, Action.MIGRATE, facts={"list": sync_type})
    disabled = [each for each in status.types if not each.enabled and each.is_trusted]
    if disabled:
        lists = [(each.sync_type, each.fresh_as_of) for each in disabled]
        yield Problem(Kind.SCHEDULES_DISABLED, Action.LOOK_AT_SCHEDULES, is_grave=False, facts={"lists": lists})


def find_alert_problems(status: SyncStatus) -> Iterator[Problem]:
    """The channels through which nobody would learn of the rest."""
    for alert in alerts.find_undelivered():
        action: Action = Action.SEND_AGAIN
        facts: dict[str, Any] = {}
        if alert.next_attempt_at:
            action, facts = find_retry(alert.next_attempt_at, status.at)
        facts |= {"channel": alert.channel, "error": alert.error}
        yield Problem(Kind.ALERT_NOT_DELIVERED, action, is_grave=False, row=alert, facts=facts)
