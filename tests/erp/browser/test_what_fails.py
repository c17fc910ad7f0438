"""What fails at the ERP, through real runs with a real Chromium: survived, or named with what to do.

Nothing wrong is applied meanwhile. Elsewhere is shown

    session that ends before, during or always   test_sessions.py
    browser killed, stuck, worn out              test_process.py, test_sessions.py, test_endurance.py
    addresses outside the ERP's                  test_process.py
    each step on a page by itself                test_list_page.py
    exports that are wrong in themselves         tests/sync/test_faults.py, whoever fetched them
    a filter that hides records silently         tests/sync/test_faults.py, tests/sync/test_acceptance.py
"""

from __future__ import annotations

import os
import re
import signal
import socket
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as project

from demo.erp.faults import Fault
from demo.erp.front_end import PlannedFault
from demo.erp.lists import find_list
from demo.erp.server import DEMO_PASSWORD, DEMO_USERNAME, DemoServer
from demo.erp.web import RELEASES
from sync import exceptions
from sync.coordinator import kept_exports
from sync.erp import get_erp_client, get_web_client
from sync.erp.browser import process_tree
from sync.erp.browser.client import BrowserClient
from sync.exceptions import ErpCertificateInvalid, ErpUnavailable
from sync.models import SyncRun
from sync.progress import ignore_progress
from sync.service import get_service
from tests.demo_erp import SCALE, CachedDemoErp, Erp
from tests.erp.conftest import LONGEST
from tests.lists import DEMO_TYPES as TYPES
from tests.snapshot import Rows
from tests.sync.conftest import mirror_state
from tests.sync.demo import is_mirrored, last_error, run_sync, unusual_notes

__all__ = ["mirror_state"]

Status = SyncRun.Status
DEVICE = Path("/dev/full")
CERTIFICATE = Path(__file__).parents[1] / "self_signed.pem"


@pytest.fixture(scope="module")
def shared_erp(network: None, real_processes: None) -> Iterator[Erp]:
    """One demo ERP, and one browser, for all tests of this file: each starts with a session that is logged in."""
    with Erp() as erp:
        yield erp
        web = erp.url, DEMO_USERNAME, DEMO_PASSWORD
        client = get_web_client("browser", *web, largest=project.EXPORT_MAX_BYTES)
        assert isinstance(client, BrowserClient)
        client.close()


@pytest.fixture
def erp(shared_erp: Erp, settings: Any, tmp_path: Path, db: None) -> Iterator[Erp]:
    """The ERP that the settings name, as if nothing had happened in it."""
    shared_erp.delays["error"] = 0.1
    settings.ERP_CLIENT, settings.ERP_URL, settings.ERP_FOLDER = "browser", shared_erp.url, None
    settings.ERP_USERNAME, settings.ERP_PASSWORD = DEMO_USERNAME, DEMO_PASSWORD
    settings.EXPORT_DIR = tmp_path / "exports"
    yield shared_erp
    front_end = shared_erp.front_end
    front_end.release, front_end.password = RELEASES[0], DEMO_PASSWORD
    front_end.is_down = front_end.is_mute = False
    if any(session.busy.locked() for session in front_end.sessions.values()):
        front_end.end_sessions()  # an export without an end was given up
    shared_erp.restore()


def get_client() -> BrowserClient:
    client = get_erp_client()
    assert isinstance(client, BrowserClient)
    return client


first_syncs: dict[str, Rows] = {}


@pytest.fixture
def changed(erp: Erp) -> Callable[[str], None]:
    """Mirrors a list, which something happens to afterwards: the mirror is behind."""

    def changed(sync_type: str) -> None:
        if kept := first_syncs.get(sync_type):
            kept.restore()
        else:
            assert run_sync(sync_type).status == Status.SUCCEEDED
            first_syncs[sync_type] = Rows()
        change_something(erp, sync_type)
        assert not is_mirrored(erp.erp, sync_type)

    return changed


def change_something(erp: Erp, sync_type: str, text: str = "CAMBIATO 1") -> None:
    field = {"customers": "name", "products": "search_name"}.get(sync_type, "customer_reference")
    erp.change(sync_type, 0, **{field: text})


@pytest.fixture
def strike(erp: Erp) -> Callable[..., None]:
    """Lets a fault strike: until it is cleared, or so many times."""

    def strike(fault: Fault, times: int | None = None) -> None:
        erp.front_end.plan_fault(PlannedFault(fault, times=times))

    return strike


# All is well


