"""The way to the demo ERP: a reverse proxy that dribbles, hangs, rejects logins, or delivers something else."""

from __future__ import annotations

import sys
from collections import defaultdict
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from threading import Event, Thread
from time import time
from typing import Any

import pikepdf

from demo.erp.server import DEMO_PASSWORD

PATIENCE = 300  # seconds that the ERP has for an answer
SLOWLY = 0.5  # seconds for each byte


class ErpLine:
    """What goes wrong with it now is said by its attributes; `clicks` are the moments of requests, by list."""

    def __init__(self, erp_port: int) -> None:
        self.erp_port = erp_port
        self.rejects_logins = self.dribbles = self.hangs = self.sends_other_lists = self.doubles_pages = False
        self.restored = Event()
        self.exports: dict[str, bytes] = {}  # the last one of each list
        self.clicks: dict[str, list[float]] = defaultdict(list)
        self.served = 0

        class Handler(LineHandler):
            line = self

        self.server = LineServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        Thread(target=self.server.serve_forever, daemon=True).start()

    def restore(self) -> None:
        self.rejects_logins = self.dribbles = self.hangs = self.sends_other_lists = self.doubles_pages = False
        self.restored.set()

    def spoiled(self, list_name: str, body: bytes) -> bytes:
        """An export, or what comes in its place."""
        self.exports[list_name] = body
        self.served += 1
        if self.sends_other_lists:
            return next((other for name, other in self.exports.items() if name != list_name), body)
        return double_page(body) if self.doubles_pages else body


class LineServer(ThreadingHTTPServer):
    """A client that is killed, or leaves, is nothing special."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class LineHandler(BaseHTTPRequestHandler):
    """Passes on one request after the other."""

    protocol_version = "HTTP/1.1"
    line: ErpLine

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        list_name = self.path.strip("/").split("/")[0].partition("?")[0]
        if self.command == "POST":
            self.line.clicks[list_name].append(time())
        try:
            status, headers, answer = self.ask(body)
        except (OSError, HTTPException):  # the ERP was killed, or is not there: no answer
            self.close_connection = True
            return
        if answer.startswith(b"%PDF"):
            answer = self.line.spoiled(list_name, answer)
        self.deliver(status, headers, answer)

    do_POST = do_DELETE = do_GET  # noqa: N815

    def ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        headers = dict(self.headers.items())
        if self.line.rejects_logins:
            headers.pop("Cookie", None)
            body = body.replace(DEMO_PASSWORD.encode(), DEMO_PASSWORD[::-1].encode())
        connection = HTTPConnection("127.0.0.1", self.line.erp_port, timeout=PATIENCE)
        try:
            connection.request(self.command, self.path, body, headers)
            response = connection.getresponse()
            return response.status, response.getheaders(), response.read()
        finally:
            connection.close()

    def deliver(self, status: int, headers: list[tuple[str, str]], answer: bytes) -> None:
        if self.line.hangs:
            self.line.restored.wait()
            self.close_connection = True
            return
        with suppress(OSError):  # the client has gone
            self.send_response(status)
            for name, value in headers:
                if name not in ("Content-Length", "Connection", "Date", "Server"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            while self.line.dribbles and answer:
                self.wfile.write(answer[:1])
                answer = answer[1:]
                self.line.restored.wait(SLOWLY)
            self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class calls it so
        """No line for each request."""


def double_page(body: bytes) -> bytes:
    """An export whose second page comes twice."""
    with pikepdf.open(BytesIO(body)) as pdf:
        pdf.pages.insert(1, pdf.pages[min(1, len(pdf.pages) - 1)])
        file = BytesIO()
        pdf.save(file)
    return file.getvalue()
