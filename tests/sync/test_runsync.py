"""The command line."""

import json
import os
import pty
import signal
import subprocess
import sys
import termios
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from customers.models import Customer
from sync.coordinator import queue
from sync.models import SyncRun
from sync.monitoring import health
from sync.monitoring.status import State
from sync.service import get_service
from tests.lists import TYPES
from tests.sync.conftest import customers
from tests.sync.drawing import draw_list

JSON_KEYS = [
    "type",
    "status",
    "mode",
    "readFrom",
    "read",
    "created",
    "updated",
    "unchanged",
    "missing",
    "removed",
    "restored",
    "controlTotals",
    "durationMs",
    "error",
    "runId",
]


@pytest.fixture
def export(tmp_path):
    def drawn(rows, name="Clienti.pdf"):
        return str(draw_list(tmp_path / name, get_service("customers"), rows))

    return drawn


def runsync(*arguments):
    """Exit status, standard output, standard error."""
    output, errors = StringIO(), StringIO()
    try:
        call_command("runsync", *arguments, stdout=output, stderr=errors)
    except SystemExit as end:
        return end.code, output.getvalue(), errors.getvalue()
    return 0, output.getvalue(), errors.getvalue()


def test_an_applied_export_ends_with_zero_and_says_what_was_done(db, export):
    status, output, _ = runsync("customers", "--file", export(customers(1, 2)))
    assert status == 0
    assert "customers: 2 read, 2 created" in output
    assert "Control totals that agree: 1" in output


def test_json_is_one_object_with_every_key(db, export):
    status, output, _ = runsync("customers", "--json", "--file", export(customers(1, 2)))
    described = json.loads(output)
    run = SyncRun.objects.get()
    assert status == 0
    assert list(described) == JSON_KEYS
    assert described["controlTotals"] == [
        {"column": "ID", "function": "Count", "stated": "2", "found": "2", "differenceAllowed": "0"}
    ]
    assert (described["runId"], described["created"], described["error"]) == (run.pk, 2, None)
    assert described["durationMs"] > 0


def test_a_failed_run_ends_with_one_and_its_reason(db, tmp_path):
    path = tmp_path / "Clienti.pdf"
    path.write_bytes(b"<html>")
    status, output, errors = runsync("customers", "--file", str(path))
    assert (status, output) == (1, "")
    assert "is a web page, not a PDF" in errors
    status, output, _ = runsync("customers", "--json", "--file", str(path))
    assert status == 1
    assert json.loads(output)["error"].startswith("ExportIsWebPage: ")


def test_a_file_over_the_limit_is_not_copied(db, tmp_path, settings):
    settings.EXPORT_DIR, settings.EXPORT_MAX_BYTES = tmp_path / "kept", 1000
    path = tmp_path / "Clienti.pdf"
    path.write_bytes(bytes(1001))
    status, _, errors = runsync("customers", "--file", str(path))
    assert status == 1
    assert "its size (1001 bytes) is over the limit of 1000. If it is genuine, raise EXPORT_MAX_BYTES" in errors
    assert not list((tmp_path / "kept").iterdir())


def test_a_quarantined_run_ends_with_three(db, export):
    runsync("customers", "--file", export(customers(*range(1, 61))))
    status, _, errors = runsync("customers", "--file", export(customers(1)))
    assert status == 3
    assert "quarantined" in errors


def test_a_run_that_is_not_waited_for_ends_with_four_and_is_queued_once(db):
    assert runsync("customers", "--no-wait")[0] == 4
    assert runsync("customers", "--no-wait", "--mode", "full")[0] == 4
    (queued,) = SyncRun.objects.queued()
    assert (queued.sync_type, queued.mode) == ("customers", "full")


@pytest.mark.parametrize(
    "arguments",
    [
        ["clients"],
        ["customers", "--file", "absent.pdf"],
        ["customers", "--mode", "quick"],
        ["orders", "--mode", "smart"],
        ["all", "--mode", "smart"],
        ["customers", "--dry-run", "--no-wait"],
        ["customers", "--no-wait", "--file", "README.md"],
        ["customers", "--no-wait", "--mode", "smart"],
        [],
    ],
)
def test_wrong_usage_is_told_and_ends_with_two(arguments, process_environment):
    command = [sys.executable, "manage.py", "runsync", *arguments]
    ended = subprocess.run(command, cwd=settings.BASE_DIR, env=process_environment, capture_output=True, text=True)
    assert ended.returncode == 2
    assert "usage: manage.py runsync" in ended.stderr


def test_one_file_cannot_be_all_lists(db, export):
    with pytest.raises(CommandError, match="--file is an export of one list"):
        runsync("all", "--file", export(customers(1)))


def test_a_dry_run_shows_what_would_change_and_writes_nothing(db, export, mirror_state):
    runsync("customers", "--file", export(customers(1, 2, 3)))
    before, runs = mirror_state(), SyncRun.objects.count()
    changed = [*customers(1), *customers(2, city="Roma"), *customers(4)]
    status, output, _ = runsync("customers", "--dry-run", "--mode", "full", "--file", export(changed))
    assert status == 0
    assert "3 read, 1 created, 1 updated, 1 unchanged, 1 missing" in output
    assert "updated 2: city" in output
    assert "missing 3" in output
    assert "created 4" in output
    assert (mirror_state(), SyncRun.objects.count()) == (before, runs)


def test_a_dry_run_ends_as_the_run_would(db, export, mirror_state):
    runsync("customers", "--file", export(customers(*range(1, 61))))
    runs = SyncRun.objects.count()
    status, output, _ = runsync("customers", "--dry-run", "--json", "--file", export(customers(1)))
    assert (status, json.loads(output)["status"]) == (3, "quarantined")
    status, output, _ = runsync("customers", "--dry-run", "--json", "--file", export(customers(*range(1, 62))))
    described = json.loads(output)
    assert (status, described["status"], described["created"], described["runId"]) == (0, "dry-run", 1, None)
    assert SyncRun.objects.count() == runs


