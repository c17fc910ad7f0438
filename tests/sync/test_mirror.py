"""What a run does to the mirror."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from customers.models import Customer
from sync.coordinator import runner
from sync.coordinator.queue import accept, request_sync
from sync.exceptions import CannotAccept
from sync.exports.process import PageProcess
from sync.mirror import comparison as mirror
from sync.models import RecordChange, SyncRun
from sync.service import get_service
from tests.factories import SyncRunFactory
from tests.sync.conftest import customers
from tests.sync.drawing import draw_list

Status = SyncRun.Status


def changes(run):
    return [(change.key, change.kind, change.fields) for change in run.changes.order_by("pk")]


def test_a_first_run_creates_every_record(sync_customers):
    run = sync_customers(customers(1, 2, sales_this_year="1.200,50 €", last_order_date="18/01/2026"))
    assert (run.status, run.mode, run.read, run.created) == (Status.SUCCEEDED, "full", 2, 2)
    first = Customer.objects.get(erp_id=1)
    assert (first.name, first.sales_this_year, first.created_at) == ("Studio 1", Decimal("1200.5"), first.changed_at)
    assert [(key, kind) for key, kind, _fields in changes(run)] == [("1", "created"), ("2", "created")]


def test_a_created_record_s_change_has_all_that_its_first_export_showed(sync_customers):
    cells = {"sales_this_year": "1.200,50 €", "last_order_date": "18/01/2026", "city": "Roma"}
    run = sync_customers(customers(1, **cells), hidden=("website",))
    ((_key, _kind, fields),) = changes(run)
    assert {name: new for name, (_old, new) in fields.items() if new not in (None, "")} == {
        "erp_id": 1,
        "name": "Studio 1",
        "sales_this_year": "1200.50",
        "last_order_date": "2026-01-18",
        "city": "Roma",
    }
    assert {old for old, _new in fields.values()} == {None}
    assert "phone" in fields
    assert "website" not in fields


def test_a_changed_record_keeps_its_row_and_tells_old_and_new(sync_customers):
    sync_customers(customers(1, 2, sales_this_year="10,00 €", city="Roma"))
    row = Customer.objects.get(erp_id=2)
    run = sync_customers([*customers(1, sales_this_year="10,00 €", city="Roma"), {"erp_id": "2", "name": "Studio Due"}])
    assert (run.updated, run.unchanged) == (1, 1)
    changed = Customer.objects.get(erp_id=2)
    assert (changed.pk, changed.created_at) == (row.pk, row.created_at)
    assert changed.changed_at > row.changed_at
    assert (changed.name, changed.sales_this_year, changed.city) == ("Studio Due", None, "")
    ((key, kind, fields),) = changes(run)
    assert (key, kind) == ("2", "updated")
    assert fields == {
        "name": ["Studio 2", "Studio Due"],
        "sales_this_year": ["10.00", None],
        "city": ["Roma", ""],
    }


def test_a_run_that_changes_nothing_writes_no_record_rows(sync_customers, mirror_state):
    sync_customers(customers(1, 2, last_order_date="18/01/2026", sales_this_year="1,5 €", orders_this_year="3"))
    before = mirror_state()
    with CaptureQueriesContext(connection) as queries:
        run = sync_customers(
            customers(1, 2, last_order_date="18/01/2026", sales_this_year="1,5 €", orders_this_year="3")
        )
    assert (run.status, run.unchanged) == (Status.SUCCEEDED, 2)
    written = [query["sql"] for query in queries if query["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
    assert written
    assert all('"sync_' in sql and "recordchange" not in sql for sql in written)
    assert mirror_state() == before


def test_removal_needs_two_absences_and_is_soft(sync_customers):
    sync_customers(customers(1, 2))
    first = sync_customers(customers(1))
    absent = Customer.objects.get(erp_id=2)
    assert (first.missing, first.removed) == (1, 0)
    assert absent.missing_since
    assert absent.removed_at is None
    second = sync_customers(customers(1))
    absent.refresh_from_db()
    assert (second.missing, second.removed) == (0, 1)
    assert absent.removed_at
    third = sync_customers(customers(1))
    assert (third.missing, third.removed, third.unchanged) == (0, 0, 1)
    assert [change[1] for run in (first, second, third) for change in changes(run)] == ["missing", "removed"]
    assert list(Customer.objects.present()) == [Customer.objects.get(erp_id=1)]


@pytest.mark.parametrize("absences", [1, 2, 3])
def test_a_record_that_comes_back_is_the_same_row(sync_customers, absences):
    sync_customers(customers(1, 2))
    row = Customer.objects.get(erp_id=2)
    for _ in range(absences):
        sync_customers(customers(1))
    run = sync_customers(customers(1, 2, city="Roma"))
    back = Customer.objects.get(erp_id=2)
    assert run.restored == 1
    assert (back.pk, back.missing_since, back.removed_at, back.city) == (row.pk, None, None, "Roma")
    assert ("2", "restored", {"city": ["", "Roma"]}) in changes(run)


def test_an_absence_is_forgotten_when_the_record_is_seen_in_between(sync_customers):
    sync_customers(customers(1, 2))
    for rows in (customers(1), customers(1, 2), customers(1)):
        run = sync_customers(rows)
    assert (run.missing, run.removed) == (1, 0)


def test_an_incremental_run_removes_nothing(sync_customers):
    sync_customers(customers(1, 2))
    run = sync_customers(customers(1, 3), mode="incremental")
    assert (run.created, run.missing, run.removed) == (1, 0, 0)
    assert Customer.objects.get(erp_id=2).missing_since is None


def test_an_automatic_run_is_full_when_the_last_full_success_is_old(sync_customers):
    assert sync_customers(customers(1), mode="auto").mode == "full"
    assert sync_customers(customers(1), mode="auto").mode == "incremental"
    SyncRun.objects.update(finished_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert sync_customers(customers(1), mode="auto").mode == "full"


def test_a_column_that_is_hidden_keeps_its_mirrored_values(sync_customers, tmp_path):
    sync_customers(customers(1, city="Roma", website="studio1.example"))
    shown = [cells | {"website": ""} for cells in customers(1, city="Milano")]
    run = sync_customers(shown, hidden=("website",))
    kept = Customer.objects.get(erp_id=1)
    assert (kept.city, kept.website) == ("Milano", "studio1.example")
    assert any("URL:" in note and "their mirrored values are kept" in note for note in run.notes)


def test_a_moment_in_the_hour_that_is_repeated_does_not_change_for_ever(tmp_path, db):
    orders = [{"erp_id": "1", "ordered_at": "25/10/2026 02:30:00"}]
    path = draw_list(tmp_path / "Ordini.pdf", get_service("orders"), orders)
    for _ in range(2):
        run = request_sync("orders", trigger=SyncRun.Trigger.MANUAL, given_file=path)
        runner.wait_for(run)
    assert (run.updated, run.unchanged) == (0, 1)


def test_an_export_that_lacks_too_much_is_quarantined_and_changes_nothing(sync_customers, mirror_state):
    sync_customers(customers(*range(1, 61)))
    before = mirror_state()
    run = sync_customers(customers(*range(1, 40)))
    assert (run.status, run.error_class) == (Status.QUARANTINED, "TooManyMissing")
    assert "lacks 21 of the 60 mirrored records" in run.error_text
    assert mirror_state() == before


def test_a_filtered_export_is_quarantined_in_an_incremental_run_too(sync_customers, mirror_state):
    sync_customers(customers(*range(1, 61)))
    before = mirror_state()
    assert sync_customers(customers(*range(1, 40)), mode="incremental").status == Status.QUARANTINED
    assert mirror_state() == before


def test_up_to_twenty_or_a_tenth_may_go_missing(sync_customers):
    sync_customers(customers(*range(1, 301)))
    assert sync_customers(customers(*range(31, 301))).missing == 30
    assert sync_customers(customers(*range(1, 301))).restored == 30
    assert sync_customers(customers(*range(32, 301))).status == Status.QUARANTINED


def test_a_quarantined_export_can_be_accepted(sync_customers):
    sync_customers(customers(*range(1, 61)))
    quarantined = sync_customers(customers(*range(1, 40)))
    accepted = accept(quarantined)
    runner.wait_for(accepted)
    assert (accepted.status, accepted.missing) == (Status.SUCCEEDED, 21)
    assert accepted.exported_at == quarantined.exported_at
    assert accepted.export_sha256 == quarantined.export_sha256


@pytest.mark.django_db(transaction=True)
def test_an_export_is_accepted_once_or_it_would_prove_two_absences(sync_customers):
    sync_customers(customers(*range(1, 61)))
    quarantined = sync_customers(customers(*range(1, 40)))
    assert quarantined.error_facts == {"missing": "21", "mirrored": "60", "allowed": "20"}
    assert quarantined.waits_for_a_decision
    accepted = accept(quarantined)
    with pytest.raises(CannotAccept, match="accepted already"):
        accept(quarantined)
    with pytest.raises(IntegrityError, match=r"accepts"), transaction.atomic():
        SyncRunFactory(status=Status.QUEUED, accepts=quarantined)
    kept = Path(quarantined.export_path)
    assert kept.is_file()
    runner.wait_for(accepted)
    assert not kept.exists()
    with pytest.raises(CannotAccept, match="accepted already"):
        accept(quarantined)


def test_an_export_that_was_quarantined_twice_is_accepted_once(sync_customers, tmp_path):
    sync_customers(customers(*range(1, 61)))
    first = sync_customers(customers(*range(1, 40)))
    again = request_sync("customers", mode="full", trigger=SyncRun.Trigger.MANUAL, given_file=tmp_path / "Clienti.pdf")
    runner.wait_for(again)
    assert (first.status, again.status, again.read) == (Status.QUARANTINED, Status.QUARANTINED, 39)
    runner.wait_for(accept(first))
    with pytest.raises(CannotAccept, match="this export or a later one has been applied in the meantime"):
        accept(again)


def test_an_acceptance_that_failed_may_be_tried_again(sync_customers, monkeypatch):
    sync_customers(customers(*range(1, 61)))
    quarantined = sync_customers(customers(*range(1, 40)))
    monkeypatch.setattr(mirror.Writer, "write", lambda *args: 1 / 0)
    runner.wait_for(accept(quarantined))
    monkeypatch.undo()
    again = accept(quarantined)
    runner.wait_for(again)
    assert (again.status, again.missing) == (Status.SUCCEEDED, 21)


def test_only_a_quarantined_export_that_is_still_the_latest_can_be_accepted(sync_customers):
    applied = sync_customers(customers(*range(1, 61)))
    quarantined = sync_customers(customers(*range(1, 40)))
    with pytest.raises(CannotAccept, match="succeeded, not quarantined"):
        accept(applied)
    sync_customers(customers(*range(1, 62)))
    with pytest.raises(CannotAccept, match="or a later one has been applied"):
        accept(quarantined)


def test_a_smart_run_applies_the_newest_and_queues_a_full_one_for_the_rest(sync_customers):
    run = sync_customers(customers(*range(1, 131)), mode="smart")
    assert (run.created, run.status) == (100, Status.SUCCEEDED)
    assert set(Customer.objects.values_list("erp_id", flat=True)) == set(range(31, 131))
    (queued,) = SyncRun.objects.queued()
    assert (queued.sync_type, queued.mode) == ("customers", "full")


def test_a_list_without_a_record_waits_for_a_person_unless_it_may_be_empty(sync_list, sync_customers):
    run = sync_customers([])
    assert (run.status, run.error_class) == (Status.QUARANTINED, "ListEmpty")
    assert sync_list("invoices", []).status == Status.SUCCEEDED


def test_the_last_few_records_are_not_removed_by_a_list_without_any(sync_customers):
    sync_customers(customers(1, 2, 3))
    assert sync_customers([]).error_class == "ListEmpty"
    assert Customer.objects.present().count() == 3


def test_that_a_list_is_empty_is_accepted_once(sync_customers):
    accepted = runner.wait_for(accept(sync_customers([])))
    assert (accepted.status, accepted.read) == (Status.SUCCEEDED, 0)
    assert sync_customers([]).status == Status.SUCCEEDED


@pytest.mark.parametrize("cell", ["a\0b", "\ud800"])
def test_a_text_that_no_database_takes_fails_the_run_and_no_more(sync_customers, monkeypatch, cell):
    first = sync_customers(customers(1))
    pages = PageProcess.__iter__

    def spoilt(self):
        for page in pages(self):
            yield page._replace(rows=[[text.replace("Studio", cell) for text in line] for line in page.rows])

    monkeypatch.setattr(PageProcess, "__iter__", spoilt)
    run = sync_customers(customers(1))
    run.refresh_from_db()
    assert (first.status, run.status, run.error_class) == (Status.SUCCEEDED, Status.FAILED, "UnreadableRequiredValue")


def test_a_bug_below_fails_the_run_and_changes_nothing(sync_customers, mirror_state, monkeypatch, caplog):
    sync_customers(customers(1))
    before = mirror_state()
    monkeypatch.setattr(RecordChange, "__init__", lambda *args, **kwargs: 1 / 0)
    run = sync_customers(customers(1, 2))
    monkeypatch.undo()
    assert (run.status, run.error_class, run.created) == (Status.FAILED, "ZeroDivisionError", 0)
    assert "Traceback" in caplog.text
    assert mirror_state() == before
