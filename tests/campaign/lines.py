"""A line between a part of the product and its database, which can be cut, held up, or swallow what is sent."""

from __future__ import annotations

import socket
from contextlib import suppress
from threading import Event, Lock, Thread

CHUNK = 65_536


class Line:
    """Listens on a port and passes everything on to a socket's path, while nothing is wrong with it."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.passes = Event()
        self.passes.set()
        self.refuses = False
        self.swallows = False
        self.connections: list[Connection] = []
        self.lock = Lock()
        Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:  # closed
                return
            if self.refuses:
                client.close()
                continue
            with self.lock:
                self.connections = [each for each in self.connections if not each.is_over]
                self.connections.append(Connection(self, client))

    def cut(self) -> None:
        """End all connections, and refuse new ones."""
        self.refuses = True
        with self.lock:
            for connection in self.connections:
                connection.cut()

    def swallow(self) -> None:
        """Drop without a word what is sent on any connection: on those there are now, for ever."""
        self.swallows = True
        with self.lock:
            for connection in self.connections:
                connection.is_dead = True

    def hold(self) -> None:
        """Let nothing through; nothing is lost."""
        self.passes.clear()

    def restore(self) -> None:
        self.refuses = self.swallows = False
        self.passes.set()

    def close(self) -> None:
        self.listener.close()
        self.cut()
        self.passes.set()


class Connection:
    """One connection of a client, and the one to the database that was made for it."""

    def __init__(self, line: Line, client: socket.socket) -> None:
        self.line = line
        self.client = client
        self.server = socket.socket(socket.AF_UNIX)
        self.is_dead = line.swallows
        self.is_over = False
        try:
            self.server.connect(line.path)
        except OSError:  # the database refuses: so do we
            self.cut()
            return
        for source, sink in ((self.client, self.server), (self.server, self.client)):
            Thread(target=self.pump, args=(source, sink), daemon=True).start()

    def pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(CHUNK):
                self.line.passes.wait()
                if not self.is_dead:
                    sink.sendall(data)
        if not self.is_dead:  # else the other end does not hear that this one has gone
            self.cut()

    def cut(self) -> None:
        self.is_over = True
        for end in (self.client, self.server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
