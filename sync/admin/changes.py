"""How changes of records are shown: in the list of changes, on a run's page and on a record's."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.text import Truncator
from django.utils.translation import ngettext

from sync.admin import formatting, links, permissions
from sync.models import RecordChange, SyncRun
from sync.service import SyncService, find_service

FIELDS_SHOWN = 4  # in a list; a change's own page shows all
CHARACTERS_SHOWN = 40  # of a value, in a list
CHANGES_SHOWN = 20  # on a run's page

Kind = RecordChange.Kind


def format_changed_field(change: RecordChange, name: str) -> tuple[str, str, str]:
    """A changed field's label, old value and new value."""
    old, new = change.fields[name]
    if service := find_service(change.sync_type):
        with suppress(FieldDoesNotExist, ValidationError):  # the list was another when the change was made
            field: Any = service.model._meta.get_field(name)
            values = [formatting.format_value(field, field.to_python(value)) for value in (old, new)]
            return str(field.verbose_name), values[0], values[1]
    return name, str(old), str(new)


def format_changed_fields(change: RecordChange) -> list[tuple[str, str, str]]:
    """A change's fields where many changes are told; none of a created record, whose fields are all of its list."""
    is_long = change.kind == RecordChange.Kind.CREATED
    return [] if is_long else [format_changed_field(change, name) for name in change.fields]


def format_first_values(change: RecordChange) -> str:
    """How many values a created record began with, as a link to the page that shows them; empty if none were kept."""
    if change.kind != RecordChange.Kind.CREATED or not change.fields:
        return ""
    count = sum(new not in (None, "") for _old, new in change.fields.values())
    return links.format_link(change, ngettext("%d first value", "%d first values", count) % count)


def format_record_link(change: RecordChange) -> str:
    """A changed record's key, which leads to it."""
    service = find_service(change.sync_type)
    if service is None or not is_key_of(service, change.key):
        return change.key
    return links.format_list_link(service.model, change.key, **{service.layout.key: change.key})


def is_key_of(service: SyncService, key: str) -> bool:
    """Whether records of the list can have this key; its keys may have been others when a change was made."""
    field: Any = service.model._meta.get_field(service.layout.key)
    try:
        field.clean(key, None)
    except ValidationError:
        return False
    return True


def format_first_fields(change: RecordChange) -> str:
    """A change's fields in a list of changes: the first of them, with values that are cut short."""
    if change.kind == RecordChange.Kind.CREATED:
        return format_first_values(change)
    names = list(change.fields)
    lines = [
        (label, Truncator(old).chars(CHARACTERS_SHOWN), Truncator(new).chars(CHARACTERS_SHOWN))
        for label, old, new in (format_changed_field(change, name) for name in names[:FIELDS_SHOWN])
    ]
    html = format_html_join("", '<div><span class="changed-field">{}</span> {} → {}</div>', lines)
    if more := len(names) - len(lines):
        html += format_html("<div>{}</div>", ngettext("and %d more", "and %d more", more) % more)
    return html


def get_changes_of_run(request: HttpRequest, run: SyncRun, kind: str) -> dict[str, Any] | None:
    """The first records that the run changed, with old and new values, and where all of them are."""
    if not permissions.may_view(request, RecordChange):
        return None
    found = run.changes.filter(kind=kind) if kind in Kind.values else run.changes.all()
    shown = list(found.order_by("pk")[: CHANGES_SHOWN + 1])
    names = get_record_names(request, shown[:CHANGES_SHOWN])
    query = {"run": str(run.pk)} | ({"kind__exact": kind} if kind else {})
    return {
        "rows": [
            {
                "record": format_record_link(change),
                "name": names.get(change.key, ""),
                "kind": change.get_kind_display(),
                "fields": format_changed_fields(change),
                "first_values": format_first_values(change),
            }
            for change in shown[:CHANGES_SHOWN]
        ],
        "has_more": len(shown) > CHANGES_SHOWN,
        "all": links.get_list_url(RecordChange, **query),
        "kind": kind,
        "everything": links.get_url(run),
    }


def get_record_names(request: HttpRequest, shown: list[RecordChange]) -> dict[str, str]:
    """What the records of one run's changes are called, by key; nothing for who may not see their list."""
    service = find_service(shown[0].sync_type) if shown else None
    if service is None or not permissions.may_view(request, service.model):
        return {}
    key = service.layout.key
    keys = [change.key for change in shown if is_key_of(service, change.key)]
    records = service.model.objects.filter(**{f"{key}__in": keys})
    return {str(getattr(record, key)): str(record) for record in records}


def list_counts(run: SyncRun, chosen: str) -> list[dict[str, Any]]:
    """How many records were read, unchanged and changed how; each kind of change narrows the list below to itself."""
    names = ("read", "unchanged", *Kind.values, "left")
    always = () if run.read_from == SyncRun.Source.LOOK else ("read", "unchanged")
    return [
        {
            "text": formatting.format_count(name, getattr(run, name)),
            "kind": name if name in Kind.values and getattr(run, name) else "",
            "is_chosen": name == chosen,
        }
        for name in names
        if getattr(run, name) or name in always
    ]
