"""What people and programs are told when nothing can be saved: the disk is full, or the database can only be read."""

import json
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from django.core.management import call_command
from django.db import InterfaceError, InternalError, OperationalError, ProgrammingError, connection
from django.urls import reverse

from orders.models import Draft
from sync import disk
from sync.api.database_problems import find_database_problem
from sync.models import SyncRun, SyncSchedule
from sync.monitoring import health
from sync.monitoring.readiness import can_be_written
from tests.factories import (
    CustomerFactory,
    PriceFactory,
    ProductFactory,
    SyncRunFactory,
    SyncWorkerFactory,
    UserFactory,
)
from tests.full_database import full_database

pytestmark = pytest.mark.django_db(transaction=True)

FULL = "The disk is full: nothing can be saved until an administrator frees space."


@pytest.fixture
def in_english(settings):
    settings.LANGUAGE_CODE = "en"


@contextmanager
def read_only_database():
    on, off = {
        "sqlite": ("PRAGMA query_only = ON", "PRAGMA query_only = OFF"),
        "postgresql": ("SET default_transaction_read_only = on", "SET default_transaction_read_only = off"),
    }[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(on)
    yield
    with connection.cursor() as cursor:
        cursor.execute(off)


@pytest.fixture
def agent(client):
    client.force_login(UserFactory())
    return client


@pytest.fixture
def large_order():
    """More lines than the places that are left in a full database."""
    products = [ProductFactory() for _ in range(20)]
    for product in products:
        PriceFactory(product_erp_id=product.erp_id, unit_price=Decimal(1))
    lines = [{"product": product.erp_id, "quantity": "1", "discountPercent": "0"} for product in products]
    return {"customer": CustomerFactory().erp_id, "lines": lines * 20, "notes": "x" * 500}


@pytest.mark.usefixtures("in_english")
def test_a_draft_for_which_there_is_no_room_is_refused_in_a_sentence(agent, large_order, caplog):
    with full_database():
        answer = agent.post("/api/drafts", large_order, content_type="application/json")
    assert (answer.status_code, answer.json()) == (
        507,
        {"success": False, "error": FULL, "code": "disk_full", "detail": {}},
    )
    assert [record.exc_info for record in caplog.records if record.name == "sync.api.database_problems"] == [None]
    assert not Draft.objects.exists()
    assert agent.post("/api/drafts", large_order, content_type="application/json").status_code == 201


@pytest.mark.usefixtures("in_english")
def test_a_draft_that_a_read_only_database_refuses_is_refused_in_a_sentence(agent, large_order):
    with read_only_database():
        answer = agent.post("/api/drafts", large_order, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (503, "read_only")


@pytest.mark.usefixtures("in_english")
@pytest.mark.parametrize("debug", [True, False])
def test_a_page_says_that_it_cannot_save(admin_client, settings, debug):
    settings.DEBUG = debug
    with read_only_database():
        answer = admin_client.post(reverse("request_run"), {"sync_type": "orders", "mode": "full"})
    assert answer.status_code == 503
    assert "<h1>Cannot be saved</h1>" in answer.content.decode()
    assert "The database is read-only" in answer.content.decode()
    assert not SyncRun.objects.exists()


@pytest.mark.postgresql
@pytest.mark.usefixtures("in_english")
def test_a_page_names_the_full_disk(admin_client):
    with full_database():
        answer = admin_client.post(reverse("request_run"), {"sync_type": "orders", "mode": "full"})
    assert answer.status_code == 507
    assert FULL in answer.content.decode()


# Probes


def test_a_database_that_can_only_be_read_is_not_ready(client):
    assert client.get("/readyz").json()["database"] is True
    with read_only_database():
        answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["database"]) == (503, False)


def test_a_database_that_somebody_writes_for_long_is_asked_without_waiting():
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("UPDATE sync_synclock SET token = token")
        try:
            assert can_be_written()
        finally:
            cursor.execute("ROLLBACK")
            other.close()


def test_a_full_disk_is_not_ready(client, monkeypatch):
    volume = disk.Volume(Path("/srv/exports"), (disk.EXPORTS,), free=0)
    monkeypatch.setattr(disk, "list_volumes", lambda: [volume])
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["disk"]) == (503, False)


@pytest.mark.parametrize(
    ("error", "cause", "is_told"),
    [
        (OperationalError, psycopg.OperationalError("connection refused"), True),
        (InterfaceError, psycopg.InterfaceError("the connection is closed"), True),
        (OperationalError, psycopg.errors.AdminShutdown(), True),
        (OperationalError, psycopg.errors.QueryCanceled(), True),
        (InternalError, psycopg.errors.IdleInTransactionSessionTimeout(), True),
        (ProgrammingError, psycopg.errors.UndefinedTable(), False),
        (OperationalError, psycopg.errors.DeadlockDetected(), False),
        (InternalError, psycopg.errors.InFailedSqlTransaction(), False),
    ],
)
def test_a_database_that_does_not_answer_is_no_bug(error, cause, is_told):
    raised = error("said")
    raised.__cause__ = cause
    unsaved = find_database_problem(raised)
    assert (unsaved is not None and unsaved.code == "database_unavailable") is is_told


@pytest.mark.postgresql
def test_a_request_whose_connection_was_cut_is_told_to_come_again(client, agent):
    other = connection.copy()
    with closing(other), other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])
    answer = client.get("/api/sync/status")
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    connection.close()
    assert client.get("/api/sync/status").status_code == 200


# What is said of the disks


@pytest.mark.usefixtures("in_english")
@pytest.mark.parametrize(
    ("free", "severity", "text"),
    [
        (0, "bad", "The disk with /srv/exports is full (exports, temporary files): nothing can be saved there."),
        (99 * 1024**2, "warn", "nearly full (exports, temporary files): 99.0\xa0MB are free."),
    ],
)
def test_a_disk_with_little_room_is_named_before_it_is_full(admin_client, monkeypatch, capsys, free, severity, text):
    volume = disk.Volume(Path("/srv/exports"), (disk.EXPORTS, disk.TEMPORARY_FILES), free=free)
    monkeypatch.setattr(disk, "list_volumes", lambda: [volume])
    problems = admin_client.get("/admin/").context["problems"]
    [named] = [problem for problem in problems if "/srv/exports" in problem.what]
    assert (named.severity, text in named.what) == (severity, True)
    with pytest.raises(SystemExit):
        call_command("syncstatus")
    assert text in capsys.readouterr().out
    with pytest.raises(SystemExit):
        call_command("syncstatus", "--json")
    told = json.loads(capsys.readouterr().out)
    assert told["disks"] == [{"folder": "/srv/exports", "freeBytes": free, "low": True, "full": not free}]


def test_nothing_is_well_while_a_disk_is_full(settings, monkeypatch):
    SyncSchedule.objects.update(enabled=False)
    for sync_type in settings.SYNC_TYPES:
        SyncRunFactory(sync_type=sync_type)
    SyncWorkerFactory()
    assert health.get_status().is_healthy
    monkeypatch.setattr(disk, "list_volumes", lambda: [disk.Volume(Path("/srv/exports"), (disk.EXPORTS,), free=0)])
    assert not health.get_status().is_healthy


def test_folders_on_one_disk_are_one(settings, tmp_path, monkeypatch):
    settings.EXPORT_DIR = tmp_path / "not" / "there" / "yet"
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    [volume] = [volume for volume in disk.list_volumes() if disk.EXPORTS in volume.files]
    assert disk.TEMPORARY_FILES in volume.files
    assert volume.free > 0
