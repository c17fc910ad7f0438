"""A page of the ERP's web front end: what can be read from it and filled into it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urljoin

from bs4 import BeautifulSoup, Tag

EXPORT_TO = re.compile(r"\s*(Esportare in|Export to)\b", re.IGNORECASE)
MENU_ITEM = 'li[id*="mainMenu_Menu_DXI"]'
ITEM_ID = re.compile(r"(?P<menu>.*mainMenu_Menu)_DXI(?P<place>\d+(?:i\d+)*)_")
BANNER = "Requested objects cannot be loaded"

Fields = dict[str, str]


@dataclass(frozen=True)
class FilterCombo:
    """The combo that chooses which records a list shows."""

    name: str
    chosen: str


class WebPage:
    """One page, and the address it came from."""

    def __init__(self, html: str, url: str) -> None:
        self.url = url
        self.html = html

    @cached_property
    def soup(self) -> BeautifulSoup:
        return BeautifulSoup(self.html, "html.parser")

    @property
    def is_login(self) -> bool:
        return self.soup.select_one('input[type="password"]') is not None

    @property
    def has_banner(self) -> bool:
        return BANNER in self.html

    @property
    def action(self) -> str:
        """Where its form goes."""
        form = self.soup.select_one("form[action]")
        return urljoin(self.url, text_of(form, "action")) if form else self.url

    def fields(self) -> Fields:
        """What its form sends as it is: hidden fields, and what its combos show."""
        fields = {text_of(field, "name"): text_of(field, "value") for field in self.soup.select('input[type="hidden"]')}
        return fields | {text_of(select, "name"): chosen_option(select) for select in self.soup.select("select[name]")}

    def login_fields(self, username: str, password: str) -> Fields:
        """The form, filled in and sent by its button."""
        fields = self.fields()
        for field in self.soup.select('input[type="password"]'):
            fields[text_of(field, "name")] = password
        for field in self.soup.select('input[id*="UserName"]'):
            fields[text_of(field, "name")] = username
        for button in self.soup.select('button[name], input[type="submit"][name]'):
            fields[text_of(button, "name")] = text_of(button, "value")
        return fields

    def filter_combo(self, safe_filter: str) -> FilterCombo | None:
        """The combo that offers the safe filter. A list need not have one."""
        for select in self.soup.select("select[name]"):
            if any(option.get_text(strip=True) == safe_filter for option in select.select("option")):
                return FilterCombo(text_of(select, "name"), chosen_option(select))
        return None

    def filter_fields(self, combo: FilterCombo, chosen: str) -> Fields:
        """The form after that filter was chosen."""
        return self.fields() | {combo.name: chosen, "__EVENTTARGET": combo.name, "__EVENTARGUMENT": ""}

    def export_fields(self) -> Fields | None:
        """The form after a click on the export button's PDF, if there is one. Its place differs from list to list."""
        for item in self.soup.select(MENU_ITEM):
            if EXPORT_TO.match(item.get_text(" ")):
                formats = (inner for inner in item.select(MENU_ITEM) if inner.get_text(strip=True) == "PDF")
                if found := ITEM_ID.fullmatch(text_of(next(formats, item), "id")):
                    target = found["menu"].replace("_", "$")
                    return self.fields() | {"__EVENTTARGET": target, "__EVENTARGUMENT": f"CLICK:{found['place']}"}
        return None


def text_of(tag: Tag, attribute: str) -> str:
    return str(tag.get(attribute, ""))


def chosen_option(select: Tag) -> str:
    """What a combo shows: the selected option, or the first."""
    option = select.select_one("option[selected]") or select.select_one("option")
    if option is None:
        return ""
    return str(option.get("value", option.get_text(strip=True)))
