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

from sync import mirror
from sync.exports.reader import Records
from sync.models import SyncLock, SyncRun

PATIENCE = 60.0  # seconds that a test waits for what must happen; the machine may be busy

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
    """A real `manage.py qcluster`, the leader of its own process group."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        folder.mkdir()
        self.log = folder / "log"
        env = env | {"DJANGO_SETTINGS_MODULE": "archibald.settings", "DATA_DIR": str(folder), "LOG_LEVEL": "INFO"}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, settings.BASE_DIR / "manage.py", "qcluster"],
                cwd=folder,
                env=env,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.pid = self.process.pid

    def processes(self) -> set[int]:
        """All that it consists of, but for zombies."""
        return {pid for pid, (state, group) in process_table().items() if group == self.pid and state != "Z"}

    def terminate(self) -> None:
        """What systemd sends to its main process."""
        self.process.terminate()

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait(PATIENCE)


def process_table() -> dict[int, tuple[str, int]]:
    """State and group of every process."""
    table = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            state, _, group = path.read_text().rpartition(")")[2].split()[:3]
            table[int(path.parent.name)] = state, int(group)
    return table


def until(is_so: Callable[[], Any]) -> None:
    """Wait for what must happen."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline, f"not so within {PATIENCE:g} s"
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
    owner, name = {"reading": (Records, "records"), "applying": (mirror.Writer, "change")}[where]
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
