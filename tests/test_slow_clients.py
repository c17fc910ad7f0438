"""Clients that keep the web server waiting, over real connections: they cost themselves something, and nobody else."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any

import pytest
import uvicorn

from sync.api import request_limits
from sync.api.request_limits import RequestLimiter
from sync.management import http_connections
from sync.management.http_connections import Connection, Connections, Waiting
from tests.concurrency.processes import until

TIMEOUT = 30  # seconds
LARGE = b"x" * 2**20 * 6  # more than the system keeps for a client that does not read
POST = b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
GET = b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"


class App:
    """Answers at once, with what was sent; after a while below /hold; with much below /large."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.told_of_going: list[str] = []  # before they had answered
        self.go_on = threading.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"]
        self.asked.append(path)
        body = (await receive())["body"]
        if path.startswith("/hold"):
            going = asyncio.ensure_future(receive())
            while not (self.go_on.is_set() or going.done()):
                await asyncio.sleep(0.01)
            self.told_of_going += [path] if going.done() else []
            going.cancel()
        if path.startswith("/prefers"):
            body = dict(scope["headers"]).get(b"prefer", b"")
        if path == "/arrived":
            body = str(scope["arrived_at"]).encode()
        body = LARGE if path.startswith("/large") else body
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for start in range(0, len(body), 2**16):
            await send({"type": "http.response.body", "body": body[start : start + 2**16], "more_body": True})
        await send({"type": "http.response.body"})


class Web:
    """The protocol and the limiter before an application of this test, in a thread."""

    def __init__(self, *, at_most: int = 100, per_address: int | None = None) -> None:
        self.app = App()
        self.limiter = RequestLimiter(
            self.app, waiting=["/prefers", "/hold/waiting"], sign_ins=["/sign-in", "/hold/sign-in"]
        )
        self.connections = Connections(at_most=at_most, per_address=per_address)
        self.config = uvicorn.Config(self.limiter, http=Connection, ws="none", lifespan="off", log_config=None)
        self.config.load()
        self.loop = asyncio.new_event_loop()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        self.clients = ExitStack()

    def run(self) -> None:
        asyncio.set_event_loop(self.loop)
        protocol = partial(Connection, self.config, self.connections, {}, _loop=self.loop)
        server = self.loop.run_until_complete(self.loop.create_server(protocol, sock=self.listener))
        self.tick()
        self.loop.run_forever()
        server.close()
        for connection in list(self.connections.connections):
            connection.transport.abort()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(asyncio.sleep(0.05))
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()

    def tick(self) -> None:
        self.connections.close_late(self.loop.time())
        self.loop.call_later(0.02, self.tick)

    def call(self, function: Callable[[], Any]) -> None:
        self.loop.call_soon_threadsafe(function)

    def stop(self) -> None:
        self.app.go_on.set()
        self.clients.close()
        self.call(self.loop.stop)
        self.thread.join(TIMEOUT)

    def client(self, sent: bytes = b"", *, address: str = "127.0.0.1", buffer: int | None = None) -> socket.socket:
        client = socket.socket()
        self.clients.callback(client.close)
        if buffer:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        client.settimeout(TIMEOUT)
        client.bind((address, 0))
        client.connect(self.listener.getsockname())
        client.sendall(sent)
        return client

    def ask(self, sent: bytes, **options: Any) -> tuple[int, bytes]:
        return answer_of(self.client(sent, **options))


def answer_of(client: socket.socket) -> tuple[int, bytes]:
    """Status and body of the next answer."""
    received = b""
    while b"\r\n\r\n" not in received:
        piece = client.recv(2**16)
        assert piece, f"Closed after {received!r}"
        received += piece
    head, _blank, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    while length and len(body) < int(length[1]):
        piece = client.recv(2**20)
        assert piece, "Cut short"
        body += piece
    return int(head.split()[1]), body


def is_closed(client: socket.socket) -> bool:
    """Waits until the other side closes, whatever it says before."""
    with suppress(ConnectionResetError):
        while client.recv(2**16):
            pass
    return True


@pytest.fixture
def web(network: None) -> Iterator[Callable[..., Web]]:
    with ExitStack() as stack:

        def start(**options: Any) -> Web:
            web = Web(**options)
            stack.callback(web.stop)
            return web

        yield start


