"""Steps of migrations that every mirrored list needs: for its search, and for who may look at it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.apps import apps as installed_apps
from django.contrib.auth.management import create_permissions
from django.core.management.base import CommandError
from django.db import DatabaseError, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import RunPython

CHUNK = 1000  # rows in memory at a time
NO_TRIGRAMS = (
    "The search needs PostgreSQL's extension pg_trgm, which could not be created: {error}\n"
    'Install the server\'s "contrib" programs if they are not, let an administrator of this database run'
    " CREATE EXTENSION pg_trgm, and migrate again."
)


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
        for rows in chunks(model.objects.using(schema_editor.connection.alias).only("pk", *field.sources)):
            cursor.executemany(update, [(field.text_of(row), row.pk) for row in rows])


def chunks(rows: Any) -> Iterator[list[Any]]:
    """All rows by primary key; each chunk is a query, so that they may be written meanwhile."""
    last = 0
    while chunk := list(rows.filter(pk__gt=last).order_by("pk")[:CHUNK]):
        yield chunk
        last = chunk[-1].pk


def index_trigrams(*tables: str) -> RunPython:
    """Let PostgreSQL find parts of the search texts of these tables by an index; SQLite is fast enough without."""

    def create(_apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
        if schema_editor.connection.vendor == "postgresql":
            create_extension(schema_editor)
            for table in tables:
                schema_editor.execute(
                    f"CREATE INDEX {table}_trigrams ON {table} USING gin (search_text gin_trgm_ops)"
                    " WHERE removed_at IS NULL"
                )

    def drop(_apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
        if schema_editor.connection.vendor == "postgresql":
            for table in tables:
                schema_editor.execute(f"DROP INDEX IF EXISTS {table}_trigrams")

    return RunPython(create, drop)


def create_extension(schema_editor: BaseDatabaseSchemaEditor) -> None:
    try:
        with transaction.atomic(schema_editor.connection.alias):
            schema_editor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except DatabaseError as error:
        raise CommandError(NO_TRIGRAMS.format(error=error)) from error


def grant(app_label: str, **roles: Iterable[str]) -> RunPython:
    """Give each role, a group that is made if need be, these permissions of an app, by their code names.

    Django makes an app's permissions after the last migration; here they are needed before.
    """

    def give(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
        database = schema_editor.connection.alias
        create_permissions(installed_apps.get_app_config(app_label), apps=apps, using=database, verbosity=0)
        permissions = apps.get_model("auth.Permission").objects.using(database)
        groups = apps.get_model("auth.Group").objects.using(database)
        for role, names in roles.items():
            group, _made = groups.get_or_create(name=role)
            group.permissions.add(*permissions.filter(content_type__app_label=app_label, codename__in=names))

    return RunPython(give, RunPython.noop)
