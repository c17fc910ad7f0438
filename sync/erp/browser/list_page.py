"""What the browser client does on one list's page, as a person would, and looks at after each step.

Everything is found by text or meaning, as the front end's ids and numbers change with updates and sessions; each
step's outcome is verified, and what was not found is named together with what was there instead.

**How the export comes.** It is the answer to a navigation. Playwright's download has neither progress nor a limit, and
Chromium's own progress events come every half second, after what they tell of was written. So the answers of documents
are stopped when their headers are there (DevTools: `Fetch.enable`, stage Response): a PDF is read from the browser as a
stream, piece by piece into our file (`Fetch.takeResponseBodyAsStream`), and the navigation is ended as a download
would end it; any other page goes on. Tried with both of Debian's Chromium builds: sizes exact, a connection that is
cut ends the stream, the page stays usable. Fetching it with another HTTP client and the session's cookies would work
too, but without the browser's certificates and proxies.
"""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from playwright.sync_api import CDPSession, ElementHandle, Locator, Page, Request, Response
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from sync.erp import transfer
from sync.erp.browser import scripts
from sync.erp.client import ErpList, Look
from sync.exceptions import (
    ErpError,
    ErpFilterChanged,
    ErpPageChanged,
    ErpPageSlow,
    ErpUnavailable,
    ExportEmpty,
    ExportIsWebPage,
    ExportNotPdf,
    ExportTruncated,
)
from sync.exports import layout
from sync.messages import Message
from sync.messages import gettext_noop as _

PAGE_TIMEOUT = 60.0  # seconds for an answer to a page's address
IDLE_TIMEOUT = 45.0  # seconds until nothing goes on in a page any more [code]
IDLE_POLLS, POLL = 3, 200  # times in a row, ms apart, that nothing goes on in an idle page [code]
CALLBACK_POLL = 100  # ms apart, after a callback of ours: the page says from its beginning on that it is under way
CLICK_TIMEOUT = 5000  # ms until a thing that is there can be clicked
DIALOG_TIMEOUT = 10.0  # seconds until a dialog or a list of choices is there
EXPORT_TIMEOUT = 300.0  # seconds from the click to the headers of the export [code]
SILENCE = 15.0  # seconds without any request after which no export comes: the banner comes after 5 [seen]
RELOADED_SILENCE = 3.0  # the same once the page has been opened anew: by itself it fetches an export at once [inferred]
CLEAR_TIMEOUT = 3.0  # seconds until the grid asks the ERP to clear its filter [code]
ATTEMPTS = 3  # to choose a filter, or to clear one
CLICKS = 3  # on the export item, while the ERP shows its banner
PIECE = 64 * 1024  # bytes of the export that are read at a time
TAIL = 1024  # bytes at the end of a PDF in which %%EOF stands
OK = 200
SHOWN_ITEMS, SHOWN_CHARACTERS = 20, 40  # of what was found instead, in an error

EXPORT_TO = re.compile(r"\s*(Esportare in|Export to)", re.IGNORECASE)  # it may stand twice, without a space between
DOUBLED = re.compile(r"^(.+)\1$")  # text of an item [seen]
APPLY = re.compile(r"Applica|Apply", re.IGNORECASE)
COLUMN_CHOOSER = re.compile(r"colonn|column", re.IGNORECASE)
OPENS_CHOOSER = "Selezione colonne|Column Chooser|Show Customization"  # in a header's menu, which can hide one, too
COUNT = re.compile(r"Count\s*=\s*(\d[\d.,]*)")
PAGER_COUNT = re.compile(r"\(\s*(\d[\d.,]*)\s*[^\W\d]+\s*\)")  # Pagina 1 di 73 (1.452 elementi)
DOWNLOAD_STARTED = ("Download is starting", "ERR_ABORTED")  # what Playwright says of a page that was a file
NETWORK_OR_BROWSER = re.compile(r"net::|has been closed|crashed|Connection closed", re.IGNORECASE)


class LoginPageShown(Exception):
    """The ERP shows its login page: the session has expired, or there was none."""


