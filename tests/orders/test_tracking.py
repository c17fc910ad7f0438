import pytest

from orders.tracking import COURIERS, Shipment, read_tracking
from tests.factories import DdtFactory

FEDEX = (  # its second attribute lacks a quote
    '<a href = "https://www.fedex.com/fedextrack/? trknbr=175934530820&locale=it_IT '
    'target="_blank">fedex 175934530820</a>'
)
UPS = (
    '<a href="https://www.ups.com/track? HTMLVersion=5.0&loc=it_IT&Requester=UPSHome &tracknum=1Z4V26Y50693533735'
    '&ignore=&track.x= 42&track.y=6/trackdetails" target="_blank">Ups 1Z4V26Y50693533735</a>'
)


def url_of(text):
    return Shipment.parse(text).url


def test_a_link_with_a_broken_quote_keeps_its_text():
    assert read_tracking(FEDEX) == "fedex 175934530820"


def test_a_link_wrapped_within_its_text_keeps_one_space():
    assert read_tracking(UPS) == read_tracking(UPS.replace(" ", "\n")) == "Ups 1Z4V26Y50693533735"


@pytest.mark.parametrize("link", [FEDEX, UPS])
def test_a_link_is_read_wherever_a_narrow_cell_broke_it(link):
    whole = read_tracking(link)
    assert {read_tracking(f"{link[:at]} {link[at:]}") for at in range(len(link))} == {whole}


@pytest.mark.parametrize("words", ["gls 12 colli", "poste italiane 12345", "gls n 123", "tnt in consegna"])
def test_words_in_a_link_that_are_no_number_keep_their_spaces(words):
    assert read_tracking(f"<a href='x'>{words}</a>") == words


def test_several_links_are_separated_by_commas_and_the_first_one_counts():
    text = read_tracking(f"{FEDEX}<br>{UPS}")
    assert text == "fedex 175934530820, Ups 1Z4V26Y50693533735"
    assert Shipment.parse(text) == Shipment("FedEx", "175934530820")


@pytest.mark.parametrize("plain", ["", "consegna a mano", "fedex 175934530820", "colli < 5", "D&G"])
def test_text_without_a_link_is_kept_as_it_is(plain):
    assert read_tracking(plain) == plain


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("<a href='x'>fedex 12345", "fedex 12345"),
        ("fedex 12345</a>", "fedex 12345"),
        ("<a href=", ""),
        ("<a><b>gls</b> 12345</a>", "gls 12345"),
        ("<A HREF='x'>gls&nbsp;12345</A>", "gls 12345"),
        ("&lt;a href='x'&gt;gls 12345&lt;/a&gt;", "gls 12345"),
        ("<a></a>", ""),
        ("\0fedex\0 12345", "fedex 12345"),
        pytest.param("<" * 100_000, "<" * 100_000, id="nothing but openings"),
        pytest.param("<a" * 100_000, "", id="nothing but unfinished links"),
    ],
)
def test_html_in_any_state_is_read_without_failing(cell, text):
    assert read_tracking(cell) == text


@pytest.mark.parametrize(
    ("text", "courier", "number"),
    [
        ("fedex 175934530820", "FedEx", "175934530820"),
        ("Ups 1Z4V26Y50693533735", "UPS", "1Z4V26Y50693533735"),
        ("UPS Italia 1Z4V26Y50693533735", "UPS", "1Z4V26Y50693533735"),
        ("Poste Italiane RR123456789IT", "Poste Italiane", "RR123456789IT"),
        ("Bartolini 098001234567", "BRT", "098001234567"),
        ("Corriere Espresso 12345", "Corriere Espresso", "12345"),
        ("Ups 1Z4V26Y506 93533735", "UPS", "1Z4V26Y50693533735"),
        ("175934530820", "", "175934530820"),
        ("consegna a mano", "", ""),
        ("fedex 175934530820 in 2 colli", "", ""),
        ("fedex", "", ""),
        ("", "", ""),
    ],
)
def test_a_text_says_the_courier_and_the_number(text, courier, number):
    assert Shipment.parse(text) == Shipment(courier, number)


def test_each_known_courier_has_a_page_about_the_number():
    for written in COURIERS:
        page = url_of(f"{written} 12345")
        assert page.startswith("https://")
        assert "12345" in page


@pytest.mark.parametrize("text", ["Corriere Espresso 12345", "12345", "fedex", "consegna a mano", ""])
def test_an_unknown_courier_or_number_has_no_page(text):
    assert url_of(text) == ""


def test_a_number_cannot_add_anything_to_the_page_address():
    assert Shipment("FedEx", "1&x=/ù").url == (
        "https://www.fedex.com/fedextrack/?trknbr=1%26x%3D%2F%C3%B9&locale=it_IT"
    )


def test_a_ddt_says_where_its_shipment_is(db):
    ddt = DdtFactory(tracking="fedex 175934530820")
    assert (ddt.shipment.courier, ddt.shipment.number) == ("FedEx", "175934530820")
    assert ddt.shipment.url == "https://www.fedex.com/fedextrack/?trknbr=175934530820&locale=it_IT"
