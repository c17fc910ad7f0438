"""The price that counts: of today, of this customer, of this quantity."""

from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orders.pricing import PriceList, find_price_group, must_choose_price_group
from sync.service import get_service
from tests.factories import CustomerFactory, PriceFactory, ProductFactory

pytestmark = pytest.mark.django_db

TODAY = date(2026, 1, 20)


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(datetime(2026, 1, 20, 12, tzinfo=ZoneInfo("Europe/Rome")), tick=False) as clock:
        yield clock


@pytest.fixture
def product():
    return ProductFactory(erp_id="001627K2", name="9801.314.016", pack="K2", vat_group="22", multiple_quantity=5)


def price(product, unit_price, **fields):
    return PriceFactory(product_erp_id=product.erp_id, unit_price=Decimal(unit_price), **fields)


def looked_up(api, product, **question):
    return api.get("/api/prices/lookup", {"product": product.erp_id, **question}).json()["price"]


def cost(product, *, account="", quantity=1):
    found = PriceList([product], account=account).find_price(product, Decimal(quantity))
    return found and found.unit_price


def test_a_look_up_gives_price_currency_and_vat(product, api):
    line = price(product, "12.90")
    found = looked_up(api, product, quantity=5)
    assert (found["unitPrice"], found["currency"], found["vatRate"], found["priceUnit"]) == ("12.90", "EUR", "22", "1")
    assert (found["price"]["erpId"], found["product"]["name"]) == (line.erp_id, "9801.314.016")


def test_a_customer_s_own_price_goes_before_the_group_s_and_that_before_everybody_s(product):
    price(product, 14, account="", account_code="All")
    assert (cost(product), cost(product, account="1002239")) == (14, 14)
    price(product, 10)
    price(product, 12, account="1002239", account_code="Table")
    assert (cost(product), cost(product, account="1002239"), cost(product, account="1002240")) == (10, 12, 10)


@pytest.mark.parametrize(
    ("code", "account"),
    [
        ("Table", "1002239"),
        ("Tabella", "1002239"),
        ("Group", "002"),
        ("Gruppo", "002"),
        ("GROUP", "002"),
        ("All", ""),
        ("Tutto", ""),
        ("Tutti", ""),
    ],
)
def test_codice_conto_says_whose_price_it_is_in_both_languages(code, account, product):
    price(product, 10, account_code=code, account=account)
    assert cost(product, account="1002239") == 10


@pytest.mark.parametrize(("code", "account"), [("Group", ""), ("Table", ""), ("Altro", "002"), ("", "002"), ("", "")])
def test_a_price_that_names_nobody_is_nobody_s(code, account, product):
    PriceFactory(product_erp_id="another")  # so that a price group counts
    price(product, 10, account_code=code, account=account)
    assert (cost(product), cost(product, account="1002239")) == (None, None)


def test_a_price_group_that_has_a_customer_s_number_is_not_that_customer_s(product):
    price(product, 10, account_code="Table", account="002")
    price(product, 12)
    assert (cost(product, account="1002239"), cost(product, account="002")) == (12, 10)


# Price groups


def test_the_only_price_group_counts_and_of_several_the_one_that_was_chosen(product, settings):
    price(product, 10)
    assert (find_price_group(), cost(product), must_choose_price_group()) == ("002", 10, False)
    price(product, 9, account="003", account_description="RIVENDITORI")
    assert (find_price_group(), cost(product), must_choose_price_group()) == ("", None, True)
    settings.PRICE_GROUP = "003"
    assert (find_price_group(), cost(product), must_choose_price_group()) == ("003", 9, False)


def test_a_chosen_price_group_that_has_no_prices_is_to_be_chosen_anew(product, settings):
    settings.PRICE_GROUP = "004"
    assert not must_choose_price_group()  # there are no prices yet
    price(product, 10)
    assert (cost(product), must_choose_price_group()) == (None, True)
    [notice] = get_service("prices").find_notices()
    assert "004" in notice.text
    assert "002 (DETTAGLIO (consigliato))" in notice.text
    assert "PRICE_GROUP" in notice.action


def test_several_price_groups_are_named_where_a_price_is_lacking(product, api):
    price(product, 10)
    price(product, 9, account="003", account_description="RIVENDITORI")
    [notice] = get_service("prices").find_notices()
    assert "002 (DETTAGLIO (consigliato)), 003 (RIVENDITORI)" in notice.text
    answer = api.get("/api/prices/lookup", {"product": product.erp_id})
    assert (answer.status_code, "price group" in answer.json()["error"]) == (404, True)


@pytest.mark.parametrize(
    "fields", [{"valid_to": date(2023, 12, 31)}, {"valid_from": date(2027, 1, 1)}, {"unit_price": 0}, {"currency": ""}]
)
def test_a_price_that_cannot_count_today_makes_no_second_price_group(fields, product):
    price(product, 10)
    PriceFactory(product_erp_id="another", account="003", **fields)
    assert (find_price_group(), cost(product), get_service("prices").find_notices()) == ("002", 10, [])


def test_a_removed_price_s_group_does_not_count(product):
    price(product, 10)
    price(product, 9, account="003", removed_at=datetime(2026, 1, 1, tzinfo=ZoneInfo("UTC")))
    assert (cost(product), get_service("prices").find_notices()) == (10, [])


