"""What each `migrate` sees to, for every list of SYNC_TYPES: who may look at it, and how its search is fast."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.apps import AppConfig
from django.contrib.auth.models import Group, Permission
from django.core.management.base import CommandError
from django.db import DatabaseError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from sync.database.search import list_search_texts, rebuild_words
from sync.models import SearchWord
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
# SQLite's full-text index of the words of a list; triggers keep it.
CREATE_WORDS = (
    "CREATE VIRTUAL TABLE {index} USING fts5({columns}, content='{table}', content_rowid='id', detail=none,"
    " columnsize=0, tokenize='unicode61 remove_diacritics 0')"
)
KEEP_WORDS = "INSERT INTO {index}(rowid, {columns}) VALUES (new.id, {values});"
FORGET_WORDS = "INSERT INTO {index}({index}, rowid, {columns}) VALUES ('delete', old.id, {values});"

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
    """Let each database find what searches look for by an index: PostgreSQL parts of words, SQLite words that begin so.

    SQLite is fast enough without an index of parts. Rows that were there before get their words.
    """
    connection = connections[using]
    tables = set(connection.introspection.table_names())
    for model in list_mirrored_models():
        if model._meta.db_table not in tables:
            continue
        if connection.vendor == "postgresql":
            index_parts_of_words(connection, model)
        else:
            index_words(connection, model)
        words = SearchWord.objects.using(using)
        if not words.of(model).exists():
            words.add_all_words(model)


def index_parts_of_words(connection: BaseDatabaseWrapper, model: Any) -> None:
    table = model._meta.db_table
    with connection.cursor() as cursor:
        known = connection.introspection.get_constraints(cursor, table)
    for name in list_search_texts(model):
        index = f"{table}_trigrams" if name == "search_text" else f"{table}_{name}_trigrams"
        if index not in known:
            with connection.schema_editor() as schema_editor:
                schema_editor.execute(
                    f"CREATE INDEX {index} ON {table} USING gin ({name} gin_trgm_ops) WHERE removed_at IS NULL"
                )


def index_words(connection: BaseDatabaseWrapper, model: Any) -> None:
    """Make SQLite's full-text index of a list, kept by triggers. Whoever makes the table anew drops these with it."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM sqlite_master WHERE type = 'trigger' AND name = %s", [f"{table}_words_update"])
        if cursor.fetchone():
            return
        names = list_search_texts(model)
        columns = ", ".join(names)
        index = f"{table}_words"
        columns = ", ".join(names)
        old, new = (", ".join(f"{row}.{name}" for name in names) for row in ("old", "new"))
        is_changed = " OR ".join(f"old.{name} <> new.{name}" for name in names)
        forget = FORGET_WORDS.format(index=index, columns=columns, values=old)
        keep = KEEP_WORDS.format(index=index, columns=columns, values=new)
        cursor.execute(f"DROP TABLE IF EXISTS {index}")
        cursor.execute(CREATE_WORDS.format(index=index, columns=columns, table=table))
        cursor.execute(f"CREATE TRIGGER {index}_insert AFTER INSERT ON {table} BEGIN {keep} END")
        cursor.execute(f"CREATE TRIGGER {index}_delete AFTER DELETE ON {table} BEGIN {forget} END")
        cursor.execute(
            f"CREATE TRIGGER {index}_update AFTER UPDATE OF {columns} ON {table}"
            f" WHEN {is_changed} BEGIN {forget} {keep} END"
        )
    rebuild_words(connection, model)


def create_extension(schema_editor: BaseDatabaseSchemaEditor) -> None:
    try:
        with transaction.atomic(schema_editor.connection.alias):
            schema_editor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except DatabaseError as error:
        raise CommandError(NO_TRIGRAMS.format(error=error)) from error


def list_mirrored_models() -> list[Any]:
    return [service.model for service in list_services()]
