"""The process in which a PDF is opened and read: it may take so much memory and time, and no more.

A PDF of a few kilobytes can make any reader take gigabytes or hours, or crash it. Here that ends a small process that
holds no secret, and is a named error of the run. The page tables come through a pipe; whoever reads them learns at
least every LOOKS_EVERY that it must stop, also within a page.
"""

from __future__ import annotations

import json
import logging
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import IO, Any, cast

from sync import exceptions
from sync.exceptions import ExportDamaged, ExportReaderKilled, ExportTooCostly
from sync.exports.child import HEADER, MOST_BYTES, OUT_OF_MEMORY
from sync.exports.limits import Limits, check_ends
from sync.exports.page import PageTable
from sync.messages import Message, from_json
from sync.messages import gettext_noop as _
from sync.progress import Progress, Stage

logger = logging.getLogger(__name__)

LOOKS_EVERY = 0.1  # seconds
LOADER_OUT_OF_MEMORY = 127  # the status of a process whose libraries get no memory for data of their own
CRASHES = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)
PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "LANG", "TZ")  # of the environment: what starts Python, and no password
CHUNK = 64 * 1024  # bytes; what a pipe holds


class PageProcess:
    """The pages of a PDF, to be iterated once, as another process reads them. Whatever it cannot read is an
    ExportError, when it is entered or while iterating."""

    def __init__(
        self,
        path: Path,
        limits: Limits,
        progress: Progress,
        *,
        started: subprocess.Popen[bytes] | None = None,
        kept_tables: Path | None = None,
    ) -> None:
        self.path = path
        self.started = started  # else one is started now
        self.kept_tables = kept_tables  # where page tables are kept from one export of the list to the next
        self.limits = limits
        self.progress = progress
        self.count = 0
        self.is_rebuilt = False
        self.read = 0  # pages
        self.received = bytearray()

    def __enter__(self) -> PageProcess:
        check_ends(self.path, self.limits)
        self.process = self.started or start_python()
        self.requests, self.messages = cast(IO[bytes], self.process.stdin), cast(IO[bytes], self.process.stdout)
        try:
            request = {
                "path": str(self.path.absolute()),
                "limits": asdict(self.limits),
                "kept_tables": str(self.kept_tables.absolute()) if self.kept_tables else None,
            }
            try:
                self.requests.write(json.dumps(request).encode() + b"\n")
            except BrokenPipeError:  # it has ended since it was started
                raise self.error_of_end() from None
            self.poll = select.poll()  # select() takes no file beyond the thousandth
            self.poll.register(self.messages, select.POLLIN)
            opened = self.receive()
            self.count, self.is_rebuilt = opened["pages"], opened["is_rebuilt"]
        except BaseException:
            end_process(self.process)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        end_process(self.process)

    def __iter__(self) -> Iterator[PageTable]:
        for number in range(1, self.count + 1):
            page = self.receive()
            self.read = number
            yield PageTable(number, page["rows"], page["edges"], page["is_drawn_by_erp"])
        end = self.receive()
        self.is_rebuilt = end["is_rebuilt"]
        if end["not_kept"]:
            logger.warning("Page tables could not be kept, so the next export is read in full: %s", end["not_kept"])

    def receive(self) -> dict[str, Any]:
        """The next message of the process. Raises the error that it tells, or that its end is."""
        size = HEADER.unpack(self.take(HEADER.size))[0]
        if size > MOST_BYTES:
            raise RuntimeError(f"The process that reads {self.path} sends {size} bytes at once")
        message: dict[str, Any] = json.loads(self.take(size))
        if "error" in message:
            raise rebuild_error(message)
        return message

    def take(self, size: int) -> bytes:
        """So many bytes of what the process sends; `progress` is called while they are waited for."""
        while len(self.received) < size:
            if not self.poll.poll(LOOKS_EVERY * 1000):
                self.progress(Stage.READING, self.read, self.count or None)
                continue
            chunk = os.read(self.messages.fileno(), CHUNK)
            if not chunk:
                raise self.error_of_end()
            self.received += chunk
        taken = bytes(self.received[:size])
        del self.received[:size]
        return taken

    def error_of_end(self) -> Exception:
        """Why the process ended before it had told everything."""
        code = self.process.wait()
        what = Message(_("its opening"))
        if self.count:
            what = Message(_("page {page}"), page=self.read + 1)
        if code in (OUT_OF_MEMORY, LOADER_OUT_OF_MEMORY):
            limit = Message(_("{count} MB of memory"), count=self.limits.memory_bytes // 1024**2)
            return ExportTooCostly(what=what, limit=limit, setting="EXPORT_MAX_MEMORY_BYTES")
        if code == -signal.SIGPROF:
            limit = Message(_("{count} s of processor time"), count=f"{self.limits.seconds:g}")
            return ExportTooCostly(what=what, limit=limit, setting="EXPORT_MAX_SECONDS")
        if -code in CRASHES:
            return ExportDamaged(reason=Message(_("{what} makes the program that reads it crash"), what=what))
        if code < 0:
            return ExportReaderKilled(what=what, signal=signal.Signals(-code).name)
        return RuntimeError(f"The process that reads {self.path} ended with status {code}; its own output tells why")


@contextmanager
def start_process() -> Iterator[subprocess.Popen[bytes]]:
    """A process that waits to be told what to read, for a PageProcess: started while the ERP is still asked, it costs
    nobody the 0.1 s of its start."""
    process = start_python()
    try:
        yield process
    finally:
        end_process(process)


def end_process(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    with process:  # closes its pipes and waits
        pass


def start_python() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        # Without `site`, which has nothing to add: Python starts twice as fast.
        [sys.executable, "-P", "-S", "-c", "from sync.exports.child import main; main()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=build_environment(),
        cwd="/",
        bufsize=0,
    )


def build_environment() -> dict[str, str]:
    """For a Python of its own: it knows where modules are, and none of the passwords that are in the environment."""
    package = str(Path(__file__).resolve().parents[2])
    where = os.pathsep.join(dict.fromkeys([*filter(None, sys.path), package]))
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ} | {"PYTHONPATH": where}


def rebuild_error(message: dict[str, Any]) -> Exception:
    """The error that the process tells: an ExportError by name, or a bug with its traceback."""
    if message["error"] == "bug":
        error = RuntimeError(message["text"])
        error.add_note(message["traceback"])
        return error
    kind: type[exceptions.ExportError] = getattr(exceptions, message["error"])
    return kind(**from_json(message["facts"]))
