"""What the lists name of each other shows when one of them was filtered, before it is applied."""

from __future__ import annotations

import json
from datetime import datetime
from html import unescape
from io import StringIO
from random import Random

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from customers.models import Customer
from demo.erp.life import choose_event
from orders.models import Order, Price, Product
from sync.coordinator import runner
from sync.coordinator.queue import accept
from sync.exceptions import TooManyUnmatched
from sync.mirror import references, staging
from sync.mirror.references import Count, Coverage
from sync.models import SyncRun
from sync.service import get_service, list_services
from tests.demo_erp import CachedDemoErp
from tests.factories import (
    CustomerFactory,
    DdtFactory,
    InvoiceFactory,
    OrderFactory,
    PriceFactory,
    ProductFactory,
    SyncRunFactory,
)
from tests.sync.demo import TODAY, name_in_the_erp
from tests.sync.drawing import draw_list
from tests.sync.pages import html_of, run_page, url

Status = SyncRun.Status
NOON = datetime(2026, 1, 20, 12)  # noqa: DTZ001  # Italian

# As they were counted in the ERP
PRICED = [f"{number:06}K2" for number in range(4950)]
PRODUCTS = [*PRICED[:4520], *(f"{number:06}X0" for number in range(10))]
FILTERED = PRODUCTS[:419]
ORDERS = [f"ORD/26{number:06}" for number in range(999)]


def mirror_prices(names=PRICED):
    Price.objects.bulk_create([PriceFactory.build(product_erp_id=name) for name in names])


def mirror_products(names=PRODUCTS):
    Product.objects.bulk_create([ProductFactory.build(erp_id=name) for name in names])


def products(names):
    return [{"erp_id": name, "name": name, "description": "Fresa"} for name in names]


def prices(names):
    return [{"erp_id": str(number), "product_erp_id": name} for number, name in enumerate(names, start=1)]


def orders(numbers, accounts=("",)):
    return [
        {"erp_id": str(place), "number": number, "account_number": accounts[place % len(accounts)]}
        for place, number in enumerate(numbers, start=1)
    ]


def exported(sync_type, **values):
    """What an export would have to be held against, and what comes of it; no PDF is drawn."""
    return references.compare_values(get_service(sync_type), {field: set(names) for field, names in values.items()})


def figures(run):
    return [(each["source"], each["target"], each["named"], each["found"]) for each in run.coverage]


# A first export


def test_a_first_list_of_419_products_is_quarantined_where_prices_name_4950(sync_list, mirror_state):
    mirror_prices()
    before = mirror_state()
    run = sync_list("products", products(FILTERED))
    assert (run.status, run.error_class) == (Status.QUARANTINED, "TooManyUnmatched")
    assert run.error_text.startswith(
        "The list prices refers to 4950 different records of products, of which 4531 are not found there; "
        "up to 1650 may be absent without asking."
    )
    assert figures(run) == [("prices", "products", 4950, 419)]
    assert mirror_state() == before


def test_a_list_that_a_person_accepts_is_applied_and_is_the_measure_from_then_on(sync_list):
    mirror_prices()
    accepted = accept(sync_list("products", products(FILTERED)))
    runner.wait_for(accepted)
    assert (accepted.status, accepted.created) == (Status.SUCCEEDED, 419)
    again = sync_list("products", products(FILTERED))
    assert (again.status, again.unchanged) == (Status.SUCCEEDED, 419)
    assert again.coverage[0]["foundBefore"] == 419


def test_a_mirrored_list_that_was_cut_is_accepted_once(sync_list):
    mirror_prices()
    mirror_products()
    cut = sync_list("products", products(FILTERED))
    assert cut.error_class == "TooManyMissing"
    runner.wait_for(accept(cut))
    again = sync_list("products", products(FILTERED))
    assert (again.status, again.removed) == (Status.SUCCEEDED, 4111)


