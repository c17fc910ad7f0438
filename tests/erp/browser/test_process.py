"""The browser's process: whatever happens to it, it ends, and what happened is told."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from sync.erp.browser import process_tree
from sync.erp.browser.client import BrowserClient
from sync.erp.browser.process import BrowserProcess
from sync.erp.client import ErpList
from sync.exceptions import ErpLeadsElsewhere, ErpLoginRejected, ErpUnavailable, RunCancelled
from sync.progress import Stage, ignore_progress
from tests.concurrency.processes import Child, until
from tests.erp.hostile_erp import Answer, HostileErp, head, page, redirect

ERP_LIST = ErpList("list", ("List.pdf",), "ID")
USERNAME, PASSWORD = "rossi", "segreto-42"
LONG = timedelta(minutes=5)
HANGS = head("Content-Type: text/html", "Content-Length: 1000")
LOGIN_FORM = (
    '<input type="hidden" name="__VIEWSTATE" value="state of the server"><a href="/">Blog</a>'
    '<input type="text" name="x$UserName"><input type="password" name="x$Password">'
    """<a id="Logon_DXI0_T" onclick="document.forms[0].method='post';document.forms[0].submit()">Log In</a>"""
)


def show_login(erp: HostileErp) -> Answer:
    return page(LOGIN_FORM, action="/erp/Login.aspx")


@pytest.fixture
def serve() -> Iterator[Callable[..., HostileErp]]:
    """Starts an ERP that answers as it is told to."""
    started: list[HostileErp] = []

    def serve(**hostile: Callable[[HostileErp], Answer]) -> HostileErp:
        erp = HostileErp(**hostile)
        started.append(erp)
        Thread(target=erp.serve_forever, args=(0.02,), daemon=True).start()
        return erp

    yield serve
    for erp in started:
        erp.shutdown()
        erp.server_close()
        erp.elsewhere.server_close()


def hang(erp: HostileErp) -> Answer:
    yield HANGS
    erp_is_over.wait()


erp_is_over = Event()


@pytest.fixture
def hanging(serve: Callable[..., HostileErp], open_client: Callable[..., BrowserClient]) -> BrowserClient:
    """The client of an ERP whose list never comes."""
    return open_client(serve(start=hang).url, USERNAME, PASSWORD)


class Once:
    """A progress that does something once the ERP was asked."""

    def __init__(self, client: BrowserClient, do: Callable[[], None]) -> None:
        self.steps: list[str] = []
        client.report = self.steps.append
        self.do = do
        self.is_done = False

    def __call__(self, stage: Stage, done: int, total: int | None) -> None:
        if self.steps and not self.is_done:
            self.is_done = True
            self.do()


def fetch(client: BrowserClient, progress: Any = ignore_progress, *, to: Path, at_most: timedelta = LONG) -> Any:
    return client.fetch(ERP_LIST, to=to, at_most=at_most, progress=progress)


def tree_of(client: BrowserClient) -> list[process_tree.Process]:
    process = get_process(client)
    return process_tree.find_tree(process.python.pid, process.sessions)


def get_process(client: BrowserClient) -> BrowserProcess:
    return client.processes["exports"]


def running(processes: list[process_tree.Process]) -> list[process_tree.Process]:
    still = {each.pid: each for each in process_tree.list_processes()}
    return [each for each in processes if each.pid in still and still[each.pid].session == each.session]


def test_a_cancelled_fetch_leaves_no_process(hanging: BrowserClient, tmp_path: Path) -> None:
    seen: list[process_tree.Process] = []
    folders: list[str] = []

    def cancel() -> None:
        seen.extend(tree_of(hanging))
        folders.append(get_process(hanging).folder)
        raise RunCancelled

    with pytest.raises(RunCancelled):
        fetch(hanging, Once(hanging, cancel), to=tmp_path / "x.pdf")
    assert len(seen) > 4
    assert not running(seen)
    assert not Path(folders[0]).exists()
    assert not (tmp_path / "x.pdf").exists()


@pytest.mark.parametrize("which", ["python", "node", "chromium"])
def test_a_killed_process_is_a_named_error_and_leaves_none(which: str, hanging: BrowserClient, tmp_path: Path) -> None:
    seen: list[process_tree.Process] = []

    def kill() -> None:
        seen.extend(tree_of(hanging))
        os.kill(find_process(hanging, which), signal.SIGKILL)

    with pytest.raises(ErpUnavailable, match="the browser ended"):
        fetch(hanging, Once(hanging, kill), to=tmp_path / "x.pdf")
    until(lambda: not running(seen))


def find_process(client: BrowserClient, which: str) -> int:
    python = get_process(client).python.pid
    if which == "python":
        return python
    tree = tree_of(client)
    [node] = [each for each in tree if each.parent == python]
    if which == "node":
        return node.pid
    browsers = {each.pid: each for each in tree if "chrom" in Path(f"/proc/{each.pid}/exe").readlink().name}
    [chromium] = [each for each in browsers.values() if each.parent not in browsers]  # without a script that starts it
    return chromium.pid


def test_a_stuck_process_is_ended_when_time_is_over(hanging: BrowserClient, tmp_path: Path) -> None:
    seen: list[process_tree.Process] = []

    def stop() -> None:
        seen.extend(tree_of(hanging))
        os.kill(get_process(hanging).python.pid, signal.SIGSTOP)

    with pytest.raises(ErpUnavailable, match="step"):
        fetch(hanging, Once(hanging, stop), to=tmp_path / "x.pdf", at_most=timedelta(seconds=5))
    assert not running(seen)


def test_the_browser_ends_with_the_service(hanging: BrowserClient, tmp_path: Path) -> None:
    service = Child(lambda: fetch(hanging, to=tmp_path / "x.pdf"))
    until(lambda: any(each.name.startswith("chrom") for each in process_tree.find_tree(service.pid)))
    tree = process_tree.find_tree(service.pid)
    service.kill()
    until(lambda: not running(tree))


def test_a_rejected_password_is_one_attempt(serve: Any, open_client: Any, tmp_path: Path) -> None:
    erp = serve(start=show_login, login=show_login)
    logins: list[int] = []
    client = open_client(erp.url, USERNAME, PASSWORD, spend_login=lambda: logins.append(1))
    with pytest.raises(ErpLoginRejected):
        fetch(client, to=tmp_path / "x.pdf")
    assert logins == [1]
    assert erp.asked.count("login") == 1
    kept = (tmp_path / "x.html").read_text()
    assert "Log In" in kept
    assert "state of the server" not in kept
    assert PASSWORD not in kept
    for name in ("x.html", "x.png"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600


def test_nothing_is_sent_elsewhere(serve: Any, open_client: Any, tmp_path: Path) -> None:
    erp = serve(start=lambda erp: redirect(f"http://{erp.elsewhere.address}/erp/list/"))
    Thread(target=erp.elsewhere.serve_forever, args=(0.02,), daemon=True).start()
    with pytest.raises(ErpLeadsElsewhere) as caught:
        fetch(open_client(erp.url, USERNAME, PASSWORD), to=tmp_path / "x.pdf")
    erp.elsewhere.shutdown()
    assert caught.value.facts["address"] == f"http://{erp.elsewhere.address}"
    assert erp.elsewhere.connections == 0
