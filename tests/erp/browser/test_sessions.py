"""Sessions of the ERP: one login is used for as long as the ERP takes it, whoever asks."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from playwright.sync_api import Page

from customers.sync import CustomerSync
from demo.erp.faults import Fault
from demo.erp.front_end import PlannedFault
from demo.erp.server import DEMO_PASSWORD, DEMO_USERNAME, DemoServer
from sync.erp.browser import login, process, process_tree
from sync.erp.browser.client import BrowserClient
from sync.erp.browser.messages import Credentials
from sync.exceptions import (
    ErpExportsSpent,
    ErpLoginRejected,
    ErpLoginsSpent,
    ErpSessionExpired,
    ErpUnavailable,
    RunCancelled,
    SyncError,
)
from sync.progress import Stage, ignore_progress
from tests.concurrency.processes import until

LONG = timedelta(minutes=5)


class Counted:
    """A client of the demo ERP, what was spent by it, and the steps that it took."""

    def __init__(self, open_client: Callable[..., BrowserClient], server: DemoServer, folder: Path) -> None:
        self.spent: list[str] = []
        self.steps: list[str] = []
        self.folder = folder
        self.client = open_client(
            server.url,
            DEMO_USERNAME,
            DEMO_PASSWORD,
            spend_login=lambda: self.spend("login"),
            spend_export=lambda: self.spend("export"),
            report=self.steps.append,
        )

    def spend(self, what: str) -> None:
        self.spent.append(what)

    def list_processes(self) -> list[process_tree.Process]:
        return [
            each
            for process in self.client.processes.values()
            for each in process_tree.find_tree(process.python.pid, process.sessions)
        ]

    def fetch(self, progress: Any = ignore_progress, *, at_most: timedelta = LONG) -> bytes:
        to = self.folder / "customers.pdf"
        export = self.client.fetch(CustomerSync.erp_list, to=to, at_most=at_most, progress=progress)
        assert export.seen
        assert export.seen.count
        assert to.stat().st_mode & 0o777 == 0o600
        return to.read_bytes()

    def look(self, search: str = "") -> Any:
        return self.client.look(
            CustomerSync.erp_list,
            search=search,
            failure=self.folder / "look.pdf",
            at_most=LONG,
            progress=ignore_progress,
        )


@pytest.fixture
def counted(open_client: Any, server: DemoServer, tmp_path: Path) -> Callable[[], Counted]:
    """Makes clients whose steps and logins can be read."""
    return lambda: Counted(open_client, server, tmp_path)


def test_one_login_is_for_all_fetches_and_for_the_next_process(counted: Any, server: DemoServer) -> None:
    first, second = counted(), counted()
    assert first.fetch().startswith(b"%PDF")
    assert first.fetch().startswith(b"%PDF")
    first.client.close()
    assert second.fetch().startswith(b"%PDF")
    assert first.spent == ["login", "export", "export"]
    assert second.spent == ["export"]
    assert second.steps.count("show the columns") == 0
    assert server.front_end.exports == 3


@pytest.mark.parametrize("settling", [0.7, 2.5])
def test_a_login_page_that_settles_late_costs_no_rejected_login(
    settling: float, counted: Any, server: DemoServer
) -> None:
    server.delays["settling"] = settling
    client = counted()
    assert client.fetch().startswith(b"%PDF")
    assert client.spent == ["login", "export"]
    assert [dict(day) for day in server.front_end.logins.values()] == [{"succeeded": 1}]


def test_a_login_that_is_sent_late_is_sent_once(open_page: Callable[..., Page], server: DemoServer) -> None:
    page = open_page()
    page.context.clear_cookies()
    page.goto(f"{server.url}/Login.aspx?ReturnUrl=%2fArchibald%2fDefault.aspx")
    page.evaluate("() => { const send = window.logIn; window.logIn = () => setTimeout(send, 3300); }")
    with pytest.raises(ErpLoginRejected):
        login.log_in(page, lambda: Credentials(DEMO_USERNAME, "wrong"))
    assert [dict(day) for day in server.front_end.logins.values()] == [{"succeeded": 1, "failed": 1}]


def test_looks_have_a_session_of_their_own(counted: Any, server: DemoServer) -> None:
    client = counted()
    client.fetch()
    look = client.look()
    assert look.rows
    assert client.spent == ["login", "export", "login"]
    assert len(server.front_end.sessions) == 2


def test_a_look_and_what_a_search_finds_come_from_one_visit_of_the_list(counted: Any) -> None:
    client = counted()
    assert client.look().found is None
    client.steps.clear()
    look = client.look("qqqqqq")
    assert look.rows
    assert look.found.rows == ()
    assert client.steps.count("open the list") == 1


@pytest.mark.parametrize(
    ("minutes", "session"),
    [(2, "looks"), (10, "exports"), (21, "looks")],
    ids=["in use", "idle", "expired"],
)
def test_a_look_keeps_the_session_of_exports_alive(
    counted: Any, server: DemoServer, minutes: int, session: str
) -> None:
    """Most runs only look: an export that comes half an hour later needs no login."""
    client = counted()
    client.fetch()
    client.look()
    with time_machine.travel(datetime.now(tz=UTC) + timedelta(minutes=minutes)):
        assert client.client.choose_session() == session
        if session == "exports":
            client.look()
            assert client.client.choose_session() == "looks"
    assert client.spent == ["login", "export", "login"]


def test_a_look_leaves_a_session_alone_whose_export_was_given_up(counted: Any, tmp_path: Path) -> None:
    client = counted()
    session = client.client.open_session("exports")
    with session.lock(lambda: None):
        session.exporting_since = time.time()
        session.save()
    with time_machine.travel(datetime.now(tz=UTC) + timedelta(minutes=10)):
        assert client.client.choose_session() == "looks"


def test_a_session_that_ended_is_replaced_by_one_login(counted: Any, server: DemoServer) -> None:
    client = counted()
    client.fetch()
    server.front_end.end_sessions()
    client.fetch()
    assert client.spent == ["login", "export"] * 2


def test_a_session_that_ends_in_the_midst_is_replaced_by_one_login(counted: Any, server: DemoServer) -> None:
    server.front_end.planned.append(PlannedFault(Fault.LOGIN_INSTEAD_OF_PDF, times=1))
    client = counted()
    assert client.fetch().startswith(b"%PDF")
    assert client.spent == ["login", "export"] * 2


def test_a_session_that_always_ends_is_an_error_after_two_logins(counted: Any, server: DemoServer) -> None:
    server.front_end.planned.append(PlannedFault(Fault.LOGIN_INSTEAD_OF_PDF))
    client = counted()
    with pytest.raises(ErpSessionExpired):
        client.fetch()
    assert client.spent.count("login") == 2


def test_a_refused_login_or_export_is_told_as_the_service_says_it(counted: Any, server: DemoServer) -> None:
    client = counted()

    def refuse(kind: type[SyncError]) -> Callable[[], None]:
        def refuse() -> None:
            raise kind(count=1, until="tomorrow")

        return refuse

    client.client.spend_login = refuse(ErpLoginsSpent)
    with pytest.raises(ErpLoginsSpent):
        client.fetch()
    assert not server.front_end.logins
    client.client.spend_login = lambda: None
    client.client.spend_export = refuse(ErpExportsSpent)
    with pytest.raises(ErpExportsSpent):
        client.fetch()
    assert server.front_end.exports == 0


@pytest.mark.parametrize("do_requests_race", [True, False])
def test_after_an_export_that_was_given_up_the_session_is_used_once_the_erp_answers_again(
    do_requests_race: bool, counted: Any, server: DemoServer
) -> None:
    client = counted()
    client.fetch()
    server.set_delays({"export": 10})
    if do_requests_race:
        server.front_end.plan_fault(PlannedFault(Fault.RACING_REQUESTS))

    def cancel(stage: Stage, done: int, total: int | None) -> None:
        if client.spent.count("export") == 2:
            until(lambda: server.front_end.clicks["Esportare in"] == 2)
            raise RunCancelled

    with pytest.raises(RunCancelled):
        client.fetch(cancel)
    server.set_delays({"export": 0})
    del client.steps[:]
    assert client.fetch().startswith(b"%PDF")
    assert server.front_end.overlaps
    assert ("wait until the ERP has ended an export that was given up" in client.steps) == do_requests_race
    assert client.spent.count("login") == 1


def test_files_of_a_session_are_private(counted: Any, tmp_path: Path) -> None:
    counted().fetch()
    folder = tmp_path / "erp-sessions"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == {
        "exports.json": 0o600,
        "exports.lock": 0o600,
    }
    assert len(json.loads((folder / "exports.json").read_text())["cookies"]) == 4


def test_the_session_of_another_user_is_not_used(counted: Any, tmp_path: Path, server: DemoServer) -> None:
    counted().fetch()
    file = tmp_path / "erp-sessions" / "exports.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"owner": "another"}))
    client = counted()
    client.fetch()
    assert client.spent == ["login", "export"]


def test_a_damaged_session_file_costs_a_login_and_is_said(
    counted: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "erp-sessions").mkdir()
    (tmp_path / "erp-sessions" / "exports.json").write_text("{")
    client = counted()
    client.fetch()
    assert client.spent == ["login", "export"]
    assert "is not readable" in caplog.text


def test_a_worn_browser_is_replaced_and_keeps_the_session(
    counted: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(process, "MOST_EXPORTS", 1)
    client = counted()
    client.fetch()
    assert not client.client.processes
    client.fetch()
    assert client.spent == ["login", "export", "export"]


@pytest.mark.parametrize("limit", ["LIFETIME", "MOST_MEMORY"])
def test_a_browser_that_is_old_or_large_is_replaced(limit: str, counted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, limit, 0)
    client = counted()
    client.fetch()
    assert not client.client.processes


def test_a_browser_that_takes_too_much_memory_in_the_midst_of_an_export_is_named_and_replaced(
    counted: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    client = counted()
    with monkeypatch.context() as patch:
        patch.setattr("sync.erp.browser.client.BETWEEN_MEASUREMENTS", 0)
        client.client.spend_export = lambda: patch.setattr("sync.erp.browser.client.MOST_MEMORY", 0)
        with pytest.raises(ErpUnavailable, match="takes more than 0 MB of memory"):
            client.fetch()
    assert "export the list" in client.steps
    assert not client.client.processes
    assert not (tmp_path / "customers.pdf").exists()
    client.fetch()
    assert client.spent == ["login"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_disk_that_gets_full_in_the_midst_of_an_export_leaves_nothing(counted: Any, tmp_path: Path) -> None:
    client = counted()
    client.folder = tmp_path / "small"
    client.folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "test", client.folder], check=True)
    try:
        with pytest.raises(OSError, match="No space left on device"):
            client.fetch()
        assert not (client.folder / "customers.pdf").exists()
    finally:
        subprocess.run(["umount", client.folder], check=True)
    assert len(client.fetch()) > 16 * 1024
    assert client.spent.count("login") == 1


def test_a_browser_that_ended_in_between_is_replaced_without_an_error(counted: Any) -> None:
    client = counted()
    client.fetch()
    os.kill(next(each.pid for each in client.list_processes() if each.name.startswith("chrom")), signal.SIGKILL)
    client.fetch()
    os.kill(client.client.processes["exports"].python.pid, signal.SIGKILL)
    client.fetch()
    assert client.spent == ["login", "export", "export", "export"]


def test_the_password_is_nowhere_but_in_the_login(
    counted: Any, caplog: pytest.LogCaptureFixture, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    client = counted()
    places: list[str] = []

    def read_processes(stage: Stage, done: int, total: int | None) -> None:
        for each in client.list_processes():
            for name in ("cmdline", "environ"):
                with suppress(ProcessLookupError, FileNotFoundError):  # it ended meanwhile
                    places.append(Path(f"/proc/{each.pid}/{name}").read_text(errors="replace"))
        places.extend(path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file())

    client.fetch(read_processes)
    assert len(places) > 10
    output = capfd.readouterr()
    for text in (*places, *client.steps, caplog.text, output.out, output.err):
        assert DEMO_PASSWORD not in text
