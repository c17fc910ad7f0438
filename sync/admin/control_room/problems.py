"""What is wrong with the mirror and its syncs, in words, most pressing first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.text import Truncator, capfirst
from django.utils.timesince import timesince
from django.utils.translation import gettext, ngettext

from sync.admin import formatting
from sync.admin.buttons import ShownButton
from sync.admin.control_room.problem_buttons import find_buttons
from sync.admin.permissions import may_view
from sync.list_names import get_list_name
from sync.models import Alert, SyncWorker
from sync.monitoring.diagnosis import find_problems
from sync.monitoring.status import SyncStatus
from sync.translations import translate

ERROR_CHARACTERS = 300


@dataclass(frozen=True)
class ShownProblem:
    """What is wrong with what, what to do about it, and the buttons for that."""

    severity: str
    what: str
    todo: str
    buttons: list[ShownButton]


def describe_problems(request: HttpRequest, status: SyncStatus) -> list[ShownProblem]:
    """All that is wrong, the gravest first."""
    age = gettext("%(list)s (as of %(time)s)")
    formats: dict[str, Callable[[Any], Any]] = {
        "ago": lambda at: timesince(at, status.at, depth=1),
        "channel": lambda channel: Alert.Channel(channel).label,
        "difference": formatting.format_duration,
        "elapsed": formatting.format_duration,
        "error": lambda text: Truncator(translate(text)).chars(ERROR_CHARACTERS),
        "list": lambda sync_type: capfirst(get_list_name(sync_type)),
        "lists": lambda lists: ", ".join(
            age % {"list": get_list_name(sync_type), "time": formatting.format_time(at)} for sync_type, at in lists
        ),
        "longest": formatting.format_duration,
        "next": formatting.format_time,
        "time": formatting.format_time,
        "times": lambda number: ngettext("failed %d time in a row", "failed %d times in a row", number) % number,
        "usual": formatting.format_duration,
    }
    if not may_view(request, SyncWorker):
        formats["worker"] = lambda _worker: gettext("A worker")
    return [
        ShownProblem(
            "bad" if problem.is_grave else "warn", *problem.describe(formats), list(find_buttons(request, problem))
        )
        for problem in find_problems(status)
    ]


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
