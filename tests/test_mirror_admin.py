"""The admin pages of the six lists."""

import datetime as dt
from decimal import Decimal

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from customers.models import Customer
from orders.models import Ddt, Invoice, Order, Price, Product
from tests import factories

pytestmark = pytest.mark.django_db

ACCOUNT = {"account_number": "068631"}
ORDER = {"order_number": "ORD/26000695"}
FACTORIES = {
    Customer: (factories.CustomerFactory, ACCOUNT),
    Order: (factories.OrderFactory, ACCOUNT | {"number": "ORD/26000695"}),
    Ddt: (factories.DdtFactory, ACCOUNT | ORDER | {"tracking": "fedex 175934530820"}),
    Invoice: (factories.InvoiceFactory, ACCOUNT | ORDER),
    Product: (factories.ProductFactory, {"pack": "K2"}),
    Price: (factories.PriceFactory, {}),
}
each_list = pytest.mark.parametrize("model", FACTORIES, ids=lambda model: model.__name__)


@pytest.fixture(autouse=True)
def in_italian(settings):
    settings.LANGUAGE_CODE = "it"


def url(model, page, *args, **query):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args, query=query or None)


def make(model, **fields):
    factory, linked = FACTORIES[model]
    return factory(**linked | fields)


def page_of(client, record):
    return client.get(url(type(record), "change", record.pk)).content.decode()


@each_list
def test_a_list_asks_as_many_questions_for_thirty_records_as_for_one(model, admin_client, django_assert_num_queries):
    make(model)
    admin_client.get(url(model, "changelist"))
    with CaptureQueriesContext(
        connection,
    ) as for_one:
        admin_client.get(url(model, "changelist"))
    for _ in range(29):
        make(model)

    with django_assert_num_queries(len(for_one)):
        assert admin_client.get(url(model, "changelist")).context["cl"].result_count == 30


@each_list
def test_a_page_shows_every_field_of_the_record(model, admin_client):
    shown = admin_client.get(url(model, "change", make(model).pk)).context["adminform"]
    names = {getattr(field, "__name__", field) for fieldset in shown for line in fieldset for field in line.fields}
    assert {field.name for field in model._meta.fields} - {"id", "search_text"} <= names


@each_list
def test_a_page_shows_each_field_s_header_in_the_erp(model, admin_client):
    html = page_of(admin_client, make(model))
    for field in model._meta.fields:
        if field.help_text and field.name not in ("missing_since", "removed_at"):
            assert str(field.help_text) in html


@each_list
def test_what_is_not_known_is_a_dash_wherever_it_is_shown(model, admin_client):
    factory, _ = FACTORIES[model]
    unknown = factory(**{field.name: None for field in model._meta.fields if field.null})
    for answer in (page_of(admin_client, unknown), admin_client.get(url(model, "changelist")).content.decode()):
        assert ">None<" not in answer


@each_list
def test_nothing_can_be_added_changed_or_deleted_even_by_a_superuser(model, admin_client):
    record = make(model)
    assert admin_client.get(url(model, "add")).status_code == 403
    assert admin_client.post(url(model, "change", record.pk), {}).status_code == 403
    assert admin_client.post(url(model, "delete", record.pk), {"post": "yes"}).status_code == 403
    assert "delete_selected" not in admin_client.get(url(model, "changelist")).content.decode()


@each_list
def test_people_with_permission_to_view_may_look(model, client, django_user_model):
    person = django_user_model.objects.create_user("agent", is_staff=True)
    client.force_login(person)
    assert client.get(url(model, "changelist")).status_code == 403

    person.user_permissions.add(Permission.objects.get(codename=f"view_{model._meta.model_name}"))
    assert client.get(url(model, "changelist")).status_code == 200


@each_list
@pytest.mark.parametrize(
    ("presence", "shown"),
    [
        ("present", {"present"}),
        ("missing", {"missing"}),
        ("removed", {"removed"}),
        (None, {"present", "missing", "removed"}),
    ],
)
def test_a_list_can_be_narrowed_to_what_the_erp_shows_or_lacks(model, presence, shown, admin_client):
    now = timezone.now()
    states = {
        make(model).pk: "present",
        make(model, missing_since=now).pk: "missing",
        make(model, missing_since=now, removed_at=now).pk: "removed",
    }
    query = {"presence": presence} if presence else {}
    records = admin_client.get(url(model, "changelist", **query)).context["cl"].result_list
    assert {states[record.pk] for record in records} == shown


@each_list
def test_every_list_can_be_searched_and_sorted_by_each_column(model, admin_client, rf):
    make(model)
    columns = admin.site.get_model_admin(model).get_list_display(rf.get("/"))
    order = ".".join(str(place + 1) for place in range(len(columns)))
    answer = admin_client.get(url(model, "changelist", q="x", o=order))
    assert answer.status_code == 200


