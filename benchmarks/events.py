"""Two hundred listeners to events, and twenty requests a second, of one web server.

Several writers record events in transactions that overlap, and some take theirs back. Every listener drops its
connection now and then, and comes back for what follows the last event that it had. On DATABASE_URL or else SQLite; an
argument says for how many seconds.
"""

from __future__ import annotations

import asyncio
import random
import re
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from multiprocessing import get_context
from pathlib import Path
from subprocess import Popen
from typing import IO

import _measure

_measure.use_scratch(
    SECURE_SSL_REDIRECT="False",
    THROTTLE_USER="1000000/min",
    THROTTLE_ANON="1000000/min",
    MAX_STREAMS_PER_USER="1000",  # one user listens for all
    MAX_CONNECTIONS_PER_ADDRESS="1000",
)

import django

django.setup()

from django.contrib.auth.models import User
from django.db import connection, connections, transaction

from sync.api.tokens import begin_sign_in
from sync.models import SyncEvent

SECONDS = _measure.scale(30)
LISTENERS = 200
REQUESTS = 20  # each second
WRITERS = 4
STAYS = (2, 12)  # seconds, from and to, until a listener drops its connection
HOLDS = (0, 0.1)  # seconds that a transaction goes on after it has written
RESTS = (0.1, 0.3)  # seconds between two transactions of a writer
TAKEN_BACK = 0.1  # of all transactions
SETTLES = 2  # seconds after the last event
PATHS = ("/api/sync/status", "/api/sync/runs", "/api/sync/schedule", "/api/customers?search=ro", "/healthz")

fork = get_context("fork")
connected, written = fork.Event(), fork.Event()


@dataclass(frozen=True)
class Server:
    """Where it serves, and to whom."""

    process: int
    host: str
    port: int
    token: str

    def state(self, name: str) -> int:
        """What the system knows of the process."""
        [value] = re.findall(rf"^{name}:\s+(\d+)", Path(f"/proc/{self.process}/status").read_text(), re.MULTILINE)
        return int(value)

    @property
    def megabytes(self) -> float:
        return self.state("VmRSS") / 1024


# Those who listen


