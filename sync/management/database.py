"""What every command needs of the database before it asks it anything."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

EARLIER = {("sync", "0002_coordination"), ("customers", "0002_search"), ("orders", "0002_search")}  # with other schemas
TOO_EARLY = (
    "This database was made by a version before the first release, and cannot be upgraded. Begin with a new one: name"
    " it in DATABASE_URL, or move the SQLite file away, and run manage.py migrate. All lists come back with their next"
    " syncs; users, drafts and history do not."
)


def check_migrated() -> None:
    """Raises CommandError if a migration is missing, or the database was made before the first release."""
    executor = MigrationExecutor(connection)
    check_history(executor.loader)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise CommandError("The database is not up to date. Run manage.py migrate first.")


def check_history_before_migrate(using: str, **_: Any) -> None:
    check_history(MigrationLoader(connections[using]))


def check_history(loader: MigrationLoader) -> None:
    """Raises CommandError if the database was made before the first release."""
    if EARLIER & loader.applied_migrations.keys():
        raise CommandError(TOO_EARLY)
