"""Getting a file from what may hang: in a thread of its own, which is given up when its time is over."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import BinaryIO, Protocol

from sync.exceptions import ErpUnavailable, ExportTooLarge
from sync.exports.limits import Limits
from sync.messages import Message
from sync.messages import gettext_noop as _
from sync.progress import Progress, Stage

CHUNK = 1024 * 1024  # bytes
LARGEST_EXPORT = Limits().file_bytes
BETWEEN_CHECKPOINTS = 0.1  # seconds; 0.25 is promised


class Transfer(Protocol):
    """A file on its way. `done` and `total`, in bytes, are read while it runs. Nothing over a limit is written."""

    done: int
    total: int | None

    def run(self) -> None:
        """Raises an ErpError or ExportTooLarge.

        Ends soon after its file was closed, if what it waits for answers at all.
        """


@contextmanager
def open_new_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write; it is there only if all went well."""
    try:
        with path.open("wb") as file:
            yield file
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def check_export_size(size: int, *, largest: int, is_all: bool = True) -> None:
    """Raises ExportTooLarge for a size in bytes that is over the limit; `is_all` says that no more would come."""
    if size > largest:
        what = _("its size ({size} bytes)") if is_all else _("its size (at least {size} bytes)")
        raise ExportTooLarge(what=Message(what, size=size), limit=largest, setting="EXPORT_MAX_BYTES")


def read_file(path: Path, *, largest: int) -> Iterator[bytes]:
    """A file in chunks. Raises ExportTooLarge before the first, or before the one that is over the limit."""
    with path.open("rb") as file:
        check_export_size(os.fstat(file.fileno()).st_size, largest=largest)
        done = 0
        while chunk := file.read(CHUNK):  # it may have no size, or grow
            done += len(chunk)
            check_export_size(done, largest=largest, is_all=False)
            yield chunk


class WaitingThread:
    """The thread that waits for a transfer, of which the transfer's own thread may ask what needs the database."""

    def __init__(self) -> None:
        self.asked: SimpleQueue[Callable[[], None] | None] = SimpleQueue()  # None: the transfer has ended
        self.has_left = False

    def call(self, function: Callable[[], object]) -> None:
        """Have the waiting thread call it. Raises what it raises, and ErpUnavailable if nobody waits any more."""
        outcome: Future[None] = Future()
        self.asked.put(partial(settle, outcome, function))
        while not wait([outcome], timeout=BETWEEN_CHECKPOINTS).done:
            if self.has_left:
                raise ErpUnavailable(reason=Message(_("the export was given up")))
        outcome.result()

    def wait(self) -> bool:
        """Wait a moment, and do what is asked. Says whether the transfer has ended."""
        try:
            asked = self.asked.get(timeout=BETWEEN_CHECKPOINTS)
        except Empty:
            return False
        if asked:
            asked()
        return asked is None


def carry_out(
    transfer: Transfer, *, at_most: timedelta, progress: Progress, waiting: WaitingThread | None = None
) -> None:
    """Wait for a transfer, telling how far it is. Raises what it raises, and what `progress` raises.

    And ErpUnavailable when its time is over, whatever it waits for: no sum of short waits may be longer. Its thread is
    left to itself then. One that the system does not let go, as that of a network folder without its server, stays.
    """
    given_up_at = time.monotonic() + at_most.total_seconds()
    outcome: Future[None] = Future()
    waiting = waiting or WaitingThread()
    outcome.add_done_callback(lambda _outcome: waiting.asked.put(None))
    Thread(target=settle, args=(outcome, transfer.run), name="erp-transfer", daemon=True).start()
    try:
        while not waiting.wait():
            progress(Stage.FETCHING, transfer.done, transfer.total)
            if time.monotonic() > given_up_at:
                seconds = f"{at_most.total_seconds():g}"
                reason = Message(_("the export was not complete after {seconds} s"), seconds=seconds)
                raise ErpUnavailable(reason=reason)
    finally:
        waiting.has_left = True
    outcome.result()
    progress(Stage.FETCHING, transfer.done, transfer.total)


def settle(outcome: Future[None], work: Callable[[], object]) -> None:
    try:
        work()
        outcome.set_result(None)
    except BaseException as error:  # noqa: BLE001  # it is raised where the outcome is awaited
        outcome.set_exception(error)
