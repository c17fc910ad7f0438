"""What an order comes to: to the cent, half up, and so that what is shown adds up."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.totals import Shipping, compute_line_amounts, compute_totals

D = Decimal


def line(quantity="1", price="10", *, unit="1", discount="0", order_discount="0", vat="22"):
    return compute_line_amounts(
        quantity=D(quantity),
        unit_price=D(price),
        price_unit=D(unit),
        discount=D(discount),
        order_discount=D(order_discount),
        vat_rate=D(vat),
    )


@pytest.mark.parametrize(
    ("amounts", "net", "vat"),
    [
        (line("3", "12.90"), "38.70", "8.51"),
        (line("10", "12.90", discount="10"), "116.10", "25.54"),
        (line("1", "0.005"), "0.01", "0.00"),  # half a cent goes up
        (line("1", "2.675", vat="4"), "2.68", "0.11"),  # as a float it would go down
        (line("5", "100", unit="100"), "5.00", "1.10"),
        (line("1", "33.33", order_discount="50"), "16.67", "3.67"),
        (line("1", "10", discount="100"), "0.00", "0.00"),
        (line("3", "10", unit="7"), "4.29", "0.94"),
        (line("1000000", "99999999999.9999"), "99999999999999900.00", "21999999999999978.00"),
    ],
)
def test_a_line_comes_to(amounts, net, vat):
    assert (amounts.net, amounts.vat, amounts.gross) == (D(net), D(vat), D(net) + D(vat))


def test_an_order_adds_up_by_rate():
    totals = compute_totals(
        [
            line("10", "12.90", discount="10", order_discount="5"),
            line("1", "99.99", order_discount="5"),
            line("2", "7.77", order_discount="5", vat="4"),
        ]
    )
    assert (totals.goods, totals.discount, totals.net) == (D("231.63"), D("11.58"), D("220.05"))
    assert [(each.rate, each.taxable, each.amount) for each in totals.vat_by_rate] == [
        (D(22), D("205.29"), D("45.16")),
        (D(4), D("14.76"), D("0.59")),
    ]
    assert (totals.vat, totals.gross) == (D("45.75"), D("265.80"))


def test_vat_is_rounded_once_for_each_rate_as_the_erp_s_invoices_do():
    totals = compute_totals([line("1", "0.02"), line("1", "0.02"), line("1", "0.02", vat="4"), line("3", "0.02")])
    assert [(each.rate, each.taxable, each.amount) for each in totals.vat_by_rate] == [
        (D(22), D("0.10"), D("0.02")),  # line by line it would be 0.01
        (D(4), D("0.02"), D("0.00")),
    ]
    assert (totals.vat, totals.gross) == (D("0.02"), D("0.14"))


def test_shipping_has_a_row_of_its_own_and_its_vat_is_part_of_that_of_its_rate():
    totals = compute_totals([line("10", "12.90"), line("1", "10", vat="4")], Shipping(D("15.50"), D(22)))
    assert (totals.goods, totals.net, totals.shipping) == (D("139.00"), D("139.00"), D("15.50"))
    assert [(each.rate, each.taxable, each.amount) for each in totals.vat_by_rate] == [
        (D(22), D("144.50"), D("31.79")),
        (D(4), D("10.00"), D("0.40")),
    ]
    assert totals.gross == D("139.00") + D("15.50") + D("32.19")


def test_discounts_of_lines_and_order_count_together():
    totals = compute_totals(
        [line("1", "100", discount="20", order_discount="10"), line("1", "100", order_discount="10")]
    )
    assert (totals.undiscounted, totals.net, totals.discount_percent) == (D("200.00"), D("162.00"), D("19.00"))
    assert compute_totals([line("1", "0")]).discount_percent == 0


def test_an_order_without_lines_comes_to_nothing():
    assert compute_totals([]).gross == D("0.00")


cents = st.decimals(0, 10**7, places=4)
percents = st.decimals(0, 100, places=2)


@given(st.lists(st.tuples(cents, cents, percents, st.sampled_from(["22", "10", "4", "0"])), max_size=20), percents)
def test_whatever_is_ordered_what_is_shown_adds_up_and_is_right_to_the_cent(wanted, order_discount):
    lines = [
        line(quantity, price, discount=discount, order_discount=order_discount, vat=vat)
        for quantity, price, discount, vat in wanted
    ]
    for (quantity, price, discount, _vat), amounts in zip(wanted, lines, strict=True):
        exact = Fraction(quantity) * Fraction(price) * (100 - Fraction(discount)) / 100
        assert abs(Fraction(amounts.goods) - exact) <= Fraction(1, 200)
    totals = compute_totals(lines)
    assert totals.goods - totals.discount == totals.net
    assert totals.net + totals.vat == totals.gross
    assert sum((each.taxable for each in totals.vat_by_rate), D(0)) == totals.net
    assert sum((each.amount for each in totals.vat_by_rate), D(0)) == totals.vat
    for each in totals.vat_by_rate:
        assert each.amount - D("0.005") <= each.taxable * each.rate / 100 < each.amount + D("0.005")
    assert all(amount == amount.quantize(D("0.01"), ROUND_HALF_UP) for amount in (totals.net, totals.vat))
