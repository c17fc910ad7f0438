"""A smart sync in a real browser, by a look at the ERP's list, beside the same list by its export.

The demo ERP, which takes its time as the real one does (a page 0.6 to 1.2 s, an export 5 to 60 s), and a worker
(`manage.py qcluster`) run in processes of their own; this process opens the order forms, as a web server's would. Each
round a customer is new in the ERP, and is found. On DATABASE_URL or else SQLite; an argument says how many rounds.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import _measure

_measure.use_scratch(
    ERP_CLIENT="browser",
    ERP_HOURS="always",
    ERP_LOGINS_A_DAY="1000",
    ERP_EXPORTS_A_DAY="1000",
)

import django

django.setup()

import requests
from django.conf import settings
from django.contrib.auth.models import User

from sync.coordinator import queue, schedules, sessions
from sync.erp.browser import process_tree
from sync.erp.browser.process import find_chromium
from sync.exceptions import ErpBrowserMissing
from sync.models import SyncRun

ROUNDS = _measure.scale(50)
COLD_ROUNDS, EXPORTS = _measure.scale(10), _measure.scale(10)
GIVEN_UP_AFTER = timedelta(minutes=3)
SHORT_EXPORTS = [3, 6]  # seconds; of those that are given up, as the next one waits until the ERP has ended them


def ask_demo(method: str, path: str, **body: Any) -> Any:
    answer = requests.request(method, f"{settings.ERP_URL}/demo/{path}", json=body or None, timeout=10)
    answer.raise_for_status()
    return answer.json()


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + GIVEN_UP_AFTER.total_seconds()
    while not holds():
        assert time.monotonic() < deadline, "Waited in vain"
        time.sleep(0.02)


def nothing_runs() -> bool:
    return not SyncRun.objects.running().exists()


def sync_by_export() -> float:
    """A whole sync of the customers, as if there were no looks; seconds from its request to its end."""
    ask_demo("POST", "life/new-customer")
    run = queue.request_sync("customers", mode="full", trigger=SyncRun.Trigger.MANUAL)
    wait_until(lambda: SyncRun.objects.get(pk=run.pk).is_finished)
    run.refresh_from_db()
    assert run.status == SyncRun.Status.SUCCEEDED, run.error_text
    assert run.finished_at
    return (run.finished_at - run.requested_at).total_seconds()


def open_order_form(agent: User) -> float:
    """A customer is new in the ERP; the agent waits until it is here, and leaves. Seconds that this took."""
    ask_demo("POST", "life/new-customer")
    asked = time.perf_counter()
    smart = sessions.request_smart_sync("customers", user=agent, patience=GIVEN_UP_AFTER)
    seconds = time.perf_counter() - asked
    run = smart.run
    assert run.status == SyncRun.Status.SUCCEEDED, f"{run.status} {run.error_text}"
    assert run.read_from == SyncRun.Source.LOOK, f"by {run.read_from}: {run.notes}"
    assert run.created == 1, f"{run.created} new customers instead of one"
    # As if it had been long ago: the next order form would join it.
    SyncRun.objects.filter(pk=run.pk).update(requested_at=run.requested_at - timedelta(hours=1))
    sessions.close_session(smart.session)
    return seconds


def open_order_form_while_idle(agent: User) -> float:
    wait_until(nothing_runs)
    return open_order_form(agent)


def open_order_form_without_a_browser(agent: User, worker: subprocess.Popen[str]) -> float:
    """The worker's browser has ended since the last look."""
    wait_until(nothing_runs)
    for each in process_tree.find_tree(worker.pid):
        if each.name.startswith("chrom"):
            with suppress(ProcessLookupError):
                os.kill(each.pid, signal.SIGKILL)
    return open_order_form(agent)


def open_order_form_during_an_export(agent: User) -> float:
    """The ERP generates an export of products, which steps aside."""
    before = sum(ask_demo("GET", "state")["clicks"].values())
    if not SyncRun.objects.for_type("products").filter(status__in=["queued", "running"]).exists():
        queue.request_sync("products", mode="full", trigger=SyncRun.Trigger.SCHEDULE)
    wait_until(lambda: sum(ask_demo("GET", "state")["clicks"].values()) > before)
    return open_order_form(agent)


def show_percentiles(what: str, values: list[float], *, bound: str = "") -> None:
    for percent in (50, 95):
        _measure.show(
            f"{what}, p{percent}",
            f"{_measure.find_percentile(values, percent):.2f} s",
            bound=bound if percent == 95 else "",
        )


def main() -> None:
    try:
        find_chromium("")
    except ErpBrowserMissing as missing:
        print(f"Nothing is measured: {missing}")
        return
    count = int(sys.argv[1]) if sys.argv[1:] else ROUNDS
    database = _measure.make_tables()
    agent = User.objects.create_user("agent")
    for sync_type in settings.SYNC_TYPES:
        schedules.change_schedule(sync_type, enabled=False)
    print(f"{count} smart syncs of customers in a browser; {database}, {_measure.find_processor()}")
    with _measure.run_demo_erp("--realistic", "--delay=0"), _measure.run_command("qcluster") as worker:
        ask_demo("DELETE", "faults/remembered-filter")  # no person shares the service's login
        sync_by_export()
        open_order_form(agent)  # whose session of the ERP is a new one
        idle = [open_order_form_while_idle(agent) for _ in range(count)]
        show_percentiles("by a look, idle", idle, bound="3 to 5 s")
        cold = [open_order_form_without_a_browser(agent, worker) for _ in range(COLD_ROUNDS)]
        show_percentiles(f"by a look, {COLD_ROUNDS} times with a browser to start", cold)
        ask_demo("POST", "delays", export=SHORT_EXPORTS)
        preempting = [open_order_form_during_an_export(agent) for _ in range(count)]
        show_percentiles("by a look, while the ERP generates an export", preempting, bound="3 to 5 s")
        for run in SyncRun.objects.for_type("products").filter(status__in=["queued", "running"]):
            run.cancel()
        wait_until(nothing_runs)
        ask_demo("POST", "delays", export=[5, 60])
        exports = [sync_by_export() for _ in range(EXPORTS)]
        show_percentiles(f"by an export, {EXPORTS} times", exports)
    ratio = _measure.find_percentile(exports, 50) / _measure.find_percentile(idle, 50)
    _measure.show("the export takes as many looks", f"{ratio:.1f}")


if __name__ == "__main__":
    main()
