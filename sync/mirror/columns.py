"""Which columns of a list the ERP has shown, and when: one that is hidden keeps its mirrored values, as of then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sync.database import clock
from sync.exports.layout import Column, Source
from sync.exports.reader import Records
from sync.messages import Message, gettext_noop
from sync.models import ColumnDrift, MirroredColumn, SyncRun
from sync.service import SyncService

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
    """Keep which columns the export of a run showed, and which of them were well read.

    Gives, for the run's notes, the columns of an assumed form that were never read before.
    """
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
    return never | {field for field, kind in last.items() if kind == ColumnDrift.Kind.HIDDEN}