@pytest.mark.parametrize("sync_type", TYPES)
def test_each_list_comes_as_the_erp_has_it_and_as_a_folder_brings_it(
    erp: Erp, sync_type: str, settings: Any, tmp_path: Path
) -> None:
    run = run_sync(sync_type, mode="full")
    assert (run.status, unusual_notes(run)) == (Status.SUCCEEDED, []), run.error_text
    assert is_mirrored(erp.erp, sync_type)
    service, demo_list = get_service(sync_type), find_list(sync_type)
    erp.erp.write_export(sync_type, tmp_path / service.erp_list.file_names[0], shown=demo_list.list_known_columns())
    settings.ERP_URL, settings.ERP_FOLDER = "", tmp_path
    from_folder = run_sync(sync_type, mode="full")
    assert from_folder.status == Status.SUCCEEDED, from_folder.error_text
    assert from_folder.unchanged == from_folder.read == service.model.objects.count()


# Survived: the same run brings what the ERP has

SURVIVED = [  # the fault, how often it strikes, and the list
    (Fault.ERROR_BANNER, 2, "customers"),
    (Fault.ERROR_NAVIGATION, 1, "orders"),
    (Fault.ERROR_RELOAD, 2, "ddt"),
    (Fault.LOGIN_INSTEAD_OF_PDF, 1, "customers"),
    (Fault.SLOW_EXPORT, 1, "customers"),
    (Fault.OTHER_FILE_NAME, None, "ddt"),
    (Fault.MOVED_EXPORT, None, "customers"),
    (Fault.EXPORT_IN_OVERFLOW, None, "customers"),
    (Fault.REMEMBERED_FILTER, None, "ddt"),
    (Fault.KEPT_GRID_FILTER, None, "products"),
    (Fault.SILENT_GRID_FILTER, None, "products"),
    (Fault.STUCK_GRID_FILTER, 2, "customers"),
]


@pytest.mark.parametrize(("fault", "times", "sync_type"), SURVIVED)
def test_a_run_survives(
    erp: Erp,
    changed: Callable[[str], None],
    strike: Callable[..., None],
    fault: Fault,
    times: int | None,
    sync_type: str,
) -> None:
    erp.delays["slow-export"] = 1
    changed(sync_type)
    strike(fault, times)
    filters = dict(erp.front_end.filters)
    run = run_sync(sync_type, mode="full")
    assert run.status == Status.SUCCEEDED, f"{run.error_text} {run.ended_attempts}"
    assert is_mirrored(erp.erp, sync_type)
    assert erp.front_end.filters == filters, "a person's own filter is put back"


@pytest.mark.parametrize("fault", [Fault.EXPIRED_SESSION, Fault.LOGIN_INSTEAD_OF_PDF])
def test_a_login_page_under_the_lists_own_address_is_survived(
    erp: Erp, changed: Callable[[str], None], strike: Callable[..., None], fault: Fault
) -> None:
    changed("customers")
    strike(fault, 1)
    strike(Fault.LOGIN_IN_PLACE)
    run = run_sync("customers", mode="full")
    assert run.status == Status.SUCCEEDED, f"{run.error_text} {run.ended_attempts}"
    assert is_mirrored(erp.erp, "customers")
    assert count_failed_logins(erp) == 0


def test_an_update_over_night_is_survived(erp: Erp, changed: Callable[[str], None]) -> None:
    changed("orders")
    erp.front_end.update()
    run = run_sync("orders", mode="full")
    assert run.status == Status.SUCCEEDED, f"{run.error_text} {run.ended_attempts}"
    assert unusual_notes(run) == ["Columns that are not mirrored: NOTE INTERNE."]
    assert is_mirrored(erp.erp, "orders")


def test_columns_that_each_new_session_hides_are_shown(erp: Erp, changed: Callable[[str], None]) -> None:
    changed("products")
    erp.front_end.end_sessions()
    run = run_sync("products", mode="full")
    assert (run.status, unusual_notes(run)) == (Status.SUCCEEDED, []), run.error_text
    assert is_mirrored(erp.erp, "products")


