"""The web server: ASGI, so that hundreds can listen to events."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from threading import Timer
from types import FrameType
from typing import Any

import uvicorn
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections
from django.utils.module_loading import import_string

from sync.coordinator import worker
from sync.database import clock
from sync.management.database import check_migrated
from sync.management.http_connections import ACCEPTED_AT_ONCE, Connection, Connections, largest_number
from sync.monitoring.housekeeping import Housekeeping

STOPS_WITHIN = 10  # seconds that requests in progress have left, once it is told to stop
CONNECTIONS_IN_LINE = 2048  # that the system keeps until they are accepted
SENT_WITHIN = 3  # seconds of these that requests have which are still being sent
READ_WITHIN = 9  # seconds of these that answers have which are still being read
ENDS_AFTER = 3  # seconds more, whatever is in progress

logger = logging.getLogger(__name__)


class Server(uvicorn.Server):
    """Gives back what order forms have it carry out when it is told to stop, and lets no client keep it waiting."""

    def __init__(self, config: uvicorn.Config, connections: Connections) -> None:
        super().__init__(config)
        self.server_state = connections
        self.held = connections
        self.told_to_stop = worker.prepare_to_stop()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listener in sockets or []:
            listener.listen(CONNECTIONS_IN_LINE)

    async def on_tick(self, counter: int) -> bool:
        if counter % 10 == 0:  # once a second
            self.held.close_late(asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(SENT_WITHIN, self.held.close_unfinished_requests)
        loop.call_later(READ_WITHIN, self.held.cut_readers_off)
        await super().shutdown(sockets)

    def handle_exit(self, number: int, frame: FrameType | None) -> None:
        if not self.told_to_stop.is_set():
            self.told_to_stop.set()
            end_later()
        super().handle_exit(number, frame)


def end_later() -> None:
    """End this process for certain, though one of its threads waits for a database that does not answer."""

    def end() -> None:
        logger.warning("Ended while a request was still waiting")
        logging.shutdown()
        os._exit(0)

    timer = Timer(STOPS_WITHIN + ENDS_AFTER, end)
    timer.daemon = True
    timer.start()


class Command(BaseCommand):
    help = "Serve the pages and the API."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to serve on (default: this machine only)")
        parser.add_argument("--port", type=int, default=8000, help="port; 0 takes a free one (default: 8000)")
        parser.add_argument("--access-log", action="store_true", help="log a line for each request")

    def handle(self, *, host: str, port: int, access_log: bool, **options: Any) -> None:
        check_migrated()
        clock.now()  # answers are dated by it, those too for which the database is not asked
        connections.close_all()  # requests make their own
        per_address = None if settings.BEHIND_TLS_PROXY else settings.MAX_CONNECTIONS_PER_ADDRESS
        at_most = largest_number(settings.MAX_CONNECTIONS)
        server = Server(configuration(access_log=access_log), Connections(at_most=at_most, per_address=per_address))
        listener = listen_on(host, port)
        for number in (signal.SIGINT, signal.SIGTERM):
            # The server raises the signal that has stopped it once more, for whoever was there before.
            signal.signal(number, lambda *_: sys.exit())
        self.stdout.write(f"Serving on {address(listener)} Stop with Ctrl-C.")
        self.stdout.flush()
        housekeeping = Housekeeping()
        housekeeping.start()
        try:
            server.run(sockets=[listener])
        finally:
            housekeeping.stop()


def configuration(*, access_log: bool) -> uvicorn.Config:
    if access_log:
        logging.getLogger("uvicorn.access").setLevel(logging.INFO)
    return uvicorn.Config(
        import_string(settings.ASGI_APPLICATION),
        access_log=access_log,
        backlog=ACCEPTED_AT_ONCE,
        date_header=False,  # the settings' middleware gives it, by the database's clock
        http=Connection,
        lifespan="off",
        log_config=None,  # Django's
        proxy_headers=False,  # Django looks at them, if it is told to
        server_header=False,
        timeout_graceful_shutdown=STOPS_WITHIN,
        ws="none",
    )


def listen_on(host: str, port: int) -> socket.socket:
    if port not in range(2**16):
        raise CommandError(f"Cannot serve on port {port}: the highest is 65535")
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        reason, *_ = str(error.strerror).split(" (")
        raise CommandError(f"Cannot serve on {host}, port {port}: {reason}") from None


def address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
