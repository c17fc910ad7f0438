"""What a process of `manage.py qcluster` knows of itself: that it is one, that it lives, that it must stop."""

from __future__ import annotations

import multiprocessing
import os
import socket
from multiprocessing.synchronize import Event
from typing import Any

from django.utils import timezone

from sync.models import SyncWorker

stopping: Event | None = None  # shared by all processes of one cluster; None in any other process
name = ""  # of this process's row, in a worker


def prepare_to_stop() -> Event:
    """Make what tells all processes of a cluster to stop. To be called before it starts them."""
    global stopping
    stopping = multiprocessing.Event()
    return stopping


def is_stopping() -> bool:
    """Whether this process must give back what it does."""
    return stopping is not None and stopping.is_set()


def spawned(**_: Any) -> None:
    """Introduce this process as a worker: django-q2 has just started it."""
    global name
    name = f"{socket.gethostname()}:{os.getppid()}"  # the cluster's: it starts another worker when this one is used up
    beat()


def beat() -> None:
    """Say that this worker lives; nothing in any other process."""
    if name:
        SyncWorker.objects.update_or_create(name=name, defaults={"seen_at": timezone.now()})
