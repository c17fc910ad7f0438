"""Management commands that run side by side as processes of their own, each started again when it dies or hangs."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

STARTS_WITHIN = 60  # seconds
STOPS_WITHIN = 15  # seconds for all together, then they are killed
LONGEST_BACK_OFF = 10.0  # seconds; a child that lived as long is started again at once
LOOKS_EVERY = 0.1  # seconds, while it waits for a child


class Child:
    """A management command in a process and a session of its own: Ctrl-C and a closed terminal do not reach it."""

    pass_fds: tuple[int, ...] = ()  # descriptors that it inherits

    def __init__(self, name: str, *arguments: str, log: Path | None = None, port: int | None = None) -> None:
        self.name = name
        self.command = [sys.executable, sys.argv[0], *arguments]
        self.log = log  # None: it writes where this process writes
        self.port = port
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at = self.starts_at = 0.0  # monotonic seconds
        self.back_off = 0.0
        self.told = ""  # the last fault

    def start(self) -> None:
        with self.log.open("ab") if self.log else nullcontext() as output:
            self.process = subprocess.Popen(  # noqa: S603
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                pass_fds=self.pass_fds,
            )
        self.started_at = time.monotonic()

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def answers(self) -> bool:
        """Whether something listens on its port; a child without one always answers."""
        if self.port is None:
            return True
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self.port)) == 0

    @property
    def has_worked(self) -> bool:
        """Whether it did something since its last start, so that the same fault is worth telling once more."""
        return True

    def find_fault(self) -> str:
        """Why it has to be started again, if it has to."""
        status = self.process.poll() if self.process else None
        if status is None:
            return ""
        ending = f"exit status {status}" if status >= 0 else signal.Signals(-status).name
        return f"has died ({ending})"

    def clean_up(self) -> None:
        """Kill what a dead child has left of itself, and decide when it starts again."""
        self.kill()
        now = time.monotonic()
        died_at_once = now - self.started_at < LONGEST_BACK_OFF
        self.back_off = min(max(0.5, self.back_off * 2), LONGEST_BACK_OFF) if died_at_once else 0
        self.starts_at = now + self.back_off

    def tell_to_stop(self) -> None:
        if self.process and self.is_alive:
            self.process.terminate()

    def kill(self) -> None:
        """End all of its processes, whatever they do."""
        if self.process is None:
            return
        with suppress(ProcessLookupError, PermissionError):  # none is left; on some systems, none but the dead
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None


class Supervisor:
    """Keeps children running until this process is told to stop."""

    def __init__(self, say: Callable[[str], None], *, stops_within: float = STOPS_WITHIN) -> None:
        self.say = say
        self.stops_within = stops_within
        self.children: list[Child] = []
        self.told_to_stop = False

    def obey_signals(self) -> None:
        """Stop on Ctrl-C, SIGTERM, and when the terminal is closed (but not under nohup)."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self.stop_soon)

    def stop_soon(self, *_: Any) -> None:
        self.told_to_stop = True

    def start(self, *children: Child) -> None:
        """Start children together and wait until all answer. Raises CommandError if one does not."""
        for child in children:
            if child.log:
                child.log.unlink(missing_ok=True)
            child.start()
            self.children.append(child)
        deadline = time.monotonic() + STARTS_WITHIN
        while not self.told_to_stop and (silent := [child for child in children if not child.answers]):
            for child in silent:
                if not child.is_alive or time.monotonic() > deadline:
                    where = child.log or "The log"
                    raise CommandError(f"The {child.name} does not start. {where} says why.")
            time.sleep(LOOKS_EVERY)

    def restart_the_dead(self) -> None:
        """Start again what is dead, or hangs. The same fault is told once, until the child has worked again."""
        for child in self.children:
            if fault := child.find_fault():
                is_news = child.has_worked or fault != child.told
                child.clean_up()
                child.told = fault
                when = f"in {child.back_off:g} s" if child.back_off else "now"
                log = f" Its log: {child.log}" if child.log else ""
                if is_news:
                    self.say(f"The {child.name} {fault} and is started again {when}.{log}")
            if child.process is None and time.monotonic() >= child.starts_at:
                child.start()

    def stop(self) -> None:
        """Stop the children, the last one first: a worker gives back its run while the rest still answers."""
        deadline = time.monotonic() + self.stops_within
        for child in reversed(self.children):
            child.tell_to_stop()
            while child.is_alive and time.monotonic() < deadline:
                time.sleep(LOOKS_EVERY)
            if child.is_alive:
                self.say(f"The {child.name} does not stop, and is killed.")
            child.kill()
