"""The web server: ASGI, so that hundreds can listen to events."""

from __future__ import annotations

import logging
import signal
import socket
import sys
from typing import Any

import uvicorn
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections
from django.utils.module_loading import import_string

from sync.database import clock
from sync.management.database import check_migrated
from sync.management.http_connections import ACCEPTED_AT_ONCE, Connection, Connections, find_most_connections
from sync.management.web_server import STOPS_WITHIN, Server
from sync.monitoring.housekeeping import Housekeeping


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
        at_most = find_most_connections(settings.MAX_CONNECTIONS)
        server = Server(
            make_configuration(access_log=access_log), Connections(at_most=at_most, per_address=per_address)
        )
        listener = listen_on(host, port)
        for number in (signal.SIGINT, signal.SIGTERM):
            # The server raises the signal that has stopped it once more, for whoever was there before.
            signal.signal(number, lambda *_: sys.exit())
        self.stdout.write(f"Serving on {format_address(listener)} Stop with Ctrl-C.")
        self.stdout.flush()
        housekeeping = Housekeeping()
        housekeeping.start()
        try:
            server.run(sockets=[listener])
        finally:
            housekeeping.stop()


def make_configuration(*, access_log: bool) -> uvicorn.Config:
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


def format_address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
