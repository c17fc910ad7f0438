"""Browsers for tests: a real Chromium, what is held against its pages, and what tests do with them."""

from __future__ import annotations

import os
import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Playwright, Request, Response, Route, WebError

from tests.concurrency.processes import until

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # no test depends on another machine
]
PATIENCE = 15_000  # ms that an action or an expectation has; the machine may be busy
HERE = "127.0.0.1"
DESK, PHONE = (1440, 900), (360, 740)  # viewports
SERIOUS = ("serious", "critical")
INLINE = ("data", "blob", "about")  # schemes of what is in the page itself


def find_chromium() -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), None)


def somebody(*, locale: str = "it-IT", viewport: tuple[int, int] = (1280, 900), **options: Any) -> dict[str, Any]:
    """Options of a context: somebody in Italy at a desk, unless the options say otherwise."""
    size = dict(zip(("width", "height"), viewport, strict=True))
    return {"locale": locale, "timezone_id": "Europe/Rome", "viewport": size, **options}


def sign_in(context: BrowserContext, user: User) -> None:
    """Sign in without the login page: whoever was signed in here before is not any more."""
    client = Client()
    client.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    value = client.cookies[name].value
    context.add_cookies([{"name": name, "value": value, "domain": HERE, "path": "/", "httpOnly": True}])


class Watch:
    """What goes wrong in a test's pages, whatever the test looks at itself.

    `allowed` are regular expressions of what may.
    """

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.allowed: list[str] = []
        self.seen: list[str] = []

    def over(self, context: BrowserContext) -> None:
        """Watch all pages of a context, those to come as well."""
        context.set_default_timeout(PATIENCE)
        context.on("console", self.console)
        context.on("weberror", self.error)
        context.on("request", self.request)
        context.on("response", self.response)

    def console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning", "assert"):
            self.seen.append(f"console {message.type}: {message.text} [{message.location['url']}]")

    def error(self, error: WebError) -> None:
        self.seen.append(f"uncaught error: {error.error.stack or error.error.message}")

    def request(self, request: Request) -> None:
        url = urlsplit(request.url)
        if f"{url.scheme}://{url.netloc}" != self.origin and url.scheme not in INLINE:
            self.seen.append(f"request to another host: {request.url}")

    def response(self, response: Response) -> None:
        if response.status >= 500:
            self.seen.append(f"answer {response.status}: {response.request.method} {response.url}")

    def complaints(self) -> list[str]:
        return [line for line in self.seen if not any(re.search(pattern, line) for pattern in self.allowed)]


def intercept(page: Page, pattern: str, handler: Callable[[Route], Any], **options: Any) -> None:
    """As `page.route`, for a page that is open. It goes on asking the server for a moment, which this waits for."""
    page.route(pattern, handler, **options)
    page.route("**/healthz", lambda route: route.fulfill(body="intercepted"))
    page.wait_for_function("fetch('/healthz').then((answer) => answer.text()).then((text) => text === 'intercepted')")
    page.unroute("**/healthz")


def axe(page: Page) -> list[str]:
    """What axe-core finds serious or critical in a page as it is now."""
    found: dict[str, Any] = Axe().run(page).response
    return [
        f"{violation['impact']}: {violation['help']} ({violation['id']}), at {node['target']}: {node['html']}"
        for violation in found["violations"]
        if violation["impact"] in SERIOUS
        for node in violation["nodes"]
    ]


def screenshot(page: Page, name: str, *, full_page: bool = False) -> None:
    """Keep a picture of a page in the folder that SCREENSHOTS names, if it names one."""
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=full_page)


class OwnBrowser:
    """A browser with a profile on the disk, which a test can kill and open once more."""

    def __init__(self, playwright: Playwright, chromium: str, profile: Path, options: dict[str, Any]) -> None:
        self.profile = profile
        self.context = playwright.chromium.launch_persistent_context(
            profile, executable_path=chromium, args=FLAGS, **options
        )
        self.page = self.context.pages[0]

    def kill(self) -> None:
        """End it in this moment, as a power cut does: no page hears of it, nothing more is written."""
        [group] = {os.getpgid(pid) for pid in self.processes() if "--type=" not in command_line(pid)}
        assert group != os.getpgid(0)
        with self.context.expect_event("close"):
            os.killpg(group, signal.SIGKILL)
        until(lambda: not self.processes())

    def processes(self) -> list[int]:
        """All that live with its profile."""
        pids = [int(path.name) for path in Path("/proc").glob("[0-9]*")]
        return [pid for pid in pids if f"--user-data-dir={self.profile}\0" in command_line(pid)]


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
    except OSError:  # it has just ended
        return ""
