"""The admin pages of the mirrored lists."""

import datetime as dt
import re
from decimal import Decimal
from html import unescape

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from customers.models import Customer
from orders.models import Ddt, Invoice, Order, Price, Product
from sync.admin import links
from sync.database import search
from sync.models import RecordChange, SyncRun
from sync.service import list_services
from tests import factories
from tests.lists import factory_for

pytestmark = pytest.mark.django_db

ACCOUNT = {"account_number": "068631"}
ORDER = {"order_number": "ORD/26000695"}
LINKED = {  # what leads from one record to the others
    Customer: ACCOUNT,
    Order: ACCOUNT | {"number": "ORD/26000695"},
    Ddt: ACCOUNT | ORDER | {"tracking": "fedex 175934530820"},
    Invoice: ACCOUNT | ORDER,
    Product: {"pack": "K2"},
}
FACTORIES = {
    service.model: (factory_for(service.sync_type), LINKED.get(service.model, {})) for service in list_services()
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
    assert {field.name for field in model._meta.fields} - {"id", *search.list_search_texts(model)} <= names


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
def test_people_with_permission_to_view_may_look(model, client):
    person = factories.UserFactory(is_staff=True)
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


def test_a_product_s_page_says_which_of_its_prices_are_valid_today(admin_client):
    product = make(Product, erp_id="001000K0")
    day = {"product_erp_id": "001000K0", "valid_from": dt.date(2022, 1, 1), "valid_to": dt.date(2154, 12, 31)}
    make(Price, **day, account="002", quantity_from=Decimal(1), quantity_to=Decimal(100_000_000), unit_price=10)
    make(Price, **day | {"valid_to": dt.date(2025, 12, 31)}, account="002", unit_price=9)
    make(Price, **day, account_code="Table", account="068631", unit_price=8)
    make(Price, **day, account="", unit_price=7)
    table = page_of(admin_client, product).partition('<table class="small-table">')[2].partition("</table>")[0]
    rows = [re.findall(r"<td>(.*?)</td>", row)[2:] for row in table.split("<tr>")[2:]]
    assert rows == [
        ["10,00 EUR", "1 – 100.000.000", "01/01/2022 – 31/12/2154", "Sì"],
        ["8,00 EUR", "-", "01/01/2022 – 31/12/2154", "Sì"],
        ["9,00 EUR", "-", "01/01/2022 – 31/12/2025", "No"],
        ["7,00 EUR", "-", "01/01/2022 – 31/12/2154", "No"],
    ]


def test_a_customer_and_its_own_prices_lead_to_each_other(admin_client):
    customer, own, of_all = make(Customer), make(Price, account="068631", account_code="Table"), make(Price)
    assert f'href="{url(Price, "changelist", account="068631")}">1</a>' in page_of(admin_client, customer)
    assert list(admin_client.get(url(Price, "changelist", account="068631")).context["cl"].result_list) == [own]
    assert f'href="{url(Customer, "change", customer.pk)}"' in page_of(admin_client, own)
    assert f'href="{url(Customer, "change", customer.pk)}"' not in page_of(admin_client, of_all)


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


# What syncs did to a record


@pytest.fixture
def run():
    return factories.SyncRunFactory(sync_type="prices", started_at=dt.datetime(2026, 3, 3, 9, 42, tzinfo=dt.UTC))


def changed(record, run, kind="updated", **fields):
    return factories.RecordChangeFactory(run=run, kind=kind, fields=fields, **links.get_change_lookup(record))


def history_of(client, record):
    """A record's history: lines of text."""
    _, _, section = page_of(client, record).partition('<section class="module record-history"')
    items = re.findall(r"<li>(.*?)</li>", section.partition("</section>")[0], re.DOTALL)
    return [" ".join(unescape(re.sub(r"<[^>]+>", "", item)).split()) for item in items]


@pytest.fixture
def viewer(client):
    """Somebody who may see records, and what else the test names."""

    def signed_in(*codenames):
        held = [*(f"view_{model._meta.model_name}" for model in FACTORIES), *codenames]
        client.force_login(factories.UserFactory(is_staff=True, permissions=held))
        return client

    return signed_in


@each_list
def test_a_page_ends_with_what_syncs_did_to_the_record(model, run, admin_client):
    record = make(model)
    changed(make(model), run)
    for kind in RecordChange.Kind:
        changed(record, run, kind, **({"created_at": [None, None]} if kind == "updated" else {}))
    ends = [line.rpartition(" · 03/03/2026")[0] for line in history_of(admin_client, record)]
    assert ends == ["ripristinato", "rimosso", "mancante", "copiato la prima volta - → -", "creato"]


def test_a_created_record_s_history_begins_with_how_many_values_it_had_and_where_they_are(run, admin_client):
    price = make(Price)
    change = changed(price, run, "created", currency=[None, "EUR"], unit_price=[None, "12.4"], account=[None, ""])
    assert history_of(admin_client, price) == [f"creato · 2 primi valori · 03/03/2026 10:42 · esecuzione {run.pk}"]
    assert f'<a href="{url(RecordChange, "change", change.pk)}">' in page_of(admin_client, price)


def test_a_change_is_told_as_the_erp_prints_its_values(run, admin_client):
    price = make(Price)
    changed(price, run, unit_price=["12.4", "12.9"])
    changed(price, run, currency=["", "<EUR>"])
    lines = [line.rpartition(" · ")[0] for line in history_of(admin_client, price)]
    assert lines == ["valuta - → <EUR> · 03/03/2026 10:42", "prezzo unitario 12,40 → 12,90 · 03/03/2026 10:42"]
    assert f'<a href="{url(SyncRun, "change", run.pk)}">' in page_of(admin_client, price)


def test_a_record_that_no_sync_has_changed_says_so(admin_client):
    assert history_of(admin_client, make(Price)) == []
    assert "record-history" in page_of(admin_client, make(Price))


def test_of_a_long_history_the_newest_are_shown_and_the_way_to_all(run, admin_client):
    price = make(Price)
    for number in range(20):
        changed(price, run, currency=[str(number), str(number + 1)])
    address = url(RecordChange, "changelist", **links.get_change_lookup(price))
    history = page_of(admin_client, price).partition("record-history")[2]
    assert f'href="{escape(address)}"' not in history
    changed(price, run, currency=["20", "21"])
    lines = history_of(admin_client, price)
    assert (len(lines), "20 → 21" in lines[0], "1 → 2" in lines[-1]) == (20, True, True)
    assert f'href="{escape(address)}"' in page_of(admin_client, price).partition("record-history")[2]


def test_a_long_history_asks_two_questions(run, admin_client):
    price = make(Price)
    for _ in range(30):
        changed(price, run, currency=["EUR", "USD"])
    page_of(admin_client, price)
    with CaptureQueriesContext(connection) as queries:
        page_of(admin_client, price)
    assert len([query for query in queries if "sync_recordchange" in query["sql"]]) == 2
    assert not [query for query in queries if 'FROM "sync_syncrun"' in query["sql"]]


def test_who_may_not_see_changes_sees_no_history(run, viewer):
    price = make(Price)
    changed(price, run, currency=["EUR", "USD"])
    assert "record-history" not in page_of(viewer(), price)


def test_who_may_not_see_runs_is_not_led_to_them(run, viewer):
    price = make(Price)
    changed(price, run, currency=["EUR", "USD"])
    client = viewer("view_recordchange")
    assert len(history_of(client, price)) == 1
    assert url(SyncRun, "change", run.pk) not in page_of(client, price)


# Columns


def test_a_list_s_page_says_how_well_each_column_is_known(admin_client):
    html = " ".join(unescape(admin_client.get(url(Product, "changelist")).content.decode()).split())
    assert "<td>NOME ARTICOLO:</td><td>nome articolo</td><td>lette dalla griglia dell'ERP</td><td>sì</td>" in html
    assert "<td>ID ELEMENTO IVAID</td><td>gruppo IVA</td><td>presunte</td><td></td>" in html
    html = unescape(admin_client.get(url(Order, "changelist")).content.decode())
    assert "<td>IMPORTO TOTALE</td><td>importo totale</td><td>misurate su esportazioni vere</td>" in html
    assert "<td>E-MAIL</td><td>non copiata</td>" in html


def test_a_record_s_page_says_as_of_when_hidden_columns_are_known(admin_client):
    then = dt.datetime(2026, 3, 3, 9, tzinfo=dt.UTC)
    now = then + dt.timedelta(days=9)
    for field in ("erp_id", "name"):
        factories.MirroredColumnFactory(sync_type="products", field=field, last_seen_at=now)
    factories.MirroredColumnFactory(sync_type="products", field="vat_group", last_seen_at=then)
    known = make(Product, created_at=then - dt.timedelta(days=1))
    html = unescape(page_of(admin_client, known))
    assert "<li>gruppo IVA: vista il 03/03/2026 10:00:00</li>" in html
    assert "<li>confezione: sconosciuta, perché l'elenco non l'ha mai mostrata per questo record</li>" in html
    assert "<li>articolo:" not in html
    html = unescape(page_of(admin_client, make(Product, created_at=then + dt.timedelta(days=1))))
    assert "<li>gruppo IVA: sconosciuta, perché l'elenco non l'ha mai mostrata per questo record</li>" in html


@pytest.mark.parametrize(
    ("fields", "whom"),
    [
        ({}, "DETTAGLIO (consigliato)"),
        ({"account_code": "All", "account": ""}, "tutti"),
        ({"account": ""}, "nessuno (Group)"),
        ({"account_code": "Altro"}, "nessuno (Altro)"),
    ],
)
def test_the_list_of_prices_says_for_whom_each_is(fields, whom, admin_client):
    make(Price, **fields)
    assert f'<td class="field-audience_of">{whom}</td>' in unescape(
        admin_client.get(url(Price, "changelist")).content.decode()
    )


def test_an_overdue_invoice_says_how_much_and_since_when(admin_client):
    invoice = make(Invoice, due_date=timezone.localdate() - dt.timedelta(days=3), remaining_amount=Decimal("122.00"))
    assert "122,00 € da 3 giorni" in page_of(admin_client, invoice)
    paid = make(Invoice, due_date=timezone.localdate() - dt.timedelta(days=3), remaining_amount=Decimal("0.00"))
    assert "da 3 giorni" not in page_of(admin_client, paid)
