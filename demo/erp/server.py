"""The demo ERP on the web: a server for its front end (handler.py) and for its control API (control.py)."""

from __future__ import annotations

import logging
import random
import ssl
import sys
from collections.abc import Callable, Mapping
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Any, Self

from demo.erp import web
from demo.erp.erp import DemoErp
from demo.erp.front_end import FrontEnd
from demo.erp.handler import Handler
from demo.erp.life import NothingLeft
from demo.erp.lists import LISTS

logger = logging.getLogger(__name__)

Delay = float | tuple[float, float]  # seconds, or the least and the most
NO_DELAYS: dict[str, Delay] = {
    "page": 0,
    "callback": 0,
    "export": 0,  # generating one
    "slow-export": (60, 300),
    "settling": 0,  # of the login page
    "error": 5,  # from the click to the message that an export failed
}
REALISTIC_DELAYS: dict[str, Delay] = NO_DELAYS | {
    "page": (0.6, 1.2),
    "callback": (0.25, 0.88),
    "export": (5, 60),
    "settling": (0.2, 1),
}

DEMO_USERNAME, DEMO_PASSWORD = "agente", "dimostrazione"  # shown to everybody who starts the demo


class DemoServer:
    """The demo ERP on the web. `with DemoServer(...) as server:` runs it in a thread; `server.url` is its address."""

    def __init__(
        self,
        erp: DemoErp,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        delay: Delay | None = None,
        username: str = DEMO_USERNAME,
        password: str = DEMO_PASSWORD,
        profile: str | None = None,
        realistic: bool = False,
        certificate: Path | None = None,
    ) -> None:
        """With a `certificate` and its key, in one PEM file, it is reached by HTTPS only.

        A `realistic` one takes the times that were seen, and begins with filters that a person left.
        """
        self.erp = erp
        self.delays = (REALISTIC_DELAYS if realistic else NO_DELAYS) | ({} if delay is None else {"export": delay})
        self.profile = web.PROFILES[profile] if profile else None  # none: the language that a browser asks for
        self.front_end = FrontEnd(username=username, password=password, clock=erp.clock)
        if realistic:
            for demo_list in LISTS:
                self.front_end.leave_filter(demo_list)
        self.stopping = Event()
        self.http = HttpServer((host, port), self)
        self.scheme = "https" if certificate else "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            # Each connection's own thread shakes hands, or one that says nothing would hold up the others.
            self.http.socket = context.wrap_socket(self.http.socket, server_side=True, do_handshake_on_connect=False)
        self.threads: list[Thread] = []

    @property
    def delay(self) -> Delay:
        """What generating an export takes."""
        return self.delays["export"]

    @delay.setter
    def delay(self, delay: Delay) -> None:
        self.delays["export"] = delay

    def set_delays(self, delays: Mapping[str, Any]) -> None:
        """Set some of `delays`. Raises ValueError for one that does not exist, and for what is no time."""
        for name, delay in delays.items():
            least, most = delay if isinstance(delay, list) else (delay, delay)
            if not 0 <= float(least) <= float(most):
                raise ValueError(f"{name}: {delay}")
            if name not in self.delays:
                raise ValueError(f"there is no delay {name!r}: {', '.join(self.delays)}")
            self.delays[name] = (least, most)

    def choose_delay(self, name: str) -> float:
        """How long this takes now, in seconds."""
        delay = self.delays[name]
        return random.uniform(*delay) if isinstance(delay, tuple) else delay

    def take_time(self, name: str) -> bool:
        """Wait as long as this takes. False if the server is being stopped meanwhile."""
        return not self.stopping.wait(self.choose_delay(name))

    @property
    def url(self) -> str:
        host, port = self.http.server_address[:2]
        return f"{self.scheme}://{host!s}:{port}/"

    def start(self, *, life: float | None = None) -> None:
        """Serve in a thread; with `life`, something happens by itself every so many seconds."""
        self.run_in_thread(lambda: self.http.serve_forever(poll_interval=0.05))
        if life:
            self.run_in_thread(lambda: self.live(life))

    def run_in_thread(self, work: Callable[[], None]) -> None:
        thread = Thread(target=work, name="demo-erp", daemon=True)
        thread.start()
        self.threads.append(thread)

    def live(self, interval: float) -> None:
        while not self.stopping.wait(interval):
            try:
                logger.info("Happened: %s", self.erp.happen())
            except NothingLeft as nothing:
                logger.info("%s", nothing)

    def stop(self) -> None:
        """Answer nothing more. Exports under way are cut."""
        self.stopping.set()
        if self.threads:
            self.http.shutdown()
        self.http.server_close()
        for thread in self.threads:
            thread.join()
        self.threads.clear()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


class HttpServer(ThreadingHTTPServer):
    """Takes requests for one DemoServer."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], demo: DemoServer) -> None:
        self.demo = demo
        super().__init__(address, Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves in the middle is everyday life."""
        if not isinstance(sys.exception(), (ConnectionError, TimeoutError, ssl.SSLError)):
            logger.exception("A request of %s failed.", client_address)
