"""What a process that carries out runs knows of itself: whether it is a worker, that it lives, that it must stop."""

from __future__ import annotations

import os
import socket
import threading
import time
from math import inf
from typing import Any, Protocol

from sync.coordinator.heartbeats import Line, Sign
from sync.database import clock
from sync.models import SyncWorker

WRITTEN_EVERY = 30.0  # seconds: each writing changes what a status rests on


class Stopping(Protocol):
    """What says that this process must stop."""

    def is_set(self) -> bool: ...


stopping: Stopping | None = None  # None in a process that cannot be told
line: Line | None = None  # to the watchdog, in a worker
name = ""  # of this process's row, in a worker
written_at = -inf  # monotonic seconds, when that row was


def prepare_to_stop() -> threading.Event:
    """Make what tells this process to stop."""
    global stopping
    stopping = told_to_stop = threading.Event()
    return told_to_stop


def become_worker(worker_line: Line, watchdog: int) -> None:
    """Make this process, and those that it starts, a worker that a watchdog looks at."""
    global stopping, line, name
    stopping = line = worker_line
    name = build_name(watchdog)  # which stays when the worker is started anew


def is_stopping() -> bool:
    """Whether this process must give back what it does."""
    return stopping is not None and stopping.is_set()


def prove_life(sign: Sign = Sign.WORKER, **_: Any) -> None:
    """Show the watchdog that this process gets on; nothing in a process that has none."""
    if line:
        line.send(sign)


def write_heartbeat() -> None:
    """Say that this worker lives, to the watchdog and to everybody; nothing in any other process."""
    global written_at
    prove_life()
    if not name:
        return
    now = clock.now()  # so that the database has to answer each time
    if time.monotonic() - written_at >= WRITTEN_EVERY:
        seen = {"seen_at": now, "stopped_at": None, "clock_ahead": clock.measure_lead()}
        SyncWorker.objects.update_or_create(name=name, defaults=seen)
        written_at = time.monotonic()


def build_name(watchdog: int) -> str:
    """A worker's name: the machine, and its main process."""
    return f"{socket.gethostname()}:{watchdog}"


def sign_off(watchdog: int) -> None:
    """Write down that a worker was stopped, and when."""
    now = clock.now()
    SyncWorker.objects.update_or_create(name=build_name(watchdog), defaults={"seen_at": now, "stopped_at": now})


def replace_predecessors() -> None:
    """Delete what is known of this machine's workers whose main process is gone: this one has taken their place."""
    SyncWorker.objects.filter(name=build_name(os.getpid())).update(started_at=clock.now())  # another's, of that number
    for row in SyncWorker.objects.filter(name__startswith=f"{socket.gethostname()}:"):
        process = int(row.name.rpartition(":")[2])
        if process != os.getpid() and not process_exists(process):
            row.delete()


def process_exists(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True
