"""Who is told of a change: in the end each of them, whatever the other side does; and nothing else waits for it."""

import threading
from contextlib import ExitStack
from datetime import timedelta
from threading import Event, Thread

import pytest
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from sync import tasks
from sync.models import Alert, SyncEvent, SyncRun
from sync.monitoring import alert_channels, alerts
from sync.monitoring.state_changes import record_state_changes
from sync.monitoring.status import State
from sync.monitoring.time_limit import run_within
from tests.alert_receivers import PATIENCE, Dribbler, MailServer, Receiver, serving
from tests.factories import AlertFactory, SyncRunFactory

Kind = SyncEvent.Kind

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("network")]

Channel = Alert.Channel


@pytest.fixture
def stage():
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def receiver(stage, settings):
    """Makes the web address that is told, with its answers."""

    def made(*answers, **options):
        server = stage.enter_context(serving(Receiver(*answers, **options)))
        settings.ALERT_URL = server.url
        return server

    return made


@pytest.fixture
def mail_server(stage, settings):
    """Makes the mail server through which people are told."""

    def made(**options):
        server = stage.enter_context(serving(MailServer(**options)))
        server.use(settings)
        settings.ALERT_EMAILS = ["ufficio@example.com"]
        return server

    return made


@pytest.fixture
def impatient(monkeypatch):
    """An attempt has a second."""
    monkeypatch.setattr(alert_channels, "ATTEMPT", 1.0)


def failing():
    SyncRunFactory(sync_type="orders", status=SyncRun.Status.FAILED)
    record_state_changes()


def make_due():
    Alert.objects.waiting().update(next_attempt_at=timezone.now() - timedelta(seconds=1))


def waits(alert):
    return Alert.objects.waiting().filter(pk=alert.pk, next_attempt_at__gt=timezone.now()).exists()


# What is told


def test_a_change_is_mailed_and_posted(receiver, mail_server):
    web, mails = receiver(204), mail_server()
    failing()
    assert (web.received, mails.mails) == ([], [])
    alerts.send_due()
    event = SyncEvent.objects.get(kind=Kind.HEALTH_CHANGED)
    said = {"id": event.pk, "type": "orders", "before": "never", "after": "failing", "at": event.at.isoformat()}
    assert web.accepted == [said]
    (mail,) = mails.mails
    assert (mail["Subject"], mail["To"]) == ("Archibald sync: ordini, in errore", "ufficio@example.com")
    at = f"{timezone.localtime(event.at):%d/%m/%Y %H:%M}"
    assert mail.get_content().splitlines() == [
        f"Ordini: in errore. Notato il {at}; stato precedente: mai sincronizzata. "
        "Per i dettagli esegui manage.py syncstatus.",
        "",
        f"Orders: failing. Noticed on {at}; state before: never synced. For details, run manage.py syncstatus.",
    ]
    assert not Alert.objects.waiting().exists()


def test_a_list_has_the_name_in_a_mail_that_it_has_everywhere(mail_server):
    mails = mail_server()
    SyncRunFactory(sync_type="ddt", status=SyncRun.Status.FAILED)
    record_state_changes()
    alerts.send_due()
    (mail,) = mails.mails
    assert mail["Subject"] == "Archibald sync: DDT, in errore"
    assert mail.get_content().startswith("DDT: in errore.")


def test_who_is_not_named_is_not_told(receiver):
    receiver(204)
    failing()
    assert [alert.channel for alert in Alert.objects.all()] == [Channel.WEB]


def test_without_a_change_nobody_is_told(receiver):
    receiver(204)
    failing()
    record_state_changes()
    assert Alert.objects.count() == 1


def test_nobody_is_called_for_a_list_that_can_be_trusted_all_along(receiver):
    """As when an attempt failed, and it is tried again."""
    receiver(204)
    SyncRunFactory(sync_type="orders")
    record_state_changes()
    Alert.objects.all().delete()
    attempt = {"outcome": "failed", "startedAt": None, "endedAt": None, "error": "ErpUnavailable", "text": "Gone."}
    later = timezone.now() + timedelta(minutes=1)
    SyncRunFactory(sync_type="orders", status=SyncRun.Status.QUEUED, not_before=later, ended_attempts=[attempt])
    record_state_changes()
    change = SyncEvent.objects.filter(kind=Kind.HEALTH_CHANGED).latest("pk")
    assert change.facts == {"before": "healthy", "after": "retrying"}
    assert not Alert.objects.exists()