def test_the_price_of_the_largest_quantity_that_is_reached_counts(product):
    price(product, 10, quantity_from=0, quantity_to=49)
    price(product, 9, quantity_from=50)
    price(product, 8, quantity_from=100, quantity_to=0)
    costs = [cost(product, quantity=quantity) for quantity in (1, 49, 50, 99, 100, 5000)]
    assert costs == [10, 10, 9, 9, 8, 8]


@pytest.mark.parametrize(
    ("valid_from", "valid_to", "counts"),
    [
        (None, None, True),
        (TODAY, TODAY, True),
        (date(2026, 1, 21), None, False),
        (None, date(2026, 1, 19), False),
        (date(2022, 7, 1), date(2154, 12, 31), True),
    ],
)
def test_only_a_price_that_is_valid_today_counts(valid_from, valid_to, counts, product):
    price(product, 10, valid_from=valid_from, valid_to=valid_to)
    assert (cost(product) == 10) is counts


def test_today_is_the_day_in_italy(product, today):
    price(product, 10, valid_from=date(2026, 1, 21))
    today.move_to(datetime(2026, 1, 21, 0, 30, tzinfo=ZoneInfo("Europe/Rome")))
    assert cost(product) == 10


def test_of_two_prices_the_one_valid_since_later_counts(product):
    price(product, 11, valid_from=date(2026, 1, 1))
    price(product, 10, valid_from=date(2025, 1, 1))
    assert cost(product) == 11


def test_two_prices_of_one_product_without_a_break_are_told_apart_by_their_start(product):
    price(product, 11, quantity_from=1, quantity_to=100_000_000, valid_from=date(2022, 7, 1))
    price(product, 12, quantity_from=1, quantity_to=100_000_000, valid_from=date(2025, 1, 1))
    assert cost(product, quantity=7) == 12


def test_a_price_that_names_the_pack_instead_of_the_product_is_another_s(product):
    PriceFactory(product_erp_id="K2", product_name="9801.314.016", unit_price=10)
    assert cost(product) is None


def test_a_price_unit_of_nothing_is_one_piece(product, api):
    price(product, "10.45", price_unit=0)
    assert (looked_up(api, product)["unitPrice"], looked_up(api, product)["priceUnit"]) == ("10.45", "1")


def test_removed_prices_and_those_of_others_do_not_count(product):
    price(product, 10, removed_at=datetime(2026, 1, 1, tzinfo=ZoneInfo("UTC")))
    PriceFactory(product_erp_id="another", unit_price=10)
    price(product, 10, account="1002239", account_code="Table")
    assert cost(product) is None


def test_many_products_take_two_queries():
    products = [ProductFactory() for _ in range(20)]
    for each in products:
        price(each, 10)
    with CaptureQueriesContext(connection) as queries:
        prices = PriceList(products, account="1002239")
        assert all(prices.find_price(each, Decimal(1)) for each in products)
    assert len(queries) == 2  # one for the price group


def test_without_a_quantity_the_least_that_may_be_ordered_is_looked_up(product, api):
    price(product, 10)
    found = looked_up(api, product)
    assert (found["quantity"], found["nearestQuantities"]) == ("5", ["5"])
    assert looked_up(api, product, quantity=7)["nearestQuantities"] == ["5", "10"]


def test_no_price_and_no_product_are_404_with_a_sentence(product, api):
    answer = api.get("/api/prices/lookup", {"product": product.erp_id})
    assert (answer.status_code, "The ERP has no price for" in answer.json()["error"]) == (404, True)
    answer = api.get("/api/prices/lookup", {"product": "unknown"})
    assert (answer.status_code, "unknown" in answer.json()["error"]) == (404, True)


@pytest.mark.parametrize(
    ("question", "field"),
    [
        ({}, "product"),
        ({"product": "x", "qty": 3}, "qty"),
        ({"product": "x", "quantity": "many"}, "quantity"),
        ({"product": "x", "quantity": -1}, "quantity"),
    ],
)
def test_a_wrong_question_is_400_and_names_the_parameter(question, field, api):
    answer = api.get("/api/prices/lookup", question)
    assert (answer.status_code, list(answer.json()["detail"])) == (400, [field])


def test_an_account_that_no_customer_has_is_not_taken_for_one_without_prices_of_its_own(product, api):
    price(product, 10)
    answer = api.get("/api/prices/lookup", {"product": product.erp_id, "account": "1002239"})
    assert (answer.status_code, list(answer.json()["detail"])) == (400, ["account"])
    CustomerFactory(account_number="1002239")
    assert looked_up(api, product, account="1002239")["unitPrice"] == "10.00"


def test_the_price_list_is_shown_by_product_and_account(product, api):
    own = price(product, 9, account="1002239", account_code="Table")
    group_s = price(product, 10)
    PriceFactory(product_erp_id="another")
    shown = api.get("/api/prices", {"product": product.erp_id}).json()["results"]
    assert {each["erpId"] for each in shown} == {own.erp_id, group_s.erp_id}
    [only] = api.get("/api/prices", {"product": product.erp_id, "account": "1002239"}).json()["results"]
    assert only["erpId"] == own.erp_id
    assert api.get("/api/prices", {"product": "unknown"}).json()["results"] == []
