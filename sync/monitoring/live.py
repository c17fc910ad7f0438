"""Events as they happen, for the many listeners of one process.

A tail reads every event once, in an order in which none can be lost; a broadcast keeps the last ones in memory, as they
go over the wire. Each listener takes from there what it has not had yet: a slow one costs nothing, and one that is far
behind reads from the database.
"""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Collection, Iterator
from contextlib import nullcontext
from functools import partial
from types import FrameType
from typing import Any, Self
from weakref import WeakSet

from django.conf import settings

from sync.monitoring.broadcast import broadcasts, join_broadcast
from sync.monitoring.event_texts import Choice

HEARTBEAT = 15.0  # seconds of silence, after which a proxy might take the connection for dead
LONGEST = 600.0  # seconds; then the client comes again, and must prove again who it is
BEGINS_WITHIN = 20.0  # seconds; the client of a stream that does not is gone, though memory may hold the stream long
RECONNECTS_AFTER = 2000  # milliseconds


class Subscription:
    """One stream of a user, which counts until its end. One that does not begin counts for a moment only."""

    def __init__(self, user_id: int) -> None:
        self.user_id = user_id
        self.begins_by: float | None = time.monotonic() + BEGINS_WITHIN  # None once it has begun

    @property
    def counts(self) -> bool:
        return self.begins_by is None or self.begins_by > time.monotonic()

    def __enter__(self) -> Self:
        self.begins_by = None
        return self

    def __exit__(self, *_: object) -> None:
        with subscribing:
            subscriptions[self.user_id].discard(self)


subscriptions: defaultdict[int, WeakSet[Subscription]] = defaultdict(WeakSet)  # by user
subscribing = threading.Lock()


def subscribe(user_id: int) -> Subscription | None:
    """For one stream more of a user; None if there are too many already."""
    with subscribing:
        if sum(each.counts for each in subscriptions[user_id]) >= settings.MAX_STREAMS_PER_USER:
            return None
        subscription = Subscription(user_id)
        subscriptions[user_id].add(subscription)
        return subscription


async def listen(
    number: int,
    *,
    types: Collection[str] = (),
    kinds: Collection[str] = (),
    subscription: Subscription | None = None,
    for_staff: bool = False,
    is_allowed: Callable[[], bool] = lambda: True,
) -> AsyncGenerator[bytes, None]:
    """The events after a number as server-sent events, until the client must come again.

    `is_allowed` asks the database, at each heartbeat, whether the user may go on listening.
    """
    end_with_the_process()
    choice = Choice(types, kinds)
    clock = asyncio.get_running_loop().time
    # An id without data is no event: the client only remembers where to go on.
    yield f"retry: {RECONNECTS_AFTER}\nid: {number}\n\n".encode()
    with subscription or nullcontext(), join_broadcast() as broadcast:
        ends_at, beats_at, asks_at = clock() + LONGEST, clock() + HEARTBEAT, clock() + HEARTBEAT
        while not stopping and clock() < ends_at:
            if clock() >= asks_at:
                if not await broadcast.ask(is_allowed, otherwise=True):
                    return
                asks_at = clock() + HEARTBEAT
            before = number
            events, number = await broadcast.take_after(before, choice)
            text = b"".join(event.text if for_staff else event.text_for_agents for event in events)
            if not text and clock() >= beats_at:
                text = f": heartbeat\nid: {number}\n\n".encode()
            if text:
                beats_at = clock() + HEARTBEAT
                yield text
            elif number == before:
                await broadcast.wait_for_change(within=min(beats_at, asks_at, ends_at) - clock())


def run_in_this_thread(stream: AsyncGenerator[bytes, None]) -> Iterator[bytes]:
    """The same stream for a server that gives each request a thread of its own."""

    async def take_next() -> bytes | None:
        return await anext(stream, None)

    with asyncio.Runner() as runner:
        while (text := runner.run(take_next())) is not None:
            yield text


# The end of the process

stopping = False  # this process was told to stop
obeys = False  # it will learn when it is


def end_with_the_process() -> None:
    """See to it that streams end when the server is told to stop: it waits for them, and they would never end."""
    global obeys
    if obeys or threading.current_thread() is not threading.main_thread():
        return
    obeys = True
    for number in (signal.SIGTERM, signal.SIGINT):
        handler = signal.getsignal(number)
        if callable(handler):
            signal.signal(number, partial(stop, handler))


def stop(handler: Callable[[int, FrameType | None], Any], number: int, frame: FrameType | None) -> None:
    """Let the streams end, and then do what the server does about the signal."""
    global stopping
    stopping = True
    for loop, broadcast in list(broadcasts.items()):
        loop.call_soon_threadsafe(broadcast.wake)
    handler(number, frame)
