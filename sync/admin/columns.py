"""Columns of several lists, which are fields of a row's page too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.contrib import admin
from django.db import models
from django.utils.translation import gettext_lazy as _

from sync.admin import formatting
from sync.list_names import get_list_name
from sync.models import RecordChange, SyncRun, SyncSchedule


def get_field(model: type[models.Model], name: str) -> models.Field[Any, Any]:
    return cast("models.Field[Any, Any]", model._meta.get_field(name))


def make_column(
    field: models.Field[Any, Any], *, show: Callable[[Any], str] | None = None
) -> Callable[[models.Model], str | None]:
    """A column that shows a field as the ERP prints it, or otherwise."""

    @admin.display(description=field.verbose_name, ordering=field.name)
    def column(record: models.Model) -> str:
        return show(getattr(record, field.name)) if show else formatting.format_field(record, field.name)

    column.__name__ = field.name  # the admin finds the field's help text by it
    return column


def make_columns(model: type[models.Model], *names: str, show: Callable[[Any], str] | None = None) -> tuple[Any, ...]:
    return tuple(make_column(get_field(model, name), show=show) for name in names)


def make_datetime_columns(model: type[models.Model], *names: str) -> tuple[Any, ...]:
    """Columns that show times to the second."""
    return make_columns(model, *names, show=formatting.format_datetime)


@admin.display(description=_("type"), ordering="sync_type")
def type_column(row: SyncRun | RecordChange | SyncSchedule) -> str:
    return get_list_name(row.sync_type)


type_name: Any = type_column  # in a fieldset too, of which the stubs know names alone
