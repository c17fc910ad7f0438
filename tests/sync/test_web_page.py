"""What is read from a page of the ERP's web front end."""

import time

import pytest

from sync.erp.web_page import WebPage

URL = "https://erp.example/Archibald/INVENTTABLE_ListView/"
ITEM = "Vertical_mainMenu_Menu_DXI"
CLICK = {"__EVENTTARGET": "Vertical$mainMenu", "__EVENTARGUMENT": "3"}
COMBO = "Vertical$mainMenu$Menu$ITCNT8$xaf_a1$Cb"
GRID = "Vertical$v7_4711$LE_v8"


def page(body="", url=URL):
    return WebPage(f'<form action="/X/"><input type="hidden" name="__VIEWSTATE" value="v">{body}</form>', url)


@pytest.mark.parametrize("text", ["Esportare in", " Export to\n", "Export toExport to"])
def test_the_export_button_is_found_by_the_text_of_its_anchor(text):
    others = f'<li id="{ITEM}0_"><a id="{ITEM}0_T">Altro</a><ul><li>Export to Excel</li></ul></li>'
    fields = page(f'{others}<li id="{ITEM}3_"><a id="{ITEM}3_T"><span>{text}</span></a></li>').build_export_form()
    assert fields == {"__VIEWSTATE": "v", **CLICK}


def test_a_page_without_an_export_button_has_none():
    assert page(f'<li id="{ITEM}0_"><a id="{ITEM}0_T">Esportazioni</a></li>').build_export_form() is None


@pytest.mark.parametrize("text", ["Accedi", "Login", "Log In", "Log\n In"])
def test_a_login_is_filled_in_and_sent_by_its_button(text):
    fields = page(
        '<a id="Logon_HeaderTableLogo">Log in</a><input type="text" name="Search"><input type="text" name="L$UserName">'
        f'<input type="password" name="L$Secret"><a id="Logon_PopupActions_Menu_DXI0_T">{text}</a>'
    ).build_login_form("agente", "geheim")
    assert fields == {
        "__VIEWSTATE": "v",
        "Search": "",
        "L$UserName": "agente",
        "L$Secret": "geheim",
        "__EVENTTARGET": "Logon$PopupActions",
        "__EVENTARGUMENT": "0",
    }


def test_a_user_name_goes_into_the_first_text_field_if_none_is_called_so():
    fields = page('<input type="text" name="A"><input type="text" name="B">').build_login_form("agente", "")
    assert (fields["A"], fields["B"]) == ("agente", "")


@pytest.mark.parametrize(
    ("url", "body", "is_login"),
    [
        ("https://erp.example/Archibald/Login.aspx?ReturnUrl=%2fArchibald%2fDefault.aspx", "", True),
        ("https://erp.example/Archibald/Default.aspx", "", False),
        ("https://erp.example/Archibald/Default.aspx?from=Login.aspx", "", False),
        (URL, '<input type="password" name="p">', True),  # a login page under a list's address
    ],
)
def test_a_login_page_is_known_by_its_path_or_its_password_field(url, body, is_login):
    assert page(body, url).is_login is is_login


def combo(chosen, *values):
    offered = ",".join(f"'{value}'" for value in values)
    control = COMBO.replace("$", "_")
    return (
        f'<input type="text" name="{COMBO}" value="Tutti"><input type="hidden" name="{COMBO}_VI" value="{chosen}">'
        f"<script>ASPx.createControl(Box,'other','',{{'itemsValue':['a9All_Customers']}});"
        f"ASPx.createControl(Box,'{control}','',{{'itemsValue':[{offered}]}});</script>"
    )


def test_the_safe_filter_is_known_by_how_its_value_ends():
    found = page(combo("xaf_xaf_a2Free", "xaf_xaf_a2Free", "xaf_xaf_a2All_Customers")).find_filter_combo(
        "All_Customers"
    )
    assert (found.name, found.chosen, found.safe) == (COMBO, "xaf_xaf_a2Free", "xaf_xaf_a2All_Customers")
    assert not found.is_safe


def test_a_safe_filter_that_is_chosen_need_not_be_looked_for():
    assert page(combo("xaf_xaf_a0All_Customers")).find_filter_combo("All_Customers").is_safe


def test_another_controls_values_are_not_the_filters():
    assert page(combo("xaf_xaf_a2Free", "xaf_xaf_a2Free")).find_filter_combo("All_Customers") is None


def test_a_chosen_filter_is_posted_as_its_value():
    shown = page(combo("Free", "Free", "All_Customers"))
    assert shown.build_filter_form(shown.find_filter_combo("All_Customers")) == {
        "__VIEWSTATE": "v",
        COMBO: "Tutti",
        f"{COMBO}_VI": "All_Customers",
        "__EVENTTARGET": COMBO,
        "__EVENTARGUMENT": "All_Customers",
    }


