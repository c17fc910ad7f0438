"""What the order form's scripts say without a form around them: numbers, orders, prices, and keys typed ahead.

They run in blank pages of the browser, an Italian and an English one; there is no server and no database.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.staticfiles import finders
from django.utils import translation
from playwright.sync_api import Browser, Page, Route
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer

from orders.api.fields import PercentField, QuantityField
from orders.api.products import ProductSerializer
from orders.models import Product
from orders.templatetags.amounts import format_money as on_paper
from tests.e2e.browsers import HERE, Watch, somebody
from tests.orders.test_quantities import CASES

DETAILS = {"deliveryAddress": "", "deliveryDate": "", "customerReference": "", "isGift": False, "isQuote": False}
NO_DETAILS = DETAILS | {"deliveryDate": None}  # as the API takes them
ORIGIN = f"http://{HERE}"
BLANK = """<!DOCTYPE html>
<html lang="{language}">
<script type="module">
  import * as numbers from "/static/orders/numbers.js";
  import * as order from "/static/orders/order.js";
  import * as clock from "/static/archibald/clock.js";
  import {{ TypeAhead }} from "/static/orders/type_ahead.js";
  Object.assign(window, numbers, order, clock, {{ TypeAhead }});
</script>
</html>"""


@pytest.fixture(scope="module")
def watch() -> Watch:
    return Watch(ORIGIN)


@pytest.fixture(scope="module")
def italian(browser: Browser, watch: Watch) -> Iterator[Page]:
    yield from blank_page(browser, watch, "it-IT")


@pytest.fixture(scope="module")
def english(browser: Browser, watch: Watch) -> Iterator[Page]:
    yield from blank_page(browser, watch, "en-GB")


def blank_page(browser: Browser, watch: Watch, locale: str) -> Iterator[Page]:
    """A page that has the scripts' functions, in a language."""

    def answer(route: Route) -> None:
        path = urlsplit(route.request.url).path
        if path == "/":
            route.fulfill(content_type="text/html", body=BLANK.format(language=locale[:2]))
        else:
            route.fulfill(path=finders.find(path.removeprefix("/static/")))

    with browser.new_context(**somebody(locale=locale)) as context:
        watch.over(context)
        context.route("**/*", answer)
        page = context.new_page()
        page.goto(ORIGIN)
        yield page


@pytest.fixture(autouse=True)
def nothing_goes_wrong(watch: Watch) -> Iterator[None]:
    yield
    complaints = watch.complaints()
    watch.seen.clear()
    assert complaints == []


def call(page: Page, function: str, *given: Any) -> Any:
    return page.evaluate("([name, given]) => window[name](...given)", [function, given])


# Numbers


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("5", "5"),
        ("0", "0"),
        ("2,5", "2.5"),
        ("2.5", "2.5"),  # as the keys beside the digits have it
        ("1.000", "1000"),
        ("1,000", "1.000"),
        ("0.500", "0.500"),  # no thousands
        ("1.000,5", "1000.5"),
        ("12.345,6789", "12345.6789"),
        ("1.000.000", "1000000"),
        ("1000,25", "1000.25"),
        ("  5 ", "5"),
        ("1 000", "1000"),
        ("1\u00a0000,5", "1000.5"),  # non-breaking
        ("1\u202f000", "1000"),  # narrow
    ],
)
def test_a_quantity_typed_in_italian_is(italian, typed, value):
    assert call(italian, "parseQuantity", typed) == value


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("5", "5"),
        ("2.5", "2.5"),
        ("2,5", "2.5"),
        ("1,000", "1000"),
        ("1.000", "1.000"),
        ("0,500", "0.500"),
        ("1,000.5", "1000.5"),
        ("1,000,000", "1000000"),
        ("1\u00a0000.5", "1000.5"),
    ],
)
def test_a_quantity_typed_in_english_is(english, typed, value):
    assert call(english, "parseQuantity", typed) == value


@pytest.mark.parametrize(
    "typed",
    [
        *("", " ", "\u00a0", "abc", "5 pz", "5%", "1e3", "0x10", "Infinity", "½", "٣", "-5", "+5", "−5", "5-", "5/2"),
        *(",", ".", "5,", "5.", ",5", ".5", "1,2,3", "1.2.3", "1..000", "1,,000", "1.00.000", "1,00,000"),
        *("1.000.5", "1.000.000.5", "1,000,5", "1.000,5.000", "1,000.5,000", "1.000,000.5", "1,000.000,5"),
    ],
)
def test_what_is_no_number_in_any_language_is_no_quantity(italian, english, typed):
    assert [call(page, "parseQuantity", typed) for page in (italian, english)] == [None, None]


@pytest.mark.parametrize(("page", "typed"), [("italian", "1,000.5"), ("english", "1.000,5")])
def test_thousands_and_decimals_of_the_other_language_are_no_quantity(request, page, typed):
    assert call(request.getfixturevalue(page), "parseQuantity", typed) is None


