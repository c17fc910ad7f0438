"""django-q2's cluster as the child of a watchdog: its processes prove that they live, and stop when the line ends."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
import uuid
from functools import partial
from multiprocessing.process import BaseProcess

import django.db
from django.utils import timezone
from django_q import signals
from django_q.cluster import Sentinel
from django_q.conf import Conf
from django_q.signing import SignedPackage
from django_q.tasks import async_task

from sync.coordinator import worker
from sync.coordinator.broker import Broker
from sync.coordinator.heartbeats import ENDS_WITHIN, Line, Sign, get_probe_interval
from sync.disk import skip_if_disk_full

logger = logging.getLogger(__name__)

ASKS_AGAIN_AFTER = 1.0  # seconds, a database that does not answer
NO_ROW = 0  # as the number of a task that has none: nothing is to be acknowledged
SIGNS = {
    signals.post_spawn: Sign.WORKER,
    signals.pre_execute: Sign.WORKER_BEGINS,
    signals.post_execute_in_worker: Sign.WORKER_ENDS,
    signals.post_execute: Sign.MONITOR,
}


def run(descriptor: int) -> None:
    """Be the guard of a cluster until the line ends."""
    line = Line(descriptor)
    worker.become_worker(line, os.getppid())
    for happened, sign in SIGNS.items():
        happened.connect(partial(worker.prove_life, sign), weak=False)
    if broker := connect_broker(line):
        django.db.connections.close_all()  # its processes make their own
        Guard(line, broker)


def connect_broker(line: Line) -> ProvingBroker | None:
    """The broker, as soon as the database answers, with a first wake-up; None if told to stop before."""
    has_failed = False
    while True:
        try:
            broker = ProvingBroker(line)
            with skip_if_disk_full("The worker begins with its next minute"):
                async_task("sync.tasks.tick")  # what is due, or was left by a dead process, need not wait so long
            return broker
        except django.db.Error as error:
            if not has_failed:
                logger.error("The database does not answer: %s", error)
            has_failed = True
            django.db.connections.close_all()
        line.send(Sign.NO_DATABASE)
        if line.wait(ASKS_AGAIN_AFTER):
            return None


class Guard(Sentinel):  # type: ignore[misc]
    """Starts the other processes and looks after them, until the line ends."""

    def __init__(self, line: Line, broker: ProvingBroker) -> None:
        self.line = line
        super().__init__(line, threading.Event(), uuid.uuid4(), broker)  # returns when all has ended

    def spawn_cluster(self) -> None:
        # A service manager may send SIGTERM to all processes; but a run is given back by those that live on for that.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        super().spawn_cluster()

    def reincarnate(self, process: BaseProcess) -> None:
        """Replace a process that ended, as by an error. One that was killed may have left a lock taken for ever."""
        if process.exitcode is not None and process.exitcode >= 0:
            super().reincarnate(process)
            return
        part = {self.monitor: Sign.MONITOR, self.pusher: Sign.PUSHER}.get(process, Sign.WORKER)
        self.line.send(part.upper())  # the watchdog ends all of them, this one too

    def stop(self) -> None:
        """Stop all others; they end for certain, whatever has happened to any of them, and to the watchdog."""
        kill_all = threading.Timer(ENDS_WITHIN, os.killpg, (0, signal.SIGKILL))
        kill_all.daemon = True
        kill_all.start()
        super().stop()


class ProvingBroker(Broker):
    """Gives the pusher its tasks and, when there are none, now and then one that only proves that all live."""

    def __init__(self, line: Line) -> None:
        super().__init__()
        self.line = line
        self.gave_at = 0.0  # monotonic seconds
        self.has_failed = False

    def dequeue(self) -> list[tuple[int, str]] | None:
        self.line.send(Sign.PUSHER)
        try:
            tasks = super().dequeue()
        except django.db.Error as error:
            if not self.has_failed:  # said once, not for as long as it lasts
                logger.error("The database does not answer: %s", error)
            self.has_failed = True
            self.line.send(Sign.NO_DATABASE)
            django.db.connections[Conf.ORM].close()
            time.sleep(ASKS_AGAIN_AFTER)
            return None
        self.has_failed = False
        if not tasks and time.monotonic() - self.gave_at >= get_probe_interval():
            tasks = [(NO_ROW, make_probe())]
        if tasks:
            self.gave_at = time.monotonic()
        return tasks


def make_probe() -> str:
    """A task of which nothing is kept, as it is in no table."""
    task = {
        "id": uuid.uuid4().hex,
        "name": "heartbeat",
        "func": "sync.tasks.beat",
        "args": (),
        "kwargs": {},
        "started": timezone.now(),
        "save": False,
    }
    package: str = SignedPackage.dumps(task)
    return package
