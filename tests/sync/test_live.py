"""Events as they happen: in an order in which none can be lost, and as a stream."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import ExitStack, closing
from functools import partial
from itertools import islice
from threading import Event, Thread
from threading import enumerate as threads
from typing import Any
from unittest.mock import Mock

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from sync.models import SyncEvent
from sync.monitoring import broadcast, event_texts, live, tail
from sync.monitoring.broadcast import Broadcast, broadcasts, find_start
from sync.monitoring.event_texts import Told
from sync.monitoring.tail import Tail
from tests.concurrency.processes import PATIENCE, until

Kind = SyncEvent.Kind

pytestmark = pytest.mark.django_db(transaction=True)


def set_everywhere(monkeypatch, name, value):
    """Give a constant another value, in its module and where it was imported."""
    for module in (broadcast, event_texts, live, tail):
        if hasattr(module, name):
            monkeypatch.setattr(module, name, value)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    set_everywhere(monkeypatch, "LOOKS_EVERY", 0.02)
    monkeypatch.setattr(broadcast, "TRIES_AGAIN_AFTER", 0.02)
    monkeypatch.setattr(live, "obeys", True)  # pytest's signal handlers stay as they are


def happen(*facts: Any, kind: Kind = Kind.HEALTH_CHANGED, sync_type: str = "orders") -> list[int]:
    """An event for each fact; their numbers."""
    return [SyncEvent.objects.record(kind, sync_type=sync_type, fact=fact).pk for fact in facts]


def happen_and_be_undone() -> None:
    with transaction.atomic():
        happen("undone")
        transaction.set_rollback(True)


def leave_a_gap() -> None:
    """As if a number had been taken for nothing; SQLite gives such a number to the next one."""
    [number] = happen("undone")
    happen("after the gap")
    SyncEvent.objects.filter(pk=number).delete()


# The tail


def told(tail: Tail) -> list[Any]:
    return [event.facts["fact"] for event in tail.read_news()]


def tail_from_now() -> Tail:
    tail = Tail()
    while tail.read_news() or tail.gap:
        pass
    return tail


class OtherWriter:
    """A transaction on a connection of its own that has written an event, and ends when it is told to."""

    def __init__(self, fact: Any) -> None:
        self.has_written, self.may_end, self.commits = Event(), Event(), True
        self.thread = Thread(target=self.work, args=[fact])
        self.thread.start()
        assert self.has_written.wait(PATIENCE)

    def work(self, fact: Any) -> None:
        with closing(connection), transaction.atomic():
            happen(fact)
            self.has_written.set()
            self.may_end.wait(PATIENCE)
            transaction.set_rollback(not self.commits)

    def commit(self) -> None:
        self.may_end.set()
        self.thread.join()

    def roll_back(self) -> None:
        self.commits = False
        self.commit()


@pytest.fixture
def other_writer() -> Iterator[Callable[[Any], OtherWriter]]:
    with ExitStack() as writers:

        def start(fact: Any) -> OtherWriter:
            writer = OtherWriter(fact)
            writers.callback(writer.commit)
            return writer

        yield start


def test_events_are_told_once_and_in_order():
    happen("before")
    tail = tail_from_now()
    happen(1, 2)
    assert told(tail) == [1, 2]
    assert told(tail) == []
    happen(3)
    assert told(tail) == [3]


def test_a_number_that_was_taken_back_is_not_waited_for():
    happen("before")
    tail = tail_from_now()
    happen_and_be_undone()
    happen("after")
    assert [*told(tail), *told(tail)] == ["after"]


def test_events_deleted_long_ago_are_not_waited_for():
    leave_a_gap()
    tail = Tail()
    assert [*told(tail), *told(tail)] == ["after the gap"]


def test_more_events_than_fit_into_one_look_are_all_told(monkeypatch):
    happen(0)
    tail = tail_from_now()
    happen(1, 2, 3, 4, 5)
    set_everywhere(monkeypatch, "KEPT", 2)
    assert [told(tail) for _ in range(3)] == [[1, 2], [3, 4], [5]]


@pytest.mark.postgresql
def test_the_lower_number_that_is_committed_later_is_told_first(other_writer):
    tail = tail_from_now()
    first = other_writer("first")
    happen("second")
    assert [told(tail), told(tail), told(tail)] == [[], [], []]
    first.commit()
    assert told(tail) == ["first", "second"]


@pytest.mark.postgresql
def test_what_follows_a_number_that_is_given_back_is_told(other_writer):
    tail = tail_from_now()
    first = other_writer("first")
    happen("second")
    assert told(tail) == []
    first.roll_back()
    assert told(tail) == ["second"]


@pytest.mark.postgresql
def test_only_those_who_wrote_when_the_gap_was_seen_are_waited_for(other_writer):
    tail = tail_from_now()
    first = other_writer("first")
    happen("second")
    assert told(tail) == []
    third = other_writer("third")
    happen("fourth")
    first.roll_back()
    assert told(tail) == ["second"]
    assert told(tail) == []
    third.commit()
    assert told(tail) == ["third", "fourth"]


@pytest.mark.postgresql
def test_what_was_being_written_when_the_tail_began_is_told(other_writer):
    first = other_writer("first")
    happen("second")
    tail = Tail()
    assert told(tail) == []
    first.commit()
    assert told(tail) == ["first", "second"]


# A stream


class Stream:
    """What a listener gets, piece by piece, cut into blocks."""

    def __init__(self, after: int | None = None, *, runner: asyncio.Runner | None, **choice: Any) -> None:
        stream = live.listen(find_start(after), **choice)
        self.pieces = taken_by(runner, stream) if runner else live.run_in_this_thread(stream)
        self.first = next(self.pieces).decode()

    @property
    def number(self) -> int:
        """Where a client would go on that is cut off before its first event."""
        return int(self.first.partition("id: ")[2])

    def facts(self, count: int) -> list[Any]:
        found: list[Any] = []
        while len(found) < count:
            lines = next(self.pieces).decode().splitlines()
            found += [json.loads(line[6:])["facts"]["fact"] for line in lines if line.startswith("data: ")]
        return found


def taken_by(runner: asyncio.Runner, stream: AsyncGenerator[bytes, None]) -> Iterator[bytes]:
    async def following() -> bytes:
        return await anext(stream)

    while True:
        yield runner.run(following())


@pytest.fixture
def listen_together() -> Iterator[Callable[..., Stream]]:
    """Listeners of one server: they share what is in memory."""
    with asyncio.Runner() as runner:
        yield partial(Stream, runner=runner)


@pytest.fixture
def listen() -> Iterator[Callable[..., Stream]]:
    with ExitStack() as streams:

        def start(after: int | None = None, **choice: set[str]) -> Stream:
            stream = Stream(after, runner=None, **choice)
            streams.callback(stream.pieces.close)  # type: ignore[attr-defined]
            return stream

        yield start


def test_a_listener_gets_what_happens_from_now_on(listen):
    [last] = happen("before")
    stream = listen()
    assert stream.first == f"retry: 2000\nid: {last}\n\n"
    happen("after")
    assert stream.facts(1) == ["after"]


@pytest.mark.parametrize(("for_staff", "holder"), [(True, {"fromHolder": "a\nb"}), (False, {})])
def test_an_event_is_sent_with_its_number_its_kind_and_its_data(listen, for_staff, holder):
    stream = listen(for_staff=for_staff)
    event = SyncEvent.objects.record(Kind.LOCK_TAKEN_OVER, from_holder="a\nb", counts={"not_read": 1})
    number, kind, data = next(stream.pieces).decode().removesuffix("\n\n").split("\n")
    assert (number, kind) == (f"id: {event.pk}", "event: lock_taken_over")
    assert json.loads(data.removeprefix("data: ")) == {
        "id": event.pk,
        "kind": "lock_taken_over",
        "type": None,
        "at": timezone.localtime(event.at).isoformat(),
        "runId": None,
        "facts": holder | {"counts": {"notRead": 1}},
    }


def test_a_listener_that_comes_back_gets_what_it_has_missed(listen):
    numbers = happen(1, 2, 3)
    assert listen(numbers[0]).facts(2) == [2, 3]


def test_what_is_no_longer_in_memory_comes_from_the_database(listen_together, monkeypatch):
    set_everywhere(monkeypatch, "KEPT", 3)
    set_everywhere(monkeypatch, "AT_ONCE", 2)
    slow, quick = listen_together(), listen_together()
    happen(*range(10))
    assert quick.facts(10) == list(range(10))
    [broadcast] = broadcasts.values()
    assert len(broadcast.told) == 3
    assert slow.facts(10) == list(range(10))
    happen("after")
    assert slow.facts(1) == ["after"]


def test_what_is_older_than_the_tail_comes_from_the_database(listen, monkeypatch):
    monkeypatch.setattr(tail, "MAY_BE_MISSING", 2)
    set_everywhere(monkeypatch, "AT_ONCE", 3)
    [first, *_] = happen(*range(10))
    assert listen(first - 1).facts(10) == list(range(10))


def test_a_listener_from_before_what_is_kept_gets_what_is_there(listen):
    numbers = happen(1, 2, 3)
    SyncEvent.objects.filter(pk__lt=numbers[2]).delete()
    assert listen(0).facts(1) == [3]


def test_a_number_of_another_database_is_not_waited_for(listen):
    [last] = happen("before")
    stream = listen(last + 1000)
    assert stream.number == last
    happen("after")
    assert stream.facts(1) == ["after"]


CHOICES: list[tuple[dict[str, set[str]], list[str]]] = [
    ({"types": {"orders"}}, ["run_failed orders", "run_queued orders"]),
    ({"types": {"orders", "ddt"}, "kinds": {"run_failed"}}, ["run_failed orders", "run_failed ddt"]),
    ({"kinds": {"run_failed", "lock_broken"}}, ["run_failed orders", "run_failed ddt", "lock_broken "]),
]


@pytest.mark.parametrize(("choice", "expected"), CHOICES)
@pytest.mark.parametrize("place", ["in memory", "in the database"])
def test_only_the_chosen_types_and_kinds_are_sent(listen_together, monkeypatch, choice, expected, place):
    if place == "in the database":
        set_everywhere(monkeypatch, "KEPT", 1)
    stream, other = listen_together(**choice), listen_together()
    for name in ("run_failed orders", "run_queued orders", "run_failed ddt", "lock_broken ", "run_queued prices"):
        kind, _, sync_type = name.partition(" ")
        happen(name, kind=Kind(kind), sync_type=sync_type)
    other.facts(5)
    [broadcast] = broadcasts.values()
    assert len(broadcast.told) == (1 if place == "in the database" else 5)
    assert stream.facts(len(expected)) == expected


def test_silence_is_broken_by_comments_that_tell_where_to_go_on(listen, monkeypatch):
    monkeypatch.setattr(live, "HEARTBEAT", 0.2)
    silences, change = [], Broadcast.wait_for_change

    async def silence(broadcast, *, within):
        silences.append(within)
        await change(broadcast, within=within)

    monkeypatch.setattr(Broadcast, "wait_for_change", silence)
    stream = listen(kinds={"run_failed"})
    [last] = happen("not chosen")
    expected = f": heartbeat\nid: {last}\n\n".encode()
    assert expected in islice(stream.pieces, 300)  # an earlier one may come before the news has
    silences.clear()
    assert next(stream.pieces) == expected
    assert 0 < silences[0] <= 0.2


def test_a_stream_ends_after_its_longest_time(listen, monkeypatch):
    monkeypatch.setattr(live, "LONGEST", 0.1)
    assert list(listen().pieces) == []


@pytest.mark.parametrize("happens", ["nothing", "something"])
def test_a_stream_ends_soon_after_its_user_may_no_longer_listen(listen, monkeypatch, happens):
    monkeypatch.setattr(live, "HEARTBEAT", 0.1)
    monkeypatch.setattr(live, "LONGEST", 20)  # at the most, if it does not end before
    allowed = [True, True]
    stream = listen(is_allowed=lambda: bool(allowed and allowed.pop()))
    if happens == "something":
        monkeypatch.setattr(Broadcast, "take_after", ceaselessly)
    assert len(list(stream.pieces)) < live.LONGEST / 0.1
    assert not allowed


async def ceaselessly(broadcast, number, choice):
    await asyncio.sleep(0.01)
    return [Told(number, "health_changed", "", b"data: 1\n\n", b"data: 1\n\n")], number


def test_streams_that_never_begin_count_for_a_moment_only(monkeypatch, settings):
    settings.MAX_STREAMS_PER_USER = 2
    monkeypatch.setattr(live, "BEGINS_WITHIN", 0)
    never_begun = [live.subscribe(1) for _ in range(5)]
    assert all(never_begun)
    first, second, *_others = (each for each in never_begun if each)
    with first, second:
        assert live.subscribe(1) is None
    monkeypatch.setattr(live, "BEGINS_WITHIN", 60)
    about_to_begin = [live.subscribe(1) for _ in range(2)]
    assert all(about_to_begin)
    assert live.subscribe(1) is None


def test_a_database_that_does_not_say_who_may_listen_ends_no_stream(listen, monkeypatch):
    monkeypatch.setattr(live, "HEARTBEAT", 0.1)
    monkeypatch.setattr(live, "LONGEST", 20)
    answers = [False, OperationalError("gone")]

    def is_allowed():
        answer = answers.pop()
        if isinstance(answer, Exception):
            raise answer
        return answer

    list(listen(is_allowed=is_allowed).pieces)
    assert not answers


def test_streams_end_when_the_process_is_told_to_stop(monkeypatch):
    monkeypatch.setattr(live, "stopping", False)
    monkeypatch.setattr(live, "HEARTBEAT", live.LONGEST)  # nothing else wakes a listener
    passed_on = []

    async def stop_while_they_listen() -> list[list[bytes]]:
        async def pieces() -> list[bytes]:
            return [piece async for piece in live.listen(0)]

        listeners = [asyncio.create_task(pieces()) for _ in range(10)]
        while [broadcast.listeners for broadcast in broadcasts.values()] != [10]:
            await asyncio.sleep(0)
        live.stop(lambda *signals: passed_on.append(signals), signal.SIGTERM, None)
        return await asyncio.wait_for(asyncio.gather(*listeners), PATIENCE)

    assert [len(pieces) for pieces in asyncio.run(stop_while_they_listen())] == [1] * 10
    assert passed_on == [(signal.SIGTERM, None)]


def test_a_database_that_does_not_answer_ends_no_stream(listen, monkeypatch, caplog):
    monkeypatch.setattr(live, "HEARTBEAT", 0.1)
    stream = listen()
    with monkeypatch.context() as meanwhile:
        news = Mock(side_effect=OperationalError("gone"))
        meanwhile.setattr(Tail, "read_news", news)
        happen("meanwhile")
        assert b"heartbeat" in next(stream.pieces)
        while not news.called:
            assert b"heartbeat" in next(stream.pieces)
    assert stream.facts(1) == ["meanwhile"]
    assert "The database does not answer those who listen to events: gone" in caplog.text


def test_a_bug_ends_the_streams_and_is_raised(listen, monkeypatch):
    stream = listen()
    monkeypatch.setattr(Tail, "read_news", lambda tail: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        next(stream.pieces)


def test_listeners_share_one_thread_which_ends_with_the_last():
    def watchers() -> list[str]:
        return [thread.name for thread in threads() if thread.name.startswith("events")]

    async def come_and_go() -> None:
        streams = [live.listen(0) for _ in range(20)]
        for stream in streams:
            await anext(stream)
            assert b"event: " in await anext(stream)
        assert len(watchers()) == 1
        for stream in streams:
            await stream.aclose()

    happen("before")
    asyncio.run(come_and_go())
    assert broadcasts == {}
    until(lambda: not watchers())
