"""An order form comes first: what another process syncs steps aside for it, and is finished later."""

import time
from datetime import timedelta
from threading import Event
from unittest.mock import patch

import pytest

from demo.erp.lists import find_list
from orders.models import Product
from sync.coordinator import runner, sessions
from sync.coordinator.checkpoint import Checkpoint
from sync.coordinator.queue import request_sync
from sync.models import SyncRun
from tests.concurrency.processes import PATIENCE, running_run, until
from tests.demo_erp import CachedDemoErp
from tests.factories import SyncRunFactory
from tests.sync.demo import TODAY, is_mirrored, run_sync


@pytest.fixture
def erp():
    return CachedDemoErp(scale=0.1, today=TODAY)


@pytest.fixture
def exports(demo_server):
    """How many exports the ERP has generated."""
    return lambda: demo_server.front_end.exports


@pytest.fixture
def products_were_asked_for():
    """Set once the ERP was asked for its products."""
    return Event()


@pytest.fixture
def may_have_products(erp, products_were_asked_for, monkeypatch):
    """The ERP does not answer with products until this is set."""
    may_have, write_export = Event(), erp.write_export

    def write_when_it_may(name, path, **options):
        if find_list(name).sync_type == "products":
            products_were_asked_for.set()
            may_have.wait(PATIENCE)
        write_export(name, path, **options)

    monkeypatch.setattr(erp, "write_export", write_when_it_may)
    yield may_have
    may_have.set()


def drain_lingering(where):
    """A sync of products that never gets beyond a checkpoint of this stage, however often it looks around there.

    Fetching needs none: it waits for the ERP, and asks it from within a checkpoint.
    """
    look = Checkpoint.__call__

    def lingering(checkpoint, stage, done, total):
        look(checkpoint, stage, done, total)
        while (checkpoint.run.sync_type, stage) == ("products", where) and where != "fetching":
            time.sleep(0.01)
            look(checkpoint, stage, done, total)

    with patch.object(Checkpoint, "__call__", lingering):
        runner.drain_queue()


def in_stage(stage):
    run = running_run()
    return run is not None and run.stage == stage


# On SQLite an order form's request waits until the records are applied.
@pytest.mark.parametrize("stage", ["fetching", "reading", pytest.param("applying", marks=pytest.mark.postgresql)])
def test_products_step_aside_for_an_order_form(
    start, erp, may_have_products, products_were_asked_for, exports, agent, stage
):
    run_sync("customers", mode="full")
    SyncRunFactory(sync_type="products")
    erp.happen("changed-customer")
    erp.happen("new-customer")
    products = request_sync("products", mode="full", trigger=SyncRun.Trigger.API)
    if stage != "fetching":
        may_have_products.set()
    child = start(drain_lingering, stage)
    until(lambda: in_stage(stage) and products_were_asked_for.is_set())
    until(lambda: exports() == (1 if stage == "fetching" else 2))  # of customers, and of products
    fetched = exports()

    smart = sessions.request_smart_sync("customers", user=agent, patience=timedelta(seconds=PATIENCE))

    assert smart.run.status == SyncRun.Status.SUCCEEDED
    assert is_mirrored(erp, "customers")
    assert exports() == fetched + 1, "only the smart run has fetched since"
    assert child.ended_well()
    products.refresh_from_db()
    assert (products.status, products.attempts) == (SyncRun.Status.QUEUED, 1)
    assert [attempt["outcome"] for attempt in products.ended_attempts] == ["preempted"]
    assert bool(products.export_path) is (stage != "fetching")
    assert not Product.objects.exists()

    runner.drain_queue()
    products.refresh_from_db()
    assert products.status == SyncRun.Status.QUEUED, "paused while the order form is open"
    may_have_products.set()
    fetched, kept = exports(), products.export_sha256
    sessions.close_session(smart.session)
    runner.drain_queue()
    products.refresh_from_db()
    assert (products.status, products.attempts) == (SyncRun.Status.SUCCEEDED, 2)
    assert is_mirrored(erp, "products")
    if stage != "fetching":
        assert exports() == fetched
        assert products.export_sha256 == kept
