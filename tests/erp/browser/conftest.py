"""What tests of the browser's client share: a real Chromium, and the demo ERP's pages in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from demo.erp.server import DEMO_PASSWORD, DEMO_USERNAME, DemoServer
from sync.erp.browser.client import BrowserClient
from sync.erp.browser.list_page import ListPage
from tests.conftest import ASYNC_UNSAFE
from tests.e2e.browsers import DESK, FLAGS, find_chromium, somebody
from tests.erp.conftest import ERP_LISTS


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    if not find_chromium():
        pytest.skip("no browser: chromium was not found")


# Not for the session: its event loop would be in the way of other tests.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests that look at pages in this process."""
    with pytest.MonkeyPatch.context() as patch:
        # Playwright leaves an event loop running in this thread, where Django would refuse to ask the database.
        patch.setenv(ASYNC_UNSAFE, "true")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
            yield browser
            browser.close()


@pytest.fixture
def open_page(browser: Browser, server: DemoServer) -> Iterator[Callable[..., Page]]:
    """Opens pages, each in a new session of the ERP."""
    contexts = []

    def open_page(*, locale: str = "it-IT", viewport: tuple[int, int] = DESK) -> Page:
        session = server.front_end.log_in(DEMO_USERNAME, DEMO_PASSWORD)
        assert session
        context = browser.new_context(**somebody(locale=locale, viewport=viewport))
        contexts.append(context)
        context.add_cookies(
            [{"name": name, "value": value, "url": server.url} for name, value in session.cookies.items()]
        )
        return context.new_page()

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def reports() -> list[str]:
    """The steps that were reported."""
    return []


@pytest.fixture
def open_list(open_page: Callable[..., Page], server: DemoServer, reports: list[str]) -> Callable[..., ListPage]:
    """Opens the page of a list, in a new session of the ERP."""

    def open_list(sync_type: str, page: Page | None = None, **options: object) -> ListPage:
        page = page or open_page(**options)
        list_page = ListPage(page, server.url, ERP_LISTS[sync_type], report=reports.append)
        list_page.open()
        return list_page

    return open_list


@pytest.fixture
def open_client(real_processes: None, network: None, tmp_path: Path) -> Iterator[Callable[..., BrowserClient]]:
    """Makes clients of this test, by address, user name and password, which share their sessions of the ERP."""
    with ExitStack() as clients:

        def open_client(url: str, username: str, password: str, **options: Any) -> BrowserClient:
            client = BrowserClient(url, username, password, sessions=tmp_path / "erp-sessions", **options)
            clients.callback(client.close)
            return client

        yield open_client
