"""What is read from a page of the ERP's web front end."""

import pytest

from sync.erp.web_page import WebPage

MENU = "Vertical_mainMenu_Menu"
FORMATS = f'<ul><li id="{MENU}_DXI3i0_">PDF</li><li id="{MENU}_DXI3i1_">XLSX</li></ul>'


def page(export_button):
    items = f'<li id="{MENU}_DXI0_">Esportazioni</li>{export_button}<li id="{MENU}_DXI4_">Guida</li>'
    return WebPage(f'<form action="/X/"><input type="hidden" name="__VIEWSTATE" value="v"><ul>{items}</ul></form>', "")


@pytest.mark.parametrize("text", ["Esportare in", " Export to\n"])
@pytest.mark.parametrize(("inside", "place"), [(FORMATS, "3i0"), ("", "3")])
def test_the_export_button_is_found_by_its_text_and_its_pdf_within(text, inside, place):
    fields = page(f'<li id="{MENU}_DXI3_">{text}{inside}</li>').export_fields()
    assert fields == {
        "__VIEWSTATE": "v",
        "__EVENTTARGET": "Vertical$mainMenu$Menu",
        "__EVENTARGUMENT": f"CLICK:{place}",
    }


def test_a_page_without_an_export_button_has_none():
    assert page("").export_fields() is None