@pytest.mark.parametrize("state", [state.value for state in State] + ["alive", "silent"])
def test_every_state_can_be_mailed(state, mail_server):
    mails = mail_server()
    AlertFactory(channel=Channel.MAIL, event__facts={"before": state, "after": state})
    alerts.send_due()
    assert len(mails.mails) == 1


@pytest.mark.django_db(transaction=True)
def test_an_alert_is_written_with_the_change_or_not_at_all(receiver):
    receiver(204)
    with transaction.atomic():
        failing()
        assert Alert.objects.exists()
        transaction.set_rollback(True)
    assert not Alert.objects.exists()
    assert not SyncEvent.objects.filter(kind=Kind.HEALTH_CHANGED).exists()


# The other side at its worst


@pytest.mark.parametrize("dribbles", [False, True])
@pytest.mark.parametrize("silent_at", ["greeting", "EHLO", "MAIL", "RCPT", "DATA", "end of data"])
def test_a_mail_server_that_does_not_come_to_an_end_is_left(silent_at, dribbles, mail_server, impatient):
    mails = mail_server(silent_at=silent_at, dribbles=dribbles)
    failing()
    alerts.send_due()
    alert = Alert.objects.get()
    assert alert.error == "The alert was not delivered: the server did not answer within 1 s."
    assert waits(alert)
    assert mails.was_cut.wait(PATIENCE)


def test_a_mail_that_was_taken_is_delivered_though_the_goodbye_never_comes(mail_server, impatient):
    mails = mail_server(silent_at="QUIT", dribbles=True)
    failing()
    alerts.send_due()
    make_due()
    alerts.send_due()
    assert Alert.objects.get().delivered_at
    assert len(mails.mails) == 1


@pytest.mark.parametrize(
    ("scheme", "begin", "byte"), [("http", b"HTTP/1.", b"1"), ("http", b"", b""), ("https", b"", b"")]
)
def test_a_web_address_that_does_not_come_to_an_end_is_left(scheme, begin, byte, stage, settings, impatient):
    server = stage.enter_context(serving(Dribbler(begin, byte)))
    settings.ALERT_URL = f"{scheme}://{server.address}"
    failing()
    alerts.send_due()
    assert Alert.objects.get().error == "The alert was not delivered: the server did not answer within 1 s."
    assert server.was_cut.wait(PATIENCE)


def test_what_a_web_address_has_accepted_is_delivered_though_it_goes_on_answering(stage, settings, impatient):
    server = stage.enter_context(serving(Dribbler(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"a")))
    settings.ALERT_URL = f"http://{server.address}"
    failing()
    alerts.send_due()
    assert Alert.objects.get().delivered_at
    assert server.was_cut.wait(PATIENCE)


def test_one_failure_of_the_other_side_loses_no_alert(receiver):
    web = receiver(503, 200)
    failing()
    for _ in range(3):
        alerts.send_due()
        make_due()
    assert [answer for answer, _said in web.received] == [503, 200]
    alert = Alert.objects.get()
    assert (alert.attempts, alert.error, alert.next_attempt_at) == (2, "", None)
    assert alert.delivered_at


def test_a_redirect_is_not_followed(receiver):
    web = receiver(302, 200)
    failing()
    alerts.send_due()
    assert len(web.received) == 1
    assert Alert.objects.get().error == (
        "The alert was not delivered: the address redirects to another one (status 302): set ALERT_URL to that one."
    )


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_what_is_told_goes_to_the_address_alone(status, receiver, stage):
    elsewhere = stage.enter_context(serving(Receiver(200)))
    web = receiver(status, location=elsewhere.url)
    failing()
    alerts.send_due()
    assert (len(web.received), elsewhere.received) == (1, [])
    assert f"the address redirects to another one (status {status})" in Alert.objects.get().error


