"""What is wrong with the mirror and its syncs, in words, most pressing first, and the buttons against it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.text import Truncator, capfirst
from django.utils.timesince import timesince
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from sync.admin.formatting import format_duration, format_time
from sync.admin.links import get_list_url, get_lock_url, get_run_url
from sync.admin.permissions import may_view
from sync.list_names import get_list_name
from sync.models import Alert, ColumnDrift, SyncLock, SyncRun, SyncSchedule, SyncWorker
from sync.monitoring.health import SyncStatus
from sync.monitoring.problems import Action, Kind, Problem, find_problems
from sync.translations import translate

ERROR_CHARACTERS = 300


@dataclass(frozen=True)
class Button:
    """Something to press: a form that does it, or a link that leads there."""

    text: Any
    address: str
    posts: bool = False


@dataclass(frozen=True)
class ShownProblem:
    """What is wrong with what, what to do about it, and the buttons for that."""

    severity: str
    what: str
    todo: str
    buttons: list[Button]


def describe_problems(request: HttpRequest, status: SyncStatus) -> list[ShownProblem]:
    """All that is wrong, the gravest first."""
    formats: dict[str, Callable[[Any], Any]] = {
        "ago": lambda at: timesince(at, status.at, depth=1),
        "channel": lambda channel: Alert.Channel(channel).label,
        "difference": format_duration,
        "elapsed": format_duration,
        "error": shorten_error,
        "list": lambda sync_type: capfirst(get_list_name(sync_type)),
        "lists": format_ages,
        "longest": format_duration,
        "next": format_time,
        "time": format_time,
        "times": lambda number: ngettext("failed %d time in a row", "failed %d times in a row", number) % number,
        "usual": format_duration,
    }
    if not may_view(request, SyncWorker):
        formats["worker"] = lambda _worker: gettext("A worker")
    return [
        ShownProblem(
            "bad" if problem.is_grave else "warn", *problem.describe(formats), list(find_buttons(request, problem))
        )
        for problem in find_problems(status)
    ]


def shorten_error(text: str) -> str:
    """The text of an error in the reader's language, or the beginning of a long one."""
    return Truncator(translate(text)).chars(ERROR_CHARACTERS)


def format_ages(lists: list[Any]) -> str:
    text = gettext("%(list)s (as of %(time)s)")
    return ", ".join(text % {"list": get_list_name(sync_type), "time": format_time(at)} for sync_type, at in lists)


def get_verdict(status: SyncStatus, found: list[ShownProblem]) -> dict[str, str]:
    """The line that says it all."""
    if status.untrusted:
        text = gettext("Not to be trusted: %s") % ", ".join(map(get_list_name, status.untrusted))
        return {"severity": "bad", "symbol": "✗", "text": text}
    if found:
        return {
            "severity": "warn",
            "symbol": "⚠",
            "text": gettext("All lists can be trusted, but these problems need attention:"),
        }
    return {"severity": "good", "symbol": "✓", "text": gettext("All lists can be trusted.")}


# Buttons


def find_buttons(request: HttpRequest, problem: Problem) -> Iterator[Button]:
    """What this reader may press against a problem."""
    row, may = problem.row, request.user.has_perm
    match problem.kind:
        case Kind.LOCK_SILENT if may_view(request, SyncLock):
            yield Button(_("View the lock"), get_lock_url("change"))
        case Kind.RUN_SLOW | Kind.FETCH_SLOW if may("sync.request_syncrun"):
            yield make_run_button(_("Cancel"), row, "cancel")
        case Kind.LOGIN_REJECTED | Kind.QUARANTINED | Kind.FAILING:
            if problem.action == Action.DECIDE_ON_EXPORT and may("sync.accept_syncrun"):
                yield Button(_("View what would be lost"), reverse("admin:sync_syncrun_accept", args=[row.pk]))
            yield make_run_link(row)
            is_settled = problem.action in (Action.WAIT_FOR_LOGIN, Action.WAIT_FOR_ACCEPTANCE)
            if not is_settled and not row.cannot_retry() and may("sync.request_syncrun"):
                yield make_run_button(_("Try again"), row, "retry")
        case Kind.OLD if problem.action == Action.RUN_OR_ENABLE and may_view(request, SyncSchedule):
            if may("sync.request_syncrun"):
                yield make_schedule_button(_("Run now"), row, "run")
            if may("sync.change_syncschedule"):
                yield make_schedule_button(_("Enable"), row, "enable")
        case Kind.RETRYING:
            if row.waits_for_its_time and may("sync.request_syncrun"):
                yield make_run_button(_("Run now"), row, "run")
            yield make_run_link(row)
        case Kind.COLUMNS_CHANGED if may("sync.see_columndrift") and may_view(request, ColumnDrift):
            yield Button(_("Seen"), reverse("admin:sync_columndrift_do", args=[row.pk, "see"]), posts=True)
        case Kind.SCHEDULES_DISABLED if may_view(request, SyncSchedule):
            yield Button(_("View the schedules"), get_list_url(SyncSchedule))
        case Kind.ALERT_NOT_DELIVERED if may_view(request, Alert):
            yield Button(_("View the alert"), reverse("admin:sync_alert_change", args=[row.pk]))


def make_run_link(run: SyncRun) -> Button:
    return Button(_("View run %s") % run.pk, get_run_url(run))


def make_run_button(text: Any, run: SyncRun, action: str) -> Button:
    return Button(text, reverse("admin:sync_syncrun_do", args=[run.pk, action]), posts=True)


def make_schedule_button(text: Any, schedule: SyncSchedule, action: str) -> Button:
    return Button(text, reverse("admin:sync_syncschedule_do", args=[schedule.pk, action]), posts=True)
