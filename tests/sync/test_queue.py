"""What is asked for, what waits, and what runs next."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as project
from django.db import IntegrityError, OperationalError, transaction
from django.utils import timezone
from django_q.models import OrmQ

from sync.coordinator import queue, reading, runner, sessions, turns
from sync.coordinator.reading import open_export
from sync.erp import login as erp_login
from sync.exceptions import CannotAccept, CannotCancel, CannotRetry, ErpUnavailable, NotMirrored
from sync.models import RejectedLogin, SyncEvent, SyncRun
from sync.progress import Stage
from tests.factories import SyncRunFactory, UserFactory
from tests.lists import TYPES

pytestmark = pytest.mark.django_db

Mode, Status, Trigger = SyncRun.Mode, SyncRun.Status, SyncRun.Trigger
PEOPLE = [Trigger.MANUAL, Trigger.API, Trigger.RETRY]


def request(sync_type="orders", *, trigger=Trigger.MANUAL, **options):
    return queue.request_sync(sync_type, trigger=trigger, **options)


def ago(**time):
    return timezone.now() - timedelta(**time)


def in_a_while():
    return timezone.now() + timedelta(minutes=5)


def waiting():
    return [run.sync_type for run in turns.find_runnable()]


# Asking


def test_a_type_asked_for_twice_waits_once():
    assert request() == request()
    assert SyncRun.objects.queued().count() == 1
    assert list(SyncEvent.objects.order_by("pk").values_list("kind", flat=True)) == ["run_queued"]
    request(mode="full")
    assert list(SyncEvent.objects.order_by("pk").values_list("kind", flat=True)) == ["run_queued", "run_strengthened"]


@pytest.mark.parametrize(
    ("first", "then", "mode"),
    [
        ("incremental", "auto", "auto"),
        ("incremental", "full", "full"),
        ("auto", "incremental", "auto"),
        ("auto", "full", "full"),
        ("full", "incremental", "full"),
        ("full", "auto", "full"),
    ],
)
def test_the_more_thorough_mode_stays(first, then, mode):
    request(mode=first)
    assert request(mode=then).mode == mode


@pytest.mark.parametrize(("first", "then"), [(3, 9), (9, 3)])
def test_the_higher_priority_stays(first, then):
    request(priority=first)
    assert request(priority=then).priority == 9


@pytest.mark.parametrize("trigger", PEOPLE)
def test_a_person_wants_it_now_and_the_list_as_it_is_now(trigger):
    run = request(not_before=in_a_while())
    SyncRun.objects.update(export_path="kept.pdf")
    assert request(trigger=trigger) == run
    run.refresh_from_db()
    assert (run.not_before, run.export_path) == (None, "")


def test_a_schedule_is_content_with_what_waits():
    run = request(not_before=in_a_while())
    SyncRun.objects.update(export_path="kept.pdf")
    request(trigger=Trigger.SCHEDULE)
    run.refresh_from_db()
    assert run.not_before
    assert run.export_path == "kept.pdf"


def test_smart_runs_are_strengthened_by_smart_ones_only():
    smart, ordinary = request("customers", mode="smart"), request("customers", mode="full")
    assert smart != ordinary
    assert request("customers", mode="smart") == smart
    assert request("customers") == ordinary
    smart.refresh_from_db()
    ordinary.refresh_from_db()
    assert (smart.mode, smart.priority, ordinary.mode, ordinary.priority) == ("smart", 100, "full", 5)


def test_each_given_file_is_a_run_of_its_own():
    runs = {request(), request(given_file=Path("a.pdf")), request(given_file=Path("a.pdf"))}
    assert len(runs) == 3
    assert request() in runs


def test_a_type_that_runs_can_be_asked_for_again():
    running = request()
    SyncRun.objects.update(status=Status.RUNNING)
    assert request() != running


# Waking


@pytest.mark.django_db(transaction=True)
def test_many_requests_wake_one_worker_once():
    OrmQ.objects.all().delete()
    for sync_type in ("orders", "orders", "ddt", "products"):
        request(sync_type)
    assert [task.func() for task in OrmQ.objects.all()] == ["sync.tasks.drain"]


@pytest.mark.django_db(transaction=True)
def test_a_request_that_is_rolled_back_wakes_nobody():
    OrmQ.objects.all().delete()
    with transaction.atomic():
        request()
        transaction.set_rollback(True)
    assert not OrmQ.objects.exists()
    assert not SyncRun.objects.exists()


# What runs next


def test_the_types_run_by_priority():
    for sync_type in reversed(TYPES):
        request(sync_type)
    priorities = [project.SYNC_TYPES[sync_type]["priority"] for sync_type in waiting()]
    assert priorities == sorted(priorities, reverse=True)
    assert len(priorities) == len(TYPES)


def test_equal_priorities_run_by_age():
    for sync_type, minutes in [("prices", 3), ("orders", 1), ("ddt", 2)]:
        request(sync_type, priority=7)
        SyncRun.objects.for_type(sync_type).update(requested_at=ago(minutes=minutes))
    assert waiting() == ["prices", "ddt", "orders"]


def test_an_order_form_comes_first_then_what_has_waited_too_long_by_age_then_priority():
    for sync_type, minutes in [("orders", 29), ("ddt", 5), ("prices", 31), ("products", 32)]:
        request(sync_type)
        SyncRun.objects.for_type(sync_type).update(requested_at=ago(minutes=minutes))
    request("invoices", priority=99)
    request("customers", mode="smart")
    assert waiting() == ["customers", "products", "prices", "invoices", "orders", "ddt"]


def test_what_is_not_to_run_yet_stays_out_of_the_way():
    later = request(not_before=in_a_while())
    request("products")
    assert waiting() == ["products"]
    SyncRun.objects.filter(pk=later.pk).update(not_before=ago(seconds=1))
    assert waiting() == ["orders", "products"]


def test_each_queued_run_says_what_it_waits_for_and_those_that_wait_for_nothing_else_may_start(tmp_path, settings):
    SyncRunFactory(sync_type="prices")
    SyncRunFactory(sync_type="ddt")
    sessions.open_session(UserFactory())
    runs = {
        request("orders", not_before=in_a_while()): "time",
        request("prices"): "forms",
        SyncRunFactory(sync_type="ddt", status=Status.QUEUED, requested_at=ago(minutes=31)): "turn",  # overdue
        request("products"): "turn",  # never mirrored
        request("customers"): "turn",  # which order forms read
        request("invoices", given_file=tmp_path / "x.pdf"): "turn",
    }
    assert {run: turns.find_what_it_waits_for(run) for run in runs} == runs
    assert set(turns.find_runnable()) == {run for run, reason in runs.items() if reason == "turn"}
    RejectedLogin.objects.create(
        credentials=erp_login.fingerprint_login(),
        username="x",
        at=timezone.now(),
        run=SyncRunFactory(status=Status.FAILED),
    )
    assert sorted(run.waits_for for run in turns.find_queued()) == ["login"] * 5 + ["turn"]
    assert turns.find_what_it_waits_for(SyncRunFactory(status=Status.RUNNING)) is None


def test_a_run_that_another_process_starts_at_this_moment_is_waited_for(monkeypatch):
    run = request("customers")
    row = SyncRun.objects.filter(pk=run.pk)
    monkeypatch.setattr(
        runner, "drain_queue", lambda **_: row.filter(status=Status.QUEUED).update(status=Status.RUNNING)
    )
    monkeypatch.setattr("time.sleep", lambda _seconds: row.update(status=Status.SUCCEEDED))
    assert runner.wait_for(run).status == Status.SUCCEEDED


def test_a_drain_carries_them_out_in_that_order(tiny_erp):
    for sync_type in ("products", "ddt", "orders"):
        request(sync_type)
    runner.drain_queue()
    assert tiny_erp.fetched == ["orders", "ddt", "products"]
    assert SyncRun.objects.succeeded().count() == 3


# Cancelling


def test_a_queued_run_is_cancelled_at_once():
    run = request()
    run.cancel()
    assert run.status == Status.CANCELLED
    assert run.finished_at
    assert waiting() == []


def test_a_running_run_is_cancelled_at_its_next_page(tiny_erp):
    run, stages = request(), []

    def cancel_while_reading(stage, done, total):
        stages.append(stage)
        if stage == Stage.READING:
            run.cancel()

    runner.wait_for(run, progress=cancel_while_reading)
    assert (run.status, run.created) == (Status.CANCELLED, 0)
    assert stages[-1] == Stage.READING
    assert stages.count(Stage.READING) == 1


@pytest.mark.parametrize("status", [Status.SUCCEEDED, Status.FAILED, Status.QUARANTINED, Status.CANCELLED])
def test_a_finished_run_cannot_be_cancelled(status):
    with pytest.raises(CannotCancel, match=f"it is {status}"):
        SyncRunFactory(status=status).cancel()


def test_a_run_that_is_to_be_cancelled_is_not_tried_again(tiny_erp):
    run = request()
    tiny_erp.errors["orders"] = ErpUnavailable(reason="no answer")
    tiny_erp.meanwhile = lambda sync_type: SyncRun.objects.update(cancel_requested_at=timezone.now())
    runner.wait_for(run)
    assert run.status == Status.CANCELLED
    assert waiting() == []


# Accepting


def test_an_export_of_a_list_that_is_no_longer_mirrored_is_not_accepted():
    run = SyncRunFactory(sync_type="payments", status=Status.QUARANTINED)
    with pytest.raises(CannotAccept, match=r"cannot be accepted: payments is no longer mirrored\."):
        queue.accept(run)
    assert not SyncRun.objects.filter(accepts=run).exists()


# Trying again


def test_a_finished_run_is_tried_again_with_its_mode_and_file(tmp_path):
    file = tmp_path / "Ordini.pdf"
    file.write_bytes(b"%PDF")
    user = UserFactory()
    failed = SyncRunFactory(status=Status.FAILED, mode="full", given_file=str(file))
    again = queue.retry(failed, by=user)
    assert (again.retries, again.mode, again.given_file) == (failed, "full", str(file))
    assert (again.trigger, again.requested_by) == (Trigger.RETRY, user)


def test_a_smart_run_is_tried_again_as_an_ordinary_one():
    assert queue.retry(SyncRunFactory(status=Status.FAILED, mode="smart")).mode == "auto"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"status": Status.QUEUED}, "it is queued"),
        ({"status": Status.RUNNING}, "it is running"),
        ({"given_file": "/gone.pdf"}, "the given file /gone.pdf no longer exists"),
        ({"sync_type": "payments"}, "payments is no longer mirrored"),
    ],
)
def test_what_cannot_be_tried_again_says_why(fields, reason):
    with pytest.raises(CannotRetry, match=reason):
        queue.retry(SyncRunFactory(**{"sync_type": "orders", "status": Status.FAILED} | fields))


def test_an_accepted_export_is_accepted_again_instead():
    quarantined = SyncRunFactory(status=Status.QUARANTINED)
    with pytest.raises(CannotRetry, match=f"accept the export of run {quarantined.pk} again"):
        queue.retry(SyncRunFactory(status=Status.FAILED, accepts=quarantined))


# Coming back to the queue


@pytest.fixture
def _asked_for_while_read(tiny_erp, monkeypatch):
    """The first run of orders steps aside while it reads, when orders have just been asked for again."""

    def interrupted(path, service, progress, **how):
        if service.sync_type == "orders" and tiny_erp.fetched == ["orders"]:
            request("orders", mode="full", priority=8)
            request("customers", mode="smart")
        return open_export(path, service, progress, **how)

    monkeypatch.setattr(reading, "open_export", interrupted)


@pytest.mark.usefixtures("_asked_for_while_read")
def test_a_run_that_comes_back_takes_over_the_newer_request(tiny_erp):
    SyncRunFactory(sync_type="orders", mode="full")
    run = request()
    assert run.mode == "auto"
    runner.drain_queue()
    run.refresh_from_db()
    newer = SyncRun.objects.get(merged_into=run)
    assert (newer.status, newer.standing, run.standing) == (Status.CANCELLED, run, run)
    assert (run.status, run.mode, run.priority) == (Status.SUCCEEDED, "full", 8)
    assert tiny_erp.fetched == ["orders", "customers", "orders"]  # not from its kept export
    assert runner.wait_for(newer) == run


def test_a_run_that_only_steps_aside_reads_its_kept_export(tiny_erp, monkeypatch):
    def interrupted(path, service, progress, **how):
        if tiny_erp.fetched == ["products"]:
            request("customers", mode="smart")
        return open_export(path, service, progress, **how)

    monkeypatch.setattr(reading, "open_export", interrupted)
    run = request("products")
    runner.wait_for(run)
    assert (run.status, run.attempts) == (Status.SUCCEEDED, 2)
    assert tiny_erp.fetched == ["products", "customers"]


def test_orders_wait_while_an_order_form_is_open():
    for sync_type in ("orders", "products"):
        SyncRunFactory(sync_type=sync_type)
    sessions.open_session(UserFactory())
    for sync_type in ("orders", "customers", "products"):
        request(sync_type)
    assert waiting() == ["customers"]


# What would go wrong for ever


def test_a_given_file_is_read_by_itself_in_smart_mode_too(tmp_path):
    by_form = request("customers", mode="smart", trigger=Trigger.ORDER_FORM)
    given = request("customers", mode="smart", given_file=tmp_path / "Clienti.pdf")
    assert given != by_form
    assert sessions.find_recent_smart_run("customers") == by_form


@pytest.mark.parametrize("given_file", [None, Path("Clienti.pdf")])
def test_a_request_that_the_database_refuses_ends_with_its_error(given_file):
    with pytest.raises(IntegrityError), transaction.atomic():
        request(priority=-1, given_file=given_file)


def test_an_accepted_export_comes_before_what_has_waited_too_long():
    quarantined = SyncRunFactory(sync_type="orders", status=Status.QUARANTINED)
    request("ddt")
    SyncRun.objects.update(requested_at=ago(hours=1))
    SyncRunFactory(sync_type="orders", status=Status.QUEUED, priority=1, trigger="accept", accepts=quarantined)
    assert waiting() == ["orders", "ddt"]


def test_a_type_that_is_no_longer_mirrored_fails_by_name_and_keeps_nobody_waiting(tiny_erp):
    old = SyncRunFactory(sync_type="leads", status=Status.QUEUED, priority=9)
    assert runner.wait_for(request()).status == Status.SUCCEEDED
    old.refresh_from_db()
    assert (old.status, old.error_class) == (Status.FAILED, "NotMirrored")


def test_a_list_that_is_no_longer_mirrored_is_not_asked_for():
    with pytest.raises(NotMirrored):
        request("leads")
    assert not SyncRun.objects.queued().exists()


def test_an_export_of_the_future_keeps_no_later_one_out(tiny_erp):
    SyncRunFactory(sync_type="orders", exported_at=timezone.now() + timedelta(days=365))
    assert runner.wait_for(request()).status == Status.SUCCEEDED


def test_a_run_whose_records_could_not_be_committed_says_why(tiny_erp, monkeypatch):
    succeed = SyncRun.succeed

    def full_disk(run, counts, *, left):
        succeed(run, counts, left=left)
        raise OperationalError("database or disk is full")

    monkeypatch.setattr(SyncRun, "succeed", full_disk)
    run = runner.wait_for(request())
    assert (run.status, run.error_text) == (Status.FAILED, "database or disk is full")


def test_a_kept_export_that_is_read_no_more_is_deleted(tmp_path, django_capture_on_commit_callbacks):
    """Who asks later wants the list as it is now, and the file would lie there for an hour."""
    kept = tmp_path / "orders-1-1.pdf"
    kept.write_bytes(b"%PDF")
    run = SyncRunFactory(sync_type="orders", status=SyncRun.Status.QUEUED, export_path=str(kept))
    with django_capture_on_commit_callbacks(execute=True):
        request(trigger=Trigger.SCHEDULE)
    assert kept.exists(), "a schedule is content with it"
    with django_capture_on_commit_callbacks(execute=True):
        request(trigger=Trigger.API)
    run.refresh_from_db()
    assert (run.export_path, kept.exists()) == ("", False)


def test_a_kept_export_is_deleted_when_the_run_takes_over_a_later_request(tmp_path, django_capture_on_commit_callbacks):
    kept = tmp_path / "orders-1-1.pdf"
    kept.write_bytes(b"%PDF")
    run = SyncRunFactory(sync_type="orders", status=SyncRun.Status.RUNNING, token=1, export_path=str(kept))
    request(trigger=Trigger.API)
    with django_capture_on_commit_callbacks(execute=True):
        run.requeue(SyncEvent.Kind.RUN_PREEMPTED)
    run.refresh_from_db()
    assert (run.status, run.export_path, kept.exists()) == (SyncRun.Status.QUEUED, "", False)


def test_an_export_that_cannot_be_deleted_does_not_change_how_its_run_ended(
    tmp_path, caplog, django_capture_on_commit_callbacks
):
    no_file = tmp_path / "orders-1-1.pdf"
    no_file.mkdir()
    run = SyncRunFactory(sync_type="orders", status=Status.RUNNING, token=1, export_path=str(no_file))
    with django_capture_on_commit_callbacks(execute=True):
        run.requeue(SyncEvent.Kind.RUN_PREEMPTED, export_path="")
        run.forget_export()
    assert run.status == Status.QUEUED
    assert "orders-1-1.pdf" in caplog.text
