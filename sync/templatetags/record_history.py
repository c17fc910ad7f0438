"""What syncs did to a record, at the end of its page."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.translation import gettext

from sync.admin import changes, formatting, links, permissions
from sync.models import MirroredModel, RecordChange, SyncRun

SHOWN = 20  # the newest

register = template.Library()


@register.inclusion_tag("admin/sync/record_history.html", takes_context=True)
def record_history(context: dict[str, Any], record: MirroredModel) -> dict[str, Any]:
    """The newest changes as sentences, for whoever may see changes; their runs as links, for whoever may see runs."""
    request = context["request"]
    if not permissions.may_view(request, RecordChange):
        return {}
    found = RecordChange.objects.filter(**links.get_change_lookup(record)).select_related("run")
    newest = list(found[: SHOWN + 1])
    leads_to_runs = permissions.may_view(request, SyncRun)
    return {
        "changes": [format_change(change, leads_to_runs=leads_to_runs) for change in newest[:SHOWN]],
        "is_empty": not newest,
        "more": found.count() if len(newest) > SHOWN else 0,
        "address": links.get_changes_url(record),
    }


def format_change(change: RecordChange, *, leads_to_runs: bool) -> dict[str, Any]:
    run_name = gettext("run %s") % change.run_id
    return {
        "kind": "" if change.kind == RecordChange.Kind.UPDATED else change.get_kind_display(),
        "fields": changes.format_changed_fields(change),
        "first_values": changes.format_first_values(change),
        "when": formatting.format_field(change.run, "finished_at"),
        "run": links.format_link(change.run, run_name) if leads_to_runs else run_name,
    }
