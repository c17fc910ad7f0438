"""What an order comes to is the same, to the cent, wherever it is shown."""

import random
from decimal import Decimal
from fractions import Fraction

import pytest
from django.utils import translation

from orders.templatetags.amounts import format_money
from tests.factories import CustomerFactory, PriceFactory, ProductFactory

RATES = {"22": 22, "5": 22, "04": 4, "1": 4, "0": 0, "": None}  # by the ERP's keys
SEEDS = range(12)


def rounded(amount):
    """Half up to the cent, of an exact number."""
    return Decimal(int(amount * 100 + Fraction(1, 2))) / 100


def expected_totals(lines, order_discount):
    """By rate and on the whole, with nothing of the code that is tested."""
    nets: dict[int | None, Decimal] = {}
    for quantity, price, unit, discount, rate in lines:
        goods = rounded(Fraction(quantity) * Fraction(price) * (100 - Fraction(discount)) / (100 * unit))
        net = rounded(Fraction(goods) * (100 - Fraction(order_discount)) / 100)
        nets[rate] = nets.get(rate, Decimal(0)) + net
    vat = {rate: rounded(Fraction(net) * rate / 100) for rate, net in nets.items() if rate is not None}
    net = sum(nets.values(), Decimal(0))
    return nets, vat, net, net + sum(vat.values(), Decimal(0))


@pytest.fixture
def order(seed):
    """A random order as the API takes it, and the numbers of its lines."""
    chance = random.Random(seed)
    lines, wanted = [], []
    for number in range(chance.randint(1, 40)):
        price = Decimal(chance.randint(1, 10 ** chance.randint(1, 7))).scaleb(-chance.choice([0, 2, 2, 2, 4]))
        unit = chance.choice([1, 1, 1, 100])
        key = chance.choice(list(RATES))
        product = ProductFactory(erp_id=f"P{number}", vat_group=key)
        PriceFactory(product_erp_id=product.erp_id, unit_price=price, price_unit=unit)
        quantity = chance.randint(1, 10 ** chance.randint(1, 3))
        discount = Decimal(chance.choice([0, 0, chance.randint(0, 10_000)])).scaleb(-2)
        lines.append((quantity, price, unit, discount, RATES[key]))
        wanted.append({"product": product.erp_id, "quantity": quantity, "discountPercent": str(discount)})
    order_discount = Decimal(chance.choice([0, chance.randint(0, 10_000)])).scaleb(-2)
    customer = CustomerFactory()
    return {"customer": customer.erp_id, "lines": wanted, "discountPercent": str(order_discount)}, lines


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.django_db
def test_form_api_and_print_agree_to_the_cent(api, order, client, django_user_model):
    sent, lines = order
    nets, vat, net, gross = expected_totals(lines, sent["discountPercent"])
    totals = api.post("/api/drafts/preview", sent).json()["draft"]["totals"]  # which the form shows as they are
    shown = {int(each["rate"]): (Decimal(each["taxable"]), Decimal(each["amount"])) for each in totals["vatByRate"]}
    assert shown == {rate: (nets[rate], vat[rate]) for rate in vat}
    assert (Decimal(totals["net"]), Decimal(totals["gross"])) == (net, gross)
    assert Decimal(totals["netWithoutVat"]) == nets.get(None, 0)
    saved = api.post("/api/drafts", sent).json()["draft"]
    assert saved["totals"] == totals == api.get(f"/api/drafts/{saved['id']}").json()["draft"]["totals"]
    client.force_login(django_user_model.objects.get())
    html = client.get(f"/drafts/{saved['id']}/print", headers={"Accept-Language": "en"}).content.decode()
    with translation.override("en"):
        for amount in (net, gross, *vat.values()):
            assert f'">{format_money(amount, "EUR")}</dd>' in html
        assert (
            f"<dd>{format_money(gross, 'EUR')}"
            in client.get("/drafts", headers={"Accept-Language": "en"}).content.decode()
        )