# Bodies


def test_a_body_that_does_not_come_in_time_is_told_so_and_the_connection_closed(web, monkeypatch):
    monkeypatch.setattr(request_limits, "BODY_WITHIN", 0.3)
    client = web().client(POST % (b"/api/drafts", 10) + b"{")
    status, body = answer_of(client)
    said = json.loads(body)
    assert (status, said["success"], said["code"]) == (408, False, "body_timeout")
    assert is_closed(client)


def test_a_body_that_comes_byte_by_byte_gets_no_more_time(web, monkeypatch):
    monkeypatch.setattr(request_limits, "BODY_WITHIN", 0.5)
    client = web().client(POST % (b"/", 1000))
    with suppress(OSError):
        for _ in range(1000):
            client.sendall(b"x")
            time.sleep(0.005)
    assert answer_of(client)[0] == 408


def test_bodies_that_are_being_sent_keep_no_place(web, monkeypatch):
    monkeypatch.setattr(request_limits, "AT_ONCE", 2)
    monkeypatch.setattr(request_limits, "WAITING_AT_ONCE", 2)
    server = web()
    slow = [server.client(POST % (path, 2) + b"{") for path in (b"/", b"/prefers", b"/sign-in") for _ in range(5)]
    assert server.ask(GET % b"/") == (200, b"")
    assert server.ask(POST % (b"/prefers", 0)) == (200, b"")
    for client in slow[:5]:
        client.sendall(b"}")
        assert answer_of(client) == (200, b"{}")


def test_a_client_that_goes_while_it_sends_leaves_nothing_behind(web):
    server = web()
    client = server.client(POST % (b"/", 2 * 10**6) + b"x" * 10**6)
    until(lambda: server.limiter.large_bodies > 0)
    client.close()
    until(lambda: server.limiter.large_bodies == 0 and not server.connections.connections)
    assert server.app.asked == []


def test_large_bodies_at_once_are_bounded_and_small_ones_are_let_in(web, monkeypatch):
    monkeypatch.setattr(request_limits, "LARGE_BODIES", 10**6)
    server = web()
    first = server.client(POST % (b"/", 10**6) + b"x" * (10**6 - 1))
    until(lambda: server.limiter.large_bodies > 0)
    second = server.client(POST % (b"/", 10**6))
    second.sendall(b"x" * (10**6 - 1))
    status, body = answer_of(second)
    assert (status, json.loads(body)["code"]) == (503, "busy")
    assert server.ask(POST % (b"/", 2) + b"{}") == (200, b"{}")
    first.sendall(b"x")
    assert answer_of(first)[0] == 200
    until(lambda: server.limiter.large_bodies == 0)


@pytest.mark.parametrize(("language", "word"), [("en", "within"), ("it,en;q=0.5", "entro"), ("xx", "entro")])
def test_a_refusal_is_in_the_clients_language(web, monkeypatch, language, word):
    monkeypatch.setattr(request_limits, "BODY_WITHIN", 0.1)
    head = (POST % (b"/", 10)).replace(b"\r\n\r\n", f"\r\nAccept-Language: {language}\r\n\r\n".encode())
    assert word in json.loads(web().ask(head)[1])["error"]


def test_who_asks_before_sending_is_told_to_go_on(web):
    client = web().client((POST % (b"/", 2)).replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
    assert client.recv(2**16).startswith(b"HTTP/1.1 100")
    client.sendall(b"{}")
    assert answer_of(client) == (200, b"{}")


def test_who_asks_before_sending_too_much_is_not(web):
    head = (POST % (b"/", 10**9)).replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n")
    assert web().ask(head)[0] == 413


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (GET[:-4] + b"\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
        (POST, 413),
        (GET[:-4] + b"\r\nCookie: " + b"x" * 40_000 + b"\r\n\r\n", 431),
        (GET[:-8], 408),
    ],
)
def test_what_is_said_before_a_request_is_looked_at_is_kept_nowhere(web, monkeypatch, sent, status):
    monkeypatch.setattr(http_connections, "HEAD_WITHIN", 0.2)
    client = web().client(sent % ((b"/", 10**9) if sent == POST else b"/"))
    head = client.recv(2**16).lower()
    assert head.startswith(b"http/1.1 %d " % status)
    assert b"\r\ncache-control: no-store\r\n" in head
    assert b"\r\nx-content-type-options: nosniff\r\n" in head


