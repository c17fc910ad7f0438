"""The control room as an administrator uses it. Texts are English."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Locator, Page

from demo.erp.faults import Fault
from demo.erp.front_end import PlannedFault
from sync.admin.control_room.views import RESTING_EVERY
from sync.coordinator.queue import request_sync
from sync.coordinator.wake_ups import enqueue
from sync.models import SyncRun
from tests.concurrency.processes import until
from tests.demo_erp import Erp
from tests.e2e.browsers import PATIENCE
from tests.site import Site

assert PATIENCE < RESTING_EVERY * 1000  # what a test sees in the page came by an event: nothing else is so quick


class Room:
    """The admin's front page."""

    def __init__(self, page: Page, site: Site) -> None:
        self.page = page
        self.site = site
        self.verdict = page.locator("#verdict h1")
        self.problems = page.locator("#verdict li")
        self.current = page.locator("#current")

    def open(self) -> Room:
        self.page.goto(f"{self.site.url}/admin/")
        self.page.evaluate("window.isTheSamePage = true")
        return self

    def card(self, name: str) -> Locator:
        return self.page.get_by_role("listitem").filter(has=self.page.get_by_role("heading", name=name, exact=True))

    def panel(self, name: str) -> Locator:
        return self.page.locator(f"#panel-{name}")

    def run_now(self, name: str, mode: str = "automatic") -> None:
        self.page.get_by_label(f"Mode for {name}").select_option(label=mode)
        self.page.get_by_role("button", name=f"Run {name} now").click()

    def expect_not_reloaded(self) -> None:
        assert self.page.evaluate("window.isTheSamePage === true")


def strike(erp: Erp, fault: Fault, sync_type: str, times: int = 1) -> None:
    erp.front_end.plan_fault(PlannedFault(fault, sync_type, times=times))


def last_run(**fields: Any) -> SyncRun:
    return SyncRun.objects.filter(**fields).latest("pk")


def quarantined_prices(erp: Erp) -> SyncRun:
    """A run whose export lacks so many prices that somebody has to look."""
    strike(erp, Fault.SILENT_FILTER, "prices")
    request_sync("prices", mode="full", trigger=SyncRun.Trigger.SCHEDULE)
    enqueue()
    until(lambda: SyncRun.objects.filter(status=SyncRun.Status.QUARANTINED).exists())
    return last_run(status=SyncRun.Status.QUARANTINED)
