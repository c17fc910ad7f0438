"""Deleting what nobody needs any more, a little at a time, so that no transaction is long."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import models
from django_q.models import Task

from sync import failure_files
from sync.accounts import guesses
from sync.coordinator import worker
from sync.coordinator.kept_exports import OUR_EXPORT
from sync.database import clock
from sync.models import (
    Alert,
    ColumnDrift,
    ErpDay,
    OrderFormSession,
    PasswordGuess,
    RecordChange,
    SeenList,
    SignIn,
    SyncEvent,
    SyncRun,
    SyncWorker,
)

AT_ONCE = 1000  # rows of one table; more wait for the next time, a minute later
KEEP_SESSIONS = timedelta(days=30)
KEEP_WORKERS = timedelta(days=1)  # after they were last seen; the last of them stays known
KEEP_TASKS = timedelta(days=7)  # of django-q2; those that still wait are its own affair
KEEP_STRAY_FILES = timedelta(hours=1)  # that no run names; one that is still being fetched is younger


def prune() -> None:
    """Delete what is older than the settings keep. What the mirror's state rests on stays however old it is."""
    now = clock.now()
    delete_stray_files(now)  # first: what makes room needs none
    forget_failures(now)
    delete_some(RecordChange.objects.filter(run__finished_at__lt=now - settings.KEEP_CHANGES))
    to_be_told = models.Exists(Alert.objects.waiting().filter(event=models.OuterRef("pk")))
    delete_some(SyncEvent.objects.filter(~to_be_told, at__lt=now - settings.KEEP_EVENTS))  # and their alerts
    delete_some(ColumnDrift.objects.outdated().filter(at__lt=now - settings.KEEP_CHANGES))
    forget_exports(now)
    delete_some(find_forgettable_runs(now), oldest_by="finished_at")
    delete_some(ErpDay.objects.filter(day__lt=clock.today() - settings.KEEP_RUNS))
    delete_some(OrderFormSession.objects.filter(expires_at__lt=now - KEEP_SESSIONS))
    last_seen = SyncWorker.objects.order_by("-seen_at").values("pk")[:1]
    delete_some(SyncWorker.objects.filter(seen_at__lt=now - KEEP_WORKERS).exclude(pk=models.Subquery(last_seen)))
    delete_some(SignIn.objects.filter(expires_at__lt=now))
    delete_some(PasswordGuess.objects.filter(at__lt=now - guesses.WITHIN))
    delete_some(Task.objects.filter(stopped__lt=now - KEEP_TASKS))


def delete_some(rows: models.QuerySet[Any], *, oldest_by: str = "pk") -> None:
    worker.prove_life()
    oldest = list(rows.order_by(oldest_by).values_list("pk", flat=True)[:AT_ONCE])
    if oldest:
        rows.model._default_manager.filter(pk__in=oldest).delete()


def find_forgettable_runs(now: datetime) -> models.QuerySet[SyncRun]:
    """Old runs whose changes are gone, or that changed nothing.

    Never the last of a type that ended so and was read from the same, nor the one that looks are compared with.
    """
    later = SyncRun.objects.filter(
        sync_type=models.OuterRef("sync_type"),
        status=models.OuterRef("status"),
        mode=models.OuterRef("mode"),
        read_from=models.OuterRef("read_from"),
        pk__gt=models.OuterRef("pk"),
    )
    return SyncRun.objects.filter(
        models.Exists(later),
        ~models.Exists(RecordChange.objects.filter(run=models.OuterRef("pk"))),
        ~models.Exists(SyncRun.objects.filter(accepts=models.OuterRef("pk"))),
        ~models.Exists(SeenList.objects.filter(run=models.OuterRef("pk"))),
        finished_at__lt=now - settings.KEEP_RUNS,
        export_path="",
    )


def forget_exports(now: datetime) -> None:
    """Delete the exports of runs that ended long ago without success. They can no longer be accepted then."""
    old = SyncRun.objects.filter(finished_at__lt=now - settings.KEEP_EXPORTS).exclude(export_path="")
    for run in old.order_by("finished_at")[:AT_ONCE]:
        Path(run.export_path).unlink(missing_ok=True)
        SyncRun.objects.filter(pk=run.pk).update(export_path="")


def delete_stray_files(now: datetime) -> None:
    """Delete exports that no run speaks of: their process was killed. Files that no run has named are not ours."""
    folder = settings.EXPORT_DIR
    if not folder.is_dir():
        return
    too_old = (now - KEEP_STRAY_FILES).timestamp()
    ours = [path for path in folder.iterdir() if OUR_EXPORT.fullmatch(path.name)]
    old = [path for path in ours if path.stat().st_mtime < too_old]
    kept = (
        set(SyncRun.objects.filter(~models.Q(export_path="")).values_list("export_path", flat=True)) if old else set()
    )
    # Where the clock of the machine that fetches is an hour behind, a new file looks old.
    being_fetched = tuple(f"{run.sync_type}-{run.pk}-" for run in SyncRun.objects.running())
    for path in old:
        if str(path) not in kept and not path.name.startswith(being_fetched):
            path.unlink(missing_ok=True)


def forget_failures(now: datetime) -> None:
    """Delete what the ERP showed in runs that ended long ago, succeeded, or are gone, and in an old check."""
    too_old = (now - KEEP_STRAY_FILES).timestamp()
    files = [
        (path, int(match["run"]))
        for path, match in failure_files.list_failure_files()
        if path.stat().st_mtime < too_old
    ]
    runs = SyncRun.objects.filter(pk__in={run for _path, run in files})
    outdated = models.Q(status=SyncRun.Status.SUCCEEDED) | models.Q(finished_at__lt=now - settings.KEEP_EXPORTS)
    kept = set(runs.exclude(outdated).values_list("pk", flat=True))
    for path, run in files:
        if run not in kept:
            path.unlink(missing_ok=True)
    for path in failure_files.list_check_files():
        if path.stat().st_mtime < (now - settings.KEEP_EXPORTS).timestamp():
            path.unlink(missing_ok=True)
