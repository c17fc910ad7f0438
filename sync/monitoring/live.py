"""Events as they happen, for the many listeners of one process.

A tail reads every event once, in an order in which none can be lost; a broadcast keeps the last ones in memory, as they
go over the wire. Each listener takes from there what it has not had yet: a slow one costs nothing, and one that is far
behind reads from the database.
"""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import threading
import time
from asyncio import AbstractEventLoop
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from types import FrameType
from typing import Any, Self, TypeVar
from weakref import WeakSet

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, connections
from django.utils import timezone

from sync.camel_case import convert_names
from sync.models import SyncEvent
from sync.translations import hide_private_facts

log = logging.getLogger(__name__)

T = TypeVar("T")

LOOKS_EVERY = 0.25  # seconds between two looks into the database, while anybody listens
FIRST_LOOKS = 40  # at the most, each a fifth as long, until a listener knows where to begin
MAY_BE_MISSING = 1000  # numbers back from the newest, among which some may still be written
KEPT = 1000  # events in memory
AT_ONCE = 200  # events in one piece of a stream
HEARTBEAT = 15.0  # seconds of silence, after which a proxy might take the connection for dead
LONGEST = 600.0  # seconds; then the client comes again, and must prove again who it is
BEGINS_WITHIN = 20.0  # seconds; the client of a stream that does not is gone, though memory may hold the stream long
RECONNECTS_AFTER = 2000  # milliseconds
TRIES_AGAIN_AFTER = 1.0  # seconds, while the database does not answer

