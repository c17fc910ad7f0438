"""Exports downloaded from the ERP's web front end, as a person with a browser would."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

import requests
from requests.cookies import RequestsCookieJar
from urllib3.exceptions import ReadTimeoutError

from sync import clock
from sync.disk import is_full
from sync.erp.client import ErpList, Export
from sync.erp.severable import Line, SeverableAdapter
from sync.erp.transfer import carry_out, new_file
from sync.erp.web_page import Fields, FilterCombo, WebPage
from sync.exceptions import ErpAnswerUnexpected, ErpLoginRejected, ErpSessionExpired, ErpUnavailable
from sync.progress import Progress

CONNECT_TIMEOUT = 10.0  # seconds
READ_TIMEOUT = 180.0  # seconds without a byte; generating a large export takes up to 60
CHUNK = 64 * 1024  # bytes
CLICKS = 3  # on the export button, while the ERP shows its banner
ATTEMPTS = 3  # to end a filter
LARGEST_PAGE = 4 * 1024**2  # bytes of a web page that are looked at


class SessionExpired(Exception):
    """The ERP showed its login page, or another page, where an export was due."""


class HttpClient:
    """Downloads exports. One fetch at a time; the session is kept from one to the next."""

    def __init__(self, url: str, username: str, password: str, *, read_timeout: float = READ_TIMEOUT) -> None:
        self.url = url.rstrip("/")
        self.username = username
        self.password = password
        self.read_timeout = read_timeout
        self.cookies = RequestsCookieJar()

    def fetch(self, erp_list: ErpList, *, to: Path, at_most: timedelta, progress: Progress) -> Export:
        line = Line()
        with new_file(to) as file:
            download = Download(self, erp_list, file, line)
            try:
                carry_out(download, at_most=at_most, progress=progress)
            finally:
                line.cut()
        return Export(to, clock.now() - timedelta(seconds=time.monotonic() - download.asked))


class Download:
    """One export on its way. Runs in a thread of its own; `done` and `total`, in bytes, may be read by others."""

    def __init__(self, client: HttpClient, erp_list: ErpList, file: BinaryIO, line: Line) -> None:
        self.client = client
        self.erp_list = erp_list
        self.file = file
        self.line = line
        self.done = 0
        self.total: int | None = None
        self.asked = time.monotonic()

    def run(self) -> None:
        """Raises an ErpError."""
        with requests.Session() as self.session, understood(self.client.read_timeout):
            self.session.headers["Accept-Encoding"] = "identity"  # so that bytes can be counted
            self.session.cookies = self.client.cookies
            self.session.mount("http://", SeverableAdapter(self.line))
            self.session.mount("https://", SeverableAdapter(self.line))
            try:
                self.export()
            except SessionExpired:
                self.client.cookies.clear()
                self.export_again()

    def export_again(self) -> None:
        try:
            self.export()
        except SessionExpired:
            raise ErpSessionExpired from None

    def export(self) -> None:
        """From the list's page to the last byte. Raises SessionExpired."""
        page = self.with_columns(self.without_grid_filter(self.with_safe_filter(self.list_page())))
        for _ in range(CLICKS):
            fields = page.export_fields()
            if fields is None:
                raise ErpAnswerUnexpected(reason="its page has no export button")
            self.asked = time.monotonic()
            with self.post(page, fields) as response:
                shown = self.save(response)
            if shown and not (shown.has_banner or shown.is_login):
                shown = self.save_waiting_export(page)
            if shown is None:
                return
            if not shown.has_banner:
                raise SessionExpired
            page = shown
        raise ErpAnswerUnexpected(reason=f"it says “Requested objects cannot be loaded”, {CLICKS} times")

    def save_waiting_export(self, page: WebPage) -> WebPage | None:
        """After a click on the export button the list's own address gives the export, once."""
        with self.session.get(page.action, timeout=self.timeouts, stream=True) as response:
            response.raise_for_status()
            return self.save(response)

    def list_page(self) -> WebPage:
        """The list, after logging in if need be."""
        url = f"{self.client.url}/{self.erp_list.name}/"
        page = self.get(url)
        if not page.is_login:
            return page
        username, password = self.client.username, self.client.password
        if self.sent(page, page.login_fields(username, password)).is_login:
            raise ErpLoginRejected(username=username)
        page = self.get(url)
        if page.is_login:
            raise SessionExpired
        return page

    def with_safe_filter(self, page: WebPage) -> WebPage:
        """The page with the filter that hides nothing: the ERP remembers what its user chose last."""
        if not self.erp_list.safe_filter:
            return page
        for _ in range(ATTEMPTS):
            combo = self.filter_combo(page)
            if combo.is_safe:
                return page
            page = self.sent_in_session(page, page.filter_fields(combo))
        if not self.filter_combo(page).is_safe:
            raise ErpAnswerUnexpected(reason=f"its filter cannot be set to {self.erp_list.safe_filter}")
        return page

    def filter_combo(self, page: WebPage) -> FilterCombo:
        combo = page.filter_combo(self.erp_list.safe_filter)
        if combo is None:
            raise ErpAnswerUnexpected(reason=f"its page has no filter {self.erp_list.safe_filter}")
        return combo

    def without_grid_filter(self, page: WebPage) -> WebPage:
        """The page whose grid has no filter of its own: the ERP keeps that too, from one session to the next."""
        for _ in range(ATTEMPTS):
            if not page.grid_filter:
                return page
            page = self.sent_in_session(page, page.clear_filter_fields())
        if page.grid_filter:
            raise ErpAnswerUnexpected(reason=f"it keeps its filter {page.grid_filter}")
        return page

    def with_columns(self, page: WebPage) -> WebPage:
        """The page with the columns that a new session hides, as far as the ERP shows them.

        An export without them is still of use: the reader says which are not there. Each fetch looks, and asks once.
        """
        wanted = page.hidden(self.erp_list.columns_to_show)
        if not wanted or not page.grid:
            return page
        chooser = self.sent_in_session(page, page.show_chooser_fields())
        fields = chooser.choose_columns_fields(wanted)
        return self.sent_in_session(chooser, fields) if fields else page

    def sent_in_session(self, page: WebPage, fields: Fields) -> WebPage:
        """What the page becomes after its form was sent. Raises SessionExpired."""
        page = self.sent(page, fields)
        if page.is_login:
            raise SessionExpired
        return page

    def sent(self, page: WebPage, fields: Fields) -> WebPage:
        with self.post(page, fields) as response:
            return web_page(response, rest(response.iter_content(CHUNK)))

    def get(self, url: str) -> WebPage:
        """A page. An export that was asked for and never fetched comes instead, once: it is passed over."""
        for _ in range(2):
            with self.session.get(url, timeout=self.timeouts, stream=True) as response:
                response.raise_for_status()
                if "pdf" not in response.headers.get("Content-Type", ""):
                    return web_page(response, rest(response.iter_content(CHUNK)))
        raise ErpAnswerUnexpected(reason="its page is a PDF")

    def post(self, page: WebPage, fields: Fields) -> requests.Response:
        response = self.session.post(page.action, data=fields, timeout=self.timeouts, stream=True)
        if not response.ok:
            response.close()
        response.raise_for_status()
        return response

    @property
    def timeouts(self) -> tuple[float, float]:
        return CONNECT_TIMEOUT, self.client.read_timeout

    def save(self, response: requests.Response) -> WebPage | None:
        """Write the export to the file, or give the web page that came instead."""
        chunks = response.iter_content(CHUNK)
        first = next(chunks, b"")
        if first.lstrip().startswith(b"<"):
            return web_page(response, first + rest(chunks))
        length = response.headers.get("Content-Length", "")
        self.total = int(length) if length.isdecimal() else None
        self.write(first)
        for chunk in chunks:
            self.write(chunk)
        if self.total is not None and self.done < self.total:
            raise ErpUnavailable(reason=f"the connection ended after {self.done} of {self.total} bytes")
        return None

    def write(self, chunk: bytes) -> None:
        self.file.write(chunk)
        self.done += len(chunk)