@pytest.mark.parametrize(
    ("function", "field", "number", "is_taken"),
    [
        ("parseQuantity", QuantityField(), "0", True),
        ("parseQuantity", QuantityField(), "0.0001", True),
        ("parseQuantity", QuantityField(), "0.00001", False),
        ("parseQuantity", QuantityField(), "007", True),
        ("parseQuantity", QuantityField(), "999999.9999", True),
        ("parseQuantity", QuantityField(), "1000000", True),
        ("parseQuantity", QuantityField(), "1000000.0000", True),
        ("parseQuantity", QuantityField(), "1000000.0001", False),
        ("parseQuantity", QuantityField(), "1000001", False),
        ("parseQuantity", QuantityField(), "10000000", False),
        ("parsePercent", PercentField(), "0", True),
        ("parsePercent", PercentField(), "0.01", True),
        ("parsePercent", PercentField(), "0.001", False),
        ("parsePercent", PercentField(), "99.99", True),
        ("parsePercent", PercentField(), "100", True),
        ("parsePercent", PercentField(), "100.00", True),
        ("parsePercent", PercentField(), "100.01", False),
        ("parsePercent", PercentField(), "101", False),
        ("parsePercent", PercentField(), "-1", False),
    ],
)
def test_a_number_is_as_large_and_exact_as_the_api_takes(english, function, field, number, is_taken):
    assert call(english, function, number) == (number if is_taken else None)
    if is_taken:
        assert field.run_validation(number) == Decimal(number)
    else:
        with pytest.raises(ValidationError):
            field.run_validation(number)


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("", "0"),
        ("  ", "0"),
        ("\u00a0", "0"),
        ("10", "10"),
        ("10%", "10"),
        ("10 % ", "10"),
        ("2,5", "2.5"),
        ("2,50\u00a0%", "2.50"),
        ("2.5", "2.5"),
        ("200", None),
        ("1.000", None),
        ("abc", None),
        ("10%%", None),
        ("%10", None),
        ("-5", None),
    ],
)
def test_a_discount_typed_in_italian_is(italian, typed, value):
    assert call(italian, "parsePercent", typed) == value


@pytest.mark.parametrize(
    ("function", "typed", "typed_in", "value"),
    [
        ("parseQuantity", "1.000", "it", "1000"),
        ("parseQuantity", "1.000", "en", "1.000"),
        ("parseQuantity", "1,000", "it", "1.000"),
        ("parseQuantity", "1,000", "en", "1000"),
        ("parsePercent", "1,000", "it", None),  # more exact than a discount is
        ("parsePercent", "2,50%", "it", "2.50"),
        ("parsePercent", "2.50%", "en", "2.50"),
    ],
)
def test_a_number_means_what_it_does_in_the_language_it_was_typed_in(
    italian, english, function, typed, typed_in, value
):
    assert [call(page, function, typed, typed_in) for page in (italian, english)] == [value, value]


@pytest.mark.parametrize(
    ("number", "in_italian", "in_english"),
    [
        ("5", "5", "5"),
        ("5.0000", "5", "5"),
        ("2.50", "2,5", "2.5"),
        ("0.0001", "0,0001", "0.0001"),
        ("1000", "1000", "1000"),
        ("1.125", "1,125", "1.125"),
        ("999999.9999", "999999,9999", "999999.9999"),
        (22, "22", "22"),
    ],
)
def test_a_number_is_shown_so_that_typing_it_means_the_same(italian, english, number, in_italian, in_english):
    for page, text in ((italian, in_italian), (english, in_english)):
        assert call(page, "formatNumber", number) == text
        assert Decimal(call(page, "parseQuantity", text)) == Decimal(number)


@pytest.mark.parametrize(
    ("amount", "currency", "in_italian", "in_english"),
    [
        ("0.00", "EUR", "0,00\u00a0€", "€0.00"),
        ("12.9", "EUR", "12,90\u00a0€", "€12.90"),
        ("0.1234", "EUR", "0,1234\u00a0€", "€0.1234"),
        ("1.005", "EUR", "1,005\u00a0€", "€1.005"),
        ("1000.00", "EUR", "1.000,00\u00a0€", "€1,000.00"),
        ("99999999999999900.07", "EUR", "99.999.999.999.999.900,07\u00a0€", "€99,999,999,999,999,900.07"),
        ("-12.50", "EUR", "-12,50\u00a0€", "-€12.50"),
        ("1234.5", "USD", "1.234,50\u00a0USD", "$1,234.50"),
    ],
)
def test_an_amount_of_money_is_shown_with_all_its_decimals(italian, english, amount, currency, in_italian, in_english):
    assert call(italian, "formatMoney", amount, currency) == in_italian
    assert call(english, "formatMoney", amount, currency) == in_english


