"""However many processes ask and drain, one run is carried out at a time, the most urgent first, and none is lost."""

import os
import random
import time
from collections import defaultdict
from contextlib import contextmanager
from datetime import timedelta
from itertools import pairwise
from unittest.mock import patch

import pytest
from django.conf import settings as project
from django.db import IntegrityError, transaction
from django.db.models import Count

from sync.coordinator import attempts, runner
from sync.coordinator.attempts import handle_errors
from sync.coordinator.mutex import Lease, hold_lock
from sync.coordinator.queue import request_sync
from sync.models import SyncRun
from sync.service import get_service
from tests.concurrency.processes import PATIENCE, Child, fork
from tests.factories import SyncRunFactory
from tests.lists import TYPES
from tests.sync.drawing import draw_list

PROCESSES = 8
REQUESTS = 2000
TRIGGERS = [SyncRun.Trigger.MANUAL, SyncRun.Trigger.API, SyncRun.Trigger.SCHEDULE]


@pytest.fixture
def small_exports(settings, tmp_path):
    """An ERP whose lists have one record each, so that a run is short."""
    settings.ERP_URL, settings.ERP_FOLDER = "", tmp_path / "erp"
    settings.EXPORT_DIR = tmp_path / "exports"
    settings.ERP_FOLDER.mkdir()
    for sync_type in TYPES:
        service = get_service(sync_type)
        name = service.erp_list.file_names[0]
        draw_list(settings.ERP_FOLDER / name, service, [{service.layout.key: "1"}])


class Log:
    """What several processes saw, a line each, apart from the database."""

    def __init__(self, path):
        self.path = path
        path.touch()

    def write(self, *words):
        line = " ".join(map(str, [time.monotonic_ns(), *words])) + "\n"
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(file, line.encode())
        os.close(file)

    def lines(self, what):
        """Time and details of all that is called so."""
        lines = (line.split() for line in self.path.read_text().splitlines())
        return [(int(at), *details) for at, word, *details in lines if word == what]


@pytest.fixture
def log(tmp_path):
    return Log(tmp_path / "log")


@contextmanager
def logged_runs(log, meanwhile=lambda: None):
    @contextmanager
    def logged(run):
        log.write("start", run.pk, run.sync_type)  # once a run, as none is stopped here
        try:
            with handle_errors(run):
                meanwhile()
                yield
        finally:
            log.write("end", run.pk, run.sync_type)

    with patch.object(attempts, "handle_errors", logged):
        yield


def insert_a_second_running_run():
    with pytest.raises(IntegrityError), transaction.atomic():
        SyncRunFactory(status=SyncRun.Status.RUNNING)


def insert_a_second_queued_run(sync_type):
    twice = SyncRunFactory.build_batch(2, sync_type=sync_type, status=SyncRun.Status.QUEUED)
    with pytest.raises(IntegrityError), transaction.atomic():
        SyncRun.objects.bulk_create(twice)


def ask_and_drain(log, seed, requests):
    rng = random.Random(seed)
    with logged_runs(log, meanwhile=insert_a_second_running_run):
        for _ in range(requests):
            asked = time.monotonic_ns()
            run = request_sync(rng.choice(TYPES), trigger=rng.choice(TRIGGERS), priority=rng.randint(1, 6))
            log.write("request", run.pk, run.sync_type, asked)
            if not rng.randrange(10):
                runner.drain_queue()
        runner.drain_queue()


def overlaps(log):
    """Intervals that begin before the one before has ended."""
    begun = {pk: at for at, pk, _ in log.lines("start")}
    intervals = sorted((begun[pk], at) for at, pk, _ in log.lines("end"))
    assert len(intervals) == len(begun)
    return [later for earlier, later in pairwise(intervals) if later[0] < earlier[1]]


