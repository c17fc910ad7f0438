"""Erasing a customer's data from what syncs keep: whose it is, where it is kept, and when it may be erased.

Which records are a customer's, and what else holds his data, says `orders.erasure`.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sync.coordinator import mutex, runner, turns, wake_ups
from sync.coordinator.mutex import Lease
from sync.models import MirroredModel

Pause = Callable[[], object]


@dataclass(frozen=True)
class Subject:
    """Whose data is to be erased.

    `gone` are his records that the ERP no longer shows, by list: they are anonymised. Those that it still `shown` come
    again with every export: they stay, and only what they were before goes. `texts` tell who he is wherever they stand.
    """

    account_number: str
    gone: Mapping[str, Sequence[MirroredModel]]
    shown: Mapping[str, Sequence[MirroredModel]]
    texts: frozenset[str]


class Store(ABC):
    """A place where personal data is kept."""

    @abstractmethod
    def find(self, subject: Subject, pause: Pause) -> list[str]:
        """Look for what is to be erased, and tell it, a line for each kind. Calls `pause` now and then."""

    @abstractmethod
    def erase(self) -> None:
        """Erase what was found, in the caller's transaction."""


@contextmanager
def hold_lock_between_syncs(waiting: Callable[[], None]) -> Iterator[Lease]:
    """Hold the lock, so that nothing is synced meanwhile; `waiting` is called while another process holds it."""
    while True:
        with mutex.hold_lock() as lease:
            if lease:
                with mutex.translate_lost_connection():
                    runner.recover(lease)
                    yield lease
                break
        waiting()
        time.sleep(runner.POLLED_EVERY)
    if turns.find_runnable().exists():
        wake_ups.wake_worker()


def format_plural(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
