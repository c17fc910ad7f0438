"""An order form comes first: what another process syncs steps aside for it, and is finished later."""

import time
from datetime import timedelta
from unittest.mock import patch

import pytest

from orders.models import Product
from sync import runner, sessions
from sync.erp.demo.erp import DemoErp
from sync.events import Kind
from sync.models import SyncEvent, SyncRun
from sync.queue import request_sync
from tests.concurrency.processes import running_run, until
from tests.factories import SyncRunFactory
from tests.sync.demo import TODAY, is_mirrored, run_sync

PAUSE = 0.1  # seconds
LOOKS = {"fetching": 0, "reading": 1, "applying": 30}  # and pauses more than products of real size have


@pytest.fixture
def erp():
    return DemoErp(scale=0.1, today=TODAY)


@pytest.fixture
def exports(demo_server):
    """How many exports the ERP has generated."""
    return lambda: demo_server.front_end.exports


def read_slowly():
    look = runner.Checkpoint.__call__

    def slow(checkpoint, stage, done, total):
        look(checkpoint, stage, done, total)
        if checkpoint.run.sync_type == "products":
            for _ in range(LOOKS[stage]):
                time.sleep(PAUSE)
                look(checkpoint, stage, done, total)

    with patch.object(runner.Checkpoint, "__call__", slow):
        runner.drain()


def in_stage(stage):
    run = running_run()
    return run is not None and run.stage == stage


def stepped_aside_after(products, smart):
    preempted = SyncEvent.objects.get(kind=Kind.RUN_PREEMPTED, run=products)
    return (preempted.at - smart.requested_at).total_seconds()


# On SQLite an order form's request waits until the records are applied.
@pytest.mark.parametrize("stage", ["fetching", "reading", pytest.param("applying", marks=pytest.mark.postgresql)])
def test_products_step_aside_for_an_order_form(start, erp, demo_server, exports, agent, stage, capsys):
    run_sync("customers", mode="full")
    SyncRunFactory(sync_type="products")
    erp.happen("changed-customer")
    erp.happen("new-customer")
    products = request_sync("products", mode="full", trigger=SyncRun.Trigger.API)
    demo_server.delay = 1.5 if stage == "fetching" else 0
    child = start(read_slowly)
    until(lambda: in_stage(stage))
    time.sleep(0.3)
    before = exports()

    began = time.monotonic()
    smart = sessions.smart_sync("customers", user=agent, patience=timedelta(minutes=1))
    took = time.monotonic() - began

    assert smart.run.status == SyncRun.Status.SUCCEEDED
    assert is_mirrored(erp, "customers")
    latency = stepped_aside_after(products, smart.run)
    assert latency < 1
    assert child.ended_well()
    products.refresh_from_db()
    assert (products.status, products.attempts) == (SyncRun.Status.QUEUED, 1)
    assert [attempt["outcome"] for attempt in products.ended_attempts] == ["preempted"]
    assert bool(products.export_path) is (stage != "fetching")
    assert not Product.objects.exists()

    runner.drain()
    products.refresh_from_db()
    assert products.status == SyncRun.Status.QUEUED, "paused while the order form is open"
    demo_server.delay = 0
    fetched, kept = exports(), products.export_sha256
    sessions.close_session(smart.session)
    runner.drain()
    products.refresh_from_db()
    assert (products.status, products.attempts) == (SyncRun.Status.SUCCEEDED, 2)
    assert is_mirrored(erp, "products")
    if stage != "fetching":
        assert before + 1 == fetched == exports(), "only the smart run has fetched since"
        assert products.export_sha256 == kept
    with capsys.disabled():
        print(f" stepped aside within {latency * 1000:.0f} ms, customers fresh after {took:.2f} s", end="")
