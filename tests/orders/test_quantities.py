"""How many of a product may be ordered: decided once, whatever the ERP's minimum, multiple and maximum are."""

from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from orders.quantities import compute_order_quantities
from tests.factories import ProductFactory

D = Decimal

# The ERP's minimum, multiple and maximum, and what they come to. The order form's script is held to the same cases.
WORDS = ("least", "step", "most", "ignored")
CASES: list[list[Decimal | None]] = [
    [None if each is None else D(str(each)) for each in case]
    for case in [
        # nothing is said
        (None, None, None, 1, 1, None, None),
        (0, 0, 0, 1, 1, None, None),
        (-1, -1, -1, 1, 1, None, None),
        # each alone
        (3, None, None, 3, 1, None, None),
        ("2.5", None, None, 3, 1, None, None),  # pieces are whole
        (None, 5, None, 5, 5, None, None),
        (None, "0.5", None, "0.5", "0.5", None, None),
        (None, None, 4, 1, 1, 4, None),
        (None, None, "4.5", 1, 1, 4, None),
        # together
        (5, 5, None, 5, 5, None, None),
        (10, 5, 20, 10, 5, 20, None),
        (5, 5, 5, 5, 5, 5, None),  # only one quantity
        ("0.3", "0.1", "0.7", "0.3", "0.1", "0.7", None),
        ("2.1", "0.7", None, "2.1", "0.7", None, None),
        # the minimum is no multiple, or the multiple nothing
        (7, 5, None, 10, 5, None, None),
        (1, 5, None, 5, 5, None, None),
        (7, 0, None, 7, 1, None, None),
        # the maximum is no multiple
        (5, 5, 52, 5, 5, 50, None),
        (100, 100, 150, 100, 100, 100, None),
        # nothing could be ordered within the maximum: it is no limit
        (100, 100, 1, 100, 100, None, 1),  # the ERP has counted it in packs
        (10, 5, 5, 10, 5, None, 5),
        (10, 0, 9, 10, 1, None, 9),
        (None, 100, 1, 100, 100, None, 1),
        (7, 5, 8, 10, 5, None, 8),
        (None, None, "0.5", 1, 1, None, "0.5"),
    ]
]


def rules(minimum=None, multiple=None, maximum=None, default=None):
    def number(given):
        return None if given is None else D(given)

    return SimpleNamespace(
        minimum_quantity=number(minimum),
        multiple_quantity=number(multiple),
        maximum_quantity=number(maximum),
        default_quantity=number(default),
    )


@pytest.mark.parametrize(("minimum", "multiple", "maximum", *WORDS), CASES)
def test_what_may_be_ordered_is(minimum, multiple, maximum, least, step, most, ignored):
    found = compute_order_quantities(rules(minimum, multiple, maximum))
    assert (found.least, found.step, found.most, found.ignored_maximum) == (least, step, most, ignored)
    assert found.usual == least
    assert found.find_nearest(D(0)) == [least]


@pytest.mark.parametrize(
    ("quantity", "of", "valid"),
    [
        ("1", rules(), ["1"]),
        ("1.5", rules(), ["1", "2"]),
        ("0.5", rules(), ["1"]),
        ("7", rules(5, 5, 0), ["5", "10"]),
        ("5", rules(5, 5, 0), ["5"]),
        ("1", rules(5, 5), ["5"]),
        ("7", rules(7, 5), ["10"]),
        ("100", rules(5, 5, 52), ["50"]),
        ("48", rules(5, 5, 52), ["45", "50"]),
        ("0.7", rules(None, "0.5"), ["0.5", "1.0"]),
        ("100", rules(100, 100, 1), ["100"]),
        ("150", rules(100, 100, 1), ["100", "200"]),
        ("3", rules(0, 0, 0), ["3"]),
    ],
)
def test_the_nearest_quantities_that_may_be_ordered_are(quantity, of, valid):
    assert compute_order_quantities(of).find_nearest(D(quantity)) == [D(each) for each in valid]


@pytest.mark.parametrize(
    ("of", "usual"),
    [
        (rules(5, 5, default=20), "20"),
        (rules(5, 5, default=22), "25"),
        (rules(default=10), "10"),
        (rules(default="2.5", multiple="0.5"), "2.5"),
        (rules(10, 5, default=5), "10"),  # less than the minimum
        (rules(5, 5, 52, default=100), "50"),  # more than the maximum
        (rules(5, 5, 10, default=10), "10"),
        (rules("0.1", "0.1", "0.3", default=5), "0.3"),
        (rules(100, 100, 1, default=1), "100"),
        (rules(100, 100, 1, default=200), "200"),  # which is no limit
        (rules(default=0), "1"),
        (rules(default=-5), "1"),
    ],
)
def test_the_usual_quantity_is_the_product_s_own_as_far_as_it_may_be_ordered(of, usual):
    quantities = compute_order_quantities(of)
    assert quantities.usual == D(usual)
    assert quantities.find_nearest(quantities.usual) == [quantities.usual]


steps = st.none() | st.integers(0, 60)


@given(st.decimals(0, 1000, places=2), steps, steps, steps)
def test_what_is_offered_may_itself_be_ordered_and_nothing_is_nearer(quantity, minimum, multiple, maximum):
    quantities = compute_order_quantities(rules(minimum, multiple, maximum))
    step = multiple or 1
    from_minimum = [D(each) for each in range(step, 2000, step) if each >= (minimum or 0)]
    within = [each for each in from_minimum if not maximum or each <= maximum]
    allowed = within or from_minimum  # whatever the ERP says, some quantity may be ordered
    valid = quantities.find_nearest(quantity)
    assert valid
    assert set(valid) <= set(allowed)
    assert bool(quantities.ignored_maximum) == (not within)
    assert min(abs(each - quantity) for each in valid) == min(abs(each - quantity) for each in allowed)


@pytest.mark.parametrize(
    ("language", "quantities", "text"),
    [
        (
            "en",
            (50, 50, 1),
            "At least 50, in steps of 50. "
            "The maximum of 1 is ignored, because it is below the smallest quantity that can be ordered, 50.",
        ),
        (
            "it",
            (1000, 1000, 2),
            "Almeno 1.000, a passi di 1.000. "
            "Il massimo di 2 viene ignorato, perché è inferiore alla quantità minima ordinabile, 1.000.",
        ),
        ("en", (7, 5, 52), "From 10 to 50, in steps of 5."),
        ("it", (7, 5, 52), "Da 10 a 50, a passi di 5."),
        ("en", (None, None, None), "At least 1, in steps of 1."),
    ],
)
@pytest.mark.django_db
def test_a_product_s_page_says_what_may_be_ordered_and_which_maximum_is_no_limit(
    admin_client, language, quantities, text
):
    minimum, multiple, maximum = quantities
    product = ProductFactory(minimum_quantity=minimum, multiple_quantity=multiple, maximum_quantity=maximum)
    address = reverse("admin:orders_product_change", args=[product.pk])
    assert text in admin_client.get(address, headers={"Accept-Language": language}).content.decode()
