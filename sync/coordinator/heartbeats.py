"""The line between the processes of a worker and the watchdog that looks at them from outside.

Two connected sockets: the watchdog holds one end alone, the processes share the other. They send a sign whenever one
of them proves that it lives. The watchdog sends nothing: when its end is shut, as they are to stop or as it is dead,
all of them see it. No lock is shared that a process could keep when it is killed.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from contextlib import suppress
from enum import StrEnum

from django.conf import settings

ENDS_WITHIN = 20.0  # seconds after the line was shut; the watchdog, if it lives, waits less
HEARTBEATS = 3  # in a lease
LONGEST_SILENCE = 20.0  # seconds, of a worker that has nothing to do


class Sign(StrEnum):
    """What a process proves. As a capital letter: that the guard has found it dead."""

    GUARD = "g"
    PUSHER = "p"
    WORKER = "w"
    WORKER_BEGINS = "b"  # a task
    WORKER_ENDS = "e"
    MONITOR = "m"
    NO_DATABASE = "n"  # the pusher has asked for tasks: the others cannot be given any


def get_probe_interval() -> float:
    """After how many seconds without a task the pusher sends one round that only proves that all processes live."""
    return min(settings.SYNC_LEASE.total_seconds() / HEARTBEATS, LONGEST_SILENCE)


class Line:
    """The end that a worker's processes share; to django-q2's guard it is the event that says that it must stop."""

    def __init__(self, descriptor: int) -> None:
        self.socket = socket.socket(fileno=descriptor)
        self.socket.setblocking(False)
        self.ended_at: float | None = None  # monotonic seconds, as this process has seen it

    def send(self, sign: str) -> None:
        """Prove a sign of life. Ends all processes if they should have ended long ago: whoever comes here is alive."""
        with suppress(BlockingIOError, BrokenPipeError, ConnectionResetError):  # the watchdog is frozen, or gone
            self.socket.send(sign.encode())
        if not self.is_set():
            return
        if self.ended_at is None:
            self.ended_at = time.monotonic()
        elif time.monotonic() - self.ended_at > ENDS_WITHIN:
            os.killpg(0, signal.SIGKILL)

    def is_set(self) -> bool:
        """Whether the processes must stop."""
        try:
            return not self.socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except ConnectionResetError:  # the watchdog died before it had read everything
            return True

    def wait(self, seconds: float) -> bool:
        """Wait at most so long for the order to stop. The guard comes here twice a second, which proves its life."""
        self.send(Sign.GUARD)
        select.select([self.socket], [], [], seconds)
        return self.is_set()
