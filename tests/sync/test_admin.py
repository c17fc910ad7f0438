"""The admin pages of runs and their changes, to look at."""

import datetime as dt
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers.models import Customer
from sync.admin.change_list import BoundedPaginator
from sync.models import OrderFormSession, RecordChange, SyncEvent, SyncRun, SyncSchedule
from sync.service import get_service
from tests import factories
from tests.lists import TYPES, factory_for
from tests.sync.pages import html_of, run_page, shown, url

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]

Status = SyncRun.Status
NOW = dt.datetime(2026, 1, 20, 11, 4, 22, tzinfo=dt.UTC)


# Runs


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (1.31, "1.3 s"),
        (59.97, "1 min"),
        (60, "1 min"),
        (125.4, "2 min 5 s"),
        (3599.4, "59 min 59 s"),
        (3599.5, "1 h 0 min"),
        (5430, "1 h 30 min"),
        (7199, "2 h 0 min"),
    ],
)
def test_a_duration_is_told_in_seconds_minutes_and_hours(seconds, text, admin_client):
    run = factories.SyncRunFactory(took=dt.timedelta(seconds=seconds))
    assert f'<div class="readonly">{text}</div>' in run_page(admin_client, run)


def test_a_run_that_lasts_has_no_duration(admin_client):
    html = run_page(admin_client, factories.SyncRunFactory(status=Status.RUNNING, pages_read=30, pages=96))
    assert "▶ running" in html
    assert "30 of 96" in html


def test_a_run_s_page_shows_every_field(admin_client):
    answer = admin_client.get(url(SyncRun, "change", factories.SyncRunFactory().pk))
    names = {
        getattr(field, "__name__", field)
        for fieldset in answer.context["adminform"]
        for line in fieldset
        for field in line.fields
    }
    told_otherwise = {
        "status": "state",
        "sync_type": "type_column",
        "stage": "stage_now",
        "pages": "pages_of",
        "pages_read": "pages_of",
        "export_size": "size",
    }
    in_its_story = {"control_totals", "coverage", "error_text", "notes", "ended_attempts"}
    fields = {field.name for field in SyncRun._meta.fields} - {"id", *in_its_story}
    assert {told_otherwise.get(name, name) for name in fields} <= names


def test_what_is_not_known_of_a_run_is_a_dash(admin_client):
    times = dict.fromkeys(("started_at", "exported_at", "finished_at"))
    factories.SyncRunFactory(sync_type="no longer mirrored", requested_at=NOW, **times)
    for answer in (run_page(admin_client, SyncRun.objects.get()), html_of(admin_client, url(SyncRun, "changelist"))):
        assert ">None<" not in answer


def test_a_run_s_page_leads_to_its_changes(admin_client):
    change, _other = factories.RecordChangeFactory(), factories.RecordChangeFactory()
    address = url(RecordChange, "changelist", run=change.run.pk)
    assert f'href="{address}"' in run_page(admin_client, change.run)
    assert list(admin_client.get(address).context["cl"].result_list) == [change]


# Changes


def test_the_list_of_changes_asks_as_many_questions_for_thirty_as_for_one(admin_client, django_assert_num_queries):
    factories.RecordChangeFactory(fields={"city": ["Roma", "Milano"]})
    shown(admin_client, RecordChange)
    with CaptureQueriesContext(connection) as for_one:
        shown(admin_client, RecordChange)
    factories.RecordChangeFactory.create_batch(29, fields={"city": ["Roma", "Milano"]})
    with django_assert_num_queries(len(for_one)):
        assert len(shown(admin_client, RecordChange)) == 30


def test_a_change_tells_old_and_new_as_the_erp_prints_them(admin_client):
    factories.RecordChangeFactory(
        fields={
            "city": ["Roma", "Milano"],
            "sales_this_year": ["1200.50", None],
            "last_order_date": ["2026-01-18", "2026-02-05"],
            "orders_this_year": [None, 3],
        }
    )
    html = html_of(admin_client, url(RecordChange, "changelist"))
    for line in (
        "city</span> Roma → Milano",
        "sales this year</span> 1,200.50 € → -",
        "last order</span> 18/01/2026 → 05/02/2026",
        "orders this year</span> - → 3",
    ):
        assert line in html


