"""What it costs that everything is on the disk when it is acknowledged: SQLite's synchronous=FULL beside NORMAL.

With NORMAL a power cut may take the last seconds back. Drafts, each saved by a transaction of its own, and whole syncs;
in one process, in turns, so that both meet the same machine. One run, a SQLite file.
"""

from __future__ import annotations

import os
from pathlib import Path
from statistics import median

import _measure

os.environ.pop("DATABASE_URL", None)
scratch = _measure.use_scratch()

import django

django.setup()

from decimal import Decimal

from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from customers.models import Customer
from demo.erp.erp import DemoErp
from orders import drafts
from orders.drafts import DraftInput, LineInput
from orders.models import Price, Product
from sync.coordinator import runner
from sync.coordinator.queue import request_sync
from sync.models import SyncRun

ROUNDS = _measure.scale(30)
DRAFTS = 20  # in a round
SETTINGS = ("NORMAL", "FULL")


def use(synchronous: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA synchronous = {synchronous}")


def save_drafts(user: User, wanted: DraftInput) -> None:
    for _ in range(DRAFTS):
        drafts.create_draft(wanted, user=user)


def something_to_order() -> DraftInput:
    now = timezone.now()
    Customer.objects.create(erp_id=1, name="Studio 1", account_number="1", created_at=now, changed_at=now)
    Product.objects.create(erp_id="1", name="Article", created_at=now, changed_at=now)
    Price.objects.create(
        erp_id=1,
        product_erp_id="1",
        account_code="Group",
        account="002",
        unit_price=Decimal(10),
        currency="EUR",
        created_at=now,
        changed_at=now,
    )
    return DraftInput(customer=1, lines=[LineInput("1", Decimal(1), Decimal(0))], discount_percent=Decimal(0), notes="")


def sync(path: Path) -> None:
    """A whole sync in which every record is written, as at the first."""
    Customer.objects.exclude(erp_id=1).delete()
    run = request_sync("customers", mode="full", trigger=SyncRun.Trigger.MANUAL, given_file=path)
    runner.wait_for(run)
    assert run.status == SyncRun.Status.SUCCEEDED, run.error_text


def compare(what: str, times: dict[str, list[float]], *, of: int, unit: str) -> None:
    typical = {name: median(each) / of for name, each in times.items()}
    for name, each in typical.items():
        _measure.show(f"{what}, {name}: {unit}", f"{each * 1000:.2f} ms")
    _measure.show(f"{what}: FULL takes times as long", f"{typical['FULL'] / typical['NORMAL']:.2f}")


def main() -> None:
    print(f"Saving so that it is on the disk, {_measure.make_tables()}, {_measure.find_processor()}")
    wanted, user = something_to_order(), User.objects.create_user("agent")
    export = scratch / "customers.pdf"
    DemoErp(scale=1).write_export("customers", export)
    saving: dict[str, list[float]] = {name: [] for name in SETTINGS}
    syncing: dict[str, list[float]] = {name: [] for name in SETTINGS}
    for _ in range(ROUNDS):
        for name in SETTINGS:
            use(name)
            saving[name].append(_measure.time_once(lambda: save_drafts(user, wanted)))
    sync(export)  # the first one makes the list known
    for _ in range(_measure.scale(10)):
        for name in SETTINGS:
            use(name)
            syncing[name].append(_measure.time_once(lambda: sync(export)))
    compare("a draft", saving, of=DRAFTS, unit="each")
    compare("a sync of customers", syncing, of=1, unit="each")


if __name__ == "__main__":
    main()
