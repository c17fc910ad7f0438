"""A browser that downloads an export steps aside for an order form at once, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User

from demo.erp.faults import Fault
from demo.erp.front_end import PlannedFault
from demo.erp.server import DemoServer
from sync.coordinator import queue, runner, sessions
from sync.erp import get_erp_client
from sync.erp.browser import process_tree
from sync.erp.browser.client import BrowserClient
from sync.models import SyncEvent, SyncRun
from tests.concurrency.processes import PATIENCE, Child, until
from tests.e2e.browsers import find_chromium
from tests.factories import SyncRunFactory
from tests.sync.demo import is_mirrored, run_sync

WITHIN = timedelta(seconds=5)  # half a second on a machine that does nothing else


@pytest.fixture(autouse=True)
def browser_client(demo_server: DemoServer, settings: Any, tmp_path: Path) -> Iterator[None]:
    if not find_chromium():
        pytest.skip("no browser: chromium was not found")
    settings.ERP_CLIENT, settings.ERP_SESSIONS_DIR = "browser", tmp_path / "erp-sessions"
    yield
    client = get_erp_client()
    assert isinstance(client, BrowserClient)
    client.close()


def is_downloading() -> bool:
    return any(path.stat().st_size for path in settings.EXPORT_DIR.glob("products-*.pdf"))


def test_a_download_steps_aside_for_an_order_form_and_leaves_no_process(
    start: Callable[..., Child], demo_server: DemoServer, agent: User
) -> None:
    SyncRunFactory(sync_type="products")
    run_sync("customers", mode="full")
    demo_server.erp.happen("new-customer")
    demo_server.front_end.plan_fault(PlannedFault(Fault.STALLED_CONNECTION, "products"))
    products = queue.request_sync("products", mode="full", trigger=SyncRun.Trigger.API)
    worker = start(runner.drain_queue)
    until(is_downloading)
    browser = [each for each in process_tree.find_tree(worker.pid) if each.pid != worker.pid]
    assert any(each.name.startswith("chrom") for each in browser)

    smart = sessions.request_smart_sync("customers", user=agent, patience=timedelta(seconds=PATIENCE))

    assert smart.run.status == SyncRun.Status.SUCCEEDED, smart.run.error_text
    assert smart.run.read_from == SyncRun.Source.LOOK
    assert is_mirrored(demo_server.erp, "customers")
    preempted = SyncEvent.objects.get(kind=SyncEvent.Kind.RUN_PREEMPTED, run=products)
    print(f"stepped aside after {preempted.at - smart.run.requested_at}, started after {waited(smart.run)}")
    assert waited(smart.run) < WITHIN
    products.refresh_from_db()
    assert [attempt["outcome"] for attempt in products.ended_attempts] == ["preempted"]
    pids = {each.pid for each in process_tree.list_processes()}
    assert not [each for each in browser if each.pid in pids]


def waited(run: SyncRun) -> timedelta:
    """From the request of a run to its start."""
    assert run.started_at
    return run.started_at - run.requested_at
