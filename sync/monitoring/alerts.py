"""Telling people, or another service, that something has changed: a row for each channel, sent by whoever comes first.

The row is written with the event that it tells. It is sent outside any transaction and any sync, and again until it is
delivered or given up. A process that dies meanwhile may have delivered it: then it comes once more, with its number.
"""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from functools import partial
from threading import Event
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from sync.exceptions import AlertNotDelivered
from sync.messages import Message, gettext_noop
from sync.models import Alert, SyncEvent
from sync.monitoring import alert_channels
from sync.monitoring.time_limit import run_within

Kind = SyncEvent.Kind

logger = logging.getLogger(__name__)

BEGINS_WITHIN = 5.0  # seconds of one go in which an attempt may begin; the rest is sent in the next
CLAIMED_FOR = timedelta(minutes=1)  # then another process may try: who claimed it has died
FIRST_DELAY, LONGEST_DELAY = timedelta(seconds=30), timedelta(hours=1)  # after a failed attempt; doubled each time
ATTEMPTS = 30  # in about a day

Channel = Alert.Channel


def record(kind: Kind, *, sync_type: str = "", before: str, after: str) -> None:
    """Write down a change of state, and whom to tell of it."""
    with transaction.atomic():
        event = SyncEvent.objects.record(kind, sync_type=sync_type, before=before, after=after)
        Alert.objects.bulk_create([Alert(event=event, channel=channel) for channel in alert_channels.list_channels()])


def find_undelivered() -> list[Alert]:
    """Of each channel the alert that was tried last, where it was not delivered: what is to be told may not arrive."""
    tried = Alert.objects.filter(tried_at__isnull=False).select_related("event").order_by("-tried_at")
    last = [tried.filter(channel=channel).first() for channel in alert_channels.list_channels()]
    return [alert for alert in last if alert and alert.error]


def send_again(alert: Alert, *, by: User) -> None:
    """Have an alert sent once more, whatever became of it."""
    with transaction.atomic():
        Alert.objects.filter(pk=alert.pk).update(
            attempts=0, next_attempt_at=Now(), delivered_at=None, given_up_at=None, tried_at=None, error=""
        )
        SyncEvent.objects.record(Kind.ALERT_SENT_AGAIN, sync_type=alert.event.sync_type, by=by, channel=alert.channel)


# Sending


def send_due(told_to_stop: Event | None = None) -> None:
    """Send what is due. A channel that fails is left alone until the next time: others are not to wait for it."""
    told_to_stop = told_to_stop or Event()
    for channel in Channel:
        began = time.monotonic()
        while not told_to_stop.is_set() and time.monotonic() - began < BEGINS_WITHIN:
            alert = claim(channel)
            if alert is None or not attempt(alert, told_to_stop):
                break


def claim(channel: str) -> Alert | None:
    """Take the alert that is due for longest, for this process alone, until it is sent or this process has died."""
    due = Alert.objects.due().filter(channel=channel)
    while alert := due.select_related("event").order_by("next_attempt_at", "pk").first():
        mine = due.filter(pk=alert.pk, attempts=alert.attempts)
        if mine.update(attempts=F("attempts") + 1, next_attempt_at=Now() + CLAIMED_FOR):
            alert.attempts += 1
            return alert
    return None


def attempt(alert: Alert, told_to_stop: Event) -> bool:
    """Send a claimed alert, and write down what came of it. False if it was not delivered."""
    try:
        run_within(alert_channels.ATTEMPT, partial(alert_channels.send_alert, alert), told_to_stop)
    except InterruptedError:
        return False  # somebody sends it when the claim has ended
    except AlertNotDelivered as error:
        note_failure(alert, error)
        return False
    except (OSError, ValueError) as error:
        note_failure(alert, alert_channels.describe_failure(error))
        return False
    except Exception as error:
        logger.exception("Alert %s was stopped by a bug", alert.pk)
        reason = Message(gettext_noop("a bug ({cause}); see the log for details"), cause=type(error).__name__)
        note_failure(alert, AlertNotDelivered(reason=reason))
        return False
    waiting = Alert.objects.filter(pk=alert.pk, delivered_at=None)
    waiting.update(delivered_at=Now(), tried_at=Now(), next_attempt_at=None, given_up_at=None, error="")
    return True


def note_failure(alert: Alert, error: AlertNotDelivered) -> None:
    """Put an alert off, or give it up; nothing if another process has taken it meanwhile."""
    mine = Alert.objects.waiting().filter(pk=alert.pk, attempts=alert.attempts)
    name = f"Alert {alert.pk} ({alert.channel})"
    if alert.attempts < ATTEMPTS:
        delay = min(FIRST_DELAY * 2 ** (alert.attempts - 1), LONGEST_DELAY)
        if mine.update(next_attempt_at=Now() + delay, tried_at=Now(), error=error.text):
            logger.warning("%s, attempt %s, again in %g s: %s", name, alert.attempts, delay.total_seconds(), error)
        return
    with transaction.atomic():
        if mine.update(next_attempt_at=None, tried_at=Now(), given_up_at=Now(), error=error.text):
            facts: dict[str, Any] = {"channel": alert.channel, "attempts": alert.attempts, "error": error.text}
            SyncEvent.objects.record(Kind.ALERT_GIVEN_UP, sync_type=alert.event.sync_type, **facts)
            logger.error("%s is given up after %s attempts: %s", name, alert.attempts, error)
