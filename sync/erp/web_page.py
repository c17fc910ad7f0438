"""A page of the ERP's web front end: what can be read from it and filled into it.

Everything is found by its text or by what its id means, never by a number: updates of the ERP move items and change
prefixes without notice. What the texts, ids and values are was seen in the real ERP; how a click on an item, a filter
or the column chooser is posted is inferred from how its pages work in a browser.

A page may have been made to cost as much as it can. Reading one takes time and memory in proportion to its size,
whatever is in it: a parser in C, patterns that do not go back far, nothing looked up for each of many.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from urllib.parse import urlsplit

from lxml import etree

LOG_IN = re.compile(r"Accedi|Log ?In", re.IGNORECASE)
EXPORT_TO = re.compile(r"Esportare in|Export to", re.IGNORECASE)  # which may stand twice, without a space between
APPLY = re.compile(r"Applica|Apply", re.IGNORECASE)
MENU_ITEM = re.compile(r"(?P<menu>.+)_Menu_DXI(?P<place>\d+)_T")
CONTROL = re.compile(r"createControl\(")
QUOTED = re.compile(r"""'([^']*)'|"([^"]*)\"""")
GRID = re.compile(r"""['"]uniqueID['"]\s*:\s*['"]([^'"]*LE_v\d+)['"]""")
CHECK_BOX = re.compile(r"C\d+Chk\d*$")  # of DevExpress: a text field
CHECKED = "C"  # its value
CHOOSER_BUTTON = re.compile(r".*_(?P<button>DXCBtn\d+)")
MOST_CONTROLS = 1000  # of one kind that are looked at: the list with the most columns has 63
MOST_AROUND = 3  # elements around a check box, in which its caption is looked for
MOST_STEPS = 1000  # through what is in one of them: a header's cell takes about ten
LONGEST_PIECE = 1000  # characters of its text in one place
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
    def tree(self) -> etree._Element:
        parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
        return etree.fromstring(b"<html>" + self.html.encode(), parser)  # so begun, none is without an element

    def find_inputs(self, *types: str) -> list[etree._Element]:
        return [each for each in self.tree.iter("input") if read_type(each) in types]

    @property
    def is_login(self) -> bool:
        """By its path, not by its whole address, which names other pages too; or under a list's address."""
        return urlsplit(self.url).path.casefold().endswith("login.aspx") or bool(self.find_inputs("password"))

    @property
    def has_banner(self) -> bool:
        return BANNER in self.html

    @property
    def action(self) -> str:
        """Where its form goes, as the page words it; "" is the page itself."""
        return next((str(form.get("action")) for form in self.tree.iter("form") if "action" in form.attrib), "")

    def read_fields(self) -> Fields:
        """What its form sends as it is."""
        return {
            field.attrib["name"]: field.get("value", "")
            for field in self.find_inputs("hidden", "text", "checkbox")
            if "name" in field.attrib and (read_type(field) != "checkbox" or "checked" in field.attrib)
        }

    # The login

    def build_login_form(self, username: str, password: str) -> Fields:
        """The form, filled in and sent by its button."""
        fields = self.read_fields()
        texts = [field for field in self.find_inputs("text") if "name" in field.attrib]
        names = (field for field in texts if "UserName" in field.get("id", "") + field.attrib["name"])
        field = next(names, texts[0]) if texts else None
        if field is not None:
            fields[field.attrib["name"]] = username
        for field in self.find_inputs("password"):
            fields[field.get("name", "")] = password
        return fields | (self.find_click(LOG_IN) or {})

    # Filters

    def find_filter_combo(self, safe_filter: str) -> FilterCombo | None:
        """The combo that offers the safe filter, by how that filter's value ends."""
        combos = {
            field.attrib["name"].removesuffix("_VI"): field.get("value", "")
            for field in self.find_inputs("hidden")
            if field.get("name", "").endswith("_VI")
        }
        offered = self.find_offered_values({name.replace("$", "_") for name in combos}, ending=safe_filter)
        for name, chosen in combos.items():
            safe = chosen if chosen.endswith(safe_filter) else offered.get(name.replace("$", "_"))
            if safe is not None:
                return FilterCombo(name, chosen, safe)
        return None

    def find_offered_values(self, controls: Collection[str], *, ending: str) -> dict[str, str]:
        """Of each control the first value with that ending that it offers: its script quotes them beside its id."""
        offered: dict[str, str] = {}
        for script in self.tree.iter("script"):
            for control in CONTROL.split(script.text or ""):
                quoted = [single or double for single, double in QUOTED.findall(control)]
                value = next((each for each in quoted if each.endswith(ending)), None)
                if value is not None:
                    for name in set(quoted).intersection(controls):
                        offered.setdefault(name, value)
        return offered

    def build_filter_form(self, combo: FilterCombo) -> Fields:
        """The form after the safe filter was chosen."""
        return self.read_fields() | {f"{combo.name}_VI": combo.safe} | make_click(combo.name, combo.safe)

    @property
    def grid(self) -> str:
        """The name of the list's grid, which has a number of its own in every session."""
        found = GRID.search(self.html)
        return found[1] if found else ""

    @property
    def grid_filter(self) -> str:
        """The filter that the grid has beside the combo's, as its page words it; none if there is none."""
        shown = next(self.find_by_class("dxgvFilterBarExpression"), None)
        return "" if shown is None else read_text(shown)

    def build_clear_filter_form(self) -> Fields:
        """The form after the grid was told to clear its filter."""
        return self.read_fields() | make_click(self.grid, "ClearFilter")

    # Columns

    def find_hidden(self, captions: Collection[str]) -> set[str]:
        """Those of the columns that the grid does not show."""
        headers = islice(self.find_by_class("dxgvHeader"), MOST_CONTROLS)
        shown = {normalise_caption(read_text(header)) for header in headers}
        return {caption for caption in captions if normalise_caption(caption) not in shown}

    def find_by_class(self, part: str) -> Iterator[etree._Element]:
        return (each for each in self.tree.iter("*") if part in each.get("class", ""))

    def build_chooser_form(self) -> Fields:
        """The form after the grid was told to show its column chooser."""
        return self.read_fields() | make_click(self.grid, "ShowCustomizationDialog")

    def build_columns_form(self, captions: Collection[str]) -> Fields | None:
        """The form after these columns were chosen beside those that are, and applied; None without a chooser."""
        window = next((each for each in self.tree.iter("*") if each.get("id", "").endswith("DXCDWindow")), None)
        if window is None:
            return None
        wanted = {normalise_caption(caption) for caption in captions}
        boxes = (box for box in window.iter("input") if CHECK_BOX.search(box.get("name", "")))
        fields = self.read_fields()
        for box in islice(boxes, MOST_CONTROLS):
            if normalise_caption(read_caption(box)) in wanted:
                fields[box.attrib["name"]] = CHECKED
        for item, found in find_by_id(CHOOSER_BUTTON, window.iter("*")):
            if APPLY.match(read_text(item)):
                return fields | make_click(f"{self.grid}$DXCDWindow", found["button"])
        return None

    # The export

    def build_export_form(self, toolbar: str = "") -> Fields | None:
        """The form after a click on the export button, if there is one; that of a toolbar whose id has this part."""
        click_on_export = self.find_click(EXPORT_TO, toolbar)
        return self.read_fields() | click_on_export if click_on_export else None

    def find_click(self, text: re.Pattern[str], toolbar: str = "") -> Fields | None:
        """What a click on the menu item with this text adds to the form.

        The text is the anchor's: the item around it may hold other menus, and a logo another link.
        """
        for anchor, item in find_by_id(MENU_ITEM, self.tree.iter("a")):
            if toolbar in item["menu"] and text.match(read_text(anchor, between="")):
                return make_click(self.find_name(item["menu"]), item["place"])
        return None

    def find_name(self, control: str) -> str:
        """A control's name in forms, by its id: as the page words it, else with a `$` for each `_`."""
        worded = re.search(f"'({re.escape(control).replace('_', '[_$]')})'", self.html)
        return worded[1] if worded and "$" in worded[1] else control.replace("_", "$")


