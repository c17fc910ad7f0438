"""Whatever a machine's clock says: what processes tell each other goes by the database's."""

import os
import time
from contextlib import suppress
from datetime import timedelta

import pytest
import time_machine
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from django_q.models import OrmQ, Schedule

from sync.coordinator import broker, execution, queue, sessions, turns, wake_ups, worker
from sync.database import clock
from sync.models import OrderFormSession, SyncRun, SyncWorker
from sync.monitoring import health
from sync.service import get_service
from tests.factories import UserFactory
from tests.sync.conftest import customers
from tests.sync.demo import run_sync
from tests.sync.drawing import draw_list

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
SOON = timedelta(minutes=1)  # within which a test does what it does

ask = clock.ask


@pytest.fixture
def database_clock(monkeypatch):
    """The database's clock as it is: a test that moves the time moves this machine's alone."""
    monkeypatch.setattr(clock, "ask", ask)


@pytest.fixture(params=[HOUR, -HOUR], ids=["ahead", "behind"])
def wrong_clock(request, database_clock):
    """This machine's clock is an hour wrong."""
    with time_machine.travel(timezone.now() + request.param):
        yield request.param


def is_now(moment):
    """Whether it is a moment of this test, by the database's clock."""
    return abs(moment - clock.now()) < SOON


def test_the_time_is_the_databases(wrong_clock):
    with connection.cursor() as cursor:
        cursor.execute(clock.QUESTIONS[connection.vendor])
        said = cursor.fetchone()[0]
    assert abs(clock.now().timestamp() - said) < 1
    assert abs(clock.measure_lead() - wrong_clock) < timedelta(seconds=1)


def test_the_time_never_goes_back_while_the_databases_does_not(database_clock, monkeypatch):
    monkeypatch.setattr(clock, "ASKED_EVERY", -1)
    moments = [clock.now() for _ in range(2000)]
    assert moments == sorted(moments)


def test_a_clock_of_the_database_that_is_put_right_is_followed(database_clock, monkeypatch):
    monkeypatch.setattr(clock, "ASKED_EVERY", -1)
    right = clock.now()
    wrong = clock.Reading(right.timestamp() + 3600, time.monotonic(), time.monotonic())
    monkeypatch.setattr(clock, "reading", wrong)
    assert abs(clock.now() - right) < SOON


def test_in_a_transaction_that_has_failed_the_time_goes_on(database_clock, monkeypatch):
    monkeypatch.setattr(clock, "ASKED_EVERY", -1)
    before = clock.now()
    with suppress(DatabaseError), transaction.atomic():
        with suppress(DatabaseError):
            connection.cursor().execute("SELECT no_such_column")
        assert before <= clock.now() <= before + SOON
        SyncRun.objects.count()  # fails on PostgreSQL: nothing is answered in here


def test_a_task_is_delivered_at_once(wrong_clock):
    OrmQ.objects.all().delete()
    wake_ups.enqueue("sync.tasks.tick")
    assert is_now(OrmQ.objects.get().lock)
    wake_ups.enqueue("sync.tasks.tick")
    assert OrmQ.objects.count() == 1, "the first one waits"
    with time_machine.travel(timezone.now() + 3 * HOUR):
        delivered = broker.Broker().dequeue()
        assert delivered
        assert delivered[0][0] == OrmQ.objects.get().pk
        assert broker.Broker().dequeue() is None, "it is this worker's"


def test_order_forms_and_runs_are_of_now(wrong_clock):
    session = sessions.open_session(UserFactory())
    run = queue.request_sync("prices", trigger=SyncRun.Trigger.API)
    assert is_now(session.opened_at)
    assert is_now(run.requested_at)
    assert is_now(run.events.get().at)


