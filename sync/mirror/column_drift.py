"""Columns that come and go: kept when an export shows other columns than those before, until somebody has seen it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from itertools import groupby
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from sync.database import clock
from sync.exports.reader import Records
from sync.messages import make_storable
from sync.mirror.columns import load_columns
from sync.models import ColumnDrift, SyncEvent, SyncRun
from sync.service import SyncService

LONGEST_HEADER = 200  # characters that are kept of one that nobody knows

Kind = ColumnDrift.Kind


def record_drift(service: SyncService, run: SyncRun, records: Records) -> None:
    """Keep in which columns an export differs from those before, as an event too; before it is noted what it shows."""
    unknown = [make_storable(header)[:LONGEST_HEADER] for header in records.unknown if header]
    drifts = list(find_drifts(service, run, records.fields, unknown))
    if not drifts:
        return
    ColumnDrift.objects.bulk_create(drifts)
    columns: dict[str, Any] = defaultdict(list)
    for drift in drifts:
        columns[str(drift.kind)].append(drift.title)
    SyncEvent.objects.record(SyncEvent.Kind.COLUMNS_CHANGED, run=run, **columns)


def find_drifts(
    service: SyncService, run: SyncRun, fields: Collection[str], unknown: Collection[str]
) -> Iterator[ColumnDrift]:
    of_type = ColumnDrift.objects.filter(sync_type=service.sync_type)
    last = {(each.field, each.header): Kind(each.kind) for each in of_type.last_of_each()}
    seen = load_columns(service)

    def build_drift(kind: Kind, field: str, header: str) -> ColumnDrift:
        return ColumnDrift(
            sync_type=service.sync_type,
            field=field,
            header=header,
            kind=kind,
            run=run,
            at=run.exported_at or clock.now(),
            values_as_of=seen[field].last_seen_at if field in seen else None,
        )

    for column in service.layout.columns:
        was_hidden = last.get((column.field, column.header)) == Kind.HIDDEN
        if column.field in fields and was_hidden:
            yield build_drift(Kind.SHOWN, column.field, column.header)
        elif column.field in seen and column.field not in fields and not was_hidden:
            yield build_drift(Kind.HIDDEN, column.field, column.header)
    for header in dict.fromkeys(unknown):
        if last.get(("", header)) != Kind.UNKNOWN:
            yield build_drift(Kind.UNKNOWN, "", header)
    for (field, header), kind in last.items():
        if not field and kind == Kind.UNKNOWN and header not in unknown:
            yield build_drift(Kind.GONE, "", header)


def find_unseen_drifts() -> list[ColumnDrift]:
    """How each column changed last, if nobody has seen that yet."""
    return list(ColumnDrift.objects.last_of_each().unseen().order_by("pk"))


def mark_as_seen(drift: ColumnDrift, *, by: User) -> list[str]:
    """Mark a list's changes of columns as seen, up to this one. Gives the columns; none if somebody else was first."""
    with transaction.atomic():
        unseen = ColumnDrift.objects.unseen().filter(sync_type=drift.sync_type, pk__lte=drift.pk)
        columns = list(dict.fromkeys(each.title for each in unseen.order_by("pk")))
        if not unseen.update(seen_at=clock.now(), seen_by=by):
            return []
        SyncEvent.objects.record(SyncEvent.Kind.COLUMNS_SEEN, sync_type=drift.sync_type, by=by, columns=columns)
    return columns


def describe_drifts(drifts: Iterable[ColumnDrift]) -> str:
    """What changed about a list's columns, in the reader's language."""
    ordered = sorted(drifts, key=lambda each: (list(Kind).index(Kind(each.kind)), format_drift_time(each)))
    return " ".join(
        choose_sentence(Kind(kind)) % {"columns": ", ".join(each.title for each in group), "time": time}
        for (kind, time), group in groupby(ordered, key=lambda each: (each.kind, format_drift_time(each)))
    )


def format_drift_time(drift: ColumnDrift) -> str:
    """As of when the values of a hidden column are; of others when they came, or came back."""
    at = drift.values_as_of if drift.kind == Kind.HIDDEN and drift.values_as_of else drift.at
    return f"{timezone.localtime(at):%d/%m/%Y %H:%M}"


def choose_sentence(kind: Kind) -> str:
    match kind:
        case Kind.HIDDEN:
            return gettext("No longer read; the values are from %(time)s: %(columns)s.")
        case Kind.SHOWN:
            return gettext("Read again since %(time)s: %(columns)s.")
        case Kind.UNKNOWN:
            return gettext("Unknown columns, shown since %(time)s and not mirrored: %(columns)s.")
        case Kind.GONE:
            return gettext("Unknown columns, no longer shown since %(time)s: %(columns)s.")
