"""What a customer has ordered before: what is offered again, in which order, and at which price."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from orders import usual_products
from orders.models import Draft, DraftLine, OrderLine, OrderLinesFetch
from tests.factories import (
    CustomerFactory,
    DraftFactory,
    DraftLineFactory,
    OrderFactory,
    PriceFactory,
    ProductFactory,
)
from tests.plans import explain

pytestmark = pytest.mark.django_db

# Questions: customer, past lines of orders and drafts, products, price group (two), prices, and whether a price group
# must be chosen (two).
FEW = 9


@pytest.fixture
def customer():
    return CustomerFactory(erp_id=80, account_number="1002239")


@pytest.fixture
def products():
    made = [ProductFactory(erp_id=f"{number:06}K2", vat_group="22") for number in range(1, 5)]
    for product in made:
        PriceFactory(product_erp_id=product.erp_id, unit_price=Decimal("10.45"))
    return made


def drafted(customer, *products, days_ago=0, quantity=1, discount=0, **fields):
    """A draft of a day, with a line of each product."""
    draft = DraftFactory(customer=customer, changed_at=timezone.now() - timedelta(days=days_ago), **fields)
    for position, product in enumerate(products, 1):
        DraftLineFactory(
            draft=draft,
            position=position,
            product=product,
            quantity=quantity,
            discount_percent=discount,
            unit_price=Decimal("10.45"),
        )
    return draft


def ordered(customer, *products, days_ago=0, discount=0, amount="125.40", article=None, **fields):
    """An order of the ERP of a day, with a line of twelve of each product."""
    at = timezone.now() - timedelta(days=days_ago)
    order = OrderFactory(account_number=customer.account_number, ordered_at=at, **fields)
    for position, product in enumerate(products, 1):
        OrderLine.objects.create(
            order=order,
            position=position,
            article=article or product.name,
            product=product,
            quantity=12,
            discount_percent=discount,
            amount=Decimal(amount),
        )
    return order


def usual(customer, **options):
    return [each.product for each in usual_products.find_usual_products(customer, **options).products]


def said(api, customer=80, **question):
    return api.get(f"/api/customers/{customer}/usual-products", question)


def test_what_is_ordered_more_often_comes_first(customer, products):
    often, once, *_ = products
    drafted(customer, once, days_ago=1)
    drafted(customer, often, days_ago=2)
    drafted(customer, often, days_ago=3)
    assert usual(customer) == [often, once]


def test_what_was_ordered_lately_goes_before_what_was_ordered_twice_years_ago(customer, products):
    old, lately, *_ = products
    drafted(customer, old, days_ago=900)
    drafted(customer, old, days_ago=1000)
    drafted(customer, lately)
    assert usual(customer) == [lately, old]


def test_an_order_counts_once_for_a_product_that_stands_in_two_of_its_lines(customer, products):
    first, second, *_ = products
    drafted(customer, first, first, first, days_ago=1)
    drafted(customer, second, days_ago=2)
    drafted(customer, second, days_ago=3)
    assert usual(customer) == [second, first]


def test_drafts_of_all_agents_count_but_for_deleted_ones_and_those_of_other_customers(customer, products):
    first, second, third, fourth = products
    drafted(customer, first)
    drafted(customer, second)
    drafted(customer, third, deleted_at=timezone.now())
    drafted(CustomerFactory(account_number="1002240"), fourth)
    assert set(usual(customer)) == {first, second}


def test_the_lines_of_the_erp_s_orders_count_too(api, customer, products):
    ordered(customer, products[0], days_ago=1, discount=10, amount="112.86")
    drafted(customer, products[1], days_ago=2)
    answer = said(api).json()
    assert [each["product"]["erpId"] for each in answer["products"]] == [each.erp_id for each in products[:2]]
    [line] = answer["lastOrder"]
    assert (line["last"]["document"], line["last"]["quantity"], line["last"]["discountPercent"]) == (
        "order",
        "12",
        "10",
    )
    assert (line["last"]["unitPrice"], line["last"]["isDerived"], line["priceChange"]) == ("10.45", True, "unchanged")


@pytest.mark.parametrize(
    "fields", [{"is_quote": True}, {"is_gift": True}, {"removed_at": timezone.now()}, {"account_number": "1002240"}]
)
def test_quotes_gifts_and_orders_that_are_no_more_do_not_count(customer, products, fields):
    order = ordered(customer, products[0])
    for name, value in fields.items():
        setattr(order, name, value)
    order.save()
    assert usual(customer) == []


@pytest.mark.parametrize("fields", [{"is_quote": True}, {"is_gift": True}])
def test_drafts_of_quotes_and_gifts_do_not_count(customer, products, fields):
    drafted(customer, products[0])
    Draft.objects.update(**fields)
    assert usual(customer) == []


def test_an_order_is_not_found_for_a_customer_without_an_account(products):
    nobody = CustomerFactory(account_number="")
    ordered(nobody, products[0])
    assert usual(nobody) == []


def test_a_draft_that_was_entered_in_the_erp_counts_once(customer, products):
    first, second, *_ = products
    drafted(customer, first)
    ordered(customer, first)
    drafted(customer, second, days_ago=1)
    drafted(customer, second, days_ago=2)
    found = usual_products.find_usual_products(customer)
    assert [(each.product, each.count) for each in found.products] == [(second, 2), (first, 1)]
    assert [each.last.source for each in found.last_order] == ["order"]


def test_a_draft_that_was_put_away_does_not_count(customer, products):
    drafted(customer, products[0], closed_at=timezone.now())
    drafted(customer, products[1], days_ago=9)
    found = usual_products.find_usual_products(customer)
    assert [each.product for each in (*found.products, *found.last_order)] == [products[1], products[1]]


def test_a_draft_does_not_count_once_the_lines_of_its_order_are_mirrored(customer, products):
    order = OrderFactory(account_number=customer.account_number, ordered_at=timezone.now())
    drafted(customer, *products[:2], days_ago=3, order=order, found_at=timezone.now())
    assert set(usual(customer)) == set(products[:2])
    OrderLine.objects.create(
        order=order, position=1, article=products[0].name, product=products[0], quantity=1, amount=Decimal("10.45")
    )
    now = timezone.now()
    OrderLinesFetch.objects.create(order=order, order_changed_at=now, tried_at=now, fetched_at=now)
    [offered] = usual_products.find_usual_products(customer).products
    assert (offered.product, offered.count, offered.last.source) == (products[0], 1, "order")


def test_a_line_whose_pack_is_not_certain_is_repeated_by_its_article_alone(api, customer, products):
    ordered(customer, products[0])
    OrderLine.objects.update(product=None)
    answer = said(api).json()
    assert answer["products"] == []
    [line] = answer["lastOrder"]
    assert (line["product"], line["article"], line["last"]["quantity"]) == (None, products[0].name, "12")


@pytest.mark.parametrize(("amount", "change"), [("125.41", "unchanged"), ("125.45", "fallen"), ("125.30", "risen")])
def test_a_cent_of_an_order_s_amount_is_no_change_of_the_price(api, customer, products, amount, change):
    ordered(customer, products[0], amount=amount)
    [offered] = said(api).json()["products"]
    assert offered["priceChange"] == change


def test_the_draft_that_is_being_changed_is_no_past_order(customer, products):
    now = drafted(customer, products[0])
    drafted(customer, products[1], days_ago=9)
    found = usual_products.find_usual_products(customer, except_draft=now.pk)
    assert [each.product for each in (*found.products, *found.last_order)] == [products[1], products[1]]


def test_the_last_order_comes_whole_in_its_order(customer, products):
    drafted(customer, *products, days_ago=5)
    drafted(customer, products[2], products[0], products[2], days_ago=1, quantity=3, discount=10)
    last = usual_products.find_usual_products(customer).last_order
    assert [each.product for each in last] == [products[2], products[0], products[2]]
    assert {(int(each.last.quantity), int(each.last.discount_percent)) for each in last} == {(3, 10)}


def test_a_customer_without_past_orders_is_offered_nothing(api, customer):
    answer = said(api).json()
    assert (answer["products"], answer["lastOrder"]) == ([], [])


def test_a_product_comes_as_it_was_ordered_last_and_at_today_s_price(api, customer, products):
    drafted(customer, products[0], days_ago=30, quantity=99)
    drafted(customer, products[0], days_ago=1, quantity=12, discount=Decimal("10.00"))
    PriceFactory(product_erp_id=products[0].erp_id, account="1002239", account_code="Table", unit_price=Decimal(9))
    [offered] = said(api).json()["products"]
    assert (offered["product"]["erpId"], offered["count"]) == (products[0].erp_id, 2)
    last = offered["last"]
    assert (last["document"], last["quantity"], last["unitPrice"], last["discountPercent"]) == (
        "draft",
        "12",
        "10.45",
        "10",
    )
    assert (offered["unitPrice"], offered["currency"], offered["priceChange"]) == ("9.00", "EUR", "fallen")


@pytest.mark.parametrize(
    ("price", "unit", "change"), [("10.46", 1, "risen"), ("10.45", 1, "unchanged"), ("1045", 100, "unchanged")]
)
def test_prices_are_compared_by_the_piece(api, customer, price, unit, change):
    product = ProductFactory(erp_id="001627K2")
    PriceFactory(product_erp_id="001627K2", unit_price=Decimal(price), price_unit=unit)
    drafted(customer, product)
    [offered] = said(api).json()["products"]
    assert offered["priceChange"] == change


def test_prices_in_two_currencies_are_not_compared(api, customer, products):
    drafted(customer, products[0], currency="CHF")
    [offered] = said(api).json()["products"]
    assert (offered["last"]["currency"], offered["currency"], offered["priceChange"]) == ("CHF", "EUR", None)


@pytest.mark.parametrize(
    ("fields", "field", "text"),
    [
        ({"is_blocked": True}, "product", "cannot be ordered"),
        ({"is_orderable": False}, "product", "cannot be ordered"),
        ({"removed_at": timezone.now()}, "product", "There is no product 000001K2."),
        ({"multiple_quantity": 5}, "quantity", "You can order: 5."),
    ],
)
def test_what_cannot_be_ordered_any_more_says_why(api, customer, products, fields, field, text):
    for name, value in fields.items():
        setattr(products[0], name, value)
    products[0].save()
    drafted(customer, products[0])
    answer = said(api).json()
    for [offered] in (answer["products"], answer["lastOrder"]):
        assert offered["product"]["erpId"] == "000001K2"
        assert (offered["unitPrice"], offered["problem"]["field"]) == (None, field)
        assert text in offered["problem"]["text"]


def test_a_product_without_a_price_says_so(api, customer):
    drafted(customer, ProductFactory(erp_id="001627K2"))
    [offered] = said(api).json()["products"]
    assert (offered["unitPrice"], offered["problem"]["field"]) == (None, "product")


def test_a_customer_who_is_not_there_is_a_404(api):
    answer = said(api, 81)
    assert (answer.status_code, answer.json()["error"]) == (404, "There is no customer 81.")


@pytest.mark.parametrize("question", [{"draft": "x"}, {"draft": "0"}, {"drafts": "1"}])
def test_what_means_nothing_is_refused(api, customer, question):
    assert said(api, **question).status_code == 400


def test_it_asks_as_many_questions_for_many_orders_as_for_one(api, customer, products):
    drafted(customer, products[0])
    with CaptureQueriesContext(connection) as for_one:
        said(api)
    for day in range(20):
        drafted(customer, *products, days_ago=day)
        ordered(customer, *products, days_ago=day)
    with CaptureQueriesContext(connection) as for_many:
        said(api)
    assert len(for_many) == len(for_one) <= FEW


def test_at_most_forty_are_offered(customer):
    drafted(customer, *(ProductFactory() for _ in range(usual_products.USUAL + 1)))
    assert len(usual(customer)) == usual_products.USUAL


def test_the_past_lines_of_a_customer_are_found_by_indexes(customer):
    drafted_lines = DraftLine.objects.filter(draft__customer=customer, draft__deleted_at=None)
    for lines in (drafted_lines, OrderLine.objects.for_account("'1002239'")):  # a query's text has no quotes of its own
        plan = explain(str(lines.order_by().query))
        assert "SCAN" not in plan
        assert "Seq Scan" not in plan


# While an order is being written


def previewed(api, product, **fields):
    line = {"product": product.erp_id, "quantity": "1"}
    return api.post("/api/drafts/preview", {"customer": 80, "lines": [line], **fields}).json()["draft"]["lines"][0]


def test_a_line_says_how_the_product_was_ordered_the_last_time(api, customer, products):
    assert (previewed(api, products[0])["last"], previewed(api, products[0])["priceChange"]) == (None, None)
    drafted(customer, products[0], quantity=12, discount=10)
    line = previewed(api, products[0])
    assert (line["last"]["quantity"], line["last"]["discountPercent"], line["priceChange"]) == ("12", "10", "unchanged")
    assert previewed(api, products[0], customer=None)["last"] is None


def test_a_draft_that_is_being_changed_does_not_name_itself(api, customer, products):
    draft = drafted(customer, products[0])
    assert previewed(api, products[0])["last"]
    assert previewed(api, products[0], draft=draft.pk)["last"] is None


def test_a_preview_asks_as_many_questions_whatever_a_customer_has_ordered(api, customer, products):
    def count():
        with CaptureQueriesContext(connection) as queries:
            previewed(api, products[0])
        return len(queries)

    for_none = count()
    for day in range(5):
        drafted(customer, *products, days_ago=day)
    assert count() == for_none