def test_a_form_that_was_just_opened_pauses_a_worker_whose_clock_is_wrong(database_clock, monkeypatch):
    monkeypatch.setattr(turns, "list_smart_types", list)
    SyncRun.objects.create(sync_type="prices", priority=1, trigger="api", status="succeeded", finished_at=clock.now())
    sessions.open_session(UserFactory())
    queue.request_sync("prices", trigger=SyncRun.Trigger.API)
    with time_machine.travel(timezone.now() + HOUR):
        sessions.record_expired_sessions()
        assert OrderFormSession.objects.live().exists()
        assert not turns.find_runnable().exists()
    assert OrderFormSession.objects.live().count() == 1


def test_a_worker_says_how_wrong_its_clock_is(wrong_clock, monkeypatch):
    monkeypatch.setattr(worker, "name", "machine:1")
    worker.write_heartbeat()
    beaten = SyncWorker.objects.get()
    assert is_now(beaten.seen_at)
    assert abs(beaten.clock_ahead - wrong_clock) < timedelta(seconds=1)
    (clock_off,) = [each for each in health.get_status().wrong_clocks if each.machine == "machine"]
    assert clock_off.ahead == beaten.clock_ahead


def test_clocks_that_agree_are_no_problem(database_clock, monkeypatch):
    monkeypatch.setattr(worker, "name", "machine:1")
    worker.write_heartbeat()
    assert not health.get_status().wrong_clocks


def test_a_tick_that_lies_an_hour_ahead_is_brought_back(database_clock):
    """As after a worker's clock was an hour ahead, and was put right."""
    wake_ups.update_wake_ups()
    tick = Schedule.objects.get(name=wake_ups.TICK)
    Schedule.objects.update(next_run=clock.now() + HOUR)
    OrmQ.objects.all().delete()
    wake_ups.wake_if_overdue()
    tick.refresh_from_db()
    assert is_now(tick.next_run - wake_ups.MINUTE)
    assert OrmQ.objects.count() == 1
    wake_ups.wake_if_overdue()
    assert OrmQ.objects.count() == 1


def test_a_tick_that_nobody_has_made_is_made_up_for(database_clock):
    """As where the only worker's clock is behind."""
    wake_ups.update_wake_ups()
    Schedule.objects.filter(name=wake_ups.TICK).update(next_run=clock.now() - 2 * wake_ups.TICK_MAY_DIFFER)
    OrmQ.objects.all().delete()
    wake_ups.wake_if_overdue()
    assert OrmQ.objects.count() == 1


def test_a_tick_that_is_on_time_is_left_alone(database_clock):
    wake_ups.update_wake_ups()
    Schedule.objects.filter(name=wake_ups.TICK).update(next_run=clock.now())
    OrmQ.objects.all().delete()
    wake_ups.wake_if_overdue()
    assert not OrmQ.objects.exists()


@pytest.fixture
def next_year(tmp_path, settings):
    """An ERP's folder with an export of customers that is dated next year."""
    settings.ERP_URL, settings.ERP_FOLDER, settings.EXPORT_DIR = "", tmp_path / "erp", tmp_path / "exports"
    settings.ERP_FOLDER.mkdir()
    path = draw_list(settings.ERP_FOLDER / "Clienti.pdf", get_service("customers"), customers(1, 2))
    at = (timezone.now() + timedelta(days=365)).timestamp()
    os.utime(path, (at, at))
    return path


def test_an_export_dated_next_year_is_of_when_it_first_came(next_year):
    first, second = run_sync("customers", mode="full"), run_sync("customers", mode="full")
    assert is_now(first.exported_at)
    assert second.exported_at == first.exported_at
    for run in (first, second):
        assert any("which is in the future" in note for note in run.notes)
    assert execution.APPLIED_BEFORE in second.notes, "it proves no absence a second time"
    assert health.get_status().by_type["customers"].fresh_as_of == first.exported_at


def test_a_given_file_dated_next_year_is_of_now(next_year):
    run = run_sync("customers", given_file=next_year)
    assert is_now(run.exported_at)
    assert run.status == SyncRun.Status.SUCCEEDED
