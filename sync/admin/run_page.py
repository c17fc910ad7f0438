"""What a run's page says: what happened from the request to the end, and why."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.formats import number_format
from django.utils.text import Truncator, capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sync.admin.columns import get_field
from sync.admin.formatting import (
    ATTEMPT_OUTCOMES,
    NOTHING,
    format_count,
    format_duration,
    format_fact,
    format_kept_number,
    format_number,
    format_status,
    format_time,
)
from sync.admin.links import get_list_url, get_run_url
from sync.admin.permissions import may_view
from sync.admin.progress import describe_progress
from sync.admin.protection import get_protection
from sync.admin.record_change import format_changed_fields, format_first_values, format_record_link, is_key_of
from sync.database.clock import now as database_now
from sync.exports.totals import ControlTotal
from sync.list_names import get_list_name
from sync.messages import KEPT_CHARACTERS
from sync.models import RecordChange, SyncEvent, SyncRun
from sync.monitoring import health
from sync.service import find_service
from sync.translations import translate

STEPS_SHOWN = 100
CHANGES_SHOWN = 20
RUNNING_EVERY, WAITING_EVERY, ENDED_EVERY = 1, 15, 60  # seconds after which the page asks again without an event
PLACES = {  # facts of an error that say where to look
    "page": _("page"),
    "row": _("row"),
    "header": _("column"),
    "column": _("column"),
    "key": _("key"),
    "setting": _("setting"),
}

Kind = RecordChange.Kind
Status = SyncRun.Status


def get_story(request: HttpRequest, run: SyncRun) -> dict[str, Any]:
    """All that the page says, part by part."""
    kind = request.GET.get("kind", "")
    follow_ups = list(run.retried_by.order_by("pk")) + list(run.acceptances.order_by("pk"))
    return {
        "run": run,
        "badge": format_status(run),
        "name": capfirst(get_list_name(run.sync_type)),
        "address": reverse("admin:sync_syncrun_story", args=[run.pk], query={"kind": kind} if kind else None),
        "every": get_refresh_interval([run, *follow_ups]),
        "who": run.requested_by,
        "took": format_duration(run.duration),
        "erp_time": format_duration(run.erp_time),
        "when": format_time(run.finished_at or run.started_at or run.requested_at),
        "progress": get_current_progress(run),
        "quarantine": get_quarantine(request, run),
        "error": get_error(run),
        "before": [(text, other) for text, other in find_earlier_runs(run) if other],
        "after": [(each, format_status(each)) for each in follow_ups],
        "steps": list(list_steps(run)),
        "more_steps": max(0, run.events.count() - STEPS_SHOWN),
        "all_steps": get_list_url(SyncEvent, run=str(run.pk)) if may_view(request, SyncEvent) else "",
        "attempts": [format_attempt(each) for each in run.ended_attempts],
        "coverage": [format_coverage(kept, by=run.sync_type) for kept in run.coverage],
        "totals": [format_total(kept) for kept in run.control_totals],
        "protection": get_protection(run),
        "counts": list_counts(run, kind),
        "changes": get_changes(request, run, kind),
        "notes": [translate(note) for note in run.notes],
        "export": get_export(run),
    }


def get_refresh_interval(runs: list[SyncRun]) -> int:
    """How often a page looks that shows these runs."""
    if any(run.status == Status.RUNNING for run in runs):
        return RUNNING_EVERY
    return ENDED_EVERY if all(run.is_finished for run in runs) else WAITING_EVERY


def get_current_progress(run: SyncRun) -> dict[str, Any] | None:
    if run.status != Status.RUNNING:
        return None
    return describe_progress(run, usual=health.find_usual_duration(run.sync_type), now=database_now())


def find_earlier_runs(run: SyncRun) -> Iterator[tuple[Any, SyncRun | None]]:
    """What this run goes back to, or went into."""
    yield _("tries again"), run.retries
    yield _("accepts the export of"), run.accepts
    yield _("merged into"), run.merged_into


def get_error(run: SyncRun) -> dict[str, Any] | None:
    """What stopped the run, and where to look."""
    if not run.error_class:
        return None
    places = [(label, limit_length(run.error_facts[name])) for name, label in PLACES.items() if name in run.error_facts]
    return {"kind": run.error_class, "text": limit_length(run.error_sentence), "places": places}


def limit_length(kept: Any) -> str:
    """What was kept before runs kept less: pages must not grow with it."""
    return Truncator(kept).chars(KEPT_CHARACTERS)


def get_quarantine(request: HttpRequest, run: SyncRun) -> dict[str, Any] | None:
    """What a run in quarantine waits for, in numbers."""
    if run.status != Status.QUARANTINED:
        return None
    numbers = {name: format_kept_number(fact) for name, fact in run.error_facts.items()}
    return {
        **numbers,
        "came": format_number(run.read),
        "waits": run.waits_for_a_decision,
        "later": run.later_success,
        "address": reverse("admin:sync_syncrun_accept", args=[run.pk]),
        "may_accept": request.user.has_perm("sync.accept_syncrun"),
    }


# What happened


def list_steps(run: SyncRun) -> Iterator[dict[str, Any]]:
    """Each with its time, who did it, and what is known of it; the latest ones if there are many."""
    latest = run.events.select_related("by").order_by("-pk")[:STEPS_SHOWN]
    events = list(reversed(latest))
    yield from map(make_event_step, events) if events else list_kept_steps(run)


def make_event_step(event: SyncEvent) -> dict[str, Any]:
    facts = [fact for name, value in event.facts.items() for fact in format_fact(name, value)]
    return {"at": format_time(event.at), "what": event.get_kind_display(), "by": event.by, "facts": facts}


def list_kept_steps(run: SyncRun) -> Iterator[dict[str, Any]]:
    """What the run itself keeps, when its events are older than events are kept."""
    yield {"at": format_time(run.requested_at), "what": gettext("requested"), "by": run.requested_by, "facts": []}
    for name in ("started_at", "finished_at"):
        if moment := getattr(run, name):
            yield {"at": format_time(moment), "what": get_field(SyncRun, name).verbose_name, "by": None, "facts": []}


def format_attempt(kept: dict[str, str]) -> dict[str, Any]:
    """One that brought the run back to the queue."""
    outcome = kept.get("outcome", "")
    return {
        "started": format_time(parse_datetime(kept.get("startedAt") or "")),
        "ended": format_time(parse_datetime(kept.get("endedAt") or "")),
        "why": ATTEMPT_OUTCOMES.get(outcome, outcome),
        "error": limit_length(translate(kept.get("text", ""))),
    }


# What the export said


def format_total(kept: dict[str, str]) -> dict[str, Any]:
    """A control total as the ERP states it, beside what the records add up to; as it was kept if it has no numbers."""
    names = {name: kept.get(name, "") for name in ("column", "function")}
    texts = {name: kept.get(name, NOTHING) for name in ("stated", "found")}
    stated, found = map(parse_number, texts.values())
    allowed = parse_number(kept.get("differenceAllowed", "0"))
    if stated is None or found is None or allowed is None:
        return {**names, **texts, "difference": NOTHING, "agrees": False}
    total = ControlTotal(**names, stated=stated, found=found, difference_allowed=allowed)
    return {
        **names,
        "stated": format_number(total.stated),
        "found": format_number(total.found),
        "difference": format_number(total.found - total.stated),
        "agrees": total.agrees,
        "allowed": format_number(allowed) if allowed else "",
    }


def format_coverage(kept: dict[str, Any], *, by: str) -> dict[str, Any]:
    """How much of what one list names the other has, in words, and whether no more is absent than is allowed."""
    facts = {
        "source": get_list_name(kept["source"]),
        "target": get_list_name(kept["target"]),
        "named": format_number(kept["named"]),
        "found": format_number(kept["found"]),
        "share": format_share(kept["found"], kept["named"]),
    }
    if kept["target"] == by:
        text = gettext(
            "%(target)s that %(source)s refer to: %(named)s, of which %(found)s (%(share)s) are in this export"
        )
    else:
        text = gettext("%(target)s that this export refers to: %(named)s, of which %(found)s (%(share)s) are mirrored")
    before = kept["namedBefore"] and gettext("; before, %s") % format_share(kept["foundBefore"], kept["namedBefore"])
    return {
        "text": capfirst(text % facts) + (before or ""),
        "agrees": kept["named"] - kept["found"] <= kept["allowed"],
    }


def format_share(part: int, whole: int) -> str:
    return f"{number_format(100 * part / whole, 1)} %"


def parse_number(text: str) -> Decimal | None:
    """The number that a text is; None for NaN and for what is none."""
    with suppress(InvalidOperation):
        number = Decimal(text)
        return number if number.is_finite() else None
    return None


def get_export(run: SyncRun) -> dict[str, Any] | None:
    if not run.export_sha256:
        return None
    return {
        "name": Path(run.given_file or run.export_path).name,
        "is_kept": bool(run.export_path),
        "size": filesizeformat(run.export_size) if run.export_size is not None else "",
        "sha256": run.export_sha256,
        "exported_at": format_time(run.exported_at),
        "given_file": run.given_file,
    }


# What it changed


def list_counts(run: SyncRun, chosen: str) -> list[dict[str, Any]]:
    """How many records were read, unchanged and changed how; each kind of change narrows the list below to itself."""
    names = ("read", "unchanged", *Kind.values, "left")
    return [
        {
            "text": format_count(name, getattr(run, name)),
            "kind": name if name in Kind.values and getattr(run, name) else "",
            "is_chosen": name == chosen,
        }
        for name in names
        if getattr(run, name) or name in ("read", "unchanged")
    ]


def get_changes(request: HttpRequest, run: SyncRun, kind: str) -> dict[str, Any] | None:
    """The first records that the run changed, with old and new values, and where all of them are."""
    if not may_view(request, RecordChange):
        return None
    found = run.changes.filter(kind=kind) if kind in Kind.values else run.changes.all()
    shown = list(found.order_by("pk")[: CHANGES_SHOWN + 1])
    query = {"run": str(run.pk)} | ({"kind__exact": kind} if kind else {})
    return {
        "rows": list_change_rows(request, shown[:CHANGES_SHOWN]),
        "has_more": len(shown) > CHANGES_SHOWN,
        "all": get_list_url(RecordChange, **query),
        "kind": kind,
        "everything": get_run_url(run),
    }


def list_change_rows(request: HttpRequest, shown: list[RecordChange]) -> list[dict[str, Any]]:
    names = get_record_names(request, shown)
    return [
        {
            "record": format_record_link(change),
            "name": names.get(change.key, ""),
            "kind": change.get_kind_display(),
            "fields": format_changed_fields(change),
            "first_values": format_first_values(change),
        }
        for change in shown
    ]


def get_record_names(request: HttpRequest, shown: list[RecordChange]) -> dict[str, str]:
    """What the records of one run's changes are called, by key; nothing for who may not see their list."""
    service = find_service(shown[0].sync_type) if shown else None
    if service is None or not may_view(request, service.model):
        return {}
    key = service.layout.key
    keys = [change.key for change in shown if is_key_of(service, change.key)]
    records = service.model.objects.filter(**{f"{key}__in": keys})
    return {str(getattr(record, key)): str(record) for record in records}