@pytest.mark.parametrize(
    ("fault", "says"), [(Fault.NO_GRID, "it has no grid"), (Fault.PARTIAL_GRID, "its grid shows ")]
)
def test_a_look_that_fails_costs_a_smart_run_its_speed_only(
    erp: Erp, changed: Callable[[str], None], strike: Callable[..., None], fault: Fault, says: str
) -> None:
    changed("customers")
    run_sync("customers", mode="smart")  # which logs in
    change_something(erp, "customers", "CAMBIATO 2")
    strike(fault, None if fault is Fault.PARTIAL_GRID else 1)
    run = run_sync("customers", mode="smart")
    assert (run.status, run.read_from) == (Status.SUCCEEDED, SyncRun.Source.EXPORT), run.error_text
    [note] = unusual_notes(run)
    assert note.startswith("A look at the list in the ERP failed, so the export was read: ")
    assert says in note
    assert is_mirrored(erp.erp, "customers")


# Named: the run says what to do, and changes nothing

# The page says so, or who waits for it: whose time is over first depends on the machine.
IN_TIME = re.compile("was not done in time|was not ready after")
PAGE = "Open the list in the ERP with a browser, with the login of this service"
NAMED = [  # the fault, the list, the seconds that an export may take, the error, what it says
    (Fault.ERROR_BANNER, "customers", None, "ErpPageChanged", "“Requested objects cannot be loaded” 3 times"),
    (Fault.LOGIN_INSTEAD_OF_PDF, "customers", None, "ErpSessionExpired", "its login page instead of the list"),
    (Fault.HTML_INSTEAD_OF_PDF, "customers", None, "ErpAnswerUnexpected", "a web page came instead of the PDF"),
    (Fault.SERVER_ERROR, "customers", None, "ErpPageChanged", "status 500"),
    (Fault.FILTER_CHANGED_AT_CLICK, "ddt", None, "ErpFilterChanged", "give this service a login of its own"),
    (Fault.CUT_CONNECTION, "customers", None, "ExportTruncated", "the connection ended after "),
    (Fault.STALLED_CONNECTION, "customers", 10, "ErpUnavailable", IN_TIME),
    (Fault.ENDLESS_EXPORT, "customers", 10, "ErpUnavailable", IN_TIME),
    (Fault.MISSING_EXPORT, "customers", None, "ErpPageChanged", "it has no export item: "),
    (Fault.RENAMED_EXPORT, "customers", None, "ErpPageChanged", "Scaricare"),
    (Fault.STUCK_LOADING_PANEL, "customers", 8, "ErpUnavailable", IN_TIME),
    (Fault.NO_GRID, "customers", None, "ErpPageChanged", "it has no grid"),
    (Fault.ENGLISH, "customers", None, "LayoutChanged", "in Italian"),
]


@pytest.mark.parametrize(("fault", "sync_type", "seconds", "error", "says"), NAMED)
def test_a_run_names(
    erp: Erp,
    changed: Callable[[str], None],
    strike: Callable[..., None],
    mirror_state: Callable[[], Any],
    settings: Any,
    fault: Fault,
    sync_type: str,
    seconds: int | None,
    error: str,
    says: str | re.Pattern[str],
) -> None:
    changed(sync_type)
    before = mirror_state()
    if seconds:
        settings.ERP_EXPORT_TIMEOUT = timedelta(seconds=seconds)
    strike(fault)
    check_named(run_sync(sync_type, mode="full"), error, says)
    assert mirror_state() == before


def check_named(run: SyncRun, error: str, says: str | re.Pattern[str]) -> None:
    found, text = last_error(run)
    assert found == error or (says is IN_TIME and found == "ErpPageSlow"), text
    assert re.search(says if isinstance(says, re.Pattern) else re.escape(says), text)
    is_retried = bool(getattr(exceptions, error).retried_after)
    assert run.status == (Status.QUEUED if is_retried else Status.FAILED)


def test_a_filter_that_cannot_be_chosen_is_named(
    erp: Erp, changed: Callable[[str], None], strike: Callable[..., None], mirror_state: Callable[[], Any]
) -> None:
    changed("customers")
    before = mirror_state()
    strike(Fault.REMEMBERED_FILTER)
    strike(Fault.STUCK_FILTER)
    check_named(run_sync("customers", mode="full"), "ErpPageChanged", "its filter stays ")
    assert mirror_state() == before


def test_a_filter_that_nothing_shows_and_nothing_clears_is_quarantined(
    erp: Erp, changed: Callable[[str], None], strike: Callable[..., None], mirror_state: Callable[[], Any]
) -> None:
    changed("products")
    before = mirror_state()
    strike(Fault.SILENT_GRID_FILTER)
    strike(Fault.STUCK_GRID_FILTER)
    run = run_sync("products", mode="full")
    assert run.status == Status.QUARANTINED, run.error_text
    assert mirror_state() == before