@pytest.mark.django_db
def test_of_a_healthy_erp_either_list_may_come_first():
    mirror_prices()
    [products_after_prices] = exported("products", erp_id=PRODUCTS)
    Price.objects.all().delete()
    mirror_products()
    [prices_after_products] = exported("prices", product_erp_id=PRICED)
    for each in (products_after_prices, prices_after_products):
        assert (each.now, each.before) == (Count(named=4950, found=4520), None)
        each.check()


@pytest.mark.django_db
def test_first_prices_are_quarantined_where_the_mirrored_products_were_filtered():
    mirror_products(FILTERED)
    [coverage] = exported("prices", product_erp_id=PRICED)
    with pytest.raises(TooManyUnmatched, match="refers to 4950 different records of products, of which 4531 are not"):
        coverage.check()


def test_where_no_other_list_is_mirrored_nothing_is_compared(sync_list):
    run = sync_list("products", products(FILTERED[:3]))
    assert (run.status, run.coverage) == (Status.SUCCEEDED, [])


def mirror_documents(accounts=("",)):
    """DDT and invoices of 999 orders: each order has a DDT, some have two, one in eight has its invoice yet."""
    for factory, numbers in ((DdtFactory, [*ORDERS, *ORDERS[:133]]), (InvoiceFactory, ORDERS[:128])):
        factory._meta.model.objects.bulk_create(
            [
                factory.build(order_number=number, account_number=accounts[place % len(accounts)])
                for place, number in enumerate(numbers)
            ]
        )


@pytest.mark.parametrize("mode", ["full", "incremental"])
def test_a_first_list_of_today_s_orders_is_quarantined_where_ddt_and_invoices_name_others(sync_list, mode):
    mirror_documents()
    run = sync_list("orders", orders(ORDERS[-5:]), mode=mode)
    assert (run.status, run.error_class) == (Status.QUARANTINED, "TooManyUnmatched")
    assert figures(run) == [("ddt", "orders", 999, 5), ("invoices", "orders", 128, 0)]
    assert not Order.objects.exists()


@pytest.mark.django_db
def test_orders_that_were_filtered_before_all_else_are_told_by_the_first_ddt():
    Order.objects.bulk_create([OrderFactory.build(number=number) for number in ORDERS[-5:]])
    [to_orders] = exported("ddt", order_number=ORDERS)
    assert (to_orders.source, to_orders.target, to_orders.now) == ("ddt", "orders", Count(999, 5))
    with pytest.raises(TooManyUnmatched):
        to_orders.check()


@pytest.mark.django_db
def test_first_customers_are_held_against_orders_ddt_and_invoices():
    accounts = [f"5{number:06}" for number in range(300)]
    mirror_documents(accounts)
    Order.objects.bulk_create(
        [OrderFactory.build(number=number, account_number=accounts[place % 300]) for place, number in enumerate(ORDERS)]
    )
    whole, filtered = (exported("customers", account_number=some) for some in (accounts, accounts[:100]))
    assert [(each.source, each.now) for each in filtered] == [
        ("orders", Count(300, 100)),
        ("ddt", Count(300, 100)),
        ("invoices", Count(128, 100)),
    ]
    for each in whole:
        each.check()
    with pytest.raises(TooManyUnmatched, match="The list orders refers to 300 different records of customers"):
        filtered[0].check()


# A list that is mirrored


def coverage(now, before=None):
    return Coverage("prices", "products", Count(*now), before and Count(*before))


@pytest.mark.parametrize(
    ("now", "before"),
    [
        ((4950, 4520), None),  # a healthy ERP
        ((4950, 3300), None),  # a third absent
        ((4950, 4025), (4950, 4520)),  # a tenth more than before
        ((4950, 419), (4950, 419)),  # as before
        ((60, 20), None),  # short lists
        ((60, 0), (60, 40)),
        ((6, 0), None),
    ],
)
def test_what_is_usual_is_applied(now, before):
    coverage(now, before).check()


