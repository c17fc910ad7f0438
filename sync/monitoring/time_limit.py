"""Work over connections that can be cut, for so long and no longer."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from functools import partial
from threading import Event, Thread

from sync.erp.severable import Line
from sync.erp.transfer import settle

LOOKS_EVERY = 0.1  # seconds between two looks at whether the work has ended
LAST_WORDS = 1.0  # seconds for a thread to end whose connections were cut


def run_within(seconds: float, work: Callable[[Line], None], told_to_stop: Event) -> None:
    """Do it in a thread of its own, whose connections are cut when its time is over. Raises what it raises.

    Raises TimeoutError if it did not come to its end, InterruptedError if this process was told to stop. The thread
    keeps no process from ending: before it is connected, as while a name is looked up, there is nothing to cut.
    """
    line, outcome = Line(), Future[None]()
    ends = time.monotonic() + seconds
    Thread(target=settle, args=(outcome, partial(work, line)), name="alert", daemon=True).start()
    try:
        while not wait([outcome], timeout=LOOKS_EVERY).done:
            if told_to_stop.is_set():
                raise InterruptedError
            if time.monotonic() > ends:
                line.cut()
                if not wait([outcome], timeout=LAST_WORDS).done or outcome.exception():
                    raise TimeoutError
                return  # done: only the goodbye was slow
    finally:
        line.cut()
    outcome.result()
