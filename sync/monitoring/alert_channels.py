"""How an alert is told: by mail, or to a web address; and what went wrong if it was not delivered."""

from __future__ import annotations

from smtplib import SMTPRecipientsRefused, SMTPResponseException

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import timezone, translation
from django.utils.text import capfirst
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from sync.erp.session import find_first_cause
from sync.erp.severable import Line, SeverableSession
from sync.exceptions import AlertNotDelivered
from sync.list_names import get_list_name
from sync.messages import Message, gettext_noop
from sync.models import Alert, SyncEvent
from sync.monitoring.mail import on_line

ATTEMPT = 10.0  # seconds for one attempt in all, however slowly the other side answers
KEPT_CHARACTERS = 1000  # of what a mail server says

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


def list_channels() -> list[Channel]:
    """Those through which somebody is to be told."""
    return [channel for channel in Channel if getattr(settings, SETTINGS[channel])]


def send_alert(alert: Alert, line: Line) -> None:
    channel = Channel(alert.channel)
    setting = SETTINGS[channel]
    if not getattr(settings, setting):
        raise AlertNotDelivered(reason=Message(gettext_noop("{setting} is not set"), setting=setting))
    SENDERS[channel](alert, line)


def post_alert(alert: Alert, line: Line) -> None:
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


def mail_alert(alert: Alert, line: Line) -> None:
    event = alert.event
    with translation.override(settings.LANGUAGE_CODE):
        subject = f"Archibald sync: {describe_subject(event)}, {describe_state(event.facts['after'])}"
    text = "\n\n".join(write_text(event, language) for language, _name in settings.LANGUAGES)
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip(">")
    headers = {"Message-ID": f"<alert-{alert.pk}-{event.at:%Y%m%d%H%M%S%f}@{domain}>"}  # the same at each attempt
    with on_line(line):
        EmailMessage(subject, text, None, settings.ALERT_EMAILS, headers=headers).send()


def write_text(event: SyncEvent, language: str) -> str:
    with translation.override(language):
        return gettext(
            "%(what)s: %(after)s. Noticed on %(at)s; state before: %(before)s. For details, run manage.py syncstatus."
        ) % {
            "what": capfirst(describe_subject(event)),
            "after": describe_state(event.facts["after"]),
            "before": describe_state(event.facts["before"]),
            "at": f"{timezone.localtime(event.at):%d/%m/%Y %H:%M}",
        }


def describe_state(state: str) -> str:
    """A state in the reader's language; as it was kept if there is none of that name any more."""
    return str(WORDS.get(state, state))


def describe_subject(event: SyncEvent) -> str:
    return get_list_name(event.sync_type) if event.sync_type else gettext("worker")


SENDERS = {Channel.MAIL: mail_alert, Channel.WEB: post_alert}


# What went wrong


def describe_failure(error: OSError | ValueError) -> AlertNotDelivered:
    """What went wrong on the way, without the address, which may be a secret."""
    if is_due_to_time(error):
        text = gettext_noop("the server did not answer within {seconds} s")
        return AlertNotDelivered(reason=Message(text, seconds=f"{ATTEMPT:g}"))
    if isinstance(error, SMTPRecipientsRefused):
        return describe_refusal(*next(iter(error.recipients.values())))
    if isinstance(error, SMTPResponseException):
        return describe_refusal(error.smtp_code, error.smtp_error)
    return AlertNotDelivered(
        reason=Message(gettext_noop("the connection failed ({cause})"), cause=find_first_cause(error))
    )


def is_due_to_time(error: BaseException | None) -> bool:
    return error is not None and (isinstance(error, TimeoutError) or is_due_to_time(error.__context__))


def describe_refusal(code: int, said: bytes | str) -> AlertNotDelivered:
    words = (said.decode(errors="replace") if isinstance(said, bytes) else said).split()
    text = "".join(letter if letter.isprintable() else "\ufffd" for letter in " ".join(words))[:KEPT_CHARACTERS]
    return AlertNotDelivered(
        reason=Message(gettext_noop("the mail server answered {code} {text}"), code=code, text=text)
    )