def test_a_change_is_escaped_and_shortened_in_the_list_and_whole_on_its_page(admin_client):
    long = "<b>" + "x" * 60
    names = ["city", "street", "phone", "mobile", "website", "name"]
    change = factories.RecordChangeFactory(fields={name: ["", long] for name in names})
    html = html_of(admin_client, url(RecordChange, "changelist"))
    assert "- → &lt;b&gt;" + "x" * 36 + "…" in html
    assert "and 2 more" in html
    assert "<b>" not in html

    html = html_of(admin_client, url(RecordChange, "change", change.pk))
    assert html.count("<td>&lt;b&gt;" + "x" * 60 + "</td>") == 6


def test_a_created_record_s_values_are_counted_in_the_list_and_shown_on_its_change_s_page(admin_client):
    change = factories.RecordChangeFactory(kind="created", fields={"erp_id": [None, 1001], "city": [None, ""]})
    link = f'<a href="{url(RecordChange, "change", change.pk)}">1 first value</a>'
    html = html_of(admin_client, url(RecordChange, "changelist"))
    assert link in html
    assert "ERP ID</span>" not in html
    assert "<td>ERP ID</td><td>-</td><td>1001</td>" in html_of(admin_client, url(RecordChange, "change", change.pk))


def test_a_record_that_was_created_before_first_values_were_kept_has_none(admin_client):
    change = factories.RecordChangeFactory(kind="created")
    for address in (url(RecordChange, "changelist"), url(RecordChange, "change", change.pk)):
        assert "first value" not in html_of(admin_client, address)


@pytest.mark.parametrize(
    ("sync_type", "fields"),
    [
        ("customers", {"fax_number": ["06 1", "06 2"]}),
        ("former_list", {"city": ["06 1", "06 2"]}),
        ("customers", {"last_order_date": ["06 1", "06 2"]}),
    ],
)
def test_a_change_of_what_the_lists_no_longer_have_is_shown_as_it_was_kept(sync_type, fields, admin_client):
    change = factories.RecordChangeFactory(sync_type=sync_type, fields=fields)
    assert f"{next(iter(fields))}</span> 06 1 → 06 2" in html_of(admin_client, url(RecordChange, "changelist"))
    assert "06 2" in html_of(admin_client, url(RecordChange, "change", change.pk))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "1001"}, {"1001"}),
        ({"q": " 1001 "}, {"1001"}),
        ({"q": "CF1/26000695"}, {"CF1/26000695"}),
        ({"q": "100"}, set()),
        ({"kind__exact": "created"}, {"CF1/26000695"}),
        ({"sync_type": "customers"}, {"1001"}),
        ({"sync_type": "customers", "key": "1001"}, {"1001"}),
    ],
)
def test_changes_are_found_by_the_whole_key_the_kind_and_the_type(query, found, admin_client):
    factories.RecordChangeFactory(key="1001")
    factories.RecordChangeFactory(sync_type="invoices", key="CF1/26000695", kind="created")
    assert {change.key for change in shown(admin_client, RecordChange, **query)} == found


def test_no_list_of_changes_counts_all_of_them(admin_client, monkeypatch):
    monkeypatch.setattr(BoundedPaginator, "limit", 3)
    for number in range(5):
        factories.RecordChangeFactory(key=str(number))
    with CaptureQueriesContext(connection) as queries:
        html = html_of(admin_client, url(RecordChange, "changelist"))
    counts = [query["sql"] for query in queries if "COUNT(" in query["sql"]]
    assert counts
    assert all("LIMIT 3" in sql for sql in counts)
    assert "only the newest 3 are shown" in html
    assert "only the newest" not in html_of(admin_client, url(RecordChange, "changelist", q="1"))


@pytest.mark.parametrize("key", ["CF1/26000695", "9" * 30, "9" * 5000])
def test_a_change_whose_key_no_record_of_the_list_can_have_leads_to_none(key, admin_client):
    change = factories.RecordChangeFactory(key=key)
    for page in (url(RecordChange, "changelist"), url(RecordChange, "change", change.pk)):
        html = html_of(admin_client, page)
        assert key in html
        assert f"erp_id={key}" not in html