@pytest.mark.parametrize("status", ["200 OK", "307 Again", "500 Broken"])
def test_of_an_answer_no_more_than_its_head_is_read(status, stage, settings):
    head = f"HTTP/1.1 {status}\r\nLocation: /hook\r\nContent-Type: text/html\r\n\r\n"
    server = stage.enter_context(serving(Dribbler(head.encode(), b"x")))
    settings.ALERT_URL = f"http://{server.address}"
    failing()
    alerts.send_due()
    assert "did not answer" not in Alert.objects.get().error
    assert server.was_cut.wait(PATIENCE)


def test_an_answer_with_a_large_head_is_a_failed_attempt(stage, settings):
    head = "HTTP/1.1 200 OK\r\n" + f"X: {'x' * 60_000}\r\n" * 2 + "\r\n"
    settings.ALERT_URL = f"http://{stage.enter_context(serving(Dribbler(head.encode(), b'x'))).address}"
    failing()
    alerts.send_due()
    assert "the head of its answer has more than 65536 bytes" in Alert.objects.get().error


@pytest.mark.parametrize(
    ("command", "said"), [("RCPT", "550 not here"), ("MAIL", "550 not here"), ("EHLO", None), ("DATA", None)]
)
def test_what_the_mail_server_says_against_it_is_kept(command, said, mail_server):
    mail_server(refuses=command)
    failing()
    alerts.send_due()
    if said:
        assert Alert.objects.get().error == f"The alert was not delivered: the mail server answered {said}."
    else:  # it is asked otherwise
        assert Alert.objects.get().delivered_at


def test_nobody_there_is_a_failed_attempt_that_keeps_the_address_to_itself(settings, receiver):
    settings.ALERT_URL = "http://127.0.0.1:1/secret"
    failing()
    alerts.send_due()
    assert Alert.objects.get().error == "The alert was not delivered: the connection failed (Connection refused)."


@pytest.mark.parametrize(("name", "value"), [("ALERT_URL", "no address"), ("ALERT_EMAILS", ["no\naddress"])])
def test_an_address_that_is_none_is_a_failed_attempt(name, value, settings):
    setattr(settings, name, value)
    failing()
    alerts.send_due()
    assert Alert.objects.get().error.startswith("The alert was not delivered: ")


def test_a_channel_that_is_named_no_longer_is_a_failed_attempt(settings):
    for channel in Channel:
        AlertFactory(channel=channel)
    alerts.send_due()
    errors = {alert.channel: alert.error for alert in Alert.objects.all()}
    assert errors == {
        "mail": "The alert was not delivered: ALERT_EMAILS is not set.",
        "web": "The alert was not delivered: ALERT_URL is not set.",
    }


def test_a_bug_is_a_failed_attempt_that_keeps_the_other_channel_waiting_for_nothing(
    receiver, mail_server, monkeypatch, caplog
):
    web = receiver(204)
    mail_server()
    failing()

    def stumble(alert, line):
        raise AttributeError("a bug")

    monkeypatch.setitem(alert_channels.SENDERS, Channel.MAIL, stumble)
    alerts.send_due()
    error = "The alert was not delivered: a bug (AttributeError); see the log for details."
    assert Alert.objects.get(channel=Channel.MAIL).error == error
    assert "Traceback" in caplog.text
    assert len(web.accepted) == 1


def test_what_a_mail_server_says_can_be_kept_whatever_it_is(mail_server):
    mail_server(refuses="MAIL", says="5.1.1\0 no \x1b[31m\xff")
    failing()
    alerts.send_due()
    said = "The alert was not delivered: the mail server answered 550 5.1.1\ufffd no \ufffd[31mÿ."
    assert Alert.objects.get().error == said


# When it is tried again


@pytest.mark.parametrize(
    ("attempts", "delay"), [(0, 30), (1, 60), (2, 120), (6, 1920), (7, 3600), (8, 3600), (28, 3600)]
)
def test_an_alert_that_failed_is_tried_again_later_and_later(attempts, delay, receiver, caplog):
    receiver(503)
    AlertFactory(attempts=attempts)
    alerts.send_due()
    assert Alert.objects.filter(next_attempt_at=F("tried_at") + timedelta(seconds=delay)).exists()
    assert f"attempt {attempts + 1}, again in {delay} s: The alert was not delivered: the server" in caplog.text