def test_a_search_finds_a_product_by_the_code_people_type(admin_client):
    make(Product, name="9801.314.016")
    make(Product)
    assert admin_client.get(url(Product, "changelist", q="9801.314.016")).context["cl"].result_count == 1


def test_a_tracking_text_is_a_link_to_the_courier_in_its_own_tab(admin_client):
    make(Ddt)
    link = (
        '<a href="https://www.fedex.com/fedextrack/?trknbr=175934530820&amp;locale=it_IT" target="_blank"'
        ' rel="noopener noreferrer">fedex 175934530820</a>'
    )
    assert link in admin_client.get(url(Ddt, "changelist")).content.decode()


def test_a_tracking_text_without_a_known_courier_is_shown_as_it_is(admin_client):
    make(Ddt, tracking="consegna <a mano>")
    html = admin_client.get(url(Ddt, "changelist")).content.decode()
    assert "consegna &lt;a mano&gt;" in html


def test_the_records_of_one_order_lead_to_each_other(admin_client):
    customer, order, ddt, invoice = (make(model) for model in (Customer, Order, Ddt, Invoice))

    for record in (order, ddt, invoice):
        assert f'href="{url(Customer, "change", customer.pk)}"' in page_of(admin_client, record)
    for record in (ddt, invoice):
        assert f'href="{url(Order, "change", order.pk)}"' in page_of(admin_client, record)
    for record in (order, invoice):
        assert f'href="{url(Ddt, "change", ddt.pk)}"' in page_of(admin_client, record)
    for record in (order, ddt):
        assert f'href="{url(Invoice, "change", invoice.pk)}"' in page_of(admin_client, record)


def test_a_customer_leads_to_its_orders_ddt_and_invoices(admin_client):
    html = page_of(admin_client, make(Customer))
    for model in (Order, Ddt, Invoice):
        make(model)
        make(model, account_number="9999999")
        assert f'href="{url(model, "changelist", **ACCOUNT)}"' in html
        assert admin_client.get(url(model, "changelist", **ACCOUNT)).context["cl"].result_count == 1


def test_a_customer_without_an_account_number_leads_to_no_orders(admin_client):
    make(Order, account_number="")
    assert url(Order, "changelist", account_number="") not in page_of(admin_client, make(Customer, account_number=""))


def test_a_product_and_its_price_lead_to_each_other(admin_client):
    product = make(Product)
    price = make(Price, product_erp_id=product.erp_id)
    assert f'href="{url(Price, "change", price.pk)}"' in page_of(admin_client, product)
    assert f'href="{url(Product, "change", product.pk)}"' in page_of(admin_client, price)


def test_an_order_with_many_shipments_and_invoices_asks_no_more_questions_than_without(
    admin_client, django_assert_num_queries
):
    order = make(Order)
    page_of(admin_client, order)
    with CaptureQueriesContext(connection) as alone:
        page_of(admin_client, order)
    for _ in range(10):
        make(Ddt)
        make(Invoice)
    with django_assert_num_queries(len(alone)):
        page_of(admin_client, order)


@pytest.mark.parametrize(
    ("model", "fields", "text"),
    [
        (Invoice, {"total_amount": Decimal("-2438.50")}, "-2.438,50 €"),
        (Order, {"discount_percent": Decimal("21.49")}, "21,49 %"),
        (Ddt, {"pieces": Decimal("2356.0000")}, "2.356"),
        (Ddt, {"pieces": Decimal("2.5000")}, "2,5"),
        (Price, {"quantity_to": Decimal(100_000_000)}, "100.000.000"),
        (Order, {"ordered_at": dt.datetime(2026, 1, 20, 11, 4, 22, tzinfo=dt.UTC)}, "20/01/2026 12:04"),
        (Invoice, {"due_date": dt.date(2026, 3, 31)}, "31/03/2026"),
        (Price, {"unit_price": Decimal("234.5000")}, "234,50"),
        (Price, {"unit_price": Decimal("0.1234")}, "0,1234"),
    ],
)
def test_values_are_shown_as_the_erp_prints_them(model, fields, text, admin_client):
    assert text in page_of(admin_client, make(model, **fields))


def test_dates_are_shown_as_the_erp_prints_them_in_any_language(admin_client):
    invoice = make(Invoice, due_date=dt.date(2026, 6, 5), total_amount=Decimal("2438.50"))
    answer = admin_client.get(url(Invoice, "change", invoice.pk), headers={"accept-language": "en"})
    html = answer.content.decode()
    assert "05/06/2026" in html
    assert "2,438.50 €" in html
