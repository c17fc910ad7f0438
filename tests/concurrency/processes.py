"""Real processes for tests: children of this one, at whatever point of their work a test wants them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from unittest.mock import patch

from django.conf import settings
from django.db import connections

from sync.exports.reader import Records
from sync.mirror import comparison as mirror
from sync.models import SyncLock, SyncRun

PATIENCE = 60.0  # seconds that a test waits for what must happen; the machine may be busy

CLUSTER = ("guard", "worker", "monitor", "pusher")

fork = get_context("fork")


class Child:
    """A copy of this process that does one thing."""

    def __init__(self, work: Callable[..., None], *args: Any) -> None:
        connections.close_all()  # a connection is not shared
        self.process = fork.Process(target=work, args=args, daemon=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # the demo ERP's threads hold nothing that it needs
            self.process.start()
        self.pid = int(self.process.pid or 0)

    def stop(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        self.process.kill()
        self.process.join()

    @property
    def is_stopped(self) -> bool:
        return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"

    def ended_well(self) -> bool:
        self.process.join(PATIENCE)
        return self.process.exitcode == 0


class Worker:
    """A real `manage.py qcluster`: its watchdog, and what that has started."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        folder.mkdir()
        self.mark = f"DATA_DIR={folder}\0"  # in the environment of each of its processes
        self.log = folder / "log"
        env = env | {"DJANGO_SETTINGS_MODULE": "archibald.settings", "DATA_DIR": str(folder), "LOG_LEVEL": "INFO"}
        with self.log.open("wb") as log:
            self.main = subprocess.Popen(
                [sys.executable, settings.BASE_DIR / "manage.py", "qcluster"],
                cwd=folder,
                env=env,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.pid = self.main.pid

    def processes(self) -> set[int]:
        """All that it consists of, but for zombies."""
        return {int(path.parent.name) for path in Path("/proc").glob("[0-9]*/environ") if self.mark in read(path)}

    def process(self, part: str) -> int:
        """Its watchdog, or a process of its cluster, once all of that have started."""
        if part == "watchdog":
            return self.pid
        found: dict[str, int] = {}
        until(lambda: found.update(self.cluster()) or found)
        return found[part]

    def cluster(self) -> dict[str, int]:
        """The processes of its cluster, known by the order in which the guard starts them; none until all are there."""
        others = {pid: found for pid in self.processes() if (found := fields(pid))}
        guards = [pid for pid, (_, parent, *_) in others.items() if parent == str(self.pid)]
        started = sorted((int(start), pid) for pid, (_, parent, *_, start) in others.items() if int(parent) in guards)
        pids = [*guards, *(pid for _, pid in started)]
        return dict(zip(CLUSTER, pids, strict=True)) if len(pids) == len(CLUSTER) else {}

    def terminate(self) -> None:
        """What systemd sends to its main process."""
        self.main.terminate()

    def kill(self) -> None:
        while left := self.processes():
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.main.poll()
        self.main.wait(PATIENCE)


def read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:  # it has just ended, or is somebody else's
        return ""


def fields(pid: int) -> list[str]:
    """What the system says of a process: its state, its parent, ... and when it was started."""
    return read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()[:20]


def until(is_so: Callable[[], Any], *, within: float = PATIENCE) -> None:
    """Wait for what must happen."""
    deadline = time.monotonic() + within
    while not is_so():
        assert time.monotonic() < deadline, f"not so within {within:g} s"
        time.sleep(0.01)


def running_run() -> SyncRun | None:
    return SyncRun.objects.running().first()


def holder() -> int:
    """The process that holds the lock; 0 if it is free."""
    name = SyncLock.objects.get().holder
    return int(name.split(":")[1]) if name else 0


@contextmanager
def at_a_record(where: str, number: int, happen: Callable[[], None]) -> Iterator[None]:
    """What a run comes to at this record: while it is read, or in the midst of the transaction that applies it."""
    owner, name = {"reading": (Records, "read_records"), "applying": (mirror.Writer, "build_change")}[where]
    original = getattr(owner, name)
    count = 0

    def seen(result: Any) -> Any:
        nonlocal count
        count += 1
        if count == number:
            happen()
        return result

    def patched(*args: Any) -> Any:
        result = original(*args)
        return map(seen, result) if where == "reading" else seen(result)

    with patch.object(owner, name, patched):
        yield


def stop_here() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)
