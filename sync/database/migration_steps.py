"""A step of migrations that change by which fields a list is searched."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import RunPython

CHUNK = 1000  # rows in memory at a time


def fill_search_texts(*models: str) -> RunPython:
    """Give the rows of these models, `app.Model`, their search texts."""

    def fill(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
        for model in models:
            fill_model(apps.get_model(model), schema_editor)

    return RunPython(fill, RunPython.noop)


def fill_model(model: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    quote = schema_editor.connection.ops.quote_name
    field = model._meta.get_field("search_text")
    update = f"UPDATE {quote(model._meta.db_table)} SET search_text = %s WHERE id = %s"  # noqa: S608
    with schema_editor.connection.cursor() as cursor:
        for rows in read_chunks(model.objects.using(schema_editor.connection.alias).only("pk", *field.sources)):
            cursor.executemany(update, [(field.build_text(row), row.pk) for row in rows])


def read_chunks(rows: Any) -> Iterator[list[Any]]:
    """All rows by primary key; each chunk is a query, so that they may be written meanwhile."""
    last = 0
    while chunk := list(rows.filter(pk__gt=last).order_by("pk")[:CHUNK]):
        yield chunk
        last = chunk[-1].pk
