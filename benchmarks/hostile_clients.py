"""Agents' requests while others try to keep the web server waiting, beside those of a server that is left alone.

The server may open 1,024 files and has no proxy before it. Attackers and agents come from one address; agents open a
connection for each request. On DATABASE_URL or else SQLite; an argument says for how many seconds each attack lasts.
"""

from __future__ import annotations

import asyncio
import re
import socket
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from multiprocessing import get_context
from pathlib import Path

import _measure

SCRATCH = _measure.use_scratch(SECURE_SSL_REDIRECT="False", THROTTLE_USER="1000000/min", THROTTLE_ANON="1000000/min")

import django

django.setup()

from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connections

from sync.api.tokens import begin_sign_in

SECONDS = _measure.scale(20)
FILES = 1024
AGENTS = 5
RESTS = 0.2  # seconds between two requests of an agent
PATHS = ("/api/sync/status", "/api/customers?search=ro", "/api/drafts", "/healthz", "/readyz")
BEGINS_AGAIN_AFTER = 5  # seconds, when an attacker's connection was closed
SMALLEST = 4096  # bytes that the system keeps for a client that does not read

fork = get_context("fork")


@dataclass(frozen=True)
class Attack:
    """So many connections, each of which sends something, and then a byte now and then, or nothing."""

    name: str
    connections: int
    sends: bytes
    trickles: bytes = b""


def attacks(token: str) -> list[Attack]:
    body = "POST {} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 60\r\n{}\r\n{{"
    signed_in = f"Authorization: Bearer {token}\r\n"
    stream = f"GET /api/sync/events HTTP/1.1\r\nHost: 127.0.0.1\r\n{signed_in}\r\n"
    script = "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js"
    page = f"GET {script} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    return [
        Attack("45 slow bodies of sign-ins", 45, body.format("/api/token", "").encode(), b" "),
        Attack("25 slow bodies of order forms", 25, body.format("/api/customers/smart-sync", signed_in).encode(), b" "),
        Attack("1,500 half heads", 1500, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ", b"x"),
        Attack("1,100 streams of one account", 1100, stream.encode()),
        Attack("100 that do not read 1.4 MB", 100, page.encode()),
    ]


# Those who attack


async def keep_waiting(attack: Attack, address: tuple[str, int]) -> None:
    """One connection, and another one when it is closed."""
    loop = asyncio.get_running_loop()
    while True:
        client = socket.socket()
        client.setblocking(False)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALLEST)
        with closing(client), suppress(OSError):
            await loop.sock_connect(client, address)
            await loop.sock_sendall(client, attack.sends)
            while attack.trickles:
                await asyncio.sleep(1)
                await loop.sock_sendall(client, attack.trickles)
            if b"/api/sync/events" in attack.sends:
                while await loop.sock_recv(client, SMALLEST):
                    pass
            else:
                await asyncio.sleep(3600)
        await asyncio.sleep(BEGINS_AGAIN_AFTER)


def strike(chosen: list[Attack], address: tuple[str, int]) -> None:
    async def strike_together() -> None:
        await asyncio.gather(*(keep_waiting(each, address) for each in chosen for _ in range(each.connections)))

    asyncio.run(strike_together())


@contextmanager
def under(chosen: list[Attack], address: tuple[str, int]) -> Iterator[None]:
    attacker = fork.Process(target=strike, args=(chosen, address))
    attacker.start()
    try:
        time.sleep(2)  # until it is in full swing
        yield
    finally:
        attacker.kill()
        attacker.join()
        time.sleep(1)


# Those who work


@dataclass
class Work:
    """Seconds that each answer took, and what was no answer."""

    took: list[float]
    failed: list[str]


def work(address: tuple[str, int], token: str, seconds: float) -> Work:
    done = Work([], [])

    def agent(_number: int) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for path in PATHS:
                ask(path)
                time.sleep(RESTS)

    def ask(path: str) -> None:
        began = time.monotonic()
        with closing(HTTPConnection(*address, timeout=60)) as client:
            try:
                client.request("GET", path, headers={"Authorization": f"Bearer {token}"})
                answer = client.getresponse()
                text = answer.read()
            except (OSError, HTTPException) as error:
                done.failed.append(f"{path}: {error!r}")
                return
        if answer.status == 200 or (path == "/readyz" and answer.status == 503):  # no worker lives
            done.took.append(time.monotonic() - began)
        else:
            done.failed.append(f"{path}: {answer.status} {text[:200]!r}")

    with ThreadPoolExecutor(AGENTS) as threads:
        list(threads.map(agent, range(AGENTS)))
    return done


def show_work(what: str, done: Work, idle: Work) -> None:
    if done.took:
        milliseconds = " and ".join(
            f"{_measure.find_percentile(done.took, percent) * 1000:.0f}" for percent in (50, 95)
        )
        _measure.show(f"{what}: p50 and p95, of {len(done.took)}", f"{milliseconds} ms")
        ratios = [
            _measure.find_percentile(done.took, percent) / _measure.find_percentile(idle.took, percent)
            for percent in (50, 95)
        ]
        _measure.show("    times those when idle", " and ".join(f"{ratio:.1f}" for ratio in ratios))
    else:
        _measure.show(what, "no answer")
    _measure.show("    without an answer", str(len(done.failed)), bound="0")
    for failure in sorted(set(done.failed))[:3]:
        print(f"      {failure}")


def open_files(process: int) -> int:
    return sum(1 for _ in Path(f"/proc/{process}/fd").iterdir())


def main() -> None:
    seconds = int(sys.argv[1]) if sys.argv[1:] else SECONDS
    database = _measure.make_tables()
    call_command("collectstatic", interactive=False, verbosity=0)
    agent, attacker = User.objects.create_user("agent"), User.objects.create_user("attacker")
    token, others_token = (str(begin_sign_in(user).access_token) for user in (agent, attacker))
    connections.close_all()
    log = Path(SCRATCH) / "serve.log"
    failures = 0
    with _measure.run_command("serve", "--port=0", files=FILES, log=log) as process:
        assert process.stdout
        found = re.search(r"http://([\w.]+):(\d+)", process.stdout.readline())
        assert found, log.read_text()
        address = (found[1], int(found[2]))
        processor = _measure.find_processor()
        print(f"{AGENTS} agents while others attack for {seconds} s, {FILES} files; {database}, {processor}")
        work(address, token, 2)
        idle = work(address, token, seconds)
        show_work("left alone", idle, idle)
        every = attacks(others_token)
        for name, chosen in [*((each.name, [each]) for each in every), ("all at once", every)]:
            with under(chosen, address):
                done = work(address, token, seconds)
                files = open_files(process.pid)
            show_work(name, done, idle)
            _measure.show("    files that the server has open", str(files))
            failures += len(done.failed)
        again = work(address, token, seconds)
        show_work("left alone again", again, idle)
    _measure.show("the log", f"{log.stat().st_size / 1000:.0f} kB", bound="under 1 MB")
    assert failures == len(again.failed) == 0
    assert log.stat().st_size < 10**6


if __name__ == "__main__":
    main()
