"""`manage.py checkerp` as its own process, with a real browser: what it says, keeps, and leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from django.conf import settings

from demo.erp.erp import DemoErp
from demo.erp.faults import Fault
from demo.erp.front_end import PlannedFault
from demo.erp.server import DEMO_USERNAME, DemoServer
from sync.erp.browser import process_tree
from tests.concurrency.processes import until
from tests.demo_erp import CachedDemoErp
from tests.erp.conftest import TODAY

PASSWORD = "segreto-dell-erp-7"


@pytest.fixture
def erp() -> DemoErp:
    return CachedDemoErp(scale=0.03, today=TODAY)


@pytest.fixture
def server(erp: DemoErp, network: None) -> Iterator[DemoServer]:
    with DemoServer(erp, password=PASSWORD) as server:
        yield server


class Machine:
    """An installation of its own, whose password stands in a file."""

    def __init__(self, folder: Path, temporary: Path, url: str) -> None:
        self.folder = folder
        self.temporary = temporary
        self.data_dir = folder / "data"
        password_file = folder / "password"
        password_file.touch(0o600)
        password_file.write_text(f"{PASSWORD}\n")
        self.environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(settings.BASE_DIR),
            "ENV_FILE": os.devnull,
            "DATA_DIR": str(self.data_dir),
            "TMPDIR": str(temporary),
            "LOG_LEVEL": "DEBUG",
            "ERP_URL": url,
            "ERP_USERNAME": DEMO_USERNAME,
            "ERP_PASSWORD_FILE": str(password_file),
            "ERP_HOURS": "always",
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def manage(self, *arguments: str) -> tuple[int, str, str]:
        process = self.start(*arguments)
        output, errors = process.communicate(timeout=300)
        return process.returncode, output, errors

    def find_password(self) -> list[str]:
        """The files that hold it, but for its own."""
        paths = (*self.folder.rglob("*"), *self.temporary.rglob("*"))
        files = [path for path in paths if path.is_file() and path.name != "password"]
        return [str(path) for path in files if PASSWORD.encode() in path.read_bytes()]


@pytest.fixture
def machine(tmp_path: Path, server: DemoServer, real_processes: None) -> Iterator[Machine]:
    with TemporaryDirectory(prefix="t") as temporary:  # with a short path: Chromium has a socket in it
        machine = Machine(tmp_path, Path(temporary), server.url)
        assert machine.manage("migrate")[0] == 0
        yield machine


def test_lists_are_checked_with_one_login_and_the_next_check_needs_none(machine: Machine) -> None:
    status, output, errors = machine.manage("checkerp", "--list", "customers", "--list", "products")
    assert (status, "failed" in output) == (0, False), output + errors
    assert "Traceback" not in errors
    assert output.count(" log in ") == 1
    assert output.count("equal to the export's") == 2
    assert "products   show the columns         ok" in output
    assert "1 login; lists exported without one: 1" in output
    status, output, errors = machine.manage("checkerp", "--list", "customers")
    assert (status, " log in " in output) == (0, False), output + errors
    assert "no login was needed; lists exported without one: 1" in output
    assert machine.find_password() == []
    assert [*machine.temporary.iterdir()] == []


def test_a_step_that_fails_is_named_with_what_was_seen_and_the_report_shows_no_data(
    machine: Machine, server: DemoServer, erp: DemoErp, tmp_path: Path
) -> None:
    server.front_end.plan_fault(PlannedFault(Fault.MISSING_EXPORT, "customers"))
    report = tmp_path / "report.txt"
    status, output, _errors = machine.manage("checkerp", "--list", "customers", "--report", str(report))
    assert status == 1
    assert "customers  export the list          failed" in output
    kept = [machine.data_dir / "checkerp" / name for name in ("customers.png", "customers.html")]
    assert all(f"kept: {path}" in output and path.stat().st_mode & 0o777 == 0o600 for path in kept)
    text = report.read_text()
    assert "items found: " in text
    assert "td “PARTITA IVA:”" in text
    assert "“Selezione colonne”" in text, "what the menu of a header offers"
    values = {value for record in erp.find_records("customers") for value in map(str, asdict(record).values())}
    long_ones = {value for value in values if len(value) >= 5}
    page = kept[1].read_text()
    assert len([value for value in long_ones if value in page]) > 20, "the page that was kept shows records"
    assert {value for value in long_ones if value in text} == set()
    assert machine.find_password() == []


def test_ctrl_c_in_the_midst_of_an_export_leaves_no_process_and_no_file_and_the_password_is_nowhere(
    machine: Machine, server: DemoServer
) -> None:
    server.front_end.plan_fault(PlannedFault(Fault.ENDLESS_EXPORT))
    process = machine.start("checkerp", "--list", "customers")
    until(lambda: server.front_end.clicks or process.poll() is not None)
    tree = process_tree.find_tree(process.pid)
    assert len(tree) > 3
    seen = [read_all(each.pid) for each in tree]
    assert not [names for names, content in seen if PASSWORD.encode() in content]
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 1, output + errors
    assert "Stopped. Nothing was left behind." in errors
    assert PASSWORD not in output + errors
    alive = {each.pid for each in process_tree.list_processes()}
    assert alive.isdisjoint(each.pid for each in tree)
    assert [*machine.temporary.iterdir()] == []
    assert not (machine.data_dir / "checkerp").exists()
    assert machine.find_password() == []


def read_all(pid: int) -> tuple[str, Any]:
    """A process's command line, and with it its environment."""
    folder = Path(f"/proc/{pid}")
    arguments = (folder / "cmdline").read_bytes()
    return arguments.decode(errors="replace"), arguments + (folder / "environ").read_bytes()
