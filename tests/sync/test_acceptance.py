"""Accepting a quarantined export in the admin: who may, what the page shows before, and what comes of it."""

import datetime as dt
import re
from html import unescape
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from customers.models import Customer
from sync.messages import Message
from sync.models import SyncEvent, SyncLock, SyncRun
from sync.service import get_service, list_services
from tests.factories import CustomerFactory, PriceFactory, SyncRunFactory
from tests.sync.conftest import customers
from tests.sync.pages import html_of, run_page, said, url

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]

Status = SyncRun.Status
NOTHING_CHANGED = "Nothing has been changed so far."
BUTTON = '<form method="post">'


@pytest.fixture
def quarantined(sync_customers):
    """A run that was refused: 21 of 30 customers are not in its export."""
    sync_customers(customers(*range(1, 31)))
    run = sync_customers(customers(*range(1, 10)))
    assert run.status == Status.QUARANTINED
    return run


def accept_url(run):
    return reverse("admin:sync_syncrun_accept", args=[run.pk])


# Who may


@pytest.mark.parametrize("held", [["view_syncrun"], ["accept_syncrun"], ["view_syncrun", "change_syncrun"]])
def test_without_the_permission_nobody_accepts_an_export(held, quarantined, colleague):
    client = colleague(*held)
    assert client.get(accept_url(quarantined)).status_code == 403
    assert client.post(accept_url(quarantined)).status_code == 403
    assert not SyncRun.objects.filter(accepts=quarantined).exists()


def test_without_the_permission_there_is_no_button_and_no_action(quarantined, colleague):
    client = colleague("view_syncrun")
    assert accept_url(quarantined) not in run_page(client, quarantined)
    assert "accept_export" not in html_of(client, url(SyncRun, "changelist"))


def test_with_the_permission_there_is_a_button_and_an_action(quarantined, colleague):
    client = colleague("view_syncrun", "accept_syncrun")
    assert accept_url(quarantined) in run_page(client, quarantined)
    assert "accept_export" in html_of(client, url(SyncRun, "changelist"))


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.QUARANTINED}))
def test_only_a_quarantined_run_has_the_button(status, admin_client):
    run = SyncRunFactory(status=status)
    assert accept_url(run) not in run_page(admin_client, run)
    _, asked, question = html_of(admin_client, accept_url(run)).partition('class="asking"')
    assert asked
    assert "<form method=" not in question


# What would be lost


def question(client, run):
    _, asked, html = html_of(client, accept_url(run)).partition('class="asking"')
    assert asked
    return html


def count_in(html, name):
    return int(html.partition(f'<th scope="row">{name}</th><td>')[2].partition("</td>")[0])


def table_in(html, name):
    """The table below a heading: whole rows of it, as they are in the page."""
    rows = html.partition(f">{name}</h2>")[2].partition("<tbody>")[2].partition("</tbody>")[0]
    return rows.replace("<tr>", "").split("</tr>")[:-1]


def row_of(customer, town="-", last_order="-"):
    name = f'<a href="{url(Customer, "change", customer.pk)}">{customer}</a>'
    return "".join(f"<td>{cell}</td>" for cell in (customer.erp_id, name, town, last_order))


def test_the_page_says_plainly_that_nothing_was_changed(quarantined, admin_client):
    html = question(admin_client, quarantined)
    assert html.index(NOTHING_CHANGED) < html.index(BUTTON)


def test_the_page_names_each_record_that_would_be_lost(quarantined, admin_client):
    rows = table_in(question(admin_client, quarantined), "Would be marked missing")
    assert rows == [row_of(customer) for customer in Customer.objects.filter(erp_id__gte=10).order_by("erp_id")]


def test_of_a_customer_that_would_be_lost_town_and_last_order_are_shown(quarantined, admin_client):
    customer = Customer.objects.get(erp_id=30)
    customer.city, customer.last_order_date = "Roma", dt.date(2026, 1, 18)
    customer.save()
    rows = table_in(question(admin_client, quarantined), "Would be marked missing")
    assert row_of(customer, "Roma", "18/01/2026") in rows


