"""An ERP that does all it can to harm its client, and an address elsewhere that should never hear of it."""

from __future__ import annotations

import re
import socketserver
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Any

LOGIN_FORM = (
    '<input type="hidden" name="__VIEWSTATE" value="v"><input type="text" name="UserName">'
    '<input type="password" name="Password"><a id="Logon_Menu_DXI0_T">Accedi</a>'
)
LIST = '<a id="Vertical_mainMenu_Menu_DXI3_T">Esportare in</a>'

Answer = Iterable[bytes]


def head(*lines: str, status: str = "200 OK") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", "Connection: close", *lines, "", ""]).encode()


def page(body: str, *, action: str = "", lines: tuple[str, ...] = ()) -> Answer:
    content = f'<form action="{action}">{body}</form>'.encode()
    yield head("Content-Type: text/html; charset=utf-8", f"Content-Length: {len(content)}", *lines)
    yield content


def redirect(target: str, status: str = "302 Found", *lines: str) -> Answer:
    yield head(f"Location: {target}", "Content-Length: 0", *lines, status=status)


def without_end(first: bytes, chunk: bytes) -> Answer:
    yield first
    while True:
        yield chunk


class HostileErp(socketserver.ThreadingTCPServer):
    """A list behind a login, honest but for what is given of: `start`, `login`, `page`, `export`."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, **hostile: Callable[[HostileErp], Answer]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.hostile = hostile
        self.elsewhere = Elsewhere()
        self.asked: list[str] = []
        self.received = bytearray()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/erp"

    def answer(self, request: bytes) -> Answer:
        phase = phase_of(request)
        self.asked.append(phase)
        self.received += request
        if phase in self.hostile:
            return self.hostile[phase](self)
        return HONEST[phase]()


def phase_of(request: bytes) -> str:
    method, path = request.split(b" ", 2)[:2]
    if path not in (b"/erp/list/", b"/erp/Login.aspx"):
        return "nowhere"
    if method == b"POST":
        return "login" if path == b"/erp/Login.aspx" else "export"
    return "page" if b"in=1" in request else "start"


HONEST: dict[str, Callable[[], Answer]] = {
    "start": lambda: page(LOGIN_FORM, action="/erp/Login.aspx"),
    "login": lambda: redirect("/erp/list/", "302 Found", "Set-Cookie: in=1; path=/"),
    "page": lambda: page(LIST),
    "export": lambda: [head("Content-Type: application/pdf", "Content-Length: 8"), b"%PDF-1.7"],
    "nowhere": lambda: [head("Content-Length: 0", status="404 Not Found")],
}


class Handler(socketserver.StreamRequestHandler):
    """Takes one request of each connection."""

    server: HostileErp

    def handle(self) -> None:
        with suppress(OSError):  # the client has heard enough
            for chunk in self.server.answer(self.request_of_client()):
                self.wfile.write(chunk)

    def request_of_client(self) -> bytes:
        lines = list(iter(self.rfile.readline, b"\r\n"))
        found = re.search(rb"(?i)content-length: (\d+)", b"".join(lines))
        return b"".join(lines) + self.rfile.read(int(found[1]) if found else 0)


class Elsewhere(socketserver.ThreadingTCPServer):
    """Another origin on the same host. It keeps what it gets, and would give an export for it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), ElsewhereHandler)
        self.connections = 0
        self.received = bytearray()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


class ElsewhereHandler(socketserver.StreamRequestHandler):
    server: Elsewhere

    def handle(self) -> None:
        self.server.connections += 1
        self.connection.settimeout(1)
        with suppress(OSError):  # no more comes
            while chunk := self.connection.recv(64 * 1024):
                self.server.received += chunk
                if b"\r\n\r\n" in self.server.received:
                    for part in HONEST["export"]():
                        self.wfile.write(part)


@contextmanager
def hostile_erp(**hostile: Callable[[HostileErp], Answer]) -> Iterator[HostileErp]:
    with HostileErp(**hostile) as erp, erp.elsewhere:
        servers: tuple[Any, ...] = (erp, erp.elsewhere)
        for server in servers:
            Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield erp
        finally:
            for server in servers:
                server.shutdown()
