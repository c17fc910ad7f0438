"""What tests of runs share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from sync import runner
from sync.models import RecordChange, SyncRun
from sync.queue import request_sync
from sync.service import all_services, service_for
from tests.sync.drawing import draw_list

State = dict[str, list[Any]]


@pytest.fixture
def mirror_state() -> Callable[[], State]:
    """All that the mirror holds, and the history of its records."""

    def state() -> State:
        models = [service.model for service in all_services()]
        return {model.__name__: list(model.objects.order_by("pk").values_list()) for model in [*models, RecordChange]}

    return state


@pytest.fixture
def sync_customers(tmp_path: Path, db: None) -> Callable[..., SyncRun]:
    """Runs a sync of customers from an export of these rows, given as texts by field."""

    def sync(rows: Sequence[dict[str, str]], *, mode: str = "full", **options: Any) -> SyncRun:
        path = draw_list(tmp_path / "Clienti.pdf", service_for("customers"), rows, **options)
        run = request_sync("customers", mode=mode, trigger=SyncRun.Trigger.MANUAL, given_file=path)
        runner.execute(run)
        return run

    return sync


def customers(*numbers: int, **cells: str) -> list[dict[str, str]]:
    return [{"erp_id": str(number), "name": f"Studio {number}", **cells} for number in numbers]
