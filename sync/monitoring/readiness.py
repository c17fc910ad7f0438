"""Whether the service does its work: yes or no for each part."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, connection

from sync import disk
from sync.models import SyncLock
from sync.monitoring import health


def check_readiness() -> dict[str, bool]:
    try:
        status = health.get_status()
        takes_changes = can_be_written()
    except DatabaseError:
        return dict.fromkeys(("database", "disk", "worker", "lock", "freshness"), False)
    return {
        "database": takes_changes,
        "disk": not any(volume.is_full for volume in status.volumes),
        "worker": status.has_worker,
        "lock": status.lock.state != SyncLock.State.SILENT,
        "freshness": not status.untrusted,
    }


def can_be_written() -> bool:
    """Whether the database can be written. It is asked to change no row, so that nothing is written."""
    try:
        with without_waiting():
            SyncLock.objects.filter(token__lt=0).update(token=0)
    except DatabaseError as error:
        if disk.is_read_only(error):
            return False
        if not is_busy(error):
            raise
    return True


@contextmanager
def without_waiting() -> Iterator[None]:
    """On SQLite nobody's write is waited for: that there is one is the answer."""
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        [milliseconds] = cursor.execute("PRAGMA busy_timeout").fetchone()
        cursor.execute("PRAGMA busy_timeout = 0")
        try:
            yield
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {milliseconds}")


def is_busy(error: DatabaseError) -> bool:
    return str(getattr(error.__cause__, "sqlite_errorname", "")).startswith("SQLITE_BUSY")
