"""Events for the many listeners of one process: the last ones in memory, as they go over the wire."""

from __future__ import annotations

import asyncio
import logging
from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import takewhile
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connections

from sync.monitoring import tail
from sync.monitoring.event_texts import AT_ONCE, Choice, Told
from sync.monitoring.tail import KEPT, LOOKS_EVERY, Tail

log = logging.getLogger(__name__)

T = TypeVar("T")

TRIES_AGAIN_AFTER = 1.0  # seconds, while the database does not answer


class Broadcast:
    """What the listeners of one event loop share, from the first one's coming to the last one's going."""

    def __init__(self) -> None:
        self.listeners = 0
        self.told: deque[Told] = deque(maxlen=KEPT)
        self.head = 0  # what has happened until here was told
        self.tail: Tail | None = None
        self.is_in_step = False  # with the database, as the tail was once
        self.changed = asyncio.Event()
        # One thread, and so one connection, however many listen.
        self.thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="events")
        self.watching = asyncio.create_task(self.watch())
        self.watching.add_done_callback(lambda _: self.wake())

    async def watch(self) -> None:
        while True:
            news: list[Told] = await self.ask(self.read_news, otherwise=[])
            if self.tail:
                self.head, self.is_in_step = self.tail.told, self.tail.is_in_step
            if news:
                self.told.extend(news)
                self.wake()
            await asyncio.sleep(LOOKS_EVERY)

    def read_news(self) -> list[Told]:
        self.tail = self.tail or Tail()
        return [Told.of(event) for event in self.tail.read_news()]

    async def ask(self, question: Callable[[], T], *, otherwise: T) -> T:
        """Ask the database; while it does not answer, nothing is known beyond what was."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self.thread, question)
        except (OperationalError, InterfaceError) as error:
            log.warning("The database does not answer those who listen to events: %s", error)
            self.thread.submit(connections.close_all)
            await asyncio.sleep(TRIES_AGAIN_AFTER)
            return otherwise

    async def take_after(self, number: int, choice: Choice) -> tuple[list[Told], int]:
        """What was chosen of what comes after a number, not too much at once; and how far that goes."""
        oldest = self.told[0].number if self.told else self.head + 1
        if number < oldest - 1:
            stored = await self.ask(lambda: choice.find_stored(after=number, until=oldest - 1), otherwise=None)
            if stored is None:
                return [], number
            return stored, stored[-1].number if len(stored) == AT_ONCE else oldest - 1
        others = takewhile(lambda event: event.number > number, reversed(self.told))
        events = list(others)[::-1][:AT_ONCE]
        return [event for event in events if choice.includes(event)], events[-1].number if events else number

    async def wait_for_change(self, *, within: float) -> None:
        """Wait until something is told, or this process is told to stop; for so many seconds at the most."""
        if self.watching.done():
            self.watching.result()
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self.changed.wait()

    def wake(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()

    def close(self) -> None:
        self.watching.cancel()
        self.thread.submit(connections.close_all)
        self.thread.shutdown(wait=False)


broadcasts: dict[AbstractEventLoop, Broadcast] = {}


@contextmanager
def join_broadcast() -> Iterator[Broadcast]:
    """The broadcast of this event loop, for one listener more."""
    loop = asyncio.get_running_loop()
    broadcast = broadcasts.get(loop) or broadcasts.setdefault(loop, Broadcast())
    broadcast.listeners += 1
    try:
        yield broadcast
    finally:
        broadcast.listeners -= 1
        if not broadcast.listeners:
            del broadcasts[loop]
            broadcast.close()


def find_start(after: int | None) -> int:
    """The number after which a listener begins: what it had last, or what has happened until now."""
    if after is not None and after <= tail.find_newest_number():
        return after
    heads = [broadcast.head for broadcast in list(broadcasts.values()) if broadcast.is_in_step]
    return max(heads) if heads else tail.find_last_number()
