"""The browser's process: whatever happens to it, it ends, and what happened is told."""

from __future__ import annotations

import os
import signal
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from socket import socket
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sync.erp.browser import process_tree
from sync.erp.browser.client import BrowserClient
from sync.erp.browser.process import (
    CHROMIUM_SOCKET,
    FOLDER_PREFIX,
    LONGEST_SOCKET_PATH,
    BrowserProcess,
    choose_parent_folder,
    remove_left_folders,
)
from sync.erp.client import ErpList
from sync.exceptions import (
    ErpAnswerUnexpected,
    ErpBrowserFolderTooLong,
    ErpBrowserMissing,
    ErpBrowserSandboxMissing,
    ErpCertificateInvalid,
    ErpLeadsElsewhere,
    ErpLoginRejected,
    ErpUnavailable,
    RunCancelled,
)
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

    def serve(*, certificate: Path | None = None, **hostile: Callable[[HostileErp], Answer]) -> HostileErp:
        erp = HostileErp(**hostile)
        if certificate:
            secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            secure.load_cert_chain(certificate)
            erp.socket = secure.wrap_socket(erp.socket, server_side=True)
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
        assert set(process_tree.find_users(folders[0])) <= set(seen)
        raise RunCancelled

    with pytest.raises(RunCancelled):
        fetch(hanging, Once(hanging, cancel), to=tmp_path / "x.pdf")
    assert len(seen) > 4
    assert not running(seen)
    assert not list(process_tree.find_users(folders[0]))
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
    assert seen
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
    assert seen
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


def test_an_idle_browser_ends_by_itself(serve: Any, open_client: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("sync.erp.browser.process.IDLE_SECONDS", 0.1)
    client = open_client(serve(start=lambda erp: page("no list")).url, USERNAME, PASSWORD)
    seen: list[process_tree.Process] = []
    with pytest.raises(ErpUnavailable):
        fetch(client, Once(client, lambda: seen.extend(tree_of(client))), to=tmp_path / "x.pdf")
    assert seen
    until(lambda: not running(seen))


def test_a_browser_that_was_stopped_when_the_service_was_killed_ends_at_the_next_start(
    hanging: BrowserClient, tmp_path: Path, monkeypatch: Any
) -> None:
    with TemporaryDirectory(dir="/tmp") as parent:
        monkeypatch.setattr("tempfile.tempdir", parent)
        service = Child(lambda: fetch(hanging, to=tmp_path / "x.pdf"))
        until(lambda: any(each.name.startswith("chrom") for each in process_tree.find_tree(service.pid)))
        tree = [each for each in process_tree.find_tree(service.pid) if each.pid != service.pid]
        [python] = [each for each in tree if each.parent == service.pid]
        os.kill(python.pid, signal.SIGSTOP)
        remove_left_folders(parent)
        assert running(tree), "one that is starting is nobody's leftover"
        monkeypatch.setattr("sync.erp.browser.process.STARTING_SECONDS", -1)
        remove_left_folders(parent)
        assert running(tree), "its service lives"
        service.kill()
        assert python in running(tree)
        remove_left_folders(parent)
        assert not running(tree)
        assert not list(Path(parent).iterdir())


def test_a_folder_whose_path_is_too_long_for_chromium_s_socket_is_made_elsewhere(
    tmp_path: Path, monkeypatch: Any
) -> None:
    usual = tmp_path / ("x" * 100)
    usual.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(usual))
    assert len(f"{choose_parent_folder()}/{FOLDER_PREFIX}12345678{CHROMIUM_SOCKET}") <= LONGEST_SOCKET_PATH
    monkeypatch.setattr("sync.erp.browser.process.SHORT_FOLDERS", [str(tmp_path / "none")])
    with pytest.raises(ErpBrowserFolderTooLong) as caught:
        choose_parent_folder()
    monkeypatch.setattr("sync.erp.browser.process.SHORT_FOLDERS", ["/" + "y" * (int(caught.value.facts["count"]) - 1)])
    monkeypatch.setattr("os.access", lambda *_arguments: True)
    assert len(f"{choose_parent_folder()}/{FOLDER_PREFIX}12345678{CHROMIUM_SOCKET}") == LONGEST_SOCKET_PATH


