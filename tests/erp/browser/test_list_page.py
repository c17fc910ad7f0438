"""The steps on a list's page, in a real Chromium against the demo ERP."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from demo.erp.faults import Fault
from demo.erp.front_end import PlannedFault
from demo.erp.server import DemoServer
from sync.erp.browser.list_page import ListPage
from tests.erp.conftest import ERP_LISTS

LARGEST = 100_000_000  # bytes
OpenList = Callable[..., ListPage]


def download(page: ListPage, to: Path, **options: Any) -> list[tuple[int, int | None]]:
    """Export a list; how far it was at each step."""
    steps: list[tuple[int, int | None]] = []
    given: dict[str, Any] = {
        "largest": LARGEST,
        "seconds": 60.0,
        "progress": lambda done, total: steps.append((done, total)),
        "may_export": lambda: None,
    }
    page.download_export(to, **(given | options))
    return steps


def fetch(page: ListPage, to: Path) -> None:
    """All steps of an export, in their order."""
    page.choose_safe_filter()
    page.clear_grid_filter()
    page.show_columns()
    download(page, to)


def is_pdf(path: Path) -> bool:
    with pikepdf.open(path) as pdf:
        return len(pdf.pages) > 0


def plan(server: DemoServer, fault: Fault, times: int | None = None) -> None:
    server.front_end.plan_fault(PlannedFault(fault, times=times))


# The lists


@pytest.mark.parametrize("sync_type", ERP_LISTS)
def test_each_list_is_exported_as_the_erp_has_it(
    sync_type: str, open_list: OpenList, server: DemoServer, tmp_path: Path
) -> None:
    plan(server, Fault.REMEMBERED_FILTER)
    plan(server, Fault.KEPT_GRID_FILTER)
    fetch(open_list(sync_type), tmp_path / "export.pdf")
    server.erp.write_export(ERP_LISTS[sync_type].name, tmp_path / "expected.pdf")
    assert (tmp_path / "export.pdf").read_bytes() == (tmp_path / "expected.pdf").read_bytes()


def test_the_steps_are_reported(open_list: OpenList, reports: list[str], tmp_path: Path) -> None:
    page = open_list("customers")
    fetch(page, tmp_path / "export.pdf")
    assert reports == ["open the list", "choose the filter", "clear the grid's filter", "export the list"]
