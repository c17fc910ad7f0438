"""What is known of a customer: the answer, by how many queries and which indexes, and how pages and API show it."""

import datetime as dt
from decimal import Decimal
from html import unescape

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from orders import customer_overview
from orders.customer_overview import MONTHS, Overdue
from orders.models import Invoice
from tests.api.conftest import agent, api, colleague
from tests.factories import (
    CustomerFactory,
    DdtFactory,
    DraftFactory,
    DraftLineFactory,
    InvoiceFactory,
    OrderFactory,
    SyncRunFactory,
)
from tests.plans import explain

__all__ = ["agent", "api", "colleague"]

pytestmark = pytest.mark.django_db

NOW = dt.datetime(2026, 1, 20, 11, tzinfo=dt.UTC)
TODAY = NOW.date()
DAY = dt.timedelta(days=1)
ACCOUNT = "1002239"
ENGLISH, ITALIAN = ({"accept-language": language} for language in ("en", "it"))


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def customer(db):
    return CustomerFactory(erp_id=80, name="Rossi Anna", account_number=ACCOUNT, city="Milano")


@pytest.fixture
def reader(agent):
    """The browser of an agent who is signed in and reads English."""
    client = Client(headers=ENGLISH)
    client.force_login(agent)
    return client


@pytest.fixture
def overview_of(agent):
    return lambda customer: customer_overview.get_overview(customer, user=agent)


def order(days_ago=0, **fields):
    return OrderFactory(account_number=ACCOUNT, ordered_at=NOW - days_ago * DAY, **fields)


def invoice(remaining="122.00", due_in=-1, **fields):
    due_date = None if due_in is None else TODAY + due_in * DAY
    return InvoiceFactory(**{"account_number": ACCOUNT, "remaining_amount": remaining, "due_date": due_date} | fields)


def read(client, path, **options):
    answer = client.get(path, **options)
    assert answer.status_code == 200, path
    return " ".join(unescape(answer.content.decode()).split())


# The answer


def test_what_is_overdue_open_and_credit_are_three_sums(customer, overview_of):
    for remaining, due_in in (("100.00", -1), ("20.50", -30), ("7.00", 0), ("3.00", 5), ("0.00", -9)):
        invoice(Decimal(remaining), due_in)
    invoice(Decimal("-40.00"), -3, total_amount=Decimal("-40.00"))
    overview = overview_of(customer)
    assert overview.overdue == Overdue(2, Decimal("120.50"))
    assert (overview.open_amount, overview.open_credit) == (Decimal("130.50"), Decimal("-40.00"))
    assert overview.unclear_invoices == 0


@pytest.mark.parametrize(("remaining", "due_in"), [(None, -1), (Decimal(5), None)])
def test_an_invoice_without_its_amount_or_due_date_is_unclear_and_not_overdue(customer, overview_of, remaining, due_in):
    invoice(remaining, due_in)
    overview = overview_of(customer)
    assert (overview.overdue, overview.unclear_invoices) == (Overdue(0, Decimal(0)), 1)


def test_what_the_query_finds_overdue_is_what_the_invoice_says_of_itself(customer):
    for remaining in (None, Decimal(-1), Decimal(0), Decimal(1)):
        for due_in in (None, -1, 0, 1):
            invoice(remaining, due_in)
    found = Invoice.objects.filter(Invoice.build_overdue_condition())
    assert set(found) == {each for each in Invoice.objects.all() if each.is_overdue}
    assert customer_overview.find_overdue([customer]) == {ACCOUNT: Overdue(1, Decimal(1))}


def test_without_a_list_of_invoices_nothing_is_known_to_be_owed(customer, overview_of):
    before = overview_of(customer)
    SyncRunFactory(sync_type="invoices")
    after = overview_of(customer)
    assert (before.overdue, before.open_amount, before.open_credit) == (None, None, None)
    assert (after.overdue, after.open_amount) == (Overdue(0, Decimal(0)), 0)


def test_the_usual_interval_is_the_median_of_the_days_between_orders(customer, overview_of):
    for days_ago in (3, 3, 13, 23, 53):
        order(days_ago)
    assert overview_of(customer).usual_days_between_orders is None
    order(63)
    overview = overview_of(customer)
    assert (overview.usual_days_between_orders, overview.days_since_last_order) == (10, 3)