def test_an_amount_of_money_is_written_as_the_print_page_writes_it(italian, english):
    """The form shows the server's amounts as they are; no cent is lost or moved on the way."""
    chance = random.Random(22)
    amounts = [Decimal(chance.randint(0, 10**digits)).scaleb(-2) for digits in range(1, 18) for _ in range(20)]
    for page, language in ((italian, "it"), (english, "en")):
        format_all = "(amounts) => amounts.map((amount) => formatMoney(amount, 'EUR'))"
        written = page.evaluate(format_all, list(map(str, amounts)))
        with translation.override(language):
            assert [each.replace("\u00a0", " ") for each in written] == [on_paper(amount, "EUR") for amount in amounts]


@pytest.mark.parametrize(
    ("moment", "time_zone", "in_italian", "in_english"),
    [
        ("2026-06-30T22:05:00Z", "Europe/Rome", "00:05", "00:05"),
        ("2026-07-01T07:42:59+02:00", "Europe/Rome", "07:42", "07:42"),
        ("2026-07-01T20:42:00Z", "Europe/Rome", "22:42", "22:42"),
        ("2026-06-30T21:59:00Z", "Europe/Rome", "30/06/26 23:59", "30/06/2026 23:59"),
        ("2025-07-01T08:42:00Z", "Europe/Rome", "01/07/25 10:42", "01/07/2025 10:42"),
        ("2026-01-15T08:42:00Z", "Europe/Rome", "15/01/26 09:42", "15/01/2026 09:42"),  # in winter
        ("2026-06-30T22:05:00Z", "UTC", "30/06/26 22:05", "30/06/2026 22:05"),
    ],
)
def test_a_moment_is_shown_as_a_time_with_the_day_if_it_is_not_today(
    italian, english, moment, time_zone, in_italian, in_english
):
    for page, text in ((italian, in_italian), (english, in_english)):
        page.clock.set_fixed_time("2026-07-01T12:00:00Z")
        assert call(page, "formatTime", moment, time_zone) == text


# Orders

ROSSI, BIANCHI = {"erpId": 7, "name": "Rossi"}, {"erpId": 8, "name": "Bianchi"}
DRILL = {"erpId": "001627K2", "name": "H1.314.016", "description": "Fresa"}
OTHER = DRILL | {"erpId": "001627K3"}  # another pack of the same article
EMPTY: dict[str, Any] = {"customer": None, "customerText": "", "discount": "", "notes": "", "lines": [{}]}
ORDER: dict[str, Any] = {
    "customer": ROSSI,
    "customerText": "Rossi",
    "discount": "2,5",
    "notes": "Chiamare",
    "lines": [{"text": "H1.314.016", "product": DRILL, "quantity": "1.000", "discount": "10"}, {}],
}
FIRST_LINE = ORDER["lines"][0]
DRAFT = {
    "id": 12,
    "version": 3,
    "customer": ROSSI,
    "lines": [
        {
            "product": DRILL,
            "quantity": "2.5",
            "discountPercent": "7.5",
            "unitPrice": "12.90",
            "priceUnit": "1",
        },
        {
            "product": OTHER | {"name": ""},
            "quantity": "1000",
            "discountPercent": "0",
            "unitPrice": "0.1234",
            "priceUnit": "100",
        },
    ],
    "discountPercent": "2.5",
    "notes": "Chiamare",
    "currency": "EUR",
}


def order(page, of=ORDER, **changes):
    """An order as the form holds it; of lines, what is filled in."""
    fill = """(values) => {
        const lines = values.lines.map((line) => ({ ...createLine(), ...line }));
        return { ...createOrder(), ...values, lines };
    }"""
    return page.evaluate(fill, of | changes)


def line(**changes):
    return FIRST_LINE | changes


def test_an_empty_order_has_one_empty_line_and_an_id_of_its_own(italian, english):
    one, other = call(italian, "createOrder"), call(italian, "createOrder")
    assert len({each["id"] for each in (one, other, *one["lines"], *other["lines"])}) == 4
    assert [each["text"] for each in one["lines"]] == [""]
    assert (one["draft"], one["customer"], one["language"]) == (None, None, "it")
    assert call(english, "createOrder")["language"] == "en"


def test_the_order_of_a_draft_is_written_as_people_type_it(italian, english):
    order = call(italian, "orderFromDraft", DRAFT)
    assert order["draft"] == {"id": 12, "version": 3}
    assert (order["customer"], order["customerText"]) == (ROSSI, "Rossi")
    assert (order["discount"], order["notes"]) == ("2,5", "Chiamare")
    assert [
        (line["text"], line["product"]["erpId"], line["quantity"], line["discount"]) for line in order["lines"]
    ] == [
        ("H1.314.016", "001627K2", "2,5", "7,5"),
        ("001627K3", "001627K3", "1000", ""),  # without a name it goes by its code
    ]
    order = call(english, "orderFromDraft", DRAFT)
    assert (order["discount"], order["lines"][0]["quantity"]) == ("2.5", "2.5")
    assert call(english, "orderFromDraft", DRAFT | {"discountPercent": "0.00"})["discount"] == ""


