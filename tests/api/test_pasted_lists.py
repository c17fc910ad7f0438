"""A pasted list: what its lines name, in the forms in which people write them, and what is said to be unclear."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from orders import pasted_lists
from sync.database import search
from tests.factories import ProductFactory

pytestmark = pytest.mark.django_db

LOOKUP = "/api/products/lookup"
CODE, OTHER, PARTED, ZEROS = "001627K2", "001700K3", "001800K1", "001900K1"


@pytest.fixture(autouse=True)
def products():
    ProductFactory(erp_id=CODE, name="9801.314.016")
    ProductFactory(erp_id=OTHER, name="H1.314.010")
    ProductFactory(erp_id=PARTED, name="17431.654. S1")
    ProductFactory(erp_id=ZEROS, name="0045678")


def read(text, language="it"):
    with translation.override(language):
        return pasted_lists.read_list(text)


def line(text, language="it"):
    """Product, quantity and doubts of a line."""
    [found] = read(text, language).lines
    return [each.erp_id for each in found.products], found.quantity, found.doubts


@pytest.mark.parametrize(
    "text",
    [
        "9801.314.016\t12",
        "9801.314.016;12",
        "9801.314.016 | 12",
        "12\t9801.314.016",
        "12;9801.314.016",
        "9801.314.016    12",
        "9801314016 12",
        "9801.314.016 x 12",
        "9801.314.016 x12",
        "9801.314.016 ×12",
        "9801.314.016 12x",
        "12 x 9801.314.016",
        "12x 9801.314.016",
        "9801.314.016 12 pz",
        "9801.314.016: 12pz.",
        "9801.314.016 pz. 12",
        "9801.314.016 n. 12",
        "9801.314.016 n.12",
        "9801.314.016 qta 12",
        "n° 12 9801.314.016",
        "- 9801.314.016, 12 pezzi",
        "9801.314.016,12",
        '"9801.314.016";"12"',
        "9801 314 016 12",
        "9801. 314. 016 12",
        "9801.314.016\t12,00",
        "001627K2\t12",
        "001627k2 12",
        "1627K2 12",
        "9801.314.016\t001627K2\t12",
        "9801.314.016\tFRESA Ø 1.6 MM\t12",
        "9801.314.016 FRESA Ø 1.6 MM x 12",
        "9801.314.016 FRESA Ø 1.6 MM 12",
        "12 pz della 9801.314.016 per favore",
        "9801.314.016\t12\t3,50 €",
        "  9801.314.016\t12\t\r",
    ],
)
def test_code_and_quantity_are_read_in_the_forms_in_which_people_write_them(text):
    assert line(text) == ([CODE], 12, [])


@pytest.mark.parametrize(
    ("text", "product"),
    [("17431.654. S1 5", PARTED), ("17431.654.S1 5", PARTED), ("5;17431654s1", PARTED), ("45678 5", ZEROS)],
)
def test_a_code_is_known_whatever_its_dots_blanks_and_leading_zeros(text, product):
    assert line(text) == ([product], 5, [])


@pytest.mark.parametrize(
    ("language", "text", "quantity"),
    [
        ("it", "1.000", 1000),
        ("en", "1,000", 1000),
        ("it", "1.000,5", Decimal("1000.5")),
        ("it", "2,5", Decimal("2.5")),
        ("en", "2.5", Decimal("2.5")),
    ],
)
def test_thousands_and_decimals_are_those_of_the_page_s_language(language, text, quantity):
    assert line(f"9801.314.016\t{text}", language) == ([CODE], quantity, [])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("9801.314.017 12", ([], 12, ["code"])),
        ("H1.314 12", ([], 12, ["code"])),  # a part of a code is none
        ("9801.314.016", ([CODE], None, ["no_quantity"])),
        ("9801.314.016\t12\t15", ([CODE], None, ["quantity"])),
        ("9801.314.016 2 confezioni", ([CODE], None, ["quantity"])),
        ("9801.314.016 H1.314.010 12", ([], 12, ["codes"])),
        ("9801.314 12", ([], None, ["code", "quantity"])),  # as far as is known, the first may be the quantity
        ("per l'ordine 12 del mese", ([], None, ["code", "no_quantity"])),
    ],
)
def test_what_is_not_clear_is_said_and_nothing_guessed(text, found):
    assert line(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1234 5", ([], 5, ["codes"])),
        ("1234 5 12", ([], None, ["codes", "quantity"])),
        ("1234\t5", (["001234K1"], 5, [])),
        ("12345 12", (["012345K1"], 12, [])),
        ("12 345 x 12", (["012345K1"], 12, [])),
    ],
)
def test_words_that_name_another_product_alone_than_together_are_not_clear(text, found):
    ProductFactory(erp_id="001234K1", name="1234")
    ProductFactory(erp_id="012345K1", name="12345")
    assert line(text) == found


@pytest.mark.parametrize("text", ["1 " * 25_000, "45678 " * 8300, "9801.314.016 5 " + "a" * 300])
def test_a_line_that_is_too_long_is_not_read_and_says_so(text):
    assert line(text) == ([], None, ["too_long"])
    assert len(read(f"{text}\n9801.314.016 5").lines) == 2


def test_each_word_of_a_line_is_made_compact_once(monkeypatch):
    made = []

    def compact(text):
        made.append(text)
        return search.compact(text)

    monkeypatch.setattr(pasted_lists, "compact", compact)
    read("1 " * 149)
    assert made.count("1") == 149


def test_an_article_in_several_packs_gives_them_all():
    ProductFactory(erp_id="001627K3", name="9801.314.016")
    assert line("9801.314.016 12") == ([CODE, "001627K3"], 12, ["packs"])
    assert line("9801.314.016 001627K3 12") == (["001627K3"], 12, [])


@pytest.mark.parametrize(
    ("text", "code"),
    [("9801.314.017 x 12", "9801.314.017"), ("12;XY.999;Fresa", "XY.999"), ("Fresa XY.999 12 pz", "Fresa XY.999")],
)
def test_a_code_that_is_not_found_is_given_to_be_looked_for(text, code):
    [found] = read(text).lines
    assert (found.code, found.text, found.quantity) == (code, text, 12)


def test_a_header_is_skipped_and_named_and_says_where_the_quantities_are():
    found = read("Ciao, mi servono:\n\nCodice;Prezzo;Q.tà\n9801.314.016;15;12\nH1.314.010;20;3\n")
    assert [(each.products[0].erp_id, each.quantity, each.doubts) for each in found.lines] == [
        (CODE, 12, []),
        (OTHER, 3, []),
    ]
    assert found.skipped == ["Ciao, mi servono:", "Codice;Prezzo;Q.tà"]


def test_a_code_without_a_digit_is_no_header():
    ProductFactory(erp_id="CORSO", name="Corso")
    [found] = read("corso").lines
    assert [each.erp_id for each in found.products] == ["CORSO"]


def test_products_that_are_no_more_are_not_found(products):
    ProductFactory(erp_id="009999K2", name="H9.314", removed_at="2026-01-20T12:00:00Z")
    assert line("H9.314 5") == ([], 5, ["code"])


def test_two_hundred_lines_take_as_many_questions_as_one():
    for count in (1, 200):
        with CaptureQueriesContext(connection) as queries:
            assert len(read("9801.314.016 5\n" * count).lines) == count
        assert len(queries) == 2


# By the API


def test_the_api_gives_products_quantities_and_doubts(api):
    answer = api.post(LOOKUP, {"text": "9801.314.016\t5\nXY 7"}).json()
    first, second = answer["lines"]
    assert (first["products"][0]["erpId"], first["quantity"], first["doubts"]) == (CODE, "5", [])
    assert first["products"][0]["orderQuantities"]["usual"] == "1"
    assert (second["code"], second["products"], second["doubts"]) == ("XY", [], ["code"])


def test_numbers_are_read_as_the_request_s_language_writes_them(api):
    for language, quantity in (("it", "1000"), ("en", "1")):
        answer = api.post(LOOKUP, {"text": "9801.314.016\t1.000"}, headers={"accept-language": language})
        assert answer.json()["lines"][0]["quantity"] == quantity


def test_a_list_that_is_too_long_is_refused_and_says_how_long_it_is(api):
    answer = api.post(LOOKUP, {"text": "9801.314.016\n" * 201})
    assert answer.status_code == 400
    assert answer.json()["detail"]["text"] == ["A list may have 200 lines, and this one has 201. Paste it in parts."]


@pytest.mark.parametrize("body", [{}, {"text": ""}, {"text": 5}, {"text": "a" * 50_001}, {"text": "a", "lines": 1}])
def test_what_is_no_list_is_refused(api, body):
    assert api.post(LOOKUP, body).status_code == 400