def test_without_an_erp_it_says_what_to_set(db, settings):
    settings.ERP_URL, settings.ERP_FOLDER = "", None
    status, _, errors = runsync("customers")
    assert status == 1
    assert "Set ERP_URL or ERP_FOLDER, or give an export with --file" in errors


def test_a_folder_of_exports_serves_all_lists(db, settings, tmp_path):
    settings.ERP_URL, settings.ERP_FOLDER = "", tmp_path
    for sync_type in TYPES:
        service = get_service(sync_type)
        draw_list(tmp_path / service.erp_list.file_names[0], service, [{service.layout.key: "1"}])
    status, output, _ = runsync("all", "--json")
    described = [json.loads(line) for line in output.splitlines()]
    assert status == 0
    assert [each["type"] for each in described] == TYPES
    assert {each["created"] for each in described} == {1}


def test_an_export_that_was_applied_before_proves_no_absence_again(db, settings, export, tmp_path):
    settings.ERP_URL, settings.ERP_FOLDER = "", tmp_path
    export(customers(1, 2))
    runsync("customers", "--mode", "full")
    export(customers(1))
    for _ in range(2):
        status, output, _ = runsync("customers", "--mode", "full")
        assert status == 0
    assert "applied before" in output
    assert Customer.objects.get(erp_id=2).removed_at is None
    runsync("customers", "--mode", "full", "--file", str(tmp_path / "Clienti.pdf"))
    assert Customer.objects.get(erp_id=2).removed_at is None
    export(customers(1))
    runsync("customers", "--mode", "full")
    assert Customer.objects.get(erp_id=2).removed_at


def test_an_older_export_never_overwrites_a_newer_one(db, settings, export, tmp_path):
    settings.ERP_URL, settings.ERP_FOLDER = "", tmp_path
    yesterday = export(customers(1, 2, city="Roma"))
    os.utime(yesterday, (1_790_000_000, 1_790_000_000))
    today = export(customers(1, 2, 3, city="Milano"), name="Clienti (1).pdf")
    assert runsync("customers")[0] == 0
    Path(today).unlink()
    status, _, errors = runsync("customers")
    assert status == 1
    assert "older than the export of" in errors
    assert set(Customer.objects.values_list("city", flat=True)) == {"Milano"}


def test_all_ends_with_the_worst_of_its_runs(db, settings, tmp_path):
    settings.ERP_URL, settings.ERP_FOLDER = "", tmp_path
    service = get_service("customers")
    draw_list(tmp_path / "Clienti.pdf", service, customers(1))
    status, output, errors = runsync("all")
    assert status == 1
    assert "customers: 1 read" in output
    assert "there is no export of this list" in errors.lower()


def test_a_terminal_shows_a_progress_bar_and_a_file_does_not(process_environment, export):
    command = [sys.executable, "manage.py", "runsync", "customers", "--file", export(customers(*range(1, 400)))]
    quiet = subprocess.run(command, cwd=settings.BASE_DIR, env=process_environment, capture_output=True, text=True)
    assert (quiet.returncode, quiet.stderr) == (0, "")
    terminal, theirs = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 80))
    shown = subprocess.run(
        command, cwd=settings.BASE_DIR, env=process_environment, stdout=subprocess.DEVNULL, stderr=theirs
    )
    os.write(theirs, b"end")  # so that there is something to read in any case
    screen = os.read(terminal, 1_000_000).decode()
    os.close(theirs)
    os.close(terminal)
    assert shown.returncode == 0
    assert "customers: reading" in screen
    assert "pages" in screen


def test_whoever_reads_only_the_first_line_sees_no_traceback(process_environment, export):
    command = [sys.executable, "manage.py", "runsync", "customers", "--file", export(customers(1, 2))]
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        command, cwd=settings.BASE_DIR, env=process_environment, stdout=writing, stderr=subprocess.PIPE, text=True
    )
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (128 + signal.SIGPIPE, "")


@pytest.mark.usefixtures("real_processes")
@pytest.mark.parametrize("command", ["runsync", "syncstatus", "qcluster"])
def test_a_database_that_is_not_up_to_date_is_told_in_a_line(command, tmp_path):
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    arguments = ["customers"] if command == "runsync" else []
    ended = subprocess.run(
        [sys.executable, "manage.py", command, *arguments],
        cwd=settings.BASE_DIR,
        env=environment | {"DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 1
    assert ended.stderr == "CommandError: The database is not up to date. Run manage.py migrate first.\n"


def test_a_wrong_file_does_not_make_the_list_fail(db, tmp_path):
    path = tmp_path / "Clienti.pdf"
    path.write_bytes(b"<html>")
    assert runsync("customers", "--file", str(path))[0] == 1
    customers = next(each for each in health.get_status().types if each.sync_type == "customers")
    assert (customers.state, customers.consecutive_failures) == (State.NEVER, 0)


def test_ctrl_c_cancels_only_what_this_command_asked_for(db, monkeypatch):
    def interrupted(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("sync.coordinator.runner.wait_for", interrupted)
    assert runsync("orders")[0] == 1
    of_somebody_else = queue.request_sync("ddt", trigger=SyncRun.Trigger.SCHEDULE)
    assert runsync("ddt")[0] == 4
    of_somebody_else.refresh_from_db()
    assert of_somebody_else.status == SyncRun.Status.QUEUED
    assert SyncRun.objects.get(sync_type="orders").status == SyncRun.Status.CANCELLED
