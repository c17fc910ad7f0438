"""Real workers, as machines run them: one carries on for another, and a stopping one gives back what it does."""

import os
import signal
from datetime import timedelta

import pytest
from django_q.models import OrmQ, Schedule

from sync.coordinator.queue import request_sync
from sync.models import SyncEvent, SyncLock, SyncRun, SyncWorker
from tests.concurrency.processes import PATIENCE, holder, running_run, until
from tests.factories import OrmQFactory
from tests.sync.demo import is_mirrored

Kind = SyncEvent.Kind

NEVER = 24 * 60 * 60.0  # seconds


@pytest.fixture
def run(transactional_db):
    return request_sync("customers", mode="full", trigger=SyncRun.Trigger.API)


def is_fetching():
    run = running_run()
    return run is not None and run.stage == "fetching"


def is_done(run):
    run.refresh_from_db()
    return run.is_finished


def wake():
    """What the next tick does, within a minute."""
    request_sync("prices", trigger=SyncRun.Trigger.API)


def test_a_worker_carries_out_what_is_queued(start_worker, run, erp):
    worker = start_worker()
    until(lambda: is_done(run))
    assert run.status == SyncRun.Status.SUCCEEDED
    assert is_mirrored(erp, "customers")
    assert SyncWorker.objects.get().name.endswith(f":{worker.pid}")
    later = request_sync("prices", trigger=SyncRun.Trigger.API)
    until(lambda: is_done(later))
    assert later.status == SyncRun.Status.SUCCEEDED
    assert SyncRun.objects.count() == 2
    assert Schedule.objects.filter(name="sync tick").count() == 1


def test_wake_ups_that_no_worker_can_read_or_that_are_gone_cost_no_run(start_worker, run):
    OrmQ.objects.update(payload="signed with another SECRET_KEY")
    start_worker()
    until(lambda: is_done(run))
    assert run.status == SyncRun.Status.SUCCEEDED
    OrmQFactory()
    later = request_sync("prices", trigger=SyncRun.Trigger.API)
    until(lambda: is_done(later))
    assert later.status == SyncRun.Status.SUCCEEDED


def test_a_worker_told_to_stop_gives_its_run_back(start_worker, run, erp, demo_server):
    demo_server.delay = NEVER
    worker = start_worker()
    until(is_fetching)
    worker.terminate()
    until(lambda: not SyncRun.objects.running().exists())
    assert worker.main.wait(PATIENCE) == 0
    until(lambda: not worker.processes())
    run.refresh_from_db()
    assert (run.status, run.attempts) == (SyncRun.Status.QUEUED, 1)
    assert [attempt["outcome"] for attempt in run.ended_attempts] == ["handed back"]
    assert SyncLock.objects.get().holder == ""

    demo_server.delay = 0
    start_worker()
    until(lambda: is_done(run))
    assert (run.status, run.attempts) == (SyncRun.Status.SUCCEEDED, 2)
    assert is_mirrored(erp, "customers")


@pytest.fixture
def lease(settings):
    """Shorter than in earnest: it is waited for."""
    settings.SYNC_LEASE = timedelta(seconds=3)


@pytest.mark.usefixtures("lease")
def test_a_worker_whose_child_is_killed_starts_another_that_goes_on(start_worker, run, erp, demo_server):
    demo_server.delay = NEVER
    worker = start_worker()
    until(is_fetching)
    assert holder() in worker.processes()
    os.kill(holder(), signal.SIGKILL)
    demo_server.delay = 0
    until(lambda: SyncLock.objects.free().exists())
    wake()
    until(lambda: is_done(run))
    assert (run.status, run.attempts) == (SyncRun.Status.SUCCEEDED, 2)
    assert [attempt["outcome"] for attempt in run.ended_attempts] == ["lost"]
    assert is_mirrored(erp, "customers")


@pytest.mark.usefixtures("lease")
def test_of_two_machines_one_carries_on_when_the_other_dies(start_worker, run, erp, demo_server):
    demo_server.delay = NEVER
    workers = [start_worker(), start_worker()]
    until(is_fetching)
    until(lambda: SyncWorker.objects.count() == 2)
    [dead] = [worker for worker in workers if holder() in worker.processes()]
    [alive] = [worker for worker in workers if worker is not dead]
    dead.kill()
    until(lambda: not dead.processes())
    demo_server.delay = 0
    until(lambda: SyncLock.objects.free().exists())
    wake()
    until(lambda: is_done(run))
    assert (run.status, run.attempts) == (SyncRun.Status.SUCCEEDED, 2)
    assert [attempt["outcome"] for attempt in run.ended_attempts] == ["lost"]
    assert is_mirrored(erp, "customers")
    assert SyncEvent.objects.filter(kind=Kind.RUN_LOST).count() == 1
    later = request_sync("orders", trigger=SyncRun.Trigger.API)
    until(lambda: is_done(later))
    assert later.status == SyncRun.Status.SUCCEEDED
    assert alive.main.poll() is None
