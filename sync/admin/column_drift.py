"""How the columns of the ERP's lists have changed, and who has seen it."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.models import User
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sync.admin import columns
from sync.admin.buttons import Button
from sync.admin.change_list import SyncTypeFilter
from sync.admin.read_only import ReadOnlyAdmin
from sync.list_names import get_list_name
from sync.mirror.column_drift import mark_as_seen
from sync.models import ColumnDrift


def see_columns(drift: ColumnDrift, *, by: User) -> str:
    if seen := mark_as_seen(drift, by=by):
        facts = {"list": get_list_name(drift.sync_type), "columns": ", ".join(seen)}
        return gettext("Marked as seen, of %(list)s: %(columns)s.") % facts
    return gettext("This was already marked as seen.")


@admin.register(ColumnDrift)
class ColumnDriftAdmin(ReadOnlyAdmin):
    times = columns.make_datetime_columns(ColumnDrift, "at", "values_as_of", "seen_at")
    list_display = ("header", columns.type_name, "kind", times[0], times[1], times[2], "seen_by")
    list_filter = ("kind", SyncTypeFilter)
    list_select_related = ("seen_by",)
    sortable_by = ()
    search_fields = ("header",)
    readonly_fields = (columns.type_name, *times)
    fieldsets = (
        (None, {"fields": ["header", "field", columns.type_name, "kind", "run", times[0], times[1]]}),
        (_("Seen"), {"fields": [times[2], "seen_by"]}),
    )
    buttons = (
        Button(
            "see",
            _("Seen"),
            "sync.see_columndrift",
            lambda drift: drift.seen_at is None,
            see_columns,
            list_label=_("Mark as seen"),
        ),
    )
