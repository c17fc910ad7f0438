"""What the demo ERP's pages look like: the real one's element names and ids, in an Italian of its own.

DevExpress's controls as far as a client meets them: menus whose items are found by their text, filters that are a text
field beside a hidden value; grid.py has the grid. What they do in a browser is told in static/archibald.js.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from demo.erp.faults import Fault
from demo.erp.lists import LISTS, DemoList

LOGIN_MENU = "Logon$PopupActions"
MENU = "Vertical$mainMenu"
LINES_TOOLBAR = "Vertical$v81$xaf_dviSALESLINEs$ToolBar"
SEARCH = "Vertical$SearchAC$Menu$ITCNT0$xaf_a0$Ed"
COMBOS, LIST_AREA = "Vertical_UPCombos", "Vertical_UPVSC"  # the parts of a page that an answer to a callback replaces
BANNER = "Requested objects cannot be loaded"
STATIC = Path(__file__).parent / "static"
FIELD, ATTRIBUTE = re.compile(r"<input\b[^>]*>"), re.compile(r'\b(name|type)="([^"]*)"')


@dataclass(frozen=True)
class MenuItem:
    """An item of a list's menu."""

    text: str
    exports: bool = False
    nested: Sequence[str] = ()  # the items of its own menu
    is_moved: bool = False  # into the overflow menu, however wide the window is
    is_last: bool = False  # moves there in narrow windows


@dataclass(frozen=True)
class Release:
    """What an update of the ERP changes without notice: names and values of its combos, items, tabs, columns."""

    filter: str  # the part of its combo's name that names the filter
    view: str  # of customers' other combo: as a list or on a map
    new_items: Sequence[MenuItem] = ()  # before all others

    @property
    def is_new(self) -> bool:
        """Whether there are one more tab and one more column, too."""
        return bool(self.new_items)

    @property
    def filter_prefix(self) -> str:
        """How the filter's values begin."""
        return f"xaf_{self.filter}"

    @property
    def view_prefix(self) -> str:
        return f"xaf_{self.view}"


RELEASES = (
    Release("xaf_a1", "xaf_a2"),
    Release("xaf_a2", "xaf_a3", [MenuItem("Novità")]),
    Release("xaf_a0", "xaf_a1", [MenuItem("Novità"), MenuItem("Modelli", nested=("Esportare in", "Importare da"))]),
)
NEW_TAB, NEW_COLUMN = "Agenda", "NOTE INTERNE"


@dataclass(frozen=True)
class Profile:
    """A user's language: what the buttons say."""

    toolbar: Sequence[str]  # before the export button, of which each list has as many as it needs
    last_item: str  # which has a menu of its own
    last_items: Sequence[str]
    log_in: str
    export_to: str
    choose_columns: str
    apply: str
    cancel: str
    clear: str
    search: str
    pager: str
    page_size: str
    user_name: str
    rejected: str
    is_english: bool


PROFILES = {
    "it": Profile(
        ("Nuovo", "Elimina", "Aggiorna", "Visualizza", "Stampa", "Segnalibri", "Guida"),
        "Altro",
        ("Opzioni", "Reimposta vista"),
        "Accedi",
        "Esportare in",
        "Selezione colonne",
        "Applica",
        "Annulla",
        "Cancella",
        "Cerca",
        "Pagina {page} di {pages} ({records} elementi)",
        "Dimensioni pagina:",
        "Nome utente",
        "Nome utente o password non validi.",
        is_english=False,
    ),
    "en": Profile(
        ("New", "Delete", "Refresh", "View", "Print", "Bookmarks", "Help"),
        "More",
        ("Options", "Reset View"),
        "Log In",
        "Export to",
        "Column Chooser",
        "Apply",
        "Cancel",
        "Clear",
        "Search",
        "Page {page} of {pages} ({records} items)",
        "Page size:",
        "User Name",
        "The user name or password is incorrect.",
        is_english=True,
    ),
}