def test_a_copy_of_a_draft_is_no_draft_yet(italian):
    draft, copy = call(italian, "orderFromDraft", DRAFT), call(italian, "orderFromDraft", DRAFT, {"isCopy": True})
    assert copy["draft"] is None
    assert copy["id"] != draft["id"]
    assert call(italian, "fingerprint", copy) == call(italian, "fingerprint", draft)


@pytest.mark.parametrize(
    ("typed", "in_english"),
    [
        ({"quantity": "1.000", "discount": "2,5"}, {"quantity": "1000", "discount": "2.5"}),
        ({"quantity": "1.000,25", "discount": "10 %"}, {"quantity": "1000.25", "discount": "10"}),
        ({"quantity": "1,125", "discount": "0"}, {"quantity": "1.125", "discount": "0"}),
        ({"quantity": "", "discount": ""}, {"quantity": "", "discount": ""}),
        ({"quantity": "boh", "discount": "metà"}, {"quantity": "boh", "discount": "metà"}),
        ({"quantity": "2,5", "usual": "2,5"}, {"quantity": "2.5", "usual": "2.5"}),  # still as it was proposed
    ],
)
def test_an_order_that_was_typed_in_italian_has_its_numbers_in_english(italian, english, typed, in_english):
    kept = order(italian, discount=typed.get("discount", ""), lines=[line(**typed)])
    shown = call(english, "translateNumbers", kept)
    assert shown["language"] == "en"
    assert shown["discount"] == in_english.get("discount", "")
    assert {name: shown["lines"][0][name] for name in in_english} == in_english
    assert {"id": shown["id"], "notes": shown["notes"]} == {"id": kept["id"], "notes": "Chiamare"}


def test_an_order_that_was_typed_in_this_language_stays_as_it_was_typed(italian):
    kept = order(italian, discount="2,50 %")
    assert call(italian, "translateNumbers", kept) == kept


@pytest.mark.parametrize(
    ("values", "is_filled"),
    [
        ({}, False),
        ({"text": "  "}, False),
        ({"text": "h1"}, True),
        ({"product": DRILL}, True),
        ({"quantity": "5", "discount": "10"}, False),
    ],
)
def test_a_line_is_filled_once_it_names_a_product(italian, values, is_filled):
    assert len(call(italian, "getFilledLines", order(italian, lines=[values, {}]))) == is_filled


@pytest.mark.parametrize(
    ("changes", "is_empty"),
    [
        ({}, True),
        ({"customerText": " ", "notes": "\n", "discount": " ", "lines": [{"text": " "}]}, True),
        ({"lines": []}, True),
        ({"customerText": "ro"}, False),
        ({"notes": "Chiamare"}, False),
        ({"discount": "0"}, False),
        ({"lines": [{}, {"text": "h1"}]}, False),
    ],
)
def test_an_order_is_empty_until_something_is_filled_in(italian, changes, is_empty):
    assert call(italian, "isEmpty", order(italian, EMPTY, **changes)) == is_empty


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"customerText": " Rossi ", "discount": "2,5 ", "notes": "Chiamare\n"},
        {"lines": [FIRST_LINE]},
        {"lines": [FIRST_LINE, {"text": " "}, {}]},
        {"lines": [line(now={"asked": "7|001627K2|1000", "price": {}}, usual="5")]},
        {"draft": {"id": 12, "version": 3}},
    ],
)
def test_what_the_user_did_not_fill_in_makes_no_other_order(italian, changes):
    assert call(italian, "fingerprint", order(italian, **changes)) == call(italian, "fingerprint", order(italian))


@pytest.mark.parametrize(
    "changes",
    [
        {"customer": BIANCHI},
        {"customer": None},
        {"customerText": "Ross"},
        {"discount": "2,50"},
        {"discount": ""},
        {"notes": "Chiamare!"},
        {"lines": []},
        {"lines": [line(quantity="1000")]},
        {"lines": [line(discount="")]},
        {"lines": [line(product=OTHER)]},
        {"lines": [line(product=None)]},
        {"lines": [line(text="h1")]},
        {"lines": [FIRST_LINE, FIRST_LINE]},
    ],
)
def test_whatever_the_user_changes_makes_another_order(italian, changes):
    assert call(italian, "fingerprint", order(italian, **changes)) != call(italian, "fingerprint", order(italian))