def test_columns_that_cannot_be_shown_are_noted_and_their_values_kept(
    erp: Erp, changed: Callable[[str], None], strike: Callable[..., None]
) -> None:
    changed("products")
    erp.front_end.end_sessions()
    strike(Fault.HIDDEN_COLUMNS)
    run = run_sync("products", mode="full")
    assert run.status == Status.SUCCEEDED, f"{run.error_text} {run.ended_attempts}"
    [note] = unusual_notes(run)
    assert note.startswith("Columns that are not in the export; their mirrored values are kept: ")


def test_a_server_that_is_down_is_named(
    erp: Erp, changed: Callable[[str], None], mirror_state: Callable[[], Any]
) -> None:
    changed("customers")
    before = mirror_state()
    erp.front_end.is_down = True
    check_named(run_sync("customers", mode="full"), "ErpUnavailable", "the connection failed (")
    assert mirror_state() == before


def test_a_server_that_answers_nothing_is_named(
    erp: Erp, changed: Callable[[str], None], mirror_state: Callable[[], Any], settings: Any
) -> None:
    changed("customers")
    before = mirror_state()
    settings.ERP_EXPORT_TIMEOUT = timedelta(seconds=5)
    erp.front_end.is_mute = True
    check_named(run_sync("customers", mode="full"), "ErpUnavailable", IN_TIME)
    assert mirror_state() == before


def test_a_changed_password_is_tried_once(erp: Erp, changed: Callable[[str], None]) -> None:
    changed("customers")
    erp.front_end.password = "another one"
    erp.front_end.end_sessions()
    failed = count_failed_logins(erp)
    run = run_sync("customers", mode="full")
    check_named(run, "ErpLoginRejected", "Check ERP_USERNAME and ERP_PASSWORD")
    assert count_failed_logins(erp) == failed + 1


def count_failed_logins(erp: Erp) -> int:
    return sum(day["failed"] for day in erp.front_end.logins.values())


def test_a_browser_that_is_killed_during_an_export_costs_an_attempt(
    erp: Erp, changed: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    changed("customers")
    write_export = erp.erp.write_export

    def kill_first(*args: Any, **options: Any) -> Any:
        monkeypatch.undo()
        process = get_client().processes["exports"]
        for each in process_tree.find_tree(process.python.pid, process.sessions):
            if each.name.startswith("chrom"):
                os.kill(each.pid, signal.SIGKILL)
        return write_export(*args, **options)

    monkeypatch.setattr(erp.erp, "write_export", kill_first)
    run = run_sync("customers", mode="full")
    check_named(run, "ErpUnavailable", "the browser ended during the step “export the list”")
    assert run_sync("customers", mode="full").status == Status.SUCCEEDED
    assert is_mirrored(erp.erp, "customers")


def test_a_full_disk_is_named_and_waited_for(
    erp: Erp, changed: Callable[[str], None], mirror_state: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    changed("customers")
    before = mirror_state()
    name_file = kept_exports.name_file

    def on_a_full_disk(run: SyncRun) -> Path:
        path = name_file(run)
        path.parent.mkdir(exist_ok=True)
        path.symlink_to(DEVICE)
        return path

    monkeypatch.setattr(kept_exports, "name_file", on_a_full_disk)
    check_named(run_sync("customers", mode="full"), "DiskFull", "there is no space for exports in ")
    assert mirror_state() == before


# Before there is any page: by the client alone


def test_an_address_that_refuses_connections_is_named(
    open_client: Callable[..., BrowserClient], tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(ErpUnavailable, match=r"the connection failed \(connection refused\)"):
        fetch(open_client(f"http://127.0.0.1:{port}", DEMO_USERNAME, DEMO_PASSWORD), tmp_path)


def test_a_certificate_that_nobody_trusts_is_named_and_nothing_is_sent(
    open_client: Callable[..., BrowserClient], tmp_path: Path
) -> None:
    with DemoServer(CachedDemoErp(scale=SCALE), certificate=CERTIFICATE) as server:
        with pytest.raises(ErpCertificateInvalid, match="if your own authority issued it, add that authority"):
            fetch(open_client(server.url, DEMO_USERNAME, DEMO_PASSWORD), tmp_path)
        assert not server.front_end.requests_by_hour


def fetch(client: BrowserClient, folder: Path) -> None:
    erp_list = get_service("customers").erp_list
    client.fetch(erp_list, to=folder / "export.pdf", at_most=LONGEST, progress=ignore_progress)
