"""What every request must pass before Django sees it: a body that comes in time, and a place among those worked on."""

from __future__ import annotations

import asyncio
import json
import time
from asyncio import AbstractEventLoop, Semaphore
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, MutableMapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.db import connections
from django.http import HttpRequest
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation.trans_real import get_supported_language_variant, parse_accept_lang_header

from sync.api.errors import error_body

# Requests that are worked on; each has a thread and a database connection, of which PostgreSQL has a hundred.
AT_ONCE = 40
WAITING_AT_ONCE = 20  # of those that wait for the ERP, and must keep no place from the others
SIGN_INS_AT_ONCE = 4  # each keeps a core busy for a moment, whoever sends it
PROBES_AT_ONCE = 4
STREAMS_BEGIN_AT_ONCE = 8  # afterwards they need neither a place nor a connection
LARGE_ANSWERS_AT_ONCE = 10  # of those that are too large to be kept

LARGEST_HEAD = 2**15  # bytes
BODY_WITHIN = 20.0  # seconds; a page of ours waits no longer for its answer
SMALL = 2**16  # bytes of a body or an answer that every connection may have; a saved order has a tenth of them
LARGE_BODIES = 64 * 2**20  # bytes of all bodies at a time, beyond what is small
LARGEST_KEPT = 2 * 2**20  # bytes of one answer; only downloads have more
KEPT_AT_ONCE = 256 * 2**20  # bytes of all answers
TRY_AGAIN_AFTER = 5  # seconds

STREAMS = "/api/sync/events"
PROBES = ("/healthz", "/readyz")

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]