@pytest.mark.parametrize(
    ("changes", "is_same"),
    [
        ({}, True),
        ({"discount": "2,50%", "notes": " Chiamare\n"}, True),
        ({"lines": [line(quantity="1000,00", discount="10 %")]}, True),
        ({"lines": [{}, line(text="h1")]}, True),
        ({"customerText": "rossi", "draft": {"id": 12, "version": 3}}, True),
        ({"customer": BIANCHI}, False),
        ({"customer": None}, False),
        ({"discount": "2"}, False),
        ({"discount": ""}, False),
        ({"notes": ""}, False),
        ({"lines": [line(quantity="1,000")]}, False),
        ({"lines": [line(discount="")]}, False),
        ({"lines": [line(product=OTHER)]}, False),
        ({"lines": [FIRST_LINE, FIRST_LINE]}, False),
        ({"lines": []}, False),
    ],
)
def test_two_orders_are_the_same_to_the_server_however_their_numbers_are_written(italian, changes, is_same):
    assert call(italian, "isSameOrder", order(italian), order(italian, **changes)) == is_same


def test_two_orders_whose_lines_stand_in_another_order_are_not_the_same(italian):
    lines = [FIRST_LINE, line(product=OTHER)]
    one, other = order(italian, lines=lines), order(italian, lines=lines[::-1])
    assert not call(italian, "isSameOrder", one, other)


def test_the_order_of_a_draft_is_the_same_as_the_one_that_was_saved(italian):
    lines = [line(quantity="2,50", discount="7,50 %"), line(product=OTHER, quantity="1.000", discount="")]
    saved = order(italian, lines=lines)
    assert call(italian, "isSameOrder", call(italian, "orderFromDraft", DRAFT), saved)


@pytest.mark.parametrize(
    ("changes", "can_be_priced"),
    [
        ({}, True),
        ({"discount": ""}, True),
        ({"quantity": "0"}, True),  # the server says what may be ordered instead
        ({"product": None}, False),
        ({"quantity": ""}, False),
        ({"quantity": "x"}, False),
        ({"quantity": "-1"}, False),
        ({"discount": "200"}, False),
        ({"discount": "abc"}, False),
    ],
)
def test_a_line_can_be_priced_once_the_server_can_read_it(italian, changes, can_be_priced):
    assert call(italian, "canBePriced", line(**changes)) is can_be_priced


def test_an_order_is_sent_as_the_api_takes_it(italian, english):
    lines = [FIRST_LINE, line(product=OTHER, quantity="2,5", discount="")]
    assert call(italian, "toRequestBody", order(italian), lines) == {
        "customer": 7,
        "lines": [
            {"product": "001627K2", "quantity": "1000", "discountPercent": "10"},
            {"product": "001627K3", "quantity": "2.5", "discountPercent": "0"},
        ],
        "discountPercent": "2.5",
        "notes": "Chiamare",
        **NO_DETAILS,
    }
    assert call(english, "toRequestBody", order(english), [FIRST_LINE])["lines"][0]["quantity"] == "1.000"


@pytest.mark.parametrize(("typed", "sent"), [("", "0"), ("abc", "0"), ("5%", "5")])
def test_an_order_is_priced_before_it_has_a_customer_or_a_discount_that_can_be_read(italian, typed, sent):
    body = call(italian, "toRequestBody", order(italian, EMPTY, discount=typed), [])
    assert body == {"customer": None, "lines": [], "discountPercent": sent, "notes": ""} | NO_DETAILS


def test_details_are_sent_without_blanks_around_them(italian):
    details = {"deliveryAddress": " Via Roma 1 ", "deliveryDate": "2026-12-24", "isGift": True}
    body = call(italian, "toRequestBody", order(italian, details=DETAILS | details), [FIRST_LINE])
    assert body.items() >= {"deliveryAddress": "Via Roma 1", "deliveryDate": "2026-12-24", "isGift": True}.items()


@pytest.mark.parametrize("filled_in", [{"deliveryAddress": "x"}, {"deliveryDate": "2026-12-24"}, {"isQuote": True}])
def test_an_order_with_details_is_neither_empty_nor_the_same_as_one_without(italian, filled_in):
    empty = order(italian, EMPTY)
    assert call(italian, "isEmpty", empty | {"details": DETAILS | {"deliveryAddress": " "}})
    detailed = empty | {"details": DETAILS | filled_in}
    assert not call(italian, "isEmpty", detailed)
    assert not call(italian, "isSameOrder", empty, detailed)
    assert call(italian, "fingerprint", empty) != call(italian, "fingerprint", detailed)


# Quantities


def product_of(minimum=None, multiple=None, maximum=None, **values):
    """A product as the API gives it, and the quantities that the server says may be ordered."""
    product = Product(
        minimum_quantity=minimum, multiple_quantity=multiple, maximum_quantity=maximum, is_blocked=False, **values
    )
    return json.loads(JSONRenderer().render(ProductSerializer(product).data)), product.order_quantities


