"""The demo ERP's records are plausible, and consistent over its lists."""

from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal
from itertools import groupby

import pytest

from demo.erp.data import REAL_SIZES
from demo.erp.documents import VAT_RATES
from demo.erp.erp import DemoErp
from tests.erp.conftest import TODAY


@pytest.fixture(scope="module")
def lists():
    erp = DemoErp(today=TODAY)
    return {sync_type: list(erp.find_records(sync_type)) for sync_type in REAL_SIZES}


def test_the_lists_have_the_real_sizes(lists):
    assert {name: len(records) for name, records in lists.items()} == REAL_SIZES


@pytest.mark.parametrize(
    ("sync_type", "key"),
    [("customers", "id"), ("orders", "id"), ("ddt", "id"), ("ddt", "number"), ("invoices", "number"),
     ("products", "id"), ("products", "record_id"), ("prices", "id")],
)  # fmt: skip
def test_keys_are_unique(lists, sync_type, key):
    keys = [getattr(record, key) for record in lists[sync_type]]
    assert len(set(keys)) == len(keys)


def test_numbers_of_accounts_and_orders_are_unique_where_there_are_any(lists):
    for records, field in ((lists["customers"], "account"), (lists["orders"], "number")):
        given = [getattr(record, field) for record in records if getattr(record, field)]
        assert len(set(given)) == len(given)
        assert len(given) < len(records)


def test_orders_belong_to_customers(lists):
    names = {customer.account: customer.name for customer in lists["customers"] if customer.account}
    assert all(names[order.account] == order.customer_name for order in lists["orders"])


def test_customers_count_their_orders(lists):
    ordered = Counter((order.account, order.created_at.year) for order in lists["orders"])
    for customer in lists["customers"]:
        assert customer.orders_this_year == ordered[customer.account, TODAY.year] * bool(customer.account)
        assert customer.orders_last_year == ordered[customer.account, TODAY.year - 1] * bool(customer.account)


def test_ddt_deliver_the_pieces_of_their_orders(lists):
    orders = {order.number: order for order in lists["orders"] if order.number}
    delivered: Counter[str] = Counter()
    for ddt in lists["ddt"]:
        order = orders[ddt.order_number]
        assert (ddt.account, ddt.address) == (order.account, order.address)
        delivered[order.number] += ddt.pieces
    assert all(delivered[number] == orders[number].pieces for number in delivered)


def test_the_states_of_orders_agree_with_their_documents(lists):
    delivered = {ddt.order_number for ddt in lists["ddt"]}
    invoiced = {invoice.order_number for invoice in lists["invoices"]}
    for order in lists["orders"]:
        assert (order.number in delivered) == (order.sales_state in ("Consegnato", "Fatturato"))
        assert order.number not in invoiced or order.sales_state == "Fatturato"
        assert bool(order.number) == (order.transfer_state == "Trasferito")
    assert {order.sales_state for order in lists["orders"]} == {"Ordine aperto", "Consegnato", "Fatturato"}


def test_amounts_add_up(lists):
    orders = {order.number: order for order in lists["orders"]}
    for order in lists["orders"]:
        assert order.total == order.gross * (100 - order.discount) / 100
    for invoice in lists["invoices"]:
        order = orders[invoice.order_number]
        sign = -1 if invoice.number.startswith("NC/") else 1
        assert invoice.net == sign * order.net
        assert invoice.line_discount == sign * (order.gross - order.net)
        assert abs(invoice.tax - invoice.net * VAT_RATES[order.vat_group]) <= Decimal("0.005")
        assert invoice.total == invoice.net + invoice.tax == invoice.settled + invoice.remaining
        assert invoice.closed_on is None or not invoice.remaining


def test_credit_notes_are_negative(lists):
    credit_notes = [invoice for invoice in lists["invoices"] if invoice.number.startswith("NC/")]
    assert len(credit_notes) == 10
    assert all(note.total <= 0 and note.quantity < 0 for note in credit_notes)


def test_an_open_invoice_says_how_many_days_are_left_and_a_closed_one_0(lists):
    assert all(invoice.days_left == 0 for invoice in lists["invoices"] if invoice.closed_on)
    still_open = [invoice for invoice in lists["invoices"] if not invoice.closed_on]
    assert all(invoice.days_left == (invoice.due_date - TODAY).days for invoice in still_open)
    assert len(still_open) == 28
    assert sum(invoice.days_left < 0 for invoice in still_open) == 4


