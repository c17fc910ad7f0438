"""Web addresses and mail servers that are told of changes, as they are at their best and at their worst."""

from __future__ import annotations

import json
import socketserver
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import django

PATIENCE = 60.0  # seconds


class Receiver(ThreadingHTTPServer):
    """A web address. Its answers come one after the other, the last one for ever."""

    daemon_threads = True
    request_queue_size = 100

    def __init__(self, *answers: int, location: str = "") -> None:
        super().__init__(("127.0.0.1", 0), ReceivingHandler)
        self.answers = list(answers)
        self.location = location or self.url  # where it redirects to
        self.received: list[tuple[int, dict[str, Any]]] = []  # each with what it was answered

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"

    @property
    def accepted(self) -> list[dict[str, Any]]:
        return [said for answer, said in self.received if answer < 300]


class ReceivingHandler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = self.server.answers.pop(0) if len(self.server.answers) > 1 else self.server.answers[0]
        self.server.received.append((answer, said))
        self.send_response(answer)
        if 300 <= answer < 400:
            self.send_header("Location", self.server.location)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass


class MailServer(socketserver.ThreadingTCPServer):
    """A mail server. `silent_at` is what it never answers, the greeting or a command; or it dribbles without an end."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(
        self, *, silent_at: str = "", dribbles: bool = False, refuses: str = "", says: str = "not here"
    ) -> None:
        super().__init__(("127.0.0.1", 0), MailHandler)
        self.silent_at = silent_at
        self.dribbles = dribbles
        self.refuses, self.says = refuses, says
        self.mails: list[EmailMessage] = []
        self.connected = Event()
        self.was_cut = Event()  # a connection on which it had not answered

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def use(self, settings: Any) -> None:
        """Have it named by the settings, in the form that this Django wants."""
        options = {"host": "127.0.0.1", "port": self.port, "timeout": 10}
        if django.VERSION >= (6, 1):
            settings.MAILERS = {"default": {"BACKEND": "sync.monitoring.mail.EmailBackend", "OPTIONS": options}}
        else:
            settings.EMAIL_BACKEND = "sync.monitoring.mail.EmailBackend"
            settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = options.values()


class MailHandler(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self.server.connected.set()
        with suppress(OSError):
            self.answer("greeting", "220 ready")
            for line in self.rfile:
                self.obey(line.decode().split()[0].upper())

    def obey(self, command: str) -> None:
        if command == "DATA":
            self.answer(command, "354 go on")
            lines = iter(self.rfile.readline, b".\r\n")
            self.server.mails.append(message_from_bytes(b"".join(lines), policy=policy.default))
            self.answer("end of data", "250 taken")
        elif command == self.server.refuses:
            self.answer(command, f"550 {self.server.says}")
        else:
            self.answer(command, "250 fine" if command != "QUIT" else "221 goodbye")

    def answer(self, what: str, text: str) -> None:
        if what == self.server.silent_at:
            self.say_nothing_until_cut()
        self.wfile.write(f"{text}\r\n".encode())

    def say_nothing_until_cut(self) -> None:
        dribble_until_cut(self.connection, b"2" if self.server.dribbles else b"")
        self.server.was_cut.set()
        raise ConnectionAbortedError


def dribble_until_cut(connection: Any, byte: bytes) -> None:
    """Send the byte again and again, if there is one, until the other side ends the connection."""
    connection.settimeout(0.05)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            if byte:
                connection.send(byte)
            if connection.recv(1000) == b"":
                return
        except TimeoutError:
            continue
        except OSError:
            return


class Dribbler(socketserver.ThreadingTCPServer):
    """A web address that takes every request, begins to answer, and goes on byte by byte without an end, or stops."""

    daemon_threads = True

    def __init__(self, begin: bytes, byte: bytes) -> None:
        super().__init__(("127.0.0.1", 0), DribblingHandler)
        self.begin = begin
        self.byte = byte
        self.was_cut = Event()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}/hook"


class DribblingHandler(socketserver.BaseRequestHandler):
    server: Dribbler

    def handle(self) -> None:
        with suppress(OSError):
            self.request.sendall(self.server.begin)
        dribble_until_cut(self.request, self.server.byte)
        self.server.was_cut.set()


@contextmanager
def serving(server: Any) -> Iterator[Any]:
    with server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
