"""What it costs to coordinate, and that a long history makes nothing dearer.

The lock is set beside the same bare UPDATEs; each question, with a million finished runs in the table, beside the same
with a thousand. Which indexes answer it is read from the plans of the very queries. One run, on DATABASE_URL or else
SQLite.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from statistics import median
from typing import Any

import _measure

_measure.use_scratch()

import django

django.setup()

from django.conf import settings
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone
from django_q.models import OrmQ

from sync.coordinator import mutex, queue, sessions, turns
from sync.models import SyncEvent, SyncLock, SyncRun, SyncSchedule
from sync.monitoring import health, retention
from sync.monitoring.fingerprint import compute_status_fingerprint

FEW, MANY = 1_000, _measure.scale(1_000_000)  # finished runs
TIMES = _measure.scale(200)  # that each thing is done; the median counts
LONG_AGO = timedelta(days=36500)

# The history: its n-th run, the oldest first; about as many a day as the schedules make.
ON_POSTGRESQL = connection.vendor == "postgresql"
AGE = "(({total} - n) * 4 + 1)"  # minutes
MOMENT = (
    f"now() - {AGE} * interval '1 minute'"
    if ON_POSTGRESQL
    else f"strftime('%Y-%m-%d %H:%M:%f000', 'now', '-' || {AGE} || ' minutes')"
)
HISTORY = dict.fromkeys(("requested_at", "started_at", "finished_at", "exported_at"), MOMENT) | {
    "sync_type": "CASE n % 6 WHEN 0 THEN 'orders' WHEN 1 THEN 'customers' WHEN 2 THEN 'ddt'"
    " WHEN 3 THEN 'invoices' WHEN 4 THEN 'prices' ELSE 'products' END",
    "mode": "CASE WHEN n % 6 = 1 AND n % 5 < 2 THEN 'smart' WHEN n % 37 < 2 THEN 'full' ELSE 'incremental' END",
    "status": "CASE WHEN n % 49 = 0 THEN 'failed' WHEN n % 97 = 0 THEN 'quarantined'"
    " WHEN n % 31 = 0 THEN 'cancelled' ELSE 'succeeded' END",
}

# Plans
EXPLAIN = "EXPLAIN " if ON_POSTGRESQL else "EXPLAIN QUERY PLAN "
INDEX = re.compile(r"(?:INDEX|Index (?:Only )?Scan(?: Backward)? using|Bitmap Index Scan on) (\w+)")
WHOLE_TABLE = "the whole table"
OF_RUNS = {each.name for each in (*SyncRun._meta.indexes, *SyncRun._meta.constraints)} | {WHOLE_TABLE}
SCAN = re.compile(r"Seq Scan on sync_syncrun|^SCAN (?:sync_syncrun|U\d)$", re.MULTILINE)


def make_history(total: int) -> None:
    """Nothing but finished runs, so many of them."""
    OrmQ.objects.all().delete()
    SyncEvent.objects.all().delete()
    SyncRun.objects.all()._raw_delete("default")
    blank = SyncRun.objects.create(sync_type="", trigger=SyncRun.Trigger.SCHEDULE, priority=1, attempts=1)
    columns = [field.attname for field in SyncRun._meta.concrete_fields if not field.primary_key]
    quoted = {column: connection.ops.quote_name(column) for column in columns}
    values = [
        HISTORY[column].format(total=total) if column in HISTORY else f"run.{quoted[column]}" for column in columns
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO sync_syncrun ({', '.join(quoted.values())})"
            f" WITH RECURSIVE series(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < {total})"
            f" SELECT {', '.join(values)} FROM series, sync_syncrun run WHERE run.id = {blank.pk} ORDER BY n"
        )
        blank.delete()
        cursor.execute("VACUUM ANALYZE" if ON_POSTGRESQL else "ANALYZE")


def typical(work: Callable[[], Any], *, times: int = TIMES) -> float:
    return median(_measure.time_once(work) for _ in range(times))


def milliseconds(duration: float) -> str:
    return f"{duration * 1000:.2f} ms"


# The lock


def lock() -> None:
    lease = mutex.acquire()
    assert lease
    lease.release()


def same_updates() -> None:
    """What taking a lock and giving it back cannot do without."""
    taken = SyncLock.objects.free().update(
        holder="somebody", token=F("token") + 1, acquired_at=Now(), leased_until=Now() + settings.SYNC_LEASE
    )
    mine = SyncLock.objects.filter(holder="somebody", token__gt=0)
    assert taken
    assert mine.update(holder="", acquired_at=None, leased_until=None)


def same_sql() -> None:
    """The same, composed beforehand."""
    later = connection.ops.adapt_datetimefield_value(timezone.now() + settings.SYNC_LEASE)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE sync_synclock SET holder = 'somebody', token = token + 1, acquired_at = %s, leased_until = %s"
            " WHERE leased_until IS NULL OR leased_until < CURRENT_TIMESTAMP",
            [later, later],
        )
        taken = cursor.rowcount
        cursor.execute(
            "UPDATE sync_synclock SET holder = '', acquired_at = NULL, leased_until = NULL"
            " WHERE holder = 'somebody' AND token > 0"
        )
        assert taken
        assert cursor.rowcount


def take_over() -> None:
    """Wait for the lock of a process that has died with it."""
    assert mutex.acquire()
    while not (lease := mutex.acquire()):
        time.sleep(0.01)
    lease.release()


def measure_lock() -> None:
    ours, orm, sql = typical(lock), typical(same_updates), typical(same_sql)
    _measure.show("lock: acquire and release", milliseconds(ours))
    _measure.show("lock: times the same two UPDATEs", f"{ours / orm:.1f}", bound="at most 5")
    _measure.show("lock: times the same as SQL composed beforehand", f"{ours / sql:.1f}")
    settings.SYNC_LEASE = timedelta(seconds=1)
    after = _measure.time_once(take_over) / settings.SYNC_LEASE.total_seconds()
    _measure.show("lock of a dead process: taken over after, times its lease", f"{after:.2f}", bound="about 1")


# A long history


def questions() -> dict[str, Callable[[], Any]]:
    """What is asked of the runs, again and again."""
    products = SyncSchedule.objects.get(sync_type="products")
    last = SyncRun.objects.succeeded().for_type("products").latest("finished_at")
    last.export_sha256 = "another"
    return {
        "claim the most urgent run": lambda: turns.find_runnable().first(),
        "health.get_status": health.get_status,
        "recent_smart_run": lambda: sessions.find_recent_smart_run("customers"),
        "choose_mode": lambda: SyncRun.objects.choose_mode("products"),
        "was_applied_before": lambda: last.was_applied_before,
        "later_success": lambda: last.later_success,
        "failures_in_a_row": lambda: products.find_failures().count(),
        "prune, nothing is old": retention.prune,
    }


def request_time() -> float:
    """Seconds to queue a run."""

    def once() -> float:
        duration = _measure.time_once(lambda: queue.request_sync("products", trigger=SyncRun.Trigger.SCHEDULE))
        SyncEvent.objects.all().delete()
        SyncRun.objects.queued().delete()
        return duration

    return median(once() for _ in range(TIMES))


def measure() -> dict[str, float]:
    """Seconds for each."""
    asked = {"compute_status_fingerprint": compute_status_fingerprint, **questions()}
    return {"request_sync": request_time()} | {
        name: typical(ask, times=_measure.scale(20)) for name, ask in asked.items()
    }


def indexes_used(ask: Callable[[], Any]) -> str:
    """The indexes by which the database answers, by its plans for what it is really asked, parameters and all."""
    used: dict[str, None] = {}

    def explain(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("SELECT") and "sync_syncrun" in sql:
            with closing(connection.connection.cursor()) as cursor:
                cursor.execute(EXPLAIN + (sql if ON_POSTGRESQL else sql.replace("%s", "?")), params)
                plan = "\n".join(str(row[-1]) for row in cursor)
            used.update(dict.fromkeys(INDEX.findall(plan)))
            if SCAN.search(plan):
                used[WHOLE_TABLE] = None
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        ask()
    return ", ".join(name for name in used if name in OF_RUNS)


def main() -> None:
    print(f"Coordinating, {_measure.make_tables()}, {_measure.find_processor()}")
    settings.KEEP_RUNS = settings.KEEP_CHANGES = settings.KEEP_EXPORTS = LONG_AGO
    measure_lock()
    make_history(FEW)
    few = measure()
    make_history(MANY)
    many = measure()
    print(f"  With {MANY:,} finished runs, beside the same with {FEW:,}")
    for name, duration in many.items():
        _measure.show(
            f"{name}: {milliseconds(duration)}, times as long", f"{duration / few[name]:.1f}", bound="about 1"
        )
    _measure.show(
        "status asked again: times less than the whole one",
        f"{many['health.get_status'] / many['compute_status_fingerprint']:.1f}",
    )
    print("  Answered by")
    for name, ask in questions().items():
        print(f"  {name:<26} {indexes_used(ask)}")


if __name__ == "__main__":
    main()