def test_an_article_comes_in_several_packs_each_a_product(lists):
    by_name = {name: list(packs) for name, packs in groupby(lists["products"], key=lambda product: product.name)}
    assert len(by_name) == 3920
    assert sum(map(len, by_name.values())) == 4540  # no name twice in different places
    assert [product.pack for product in by_name["9801.314.016"]] == ["K1", "K2", "K3"]
    assert {product.pack_pieces for product in lists["products"]} == {0, 1, 5, 10, 100}
    assert {product.price_unit for product in lists["products"]} == {0, 1}
    assert {product.image for product in lists["products"]} == {"System.Byte[]"}
    assert all(product.group.isdecimal() for product in lists["products"])


def test_vat_is_the_key_of_a_vat_group(lists):
    assert Counter(product.vat_group for product in lists["products"]) == {"5": 4418, "1": 121, "0": 1}
    [course] = [product for product in lists["products"] if product.vat_group == "0"]
    assert course.description.startswith("CORSO")
    assert {"5": Decimal("0.22"), "1": Decimal("0.04")} == VAT_RATES


def test_prices_are_those_of_one_price_group(lists):
    accounts = Counter((price.account_code, price.account, price.account_name) for price in lists["prices"])
    assert accounts == {("Group", "002", "DETTAGLIO (consigliato)"): 4952, ("Group", "", ""): 3}
    for price in lists["prices"]:
        assert (price.quantity_from, price.quantity_to, price.price_unit) == (1, 100_000_000, 0)
        assert (price.currency, price.is_net_price) == ("EUR", False)
        assert price.valid_from.year in (2022, 2023, 2024, 2025)
        assert price.valid_to == date(2154, 12, 31)
        assert price.unit_price == round(price.unit_price, 2) > 0


def test_priced_articles_and_products_are_not_the_same(lists):
    names = {product.id: product.name for product in lists["products"]}
    priced = Counter(price.product_id for price in lists["prices"])
    assert len(priced) == 4950
    assert sum(article not in names for article in priced) == 430
    assert sum(product not in priced for product in names) == 20
    assert all(names.get(price.product_id, price.product_name) == price.product_name for price in lists["prices"])


def test_five_articles_have_a_second_price_from_a_later_day(lists):
    by_article = defaultdict(list)
    for price in lists["prices"]:
        by_article[price.product_id].append(price)
    second_prices = [prices for prices in by_article.values() if len(prices) > 1]
    assert len(second_prices) == 5
    for first, second in second_prices:
        assert first.valid_from < second.valid_from
        assert first.unit_price < second.unit_price
    assert sum(not second.account for _, second in second_prices) == 3


@pytest.mark.parametrize("scale", [0, 0.005, 0.02, 0.1])
def test_a_small_erp_has_some_of_each_kind(scale):
    erp = DemoErp(scale=scale, today=TODAY)
    products, prices = list(erp.find_records("products")), list(erp.find_records("prices"))
    assert {product.vat_group for product in products} == {"0", "1", "5"}
    assert {product.pack_pieces for product in products} == {0, 1, 5, 10, 100}
    assert len({product.name for product in products}) < len(products)
    known, priced = {product.id for product in products}, {price.product_id for price in prices}
    assert priced - known
    assert known - priced
    assert sum(not price.account for price in prices) == 3
    assert len(prices) - len(priced) == 5
    assert {product.vat_group for product in products if product.id in priced} == {"0", "1", "5"}


def test_texts_keep_their_leading_zeros(lists):
    customers = lists["customers"]
    assert any(customer.vat_number.startswith("0") for customer in customers)
    assert any(customer.postcode.startswith("0") for customer in customers)
    assert any(customer.account.startswith("0") for customer in customers)


def test_nothing_points_at_anybody_real(lists):
    """VAT numbers are of no tax office, addresses end in a reserved domain, phone numbers have no area."""
    for customer in lists["customers"]:
        assert not customer.vat_number or (passes_check(customer.vat_number) and customer.vat_number[7:10] == "000")
        assert all(not mail or mail.endswith(".example") for mail in (customer.pec, customer.email))
        assert customer.phone[:6] in ("", "+39000")


def passes_check(vat_number):
    digits = [int(digit) for digit in vat_number]
    return (sum(digits[::2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])) % 10 == 0


def test_some_tracking_links_lack_a_quote(lists):
    links = [ddt.tracking for ddt in lists["ddt"]]
    assert all(link.startswith("<a href") and link.endswith("</a>") for link in links)
    assert any('locale=it_IT target="_blank">fedex ' in link for link in links)
    assert any(">Ups 1Z" in link for link in links)


def test_a_larger_scale_multiplies_every_list():
    erp = DemoErp(scale=100, today=TODAY)
    assert {name: erp.count_records(name) for name in REAL_SIZES} == {
        name: 100 * size for name, size in REAL_SIZES.items()
    }
    assert next(iter(erp.world.base.makers["ddt"](place) for place in (112_999,))).order_number
