"""What tests of every part share."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from django.conf import settings
from django.db import connection
from django.test import TransactionTestCase
from django.utils import translation
from pytest_django import DjangoDbBlocker

from sync.coordinator import worker
from sync.database import clock
from tests.api_server import ApiServer
from tests.demo_erp import Erp
from tests.site import MirroredDemo
from tests.snapshot import Snapshot

pytest_plugins = ["tests.layers"]

ASYNC_UNSAFE = "DJANGO_ALLOW_ASYNC_UNSAFE"


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The migrated database; a test that commits has it put back to that, instead of all its tables emptied."""
    with django_db_blocker.unblock():
        migrated = Snapshot()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda case: migrated.restore())
        yield
    migrated.close()


@pytest.fixture(autouse=True)
def no_active_language() -> None:
    """Deactivate the language that a request of an earlier test activated."""
    translation.deactivate()


@pytest.fixture(autouse=True)
def no_beat_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each beat of a worker in a test is written."""
    monkeypatch.setattr(worker, "WRITTEN_EVERY", 0)


@pytest.fixture(autouse=True)
def one_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The database's clock is this process's: a test that moves it moves both."""
    monkeypatch.setattr(clock, "reading", None)
    monkeypatch.setattr(clock, "ask", lambda last: None)


@pytest.fixture(scope="session")
def erp_exports() -> Path:
    """The ERP's own exports, with scrambled texts, which stand beside the project on some machines only."""
    folder: Path = settings.BASE_DIR.parent / "shared" / "erp-exports"
    if not folder.is_dir():
        pytest.skip("no sample exports in ../shared/erp-exports")
    return folder


@pytest.fixture(scope="session")
def network() -> None:
    """Puts a test into the layer `integration`, and so does every fixture that starts a server in this process."""


@pytest.fixture(scope="session")
def real_processes() -> None:
    """Puts a test into the layer `process`, and so does every fixture that starts processes by asking for it."""


@pytest.fixture
def process_environment(transactional_db: None, real_processes: None) -> dict[str, str]:
    """The environment of a real process that works on this test's database."""
    return environment_of_database()


def environment_of_database() -> dict[str, str]:
    """The environment of a real process that works on the test database."""
    name = quote(str(connection.settings_dict["NAME"]))
    if connection.vendor == "sqlite":
        url = f"sqlite:///{name}"
    else:
        url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
    # What tests in a browser need, no other process does: a server is told of a query in its event loop.
    variables = {name: value for name, value in os.environ.items() if name != ASYNC_UNSAFE}
    # A server that looks at the database by itself would change what other tests count.
    return variables | {"DATABASE_URL": url, "HOUSEKEEPING_SECONDS": "86400"}


@pytest.fixture
def serve(process_environment: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., ApiServer]]:
    """Starts web servers of this test alone: `serve()`, `serve("runserver")`, `serve(DEBUG="true")`."""
    with ExitStack() as servers:

        def start(command: str = "serve", *options: str, **variables: str) -> ApiServer:
            server = ApiServer(tmp_path, process_environment | variables, command, *options)
            servers.callback(server.stop)
            server.wait_until_it_answers()
            return server

        yield start


@pytest.fixture(scope="session")
def mirrored_demo(
    real_processes: None,
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[MirroredDemo]:
    """A demo ERP, its lists mirrored, and web servers, for all tests that can share them."""
    folder = tmp_path_factory.mktemp("mirrored-demo")
    with (
        django_db_blocker.unblock(),
        Erp() as erp,
        MirroredDemo(folder, erp, environment_of_database()) as mirrored_demo,
    ):
        yield mirrored_demo


@pytest.fixture
def mirrored(transactional_db: None, mirrored_demo: MirroredDemo, settings: Any) -> Iterator[MirroredDemo]:
    """All lists of the shared ERP are mirrored, and nothing else has happened; the settings name that ERP."""
    mirrored_demo.restore()
    for name, value in mirrored_demo.settings.items():
        setattr(settings, name, value)
    yield mirrored_demo
    mirrored_demo.stop_work()


@pytest.fixture
def api_server(transactional_db: None, mirrored_demo: MirroredDemo) -> Iterator[ApiServer]:
    """The shared `manage.py serve`, on this test's database; a test that stops its server uses `serve`."""
    yield mirrored_demo.api_server
    mirrored_demo.stop_work()
