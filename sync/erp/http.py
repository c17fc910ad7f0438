"""Exports downloaded from the ERP's web front end, as a person with a browser would."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import requests

from sync.database import clock
from sync.erp import session, transfer
from sync.erp.client import ErpList, ErpRecordList, Export, ignore_step
from sync.erp.web_page import Fields, FilterCombo, WebPage
from sync.exceptions import (
    ErpAnswerUnexpected,
    ErpFilterChanged,
    ErpLoginRejected,
    ErpSessionExpired,
    ErpUnavailable,
)
from sync.messages import Message
from sync.messages import gettext_noop as _
from sync.progress import Progress

READ_TIMEOUT = 300.0  # seconds without a byte: so long an export may be generated [code]
CLICKS = 3  # on the export button, while the ERP shows its banner
ATTEMPTS = 3  # to end a filter


class SessionExpired(Exception):
    """The ERP showed its login page, or another page, where an export was due."""


class HttpClient:
    """Downloads exports. One fetch at a time; the session is kept from one to the next.

    `spend_login` and `spend_export` are called before a login is tried, and before an export is asked for, by the
    thread that fetches; what they raise refuses it, and ends the fetch. `report` is told each step before it begins.
    """

    def __init__(
        self,
        url: str,
        username: str,
        password: str,
        *,
        spend_login: Callable[[], None],
        spend_export: Callable[[], None],
        read_timeout: float = READ_TIMEOUT,
        largest: int = transfer.LARGEST_EXPORT,
    ) -> None:
        self.url = url.rstrip("/")
        self.username = username
        self.password = password
        self.spend_login = spend_login
        self.spend_export = spend_export
        self.report: Callable[[str], object] = ignore_step
        self.read_timeout = read_timeout
        self.largest = largest  # bytes of an export
        self.cookies = requests.cookies.RequestsCookieJar()

    def close(self) -> None:
        """Nothing is kept but the session's cookies."""

    def fetch(self, erp_list: ErpList, *, to: Path, at_most: timedelta, progress: Progress) -> Export:
        return self.carry_out(Download, erp_list, to, at_most, progress)

    def fetch_record_list(
        self, record_list: ErpRecordList, *, to: Path, at_most: timedelta, progress: Progress
    ) -> Export:
        return self.carry_out(RecordDownload, record_list, to, at_most, progress)

    def carry_out(
        self, kind: type[Download], erp_list: ErpList, to: Path, at_most: timedelta, progress: Progress
    ) -> Export:
        with transfer.open_new_file(to) as file:
            download = kind(self, erp_list, file)
            try:
                transfer.carry_out(download, at_most=at_most, progress=progress, waiting=download.waiting)
            finally:
                download.session.line.cut()
        return Export(to, clock.now() - timedelta(seconds=time.monotonic() - download.asked))


