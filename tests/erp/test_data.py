"""The demo ERP's records are plausible, and consistent over its lists."""

from collections import Counter
from decimal import Decimal
from itertools import groupby

import pytest

from sync.erp.demo.data import REAL_SIZES
from sync.erp.demo.documents import VAT_RATES
from sync.erp.demo.erp import DemoErp
from tests.erp.conftest import TODAY


@pytest.fixture(scope="module")
def lists():
    erp = DemoErp(today=TODAY)
    return {sync_type: list(erp.records(sync_type)) for sync_type in REAL_SIZES}


def test_the_lists_have_the_real_sizes(lists):
    assert {name: len(records) for name, records in lists.items()} == {
        "customers": 1450, "orders": 1000, "ddt": 1130, "invoices": 130, "products": 4540, "prices": 4960,
    }  # fmt: skip


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


def test_an_article_comes_in_several_packs(lists):
    by_name = {name: list(packs) for name, packs in groupby(lists["products"], key=lambda product: product.name)}
    assert [product.pack for product in by_name["9801.314.012"]] == ["K1", "K2", "K3"]
    assert len(by_name) == pytest.approx(4540 / 2, rel=0.01)  # no name twice in different places
    assert all(product.minimum == product.multiple == product.pack_pieces for product in lists["products"])
    assert {product.vat_group for product in lists["products"]} == {"22", "04"}
    assert {product.image for product in lists["products"]} == {"System.Byte[]"}


def test_prices_refer_to_products_and_accounts(lists):
    names = {product.id: product.name for product in lists["products"]}
    accounts = {customer.account for customer in lists["customers"]}
    assert all(names[price.product_id] == price.product_name for price in lists["prices"])
    assert all(price.account in accounts for price in lists["prices"])
    assert {price.product_id for price in lists["prices"] if not price.account} == set(names)


def test_quantity_breaks_go_on_where_the_list_price_ends(lists):
    prices = {(price.product_id, price.quantity_from): price for price in lists["prices"] if not price.account}
    breaks = [price for price in prices.values() if price.quantity_from]
    assert len(breaks) == 210
    for price in breaks:
        listed = prices[price.product_id, Decimal(0)]
        assert listed.quantity_to == price.quantity_from - 1
        assert price.unit_price < listed.unit_price


def test_texts_keep_their_leading_zeros(lists):
    customers = lists["customers"]
    assert any(customer.vat_number.startswith("0") for customer in customers)
    assert any(customer.postcode.startswith("0") for customer in customers)
    assert any(customer.account.startswith("0") for customer in customers)


def test_nothing_points_at_anybody_real(lists):
    """VAT numbers fail their check digit, addresses end in a reserved domain, phone numbers have no area."""
    for customer in lists["customers"]:
        assert not customer.vat_number or not passes_check(customer.vat_number)
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
    assert {name: erp.size(name) for name in REAL_SIZES} == {name: 100 * size for name, size in REAL_SIZES.items()}
    assert next(iter(erp.world.base.record("ddt", place) for place in (112_999,))).order_number
