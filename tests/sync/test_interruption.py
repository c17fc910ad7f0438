"""A run that dies at any record leaves the mirror as it was, and the next run does the whole work."""

import os
import signal
import threading
import time
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import pytest
from django.conf import settings
from django.db import connections
from django.utils import timezone

from sync.coordinator import runner
from sync.coordinator.queue import request_sync
from sync.exceptions import ErpUnavailable
from sync.exports.reader import Records
from sync.mirror import comparison as mirror
from sync.models import SyncLock, SyncRun
from sync.service import get_service
from tests.sync.drawing import draw_list

RECORDS = 40
POINTS = {"first": 1, "middle": RECORDS // 2, "last": RECORDS}


def rows(service, numbers, name):
    texts = [column.field for column in service.layout.columns if column.convert.__name__ == "text"]
    filled = next(field for field in texts if field and field != service.layout.key)
    return [{service.layout.key: str(number), filled: f"{name} {number}"} for number in numbers]


def after(calls, happen):
    """Makes a function that is called once a record do something at one of them."""
    count = 0

    def called(result):
        nonlocal count
        count += 1
        if count == calls:
            happen()
        return result

    return called


def interrupted(where, calls, happen):
    """A patch that interrupts a run at a record: while it is read, or in the midst of writing."""
    interrupt = after(calls, happen)
    if where == "reading":
        read = Records.read_records
        return patch.object(Records, "read_records", lambda *args: map(interrupt, read(*args)))
    build = mirror.Writer.build_change
    return patch.object(mirror.Writer, "build_change", lambda *args: interrupt(build(*args)))


def run_sync(sync_type, path):
    run = request_sync(sync_type, mode="full", trigger=SyncRun.Trigger.MANUAL, given_file=path)
    runner.wait_for(run)
    return run


@pytest.fixture(params=list(settings.SYNC_TYPES))
def service(request):
    return get_service(request.param)


@pytest.fixture
def first_export(service, tmp_path):
    return draw_list(tmp_path / "first.pdf", service, rows(service, range(1, 21), "prima"))


@pytest.fixture
def next_export(service, tmp_path):
    """Half of its records changed, half new; as many records are written as it has."""
    return draw_list(tmp_path / "next.pdf", service, rows(service, range(1, RECORDS + 1), "dopo"))


def fail():
    raise RuntimeError("interrupted")


def kill():
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("where", ["reading", "writing"])
@pytest.mark.parametrize("point", POINTS)
@pytest.mark.django_db(transaction=True)
def test_an_exception_at_a_record_changes_nothing(service, first_export, next_export, mirror_state, where, point):
    run_sync(service.sync_type, first_export)
    before = mirror_state()
    with interrupted(where, POINTS[point], fail):
        run = run_sync(service.sync_type, next_export)
    assert (run.status, run.error_class) == (SyncRun.Status.FAILED, "RuntimeError")
    assert mirror_state() == before


@pytest.mark.parametrize("where", ["reading", "writing"])
@pytest.mark.parametrize("point", POINTS)
@pytest.mark.usefixtures("transactional_db", "real_processes")
def test_a_process_killed_at_a_record_changes_nothing(service, first_export, next_export, mirror_state, where, point):
    run_sync(service.sync_type, first_export)
    before = mirror_state()
    connections.close_all()
    child = os.fork()
    if not child:
        with interrupted(where, POINTS[point], kill):
            run_sync(service.sync_type, next_export)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL
    assert mirror_state() == before
    lost = SyncRun.objects.running().get()
    SyncLock.objects.update(leased_until=timezone.now() - timedelta(seconds=1))  # as if it had passed
    runner.drain_queue()
    lost.refresh_from_db()
    assert [attempt["outcome"] for attempt in lost.ended_attempts] == ["lost"]
    assert (lost.status, lost.created, lost.updated) == (SyncRun.Status.SUCCEEDED, 20, 20)


def command_of(pid):
    """Its command line, which it does not have yet when it has only just been started."""
    deadline = time.monotonic() + 10
    while not (command := Path(f"/proc/{pid}/cmdline").read_bytes()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return command


def test_the_process_that_reads_is_started_while_the_erp_is_asked(tiny_erp, db):
    """Its start costs nobody time, and it ends although there is nothing to read."""
    started: list[str] = []

    def look(sync_type):
        children = Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split()
        started.extend(pid for pid in children if b"sync.exports.child" in command_of(pid))

    tiny_erp.meanwhile = look
    tiny_erp.errors["orders"] = ErpUnavailable(reason="a test")
    runner.wait_for(request_sync("orders", mode="full", trigger=SyncRun.Trigger.MANUAL))
    assert len(started) == 1
    assert not Path(f"/proc/{started[0]}").exists()
