"""How an attempt at a run ends that does not succeed: by what stopped it, the run ends, or comes back to the queue."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

from django.db import transaction
from django_q.exceptions import TimeoutException

from sync.coordinator import wake_ups
from sync.database import clock
from sync.disk import translate_database_errors
from sync.erp import allowance
from sync.erp import login as erp_login
from sync.exceptions import (
    ErpExportsSpent,
    ErpLoginRejected,
    ErpLoginsSpent,
    ErpNotAsked,
    HandedBack,
    Interrupted,
    LeaseLost,
    Preempted,
    RunCancelled,
    SyncError,
)
from sync.models import SyncEvent, SyncRun

logger = logging.getLogger(__name__)

Kind = SyncEvent.Kind
Mode = SyncRun.Mode

ASKED_AGAIN_AFTER = timedelta(seconds=30)  # though the ERP may be asked at once: the day has just changed


@contextmanager
def handle_errors(run: SyncRun) -> Iterator[None]:
    """End the run, or put it back into the queue, by what stopped it, if anything did. Raises LeaseLost."""
    token = run.token
    try:
        try:
            with translate_database_errors():
                yield
        except BaseException:
            run.token = token  # which a transaction that was rolled back may have taken from it
            raise
    except LeaseLost:
        raise
    except Interrupted as interruption:
        interrupt(run, interruption)
    except SyncError as error:
        retry_or_fail(run, error)
    except TimeoutException:
        with suppress(LeaseLost), transaction.atomic():
            run.refresh_for_update()
            run.lose()
            wake_ups.wake_worker()
        raise
    except (KeyboardInterrupt, SystemExit):
        with suppress(LeaseLost):  # it is another process's already
            interrupt(run, HandedBack())
        raise
    except Exception as error:  # the one place that records whatever stops a run
        logger.exception("Run %s of %s was stopped by a bug", run.pk, run.sync_type)
        fail(run, error)


def interrupt(run: SyncRun, interruption: Interrupted) -> None:
    with transaction.atomic():
        run.refresh_for_update()
        match interruption:
            case Preempted():
                run.requeue(Kind.RUN_PREEMPTED)
            case HandedBack():
                run.requeue(Kind.RUN_HANDED_BACK)
            case RunCancelled():
                run.finish_cancelled()
        wake_ups.wake_worker()


def retry_or_fail(run: SyncRun, error: SyncError) -> None:
    if isinstance(error, ErpNotAsked):
        kind, not_before = Kind.RUN_POSTPONED, find_time_of_next_request(run, error)
    elif (delay := find_delay(run, error)) is not None:
        kind, not_before = Kind.RUN_TO_BE_RETRIED, clock.now() + timedelta(seconds=delay)
    else:
        fail(run, error)
        return
    with transaction.atomic():
        run.refresh_for_update()
        unread = run.export_path
        run.requeue(kind, error=error, not_before=not_before)
        wake_ups.wake_worker()
    if unread and not run.export_path:
        Path(unread).unlink(missing_ok=True)


def find_time_of_next_request(run: SyncRun, error: ErpNotAsked) -> datetime:
    """When a run that was refused may ask the ERP again.

    That it waits for hours, logins or exports is a condition of the queue, so that it goes on as soon as somebody
    allows more. A smart run waits for neither logins nor exports, as it may look, and a forced one for none of these:
    one that was refused asks again the next day.
    """
    now = clock.now()
    earliest = now + ASKED_AGAIN_AFTER
    today = allowance.read_allowance(now)
    if isinstance(error, ErpExportsSpent) and run.mode == Mode.SMART and today and today.resumes_at:
        return max(earliest, today.resumes_at)
    if isinstance(error, ErpLoginsSpent) and (run.ignores_hours or run.mode == Mode.SMART):
        return max(earliest, allowance.find_next_day(now))
    return earliest


def find_delay(run: SyncRun, error: SyncError) -> int | None:
    """Seconds until the next attempt; None if none would help, or enough were made.

    A given file stays as it is, and an agent who waits for a smart run had better know.
    """
    if not (run.is_mergeable or error.is_never_given_up):
        return None
    delays = [delay for delay in error.retried_after if delay == 0 or run.mode != Mode.SMART]
    made = sum(attempt["error"] == type(error).__name__ for attempt in run.ended_attempts)  # for the same reason
    last = len(delays) - 1
    place = min(made, last) if error.is_never_given_up else made
    return delays[place] if 0 <= place <= last else None


def fail(run: SyncRun, error: BaseException) -> None:
    """Fail the run; if its login was rejected, the smart runs that order forms wait for as well: none may try it."""
    with transaction.atomic():
        run.refresh_for_update()
        run.fail(error)
        if isinstance(error, ErpLoginRejected):
            erp_login.note_rejected(run)
            for waiting in SyncRun.objects.queued().filter(mode=Mode.SMART):
                waiting.refuse(error)
