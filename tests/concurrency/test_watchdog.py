"""A worker whose processes are killed or frozen, one after the other: its watchdog starts it anew, or ends it."""

import os
import signal
from datetime import timedelta
from threading import Event
from urllib.parse import urlsplit

import pytest

from sync.coordinator.queue import request_sync
from sync.models import SyncRun, SyncWorker
from tests.concurrency.processes import PATIENCE, running_run, until
from tests.concurrency.test_silent_connections import network
from tests.conftest import environment_of_database
from tests.sync.demo import is_mirrored

__all__ = ["network"]  # a fixture

NEVER = 24 * 60 * 60.0  # seconds
PARTS = ["worker", "monitor", "pusher", "guard"]

pytestmark = pytest.mark.usefixtures("short_times")


@pytest.fixture
def short_times(settings):
    """What is waited for."""
    settings.SYNC_LEASE = timedelta(seconds=3)
    settings.WORKER_HANGS_AFTER = timedelta(seconds=5)


@pytest.fixture
def worker(start_worker):
    worker = start_worker()
    is_carried_out(request_sync("prices", trigger=SyncRun.Trigger.API))
    return worker


def is_carried_out(run):
    def is_done():
        run.refresh_from_db()
        return run.is_finished

    until(is_done, within=2 * PATIENCE)  # a wake-up that was lost with a process is made up for once a minute
    assert run.status == SyncRun.Status.SUCCEEDED
    return True


def is_fetching():
    run = running_run()
    return run is not None and run.stage == "fetching"


def wait_for_the_end_of(process, worker):
    until(lambda: process not in worker.processes())


def ends(worker):
    assert worker.main.wait(PATIENCE) == 0
    until(lambda: not worker.processes())
    return True


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_whichever_process_of_an_idle_worker_is_struck_it_works_on_and_can_be_stopped(worker, number):
    for part in PARTS:
        struck = worker.process(part)
        os.kill(struck, number)
        wait_for_the_end_of(struck, worker)
        assert is_carried_out(request_sync("prices", trigger=SyncRun.Trigger.API)), part
    assert SyncWorker.objects.get().name.endswith(f":{worker.pid}"), "the same worker as before"
    worker.terminate()
    assert ends(worker)
    assert SyncWorker.objects.get().stopped_at


def test_a_run_whose_process_is_frozen_is_done_again(worker, demo_server, erp):
    demo_server.delay = NEVER
    run = request_sync("customers", mode="full", trigger=SyncRun.Trigger.API)
    until(is_fetching)
    frozen = worker.process("worker")
    os.kill(frozen, signal.SIGSTOP)
    demo_server.delay = 0
    wait_for_the_end_of(frozen, worker)
    assert is_carried_out(run)
    assert [attempt["outcome"] for attempt in run.ended_attempts] == ["lost"]
    assert is_mirrored(erp, "customers")
    assert "hangs (its worker process has been silent for" in worker.log.read_text()


@pytest.mark.postgresql
def test_a_worker_whose_connections_went_silent_is_started_anew(start_worker, network, demo_server, erp):
    """Nobody closes them: the network drops what is sent, and comes back for new connections only."""
    url = urlsplit(environment_of_database()["DATABASE_URL"])
    worker = start_worker(DATABASE_URL=url._replace(netloc=f"{url.username}@127.0.0.1:{network.port}").geturl())
    demo_server.delay = NEVER
    run = request_sync("customers", mode="full", trigger=SyncRun.Trigger.API)
    until(is_fetching)
    silent = worker.process("worker")
    network.drops.set()
    wait_for_the_end_of(silent, worker)
    demo_server.delay = 0
    network.drops = Event()  # what was connected before stays silent
    assert is_carried_out(run)
    assert is_mirrored(erp, "customers")
    worker.terminate()
    assert ends(worker)


def test_a_worker_in_a_run_is_left_alone_however_long_the_erp_takes(worker, demo_server):
    demo_server.delay = 12  # seconds: twice the longest silence
    run = request_sync("customers", mode="full", trigger=SyncRun.Trigger.API)
    assert is_carried_out(run)
    assert run.attempts == 1
    assert "hangs" not in worker.log.read_text()


def test_a_worker_whose_processes_are_all_frozen_ends_when_it_is_told_to(worker):
    frozen = {worker.process(part) for part in PARTS}
    for process in frozen:
        os.kill(process, signal.SIGSTOP)
    worker.terminate()
    assert ends(worker)
    assert "The worker does not stop, and is killed." in worker.log.read_text()


def test_a_signal_to_all_processes_at_once_stops_a_worker_which_gives_its_run_back(worker, demo_server):
    demo_server.delay = NEVER
    run = request_sync("customers", mode="full", trigger=SyncRun.Trigger.API)
    until(is_fetching)
    for process in worker.processes():
        os.kill(process, signal.SIGTERM)
    assert ends(worker)
    run.refresh_from_db()
    assert [attempt["outcome"] for attempt in run.ended_attempts] == ["handed back"]


def test_a_worker_whose_watchdog_is_killed_gives_its_run_back_and_leaves_no_process(worker, demo_server, start_worker):
    demo_server.delay = NEVER
    run = request_sync("customers", mode="full", trigger=SyncRun.Trigger.API)
    until(is_fetching)
    os.kill(worker.process("watchdog"), signal.SIGKILL)
    until(lambda: not worker.processes())
    run.refresh_from_db()
    assert [attempt["outcome"] for attempt in run.ended_attempts] == ["handed back"]
    worker.main.wait(PATIENCE)

    demo_server.delay = 0
    successor = start_worker()
    assert is_carried_out(run)
    until(lambda: SyncWorker.objects.count() == 1)
    assert SyncWorker.objects.get().name.endswith(f":{successor.pid}"), "of the dead one nothing is left"
