"""What people find by what they type."""

import datetime as dt
import re
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from customers.models import Customer
from orders.models import Ddt, Invoice, Order, Price, Product
from sync.coordinator import runner
from sync.coordinator.queue import request_sync
from sync.database import migration_steps, search
from sync.database.search import build_search_text, compact, normalise
from sync.models import SyncRun
from sync.service import get_service, list_services
from tests.factories import (
    CustomerFactory,
    DdtFactory,
    InvoiceFactory,
    OrderFactory,
    PriceFactory,
    ProductFactory,
)
from tests.sync.conftest import customers
from tests.sync.drawing import draw_list

pytestmark = pytest.mark.django_db


def found(text, model=Customer):
    """What a search in a list gives, each record as it calls itself."""
    names = {record.pk: str(record) for record in model.objects.all()}
    return [names[key] for key in search.search(model.objects.present(), text).keys]


def named(*names):
    for name in names:
        CustomerFactory(name=name)


@pytest.fixture
def sync_orders(tmp_path):
    """Runs a sync of orders from an export of these rows, given as texts by field."""

    def sync(*rows, **options):
        path = draw_list(tmp_path / "Ordini.pdf", get_service("orders"), rows, **options)
        run = request_sync("orders", mode="full", trigger=SyncRun.Trigger.MANUAL, given_file=path)
        runner.wait_for(run)
        assert run.status == SyncRun.Status.SUCCEEDED, run.error_text
        return run

    return sync


# Words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Studio D'Angelo S.R.L.", " studio dangelo srl"),
        ("9801.314.016", " 9801314016"),
        ("  Città\u00a0Alta\t- Forlì ", " citta alta forli"),
        ("Citta\u0300", " citta"),
        ("GROSSE STRASSE, Große Straße", " grosse strasse"),
        ("Ærø Łódź ﬁne ½", " aero lodz fine 12"),
        ("D´Angelo", " dangelo"),
        ("\0 \ud800 ' % _ 😀", ""),
    ],
)
def test_a_text_is_reduced_to_letters_and_digits(text, words):
    assert normalise(text) == words


def test_a_search_text_has_room_in_an_index_whatever_it_is_made_of():
    for character in ("a", "à", "ﷺ", "\U00020000"):
        text = build_search_text([character * 2000, *(f"{character}{number}" for number in range(900))])
        assert len(text.encode()) <= 2000
        assert text.startswith(" " + compact(character))


# Customers


@pytest.mark.parametrize(
    "typed",
    [
        "studio",
        "CITTÀ",
        "citta",
        "alta fiorverde",
        "fiorve citt",
        "verde",
        "d'angelo",
        "dangelo",
        "d angelo",
        "angelo",
        "s.r.l.",
        "srl",
        "forli",
        "Forlì studio",
        "068631",
        "8631",
        "01234567890",
        "+39 0543",
        "studio   dentistico",
        "dentistico (studio)",
    ],
)
def test_a_customer_is_found_by_what_an_agent_types(typed):
    CustomerFactory(
        name="Studio Dentistico Città Alta D'Angelo & Fiorverde S.r.l.",
        city="Forlì",
        account_number="068631",
        vat_number="01234567890",
        phone="+390543123456",
    )
    CustomerFactory(name="Ambulatorio Rossi", city="Roma", account_number="100", vat_number="9", phone="8")
    assert [name[:6] for name in found(typed)] == ["Studio"]


def test_every_word_must_be_found():
    named("Studio Rossi", "Studio Verdi")
    assert found("studio verdi") == ["Studio Verdi"]
    assert found("studio bianchi") == []


@pytest.mark.parametrize("typed", ["dott.rossi", "dott. rossi", "DOTT.ROSSI", "rossi,dott", "dott rossi"])
def test_punctuation_may_stand_for_a_blank(typed):
    named("Studio Dott. Rossi")
    assert found(typed) == ["Studio Dott. Rossi"]


def test_a_text_s_beginning_comes_first_then_a_word_s_then_any_part():
    named("Albarosa", "Studio Rosa", "Rosa Bianca", "Ambrosa", "Centro Rosati", "Rosa Alba")
    assert found("rosa") == ["Rosa Alba", "Rosa Bianca", "Centro Rosati", "Studio Rosa", "Albarosa", "Ambrosa"]


def test_every_word_begins_one_before_some_do():
    named("Alba Studiorosa", "Zeno Rosa Studio", "Bianchi Studio Rosa")
    assert found("studio rosa") == ["Bianchi Studio Rosa", "Zeno Rosa Studio", "Alba Studiorosa"]


