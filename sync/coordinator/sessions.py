"""Open order forms, each one browser tab: what they pause, and the smart sync that each begins with."""

from __future__ import annotations

import threading
import time
import uuid
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, connections, transaction
from django.db.models import F

from sync.coordinator import queue, runner, turns, wake_ups
from sync.database import clock
from sync.database.deadlocks import retry_deadlocks
from sync.disk import skip_if_disk_full
from sync.erp import allowance
from sync.erp import login as erp_login
from sync.exceptions import ErpLoginRejected, SessionNotFound
from sync.models import OrderFormSession, RejectedLogin, SyncEvent, SyncRun

Kind = SyncEvent.Kind

JOINED_WITHIN = timedelta(seconds=15)  # a smart sync asked for so recently serves another order form too
ANSWERED_WITHIN = timedelta(seconds=15)  # whoever waits longer is told which run to watch

Status = SyncRun.Status


@dataclass(frozen=True)
class SmartSync:
    """An order form's session, and the run that fetches what it reads: finished, or to be watched."""

    session: OrderFormSession
    run: SyncRun


def request_smart_sync(
    sync_type: str,
    *,
    user: User,
    session_id: uuid.UUID | None = None,
    patience: timedelta = ANSWERED_WITHIN,
    asked_at: float | None = None,
    search: str = "",
) -> SmartSync:
    """Open or touch an order form's session, and bring what was just changed in the ERP to the mirror.

    Waits for the run up to `patience` from `asked_at`, by the monotonic clock in seconds, or from now; the run goes on
    after that. With a `search`, the run also looks for this text in the ERP's list, if the client looks. A run that
    fails leaves the session open. While the ERP's login is rejected no run tries it: the one that found out stands for
    it, or one that is refused if no run did. Outside the ERP's hours one run waits for all forms, and no form waits for
    it. Raises SessionNotFound.
    """
    asked_at = time.monotonic() if asked_at is None else asked_at
    session = touch_session(user, session_id) if session_id else open_session(user)
    rejected = erp_login.find_rejected_login()
    if rejected:
        return SmartSync(session, rejected.run or refuse_smart_run(sync_type, user, rejected))
    is_open = allowance.find_hours().is_open(clock.now())
    search = search if is_open else ""
    run = find_recent_smart_run(sync_type, search) or queue.request_sync(
        sync_type, mode=SyncRun.Mode.SMART, trigger=SyncRun.Trigger.ORDER_FORM, by=user, search=search
    )
    if not is_open:
        run.waits_for = turns.find_what_it_waits_for(run)
        if run.waits_for == turns.WaitsFor.HOURS:
            return SmartSync(session, run)
    return SmartSync(session, run if run.is_finished else wait_in_thread(run, patience, asked_at))


def refuse_smart_run(sync_type: str, user: User, rejected: RejectedLogin) -> SyncRun:
    """A run that is ended without an attempt, and stands for the rejection from now on."""
    run = queue.request_sync(sync_type, mode=SyncRun.Mode.SMART, trigger=SyncRun.Trigger.ORDER_FORM, by=user)
    run.refuse(ErpLoginRejected(username=rejected.username))
    RejectedLogin.objects.filter(pk=rejected.pk, run=None).update(run=run)
    run.refresh_from_db()
    return run


def find_recent_smart_run(sync_type: str, search: str = "") -> SyncRun | None:
    """A smart run with the same search that is fresh enough to be joined."""
    asked_since = clock.now() - JOINED_WITHIN
    runs = (
        SyncRun.objects.for_type(sync_type).mergeable(SyncRun.Mode.SMART, search).filter(requested_at__gt=asked_since)
    )
    return runs.filter(status__in=[Status.QUEUED, Status.RUNNING, Status.SUCCEEDED]).order_by("-requested_at").first()


def wait_in_thread(run: SyncRun, patience: timedelta, asked_at: float) -> SyncRun:
    """Carry out a run, or wait for whoever does, in a thread that goes on when patience ends."""
    thread = get_thread(run)
    connection.close()  # the thread has its own, and waiting needs none
    thread.join(max(0, patience.total_seconds() - (time.monotonic() - asked_at)))
    run.refresh_from_db()
    return run.standing


