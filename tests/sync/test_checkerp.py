"""What `manage.py checkerp` tries, says, writes down for others, and leaves behind."""

import json
import re
from dataclasses import asdict
from datetime import datetime
from io import StringIO
from pathlib import Path

import pytest
import time_machine
from django.core.management import CommandError, call_command

from demo.erp.faults import Fault
from demo.erp.front_end import PlannedFault
from demo.erp.server import DEMO_PASSWORD, DEMO_USERNAME, DemoServer
from sync import failure_files
from sync.coordinator import erp_check, mutex
from sync.erp import login as erp_login
from sync.erp.client import Export, Look, ignore_step
from sync.erp_hours import parse_hours
from sync.exceptions import ErpAnswerUnexpected, ErpUnavailable
from sync.management import erp_report
from sync.messages import Message
from sync.models import ErpDay, SyncLock, SyncRun, SyncSchedule
from sync.progress import Stage
from sync.service import get_service, list_types
from sync.tasks import tick
from tests.factories import SyncRunFactory
from tests.lists import TYPES
from tests.sync.demo import ROME
from tests.sync.drawing import draw_list

pytestmark = pytest.mark.django_db

CERTIFICATE = Path(__file__).parents[1] / "erp" / "self_signed.pem"
CUSTOMER = {"erp_id": "77", "name": "Studio Bianchi", "sales_this_year": "1.234,56"}
PAGE = """<html><head><title>Clienti di Rossi</title><script>var secret = "Studio Bianchi";</script></head><body>
<ul id="Vertical_mainMenu_Menu"><li id="Vertical_mainMenu_Menu_DXI6_"><a id="Vertical_mainMenu_Menu_DXI6_T">Esporta</a>
</li></ul><div>Benvenuto Mario Rossi</div><input type="hidden" name="__VIEWSTATE" value="c2VjcmV0">
<table id="Vertical_v9_LE_v2_DXMainTable"><tr><td class="dxgvHeader_XafTheme">NOME</td></tr>
<tr class="dxgvDataRow_XafTheme"><td title="Studio Bianchi">Studio Bianchi<br>Via Roma 12</td><td>1.234,56 €</td>
<td><a href="mailto:info@bianchi.example">info@bianchi.example</a></td></tr></table></body></html>"""


@pytest.fixture(autouse=True)
def data_dir(settings, tmp_path):
    settings.DATA_DIR = tmp_path / "data"
    settings.DATA_DIR.mkdir()
    settings.EXPORT_DIR = tmp_path / "exports"
    return settings.DATA_DIR


def check_erp(*arguments):
    """Exit status, standard output, standard error."""
    output, errors = StringIO(), StringIO()
    try:
        call_command("checkerp", *arguments, stdout=output, stderr=errors)
    except SystemExit as end:
        return end.code, output.getvalue(), errors.getvalue()
    return 0, output.getvalue(), errors.getvalue()


def check_as_json(*arguments):
    status, output, _errors = check_erp("--json", *arguments)
    check = json.loads(output)
    assert (status == 0) == check["ok"]
    return check["steps"]


def find_step(steps, name, sync_type=None):
    [found] = [step for step in steps if (step["step"], step["list"]) == (name, sync_type)]
    return found


# Against the demo ERP, by plain HTTP


def test_a_healthy_erp_is_checked_list_by_list_with_one_login(demo_server):
    steps = check_as_json()
    assert {step["outcome"] for step in steps if step["step"] not in ("certificate", "control totals")} == {"ok"}
    assert find_step(steps, "certificate")["outcome"] == "skipped"
    for sync_type in TYPES:
        names = [step["step"] for step in steps if step["list"] == sync_type and step["step"] != "log in"]
        assert names[0] == "open the list"
        assert names[-6:] == ["export the list", "check the filters", "file", "read", "columns", "control totals"]
        assert find_step(steps, "export the list", sync_type)["seconds"] >= 0
    count = demo_server.erp.world.count("customers")
    assert find_step(steps, "read", "customers")["detail"].startswith(f"{count} records, ")
    assert find_step(steps, "control totals", "customers")["controlTotals"][0]["found"] == str(count)
    assert find_step(steps, "session kept")["detail"] == f"1 login; lists exported without one: {len(TYPES) - 1}"
    day = ErpDay.objects.get()
    assert (day.logins, day.exports) == (1, len(TYPES))


