"""What happened to a run, step by step, and its attempts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.text import Truncator
from django.utils.translation import gettext

from sync.admin import event_facts, formatting
from sync.admin.columns import get_field
from sync.admin.event_facts import ATTEMPT_OUTCOMES
from sync.messages import KEPT_CHARACTERS
from sync.models import SyncRun
from sync.translations import translate

STEPS_SHOWN = 100


def list_steps(run: SyncRun) -> Iterator[dict[str, Any]]:
    """Each with its time, who did it, and what is known of it; the latest ones if there are many."""
    events = run.events.select_related("by").order_by("-pk")[:STEPS_SHOWN]
    for event in reversed(events):
        facts = [fact for name, value in event.facts.items() for fact in event_facts.format_fact(name, value)]
        yield {
            "at": formatting.format_time(event.at),
            "what": event.get_kind_display(),
            "by": event.by,
            "facts": facts,
        }
    if not events:
        yield from list_kept_steps(run)


def list_kept_steps(run: SyncRun) -> Iterator[dict[str, Any]]:
    """What the run itself keeps, when its events are older than events are kept."""
    kept: list[tuple[Any, Any, Any]] = [(gettext("requested"), run.requested_at, run.requested_by)]
    kept += [
        (get_field(SyncRun, name).verbose_name, getattr(run, name), None) for name in ("started_at", "finished_at")
    ]
    for what, moment, person in kept:
        if moment:
            yield {"at": formatting.format_time(moment), "what": what, "by": person, "facts": []}


def format_attempt(kept: dict[str, str]) -> dict[str, Any]:
    """One that brought the run back to the queue."""
    outcome = kept.get("outcome", "")
    return {
        "started": formatting.format_time(parse_datetime(kept.get("startedAt") or "")),
        "ended": formatting.format_time(parse_datetime(kept.get("endedAt") or "")),
        "why": ATTEMPT_OUTCOMES.get(outcome, outcome),
        "error": limit_length(translate(kept.get("text", ""))),
    }


def limit_length(kept: Any) -> str:
    """What was kept before runs kept less: pages must not grow with it."""
    return Truncator(kept).chars(KEPT_CHARACTERS)
