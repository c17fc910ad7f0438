"""Accepting a quarantined export: a page that shows what would be lost, and asks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from operator import attrgetter
from pathlib import Path
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from sync.admin.columns import get_field
from sync.admin.formatting import (
    format_field,
    format_kept_number,
    format_link,
    format_number,
    format_table,
    format_value,
)
from sync.admin.links import get_run_url
from sync.admin.permissions import may_view, require_permission
from sync.coordinator import queue, runner
from sync.coordinator.preview import preview_sync
from sync.exceptions import CannotAccept, SyncError
from sync.list_names import get_list_name
from sync.mirror.comparison import Outcome
from sync.models import MirroredModel, RecordChange, SyncRun
from sync.service import LossColumn, SyncService, get_service
from sync.translations import translate

ACCEPTED_WITHIN = timedelta(seconds=15)  # or the page says that it is still being applied
NAMED = 500  # records of a kind; the others are counted
PERMISSION = "sync.accept_syncrun"

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


@require_http_methods(["GET", "POST"])
def accept_view(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask whether to apply a quarantined export, and apply it."""
    require_permission(request, SyncRun, PERMISSION)
    run = get_object_or_404(SyncRun, pk=pk)
    if request.method == "POST":
        return HttpResponseRedirect(get_run_url(accept_export(request, run)))
    context = {
        **admin.site.each_context(request),
        "opts": SyncRun._meta,
        "title": _("Accept the export of %s") % run,
        "run": run,
        "list_name": get_list_name(run.sync_type),
        "exported_at": format_field(run, "exported_at"),
        "size": filesizeformat(run.export_size or 0),
        "facts": get_quarantine_facts(run),
        **preview_acceptance(request, run),
    }
    return TemplateResponse(request, "admin/sync/syncrun/accept.html", context)


def accept_export(request: HttpRequest, run: SyncRun) -> SyncRun:
    """Apply the run's export, say what came of it, and return the run to look at."""
    try:
        accepted = queue.accept(run, by=cast(User, request.user))
    except CannotAccept as error:
        messages.error(request, translate(error.text))
        return run
    accepted = runner.wait_for(accepted, at_most=ACCEPTED_WITHIN)
    messages.add_message(request, *describe_acceptance(accepted))
    return accepted


def describe_acceptance(run: SyncRun) -> tuple[int, str]:
    """What became of an accepted export, and how good that is."""
    if run.status == SyncRun.Status.SUCCEEDED:
        counts = ("created", "updated", "missing", "removed")
        numbers = {name: format_number(getattr(run, name)) for name in counts}
        text = gettext("Applied: %(created)s created, %(updated)s updated, %(missing)s missing, %(removed)s removed.")
        return messages.SUCCESS, text % numbers
    if run.is_finished:
        return messages.ERROR, gettext("Not applied: %s") % run.error_sentence
    return messages.WARNING, gettext("Run %s waits for its turn.") % run.pk


def get_quarantine_facts(run: SyncRun) -> list[tuple[Any, str]]:
    """What was expected of a quarantined export and what came, each with its name."""
    facts = {
        _("Expected records, as in the mirror"): run.error_facts.get("mirrored"),
        _("Records in the export"): run.read,
        _("Records that one list refers to"): run.error_facts.get("named"),
        _("Of these, missing in the other list"): run.error_facts.get("unmatched"),
        _("May be missing without asking"): run.error_facts.get("allowed"),
    }
    return [(name, format_kept_number(fact)) for name, fact in facts.items() if fact is not None]


def preview_acceptance(request: HttpRequest, run: SyncRun) -> dict[str, Any]:
    """What accepting the run's export would do, for the page; or why that cannot be done."""
    try:
        effect = read_effect(run)
    except SyncError as error:
        return {"refusal": translate(error.text)}
    except OSError as error:
        return {"refusal": gettext("The kept export cannot be read: %s.") % error.strerror}
    lost = {kind: keys for kind, keys in effect.lost.items() if keys}
    return {
        "counts": [(name, format_number(getattr(effect.outcome, kind))) for kind, name in EFFECTS.items()],
        "lost": [(EFFECTS[kind], LOSSES[kind], format_lost_records(request, run, keys)) for kind, keys in lost.items()],
    }


@dataclass(frozen=True)
class Effect:
    """What an export would do to the mirror as it is, and the keys of the records that would be lost, by kind."""

    outcome: Outcome
    lost: dict[Kind, list[Any]]


def read_effect(run: SyncRun) -> Effect:
    """Read the run's export again, and write nothing. Raises CannotAccept, and whatever cannot be trusted in it."""
    if error := run.cannot_accept():
        raise error
    export = Path(run.export_path)
    lost: dict[Kind, list[Any]] = {kind: [] for kind in LOSSES}
    with preview_sync(run.sync_type, mode=SyncRun.Mode.FULL, given_file=export, may_lose=True) as preview:
        for difference in preview.differences:
            if difference.kind in lost:
                lost[difference.kind].append(difference.key)
        return Effect(preview.outcome, lost)


def format_lost_records(request: HttpRequest, run: SyncRun, keys: Sequence[Any]) -> SafeString | str:
    """The records of these keys in a table, by name for who may see their list; how many more there are."""
    service = get_service(run.sync_type)
    key = service.layout.key
    columns: dict[Any, Any] = {get_field(service.model, key).verbose_name: attrgetter(key)}
    if may_view(request, service.model):
        columns[_("record")] = format_link
        columns |= dict(
            make_loss_column(service, each) for each in service.loss_columns if may_view_loss(request, each)
        )
    records = find_records(service, sorted(keys)[:NAMED])
    html = format_table(columns, ([show(record) for show in columns.values()] for record in records))
    if (more := len(keys) - NAMED) > 0:
        html += format_html("<p>{}</p>", ngettext("and %d more", "and %d more", more) % more)
    return html


def find_records(service: SyncService, keys: Sequence[Any]) -> models.QuerySet[MirroredModel]:
    key = service.layout.key
    found = {column.name: column.value for column in service.loss_columns if column.value is not None}
    return service.model._default_manager.filter(**{f"{key}__in": keys}).annotate(**found).order_by(key)


def may_view_loss(request: HttpRequest, column: LossColumn) -> bool:
    """Whether it is of the record itself, or of a list that one may see too."""
    return column.field is None or may_view(request, column.field.model)


def make_loss_column(service: SyncService, column: LossColumn) -> tuple[Any, Callable[[MirroredModel], str]]:
    """Its label, and how it is shown of a record."""
    field = column.field or get_field(service.model, column.name)
    return column.label or field.verbose_name, lambda record: format_value(field, getattr(record, column.name))