def test_nothing_is_written_to_the_mirror_and_nothing_is_left(
    demo_server, data_dir, mirror_state, tmp_path, monkeypatch
):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    before = mirror_state()
    assert check_erp("--list", "customers", "--list", "products")[0] == 0
    assert mirror_state() == before
    assert not SyncRun.objects.exists()
    assert SyncLock.objects.free().exists()
    assert list(tmp_path.glob("archibald-*")) == []
    assert list(data_dir.iterdir()) == []


def test_only_the_lists_that_are_named_are_checked(demo_server):
    steps = check_as_json("--list", "prices")
    assert {step["list"] for step in steps} == {None, "prices"}
    assert find_step(steps, "session kept")["outcome"] == "skipped"


def test_a_rejected_login_is_one_attempt_and_ends_the_check(demo_server, settings):
    settings.ERP_PASSWORD = "sbagliata"
    status, output, _errors = check_erp()
    assert status == 1
    assert "The ERP does not accept the login of agente. Check ERP_USERNAME and ERP_PASSWORD." in output
    assert sum(of["failed"] for of in demo_server.front_end.as_json()["logins"].values()) == 1
    assert output.count("skipped            see above") == len(TYPES) - 1
    assert ErpDay.objects.get().exports == 0
    tick()
    assert erp_login.find_rejected_login()
    assert sum(of["failed"] for of in demo_server.front_end.as_json()["logins"].values()) == 1


def test_a_check_whose_login_is_accepted_ends_the_wait_whatever_becomes_of_the_export(demo_server):
    erp_login.note_rejected()
    demo_server.front_end.plan_fault(PlannedFault(Fault.SERVER_ERROR, "customers"))
    assert check_erp("--list", "customers")[0] == 1
    assert erp_login.find_rejected_login() is None


def test_a_check_that_gets_an_export_ends_what_an_outage_made_wait(demo_server):
    SyncRunFactory.create_batch(7, sync_type="prices", status=SyncRun.Status.FAILED, error_class="ErpUnavailable")
    assert check_erp("--list", "customers")[0] == 0
    assert SyncSchedule.objects.get(sync_type="prices").find_failures().count() == 0


def test_a_session_that_the_erp_does_not_keep_is_told_after_one_login(demo_server, monkeypatch):
    read = erp_check.ErpCheck.read

    def read_and_end_the_session(check, *arguments, **options):
        read(check, *arguments, **options)
        demo_server.front_end.sessions.clear()

    monkeypatch.setattr(erp_check.ErpCheck, "read", read_and_end_the_session)
    steps = check_as_json()
    second = list_types()[1]
    assert find_step(steps, "log in", second)["error"].startswith("ErpSessionExpired: ")
    assert find_step(steps, "session kept")["outcome"] == "failed"
    assert ErpDay.objects.get().logins == 1


def test_an_export_that_does_not_reconcile_fails_alone(demo_server):
    demo_server.front_end.plan_fault(PlannedFault(Fault.WRONG_COUNT, "customers"))
    status, output, _errors = check_erp("--list", "customers", "--list", "orders")
    assert status == 1
    assert "customers  read                     failed" in output
    assert "does not agree: the records add up to" in output
    assert "orders     read                     ok" in output


def test_columns_that_are_hidden_and_unknown_are_named(demo_server):
    demo_server.front_end.plan_fault(PlannedFault(Fault.EXTRA_COLUMN, "customers"))
    demo_server.front_end.plan_fault(PlannedFault(Fault.HIDDEN_COLUMN, "orders"))
    steps = check_as_json("--list", "customers", "--list", "orders")
    assert "not known here: " in find_step(steps, "columns", "customers")["detail"]
    assert "hidden: " in find_step(steps, "columns", "orders")["detail"]


def test_an_erp_that_cannot_be_reached_is_told_before_a_login(demo_server, settings):
    demo_server.stop()
    steps = check_as_json("--list", "customers")
    assert find_step(steps, "reachable")["outcome"] == "failed"
    assert "does not answer (Connection refused)" in find_step(steps, "reachable")["detail"]
    assert find_step(steps, "export", "customers")["detail"] == "the ERP was not reached"
    assert not ErpDay.objects.exists()


