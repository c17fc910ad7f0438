"""Exports downloaded from the ERP's web front end, as a person with a browser would."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import requests
from requests.cookies import RequestsCookieJar
from urllib3.exceptions import ReadTimeoutError

from sync.erp.client import ErpList, Export
from sync.erp.severable import Line, SeverableAdapter
from sync.erp.web_page import Fields, WebPage
from sync.exceptions import ErpLoginRejected, ErpSessionExpired, ErpUnavailable
from sync.progress import Progress, Stage

CONNECT_TIMEOUT = 10.0  # seconds
READ_TIMEOUT = 180.0  # seconds without a byte; generating a large export takes up to 60
BETWEEN_CHECKPOINTS = 0.1  # seconds; 0.25 is promised
CHUNK = 64 * 1024  # bytes
CLICKS = 3  # on the export button, while the ERP shows its banner
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

    def fetch(self, erp_list: ErpList, *, to: Path, progress: Progress) -> Export:
        """Waits in this thread and works in another, so that the fetch can be abandoned at any moment."""
        line = Line()
        worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="erp-http")
        try:
            with to.open("wb") as file:
                download = Download(self, erp_list, file, line)
                watched(worker.submit(download.run), download, progress)
        except BaseException:
            to.unlink(missing_ok=True)
            raise
        finally:
            line.cut()
            worker.shutdown(wait=False)
        return Export(to, download.asked_at)


class Download:
    """One export on its way. Runs in a thread of its own; `done` and `total`, in bytes, may be read by others."""

    def __init__(self, client: HttpClient, erp_list: ErpList, file: BinaryIO, line: Line) -> None:
        self.client = client
        self.erp_list = erp_list
        self.file = file
        self.line = line
        self.done = 0
        self.total: int | None = None
        self.asked_at = datetime.now(tz=UTC)

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
            raise ErpSessionExpired(list_name=self.erp_list.name) from None

    def export(self) -> None:
        """From the list's page to the last byte. Raises SessionExpired."""
        page = self.with_safe_filter(self.list_page())
        for _ in range(CLICKS):
            fields = page.export_fields()
            if fields is None:
                raise ErpUnavailable(reason=f"the page of {self.erp_list.name} has no export button")
            self.asked_at = datetime.now(tz=UTC)
            with self.post(page, fields) as response:
                shown = self.save(response)
            if shown is None:
                return
            if not shown.has_banner:
                raise SessionExpired
            page = shown
        raise ErpUnavailable(reason=f"it says “Requested objects cannot be loaded”, {CLICKS} times")

    def list_page(self) -> WebPage:
        """The list, after logging in if need be."""
        page = self.get(f"{self.client.url}/{self.erp_list.name}/")
        if not page.is_login:
            return page
        username, password = self.client.username, self.client.password
        with self.post(page, page.login_fields(username, password)) as response:
            page = web_page(response, response.content)
        if page.is_login:
            raise ErpLoginRejected(username=username)
        return page

    def with_safe_filter(self, page: WebPage) -> WebPage:
        """The page with the filter that hides nothing: the ERP remembers what its user chose last."""
        safe = self.erp_list.safe_filter
        combo = page.filter_combo(safe)
        if combo is None or combo.chosen == safe:
            return page
        with self.post(page, page.filter_fields(combo, safe)) as response:
            page = web_page(response, response.content)
        if page.is_login:
            raise SessionExpired
        combo = page.filter_combo(safe)
        if combo is None or combo.chosen != safe:
            raise ErpUnavailable(reason=f"the filter of {self.erp_list.name} cannot be set to {safe}")
        return page

    def get(self, url: str) -> WebPage:
        with self.session.get(url, timeout=self.timeouts) as response:
            response.raise_for_status()
            return web_page(response, response.content)

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


def watched(running: Future[None], download: Download, progress: Progress) -> None:
    """Wait for a download, telling how far it is. Raises what it raises, and what `progress` raises."""
    while not wait([running], timeout=BETWEEN_CHECKPOINTS).done:
        progress(Stage.FETCHING, download.done, download.total)
    running.result()
    progress(Stage.FETCHING, download.done, download.total)


@contextmanager
def understood(read_timeout: float) -> Iterator[None]:
    """Turn what can go wrong on the way into ErpUnavailable, with a reason that a person understands."""
    try:
        yield
    except requests.HTTPError as error:
        raise ErpUnavailable(reason=f"it answered with status {error.response.status_code}") from error
    except requests.ConnectTimeout as error:
        raise ErpUnavailable(reason=f"no connection within {CONNECT_TIMEOUT:g} s") from error
    except requests.Timeout as error:
        raise ErpUnavailable(reason=f"it sent nothing for {read_timeout:g} s") from error
    except requests.exceptions.ChunkedEncodingError as error:
        raise ErpUnavailable(reason="the connection was cut during the export") from error
    except (requests.RequestException, OSError) as error:
        if any(isinstance(argument, ReadTimeoutError) for argument in error.args):
            raise ErpUnavailable(reason=f"it sent nothing for {read_timeout:g} s") from error
        raise ErpUnavailable(reason=f"the connection failed ({first_cause(error)})") from error


def first_cause(error: BaseException) -> str:
    """What the operating system said, under what was made of it."""
    while error.__context__:
        error = error.__context__
    return getattr(error, "strerror", None) or str(error)


def rest(chunks: Iterator[bytes]) -> bytes:
    """What still comes, up to a limit."""
    read = bytearray()
    for chunk in chunks:
        read += chunk
        if len(read) > LARGEST_PAGE:
            break
    return bytes(read)


def web_page(response: requests.Response, content: bytes) -> WebPage:
    return WebPage(content.decode(response.encoding or "utf-8", errors="replace"), response.url)
