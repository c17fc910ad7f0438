"""HTTP connections that another thread can cut while they wait."""

from __future__ import annotations

import socket
from contextlib import suppress
from threading import Lock
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class Line:
    """The sockets of one fetch. Once it is cut, it stays cut."""

    def __init__(self) -> None:
        self.sockets: list[socket.socket] = []
        self.is_cut = False
        self.lock = Lock()

    def add(self, connected: socket.socket | None) -> None:
        with self.lock:
            if connected is not None:
                self.sockets.append(connected)
            if not self.is_cut:
                return
        self.cut()
        raise ConnectionAbortedError("the fetch was abandoned")

    def cut(self) -> None:
        """End every connection, and whatever waits for it, at once."""
        with self.lock:
            self.is_cut = True
            for connected in self.sockets:
                with suppress(OSError):  # it has ended by itself
                    connected.shutdown(socket.SHUT_RDWR)


class SeverableAdapter(HTTPAdapter):
    """Makes connections that belong to a line."""

    def __init__(self, line: Line) -> None:
        self.line = line
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": plain_pool(self.line), "https": secure_pool(self.line)}


def plain_pool(line: Line) -> type[HTTPConnectionPool]:
    class Connection(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            line.add(self.sock)

    class Pool(HTTPConnectionPool):
        ConnectionCls = Connection

    return Pool


def secure_pool(line: Line) -> type[HTTPSConnectionPool]:
    class Connection(HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            line.add(self.sock)

    class Pool(HTTPSConnectionPool):
        ConnectionCls = Connection

    return Pool