@pytest.fixture
def secure_server(erp, network, settings):
    with DemoServer(erp, certificate=CERTIFICATE) as server:
        settings.ERP_URL, settings.ERP_FOLDER = server.url, None
        settings.ERP_USERNAME, settings.ERP_PASSWORD = DEMO_USERNAME, DEMO_PASSWORD
        yield server


@pytest.mark.usefixtures("secure_server")
def test_a_certificate_that_is_not_trusted_is_told_and_no_login_is_tried():
    steps = check_as_json("--list", "customers")
    assert find_step(steps, "certificate")["outcome"] == "failed"
    assert "is not trusted (self-signed certificate)" in find_step(steps, "certificate")["detail"]
    assert find_step(steps, "open the list", "customers")["outcome"] == "failed"
    assert not ErpDay.objects.exists()


@pytest.mark.usefixtures("secure_server")
def test_a_certificate_that_is_trusted_is_told_with_its_days(monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(CERTIFICATE))
    steps = check_as_json("--list", "customers")
    assert find_step(steps, "certificate")["outcome"] == "ok"
    assert re.match(r"valid for \d+ days, until \d\d/\d\d/\d{4}", find_step(steps, "certificate")["detail"])


@pytest.mark.parametrize("missing", ["ERP_USERNAME", "ERP_PASSWORD"])
def test_a_missing_setting_is_named_and_nothing_is_asked(demo_server, settings, missing):
    setattr(settings, missing, "")
    [step] = check_as_json()
    assert step["outcome"] == "failed"
    assert step["detail"].endswith(f"Set {missing}.")


def test_without_an_erp_the_settings_are_what_fails(settings):
    settings.ERP_URL, settings.ERP_FOLDER = "", None
    [step] = check_as_json()
    assert (step["outcome"], step["error"].partition(":")[0]) == ("failed", "ErpNotConfigured")


# A folder


def test_a_folder_is_checked_file_by_file(settings, tmp_path):
    settings.ERP_URL, settings.ERP_FOLDER = "", tmp_path / "inbox"
    settings.ERP_FOLDER.mkdir()
    draw_list(settings.ERP_FOLDER / "Clienti.pdf", get_service("customers"), [CUSTOMER])
    steps = check_as_json("--list", "customers", "--list", "orders")
    modified = datetime.fromtimestamp((settings.ERP_FOLDER / "Clienti.pdf").stat().st_mtime, ROME)
    assert find_step(steps, "file", "customers")["detail"].endswith(f" bytes, as of {modified:%d/%m/%Y %H:%M:%S}")
    assert find_step(steps, "read", "customers")["detail"] == "1 records, 7 pages"
    assert find_step(steps, "copy the newest file", "orders")["error"].startswith("ExportNotFound: ")
    assert {step["step"] for step in steps if step["list"] is None} == {"settings"}


# When it may ask


@pytest.fixture
def closed(settings):
    settings.ERP_HOURS = parse_hours("Mon-Sat 07:00-20:00")
    with time_machine.travel(datetime(2026, 1, 24, 21, tzinfo=ROME), tick=True):
        yield


@pytest.mark.usefixtures("demo_server", "closed")
def test_outside_its_hours_the_erp_is_not_asked_unless_somebody_says_so():
    with pytest.raises(CommandError, match=r"again from 26/01/2026 07:00\. .* add --ignore-hours\."):
        check_erp()
    assert not ErpDay.objects.exists()
    assert check_erp("--list", "customers", "--ignore-hours")[0] == 0


@pytest.mark.usefixtures("demo_server")
def test_it_waits_for_the_sync_in_progress_and_lets_none_begin(monkeypatch):
    lease = mutex.acquire()
    assert lease
    monkeypatch.setattr("sync.coordinator.runner.time.sleep", lambda _seconds: lease.release())
    held = []
    add = erp_check.ErpCheck.add

    def try_the_lock_and_add(check, step):
        held.append(mutex.acquire())
        add(check, step)

    monkeypatch.setattr(erp_check.ErpCheck, "add", try_the_lock_and_add)
    status, _output, errors = check_erp("--list", "customers")
    assert (status, errors) == (0, "Waiting for the sync in progress to end.\n")
    assert set(held) == {None}
    assert mutex.acquire()