@pytest.mark.parametrize(
    ("now", "before"),
    [
        ((4950, 419), None),
        ((4950, 3299), None),
        ((4950, 4024), (4950, 4520)),
        ((61, 20), None),
        ((61, 0), (61, 41)),
    ],
)
def test_what_is_not_usual_waits_for_a_person(now, before):
    with pytest.raises(TooManyUnmatched):
        coverage(now, before).check()


def test_mirrored_prices_that_suddenly_name_other_products_are_quarantined(sync_list):
    mirror_products(PRODUCTS[:300])
    assert sync_list("prices", prices(PRICED[:250])).status == Status.SUCCEEDED
    run = sync_list("prices", prices([*PRICED[:250], *PRICED[-100:]]))
    assert (run.status, run.error_class) == (Status.QUARANTINED, "TooManyUnmatched")
    assert run.error_facts == {
        "source": "prices",
        "target": "products",
        "named": "350",
        "unmatched": "100",
        "allowed": "40",
    }
    mirror_products(PRICED[-100:])
    assert sync_list("prices", prices([*PRICED[:250], *PRICED[-100:]])).status == Status.SUCCEEDED


@pytest.mark.django_db
def test_what_is_missing_or_blank_names_nothing_and_is_not_there():
    now = timezone.now()
    PriceFactory(product_erp_id="")
    PriceFactory(product_erp_id="A", missing_since=now)
    PriceFactory(product_erp_id="B", missing_since=now, removed_at=now)
    PriceFactory.create_batch(2, product_erp_id="C")
    ProductFactory(erp_id="C", missing_since=now)
    [compared] = exported("products", erp_id=["A", "C"])
    assert (compared.now, compared.before) == (Count(1, 1), None)


def test_a_list_whose_column_is_hidden_is_not_compared(sync_list):
    CustomerFactory(account_number="500001")
    DdtFactory(order_number=ORDERS[0], account_number="500001")
    staged = staging.StagedRecords(file=None, fields=("erp_id",), keys={1})  # type: ignore[arg-type]
    service = get_service("orders")
    assert references.get_compared_fields(service) == {"account_number", "number"}
    assert references.compare_values(service, staged.collect_values(references.get_compared_fields(service))) == []


def test_a_smart_sync_is_never_kept_from_an_order_form(sync_customers):
    Order.objects.bulk_create([OrderFactory.build(account_number=str(number)) for number in range(300)])
    run = sync_customers([{"erp_id": "1", "name": "Studio", "account_number": "1"}], mode="smart")
    assert (run.status, run.coverage) == (Status.SUCCEEDED, [])


@pytest.mark.django_db
def test_comparing_takes_two_queries_for_each_pair_of_lists():
    mirror_documents(["500001"])
    CustomerFactory(account_number="500001")
    with CaptureQueriesContext(connection) as queries:
        assert len(exported("orders", number=ORDERS, account_number=["500001"])) == 3
    assert len(queries) == 6


# The life of an ERP


class Life:
    """A demo ERP in which something happens before each sync, and what was mirrored of the fields compared."""

    def __init__(self):
        self.erp = CachedDemoErp(scale=0.02, today=TODAY)
        self.mirrored = {}
        self.happened = 0

    def sync(self, service, *, filtered=False):
        self.happened += 1
        self.erp.happen(choose_event(self.erp.world.base.seed, self.happened), at=NOON)
        names = {field: name_in_the_erp(service, field) for field in references.get_compared_fields(service)}
        records = list(self.erp.find_records(service.sync_type, filtered=filtered))
        values = {field: {getattr(record, name) for record in records} - {""} for field, name in names.items()}
        for each in references.compare_values(service, values):
            each.check()
        self.mirrored |= {(service.model, field): found for field, found in values.items()}


def test_in_two_hundred_syncs_of_each_list_nothing_usual_is_refused(monkeypatch):
    """The lists come in any order; that they are short is no excuse."""
    life, rng = Life(), Random(13)
    monkeypatch.setattr(references, "UNMATCHED_WITHOUT_ASKING", 0)
    monkeypatch.setattr(references, "fetch_values", lambda model, field, _: life.mirrored.get((model, field), set()))
    for _ in range(200):
        for service in rng.sample(list_services(), k=6):
            life.sync(service)
    with pytest.raises(TooManyUnmatched):
        life.sync(get_service("orders"), filtered=True)


