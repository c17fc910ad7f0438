"""What happens although no worker lives."""

from datetime import timedelta
from threading import Event

import pytest
from django.conf import settings
from django.db import DatabaseError, OperationalError
from django.utils import timezone
from django_q.models import OrmQ, Schedule

from sync.coordinator import wake_ups
from sync.models import Alert, SyncRun, SyncSchedule, WorkerWatch
from sync.monitoring.housekeeping import Housekeeping
from tests.alert_receivers import PATIENCE, MailServer, Receiver, serving
from tests.concurrency.processes import until
from tests.factories import AlertFactory, SyncRunFactory


class Duties(Housekeeping):
    """One duty, which goes as the list says, and then well."""

    def __init__(self, *errors):
        super().__init__()
        self.errors = list(errors)
        self.done = Event()

    @property
    def duties(self):
        return [self.duty]

    def duty(self):
        if self.errors:
            raise self.errors.pop(0)
        self.done.set()


@pytest.fixture
def keep(settings):
    """Has the duty done until it goes well."""
    settings.HOUSEKEEPING_EVERY = timedelta(seconds=0.01)

    def kept(*errors):
        housekeeping = Duties(*errors)
        housekeeping.start()
        assert housekeeping.done.wait(PATIENCE)
        housekeeping.stop()
        assert not housekeeping.is_alive()

    return kept


def test_a_database_that_does_not_answer_is_told_of_once(keep, caplog):
    keep(OperationalError("gone"), OperationalError("still gone"), DatabaseError("and again"))
    assert [each.getMessage() for each in caplog.records] == ["The housekeeping (duty) waits for the database: gone"]


def test_a_bug_in_a_duty_is_told_of_and_ends_nothing(keep, caplog):
    keep(RuntimeError("a bug"))
    assert "The housekeeping (duty) was stopped by a bug; the rest goes on" in caplog.text
    assert "RuntimeError: a bug" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_web_server_alone_notices_what_changes_and_tells_of_it(serve):
    SyncSchedule.objects.update(state="healthy")
    for sync_type in settings.SYNC_TYPES:
        SyncRunFactory(sync_type=sync_type, ended_ago=timedelta(hours=1 if sync_type == "orders" else 0))
    WorkerWatch.objects.create(pk=WorkerWatch.THE_ROW, heard_at=timezone.now() - timedelta(hours=1))
    with serving(Receiver(204)) as receiver:
        server = serve(ALERT_URL=receiver.url, HOUSEKEEPING_SECONDS="0.1")
        until(lambda: len(receiver.accepted) == 2)
        assert server.stop() == 0
    told = {(said["type"], said["before"], said["after"]) for said in receiver.accepted}
    assert told == {("orders", "healthy", "late"), ("worker", "alive", "silent")}
    assert not SyncRun.objects.queued().exists()


@pytest.mark.django_db(transaction=True)
def test_a_mail_server_that_never_answers_keeps_no_web_server_from_stopping(serve):
    AlertFactory(channel=Alert.Channel.MAIL)
    with serving(MailServer(silent_at="greeting")) as mails:
        variables = {"ALERT_EMAILS": "ufficio@example.com", "EMAIL_URL": f"smtp://127.0.0.1:{mails.port}"}
        server = serve(**variables, HOUSEKEEPING_SECONDS="0.1")
        assert mails.connected.wait(PATIENCE)
        assert server.get("/healthz")[0] == 200
        assert server.stop() == 0
        assert mails.was_cut.wait(PATIENCE)
    assert "Traceback" not in server.log.read_text()


def test_a_tick_that_django_q2_does_not_make_is_made(serve, settings):
    """As after the clock of the machine that keeps its schedules was an hour ahead."""
    Schedule.objects.filter(name=wake_ups.TICK).update(next_run=timezone.now() + timedelta(hours=1))
    OrmQ.objects.all().delete()
    serve(HOUSEKEEPING_SECONDS="0.1")
    until(lambda: OrmQ.objects.exists())
    assert Schedule.objects.get(name=wake_ups.TICK).next_run < timezone.now() + timedelta(minutes=2)
