"""The roles that `migrate` makes."""

from importlib import import_module
from typing import Any

from django.apps import apps
from django.contrib.auth.models import Group
from django.db import connection
from django.db.migrations import RunPython

MIGRATIONS = (
    "sync.migrations.0004_roles",
    "sync.migrations.0009_alerts",
    "customers.migrations.0003_roles",
    "orders.migrations.0004_roles",
    "sync.migrations.0011_column_drift",
)


def make_roles() -> None:
    """Do what the migrations do."""
    for name in MIGRATIONS:
        for step in import_module(name).Migration.operations:
            if isinstance(step, RunPython):
                code: Any = step.code
                code(apps, connection.SchemaEditorClass(connection))


def granted(role: str) -> set[str]:
    """What a group may do, as `app.code_name`."""
    permissions = Group.objects.get(name=role).permissions
    return {".".join(names) for names in permissions.values_list("content_type__app_label", "codename")}
