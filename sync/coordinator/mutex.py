"""The lock that a process must hold to sync: one row, a lease by the database's clock, a token that only rises."""

from __future__ import annotations

import os
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.contrib.auth.models import User
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from sync.coordinator import wake_ups
from sync.coordinator.heartbeats import HEARTBEATS
from sync.database.deadlocks import retry_deadlocks
from sync.exceptions import LeaseLost
from sync.models import SyncEvent, SyncLock, SyncRun


class Lease:
    """The lock in this process's hands, until it is released or another process takes it over."""

    def __init__(self, holder: str, token: int) -> None:
        self.holder = holder
        self.token = token
        self.renewed = time.monotonic()

    def renew(self) -> None:
        """Prove that the lock is still ours, for another lease. Raises LeaseLost.

        In a transaction this keeps the lock ours until the end of it: nobody else can change the row before.
        """
        until = Now() + settings.SYNC_LEASE
        if not SyncLock.objects.filter(holder=self.holder, token=self.token).update(leased_until=until):
            raise LeaseLost
        self.renewed = time.monotonic()

    def keep(self) -> bool:
        """Renew it if a heartbeat is due, and say whether one was. Raises LeaseLost."""
        if time.monotonic() - self.renewed < settings.SYNC_LEASE.total_seconds() / HEARTBEATS:
            return False
        self.renew()
        return True

    def release(self) -> None:
        """Give the lock back; nothing happens if it is no longer ours."""
        mine = SyncLock.objects.filter(holder=self.holder, token=self.token)
        mine.update(holder="", acquired_at=None, leased_until=None)


@contextmanager
def hold_lock() -> Iterator[Lease | None]:
    """The lock, or None if another process holds it, and will look into the queue before it goes."""
    lease = acquire()
    try:
        yield lease
    finally:
        if lease:
            lease.release()


def acquire() -> Lease | None:
    """Take the lock if it is free."""
    before = SyncLock.objects.free().first()  # a look costs no write lock
    if before is None:
        return None
    holder = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:12]}"
    taken = SyncLock.objects.free().update(
        holder=holder, token=F("token") + 1, acquired_at=Now(), leased_until=Now() + settings.SYNC_LEASE
    )
    if not taken:
        return None
    lock = SyncLock.objects.filter(holder=holder).first()  # ours, unless the lease has passed already
    if lock is None:
        return None
    if before.holder:
        SyncEvent.objects.record(SyncEvent.Kind.LOCK_TAKEN_OVER, from_holder=before.holder, token=lock.token)
    return Lease(holder, lock.token)


@retry_deadlocks
def break_lock(*, by: User | None = None) -> bool:
    """Take the lock out of whoever's hands it is in, who can then never write again. False if it was free."""
    with transaction.atomic():
        lock = SyncLock.objects.get()
        broken = SyncLock.objects.filter(token=lock.token, leased_until__isnull=False).update(
            holder="", token=F("token") + 1, acquired_at=None, leased_until=None
        )
        if broken:
            SyncRun.objects.running().update(token=None)  # nor can its run be ended by who had it
            wake_ups.wake_worker()
            SyncEvent.objects.record(SyncEvent.Kind.LOCK_BROKEN, by=by, from_holder=lock.holder, token=lock.token + 1)
    return bool(broken)


@contextmanager
def fenced(lease: Lease) -> Iterator[None]:
    """A transaction that only the lock's holder can commit. Raises LeaseLost, and then nothing is written."""
    with transaction.atomic():
        lease.renew()
        yield
        lease.renew()  # so that a long transaction does not end with a lease that has passed


@contextmanager
def translate_lost_connection() -> Iterator[None]:
    """Raises LeaseLost if the connection to the database is lost in here; whoever goes on gets another one.

    On PostgreSQL the database ends the connection of a process that sleeps in a transaction for a lease: it would keep
    the lock's row, and so the lock, for ever.
    """
    connection.ensure_connection()
    session = connection.connection
    try:
        yield
    except (DatabaseError, InterfaceError) as error:
        if connection.connection is session and not connection.in_atomic_block and not connection.is_usable():
            connection.close()
        if connection.connection is session:
            raise
        raise LeaseLost from error