def test_two_thousand_requests_by_eight_processes_make_runs_that_never_overlap(small_exports, log, start):
    children = [start(ask_and_drain, log, seed, REQUESTS // PROCESSES) for seed in range(PROCESSES)]
    samples, deadline = 0, time.monotonic() + 5 * PATIENCE
    while any(child.process.is_alive() for child in children):
        queued = SyncRun.objects.queued().order_by().values("sync_type").annotate(runs=Count("pk"))
        assert all(row["runs"] == 1 for row in queued)
        assert SyncRun.objects.running().count() <= 1
        insert_a_second_queued_run(TYPES[samples % len(TYPES)])
        samples += 1
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert all(child.ended_well() for child in children)
    runner.drain_queue()

    assert overlaps(log) == []
    requests, starts = log.lines("request"), defaultdict(list)
    for at, _, sync_type in log.lines("start"):
        starts[sync_type].append(at)
    assert len(requests) == REQUESTS
    assert [request for request in requests if max(starts[request[2]]) < int(request[3])] == []
    assert set(SyncRun.objects.values_list("status", flat=True)) == {"succeeded"}
    asked_for = {int(request[1]) for request in requests}
    assert asked_for == set(SyncRun.objects.values_list("pk", flat=True))


def drain_logged(log, ready):
    ready.wait(PATIENCE)
    with logged_runs(log):
        runner.drain_queue()


def ask(sync_type):
    request_sync(sync_type, trigger=SyncRun.Trigger.API)


def test_what_eight_processes_drain_is_carried_out_by_priority(small_exports, log, start):
    types = TYPES.copy()
    random.Random(1).shuffle(types)
    askers = [start(ask, sync_type) for sync_type in types]
    assert all(child.ended_well() for child in askers)
    ready = fork.Barrier(PROCESSES)
    children = [start(drain_logged, log, ready) for _ in range(PROCESSES)]
    assert all(child.ended_well() for child in children)

    order = [sync_type for _, _, sync_type in log.lines("start")]
    assert order == TYPES
    assert overlaps(log) == []


def ask_and_go_home(log):
    with logged_runs(log):
        request_sync("orders", trigger=SyncRun.Trigger.API)
        runner.drain_queue()


def test_a_request_between_an_empty_queue_and_the_release_of_the_lock_is_run_at_once(small_exports, log, start):
    """Whoever asks then finds the lock held, and goes home."""
    release = Lease.release
    children: list[Child] = []

    def late_release(lease):
        if not children:
            assert not SyncRun.objects.queued().exists()
            children.append(start(ask_and_go_home, log))
            assert children[0].ended_well()
            assert log.lines("start") == []
        release(lease)

    with patch.object(Lease, "release", late_release):
        runner.drain_queue()
    assert children
    assert SyncRun.objects.get().status == SyncRun.Status.SUCCEEDED


def hold_until(released, held):
    with hold_lock() as lease:
        assert lease
        held.set()
        released.wait(PATIENCE)


def test_the_lock_is_one_processs_until_it_is_released(start):
    released, held = fork.Event(), fork.Event()
    child = start(hold_until, released, held)
    assert held.wait(PATIENCE)
    assert not can_hold()
    released.set()
    assert child.ended_well()
    assert can_hold()


def can_hold():
    with hold_lock() as lease:
        return lease is not None


def test_no_two_processes_ever_take_over_the_same_dead_ones_lock(start, log):
    start(hold_and_die).process.join(PATIENCE)
    children = [start(take_over, log) for _ in range(PROCESSES)]
    assert all(child.ended_well() for child in children)
    assert overlaps(log) == []
    assert len(log.lines("start")) == PROCESSES


def hold_and_die():
    project.SYNC_LEASE = timedelta(seconds=0.2)  # in this process alone: those who take over hold it for long
    with hold_lock():
        os._exit(0)


def take_over(log):
    while True:
        with hold_lock() as lease:
            if lease:
                log.write("start", lease.token, "-")
                log.write("end", lease.token, "-")
                return
        time.sleep(0.01)