# Places


def test_a_client_that_goes_while_it_waits_for_a_place_is_not_worked_for(web, monkeypatch):
    monkeypatch.setattr(request_limits, "AT_ONCE", 1)
    server = web()
    first = server.client(GET % b"/hold/first")
    until(lambda: server.app.asked == ["/hold/first"])
    gone = [server.client(GET % b"/hold/gone") for _ in range(3)]
    until(lambda: len(server.connections.connections) == 4)
    for client in gone:
        client.close()
    until(lambda: len(server.connections.connections) == 1)
    server.app.go_on.set()
    assert answer_of(first)[0] == 200
    assert server.ask(GET % b"/last")[0] == 200
    assert server.app.asked == ["/hold/first", "/last"]


def test_a_request_that_is_worked_on_comes_to_its_end_although_the_client_goes(web):
    """Its thread could not be stopped, and would only fail when it has done everything."""
    server = web()
    client = server.client(GET % b"/hold")
    until(lambda: server.app.asked == ["/hold"])
    client.close()
    until(lambda: not server.connections.connections)
    server.app.go_on.set()
    assert server.ask(GET % b"/last")[0] == 200
    assert server.app.told_of_going == []


def test_probes_and_the_beginning_of_streams_wait_for_nobody(web, monkeypatch):
    monkeypatch.setattr(request_limits, "AT_ONCE", 2)
    server = web()
    for _ in range(5):
        server.client(GET % b"/hold")
    until(lambda: len(server.connections.connections) == 5)
    for path in (b"/healthz", b"/readyz", b"/api/sync/events"):
        assert server.ask(GET % path) == (200, b"")


def test_those_who_sign_in_keep_nobody_else_waiting(web, monkeypatch):
    monkeypatch.setattr(request_limits, "AT_ONCE", 2)
    monkeypatch.setattr(request_limits, "SIGN_INS_AT_ONCE", 1)
    server = web()
    for _ in range(5):
        server.client(POST % (b"/hold/sign-in", 0))
    until(lambda: len(server.connections.connections) == 5)
    assert server.ask(GET % b"/") == (200, b"")
    assert server.app.asked == ["/hold/sign-in", "/"]


def test_an_order_form_for_which_there_is_no_place_to_wait_in_does_not_wait(web, monkeypatch):
    monkeypatch.setattr(request_limits, "WAITING_AT_ONCE", 1)
    server = web()
    assert server.ask(POST % (b"/prefers", 0)) == (200, b"")
    server.client(POST % (b"/hold/waiting", 0))
    until(lambda: server.app.asked == ["/prefers", "/hold/waiting"])
    assert server.ask(POST % (b"/prefers", 0)) == (200, b"respond-async")


def test_a_request_has_arrived_when_its_head_has_come(web):
    server = web()
    client = server.client(POST % (b"/arrived", 1))
    until(lambda: server.connections.waiting[Waiting.BODY])
    now = time.monotonic()
    client.sendall(b"x")
    status, arrived_at = answer_of(client)
    assert (status, float(arrived_at) <= now) == (200, True)


# Answers


def test_clients_that_do_not_read_keep_no_place(web, monkeypatch):
    monkeypatch.setattr(request_limits, "AT_ONCE", 2)
    monkeypatch.setattr(request_limits, "LARGEST_BUFFERED", 2 * len(LARGE))
    server = web()
    for _ in range(5):
        server.client(GET % b"/large", buffer=4096)
    until(lambda: server.limiter.buffered_bytes > 4 * 2**20)
    assert server.ask(GET % b"/") == (200, b"")
    assert server.ask(GET % b"/large") == (200, LARGE)
    server.clients.close()
    until(lambda: server.limiter.buffered_bytes == 0)


