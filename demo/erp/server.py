"""The demo ERP on the web: a server for its front end (handler.py) and for its control API (control.py)."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from http.server import ThreadingHTTPServer
from threading import Event, Thread
from types import TracebackType
from typing import Any, Self

from demo.erp import web
from demo.erp.erp import DemoErp
from demo.erp.front_end import FrontEnd
from demo.erp.handler import Handler
from demo.erp.life import NothingLeft

logger = logging.getLogger(__name__)

DEMO_USERNAME, DEMO_PASSWORD = "agente", "dimostrazione"  # shown to everybody who starts the demo


class DemoServer:
    """The demo ERP on the web. `with DemoServer(...) as server:` runs it in a thread; `server.url` is its address."""

    def __init__(
        self,
        erp: DemoErp,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        delay: float = 0,
        username: str = DEMO_USERNAME,
        password: str = DEMO_PASSWORD,
        profile: str = "it",
    ) -> None:
        self.erp = erp
        self.delay = delay  # seconds that generating an export takes; 5 to 60 in the real ERP
        self.profile = web.PROFILES[profile]
        self.front_end = FrontEnd(username=username, password=password)
        self.stopping = Event()
        self.http = HttpServer((host, port), self)
        self.threads: list[Thread] = []

    @property
    def url(self) -> str:
        host, port = self.http.server_address[:2]
        return f"http://{host!s}:{port}/"

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
        if not isinstance(sys.exception(), (ConnectionError, TimeoutError)):
            logger.exception("A request of %s failed.", client_address)
