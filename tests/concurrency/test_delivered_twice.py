"""What django-q2 delivers twice, even at the same moment, is done once."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.models import OrmQ, Schedule

from sync import tasks
from sync.coordinator.queue import request_sync
from sync.models import RecordChange, SyncEvent, SyncRun, SyncSchedule
from tests.concurrency.processes import PATIENCE, fork, until
from tests.sync.demo import is_mirrored

pytestmark = pytest.mark.usefixtures("demo_server")


@pytest.fixture
def deliver_twice(start):
    """Delivers a task to two processes at the same moment, and to one of them once more."""

    def deliver(task, *args):
        ready = fork.Barrier(2)
        children = [start(deliver_to, ready, task, *args) for _ in range(2)]
        assert all(child.ended_well() for child in children)
        until(lambda: not SyncRun.objects.filter(status__in=["queued", "running"]).exists())
        task(*args)

    return deliver


def deliver_to(ready, task, *args):
    ready.wait(PATIENCE)
    task(*args)


@pytest.fixture
def everything_is_due():
    """All types since a minute, but for none of them since two."""
    begun = timezone.now() - timedelta(minutes=1)
    SyncSchedule.objects.update(enabled=True, counted_from=begun, first_at=0, requested_slot=None)


def assert_done_once(erp, *sync_types):
    runs = SyncRun.objects.order_by("sync_type")
    assert [run.sync_type for run in runs] == sorted(sync_types)
    assert [(run.status, run.attempts, run.ended_attempts) for run in runs] == [("succeeded", 1, [])] * len(runs)
    assert RecordChange.objects.count() == sum(erp.count_records(sync_type) for sync_type in sync_types)
    assert all(is_mirrored(erp, sync_type) for sync_type in sync_types)
    kinds = ["run_queued", "run_started", "run_succeeded"]
    for run in runs:
        found = SyncEvent.objects.filter(run=run).order_by("pk").values_list("kind", flat=True)
        assert list(found) == kinds


def test_a_drain_delivered_twice_makes_one_run(erp, deliver_twice):
    request_sync("orders", trigger=SyncRun.Trigger.API)
    deliver_twice(tasks.drain)
    assert_done_once(erp, "orders")


def test_a_schedules_wake_up_delivered_twice_makes_one_run(erp, deliver_twice, everything_is_due):
    deliver_twice(tasks.scheduled, "orders")
    assert_done_once(erp, "orders")


def test_a_tick_delivered_twice_makes_one_run_of_each_type(erp, deliver_twice, everything_is_due, settings):
    names = set(Schedule.objects.values_list("name", flat=True))
    deliver_twice(tasks.tick)
    assert_done_once(erp, *settings.SYNC_TYPES)
    assert sorted(Schedule.objects.values_list("name", flat=True)) == sorted(names)


def test_no_more_than_one_wake_up_waits_for_a_worker(start):
    for _ in range(3):
        children = [start(ask, sync_type) for sync_type in ("orders", "prices")]
        assert all(child.ended_well() for child in children)
    assert OrmQ.objects.count() <= 2  # as two may ask at the same moment


def ask(sync_type):
    request_sync(sync_type, trigger=SyncRun.Trigger.API)
