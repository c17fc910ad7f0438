"""What is deleted after a time, and what stays however old it is."""

import os
from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.models import Task

from sync.models import Alert, OrderFormSession, SyncEvent, SyncRun, SyncWorker
from sync.monitoring import retention
from tests.factories import (
    AlertFactory,
    OrderFormSessionFactory,
    RecordChangeFactory,
    SignInFactory,
    SyncEventFactory,
    SyncRunFactory,
    SyncWorkerFactory,
    TaskFactory,
)

pytestmark = pytest.mark.django_db

Status = SyncRun.Status
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _exports(settings, tmp_path):
    settings.EXPORT_DIR = tmp_path


def ago(**time):
    return timezone.now() - timedelta(**time)


def exists(row):
    return type(row).objects.filter(pk=row.pk).exists()


def test_runs_that_changed_nothing_go_after_ninety_days():
    old, young, last = (SyncRunFactory(ended_ago=days * DAY) for days in (91, 89, 1))
    retention.prune()
    assert (exists(old), exists(young), exists(last)) == (False, True, True)


@pytest.mark.parametrize("status", [Status.SUCCEEDED, Status.FAILED, Status.QUARANTINED])
@pytest.mark.parametrize("mode", ["full", "incremental"])
def test_the_last_run_of_a_list_that_ended_so_stays_for_ever(status, mode):
    old, last = (SyncRunFactory(ended_ago=days * DAY, status=status, mode=mode) for days in (2000, 1000))
    of_another_list = SyncRunFactory(ended_ago=DAY, status=status, mode=mode, sync_type="ddt")
    retention.prune()
    assert (exists(old), exists(last), exists(of_another_list)) == (False, True, True)


def test_changes_stay_two_years_and_their_runs_as_long():
    recent, old, _ = (SyncRunFactory(ended_ago=days * DAY) for days in (700, 731, 1))
    kept, gone = RecordChangeFactory(run=recent), RecordChangeFactory(run=old)
    retention.prune()
    assert (exists(kept), exists(recent)) == (True, True)
    assert (exists(gone), exists(old)) == (False, False)


def test_runs_that_wait_or_run_are_never_deleted():
    waiting = SyncRunFactory(status=Status.QUEUED, waited=400 * DAY)
    SyncRunFactory(ended_ago=DAY)
    retention.prune()
    assert exists(waiting)


def test_sign_ins_go_when_nobody_can_use_their_tokens_any_more():
    old, young = (SignInFactory(expires_at=ago(days=days)) for days in (1, -1))
    retention.prune()
    assert (exists(old), exists(young)) == (False, True)


def test_events_sessions_workers_and_results_of_django_q2_go():
    for at in (ago(days=1), ago(days=31)):
        SyncEventFactory(at=at)
        OrderFormSessionFactory(opened_at=at, closed_at=at)
        TaskFactory(started=at)
        SyncWorkerFactory(seen_at=at + timedelta(hours=1))
    retention.prune()
    for model in (SyncEvent, OrderFormSession, Task, SyncWorker):
        assert model.objects.count() == 1, model


def test_the_last_worker_stays_known():
    for days in (3, 2):
        SyncWorkerFactory(name=f"host:{days}", seen_at=ago(days=days))
    retention.prune()
    assert SyncWorker.objects.get().name == "host:2"


def test_exports_of_runs_that_did_not_succeed_go_after_thirty_days(tmp_path):
    paths = [tmp_path / f"orders-{days}.pdf" for days in (29, 31)]
    for path in paths:
        path.write_bytes(b"%PDF")
    young, old = (
        SyncRunFactory(ended_ago=days * DAY, status=Status.QUARANTINED, export_path=str(path))
        for days, path in zip((29, 31), paths, strict=True)
    )
    retention.prune()
    assert [path.exists() for path in paths] == [True, False]
    old.refresh_from_db()
    assert old.export_path == ""
    assert exists(young)


def test_files_that_no_run_speaks_of_go_after_an_hour(tmp_path):
    run = SyncRunFactory(sync_type="orders", status=Status.RUNNING, token=7)
    stray, young, kept, foreign, fetched = paths = [
        tmp_path / name
        for name in ("orders-998-7.pdf", "orders-999-8.pdf", "ddt-3-9.pdf", "Clienti.pdf", f"orders-{run.pk}-7.pdf")
    ]
    for path in paths:
        path.write_bytes(b"%PDF")
    SyncRunFactory(ended_ago=DAY, status=Status.QUARANTINED, export_path=str(kept))
    for path in (stray, kept, foreign, fetched):  # the last by a machine whose clock is behind
        os.utime(path, (ago(minutes=61).timestamp(),) * 2)
    os.utime(young, (ago(minutes=59).timestamp(),) * 2)
    retention.prune()
    assert [path.exists() for path in paths] == [False, True, True, True, True]


def test_a_long_backlog_is_deleted_a_little_at_a_time(monkeypatch):
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    SyncEventFactory.create_batch(5, at=ago(days=40))
    left = []
    for _ in range(3):
        retention.prune()
        left.append(SyncEvent.objects.count())
    assert left == [3, 1, 0]


def test_alerts_go_with_what_they_tell_once_they_need_not_be_sent_any_more():
    told, waiting = (AlertFactory(event__at=ago(days=31)) for _ in range(2))
    Alert.objects.filter(pk=told.pk).update(next_attempt_at=None, delivered_at=timezone.now())
    retention.prune()
    assert (exists(told), exists(told.event)) == (False, False)
    assert (exists(waiting), exists(waiting.event)) == (True, True)
