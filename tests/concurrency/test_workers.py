"""Real workers, as machines run them: one carries on for another, and a stopping one gives back what it does."""

import os
import signal
import time

import pytest
from django_q.models import OrmQ, Schedule

from sync.events import Kind
from sync.models import SyncEvent, SyncLock, SyncRun, SyncWorker
from sync.queue import request_sync
from tests.concurrency.processes import holder, running_run, until
from tests.factories import OrmQFactory
from tests.sync.demo import is_mirrored

SLACK = 30.0  # seconds until a worker has started, or looks again; a busy machine


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
    until(lambda: is_done(run), within=SLACK)
    assert run.status == SyncRun.Status.SUCCEEDED
    assert is_mirrored(erp, "customers")
    assert int(SyncWorker.objects.get().name.rpartition(":")[2]) in worker.processes()
    later = request_sync("prices", trigger=SyncRun.Trigger.API)
    until(lambda: is_done(later), within=SLACK)
    assert later.status == SyncRun.Status.SUCCEEDED
    assert SyncRun.objects.count() == 2
    assert Schedule.objects.filter(name="sync tick").count() == 1


def test_wake_ups_that_no_worker_can_read_or_that_are_gone_cost_no_run(start_worker, run):
    OrmQ.objects.update(payload="signed with another SECRET_KEY")
    start_worker()
    until(lambda: is_done(run), within=SLACK)
    assert run.status == SyncRun.Status.SUCCEEDED
    OrmQFactory()
    later = request_sync("prices", trigger=SyncRun.Trigger.API)
    until(lambda: is_done(later), within=SLACK)
    assert later.status == SyncRun.Status.SUCCEEDED


def test_a_worker_told_to_stop_gives_its_run_back(start_worker, run, erp, demo_server, capsys):
    demo_server.delay = 20
    worker = start_worker()
    until(is_fetching, within=SLACK)
    began = time.monotonic()
    worker.terminate()
    given_back = until(lambda: not SyncRun.objects.running().exists(), within=SLACK)
    assert worker.process.wait(SLACK) == 0
    ended = time.monotonic() - began
    until(lambda: not worker.processes(), within=SLACK)
    run.refresh_from_db()
    assert (run.status, run.attempts) == (SyncRun.Status.QUEUED, 1)
    assert [attempt["outcome"] for attempt in run.ended_attempts] == ["handed back"]
    assert SyncLock.objects.get().holder == ""
    assert given_back < 10
    with capsys.disabled():
        print(f" given back after {given_back:.2f} s, ended after {ended:.2f} s", end="")

    demo_server.delay = 0
    start_worker()
    until(lambda: is_done(run), within=SLACK)
    assert (run.status, run.attempts) == (SyncRun.Status.SUCCEEDED, 2)
    assert is_mirrored(erp, "customers")


def test_a_worker_whose_child_is_killed_starts_another_that_goes_on(start_worker, run, erp, demo_server, capsys):
    demo_server.delay = 20
    worker = start_worker()
    until(is_fetching, within=SLACK)
    assert holder() in worker.processes()
    os.kill(holder(), signal.SIGKILL)
    demo_server.delay = 0
    until(lambda: SyncLock.objects.free().exists(), within=SLACK)
    began = time.monotonic()
    wake()
    until(lambda: is_done(run), within=2 * SLACK)
    assert (run.status, run.attempts) == (SyncRun.Status.SUCCEEDED, 2)
    assert [attempt["outcome"] for attempt in run.ended_attempts] == ["lost"]
    assert is_mirrored(erp, "customers")
    with capsys.disabled():
        print(f" finished {time.monotonic() - began:.2f} s after the lease", end="")


def test_of_two_machines_one_carries_on_when_the_other_dies(start_worker, run, erp, demo_server, capsys):
    demo_server.delay = 20
    workers = [start_worker(), start_worker()]
    until(is_fetching, within=SLACK)
    until(lambda: SyncWorker.objects.count() == 2, within=SLACK)
    [dead] = [worker for worker in workers if holder() in worker.processes()]
    [alive] = [worker for worker in workers if worker is not dead]
    dead.kill()
    until(lambda: not dead.processes(), within=SLACK)
    demo_server.delay = 0
    until(lambda: SyncLock.objects.free().exists(), within=SLACK)
    began = time.monotonic()
    wake()
    until(lambda: is_done(run), within=2 * SLACK)
    took = time.monotonic() - began
    assert (run.status, run.attempts) == (SyncRun.Status.SUCCEEDED, 2)
    assert [attempt["outcome"] for attempt in run.ended_attempts] == ["lost"]
    assert is_mirrored(erp, "customers")
    assert SyncEvent.objects.filter(kind=Kind.RUN_LOST).count() == 1
    later = request_sync("orders", trigger=SyncRun.Trigger.API)
    until(lambda: is_done(later), within=SLACK)
    assert later.status == SyncRun.Status.SUCCEEDED
    assert alive.process.poll() is None
    with capsys.disabled():
        print(f" finished {took:.2f} s after the lease", end="")
