"""The layers of the tests, the fastest first. A test's fixtures and its folder say to which it belongs.

    unit         calls code, and needs neither database nor network
    integration  uses the database, a server in this process, or the ERP's own exports
    process      starts processes: it uses the fixture `real_processes`, by itself or through another fixture
    browser      looks at pages in a real browser: it stands in tests/e2e, or uses the fixture `browser`

A layer is a marker: `pytest -m unit`. What uses the database is marked `database` too, and a file that goes over all
lists is marked `lists`, by the names through which it does.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest
from django.db import connection

E2E = Path(__file__).parent / "e2e"
LAYERS = ("unit", "integration", "process", "browser")
OVER_ALL_LISTS = re.compile(r"\b(SYNC_TYPES|TYPES|DEMO_TYPES|LISTS|MODELS|APPS|REAL_SIZES|HAPPENINGS|list_services)\b")


def pytest_configure(config: pytest.Config) -> None:
    for layer in LAYERS:
        config.addinivalue_line("markers", f"{layer}: set by tests/layers.py")
    config.addinivalue_line("markers", "database: set by tests/layers.py: uses the database")
    config.addinivalue_line("markers", "lists: set by tests/layers.py: stands in a file that goes over all lists")


@cache
def goes_over_all_lists(path: Path) -> bool:
    return bool(OVER_ALL_LISTS.search(path.read_text()))


def pytest_itemcollected(item: pytest.Item) -> None:
    fixtures = set(getattr(item, "fixturenames", ()))
    uses_database = item.get_closest_marker("django_db") or {"db", "transactional_db"} & fixtures
    if item.path.parent == E2E or "browser" in fixtures:
        layer = "browser"
    elif "real_processes" in fixtures:
        layer = "process"
    elif uses_database or {"network", "erp_exports"} & fixtures:
        layer = "integration"
    else:
        layer = "unit"
    item.add_marker(layer)
    if uses_database:
        item.add_marker("database")
    if goes_over_all_lists(item.path):
        item.add_marker("lists")


# After pytest-django's, whose order within a layer stays: what shares a transaction comes first.
@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out on SQLite what only PostgreSQL can do; the fastest layer comes first."""
    if connection.vendor == "sqlite":
        left_out = [item for item in items if item.get_closest_marker("postgresql")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    items.sort(key=lambda item: next(place for place, layer in enumerate(LAYERS) if item.get_closest_marker(layer)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say of each layer how many tests it has, and how long they took one after the other, set-up included."""
    counts: dict[str, int] = defaultdict(int)
    seconds: dict[str, float] = defaultdict(float)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                layer = next(layer for layer in LAYERS if layer in report.keywords)
                seconds[layer] += report.duration
                counts[layer] += report.when == "call" or (report.when == "setup" and not report.passed)
    for layer in LAYERS:
        if counts[layer]:
            terminalreporter.write_line(f"{layer:<12}{counts[layer]:>6,} tests {seconds[layer]:>6.0f} s")
