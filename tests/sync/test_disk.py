"""What the disks do to syncs: what is promised of a file is on its disk, and a full one stops nothing for good."""

import errno
import os
import tempfile
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from django.db import DatabaseError, connection
from django.utils import timezone

from customers.models import Customer
from sync import disk, tasks
from sync.coordinator import queue, runner, schedules, sessions
from sync.coordinator.preview import preview_sync
from sync.erp import get_erp_client
from sync.erp.folder import FolderClient
from sync.exceptions import DiskFull
from sync.models import SyncLock, SyncRun
from sync.models.runs import KEPT_ATTEMPTS
from sync.progress import ignore_progress
from sync.service import get_service
from tests.factories import SyncEventFactory, SyncRunFactory
from tests.full_database import full_database
from tests.on_disk import pages_not_on_disk
from tests.sync.conftest import customers
from tests.sync.drawing import draw_list

pytestmark = pytest.mark.django_db

Status = SyncRun.Status
LONG = timedelta(minutes=1)
DEVICE = Path("/dev/full")  # has no room for whatever is written to it


@pytest.fixture
def clock():
    with time_machine.travel(datetime(2026, 1, 20, 8, tzinfo=UTC), tick=False) as traveller:
        yield traveller


@pytest.fixture
def full_folder(tiny_erp, settings):
    """The folder of exports has no room for the next one, until the test gives it room."""

    def no_room(sync_type):
        settings.EXPORT_DIR.mkdir(exist_ok=True)
        for run in SyncRun.objects.running():
            (settings.EXPORT_DIR / f"{run.sync_type}-{run.pk}-{run.token}.pdf").symlink_to(DEVICE)

    tiny_erp.meanwhile = no_room
    return tiny_erp


@pytest.fixture
def full_temporary_folder(tiny_erp, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "TemporaryFile", lambda **_: DEVICE.open("w+b"))
        yield patch


def request(sync_type="orders", **how):
    return queue.request_sync(sync_type, trigger=SyncRun.Trigger.MANUAL, **how)


def files(folder):
    return [path.name for path in folder.iterdir()] if folder.exists() else []


# What a run keeps


def test_an_export_that_a_run_keeps_survives_a_power_cut(sync_customers, settings, tmp_path):
    settings.EXPORT_DIR = tmp_path / "exports"
    sync_customers(customers(*range(1, 31)))
    run = sync_customers(customers(1))
    assert run.status == Status.QUARANTINED
    assert pages_not_on_disk(Path(run.export_path)) in (0, None)


# A full disk is said on the run's row, and waited for


def test_a_full_folder_of_exports_is_named_and_waited_for(clock, full_folder, settings):
    run = request()
    for seconds in (30, 120, 600, 600, 600):
        runner.wait_for(run)
        run.refresh_from_db()
        assert (run.status, run.not_before) == (Status.QUEUED, timezone.now() + timedelta(seconds=seconds))
        assert run.ended_attempts[-1]["error"] == "DiskFull"
        assert run.ended_attempts[-1]["text"] == (
            f"The disk is full: there is no space for exports in {settings.EXPORT_DIR}. Free space there."
        )
        assert files(settings.EXPORT_DIR) == []
        clock.shift(timedelta(seconds=seconds))
    full_folder.meanwhile = lambda sync_type: None
    runner.wait_for(run)
    assert run.status == Status.SUCCEEDED


def test_a_full_temporary_folder_is_named_and_waited_for(clock, full_temporary_folder, settings, monkeypatch):
    monkeypatch.setenv("TMPDIR", "/var/tmp")
    run = request()
    runner.wait_for(run)
    run.refresh_from_db()
    assert run.ended_attempts[-1]["text"] == (
        "The disk is full: there is no space for temporary files in /var/tmp. Free space there."
    )
    assert files(settings.EXPORT_DIR) == [], "a new attempt fetches a new export"
    full_temporary_folder.undo()
    clock.shift(timedelta(seconds=30))
    runner.wait_for(run)
    assert run.status == Status.SUCCEEDED