def test_a_lock_that_was_lost_ends_the_check(demo_server, monkeypatch):
    monkeypatch.setattr(mutex.Lease, "keep", lambda lease: mutex.break_lock() and lease.renew())
    with pytest.raises(CommandError, match="Another process took the lock"):
        check_erp("--list", "customers")


# What a client tells and leaves, by one that does as it is told


class TellingClient:
    """Tells its steps, and gives an export, a look beside it, or what the ERP showed when it failed."""

    def __init__(self, folder):
        self.report, self.spend_login = ignore_step, lambda: None
        self.export = draw_list(folder / "drawn.pdf", get_service("customers"), [CUSTOMER])
        self.seen = None
        self.failure = None
        self.login_failure = None

    def close(self):
        pass

    def look(self, erp_list, *, search="", failure, at_most, progress):
        raise AssertionError("a look has a session of its own, and would log in again")

    def fetch(self, erp_list, *, to, at_most, progress):
        self.report(Message("open the list"))
        self.spend_login()
        if self.login_failure:
            raise self.login_failure
        self.report(Message("show the columns"))
        self.report(Message("columns that stay hidden: {columns}", columns="PEC"))
        progress(Stage.FETCHING, 0, None)
        if self.failure:
            to.with_suffix(".png").write_bytes(b"PNG")
            to.with_suffix(".html").write_text(PAGE)
            raise self.failure
        to.write_bytes(self.export.read_bytes())
        return Export(to, datetime.now(ROME), self.seen)


@pytest.fixture
def client(tmp_path, settings, demo_server, monkeypatch):
    client = TellingClient(tmp_path)
    monkeypatch.setattr(erp_check, "get_erp_client", lambda: client)
    return client


def make_look(count=1, **cells):
    headers = [column.header for column in get_service("customers").layout.columns if column.required]
    shown = dict.fromkeys(headers, "") | {"ID": "77", "NOME": "Studio Bianchi", "TIPO DI CLIENTE": "1.234,56 €"} | cells
    return Look(tuple(shown), (tuple(shown.values()),), (shown["ID"],), (), count, datetime.now(ROME))


def check_look(client, look):
    client.seen = look
    return find_step(check_as_json("--list", "customers"), "look", "customers")


def test_what_a_client_finds_in_a_step_is_told_with_it(client):
    steps = check_as_json("--list", "customers")
    assert find_step(steps, "show the columns", "customers")["notes"] == ["columns that stay hidden: PEC"]
    assert client.report is ignore_step


def test_a_look_that_shows_what_the_export_shows_is_well(client):
    assert check_look(client, make_look()) | {"seconds": None} == {
        "list": "customers",
        "step": "look",
        "outcome": "ok",
        "seconds": None,
        "detail": "1 rows of 1, equal to the export's",
        "error": None,
        "notes": [],
        "controlTotals": [],
        "files": [],
    }


@pytest.mark.parametrize(
    ("look", "said"),
    [
        ({"count": 2}, "the export has 1 records"),
        ({"ID": "78"}, "the export lacks 1 of the rows"),
        ({"NOME": "Studio Neri"}, "the export differs in NOME"),
    ],
)
def test_a_look_that_shows_something_else_is_told(client, look, said):
    step = check_look(client, make_look(**look))
    assert step["outcome"] == "failed"
    assert said in step["detail"]


def test_a_look_that_cannot_be_read_is_told(client):
    step = check_look(client, make_look(**{"TIPO DI CLIENTE": "tanto"}))
    assert (step["outcome"], step["error"].partition(":")[0]) == ("failed", "UnreadableValue")


def test_a_look_that_did_not_succeed_is_told(client):
    assert check_look(client, None)["outcome"] == "failed"


