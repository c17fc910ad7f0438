"""What the demo ERP's pages look like: the real one's element names and ids, in an Italian of its own.

DevExpress's controls as far as a client meets them: menus whose items are found by their text, filters that are a text
field beside a hidden value, a grid whose id has a number of its own in each session, its filter, its column chooser.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

from demo.erp.lists import LISTS, DemoList, ListColumn

LOGIN_MENU = "Logon$PopupActions"
MENU = "Vertical$mainMenu"
FILTER = "Vertical$mainMenu$Menu$ITCNT8$xaf_a1$Cb"
VIEW = "Vertical$mainMenu$Menu$ITCNT9$xaf_a2$Cb"  # customers' other combo: as a list or on a map
FILTER_PREFIX, VIEW_PREFIX = "xaf_xaf_a1", "xaf_xaf_a2"  # of the values; updates of the ERP change them
SHOW_CHOOSER, CLEAR_FILTER = "ShowCustomizationDialog", "ClearFilter"
CHOOSER, APPLY, CANCEL = "DXCDWindow", "DXCBtn201", "DXCBtn202"
BANNER = "Requested objects cannot be loaded"
TOOLBAR = ("Nuovo", "Elimina", "Aggiorna", "Visualizza", "Stampa", "Segnalibri", "Guida")

STYLE = """
*{box-sizing:border-box}body{margin:0;font:14px/1.45 "Segoe UI",system-ui,sans-serif;color:#222;background:#f3f4f6}
header{background:#1f3a5f;color:#fff;padding:.7rem 1.2rem;display:flex;gap:1rem;align-items:baseline}
header strong{font-size:1.15rem}header span{opacity:.75}
nav{background:#fff;border-bottom:1px solid #d5d9df;padding:0 1.2rem;display:flex;flex-wrap:wrap}
nav a{padding:.6rem .9rem;color:#1f3a5f;text-decoration:none}nav a.here{border-bottom:3px solid #d9822b;font-weight:600}
main{padding:1rem 1.2rem}h1{font-size:1.25rem;margin:.2rem 0 .8rem}
.toolbar{display:flex;gap:.8rem;align-items:center;margin-bottom:.8rem}
.toolbar ul{list-style:none;display:flex;margin:0;padding:0;background:#fff;border:1px solid #d5d9df}
.toolbar li{padding:.35rem .8rem;cursor:pointer;border-right:1px solid #e6e8ec}.toolbar li:hover{background:#eef3f9}
.toolbar li div,.adaptive{display:none}a[onclick]{cursor:pointer;color:#1f3a5f}
.combo{position:relative}.combo input{padding:.35rem .6rem}.combo table{display:none;position:absolute;z-index:1}
.combo:hover table{display:block;background:#fff;border:1px solid #d5d9df}.combo td{cursor:pointer;border:0}
.filter,.chooser{background:#fff;border:1px solid #d5d9df;padding:.6rem .8rem;margin:.6rem 0}
.chooser label{display:inline-block;min-width:18rem}
.banner{background:#fdecea;border:1px solid #e5a29b;padding:.6rem .8rem;margin-bottom:.8rem}
.table{overflow-x:auto;background:#fff;border:1px solid #d5d9df}
table{border-collapse:collapse;white-space:nowrap;font-size:13px}
th{background:#808080;color:#fff;font-weight:500;padding:.3rem .6rem}
td{border:1px solid #e0e3e8;padding:.25rem .6rem}td.right{text-align:right}
td.centre{text-align:center}tr:nth-child(even) td{background:#f8f9fb}
.login{max-width:22rem;margin:4rem auto;background:#fff;border:1px solid #d5d9df;padding:1.4rem}
.login label{display:block;margin:.7rem 0 .2rem}.login input{width:100%;padding:.45rem}
.login ul{list-style:none;padding:0;margin:1rem 0 0}.login li a{color:#fff;background:#1f3a5f;padding:.5rem 1.2rem}
"""
SCRIPT = """
var ASPx = {createControl: function () {}}, ASPxClientComboBox, ASPxClientGridView, globalCallbackControl;
function postBack(target, argument) {
  document.forms[0].__EVENTTARGET.value = target;
  document.forms[0].__EVENTARGUMENT.value = argument;
  document.forms[0].submit();
}
function RaiseXafCallback(control, target, argument) { postBack(target, argument); }
function choose(combo, value) {
  document.forms[0].elements[combo + "_VI"].value = value;
  postBack(combo, value);
}
"""
FETCH = "location.href = location.pathname;"


@dataclass(frozen=True)
class Profile:
    """A user's language: what the buttons say."""

    log_in: str
    export_to: str
    choose_columns: str
    apply: str
    cancel: str
    clear: str
    is_english: bool


PROFILES = {
    "it": Profile("Accedi", "Esportare in", "Selezione colonne", "Applica", "Annulla", "Cancella", False),
    "en": Profile("Log In", "Export to", "Column Chooser", "Apply", "Cancel", "Clear", True),
}


@dataclass(frozen=True)
class ListView:
    """What a list's page shows."""

    demo_list: DemoList
    columns: Sequence[ListColumn]  # all that the list has
    shown: Set[int]  # places of columns
    rows: Sequence[Sequence[str]]
    size: int
    chosen_filter: str
    grid_filter: str
    grid: str  # its name in forms
    view_state: str
    has_banner: bool = False
    has_chooser: bool = False
    fetches_export: bool = False


def get_client_id(name: str) -> str:
    """The id of a control, from its name in forms."""
    return name.replace("$", "_")


def make_grid_name(demo_list: DemoList, number: int) -> str:
    return f"Vertical$v{number}${demo_list.grid}"


def make_check_box_name(grid: str, place: int) -> str:
    """The column chooser's check box for a column."""
    return f"{grid}${CHOOSER}$DXCDPageControl$C{place}Chk5"


def render_page(title: str, body: str) -> str:
    return (
        f'<!DOCTYPE html><html lang="it"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style><script>{SCRIPT}</script></head>'
        f"<body>{body}</body></html>"
    )


HEADER = "<header><strong>Archibald</strong><span>ERP dimostrativo: tutti i dati sono inventati</span></header>"


def render_hidden_fields(view_state: str) -> str:
    fields = {"__EVENTTARGET": "", "__EVENTARGUMENT": "", "__VIEWSTATE": view_state}
    return "".join(f'<input type="hidden" name="{name}" value="{value}">' for name, value in fields.items())


def render_login(profile: Profile, return_url: str, view_state: str, *, rejected: bool) -> str:
    message = '<p class="banner">Nome utente o password non validi.</p>' if rejected else ""
    return render_page(
        "Archibald",
        f"""<header><a id="Logon_HeaderTableLogo" href="/">Archibald</a></header>
<form class="login" method="post" action="/Login.aspx?ReturnUrl={quote(return_url, safe="")}"
 onsubmit="this.__EVENTTARGET.value = '{LOGIN_MENU}'; this.__EVENTARGUMENT.value = '0'">
{render_hidden_fields(view_state)}<h1>Accesso</h1>{message}
<label for="Logon_v0_xaf_dviUserName_Edit_I">Nome utente</label>
<input type="text" id="Logon_v0_xaf_dviUserName_Edit_I" name="Logon$v0$xaf_dviUserName$Edit" autocomplete="username">
<label for="Logon_v0_xaf_dviPassword_Edit_I">Password</label>
<input type="password" id="Logon_v0_xaf_dviPassword_Edit_I" name="Logon$v0$xaf_dviPassword$Edit"
 autocomplete="current-password"><input type="submit" class="adaptive">
<ul>{render_menu_item(LOGIN_MENU, 0, profile.log_in)}</ul></form>""",
    )


def render_list(view: ListView, profile: Profile) -> str:
    demo_list = view.demo_list
    banner = f'<div class="banner">{BANNER}. Riprovare.</div>' if view.has_banner else ""
    chooser = render_column_chooser(view, profile) if view.has_chooser else ""
    items = render_toolbar(demo_list, profile)
    fetch = f"<script>{FETCH}</script>" if view.fetches_export else ""
    return render_page(
        f"{demo_list.title} - Archibald",
        f"""{HEADER}{render_navigation(demo_list)}<main><h1>{escape(demo_list.title)}</h1>{banner}
<form method="post" action="/{demo_list.name}/">{render_hidden_fields(view.view_state)}
<div class="toolbar"><ul id="{get_client_id(MENU)}_Menu">{items}</ul>{render_combos(view, profile)}
<a onclick="postBack('{view.grid}', '{SHOW_CHOOSER}')">{profile.choose_columns}</a></div>
{chooser}{render_grid(view, profile)}</form>
<p>{len(view.rows)} elementi su {view.size}</p></main>{fetch}""",
    )


def render_navigation(here: DemoList) -> str:
    links = (
        f'<a href="/{demo_list.name}/"{" class=here" * (demo_list is here)}>{escape(demo_list.title)}</a>'
        for demo_list in LISTS
    )
    return f"<nav>{''.join(links)}</nav>"


def render_toolbar(demo_list: DemoList, profile: Profile) -> str:
    """The menu's items differ from list to list, and so does the place of the export button."""
    items = [*TOOLBAR[: demo_list.export_item], profile.export_to, "Altro"]
    return "".join(render_menu_item(MENU, place, text) for place, text in enumerate(items))


def render_menu_item(menu: str, place: int, text: str) -> str:
    """An item, whose text stands in it once more for narrow windows."""
    item = f"{get_client_id(menu)}_Menu_DXI{place}_"
    return (
        f"<li id=\"{item}\" onclick=\"RaiseXafCallback(globalCallbackControl, '{menu}', '{place}', '', true)\">"
        f'<a id="{item}T" title="{escape(text)}">{escape(text)}<span class="adaptive">{escape(text)}</span></a></li>'
    )


def render_combos(view: ListView, profile: Profile) -> str:
    choices = [
        (FILTER_PREFIX + choice.value, choice.english if profile.is_english else choice.italian)
        for choice in view.demo_list.choices
    ]
    found = render_combo(FILTER, choices, FILTER_PREFIX + view.chosen_filter) if choices else ""
    if view.demo_list.sync_type == "customers":
        views = [(VIEW_PREFIX + value, text) for value, text in (("List", "Elenco"), ("Map", "Mappa"))]
        found = render_combo(VIEW, views, views[0][0]) + found
    return found


def render_combo(name: str, choices: Sequence[tuple[str, str]], chosen: str) -> str:
    """A combo as DevExpress has it: a field with the text, a hidden one with the value, a list of the choices' texts,
    and their values in a script."""
    control, texts = get_client_id(name), dict(choices)
    items = "".join(
        f'<tr><td id="{control}_DDD_L_LBI{place}T0" class="dxeListBoxItem_XafTheme"'
        f""" onclick="choose('{name}', '{value}')">{escape(text)}</td></tr>"""
        for place, (value, text) in enumerate(choices)
    )
    values = ",".join(f"'{value}'" for value in texts)
    return f"""<div class="combo"><input type="text" id="{control}_I" name="{name}" value="{escape(texts[chosen])}"
 readonly><input type="hidden" id="{control}_VI" name="{name}_VI" value="{chosen}"><table id="{control}_DDD_L_LBT"
>{items}</table></div><script>ASPx.createControl(ASPxClientComboBox,'{control}','{name}',{{'uniqueID':'{name}',
'itemsValue':[{values}]}});</script>"""


def render_grid(view: ListView, profile: Profile) -> str:
    control = get_client_id(view.grid)
    headers = "".join(
        f'<th id="{control}_col{place}" class="dxgvHeader_XafTheme">{escape(column.header)}</th>'
        for place, column in enumerate(view.columns)
        if place in view.shown
    )
    shown = [column for place, column in enumerate(view.columns) if place in view.shown]
    rows = "".join(
        '<tr class="dxgvDataRow_XafTheme">'
        + "".join(
            f'<td class="{column.kind.align}">{escape(text)}</td>' for text, column in zip(row, shown, strict=True)
        )
        + "</tr>"
        for row in view.rows
    )
    return f"""{render_filter_bar(view, profile)}
<div class="table"><table id="{control}"><tr>{headers}</tr>{rows}</table></div>
<script>ASPx.createControl(ASPxClientGridView,'{control}','',{{'uniqueID':'{view.grid}'}});</script>"""


def render_filter_bar(view: ListView, profile: Profile) -> str:
    """Under a grid that is filtered: by what, and a way to end it."""
    if not view.grid_filter:
        return ""
    return f"""<div class="filter dxgvFilterBar_XafTheme"><span class="dxgvFilterBarExpressionCell_XafTheme"
>{escape(view.grid_filter)}</span> <a class="dxgvFilterBarClearButtonCell_XafTheme"
 onclick="postBack('{view.grid}', '{CLEAR_FILTER}')">{profile.clear}</a></div>"""


def render_column_chooser(view: ListView, profile: Profile) -> str:
    window = f"{view.grid}${CHOOSER}"
    boxes = "".join(
        f'<label id="{get_client_id(box)}_D"><input type="checkbox" name="{box}" value="C"{" checked" * is_shown}>'
        f" {escape(column.header)}</label>"
        for box, column, is_shown in (
            (make_check_box_name(view.grid, place), column, place in view.shown)
            for place, column in enumerate(view.columns)
        )
    )
    buttons = " ".join(
        f"""<a id="{get_client_id(window)}_{button}" onclick="postBack('{window}', '{button}')">{text}</a>"""
        for button, text in ((APPLY, profile.apply), (CANCEL, profile.cancel))
    )
    return f"""<div class="chooser" id="{get_client_id(window)}"><h2 id="{get_client_id(window)}_DXCDPageControl_T3T"
>{profile.choose_columns}</h2>{boxes}<p>{buttons}</p></div>"""
