"""django-q2's queue in the database, by the database's clock: a machine whose clock is ahead would hide its tasks."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

from django_q.brokers.orm import ORM
from django_q.conf import Conf

from sync.database import clock


class Broker(ORM):  # type: ignore[misc]
    def timeout(self, task: Any) -> datetime:
        return clock.now() + timedelta(seconds=Conf.RETRY)

    def queue_size(self) -> int:
        return int(self.get_connection().filter(key=self.list_key, lock__lte=clock.now()).count())

    def lock_size(self) -> int:
        return int(self.get_connection().filter(key=self.list_key, lock__gt=clock.now()).count())

    def enqueue(self, task: str) -> int:
        return int(
            self.get_connection().create(key=self.list_key or Conf.CLUSTER_NAME, payload=task, lock=clock.now()).pk
        )

    def dequeue(self) -> list[tuple[int, str]] | None:
        """The task that waits longest, claimed for this worker; after a pause, none."""
        task = self.get_connection().filter(key=self.list_key, lock__lt=clock.now()).first()
        if task is None:
            time.sleep(Conf.POLL)
        elif self.get_connection().filter(pk=task.pk, lock=task.lock).update(lock=self.timeout(task)):
            return [(task.pk, task.payload)]
        return None
