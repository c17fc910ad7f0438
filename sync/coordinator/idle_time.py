"""What is asked of the ERP while nothing else is wanted of it, and steps aside for whatever comes.

It is no run: nothing queues it, and no list depends on it. It holds the same lock, so that the ERP is asked for one
thing at a time; it counts against the same day, of which it leaves half to the lists; and it ends once a run may start.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from django.conf import settings
from django.utils.module_loading import import_string

from sync import disk
from sync.coordinator import mutex, runner, turns, wake_ups, worker
from sync.coordinator.mutex import Lease
from sync.database import clock
from sync.erp import allowance, get_erp_client
from sync.erp import login as erp_login
from sync.erp.allowance import Use
from sync.erp.client import ErpRecordList, RecordErpClient
from sync.exceptions import ErpNotConfigured, HandedBack, Preempted, RecordsNotExported
from sync.models import OrderFormSession
from sync.progress import Progress, Stage

SHARE = 0.5  # of the day's exports, and of its logins: once lists have used so many, the rest is theirs
FOLDER = "record-"  # how the name of the folder begins that an export is written to
LOOKS_EVERY = 0.05  # seconds between two looks whether something else is wanted


@contextmanager
def hold_lock_if_idle() -> Iterator[Lease | None]:
    """The lock, while nothing else is wanted of the ERP, and it may be asked; else None."""
    if not is_idle(clock.now()):
        yield None
        return
    with mutex.hold_lock() as lease:
        if lease:
            with mutex.translate_lost_connection():
                runner.recover(lease)
                yield lease if is_idle(clock.now()) else None
        else:
            yield None
    if turns.find_runnable().exists():
        wake_ups.wake_worker()


def is_idle(now: datetime) -> bool:
    """Whether no run may start, no order form is open, the ERP may be asked, and half of its day is left."""
    day = allowance.read_allowance(now)
    return (
        day is not None
        and day.is_open
        and has_left(day.exports)
        and has_left(day.logins)
        and can_export_records()
        and erp_login.find_rejected_login() is None
        and not OrderFormSession.objects.live(now).exists()
        and not turns.find_runnable(now).exists()
    )


def has_left(use: Use) -> bool:
    return use.count < SHARE * use.limit


def can_export_records() -> bool:
    """Whether the ERP's client exports lists of records' own pages."""
    try:
        return isinstance(get_erp_client(), RecordErpClient)
    except ErpNotConfigured:
        return False


def carry_out_tasks() -> None:
    """Do what settings.ERP_IDLE_TASKS names, each a function that takes the lock only if nothing else is wanted."""
    for task in settings.ERP_IDLE_TASKS:
        import_string(task)()


class Checkpoint:
    """The progress of such work: passed on, and where it learns that it must stop."""

    def __init__(self, lease: Lease, progress: Progress) -> None:
        self.lease = lease
        self.progress = progress
        self.looked = 0.0  # seconds, monotonic

    def __call__(self, stage: Stage, done: int, total: int | None) -> None:
        """Raises an Interrupted."""
        self.progress(stage, done, total)
        now = time.monotonic()
        if now - self.looked < LOOKS_EVERY:
            return
        self.looked = now
        worker.prove_life()
        if worker.is_stopping():
            raise HandedBack
        if self.lease.keep():
            worker.write_heartbeat()
        if turns.find_runnable().exists():
            raise Preempted


@contextmanager
def fetch_record_list(record_list: ErpRecordList, *, at_most: timedelta, progress: Progress) -> Iterator[Path]:
    """The export of a list on a record's page, in a file that is deleted afterwards. Raises an ErpError.

    RecordsNotExported if the ERP's client does not do it: of files in a folder nobody knows whose they are.
    """
    client = get_erp_client()
    if not isinstance(client, RecordErpClient):
        raise RecordsNotExported
    with disk.translate_disk_errors(disk.EXPORTS, settings.EXPORT_DIR):
        settings.EXPORT_DIR.mkdir(parents=True, exist_ok=True)
        for left in settings.EXPORT_DIR.glob(f"{FOLDER}*"):  # by a process that was killed: who holds the lock is alone
            shutil.rmtree(left)
        folder = TemporaryDirectory(prefix=FOLDER, dir=settings.EXPORT_DIR)
    with folder as name:
        path = Path(name) / "export.pdf"
        with erp_login.note_outcome(), allowance.note_missed_login():
            client.fetch_record_list(record_list, to=path, at_most=at_most, progress=progress)
        yield path