class ListPage:
    """The page of one list, in a Playwright page whose viewport was 1440 x 900 before it went anywhere.

    Whatever a step meets raises LoginPageShown, ErpPageChanged or ErpPageSlow, with the list and the step among the
    facts; or Playwright's own Error where the network or the browser failed, which only their owner can explain.
    `report` is called with the name of each step before it begins.
    """

    def __init__(self, page: Page, url: str, erp_list: ErpList, *, report: Callable[[str], None]) -> None:
        self.page = page
        self.url = f"{url.rstrip('/')}/{erp_list.name}/"
        self.erp_list = erp_list
        self.report = report
        self.step = ""
        self.own_filter: str | None = None  # the value that the ERP's user had chosen; None: it was the safe one

    # Steps

    @contextmanager
    def begin(self, step: str) -> Iterator[None]:
        """A step, by a name that is a text of ours. Turns what Playwright raises of the page into an ErpError."""
        outer, self.step = self.step, step
        self.report(Message(step))
        try:
            yield
        except PlaywrightTimeout as error:
            raise self.fail(Message(_("something on it did not react ({cause})"), cause=cut(error.message))) from error
        except PlaywrightError as error:
            if NETWORK_OR_BROWSER.search(error.message):
                raise
            raise self.fail(Message(_("its script failed ({cause})"), cause=cut(error.message))) from error
        self.step = outer

    def fail(self, reason: str) -> ErpError:
        return ErpPageChanged(erp_list=self.erp_list.name, step=Message(self.step), reason=reason)

    def ask(self, script: str, given: Any = None) -> Any:
        return self.page.evaluate(script, given)

    def find(self, script: str, given: Any = None) -> ElementHandle | None:
        return self.page.evaluate_handle(script, given).as_element()

    def wait_for(self, find: Callable[[], Any]) -> Any:
        """What is found as soon as there is anything; what is found at the end otherwise."""
        given_up_at = time.monotonic() + DIALOG_TIMEOUT
        while not (found := find()) and time.monotonic() < given_up_at:
            self.page.wait_for_timeout(POLL)
        return found

    def wait_until_idle(self, *, is_callback: bool = False) -> None:
        """Raises LoginPageShown if that is what the page becomes, and ErpPageSlow after 45 s."""
        given_up_at = time.monotonic() + IDLE_TIMEOUT
        polls = 0
        while polls < IDLE_POLLS:
            try:
                polls = polls + 1 if self.ask(scripts.IS_IDLE) else 0
            except PlaywrightError as error:  # the page is being replaced by another one
                if NETWORK_OR_BROWSER.search(error.message):
                    raise
                polls = 0
            if time.monotonic() > given_up_at:
                self.check_login()
                raise ErpPageSlow(erp_list=self.erp_list.name, step=Message(self.step), seconds=f"{IDLE_TIMEOUT:g}")
            if polls < IDLE_POLLS:
                self.page.wait_for_timeout(CALLBACK_POLL if is_callback else POLL)
        self.check_login()

    def check_login(self) -> None:
        """By the path: the whole address names other pages too. Or by the field for a password, wherever it is."""
        if is_login_path(self.page.url) or self.ask(scripts.HAS_PASSWORD_FIELD):
            raise LoginPageShown

    # The list

    def open(self) -> None:
        """Go to the list's address, and wait until nothing goes on there."""
        with self.begin(_("open the list")):
            self.load()

    def load(self) -> None:
        answer = self.navigate()
        if answer is not None and answer.status >= 400:
            raise self.fail(Message(_("status {code}"), code=answer.status))
        self.wait_until_idle()
        if not self.ask(scripts.HAS_GRID):
            raise self.fail(Message(_("it has no grid; it is titled “{title}”"), title=cut(self.page.title())))

    def navigate(self) -> Any:
        """The answer to the list's address. An export that nobody fetched comes instead, once: it is passed over."""
        for is_last in (False, True):
            try:
                answer = self.page.goto(self.url, wait_until="commit", timeout=PAGE_TIMEOUT * 1000)
            except PlaywrightTimeout:
                # What is sent from a blocked address is not even refused [inferred].
                reason = _(
                    "it did not answer within {seconds} s; if it works on another machine, ask whoever runs it whether "
                    "the address of this one is blocked"
                )
                raise ErpUnavailable(reason=Message(reason, seconds=f"{PAGE_TIMEOUT:g}")) from None
            except PlaywrightError as error:
                if is_last or not any(text in error.message for text in DOWNLOAD_STARTED):
                    raise
            else:
                self.wait_for_document()
                return answer
        return None

    def wait_for_document(self) -> None:
        try:
            self.page.wait_for_load_state("domcontentloaded", timeout=PAGE_TIMEOUT * 1000)
        except PlaywrightTimeout:
            raise ErpPageSlow(
                erp_list=self.erp_list.name, step=Message(self.step), seconds=f"{PAGE_TIMEOUT:g}"
            ) from None

    # Filters

    def choose_safe_filter(self) -> None:
        """Choose the filter that hides nothing, and see that the ERP's own next page says so."""
        if self.erp_list.safe_filter:
            with self.begin(_("choose the filter")):
                before = self.choose_filter(self.is_safe)
                self.own_filter = self.own_filter or before  # this step is taken again after a new login

    def restore_filter(self) -> None:
        """Choose what the ERP's user had chosen before. That it failed is reported: the list was read nevertheless."""
        if self.own_filter is None:
            return
        try:
            with self.begin(_("restore the filter")):
                self.choose_filter(lambda value: value == self.own_filter)
        except (ErpError, LoginPageShown, PlaywrightError) as error:
            failed = _("the filter that was chosen before, {filter}, was not restored ({cause})")
            cause = error if isinstance(error, ErpError) else type(error).__name__
            self.report(Message(failed, filter=self.own_filter, cause=str(cause)))
        else:
            self.own_filter = None

    def choose_filter(self, is_wanted: Callable[[str], bool]) -> str | None:
        """Choose a filter by its value; give the value that was chosen before, None if it was the wanted one.

        What counts is what the combo says on a page that the ERP has just made: on some lists setting it in the page
        does not reach the ERP, while a click on the item does [seen]. So that is tried first.
        """
        before = None
        for attempt in range(ATTEMPTS + 1):
            combo, item = self.find_choice(is_wanted)
            if is_wanted(get_chosen(combo)):
                return before
            if attempt == 0:
                before = combo["value"]
            if attempt < ATTEMPTS:
                self.choose_item(combo, item, by_click=attempt != 1)
                self.wait_until_idle()
                self.load()
        reason = _("its filter stays {found} although {wanted} was chosen {times} times")
        raise self.fail(Message(reason, found=cut(combo["value"]), wanted=item["value"], times=ATTEMPTS))

    def find_choice(self, is_wanted: Callable[[str], bool]) -> tuple[dict[str, Any], dict[str, str]]:
        combos = self.ask(scripts.READ_COMBOS)
        for combo in combos:
            for item in combo["items"]:
                if is_wanted(item["value"]):
                    return combo, item
        offered = describe(item["value"] for combo in combos for item in combo["items"])
        reason = _("no filter of it has the choice {filter}; choices found: {found}")
        raise self.fail(Message(reason, filter=self.own_filter or self.erp_list.safe_filter, found=offered))

    def choose_item(self, combo: dict[str, Any], item: dict[str, str], *, by_click: bool) -> None:
        """Choose an item of a combo, by a click on it if it can be seen."""
        element = None
        if by_click:
            self.ask(scripts.OPEN_COMBO, combo["id"])
            choice = {"id": combo["id"], "text": item["text"]}
            element = self.wait_for(partial(self.find, scripts.FIND_COMBO_ITEM, choice))
        try:
            if element:
                element.click(timeout=CLICK_TIMEOUT)
            else:
                self.ask(scripts.SET_COMBO, {"id": combo["id"], "value": item["value"]})
        except PlaywrightError as error:  # which may lead to another page at once
            if NETWORK_OR_BROWSER.search(error.message):
                raise

    def clear_grid_filter(self) -> None:
        """Clear the filter that the grid itself keeps from one session to the next, and the search box.

        Whether one is there or not: one cut 4,523 products to 419 [seen]. That none is left is
        seen where the grid shows its filter; elsewhere the ERP's answer to the call is all there is [assumed].
        """
        with self.begin(_("clear the grid's filter")):
            self.clear_search()
            for _attempt in range(ATTEMPTS):
                self.call_clear_filter()
                found = self.ask(scripts.READ_GRID_FILTERS)
                if not found:
                    return
            raise self.fail(Message(_("its filter {filter} cannot be cleared"), filter=describe(found)))

    def call_clear_filter(self) -> None:
        """Ends once the ERP has answered, or 3 s after which the grid has asked it nothing."""
        asked: list[Request] = []

        def note(request: Request) -> None:
            asked.append(request)

        self.page.on("request", note)
        try:
            self.ask(scripts.CLEAR_GRID_FILTER)
            self.wait_until_idle(is_callback=True)
            if not asked:
                given_up_at = time.monotonic() + CLEAR_TIMEOUT
                while not asked and time.monotonic() < given_up_at:
                    self.page.wait_for_timeout(POLL)
                self.wait_until_idle(is_callback=True)
        finally:
            self.page.remove_listener("request", note)

    def check_filters(self) -> None:
        """Raises ErpFilterChanged if the ERP does not show the whole list any more.

        Filters belong to the ERP's user: a person with the same login may have changed one since it was chosen here
        [seen]. That person's choice stays.
        """
        with self.begin(_("check the filters")):
            self.load()
            found = self.ask(scripts.READ_GRID_FILTERS)
            if self.erp_list.safe_filter:
                combo, _item = self.find_choice(self.is_safe)
                chosen = get_chosen(combo)
                if not self.is_safe(chosen):
                    self.own_filter = None
                    found = [chosen, *found]
            if found:
                raise ErpFilterChanged(erp_list=self.erp_list.name, filter=describe(found))

    def is_safe(self, value: str) -> bool:
        """Whether this is the value of the choice that hides nothing, whatever it begins with."""
        return value.endswith(self.erp_list.safe_filter)

    def clear_search(self) -> None:
        box = self.find(scripts.FIND_SEARCH_BOX)
        if box and self.ask(scripts.READ_SEARCH_BOX, box):
            self.search("")

    def search(self, text: str) -> None:
        """Have the list show what the search box finds; everything if the text is empty."""
        box = self.find(scripts.FIND_SEARCH_BOX)
        if box is None:
            raise self.fail(Message(_("it has no search box")))
        box.fill(text, timeout=CLICK_TIMEOUT)
        box.press("Enter", timeout=CLICK_TIMEOUT, no_wait_after=True)
        self.wait_until_idle()
        box = self.find(scripts.FIND_SEARCH_BOX)
        if box is None or self.ask(scripts.READ_SEARCH_BOX, box) != text.strip():  # a name, which no error repeats
            raise self.fail(Message(_("its search box does not keep what was searched for")))

    # Columns

    def show_columns(self) -> None:
        """Show the columns that a new session hides, by the grid's column chooser, as far as it has them.

        That some are not shown in the end is reported and no error: what is read without them is of use, and its
        reader says which are not there.
        """
        if not self.find_hidden():
            return
        try:
            with self.begin(_("show the columns")):
                self.choose_columns()
        except ErpPageChanged as error:
            self.report(error.text)
            self.open()
        if hidden := self.find_hidden():
            self.report(Message(_("columns that stay hidden: {columns}"), columns=describe(hidden)))

    def find_hidden(self) -> list[str]:
        """Captions of those columns to show that the grid does not show."""
        shown = set(map(layout.normalise_header, self.ask(scripts.READ_CAPTIONS)))
        return [caption for caption in self.erp_list.columns_to_show if layout.normalise_header(caption) not in shown]

    def choose_columns(self) -> None:
        wanted = set(map(layout.normalise_header, self.find_hidden()))
        tabs = self.open_chooser()
        for tab in sorted(tabs, key=lambda tab: not COLUMN_CHOOSER.search(tab["text"])):
            self.click(tab["id"])
            self.wait_until_idle()
            if self.ask(scripts.READ_CHOOSER):
                break
        boxes = self.ask(scripts.READ_CHOOSER)
        if not boxes:
            reason = _("its column chooser has no check boxes; tabs found: {found}")
            raise self.fail(Message(reason, found=describe(tab["text"] for tab in tabs)))
        captions = {layout.normalise_header(box["caption"]) for box in boxes}
        is_readable = bool(captions.intersection(map(layout.normalise_header, self.ask(scripts.READ_CAPTIONS))))
        for box in boxes:  # by the captions beside them [inferred], or else all columns that are hidden, by their place
            if layout.normalise_header(box["caption"]) in wanted if is_readable else box["isHidden"]:
                self.click(box["id"])
        buttons = self.ask(scripts.FIND_CHOOSER_BUTTONS)
        apply = next((button["id"] for button in buttons if APPLY.search(button["text"])), None)
        if apply is None:
            reason = _("its column chooser has no button to apply; buttons found: {found}")
            raise self.fail(Message(reason, found=describe(button["text"] for button in buttons)))
        self.click(apply)
        self.wait_until_idle()

    def open_chooser(self) -> list[dict[str, str]]:
        """The tabs of the column chooser, shown by the grid's own function, or else from the menu of a header."""
        self.ask(scripts.SHOW_COLUMN_CHOOSER)
        self.wait_until_idle()
        tabs = self.wait_for_tabs()
        header = None if tabs else self.find(scripts.FIND_HEADER)
        if header is None:
            return tabs
        header.click(button="right", timeout=CLICK_TIMEOUT, no_wait_after=True)
        item = self.wait_for(partial(self.find, scripts.FIND_HEADER_MENU_ITEM, OPENS_CHOOSER))
        if item is None:
            return tabs
        item.click(timeout=CLICK_TIMEOUT, no_wait_after=True)
        self.wait_until_idle()
        return self.wait_for_tabs()

    def wait_for_tabs(self) -> list[dict[str, str]]:
        tabs: list[dict[str, str]] = self.wait_for(lambda: self.ask(scripts.FIND_CHOOSER_TABS))
        return tabs

    def click(self, element_id: str) -> None:
        self.page.locator(f'[id="{element_id}"]').first.click(timeout=CLICK_TIMEOUT, no_wait_after=True)

    # A look

    def read_look(self, search: str = "") -> Look:
        """The first page of the grid, the latest change first; the highest key where the list dates no changes.

        With `search`, of what the search box finds, which is emptied afterwards. Times of changes are as the grid
        prints them, or `2026-01-20 12:04:22` where it has them as dates; they need not be shown.
        """
        with self.begin(_("read the grid")):
            if search:
                self.search(search)
            seen_at = datetime.now(UTC)
            self.sort()
            if self.ask(scripts.GET_PAGE_INDEX):
                self.ask(scripts.GO_TO_FIRST_PAGE)
                self.wait_until_idle(is_callback=True)
            look = self.read_grid(seen_at)
            self.check_order(look)
            if search:
                self.search("")
            return look

    def sort(self) -> None:
        field, caption = self.erp_list.modified, self.erp_list.key
        others = self.ask(scripts.SORT_DESCENDING, {"field": field, "caption": caption})
        if others is not None:
            reason = _("its grid has no column {column} to sort by; columns found: {found}")
            raise self.fail(Message(reason, column=field or caption, found=describe(others)))
        self.wait_until_idle(is_callback=True)

    def read_grid(self, seen_at: datetime) -> Look:
        """The first page of the grid, once as many rows and cells are there as the grid says."""
        found = self.wait_for(self.read_whole_grid) or self.ask(scripts.READ_GRID, self.erp_list.modified)
        headers, rows = found["headers"], found["rows"]
        if lack := describe_lack(found):
            raise self.fail(lack)
        places = [place for place, header in enumerate(headers) if header]  # one without holds buttons
        captions = [layout.normalise_header(header) for header in headers]
        if captions.count(layout.normalise_header(self.erp_list.key)) != 1:
            reason = _("its grid does not show the column {column} once; columns found: {found}")
            raise self.fail(Message(reason, column=self.erp_list.key, found=describe(filter(None, headers))))
        key = captions.index(layout.normalise_header(self.erp_list.key))
        return Look(
            headers=tuple(headers[place] for place in places),
            rows=tuple(tuple(row[place] for place in places) for row in rows),
            keys=tuple(row[key] for row in rows),
            modified=tuple(found["modified"]),
            count=read_count(found["footers"], found["pagers"]),
            seen_at=seen_at,
        )

    def read_whole_grid(self) -> dict[str, Any] | None:
        found: dict[str, Any] = self.ask(scripts.READ_GRID, self.erp_list.modified)
        return found if found["headers"] and describe_lack(found) is None else None

    def check_order(self, look: Look) -> None:
        """Raises ErpPageChanged unless the rows stand as they were told to: a look proves nothing otherwise."""
        texts, read = (look.modified, read_time) if self.erp_list.modified else (look.keys, read_id)
        try:
            order: list[Any] = [read(text) for text in texts]
        except ValueError:
            reason = _("its grid is sorted by {texts}, which cannot be read")
            raise self.fail(Message(reason, texts=describe(texts))) from None
        if any(after > before for before, after in pairwise(order)):
            reason = _("its grid is not sorted by {column}, although it was told to")
            raise self.fail(Message(reason, column=self.erp_list.modified or self.erp_list.key))

    # The export

    def download_export(
        self,
        to: Path,
        *,
        seconds: float = EXPORT_TIMEOUT,
        largest: int,
        progress: Callable[[int, int | None], None],
        may_export: Callable[[], None],
    ) -> None:
        """Export the list, and write the PDF to the file `to` while it comes.

        `may_export` is asked before each click on the export item, `progress` told the bytes that are written and,
        if announced, to come; within `seconds` of a click they must begin to. Raises ExportTooLarge before more than
        `largest` bytes are written, ExportTruncated for what is not a whole PDF, and ErpFilterChanged if it may not
        show the whole list. The file is there only if all went well.
        """
        with transfer.open_new_file(to) as file:
            with self.begin(_("export the list")):
                for click in range(CLICKS):
                    if click:
                        self.load()  # so that the banner of one click is not taken for that of the next
                    item = self.find_export_item()
                    may_export()
                    with DocumentAnswers(self.page) as answers:
                        item.click(timeout=CLICK_TIMEOUT, no_wait_after=True)
                        if (export := self.wait_for_export(answers, seconds)) is not None:
                            save(export, file, largest=largest, progress=progress)
                            break
                else:
                    if answers.has_banner:
                        reason = _("it answered “Requested objects cannot be loaded” {clicks} times")
                    else:
                        reason = _("it was opened anew after {clicks} clicks on its export item, without an export")
                    raise self.fail(Message(reason, clicks=CLICKS))
            self.check_filters()

    def find_export_item(self) -> Locator:
        """The anchor of the item, whichever number it has; out of the “…” overflow of a narrow window, too.

        If several are shown, the one that names PDF.
        """
        items = self.ask(scripts.READ_MENU)
        matching = [item for item in items if EXPORT_TO.match(item["text"])]
        if not matching:
            found = describe(DOUBLED.sub(r"\1", item["text"]) for item in items if item["text"])
            reason = _("it has no export item: no item of its menu is called {wanted}; items found: {found}")
            raise self.fail(Message(reason, wanted="Esportare in / Export to", found=found))
        if not any(item["isShown"] for item in matching):
            overflow = self.find(scripts.FIND_OVERFLOW)
            if overflow is None:
                raise self.fail(Message(_("its export item is hidden, and there is no “…” that shows it")))
            overflow.click(timeout=CLICK_TIMEOUT, no_wait_after=True)
            items = self.wait_for(self.list_shown_export_items)
            if not items:
                raise self.fail(Message(_("its export item is hidden, and “…” does not show it")))
            matching = items
        shown = max((item for item in matching if item["isShown"]), key=lambda item: "PDF" in item["title"])
        return self.page.locator(f'[id="{shown["id"]}"]').locator("visible=true").first

    def list_shown_export_items(self) -> list[dict[str, Any]]:
        items = self.ask(scripts.READ_MENU)
        return [item for item in items if item["isShown"] and EXPORT_TO.match(item["text"])]

    def wait_for_export(self, answers: DocumentAnswers, seconds: float) -> Answer | None:
        """The PDF that answers a click; None if the ERP's banner does, or the same page without a word.

        Raises LoginPageShown, ErpPageSlow, or ErpPageChanged if nothing is under way any more. Nothing is asked of the
        page meanwhile: its scripts do not answer while an answer of its address is stopped.
        """
        given_up_at = time.monotonic() + seconds
        while time.monotonic() < given_up_at:
            self.page.wait_for_timeout(POLL / 4)
            answers.look()
            if answers.export or answers.has_banner:
                return answers.export
            if answers.refusal:
                raise self.fail(Message(_("status {code}"), code=answers.refusal))
            if is_login_path(self.page.url):
                raise LoginPageShown
            if answers.is_reloaded and answers.silence > RELOADED_SILENCE:
                self.check_login()
                return None
            if answers.silence > SILENCE:
                self.check_login()
                reason = _(
                    "after a click on its export item neither an export nor a message came; the page is “{title}”"
                )
                raise self.fail(Message(reason, title=cut(self.page.title())))
        raise ErpPageSlow(erp_list=self.erp_list.name, step=Message(self.step), seconds=f"{seconds:.0f}")


