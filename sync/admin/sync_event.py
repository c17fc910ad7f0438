"""What happened, to look at."""

from __future__ import annotations

from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _

from sync.admin import formatting, links
from sync.admin.change_list import BoundedPaginator, SyncTypeFilter
from sync.admin.event_facts import format_fact
from sync.admin.formatting import NOTHING
from sync.admin.read_only import ReadOnlyAdmin
from sync.list_names import get_list_name
from sync.models import SyncEvent


@admin.register(SyncEvent)
class SyncEventAdmin(ReadOnlyAdmin):
    list_display = ("when", "kind", "type_or_none", "run_by_number", "who", "fact_lines")
    list_filter = ("kind", SyncTypeFilter)
    list_select_related = ("by", "session__user")
    show_facets = admin.ShowFacets.NEVER  # each number beside a filter would read the whole table
    sortable_by = ()
    paginator = BoundedPaginator
    readonly_fields = ("when", "type_or_none", "run_by_number", "who", "fact_lines")
    fieldsets = ((None, {"fields": ["when", "kind", "type_or_none", "run_by_number", "who", "fact_lines"]}),)

    @admin.display(description=_("time"))
    def when(self, event: SyncEvent) -> str:
        return formatting.format_datetime(event.at)

    @admin.display(description=_("type"))
    def type_or_none(self, event: SyncEvent) -> str:
        return get_list_name(event.sync_type) if event.sync_type else NOTHING

    @admin.display(description=_("run"))
    def run_by_number(self, event: SyncEvent) -> str:
        return links.format_run_link(event.run_id) if event.run_id else NOTHING

    @admin.display(description=_("by"))
    def who(self, event: SyncEvent) -> str:
        return str(event.by or NOTHING)

    @admin.display(description=_("facts"))
    def fact_lines(self, event: SyncEvent) -> str:
        lines = [(label, value) for name, fact in event.facts.items() for label, value in format_fact(name, fact)]
        if event.session:
            lines.append((_("order form"), links.format_link(event.session)))
        return format_html_join("", '<div><span class="changed-field">{}</span> {}</div>', lines) or NOTHING