LOST = {  # what is mirrored of the record that an export lacks, and what is shown of it beside its key and its name
    "orders": (
        {
            "erp_id": "30",
            "number": "ORD/26000030",
            "customer_name": "Studio Rossi",
            "ordered_at": "20/01/2026 12:04:22",
            "total_amount": "1.200,50 €",
        },
        ["Studio Rossi", "20/01/2026 12:04", "1,200.50 €"],
    ),
    "ddt": (
        {
            "erp_id": "30",
            "number": "DDT/26000030",
            "customer_name": "Studio Rossi",
            "delivery_date": "20/01/2026",
            "pieces": "6",
        },
        ["Studio Rossi", "20/01/2026", "6"],
    ),
    "invoices": (
        {
            "number": "CF1/26000030",
            "customer_name": "Studio Rossi",
            "invoice_date": "20/01/2026",
            "total_amount": "-122,00",
        },
        ["Studio Rossi", "20/01/2026", "-122.00 €"],
    ),
    "prices": (
        {
            "erp_id": "30",
            "product_name": "9801.314.016",
            "product_erp_id": "000030K2",
            "account_code": "Group",
            "account": "002",
            "unit_price": "12,40",
            "currency": "EUR",
            "valid_to": "31/12/2154",
        },
        ["000030K2", "002", "12.40", "31/12/2154"],
    ),
    "products": (
        {"erp_id": "000030K2", "name": "9801.314.016", "description": "FRESA"},
        ["FRESA", "12.90"],
    ),
}
LOSS_COLUMNS = [each.sync_type for each in list_services() if each.loss_columns and each.sync_type != "customers"]


@pytest.mark.parametrize("sync_type", LOSS_COLUMNS)
def test_of_every_list_s_records_that_is_shown_by_which_a_person_can_judge(sync_type, sync_list, admin_client):
    PriceFactory(product_erp_id="000030K2", unit_price="12.40", valid_from=dt.date(2024, 1, 1))
    PriceFactory(product_erp_id="000030K2", unit_price="12.90", valid_from=dt.date(2026, 1, 1))
    assert sync_type in LOST, f"Write into LOST of {__file__} a record of {sync_type}, and what is shown of it"
    cells, shown = LOST[sync_type]
    key = get_service(sync_type).layout.key
    others = [cells | {key: f"{number:06}K2" if sync_type == "products" else str(number)} for number in range(1, 24)]
    sync_list(sync_type, [*others, cells])
    run = sync_list(sync_type, others[:2])
    assert run.status == Status.QUARANTINED
    rows = table_in(question(admin_client, run), "Would be marked missing")
    [row] = [row for row in rows if f"<td>{cells[key]}<" in row]
    assert re.findall("<td>(.*?)</td>", row)[2:] == shown


def test_who_may_not_see_prices_does_not_see_the_last_price_of_a_product(sync_list, colleague):
    PriceFactory(product_erp_id="000001K2", unit_price="12.90")
    rows = [{"erp_id": f"{number:06}K2", "name": "9801"} for number in range(24)]
    sync_list("products", rows)
    run = sync_list("products", rows[-1:])
    for permission, is_shown in (("view_price", True), ("view_customer", False)):
        html = question(colleague("view_syncrun", "accept_syncrun", "view_product", permission), run)
        assert ("last price" in html, "12.90" in html) == (is_shown, is_shown)


def test_the_page_says_how_to_undo_an_acceptance_before_and_after_it(quarantined, admin_client):
    way = "correct the list in the ERP and sync again"
    assert way in question(admin_client, quarantined)
    admin_client.post(accept_url(quarantined))
    accepting = SyncRun.objects.get(accepts=quarantined)
    assert way in run_page(admin_client, accepting)
    assert way not in run_page(admin_client, quarantined)


def test_what_the_page_says_of_undoing_is_true(quarantined, admin_client, sync_customers):
    """Removed records come back as the same rows, and so do values, with the next whole export."""
    before = dict(Customer.objects.values_list("erp_id", "pk"))
    admin_client.post(accept_url(quarantined))
    sync_customers(customers(*range(1, 10)))
    assert Customer.objects.filter(removed_at__isnull=False).count() == 21
    run = sync_customers(customers(*range(1, 31)))
    assert (run.status, run.restored) == (Status.SUCCEEDED, 21)
    assert not Customer.objects.exclude(removed_at=None, missing_since=None).exists()
    assert dict(Customer.objects.values_list("erp_id", "pk")) == before


def test_records_that_would_be_removed_stand_apart_from_those_first_missing(sync_customers, admin_client):
    for last in (31, 30):
        sync_customers(customers(*range(1, last + 1)))
    run = sync_customers(customers(*range(1, 10)))
    html = question(admin_client, run)
    assert table_in(html, "Would be removed") == [row_of(Customer.objects.get(erp_id=31))]
    assert len(table_in(html, "Would be marked missing")) == 21
    assert (count_in(html, "Would be removed"), count_in(html, "Would be marked missing")) == (1, 21)


def test_the_page_counts_what_would_be_created_and_updated(sync_customers, admin_client):
    sync_customers(customers(*range(1, 31)))
    run = sync_customers(customers(1, 2, 3) + customers(4, 5, city="Roma") + customers(90))
    html = question(admin_client, run)
    assert (count_in(html, "Would be created"), count_in(html, "Would be updated")) == (1, 2)


def test_the_export_is_read_beside_the_mirror_as_it_is_now(quarantined, admin_client):
    Customer.objects.filter(erp_id__gte=29).delete()
    assert count_in(question(admin_client, quarantined), "Would be marked missing") == 19


