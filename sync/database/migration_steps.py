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
    fields = [field for field in model._meta.concrete_fields if hasattr(field, "build_text")]
    sources = {name for field in fields for name in field.sources}
    texts = ", ".join(f"{quote(field.column)} = %s" for field in fields)
    update = f"UPDATE {quote(model._meta.db_table)} SET {texts} WHERE id = %s"  # noqa: S608
    with schema_editor.connection.cursor() as cursor:
        for rows in read_chunks(model.objects.using(schema_editor.connection.alias).only("pk", *sources)):
            cursor.executemany(update, [(*(field.build_text(row) for field in fields), row.pk) for row in rows])


def read_chunks(rows: Any) -> Iterator[list[Any]]:
    """All rows by primary key; each chunk is a query, so that they may be written meanwhile."""
    last = 0
    while chunk := list(rows.filter(pk__gt=last).order_by("pk")[:CHUNK]):
        yield chunk
        last = chunk[-1].pk
