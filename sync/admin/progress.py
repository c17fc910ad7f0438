"""How far a run is, and how long it will take, for people who watch it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sync.admin import formatting
from sync.coordinator import turns
from sync.coordinator.turns import WaitsFor
from sync.models import SyncRun
from sync.progress import Stage

FULLEST = 98  # % of the bar, before the run has ended
STAGES = {
    Stage.FETCHING: _("fetching the export"),
    Stage.READING: _("reading the export"),
    Stage.APPLYING: _("applying the records"),
}


def format_stage(run: SyncRun) -> str:
    return str(STAGES[Stage(run.stage)]) if run.stage else gettext("starting")


def format_pages(run: SyncRun) -> str:
    """`264 of 1,332`; the first number alone while the other is not known."""
    read = formatting.format_number(run.pages_read)
    if run.pages is None:
        return read
    pages = formatting.format_number(run.pages)
    return gettext("%(read)s of %(pages)s") % {"read": read, "pages": pages}


def describe_progress(run: SyncRun, *, usual: timedelta | None, now: datetime) -> dict[str, Any]:
    """Of a run in progress: how much is done in %, and a sentence. `usual` is how long its like take."""
    elapsed = max(now - run.started_at, timedelta(0)) if run.started_at else timedelta(0)
    left = estimate_time_left(run, elapsed, usual)
    words = [format_stage(run)]
    if run.stage == Stage.READING and run.pages:
        words.append(gettext("page %s") % format_pages(run))
    words.append(gettext("%s so far") % format_seconds(elapsed))
    if left is not None:
        words.append(gettext("about %s left") % format_seconds(left))
    elif usual and elapsed > usual:
        words.append(gettext("usually %s") % formatting.format_duration(usual))
    whole = elapsed + left if left is not None else None
    percent = min(round(elapsed / whole * 100), FULLEST) if whole else None  # by time; None if nobody can tell
    return {"percent": percent, "text": " · ".join(words)}


def describe_wait(run: SyncRun, now: datetime) -> str:
    """Why a queued run has not started yet, by what it `waits_for`."""
    match run.waits_for:
        case WaitsFor.LOGIN:
            return gettext("waits until the ERP accepts the login")
        case WaitsFor.HOURS | WaitsFor.ALLOWANCE | WaitsFor.LOGINS as reason:
            until = turns.find_end_of_wait(run, reason, now)
            facts = {"time": formatting.format_time(until), "reason": gettext(turns.REASONS[reason])}
            return gettext("waits until %(time)s: %(reason)s") % facts
        case WaitsFor.TIME:
            return gettext("tried again at %s") % formatting.format_time(run.not_before)
        case WaitsFor.FORMS:
            return gettext("waits until the order forms are closed")
    return gettext("waits for its turn")


def estimate_time_left(run: SyncRun, elapsed: timedelta, usual: timedelta | None) -> timedelta | None:
    """By the pages, once some are read: by what its like took, before. None if nobody can tell."""
    reading = elapsed - (run.erp_time or timedelta(0))
    if run.stage == Stage.READING and run.pages and run.pages_read and reading > timedelta(0):
        return reading * (run.pages - run.pages_read) / run.pages_read
    return usual - elapsed if usual and usual > elapsed else None


def format_seconds(duration: timedelta) -> str:
    """Whole seconds, as they change all the time."""
    return formatting.format_duration(timedelta(seconds=round(duration.total_seconds())))
