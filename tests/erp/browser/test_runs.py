"""Runs whose ERP is asked by a browser: exports, looks that end a run, looks that bring records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from customers.models import Customer
from demo.erp.server import DemoServer
from sync import erp as erp_clients
from sync.coordinator import queue, runner
from sync.erp.browser.client import BrowserClient
from sync.models import SyncRun
from tests.lists import TYPES
from tests.sync.conftest import demo_server, erp
from tests.sync.demo import is_mirrored

__all__ = ["demo_server", "erp"]

pytestmark = pytest.mark.django_db

Source, Trigger = SyncRun.Source, SyncRun.Trigger


@pytest.fixture
def run_sync(
    demo_server: DemoServer, settings: Any, tmp_path: Any, real_processes: None
) -> Iterator[Callable[..., SyncRun]]:
    """Runs a sync as a schedule asks for it, with a browser of this test."""
    settings.ERP_CLIENT, settings.ERP_SESSIONS_DIR = "browser", tmp_path / "erp-sessions"
    client = erp_clients.get_erp_client()
    assert isinstance(client, BrowserClient)

    def run_sync(sync_type: str, *, trigger: SyncRun.Trigger = Trigger.SCHEDULE, **options: Any) -> SyncRun:
        run = queue.request_sync(sync_type, trigger=trigger, **options)
        runner.wait_for(run)
        run.refresh_from_db()
        return run

    yield run_sync
    client.close()
    erp_clients.get_web_client.cache_clear()


@pytest.mark.parametrize("sync_type", TYPES)
def test_each_list_is_exported_and_then_found_unchanged_by_a_look(sync_type, run_sync, erp):
    exported, looked = run_sync(sync_type), run_sync(sync_type)
    assert (exported.status, exported.read_from, exported.error_text) == ("succeeded", Source.EXPORT, "")
    assert is_mirrored(erp, sync_type)
    assert (looked.status, looked.read_from, looked.read) == ("succeeded", Source.LOOK, 0), looked.notes


def test_a_new_order_is_noticed_by_a_look_and_exported(run_sync, erp):
    run_sync("orders")
    erp.happen("new-order")
    run = run_sync("orders")
    assert (run.status, run.read_from, run.created) == ("succeeded", Source.EXPORT, 1)
    assert run_sync("orders").read_from == Source.LOOK


def test_a_smart_run_brings_a_new_customer_and_an_old_one_that_is_searched_for(run_sync, erp):
    run_sync("customers")
    first = min(erp.find_records("customers"), key=lambda record: record.id)
    Customer.objects.filter(erp_id=first.id).update(city="otherwise")
    erp.happen("new-customer")
    run = run_sync("customers", mode=SyncRun.Mode.SMART, trigger=Trigger.ORDER_FORM, search=first.name)
    assert (run.status, run.read_from, run.created) == ("succeeded", Source.LOOK, 1), run.notes
    assert first.id in run.found
    assert is_mirrored(erp, "customers")
