"""Exports downloaded from the ERP's web front end, as a person with a browser would."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from itertools import chain
from pathlib import Path
from typing import BinaryIO
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
from requests.cookies import RequestsCookieJar
from urllib3.exceptions import ReadTimeoutError

from sync.database import clock
from sync.disk import is_full
from sync.erp.client import ErpList, Export
from sync.erp.severable import Line, SeverableSession
from sync.erp.transfer import LARGEST_EXPORT, carry_out, check_export_size, new_file
from sync.erp.web_page import Fields, FilterCombo, WebPage
from sync.exceptions import (
    ErpAnswerUnexpected,
    ErpLeadsElsewhere,
    ErpLoginRejected,
    ErpSessionExpired,
    ErpUnavailable,
)
from sync.messages import Message
from sync.messages import gettext_noop as _
from sync.progress import Progress

CONNECT_TIMEOUT = 10.0  # seconds
READ_TIMEOUT = 180.0  # seconds without a byte; generating a large export takes up to 60
CHUNK = 64 * 1024  # bytes
CLICKS = 3  # on the export button, while the ERP shows its banner
ATTEMPTS = 3  # to end a filter
REDIRECTS = 10  # one after the other; the ERP makes one
COOKIES = 50  # at one time; the ERP sets four
LARGEST_PAGE = 4 * 1024**2  # bytes; 200 rows of 63 columns, the most that the ERP shows on one, are a fourth of that
ENCODINGS = (
    "utf-8",
    "utf8",
    "us-ascii",
    "iso-8859-1",
    "windows-1252",
)  # of pages; Python knows some that cost much, or run for ever
PORTS = {"http": 80, "https": 443}
SHOWN_CHARACTERS = 200  # of what the ERP says, in an error


class SessionExpired(Exception):
    """The ERP showed its login page, or another page, where an export was due."""


class HttpClient:
    """Downloads exports. One fetch at a time; the session is kept from one to the next.

    The ERP is not trusted: nothing is sent to another origin than its address's, whatever its answers say, and no more
    is read than a page or an export may be.
    """

    def __init__(
        self,
        url: str,
        username: str,
        password: str,
        *,
        read_timeout: float = READ_TIMEOUT,
        largest: int = LARGEST_EXPORT,
    ) -> None:
        self.url = url.rstrip("/")
        self.username = username
        self.password = password
        self.read_timeout = read_timeout
        self.largest = largest  # bytes of an export
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
        """Raises an ErpError or ExportTooLarge."""
        with SeverableSession(self.line) as self.session, understood(self.client.read_timeout):
            self.session.headers["Accept-Encoding"] = "identity"  # so that bytes can be counted
            self.session.cookies = self.client.cookies
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
        for _click in range(CLICKS):
            fields = page.export_fields()
            if fields is None:
                raise ErpAnswerUnexpected(reason=Message(_("its page has no export button")))
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
        reason = Message(_("it says “Requested objects cannot be loaded”, {clicks} times"), clicks=CLICKS)
        raise ErpAnswerUnexpected(reason=reason)

    def save_waiting_export(self, page: WebPage) -> WebPage | None:
        """After a click on the export button the list's own address gives the export, once."""
        with self.ask("GET", action_of(page)) as response:
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
        for _attempt in range(ATTEMPTS):
            combo = self.filter_combo(page)
            if combo.is_safe:
                return page
            page = self.sent_in_session(page, page.filter_fields(combo))
        if not self.filter_combo(page).is_safe:
            reason = Message(_("its filter cannot be set to {filter}"), filter=self.erp_list.safe_filter)
            raise ErpAnswerUnexpected(reason=reason)
        return page

    def filter_combo(self, page: WebPage) -> FilterCombo:
        combo = page.filter_combo(self.erp_list.safe_filter)
        if combo is None:
            reason = Message(_("its page has no filter {filter}"), filter=self.erp_list.safe_filter)
            raise ErpAnswerUnexpected(reason=reason)
        return combo

    def without_grid_filter(self, page: WebPage) -> WebPage:
        """The page whose grid has no filter of its own: the ERP keeps that too, from one session to the next."""
        for _attempt in range(ATTEMPTS):
            if not page.grid_filter:
                return page
            page = self.sent_in_session(page, page.clear_filter_fields())
        if page.grid_filter:
            raise ErpAnswerUnexpected(reason=Message(_("it keeps its filter {filter}"), filter=page.grid_filter))
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
            return web_page(response, body(response))

    def get(self, url: str) -> WebPage:
        """A page. An export that was asked for and never fetched comes instead, once: it is passed over."""
        for _attempt in range(2):
            with self.ask("GET", url) as response:
                if "pdf" not in response.headers.get("Content-Type", ""):
                    return web_page(response, body(response))
        raise ErpAnswerUnexpected(reason=Message(_("its page is a PDF")))

    def post(self, page: WebPage, fields: Fields) -> requests.Response:
        return self.ask("POST", action_of(page), fields)

    def ask(self, method: str, url: str, fields: Fields | None = None) -> requests.Response:
        """An answer with status 200, from the ERP's own origin, whose body is still to be read.

        Redirects within the origin are followed, but no form is posted a second time. Raises ErpLeadsElsewhere before
        anything is sent to another origin.
        """
        for _redirect in range(1 + REDIRECTS):
            url = self.address_within(url)
            response = self.session.request(method, url, data=fields, timeout=self.timeouts, stream=True)
            try:
                self.check_cookies()
                target = self.session.get_redirect_target(response)
                if target is None:
                    check_answer(response)
                    return response
                if method == "POST" and response.status_code in (307, 308):
                    reason = Message(_("it redirects a form (status {code})"), code=response.status_code)
                    raise ErpAnswerUnexpected(reason=reason)
                url, method, fields = joined(url, target), "GET", None
            except BaseException:
                response.close()
                raise
            response.close()
        reason = Message(_("it redirects more than {count} times in a row"), count=REDIRECTS)
        raise ErpAnswerUnexpected(reason=reason)

    def address_within(self, url: str) -> str:
        """An address as it is asked for: scheme, host and port as they stand in ERP_URL, and its own path.

        Raises ErpLeadsElsewhere if the address is of another origin, which is another scheme, host or port.
        """
        base, address = urlsplit(self.client.url), urlsplit(url)
        if origin(address) == origin(base):
            return base._replace(path=address.path, query=address.query, fragment="").geturl()
        raise ErpLeadsElsewhere(
            address=as_shown(shown_origin(address)),
            url=shown_origin(base),
            suggested=as_shown(shown_origin(address) + base.path),
        )

    def check_cookies(self) -> None:
        if len(self.session.cookies) > COOKIES:
            self.session.cookies.clear()
            raise ErpAnswerUnexpected(reason=Message(_("it sets more than {count} cookies"), count=COOKIES))

    @property
    def timeouts(self) -> tuple[float, float]:
        return CONNECT_TIMEOUT, self.client.read_timeout

    def save(self, response: requests.Response) -> WebPage | None:
        """Write the export to the file, or give the web page that came instead."""
        total = announced(response)
        check_export_size(total or 0, largest=self.client.largest)
        chunks = body(response)
        first = next(chunks, b"")
        if first.lstrip().startswith(b"<"):
            return web_page(response, chain([first], chunks))
        self.total = total
        for chunk in chain([first], chunks):
            check_export_size(self.done + len(chunk), largest=self.client.largest, is_all=False)
            self.file.write(chunk)
            self.done += len(chunk)
        if self.total is not None and self.done < self.total:
            ended = _("the connection ended after {done} of {total} bytes")
            raise ErpUnavailable(reason=Message(ended, done=self.done, total=self.total))
        return None


