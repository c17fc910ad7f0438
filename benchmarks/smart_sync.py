"""A smart sync as an agent feels it: idle, and while products are synced; the ERP's time apart from our own.

The demo ERP, at its real size, and a worker (`manage.py qcluster`) run in processes of their own; this process opens
the order forms, as a web server's would. Each round something has changed in the ERP, and is found. On DATABASE_URL or
else SQLite; an argument says how many rounds.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from random import Random

import _measure

_measure.use_scratch()

import django

django.setup()

import requests
from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from sync.coordinator import queue, runner, schedules, sessions
from sync.models import SyncEvent, SyncRun
from sync.progress import Stage

ROUNDS = _measure.scale(50)
DELAY = 0.2  # seconds that the demo ERP takes for an export, after those that it needs to write one


@dataclass(frozen=True)
class Round:
    """One smart sync, in seconds; `stepped_aside` is how long the run in progress took to, if it did."""

    total: float
    erp: float
    stepped_aside: float | None

    @property
    def own(self) -> float:
        return self.total - self.erp


def sync_first() -> None:
    """The mirror as it is on any day: filled."""
    for sync_type in settings.SYNC_TYPES:
        schedules.change_schedule(sync_type, enabled=False)
    for sync_type in ("customers", "products"):
        run = queue.request_sync(sync_type, mode="full", trigger=SyncRun.Trigger.MANUAL)
        assert runner.wait_for(run).status == SyncRun.Status.SUCCEEDED, run.error_text


def open_order_form(agent: User) -> Round:
    """A customer is new in the ERP; the agent waits until it is here, and leaves."""
    asked_at, asked = timezone.now(), time.perf_counter()
    smart = sessions.request_smart_sync("customers", user=agent)
    total = time.perf_counter() - asked
    run = smart.run
    assert run.status == SyncRun.Status.SUCCEEDED, f"{run.status} {run.error_text}"
    assert run.created == 1, f"{run.created} new customers instead of one"
    assert run.erp_time
    preempted = SyncEvent.objects.filter(kind=SyncEvent.Kind.RUN_PREEMPTED, at__gt=asked_at).first()
    stepped_aside = (preempted.at - run.requested_at).total_seconds() if preempted else None
    # As if it had been long ago: the next order form would join it.
    SyncRun.objects.filter(pk=run.pk).update(requested_at=run.requested_at - timedelta(hours=1))
    sessions.close_session(smart.session)
    return Round(total, run.erp_time.total_seconds(), stepped_aside)


def something_changes() -> None:
    requests.post(f"{settings.ERP_URL}/demo/life/new-customer", timeout=10).raise_for_status()


def nothing_runs() -> bool:
    return not SyncRun.objects.running().exists()


def products_are(stages: Collection[Stage]) -> bool:
    """Whether the worker syncs products and has come so far, once it is asked to."""
    run = SyncRun.objects.for_type("products").filter(status__in=["queued", "running"]).first()
    if run is None:
        queue.request_sync("products", mode="full", trigger=SyncRun.Trigger.SCHEDULE)
    return run is not None and run.status == SyncRun.Status.RUNNING and run.stage in stages


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, "Waited in vain"
        time.sleep(0.02)


def idle_round(agent: User) -> Round:
    something_changes()
    wait_until(nothing_runs)
    return open_order_form(agent)


def preempting_round(agent: User, rng: Random) -> Round:
    """Products are fetched in one round of ten, and read or applied in the others."""
    something_changes()
    stages = [Stage.FETCHING] if rng.random() < 0.1 else [Stage.READING, Stage.APPLYING]
    while True:
        wait_until(lambda: products_are(stages))
        time.sleep(rng.uniform(0, 1))
        if products_are(stages):
            return open_order_form(agent)


def show_percentiles(what: str, values: list[float], *, bound: str = "") -> None:
    for percent in (50, 95) if values else ():
        _measure.show(
            f"{what}, p{percent}",
            f"{_measure.find_percentile(values, percent):.3f} s",
            bound=bound if percent == 95 else "",
        )


def show_rounds(what: str, rounds: list[Round], *, own_bound: str) -> None:
    show_percentiles(f"{what}: until the customers are fresh", [each.total for each in rounds])
    show_percentiles(f"{what}: time of the ERP", [each.erp for each in rounds])
    show_percentiles(f"{what}: our own time", [each.own for each in rounds], bound=own_bound)


def main() -> None:
    count = int(sys.argv[1]) if sys.argv[1:] else ROUNDS
    database = _measure.make_tables()
    agent = User.objects.create_user("agent")
    rng = Random(3)
    with _measure.run_demo_erp(f"--delay={DELAY}"):
        sync_first()
        with _measure.run_command("qcluster") as worker:
            wait_until(lambda: SyncEvent.objects.exists() and nothing_runs())
            idle = [idle_round(agent) for _ in range(count)]
            preempting = [preempting_round(agent, rng) for _ in range(count)]
            wait_until(lambda: products_are([Stage.READING]))
            told = time.perf_counter()
            worker.terminate()
            wait_until(nothing_runs)
            given_back = time.perf_counter() - told
    stepped_aside = [each.stepped_aside for each in preempting if each.stepped_aside is not None]
    processor = _measure.find_processor()
    print(f"{count} smart syncs of customers when idle, {count} while products are synced; {database}, {processor}")
    show_rounds("idle", idle, own_bound="under 1 s")
    show_rounds("preempting", preempting, own_bound="under 1.5 s")
    _measure.show("products stepped aside, and did not just end", f"{len(stepped_aside)} times")
    show_percentiles("products: until they stepped aside", stepped_aside, bound="under 0.25 s")
    _measure.show("products: until a worker told to stop had given them back", f"{given_back:.3f} s")


if __name__ == "__main__":
    main()
