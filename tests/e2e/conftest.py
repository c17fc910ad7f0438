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
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import User
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from customers.models import Customer
from orders.models import Product
from tests.conftest import ASYNC_UNSAFE, environment_of_database
from tests.demo_erp import Erp
from tests.e2e.browsers import DESK, FLAGS, PATIENCE, OwnBrowser, Watch, find_chromium, sign_in, somebody
from tests.e2e.control_room import Room
from tests.e2e.order_form import OrderForm, customers, goods
from tests.factories import PASSWORD, UserFactory
from tests.site import MirroredDemo, Site

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
def erp(mirrored_demo: MirroredDemo) -> Erp:
    """A demo ERP with a few records of each list, as of today."""
    return mirrored_demo.erp


@pytest.fixture
def site(request: pytest.FixtureRequest, mirrored: MirroredDemo) -> Site:
    """A web server with all lists mirrored, and that ERP; the one for all tests, unless the test uses `own_site`."""
    own: Site | None = request.getfixturevalue("own_site") if "own_site" in request.fixturenames else None
    return own or mirrored.site


@pytest.fixture
def own_site(mirrored: MirroredDemo, tmp_path: Path) -> Iterator[Site]:
    """A site of this test alone, for one that stops it or sets variables."""
    with Site(tmp_path, environment_of_database() | mirrored.variables) as site:
        yield site


# Who uses it


@cache
def password_as_the_server_knows_it() -> str:
    """Hashing takes a while, which tests that never type the password need not spend each."""
    hasher = PBKDF2PasswordHasher()
    return hasher.encode(PASSWORD, hasher.salt())


@pytest.fixture
def make_user(mirrored: MirroredDemo) -> Callable[..., User]:
    """Makes somebody who can sign in with PASSWORD on the login page: `make_user("capo", is_staff=True)`."""

    def made(name: str, **fields: Any) -> User:
        user: User = UserFactory(username=name, **fields)
        user.password = password_as_the_server_knows_it()
        user.save(update_fields=["password"])
        return user

    return made


@pytest.fixture
def agent(make_user: Callable[..., User]) -> User:
    return make_user("agente")


@pytest.fixture
def colleague(make_user: Callable[..., User]) -> User:
    return make_user("collega")


@pytest.fixture
def administrator(make_user: Callable[..., User]) -> User:
    return make_user("administrator", is_staff=True, groups=["administrator"])


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
    """Opens browsers with an empty profile, as the agent: `open_context(user=None, locale="en-GB")`."""
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


@pytest.fixture
def room(open_page: Callable[..., Page], site: Site, administrator: User) -> Room:
    """An administrator's control room, in English."""
    return Room(open_page(user=administrator, locale="en-GB", viewport=DESK), site).open()


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
