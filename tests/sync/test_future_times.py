"""The database's clock was an hour ahead, and is put right: nothing waits for that hour, nothing is hidden by it."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from sync.coordinator import mutex, queue, schedules, sessions, turns, worker
from sync.models import OrderFormSession, SyncEvent, SyncLock, SyncRun, SyncSchedule, SyncWorker
from sync.monitoring import health
from sync.monitoring.future_times import correct_future_times
from tests.factories import SyncRunFactory, UserFactory

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture
def an_hour_ahead():
    """What happens while the clock is ahead."""
    return time_machine.travel(timezone.now() + HOUR)


def note_something():
    queue.request_sync("ddt", trigger=SyncRun.Trigger.API)


def test_a_success_hides_no_later_failure(an_hour_ahead):
    SyncSchedule.objects.update(enabled=True)
    with an_hour_ahead:
        note_something()
        SyncRunFactory(sync_type="orders")
    correct_future_times()
    SyncRunFactory(sync_type="orders", status=SyncRun.Status.FAILED)
    orders = health.get_status().by_type["orders"]
    assert orders.state == "failing"
    assert orders.fresh_as_of
    assert orders.fresh_as_of <= timezone.now()


def test_an_order_form_ends_when_it_should(an_hour_ahead, settings):
    with an_hour_ahead:
        sessions.open_session(UserFactory())
    correct_future_times()
    form = OrderFormSession.objects.get()
    assert form.active_at <= timezone.now()
    assert form.expires_at <= timezone.now() + settings.ORDER_FORM_TIMEOUT


def test_a_run_waits_for_its_next_attempt_no_longer_than_ever(an_hour_ahead):
    with an_hour_ahead:
        note_something()
        soon = timezone.now() + timedelta(seconds=30)
        SyncRunFactory(sync_type="orders", status=SyncRun.Status.QUEUED, not_before=soon)
    correct_future_times()
    assert turns.find_runnable().filter(sync_type="orders").exists()


def test_a_dead_process_keeps_the_lock_no_longer_than_ever(an_hour_ahead):
    with an_hour_ahead:
        note_something()
        assert mutex.acquire()
        SyncLock.objects.update(leased_until=timezone.now() + timedelta(seconds=30))
    correct_future_times()
    assert SyncLock.objects.filter(leased_until__lte=timezone.now()).exists()


def test_a_worker_that_died_is_silent(an_hour_ahead, monkeypatch):
    monkeypatch.setattr(worker, "name", "machine:1")
    with an_hour_ahead:
        note_something()
        worker.write_heartbeat()
    correct_future_times()
    assert SyncWorker.objects.get().seen_at <= timezone.now()


def test_lists_are_due(an_hour_ahead):
    start = timezone.now() - timedelta(days=1)
    SyncSchedule.objects.update(enabled=True, counted_from=start, every=30, first_at=0)
    with an_hour_ahead:
        schedules.request_due()
    SyncRun.objects.update(status="cancelled", finished_at=timezone.now())
    correct_future_times()
    assert len(schedules.request_due()) == SyncSchedule.objects.count()


def test_it_is_done_once(an_hour_ahead, caplog):
    with an_hour_ahead:
        note_something()
    correct_future_times()
    correct_future_times()
    assert [record.getMessage() for record in caplog.records] == [
        "The database's clock was put back: what lies in the future is taken to be of now"
    ]
    assert not SyncEvent.objects.filter(at__gt=timezone.now()).exists()


def test_what_is_yet_to_come_stays():
    soon = timezone.now() + timedelta(seconds=30)
    waiting = SyncRunFactory(sync_type="orders", status=SyncRun.Status.QUEUED, not_before=soon)
    SyncEvent.objects.create(kind="run_to_be_retried")
    correct_future_times()
    waiting.refresh_from_db()
    assert waiting.not_before == soon
