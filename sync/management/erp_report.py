"""A check of the ERP as a text that can be sent to somebody: how its pages are made, and nothing that stands in them.

What comes from the ERP is shown by its shape alone, letters as x and digits as 9, but for what its pages are called by:
captions, menus and buttons. Whatever is not known to be one of these is taken for data.
"""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Collection, Iterator
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path
from typing import Any

from django.conf import settings
from lxml import etree

from sync.coordinator import erp_check
from sync.coordinator.erp_check import ErpCheck, Step
from sync.erp.browser.process import find_chromium
from sync.exceptions import ErpBrowserMissing, ErpError
from sync.exports.totals import ControlTotal
from sync.messages import Message

PACKAGES = ("archibald", "Django", "requests", "playwright", "pikepdf", "lxml")
# Facts of errors and notes that name parts of the ERP's pages, or are ours. Any other text is taken for data.
SHOWN_FACTS = {
    "address",
    "buttons",
    "cause",
    "code",
    "column",
    "columns",
    "encoding",
    "erp_list",
    "expected",
    "filter",
    "folder",
    "function",
    "header",
    "items",
    "limit",
    "list",
    "missing",
    "name",
    "pages",
    "seconds",
    "setting",
    "signal",
    "step",
    "suggested",
    "tabs",
    "until",
    "url",
    "wanted",
    "what",
}
SHOWN_OF_PAGES = {"found"}  # what the ERP's page has instead of what was looked for: items, captions, choices
NUMBERS_OF_DATA = {"key"}  # facts that are numbers, and say of which record
CAPTIONS = {"label", "button", "th"}  # elements whose text a page is called by
CAPTION_CLASSES = ("dxgvHeader",)
CAPTION_IDS = ("mainMenu_Menu", "DXContextMenu", "DXCDWindow", "DXCDPageControl")
NOT_SHOWN = {"script", "style", "head", "option"}
BROWSER_SECONDS = 30  # that the browser may take to tell its version
LONGEST_TEXT = 60  # characters
MOST_ELEMENTS = 2000  # of a page
MOST_PARENTS = 12  # by which the place of an element is shown


def write_report(check: ErpCheck, *, at: datetime) -> str:
    """The whole report, as lines."""
    return "\n".join(list_lines(check, at)) + "\n"


def list_lines(check: ErpCheck, at: datetime) -> Iterator[str]:
    yield f"Check of the ERP on {at:%d/%m/%Y %H:%M:%S %Z}"
    yield ""
    yield "Of the ERP's records only the shape is shown: letters as x, digits as 9."
    yield ""
    yield f"Python {platform.python_version()} on {platform.platform()}"
    yield from (f"{name} {find_version(name)}" for name in PACKAGES)
    if settings.ERP_URL and settings.ERP_CLIENT == "browser":
        yield find_browser_version()
    yield ""
    yield from (f"{name}: {value}" for name, value in erp_check.list_settings().items())
    yield ""
    for step in check.steps:
        yield format_step(step)
        yield from (f"    {line}" for line in list_masked_details(step))
    for sync_type, captions in check.captions.items():
        yield ""
        yield f"Columns of {sync_type}: {' | '.join(captions)}"
    for step in check.steps:
        for path in step.files:
            yield ""
            yield f"{path.name}, which the ERP showed when “{step.name}” of {step.sync_type} failed:"
            if path.suffix == ".html":
                yield from outline_page(path.read_text(errors="replace"))
            else:
                yield f"a screenshot, left out as it shows records; it is kept as {path}"


def format_step(step: Step) -> str:
    """A step without what may be data of the ERP."""
    seconds = "" if step.seconds is None else f"{step.seconds:.1f} s"
    return f"{step.sync_type:10} {step.name:24} {step.outcome:8} {seconds:>8}  {step.detail}".rstrip()


def list_masked_details(step: Step) -> Iterator[str]:
    if step.error:
        shown = SHOWN_FACTS | SHOWN_OF_PAGES if isinstance(step.error, ErpError) else SHOWN_FACTS
        yield f"{type(step.error).__name__}: {mask_message(step.error.text, shown)}"
    yield from (mask_message(note) for note in step.notes)
    for total in step.totals:
        yield f"{format_total_name(total)}: {'agrees' if total.agrees else 'does not agree'}"


def format_total_name(total: ControlTotal) -> str:
    return f"{total.function} of {total.column.removesuffix(':')}"


def find_version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "is not installed"


def find_browser_version() -> str:
    try:
        command = [find_chromium(settings.ERP_BROWSER), "--version"]
        told = subprocess.run(command, capture_output=True, text=True, timeout=BROWSER_SECONDS, check=False)  # noqa: S603
    except (ErpBrowserMissing, subprocess.TimeoutExpired) as error:
        return str(error)
    return told.stdout.strip() or f"{command[0]} does not tell its version"


# Masking


def mask_text(text: str) -> str:
    """The shape of a text."""
    return "".join("x" if sign.isalpha() else "9" if sign.isnumeric() else sign for sign in text)


def mask_message(message: str, shown: Collection[str] = SHOWN_FACTS) -> str:
    """A message with the shape of those of its facts that may be data; a text that is no message is one of them."""
    if not isinstance(message, Message):
        return mask_text(message)
    return message.template.format(**{name: mask_fact(name, fact, shown) for name, fact in message.facts.items()})


def mask_fact(name: str, fact: Any, shown: Collection[str]) -> Any:
    match fact:
        case Message():
            return mask_message(fact, shown)
        case bool() | int() if name not in NUMBERS_OF_DATA:
            return fact
        case str() | Path() if name in shown and "<" not in str(fact):
            return fact
    return mask_text(str(fact))


# The structure of a page


def outline_page(html: str) -> Iterator[str]:
    """The elements of a page, each with its id, name, type and class, and its text or the shape of it."""
    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    tree = etree.fromstring(b"<html>" + html.encode(), parser)
    elements = (each for each in tree.iter() if each.tag not in NOT_SHOWN and is_worth_showing(each))
    for element in islice(elements, MOST_ELEMENTS):
        depth = sum(1 for _parent in islice(element.iterancestors(), MOST_PARENTS))
        yield " " * depth + describe_element(element)


def is_worth_showing(element: etree._Element) -> bool:
    return bool({"id", "name"} & set(element.attrib) or find_own_text(element))


def describe_element(element: etree._Element) -> str:
    marks = [f"{name}={element.get(name)}" for name in ("id", "name", "type", "class") if element.get(name)]
    text = find_own_text(element)
    if text:
        marks.append(f"“{text if is_caption(element) else mask_text(text)}”")
    return " ".join([str(element.tag), *marks])


def find_own_text(element: etree._Element) -> str:
    pieces = [element.text or "", *(child.tail or "" for child in element)]
    return " ".join(" ".join(pieces).split())[:LONGEST_TEXT]


def is_caption(element: etree._Element) -> bool:
    """Whether an element's text is what the page is called by, and no data."""
    return any(
        each.tag in CAPTIONS
        or any(part in each.get("class", "") for part in CAPTION_CLASSES)
        or any(part in each.get("id", "") for part in CAPTION_IDS)
        for each in (element, *islice(element.iterancestors(), MOST_PARENTS))
    )