def test_of_very_many_records_the_first_are_named_and_the_others_counted(quarantined, admin_client, monkeypatch):
    monkeypatch.setattr("sync.admin.runs.losses.NAMED", 5)
    html = question(admin_client, quarantined)
    assert len(table_in(html, "Would be marked missing")) == 5
    assert "and 16 more" in html


def test_a_name_is_escaped(quarantined, admin_client):
    customer = Customer.objects.get(erp_id=30)
    customer.name = "<b>Studio</b>"
    customer.save()
    html = question(admin_client, quarantined)
    assert "&lt;b&gt;Studio&lt;/b&gt;" in html
    assert "<b>Studio" not in html


def test_who_may_not_see_the_list_gets_the_keys_without_names(quarantined, colleague):
    html = question(colleague("view_syncrun", "accept_syncrun"), quarantined)
    assert "<td>30</td>" in table_in(html, "Would be marked missing")
    assert "Studio" not in html


def test_who_may_see_the_list_gets_names_that_lead_to_the_records(quarantined, colleague):
    html = question(colleague("view_syncrun", "accept_syncrun", "view_customer"), quarantined)
    assert row_of(Customer.objects.get(erp_id=30)) in table_in(html, "Would be marked missing")


def test_the_page_asks_as_many_questions_for_many_records_as_for_few(quarantined, sync_customers, admin_client):
    question(admin_client, quarantined)
    with CaptureQueriesContext(connection) as for_few:
        question(admin_client, quarantined)
    Customer.objects.bulk_create(CustomerFactory.build_batch(200))
    with CaptureQueriesContext(connection) as for_many:
        assert count_in(question(admin_client, quarantined), "Would be marked missing") == 221
    assert len(for_many) == len(for_few)


def test_looking_takes_no_lock_and_writes_nothing(quarantined, admin_client):
    admin_client.get(accept_url(quarantined))
    before = list(SyncLock.objects.values()), list(SyncRun.objects.values()), SyncEvent.objects.count()
    with CaptureQueriesContext(connection) as queries:
        admin_client.get(accept_url(quarantined))
    assert not [query for query in queries if re.search("INSERT|UPDATE|DELETE|BEGIN|SAVEPOINT", query["sql"])]
    assert (list(SyncLock.objects.values()), list(SyncRun.objects.values()), SyncEvent.objects.count()) == before


def refused(client, run):
    html = unescape(question(client, run))
    assert BUTTON not in html
    assert NOTHING_CHANGED not in html
    return html


def test_an_export_that_is_gone_cannot_be_accepted(quarantined, admin_client):
    Path(quarantined.export_path).unlink()
    assert f"Run {quarantined.pk} cannot be accepted: its export is no longer kept." in refused(
        admin_client, quarantined
    )


def test_an_export_that_cannot_be_read_says_why_and_has_no_button(quarantined, admin_client):
    Path(quarantined.export_path).write_bytes(b"")
    assert "The export is empty (0 bytes)." in refused(admin_client, quarantined)


