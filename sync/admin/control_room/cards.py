"""A list's card on the control room: how fresh it is, what happens next to it, how its runs went."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from django.utils.text import capfirst
from django.utils.timesince import timeuntil
from django.utils.translation import gettext

from sync.admin import formatting, links, progress
from sync.list_names import get_list_name
from sync.mirror.columns import find_hidden_columns
from sync.models import RecordChange, SyncRun
from sync.monitoring.status import SyncStatus, TypeHealth
from sync.service import get_service

RUNS_IN_A_SPARKLINE = 30
SPARK_HEIGHT, SPARK_LOWEST = 24.0, 2.0  # of the drawing; every run is to be seen
ROUNDED = timedelta(seconds=30)  # "in 12 minutes" is said of 11:40 too


def describe_list(each: TypeHealth, status: SyncStatus) -> dict[str, Any]:
    model = get_service(each.sync_type).model
    return {
        "health": each,
        "name": capfirst(get_list_name(each.sync_type)),
        "badge": formatting.format_state(each.state),
        "records_address": links.get_list_url(model),
        "runs_address": links.get_list_url(SyncRun, sync_type=each.sync_type),
        "fresh": formatting.format_time(each.fresh_as_of),
        "age": formatting.format_age(each.fresh_as_of, status.at),
        "next": describe_next_run(each, status),
        "took": formatting.format_duration(each.last_duration),
        "usual": gettext("usually %s") % formatting.format_duration(each.usual_duration) if each.usual_duration else "",
        "spark": draw_sparkline(each.sync_type),
        "records": formatting.format_number(each.records),
        "change": find_last_change(each.sync_type),
        "hidden": describe_hidden_columns(each.sync_type),
    }


def describe_hidden_columns(sync_type: str) -> dict[str, Any]:
    """The columns that the ERP's list does not show now: how many, and which, by as of when they are known."""
    columns = find_hidden_columns(get_service(sync_type))
    by_time: dict[datetime | None, list[str]] = defaultdict(list)
    for each in columns:
        by_time[each.last_seen_at].append(each.column.header.removesuffix(":"))
    lines = [
        gettext("as of %(time)s: %(columns)s") % {"time": formatting.format_time(at), "columns": ", ".join(headers)}
        if at
        else gettext("never shown so far: %s") % ", ".join(headers)
        for at, headers in by_time.items()
    ]
    return {"count": len(columns), "lines": lines}


def describe_next_run(each: TypeHealth, status: SyncStatus) -> str:
    """What happens next to a list, and when."""
    if each.current:
        return gettext("in progress")
    if each.queued:
        return progress.describe_wait(each.queued[0], status.at)
    if status.rejected_login and each.enabled:
        return gettext("waits until the ERP accepts the login")
    if each.next_due is None:
        return gettext("never: the schedule is disabled")
    if each.paused_by_forms:
        return gettext("%s, when the order forms are closed") % formatting.format_time(each.next_due)
    if each.next_due <= status.at:
        return gettext("due since %s") % formatting.format_time(each.next_due)
    if each.next_due - status.at < timedelta(minutes=1):
        return gettext("%s, in a moment") % formatting.format_time(each.next_due)
    span = timeuntil(each.next_due + ROUNDED, status.at, depth=1)
    return gettext("%(time)s, in %(span)s") % {"time": formatting.format_time(each.next_due), "span": span}


def draw_sparkline(sync_type: str) -> dict[str, Any]:
    """How long each of the last runs took that ended by themselves, as a bar; the latest on the right."""
    ended = SyncRun.objects.for_type(sync_type).finished().exclude(status=SyncRun.Status.CANCELLED)
    runs = ended.order_by("-finished_at").only("status", "started_at", "finished_at")[:RUNS_IN_A_SPARKLINE]
    durations = [run.duration or timedelta(0) for run in runs]
    longest = max(durations, default=timedelta(0)) or timedelta(seconds=1)
    heights = [max(SPARK_LOWEST, duration / longest * SPARK_HEIGHT) for duration in durations]
    bars = [
        {
            "x": RUNS_IN_A_SPARKLINE - place,
            "y": f"{SPARK_HEIGHT - height:.1f}",
            "height": f"{height:.1f}",
            "kind": run.status,
        }
        for place, (run, height) in enumerate(zip(runs, heights, strict=True), start=1)
    ]
    facts = {
        "count": len(runs),
        "longest": formatting.format_duration(longest),
        "unsuccessful": sum(run.status != SyncRun.Status.SUCCEEDED for run in runs),
    }
    text = gettext("The last %(count)s runs: the longest took %(longest)s, %(unsuccessful)s did not succeed.")
    return {"bars": bars, "label": text % facts}


def find_last_change(sync_type: str) -> dict[str, Any] | None:
    """The last run that changed a record: two queries, however long ago it was."""
    rows = get_service(sync_type).model.objects.order_by("-changed_at")
    changed_at = rows.values_list("changed_at", flat=True).first()
    if changed_at is None:
        return None
    runs = SyncRun.objects.succeeded().for_type(sync_type).filter(finished_at__gte=changed_at)
    run = runs.order_by("finished_at").first()
    return {
        "at": formatting.format_time(changed_at),
        "run": run,
        "address": links.get_list_url(RecordChange, run=str(run.pk)) if run else "",
        "what": formatting.format_changes(run) if run else "",
    }
