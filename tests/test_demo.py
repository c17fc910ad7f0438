"""`manage.py demo`, as a person starts it: one for all tests, which kill its parts and stop it in the end."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPResponse
from pathlib import Path
from threading import Thread
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest
from django.conf import settings

from tests.api_server import free_port

PATIENCE = 120  # seconds, on a busy machine

pytestmark = pytest.mark.xdist_group("demo")  # one worker starts it, and stops it


class Demo:
    """A demo in a process of its own, and what it has printed."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.port, self.erp_port = free_port(), free_port()
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "demo", f"--port={self.port}", f"--erp-port={self.erp_port}"],
            cwd=settings.BASE_DIR,
            env=os.environ | {"DATA_DIR": str(data_dir), "SYNC_LEASE_SECONDS": "5"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.listener = Thread(target=self.listen, daemon=True)
        self.listener.start()

    def listen(self) -> None:
        assert self.process.stdout
        with self.process.stdout as output:
            for line in output:
                self.lines.append(line.rstrip())

    def syncs(self) -> list[str]:
        """The lists whose syncs have succeeded, as it has told."""
        found = (re.match(r"\d\d:\d\d:\d\d  (\w+) +[\d,]+ records read: ", line) for line in self.lines)
        return [match[1] for match in found if match]

    def says(self, text: str, *, after: int = 0) -> bool:
        return any(text in line for line in self.lines[after:])

    def processes(self) -> list[int]:
        """All that live with this demo's data."""
        mark = f"DATA_DIR={self.data_dir}"
        pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
        return [pid for pid in pids if mark in about(pid, "environ")]

    def main_process(self, command: str) -> int:
        """Of the worker, the web server or the demo ERP: the one that the demo itself has started."""
        [pid] = [
            pid for pid in self.processes() if command in about(pid, "cmdline") and parent(pid) == self.process.pid
        ]
        return pid

    def page(self, port: int) -> str:
        try:
            with urlopen(f"http://127.0.0.1:{port}/", timeout=10) as page:
                return str(page.read().decode())
        except (URLError, OSError):
            return ""

    def ask(self, path: str, body: bytes | None = None) -> HTTPResponse:
        """The answer of the API to its user: to a POST, if there is a body."""
        api = f"http://127.0.0.1:{self.port}/api"
        headers = {"Content-Type": "application/json"}
        user = b'{"username": "demo", "password": "demo"}'
        with urlopen(Request(f"{api}/token", user, headers), timeout=PATIENCE) as answer:
            headers["Authorization"] = f"Bearer {json.load(answer)['access']}"
        answered: HTTPResponse = urlopen(Request(f"{api}{path}", body, headers), timeout=PATIENCE)
        return answered


def about(pid: int, what: str) -> str:
    try:
        return Path(f"/proc/{pid}/{what}").read_text(errors="replace")
    except OSError:  # it has just ended, or is somebody else's
        return ""


def parent(pid: int) -> int | None:
    """Of a process that is still there."""
    stat = about(pid, "stat").rpartition(")")[2].split()
    return int(stat[1]) if stat else None


def family(pid: int, demo: Demo) -> set[int]:
    """A process, and all that it has started."""
    return {pid}.union(*(family(child, demo) for child in demo.processes() if parent(child) == pid))


def wait_until(condition, what: str, demo: Demo) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "\n".join([f"Not in time: {what}.", *demo.lines])
        time.sleep(0.1)


@pytest.fixture(scope="module")
def demo(tmp_path_factory, real_processes) -> Iterator[Demo]:
    demo = Demo(tmp_path_factory.mktemp("demo"))
    try:
        wait_until(lambda: demo.says("Stop with Ctrl-C"), "the welcome", demo)
        yield demo
    finally:
        demo.process.terminate()
        try:
            demo.process.wait(timeout=PATIENCE)
        finally:
            for pid in demo.processes():
                os.kill(pid, signal.SIGKILL)
            demo.listener.join(PATIENCE)


def test_the_sign_in_page_answers_when_the_welcome_is_printed(demo):
    assert "csrfmiddlewaretoken" in demo.page(demo.port)
    assert "Archibald" in demo.page(demo.erp_port)


def test_several_lists_are_synced_by_themselves(demo):
    wait_until(lambda: len(set(demo.syncs())) >= 3, "three lists", demo)


def test_a_killed_web_server_is_started_again(demo):
    killed = demo.main_process("serve")
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: demo.says("The web server has died (SIGKILL)"), "what happened", demo)
    wait_until(lambda: "csrfmiddlewaretoken" in demo.page(demo.port), "the page", demo)
    assert demo.main_process("serve") != killed


def test_a_killed_demo_erp_is_started_again(demo):
    os.kill(demo.main_process("demo_erp"), signal.SIGKILL)
    wait_until(lambda: demo.says("The demo ERP has died (SIGKILL)"), "what happened", demo)
    wait_until(lambda: "Archibald" in demo.page(demo.erp_port), "the page", demo)


def test_a_killed_worker_is_started_again_and_leaves_no_process_behind(demo):
    killed = demo.main_process("qcluster")
    wait_until(lambda: len(family(killed, demo)) == 5, "all processes of the worker", demo)
    left = family(killed, demo)
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: demo.says("The worker has died (SIGKILL)"), "what happened", demo)
    said, synced = len(demo.lines), len(demo.syncs())
    demo.ask("/sync/orders", b"{}").close()  # which is due in a while only
    wait_until(lambda: left.isdisjoint(demo.processes()), "the end of what was left", demo)
    wait_until(lambda: len(demo.syncs()) > synced, "a sync by the new worker", demo)
    assert not demo.says("has died", after=said)


def test_a_port_in_use_is_named(demo):
    command = [sys.executable, "manage.py", "demo", f"--port={demo.port}", f"--erp-port={free_port()}"]
    second = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=PATIENCE)
    assert second.returncode == 1
    assert f"Port {demo.port} is in use" in second.stderr
    assert "--port" in second.stderr


def test_ctrl_c_stops_everything_though_somebody_listens_to_events(demo):
    assert len(demo.processes()) > 4
    with demo.ask("/sync/events") as stream:
        assert stream.readline() == b"retry: 2000\n"
        demo.process.send_signal(signal.SIGINT)
        assert demo.process.wait(timeout=PATIENCE) == 0
        stream.read()  # to its clean end: a server that is killed leaves it without one
    demo.listener.join(PATIENCE)
    assert demo.says("The demo has stopped. Its data is kept")
    assert demo.processes() == []
    assert not demo.says("Traceback")
