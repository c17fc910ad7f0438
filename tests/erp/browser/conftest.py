"""What tests of the browser's client share: a real Chromium in a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from sync.erp.browser.client import BrowserClient
from tests.e2e.browsers import find_chromium


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    if not find_chromium():
        pytest.skip("no browser: chromium was not found")


@pytest.fixture
def open_client(real_processes: None, network: None, tmp_path: Path) -> Iterator[Callable[..., BrowserClient]]:
    """Makes clients of this test, by address, user name and password, which share their sessions of the ERP."""
    with ExitStack() as clients:

        def open_client(url: str, username: str, password: str, **options: Any) -> BrowserClient:
            client = BrowserClient(url, username, password, sessions=tmp_path / "erp-sessions", **options)
            clients.callback(client.close)
            return client

        yield open_client
