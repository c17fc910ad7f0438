"""Columns that come and go are told, in the transaction that applied them, until somebody has seen it."""

import datetime as dt
import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from sync.mirror import column_drift
from sync.models import ColumnDrift, MirroredColumn, SyncEvent, SyncRun
from sync.monitoring import health, retention
from sync.monitoring.fingerprint import compute_status_fingerprint
from sync.monitoring.serializers import SyncStatusSerializer
from tests.factories import ColumnDriftFactory, SyncWorkerFactory, UserFactory
from tests.sync.conftest import customers
from tests.sync.pages import html_of, url

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]

Kind = ColumnDrift.Kind
ROWS = customers(1, city="Roma", website="studio1.example")


def shown(*hidden):
    return [{name: cell for name, cell in cells.items() if name not in hidden} for cells in ROWS]


@pytest.fixture
def sync(sync_customers):
    """Syncs the customer from an export that hides these columns, and may show others that nobody knows."""

    def sync(*hidden, **options):
        run = sync_customers(shown(*hidden), hidden=hidden, **options)
        assert (run.status, run.error_text) == (SyncRun.Status.SUCCEEDED, "")
        return run

    return sync


def drifts():
    return [(each.title, each.kind) for each in column_drift.find_unseen_drifts()]


def told_in_events():
    return [event.facts for event in SyncEvent.objects.filter(kind="columns_changed").order_by("pk")]


# What is a drift


def test_a_first_export_changes_no_columns(sync):
    sync("website")
    assert drifts() == []
    assert told_in_events() == []


def test_a_column_that_is_no_longer_shown_is_told_once_with_as_of_when_its_values_are(sync):
    before = sync()
    run = sync("website")
    sync("website")
    [drift] = ColumnDrift.objects.all()
    assert (drift.title, drift.kind, drift.run) == ("URL", Kind.HIDDEN, run)
    assert (drift.at, drift.values_as_of) == (run.exported_at, before.exported_at)
    assert told_in_events() == [{"hidden": ["URL"]}]


def test_a_column_that_is_shown_again_is_told_too(sync):
    sync()
    sync("website")
    sync()
    assert drifts() == [("URL", Kind.SHOWN)]
    assert told_in_events() == [{"hidden": ["URL"]}, {"shown": ["URL"]}]
    sync("website")
    assert drifts() == [("URL", Kind.HIDDEN)]


def test_a_column_that_was_hidden_before_drift_was_kept_is_told_at_the_next_sync(sync):
    sync()
    long_ago = timezone.now() - dt.timedelta(days=60)
    MirroredColumn.objects.filter(field="website").update(last_seen_at=long_ago)
    ColumnDrift.objects.all().delete()
    sync("website")
    [drift] = column_drift.find_unseen_drifts()
    assert drift.values_as_of == long_ago


def test_a_column_that_nobody_knows_is_told_once_and_when_it_is_gone(sync):
    sync()
    for _ in range(2):
        sync(extra=("NUOVA COLONNA:",))
    assert drifts() == [("NUOVA COLONNA", Kind.UNKNOWN)]
    for _ in range(2):
        sync()
    assert told_in_events() == [{"unknown": ["NUOVA COLONNA"]}, {"gone": ["NUOVA COLONNA"]}]
    assert [each.kind for each in column_drift.find_unseen_drifts()] == [Kind.GONE]
    sync(extra=("NUOVA COLONNA:",))
    assert [each.kind for each in column_drift.find_unseen_drifts()] == [Kind.UNKNOWN]


def test_a_run_that_is_not_applied_changes_no_columns(sync, sync_customers):
    sync()
    run = sync_customers(customers(1, last_order_date="n/d"), hidden=("website",))
    assert run.status == SyncRun.Status.FAILED
    assert drifts() == []
    assert told_in_events() == []


# Where it is told, until it is seen


@pytest.fixture
def drifted(sync):
    """The last sync of customers lacked two columns, and had one that nobody knows."""
    sync()
    SyncWorkerFactory()
    return sync("website", "city", extra=("NUOVA",))


def problem(client):
    return next((each for each in client.get("/admin/now/").context["problems"] if "columns have" in each.what), None)


