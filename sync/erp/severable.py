"""Connections that another thread can cut while they wait."""

from __future__ import annotations

import socket
from contextlib import suppress
from threading import Lock
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class Line:
    """The connections of one fetch, or of one message. Once it is cut, it stays cut."""

    def __init__(self) -> None:
        self.sockets: list[socket.socket] = []
        self.is_cut = False
        self.lock = Lock()

    def add(self, connected: socket.socket) -> None:
        """Keep a handle of its own to a connection: TLS takes the first one away, and may wait for ever to begin."""
        with self.lock:
            if not self.is_cut:
                self.sockets.append(connected.dup())
                return
        connected.close()
        raise ConnectionAbortedError("the connection was abandoned")

    def cut(self) -> None:
        """End every connection, and whatever waits for it, at once."""
        with self.lock:
            self.is_cut = True
            while self.sockets:
                with self.sockets.pop() as handle, suppress(OSError):  # it has ended by itself
                    handle.shutdown(socket.SHUT_RDWR)


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
        def _new_conn(self) -> socket.socket:
            connected = super()._new_conn()
            line.add(connected)
            return connected

    class Pool(HTTPConnectionPool):
        ConnectionCls = Connection

    return Pool


def secure_pool(line: Line) -> type[HTTPSConnectionPool]:
    class Connection(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            connected = super()._new_conn()
            line.add(connected)
            return connected

    class Pool(HTTPSConnectionPool):
        ConnectionCls = Connection

    return Pool
