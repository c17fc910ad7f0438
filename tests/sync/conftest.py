"""What tests of runs share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from demo.erp.erp import DemoErp
from demo.erp.server import DEMO_PASSWORD, DEMO_USERNAME, DemoServer
from sync.coordinator import checkpoint, kept_exports, looks, runner
from sync.coordinator.queue import request_sync
from sync.models import RecordChange, SyncRun
from sync.service import get_service, list_services
from tests.demo_erp import CachedDemoErp
from tests.factories import UserFactory
from tests.sync.demo import TODAY
from tests.sync.drawing import draw_list
from tests.sync.looking_erp import LookingErp
from tests.sync.tiny_erp import TinyErp

State = dict[str, list[Any]]


@pytest.fixture
def in_english(settings: Any) -> None:
    """Pages are English for whoever names no language."""
    settings.LANGUAGE_CODE = "en"


@pytest.fixture
def mirror_state() -> Callable[[], State]:
    """All that the mirror holds, and the history of its records."""

    def state() -> State:
        models: list[type[Any]] = [*(service.model for service in list_services()), RecordChange]
        return {model.__name__: list(model.objects.order_by("pk").values_list()) for model in models}

    return state


@pytest.fixture
def sync_list(tmp_path: Path, db: None) -> Callable[..., SyncRun]:
    """Runs a sync of a list from an export of these rows, given as texts by field."""

    def sync(sync_type: str, rows: Sequence[dict[str, str]], *, mode: str = "full", **options: Any) -> SyncRun:
        service = get_service(sync_type)
        path = draw_list(tmp_path / service.erp_list.file_names[0], service, rows, **options)
        run = request_sync(sync_type, mode=mode, trigger=SyncRun.Trigger.MANUAL, given_file=path)
        runner.wait_for(run)
        return run

    return sync


@pytest.fixture
def sync_customers(sync_list: Callable[..., SyncRun]) -> Callable[..., SyncRun]:
    """Runs a sync of customers from an export of these rows, given as texts by field."""
    return partial(sync_list, "customers")


@pytest.fixture
def erp() -> DemoErp:
    """A demo ERP with a few records of each list."""
    return CachedDemoErp(scale=0.02, today=TODAY)


@pytest.fixture
def demo_server(erp: DemoErp, settings: Any, tmp_path: Path, network: None) -> Iterator[DemoServer]:
    """The demo ERP on the web, as the one that the settings name."""
    with DemoServer(erp) as server:
        settings.ERP_URL, settings.ERP_FOLDER = server.url, None
        settings.ERP_USERNAME, settings.ERP_PASSWORD = DEMO_USERNAME, DEMO_PASSWORD
        settings.EXPORT_DIR = tmp_path / "exports"
        yield server


@pytest.fixture
def tiny_erp(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> TinyErp:
    """An ERP without a network, asked by all runs of the test, each of which looks around at every step."""
    erp = TinyErp(tmp_path)
    settings.EXPORT_DIR = tmp_path / "exports"
    for module in (kept_exports, looks):
        monkeypatch.setattr(module, "get_erp_client", lambda: erp)
    monkeypatch.setattr(checkpoint, "LOOKS_EVERY", 0)
    return erp


@pytest.fixture
def looking(erp: CachedDemoErp, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> LookingErp:
    """An ERP without a network whose client looks, asked by all runs of the test."""
    client = LookingErp(erp)
    settings.EXPORT_DIR = tmp_path / "exports"
    for module in (kept_exports, looks):
        monkeypatch.setattr(module, "get_erp_client", lambda: client)
    monkeypatch.setattr(checkpoint, "LOOKS_EVERY", 0)
    return client


@pytest.fixture
def colleague(client: Any) -> Callable[..., Any]:
    """Somebody who signs in with these permissions, and no others."""

    def signed_in(*codenames: str) -> Any:
        client.force_login(UserFactory(is_staff=True, permissions=codenames))
        return client

    return signed_in


def customers(*numbers: int, **cells: str) -> list[dict[str, str]]:
    return [{"erp_id": str(number), "name": f"Studio {number}", **cells} for number in numbers]