def day(moment):
    return f"{timezone.localtime(moment):%d/%m/%Y %H:%M}"


def test_the_control_room_names_the_columns_and_as_of_when_their_values_are(drifted, admin_client):
    found = problem(admin_client)
    before = SyncRun.objects.exclude(pk=drifted.pk).get()
    assert found.severity == "warn"
    assert found.what == (
        "Customers: the columns have changed. "
        f"No longer read; the values are from {day(before.exported_at)}: CITTÀ, URL. "
        f"Unknown columns, shown since {day(drifted.exported_at)} and not mirrored: NUOVA."
    )
    assert [str(button.label) for button in found.buttons] == ["Seen"]


def test_who_may_not_mark_it_as_seen_is_told_without_a_button(drifted, colleague):
    assert problem(colleague("view_syncrun", "view_columndrift")).buttons == []


def test_seen_it_is_told_no_more_and_who_saw_it_is_kept(drifted, admin_client, admin_user):
    [button] = problem(admin_client).buttons
    admin_client.post(button.url)
    assert problem(admin_client) is None
    assert set(ColumnDrift.objects.values_list("seen_by", flat=True)) == {admin_user.pk}
    assert not ColumnDrift.objects.unseen().exists()
    event = SyncEvent.objects.get(kind="columns_seen")
    assert (event.sync_type, event.by, event.facts) == ("customers", admin_user, {"columns": ["CITTÀ", "URL", "NUOVA"]})
    html = html_of(admin_client, url(ColumnDrift, "changelist"))
    assert (html.count(">URL:<"), admin_user.username in html) == (1, True)


def test_what_comes_after_somebody_looked_is_not_seen_with_the_rest(drifted, sync, admin_client):
    [button] = problem(admin_client).buttons
    sync("website", "city", "phone")
    admin_client.post(button.url)
    assert "TELEFONO" in problem(admin_client).what
    assert "URL" not in problem(admin_client).what


def test_it_is_seen_once(drifted, admin_user):
    last = column_drift.find_unseen_drifts()[-1]
    assert column_drift.mark_as_seen(last, by=admin_user) == ["CITTÀ", "URL", "NUOVA"]
    assert column_drift.mark_as_seen(last, by=UserFactory()) == []
    assert set(ColumnDrift.objects.values_list("seen_by", flat=True)) == {admin_user.pk}
    assert SyncEvent.objects.filter(kind="columns_seen").count() == 1


def test_the_command_line_names_them_and_does_not_say_that_all_is_well(drifted):
    output = StringIO()
    with pytest.raises(SystemExit):  # other lists were never mirrored
        call_command("syncstatus", stdout=output)
    assert "customers: the columns have changed. No longer read; the values are from" in output.getvalue()


def test_the_status_names_them_for_programs(drifted):
    told = json.loads(json.dumps(SyncStatusSerializer(health.get_status()).data))["types"]
    assert [(each["column"], each["change"]) for each in told["customers"]["columnChanges"]] == [
        ("CITTÀ", "hidden"),
        ("URL", "hidden"),
        ("NUOVA", "unknown"),
    ]
    assert told["orders"]["columnChanges"] == []


def test_a_status_that_was_answered_before_somebody_saw_it_holds_no_longer(drifted, admin_user):
    before = compute_status_fingerprint()
    column_drift.mark_as_seen(column_drift.find_unseen_drifts()[-1], by=admin_user)
    assert compute_status_fingerprint() != before


def test_the_run_s_page_says_which_columns_changed(drifted, admin_client):
    html = html_of(admin_client, reverse("admin:sync_syncrun_change", args=[drifted.pk]))
    assert "Columns changed" in html
    assert "CITTÀ, URL" in html


def test_the_last_change_of_a_column_is_kept_however_old_it_is():
    two_years_ago = timezone.now() - dt.timedelta(days=731)
    first, last = (ColumnDriftFactory(kind=kind, at=two_years_ago) for kind in (Kind.HIDDEN, Kind.SHOWN))
    another = ColumnDriftFactory(field="pack", header="PACCO", at=two_years_ago)
    retention.prune()
    assert set(ColumnDrift.objects.all()) == {last, another}
    assert first.pk
