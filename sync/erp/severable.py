"""Connections that another thread can cut while they wait, and sessions on them that trust nobody."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from threading import Lock
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase, HTTPBasicAuth
from requests.exceptions import InvalidHeader
from requests.utils import get_auth_from_url
from urllib3 import BaseHTTPResponse
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

LARGEST_HEAD = 64 * 1024  # bytes of an answer's header lines; the ERP's are about 1 kB


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


class LoginInAddress(AuthBase):
    """The user name and password that an address itself has, if it has any.

    A session without this would look into ~/.netrc for others.
    """

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        username, password = get_auth_from_url(request.url or "")
        return HTTPBasicAuth(username, password)(request) if username or password else request


class SeverableSession(requests.Session):
    """A session whose connections belong to a line, and that sends nothing but what it is asked to send.

    It follows no redirect: `requests` would read the whole of its answer first, however long that is. Proxies and
    certificates come from the environment, as ever; logins do not.
    """

    def __init__(self, line: Line) -> None:
        super().__init__()
        self.auth = LoginInAddress()
        self.mount("http://", SeverableAdapter(line))
        self.mount("https://", SeverableAdapter(line))

    def resolve_redirects(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        return iter(())


class SeverableAdapter(HTTPAdapter):
    """Makes connections that belong to a line. An answer whose head is too large is an InvalidHeader."""

    def __init__(self, line: Line) -> None:
        self.line = line
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {
            "http": make_plain_pool(self.line),
            "https": make_secure_pool(self.line),
        }

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = self.poolmanager.pool_classes_by_scheme
        return manager

    def build_response(self, req: requests.PreparedRequest, resp: BaseHTTPResponse) -> requests.Response:
        if sum(len(name) + len(value) for name, value in resp.headers.items()) > LARGEST_HEAD:
            resp.close()
            raise InvalidHeader(f"the head of its answer has more than {LARGEST_HEAD} bytes")
        return super().build_response(req, resp)


def make_plain_pool(line: Line) -> type[HTTPConnectionPool]:
    class Connection(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            connected = super()._new_conn()
            line.add(connected)
            return connected

    class Pool(HTTPConnectionPool):
        ConnectionCls = Connection

    return Pool


def make_secure_pool(line: Line) -> type[HTTPSConnectionPool]:
    class Connection(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            connected = super()._new_conn()
            line.add(connected)
            return connected

    class Pool(HTTPSConnectionPool):
        ConnectionCls = Connection

    return Pool
