"""What runs changed, to look at."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import models
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from sync.admin.buttons import LinkButton
from sync.admin.change_list import BoundedPaginator, SyncTypeFilter
from sync.admin.columns import get_field, type_name
from sync.admin.formatting import NOTHING, format_field, format_link, format_list_link, format_table, format_value
from sync.admin.links import get_list_url
from sync.admin.read_only import ReadOnlyAdmin
from sync.list_names import get_list_name
from sync.models import RecordChange
from sync.service import SyncService, find_service

FIELDS_SHOWN = 4  # in a list; a change's own page shows all
CHARACTERS_SHOWN = 40  # of a value, in a list


@admin.register(RecordChange)
class RecordChangeAdmin(ReadOnlyAdmin):
    buttons = (
        LinkButton(
            _("History"),
            "sync.view_recordchange",
            lambda change: get_list_url(RecordChange, sync_type=change.sync_type, key=change.key),
        ),
    )
    list_display = ("when", "run_by_number", type_name, "record", "kind", "changed")
    list_filter = ("kind", SyncTypeFilter)
    show_facets = admin.ShowFacets.NEVER  # each number beside a filter would read the whole table
    sortable_by = ()
    paginator = BoundedPaginator
    search_fields = ("key",)
    search_help_text = _("Enter the complete key of a record.")
    readonly_fields = ("when", "run_by_number", "record", "all_changed")
    fieldsets = ((None, {"fields": ["when", "run_by_number", type_name, "record", "kind", "all_changed"]}),)

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
        title = describe_query(request.GET)
        return super().changelist_view(request, {**({"title": title} if title else {}), **(extra_context or {})})

    @admin.display(description=_("when"))
    def when(self, change: RecordChange) -> str:
        return format_field(change.run, "finished_at")

    @admin.display(description=_("run"))
    def run_by_number(self, change: RecordChange) -> SafeString | str:
        return format_link(change.run)

    @admin.display(description=_("record"))
    def record(self, change: RecordChange) -> SafeString | str:
        return format_record_link(change)

    @admin.display(description=_("changed fields"))
    def changed(self, change: RecordChange) -> SafeString | str:
        if change.kind == RecordChange.Kind.CREATED:
            return format_first_values(change) or NOTHING
        names = list(change.fields)
        lines = [
            (label, Truncator(old).chars(CHARACTERS_SHOWN), Truncator(new).chars(CHARACTERS_SHOWN))
            for label, old, new in (format_changed_field(change, name) for name in names[:FIELDS_SHOWN])
        ]
        html = format_html_join("", '<div><span class="changed-field">{}</span> {} → {}</div>', lines)
        if more := len(names) - len(lines):
            html += format_html("<div>{}</div>", ngettext("and %d more", "and %d more", more) % more)
        return html or NOTHING

    @admin.display(description=_("changed fields"))
    def all_changed(self, change: RecordChange) -> SafeString | str:
        headers = [_("field"), _("old value"), _("new value")]
        return format_table(headers, (format_changed_field(change, name) for name in change.fields))


def describe_query(query: QueryDict) -> str:
    """What a list of changes is narrowed to by the link that led to it: a record, or a run."""
    if key := query.get("key"):
        return gettext("Changes of %(list)s %(key)s") % {"list": get_list_name(query.get("sync_type", "")), "key": key}
    if run := query.get("run"):
        return gettext("Changes by run %s") % run
    return ""


def format_changed_field(change: RecordChange, name: str) -> tuple[str, str, str]:
    """A changed field's label, old value and new value."""
    old, new = change.fields[name]
    if service := find_service(change.sync_type):
        with suppress(FieldDoesNotExist, ValidationError):  # the list was another when the change was made
            field = get_field(service.model, name)
            values = [format_value(field, field.to_python(value)) for value in (old, new)]
            return str(field.verbose_name), values[0], values[1]
    return name, str(old), str(new)


def format_changed_fields(change: RecordChange) -> list[tuple[str, str, str]]:
    """A change's fields where many changes are told; none of a created record, whose fields are all of its list."""
    is_long = change.kind == RecordChange.Kind.CREATED
    return [] if is_long else [format_changed_field(change, name) for name in change.fields]


def format_first_values(change: RecordChange) -> SafeString | str:
    """How many values a created record began with, as a link to the page that shows them; empty if none were kept."""
    if change.kind != RecordChange.Kind.CREATED or not change.fields:
        return ""
    count = sum(new not in (None, "") for _old, new in change.fields.values())
    address = reverse("admin:sync_recordchange_change", args=[change.pk])
    return format_html('<a href="{}">{}</a>', address, ngettext("%d first value", "%d first values", count) % count)


def format_record_link(change: RecordChange) -> SafeString | str:
    """A changed record's key, which leads to it."""
    service = find_service(change.sync_type)
    if service is None or not is_key_of(service, change.key):
        return change.key
    return format_list_link(service.model, change.key, **{service.layout.key: change.key})


def is_key_of(service: SyncService, key: str) -> bool:
    """Whether records of the list can have this key; its keys may have been others when a change was made."""
    try:
        get_field(service.model, service.layout.key).clean(key, None)
    except ValidationError:
        return False
    return True