@pytest.mark.parametrize(("name", "limit"), [("LARGEST_BUFFERED", 2**20), ("BUFFERED_AT_ONCE", 0)])
def test_downloads_are_sent_from_places_of_their_own(web, monkeypatch, name, limit):
    monkeypatch.setattr(request_limits, "AT_ONCE", 2)
    monkeypatch.setattr(request_limits, "LARGE_ANSWERS_AT_ONCE", 1)
    monkeypatch.setattr(request_limits, name, limit)
    server = web()
    first, *_others = [server.client(GET % b"/large", buffer=4096) for _ in range(4)]
    until(lambda: server.app.asked == ["/large"] * 4)
    assert server.ask(GET % b"/") == (200, b"")
    assert answer_of(first) == (200, LARGE)
    server.clients.close()
    until(lambda: server.limiter.buffered_bytes == 0 and not server.connections.connections)
    assert server.ask(GET % b"/large") == (200, LARGE)


def test_a_client_that_does_not_read_is_cut_off(web, monkeypatch):
    monkeypatch.setattr(http_connections, "UNREAD_WITHIN", 0.2)
    server = web()
    server.client(GET % b"/large", buffer=4096)
    until(lambda: server.app.asked == ["/large"])
    until(lambda: not server.connections.connections)


def test_a_client_that_does_not_read_the_end_is_cut_off(web, monkeypatch):
    """The answer is over, and its last bytes lie in the server's own buffer."""
    monkeypatch.setattr(http_connections, "UNREAD_WITHIN", 0.2)
    server = web()
    client = server.client(buffer=4096)
    until(lambda: server.connections.connections)
    [connection] = server.connections.connections
    server.call(lambda: connection.transport.set_write_buffer_limits(high=2**30))
    client.sendall(GET % b"/large" + b"GET /")
    until(lambda: server.app.asked == ["/large"])
    server.call(connection.transport.close)
    until(lambda: not server.connections.connections)


# Heads


def test_a_head_that_does_not_come_in_time_is_told_so_and_the_connection_closed(web, monkeypatch):
    monkeypatch.setattr(http_connections, "HEAD_WITHIN", 0.2)
    client = web().client(b"GET / HTTP/1.1\r\nHost:")
    status, body = answer_of(client)
    assert (status, json.loads(body)["code"]) == (408, "head_timeout")
    assert is_closed(client)


def test_a_connection_that_asks_nothing_is_closed_without_a_word(web, monkeypatch):
    monkeypatch.setattr(http_connections, "HEAD_WITHIN", 0.2)
    assert web().client().recv(100) == b""


def test_a_second_head_that_does_not_come_in_time_is_told_so_too(web, monkeypatch):
    monkeypatch.setattr(http_connections, "HEAD_WITHIN", 0.2)
    client = web().client(GET % b"/" + b"G")
    assert answer_of(client)[0] == 200
    assert answer_of(client)[0] == 408


def test_a_request_that_is_worked_on_is_not_late(web, monkeypatch):
    monkeypatch.setattr(http_connections, "HEAD_WITHIN", 0.1)
    server = web()
    client = server.client(GET % b"/hold")
    late = server.client()
    assert is_closed(late)
    server.app.go_on.set()
    assert answer_of(client)[0] == 200


def test_requests_in_one_piece_are_answered_in_their_order(web):
    client = web().client(b"".join(POST % (b"/", 1) + b"%d" % number for number in range(9)))
    assert [answer_of_one(client) for _ in range(9)] == [b"%d" % number for number in range(9)]


