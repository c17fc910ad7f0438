"""Processes as /proc tells of them: which belong together, what memory they take, and their end."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ENDED = "ZX"  # states of a process that runs no more, and of which only its parent has not taken note
KILLING_LASTS = 2.0  # seconds at most; a process in the midst of a system call ends a little later
BETWEEN_LOOKS = 0.005  # seconds


@dataclass(frozen=True)
class Process:
    pid: int
    parent: int
    session: int  # the process group of all that one `setsid` began
    name: str

    @property
    def memory(self) -> int:
        """Bytes that are not of files; 0 if it has ended. Quickly told, unlike its share of all that it uses."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text(errors="replace")
        except OSError:  # it has ended
            return 0
        return sum(
            int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith(("RssAnon:", "RssShmem:"))
        )


def list_processes() -> Iterator[Process]:
    """All processes of this machine that have not ended."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            with suppress(OSError):  # it ended meanwhile
                # Its name stands in parentheses, and may hold some itself.
                name, _closed, rest = (folder / "stat").read_text(errors="replace").partition("(")[2].rpartition(")")
                state, parent, _group, session = rest.split()[:4]
                if state not in ENDED:
                    yield Process(int(folder.name), int(parent), int(session), name)


def find_tree(root: int, sessions: Collection[int] = ()) -> list[Process]:
    """A process, what it started, and what belongs to one of the sessions; parents before their children."""
    processes = list(list_processes())
    found = {each.pid: each for each in processes if each.pid == root or each.session in sessions}
    grows = True
    while grows:
        more = {each.pid: each for each in processes if each.parent in found and each.pid not in found}
        found |= more
        grows = bool(more)
    return sorted(found.values(), key=lambda each: each.pid != root)


def find_users(folder: str) -> Iterator[Process]:
    """The processes whose arguments name a folder."""
    for each in list_processes():
        with suppress(OSError):  # it ended meanwhile
            if folder in Path(f"/proc/{each.pid}/cmdline").read_text(errors="replace"):
                yield each


def find_started_with(variable: str) -> Iterator[Process]:
    """The processes of this user that were started with a variable, given as NAME=value."""
    for each in list_processes():
        with suppress(OSError):  # it ended meanwhile, or may not be looked at
            folder = Path(f"/proc/{each.pid}")
            is_ours = folder.stat().st_uid == os.geteuid()
            if is_ours and os.fsencode(variable) in (folder / "environ").read_bytes().split(b"\0"):
                yield each


def kill_tree(root: int, sessions: Collection[int] = (), *, spare_root: bool = False) -> list[Process]:
    """End them at once, and give those that are still there after KILLING_LASTS. It needs no answer of any of them."""
    given_up_at = time.monotonic() + KILLING_LASTS
    while True:
        tree = [each for each in find_tree(root, sessions) if not (spare_root and each.pid == root)]
        if not tree or time.monotonic() > given_up_at:
            return tree
        for each in tree:
            with suppress(ProcessLookupError):
                os.kill(each.pid, signal.SIGKILL)
        time.sleep(BETWEEN_LOOKS)