class Download:
    """One export on its way. Runs in a thread of its own; `done` and `total`, in bytes, may be read by others."""

    def __init__(self, client: HttpClient, erp_list: ErpList, file: BinaryIO) -> None:
        self.client = client
        self.session = session.ErpSession(client.url, client.cookies, read_timeout=client.read_timeout)
        self.waiting = transfer.WaitingThread()
        self.erp_list = erp_list
        self.file = file
        self.done = 0
        self.total: int | None = None
        self.asked = time.monotonic()

    def run(self) -> None:
        """Raises an ErpError or ExportTooLarge."""
        with self.session.http, self.session.explain_failures():
            try:
                self.export()
            except SessionExpired:
                self.client.cookies.clear()
                try:
                    self.export()
                except SessionExpired:
                    raise ErpSessionExpired from None

    def begin(self, step: str) -> None:
        self.waiting.call(partial(self.client.report, step))

    def export(self) -> None:
        """From the list's page to the last byte. Raises SessionExpired."""
        if self.done:  # before the session ended
            self.file.seek(0)
            self.file.truncate()
            self.done = 0
        page = self.prepare()
        self.begin(_("export the list"))
        for _click in range(CLICKS):
            form = self.build_export_form(page)
            if form is None:
                raise ErpAnswerUnexpected(reason=Message(_("its page has no export button")))
            self.waiting.call(self.client.spend_export)
            self.asked = time.monotonic()
            with self.session.post(page, form) as response:
                shown = self.save(response)
            if shown and not (shown.has_banner or shown.is_login):
                # After a click on the export button the list's own address gives the export, once.
                with self.session.ask("GET", session.find_form_address(page)) as response:
                    shown = self.save(response)
            if shown is None:
                self.check_filters()
                return
            if not (shown.has_banner or self.is_ours(shown)):
                raise SessionExpired
            page = shown
        if page.has_banner:
            reason = Message(_("it answered “Requested objects cannot be loaded” {clicks} times"), clicks=CLICKS)
        else:
            opened = _("it was opened anew after {clicks} clicks on its export item, without an export")
            reason = Message(opened, clicks=CLICKS)
        raise ErpAnswerUnexpected(reason=reason)

    @property
    def url(self) -> str:
        return f"{self.client.url}/{self.erp_list.name}/"

    def prepare(self) -> WebPage:
        """The list's page, with nothing hidden."""
        return self.show_columns(self.clear_grid_filter(self.choose_safe_filter(self.open_list())))

    def build_export_form(self, page: WebPage) -> Fields | None:
        return page.build_export_form()

    def is_ours(self, page: WebPage) -> bool:
        return bool(page.grid)

    def open_list(self) -> WebPage:
        """The list's page, after logging in if need be."""
        url = self.url
        self.begin(_("open the list"))
        page = self.session.get(url)
        if not page.is_login:
            return page
        self.begin(_("log in"))
        self.waiting.call(self.client.spend_login)
        username, password = self.client.username, self.client.password
        if self.session.submit(page, page.build_login_form(username, password)).is_login:
            raise ErpLoginRejected(username=username)
        self.begin(_("open the list"))
        page = self.session.get(url)
        if page.is_login:
            raise SessionExpired
        return page

    def choose_safe_filter(self, page: WebPage) -> WebPage:
        """The page with the filter that hides nothing: the ERP remembers what its user chose last."""
        if not self.erp_list.safe_filter:
            return page
        self.begin(_("choose the filter"))
        for _attempt in range(ATTEMPTS):
            combo = self.find_filter_combo(page)
            if combo.is_safe:
                return page
            page = self.submit(page, page.build_filter_form(combo))
        if not self.find_filter_combo(page).is_safe:
            reason = Message(_("its filter cannot be set to {filter}"), filter=self.erp_list.safe_filter)
            raise ErpAnswerUnexpected(reason=reason)
        return page

    def find_filter_combo(self, page: WebPage) -> FilterCombo:
        combo = page.find_filter_combo(self.erp_list.safe_filter)
        if combo is None:
            reason = Message(_("its page has no filter {filter}"), filter=self.erp_list.safe_filter)
            raise ErpAnswerUnexpected(reason=reason)
        return combo

    def clear_grid_filter(self, page: WebPage) -> WebPage:
        """The page whose grid has no filter of its own: the ERP keeps that too, from one session to the next.

        It is cleared whether the page shows one or not: one cut a list to a tenth [seen], and may not show.
        """
        self.begin(_("clear the grid's filter"))
        for attempt in range(ATTEMPTS):
            if not page.grid or (attempt and not page.grid_filter):
                return page
            page = self.submit(page, page.build_clear_filter_form())
        if page.grid_filter:
            raise ErpAnswerUnexpected(
                reason=Message(_("its filter {filter} cannot be cleared"), filter=page.grid_filter)
            )
        return page

    def check_filters(self) -> None:
        """Raises ErpFilterChanged if a person with the same login has changed a filter since it was chosen here."""
        self.begin(_("check the filters"))
        page = self.session.get(self.url)
        if page.is_login:
            raise SessionExpired
        combo = self.find_filter_combo(page) if self.erp_list.safe_filter else None
        found = [page.grid_filter] if combo is None or combo.is_safe else [combo.chosen, page.grid_filter]
        if any(found):
            raise ErpFilterChanged(erp_list=self.erp_list.name, filter=", ".join(filter(None, found)))

    def show_columns(self, page: WebPage) -> WebPage:
        """The page with the columns that a new session hides, as far as the ERP shows them.

        An export without them is still of use: the reader says which are not there. Each fetch looks, and asks once.
        """
        wanted = page.find_hidden(self.erp_list.columns_to_show)
        if not wanted or not page.grid:
            return page
        self.begin(_("show the columns"))
        chooser = self.submit(page, page.build_chooser_form())
        form = chooser.build_columns_form(wanted)
        return self.submit(chooser, form) if form else page

    def submit(self, page: WebPage, form: Fields) -> WebPage:
        """What the page becomes after its form was sent. Raises SessionExpired."""
        page = self.session.submit(page, form)
        if page.is_login:
            raise SessionExpired
        return page

    def save(self, response: requests.Response) -> WebPage | None:
        """Write the export to the file, or give the web page that came instead."""
        length = response.headers.get("Content-Length", "")
        total = int(length[:20]) if length.isdecimal() else None  # 20 digits are too much for any limit
        transfer.check_export_size(total or 0, largest=self.client.largest)
        chunks = session.read_body(response)
        first = next(chunks, b"")
        if first.lstrip().startswith(b"<"):
            return session.read_page(response, chain([first], chunks))
        self.total = total
        for chunk in chain([first], chunks):
            transfer.check_export_size(self.done + len(chunk), largest=self.client.largest, is_all=False)
            self.file.write(chunk)
            self.done += len(chunk)
        if self.total is not None and self.done < self.total:
            ended = _("the connection ended after {done} of {total} bytes")
            raise ErpUnavailable(reason=Message(ended, done=self.done, total=self.total))
        return None


class RecordDownload(Download):
    """The export of a list on a record's page."""

    erp_list: ErpRecordList

    @property
    def url(self) -> str:
        return f"{super().url}?mode=View"

    def prepare(self) -> WebPage:
        return self.open_list()

    def build_export_form(self, page: WebPage) -> Fields | None:
        return page.build_export_form(self.erp_list.toolbar)

    def is_ours(self, page: WebPage) -> bool:
        return self.build_export_form(page) is not None

    def check_filters(self) -> None:
        """What a filter of the list hides is seen by the amount of the record, which the list has to come to."""
