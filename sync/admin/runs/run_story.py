"""What happened to a run from the request to the end, and why: what its page says first."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from sync.admin import changes, formatting, links, permissions, progress
from sync.admin.runs import run_export, run_steps
from sync.admin.runs.run_steps import STEPS_SHOWN
from sync.coordinator import turns
from sync.database import clock
from sync.list_names import get_list_name
from sync.models import SyncEvent, SyncRun
from sync.monitoring import health
from sync.translations import translate

RUNNING_EVERY, WAITING_EVERY, ENDED_EVERY = 1, 15, 60  # seconds after which the page asks again without an event
PLACES = {  # facts of an error that say where to look
    "page": _("page"),
    "row": _("row"),
    "header": _("column"),
    "column": _("column"),
    "key": _("key"),
    "setting": _("setting"),
}

Status = SyncRun.Status


def get_story(request: HttpRequest, run: SyncRun) -> dict[str, Any]:
    """All that the page says, part by part."""
    kind = request.GET.get("kind", "")
    earlier = (
        (_("tries again"), run.retries),
        (_("accepts the export of"), run.accepts),
        (_("merged into"), run.merged_into),
    )
    follow_ups = list(run.retried_by.order_by("pk")) + list(run.acceptances.order_by("pk"))
    return {
        "run": run,
        "is_look": run.read_from == SyncRun.Source.LOOK,
        "badge": formatting.format_status(run),
        "name": capfirst(get_list_name(run.sync_type)),
        "address": links.get_url(run, "story", query={"kind": kind} if kind else None),
        "every": get_refresh_interval([run, *follow_ups]),
        "who": run.requested_by,
        "took": formatting.format_duration(run.duration),
        "erp_time": formatting.format_duration(run.erp_time),
        "when": formatting.format_time(run.finished_at or run.started_at or run.requested_at),
        "progress": get_progress(run),
        "wait": get_wait(run),
        "quarantine": get_quarantine(request, run),
        "error": get_error(run),
        "before": [(text, other) for text, other in earlier if other],
        "after": [(each, formatting.format_status(each)) for each in follow_ups],
        "steps": list(run_steps.list_steps(run)),
        "more_steps": max(0, run.events.count() - STEPS_SHOWN),
        "all_steps": links.get_list_url(SyncEvent, run=str(run.pk)) if permissions.may_view(request, SyncEvent) else "",
        "attempts": list(map(run_steps.format_attempt, run.ended_attempts)),
        "coverage": [run_export.format_coverage(kept, by=run.sync_type) for kept in run.coverage],
        "totals": [run_export.format_total(kept) for kept in run.control_totals],
        "protection": run_export.get_protection(run),
        "counts": changes.list_counts(run, kind),
        "changes": changes.get_changes_of_run(request, run, kind),
        "notes": [translate(note) for note in run.notes],
        "export": run_export.get_export(run),
    }


def get_refresh_interval(runs: list[SyncRun]) -> int:
    """How often a page looks that shows these runs."""
    if any(run.status == Status.RUNNING for run in runs):
        return RUNNING_EVERY
    return ENDED_EVERY if all(run.is_finished for run in runs) else WAITING_EVERY


def get_progress(run: SyncRun) -> dict[str, Any] | None:
    if run.status != Status.RUNNING:
        return None
    return progress.describe_progress(run, usual=health.find_usual_duration(run.sync_type), now=clock.now())


def get_wait(run: SyncRun) -> str:
    """Why it has not started yet, as a sentence."""
    if run.status != Status.QUEUED:
        return ""
    run.waits_for = turns.find_what_it_waits_for(run)
    return capfirst(progress.describe_wait(run, clock.now())) + "."


def get_error(run: SyncRun) -> dict[str, Any] | None:
    """What stopped the run, and where to look."""
    if not run.error_class:
        return None
    places = [
        (label, run_steps.limit_length(run.error_facts[name]))
        for name, label in PLACES.items()
        if name in run.error_facts
    ]
    return {"kind": run.error_class, "text": run_steps.limit_length(run.error_sentence), "places": places}


def get_quarantine(request: HttpRequest, run: SyncRun) -> dict[str, Any] | None:
    """What a run in quarantine waits for, in numbers."""
    if run.status != Status.QUARANTINED:
        return None
    numbers = {name: formatting.format_kept_number(fact) for name, fact in run.error_facts.items()}
    return {
        **numbers,
        "came": formatting.format_number(run.read),
        "waits": run.waits_for_a_decision,
        "later": run.later_success,
        "address": links.get_url(run, "accept"),
        "may_accept": request.user.has_perm("sync.accept_syncrun"),
    }
