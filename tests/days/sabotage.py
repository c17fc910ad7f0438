"""What must never be, done on purpose when the simulated days are over, so that each check is seen to find it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.request import urlopen

from django.conf import settings
from django.utils import timezone

from customers.models import Customer
from demo.erp.server import DEMO_USERNAME
from orders.models import Price, Product
from sync.models import SyncRun
from tests.days.plan import What

if TYPE_CHECKING:
    from tests.days.simulation import Simulation


def change_record(simulation: Simulation) -> None:
    Customer.objects.filter(pk=Customer.objects.present()[0].pk).update(city="Nowhere")


def remove_record(simulation: Simulation) -> None:
    Product.objects.filter(pk=Product.objects.present()[0].pk).update(removed_at=timezone.now())


def count_as_absent(simulation: Simulation) -> None:
    Price.objects.filter(pk=Price.objects.present()[0].pk).update(missing_since=timezone.now())


def trust_looks_too_long(simulation: Simulation) -> None:
    run = SyncRun.objects.succeeded().from_exports().for_type("invoices").order_by("-finished_at")[0]
    assert run.exported_at
    run.pk, run.read_from, run.finished_at = None, SyncRun.Source.LOOK, timezone.now()
    run.exported_at += timedelta(hours=7)
    run.save(force_insert=True)


def log_in_too_often(simulation: Simulation) -> None:
    for _ in range(settings.ERP_LOGINS_A_DAY + 1):
        simulation.server.front_end.log_in(DEMO_USERNAME, simulation.server.front_end.password)


def export_too_often(simulation: Simulation) -> None:
    for _ in range(settings.ERP_EXPORTS_A_DAY + 1):
        simulation.server.front_end.count_export()


def repeat_wrong_password(simulation: Simulation) -> None:
    simulation.server.front_end.log_in(DEMO_USERNAME, "not the password")


def sync_nothing(simulation: Simulation) -> None:
    """No worker works for a day."""
    simulation.traveller.move_to(timezone.now() + timedelta(days=1), tick=False)


def keep_outage_secret(simulation: Simulation) -> None:
    """An outage of which no run learns, since none is started."""
    simulation.checks.begin_trouble(What.DOWN)
    simulation.traveller.move_to(timezone.now() + timedelta(hours=1), tick=False)


def stay_in_trouble(simulation: Simulation) -> None:
    """Nothing is synced for hours after an outage has ended."""
    simulation.checks.look()
    simulation.checks.end_trouble()
    simulation.traveller.move_to(timezone.now() + timedelta(hours=6), tick=False)


def ask_at_night(simulation: Simulation) -> None:
    """Of no run, an hour later, when the ERP's hours are over."""
    simulation.traveller.move_to(timezone.now() + timedelta(hours=1), tick=False)
    urlopen(simulation.server.url + "CUSTTABLE_ListView_Agent/").close()


# In this order: the last ones move the clock.
SABOTAGE: dict[str, Callable[[Simulation], None]] = {
    "changed-record": change_record,
    "removed-record": remove_record,
    "absent-record": count_as_absent,
    "old-look": trust_looks_too_long,
    "logins": log_in_too_often,
    "exports": export_too_often,
    "repeated-password": repeat_wrong_password,
    "no-worker": sync_nothing,
    "secret-outage": keep_outage_secret,
    "lasting-trouble": stay_in_trouble,
    "request-at-night": ask_at_night,
}
