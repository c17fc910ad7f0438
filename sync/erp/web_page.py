"""A page of the ERP's web front end: what can be read from it and filled into it.

Everything is found by its text or by what its id means, never by a number: updates of the ERP move items and change
prefixes without notice. What the texts, ids and values are was seen in the real ERP; how a click on an item, a filter
or the column chooser is posted is inferred from how its pages work in a browser.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urljoin, urlsplit

from bs4 import BeautifulSoup, Tag

LOG_IN = re.compile(r"Accedi|Log ?In", re.IGNORECASE)
EXPORT_TO = re.compile(r"Esportare in|Export to", re.IGNORECASE)  # which may stand twice, without a space between
APPLY = re.compile(r"Applica|Apply", re.IGNORECASE)
MENU_ITEM = re.compile(r"(?P<menu>.+)_Menu_DXI(?P<place>\d+)_T")
CONTROL = re.compile(r"createControl\(")
QUOTED = re.compile(r"""'([^']*)'|"([^"]*)\"""")
GRID = re.compile(r"""['"]uniqueID['"]\s*:\s*['"]([^'"]*LE_v\d+)['"]""")
CHOOSER_BUTTON = re.compile(r".*_(?P<button>DXCBtn\d+)")
BANNER = "Requested objects cannot be loaded"

Fields = dict[str, str]


@dataclass(frozen=True)
class FilterCombo:
    """The filter that chooses which records a list shows: a field with its text, a hidden one with its value."""

    name: str
    chosen: str  # value
    safe: str  # the value of the choice that hides nothing

    @property
    def is_safe(self) -> bool:
        return self.chosen == self.safe


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
        """By its path, not by its whole address, which names other pages too; or under a list's address."""
        path = urlsplit(self.url).path
        return path.casefold().endswith("login.aspx") or self.soup.select_one('input[type="password"]') is not None

    @property
    def has_banner(self) -> bool:
        return BANNER in self.html

    @property
    def action(self) -> str:
        """Where its form goes."""
        form = self.soup.select_one("form[action]")
        return urljoin(self.url, text_of(form, "action")) if form else self.url

    def fields(self) -> Fields:
        """What its form sends as it is."""
        sent = 'input[type="hidden"][name], input[type="text"][name], input[type="checkbox"][name][checked]'
        return {text_of(field, "name"): text_of(field, "value") for field in self.soup.select(sent)}

    # The login

    def login_fields(self, username: str, password: str) -> Fields:
        """The form, filled in and sent by its button."""
        fields = self.fields()
        texts = self.soup.select('input[type="text"][name]')
        names = (field for field in texts if "UserName" in text_of(field, "id") + text_of(field, "name"))
        for field in [next(names, None) or next(iter(texts), None)]:
            if field:
                fields[text_of(field, "name")] = username
        for field in self.soup.select('input[type="password"]'):
            fields[text_of(field, "name")] = password
        return fields | (self.click_fields(LOG_IN) or {})

    # Filters

    def filter_combo(self, safe_filter: str) -> FilterCombo | None:
        """The combo that offers the safe filter, by how that filter's value ends."""
        for field in self.soup.select('input[type="hidden"][name$="_VI"]'):
            name, chosen = text_of(field, "name").removesuffix("_VI"), text_of(field, "value")
            for value in (chosen, *self.values_of(name)):
                if value.endswith(safe_filter):
                    return FilterCombo(name, chosen, value)
        return None

    def values_of(self, name: str) -> Iterator[str]:
        """What a control's script quotes: the values it offers are among it."""
        for script in self.soup.select("script"):
            for control in CONTROL.split(script.get_text()):
                quoted = [single or double for single, double in QUOTED.findall(control)]
                if name.replace("$", "_") in quoted:
                    yield from quoted

    def filter_fields(self, combo: FilterCombo) -> Fields:
        """The form after the safe filter was chosen."""
        return self.fields() | {f"{combo.name}_VI": combo.safe} | click(combo.name, combo.safe)

    @property
    def grid(self) -> str:
        """The name of the list's grid, which has a number of its own in every session."""
        found = GRID.search(self.html)
        return found[1] if found else ""

    @property
    def grid_filter(self) -> str:
        """The filter that the grid has beside the combo's, as its page words it; none if there is none."""
        shown = self.soup.select_one('[class*="dxgvFilterBarExpression"]')
        return shown.get_text(" ", strip=True) if shown else ""

    def clear_filter_fields(self) -> Fields:
        """The form after the grid was told to clear its filter."""
        return self.fields() | click(self.grid, "ClearFilter")

    # Columns

    def hidden(self, captions: Collection[str]) -> set[str]:
        """Those of the columns that the grid does not show."""
        shown = {as_caption(header.get_text(" ")) for header in self.soup.select('[class*="dxgvHeader"]')}
        return {caption for caption in captions if as_caption(caption) not in shown}

    def show_chooser_fields(self) -> Fields:
        """The form after the grid was told to show its column chooser."""
        return self.fields() | click(self.grid, "ShowCustomizationDialog")

    def choose_columns_fields(self, captions: Collection[str]) -> Fields | None:
        """The form after these columns were chosen beside those that are, and applied; None without a chooser."""
        window = self.soup.select_one('[id$="DXCDWindow"]')
        if window is None:
            return None
        wanted = {as_caption(caption) for caption in captions}
        fields = self.fields()
        for box in window.select('input[type="checkbox"][name]'):
            if as_caption(self.label(box)) in wanted:
                fields[text_of(box, "name")] = text_of(box, "value") or "on"
        for item in window.select("[id]"):
            found = CHOOSER_BUTTON.fullmatch(text_of(item, "id"))
            if found and APPLY.match(item.get_text(strip=True)):
                return fields | click(f"{self.grid}$DXCDWindow", found["button"])
        return None

    def label(self, box: Tag) -> str:
        around = box.find_parent("label") or self.soup.select_one(f'label[for="{text_of(box, "id")}"]')
        return around.get_text(" ") if around else ""

    # The export

    def export_fields(self) -> Fields | None:
        """The form after a click on the export button, if there is one."""
        click_on_export = self.click_fields(EXPORT_TO)
        return self.fields() | click_on_export if click_on_export else None

    def click_fields(self, text: re.Pattern[str]) -> Fields | None:
        """What a click on the menu item with this text adds to the form.

        The text is the anchor's: the item around it may hold other menus, and a logo another link.
        """
        for anchor in self.soup.select('a[id*="_Menu_DXI"]'):
            item = MENU_ITEM.fullmatch(text_of(anchor, "id"))
            if item and text.match(" ".join(anchor.get_text().split())):
                return click(item["menu"].replace("_", "$"), item["place"])
        return None


def click(target: str, argument: str) -> Fields:
    """What ASP.NET posts for a click on a control."""
    return {"__EVENTTARGET": target, "__EVENTARGUMENT": argument}


def as_caption(text: str) -> str:
    """A column's caption, however it is spaced, with its colon or without."""
    return " ".join(text.split()).removesuffix(":").rstrip().casefold()


def text_of(tag: Tag, attribute: str) -> str:
    return str(tag.get(attribute, ""))