def test_a_browser_without_a_usable_sandbox_says_what_to_do(open_client: Any, tmp_path: Path) -> None:
    chromium = tmp_path / "chromium"
    chromium.write_text("#!/bin/sh\necho 'ERROR: zygote_host_impl_linux.cc(130)] No usable sandbox!' >&2\nexit 1\n")
    chromium.chmod(0o755)
    client = open_client("http://127.0.0.1:1/erp", USERNAME, PASSWORD, executable=str(chromium))
    with pytest.raises(ErpBrowserSandboxMissing, match="apt install chromium-sandbox"):
        fetch(client, to=tmp_path / "x.pdf")


def test_folders_of_browsers_that_were_killed_with_the_service_are_removed(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("sync.erp.browser.process.STARTING_SECONDS", -1)
    left = tmp_path / "archibald-browser-left"
    (left / "profile").mkdir(parents=True)
    remove_left_folders(str(tmp_path))
    assert not left.exists()


def test_a_folder_that_is_in_use_stays(hanging: BrowserClient, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("sync.erp.browser.process.STARTING_SECONDS", -1)

    def start_another() -> None:
        folder = Path(get_process(hanging).folder)
        remove_left_folders(str(folder.parent))
        assert folder.is_dir()
        raise RunCancelled

    with pytest.raises(RunCancelled):
        fetch(hanging, Once(hanging, start_another), to=tmp_path / "x.pdf")


def test_a_certificate_that_is_not_valid_is_named_and_nothing_is_sent(
    serve: Any, open_client: Any, tmp_path: Path
) -> None:
    erp = serve(certificate=make_certificate(tmp_path))
    client = open_client(erp.url.replace("http:", "https:"), USERNAME, PASSWORD)
    with pytest.raises(ErpCertificateInvalid, match="CERT_AUTHORITY_INVALID"):
        fetch(client, to=tmp_path / "x.pdf")
    assert not erp.asked


def make_certificate(folder: Path) -> Path:
    """A certificate of this machine's that nobody signed, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    file.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM)
    )
    return file


def test_a_server_that_is_down_is_named(open_client: Any, tmp_path: Path) -> None:
    with socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        client = open_client(f"http://127.0.0.1:{nobody.getsockname()[1]}/erp", USERNAME, PASSWORD)
        with pytest.raises(ErpUnavailable, match="connection refused"):
            fetch(client, to=tmp_path / "x.pdf")


def test_what_is_not_installed_is_named(open_client: Any, tmp_path: Path, monkeypatch: Any) -> None:
    client = open_client("http://127.0.0.1:1/erp", USERNAME, PASSWORD)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ErpBrowserMissing, match="apt install chromium"):
        fetch(client, to=tmp_path / "x.pdf")
    monkeypatch.setattr("sync.erp.browser.process.find_spec", lambda name: None)
    with pytest.raises(ErpBrowserMissing, match="pip install"):
        fetch(client, to=tmp_path / "x.pdf")


def test_a_login_that_is_never_answered_is_no_rejection(serve: Any, open_client: Any, tmp_path: Path) -> None:
    erp = serve(start=show_login, login=hang)
    client = open_client(erp.url, USERNAME, PASSWORD)
    with pytest.raises(ErpUnavailable, match="log in"):
        fetch(client, to=tmp_path / "x.pdf", at_most=timedelta(seconds=8))


def test_a_login_page_without_a_form_costs_no_login(serve: Any, open_client: Any, tmp_path: Path) -> None:
    logins: list[int] = []
    erp = serve(start=lambda erp: page('<input type="password">'))
    client = open_client(erp.url, USERNAME, PASSWORD, spend_login=lambda: logins.append(1))
    with pytest.raises(ErpAnswerUnexpected, match="its login page has no field for the user name"):
        fetch(client, to=tmp_path / "x.pdf")
    assert not logins