def test_what_the_erp_showed_where_a_step_failed_is_kept_for_its_owner_alone(client, data_dir):
    client.failure = ErpAnswerUnexpected(reason="its page has no export button")
    folder = data_dir / failure_files.CHECK_FOLDER
    for _ in range(2):
        step = find_step(check_as_json("--list", "customers"), "show the columns", "customers")
        assert step["error"].startswith("ErpAnswerUnexpected: ")
        assert step["files"] == [str(folder / f"customers{suffix}") for suffix in failure_files.SUFFIXES]
    client.failure, client.seen = None, make_look()
    assert check_erp("--list", "customers")[0] == 0
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("error", [ErpUnavailable(reason="it is down"), ErpAnswerUnexpected(reason="a page")])
def test_a_login_that_nothing_answered_was_not_accepted(client, error):
    erp_login.note_rejected()
    client.login_failure = error
    check_erp("--list", "customers", "--list", "orders")
    assert erp_login.find_rejected_login()
    client.login_failure = None
    check_erp("--list", "customers")
    assert erp_login.find_rejected_login() is None


def test_ctrl_c_leaves_nothing_behind(client, data_dir, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    client.failure = KeyboardInterrupt()
    status, _output, errors = check_erp("--list", "customers", "--report", str(tmp_path / "report.txt"))
    assert (status, errors) == (1, "Stopped. Nothing was left behind.\n")
    assert list(tmp_path.glob("archibald-*")) == []
    assert list(data_dir.iterdir()) == []
    assert not (tmp_path / "report.txt").exists()
    assert mutex.acquire()


# The report


@pytest.fixture
def write_report(tmp_path):
    path = tmp_path / "report.txt"

    def write_report(*arguments):
        check_erp("--report", str(path), *arguments)
        return path.read_text()

    return write_report


def test_a_report_shows_how_a_page_is_made_and_nothing_that_stands_in_it(client, write_report, data_dir):
    reason = Message("no item is called {wanted}; items found: {items}; row {text}", wanted="x", items="A", text="Bo 7")
    client.failure = ErpAnswerUnexpected(reason=reason)
    report = write_report("--list", "customers")
    assert "no item is called x; items found: A; row xx 9" in report
    assert "a id=Vertical_mainMenu_Menu_DXI6_T “Esporta”" in report
    assert "td class=dxgvHeader_XafTheme “NOME”" in report
    assert "input name=__VIEWSTATE type=hidden\n" in report
    assert "td “xxxxxx xxxxxxx xxx xxxx 99”" in report
    assert "td “9.999,99 €”" in report
    assert f"a screenshot, left out as it shows records; it is kept as {data_dir}" in report
    for text in ("Bianchi", "Roma", "Rossi", "1.234", "bianchi", "c2VjcmV0"):
        assert text not in report


def test_no_value_of_the_erp_s_records_is_in_a_report(demo_server, write_report):
    """Of a check in which everything that can fail with data in its text does."""
    for fault, sync_type in (
        (Fault.UNREADABLE_VALUE, "customers"),
        (Fault.DUPLICATE_KEY, "orders"),
        (Fault.WRONG_SUM, "invoices"),
    ):
        demo_server.front_end.plan_fault(PlannedFault(fault, sync_type))
    report = write_report()
    assert report.count(" failed ") == 3
    values = {
        value
        for sync_type in TYPES
        for record in demo_server.erp.find_records(sync_type)
        for value in map(str, asdict(record).values())
        if len(value) >= 5
    }
    assert len(values) > 500
    assert {value for value in values if value in report} == set()


def test_a_report_names_versions_and_settings_without_secrets(demo_server, write_report, settings, tmp_path):
    settings.ERP_URL = demo_server.url.replace("http://", "http://user:segreto@")
    report = write_report("--list", "customers")
    assert "archibald 0" in report
    assert "Python 3" in report
    assert f"ERP_URL: {demo_server.url}" in report
    assert "ERP_PASSWORD: is set" in report
    for secret in ("segreto", settings.ERP_USERNAME, DEMO_PASSWORD, settings.SECRET_KEY):
        assert secret not in report


@pytest.mark.parametrize(
    ("text", "shape"), [("Via dell'Orso 12/B", "xxx xxxx'xxxx 99/x"), ("-1.234,50 €", "-9.999,99 €"), ("", "")]
)
def test_the_shape_of_a_text(text, shape):
    assert erp_report.mask_text(text) == shape
