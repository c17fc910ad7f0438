"""The web server's connections: how many there may be, and how long each may keep it waiting.

The HTTP library has no limit on the time that a request's head takes, or an answer that nobody reads.
"""

from __future__ import annotations

import asyncio
import json
import logging
import resource
import socket
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Collection, Iterator
from enum import Enum
from itertools import chain
from typing import Any, cast

from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

HEAD_WITHIN = 10.0  # seconds, from the connection, or the answer before
FRESH_FOR = 1.0  # seconds, from the connection
UNREAD_WITHIN = 15.0  # seconds in which a client must take some 100 kB of an answer, or the rest of it
GONE_AFTER = 60_000  # milliseconds in which a client must confirm what was sent: a telephone without reception does not

FILES_RAISED_TO = 65_536  # at the most: so many connections cost more memory than a machine has
FILES_KEPT_FREE = 320  # for the database, of which SQLite has three for each of a hundred requests, and for exports
ACCEPTED_AT_ONCE = 32  # connections
NOT_YET_COUNTED = 4 * ACCEPTED_AT_ONCE  # connections that are accepted, or closed, while the event loop goes round

logger = logging.getLogger(__name__)


def make_answer(status: str, code: str, text: str) -> bytes:
    """An answer to whoever has sent no request, in the shape of all errors."""
    body = json.dumps({"success": False, "error": text, "code": code, "detail": {}})
    head = [
        f"HTTP/1.1 {status}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Connection: close",
        "Cache-Control: no-store",
        "X-Content-Type-Options: nosniff",
        "Retry-After: 5",
    ]
    return "\r\n".join([*head, "", body]).encode()


TOO_MANY = make_answer("503 Service Unavailable", "busy", "Too many connections at once. Try again in a moment.")
TOO_SLOW = make_answer("408 Request Timeout", "head_timeout", "The request has not come in time. Send it again.")


class Waiting(Enum):
    """What of a connection is waited for; the first is the least that an ordinary client makes anybody wait for."""

    READER = "that an answer is read"
    HEAD = "the rest of a request's head"
    BODY = "the rest of its body"
    NEXT = "another request, after an answer"
    FIRST = "the first request"


class Connections(ServerState):
    """All connections of this process, and since when which of them keep it waiting.

    When there are too many, of all or of one address, one that keeps it waiting makes room for a new one: whoever sends
    whole requests is not locked out by those who do not. `per_address` is None behind a proxy, from whose address all
    of them come.
    """

    def __init__(self, *, at_most: int, per_address: int | None) -> None:
        super().__init__()
        self.at_most = at_most
        self.per_address = per_address
        self.by_address: Counter[str] = Counter()
        # Since when, by the event loop's clock; the longest first.
        self.waiting: dict[Waiting, OrderedDict[Connection, float]] = {kind: OrderedDict() for kind in Waiting}

    def admit(self, connection: Connection) -> bool:
        """Count a new connection, if there is room for it or can be made."""
        address = connection.address
        fresh = list(self.find_fresh_connections(connection.loop.time()))
        known = self.by_address[address] - sum(each.address == address for each in fresh)
        if self.per_address and known >= self.per_address:
            logger.warning("%s has %d connections: one that keeps the server waiting is closed", address, known)
            has_room = self.close_one_waiting(but=fresh, address=address)
        elif len(self.connections) >= self.at_most:
            logger.warning("There are %d connections: one that keeps the server waiting is closed", self.at_most)
            has_room = self.close_one_waiting(but=fresh)
        else:
            has_room = True
        if has_room:
            self.connections.add(connection)
            self.by_address[address] += 1
        return has_room

    def find_fresh_connections(self, now: float) -> Iterator[Connection]:
        """Those of whom nobody can say yet what they are: what they have sent may lie there unread."""
        for connection, since in reversed(self.waiting[Waiting.FIRST].items()):
            if now - since > FRESH_FOR:
                return
            yield connection

    def close_one_waiting(self, *, but: Collection[Connection], address: str | None = None) -> bool:
        """Whether there was one that kept this process waiting, or else whose request waits for its turn."""
        spared = set(but)
        for connection in chain(chain.from_iterable(self.waiting.values()), self.find_longest_line(address)):
            if connection not in spared and (address is None or connection.address == address):
                connection.transport.abort()
                self.forget(connection)
                return True
        return False

    def find_longest_line(self, address: str | None) -> Iterator[Connection]:
        """Those whose requests wait for their turn, where most of them do."""
        lines: dict[object, list[Connection]] = defaultdict(list)
        for connection in self.connections:
            line = cast(Connection, connection).line
            if line and (address is None or cast(Connection, connection).address == address):
                lines[line].append(cast(Connection, connection))
        yield from max(lines.values(), key=len, default=[])

    def forget(self, connection: Connection) -> None:
        if connection in self.connections:
            self.connections.discard(connection)
            self.by_address[connection.address] -= 1
            if not self.by_address[connection.address]:
                del self.by_address[connection.address]
        connection.wait_for(None)

    def close_late(self, now: float) -> None:
        """Close what has kept this process waiting for too long, or is too much of one address.

        What is being closed already is closed for certain.
        """
        for connection in list(self.connections):
            cast(Connection, connection).close_if_late(now)
        fresh = list(self.find_fresh_connections(now))
        per_address = self.per_address or self.at_most
        for address, number in list(self.by_address.items()):
            known = number - sum(each.address == address for each in fresh)
            while known > per_address and self.close_one_waiting(but=fresh, address=address):
                known -= 1

    def close_unfinished_requests(self) -> None:
        """Close those of which a request has begun and not come, as when this process is to stop."""
        for connection in list(self.waiting[Waiting.BODY]):
            connection.transport.close()

    def cut_readers_off(self) -> None:
        """Close those of whom an answer is still not read, for certain."""
        for connection in cast(list[Connection], list(self.connections)):
            if connection.waits_for == Waiting.READER or connection.transport.is_closing():
                connection.transport.abort()