WRITERS = """
    SELECT virtualtransaction FROM pg_locks
    WHERE relation = 'sync_syncevent'::regclass AND mode = 'RowExclusiveLock' AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


# Reading in order


@dataclass(frozen=True)
class Gap:
    """Numbers that are missing below one that was seen, and the transactions that may still write them."""

    seen: int
    writers: set[str]


class Tail:
    """Reads the events, none twice, and none before one that may still come with a lower number.

    A transaction takes its numbers when it writes, and is seen when it ends: numbers appear in another order than they
    were given. Whoever has taken a number holds a lock on the table until its transaction ends.
    """

    def __init__(self) -> None:
        self.begin = self.told = self.settled = max(0, newest_number() - MAY_BE_MISSING)
        self.gap: Gap | None = None

    @property
    def is_in_step(self) -> bool:
        """Whether it has told what had happened when it began."""
        return self.gap is None or self.settled > self.begin

    def news(self) -> list[SyncEvent]:
        if self.gap and not self.gap.writers & writers():  # asked before reading: what they wrote is there by now
            self.settled, self.gap = self.gap.seen, None
        events = list(SyncEvent.objects.filter(pk__gt=self.told).order_by("pk")[:KEPT])
        news = list(self.in_line(events))
        if len(news) < len(events) and self.gap is None:
            self.gap = Gap(events[-1].pk, writers())
        if news:
            self.told = news[-1].pk
        return news

    def in_line(self, events: Iterable[SyncEvent]) -> Iterator[SyncEvent]:
        """Those before the first number that is missing and may still come."""
        last = self.told
        for event in events:
            if event.pk > max(last, self.settled) + 1:
                return
            yield event
            last = event.pk


def newest_number() -> int:
    return SyncEvent.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def writers() -> set[str]:
    """The transactions that have taken numbers, or are about to."""
    if connection.vendor != "postgresql":  # one writes at a time: numbers appear in their order
        return set()
    with connection.cursor() as cursor:
        cursor.execute(WRITERS)
        return {name for (name,) in cursor.fetchall()}


def begin(after: int | None) -> int:
    """The number after which a listener begins: what it had last, or what has happened until now."""
    if after is not None and after <= newest_number():
        return after
    heads = [broadcast.head for broadcast in list(broadcasts.values()) if broadcast.is_in_step]
    return max(heads) if heads else what_has_happened()


def what_has_happened() -> int:
    """The number up to which every event was written."""
    tail = Tail()
    for _ in range(FIRST_LOOKS):
        tail.news()
        if tail.is_in_step:
            break
        time.sleep(LOOKS_EVERY / 5)
    return tail.told


# As they go over the wire


@dataclass(frozen=True)
class Choice:
    """The types and kinds that a listener wants; all of them if none is named."""

    types: Collection[str]
    kinds: Collection[str]

    def includes(self, event: Told) -> bool:
        return (not self.types or event.sync_type in self.types) and (not self.kinds or event.kind in self.kinds)

    def stored(self, *, after: int, until: int) -> list[Told]:
        """The first of those that the database has."""
        events = SyncEvent.objects.filter(pk__gt=after, pk__lte=until).order_by("pk")
        if self.types:
            events = events.filter(sync_type__in=self.types)
        if self.kinds:
            events = events.filter(kind__in=self.kinds)
        return [Told.of(event) for event in events[:AT_ONCE]]


@dataclass(frozen=True, slots=True)
class Told:
    """An event as it is sent, to staff and to agents."""

    number: int
    kind: str
    sync_type: str
    text: bytes
    text_for_agents: bytes

    @classmethod
    def of(cls, event: SyncEvent) -> Self:
        texts = (format_event(event, facts) for facts in (event.facts, facts_for_agents(event)))
        return cls(event.pk, event.kind, event.sync_type, *texts)


def format_event(event: SyncEvent, facts: dict[str, Any]) -> bytes:
    data = json.dumps(event_as_json(event, facts), ensure_ascii=False)
    return f"id: {event.pk}\nevent: {event.kind}\ndata: {data}\n\n".encode()


def facts_for_agents(event: SyncEvent) -> dict[str, Any]:
    """What agents may know: no machine and process, no user of the ERP, not what a mail server answers."""
    hidden = {"from_holder", "error"} if event.kind == SyncEvent.Kind.ALERT_GIVEN_UP else {"from_holder"}
    facts = {name: fact for name, fact in event.facts.items() if name not in hidden}
    if "error" in facts:
        facts["error"] = hide_private_facts(facts["error"])
    return facts


def event_as_json(event: SyncEvent, facts: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": event.pk,
        "kind": event.kind,
        "type": event.sync_type or None,
        "at": timezone.localtime(event.at).isoformat(),
        "runId": event.run_id,
        "facts": convert_names(facts),
    }


# Many listeners


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
            news: list[Told] = await self.ask(self.news, otherwise=[])
            if self.tail:
                self.head, self.is_in_step = self.tail.told, self.tail.is_in_step
            if news:
                self.told.extend(news)
                self.wake()
            await asyncio.sleep(LOOKS_EVERY)

    def news(self) -> list[Told]:
        self.tail = self.tail or Tail()
        return [Told.of(event) for event in self.tail.news()]

    async def ask(self, question: Callable[[], T], *, otherwise: T) -> T:
        """Ask the database; while it does not answer, nothing is known beyond what was."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self.thread, question)
        except (OperationalError, InterfaceError) as error:
            log.warning("The database does not answer those who listen to events: %s", error)
            self.thread.submit(connections.close_all)
            await asyncio.sleep(TRIES_AGAIN_AFTER)
            return otherwise

    async def after(self, number: int, choice: Choice) -> tuple[list[Told], int]:
        """What was chosen of what comes after a number, not too much at once; and how far that goes."""
        oldest = self.told[0].number if self.told else self.head + 1
        if number < oldest - 1:
            return await self.stored_after(number, oldest - 1, choice)
        others = takewhile(lambda event: event.number > number, reversed(self.told))
        events = list(others)[::-1][:AT_ONCE]
        return [event for event in events if choice.includes(event)], events[-1].number if events else number

    async def stored_after(self, number: int, until: int, choice: Choice) -> tuple[list[Told], int]:
        events = await self.ask(partial(choice.stored, after=number, until=until), otherwise=None)
        if events is None:
            return [], number
        return events, events[-1].number if len(events) == AT_ONCE else until

    async def change(self, *, within: float) -> None:
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


# One listener


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
            events, number = await broadcast.after(before, choice)
            text = b"".join(event.text if for_staff else event.text_for_agents for event in events)
            if not text and clock() >= beats_at:
                text = f": heartbeat\nid: {number}\n\n".encode()
            if text:
                beats_at = clock() + HEARTBEAT
                yield text
            elif number == before:
                await broadcast.change(within=min(beats_at, asks_at, ends_at) - clock())


def in_this_thread(stream: AsyncGenerator[bytes, None]) -> Iterator[bytes]:
    """The same stream for a server that gives each request a thread of its own."""

    async def following() -> bytes | None:
        return await anext(stream, None)

    with asyncio.Runner() as runner:
        while (text := runner.run(following())) is not None:
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
