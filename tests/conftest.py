"""What tests of every part share."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from django.conf import settings
from django.db import connection
from django.test import TransactionTestCase
from pytest_django import DjangoDbBlocker

from tests.api_server import ApiServer
from tests.snapshot import Snapshot


pytest_plugins = ["tests.layers"]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The migrated database; a test that commits has it put back to that, instead of all its tables emptied."""
    with django_db_blocker.unblock():
        migrated = Snapshot()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda case: migrated.restore())
        yield
    migrated.close()


@pytest.fixture(scope="session")
def erp_exports() -> Path:
    """The ERP's own exports, with scrambled texts, which stand beside the project on some machines only."""
    folder: Path = settings.BASE_DIR.parent / "shared" / "erp-exports"
    if not folder.is_dir():
        pytest.skip("no sample exports in ../shared/erp-exports")
    return folder


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
    return os.environ | {"DATABASE_URL": url}


@pytest.fixture
def serve(process_environment: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., ApiServer]]:
    """Starts web servers on this test's database: `serve()`, `serve("runserver")`, `serve(DEBUG="true")`."""
    with ExitStack() as servers:

        def start(command: str = "serve", *options: str, **variables: str) -> ApiServer:
            server = ApiServer(tmp_path, process_environment | variables, command, *options)
            servers.callback(server.stop)
            server.wait_until_it_answers()
            return server

        yield start


@pytest.fixture
def api_server(serve: Callable[..., ApiServer]) -> ApiServer:
    """A real `manage.py serve` on this test's database."""
    return serve()
