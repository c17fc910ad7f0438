"""django-q2's worker, which gives the run in progress back to the queue when it is told to stop."""

from __future__ import annotations

from typing import Any

from django.db import connections
from django_q.management.commands import qcluster
from django_q.management.commands.qcluster import Cluster
from django_q.tasks import async_task

from sync import worker
from sync.management.database import check_migrated


class GracefulCluster(Cluster):  # type: ignore[misc]
    """Its processes inherit the event that says that they must stop."""

    def start(self) -> int:
        self.told_to_stop = worker.prepare_to_stop()
        async_task("sync.tasks.tick")  # what is due, or was left by a dead process, need not wait for the next minute
        connections.close_all()  # its processes make their own
        pid: int = super().start()
        print("The worker has started. Stop it with Ctrl-C.", flush=True)
        return pid

    def stop(self) -> bool:
        self.told_to_stop.set()
        stopped: bool = super().stop()
        if stopped:
            worker.sign_off(self.sentinel.pid)
            print("The worker has stopped.", flush=True)
        return stopped


class Command(qcluster.Command):  # type: ignore[misc]
    help = "Start a worker, which runs what is due and what was asked for. Any number of machines may have one."

    def handle(self, *args: Any, **options: Any) -> None:
        check_migrated()
        qcluster.Cluster = GracefulCluster
        super().handle(*args, **options)