def choose_profile(accept_language: str) -> Profile:
    """The language that a browser asks for first; English if it asks for none."""
    first = accept_language.split(",")[0].strip().lower()
    return PROFILES["it" if first.startswith("it") else "en"]


def list_menu_items(demo_list: DemoList, profile: Profile, release: Release, faults: set[Fault]) -> list[MenuItem]:
    """A list's menu: its items differ from list to list, and so does the place of the export button."""
    items = [*release.new_items, *(MenuItem(text) for text in profile.toolbar[: demo_list.export_item])]
    if Fault.MOVED_EXPORT in faults:
        items.insert(1, MenuItem("Inoltra"))
    if Fault.MISSING_EXPORT not in faults:
        text = "Scaricare" if Fault.RENAMED_EXPORT in faults else profile.export_to
        items.append(MenuItem(text, exports=True, is_moved=Fault.EXPORT_IN_OVERFLOW in faults, is_last=True))
    return [*items, MenuItem(profile.last_item, nested=profile.last_items, is_last=True)]


@dataclass(frozen=True)
class Page:
    """Who sees a page, and where."""

    base: str  # the first part of its address, such as /Archibald
    profile: Profile
    release: Release
    view_state: str
    menu_number: int = 0  # of the menu's item with the list's filter, another one in each list and session

    @property
    def filter(self) -> str:
        """The name of the filter's combo."""
        return f"{MENU}$Menu$ITCNT{self.menu_number}${self.release.filter}$Cb"

    @property
    def view(self) -> str:
        return f"{MENU}$Menu$ITCNT{self.menu_number + 1}${self.release.view}$Cb"


@cache
def read_static(name: str) -> bytes:
    return (STATIC / name).read_bytes()


def read_field_names(html: str) -> frozenset[str]:
    """The names of the fields that a form sends in any case: all but check boxes."""
    fields = (dict(ATTRIBUTE.findall(field)) for field in FIELD.findall(html))
    return frozenset(field["name"] for field in fields if "name" in field and field.get("type") != "checkbox")


def get_client_id(name: str) -> str:
    """The id of a control, from its name in forms."""
    return name.replace("$", "_")


def write_script_value(value: Any) -> str:
    """A value as a script has it, within a page."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")


def render_page(title: str, body: str, *, base: str = "", attributes: str = "") -> str:
    return (
        f'<!DOCTYPE html><html lang="it"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">'
        f'<link rel="stylesheet" href="{base}/DXR.axd/archibald.css">'
        f'<script src="{base}/DXR.axd/archibald.js"></script>'
        f"</head><body{attributes}>{body}</body></html>"
    )


HEADER = "<header><strong>Archibald</strong><span>ERP dimostrativo: tutti i dati sono inventati</span></header>"
LOGO = (
    '<svg width="22" height="22" viewBox="0 0 22 22" aria-hidden="true"><circle cx="11" cy="11" r="11" fill="#d9822b"/>'
    '<path d="M6 17 11 5l5 12M8 13h6" stroke="#fff" stroke-width="2" fill="none"/></svg>'
)


def render_hidden_fields(view_state: str) -> str:
    fields = {"__EVENTTARGET": "", "__EVENTARGUMENT": "", "__VIEWSTATE": view_state}
    return "".join(f'<input type="hidden" name="{name}" value="{value}">' for name, value in fields.items())


def render_login(page: Page, return_url: str, *, rejected: bool, settling: float) -> str:
    """The login page; the ids of its fields are others each time. What is entered in the first `settling` seconds is
    lost, and no click counts.
    """
    message = f'<p class="banner">{page.profile.rejected}</p>' if rejected else ""
    user, password = (f"Logon$v{secrets.randbelow(10**8)}$xaf_dvi{name}$Edit" for name in ("UserName", "Password"))
    return render_page(
        "Archibald",
        f"""<header><a id="Logon_HeaderTableLogo" title="Logo" href="{page.base}/">{LOGO} Archibald</a>
