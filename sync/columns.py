"""Which columns of a list the ERP has shown, and when: one that is hidden keeps its mirrored values, as of then."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sync import clock
from sync.exports.layout import Column, Source
from sync.models import MirroredColumn
from sync.service import SyncService


@dataclass(frozen=True)
class HiddenColumn:
    """A column that the export applied last did not show."""

    column: Column
    last_seen_at: datetime | None  # the moment of the export; None if none ever showed it
    applied_at: datetime | None  # when that was applied: records that came later never had a value of it


def record_shown_columns(
    service: SyncService, fields: Collection[str], *, well_read: Collection[str], at: datetime
) -> list[Column]:
    """Note that an export of this moment showed these fields, and of some had values that could all be read.

    Gives the columns of an assumed form that were never read before.
    """
    columns = MirroredColumn.objects.filter(sync_type=service.sync_type)
    now = clock.now()
    MirroredColumn.objects.bulk_create(
        [MirroredColumn(sync_type=service.sync_type, field=field, last_seen_at=at, applied_at=now) for field in fields],
        update_conflicts=True,
        unique_fields=["sync_type", "field"],
        update_fields=["last_seen_at", "applied_at"],
    )
    confirmed = columns.filter(field__in=well_read, is_confirmed=False)
    unseen = set(confirmed.values_list("field", flat=True))
    confirmed.update(is_confirmed=True)
    return [each for each in service.layout.columns if each.field in unseen and each.source is Source.ASSUMED]


def seen_columns(service: SyncService) -> dict[str, MirroredColumn]:
    """What is known of each field that an applied export has shown."""
    return {column.field: column for column in MirroredColumn.objects.filter(sync_type=service.sync_type)}


def hidden_columns(service: SyncService) -> list[HiddenColumn]:
    """The columns that the export applied last did not show; none before the first."""
    seen = seen_columns(service)
    latest = seen.get(service.layout.key)  # which every export shows
    hidden = []
    for column in service.layout.columns if latest else ():
        known = seen.get(column.field)
        if known is None and column.field:
            hidden.append(HiddenColumn(column, None, None))
        elif known and latest and known.last_seen_at != latest.last_seen_at:
            hidden.append(HiddenColumn(column, known.last_seen_at, known.applied_at))
    return hidden