@contextmanager
def understood(read_timeout: float) -> Iterator[None]:
    """Turn what can go wrong on the way into ErpUnavailable, with a reason that a person understands."""
    silent = Message(_("it sent nothing for {seconds} s"), seconds=f"{read_timeout:g}")
    try:
        yield
    except requests.ConnectTimeout as error:
        reason = Message(_("no connection within {seconds} s"), seconds=f"{CONNECT_TIMEOUT:g}")
        raise ErpUnavailable(reason=reason) from error
    except requests.Timeout as error:
        raise ErpUnavailable(reason=silent) from error
    except requests.exceptions.ChunkedEncodingError as error:
        raise ErpUnavailable(reason=Message(_("the connection was cut during the export"))) from error
    except (requests.RequestException, OSError) as error:
        if is_full(error):  # our own disk
            raise
        if any(isinstance(argument, ReadTimeoutError) for argument in error.args):
            raise ErpUnavailable(reason=silent) from error
        reason = Message(_("the connection failed ({cause})"), cause=first_cause(error))
        raise ErpUnavailable(reason=reason) from error


def first_cause(error: BaseException) -> str:
    """What the operating system said, under what was made of it."""
    while error.__context__:
        error = error.__context__
    return getattr(error, "strerror", None) or str(error)


def web_page(response: requests.Response, chunks: Iterator[bytes]) -> WebPage:
    """The page that comes. Raises ErpAnswerUnexpected, without reading on, when it is larger than a page may be."""
    encoding = (response.encoding or "utf-8").lower()
    if encoding not in ENCODINGS:
        reason = Message(_("its page is in the encoding {encoding}"), encoding=as_shown(encoding))
        raise ErpAnswerUnexpected(reason=reason)
    content = bytearray()
    for chunk in chunks:
        content += chunk
        if len(content) > LARGEST_PAGE:
            raise ErpAnswerUnexpected(reason=Message(_("its page has more than {count} bytes"), count=LARGEST_PAGE))
    return WebPage(content.decode(encoding, errors="replace"), response.url)


