"""The web server's connections: how many there may be, and how long each may keep it waiting.

The HTTP library has no limit on the time that a request's head takes, or an answer that nobody reads.
"""

from __future__ import annotations

import asyncio
import json
import logging
import resource
import socket
from collections import Counter, OrderedDict
from enum import Enum
from typing import Any, cast

from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

HEAD_WITHIN = 10.0  # seconds, from the connection, or the answer before
UNREAD_WITHIN = 15.0  # seconds in which a client must take some 50 kB of an answer, or the rest of it
GONE_AFTER = 60_000  # milliseconds in which a client must confirm what was sent: a telephone without reception does not

FILES_RAISED_TO = 65_536  # at the most: so many connections cost more memory than a machine has
FILES_KEPT_FREE = 320  # for the database, of which SQLite has three for each of a hundred requests, and for exports
ACCEPTED_AT_ONCE = 32  # connections
NOT_YET_COUNTED = 4 * ACCEPTED_AT_ONCE  # connections that are accepted, or closed, while the event loop goes round

logger = logging.getLogger(__name__)


def canned(status: str, code: str, text: str) -> bytes:
    """An answer to whoever has sent no request, in the shape of all errors."""
    body = json.dumps({"success": False, "error": text, "code": code, "detail": {}})
    head = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}", "Connection: close"]
    return "\r\n".join([*head, "Retry-After: 5", "", body]).encode()


TOO_MANY = canned("503 Service Unavailable", "busy", "Too many connections at once. Try again in a moment.")
TOO_SLOW = canned("408 Request Timeout", "head_timeout", "The request has not come in time. Send it again.")


class Waiting(Enum):
    """What of a connection is waited for."""

    REQUEST = "a request's head"
    BODY = "its body"
    READER = "that the answer is read"


class Connections(ServerState):
    """All connections of this process, and since when which of them keep it waiting.

    When there are too many, of all or of one address, the one that has kept it waiting longest makes room for a new
    one: whoever sends whole requests is not locked out by those who do not. `per_address` is None behind a proxy, from
    whose address all of them come.
    """

    def __init__(self, *, at_most: int, per_address: int | None) -> None:
        super().__init__()
        self.at_most = at_most
        self.per_address = per_address
        self.by_address: Counter[str] = Counter()
        self.waiting: OrderedDict[Connection, float] = OrderedDict()  # since when, by the event loop's clock

    def admit(self, connection: Connection) -> bool:
        """Count a new connection, if there is room for it or can be made."""
        address = connection.address
        if self.per_address and self.by_address[address] >= self.per_address:
            logger.warning("%s has %d connections: its slowest one makes room", address, self.per_address)
            has_room = self.close_slowest(address)
        elif len(self.connections) >= self.at_most:
            logger.warning("There are %d connections: the slowest one makes room", self.at_most)
            has_room = self.close_slowest()
        else:
            has_room = True
        if has_room:
            self.connections.add(connection)
            self.by_address[address] += 1
        return has_room

    def close_slowest(self, address: str | None = None) -> bool:
        """Whether there was one that kept this process waiting."""
        found = (each for each in self.waiting if address is None or each.address == address)
        slowest = next(found, None)
        if slowest:
            slowest.transport.abort()
            self.forget(slowest)
        return slowest is not None

    def forget(self, connection: Connection) -> None:
        if connection in self.connections:
            self.connections.discard(connection)
            self.by_address[connection.address] -= 1
            if not self.by_address[connection.address]:
                del self.by_address[connection.address]
        self.waiting.pop(connection, None)

    def close_late(self, now: float) -> None:
        """Close what has kept this process waiting for too long; what is being closed already, for certain."""
        for connection in list(self.connections):
            cast(Connection, connection).close_if_late(now)

    def close_unfinished_requests(self) -> None:
        """Close those of which a request has begun and not come, as when this process is to stop."""
        for connection, _since in list(self.waiting.items()):
            if connection.waits_for == Waiting.BODY:
                connection.transport.close()


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
        self.note_what_is_waited_for()

    def connection_lost(self, exc: Exception | None) -> None:
        self.server_state.forget(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self.note_what_is_waited_for()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self.note_what_is_waited_for()

    def pause_writing(self) -> None:
        super().pause_writing()
        self.note_what_is_waited_for()

    def resume_writing(self) -> None:
        super().resume_writing()
        self.note_what_is_waited_for()

    def note_what_is_waited_for(self) -> None:
        if self not in self.connections:
            return
        before, self.waits_for = self.waits_for, self.what_is_waited_for()
        if self.waits_for is None:
            self.server_state.waiting.pop(self, None)
        elif self.waits_for != before:
            self.server_state.waiting.pop(self, None)
            self.server_state.waiting[self] = self.loop.time()

    def what_is_waited_for(self) -> Waiting | None:
        if self.flow.write_paused:
            return Waiting.READER
        if self.cycle is None or self.cycle.response_complete:
            return Waiting.REQUEST
        return Waiting.BODY if self.cycle.more_body else None

    def close_if_late(self, now: float) -> None:
        """The body's time is the application's to measure."""
        if self.transport.is_closing():
            self.closing_since = self.closing_since or now
            if now - self.closing_since > UNREAD_WITHIN:
                self.transport.abort()
            return
        since = self.server_state.waiting.get(self, now)
        if self.waits_for == Waiting.READER and now - since > UNREAD_WITHIN:
            self.transport.abort()
        elif self.waits_for == Waiting.REQUEST and now - since > HEAD_WITHIN:
            if self.has_begun_a_request:
                self.transport.write(TOO_SLOW)
            self.transport.close()

    @property
    def has_begun_a_request(self) -> bool:
        received, _is_closed = self.conn.trailing_data
        return bool(received)


def raise_file_limit() -> int:
    """Let this process open as many files as it may; how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_RAISED_TO if hard == resource.RLIM_INFINITY else min(hard, FILES_RAISED_TO)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return FILES_RAISED_TO if soft == resource.RLIM_INFINITY else soft


def largest_number(wanted: int) -> int:
    """How many connections there may be: as many as wanted, or as there are files for."""
    files = raise_file_limit()
    possible = files - FILES_KEPT_FREE - NOT_YET_COUNTED
    if possible < wanted:
        logger.warning(
            "At most %d connections at once instead of %d: this process may open %d files only (ulimit -n)",
            max(possible, ACCEPTED_AT_ONCE),
            wanted,
            files,
        )
    return min(wanted, max(possible, ACCEPTED_AT_ONCE))