<span>ERP dimostrativo: tutti i dati sono inventati</span></header>
<form class="login" data-settling="{settling}" method="post"
 action="{page.base}/Login.aspx?ReturnUrl={quote_return_url(return_url)}"
 onsubmit="this.__EVENTTARGET.value = '{LOGIN_MENU}'; this.__EVENTARGUMENT.value = '0'">
{render_hidden_fields(page.view_state)}<h1>Archibald</h1>{message}
<label for="{get_client_id(user)}_I">{page.profile.user_name}</label>
<input type="text" id="{get_client_id(user)}_I" name="{user}" autocomplete="username">
<label for="{get_client_id(password)}_I">Password</label>
<input type="password" id="{get_client_id(password)}_I" name="{password}"
 autocomplete="current-password"><input type="submit" class="adaptive">
<ul>{render_menu_item(LOGIN_MENU, 0, page.profile.log_in, page.profile.log_in, "logIn()")}</ul></form>""",
        base=page.base,
    )


def quote_return_url(path: str) -> str:
    """As ASP.NET writes it, in small letters."""
    return quote(path, safe="").replace("%2F", "%2f")


def render_list(
    page: Page,
    demo_list: DemoList,
    menu: Sequence[MenuItem],
    search: str,
    combos: str,
    area: str,
    *,
    faults: set[Fault],
) -> str:
    """A list's page: `combos` and `area`, with the grid, are the parts that callbacks replace."""
    attributes = ' data-loading="stays"' if Fault.STUCK_LOADING_PANEL in faults else ""
    attributes += ' data-restless="yes"' if Fault.RESTLESS_PAGE in faults else ""
    return render_page(
        f"{get_title(page.profile, demo_list)} - Archibald",
        f"""{HEADER}{render_navigation(page, demo_list)}<main>
<form method="post" action="{page.base}/{demo_list.name}/">{render_hidden_fields(page.view_state)}
<div class="heading"><h1>{escape(get_title(page.profile, demo_list))}</h1>{render_search(page.profile, search)}</div>
<div class="toolbar"><ul id="{get_client_id(MENU)}_Menu">{render_menu(menu)}</ul>
<div id="{COMBOS}" class="combos">{combos}</div></div><div id="LP" class="dxlp" hidden></div>
<div class="content"><div id="{LIST_AREA}">{area}</div></div></form></main>""",
        base=page.base,
        attributes=attributes,
    )


def render_record(
    page: Page, demo_list: DemoList, title: str, menu: Sequence[MenuItem], lines: Sequence[Sequence[str]], banner: str
) -> str:
    """A record's page in the mode to view it: the list on it, and the toolbar above that list."""
    headers = "".join(f"<th>{escape(column.header)}</th>" for column in demo_list.columns)
    rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in line)}</tr>" for line in lines)
    return render_page(
        f"{title} - Archibald",
        f"""{HEADER}{render_navigation(page, demo_list)}<main>
<form method="post" action="{page.base}/{demo_list.name}/?mode=View">{render_hidden_fields(page.view_state)}
<div class="heading"><h1>{escape(title)}</h1></div><div class="toolbar"><ul id="{get_client_id(LINES_TOOLBAR)}_Menu">
{render_menu(menu, LINES_TOOLBAR)}</ul></div><div id="LP" class="dxlp" hidden></div>
<div class="content"><div id="{LIST_AREA}">{banner}<table class="dxgvTable_XafTheme"><tr>{headers}</tr>{rows}</table>
</div></div></form></main>""",
        base=page.base,
    )


def get_title(profile: Profile, demo_list: DemoList) -> str:
    return demo_list.file_names[1].removesuffix(".pdf") if profile.is_english else demo_list.title


def render_navigation(page: Page, here: DemoList) -> str:
    links = [
        f'<a href="{page.base}/{each.name}/"{" class=here" * (each is here)}>'
        f"{escape(get_title(page.profile, each))}</a>"
        for each in LISTS
    ]
    if page.release.is_new:
        links.insert(1, f'<a href="{page.base}/">{NEW_TAB}</a>')
    return f"<nav>{''.join(links)}</nav>"