def answer_of_one(client: socket.socket) -> bytes:
    """The body, of one byte, of an answer after which others may stand."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += client.recv(1)
    return client.recv(1)


def test_http_1_0_is_answered_and_closed(web):
    client = web().client(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
    assert answer_of(client)[0] == 200
    assert is_closed(client)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"Content-Length: 1\r\nContent-Length: 2", 400),
        (b"Content-Length: 1\r\nTransfer-Encoding: chunked", 411),
        (b"Content-Length: +1", 400),
        (b"Content-Length : 1", 400),
        (b"X: " + b"x" * 100_000, 431),
        (b"X: 1\r\n" * 20_000, 431),
    ],
)
def test_what_two_servers_could_read_in_two_ways_or_is_too_long_is_refused(web, head, status):
    client = web().client()
    with suppress(OSError):
        client.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\n" + head + b"\r\n\r\n0\r\n\r\n")
    # What has not come in one piece is refused before it is known to be a request.
    assert answer_of(client)[0] in ({status, 400} if status == 431 else {status})
    assert is_closed(client)


# Numbers of connections


def test_a_connection_that_has_just_been_opened_is_spared(web):
    server = web(per_address=3)
    first = server.client()
    until(lambda: len(server.connections.connections) == 1)
    half = [server.client(b"GET /") for _ in range(10)]
    assert is_closed(half[0])
    first.sendall(GET % b"/")
    assert answer_of(first)[0] == 200


def test_of_too_many_connections_of_one_address_the_slowest_makes_room(web):
    server = web(per_address=3)
    half = [server.client(b"GET /") for _ in range(3)]
    until(lambda: len(server.connections.connections) == 3)
    other = server.client(b"GET /", address="127.0.0.2")
    assert server.ask(GET % b"/") == (200, b"")
    assert is_closed(half[0])
    half[1].sendall(b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert answer_of(half[1])[0] == 200
    other.sendall(b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert answer_of(other)[0] == 200


def test_of_too_many_connections_the_slowest_makes_room(web):
    server = web(at_most=3)
    for number in range(20):
        server.client(POST % (b"/", 10), address=f"127.0.0.{number + 2}")
        assert server.ask(GET % b"/") == (200, b"")
    assert len(server.connections.connections) <= 3
    until(lambda: sum(server.connections.by_address.values()) == len(server.connections.connections))


def test_a_request_that_waits_for_its_turn_makes_room_at_last_where_most_of_them_do(web, monkeypatch):
    monkeypatch.setattr(request_limits, "STREAMS_BEGIN_AT_ONCE", 0)
    monkeypatch.setattr(request_limits, "SIGN_INS_AT_ONCE", 0)
    server = web(at_most=4)
    signing_in = server.client(POST % (b"/sign-in", 0))
    until(lambda: sum(bool(each.line) for each in server.connections.connections) == 1)
    streams = [server.client(GET % b"/api/sync/events") for _ in range(3)]
    until(lambda: sum(bool(each.line) for each in server.connections.connections) == 4)
    assert server.ask(GET % b"/") == (200, b"")
    assert sum(is_ended(client) for client in streams) == 1
    assert not is_ended(signing_in)


def is_ended(client: socket.socket) -> bool:
    """Whether the other side has closed already."""
    client.settimeout(0.1)
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


@pytest.mark.parametrize("limit", [{"at_most": 2}, {"per_address": 2}])
def test_when_all_connections_are_worked_for_a_new_one_is_told_to_come_again(web, limit):
    server = web(**limit)
    working = [server.client(GET % b"/hold") for _ in range(2)]
    until(lambda: server.app.asked == ["/hold"] * 2)
    client = server.client()
    status, body = answer_of(client)
    assert (status, json.loads(body)["code"]) == (503, "busy")
    assert is_closed(client)
    server.app.go_on.set()
    assert [answer_of(each)[0] for each in working] == [200, 200]


def test_who_is_gone_is_not_counted(web):
    server = web(per_address=2)
    for _ in range(10):
        assert server.ask(GET % b"/") == (200, b"")
        server.clients.close()
    until(lambda: not server.connections.connections)
    assert server.connections.by_address == {}
    assert not any(server.connections.waiting.values())


def test_requests_of_which_the_body_has_not_come_are_given_up_when_the_server_stops(web):
    server = web()
    client = server.client(POST % (b"/", 10))
    working = server.client(GET % b"/hold")
    until(lambda: server.app.asked == ["/hold"])
    server.call(server.connections.close_unfinished_requests)
    assert is_closed(client)
    server.app.go_on.set()
    assert answer_of(working)[0] == 200


def test_answers_that_nobody_reads_are_given_up_when_the_server_stops(web):
    server = web()
    server.client(GET % b"/large", buffer=4096)
    working = server.client(GET % b"/hold")
    until(lambda: server.connections.waiting[Waiting.READER])
    server.call(server.connections.cut_readers_off)
    until(lambda: len(server.connections.connections) == 1)
    server.app.go_on.set()
    assert answer_of(working)[0] == 200