def check_answer(response: requests.Response) -> None:
    """Raises ErpAnswerUnexpected for anything but a whole answer, as it was asked for."""
    if response.status_code != requests.codes.ok:
        raise ErpAnswerUnexpected(reason=Message(_("status {code}"), code=response.status_code))
    packing = response.headers.get("Content-Encoding", "identity")
    if packing.strip().lower() != "identity":  # unpacked, it could be a thousand times as large
        packed = _("its answer is packed ({encoding}), which it was not to be")
        raise ErpAnswerUnexpected(reason=Message(packed, encoding=as_shown(packing)))


def body(response: requests.Response) -> Iterator[bytes]:
    """What comes of an answer, in chunks."""
    try:
        yield from response.iter_content(CHUNK)
    except ValueError as error:  # a chunk of less than nothing
        raise requests.exceptions.ChunkedEncodingError(error) from error


def announced(response: requests.Response) -> int | None:
    """The bytes that an answer is said to have."""
    length = response.headers.get("Content-Length", "")
    return int(length[:20]) if length.isdecimal() else None  # 20 digits are too much for any limit


def action_of(page: WebPage) -> str:
    return joined(page.url, page.action)


def joined(url: str, target: str) -> str:
    """Where a page's address leads, in the page with that URL. Raises ErpAnswerUnexpected if that is no web address."""
    with suppress(ValueError):
        address = urljoin(url, target)
        if origin(urlsplit(address)):
            return address
    reason = Message(_("it leads to {address}, which is no web address"), address=as_shown(target))
    raise ErpAnswerUnexpected(reason=reason)


def origin(address: SplitResult) -> tuple[str, str, int] | None:
    """Scheme, host and port of a web address; None for another one. Raises ValueError if it is none at all."""
    if address.scheme not in PORTS or not address.hostname:
        return None
    return address.scheme, address.hostname, address.port or PORTS[address.scheme]


def shown_origin(address: SplitResult) -> str:
    """An origin as a person writes it, without a user name."""
    return f"{address.scheme}://{address.netloc.rpartition('@')[2]}"


def as_shown(text: str) -> str:
    """What the ERP says, fit for an error's text."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text[:SHOWN_CHARACTERS])
