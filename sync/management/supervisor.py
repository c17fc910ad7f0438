"""Management commands that run side by side as processes of their own, each started again when it dies."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

STARTS_WITHIN = 60  # seconds
STOPS_WITHIN = 10  # seconds for all together, then they are killed
LONGEST_BACK_OFF = 10.0  # seconds; a child that lived as long is started again at once
LOOKS_EVERY = 0.1  # seconds, while it waits for a child


class Child:
    """A management command in a process and a session of its own: Ctrl-C and a closed terminal do not reach it."""

    def __init__(self, name: str, *arguments: str, log: Path, port: int | None = None) -> None:
        self.name = name
        self.command = [sys.executable, sys.argv[0], *arguments]
        self.log = log
        self.port = port
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at = self.starts_at = 0.0  # monotonic seconds
        self.back_off = 0.0

    def start(self) -> None:
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(  # noqa: S603
                self.command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
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

    def bury(self) -> str:
        """Kill what a dead child has left of itself, decide when it starts again, and say how it died."""
        how = self.kill()
        now = time.monotonic()
        died_at_once = now - self.started_at < LONGEST_BACK_OFF
        self.back_off = min(max(0.5, self.back_off * 2), LONGEST_BACK_OFF) if died_at_once else 0
        self.starts_at = now + self.back_off
        return how

    def tell_to_stop(self) -> None:
        if self.process and self.is_alive:
            self.process.terminate()  # it alone: a worker whose helpers are told too would wait for them for ever

    def kill(self) -> str:
        """End all of its processes, whatever they do, and say how the main one ended."""
        if self.process is None:
            return ""
        with suppress(ProcessLookupError, PermissionError):  # none is left; on some systems, none but the dead
            os.killpg(self.process.pid, signal.SIGKILL)
        status = self.process.wait()
        self.process = None
        return f"exit status {status}" if status >= 0 else signal.Signals(-status).name


class Supervisor:
    """Keeps children running until this process is told to stop."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
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
            child.log.unlink(missing_ok=True)
            child.start()
            self.children.append(child)
        deadline = time.monotonic() + STARTS_WITHIN
        while not self.told_to_stop and (silent := [child for child in children if not child.answers]):
            for child in silent:
                if not child.is_alive or time.monotonic() > deadline:
                    raise CommandError(f"The {child.name} does not start. {child.log} says why.")
            time.sleep(LOOKS_EVERY)

    def restart_the_dead(self) -> None:
        for child in self.children:
            if child.process and not child.is_alive:
                how = child.bury()
                when = f"in {child.back_off:g} s" if child.back_off else "now"
                self.say(f"The {child.name} has died ({how}) and is started again {when}. Its log: {child.log}")
            if child.process is None and time.monotonic() >= child.starts_at:
                child.start()

    def stop(self) -> None:
        """Stop the children, the last one first: a worker gives back its run while the rest still answers."""
        deadline = time.monotonic() + STOPS_WITHIN
        for child in reversed(self.children):
            child.tell_to_stop()
            while child.is_alive and time.monotonic() < deadline:
                time.sleep(LOOKS_EVERY)
            child.kill()
