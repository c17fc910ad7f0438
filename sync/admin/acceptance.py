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
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from sync import error_texts
from sync.admin.columns import get_field
from sync.admin.formatting import format_field, format_kept_number, format_link, format_table, format_value
from sync.admin.links import get_run_url
from sync.admin.permissions import may_view, require_permission
from sync.admin.verbs import VerbsAdmin
from sync.coordinator import queue, runner
from sync.exceptions import CannotAccept, SyncError
from sync.list_names import list_name
from sync.mirror.comparison import Outcome
from sync.models import MirroredModel, RecordChange, SyncRun
from sync.service import LossColumn, SyncService, service_for

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


class AcceptanceAdmin(VerbsAdmin):
    """Runs whose exports may be accepted."""

    actions = ("accept_export",)

    def has_accept_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(PERMISSION) and self.has_view_permission(request)

    def permissions_of_actions(self) -> dict[str, str]:
        return {**super().permissions_of_actions(), "accept_export": PERMISSION}

    def tools(self, request: HttpRequest, run: SyncRun) -> list[tuple[Any, str]]:
        asks = self.has_accept_permission(request) and run.waits_for_a_decision
        question = [(_("Look at what would be lost"), accept_address(run))] if asks else []
        return [*question, *super().tools(request, run)]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_http_methods(["GET", "POST"])(self.accept_view))
        return [path("<int:pk>/accept/", view, name="sync_syncrun_accept"), *super().get_urls()]

    @admin.action(description=_("Accept the quarantined export"), permissions=["accept"])
    def accept_export(self, request: HttpRequest, runs: models.QuerySet[SyncRun]) -> HttpResponse | None:
        """Lead to the page that asks; of several exports each has to be looked at."""
        chosen = list(runs[:2])
        if len(chosen) == 1:
            return HttpResponseRedirect(accept_address(chosen[0]))
        self.message_user(request, gettext("Select one run: each export is accepted by itself."), messages.ERROR)
        return None

    def accept_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask whether to apply a quarantined export, and apply it."""
        require_permission(self, request, PERMISSION)
        run = get_object_or_404(SyncRun, pk=pk)
        if request.method == "POST":
            return HttpResponseRedirect(self.accept(request, run))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Accept the export of %s") % run,
            "run": run,
            "list_name": list_name(run.sync_type),
            "exported_at": format_field(run, "exported_at"),
            "size": filesizeformat(run.export_size or 0),
            "facts": facts_of(run),
            **answer_to(request, run),
        }
        return TemplateResponse(request, "admin/sync/syncrun/accept.html", context)

    def accept(self, request: HttpRequest, run: SyncRun) -> str:
        """Apply the run's export, say what came of it, and give the address of the run to look at."""
        try:
            accepted = queue.accept(run, by=cast(User, request.user))
        except CannotAccept as error:
            self.message_user(request, error_texts.told(error), messages.ERROR)
            return get_run_url(run)
        accepted = runner.wait_for(accepted, at_most=ACCEPTED_WITHIN)
        self.message_user(request, *told(accepted))
        return get_run_url(accepted)


def accept_address(run: SyncRun) -> str:
    return reverse("admin:sync_syncrun_accept", args=[run.pk])


def facts_of(run: SyncRun) -> list[tuple[Any, str]]:
    """What was expected of a quarantined export and what came, each with its name."""
    facts = {
        _("Expected, as in the mirror"): run.error_facts.get("mirrored"),
        _("In the export"): run.read,
        _("Named, in one of the two lists"): run.error_facts.get("named"),
        _("Not there, in the other"): run.error_facts.get("unmatched"),
        _("Allowed without asking"): run.error_facts.get("allowed"),
    }
    return [(name, format_kept_number(fact)) for name, fact in facts.items() if fact is not None]


def answer_to(request: HttpRequest, run: SyncRun) -> dict[str, Any]:
    """What accepting the run's export would do, for the page; or why that cannot be done."""
    try:
        effect = effect_of(run)
    except SyncError as error:
        return {"refusal": error_texts.told(error)}
    except OSError as error:
        return {"refusal": gettext("The kept export cannot be read: %s.") % error.strerror}
    lost = {kind: keys for kind, keys in effect.lost.items() if keys}
    return {
        "counts": [(name, format_kept_number(getattr(effect.outcome, kind))) for kind, name in EFFECTS.items()],
        "lost": [(EFFECTS[kind], LOSSES[kind], names_of(request, run, keys)) for kind, keys in lost.items()],
    }


@dataclass(frozen=True)
class Effect:
    """What an export would do to the mirror as it is, and the keys of the records that would be lost, by kind."""

    outcome: Outcome
    lost: dict[Kind, list[Any]]


def effect_of(run: SyncRun) -> Effect:
    """Read the run's export again, and write nothing. Raises CannotAccept, and whatever cannot be trusted in it."""
    if error := run.cannot_accept():
        raise error
    export = Path(run.export_path)
    lost: dict[Kind, list[Any]] = {kind: [] for kind in LOSSES}
    with runner.previewed(run.sync_type, mode=SyncRun.Mode.FULL, given_file=export, may_lose=True) as preview:
        for difference in preview.differences:
            if difference.kind in lost:
                lost[difference.kind].append(difference.key)
        return Effect(preview.outcome, lost)


def names_of(request: HttpRequest, run: SyncRun, keys: Sequence[Any]) -> SafeString | str:
    """The records of these keys in a table, by name for who may see their list; how many more there are."""
    service = service_for(run.sync_type)
    key = service.layout.key
    columns: dict[Any, Any] = {get_field(service.model, key).verbose_name: attrgetter(key)}
    if may_view(request, service.model):
        columns[_("record")] = format_link
        columns |= dict(loss_column(service, each) for each in service.loss_columns if may_see(request, each))
    records = records_of(service, sorted(keys)[:NAMED])
    html = format_table(columns, ([show(record) for show in columns.values()] for record in records))
    if (more := len(keys) - NAMED) > 0:
        html += format_html("<p>{}</p>", ngettext("and %d more", "and %d more", more) % more)
    return html


def records_of(service: SyncService, keys: Sequence[Any]) -> models.QuerySet[MirroredModel]:
    key = service.layout.key
    found = {column.name: column.value for column in service.loss_columns if column.value is not None}
    return service.model._default_manager.filter(**{f"{key}__in": keys}).annotate(**found).order_by(key)


def may_see(request: HttpRequest, column: LossColumn) -> bool:
    """Whether it is of the record itself, or of a list that one may see too."""
    return column.field is None or may_view(request, column.field.model)


def loss_column(service: SyncService, column: LossColumn) -> tuple[Any, Callable[[MirroredModel], str]]:
    """Its label, and how it is shown of a record."""
    field = column.field or get_field(service.model, column.name)
    return column.label or field.verbose_name, lambda record: format_value(field, getattr(record, column.name))


def told(run: SyncRun) -> tuple[str, int]:
    """What became of an accepted export, and how good that is."""
    if run.status == SyncRun.Status.SUCCEEDED:
        counts = ("created", "updated", "missing", "removed")
        numbers = {name: format_kept_number(getattr(run, name)) for name in counts}
        text = gettext("Applied: %(created)s created, %(updated)s updated, %(missing)s missing, %(removed)s removed.")
        return text % numbers, messages.SUCCESS
    if run.is_finished:
        return gettext("Not applied: %s") % run.error_sentence, messages.ERROR
    return gettext("Run %s waits for its turn.") % run.pk, messages.WARNING
