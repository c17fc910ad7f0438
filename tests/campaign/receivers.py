"""A mail server and a web address that get alerts, or do not."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Event, Thread
from typing import Any


class Webhook:
    """Takes what is posted; answers 503 while `fails`."""

    def __init__(self) -> None:
        self.fails = False
        self.posted: list[dict[str, Any]] = []
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if not webhook.fails:
                    webhook.posted.append(json.loads(body))
                self.send_response(503 if webhook.fails else 204)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class calls it so
                """No line for each request."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        Thread(target=self.server.serve_forever, daemon=True).start()


class MailServer:
    """Takes mails; accepts a connection and never answers while `is_silent`."""

    def __init__(self) -> None:
        self.speaks = Event()
        self.speaks.set()
        self.mails: list[str] = []
        mail_server = self

        class Handler(StreamRequestHandler):
            def handle(self) -> None:
                mail_server.speaks.wait()
                try:
                    mail_server.converse(self)
                except OSError:
                    return  # the client did not wait so long

        class Server(ThreadingTCPServer):
            daemon_threads = True

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        Thread(target=self.server.serve_forever, daemon=True).start()

    def converse(self, connection: StreamRequestHandler) -> None:
        def say(text: str) -> None:
            connection.wfile.write(f"{text}\r\n".encode())

        say("220 campaign")
        for line in connection.rfile:
            match line.decode(errors="replace").split()[:1]:
                case ["DATA" | "data"]:
                    say("354 go on")
                    lines = iter(connection.rfile.readline, b".\r\n")
                    self.mails.append(b"".join(lines).decode(errors="replace"))
                    say("250 taken")
                case ["QUIT" | "quit"]:
                    say("221 bye")
                    return
                case _:
                    say("250 ok")
