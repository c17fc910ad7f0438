"""The mirrored lists by the API: what is found, in which order, and at how many queries."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from orders.models import Product
from tests.factories import (
    CustomerFactory,
    DdtFactory,
    InvoiceFactory,
    OrderFactory,
    PriceFactory,
    ProductFactory,
)
from tests.lists import TYPES, factory_for

pytestmark = pytest.mark.django_db

LISTS = {sync_type: factory_for(sync_type) for sync_type in TYPES}


def results(api, name, /, **question):
    return api.get(f"/api/{name}", question).json()["results"]


def names(api, name, search):
    return [record["name"] for record in results(api, name, search=search)]


# What an agent types


@pytest.fixture
def customers(db):
    CustomerFactory(
        name="Studio Dentistico Rossi Mario", city="Forlì", vat_number="00123450967", account_number="1002239"
    )
    CustomerFactory(name="Rossi Anna", city="Milano")
    CustomerFactory(name="D'Angelo S.r.l.", city="Città di Castello")
    CustomerFactory(name="Müller Odontoiatria", city="Bolzano")


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("ross", ["Rossi Anna", "Studio Dentistico Rossi Mario"]),
        ("MARIO rossi", ["Studio Dentistico Rossi Mario"]),
        ("forli", ["Studio Dentistico Rossi Mario"]),
        ("00123450967", ["Studio Dentistico Rossi Mario"]),
        ("1002239", ["Studio Dentistico Rossi Mario"]),
        ("angelo", ["D'Angelo S.r.l."]),
        ("d'angelo srl", ["D'Angelo S.r.l."]),
        ("muller", ["Müller Odontoiatria"]),
        ("doesnotexist", []),
        ("%", []),
    ],
)
def test_customers_are_found_by_what_an_agent_types(typed, found, customers, api):
    assert names(api, "customers", typed) == found


def test_without_a_search_customers_are_in_the_order_of_their_names(customers, api):
    assert names(api, "customers", "") == [
        "D'Angelo S.r.l.",
        "Müller Odontoiatria",
        "Rossi Anna",
        "Studio Dentistico Rossi Mario",
    ]


@pytest.mark.parametrize("typed", ["9801.314.016", "9801314016", "314.016", "98013140", "fresa 9801"])
def test_products_are_found_with_and_without_their_dots(typed, api):
    ProductFactory(name="9801.314.016", description="Fresa diamantata")
    ProductFactory(name="9802.204.023", description="Punta")
    assert names(api, "products", typed) == ["9801.314.016"]


def test_an_article_s_name_gives_all_of_its_packs_and_nothing_else(api):
    for erp_id in ("001627K2", "001627K3"):
        ProductFactory(erp_id=erp_id, name="9801.314.016")
    ProductFactory(name="9801.314.016K")
    ProductFactory(name="9801.314.016", removed_at=timezone.now())
    packs = results(api, "products", name="9801.314.016")
    assert [pack["erpId"] for pack in packs] == ["001627K2", "001627K3"]
    assert results(api, "products", name="9801314016") == []


def test_a_search_looks_among_the_packs_of_the_named_article(api):
    for erp_id, name in (("001627K2", "9801"), ("001627K3", "9801"), ("009999K3", "9802")):
        ProductFactory(erp_id=erp_id, name=name)
    assert [pack["erpId"] for pack in results(api, "products", name="9801", search="k3")] == ["001627K3"]


def test_an_article_s_packs_take_two_queries_and_are_found_by_an_index(api):
    ProductFactory.create_batch(30)
    with CaptureQueriesContext(connection) as queries:
        results(api, "products", name="9801.314.016")
    assert len(queries) == 2
    if connection.vendor == "sqlite":  # PostgreSQL reads so few rows without any index
        packs = Product.objects.present().filter(name="9801.314.016").order_by(*Product.list_order)
        assert Product._meta.indexes[0].name in packs.explain()


@pytest.mark.parametrize("question", [{"name": ""}, {"name": "a" * 2001}, {"name": ["9801", "9802"]}])
def test_a_name_that_is_none_is_400(question, api):
    answer = api.get("/api/products", question)
    assert (answer.status_code, list(answer.json()["detail"])) == (400, ["name"])


def test_what_was_removed_is_not_shown_and_what_is_missing_says_since_when(api):
    CustomerFactory(name="Gone", removed_at=timezone.now())
    CustomerFactory(name="Missing", missing_since=timezone.now())
    [shown] = results(api, "customers")
    assert (shown["name"], bool(shown["missingSince"])) == ("Missing", True)
    assert names(api, "customers", "gone") == []


def test_search_is_paged(api):
    for number in range(5):
        CustomerFactory(name=f"Studio {number}")
    page = api.get("/api/customers", {"search": "studio", "pageSize": 2}).json()
    assert (page["count"], [record["name"] for record in page["results"]]) == (5, ["Studio 0", "Studio 1"])
    last = api.get("/api/customers", {"search": "studio", "pageSize": 2, "page": 3}).json()
    assert ([record["name"] for record in last["results"]], last["next"]) == (["Studio 4"], None)


@pytest.mark.parametrize("typed", ["'; DROP TABLE", "\\", "%_%", "🦷", "(", "a" * 200])
def test_whatever_is_typed_is_only_looked_for(typed, customers, api):
    assert api.get("/api/customers", {"search": typed}).status_code == 200


def test_too_much_typed_is_400(api):
    answer = api.get("/api/customers", {"search": "a" * 201})
    assert (answer.status_code, list(answer.json()["detail"])) == (400, ["search"])
    assert api.get("/api/customers", {"search": "\0"}).status_code == 400


# The other lists


def test_orders_ddt_and_invoices_are_shown_the_newest_first_and_by_account(api):
    for day in (1, 3, 2):
        OrderFactory(number=f"ORD/2600000{day}", ordered_at=datetime(2026, 1, day, tzinfo=UTC), account_number="A")
        DdtFactory(number=f"DDT/2600000{day}", delivery_date=date(2026, 1, day), order_number="ORD/26000001")
        InvoiceFactory(number=f"CF1/2600000{day}", invoice_date=date(2026, 1, day), account_number="A")
    OrderFactory(account_number="B", ordered_at=datetime(2025, 1, 1, tzinfo=UTC))
    assert [order["number"][-1] for order in results(api, "orders", account="A")] == ["3", "2", "1"]
    assert [ddt["number"][-1] for ddt in results(api, "ddt", order="ORD/26000001")] == ["3", "2", "1"]
    assert [invoice["number"][-1] for invoice in results(api, "invoices", account="A")] == ["3", "2", "1"]
    assert results(api, "ddt", order="ORD/9") == []


def test_a_ddt_says_where_its_parcel_is(api):
    DdtFactory(tracking="fedex 175934530820")
    [ddt] = results(api, "ddt")
    assert (ddt["courier"], ddt["trackingNumber"]) == ("FedEx", "175934530820")
    assert "175934530820" in ddt["trackingUrl"]


def test_numbers_are_shown_without_loss_and_without_noise(api):
    ProductFactory(minimum_quantity=Decimal("5.0000"), vat_group="04")
    PriceFactory(unit_price=Decimal("12.9000"), quantity_from=Decimal("0.5000"))
    [product], [price] = results(api, "products"), results(api, "prices")
    assert (product["minimumQuantity"], product["multipleQuantity"], product["vatRate"]) == ("5", None, "4")
    assert (price["unitPrice"], price["quantityFrom"]) == ("12.90", "0.5")


@pytest.mark.parametrize(("name", "factory"), LISTS.items())
def test_a_page_takes_two_queries_however_long_the_list(name, factory, api):
    for size in (1, 30):
        factory.create_batch(size)
        with CaptureQueriesContext(connection) as queries:
            answer = api.get(f"/api/{name}", {"pageSize": 100})
        assert (answer.status_code, len(queries), len(answer.json()["results"])) == (200, 2, answer.json()["count"])


@pytest.mark.parametrize(("name", "factory"), LISTS.items())
def test_a_search_takes_at_most_five_queries_however_much_it_finds(name, factory, api):
    most = 8 if name == "customers" else 5  # those that are found are weighed by their orders, three times
    for size in (1, 30):
        factory.create_batch(size)
        with CaptureQueriesContext(connection) as queries:
            api.get(f"/api/{name}", {"search": "0"})
        assert len(queries) <= most


@pytest.mark.parametrize("name", LISTS)
def test_lists_are_for_who_is_signed_in_and_read_only(name, api):
    assert api.post(f"/api/{name}", {}).status_code == 405
    api.force_authenticate(None)
    assert api.get(f"/api/{name}").status_code == 401


@pytest.mark.parametrize(
    ("due_in", "remaining", "overdue", "days", "amount"),
    [
        (-3, "122.00", True, 3, "122.00"),
        (0, "122.00", False, 0, "0.00"),
        (5, "122.00", False, 0, "0.00"),
        (-3, "0.00", False, 0, "0.00"),
        (-3, "-50.00", False, 0, "0.00"),
        (None, "122.00", None, None, None),
        (-3, None, None, None, None),
    ],
)
def test_what_is_overdue_follows_from_due_date_and_remaining_amount_today(
    due_in, remaining, overdue, days, amount, api
):
    due = None if due_in is None else date(2026, 1, 20) + timedelta(days=due_in)
    invoice = InvoiceFactory(due_date=due, remaining_amount=remaining and Decimal(remaining), days_left=27)
    with time_machine.travel(datetime(2026, 1, 20, 11, tzinfo=UTC), tick=False):
        assert invoice.is_overdue is overdue
        [shown] = results(api, "invoices")
    assert (shown["daysLeft"], shown["daysOverdue"], shown["overdueAmount"]) == (27, days, amount)
