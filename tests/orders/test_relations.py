from itertools import permutations

import pytest
from django.utils import timezone

from orders.models import Ddt, Invoice, Order
from tests.factories import CustomerFactory, DdtFactory, InvoiceFactory, OrderFactory, PriceFactory, ProductFactory

pytestmark = pytest.mark.django_db

ARRIVALS = {
    "customer": lambda: CustomerFactory(account_number="068631"),
    "order": lambda: OrderFactory(account_number="068631", number="ORD/26000695"),
    "ddt": lambda: DdtFactory(account_number="068631", order_number="ORD/26000695"),
    "invoice": lambda: InvoiceFactory(account_number="068631", order_number="ORD/26000695"),
}


def of_customer(model, customer):
    return model.objects.matching(account_number=customer.account_number)


@pytest.mark.parametrize("arrival", [*permutations(ARRIVALS)], ids="-".join)
def test_records_find_each_other_by_number_whichever_list_arrives_first(arrival):
    arrived = {name: ARRIVALS[name]() for name in arrival}
    customer, order, ddt, invoice = (arrived[name] for name in ARRIVALS)

    assert order.customer == ddt.customer == invoice.customer == customer
    assert ddt.order == invoice.order == order
    assert [*order.ddts] == [*invoice.ddts] == [*of_customer(Ddt, customer)] == [ddt]
    assert [*order.invoices] == [*ddt.invoices] == [*of_customer(Invoice, customer)] == [invoice]
    assert [*of_customer(Order, customer)] == [order]


def test_a_record_whose_counterpart_has_not_arrived_has_none():
    order = OrderFactory(account_number="068631", number="ORD/26000695")
    ddt = DdtFactory(account_number="068631", order_number="ORD/26000001")

    assert order.customer is ddt.customer is ddt.order is None
    assert [*order.ddts] == [*order.invoices] == []


def test_blank_numbers_never_match():
    customer, order, ddt, invoice = CustomerFactory(), OrderFactory(), DdtFactory(), InvoiceFactory()
    product, price = ProductFactory(), PriceFactory()

    assert order.customer is ddt.customer is invoice.customer is ddt.order is invoice.order is price.product is None
    assert not any(of_customer(model, customer) for model in (Order, Ddt, Invoice))
    assert not any(order.ddts or order.invoices or ddt.invoices or invoice.ddts or product.prices)


def test_leading_zeros_matter():
    CustomerFactory(account_number="68631")
    assert OrderFactory(account_number="068631").customer is None


def test_removed_records_match_nothing_and_missing_ones_still_do():
    CustomerFactory(account_number="068631", removed_at=timezone.now())
    order = OrderFactory(account_number="068631", number="ORD/26000695")
    missing = DdtFactory(order_number="ORD/26000695", missing_since=timezone.now())
    DdtFactory(order_number="ORD/26000695", missing_since=timezone.now(), removed_at=timezone.now())

    assert order.customer is None
    assert [*order.ddts] == [missing]


def test_of_customers_that_share_an_account_number_the_first_mirrored_is_meant():
    first, _second = CustomerFactory(account_number="068631"), CustomerFactory(account_number="068631")
    assert OrderFactory(account_number="068631").customer == first


def test_an_order_has_all_its_shipments_and_invoices():
    order = OrderFactory(number="ORD/26000695")
    DdtFactory.create_batch(2, order_number="ORD/26000695")
    InvoiceFactory.create_batch(3, order_number="ORD/26000695")

    assert (order.ddts.count(), order.invoices.count()) == (2, 3)


def test_a_price_finds_its_product_by_id():
    product = ProductFactory(erp_id="016869K2", name="H129FSQ.104.023")
    ProductFactory(erp_id="016869K3", name="H129FSQ.104.023")
    price = PriceFactory(product_erp_id="016869K2", product_name="H129FSQ.104.023")

    assert price.product == product
    assert [*product.prices] == [price]


def test_an_invoice_below_zero_is_a_credit_note():
    assert InvoiceFactory(total_amount=-1).is_credit_note
    assert not InvoiceFactory(total_amount=0).is_credit_note
    assert not InvoiceFactory(total_amount=None).is_credit_note