threads: dict[int, threading.Thread] = {}  # by run, until it has ended
starting = threading.Lock()


def get_thread(run: SyncRun) -> threading.Thread:
    """The thread of this process that carries out a run, or waits for whoever does; one, however many forms wait."""
    with starting:
        thread = threads.get(run.pk)
        if thread is None:
            thread = threading.Thread(target=wait_for_run, args=(run.pk,), name=f"run {run.pk}")
            thread.start()
            threads[run.pk] = thread
        return thread


def wait_for_run(pk: int) -> None:
    try:
        with skip_if_disk_full("What an order form waits for is left for later"):
            runner.wait_for(SyncRun.objects.get(pk=pk))
    finally:
        connections.close_all()  # this thread's
        with starting:
            threads.pop(pk, None)


def open_session(user: User) -> OrderFormSession:
    """Pause the other syncs for an order form that has just been opened."""
    return touch_session(user, uuid.uuid4())


@retry_deadlocks
def touch_session(user: User, session_id: uuid.UUID) -> OrderFormSession:
    """Say that an order form is in use: it stays live for another timeout, or is live again.

    A session that nobody knows is opened: a tab may choose its own number. One that was left before it came stays
    closed. Raises SessionNotFound for another agent's.
    """
    now = clock.now()
    with transaction.atomic():
        session, created = OrderFormSession.objects.get_or_create(
            id=session_id,
            defaults={"user": user, "opened_at": now, "active_at": now, "expires_at": now},
        )
        if session.user_id != user.pk:
            raise SessionNotFound(session=session_id)
        if session.was_left_before:
            return session
        if created or not session.is_live:
            session.opened_at = now
            SyncEvent.objects.record(Kind.SESSION_OPENED, session=session, by=user)
        session.active_at, session.expires_at, session.closed_at = now, now + settings.ORDER_FORM_TIMEOUT, None
        session.save(update_fields=["opened_at", "active_at", "expires_at", "closed_at"])
    return session


def keep_live(user: User, session_id: uuid.UUID) -> None:
    """Say that an order form was used, as by a save. One that was left stays so, and none is opened by it.

    Raises SessionNotFound for another agent's.
    """
    session = OrderFormSession.objects.filter(pk=session_id).first()
    if session and not session.was_left:
        touch_session(user, session_id)
    elif session and session.user_id != user.pk:
        raise SessionNotFound(session=session_id)


@retry_deadlocks
def close_session(session: OrderFormSession, *, by: User | None = None) -> None:
    """End an order form's pause; closing twice is the same as once."""
    with transaction.atomic():
        closed = OrderFormSession.objects.filter(pk=session.pk, closed_at=None).update(closed_at=clock.now())
        if closed:
            SyncEvent.objects.record(Kind.SESSION_CLOSED, session=session, by=by)
            wake_ups.wake_worker()
    session.refresh_from_db()


def close_own_session(user: User, session_id: uuid.UUID | None = None) -> OrderFormSession | None:
    """Close an agent's session, or the oldest of those that are live.

    Of a page that is left at once, this may come before its opening, which is then not to have any effect. Raises
    SessionNotFound for another agent's.
    """
    if session_id is None:
        session = OrderFormSession.objects.filter(user=user).live().order_by("opened_at").first()
    else:
        now = clock.now()
        never = {"user": user, "opened_at": now, "active_at": now, "expires_at": now, "closed_at": now}
        session, _created = OrderFormSession.objects.get_or_create(id=session_id, defaults=never)
        if session.user_id != user.pk:
            raise SessionNotFound(session=session_id)
    if session:
        close_session(session, by=user)
    return session


def record_expired_sessions() -> None:
    """Write down which sessions have ended by themselves. The pause ended then, whether or not this is called."""
    for session in OrderFormSession.objects.expired():
        with transaction.atomic():
            expired = OrderFormSession.objects.expired().filter(pk=session.pk).update(closed_at=F("expires_at"))
            if expired:
                SyncEvent.objects.record(Kind.SESSION_EXPIRED, session=session)
