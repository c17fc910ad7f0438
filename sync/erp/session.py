"""Asking the ERP's web front end, which is not trusted: nothing is sent to another origin than that of its address,
whatever its answers say, and no more is read than a page may be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
from urllib3.exceptions import ReadTimeoutError

from sync.disk import is_full
from sync.erp.severable import Line, SeverableSession
from sync.erp.web_page import Fields, WebPage
from sync.exceptions import ErpAnswerUnexpected, ErpLeadsElsewhere, ErpUnavailable
from sync.messages import Message
from sync.messages import gettext_noop as _

CONNECT_TIMEOUT = 10.0  # seconds
CHUNK = 64 * 1024  # bytes
LANGUAGE = "it-IT"  # of headers, dates and numbers: the ERP is English to who asks for none [seen]
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


class ErpSession:
    """The requests of one fetch. Its line can be cut by another thread."""

    def __init__(self, url: str, cookies: requests.cookies.RequestsCookieJar, *, read_timeout: float) -> None:
        self.url = url
        self.read_timeout = read_timeout
        self.timeouts = (CONNECT_TIMEOUT, read_timeout)
        self.line = Line()
        self.http = SeverableSession(self.line)
        self.http.headers["Accept-Language"] = LANGUAGE
        self.http.headers["Accept-Encoding"] = "identity"  # so that bytes can be counted
        self.http.cookies = cookies

    def get(self, url: str) -> WebPage:
        """A page. An export that was asked for and never fetched comes instead, once: it is passed over."""
        for _attempt in range(2):
            with self.ask("GET", url) as response:
                if "pdf" not in response.headers.get("Content-Type", ""):
                    return read_page(response, read_body(response))
        raise ErpAnswerUnexpected(reason=Message(_("its page is a PDF")))

    def submit(self, page: WebPage, form: Fields) -> WebPage:
        """What the page becomes after its form was sent."""
        with self.post(page, form) as response:
            return read_page(response, read_body(response))

    def post(self, page: WebPage, form: Fields) -> requests.Response:
        return self.ask("POST", find_form_address(page), form)

    def ask(self, method: str, url: str, form: Fields | None = None) -> requests.Response:
        """An answer with status 200, from the ERP's own origin, whose body is still to be read.

        Redirects within the origin are followed, but no form is posted a second time. Raises ErpLeadsElsewhere before
        anything is sent to another origin.
        """
        for _redirect in range(1 + REDIRECTS):
            url = self.confine_address(url)
            response = self.http.request(method, url, data=form, timeout=self.timeouts, stream=True)
            try:
                self.check_cookies()
                target = self.http.get_redirect_target(response)
                if target is None:
                    check_answer(response)
                    return response
                if method == "POST" and response.status_code in (307, 308):
                    reason = Message(
                        _("it redirects a form that was sent to it (status {code})"), code=response.status_code
                    )
                    raise ErpAnswerUnexpected(reason=reason)
                url, method, form = resolve_address(url, target), "GET", None
            except BaseException:
                response.close()
                raise
            response.close()
        reason = Message(_("it redirects more than {count} times in a row"), count=REDIRECTS)
        raise ErpAnswerUnexpected(reason=reason)

    def confine_address(self, url: str) -> str:
        """An address as it is asked for: scheme, host and port as they stand in ERP_URL, and its own path.

        Raises ErpLeadsElsewhere if the address is of another origin, which is another scheme, host or port.
        """
        base, address = urlsplit(self.url), urlsplit(url)
        if find_origin(address) == find_origin(base):
            return base._replace(path=address.path, query=address.query, fragment="").geturl()
        raise ErpLeadsElsewhere(
            address=make_printable(format_origin(address)),
            url=format_origin(base),
            suggested=make_printable(format_origin(address) + base.path),
        )

    def check_cookies(self) -> None:
        if len(self.http.cookies) > COOKIES:
            self.http.cookies.clear()
            raise ErpAnswerUnexpected(reason=Message(_("it sets more than {count} cookies"), count=COOKIES))

    @contextmanager
    def explain_failures(self) -> Iterator[None]:
        """Turn what can go wrong on the way into ErpUnavailable, with a reason that a person understands."""
        silent = Message(_("it sent nothing for {seconds} s"), seconds=f"{self.read_timeout:g}")
        try:
            yield
        except requests.ConnectTimeout as error:
            reason = Message(_("no connection within {seconds} s"), seconds=f"{CONNECT_TIMEOUT:g}")
            raise ErpUnavailable(reason=reason) from error
        except requests.Timeout as error:
            raise ErpUnavailable(reason=silent) from error
        except requests.exceptions.ChunkedEncodingError as error:
            raise ErpUnavailable(reason=Message(_("the connection broke during the export"))) from error
        except (requests.RequestException, OSError) as error:
            if is_full(error):  # our own disk
                raise
            if any(isinstance(argument, ReadTimeoutError) for argument in error.args):
                raise ErpUnavailable(reason=silent) from error
            reason = Message(_("the connection failed ({cause})"), cause=find_first_cause(error))
            raise ErpUnavailable(reason=reason) from error


def find_first_cause(error: BaseException) -> str:
    """What the operating system said, under what was made of it."""
    while error.__context__:
        error = error.__context__
    return getattr(error, "strerror", None) or str(error)


def read_page(response: requests.Response, chunks: Iterator[bytes]) -> WebPage:
    """The page that comes. Raises ErpAnswerUnexpected, without reading on, when it is larger than a page may be."""
    encoding = (response.encoding or "utf-8").lower()
    if encoding not in ENCODINGS:
        reason = Message(_("its page is in the encoding {encoding}"), encoding=make_printable(encoding))
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
        packed = _("its answer is compressed ({encoding}), although uncompressed data was requested")
        raise ErpAnswerUnexpected(reason=Message(packed, encoding=make_printable(packing)))


def read_body(response: requests.Response) -> Iterator[bytes]:
    """What comes of an answer, in chunks."""
    try:
        yield from response.iter_content(CHUNK)
    except ValueError as error:  # a chunk of less than nothing
        raise requests.exceptions.ChunkedEncodingError(error) from error


def find_form_address(page: WebPage) -> str:
    return resolve_address(page.url, page.action)


def resolve_address(url: str, target: str) -> str:
    """Where a page's address leads, in the page with that URL. Raises ErpAnswerUnexpected if that is no web address."""
    with suppress(ValueError):
        address = urljoin(url, target)
        if find_origin(urlsplit(address)):
            return address
    reason = Message(_("it redirects to {address}, which is not a web address"), address=make_printable(target))
    raise ErpAnswerUnexpected(reason=reason)


def find_origin(address: SplitResult) -> tuple[str, str, int] | None:
    """Scheme, host and port of a web address; None for another one. Raises ValueError if it is none at all."""
    if address.scheme not in PORTS or not address.hostname:
        return None
    return address.scheme, address.hostname, address.port or PORTS[address.scheme]


def format_origin(address: SplitResult) -> str:
    """An origin as a person writes it, without a user name."""
    return f"{address.scheme}://{address.netloc.rpartition('@')[2]}"


def make_printable(text: str) -> str:
    """What the ERP says, fit for an error's text."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text[:SHOWN_CHARACTERS])