def make_click(target: str, argument: str) -> Fields:
    """What ASP.NET posts for a click on a control."""
    return {"__EVENTTARGET": target, "__EVENTARGUMENT": argument}


def normalise_caption(text: str) -> str:
    """A column's caption, however it is spaced, with its colon or without."""
    return " ".join(text.split()).removesuffix(":").rstrip().casefold()


def find_by_id(
    pattern: re.Pattern[str], elements: Iterator[etree._Element]
) -> Iterator[tuple[etree._Element, re.Match[str]]]:
    """The elements whose id has the pattern, and what it found there."""
    found = ((element, pattern.fullmatch(element.get("id", ""))) for element in elements)
    return islice(((element, match) for element, match in found if match), MOST_CONTROLS)


def read_type(field: etree._Element) -> str:
    return str(field.get("type", "text")).casefold()


def read_caption(box: etree._Element) -> str:
    """The text beside a check box: that of the first element around it which has any."""
    around = islice(box.iterancestors(), MOST_AROUND)
    return next((text for text in map(read_text, around) if text), "")


def read_text(element: etree._Element, *, between: str = " ") -> str:
    """The text in an element, from its beginning; `between` stands where it goes on in another one."""
    pieces = []
    for event, each in islice(etree.iterwalk(element, events=("start", "end")), MOST_STEPS):
        piece = each.text if event == "start" else each.tail
        if piece and not (event == "end" and each is element):
            pieces.append(piece[:LONGEST_PIECE])
    return " ".join(between.join(pieces).split())
