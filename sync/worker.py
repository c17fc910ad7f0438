"""What a process that carries out runs knows of itself: whether it is a worker, that it lives, that it must stop."""

from __future__ import annotations

import multiprocessing
import os
import socket
from multiprocessing.synchronize import Event
from typing import Any

from sync import clock
from sync.models import SyncWorker

stopping: Event | None = None  # shared by all processes of a cluster; None in a process that cannot be told
name = ""  # of this process's row, in a worker


def prepare_to_stop() -> Event:
    """Make what tells this process, and those that it starts afterwards, to stop."""
    global stopping
    stopping = multiprocessing.Event()
    return stopping


def is_stopping() -> bool:
    """Whether this process must give back what it does."""
    return stopping is not None and stopping.is_set()


def spawned(**_: Any) -> None:
    """Introduce this process as a worker: django-q2 has just started it."""
    global name
    name = name_of(os.getppid())  # which starts another worker when this one is used up
    beat()


def name_of(cluster: int) -> str:
    """A worker's name: the machine, and the process that guards it."""
    return f"{socket.gethostname()}:{cluster}"


def sign_off(cluster: int) -> None:
    """Say that a worker has stopped."""
    SyncWorker.objects.filter(name=name_of(cluster)).delete()


def beat() -> None:
    """Say that this worker lives; nothing in any other process."""
    if name:
        seen = {"seen_at": clock.now(), "clock_ahead": clock.ahead()}
        SyncWorker.objects.update_or_create(name=name, defaults=seen)
