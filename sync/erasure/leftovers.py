"""What is left after a customer's data was erased: rows for a person to look at, and pages of a SQLite file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.db import DatabaseError, connection, models
from django.urls import NoReverseMatch, reverse
from django.utils import translation

from sync.erasure import texts
from sync.erasure.stores import Subject
from sync.models import MirroredModel, RecordChange
from sync.service import get_service

SHOWN_ROWS = 5  # of each table


def find_remaining(subject: Subject, *, from_erp: bool) -> list[str]:
    """Where else in the database one of his texts stands, but not the text: a person has to look at it.

    Either in the records of others and their history, which come from the ERP and can be changed there alone, or in all
    other tables, whatever these are.
    """
    if not subject.texts:
        return []
    pattern = texts.build_pattern(subject.texts)
    lines = []
    for model in apps.get_models():
        if issubclass(model, MirroredModel | RecordChange) != from_erp:
            continue
        fields = [
            field
            for field in model._meta.concrete_fields
            if isinstance(field, models.CharField | models.TextField | models.JSONField)
        ]
        names = [field.attname for field in fields]
        found = {}
        for pk, *values in texts.find_rows(exclude_shown(model, subject), names, subject.texts, lambda: None):
            if where := [
                field
                for field, value in zip(fields, values, strict=True)
                if any(pattern.search(text) for text in texts.find_texts(value))
            ]:
                found[pk] = where
        lines += [describe_row(model, pk, found[pk]) for pk in list(found)[:SHOWN_ROWS]]
        if len(found) > SHOWN_ROWS:
            lines.append(f"... and {len(found) - SHOWN_ROWS} more of these")
    return lines


def describe_row(model: type[models.Model], pk: Any, fields: Iterable[models.Field[Any, Any]]) -> str:
    """A row by its name, its number and its page in the admin, if it has one, with the fields to look at."""
    with translation.override("en"):
        line = f"{model._meta.verbose_name} {pk} ({', '.join(str(field.verbose_name) for field in fields)})"
    try:
        return f"{line}: {reverse(f'admin:{model._meta.app_label}_{model._meta.model_name}_change', args=[pk])}"
    except NoReverseMatch:
        return line


def exclude_shown(model: type[models.Model], subject: Subject) -> models.QuerySet[Any]:
    """All rows of a table but those of records that the ERP still shows."""
    rows = model._base_manager.all()
    for sync_type, records in subject.shown.items():
        service = get_service(sync_type)
        if model is service.model:
            rows = rows.exclude(pk__in=[record.pk for record in records])
        elif model is RecordChange:
            keys = [str(getattr(record, service.layout.key)) for record in records]
            rows = rows.exclude(sync_type=sync_type, key__in=keys)
    return rows


def compact_database() -> str:
    """Have a SQLite file forget what was erased: its free pages and its log hold it still. What is wrong, if anything.

    PostgreSQL does so by itself, when it vacuums.
    """
    if connection.vendor != "sqlite":
        return ""
    try:
        with connection.cursor() as cursor:
            cursor.execute("VACUUM")
            [(is_busy, *_)] = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    except DatabaseError as error:
        return str(error)
    return "another process was reading it" if is_busy else ""