def test_what_is_asked_while_a_disk_is_full_is_done_when_there_is_room(clock, full_folder):
    first = request("orders")
    runner.wait_for(first)
    asked = [request("orders"), request("customers", mode="full")]
    runner.drain_queue()
    full_folder.meanwhile = lambda sync_type: None
    clock.shift(timedelta(minutes=10))
    runner.drain_queue()
    assert {SyncRun.objects.get(pk=run.pk).standing.status for run in (first, *asked)} == {Status.SUCCEEDED}


def test_a_smart_run_fails_at_once_as_an_agent_waits(full_folder):
    run = request("customers", mode="smart")
    runner.wait_for(run)
    assert (run.status, run.error_class) == (Status.FAILED, "DiskFull")


def test_a_given_file_for_which_there_is_no_room_is_read_later(clock, full_temporary_folder, tmp_path, settings):
    path = draw_list(tmp_path / "Clienti.pdf", get_service("customers"), customers(1))
    run = request("customers", given_file=path)
    runner.wait_for(run)
    run.refresh_from_db()
    assert (run.status, files(settings.EXPORT_DIR)) == (Status.QUEUED, [])
    full_temporary_folder.undo()
    clock.shift(timedelta(seconds=30))
    runner.wait_for(run)
    assert run.status == Status.SUCCEEDED


def test_a_run_that_waits_for_room_for_weeks_keeps_its_last_attempts(clock, full_folder):
    run = request()
    attempt = {"outcome": "failed", "startedAt": None, "endedAt": timezone.now().isoformat(), "error": "DiskFull"}
    SyncRun.objects.filter(pk=run.pk).update(ended_attempts=[attempt | {"text": ""}] * KEPT_ATTEMPTS)
    runner.wait_for(run)
    run.refresh_from_db()
    assert len(run.ended_attempts) == KEPT_ATTEMPTS
    assert run.ended_attempts[-1]["text"]


def test_a_preview_names_the_full_temporary_folder(full_temporary_folder):
    with pytest.raises(DiskFull, match="no space for temporary files"), preview_sync("orders", mode="full"):
        pass


# It is not the ERP that did not answer


def test_a_folder_of_exports_is_not_to_blame_for_our_full_disk(tmp_path):
    source, to = tmp_path / "source", tmp_path / "copy.pdf"
    source.mkdir()
    draw_list(source / "Clienti.pdf", get_service("customers"), customers(1))
    to.symlink_to(DEVICE)
    with pytest.raises(OSError, match="No space left on device"):
        FolderClient(source).fetch(
            get_service("customers").erp_list, to=to, at_most=timedelta(minutes=1), progress=ignore_progress
        )
    assert not to.is_symlink()


def test_the_web_front_end_is_not_to_blame_for_our_full_disk(demo_server, tmp_path):
    to = tmp_path / "copy.pdf"
    to.symlink_to(DEVICE)
    with pytest.raises(OSError, match="No space left on device"):
        get_erp_client().fetch(get_service("products").erp_list, to=to, at_most=LONG, progress=ignore_progress)
    assert not to.is_symlink()


# Files that nobody will read


@pytest.mark.django_db(transaction=True)
def test_what_a_lost_process_has_fetched_is_deleted_when_its_run_is_lost(tiny_erp, settings):
    settings.EXPORT_DIR.mkdir()
    run = SyncRunFactory(sync_type="orders", status=Status.RUNNING, token=7, attempts=1)
    left = settings.EXPORT_DIR / f"orders-{run.pk}-7.pdf"
    left.write_bytes(b"half of it")
    runner.drain_queue()
    run.refresh_from_db()
    assert [attempt["outcome"] for attempt in run.ended_attempts] == ["lost"]
    assert (run.status, files(settings.EXPORT_DIR)) == (Status.SUCCEEDED, [])


@pytest.mark.django_db(transaction=True)
def test_a_kept_export_that_is_too_old_goes_when_a_new_one_is_there(tiny_erp, settings):
    settings.EXPORT_DIR.mkdir()
    run = request()
    old = settings.EXPORT_DIR / f"orders-{run.pk}-999.pdf"
    old.write_bytes(b"of two hours ago")
    SyncRun.objects.filter(pk=run.pk).update(export_path=str(old), exported_at=timezone.now() - timedelta(hours=2))
    runner.wait_for(run)
    assert (run.status, files(settings.EXPORT_DIR)) == (Status.SUCCEEDED, [])


