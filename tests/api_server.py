"""A real web server for tests, and a client that listens to its events."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPConnection, HTTPResponse
from itertools import count
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import User

PATIENCE = 60.0  # seconds; the machine may be busy
worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
ports = count(10_000 + 1_000 * worker)
WITHOUT_LIMITS = dict.fromkeys(["THROTTLE_LOGIN", "THROTTLE_ANON", "THROTTLE_USER"], "100000/min")


class ApiServer:
    """`manage.py serve`, or `runserver`, in a process of its own."""

    def __init__(self, folder: Path, environment: dict[str, str], command: str = "serve", *options: str) -> None:
        self.log = folder / f"{command}.log"
        self.url = ""
        where = ["--port=0"] if command == "serve" else ["--noreload", f"127.0.0.1:{free_port()}"]
        variables = WITHOUT_LIMITS | {"DJANGO_SETTINGS_MODULE": "archibald.settings", "PYTHONUNBUFFERED": "1"}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, settings.BASE_DIR / "manage.py", command, *where, *options],
                env=environment | variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait_until_it_answers(self) -> None:
        """If it never does, it is ended."""
        deadline = time.monotonic() + PATIENCE
        try:
            while not self.answers():
                assert self.process.poll() is None, self.log.read_text()
                assert time.monotonic() < deadline, self.log.read_text()
                time.sleep(0.05)
        except BaseException:
            self.process.kill()
            raise

    def answers(self) -> bool:
        address = re.search(r"http://[\w.]+:\d+", self.log.read_text())
        self.url = address[0] if address else ""
        try:
            return bool(self.url) and self.get("/healthz")[0] == 200
        except OSError:
            return False

    def get(self, path: str, **headers: str) -> tuple[int, bytes]:
        """Status and body of an answer."""
        connection, response = self.open(path, **headers)
        try:
            return response.status, response.read()
        finally:
            connection.close()

    def open(self, path: str, **headers: str) -> tuple[HTTPConnection, HTTPResponse]:
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=PATIENCE)
        connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        return connection, connection.getresponse()

    def listen(self, user: User, query: str = "", **headers: str) -> Listener:
        return Listener(*self.open(f"/api/sync/events{query}", **headers, **signed_in(user)))

    def stop(self) -> int:
        """Tell it to stop, and wait for its exit status."""
        self.process.terminate()
        try:
            return self.process.wait(PATIENCE)
        finally:
            self.process.kill()


class Listener:
    """An open stream of events."""

    def __init__(self, connection: HTTPConnection, response: HTTPResponse) -> None:
        self.connection = connection
        self.response = response

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.response.close()
        self.connection.close()

    def begin(self) -> int:
        """Wait until it listens, and say from which number on."""
        return int(next(self.blocks())["id"])

    def blocks(self) -> Iterator[dict[str, str]]:
        """What the server sends, block by block, until it ends the stream: the fields; a comment is named ""."""
        block: dict[str, str] = {}
        for line in self.response:
            name, colon, value = line.decode().rstrip("\n").partition(":")
            if colon:
                block[name] = value.strip()
            elif block:
                yield block
                block = {}

    def events(self, count: int) -> list[dict[str, Any]]:
        """The data of the next events."""
        found: list[dict[str, Any]] = []
        for block in self.blocks() if count else ():
            found += [json.loads(block["data"])] if "data" in block else []
            if len(found) == count:
                break
        return found


def signed_in(user: User) -> dict[str, str]:
    """The header with which a request comes from this user."""
    from sync.api.tokens import begin_sign_in  # needs the applications

    return {"Authorization": f"Bearer {begin_sign_in(user).access_token}"}


def free_port() -> int:
    """A port for a process that has to be told one, which no other worker of pytest-xdist gives too.

    They stand below those that Linux gives by itself.
    """
    while True:
        port = next(ports)
        with socket.socket() as listener, suppress(OSError):  # another program has it
            listener.bind(("127.0.0.1", port))
            return port