SCRIPT = f"<script>createControl(Grid,'x','',{{'uniqueID':'{GRID}'}})</script>"


def test_a_grids_filter_is_read_and_cleared():
    shown = page(f'{SCRIPT}<td class="dxgvFilterBarExpressionCell_XafTheme"><a>[ID] = 1</a></td>')
    assert shown.grid_filter == "[ID] = 1"
    assert shown.build_clear_filter_form() == {
        "__VIEWSTATE": "v",
        "__EVENTTARGET": GRID,
        "__EVENTARGUMENT": "ClearFilter",
    }
    assert page(SCRIPT).grid_filter == ""


def test_hidden_columns_are_those_without_a_header():
    shown = page('<td class="dxgvHeader_XafTheme">Pacco</td><td class="dxgvHeader_XafTheme">CREATO\n DA:</td>')
    assert shown.find_hidden(["PACCO", "CREATO DA", "ID ELEMENTO IVAID"]) == {"ID ELEMENTO IVAID"}


def test_columns_are_chosen_by_their_captions_and_applied_by_the_buttons_text():
    boxes = "".join(
        f'<div><span><span><input type="text" name="C{index}Chk5" value="{value}"></span></span><b>{caption}</b></div>'
        for index, (caption, value) in enumerate((("ID", "C"), ("Creato da:", "U"), ("GAMBA", "U")))
    )
    chooser = page(
        f'{SCRIPT}<div id="V_DXCDWindow">{boxes}'
        '<a id="V_DXCDWindow_DXCBtn202">Annulla</a><a id="V_DXCDWindow_DXCBtn207">Applica</a></div>'
    )
    assert chooser.build_columns_form(["CREATO DA"]) == {
        "__VIEWSTATE": "v",
        "C0Chk5": "C",
        "C1Chk5": "C",
        "C2Chk5": "U",
        "__EVENTTARGET": f"{GRID}$DXCDWindow",
        "__EVENTARGUMENT": "DXCBtn207",
    }


def test_a_page_without_a_column_chooser_or_without_its_button_has_none():
    assert page(SCRIPT).build_columns_form(["PACCO"]) is None
    assert page(f'{SCRIPT}<div id="V_DXCDWindow"></div>').build_columns_form(["PACCO"]) is None


# Pages made to cost as much as they can

WINDOW = '<div id="DXCDWindow">'
BOX = '<input type="text" name="C1Chk5">'
HALF = 2 * 1024**2  # characters, of the four million that a page may have


def times(text, characters=HALF):
    return text * (characters // len(text))


COSTLY = {
    "boxes and texts beside all of them": WINDOW + times(BOX) + times("<b>x</b>"),
    "boxes without texts in each other": WINDOW + "<b>" * 250 + times(f"<i>{BOX}</i>") + times("<i></i>"),
    "boxes far within": WINDOW + "<div>" * 250 + times(BOX, 2 * HALF),
    "buttons in buttons": WINDOW + '<i id="a_DXCBtn1">' * 250 + times("x "),
    "headers in headers": '<div class="dxgvHeader">' * 250 + times("x "),
    "many headers in headers": times('<div class="dxgvHeader">' * 250 + "</div>" * 250, 2 * HALF),
    "combos and scripts": times('<input type="hidden" name="a_VI">')
    + f"""<script>{times("createControl('a','zzz')")}</script>""",
    "combos and one script of all of them": "".join(f'<input type="hidden" name="a{n}_VI">' for n in range(60_000))
    + "<script>createControl("
    + ",".join(f"'a{n}','All'" for n in range(120_000)),
    "quotes": "<script>createControl(" + times("'\"", 2 * HALF),
    "ids of grids": times("'uniqueID':'LE_v1", 2 * HALF),
    "ids of menus": f'<a id="{times("_Menu_DXI1", 2 * HALF)}">',
}


@pytest.mark.parametrize("body", COSTLY.values(), ids=COSTLY)
def test_whatever_is_in_a_page_it_is_read_in_a_few_seconds(body):
    shown = page(body)
    began = time.thread_time()
    assert not shown.is_login
    assert (shown.action, shown.grid_filter, shown.build_export_form()) == ("/X/", "", None)
    assert shown.find_filter_combo("None") is None
    assert shown.find_hidden(["y"]) == {"y"}
    assert shown.build_columns_form(["x"]) is None
    assert len(shown.grid) <= len(body)
    assert time.thread_time() - began < 20  # seconds: about three, where looking up each for each took up to hours
