"""What is deleted after a time, and what stays however old it is."""

import os
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from django_q.models import Task
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from sync import retention
from sync.models import OrderFormSession, RecordChange, SyncEvent, SyncRun, SyncWorker

pytestmark = pytest.mark.django_db

Status = SyncRun.Status


@pytest.fixture(autouse=True)
def _exports(settings, tmp_path):
    settings.EXPORT_DIR = tmp_path


def ago(**time):
    return timezone.now() - timedelta(**time)


def make_run(*, days, status=Status.SUCCEEDED, sync_type="orders", mode="incremental", **fields):
    values = {"sync_type": sync_type, "mode": mode, "trigger": "schedule", "priority": 6, "finished_at": ago(days=days)}
    return SyncRun.objects.create(status=status, **values | fields)


def make_change(run):
    return RecordChange.objects.create(run=run, sync_type=run.sync_type, key="1", kind="updated")


def exists(row):
    return type(row).objects.filter(pk=row.pk).exists()


def test_runs_that_changed_nothing_go_after_ninety_days():
    old, young, last = make_run(days=91), make_run(days=89), make_run(days=1)
    retention.prune()
    assert (exists(old), exists(young), exists(last)) == (False, True, True)


@pytest.mark.parametrize("status", [Status.SUCCEEDED, Status.FAILED, Status.QUARANTINED])
@pytest.mark.parametrize("mode", ["full", "incremental"])
def test_the_last_run_of_a_list_that_ended_so_stays_for_ever(status, mode):
    old, last = (make_run(days=days, status=status, mode=mode) for days in (2000, 1000))
    of_another_list = make_run(days=1, status=status, mode=mode, sync_type="ddt")
    retention.prune()
    assert (exists(old), exists(last), exists(of_another_list)) == (False, True, True)


def test_changes_stay_two_years_and_their_runs_as_long():
    recent, old, _ = make_run(days=700), make_run(days=731), make_run(days=1)
    kept, gone = make_change(recent), make_change(old)
    retention.prune()
    assert (exists(kept), exists(recent)) == (True, True)
    assert (exists(gone), exists(old)) == (False, False)


def test_runs_that_wait_or_run_are_never_deleted():
    waiting = make_run(days=0, status=Status.QUEUED, finished_at=None, requested_at=ago(days=400))
    make_run(days=1)
    retention.prune()
    assert exists(waiting)


def test_refresh_tokens_go_when_nobody_can_use_them_any_more():
    user = User.objects.create_user("agente")
    old, young = (
        OutstandingToken.objects.create(user=user, jti=str(days), token="", expires_at=ago(days=days))
        for days in (1, -1)
    )
    BlacklistedToken.objects.create(token=old)
    retention.prune()
    assert (exists(old), exists(young)) == (False, True)


def test_events_sessions_workers_and_results_of_django_q2_go():
    user = User.objects.create_user("agente")
    for days in (1, 31):
        at = ago(days=days)
        SyncEvent.objects.create(kind="run_queued", at=at)
        OrderFormSession.objects.create(user=user, opened_at=at, active_at=at, expires_at=at, closed_at=at)
        Task.objects.create(id=f"{days:032}", name=str(days), func="sync.tasks.tick", started=at, stopped=at)
        SyncWorker.objects.create(name=f"host:{days}", seen_at=at + timedelta(hours=1))
    retention.prune()
    for model in (SyncEvent, OrderFormSession, Task, SyncWorker):
        assert model.objects.count() == 1, model


def test_exports_of_runs_that_did_not_succeed_go_after_thirty_days(tmp_path):
    paths = [tmp_path / f"orders-{days}.pdf" for days in (29, 31)]
    for path in paths:
        path.write_bytes(b"%PDF")
    young, old = (
        make_run(days=days, status=Status.QUARANTINED, export_path=str(path))
        for days, path in zip((29, 31), paths, strict=True)
    )
    retention.prune()
    assert [path.exists() for path in paths] == [True, False]
    old.refresh_from_db()
    assert old.export_path == ""
    assert exists(young)


def test_files_that_no_run_speaks_of_go_after_a_day(tmp_path):
    stray, young, kept, foreign = paths = [
        tmp_path / name for name in ("orders-1-7.pdf", "orders-2-8.pdf", "ddt-3-9.pdf", "Clienti.pdf")
    ]
    for path in paths:
        path.write_bytes(b"%PDF")
    make_run(days=1, status=Status.QUARANTINED, export_path=str(kept))
    two_days_ago = ago(days=2).timestamp()
    for path in (stray, kept, foreign):
        os.utime(path, (two_days_ago, two_days_ago))
    retention.prune()
    assert [path.exists() for path in (stray, young, kept, foreign)] == [False, True, True, True]


def test_a_long_backlog_is_deleted_a_little_at_a_time(monkeypatch):
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    for _ in range(5):
        SyncEvent.objects.create(kind="run_queued", at=ago(days=40))
    left = []
    for _ in range(3):
        retention.prune()
        left.append(SyncEvent.objects.count())
    assert left == [3, 1, 0]
