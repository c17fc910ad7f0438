"""Exports in a row by one browser: memory, processes and logins stay as they are. EXPORTS says how many."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from demo.erp.erp import DemoErp
from demo.erp.server import DEMO_PASSWORD, DEMO_USERNAME, DemoServer
from sync.erp.browser import process, process_tree
from sync.erp.browser.client import BrowserClient
from sync.progress import ignore_progress
from sync.service import get_service
from tests.demo_erp import SCALE, CachedDemoErp
from tests.erp.conftest import LONGEST, TODAY

EXPORTS = int(os.environ.get("EXPORTS", "10"))
WARMING_UP = 4  # exports after which a browser has loaded what it needs
MOST_GROWTH = 100 * 1024**2  # bytes; a browser's memory goes up and down by some tens of MB


@pytest.fixture
def erp() -> DemoErp:
    return CachedDemoErp(scale=SCALE, today=TODAY)


def test_exports_in_a_row_cost_one_login_and_neither_memory_nor_processes(
    open_client: Callable[..., BrowserClient],
    server: DemoServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(process, "MOST_EXPORTS", 2 * EXPORTS)  # the same browser all along
    logins: list[int] = []
    client = open_client(server.url, DEMO_USERNAME, DEMO_PASSWORD, spend_login=lambda: logins.append(1))
    erp_list = get_service("customers").erp_list
    memory, processes, pids = [], [], set()
    for number in range(EXPORTS):
        client.fetch(erp_list, to=tmp_path / f"{number}.pdf", at_most=LONGEST, progress=ignore_progress)
        (tmp_path / f"{number}.pdf").unlink()
        browser = client.processes["exports"]
        memory.append(browser.memory)
        processes.append(len(process_tree.find_tree(browser.python.pid, browser.sessions)))
        pids.add(browser.python.pid)
    print(f"{EXPORTS} exports: MB {[each // 1024**2 for each in memory]}, processes {processes}")
    assert (len(pids), len(logins), server.front_end.exports) == (1, 1, EXPORTS)
    assert max(processes[WARMING_UP:]) <= max(processes[:WARMING_UP])
    assert min(memory[-WARMING_UP:]) < max(memory[:WARMING_UP]) + MOST_GROWTH