class Answer:
    """The answer to a document's request whose headers are there, and whose body is still to be read."""

    def __init__(self, devtools: CDPSession, paused: dict[str, Any]) -> None:
        self.devtools = devtools
        self.id = paused["requestId"]
        self.headers = {each["name"].casefold(): each["value"] for each in paused.get("responseHeaders", [])}
        self.frame_id = paused["frameId"]
        self.status = paused.get("responseStatusCode")  # None if there is no answer

    @property
    def is_export(self) -> bool:
        """Whether it is a file: what it is called changes with language and version."""
        kind, disposition = self.headers.get("content-type", ""), self.headers.get("content-disposition", "")
        return "pdf" in kind.casefold() or disposition.casefold().startswith("attachment")

    @property
    def length(self) -> int | None:
        """Bytes as announced; None if they are not, or if they are those of a compressed body."""
        length = self.headers.get("content-length", "")
        is_plain = self.headers.get("content-encoding", "identity").casefold() == "identity"
        return int(length[:20]) if is_plain and length.isdecimal() else None

    def let_go(self) -> None:
        self.devtools.send("Fetch.continueRequest", {"requestId": self.id})

    def end(self) -> None:
        self.devtools.send("Fetch.failRequest", {"requestId": self.id, "errorReason": "Aborted"})

    def read(self) -> Iterator[bytes]:
        """The body as it comes."""
        stream = self.devtools.send("Fetch.takeResponseBodyAsStream", {"requestId": self.id})["stream"]
        is_over = False
        while not is_over:
            piece = self.devtools.send("IO.read", {"handle": stream, "size": PIECE})
            is_over = piece["eof"]
            data = piece["data"]
            yield base64.b64decode(data) if piece.get("base64Encoded") else data.encode()
        self.devtools.send("IO.close", {"handle": stream})


