"""The database at one moment, read in one transaction, apart from what the product makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Max

from orders.models import Draft
from sync.models import OrderFormSession, SyncEvent, SyncLock, SyncRun
from sync.service import SyncService, list_services
from tests.campaign.erp_states import Values, compute_digest
from tests.sync.demo import by_key, mirrored_fields

Kind = SyncEvent.Kind

DATABASE_TIME = {
    "postgresql": "extract(epoch FROM clock_timestamp())",
    "sqlite": "(julianday('now') - 2440587.5) * 86400",
}


@dataclass(frozen=True)
class MirroredList:
    """A list as the mirror shows it, and the run whose success made it so."""

    records: dict[Any, Values]  # those that are neither removed nor missing
    digest: int
    missing: int
    success: SyncRun | None  # the last one, by the order of events


@dataclass(frozen=True)
class Snapshot:
    at: float  # by the database's clock
    runs: dict[int, SyncRun]
    lock: SyncLock
    sessions: list[OrderFormSession]
    lists: dict[str, MirroredList]
    drafts: set[int]

    @property
    def running(self) -> list[SyncRun]:
        return [run for run in self.runs.values() if run.status == SyncRun.Status.RUNNING]

    @property
    def waiting(self) -> list[SyncRun]:
        """The queued runs that nothing keeps from being started."""
        queued = [run for run in self.runs.values() if run.status == SyncRun.Status.QUEUED]
        is_paused = any(session.expires_at.timestamp() > self.at for session in self.sessions)
        ready = [run for run in queued if run.not_before is None or run.not_before.timestamp() <= self.at]
        return [run for run in ready if not is_paused or run.mode == SyncRun.Mode.SMART]


@contextmanager
def read_one_moment() -> Iterator[None]:
    """A transaction that shows one moment."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield


def take_snapshot() -> Snapshot:
    with read_one_moment():
        runs = {run.pk: run for run in SyncRun.objects.order_by("pk")}
        return Snapshot(
            at=read_database_time(),
            runs=runs,
            lock=SyncLock.objects.get(),
            sessions=list(OrderFormSession.objects.filter(closed_at=None)),
            lists={service.sync_type: read_list(service, runs) for service in list_services()},
            drafts=set(Draft.objects.values_list("pk", flat=True)),
        )


def read_list(service: SyncService, runs: dict[int, SyncRun]) -> MirroredList:
    present = service.model.objects.present()
    shown = present.filter(missing_since=None).values(*mirrored_fields(service.model))
    records = by_key(service, list(shown))
    successes = SyncEvent.objects.filter(kind=Kind.RUN_SUCCEEDED, sync_type=service.sync_type)
    last = successes.aggregate(last=Max("pk"))["last"]
    run_id = SyncEvent.objects.values_list("run_id", flat=True).get(pk=last) if last else None
    missing = present.exclude(missing_since=None).count()
    return MirroredList(records, compute_digest(records), missing, runs.get(run_id or 0))


def read_database_time() -> float:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {DATABASE_TIME[connection.vendor]}")
        return float(cursor.fetchone()[0])


def to_seconds(moment: datetime | None) -> float:
    return moment.timestamp() if moment else 0.0
