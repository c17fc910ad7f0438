"""What accepting a quarantined export would do to the mirror, and which records it would lose."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from pathlib import Path
from typing import Any

from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from sync.admin import formatting, links, permissions
from sync.admin.columns import get_field
from sync.coordinator.preview import preview_sync
from sync.exceptions import SyncError
from sync.models import RecordChange, SyncRun
from sync.service import LossColumn, SyncService, get_service
from sync.translations import translate

NAMED = 500  # records of a kind; the others are counted

Kind = RecordChange.Kind

EFFECTS = {
    Kind.CREATED: _("Would be created"),
    Kind.UPDATED: _("Would be updated"),
    Kind.RESTORED: _("Would be restored"),
    Kind.MISSING: _("Would be marked missing"),
    Kind.REMOVED: _("Would be removed"),
}
LOSSES = {
    Kind.MISSING: _("The export lacks them. If the next full export lacks them too, they are removed."),
    Kind.REMOVED: _("This is the second full export in a row that lacks them."),
}


def preview_acceptance(request: HttpRequest, run: SyncRun) -> dict[str, Any]:
    """For the page: how many records would change how, and which would be lost; or why the export cannot be accepted.

    The export is read again, and nothing is written.
    """
    lost: dict[str, list[Any]] = {kind: [] for kind in LOSSES}
    try:
        if refused := run.cannot_accept():
            raise refused
        with preview_sync(
            run.sync_type, mode=SyncRun.Mode.FULL, given_file=Path(run.export_path), may_lose=True
        ) as preview:
            for difference in preview.differences:
                if difference.kind in lost:
                    lost[difference.kind].append(difference.key)
    except SyncError as error:
        return {"refusal": translate(error.text)}
    except OSError as error:
        return {"refusal": gettext("The kept export cannot be read: %s.") % error.strerror}
    return {
        "counts": [(name, formatting.format_number(getattr(preview.outcome, kind))) for kind, name in EFFECTS.items()],
        "lost": [
            (EFFECTS[kind], why, format_lost_records(request, run, lost[kind]))
            for kind, why in LOSSES.items()
            if lost[kind]
        ],
    }


def format_lost_records(request: HttpRequest, run: SyncRun, keys: list[Any]) -> str:
    """The records of these keys in a table, by name for who may see their list; how many more there are."""
    service = get_service(run.sync_type)
    key = service.layout.key
    shown: dict[Any, Callable[[Any], Any]] = {get_field(service.model, key).verbose_name: attrgetter(key)}
    if permissions.may_view(request, service.model):
        shown[_("record")] = links.format_link
        shown |= dict(
            make_loss_column(service, column)
            for column in service.loss_columns  # of the record itself, or of a list that one may see too
            if column.field is None or permissions.may_view(request, column.field.model)
        )
    values = {column.name: column.value for column in service.loss_columns if column.value is not None}
    records = service.model._default_manager.filter(**{f"{key}__in": sorted(keys)[:NAMED]}).annotate(**values)
    html = formatting.format_table(shown, ([show(each) for show in shown.values()] for each in records.order_by(key)))
    if (more := len(keys) - NAMED) > 0:
        html += format_html("<p>{}</p>", ngettext("and %d more", "and %d more", more) % more)
    return html


def make_loss_column(service: SyncService, column: LossColumn) -> tuple[Any, Callable[[Any], str]]:
    """Its label, and how it is shown of a record."""
    field = column.field or get_field(service.model, column.name)
    return column.label or field.verbose_name, lambda record: formatting.format_value(
        field, getattr(record, column.name)
    )
