"""System checks: settings that would make syncs unsafe, and lists that are not whole."""

from __future__ import annotations

import shlex
from itertools import permutations
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.core.checks import WARNING, CheckMessage, Error, register
from django.db import connection
from django.urls import resolve

from sync.coordinator.runner import LONGEST_DRAIN
from sync.private_files import is_open
from sync.service import SyncService, get_service


@register()
def check_services(**_: Any) -> list[CheckMessage]:
    """Refuse a service that cannot be imported, which would keep every type from running, or lacks a part of a list."""
    errors: list[CheckMessage] = []
    services: list[SyncService] = []
    for sync_type, declared in settings.SYNC_TYPES.items():
        try:
            services.append(get_service(sync_type))
        except (ImportError, KeyError, TypeError, RuntimeError) as error:  # the last if its app is not installed
            reason = f"SYNC_TYPES: the service of {sync_type} cannot be made: {error}"
            errors.append(Error(reason, hint=f"It is declared as {declared.get('service')!r}.", id="sync.E011"))
    for service in services:
        errors += check_list(service)
    return errors + [
        error for service, other in permutations(services, 2) for error in compare_required_columns(service, other)
    ]


def compare_required_columns(service: SyncService, other: SyncService) -> list[CheckMessage]:
    """Refuse a list whose required columns another list has too: the other's exports would be applied to it."""
    name, other_name = service.sync_type, other.sync_type
    required = [column.header for column in service.layout.columns if column.required]
    if not all(map(other.layout.knows, required)):
        return []
    own = [column.header for column in service.layout.columns if not other.layout.knows(column.header)]
    return [
        Error(
            f"SYNC_TYPES: {name}: an export of {other_name} would be taken for one of {name}: {other_name} shows all "
            f"columns that {name} requires: {', '.join(required)}.",
            hint=f'In the layout of {name}: required="{other_name} has no such column" for one of these columns: '
            + ", ".join(own),
            id="sync.E016",
        )
    ]


def check_list(service: SyncService) -> list[CheckMessage]:
    """What a list lacks beside its service, each with the line to write."""
    name, model = service.sync_type, service.model
    columns = {column.field for column in service.layout.columns}
    declared_indexes = {index.name for index in model._meta.indexes}
    is_in_admin = admin.site.is_registered(model)
    shown = flatten_fieldsets(admin.site.get_model_admin(model).fieldsets or ()) if is_in_admin else columns
    hidden = [column.field for column in service.layout.columns if column.field not in {"", *shown}]
    view = getattr(resolve(f"/api/{name}").func, "cls", None)
    records = getattr(view, "queryset", None)
    rules = [
        (
            "E012",
            model.search_fields and columns.issuperset(model.search_fields),
            f"{model.__name__} does not say in which of its columns people search.",
            "In the model: search_fields = (…, …), with the names of columns that are texts.",
        ),
        (
            "E013",
            declared_indexes >= {f"{name}_in_order", f"{name}_removed"},
            f"{model.__name__} lacks the indexes that every list needs to be fast.",
            f'In the model\'s Meta: indexes = list_indexes("{name}", "search_text", "id")',
        ),
        (
            "E014",
            is_in_admin,
            f"{model.__name__} is not in the admin.",
            f"In the app's admin.py: @admin.register({model.__name__}) class {model.__name__}Admin(MirroredAdmin)",
        ),
        (
            "E015",
            records is not None and records.model is model,
            f"{model.__name__} is not in the API, at /api/{name}.",
            f'In the app\'s urls.py, beside its admin.py: router.register("{name}", {model.__name__}ViewSet)',
        ),
        (
            "E017",
            not hidden,
            f"{model.__name__}'s page in the admin lacks columns: {', '.join(hidden)}.",
            f"In the app's admin.py, in the fieldsets of {model.__name__}Admin: {', '.join(map(repr, hidden))}",
        ),
    ]
    return [
        Error(f"SYNC_TYPES: {name}: {reason}", hint=hint, id=f"sync.{number}")
        for number, holds, reason, hint in rules
        if not holds
    ]


@register()
def check_q_cluster(**_: Any) -> list[CheckMessage]:
    """Refuse values of Q_CLUSTER with which django-q2 delivers tasks again while they run, or not at all."""
    cluster = getattr(settings, "Q_CLUSTER", {})
    longest_export = max(LONGEST_DRAIN, settings.ERP_EXPORT_TIMEOUT)
    least = (LONGEST_DRAIN + longest_export).total_seconds()
    timeout, retry = cluster.get("timeout") or 0, cluster.get("retry", 60)
    rules = [
        ("E001", cluster.get("orm") == "default", "orm must be 'default': the queue shares the mirror's transactions."),
        ("E002", cluster.get("workers") == 1, "workers must be 1: prefetched tasks would be delivered twice."),
        ("E003", cluster.get("bulk", 1) == 1, "bulk must be 1: prefetched tasks would be delivered twice."),
        ("E004", cluster.get("queue_limit") == 1, "queue_limit must be 1: prefetched tasks would be delivered twice."),
        (
            "E005",
            timeout > least,
            f"timeout must be over {least:g} seconds: a drain takes runs for five minutes, then ends the one it has.",
        ),
        (
            "E006",
            retry > 3 * timeout,
            "retry must be over three times timeout: tasks would be delivered while they run.",
        ),
        ("E007", cluster.get("ack_failures") is True, "ack_failures must be True: failed tasks would come for ever."),
        ("E008", cluster.get("max_attempts") == 1, "max_attempts must be 1: runs count their own attempts."),
        ("E009", cluster.get("catch_up") is False, "catch_up must be False: downtime would be made up slot by slot."),
        ("E010", not cluster.get("sync"), "sync must not be set: runs would be carried out inside requests."),
    ]
    return [
        Error(f"Q_CLUSTER: {reason}", hint="Take the value of archibald/settings.py.", id=f"sync.{number}")
        for number, holds, reason in rules
        if not holds
    ]


@register()
def check_private_files(**_: Any) -> list[CheckMessage]:
    """Warn of what every user of the machine may read, though there are passwords or customers in it."""
    paths = [settings.ENV_FILE, settings.DATA_DIR, settings.EXPORT_DIR]
    if connection.vendor == "sqlite":
        paths.append(Path(connection.settings_dict["NAME"]))
    return [
        CheckMessage(
            WARNING,
            f"Every user of this machine can read or change {path}.",
            hint=f"Its owner should run: chmod {700 if path.is_dir() else 600} {shlex.quote(str(path))}",
            id="sync.W001",
        )
        for path in paths
        if is_open(path)
    ]