def test_an_export_that_this_process_may_not_read_says_so(quarantined, admin_client, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("sync.coordinator.reading.read_export", refuse)
    assert "The kept export cannot be read: Permission denied." in refused(admin_client, quarantined)


def test_an_export_older_than_the_mirror_has_no_button(quarantined, admin_client, sync_customers):
    sync_customers(customers(*range(1, 31), city="Roma"))
    assert "this export or a later one has been applied in the meantime." in refused(admin_client, quarantined)


def test_an_accepted_export_has_no_button(quarantined, admin_client):
    admin_client.post(accept_url(quarantined))
    assert "it has been accepted already." in refused(admin_client, quarantined)


def test_the_export_of_a_list_that_is_no_longer_mirrored_has_no_button(quarantined, admin_client):
    SyncRun.objects.filter(pk=quarantined.pk).update(sync_type="former_list")
    assert "former_list is no longer mirrored" in refused(admin_client, quarantined)


# Accepting


def test_before_an_export_is_accepted_the_page_shows_what_was_expected_and_what_came(quarantined, admin_client):
    html = html_of(admin_client, accept_url(quarantined))
    for name, number in (
        ("Expected records, as in the mirror", 30),
        ("Records in the export", 9),
        ("Would be marked missing", 21),
        ("May be missing without asking", 20),
    ):
        assert f'<th scope="row">{name}</th><td>{number}</td>' in html
    assert quarantined.error_text in unescape(html)


def test_what_was_expected_is_told_as_it_was_kept_if_it_is_no_number(quarantined, admin_client):
    SyncRun.objects.update(error_text=Message("{mirrored}, {allowed}", mirrored="n/a", allowed="20"))
    html = html_of(admin_client, accept_url(quarantined))
    assert '<th scope="row">Expected records, as in the mirror</th><td>n/a</td>' in html
    assert '<th scope="row">May be missing without asking</th><td>20</td>' in html


def test_looking_never_accepts(quarantined, admin_client, mirror_state):
    before = mirror_state()
    admin_client.get(accept_url(quarantined))
    admin_client.get(accept_url(quarantined), {"post": "yes"})
    admin_client.head(accept_url(quarantined))
    assert not SyncRun.objects.filter(accepts=quarantined).exists()
    assert mirror_state() == before


def test_another_site_cannot_accept_in_somebody_s_name(quarantined, admin_user, client):
    client.handler.enforce_csrf_checks = True
    client.force_login(admin_user)
    assert client.post(accept_url(quarantined)).status_code == 403
    assert not SyncRun.objects.filter(accepts=quarantined).exists()


def test_an_accepted_export_is_applied_at_once(quarantined, admin_client, admin_user):
    answer = admin_client.post(accept_url(quarantined))
    accepted = SyncRun.objects.get(accepts=quarantined)
    assert answer.url == url(SyncRun, "change", accepted.pk)
    assert said(answer) == ["Applied: 0 created, 0 updated, 21 missing, 0 removed."]
    assert (accepted.status, accepted.requested_by, accepted.trigger) == (Status.SUCCEEDED, admin_user, "accept")
    assert Customer.objects.filter(missing_since__isnull=False).count() == 21

    html = run_page(admin_client, quarantined)
    assert url(SyncRun, "change", accepted.pk) in html
    assert accept_url(quarantined) not in html


def test_an_export_is_accepted_once_however_often_the_button_is_pressed(quarantined, admin_client, mirror_state):
    admin_client.post(accept_url(quarantined))
    before = mirror_state()
    answer = admin_client.post(accept_url(quarantined))
    assert SyncRun.objects.filter(accepts=quarantined).count() == 1
    assert said(answer)[-1] == f"Run {quarantined.pk} cannot be accepted: it has been accepted already."
    assert mirror_state() == before


def test_an_export_whose_acceptance_failed_can_be_accepted_again(quarantined, admin_client):
    SyncRunFactory(accepts=quarantined, status=Status.FAILED)
    assert accept_url(quarantined) in run_page(admin_client, quarantined)
    answer = admin_client.post(accept_url(quarantined))
    assert said(answer) == ["Applied: 0 created, 0 updated, 21 missing, 0 removed."]


def test_an_export_that_can_no_longer_be_accepted_says_why(quarantined, admin_client, sync_customers):
    sync_customers(customers(*range(1, 31), city="Roma"))
    answer = admin_client.post(accept_url(quarantined))
    assert answer.url == url(SyncRun, "change", quarantined.pk)
    assert said(answer) == [
        f"Run {quarantined.pk} cannot be accepted: this export or a later one has been applied in the meantime. "
        "Run the sync again."
    ]


def test_an_accepted_export_that_fails_says_why(quarantined, admin_client):
    Path(quarantined.export_path).write_bytes(b"")
    answer = admin_client.post(accept_url(quarantined))
    accepted = SyncRun.objects.get(accepts=quarantined)
    assert accepted.status == Status.FAILED
    assert said(answer) == [f"Not applied: {accepted.error_text}"]


def test_a_run_that_another_process_took_is_said_to_wait(quarantined, admin_client, monkeypatch):
    monkeypatch.setattr("sync.admin.runs.acceptance.ACCEPTED_WITHIN", dt.timedelta(seconds=0.1))
    SyncLock.objects.update(holder="another", leased_until=timezone.now() + dt.timedelta(minutes=1))
    answer = admin_client.post(accept_url(quarantined))
    accepted = SyncRun.objects.get(accepts=quarantined)
    assert said(answer) == [f"Run {accepted.pk} waits for its turn."]


def test_the_action_leads_from_one_chosen_run_to_the_page_that_asks(quarantined, admin_client):
    chosen = {"action": "accept_export", "_selected_action": [quarantined.pk]}
    answer = admin_client.post(url(SyncRun, "changelist"), chosen)
    assert answer.url == accept_url(quarantined)
    assert not SyncRun.objects.filter(accepts=quarantined).exists()


def test_the_action_takes_one_run_at_a_time(quarantined, admin_client):
    chosen = {"action": "accept_export", "_selected_action": [quarantined.pk, SyncRunFactory().pk]}
    answer = admin_client.post(url(SyncRun, "changelist"), chosen)
    assert said(answer) == ["Select only one run: exports are accepted one at a time."]
    assert not SyncRun.objects.filter(accepts=quarantined).exists()


def test_a_run_that_is_not_there_cannot_be_accepted(admin_client):
    assert admin_client.get(reverse("admin:sync_syncrun_accept", args=[1])).status_code == 404
