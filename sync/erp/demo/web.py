"""What the demo ERP's pages look like: the real one's element names, in an Italian of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

from sync.erp.demo.lists import LISTS, DemoList

MENU = "Vertical_mainMenu_Menu"  # client id; posted with $ for _
FILTER = "Vertical_mainMenu_Menu_ITCNT1_FilterCombo"
BANNER = "Requested objects cannot be loaded"
TOOLBAR = ("Nuovo", "Elimina", "Aggiorna", "Visualizza", "Stampa", "Segnalibri", "Colonne", "Guida", "Altro")

STYLE = """
*{box-sizing:border-box}body{margin:0;font:14px/1.45 "Segoe UI",system-ui,sans-serif;color:#222;background:#f3f4f6}
header{background:#1f3a5f;color:#fff;padding:.7rem 1.2rem;display:flex;gap:1rem;align-items:baseline}
header strong{font-size:1.15rem}header span{opacity:.75}
nav{background:#fff;border-bottom:1px solid #d5d9df;padding:0 1.2rem;display:flex;flex-wrap:wrap}
nav a{padding:.6rem .9rem;color:#1f3a5f;text-decoration:none}nav a.here{border-bottom:3px solid #d9822b;font-weight:600}
main{padding:1rem 1.2rem}h1{font-size:1.25rem;margin:.2rem 0 .8rem}
.toolbar{display:flex;gap:.8rem;align-items:center;margin-bottom:.8rem}
.toolbar ul{list-style:none;display:flex;margin:0;padding:0;background:#fff;border:1px solid #d5d9df}
.toolbar li{position:relative;padding:.35rem .8rem;cursor:pointer;border-right:1px solid #e6e8ec}
.toolbar li ul{display:none;position:absolute;left:-1px;top:100%;z-index:1}.toolbar li:hover ul{display:block}
.toolbar li:hover{background:#eef3f9}
.banner{background:#fdecea;border:1px solid #e5a29b;padding:.6rem .8rem;margin-bottom:.8rem}
.table{overflow-x:auto;background:#fff;border:1px solid #d5d9df}
table{border-collapse:collapse;white-space:nowrap;font-size:13px}
th{background:#808080;color:#fff;font-weight:500;padding:.3rem .6rem}
td{border:1px solid #e0e3e8;padding:.25rem .6rem}td.right{text-align:right}
td.centre{text-align:center}tr:nth-child(even) td{background:#f8f9fb}
.login{max-width:22rem;margin:4rem auto;background:#fff;border:1px solid #d5d9df;padding:1.4rem}
.login label{display:block;margin:.7rem 0 .2rem}.login input{width:100%;padding:.45rem}
.login button{margin-top:1rem;padding:.5rem 1.2rem;background:#1f3a5f;color:#fff;border:0;cursor:pointer}
@media (max-width:50rem){.toolbar>ul>li{display:none}}
"""
POSTBACK = """
function postBack(target, argument) {
  document.forms[0].__EVENTTARGET.value = target;
  document.forms[0].__EVENTARGUMENT.value = argument;
  document.forms[0].submit();
}
"""


@dataclass(frozen=True)
class Profile:
    """The language of a user's ERP: what its export button says, and which name its exports get."""

    export_to: str
    log_in: str
    file_name: int  # of DemoList.file_names


PROFILES = {"it": Profile("Esportare in", "Accedi", 0), "en": Profile("Export to", "Login", 1)}


@dataclass(frozen=True)
class ListView:
    """What a list's page shows."""

    demo_list: DemoList
    rows: Sequence[Sequence[str]]
    size: int
    chosen_filter: str
    view_state: str
    has_banner: bool = False


def page(title: str, body: str) -> str:
    return (
        f'<!DOCTYPE html><html lang="it"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>{body}</body></html>'
    )


HEADER = "<header><strong>Archibald</strong><span>ERP dimostrativo: tutti i dati sono inventati</span></header>"


def hidden_fields(view_state: str) -> str:
    fields = {"__EVENTTARGET": "", "__EVENTARGUMENT": "", "__VIEWSTATE": view_state}
    return "".join(f'<input type="hidden" name="{name}" value="{value}">' for name, value in fields.items())


def login_page(profile: Profile, return_url: str, view_state: str, *, rejected: bool) -> str:
    message = '<p class="banner">Nome utente o password non validi.</p>' if rejected else ""
    return page(
        "Archibald",
        f"""{HEADER}<form class="login" method="post" action="/Login.aspx?ReturnUrl={quote(return_url, safe="")}">
{hidden_fields(view_state)}<h1>Accesso</h1>{message}
<label for="Logon_xaf_dviUserName_Edit_I">Nome utente</label>
<input type="text" id="Logon_xaf_dviUserName_Edit_I" name="Logon$xaf_dviUserName_Edit" autocomplete="username">
<label for="Logon_xaf_dviPassword_Edit_I">Password</label>
<input type="password" id="Logon_xaf_dviPassword_Edit_I" name="Logon$xaf_dviPassword_Edit"
 autocomplete="current-password">
<button type="submit" id="Logon_PopupActions_Menu_DXI0_" name="Logon$PopupActions">{profile.log_in}</button></form>""",
    )


def list_page(view: ListView, profile: Profile) -> str:
    demo_list = view.demo_list
    columns = [column for columns in demo_list.pages for column in columns]
    headers = "".join(f"<th>{escape(column.header)}</th>" for column in columns)
    rows = "".join(
        "<tr>"
        + "".join(
            f'<td class="{column.kind.align}">{escape(text)}</td>' for text, column in zip(row, columns, strict=True)
        )
        + "</tr>"
        for row in view.rows
    )
    banner = f'<div class="banner">{BANNER}. Riprovare.</div>' if view.has_banner else ""
    return page(
        f"{demo_list.title} - Archibald",
        f"""{HEADER}{navigation(demo_list)}<main><h1>{escape(demo_list.title)}</h1>{banner}
<form method="post" action="/{demo_list.name}/">{hidden_fields(view.view_state)}
<div class="toolbar">{toolbar(demo_list, profile)}{filter_combo(view)}</div></form>
<div class="table"><table><tr>{headers}</tr>{rows}</table></div>
<p>{len(view.rows)} elementi su {view.size}</p></main><script>{POSTBACK}</script>""",
    )


def navigation(here: DemoList) -> str:
    links = (
        f'<a href="/{demo_list.name}/"{" class=here" * (demo_list is here)}>{escape(demo_list.title)}</a>'
        for demo_list in LISTS
    )
    return f"<nav>{''.join(links)}</nav>"


def toolbar(demo_list: DemoList, profile: Profile) -> str:
    """The menu: its items differ from list to list, and so does the place of the export button."""
    items = list(TOOLBAR[: demo_list.export_item])
    export = str(demo_list.export_item)
    formats = "".join(menu_item(f"{export}i{number}", name) for number, name in enumerate(("PDF", "XLSX", "CSV")))
    entries = [menu_item(str(number), item) for number, item in enumerate(items)]
    entries.append(menu_item(export, profile.export_to, f"<ul>{formats}</ul>"))
    return f'<ul id="{MENU}">{"".join(entries)}</ul>'


def menu_item(index: str, text: str, inside: str = "") -> str:
    click = "" if inside else f""" onclick="postBack('{MENU.replace("_", "$")}', 'CLICK:{index}')\""""
    return f'<li id="{MENU}_DXI{index}_"{click}>{escape(text)}{inside}</li>'


def filter_combo(view: ListView) -> str:
    options = "".join(
        f"<option{' selected' * (name == view.chosen_filter)}>{escape(name)}</option>"
        for name in view.demo_list.filters
    )
    name = FILTER.replace("_", "$")
    return f"""<select id="{FILTER}" name="{name}" onchange="postBack('{name}', '')">{options}</select>"""
