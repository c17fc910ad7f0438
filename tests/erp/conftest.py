"""What tests of the ERP's clients and of the demo ERP share. None of them needs a database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from threading import enumerate as enumerate_threads
from typing import Any
from urllib.request import Request, urlopen

import pikepdf
import pytest

from demo.erp.erp import DemoErp
from demo.erp.lists import LISTS
from demo.erp.server import DEMO_PASSWORD, DEMO_USERNAME, DemoServer
from sync.erp.client import ErpList
from sync.erp.http import HttpClient
from tests.concurrency.processes import until
from tests.demo_erp import CachedDemoErp

TODAY = date(2026, 1, 20)
LONGEST = timedelta(minutes=5)  # that a fetch may take
SMALL = 0.15  # of the real size: every list has several bands
UNLIMITED: Any = {"spend_login": lambda: None, "spend_export": lambda: None}  # what it may ask of the ERP in a day
ERP_LISTS = {
    each.sync_type: ErpList(
        each.name,
        each.file_names,
        each.key.header,
        each.safe_filter,
        tuple(column.header for column in each.columns if column.hidden),
        next((column.field_name for column in each.grid_columns if column.field == "modified_at"), ""),
    )
    for each in LISTS
}


@pytest.fixture
def erp() -> DemoErp:
    return CachedDemoErp(scale=SMALL, today=TODAY)


@pytest.fixture
def server(erp: DemoErp, network: None) -> Iterator[DemoServer]:
    with DemoServer(erp) as server:
        yield server


@pytest.fixture
def client(server: DemoServer) -> HttpClient:
    return HttpClient(server.url, DEMO_USERNAME, DEMO_PASSWORD, **UNLIMITED)


def let_sessions_idle(server: DemoServer) -> None:
    """As if nobody had used them for longer than they live."""
    for session in server.front_end.sessions.values():
        session.last_used = float("-inf")


def transfers_end() -> None:
    """Nothing of a fetch that was given up goes on for long."""
    until(lambda: not [thread for thread in enumerate_threads() if thread.name == "erp-transfer"])


def control(server: DemoServer, method: str, path: str, **body: Any) -> dict[str, Any]:
    """Ask the demo ERP's control API."""
    data = json.dumps(body).encode() if body else None
    with urlopen(Request(f"{server.url}demo/{path}", data=data, method=method)) as answer:
        state: dict[str, Any] = json.load(answer)
    return state


def contents(path: Path) -> list[bytes]:
    """The content stream of each page; the file must open without repair."""
    with pikepdf.open(path, attempt_recovery=False) as pdf:
        return [page.obj.Contents.read_bytes() for page in pdf.pages]