def test_a_change_leads_to_its_record_and_its_run(admin_client):
    change = factories.RecordChangeFactory(key="1001")
    for html in (
        html_of(admin_client, url(RecordChange, "changelist")),
        html_of(admin_client, url(RecordChange, "change", change.pk)),
    ):
        assert f'href="{url(Customer, "changelist", erp_id=1001)}"' in html
        assert f'href="{url(SyncRun, "change", change.run.pk)}"' in html


@pytest.mark.parametrize("model", [RecordChange, SyncEvent, OrderFormSession, SyncSchedule, Customer])
@pytest.mark.parametrize(
    "query",
    [
        {"run": "9" * 30},
        {"run": "9" * 5000},
        {"sync_type": "orders", "key": "\0"},
        {"kind__exact": "\0"},
        {"erp_id": "9" * 30},
        {"name": "\0"},
        {"q": "\0"},
        {"q": "a " * 3000},
    ],
    ids=str,
)
def test_no_list_fails_over_an_address_that_makes_no_sense(model, query, admin_client):
    assert admin_client.get(url(model, "changelist", **query), follow=True).status_code == 200


# A record's history


@pytest.mark.parametrize("sync_type", TYPES)
def test_a_record_s_history_is_what_syncs_did_to_it(sync_type, admin_client):
    record = factory_for(sync_type)()
    key = get_service(sync_type).layout.key
    change = factories.RecordChangeFactory(sync_type=sync_type, key=str(getattr(record, key)))
    factories.RecordChangeFactory(sync_type=sync_type, key="another")
    factories.RecordChangeFactory(sync_type="no longer mirrored", key=change.key)

    answer = admin_client.get(url(type(record), "history", record.pk), follow=True)
    assert list(answer.context["cl"].result_list) == [change]
    address = answer.redirect_chain[-1][0]
    assert f'href="{address}"' in unescape(html_of(admin_client, url(type(record), "change", record.pk)))


def test_a_record_that_is_not_there_has_no_history(admin_client):
    assert admin_client.get(url(Customer, "history", 1)).status_code == 404


def test_a_history_is_shown_to_those_who_may_see_the_record_and_the_changes(colleague):
    record = factories.CustomerFactory()
    history = url(Customer, "history", record.pk)
    client = colleague("view_customer")
    assert "History" not in html_of(client, url(Customer, "change", record.pk))
    assert client.get(history, follow=True).status_code == 403


def test_a_history_is_hidden_from_those_who_may_not_see_the_record(colleague):
    record = factories.CustomerFactory()
    assert colleague("view_recordchange").get(url(Customer, "history", record.pk)).status_code == 403


# Who may do what


@pytest.mark.parametrize("make", [factories.SyncRunFactory, factories.RecordChangeFactory], ids=["runs", "changes"])
def test_nothing_can_be_added_changed_or_deleted_even_by_a_superuser(make, admin_client):
    row = make()
    model = type(row)
    assert admin_client.get(url(model, "add")).status_code == 403
    assert admin_client.post(url(model, "change", row.pk), {}).status_code == 403
    assert admin_client.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    assert "delete_selected" not in html_of(admin_client, url(model, "changelist"))


@pytest.mark.parametrize("make", [factories.SyncRunFactory, factories.RecordChangeFactory], ids=["runs", "changes"])
def test_people_with_permission_to_view_may_look(make, colleague):
    row = make()
    client = colleague(f"view_{row._meta.model_name}")
    assert client.get(url(type(row), "changelist")).status_code == 200
    assert client.get(url(type(row), "change", row.pk)).status_code == 200


@pytest.mark.parametrize("make", [factories.SyncRunFactory, factories.RecordChangeFactory], ids=["runs", "changes"])
def test_others_may_not_look(make, colleague):
    row = make()
    client = colleague("accept_syncrun")
    assert client.get(url(type(row), "changelist")).status_code == 403
    assert client.get(url(type(row), "change", row.pk)).status_code == 403


def test_times_and_counts_are_those_of_the_reader_s_language(admin_client):
    run = factories.SyncRunFactory(read=17432, started_at=NOW)
    answer = admin_client.get(url(SyncRun, "change", run.pk), headers={"accept-language": "it"})
    html = answer.content.decode()
    assert "17.432" in html
    assert "20/01/2026 12:04" in html
    assert "✓ riuscita" in html
