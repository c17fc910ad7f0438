"""What a run's page says of its export: control totals, what they protect, how other lists agree, the file."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from django.utils.formats import number_format
from django.utils.text import capfirst
from django.utils.translation import gettext

from sync.admin import formatting
from sync.admin.formatting import NOTHING
from sync.exports.layout import Column, Total, normalise_header
from sync.exports.totals import ControlTotal
from sync.exports.values import NUMERIC
from sync.list_names import get_list_name
from sync.mirror.columns import find_hidden_fields
from sync.mirror.cross_checks import group_checks_by_field
from sync.models import SyncRun
from sync.service import find_service


def format_total(kept: dict[str, str]) -> dict[str, Any]:
    """A control total as the ERP states it, beside what the records add up to; as it was kept if it has no numbers."""
    names = {name: kept.get(name, "") for name in ("column", "function")}
    texts = {name: kept.get(name, NOTHING) for name in ("stated", "found")}
    stated, found = map(parse_number, texts.values())
    allowed = parse_number(kept.get("differenceAllowed", "0"))
    if stated is None or found is None or allowed is None:
        return {**names, **texts, "difference": NOTHING, "agrees": False}
    total = ControlTotal(**names, stated=stated, found=found, difference_allowed=allowed)
    return {
        **names,
        "stated": formatting.format_number(total.stated),
        "found": formatting.format_number(total.found),
        "difference": formatting.format_number(total.found - total.stated),
        "agrees": total.agrees,
        "allowed": formatting.format_number(allowed) if allowed else "",
    }


def format_coverage(kept: dict[str, Any], *, by: str) -> dict[str, Any]:
    """How much of what one list names the other has, in words, and whether no more is absent than is allowed."""
    facts = {
        "source": get_list_name(kept["source"]),
        "target": get_list_name(kept["target"]),
        "named": formatting.format_number(kept["named"]),
        "found": formatting.format_number(kept["found"]),
        "share": format_share(kept["found"], kept["named"]),
    }
    if kept["target"] == by:
        text = gettext(
            "%(target)s that %(source)s refer to: %(named)s, of which %(found)s (%(share)s) are in this export"
        )
    else:
        text = gettext("%(target)s that this export refers to: %(named)s, of which %(found)s (%(share)s) are mirrored")
    before = kept["namedBefore"] and gettext("; before, %s") % format_share(kept["foundBefore"], kept["namedBefore"])
    return {
        "text": capfirst(text % facts) + (before or ""),
        "agrees": kept["named"] - kept["found"] <= kept["allowed"],
    }


def format_share(part: int, whole: int) -> str:
    return f"{number_format(100 * part / whole, 1)} %"


def parse_number(text: str) -> Decimal | None:
    """The number that a text is; None for NaN and for what is none."""
    with suppress(InvalidOperation):
        number = Decimal(text)
        return number if number.is_finite() else None
    return None


def get_export(run: SyncRun) -> dict[str, Any] | None:
    if not run.export_sha256:
        return None
    return {
        "name": Path(run.given_file or run.export_path).name,
        "is_kept": bool(run.export_path),
        "sha256": run.export_sha256,
        "exported_at": formatting.format_time(run.exported_at),
        "given_file": run.given_file,
    }


def get_protection(run: SyncRun) -> dict[str, Any] | None:
    """The columns of the export that a run has read, by what protects them; None if it has read none to its end."""
    service = find_service(run.sync_type)
    is_from_look = run.read_from == SyncRun.Source.LOOK
    if service is None or is_from_look or not (run.control_totals or run.status == SyncRun.Status.SUCCEEDED):
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