def test_among_equals_the_order_is_alphabetical_without_case_and_accents_and_always_the_same():
    named("studio b", "Studio É", "STUDIO A", "Studio d")
    twins = [CustomerFactory(name="Studio C").pk for _ in range(3)]
    assert found("studio") == ["STUDIO A", "studio b", *["Studio C"] * 3, "Studio d", "Studio É"]
    assert [key for key in search.search(Customer.objects.all(), "studio").keys if key in twins] == twins
    assert [str(each) for each in Customer.objects.present().in_order()] == found("studio")


def order_often(account, times, *, days_ago=30):
    OrderFactory.create_batch(times, account_number=account, ordered_at=timezone.now() - dt.timedelta(days=days_ago))


def test_among_equals_who_has_ordered_most_in_a_year_comes_first_and_prospects_last():
    CustomerFactory(name="Rossi A prospect")
    CustomerFactory(name="Rossi B", account_number="1")
    CustomerFactory(name="Rossi C", account_number="2")
    CustomerFactory(name="Rossi D", account_number="3")
    CustomerFactory(name="Studio Rossi A prospect")
    CustomerFactory(name="Studio Rossi B", account_number="4")
    order_often("2", 1)
    order_often("3", 2)
    order_often("1", 9, days_ago=400)
    order_often("", 9)
    OrderFactory.create_batch(3, account_number="1", removed_at=timezone.now())
    order_often("4", 5)
    first = ["Rossi D", "Rossi C", "Rossi B", "Rossi A prospect"]
    assert found("rossi") == [*first, "Studio Rossi B", "Studio Rossi A prospect"]


def test_of_more_equals_than_are_ranked_the_first_are(monkeypatch):
    monkeypatch.setattr(search, "RANKED", 2)
    for number in "1234":
        CustomerFactory(name=f"Rossi {number}", account_number=number)
        order_often(number, int(number))
    assert found("rossi") == ["Rossi 2", "Rossi 1", "Rossi 3", "Rossi 4"]


def test_of_more_than_the_most_the_best_are_given(monkeypatch):
    monkeypatch.setattr(search, "MOST", 4)
    named("Albarosa", "Ambrosa", "Anarosa", "Arrosa", "Zeta Rosa", "Zeta Rosati", "Rosa")
    assert found("rosa") == ["Rosa", "Zeta Rosa", "Zeta Rosati", "Albarosa"]
    named("Rosa B", "Rosa C", "Rosa D", "Rosa E")
    assert found("rosa") == ["Rosa", "Rosa B", "Rosa C", "Rosa D"]


def test_of_more_than_can_be_ranked_the_first_are(monkeypatch):
    monkeypatch.setattr(search, "CANDIDATES", 3)
    named("Albarosa", "Ambrosa", "Centro Rosa", "Zeta Rosa", "Rosa")
    assert found("rosa") == ["Rosa", "Centro Rosa", "Albarosa", "Ambrosa"]


def test_a_record_that_is_found_twice_is_given_once():
    named("Rosa Rosati")
    assert found("rosa") == ["Rosa Rosati"]
    assert found("rosa rosa ROSA") == ["Rosa Rosati"]


def test_removed_records_are_not_found_among_those_present_and_missing_ones_are():
    CustomerFactory(name="Rosa", removed_at=timezone.now())
    CustomerFactory(name="Rosati", missing_since=timezone.now())
    assert found("rosa") == ["Rosati"]


def test_a_search_keeps_to_the_records_it_is_given():
    CustomerFactory(name="Studio Rosa", city="Roma")
    CustomerFactory(name="Studio Rosa", city="Milano")
    (key,) = search.search(Customer.objects.filter(city="Milano"), "rosa").keys
    assert Customer.objects.get(pk=key).city == "Milano"


# The other lists


@pytest.mark.parametrize("typed", ["9801.314.016", "9801314016", "9801.31", "980131", "314.016", "9801 016", "016 k2"])
def test_a_product_is_found_with_and_without_its_dots(typed):
    ProductFactory(name="9801.314.016", erp_id="001627K2", description="FRESA CARB. TUNGSTENO")
    ProductFactory(name="9801.204.010", erp_id="002222K3")
    assert found(typed, Product) == ["9801.314.016 (001627K2)"]


def test_the_packs_of_an_article_follow_each_other():
    for pack in ("K3", "K1", "K2"):
        ProductFactory(name="9801.314.016", erp_id=f"001627{pack}")
    assert found("9801.314", Product) == [f"9801.314.016 (001627{pack})" for pack in ("K1", "K2", "K3")]


