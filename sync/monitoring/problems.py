"""What is wrong, and what to do about it: as data, of which pages and commands make sentences.

The labels of kinds and actions are those sentences, to be filled with a problem's facts where they are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from django.conf import settings
from django.db.models import TextChoices
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sync.coordinator.kept_exports import get_longest_fetch
from sync.coordinator.turns import WaitsFor
from sync.mirror.drifts import describe_drifts
from sync.models import ColumnDrift, SyncLock, SyncRun, SyncWorker
from sync.monitoring import alerts
from sync.monitoring.status import State, SyncStatus, TypeHealth
from sync.progress import Stage
from sync.service import list_services

SLOWER_THAN_USUAL = 3  # times
SLOW_AT_LEAST = timedelta(seconds=30)


class Kind(TextChoices):
    """What is wrong."""

    NO_WORKER = "no_worker", _("No worker has been started yet: nothing runs automatically.")
    WORKER_STOPPED = "worker_stopped", _("%(worker)s was stopped at %(time)s: nothing runs automatically.")
    WORKER_SILENT = "worker_silent", _("%(worker)s has not responded since %(time)s: nothing runs automatically.")
    ONE_WORKER_SILENT = (
        "one_worker_silent",
        _("%(worker)s has not responded since %(time)s; the other workers continue."),
    )
    LOCK_SILENT = "lock_silent", _("The process that holds the lock has not responded since %(time)s.")
    RUN_SLOW = "run_slow", _("%(list)s: in progress for %(elapsed)s, where it usually takes %(usual)s.")
    FETCH_SLOW = (
        "fetch_slow",
        _("%(list)s: in progress for %(elapsed)s, where it usually takes %(usual)s. The ERP may hang."),
    )
    CLOCK_AHEAD = "clock_ahead", _("The clock of %(machine)s is %(difference)s ahead of the database's.")
    CLOCK_BEHIND = "clock_behind", _("The clock of %(machine)s is %(difference)s behind the database's.")
    LOGIN_REJECTED = (
        "login_rejected",
        _("The ERP has not accepted the login of %(username)s since %(time)s: no list is synced."),
    )
    DISK_FULL = "disk_full", _("The disk with %(folder)s is full (%(files)s): nothing can be saved there.")
    DISK_LOW = "disk_low", _("The disk with %(folder)s is nearly full (%(files)s): %(free)s are free.")
    QUARANTINED = "quarantined", _("%(list)s: the export of %(time)s is in quarantine. %(error)s")
    FAILING = "failing", _("%(list)s: %(times)s, last at %(time)s. %(error)s")
    NEVER_MIRRORED = "never_mirrored", _("%(list)s: never synced so far.")
    OLD = "old", _("%(list)s: old data; last updated at %(time)s, %(ago)s ago, and the schedule is disabled.")
    LATE = "late", _("%(list)s: late; last updated at %(time)s, %(ago)s ago.")
    RETRYING = "retrying", _("%(list)s: %(error)s")
    COLUMNS_CHANGED = "columns_changed", _("%(list)s: the columns have changed. %(changes)s")
    NOTICE = "notice", "%(list)s: %(text)s"
    NO_SCHEDULE = "no_schedule", _("%(list)s: no schedule exists, so the state is not known.")
    SCHEDULES_DISABLED = (
        "schedules_disabled",
        _("Synced only on request, because their schedules are disabled: %(lists)s"),
    )
    ALERT_NOT_DELIVERED = "alert_not_delivered", _("Alerts may not be arriving (%(channel)s). %(error)s")


class Action(TextChoices):
    """What somebody has to do, or what happens if nobody does anything."""

    START_WORKER = "start_worker", _("Start manage.py qcluster on the server.")
    RESTART_WORKER = (
        "restart_worker",
        _(
            "A worker that hangs is restarted by its watchdog within %(seconds)d s. If it still does not respond, "
            "check that its machine is running and can reach the database, and restart manage.py qcluster there."
        ),
    )
    WAIT_FOR_TAKEOVER = (
        "wait_for_takeover",
        _("The next process takes over the lock and runs the sync again: you do not need to do anything."),
    )
    WAIT_FOR_RUN = "wait_for_run", _("The export is read and applied; the other lists wait.")
    WAIT_FOR_FETCH = (
        "wait_for_fetch",
        _("The attempt ends automatically if the ERP takes longer than %(longest)s; the other lists wait."),
    )
    SET_CLOCK = (
        "set_clock",
        _("Correct the clock, and keep it correct with NTP. Until then, syncs use the database's clock."),
    )
    CHECK_LOGIN = (
        "check_login",
        _("Check ERP_USERNAME and ERP_PASSWORD on the server. Pressing Run now or Try again makes one new attempt."),
    )
    WAIT_FOR_LOGIN = "wait_for_login", _("A person asked for a new attempt.")
    MAKE_ROOM = "make_room", _("Free space there; whatever waits for it then continues automatically.")
    DECIDE_ON_EXPORT = (
        "decide_on_export",
        _(
            "Nothing was changed. Accept the export if it is right; otherwise correct the list in the ERP and try "
            "again."
        ),
    )
    WAIT_FOR_ACCEPTANCE = "wait_for_acceptance", _("Its export was accepted and waits for its turn.")
    RUN_OR_ENABLE = "run_or_enable", _("Run the sync now, or enable its schedule. Until then, treat the data as old.")
    MARK_AS_SEEN = "mark_as_seen", _("Press Seen if this is right; otherwise correct it in the ERP.")
    SHOW_COLUMNS = (
        "show_columns",
        _("Their mirrored values stay as they were. Show these columns in the ERP's list again, or press Seen."),
    )
    FOLLOW_NOTICE = "follow_notice", "%(advice)s"
    MIGRATE = "migrate", _("Run manage.py migrate on the server.")
    LOOK_AT_SCHEDULES = "look_at_schedules", ""
    SEND_AGAIN = (
        "send_again",
        _("The service no longer tries to send the alert. Correct the cause, then send it again."),
    )
    IN_PROGRESS = "in_progress", _("A run is in progress.")
    LOGIN_FIRST = "login_first", _("No sync is tried until the ERP accepts the login.")
    RETRIED_NOW = "retried_now", _("It is tried again now.")
    RETRIED_LATER = "retried_later", _("It is tried again automatically at %(next)s.")
    RETRIED_IN_TURN = "retried_in_turn", _("It is tried again automatically when its turn comes.")
    QUEUED = "queued", _("A run waits for its turn.")
    QUEUED_BEHIND_FORMS = "queued_behind_forms", _("A run waits until the order forms are closed.")
    RUN_BY_HAND = "run_by_hand", _("Its schedule is disabled: press Run now on its card.")
    DUE = "due", _("It has been due since %(next)s: it runs as soon as a worker takes it.")
    DUE_LATER = "due_later", _("The next attempt is at %(next)s; or press Run now on its card.")


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong. `row` is what it is about, and what a button acts on.

    The facts are values: times, durations, sync types, errors.
    """

    kind: Kind
    action: Action
    is_grave: bool = True  # a list cannot be trusted, or nothing runs
    row: Any = None
    facts: dict[str, Any] = field(default_factory=dict)

    def describe(self, formats: dict[str, Callable[[Any], Any]]) -> tuple[str, str]:
        """What is wrong, and what to do, in the reader's language, with the facts in these formats, by name."""
        formats = FORMATS | formats
        facts = {name: formats[name](value) if name in formats else value for name, value in self.facts.items()}
        return self.kind.label % facts, self.action.label % facts


FORMATS: dict[str, Callable[[Any], Any]] = {
    "worker": lambda worker: gettext("The worker on %s") % worker.machine,
    "files": lambda files: ", ".join(map(gettext, files)),
    "free": filesizeformat,
    "changes": describe_drifts,
}


def find_problems(status: SyncStatus) -> list[Problem]:
    """All that is wrong, the gravest first."""
    found = chain(
        find_worker_problems(status),
        find_lock_problems(status),
        find_slow_runs(status),
        find_clock_problems(status),
        find_login_problems(status),
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
        waits = each.queued[0].waits_for == WaitsFor.FORMS
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
