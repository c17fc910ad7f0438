"""What tests in a browser share: a real Chromium, a real web server, an ERP that a test directs.

    def test_a_customer_is_found(site, page): ...

`page` is an agent's. When a test ends, nothing may have gone wrong in any of its pages, but for what `allowed` says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from customers.models import Customer
from orders.models import Product
from sync.erp.demo.server import DEMO_PASSWORD, DEMO_USERNAME
from tests.e2e.browsers import FLAGS, PATIENCE, OwnBrowser, Watch, find_chromium, sign_in, somebody
from tests.e2e.erp import Erp
from tests.e2e.order_form import OrderForm, customers, goods
from tests.e2e.site import Site, mirror_everything
from tests.factories import PASSWORD, UserFactory

ASYNC_UNSAFE = "DJANGO_ALLOW_ASYNC_UNSAFE"


# The browser


# Here and not in a fixture, so that pytest tells of all these tests in one line.
@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    if not find_chromium():
        pytest.skip("no browser: chromium was not found")


@pytest.fixture(scope="package")
def chromium() -> str:
    """The browser's program."""
    return find_chromium() or ""


# Not for the session: its event loop would be in the way of other tests.
@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    with pytest.MonkeyPatch.context() as patch:
        # Playwright leaves an event loop running in this thread, where Django would refuse to ask the database.
        patch.setenv(ASYNC_UNSAFE, "true")
        expect.set_options(timeout=PATIENCE)
        with sync_playwright() as playwright:
            yield playwright


@pytest.fixture(scope="package")
def browser(playwright: Playwright, chromium: str) -> Iterator[Browser]:
    """One Chromium for all these tests."""
    browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
    yield browser
    browser.close()


# The site and its ERP


@pytest.fixture
def process_environment(process_environment: dict[str, str]) -> dict[str, str]:
    """A server is told of a query in its event loop, as ever."""
    return {name: value for name, value in process_environment.items() if name != ASYNC_UNSAFE}


@pytest.fixture
def erp() -> Iterator[Erp]:
    """A demo ERP with a few records of each list, as of today."""
    with Erp() as erp:
        yield erp


@pytest.fixture
def site(process_environment: dict[str, str], erp: Erp, settings: Any, tmp_path: Path) -> Iterator[Site]:
    """A web server with all lists mirrored, and that ERP."""
    source = {"ERP_URL": erp.url, "ERP_USERNAME": DEMO_USERNAME, "ERP_PASSWORD": DEMO_PASSWORD}
    for name, value in source.items():
        setattr(settings, name, value)
    settings.ERP_FOLDER, settings.EXPORT_DIR = None, tmp_path / "exports"
    site = Site(tmp_path, process_environment | source | {"EXPORT_DIR": str(settings.EXPORT_DIR)})
    try:
        mirror_everything()
        site.wait_until_it_answers()
        yield site
    finally:
        site.stop()


# Who uses it


@cache
def password_as_the_server_knows_it() -> str:
    """Hashing takes a while, which tests that never type the password need not spend each."""
    return make_password(PASSWORD, hasher="pbkdf2_sha256")


@pytest.fixture
def make_user(transactional_db: None, settings: Any) -> Callable[..., User]:
    """Makes somebody who can sign in with PASSWORD on the login page: `make_user("capo", is_staff=True)`."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]

    def made(name: str, **fields: Any) -> User:
        return UserFactory(username=name, password=password_as_the_server_knows_it(), **fields)

    return made


@pytest.fixture
def agent(make_user: Callable[..., User]) -> User:
    return make_user("agente")


@pytest.fixture
def colleague(make_user: Callable[..., User]) -> User:
    return make_user("collega")


# Pages


@pytest.fixture
def watch(site: Site) -> Iterator[Watch]:
    watch = Watch(site.url)
    yield watch
    if complaints := watch.complaints():
        pytest.fail("\n".join(["Went wrong in the pages:", *complaints, "The server's log:", site.log]), pytrace=False)


@pytest.fixture
def allowed(watch: Watch) -> list[str]:
    """Regular expressions of what may go wrong in this test's pages: `allowed.append("status of 409")`."""
    return watch.allowed


@pytest.fixture
def open_context(browser: Browser, watch: Watch, agent: User) -> Iterator[Callable[..., BrowserContext]]:
    """Opens browsers without a past: `open_context(user=None, locale="en-GB")`. `user` is the agent unless given."""
    with ExitStack() as contexts:

        def opened(*, user: User | None = agent, **options: Any) -> BrowserContext:
            context = browser.new_context(**somebody(**options))
            contexts.callback(context.close)
            watch.over(context)
            if user:
                sign_in(context, user)
            return context

        yield opened


@pytest.fixture
def open_page(open_context: Callable[..., BrowserContext]) -> Callable[..., Page]:
    """Opens pages, each in a browser of its own: `open_page(user=colleague, viewport=(360, 740))`."""

    def opened(**options: Any) -> Page:
        return open_context(**options).new_page()

    return opened


@pytest.fixture
def context(open_context: Callable[..., BrowserContext]) -> BrowserContext:
    """An agent's browser: Italian, in Italy, 1280 x 900."""
    return open_context()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """An empty page of an agent's browser."""
    return context.new_page()


@pytest.fixture
def open_own_browser(
    playwright: Playwright, chromium: str, watch: Watch, agent: User, tmp_path: Path
) -> Iterator[Callable[..., OwnBrowser]]:
    """Opens browsers that can be killed. A name stands for a profile, which outlives its browser."""
    with ExitStack() as browsers:

        def opened(name: str = "profile", *, user: User | None = agent, **options: Any) -> OwnBrowser:
            own = OwnBrowser(playwright, chromium, tmp_path / name, somebody(**options))
            browsers.callback(own.context.close)
            watch.over(own.context)
            if user:
                sign_in(own.context, user)
            return own

        yield opened


# What orders are made of


@pytest.fixture
def customer(site: Site) -> Customer:
    return next(customers())


@pytest.fixture
def product(site: Site) -> Product:
    return next(goods())


@pytest.fixture
def fill(customer: Customer, product: Product) -> Callable[[OrderForm], None]:
    """Fills an order form with the dullest order."""
    return lambda form: form.fill(customer, product)