def render_search(profile: Profile, text: str) -> str:
    return (
        f'<input type="text" id="{get_client_id(SEARCH)}_I" name="{SEARCH}" value="{escape(text)}"'
        f""" placeholder="{profile.search}" autocomplete="off" onkeydown="search(event, '{SEARCH}')">"""
    )


def render_menu(items: Sequence[MenuItem], menu: str = MENU) -> str:
    """The items, and behind them the menu that takes those for which the window has no room."""
    rendered = [
        render_menu_item(
            menu,
            place,
            item.text,
            f"{item.text} PDF File" if item.exports else item.text,
            f"RaiseXafCallback(globalCallbackControl, '{menu}', '{place}', '', true)",
            " ".join(["moved"] * item.is_moved + ["last"] * item.is_last),
            item.nested,
        )
        for place, item in enumerate(items)
    ]
    return f'{"".join(rendered)}<li class="overflow" hidden><a>…</a><ul></ul></li>'


def render_menu_item(
    menu: str, place: int, text: str, title: str, does: str, classes: str = "", nested: Sequence[str] = ()
) -> str:
    """An item, whose text stands in it once more for narrow windows, and the items of its own menu."""
    item = f"{get_client_id(menu)}_Menu_DXI{place}"
    below = "".join(f'<li id="{item}i{at}_"><a id="{item}i{at}_T">{each}</a></li>' for at, each in enumerate(nested))
    return (
        f'<li id="{item}_" class="{classes}" onclick="{does}">'
        f'<a id="{item}_T" title="{escape(title)}">{escape(text)}<span class="adaptive">{escape(text)}</span></a>'
        f"{f'<ul>{below}</ul>' if below else ''}</li>"
    )


def render_combos(page: Page, demo_list: DemoList, chosen: str) -> str:
    """The list's filter; customers have another combo before it."""
    release, found = page.release, ""
    if demo_list.sync_type == "customers":
        views = [(release.view_prefix + value, text) for value, text in (("List", "Elenco"), ("Map", "Mappa"))]
        found = render_combo(page.view, views, views[0][0], "")
    if demo_list.choices:
        choices = [
            (release.filter_prefix + choice.value, choice.english if page.profile.is_english else choice.italian)
            for choice in demo_list.choices
        ]
        found += render_combo(page.filter, choices, release.filter_prefix + chosen, demo_list.on_set_value)
    return found


def render_combo(name: str, choices: Sequence[tuple[str, str]], chosen: str, on_set_value: str) -> str:
    """A combo as DevExpress has it: a field with the text, a hidden one with the value, a list of the choices' texts,
    and their values in a script."""
    control, texts = get_client_id(name), dict(choices)
    get = f"ASPx.GetControlCollection().Get('{control}')"
    items = "".join(
        f'<tr><td id="{control}_DDD_L_LBI{place}T0" class="dxeListBoxItem_XafTheme"'
        f' onclick="{get}.chooseItem({place})">{escape(text)}</td></tr>'
        for place, (_, text) in enumerate(choices)
    )
    values = ",".join(f"'{value}'" for value in texts)
    return f"""<div class="combo" id="{control}"><input type="text" id="{control}_I" name="{name}"
 value="{escape(texts[chosen])}" readonly onclick="{get}.toggle()"><input type="hidden" id="{control}_VI"
 name="{name}_VI" value="{chosen}"><span class="button" id="{control}_B-1" onclick="{get}.toggle()">▾</span>
<div class="list" id="{control}_DDD_PW-1"><table id="{control}_DDD_L_LBT">{items}</table></div></div>
<script>ASPx.createControl(ASPxClientComboBox,'{control}','{name}',{{'uniqueID':'{name}',
'itemsValue':[{values}],'onSetValue':'{on_set_value}'}});</script>"""