@pytest.mark.parametrize("said", [case[:3] for case in CASES])
def test_a_quantity_may_be_ordered_as_the_server_says(italian, said):
    product, quantities = product_of(*said)
    ends = {quantities.least, quantities.most or 0, *filter(None, said), Decimal("0.35"), Decimal(1_000_000)}
    distances = (0, quantities.step, quantities.step / 2)
    around = {end + sign * distance for end in ends for distance in distances for sign in (1, -1)}
    for quantity in sorted(each for each in around if each >= 0):
        may_be = quantities.find_nearest(quantity) == [quantity]
        assert call(italian, "mayBeOrdered", product, f"{quantity:f}") is may_be, quantity


@pytest.mark.parametrize(
    ("values", "may_be_ordered"),
    [
        ({"is_orderable": None}, True),  # the ERP does not say
        ({"is_orderable": False}, False),
        ({"is_orderable": True}, True),
    ],
)
def test_a_product_that_is_not_orderable_may_not_be_ordered_at_all(italian, values, may_be_ordered):
    product, _quantities = product_of(**values)
    assert call(italian, "mayBeOrdered", product, "1") is may_be_ordered
    assert call(italian, "mayBeOrdered", product | {"isBlocked": True}, "1") is False


# Prices that change while somebody looks at them

OLD = {"unitPrice": "12.90", "priceUnit": "1", "currency": "EUR"}
DEARER = OLD | {"unitPrice": "13.90"}

BULK = OLD | {"unitPrice": "9.90"}


@pytest.mark.parametrize(
    ("changes", "is_same"),
    [
        ({}, True),
        ({"unitPrice": "12.91"}, False),
        ({"priceUnit": "100"}, False),
        ({"currency": "USD"}, False),
    ],
)
def test_a_price_is_the_same_if_amount_unit_and_currency_are(italian, changes, is_same):
    assert call(italian, "isSamePrice", OLD, OLD | changes) is is_same
    assert call(italian, "getPrice", OLD | {"quantity": "5"}, "EUR") == OLD


@pytest.mark.parametrize(
    ("changes", "of_line", "is_same"),
    [
        ({}, {"quantity": "1000,0"}, True),
        ({}, {"discount": "50"}, True),
        ({"discount": "50", "notes": ""}, {}, True),
        ({"customer": BIANCHI}, {}, False),
        ({"customer": None}, {}, False),
        ({}, {"quantity": "1,000"}, False),
        ({}, {"product": OTHER}, False),
    ],
)
def test_a_price_is_that_of_a_customer_a_product_and_a_quantity(italian, changes, of_line, is_same):
    one = call(italian, "getPriceKey", order(italian), FIRST_LINE)
    assert (call(italian, "getPriceKey", order(italian, **changes), line(**of_line)) == one) is is_same


def test_a_price_that_changed_is_known_until_it_is_accepted(italian):
    before = italian.evaluate(
        """([order, old, dearer]) => {
            const [line] = order.lines;
            const before = (price) => { notePrice(order, line, price); return getOldPrice(order, line); };
            const unknown = getOldPrice(order, line);
            const changed = [old, { ...old }, dearer, dearer, old, dearer].map(before);
            acceptPrice(line);
            return [unknown, ...changed, getOldPrice(order, line), before(dearer), before(old)];
        }""",
        [order(italian), OLD, DEARER],
    )
    assert before == [None, None, None, OLD, OLD, None, OLD, None, None, DEARER]


@pytest.mark.parametrize(
    "otherwise",
    [
        "line.quantity = '2.000'",
        "order.customer = { erpId: 8 }",
        "order.customer = null",
        "line.product = { erpId: '001627K3' }",
    ],
)
def test_another_question_s_price_is_no_change_and_hides_none(italian, otherwise):
    before = italian.evaluate(
        """([order, otherwise, old, dearer, bulk]) => {
            const [line] = order.lines;
            const before = (price) => { notePrice(order, line, price); return getOldPrice(order, line); };
            const [customer, { product, quantity }] = [order.customer, line];
            const seen = [before(old), before(dearer)];
            new Function("order", "line", otherwise)(order, line);
            seen.push(getOldPrice(order, line), before(bulk));
            Object.assign(order, { customer });
            Object.assign(line, { product, quantity });
            return [...seen, getOldPrice(order, line), before(dearer)];
        }""",
        [order(italian), otherwise, OLD, DEARER, BULK],
    )
    assert before == [None, OLD, None, None, None, OLD]


def test_a_line_without_a_product_has_no_price_that_changed(italian):
    changed = line(product=None, now={"asked": "7|001627K2|1000", "price": DEARER}, known={"7|001627K2|1000": OLD})
    assert call(italian, "getOldPrice", order(italian), changed) is None


def test_a_price_that_changed_since_a_draft_was_saved_is_known(italian):
    before = italian.evaluate(
        """([draft, prices]) => {
            const order = orderFromDraft(draft);
            return order.lines.map((line, place) => {
                notePrice(order, line, prices[place]);
                return getOldPrice(order, line);
            });
        }""",
        [DRAFT, [DEARER, {"unitPrice": "0.1234", "priceUnit": "100", "currency": "EUR"}]],
    )
    assert before == [OLD, None]


