"""Which columns of a list the ERP has shown, and when: one that is hidden keeps its mirrored values, as of then."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from sync.database import clock
from sync.exports.layout import Column, Source
from sync.exports.reader import Records
from sync.messages import Message, gettext_noop, make_storable
from sync.models import ColumnDrift, MirroredColumn, SyncEvent, SyncRun
from sync.service import SyncService

Kind = ColumnDrift.Kind

LONGEST_HEADER = 200  # characters that are kept of one that nobody knows

FIRST_SEEN = gettext_noop(
    "Columns seen in an export for the first time, in the assumed form: {columns}. Please tell the maintainer of this "
    "software."
)


@dataclass(frozen=True)
class HiddenColumn:
    """A column that the export applied last did not show."""

    column: Column
    last_seen_at: datetime | None  # the moment of the export; None if none ever showed it
    applied_at: datetime | None  # when that was applied: records that came later never had a value of it


def record_columns(service: SyncService, run: SyncRun, records: Records) -> list[Message]:
    """Keep which columns the export of a run showed, in what they differ from those before, and which were well read.

    Gives, for the run's notes, the columns of an assumed form that were never read before.
    """
    record_drift(service, run, records)
    now = clock.now()
    at = run.exported_at or now
    MirroredColumn.objects.bulk_create(
        [
            MirroredColumn(sync_type=service.sync_type, field=field, last_seen_at=at, applied_at=now)
            for field in records.fields
        ],
        update_conflicts=True,
        unique_fields=["sync_type", "field"],
        update_fields=["last_seen_at", "applied_at"],
    )
    unconfirmed = MirroredColumn.objects.filter(
        sync_type=service.sync_type, field__in=records.well_read, is_confirmed=False
    )
    confirmed = set(unconfirmed.values_list("field", flat=True))
    unconfirmed.update(is_confirmed=True)
    titles = [
        column.title
        for column in service.layout.columns
        if column.field in confirmed and column.source is Source.ASSUMED
    ]
    return [Message(FIRST_SEEN, columns=", ".join(titles))] if titles else []


def load_columns(service: SyncService) -> dict[str, MirroredColumn]:
    """What is known of each field that an applied export has shown."""
    return {column.field: column for column in MirroredColumn.objects.filter(sync_type=service.sync_type)}


def find_hidden_columns(service: SyncService) -> list[HiddenColumn]:
    """The columns that the export applied last did not show; none before the first."""
    seen = load_columns(service)
    latest = seen.get(service.layout.key)  # which every export shows
    hidden = []
    for column in service.layout.columns if latest else ():
        known = seen.get(column.field)
        if known is None and column.field:
            hidden.append(HiddenColumn(column, None, None))
        elif known and latest and known.last_seen_at != latest.last_seen_at:
            hidden.append(HiddenColumn(column, known.last_seen_at, known.applied_at))
    return hidden


def find_hidden_fields(run: SyncRun, service: SyncService) -> set[str]:
    """The fields that the export of a run did not show, as far as that is kept; none before the first."""
    known = set(MirroredColumn.objects.filter(sync_type=service.sync_type).values_list("field", flat=True))
    if not known:
        return set()
    drifts = ColumnDrift.objects.filter(sync_type=service.sync_type, run_id__lte=run.pk).exclude(field="")
    last = dict(drifts.order_by("pk").values_list("field", "kind"))
    never = {column.field for column in service.layout.columns} - known
    return never | {field for field, kind in last.items() if kind == Kind.HIDDEN}


# Columns that come and go


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

    def drift(kind: Kind, field: str, header: str) -> ColumnDrift:
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
            yield drift(Kind.SHOWN, column.field, column.header)
        elif column.field in seen and column.field not in fields and not was_hidden:
            yield drift(Kind.HIDDEN, column.field, column.header)
    for header in dict.fromkeys(unknown):
        if last.get(("", header)) != Kind.UNKNOWN:
            yield drift(Kind.UNKNOWN, "", header)
    for (field, header), kind in last.items():
        if not field and kind == Kind.UNKNOWN and header not in unknown:
            yield drift(Kind.GONE, "", header)


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