class Connection(H11Protocol):
    """HTTP/1.1 over one connection."""

    connections: set[Any]
    server_state: Connections

    def __init__(self, config: Config, server_state: ServerState, app_state: dict[str, Any], **options: Any) -> None:
        super().__init__(config, server_state, app_state, **options)
        self.address = ""
        self.waits_for: Waiting | None = None
        self.closing_since: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if peer else ""
        if not self.server_state.admit(self):
            transport.write(TOO_MANY)
            transport.close()
            return
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # on Linux
            transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, GONE_AFTER)
        super().connection_made(transport)
        self.note_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        self.server_state.forget(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self.note_waiting()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self.note_waiting()

    def pause_writing(self) -> None:
        super().pause_writing()
        self.note_waiting()

    def resume_writing(self) -> None:
        super().resume_writing()
        self.note_waiting()

    def note_waiting(self) -> None:
        if self in self.connections:
            self.wait_for(self.find_waiting())

    def wait_for(self, wanted: Waiting | None) -> None:
        if wanted == self.waits_for:
            return
        is_same_request = {wanted, self.waits_for} == {Waiting.FIRST, Waiting.HEAD}
        since = self.server_state.waiting[self.waits_for].pop(self) if self.waits_for else self.loop.time()
        self.waits_for = wanted
        if wanted:
            self.server_state.waiting[wanted][self] = since if is_same_request else self.loop.time()

    def find_waiting(self) -> Waiting | None:
        if self.flow.write_paused:
            return Waiting.READER
        if self.cycle and not self.cycle.response_complete:
            return Waiting.BODY if self.cycle.more_body else None
        received, _is_closed = self.conn.trailing_data
        if received:
            return Waiting.HEAD
        return Waiting.NEXT if self.cycle else Waiting.FIRST

    @property
    def line(self) -> object:
        """For what the application has its request wait, if it does."""
        is_in_progress = self.cycle and not self.cycle.response_complete
        return self.scope["state"].get("line") if is_in_progress else None

    def close_if_late(self, now: float) -> None:
        """The body's time is the application's to measure."""
        if self.transport.is_closing():
            self.closing_since = self.closing_since or now
            if now - self.closing_since > UNREAD_WITHIN:
                self.transport.abort()
            return
        if self.waits_for is None:
            return
        waited = now - self.server_state.waiting[self.waits_for][self]
        if self.waits_for == Waiting.READER and waited > UNREAD_WITHIN:
            self.transport.abort()
        elif self.waits_for == Waiting.HEAD and waited > HEAD_WITHIN:
            self.transport.write(TOO_SLOW)
            self.transport.close()
        elif self.waits_for in (Waiting.FIRST, Waiting.NEXT) and waited > HEAD_WITHIN:
            self.transport.close()


def raise_file_limit() -> int:
    """Let this process open as many files as it may; how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_RAISED_TO if hard == resource.RLIM_INFINITY else min(hard, FILES_RAISED_TO)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return FILES_RAISED_TO if soft == resource.RLIM_INFINITY else soft


def find_most_connections(wanted: int) -> int:
    """How many connections there may be: as many as wanted, or as there are files for."""
    files = raise_file_limit()
    possible = files - FILES_KEPT_FREE - NOT_YET_COUNTED
    if possible < wanted:
        logger.warning(
            "At most %d connections at once instead of %d: this process may open only %d files (ulimit -n)",
            max(possible, ACCEPTED_AT_ONCE),
            wanted,
            files,
        )
    return min(wanted, max(possible, ACCEPTED_AT_ONCE))