def test_a_price_is_found_by_article_and_account():
    PriceFactory(erp_id=1, product_name="9801.314.016", product_erp_id="001627K2", account_description="Studio Rosa")
    PriceFactory(erp_id=2, product_name="9801.314.016", product_erp_id="001627K2")
    assert found("98013 rosa", Price) == ["9801.314.016 (ID 1)"]


@pytest.mark.parametrize(
    ("model", "typed"),
    [
        (Order, "ord/26000695"),
        (Order, "ORD26000695"),
        (Order, "695"),
        (Order, "rosa congresso"),
        (Order, "068631"),
        (Ddt, "DDT/26000001"),
        (Ddt, "26000695 rosa"),
        (Ddt, "fedex 175934530820"),
        (Invoice, "cf1/26000001"),
        (Invoice, "ord/26000695"),
    ],
)
def test_a_document_is_found_by_its_numbers_and_its_customer(model, typed):
    customer = {"customer_name": "Studio Rosa", "account_number": "068631"}
    order = {"order_number": "ORD/26000695"}
    OrderFactory(**customer, number="ORD/26000695", description="Materiale per congresso")
    DdtFactory(**customer, **order, number="DDT/26000001", tracking="fedex 175934530820")
    InvoiceFactory(**customer, **order, number="CF1/26000001")
    assert len(found(typed, model)) == 1


def test_documents_come_newest_first_even_those_without_a_number_yet():
    for day, number in ((3, ""), (1, "ORD/26000001"), (2, "ORD/26000002")):
        OrderFactory(
            number=number, erp_id=day, customer_name="Alba Rosa", ordered_at=dt.datetime(2026, 1, day, tzinfo=dt.UTC)
        )
    assert found("rosa", Order) == ["ID 3", "ORD/26000002", "ORD/26000001"]
    assert found("ord/26", Order) == ["ORD/26000002", "ORD/26000001"]
    assert [str(order) for order in Order.objects.present().in_order()] == ["ID 3", "ORD/26000002", "ORD/26000001"]


def test_a_document_in_which_a_word_begins_comes_before_a_newer_one_that_contains_it():
    InvoiceFactory(number="CF1/1", customer_name="Studio Rosa", invoice_date=dt.date(2026, 1, 1))
    InvoiceFactory(number="CF1/2", customer_name="Studio Albarosa", invoice_date=dt.date(2026, 1, 2))
    assert found("rosa", Invoice) == ["CF1/1", "CF1/2"]


# What people type by mistake, or worse


@pytest.mark.parametrize("typed", ["", "   ", "%", "_", "'", "\\", "\0", "😀", "' -- ;", "%%%_%", "\ud800", "()"])
def test_a_text_without_letters_and_digits_finds_nothing(typed):
    named("Studio 100% \\ '_ 😀 Rosa")
    assert found(typed) == []


@pytest.mark.parametrize(
    "typed", ["r%sa", "r_sa", "100%25", "rosa' OR '1'='1", "rosa\\", "ro\0sa", "ros\ud800a", "rosa😀"]
)
def test_signs_have_no_meaning(typed):
    named("Studio Bianchi")
    assert found(typed) == []
    named("Studio Rosa")
    assert found(typed) in ([], ["Studio Rosa"])


@pytest.mark.parametrize("typed", ["a" * 100_000, "a " * 50_000, "a." * 50_000, "a.b." * 99, ("x.y.z " * 99)])
def test_an_endless_text_is_cut(typed):
    named("Studio Rosa")
    assert found(typed) in ([], ["Studio Rosa"])


@pytest.mark.parametrize("typed", ["studio", "rosa", "o", "studio rosa 9", "dott.rossi d'angelo 9801.31", "qz"])
def test_a_search_asks_two_questions_two_more_if_it_finds_little_and_once_more_to_weigh_customers(
    typed, django_assert_max_num_queries, monkeypatch
):
    monkeypatch.setattr(search, "MOST", 10)
    named(*(f"Studio {number} Rosa" for number in range(30)))
    for number in range(30):
        ProductFactory(name=f"Studio {number} Rosa")
    with django_assert_max_num_queries(4):
        search.search(Product.objects.present(), typed)
    with django_assert_max_num_queries(7):
        search.search(Customer.objects.present(), typed)


# Syncs