def test_quotes_gifts_and_removed_orders_are_no_sales(customer, overview_of):
    order(1, is_quote=True)
    order(2, is_gift=True)
    order(3, removed_at=NOW)
    overview = overview_of(customer)
    assert (overview.last_order_date, len(overview.orders)) == (None, 2)
    assert overview.months[-1].amount == 0


def test_the_last_order_is_the_later_of_what_two_lists_know(customer, overview_of):
    order(10)
    assert overview_of(customer).last_order_date == TODAY - 10 * DAY
    customer.last_order_date = TODAY - 2 * DAY
    assert overview_of(customer).last_order_date == TODAY - 2 * DAY


def test_a_month_has_the_amounts_of_its_orders_and_none_from_before_the_first_that_is_mirrored(customer, overview_of):
    order(0, total_amount=Decimal("10.00"))
    order(1, total_amount=Decimal("5.50"))
    order(25, total_amount=None)
    OrderFactory(account_number="another", ordered_at=NOW - 70 * DAY)
    months = overview_of(customer).months
    assert len(months) == MONTHS
    assert [each.amount for each in months[-4:]] == [None, Decimal(0), None, Decimal("15.50")]
    assert {each.amount for each in months[:-4]} == {None}


def test_the_years_are_those_of_the_export(customer, overview_of):
    SyncRunFactory(sync_type="customers", started_at=NOW - 30 * DAY)
    customer.sales_this_year = Decimal("12.00")
    years = overview_of(customer).years
    assert [each.year for each in years] == [2025, 2024, 2023]
    assert (years[0].sales, years[1].sales) == (Decimal("12.00"), None)


def test_drafts_are_those_that_the_caller_has_in_hand(customer, overview_of, agent, colleague):
    own = DraftFactory(user=agent, customer=customer)
    DraftFactory(user=colleague, customer=customer)
    DraftFactory(user=agent)
    DraftFactory(user=agent, customer=customer, deleted_at=NOW)
    DraftFactory(user=agent, customer=customer, closed_at=NOW)
    assert overview_of(customer).drafts == [own]


def test_a_prospect_has_no_documents(overview_of):
    OrderFactory(account_number="")
    InvoiceFactory(account_number="")
    overview = overview_of(CustomerFactory(account_number=""))
    assert (overview.orders, overview.ddts, overview.invoices) == ([], [], [])


# Queries


def test_it_takes_as_many_queries_however_many_documents_there_are(customer, overview_of, agent):
    def count():
        with CaptureQueriesContext(connection) as queries:
            overview_of(customer)
        return len(queries)

    order()
    DdtFactory(account_number=ACCOUNT)
    invoice()
    DraftLineFactory(draft__user=agent, draft__customer=customer)
    few = count()
    for _ in range(30):
        order(number="ORD/1")
        DdtFactory(account_number=ACCOUNT, order_number="ORD/1")
        invoice(order_number="ORD/1")
    for _ in range(5):
        DraftLineFactory(draft__user=agent, draft__customer=customer)
    assert (few, count()) == (7, 7)


def test_every_query_is_answered_by_an_index(customer, overview_of, agent):
    DraftLineFactory(draft__user=agent, draft__customer=customer)
    with CaptureQueriesContext(connection) as queries:
        overview_of(customer)
        customer_overview.find_overdue([customer])
    for query in queries.captured_queries:
        plan = explain(query["sql"])
        assert "Seq Scan" not in plan, query["sql"]
        assert not [
            line
            for line in plan.split("\n")
            if line.startswith("SCAN") and "INDEX" not in line and "sync_syncschedule" not in line
        ], plan


# Pages


@pytest.mark.parametrize("path", ["/customers", "/customers/80", "/customers/80/panel", "/orders/new?customer=80"])
def test_a_page_about_customers_asks_who_is_not_signed_in_to_sign_in(path):
    assert Client().get(path)["Location"].startswith("/login?next=")


@pytest.mark.parametrize("path", ["/customers/{}", "/customers/{}/panel", "/orders/new?customer={}"])
@pytest.mark.parametrize("number", ["81", "x", "9" * 18])
def test_a_customer_who_was_never_mirrored_is_not_there(path, number, reader, customer):
    assert reader.get(path.format(80)).status_code == 200
    assert reader.get(path.format(number)).status_code == 404


