"""What every request must pass before Django sees it: a body that comes in time, and a slot among those worked on."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, MutableMapping
from concurrent import futures
from http import HTTPStatus
from typing import Any

from django.db import connections
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from sync.api import refusals
from sync.api.refusals import Refused, Scope, Send

# Requests that are worked on; each has a thread and a database connection, of which PostgreSQL has a hundred.
AT_ONCE = 40
WAITING_AT_ONCE = 20  # of those that wait for the ERP, and must keep no slot from the others
SIGN_INS_AT_ONCE = 4  # each keeps a core busy for a moment, whoever sends it
PROBES_AT_ONCE = 4
STREAMS_BEGIN_AT_ONCE = 8  # afterwards they need neither a slot nor a connection
LARGE_ANSWERS_AT_ONCE = 10  # of those that are too large to be kept

BODY_WITHIN = 20.0  # seconds; a page of ours waits no longer for its answer
SMALL = 2**16  # bytes of a body or an answer that every connection may have; a saved order has a tenth of them
LARGE_BODIES = 64 * 2**20  # bytes of all bodies at a time, beyond what is small
LARGEST_BUFFERED = 2 * 2**20  # bytes of one answer; only downloads have more
BUFFERED_AT_ONCE = 256 * 2**20  # bytes of all answers

STREAMS = "/api/sync/events"
PROBES = ("/healthz", "/readyz")

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
App = Callable[[Any, Any, Any], Awaitable[None]]


class ErrorPageExecutor(futures.ThreadPoolExecutor):
    """Threads in which Django makes error pages: as no request ends in them, they close what the pages have opened."""

    def submit(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> futures.Future[Any]:
        return super().submit(run_and_close_connections, work, *args, **kwargs)


def run_and_close_connections(work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    try:
        return work(*args, **kwargs)
    finally:
        connections.close_all()  # of this thread


class Disconnected(Exception):
    """The client is gone before its request had begun."""


class RequestLimiter:
    """An ASGI application before another one.

    Whoever is slow keeps no slot: a body is read before its request gets one, and an answer is sent when its request
    has left it. `waiting` is the addresses whose requests may take long because the ERP does: one for which there is no
    slot is treated as if it preferred not to wait. `sign_ins` is those at which passwords are checked.
    """

    def __init__(self, app: App, *, waiting: Collection[str] = (), sign_ins: Collection[str] = ()) -> None:
        self.app = app
        self.waiting = waiting
        self.sign_ins = sign_ins
        self.slots = asyncio.Semaphore(AT_ONCE)
        self.waiting_slots = asyncio.Semaphore(WAITING_AT_ONCE)
        self.sign_in_slots = asyncio.Semaphore(SIGN_INS_AT_ONCE)
        self.probe_slots = asyncio.Semaphore(PROBES_AT_ONCE)
        self.stream_slots = asyncio.Semaphore(STREAMS_BEGIN_AT_ONCE)
        self.large_slots = asyncio.Semaphore(LARGE_ANSWERS_AT_ONCE)
        self.large_bodies = 0  # bytes, now
        self.buffered_bytes = 0  # bytes, now
        self.loop: asyncio.AbstractEventLoop | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.loop is not (loop := asyncio.get_running_loop()):
            self.loop = loop
            loop.set_default_executor(ErrorPageExecutor(thread_name_prefix="errors"))
        if scope["type"] == "http":
            await Exchange(self, scope, receive, send).handle()
        else:
            await self.app(scope, receive, send)

    def choose_slots(self, scope: Scope) -> asyncio.Semaphore:
        path = scope["path"]
        if path in PROBES:
            return self.probe_slots
        if path == STREAMS:
            return self.stream_slots
        if path in self.sign_ins and scope["method"] == "POST":
            return self.sign_in_slots
        if path in self.waiting and not self.waiting_slots.locked():
            return self.waiting_slots
        return self.slots


class Exchange:
    """One request and its answer."""

    def __init__(self, limiter: RequestLimiter, scope: Scope, receive: Receive, send: Send) -> None:
        self.limiter = limiter
        self.scope = scope
        self.receive = receive
        self.send = send
        self.state: dict[str, Any] = scope.get("state", {})  # that the connection's side sees too
        self.headers = dict(scope["headers"])
        self.arrived_at = time.monotonic()
        self.body = bytearray()
        self.is_passed_on = False  # the body
        self.large_body = 0  # bytes that count as such
        self.gone: asyncio.Future[Any] = asyncio.get_running_loop().create_future()  # that the client is
        self.sends_at_once = asyncio.Event()  # what Django answers
        self.slot = contextlib.AsyncExitStack()
        self.buffer: deque[Any] | None = deque()  # messages of the answer; None if they are sent at once
        self.buffered_bytes = 0

    async def handle(self) -> None:
        try:
            refusals.check_head(self.scope, self.headers)
            await self.read_body()
            await self.call_app()
        except Refused as refusal:
            await refusals.send_refusal(refusal, self.send, language=refusals.choose_language(self.headers))
        except Disconnected:
            pass
        finally:
            self.limiter.large_bodies -= self.large_body
            self.limiter.buffered_bytes -= self.buffered_bytes
            self.gone.cancel()

    async def read_body(self) -> None:
        """Raises Refused, Disconnected."""
        try:
            async with asyncio.timeout(BODY_WITHIN):
                while True:
                    message = await self.receive()
                    if message["type"] == "http.disconnect":
                        raise Disconnected
                    self.body += message.get("body", b"")
                    self.count_large_body()
                    if not message.get("more_body", False):
                        break
        except TimeoutError:
            text = _("The request's body did not arrive within {seconds} seconds. Send the request again.")
            raise Refused(HTTPStatus.REQUEST_TIMEOUT, "body_timeout", text, seconds=int(BODY_WITHIN)) from None

    def count_large_body(self) -> None:
        large = max(0, len(self.body) - SMALL)
        self.limiter.large_bodies += large - self.large_body
        self.large_body = large
        if large and self.limiter.large_bodies > LARGE_BODIES:
            text = _("Too many large requests are being sent at once. Send this one again in a moment.")
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "busy", text)

    async def call_app(self) -> None:
        """Let Django answer as soon as there is a slot. Raises Disconnected."""
        self.gone = asyncio.ensure_future(self.receive())
        slots = self.limiter.choose_slots(self.scope)
        scope = {**self.scope, "arrived_at": self.arrived_at}
        if self.scope["path"] in self.limiter.waiting and slots is not self.limiter.waiting_slots:
            scope["headers"] = [*self.scope["headers"], (b"prefer", b"respond-async")]
        async with self.slot:
            await self.slot.enter_async_context(self.take_slot(slots))
            await self.limiter.app(
                scope, self.receive_again, self.stream if self.scope["path"] == STREAMS else self.buffer_message
            )
        while self.buffer:
            message = self.buffer.popleft()
            await self.send(message)
            self.uncount(message)

    @contextlib.asynccontextmanager
    async def take_slot(self, slots: asyncio.Semaphore) -> AsyncIterator[None]:
        """Raises Disconnected if the client goes while it waits."""
        if slots.locked():
            await self.wait_for_slot(slots)
        else:
            await slots.acquire()
        try:
            yield
        finally:
            slots.release()

    async def wait_for_slot(self, slots: asyncio.Semaphore) -> None:
        taking = asyncio.ensure_future(slots.acquire())
        self.state["line"] = slots
        try:
            await asyncio.wait({taking, self.gone}, return_when=asyncio.FIRST_COMPLETED)
            if self.gone.done():
                raise Disconnected
        except BaseException:
            if not taking.cancel():  # it has been taken
                slots.release()
            raise
        finally:
            self.state["line"] = None

    async def receive_again(self) -> Any:
        """The body, and afterwards when the client goes, if its answer is being sent.

        Before that Django could only leave its thread to itself, which works to its end all the same, and fails there.
        """
        if not self.is_passed_on:
            body, self.body, self.is_passed_on = self.body, bytearray(), True
            return {"type": "http.request", "body": body, "more_body": False}
        await self.sends_at_once.wait()
        return await asyncio.shield(self.gone)

    async def stream(self, message: Message) -> None:
        """Send what has no end; its slot is free as soon as it begins."""
        self.sends_at_once.set()
        await self.slot.aclose()
        await self.send(message)

    async def buffer_message(self, message: Message) -> None:
        """Keep a message of the answer until the request has left its slot, so that no slow reader keeps it.

        What is too large for that is sent at once, from another slot: a download.
        """
        if self.buffer is None:
            await self.send(message)
            return
        self.buffer.append(message)
        size = len(message.get("body", b""))
        self.buffered_bytes += size
        self.limiter.buffered_bytes += size
        if self.buffered_bytes > (SMALL if self.limiter.buffered_bytes > BUFFERED_AT_ONCE else LARGEST_BUFFERED):
            await self.slot.aclose()
            with contextlib.suppress(Disconnected):  # Django is told so as well, and ends the answer
                await self.slot.enter_async_context(self.take_slot(self.limiter.large_slots))
            messages, self.buffer = self.buffer, None
            self.sends_at_once.set()
            for each in messages:
                await self.send(each)
                self.uncount(each)

    def uncount(self, message: Message) -> None:
        size = len(message.get("body", b""))
        self.buffered_bytes -= size
        self.limiter.buffered_bytes -= size


def get_arrival_time(request: HttpRequest) -> float | None:
    """When a request's head had come, by the monotonic clock in seconds; None if the server does not say."""
    scope: Scope = getattr(request, "scope", {})
    return scope.get("arrived_at")
