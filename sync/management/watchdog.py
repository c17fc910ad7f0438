"""What looks at a worker's processes from outside: whether one of them is dead, or was silent for too long."""

from __future__ import annotations

import socket
import sys
import time
from math import inf

from django.conf import settings

from sync.coordinator.heartbeats import Sign, get_probe_interval
from sync.management.supervisor import STARTS_WITHIN, Child

LONGEST_LOOK_AWAY = 1.0  # seconds; more between two looks is no silence: this process was frozen
NAMES = {
    Sign.GUARD: "guard",
    Sign.PUSHER: "pusher",
    Sign.WORKER: "worker process",
    Sign.MONITOR: "monitor",
}
WAITING_FOR_A_TASK = (Sign.PUSHER, Sign.MONITOR)  # have nothing to do, nor are heard of, while a task goes on
PROBED = (Sign.WORKER, Sign.MONITOR)  # are heard of only when there is a task


class Pulse:
    """What the signs of life say of each process, by the seconds for which they were watched."""

    def __init__(self) -> None:
        self.now = 0.0
        self.heard_at = dict.fromkeys(NAMES, 0.0)
        self.dead: Sign | None = None
        self.working_since: float | None = None  # at a task
        self.has_started = False  # the guard was heard of
        self.has_worked = False  # a task went through all processes

    def note(self, sign: str) -> None:
        match sign:
            case Sign.WORKER_BEGINS:
                self.working_since = self.now
                self.hear(Sign.WORKER)
            case Sign.WORKER_ENDS if self.working_since is not None:
                for process in WAITING_FOR_A_TASK:
                    self.heard_at[process] = min(self.now, self.heard_at[process] + self.now - self.working_since)
                self.working_since = None
                self.hear(Sign.WORKER)
            case Sign.GUARD if not self.has_started:
                self.has_started = True
                self.hear(*NAMES)
            case Sign.NO_DATABASE:
                self.hear(Sign.PUSHER, *PROBED)
            case _ if sign.isupper():
                self.dead = Sign(sign.lower())
            case _:
                self.has_worked = self.has_worked or sign == Sign.MONITOR
                self.hear(Sign(sign))

    def hear(self, *processes: Sign) -> None:
        self.heard_at |= dict.fromkeys(processes, self.now)

    def find_fault(self) -> str:
        """Why the processes have to be started anew, if they have to."""
        if self.dead:
            return f"is broken (its {NAMES[self.dead]} has died)"
        if not self.has_started:
            return f"does not start (nothing was heard of it for {STARTS_WITHIN} s)" if self.now > STARTS_WITHIN else ""
        excess = {process: self.measure_silence(process) - self.find_longest_silence(process) for process in NAMES}
        process = max(excess, key=lambda each: excess[each])
        if excess[process] <= 0:
            return ""
        return f"hangs (its {NAMES[process]} has been silent for {self.measure_silence(process):.0f} s)"

    def measure_silence(self, process: Sign) -> float:
        return self.now - self.heard_at[process]

    def find_longest_silence(self, process: Sign) -> float:
        """How long a process that is well may be silent now."""
        hangs_after: float = settings.WORKER_HANGS_AFTER.total_seconds()
        if self.working_since is not None:
            return inf if process in WAITING_FOR_A_TASK else hangs_after
        return hangs_after + get_probe_interval() if process in PROBED else hangs_after


class Cluster(Child):
    """A worker's processes, which a watchdog looks at through a line that they share."""

    def __init__(self) -> None:
        super().__init__("worker")
        self.pulse = Pulse()
        self.line: socket.socket | None = None
        self.looked_at = 0.0  # monotonic seconds

    def start(self) -> None:
        self.line, theirs = socket.socketpair()
        self.line.setblocking(False)
        with theirs:
            self.pass_fds = (theirs.fileno(),)
            self.command = [sys.executable, sys.argv[0], "qcluster", "--skip-checks", f"--line={theirs.fileno()}"]
            super().start()
        self.looked_at = time.monotonic()

    @property
    def answers(self) -> bool:
        self.listen()
        return self.pulse.has_started

    @property
    def has_worked(self) -> bool:
        return self.pulse.has_worked

    def find_fault(self) -> str:
        if self.line:
            self.listen()
        return super().find_fault() or self.pulse.find_fault()

    def listen(self) -> None:
        """Note the signs that have come, and for how long none has."""
        now = time.monotonic()
        self.pulse.now += min(now - self.looked_at, LONGEST_LOOK_AWAY)
        self.looked_at = now
        for sign in read_signs(self.line):
            self.pulse.note(sign)

    def tell_to_stop(self) -> None:
        if self.line:
            self.line.shutdown(socket.SHUT_WR)

    def kill(self) -> None:
        super().kill()
        self.pulse = Pulse()  # what the dead have said is no fault of those that are started next
        if self.line:
            self.line.close()
            self.line = None


def read_signs(line: socket.socket | None) -> str:
    """What has come until now."""
    signs = b""
    while line:
        try:
            more = line.recv(4096)
        except (BlockingIOError, ConnectionResetError):  # nothing more; its end is seen by the process itself
            break
        if not more:
            break
        signs += more
    return signs.decode()
