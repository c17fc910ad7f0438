"""What tests with real processes share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections

from demo.erp.server import DEMO_PASSWORD, DEMO_USERNAME, DemoServer
from sync.models import SyncSchedule
from tests.concurrency.processes import Child, Worker
from tests.factories import UserFactory
from tests.sync.conftest import demo_server, erp, mirror_state

__all__ = ["demo_server", "erp", "mirror_state"]


@pytest.fixture(autouse=True)
def nothing_is_due(transactional_db: None) -> None:
    """Only what a test asks for is queued."""
    SyncSchedule.objects.update(enabled=False)


@pytest.fixture
def start(transactional_db: None, real_processes: None) -> Iterator[Callable[..., Child]]:
    """Starts processes that do one thing; none outlives the test."""
    children: list[Child] = []

    def started(work: Callable[..., None], *args: Any) -> Child:
        children.append(Child(work, *args))
        return children[-1]

    yield started
    for child in children:
        child.kill()
    connections.close_all()


@pytest.fixture
def start_worker(
    process_environment: dict[str, str], demo_server: DemoServer, tmp_path: Path, settings: Any
) -> Iterator[Callable[..., Worker]]:
    """Starts real workers of the demo ERP, each in a folder of its own."""
    workers: list[Worker] = []
    env = process_environment | {
        "ERP_URL": demo_server.url,
        "ERP_USERNAME": DEMO_USERNAME,
        "ERP_PASSWORD": DEMO_PASSWORD,
        "SYNC_LEASE_SECONDS": str(settings.SYNC_LEASE.total_seconds()),
        "WORKER_HANGS_AFTER_SECONDS": str(settings.WORKER_HANGS_AFTER.total_seconds()),
    }

    def started(**variables: str) -> Worker:
        workers.append(Worker(tmp_path / f"worker-{len(workers)}", env | variables))
        return workers[-1]

    yield started
    for worker in workers:
        worker.kill()


@pytest.fixture
def short_lease(settings: Any) -> None:
    """What a dead process costs; a busy machine may take the lock from a live one too."""
    settings.SYNC_LEASE = timedelta(seconds=0.3)


@pytest.fixture
def agent(transactional_db: None) -> User:
    return UserFactory()
