"""Accepting a quarantined export: a page that shows what would be lost, and asks."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from sync.admin import formatting, links, permissions
from sync.admin.runs.losses import preview_acceptance
from sync.coordinator import queue, runner
from sync.exceptions import CannotAccept
from sync.list_names import get_list_name
from sync.models import SyncRun
from sync.translations import translate

ACCEPTED_WITHIN = timedelta(seconds=15)  # or the page says that it is still being applied
PERMISSION = "sync.accept_syncrun"


@require_http_methods(["GET", "POST"])
def accept_view(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask whether to apply a quarantined export, and apply it."""
    permissions.require_permission(request, SyncRun, PERMISSION)
    run = get_object_or_404(SyncRun, pk=pk)
    if request.method == "POST":
        return HttpResponseRedirect(links.get_url(apply_export(request, run)))
    facts = {
        _("Expected records, as in the mirror"): run.error_facts.get("mirrored"),
        _("Records in the export"): run.read,
        _("Records that one list refers to"): run.error_facts.get("named"),
        _("Of these, missing in the other list"): run.error_facts.get("unmatched"),
        _("May be missing without asking"): run.error_facts.get("allowed"),
    }
    context = {
        **admin.site.each_context(request),
        "opts": SyncRun._meta,
        "title": _("Accept the export of %s") % run,
        "run": run,
        "list_name": get_list_name(run.sync_type),
        "exported_at": formatting.format_field(run, "exported_at"),
        "facts": [(name, formatting.format_kept_number(fact)) for name, fact in facts.items() if fact is not None],
        **preview_acceptance(request, run),
    }
    return TemplateResponse(request, "admin/sync/syncrun/accept.html", context)


@admin.action(description=_("Accept the quarantined export"))
def accept_export(_admin: object, request: HttpRequest, runs: QuerySet[SyncRun]) -> HttpResponse | None:
    """Lead to the page that asks; of several exports each has to be looked at."""
    chosen = list(runs[:2])
    if len(chosen) == 1:
        return HttpResponseRedirect(links.get_url(chosen[0], "accept"))
    messages.error(request, gettext("Select only one run: exports are accepted one at a time."))
    return None


def apply_export(request: HttpRequest, run: SyncRun) -> SyncRun:
    """Apply the run's export, say what came of it, and return the run to look at."""
    try:
        accepted = queue.accept(run, by=permissions.get_staff_user(request))
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
        numbers = {name: formatting.format_number(getattr(run, name)) for name in counts}
        text = gettext("Applied: %(created)s created, %(updated)s updated, %(missing)s missing, %(removed)s removed.")
        return messages.SUCCESS, text % numbers
    if run.is_finished:
        return messages.ERROR, gettext("Not applied: %s") % run.error_sentence
    return messages.WARNING, gettext("Run %s waits for its turn.") % run.pk