def test_a_search_finds_as_the_api_does_and_says_what_is_overdue(reader, customer):
    CustomerFactory(name="Verdi Luca")
    invoice(Decimal("1234.50"))
    html = read(reader, "/customers?q=ross")
    assert 'href="/customers/80">Rossi Anna</a>' in html
    assert "Overdue: €1,234.50" in html
    assert "Verdi" not in html
    assert "No customer found" in read(reader, "/customers?q=nobody")


def test_a_page_of_customers_takes_no_more_queries_however_many_there_are(reader, customer):
    def count():
        with CaptureQueriesContext(connection) as queries:
            read(reader, "/customers?q=o")
        return len(queries)

    CustomerFactory(name="Rossi Bruno")
    few = count()
    for number in range(60):
        invoice(account_number=CustomerFactory(name="Rossi", account_number=f"{number}").account_number)
    assert count() <= few  # one fewer: what is similar is sought only if little is found


def test_a_customer_can_be_called_written_to_and_found_on_a_map(reader, customer):
    customer.phone, customer.certified_email = "+39 02 5550 100", "studio@pec.example"
    customer.street, customer.postcode = "Via Roma 5", "20121"
    customer.save()
    html = read(reader, "/customers/80")
    assert 'href="tel:+39%2002%205550%20100"' in html
    assert 'href="mailto:studio@pec.example"' in html
    assert "openstreetmap.org/search?query=Via%20Roma%205%2C%2020121%20Milano" in html


def test_documents_are_shown_with_state_parcel_due_date_and_credit(reader, customer):
    order(5, number="ORD/26000695", sales_status="Consegnato")
    DdtFactory(account_number=ACCOUNT, order_number="ORD/26000695", tracking="fedex 175934530820")
    invoice(Decimal("-40.00"), -3, total_amount=Decimal("-40.00"))
    html = read(reader, "/customers/80")
    assert "Consegnato" in html
    assert "trknbr=175934530820" in html
    assert "Credit note" in html
    invoice(Decimal("10.00"), -3)
    assert "1 overdue invoice: €10.00 as of 20/01/2026." in read(reader, "/customers/80")


def test_what_is_not_known_is_no_zero(reader, customer):
    order(5, total_amount=None)
    html = read(reader, "/customers/80")
    assert "No invoices have arrived from the ERP yet." in html
    assert "Not known" in html
    assert "€0.00" not in html.partition("By month")[0]


def test_the_latest_documents_are_shown_and_all_on_request(reader, customer):
    for number in range(30):
        order(number, number=f"ORD/{number:08}")
    latest, whole = (read(reader, f"/customers/80{rest}") for rest in ("", "?all=orders"))
    assert ("ORD/00000019" in latest, "ORD/00000020" in latest, "Show all 30" in latest) == (True, False, True)
    assert ("ORD/00000029" in whole, "Show all" in whole) == (True, False)


def test_a_removed_customer_is_shown_and_cannot_be_ordered_for(reader, customer):
    assert '/orders/new?customer=80"' in read(reader, "/customers/80")
    customer.removed_at = NOW
    customer.save()
    html = read(reader, "/customers/80")
    assert "nothing can be ordered" in html
    assert "/orders/new?customer=80" not in html
    assert reader.get("/orders/new?customer=80").status_code == 404


def test_the_panel_is_the_same_without_the_page_around_it(reader, customer):
    invoice()
    panel = read(reader, "/customers/80/panel")
    assert "<html" not in panel
    assert "1 overdue invoice" in panel


def test_the_pages_are_in_italian_too(agent, customer):
    client = Client(headers=ITALIAN)
    client.force_login(agent)
    invoice(Decimal("1234.50"))
    html = read(client, "/customers/80")
    assert "1 fattura scaduta: 1.234,50" in html


# API


def test_the_api_gives_the_same(api, customer):
    order(5, total_amount=None)
    invoice(Decimal("10.00"))
    overview = api.get("/api/customers/80/overview").json()["overview"]
    assert overview["customer"]["erpId"] == 80
    assert overview["overdue"] == {"count": 1, "amount": "10.00"}
    assert (overview["orderCount"], overview["orders"][0]["totalAmount"]) == (1, None)
    assert overview["years"][0] == {"year": 2026, "orders": None, "sales": None}
    assert api.get("/api/customers/81/overview").status_code == 404
