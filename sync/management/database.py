"""What every command needs of the database before it asks it anything."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

# Before the first release each app had several migrations, which left the schema that its initial one makes now.
LAST_BEFORE_RELEASE = {("sync", "0015_erasure"), ("customers", "0004_erasure"), ("orders", "0008_erasure")}
TOO_EARLY = (
    "This database was made by a version before the first release, and lacks some of that version's migrations. Migrate"
    " it with the last version that has sync/migrations/0015_erasure.py, then with this one; or begin with a new one:"
    " all lists come back with their next syncs, drafts and history do not."
)


def check_migrated() -> None:
    """Raises CommandError if a migration is missing."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if find_early_migrations(executor.loader) or plan:
        raise CommandError("The database is not up to date. Run manage.py migrate first.")


def adopt_early_database(using: str, **_: Any) -> None:
    """Before a migrate: forget the migrations from before the first release, whose result the initial ones give.

    Raises CommandError for a database that lacks some of them.
    """
    loader = MigrationLoader(connections[using])
    if early := find_early_migrations(loader):
        if not loader.applied_migrations.keys() >= LAST_BEFORE_RELEASE:
            raise CommandError(TOO_EARLY)
        recorder = MigrationRecorder(connections[using])
        for app, name in early:
            recorder.record_unapplied(app, name)


def find_early_migrations(loader: MigrationLoader) -> set[tuple[str, str]]:
    """Those that were applied and are no longer there."""
    apps = {app for app, _name in LAST_BEFORE_RELEASE}
    return {key for key in loader.applied_migrations if key[0] in apps and key not in loader.disk_migrations}