@dataclass
class Listener:
    """What it has heard: numbers, and when."""

    heard: list[tuple[int, float]] = field(default_factory=list)
    last: bytes = b""
    came: int = 0

    async def listen(self, server: Server) -> None:
        while not written.is_set():
            reader, writer = await asyncio.open_connection(server.host, server.port)
            writer.write(self.request(server))
            self.came += 1
            with suppress(TimeoutError, asyncio.IncompleteReadError, ConnectionError):
                await self.begin(reader)
                async with asyncio.timeout(random.uniform(*STAYS)):
                    await self.read(reader)
            writer.transport.abort()

    def request(self, server: Server) -> bytes:
        lines = ["GET /api/sync/events HTTP/1.0", f"Host: {server.host}", f"Authorization: Bearer {server.token}"]
        if self.last:
            lines.append(f"Last-Event-ID: {self.last.decode()}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    async def begin(self, reader: asyncio.StreamReader) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in head, head.decode()
        self.hear(await reader.readuntil(b"\n\n"))

    async def read(self, reader: asyncio.StreamReader) -> None:
        rest = b""
        while piece := await reader.read(2**16):
            *blocks, rest = (rest + piece).split(b"\n\n")
            for block in blocks:
                self.hear(block)

    def hear(self, block: bytes) -> None:
        if found := re.search(rb"^id: (\d+)", block, re.MULTILINE):
            self.last = found[1]
        if b"\ndata: " in block:
            self.heard.append((int(self.last), time.time()))


def listen(server: Server) -> list[Listener]:
    return asyncio.run(listen_together(server))


async def listen_together(server: Server) -> list[Listener]:
    listeners = [Listener() for _ in range(LISTENERS)]
    tasks = [asyncio.create_task(listener.listen(server)) for listener in listeners]
    while not (written.is_set() or all(listener.last for listener in listeners)):
        await asyncio.sleep(0.05)
    connected.set()
    await asyncio.gather(*tasks)
    return listeners


# Those who write


@dataclass
class Written:
    """When each event could be seen first, and how many were taken back."""

    at: dict[int, float] = field(default_factory=dict)
    taken_back: int = 0


def write(seconds: int) -> Written:
    with ThreadPoolExecutor(WRITERS) as threads:
        parts = list(threads.map(write_alone, [seconds] * WRITERS))
    return Written({number: at for part in parts for number, at in part.at.items()}, sum(p.taken_back for p in parts))


def write_alone(seconds: int) -> Written:
    done, ends_at = Written(), time.monotonic() + seconds
    with closing(connection):
        while time.monotonic() < ends_at:
            is_taken_back = random.random() < TAKEN_BACK
            with transaction.atomic():
                event = SyncEvent.objects.record(
                    SyncEvent.Kind.HEALTH_CHANGED, sync_type="orders", before="late", after="healthy"
                )
                time.sleep(random.uniform(*HOLDS))
                transaction.set_rollback(is_taken_back)
            if is_taken_back:
                done.taken_back += 1
            else:
                done.at[event.pk] = time.time()
            time.sleep(random.uniform(*RESTS))
    return done


# Those who ask


def ask(server: Server, seconds: int) -> list[float]:
    """How long each answer took, from the moment at which it was due to be asked for."""
    with ThreadPoolExecutor(REQUESTS) as threads:
        return list(threads.map(lambda due: ask_once(server, *due), dues(seconds)))


def dues(seconds: int) -> Iterator[tuple[str, float]]:
    start = time.monotonic()
    for number in range(seconds * REQUESTS):
        yield PATHS[number % len(PATHS)], start + number / REQUESTS


def ask_once(server: Server, path: str, due: float) -> float:
    time.sleep(max(0, due - time.monotonic()))
    with closing(HTTPConnection(server.host, server.port, timeout=60)) as client:
        client.request("GET", path, headers={"Authorization": f"Bearer {server.token}"})
        answer = client.getresponse()
        answer.read()
    assert answer.status == 200, f"{path}: {answer.status}"
    return time.monotonic() - due


# All together


def show_listeners(listeners: list[Listener], done: Written) -> None:
    numbers = [[number for number, _ in listener.heard] for listener in listeners]
    lost = sum(len(done.at.keys() - set(each)) for each in numbers)
    never = sum(len(set(each) - done.at.keys()) for each in numbers)
    doubled = sum(len(each) - len(set(each)) for each in numbers)
    disordered = sum(each != sorted(each) for each in numbers)
    took = [
        max(0, at - done.at[number]) for listener in listeners for number, at in listener.heard if number in done.at
    ]
    _measure.show("events written, and taken back", f"{len(done.at)}, {done.taken_back}")
    _measure.show("times that a listener came back", f"{sum(listener.came - 1 for listener in listeners):,}")
    _measure.show("events told", f"{len(took):,}")
    _measure.show("events lost", f"{lost:,}", bound="0")
    _measure.show("events told twice", f"{doubled:,}", bound="0")
    _measure.show("events told that were taken back", f"{never:,}", bound="0")
    _measure.show("listeners that were told in another order", f"{disordered:,}", bound="0")
    assert lost == doubled == never == disordered == 0
    show_times("from written to told", took, bound="under 1 s")


def show_times(what: str, took: list[float], *, bound: str) -> None:
    for percent in (50, 95):
        _measure.show(
            f"{what}, p{percent}",
            f"{_measure.find_percentile(took, percent):.3f} s",
            bound=bound if percent == 95 else "",
        )
    _measure.show(f"{what}, longest", f"{max(took):.3f} s")


def where(output: IO[str] | None) -> tuple[str, int]:
    """The address that a server prints."""
    address = re.search(r"http://([\w.]+):(\d+)", output.readline()) if output else None
    assert address, "The web server did not start"
    return address[1], int(address[2])


def stop(process: Popen[str]) -> tuple[float, int]:
    """How long it takes to stop a server that is listened to, and its exit status."""
    told = time.monotonic()
    process.terminate()
    status = process.wait()
    return time.monotonic() - told, status


def main() -> None:
    seconds = int(sys.argv[1]) if sys.argv[1:] else SECONDS
    database = _measure.make_tables()
    token = str(begin_sign_in(User.objects.create_user("agent")).access_token)
    connections.close_all()
    with _measure.run_command("serve", "--port=0") as process, ProcessPoolExecutor(3, mp_context=fork) as pool:
        server = Server(process.pid, *where(process.stdout), token)
        try:
            listening = pool.submit(listen, server)
            assert connected.wait(60), "Not all can listen"
            memory = [server.megabytes]
            writing, asking = pool.submit(write, seconds), pool.submit(ask, server, seconds)
            time.sleep(seconds / 3)
            memory.append(server.megabytes)
            done, answers = writing.result(), asking.result()
            time.sleep(SETTLES)
        finally:
            written.set()
        memory.append(server.megabytes)
        threads = server.state("Threads")
        stopped, status = stop(process)
        listeners = listening.result()
    processor = _measure.find_processor()
    print(f"{LISTENERS} listeners and {REQUESTS} requests a second for {seconds} s; {database}, {processor}")
    show_listeners(listeners, done)
    show_times("requests", answers, bound="under 0.5 s")
    _measure.show(
        "the server's memory: all listen, after a third, at the end", " ".join(f"{each:.0f}" for each in memory) + " MB"
    )
    _measure.show("its memory at the end, times that after a third", f"{memory[2] / memory[1]:.2f}", bound="about 1")
    _measure.show("its threads", str(threads))
    _measure.show(f"until it had stopped, exit status {status}", f"{stopped:.2f} s", bound="under 2 s")


if __name__ == "__main__":
    main()