class DocumentAnswers:
    """What comes to a page while this is open: the export, or the ERP's banner, or other documents, which go on."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.paused: list[dict[str, Any]] = []
        self.export: Answer | None = None
        self.has_banner = False
        self.is_reloaded = False  # a page came that is no export
        self.refusal: int | None = None  # the status with which the ERP refused the click, or what followed it
        self.pending: set[Request] = set()
        self.quiet_since = time.monotonic()

    def __enter__(self) -> DocumentAnswers:
        self.devtools = self.page.context.new_cdp_session(self.page)
        self.devtools.on("Runtime.bindingCalled", self.note_banner)
        self.devtools.send("Runtime.enable")
        self.devtools.send("Runtime.addBinding", {"name": scripts.BANNER_SHOWN})
        self.devtools.send("Page.enable")
        self.main_frame_id = self.devtools.send("Page.getFrameTree")["frameTree"]["frame"]["id"]
        self.devtools.send("Page.addScriptToEvaluateOnNewDocument", {"source": scripts.WATCH_FOR_BANNER})
        self.page.evaluate(scripts.WATCH_FOR_BANNER)
        self.devtools.on("Fetch.requestPaused", self.note_paused)
        patterns = [{"resourceType": "Document", "requestStage": "Response"}]
        self.devtools.send("Fetch.enable", {"patterns": patterns})
        self.page.on("request", self.note_request)
        self.page.on("response", self.note_response)
        self.page.on("requestfinished", self.note_end)
        self.page.on("requestfailed", self.note_end)
        return self

    def __exit__(self, *_: object) -> None:
        self.page.remove_listener("request", self.note_request)
        self.page.remove_listener("response", self.note_response)
        self.page.remove_listener("requestfinished", self.note_end)
        self.page.remove_listener("requestfailed", self.note_end)
        if not self.page.is_closed():
            if self.export:
                self.export.end()
            self.devtools.detach()

    def note_banner(self, called: dict[str, Any]) -> None:
        self.has_banner = self.has_banner or called["name"] == scripts.BANNER_SHOWN

    def note_paused(self, paused: dict[str, Any]) -> None:
        self.paused.append(paused)

    def note_response(self, response: Response) -> None:
        is_of_click = response.request.method == "POST" or response.request.is_navigation_request()
        if is_of_click and response.status >= 400:
            self.refusal = response.status

    def note_request(self, request: Request) -> None:
        self.pending.add(request)

    def note_end(self, request: Request) -> None:
        self.pending.discard(request)
        self.quiet_since = time.monotonic()

    @property
    def silence(self) -> float:
        """Seconds since the last request ended, if none is under way."""
        return 0.0 if self.pending else time.monotonic() - self.quiet_since

    def look(self) -> None:
        """Keep the export if it has come; let other documents go on."""
        while self.paused and not self.export:
            answer = Answer(self.devtools, self.paused.pop(0))
            if answer.is_export:
                self.export = answer
            else:
                is_page = answer.frame_id == self.main_frame_id and answer.status == OK
                self.is_reloaded = self.is_reloaded or is_page  # a frame within it, or a redirect, is neither
                answer.let_go()


def save(answer: Answer, file: BinaryIO, *, largest: int, progress: Callable[[int, int | None], None]) -> None:
    """Write an export to a file while it comes. Raises ExportTooLarge, and an ExportError for what is no whole PDF."""
    total = answer.length
    transfer.check_export_size(total or 0, largest=largest)
    done, start, end = 0, b"", b""
    progress(done, total)
    for piece in answer.read():
        transfer.check_export_size(done + len(piece), largest=largest, is_all=False)
        file.write(piece)
        done += len(piece)
        start, end = start or piece[:TAIL], (end + piece)[-TAIL:]
        progress(done, total)
    if total is not None and done != total:
        ended = _("the connection ended after {done} of {total} bytes")
        raise ExportTruncated(reason=Message(ended, done=done, total=total))
    if not done:
        raise ExportEmpty
    if not start.lstrip().startswith(b"%PDF"):
        kind = ExportIsWebPage if start.lstrip().startswith(b"<") else ExportNotPdf
        raise kind(start=cut(start.decode("latin-1")))
    if b"%%EOF" not in end:
        raise ExportTruncated(reason=Message(_("its end is missing")))


def get_chosen(combo: dict[str, Any]) -> str:
    """The value that a combo's page tells the ERP."""
    chosen: str = combo["value"] if combo["hidden"] is None else combo["hidden"]
    return chosen