# What people and programs see


@pytest.mark.usefixtures("in_english")
def test_the_run_s_page_says_what_was_compared(sync_list, admin_client):
    mirror_prices()
    run = sync_list("products", products(FILTERED))
    html = unescape(run_page(admin_client, run))
    assert "Products that prices refer to: 4,950, of which 419 (8.4 %) are in this export" in html
    assert html.count(run.error_text) == 1
    assert "View what would be lost" in html
    later = SyncRunFactory(
        sync_type="prices", coverage=[coverage((4950, 4520), (4940, 4513)).as_json()], status=Status.SUCCEEDED
    )
    html = unescape(run_page(admin_client, later))
    assert "Products that this export refers to: 4,950, of which 4,520 (91.3 %) are mirrored; before, 91.3 %" in html


def test_the_run_s_page_says_it_in_italian(sync_list, admin_client):
    mirror_prices()
    run = sync_list("products", products(FILTERED))
    html = unescape(run_page(admin_client, run))
    assert "Riferimenti da prezzi a prodotti: 4.950, di cui 419 (8,4 %) trovati in questa esportazione" in html
    assert (
        "L'elenco prezzi fa riferimento a 4950 record diversi dell'elenco prodotti, di cui 4531 non vi si trovano;"
        in html
    )


@pytest.mark.usefixtures("in_english")
def test_the_question_whether_to_accept_tells_the_figures_and_the_button_applies_the_list(sync_list, admin_client):
    mirror_prices()
    run = sync_list("products", products(FILTERED))
    address = url(SyncRun, "accept", run.pk)
    html = html_of(admin_client, address)
    for name, number in (
        ("Records in the export", "419"),
        ("Records that one list refers to", "4,950"),
        ("Of these, missing in the other list", "4,531"),
        ("May be missing without asking", "1,650"),
        ("Would be created", "419"),
    ):
        assert f'<th scope="row">{name}</th><td>{number}</td>' in html
    admin_client.post(address)
    assert Product.objects.count() == 419


def test_the_api_tells_what_was_compared(sync_list, admin_client):
    mirror_prices(PRICED[:10])
    run = sync_list("products", products(PRODUCTS[:9]))
    shown = admin_client.get(f"/api/sync/runs/{run.pk}").json()["run"]
    assert shown["coverage"] == [
        {
            "source": "prices",
            "target": "products",
            "named": 10,
            "found": 9,
            "namedBefore": None,
            "foundBefore": None,
            "allowed": 40,
        }
    ]


def test_a_dry_run_ends_as_the_run_would(tmp_path, db):
    mirror_prices()
    path = draw_list(tmp_path / "Prodotti.pdf", get_service("products"), products(FILTERED))
    output = StringIO()
    with pytest.raises(SystemExit) as end:
        call_command("runsync", "products", "--dry-run", "--json", "--file", str(path), stdout=output)
    assert (end.value.code, json.loads(output.getvalue())["status"]) == (3, "quarantined")
    assert "TooManyUnmatched" in output.getvalue()
    Price.objects.exclude(product_erp_id__in=FILTERED[:50]).delete()
    output = StringIO()
    call_command("runsync", "products", "--dry-run", "--file", str(path), stdout=output)
    assert "  Products that prices name: 50, of which 50 are in this export" in output.getvalue()
    assert not Product.objects.exists()
    assert not SyncRun.objects.exists()


def test_customers_without_an_account_are_no_measure(sync_list):
    Customer.objects.bulk_create([CustomerFactory.build() for _ in range(100)])
    run = sync_list("orders", orders(ORDERS[:60], [f"5{number:06}" for number in range(60)]))
    assert (run.status, run.coverage) == (Status.SUCCEEDED, [])