def test_a_price_that_changed_is_known_in_the_other_language_too(italian, english):
    kept = italian.evaluate(
        """([order, old, dearer]) => {
            for (const price of [old, dearer]) notePrice(order, order.lines[0], price);
            return order;
        }""",
        [order(italian), OLD, DEARER],
    )
    shown = call(english, "translateNumbers", kept)
    assert call(english, "getOldPrice", shown, shown["lines"][0]) == OLD


# Keys that are typed ahead

BOXES = """
<a href="#">top</a> <input id="customer"> <input type="hidden"> <input disabled> <input hidden>
<input id="product"> <input id="quantity"> <button id="save">Save</button> <textarea id="notes"></textarea>
<script>
    Object.assign(window, {
        isAwaited: true,
        heard: [],
        unused: [],
        typeAhead: new TypeAhead(() => isAwaited, (text) => unused.push(text)),
        answer: () => { isAwaited = false; typeAhead.release(); },
    });
    addEventListener("keydown", ({ key, ctrlKey, shiftKey }) => {
        heard.push(`${ctrlKey ? "Control+" : ""}${shiftKey ? "Shift+" : ""}${key}`);
    });
</script>"""


@pytest.fixture
def boxes(italian):
    """A page with boxes; the cursor is in the first, and an answer is awaited."""
    italian.set_content(BOXES)
    italian.focus("#customer")
    return italian


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


def heard(page):
    """The keys that reached the page, without Control and the like themselves."""
    return page.evaluate("heard.filter((key) => !/(Control|Shift|Alt|Meta)$/.test(key))")


def values(page):
    return page.evaluate("['customer', 'product', 'quantity'].map((id) => document.getElementById(id).value)")


def focused(page):
    return page.evaluate("document.activeElement.id")


@pytest.mark.parametrize(
    ("pressed", "text"),
    [
        (["5"], "5"),
        (["r", "o", "Space", "S"], "ro S"),
        (["Shift+A", "1", ","], "A1,"),
        (["5", "Backspace", "6"], "6"),
        (["1", "2", "Backspace", "Backspace", "3"], "3"),
        (["5", "Backspace", "Backspace", "Backspace", "6"], "6"),
        (["Backspace", "5"], "5"),  # there was nothing to take back
    ],
)
def test_what_is_typed_while_an_answer_is_awaited_lands_where_the_cursor_goes_then(boxes, pressed, text):
    press(boxes, *pressed)
    assert (values(boxes), heard(boxes)) == (["", "", ""], [])
    boxes.focus("#product")
    boxes.evaluate("answer()")
    assert values(boxes) == ["", text, ""]


@pytest.mark.parametrize(
    ("pressed", "typed"),
    [
        (["Enter", "Enter"], ["Enter", "Enter"]),
        (["5", "Enter", "Enter", "6", "Enter"], ["Enter", "Enter", "Enter"]),
        (["5", "Enter", "6", "Enter"], ["Enter", "Enter"]),
        (["5", "Enter", "Backspace", "6"], ["Enter"]),  # takes no Enter back
        (["Tab", "Enter"], ["Tab", "Enter"]),
        (["Shift+Tab"], ["Shift+Tab"]),
        (["Control+Enter"], ["Control+Enter"]),
        (["Meta+Enter"], ["Control+Enter"]),
        (["5", "Enter", "Control+Enter"], ["Enter", "Control+Enter"]),
    ],
)
def test_keys_that_do_something_are_done_in_their_turn(boxes, pressed, typed):
    press(boxes, *pressed)
    assert heard(boxes) == []
    boxes.focus("#product")
    boxes.evaluate("answer()")
    assert heard(boxes) == typed


@pytest.mark.parametrize("key", ["ArrowDown", "ArrowLeft", "Escape", "Delete", "Home", "F2"])
def test_keys_that_type_nothing_are_not_held(boxes, key):
    press(boxes, key)
    assert heard(boxes) == [key]


@pytest.mark.parametrize("key", ["Control+a", "Control+Backspace", "Meta+a", "Alt+ArrowDown", "Alt+a"])
def test_shortcuts_are_not_held(boxes, key):
    press(boxes, key)
    boxes.focus("#product")
    assert [each.split("+")[-1] for each in heard(boxes)] == [key.split("+")[-1]]
    boxes.evaluate("answer()")
    assert values(boxes) == ["", "", ""]


def test_keys_are_not_held_while_nothing_is_awaited(boxes):
    boxes.evaluate("answer()")
    press(boxes, "5", "Enter", "Tab", "6")
    assert values(boxes) == ["5", "6", ""]
    assert heard(boxes) == ["5", "Enter", "Tab", "6"]


def test_a_held_enter_counts_once(boxes):
    boxes.evaluate("answer()")
    for _ in range(4):
        boxes.keyboard.down("Enter")
    boxes.keyboard.up("Enter")
    assert heard(boxes) == ["Enter"]