@contextmanager
def understood(read_timeout: float) -> Iterator[None]:
    """Turn what can go wrong on the way into ErpUnavailable, with a reason that a person understands."""
    try:
        yield
    except requests.HTTPError as error:
        raise ErpAnswerUnexpected(reason=f"status {error.response.status_code}") from error
    except requests.ConnectTimeout as error:
        raise ErpUnavailable(reason=f"no connection within {CONNECT_TIMEOUT:g} s") from error
    except requests.Timeout as error:
        raise ErpUnavailable(reason=f"it sent nothing for {read_timeout:g} s") from error
    except requests.exceptions.ChunkedEncodingError as error:
        raise ErpUnavailable(reason="the connection was cut during the export") from error
    except (requests.RequestException, OSError) as error:
        if is_full(error):  # our own disk
            raise
        if any(isinstance(argument, ReadTimeoutError) for argument in error.args):
            raise ErpUnavailable(reason=f"it sent nothing for {read_timeout:g} s") from error
        raise ErpUnavailable(reason=f"the connection failed ({first_cause(error)})") from error


def first_cause(error: BaseException) -> str:
    """What the operating system said, under what was made of it."""
    while error.__context__:
        error = error.__context__
    return getattr(error, "strerror", None) or str(error)


def rest(chunks: Iterator[bytes]) -> bytes:
    """What still comes of a page, up to a limit."""
    read = bytearray()
    for chunk in chunks:
        read += chunk
        if len(read) > LARGEST_PAGE:
            break
    return bytes(read)


def web_page(response: requests.Response, content: bytes) -> WebPage:
    return WebPage(content.decode(response.encoding or "utf-8", errors="replace"), response.url)
