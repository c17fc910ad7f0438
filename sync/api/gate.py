"""What every request must pass before Django sees it: bodies of a known and sensible size, not too many at a time."""

from __future__ import annotations

import asyncio
import json
from asyncio import AbstractEventLoop
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from concurrent.futures import Future, ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.db import connections
from django.utils.translation import gettext as _

from sync.api.errors import error_body

AT_ONCE = 40  # requests; each has a thread and a database connection, of which PostgreSQL has a hundred
WAITING_AT_ONCE = 20  # of those that wait for the ERP, and must keep no place from the others
STREAMS = "/api/sync/events"  # which last, and need neither for long

Scope = MutableMapping[str, Any]
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


class Gate:
    """An ASGI application before another one.

    Django would keep a body of any size, whoever sends it; and its REST framework takes one without a length for none.
    `waiting` is the addresses whose requests may take long because the ERP does.
    """

    def __init__(self, app: App, *, waiting: Collection[str] = ()) -> None:
        self.app = app
        self.waiting = waiting
        self.places = asyncio.Semaphore(AT_ONCE)
        self.waiting_places = asyncio.Semaphore(WAITING_AT_ONCE)
        self.loop: AbstractEventLoop | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.loop is not (loop := asyncio.get_running_loop()):
            self.loop = loop
            loop.set_default_executor(ThreadsOfErrors(thread_name_prefix="errors"))
        if scope["type"] != "http" or scope["path"] == STREAMS:
            await self.app(scope, receive, send)
        elif refusal := refusal_of(dict(scope["headers"])):
            await refuse(*refusal, send)
        else:
            async with self.waiting_places if scope["path"] in self.waiting else self.places:
                await self.app(scope, receive, send)


def refusal_of(headers: dict[bytes, bytes]) -> tuple[HTTPStatus, str, str] | None:
    """Status, text and code of why a request is not let in; None if it is."""
    if b"transfer-encoding" in headers:
        return HTTPStatus.LENGTH_REQUIRED, _("Send the body with its length, in Content-Length."), "length_required"
    length = headers.get(b"content-length", b"0")
    largest = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if length.isdigit() and int(length) > largest:
        text = _("The body has over {bytes} bytes.").format(bytes=largest)
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, text, "too_large"
    return None


async def refuse(status: HTTPStatus, text: str, code: str, send: Send) -> None:
    body = json.dumps(error_body(text, code, {})).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