@pytest.mark.parametrize(("before", "typed"), [(["5"], "Enter"), (["Control"], "Control+Enter")])
def test_a_held_enter_is_typed_ahead_once(boxes, before, typed):
    for key in [*before, *["Enter"] * 4]:
        boxes.keyboard.down(key)
    for key in [*before, "Enter"]:
        boxes.keyboard.up(key)
    boxes.focus("#product")
    boxes.evaluate("answer()")
    assert heard(boxes) == [typed]


def test_a_held_enter_makes_many_lines_in_the_notes(boxes):
    boxes.evaluate("answer()")
    boxes.focus("#notes")
    for _ in range(3):
        boxes.keyboard.down("Enter")
    boxes.keyboard.up("Enter")
    assert boxes.input_value("#notes") == "\n\n\n"


def test_what_follows_waits_once_more_if_another_answer_is_awaited(boxes):
    boxes.evaluate("document.getElementById('product').addEventListener('keydown', () => { isAwaited = true; })")
    press(boxes, "1", "Enter", "2")
    boxes.focus("#product")
    boxes.evaluate("answer()")
    press(boxes, "3")
    assert values(boxes) == ["", "1", ""]
    boxes.focus("#quantity")
    boxes.evaluate("answer()")
    assert values(boxes) == ["", "1", "23"]


def test_what_was_dropped_lands_nowhere(boxes):
    press(boxes, "5", "Tab", "6")
    boxes.evaluate("typeAhead.drop()")
    boxes.evaluate("answer()")
    assert (values(boxes), heard(boxes), focused(boxes)) == (["", "", ""], [], "customer")


def test_what_lands_replaces_what_is_selected_and_is_told_as_typing(boxes):
    boxes.evaluate("document.addEventListener('input', ({ target }) => heard.push(`${target.id}: ${target.value}`))")
    press(boxes, "4", "2")
    boxes.evaluate("product.value = '10'; product.select()")
    boxes.evaluate("answer()")
    assert heard(boxes) == ["product: 4", "product: 42"]


@pytest.mark.parametrize(
    ("at", "pressed", "to"),
    [
        ("customer", ["Tab"], "product"),  # past what is hidden or disabled
        ("product", ["Tab"], "quantity"),
        ("quantity", ["Tab"], "save"),
        ("quantity", ["Shift+Tab"], "product"),
        ("product", ["Shift+Tab"], "customer"),
        ("customer", ["Tab", "Tab"], "quantity"),
        ("notes", ["Tab"], "notes"),  # the last
    ],
)
def test_a_tab_typed_ahead_goes_where_a_tab_goes(boxes, at, pressed, to):
    press(boxes, *pressed)
    boxes.focus(f"#{at}")
    boxes.evaluate("answer()")
    assert focused(boxes) == to


def test_a_tab_that_a_box_has_used_goes_nowhere(boxes):
    boxes.evaluate("product.addEventListener('keydown', (event) => event.preventDefault())")
    press(boxes, "Tab")
    boxes.focus("#product")
    boxes.evaluate("answer()")
    assert focused(boxes) == "product"


@pytest.mark.parametrize(
    ("pressed", "unused", "at"),
    [
        (["Tab", "Enter"], [], "save"),
        (["Tab", "Enter", "Enter"], [], "save"),
        (["Tab", "a", "Space", "Enter"], ["a ⏎"], ""),  # nothing has the cursor
        (["Tab", "Space"], [" "], ""),
        (["Tab", "Enter", "Shift+Tab", "7"], ["⏎⇥7"], ""),
        (["Tab", "a", "Control+Enter"], ["aCtrl+⏎"], ""),
        (["Tab", "Control+Enter"], [], "save"),
    ],
)
def test_what_is_typed_ahead_presses_no_button_and_ends_where_text_has_no_box(boxes, pressed, unused, at):
    boxes.evaluate("save.addEventListener('click', () => heard.push('saved'))")
    press(boxes, *pressed)
    boxes.focus("#quantity")
    boxes.evaluate("answer()")
    assert (boxes.evaluate("unused"), focused(boxes)) == (unused, at)
    assert heard(boxes) == ["Tab", *[key for key in pressed[1:] if key == "Control+Enter" and not unused]]
    boxes.evaluate("answer()")
    assert values(boxes) == ["", "", ""]


def test_what_is_decided_when_the_typing_pauses_waits_for_the_last_key(boxes):
    boxes.evaluate("typeAhead.whenPaused(() => heard.push(typeAhead.keys.map(({ key }) => key).join('')))")
    press(boxes, "a", "b", "c")
    boxes.wait_for_function("heard.length")
    assert heard(boxes) == ["abc"]


def test_keys_that_a_script_sends_are_not_held(boxes):
    boxes.evaluate("customer.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }))")
    assert heard(boxes) == ["Enter"]
