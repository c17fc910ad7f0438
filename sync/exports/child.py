"""What the process does that reads a PDF: told which, it tells its pages, within the limits it sets itself first."""

from __future__ import annotations

import fcntl
import json
import os
import resource
import select
import signal
import struct
import sys
import time
import traceback
from pathlib import Path
from typing import Any, NoReturn

from sync.exceptions import ExportError
from sync.exports.limits import Limits
from sync.messages import to_json

HEADER = struct.Struct(">I")  # before each message: its length in bytes
MOST_BYTES = 16 * 1024**2  # of a message; a real page has 10 kB
OUT_OF_MEMORY = 77  # the status with which it ends
MOST_WRITTEN = 8 * 1024**2  # bytes to any file: page tables are kept, and what Python compiles

# What each byte of a file deserves.
MEMORY_OF_SIZE = 8  # bytes; an export of ten times the real size takes 3
OPENING_OF_SIZE = 0.1 / 1024**2  # of the seconds that a page may take
READING_OF_SIZE = 4 / 1024**2


def main() -> NoReturn:
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    for ends_parent in (signal.SIGINT, signal.SIGTERM):  # which may come to both: the parent says what becomes of it
        signal.signal(ends_parent, signal.SIG_IGN)
    from sync.exports.kept_tables import KeptTables  # before memory is limited: they take what they take
    from sync.exports.pages import open_pages

    line = sys.stdin.buffer.readline()
    if not line:  # nothing is to be read, as when the ERP gave no export
        os._exit(0)
    request = json.loads(line)
    path, limits = Path(request["path"]), Limits(**request["limits"])
    end_with_parent()
    pipe = fcntl.fcntl(1, fcntl.F_DUPFD_CLOEXEC, 3)  # never 2, which a parent without any has left free
    silence()
    try:
        budget = Budget(limits, path.stat().st_size)
        kept = KeptTables(Path(request["kept_tables"]) if request["kept_tables"] else None)
        with open_pages(path, limits, kept) as pages:
            send_message(pipe, {"pages": pages.count, "is_rebuilt": pages.is_rebuilt})
            budget.next_page()
            for page in pages:
                send_message(pipe, {"rows": page.rows, "edges": page.edges, "is_drawn_by_erp": page.is_drawn_by_erp})
                budget.next_page()
            kept.save()
            send_message(pipe, {"is_rebuilt": pages.is_rebuilt, "not_kept": kept.problem})
    except ExportError as error:
        send_message(pipe, {"error": type(error).__name__, "facts": to_json(error.facts)})
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except Exception as error:  # noqa: BLE001  # it has no other way to tell of a bug
        send_message(pipe, {"error": "bug", "text": repr(error), "traceback": traceback.format_exc()})
    os._exit(0)  # nothing is left to be put in order


def end_with_parent() -> None:
    """Have the system end this process when the other end of its standard input is closed, as by the parent's end."""
    fcntl.fcntl(0, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL) | os.O_ASYNC)  # SIGIO
    closed = select.poll()
    closed.register(0, select.POLLHUP)
    if closed.poll(0):
        os._exit(0)


def silence() -> None:
    """What libraries say of a hostile file is not for the log."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)


class Budget:
    """What reading may take: memory in all, and processor time for opening, for each page, and in all."""

    def __init__(self, limits: Limits, size: int) -> None:
        self.limits = limits
        self.all = limits.seconds * (1 + READING_OF_SIZE * size)
        limit(resource.RLIMIT_DATA, limits.memory_bytes + MEMORY_OF_SIZE * size)
        limit(resource.RLIMIT_CORE, 0)
        limit(resource.RLIMIT_FSIZE, MOST_WRITTEN)
        self.allow(limits.seconds * (1 + OPENING_OF_SIZE * size))

    def next_page(self) -> None:
        self.allow(min(self.limits.seconds, self.all - time.process_time()))

    def allow(self, seconds: float) -> None:
        """The system ends this process after so much processor time, whatever it is in the midst of."""
        signal.setitimer(signal.ITIMER_PROF, max(seconds, 0.001))


def limit(resource_type: int, most: int) -> None:
    """Where the system allows less already, that stays."""
    _, allowed = resource.getrlimit(resource_type)
    if allowed != resource.RLIM_INFINITY:
        most = min(most, allowed)
    resource.setrlimit(resource_type, (most, most))


def send_message(pipe: int, message: dict[str, Any]) -> None:
    data = json.dumps(message, separators=(",", ":")).encode()
    view = memoryview(HEADER.pack(len(data)) + data)
    while view:
        view = view[os.write(pipe, view) :]
