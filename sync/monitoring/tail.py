"""Reading events in an order in which none can be lost."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.db import connection

from sync.models import SyncEvent

LOOKS_EVERY = 0.25  # seconds between two looks into the database, while anybody listens
FIRST_LOOKS = 40  # at the most, each a fifth as long, until a listener knows where to begin
MAY_BE_MISSING = 1000  # numbers back from the newest, among which some may still be written
KEPT = 1000  # events that are read at once, and kept in memory

WRITERS = """
    SELECT virtualtransaction FROM pg_locks
    WHERE relation = 'sync_syncevent'::regclass AND mode = 'RowExclusiveLock' AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


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
        self.begin = self.told = self.settled = max(0, find_newest_number() - MAY_BE_MISSING)
        self.gap: Gap | None = None

    @property
    def is_in_step(self) -> bool:
        """Whether it has told what had happened when it began."""
        return self.gap is None or self.settled > self.begin

    def read_news(self) -> list[SyncEvent]:
        if self.gap and not self.gap.writers & find_writers():  # asked before reading: what they wrote is there by now
            self.settled, self.gap = self.gap.seen, None
        events = list(SyncEvent.objects.filter(pk__gt=self.told).order_by("pk")[:KEPT])
        news = list(self.take_in_order(events))
        if len(news) < len(events) and self.gap is None:
            self.gap = Gap(events[-1].pk, find_writers())
        if news:
            self.told = news[-1].pk
        return news

    def take_in_order(self, events: Iterable[SyncEvent]) -> Iterator[SyncEvent]:
        """Those before the first number that is missing and may still come."""
        last = self.told
        for event in events:
            if event.pk > max(last, self.settled) + 1:
                return
            yield event
            last = event.pk


def find_newest_number() -> int:
    return SyncEvent.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def find_writers() -> set[str]:
    """The transactions that have taken numbers, or are about to."""
    if connection.vendor != "postgresql":  # one writes at a time: numbers appear in their order
        return set()
    with connection.cursor() as cursor:
        cursor.execute(WRITERS)
        return {name for (name,) in cursor.fetchall()}


def find_last_number() -> int:
    """The number up to which every event was written."""
    tail = Tail()
    for _ in range(FIRST_LOOKS):
        tail.read_news()
        if tail.is_in_step:
            break
        time.sleep(LOOKS_EVERY / 5)
    return tail.told