def is_login_path(url: str) -> bool:
    return urlsplit(url).path.casefold().endswith("login.aspx")


def read_count(footers: Sequence[str], pagers: Sequence[str]) -> int | None:
    """How many records a list has, by the grid's footer, else by its pager, in Italian or English."""
    found = (pattern.search(text) for pattern, texts in ((COUNT, footers), (PAGER_COUNT, pagers)) for text in texts)
    return next((int(re.sub(r"\D", "", match[1])) for match in found if match), None)


def describe_lack(found: dict[str, Any]) -> Message | None:
    """What the first page of a grid lacks, by what the grid says of itself; None if it says that it is whole."""
    headers, rows, pages = found["headers"], found["rows"], found["pages"]
    if len(rows) != found["expected"]:
        reason = _("its grid shows {found} rows, and says that there are {expected}")
        return Message(reason, found=len(rows), expected=found["expected"])
    if unequal := next((row for row in rows if len(row) != len(headers)), None):
        reason = _("a row of its grid has {found} cells below {expected} headers")
        return Message(reason, found=len(unequal), expected=len(headers))
    count = read_count([], found["pagers"])
    if pages and count is not None and -(-count // max(len(rows), 1)) != (pages if count else 0):
        reason = _("its grid shows {found} rows, and says that there are {count} on {pages} pages")
        return Message(reason, found=len(rows), count=count, pages=pages)
    return None


def read_time(text: str) -> datetime:
    """A time of a change, to be compared with others of the same grid. Raises ValueError; blank is before all."""
    if not text:
        return datetime.min  # noqa: DTZ901  # as the others: the ERP's own time
    if re.match(r"\d{4}-", text):
        return datetime.fromisoformat(text).replace(tzinfo=None)
    is_english = text.upper().endswith(("AM", "PM"))
    return datetime.strptime(text, "%m/%d/%Y %I:%M:%S %p" if is_english else "%d/%m/%Y %H:%M:%S")  # noqa: DTZ007


def read_id(text: str) -> int:
    """An ID as the grid prints it, `60.757`. Raises ValueError; blank, and 0, are of no record."""
    return int(re.sub(r"[.,\s]", "", text) or 0)


def describe(texts: Iterable[str]) -> str:
    """What was found instead, as far as an error's text has room for it."""
    found = list(dict.fromkeys(map(cut, texts)))
    return ", ".join(found[:SHOWN_ITEMS]) + (", …" if len(found) > SHOWN_ITEMS else "") or "-"


def cut(text: str) -> str:
    """A text of the page or the browser, fit for an error's text."""
    line = " ".join(text.split())
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in line[:SHOWN_CHARACTERS])
