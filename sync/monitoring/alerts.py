"""Telling people, or another service, that something has changed: a row for each channel, sent by whoever comes first.

The row is written with the event that it tells. It is sent outside any transaction and any sync, and again until it is
delivered or given up. A process that dies meanwhile may have delivered it: then it comes once more, with its number.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from datetime import timedelta
from functools import partial
from smtplib import SMTPRecipientsRefused, SMTPResponseException
from threading import Event, Thread
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone, translation
from django.utils.text import capfirst
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from sync.erp.session import find_first_cause
from sync.erp.severable import Line, SeverableSession
from sync.erp.transfer import settle
from sync.exceptions import AlertNotDelivered
from sync.list_names import get_list_name
from sync.messages import Message, gettext_noop
from sync.models import Alert, SyncEvent
from sync.monitoring.mail import on_line

Kind = SyncEvent.Kind

logger = logging.getLogger(__name__)

ATTEMPT = 10.0  # seconds for one attempt in all, however slowly the other side answers
BEGINS_WITHIN = 5.0  # seconds of one go in which an attempt may begin; the rest is sent in the next
CLAIMED_FOR = timedelta(minutes=1)  # then another process may try: who claimed it has died
FIRST_DELAY, LONGEST_DELAY = timedelta(seconds=30), timedelta(hours=1)  # after a failed attempt; doubled each time
ATTEMPTS = 30  # in about a day
LOOKS_EVERY = 0.1  # seconds between two looks at whether an attempt has ended
KEPT_CHARACTERS = 1000  # of what a mail server says
LAST_WORDS = 1.0  # seconds for a thread to end whose connections were cut

WORDS = {  # for the states of a list, and of the workers
    "quarantined": _("quarantined"),
    "failing": _("failing"),
    "never": _("never synced"),
    "paused": _("paused"),
    "retrying": _("trying again"),
    "late": _("late"),
    "old": pgettext_lazy("state", "old"),
    "healthy": _("healthy"),
    "alive": _("responding"),
    "silent": _("not responding"),
}

Channel = Alert.Channel
SETTINGS = {Channel.MAIL: "ALERT_EMAILS", Channel.WEB: "ALERT_URL"}  # who is told through them


def record(kind: Kind, *, sync_type: str = "", before: str, after: str) -> None:
    """Write down a change of state, and whom to tell of it."""
    with transaction.atomic():
        event = SyncEvent.objects.record(kind, sync_type=sync_type, before=before, after=after)
        Alert.objects.bulk_create([Alert(event=event, channel=channel) for channel in configured_channels()])


def configured_channels() -> list[Channel]:
    return [channel for channel in Channel if getattr(settings, SETTINGS[channel])]


def troubles() -> list[Alert]:
    """Of each channel the alert that was tried last, where it was not delivered: what is to be told may not arrive."""
    tried = Alert.objects.filter(tried_at__isnull=False).select_related("event").order_by("-tried_at")
    last = [tried.filter(channel=channel).first() for channel in configured_channels()]
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
        within_limits(partial(send, alert), told_to_stop)
    except InterruptedError:
        return False  # somebody sends it when the claim has ended
    except AlertNotDelivered as error:
        note_failure(alert, error)
        return False
    except (OSError, ValueError) as error:
        note_failure(alert, explained(error))
        return False
    except Exception as error:
        logger.exception("Alert %s was stopped by a bug", alert.pk)
        reason = Message(gettext_noop("a bug ({cause}); see the log for details"), cause=type(error).__name__)
        note_failure(alert, AlertNotDelivered(reason=reason))
        return False
    waiting = Alert.objects.filter(pk=alert.pk, delivered_at=None)
    waiting.update(delivered_at=Now(), tried_at=Now(), next_attempt_at=None, given_up_at=None, error="")
    return True


def within_limits(send: Callable[[Line], None], told_to_stop: Event) -> None:
    """Send in a thread of its own, whose connections are cut when its time is over. Raises what it raises.

    Raises TimeoutError if it did not come to its end, InterruptedError if this process was told to stop. The thread
    keeps no process from ending: before it is connected, as while a name is looked up, there is nothing to cut.
    """
    line, sending = Line(), Future[None]()
    ends = time.monotonic() + ATTEMPT
    Thread(target=settle, args=(sending, partial(send, line)), name="alert", daemon=True).start()
    try:
        while not wait([sending], timeout=LOOKS_EVERY).done:
            if told_to_stop.is_set():
                raise InterruptedError
            if time.monotonic() > ends:
                line.cut()
                if not wait([sending], timeout=LAST_WORDS).done or sending.exception():
                    raise TimeoutError
                return  # delivered: only the goodbye was slow
    finally:
        line.cut()
    sending.result()


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


def explained(error: OSError | ValueError) -> AlertNotDelivered:
    """What went wrong on the way, without the address, which may be a secret."""
    if is_due_to_time(error):
        text = gettext_noop("the server did not answer within {seconds} s")
        return AlertNotDelivered(reason=Message(text, seconds=f"{ATTEMPT:g}"))
    if isinstance(error, SMTPRecipientsRefused):
        return refused(*next(iter(error.recipients.values())))
    if isinstance(error, SMTPResponseException):
        return refused(error.smtp_code, error.smtp_error)
    return AlertNotDelivered(
        reason=Message(gettext_noop("the connection failed ({cause})"), cause=find_first_cause(error))
    )


def is_due_to_time(error: BaseException | None) -> bool:
    return error is not None and (isinstance(error, TimeoutError) or is_due_to_time(error.__context__))


def refused(code: int, said: bytes | str) -> AlertNotDelivered:
    words = (said.decode(errors="replace") if isinstance(said, bytes) else said).split()
    text = "".join(letter if letter.isprintable() else "\ufffd" for letter in " ".join(words))[:KEPT_CHARACTERS]
    return AlertNotDelivered(
        reason=Message(gettext_noop("the mail server answered {code} {text}"), code=code, text=text)
    )


# The channels


def send(alert: Alert, line: Line) -> None:
    channel = Channel(alert.channel)
    setting = SETTINGS[channel]
    if not getattr(settings, setting):
        raise AlertNotDelivered(reason=Message(gettext_noop("{setting} is not set"), setting=setting))
    SENDERS[channel](alert, line)


def post(alert: Alert, line: Line) -> None:
    event = alert.event
    said = {"id": event.pk, "type": event.sync_type or "worker", **event.facts, "at": event.at.isoformat()}
    with (
        SeverableSession(line) as session,
        session.post(settings.ALERT_URL, json=said, timeout=ATTEMPT, stream=True) as answer,
    ):
        code = answer.status_code
        if 300 <= code < 400:
            text = gettext_noop("the address redirects to another one (status {code}): set ALERT_URL to that one")
            raise AlertNotDelivered(reason=Message(text, code=code))
        if not answer.ok:
            raise AlertNotDelivered(reason=Message(gettext_noop("the server answered with status {code}"), code=code))


def mail(alert: Alert, line: Line) -> None:
    event = alert.event
    with translation.override(settings.LANGUAGE_CODE):
        subject = f"Archibald sync: {subject_of(event)}, {word_for(event.facts['after'])}"
    text = "\n\n".join(text_in(language, event) for language, _name in settings.LANGUAGES)
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip(">")
    headers = {"Message-ID": f"<alert-{alert.pk}-{event.at:%Y%m%d%H%M%S%f}@{domain}>"}  # the same at each attempt
    with on_line(line):
        EmailMessage(subject, text, None, settings.ALERT_EMAILS, headers=headers).send()


def word_for(state: str) -> str:
    """A state in the reader's language; as it was kept if there is none of that name any more."""
    return str(WORDS.get(state, state))


def subject_of(event: SyncEvent) -> str:
    return get_list_name(event.sync_type) if event.sync_type else gettext("worker")


def text_in(language: str, event: SyncEvent) -> str:
    with translation.override(language):
        return gettext(
            "%(what)s: %(after)s. Noticed on %(at)s; state before: %(before)s. For details, run manage.py syncstatus."
        ) % {
            "what": capfirst(subject_of(event)),
            "after": word_for(event.facts["after"]),
            "before": word_for(event.facts["before"]),
            "at": f"{timezone.localtime(event.at):%d/%m/%Y %H:%M}",
        }


SENDERS = {Channel.MAIL: mail, Channel.WEB: post}
