"""What is wrong with the mirror and its syncs, in words, most pressing first, and the buttons against it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, cast

from django.http import HttpRequest
from django.urls import reverse
from django.utils.text import Truncator, capfirst
from django.utils.timesince import timesince
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from sync import error_texts
from sync.admin.formatting import format_duration, format_time
from sync.admin.links import get_list_url, get_lock_url, get_run_url
from sync.admin.permissions import may_view
from sync.coordinator.kept_exports import longest_fetch
from sync.list_names import list_name
from sync.mirror.columns import describe_drifts
from sync.models import Alert, ColumnDrift, SyncLock, SyncRun, SyncSchedule, SyncWorker
from sync.monitoring import alerts, health
from sync.monitoring.health import State, SyncStatus, TypeHealth
from sync.progress import Stage

ERROR_CHARACTERS = 300
SLOWER_THAN_USUAL = 3  # times
SLOW_AT_LEAST = timedelta(seconds=30)
SEVERITIES = ("bad", "warn")


@dataclass(frozen=True)
class Button:
    """Something to press: a form that does it, or a link that leads there."""

    text: Any
    address: str
    posts: bool = False


@dataclass(frozen=True)
class Problem:
    """What is wrong with what, what to do about it, and the buttons for that."""

    severity: str
    what: str
    todo: str = ""
    buttons: list[Button] = field(default_factory=list)


def verdict(status: SyncStatus, problems: list[Problem]) -> dict[str, str]:
    """The line that says it all."""
    if status.untrusted:
        text = gettext("Not to be trusted: %s") % ", ".join(map(list_name, status.untrusted))
        return {"severity": "bad", "symbol": "✗", "text": text}
    if problems:
        return {"severity": "warn", "symbol": "⚠", "text": gettext("All lists can be trusted, but see to this:")}
    return {"severity": "good", "symbol": "✓", "text": gettext("All lists can be trusted.")}


def problems_of(request: HttpRequest, status: SyncStatus) -> list[Problem]:
    """All that is wrong, the gravest first."""
    return sorted(found_problems(request, status), key=lambda problem: SEVERITIES.index(problem.severity))


def found_problems(request: HttpRequest, status: SyncStatus) -> Iterator[Problem]:
    yield from chain(worker_problems(request, status), lock_problems(request, status), slow_problems(request, status))
    yield from clock_problems(status)
    yield from login_problems(request, status)
    for volume, notice in health.disk_problems(status):
        yield Problem("bad" if volume.is_full else "warn", notice.text, notice.action)
    for each in status.types:
        if not (status.rejected_login and each.waits_for_login):
            yield from state_problems(request, each, status)
        if not status.rejected_login:
            yield from retry_problems(request, each, status.at)
        yield from drift_problems(request, each)
    for sync_type, notice in health.notices():
        what = f"{capfirst(list_name(sync_type))}: {notice.text}"
        yield Problem("warn", what, notice.action)
    yield from chain(schedule_problems(request, status), alert_problems(request, status.at))


def state_problems(request: HttpRequest, each: TypeHealth, status: SyncStatus) -> Iterator[Problem]:
    match each.state:
        case State.QUARANTINED:
            yield quarantined_problem(request, each)
        case State.FAILING:
            yield failing_problem(request, each, status)
        case State.NEVER:
            yield Problem("bad", gettext("%(list)s: never mirrored so far.") % names(each), next_attempt(each, status))
        case State.OLD:
            yield old_problem(request, each, status)
        case State.LATE:
            what = gettext("%(list)s: not refreshed since %(time)s, %(ago)s ago.") % aged(each, status.at)
            yield Problem("bad", what, next_attempt(each, status))


def old_problem(request: HttpRequest, each: TypeHealth, status: SyncStatus) -> Problem:
    """Of a list that nothing refreshes by itself: somebody wanted that, but what it shows is no longer fresh."""
    what = gettext("%(list)s: as of %(time)s, %(ago)s ago, and its schedule is disabled.") % aged(each, status.at)
    if each.current or each.queued:
        return Problem("bad", what, next_attempt(each, status))
    buttons = [
        Button(text, reverse("admin:sync_syncschedule_do", args=[each.schedule_id, verb]), posts=True)
        for text, verb, permission in (
            (_("Run now"), "run", "sync.request_syncrun"),
            (_("Enable"), "enable", "sync.change_syncschedule"),
        )
        if request.user.has_perm(permission) and may_view(request, SyncSchedule)
    ]
    return Problem("bad", what, gettext("Run it now, or enable its schedule: until then take it for old."), buttons)


def aged(each: TypeHealth, now: datetime) -> dict[str, str]:
    fresh_as_of = cast(datetime, each.fresh_as_of)
    return {**names(each), "time": format_time(fresh_as_of), "ago": timesince(fresh_as_of, now, depth=1)}


def worker_problems(request: HttpRequest, status: SyncStatus) -> Iterator[Problem]:
    for problem in health.worker_problems(status, say_time=format_time, names=may_view(request, SyncWorker)):
        yield Problem("bad" if problem.is_grave else "warn", problem.text, problem.action)


def clock_problems(status: SyncStatus) -> Iterator[Problem]:
    for each in status.wrong_clocks:
        facts = {"machine": each.machine, "difference": format_duration(abs(each.ahead))}
        what = gettext("The clock of %(machine)s is %(difference)s behind the database's.")
        if each.ahead > timedelta(0):
            what = gettext("The clock of %(machine)s is %(difference)s ahead of the database's.")
        yield Problem(
            "warn",
            what % facts,
            gettext("Set it right, and have it kept right by NTP. Syncs go by the database's clock meanwhile."),
        )


def login_problems(request: HttpRequest, status: SyncStatus) -> Iterator[Problem]:
    """One for all lists: what is wrong with each is the same."""
    login = status.rejected_login
    if login is None:
        return
    facts = {"username": login.username, "time": format_time(login.at)}
    what = gettext("The ERP has not accepted the login of %(username)s since %(time)s: no list is synced.") % facts
    if login.is_tried_again and login.attempt:
        todo = gettext("A person asked for a new attempt.")
        yield Problem("bad", what, todo, [Button(_("Look at run %s") % login.attempt.pk, get_run_url(login.attempt))])
        return
    todo = gettext(
        "Check ERP_USERNAME and ERP_PASSWORD on the server. Whoever presses Run now, or Try again, makes one new "
        "attempt."
    )
    yield Problem(
        "bad",
        what,
        todo,
        [Button(_("Look at run %s") % login.run_id, get_run_url(login.run)), *again(request, login.run)],
    )


def lock_problems(request: HttpRequest, status: SyncStatus) -> Iterator[Problem]:
    lock = status.lock
    if lock.state == SyncLock.State.SILENT:
        yield Problem(
            "warn",
            gettext("The lock's holder has been silent since %s.") % format_time(lock.leased_until),
            gettext("Whoever comes next takes the lock over and runs its sync again: nothing has to be done."),
            [Button(_("Look at the lock"), get_lock_url("change"))] if may_view(request, SyncLock) else [],
        )


def slow_problems(request: HttpRequest, status: SyncStatus) -> Iterator[Problem]:
    """Of a run that takes so much longer than its like that the ERP may have stopped answering; the others wait."""
    run = status.current
    usual = status.by_type[run.sync_type].usual_duration if run and run.sync_type in status.by_type else None
    if not (run and run.started_at and usual):
        return
    elapsed = status.at - run.started_at
    if elapsed > max(usual * SLOWER_THAN_USUAL, SLOW_AT_LEAST):
        facts = {
            "list": capfirst(list_name(run.sync_type)),
            "elapsed": format_duration(elapsed),
            "usual": format_duration(usual),
            "longest": format_duration(longest_fetch(run.mode)),
        }
        what = gettext("%(list)s: in progress for %(elapsed)s, where it usually takes %(usual)s.")
        todo = gettext("The export is read and applied; the other lists wait.")
        if run.stage == Stage.FETCHING:
            what = gettext("%(list)s: in progress for %(elapsed)s, where it usually takes %(usual)s. The ERP may hang.")
            todo = gettext("It is given up by itself when the ERP takes longer than %(longest)s; the other lists wait.")
        cancel = Button(_("Cancel"), reverse("admin:sync_syncrun_do", args=[run.pk, "cancel"]), posts=True)
        yield Problem(
            "warn",
            what % facts,
            todo % facts,
            [cancel] if request.user.has_perm("sync.request_syncrun") else [],
        )


def quarantined_problem(request: HttpRequest, each: TypeHealth) -> Problem:
    run = cast(SyncRun, each.last_end)
    facts = {**names(each), "time": format_time(run.exported_at), "error": shortened(run.error_text)}
    what = gettext("%(list)s: the export of %(time)s is in quarantine. %(error)s") % facts
    look = Button(_("Look at run %s") % run.pk, get_run_url(run))
    if not run.waits_for_a_decision:
        return Problem("bad", what, gettext("Its export was accepted and waits for its turn."), [look])
    todo = gettext(
        "Nothing was changed. Accept the export if it is right; else mend the list in the ERP and try again."
    )
    return Problem("bad", what, todo, [*acceptance(request, run), look, *again(request, run)])


def failing_problem(request: HttpRequest, each: TypeHealth, status: SyncStatus) -> Problem:
    run = cast(SyncRun, each.last_end)
    times = ngettext("failed %d time in a row", "failed %d times in a row", each.consecutive_failures)
    return Problem(
        "bad",
        gettext("%(list)s: %(times)s, last at %(time)s. %(error)s")
        % {
            **names(each),
            "times": times % each.consecutive_failures,
            "time": format_time(run.finished_at),
            "error": shortened(run.error_text),
        },
        next_attempt(each, status),
        [Button(_("Look at run %s") % run.pk, get_run_url(run)), *again(request, run)],
    )


def retry_problems(request: HttpRequest, each: TypeHealth, now: datetime) -> Iterator[Problem]:
    """Of a run that failed and is to be tried again by itself."""
    for run in each.retried:
        text = shortened((run.failed_attempt or {}).get("text", ""))
        buttons = [Button(_("Look at run %s") % run.pk, get_run_url(run))]
        if run.waits_for_its_time and request.user.has_perm("sync.request_syncrun"):
            address = reverse("admin:sync_syncrun_do", args=[run.pk, "run"])
            buttons.insert(0, Button(_("Run now"), address, posts=True))
        what = gettext("%(list)s: %(error)s") % {**names(each), "error": text}
        yield Problem("warn", what, next_try(run, now), buttons)


def next_try(run: SyncRun, now: datetime) -> str:
    """When a run is tried again. A time that is past is no promise."""
    if run.status == SyncRun.Status.RUNNING:
        return gettext("It is tried again now.")
    if run.not_before and run.not_before > now:
        return gettext("It is tried again by itself at %(time)s.") % {"time": format_time(run.not_before)}
    return gettext("It is tried again by itself as soon as it is its turn.")


def drift_problems(request: HttpRequest, each: TypeHealth) -> Iterator[Problem]:
    """Of columns that came or went, until somebody has seen it."""
    if not each.drifts:
        return
    what = gettext("%(list)s: the columns have changed. %(changes)s")
    todo = gettext("Press Seen if that is as it should be; else mend it in the ERP.")
    if any(drift.kind == ColumnDrift.Kind.HIDDEN for drift in each.drifts):
        todo = gettext("What is mirrored of them stays as it was. Show them in the ERP's list again, or press Seen.")
    seen = reverse("admin:sync_columndrift_do", args=[each.drifts[-1].pk, "see"])
    may_see = request.user.has_perm("sync.see_columndrift") and may_view(request, ColumnDrift)
    yield Problem(
        "warn",
        what % {**names(each), "changes": describe_drifts(each.drifts)},
        todo,
        [Button(_("Seen"), seen, posts=True)] if may_see else [],
    )


def schedule_problems(request: HttpRequest, status: SyncStatus) -> Iterator[Problem]:
    for sync_type in status.without_schedule:
        what = gettext("%(list)s: there is no schedule, so its state is not known.")
        what %= {"list": capfirst(list_name(sync_type))}
        yield Problem("bad", what, gettext("Run manage.py migrate on the server."))
    disabled = [
        gettext("%(list)s (as of %(time)s)")
        % {"list": list_name(each.sync_type), "time": format_time(each.fresh_as_of)}
        for each in status.types
        if not each.enabled and each.is_trusted
    ]
    if disabled:
        what = gettext("Only when somebody asks, as their schedules are disabled: %s") % ", ".join(disabled)
        link = Button(_("Look at the schedules"), get_list_url(SyncSchedule))
        yield Problem("warn", what, buttons=[link] if may_view(request, SyncSchedule) else [])


def alert_problems(request: HttpRequest, now: datetime) -> Iterator[Problem]:
    """Of the channels through which nobody would learn of the rest."""
    for alert in alerts.troubles():
        facts = {"channel": alert.get_channel_display(), "error": shortened(alert.error)}
        what = gettext("Nobody may be told of changes (%(channel)s). %(error)s") % facts
        todo = gettext("It was given up. Mend what is wrong, then send it again.")
        if alert.next_attempt_at:
            todo = gettext("It is tried again by itself as soon as it is its turn.")
        if alert.next_attempt_at and alert.next_attempt_at > now:
            todo = gettext("It is tried again by itself at %(time)s.") % {"time": format_time(alert.next_attempt_at)}
        address = reverse("admin:sync_alert_change", args=[alert.pk])
        yield Problem("warn", what, todo, [Button(_("Look at the alert"), address)] if may_view(request, Alert) else [])


def next_attempt(each: TypeHealth, status: SyncStatus) -> str:
    """What happens to a list that is in trouble if nobody does anything."""
    if each.current:
        return gettext("A run is in progress.")
    if status.rejected_login:
        return gettext("Nothing is tried until the ERP accepts the login.")
    if each.retried:
        return next_try(each.retried[0], status.at)
    if each.queued:
        return gettext("A run waits for its turn.")
    if each.next_due is None:
        return gettext("Its schedule is disabled: press Run now on its card.")
    if each.next_due <= status.at:
        return gettext("It has been due since %s: it runs when a worker takes it.") % format_time(each.next_due)
    return gettext("It is tried next at %s; or press Run now on its card.") % format_time(each.next_due)


def acceptance(request: HttpRequest, run: SyncRun) -> list[Button]:
    if not request.user.has_perm("sync.accept_syncrun"):
        return []
    return [Button(_("Look at what would be lost"), reverse("admin:sync_syncrun_accept", args=[run.pk]))]


def again(request: HttpRequest, run: SyncRun) -> list[Button]:
    if run.cannot_retry() or not request.user.has_perm("sync.request_syncrun"):
        return []
    return [Button(_("Try again"), reverse("admin:sync_syncrun_do", args=[run.pk, "retry"]), posts=True)]


def names(each: TypeHealth) -> dict[str, str]:
    return {"list": capfirst(list_name(each.sync_type))}


def shortened(text: str) -> str:
    """The text of an error, or the beginning of a long one."""
    return Truncator(error_texts.sentence(text)).chars(ERROR_CHARACTERS)
