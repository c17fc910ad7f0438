"""What syncs did to a record, at the end of its page."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from sync.admin.formatting import format_field
from sync.admin.links import get_change_lookup, get_changes_url, get_run_url
from sync.admin.permissions import may_view
from sync.admin.record_change import format_changed_fields, format_first_values
from sync.models import MirroredModel, RecordChange, SyncRun

SHOWN = 20  # the newest

register = template.Library()


@register.inclusion_tag("admin/sync/record_history.html", takes_context=True)
def record_history(context: dict[str, Any], record: MirroredModel) -> dict[str, Any]:
    """The newest changes as sentences, for whoever may see changes; their runs as links, for whoever may see runs."""
    request = context["request"]
    if not may_view(request, RecordChange):
        return {}
    changes = RecordChange.objects.filter(**get_change_lookup(record)).select_related("run")
    newest = list(changes[: SHOWN + 1])
    leads_to_runs = may_view(request, SyncRun)
    return {
        "changes": [format_change(change, leads_to_runs=leads_to_runs) for change in newest[:SHOWN]],
        "is_empty": not newest,
        "more": changes.count() if len(newest) > SHOWN else 0,
        "address": get_changes_url(record),
    }


def format_change(change: RecordChange, *, leads_to_runs: bool) -> dict[str, Any]:
    return {
        "kind": "" if change.kind == RecordChange.Kind.UPDATED else change.get_kind_display(),
        "fields": format_changed_fields(change),
        "first_values": format_first_values(change),
        "when": format_field(change.run, "finished_at"),
        "run": format_run_name(change.run, as_link=leads_to_runs),
    }


def format_run_name(run: SyncRun, *, as_link: bool) -> SafeString | str:
    name = gettext("run %s") % run.pk
    return format_html('<a href="{}">{}</a>', get_run_url(run), name) if as_link else name