def test_an_alert_that_nobody_takes_is_given_up_and_leaves_a_trace(receiver, caplog):
    web = receiver(503)
    AlertFactory(attempts=29, event__sync_type="orders")
    for _ in range(2):
        alerts.send_due()
        make_due()
    alert = Alert.objects.get()
    assert alert.given_up_at
    assert alert.next_attempt_at is None
    assert len(web.received) == 1
    event = SyncEvent.objects.get(kind=Kind.ALERT_GIVEN_UP)
    said = "The alert was not delivered: the server answered with status 503."
    assert (event.sync_type, event.facts) == ("orders", {"channel": "web", "attempts": 30, "error": said})
    assert f"Alert {alert.pk} (web) is given up after 30 attempts: {said}" in caplog.text


def test_a_channel_that_fails_is_asked_once_and_keeps_the_other_waiting_for_no_more(receiver, mail_server):
    web, mails = receiver(204), mail_server(refuses="RCPT")
    for _ in range(3):
        AlertFactory(channel=Channel.MAIL)
        AlertFactory(channel=Channel.WEB)
    alerts.send_due()
    assert sum(alert.attempts for alert in Alert.objects.filter(channel=Channel.MAIL)) == 1
    assert len(web.accepted) == 3
    assert mails.mails == []


def test_in_one_go_no_attempt_begins_after_some_seconds(receiver, monkeypatch):
    web = receiver(204)
    for _ in range(3):
        AlertFactory()
    monkeypatch.setattr(alerts, "BEGINS_WITHIN", 0)
    alerts.send_due()
    assert web.received == []
    assert Alert.objects.due().count() == 3


def test_an_alert_can_be_sent_again(receiver, admin_user):
    web = receiver(204)
    alert = AlertFactory(attempts=30, next_attempt_at=None, given_up_at=timezone.now(), error="no")
    alerts.send_again(alert, by=admin_user)
    alerts.send_due()
    alert.refresh_from_db()
    assert (alert.attempts, alert.error, alert.given_up_at) == (1, "", None)
    assert len(web.accepted) == 1


# Nobody waits for it


def test_what_a_worker_does_sends_nothing(mail_server, receiver, tiny_erp):
    mails, web = mail_server(silent_at="greeting"), receiver(204)
    SyncRunFactory(sync_type="orders", status=SyncRun.Status.FAILED)
    tasks.tick()
    assert Alert.objects.due().count() >= 2
    assert not mails.connected.is_set()
    assert web.received == []


@pytest.mark.django_db(transaction=True)
def test_whoever_is_told_to_stop_does_not_wait_for_an_attempt(mail_server):
    mails, told_to_stop = mail_server(silent_at="greeting"), Event()
    failing()

    def stop():
        mails.connected.wait(PATIENCE)
        told_to_stop.set()

    stopper = Thread(target=stop)
    stopper.start()
    alerts.send_due(told_to_stop)
    stopper.join()
    alert = Alert.objects.get()
    assert (alert.attempts, alert.error, alert.tried_at) == (1, "", None)
    assert waits(alert)
    assert mails.was_cut.wait(PATIENCE)


def test_an_attempt_in_which_there_is_nothing_to_cut_yet_keeps_no_process_from_ending():
    told_to_stop, name_found = Event(), Event()
    told_to_stop.set()

    def look_up(line):
        name_found.wait(PATIENCE)

    with pytest.raises(InterruptedError):
        run_within(10, look_up, told_to_stop)
    attempts = [thread for thread in threading.enumerate() if thread.name.startswith("alert")]
    assert attempts
    assert all(thread.daemon for thread in attempts)
    name_found.set()


# What is wrong with the channels


def test_a_channel_whose_last_alert_arrived_is_in_order(receiver):
    receiver(503, 200)
    AlertFactory()
    alerts.send_due()
    (trouble,) = alerts.find_undelivered()
    assert trouble.error == "The alert was not delivered: the server answered with status 503."
    AlertFactory()
    alerts.send_due()
    assert alerts.find_undelivered() == []


def test_a_channel_that_is_named_no_longer_is_no_trouble(receiver, settings):
    receiver(503)
    AlertFactory()
    alerts.send_due()
    settings.ALERT_URL = ""
    assert alerts.find_undelivered() == []
