"""Which columns of an export its control totals protect, which are compared with other values, which stand alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sync.exports.layout import Column, Total, normalise_header
from sync.exports.values import NUMERIC
from sync.mirror.columns import find_hidden_fields
from sync.mirror.cross_checks import group_checks_by_field
from sync.models import SyncRun
from sync.service import find_service


def get_protection(run: SyncRun) -> dict[str, Any] | None:
    """The columns of the export that a run has read, by what protects them; None if it has read none to its end."""
    service = find_service(run.sync_type)
    if service is None or not (run.control_totals or run.status == SyncRun.Status.SUCCEEDED):
        return None
    summed = {
        normalise_header(kept["column"]) for kept in run.control_totals if kept.get("function") == Total.SUM.value
    }
    hidden = find_hidden_fields(run, service)
    checked = group_checks_by_field(service)
    by_sum, by_check, alone = [], [], []
    for column in service.layout.columns:
        if not column.field or column.field in hidden or column.field == service.layout.key:
            continue
        if normalise_header(column.header) in summed:
            by_sum.append(column)
        elif column.field in checked:
            by_check.append(column)
        else:
            alone.append(column)
    return {
        "summed": list_titles(by_sum),
        "is_counted": any(kept.get("function") == Total.COUNT.value for kept in run.control_totals),
        "compared": list_titles(by_check),
        "numbers_alone": list_titles(column for column in alone if column.convert in NUMERIC),
        "others_alone": list_titles(column for column in alone if column.convert not in NUMERIC),
    }


def list_titles(columns: Iterable[Column]) -> list[str]:
    return list(dict.fromkeys(column.title for column in columns))
