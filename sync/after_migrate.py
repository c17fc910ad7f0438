"""What each `migrate` sees to, for every list of SYNC_TYPES: who may look at it, and how its search is fast."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.apps import AppConfig
from django.contrib.auth.models import Group, Permission
from django.core.management.base import CommandError
from django.db import DatabaseError, connections, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from sync.service import list_services

# What the groups of people who look after the syncs may do, beside looking at the lists.
OPERATOR = (
    "sync.view_syncrun",
    "sync.view_recordchange",
    "sync.view_syncevent",
    "sync.view_synclock",
    "sync.view_syncschedule",
    "sync.view_syncworker",
    "sync.view_orderformsession",
    "sync.view_alert",
    "sync.view_columndrift",
    "sync.view_erpday",
    "sync.request_syncrun",
)
ADMINISTRATOR = (
    *OPERATOR,
    "sync.change_syncschedule",
    "sync.accept_syncrun",
    "sync.force_syncrun",
    "sync.download_export",
    "sync.close_orderformsession",
    "sync.break_synclock",
    "sync.resend_alert",
    "sync.see_columndrift",
)
NO_TRIGRAMS = (
    "The search needs PostgreSQL's extension pg_trgm, which could not be created: {error}\n"
    'Install the server\'s "contrib" programs if they are not, let an administrator of this database run'
    " CREATE EXTENSION pg_trgm, and migrate again."
)

permissions_before: dict[tuple[str, str], set[str]] = defaultdict(set)  # by database and app, during a migrate


# Groups


def note_permissions(app_config: AppConfig, using: str, **_: Any) -> None:
    """Remember which permissions of an app there are before a migrate."""
    if Permission._meta.db_table in connections[using].introspection.table_names():
        permissions = Permission.objects.using(using).filter(content_type__app_label=app_config.label)
        permissions_before[using, app_config.label] = set(permissions.values_list("codename", flat=True))


def grant_new_permissions(app_config: AppConfig, using: str, **_: Any) -> None:
    """Give each group the permissions of an app that a migrate has made; what a person took from it is not given again.

    A permission that a group is to have later than the permission is made needs a migration.
    """
    label = app_config.label
    before = permissions_before.pop((using, label), set())
    lists = tuple(f"{model._meta.app_label}.view_{model._meta.model_name}" for model in list_mirrored_models())
    for role, names in {"operator": OPERATOR + lists, "administrator": ADMINISTRATOR + lists}.items():
        wanted = {name.removeprefix(f"{label}.") for name in names if name.startswith(f"{label}.")}
        made = Permission.objects.using(using).filter(content_type__app_label=label, codename__in=wanted - before)
        if made:
            group, _made = Group.objects.using(using).get_or_create(name=role)
            group.permissions.add(*made)


# Search


def prepare_search(using: str, **_: Any) -> None:
    """Before anything is migrated: without the extension all is refused, rather than half of it done."""
    if connections[using].vendor == "postgresql":
        with connections[using].schema_editor() as schema_editor:
            create_extension(schema_editor)


def index_search_texts(using: str, **_: Any) -> None:
    """Let PostgreSQL find parts of search texts by an index; SQLite is fast enough without."""
    connection = connections[using]
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        tables = {model._meta.db_table for model in list_mirrored_models()}
        missing = [
            table
            for table in sorted(tables & set(connection.introspection.table_names(cursor)))
            if f"{table}_trigrams" not in connection.introspection.get_constraints(cursor, table)
        ]
    if missing:
        with connection.schema_editor() as schema_editor:
            for table in missing:
                schema_editor.execute(
                    f"CREATE INDEX {table}_trigrams ON {table} USING gin (search_text gin_trgm_ops)"
                    " WHERE removed_at IS NULL"
                )


def create_extension(schema_editor: BaseDatabaseSchemaEditor) -> None:
    try:
        with transaction.atomic(schema_editor.connection.alias):
            schema_editor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except DatabaseError as error:
        raise CommandError(NO_TRIGRAMS.format(error=error)) from error


def list_mirrored_models() -> list[Any]:
    return [service.model for service in list_services()]
