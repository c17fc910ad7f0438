"""What tests of every part share."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from django.conf import settings
from django.db import connection

from tests.api_server import ApiServer


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--only-database", action="store_true", help="leave out tests that use no database")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out on SQLite what only PostgreSQL can do, and what another run has shown if this is a second one."""
    left_out = [item for item in items if connection.vendor == "sqlite" and item.get_closest_marker("postgresql")]
    if config.getoption("only_database"):
        left_out += [item for item in items if not uses_database(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def uses_database(item: pytest.Item) -> bool:
    fixtures = getattr(item, "fixturenames", [])
    return bool(item.get_closest_marker("django_db") or {"db", "transactional_db"} & set(fixtures))


@pytest.fixture(scope="session")
def erp_exports() -> Path:
    """The ERP's own exports, with scrambled texts, which stand beside the project on some machines only."""
    folder: Path = settings.BASE_DIR.parent / "shared" / "erp-exports"
    if not folder.is_dir():
        pytest.skip("no sample exports in ../shared/erp-exports")
    return folder


@pytest.fixture
def process_environment(transactional_db: None) -> dict[str, str]:
    """The environment of a real process that works on this test's database."""
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