class ThreadsOfErrors(ThreadPoolExecutor):
    """Threads in which Django makes error pages: as no request ends in them, they close what the pages have opened."""

    def submit(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return super().submit(closing_connections, work, *args, **kwargs)


def closing_connections(work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    try:
        return work(*args, **kwargs)
    finally:
        connections.close_all()  # of this thread


class Refused(Exception):
    """A request is not let in."""

    def __init__(self, status: HTTPStatus, code: str, text: Promise, **facts: Any) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.text = text
        self.facts = facts


class Disconnected(Exception):
    """The client is gone before its request had begun."""


class Gate:
    """An ASGI application before another one.

    Whoever is slow keeps no place: a body is read before its request gets one, and an answer is sent when its request
    has left it. `waiting` is the addresses whose requests may take long because the ERP does: one for which there is no
    place is treated as if it preferred not to wait. `sign_ins` is those at which passwords are checked.
    """

    def __init__(self, app: App, *, waiting: Collection[str] = (), sign_ins: Collection[str] = ()) -> None:
        self.app = app
        self.waiting = waiting
        self.sign_ins = sign_ins
        self.places = Semaphore(AT_ONCE)
        self.waiting_places = Semaphore(WAITING_AT_ONCE)
        self.sign_in_places = Semaphore(SIGN_INS_AT_ONCE)
        self.probe_places = Semaphore(PROBES_AT_ONCE)
        self.stream_places = Semaphore(STREAMS_BEGIN_AT_ONCE)
        self.large_places = Semaphore(LARGE_ANSWERS_AT_ONCE)
        self.large_bodies = 0  # bytes, now
        self.kept_answers = 0  # bytes, now
        self.loop: AbstractEventLoop | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.loop is not (loop := asyncio.get_running_loop()):
            self.loop = loop
            loop.set_default_executor(ThreadsOfErrors(thread_name_prefix="errors"))
        if scope["type"] == "http":
            await Exchange(self, scope, receive, send).carry_out()
        else:
            await self.app(scope, receive, send)

    def places_for(self, scope: Scope) -> Semaphore:
        path = scope["path"]
        if path in PROBES:
            return self.probe_places
        if path == STREAMS:
            return self.stream_places
        if path in self.sign_ins and scope["method"] == "POST":
            return self.sign_in_places
        if path in self.waiting and not self.waiting_places.locked():
            return self.waiting_places
        return self.places


class Exchange:
    """One request and its answer."""

    def __init__(self, gate: Gate, scope: Scope, receive: Receive, send: Send) -> None:
        self.gate = gate
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
        self.place = AsyncExitStack()
        self.kept: deque[Any] | None = deque()  # messages of the answer; None if they are sent at once
        self.kept_bytes = 0

    async def carry_out(self) -> None:
        try:
            check_head(self.scope, self.headers)
            await self.read_body()
            await self.work()
        except Refused as refusal:
            await refuse(refusal, self.send, language=language_of(self.headers))
        except Disconnected:
            pass
        finally:
            self.gate.large_bodies -= self.large_body
            self.gate.kept_answers -= self.kept_bytes
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
            text = _("The body has not come within {seconds} seconds. Send the request again.")
            raise Refused(HTTPStatus.REQUEST_TIMEOUT, "body_timeout", text, seconds=int(BODY_WITHIN)) from None

    def count_large_body(self) -> None:
        large = max(0, len(self.body) - SMALL)
        self.gate.large_bodies += large - self.large_body
        self.large_body = large
        if large and self.gate.large_bodies > LARGE_BODIES:
            text = _("Too many large requests are being sent at once. Send it again in a moment.")
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "busy", text)

    async def work(self) -> None:
        """Let Django answer as soon as there is a place. Raises Disconnected."""
        self.gone = asyncio.ensure_future(self.receive())
        places = self.gate.places_for(self.scope)
        scope = {**self.scope, "arrived_at": self.arrived_at}
        if self.scope["path"] in self.gate.waiting and places is not self.gate.waiting_places:
            scope["headers"] = [*self.scope["headers"], (b"prefer", b"respond-async")]
        async with self.place:
            await self.place.enter_async_context(self.place_among(places))
            await self.gate.app(scope, self.receive_again, self.stream if self.scope["path"] == STREAMS else self.keep)
        while self.kept:
            message = self.kept.popleft()
            await self.send(message)
            self.uncount(message)

    @asynccontextmanager
    async def place_among(self, places: Semaphore) -> AsyncIterator[None]:
        """Raises Disconnected if the client goes while it waits."""
        if places.locked():
            await self.wait_for(places)
        else:
            await places.acquire()
        try:
            yield
        finally:
            places.release()

    async def wait_for(self, places: Semaphore) -> None:
        taking = asyncio.ensure_future(places.acquire())
        self.state["line"] = places
        try:
            await asyncio.wait({taking, self.gone}, return_when=asyncio.FIRST_COMPLETED)
            if self.gone.done():
                raise Disconnected
        except BaseException:
            if not taking.cancel():  # it has been taken
                places.release()
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
        """Send what has no end; its place is free as soon as it begins."""
        self.sends_at_once.set()
        await self.place.aclose()
        await self.send(message)

    async def keep(self, message: Message) -> None:
        """Keep a message of the answer until the request has left its place, so that no slow reader keeps it.

        What is too large for that is sent at once, from another place: a download.
        """
        if self.kept is None:
            await self.send(message)
            return
        self.kept.append(message)
        size = len(message.get("body", b""))
        self.kept_bytes += size
        self.gate.kept_answers += size
        if self.kept_bytes > (SMALL if self.gate.kept_answers > KEPT_AT_ONCE else LARGEST_KEPT):
            await self.place.aclose()
            with suppress(Disconnected):  # Django is told so as well, and ends the answer
                await self.place.enter_async_context(self.place_among(self.gate.large_places))
            messages, self.kept = self.kept, None
            self.sends_at_once.set()
            for each in messages:
                await self.send(each)
                self.uncount(each)

    def uncount(self, message: Message) -> None:
        size = len(message.get("body", b""))
        self.kept_bytes -= size
        self.gate.kept_answers -= size


def check_head(scope: Scope, headers: dict[bytes, bytes]) -> None:
    """Raises Refused."""
    size = sum(len(name) + len(value) for name, value in scope["headers"])
    if size + len(scope["path"]) + len(scope["query_string"]) > LARGEST_HEAD:
        text = _("The request's head has over {bytes} bytes.")
        raise Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "head_too_large", text, bytes=LARGEST_HEAD)
    if b"transfer-encoding" in headers:
        text = _("Send the body with its length, in Content-Length.")
        raise Refused(HTTPStatus.LENGTH_REQUIRED, "length_required", text)
    length = headers.get(b"content-length", b"0")
    largest = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if length.isdigit() and int(length) > largest:
        text = _("The body has over {bytes} bytes.")
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", text, bytes=largest)


def language_of(headers: dict[bytes, bytes]) -> str:
    """The first language of Accept-Language that there is."""
    accepted = headers.get(b"accept-language", b"").decode("latin-1")
    for code, _weight in parse_accept_lang_header(accepted):
        with suppress(LookupError):
            return get_supported_language_variant(code)
    return settings.LANGUAGE_CODE


async def refuse(refusal: Refused, send: Send, *, language: str) -> None:
    with translation.override(language):
        text = str(refusal.text).format(**refusal.facts)
    body = json.dumps(error_body(text, refusal.code, {})).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    if refusal.status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers.append((b"retry-after", str(TRY_AGAIN_AFTER).encode()))
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def arrived_at(request: HttpRequest) -> float | None:
    """When a request's head had come, by the monotonic clock in seconds; None if the server does not say."""
    scope: Scope = getattr(request, "scope", {})
    return scope.get("arrived_at")