# The database's own disk


@pytest.mark.django_db(transaction=True)
def test_a_full_disk_of_the_database_loses_no_run(tiny_erp, clock, tmp_path):
    customer_sync = get_service("customers")
    export = draw_list(tmp_path / "many.pdf", customer_sync, customers(*range(1, 301)))
    tiny_erp.exports[customer_sync.erp_list.name] = export
    run = request("customers")
    with full_database(), suppress(DiskFull):
        runner.drain_queue()
    run.refresh_from_db()
    assert (run.status, Customer.objects.count()) == (Status.QUEUED, 0)
    assert [attempt["error"] for attempt in run.ended_attempts] in (["DiskFull"], [])  # on PostgreSQL it cannot begin
    clock.shift(timedelta(seconds=30))
    runner.wait_for(run)
    assert (run.status, Customer.objects.count()) == (Status.SUCCEEDED, 300)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_run_whose_end_cannot_be_recorded_is_recovered_when_there_is_room(tiny_erp):
    run = request("customers")
    with ExitStack() as fullness:
        tiny_erp.meanwhile = lambda sync_type: fullness.enter_context(full_database())
        with pytest.raises(DiskFull, match="no space for the database in the database server"):
            runner.drain_queue()
    tiny_erp.meanwhile = lambda sync_type: None
    run.refresh_from_db()
    assert (run.status, SyncLock.objects.free().exists()) == (Status.RUNNING, False)
    SyncLock.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    runner.drain_queue()
    run.refresh_from_db()
    assert (run.status, run.ended_attempts[0]["outcome"]) == (Status.SUCCEEDED, "lost")


@pytest.fixture
def no_room(monkeypatch):
    """Makes a function find the database's disk full."""

    def refuse(*_args):
        raise DiskFull(files="the database", place="/") from OSError(errno.ENOSPC, "No space left on device")

    return lambda module, name: monkeypatch.setattr(module, name, refuse)


def test_what_nobody_will_read_goes_though_there_is_no_room_for_what_is_due(no_room, settings, tmp_path):
    no_room(schedules, "request_due")
    settings.EXPORT_DIR = tmp_path / "exports"
    settings.EXPORT_DIR.mkdir()
    stray = settings.EXPORT_DIR / "orders-999-7.pdf"
    stray.write_bytes(b"of a process that was killed")
    os.utime(stray, (0, 0))
    tasks.tick()
    assert files(settings.EXPORT_DIR) == []


@pytest.mark.django_db(transaction=True)
def test_a_run_that_an_order_form_waits_for_is_left_while_there_is_no_room(no_room, caplog):
    no_room(runner, "wait_for")
    run = request("customers", mode=SyncRun.Mode.SMART)
    sessions.wait_for_run(run.pk)
    assert "What an order form waits for is left for later, as the disk is full" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_full_disk_is_known_by_what_the_database_says():
    with full_database(), pytest.raises(DatabaseError) as refused:
        SyncEventFactory(facts={"text": "x" * 100_000})
    assert disk.is_full(refused.value)
    assert not disk.is_read_only(refused.value)


@pytest.mark.django_db(transaction=True)
def test_a_read_only_database_is_known_by_what_it_says():
    read_only = {
        "sqlite": ("PRAGMA query_only = ON", "PRAGMA query_only = OFF"),
        "postgresql": ("SET default_transaction_read_only = on", "SET default_transaction_read_only = off"),
    }[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(read_only[0])
        with pytest.raises(DatabaseError) as refused:
            SyncEventFactory()
        cursor.execute(read_only[1])
    assert disk.is_read_only(refused.value)
    assert not disk.is_full(refused.value)


def test_what_is_left_while_a_disk_is_full_is_said_now_and_then(caplog):
    for _ in range(3):
        with disk.skip_if_disk_full("Something is left"):
            raise OSError(errno.ENOSPC, "No space left on device")
    assert [record.getMessage() for record in caplog.records] == [
        "Something is left, as the disk is full: [Errno 28] No space left on device"
    ]
