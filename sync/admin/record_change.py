"""What runs changed, to look at."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sync.admin import changes, columns, formatting, links
from sync.admin.buttons import LinkButton
from sync.admin.change_list import BoundedPaginator, SyncTypeFilter
from sync.admin.formatting import NOTHING
from sync.admin.read_only import ReadOnlyAdmin
from sync.list_names import get_list_name
from sync.models import RecordChange


@admin.register(RecordChange)
class RecordChangeAdmin(ReadOnlyAdmin):
    buttons = (
        LinkButton(
            _("History"),
            "sync.view_recordchange",
            lambda change: links.get_list_url(RecordChange, sync_type=change.sync_type, key=change.key),
        ),
    )
    list_display = ("when", "run_by_number", columns.type_name, "record", "kind", "changed")
    list_filter = ("kind", SyncTypeFilter)
    show_facets = admin.ShowFacets.NEVER  # each number beside a filter would read the whole table
    sortable_by = ()
    paginator = BoundedPaginator
    search_fields = ("key",)
    search_help_text = _("Enter the complete key of a record.")
    readonly_fields = ("when", "run_by_number", "record", "all_changed")
    fieldsets = ((None, {"fields": ["when", "run_by_number", columns.type_name, "record", "kind", "all_changed"]}),)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[RecordChange]:
        return super().get_queryset(request).prefetch_related("run")  # a join could be read from its wrong end

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[RecordChange], search_term: str
    ) -> tuple[models.QuerySet[RecordChange], bool]:
        """By whole keys, in every type: this is what the index of keys answers."""
        if term := search_term.strip():
            queryset = queryset.filter(sync_type__in=list(settings.SYNC_TYPES), key=term)
        return queryset, False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Named after the record, or the run, to which a link has narrowed it."""
        context = extra_context or {}
        if key := request.GET.get("key"):
            names = {"list": get_list_name(request.GET.get("sync_type", "")), "key": key}
            context = {"title": gettext("Changes of %(list)s %(key)s") % names, **context}
        elif run := request.GET.get("run"):
            context = {"title": gettext("Changes by run %s") % run, **context}
        return super().changelist_view(request, context)

    @admin.display(description=_("when"))
    def when(self, change: RecordChange) -> str:
        return formatting.format_field(change.run, "finished_at")

    @admin.display(description=_("run"))
    def run_by_number(self, change: RecordChange) -> str:
        return links.format_link(change.run)

    @admin.display(description=_("record"))
    def record(self, change: RecordChange) -> str:
        return changes.format_record_link(change)

    @admin.display(description=_("changed fields"))
    def changed(self, change: RecordChange) -> str:
        return changes.format_first_fields(change) or NOTHING

    @admin.display(description=_("changed fields"))
    def all_changed(self, change: RecordChange) -> str:
        headers = [_("field"), _("old value"), _("new value")]
        return formatting.format_table(headers, (changes.format_changed_field(change, name) for name in change.fields))