def test_what_a_sync_brings_is_found_by_it(sync_customers):
    sync_customers(customers(1, 2, city="Forlì"))
    assert found("forli") == ["Studio 1", "Studio 2"]
    sync_customers([*customers(1, city="Forlì"), {"erp_id": "2", "name": "Ambulatorio Due", "city": "Roma"}])
    assert found("forli") == ["Studio 1"]
    assert found("roma due") == ["Ambulatorio Due"]
    assert found("studio 2") == []


def test_a_record_that_comes_back_is_found_again_by_what_it_is_now(sync_customers):
    sync_customers(customers(1, 2))
    for _ in range(2):
        sync_customers(customers(1))
    assert found("studio 2") == []
    sync_customers(customers(1, 2, city="Roma"))
    assert found("studio 2 roma") == ["Studio 2"]


def test_a_record_whose_name_the_export_hides_is_found_by_it_and_by_its_changed_number(sync_orders):
    sync_orders({"erp_id": "1", "customer_name": "Studio Rosa", "description": "Urgente"})
    hidden = ("customer_name", "delivery_name")
    run = sync_orders({"erp_id": "1", "number": "ORD/26000695", "description": "Con calma"}, hidden=hidden)
    assert run.updated == 1
    for typed in ("rosa", "ord/26000695", "rosa 695 calma"):
        assert found(typed, Order) == ["ORD/26000695"]
    assert found("urgente", Order) == []


def test_a_record_that_comes_back_while_its_name_is_hidden_is_found_by_it(sync_orders):
    shown = [{"erp_id": str(number), "customer_name": f"Rosa {number}"} for number in (1, 2)]
    sync_orders(*shown)
    for _ in range(2):
        sync_orders(shown[0])
    sync_orders(*({"erp_id": each["erp_id"]} for each in shown), hidden=("customer_name",))
    assert found("rosa 2", Order) == ["ID 2"]


def test_a_search_text_is_no_change_of_a_record(sync_customers):
    sync_customers(customers(1))
    Customer.objects.update(search_text="")
    run = sync_customers(customers(1))
    assert run.unchanged == 1
    run = sync_customers(customers(1, city="Roma"))
    assert run.changes.get().fields == {"city": ["", "Roma"]}
    assert found("studio 1 roma") == ["Studio 1"]


def test_every_list_can_be_searched_by_texts_of_its_own():
    for service in list_services():
        assert set(service.model.search_fields) <= {column.field for column in service.layout.columns}
        assert service.model._meta.get_field("search_text").sources == service.model.search_fields


# Migration


def test_rows_of_an_earlier_version_get_their_search_texts(monkeypatch):
    monkeypatch.setattr(migration_steps, "CHUNK", 2)
    for each in range(5):
        CustomerFactory(name=f"Città {each}")
    Customer.objects.update(search_text="")
    step: Any = migration_steps.fill_search_texts("customers.Customer")
    step.code(apps, SimpleNamespace(connection=connection))
    assert found("citta") == [f"Città {each}" for each in range(5)]
    assert found("citta 3") == ["Città 3"]


# Whatever the texts are

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rows=st.lists(st.lists(TEXTS, min_size=4, max_size=4), min_size=1, max_size=4), data=st.data())
def test_a_record_is_found_by_every_part_of_every_word(rows, data):
    sought = data.draw(st.sampled_from([word for texts in rows for text in texts for word in text.split()] or [""]))
    start = data.draw(st.integers(0, len(sought)))
    typed = sought[start : data.draw(st.integers(start, len(sought)))]
    assume(compact(typed))
    fields = ("name", "city", "account_number", "vat_number")
    with transaction.atomic():
        records = [CustomerFactory(**dict(zip(fields, texts, strict=True))) for texts in rows]
        keys = search.search(Customer.objects.present(), typed).exact
        transaction.set_rollback(True)
    having = [record.pk for record, texts in zip(records, rows, strict=True) if sought in " ".join(texts).split()]
    assert set(having) <= set(keys)


# Plans


@pytest.mark.parametrize("service", list_services(), ids=lambda service: service.sync_type)
def test_a_list_and_its_search_are_answered_in_order_from_its_index_alone(service):
    index = f"{service.sync_type}_in_order"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":  # which reads an empty table as it is
            cursor.execute(
                "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off"
            )
    present = service.model.objects.present().in_order()
    for records in (present, present.filter(search_text__contains="rosa")):
        explained = records.values_list("pk", "search_text").explain()
        assert re.search(rf"(COVERING INDEX|Index Only Scan( Backward)? using) {index}", explained)
        assert not re.search("TEMP B-TREE|Sort", explained)
