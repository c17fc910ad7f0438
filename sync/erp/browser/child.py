"""The process that drives Chromium: told what to ask of the ERP, it carries that out and tells how it went.

It needs neither Django nor the settings, and knows no password but while it logs in.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import time
import traceback
from dataclasses import replace
from multiprocessing.connection import Connection
from threading import Thread
from typing import NoReturn, TypeVar
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Page, Request, sync_playwright
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from sync.erp.browser import login, messages, process_tree
from sync.erp.browser.list_page import IDLE_TIMEOUT, PAGE_TIMEOUT, ListPage, LoginPageShown
from sync.erp.browser.record_page import RecordPage
from sync.erp.client import ErpRecordList, Look
from sync.exceptions import (
    ErpAnswerUnexpected,
    ErpBrowserSandboxMissing,
    ErpCertificateInvalid,
    ErpError,
    ErpLeadsElsewhere,
    ErpSessionExpired,
    ErpUnavailable,
    ExportIsWebPage,
    SyncError,
)
from sync.messages import Message
from sync.messages import gettext_noop as _

VIEWPORT = {"width": 1440, "height": 900}  # before a page is opened: the ERP lays its toolbar out only then [seen]
LANGUAGE = "it-IT"  # of file names, headers, dates and numbers [seen]
STEP_SECONDS = PAGE_TIMEOUT + IDLE_TIMEOUT  # that a step may take; generating an export has all that is left
CAPTURE_STEP_SECONDS = 15.0  # that keeping the page of a failed step may take
CAPTURE_SECONDS = 5.0  # that a screenshot may take
LOGINS = 2  # in one operation: for a session that had expired before, and for one that ends in its midst
BETWEEN_ATTEMPTS = 2.0  # seconds, while the ERP generates an export that was given up
FLAGS = [
    f"--lang={LANGUAGE}",
    f"--accept-lang={LANGUAGE}",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--disable-quic",
    "--disable-breakpad",
    "--no-first-run",
    "--no-pings",
]
BROWSER_ENDED = _("the browser ended during the step “{step}”")
NOWHERE = "refused.invalid"  # the proxy for whatever is not the ERP's

# The page as it is, without what was entered and what the server keeps in it.
READ_PAGE = """() => {
    const root = document.documentElement.cloneNode(true);
    for (const input of root.querySelectorAll('input[type=password], input[type=hidden]')) {
        input.removeAttribute('value');
    }
    return root.outerHTML;
}"""

Answer = TypeVar("Answer")


class Refused(Exception):
    """The service answered a question with no: it knows why."""


def drive_browser() -> NoReturn:
    for ends_parent in (signal.SIGINT, signal.SIGTERM):  # which may come to both: the parent says what becomes of it
        signal.signal(ends_parent, signal.SIG_IGN)
    os.umask(0o077)
    pipe, alive = (int(argument) for argument in sys.argv[1:3])
    sessions: set[int] = set()
    Thread(target=watch_parent, args=(alive, sessions), daemon=True).start()
    try:
        serve(Connection(pipe), sessions)
    except (EOFError, ConnectionError):  # the parent has ended
        pass
    except BaseException:  # noqa: BLE001  # the parent learns of it by the end of the pipe
        traceback.print_exc()
    end(sessions)


def watch_parent(alive: int, sessions: set[int]) -> NoReturn:
    """End when the parent has, of which this pipe has the other end: also in the midst of what is never answered."""
    os.read(alive, 1)
    end(sessions)


def end(sessions: set[int]) -> NoReturn:
    process_tree.kill_tree(os.getpid(), sessions, spare_root=True)
    shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True)  # the parent's own, and gone if it was faster
    os._exit(0)


def serve(pipe: Connection, sessions: set[int]) -> None:
    """Carry out operations until none comes for a while, or the browser is of no use any more.

    `sessions` gets the system's sessions that the browser's processes belong to.
    """
    setup = pipe.recv()
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(
                executable_path=setup.executable,
                args=[*FLAGS, *confine_to(setup.url)],
                chromium_sandbox=os.geteuid() != 0,  # it does not start as root
                handle_sigint=False,
                handle_sigterm=False,
                handle_sighup=False,
            )
        except PlaywrightError as error:
            print(f"{setup.executable} does not start: {error.message}", file=sys.stderr)
            cause = Message(_("{file} does not start; the log tells more"), file=setup.executable)
            has_sandbox = not re.search("No usable sandbox|SUID sandbox helper", error.message)
            refuse(pipe, ErpUnavailable(reason=cause) if has_sandbox else ErpBrowserSandboxMissing())
            return
        # Chromium's crash handlers are nobody's children, in sessions of their own.
        started = [*process_tree.find_tree(os.getpid()), *process_tree.find_users(os.environ["TMPDIR"])]
        sessions |= {each.session for each in started}
        pipe.send(messages.Launched(frozenset(sessions)))
        while pipe.poll(setup.idle_seconds):
            work = Work(pipe, setup.url, pipe.recv())
            try:
                context = browser.new_context(
                    viewport=VIEWPORT,  # type: ignore[arg-type]
                    locale=LANGUAGE,
                    extra_http_headers={"Accept-Language": LANGUAGE},
                    accept_downloads=True,
                    service_workers="block",
                )
            except PlaywrightError as error:
                refuse(pipe, work.explain(error))
                return
            ended = work.carry_out(context)
            pipe.send(ended)
            if not ended.is_browser_usable:
                return


def refuse(pipe: Connection, error: Exception) -> None:
    """Tell of an operation that cannot begin."""
    pipe.send(messages.Outcome(failure=describe_error(error)))
    pipe.send(messages.Ended(None, is_browser_usable=False))


def confine_to(url: str) -> list[str]:
    """Flags with which Chromium reaches the ERP's own origin and nothing else, wherever redirects lead."""
    scheme, host, port = split_origin(url)
    return [
        f"--proxy-server=http://{NOWHERE}",
        f"--proxy-bypass-list=<-loopback>;{scheme}://{host}:{port}",
        f"--host-resolver-rules=MAP {NOWHERE} ~NOTFOUND",
    ]


def split_origin(url: str) -> tuple[str, str, int]:
    address = urlsplit(url)
    host = address.hostname or ""
    return (
        address.scheme,
        f"[{host}]" if ":" in host else host,
        address.port or (443 if address.scheme == "https" else 80),
    )


class Work:
    """One operation."""

    def __init__(self, pipe: Connection, url: str, operation: messages.Operation) -> None:
        self.pipe = pipe
        self.url = url
        self.operation = operation
        self.step = ""
        self.ends_at = time.monotonic() + operation.seconds
        self.busy_until = time.monotonic() + operation.busy_seconds
        self.led_to = ""  # an address outside the ERP's origin
        self.are_columns_shown = operation.are_columns_shown
        self.failed_look: messages.Failure | None = None
        self.is_told = False  # what became of it

    def carry_out(self, context: BrowserContext) -> messages.Ended:
        try:
            page = context.new_page()
            page.set_default_timeout(self.left * 1000)
            context.on("request", self.see_request)
            context.add_cookies(self.operation.cookies)  # type: ignore[arg-type]
            list_page = self.make_page(page)
            try:
                look = self.use_with_login(list_page, context)
            except Exception as error:  # it has no other way to tell of it
                self.tell(messages.Outcome(failure=self.describe(error)))
                if tells_of_end(error):
                    raise
                if not isinstance(error, Refused):
                    self.capture(page)
            else:
                self.tell(messages.Outcome(look, failed_look=self.failed_look))
            list_page.restore_filter()
            cookies = read_cookies(context)
            context.close()
        except PlaywrightError as error:
            if not self.is_told:
                self.tell(messages.Outcome(failure=self.describe(error)))
            return messages.Ended(None, is_browser_usable=False)
        return messages.Ended(cookies)

    def make_page(self, page: Page) -> ListPage:
        erp_list = self.operation.erp_list
        if isinstance(erp_list, ErpRecordList):
            return RecordPage(page, self.url, erp_list, report=self.report)
        return ListPage(page, self.url, erp_list, report=self.report)

    def tell(self, outcome: messages.Outcome) -> None:
        self.is_told = True
        self.pipe.send(outcome)

    @property
    def left(self) -> float:
        """Seconds, at least one: no limit at all is what 0 means to Playwright."""
        return max(self.ends_at - time.monotonic(), 1.0)

    def use_with_login(self, list_page: ListPage, context: BrowserContext) -> Look | None:
        """The operation, from the list's page on; again after a login, if the ERP asks for one in its midst."""
        for _login in range(LOGINS):
            try:
                return self.use(list_page)
            except LoginPageShown:
                self.report(_("log in"), login.LONGEST)
                login.log_in(list_page.page, self.ask_for_credentials)
                self.are_columns_shown = False
                self.pipe.send(messages.LoggedIn(read_cookies(context)))
        try:
            return self.use(list_page)
        except LoginPageShown:
            raise ErpSessionExpired from None

    def open(self, list_page: ListPage) -> None:
        """Open the list's page. While the ERP generates an export that was given up, it answers garbage or nothing."""
        while True:
            try:
                list_page.open()
                return
            except (ErpUnavailable, PlaywrightTimeout):
                if time.monotonic() > self.busy_until:
                    raise
            self.report(_("wait until the ERP has ended an export that was given up"), None)
            list_page.page.wait_for_timeout(BETWEEN_ATTEMPTS * 1000)

    def use(self, list_page: ListPage) -> Look | None:
        operation = self.operation
        self.open(list_page)
        if isinstance(list_page, RecordPage):
            self.download(list_page)
            return None
        list_page.choose_safe_filter()
        list_page.clear_grid_filter()
        if not self.are_columns_shown:
            list_page.show_columns()
            self.are_columns_shown = True
            self.pipe.send(messages.ColumnsShown())
        look: Look | None
        if operation.to is None:
            look = list_page.read_look()
            if operation.search:
                look = replace(look, found=list_page.read_look(operation.search))
        else:
            look = self.look_before_export(list_page)
            self.download(list_page)
        return look

    def download(self, list_page: ListPage) -> None:
        if self.operation.to is None:
            raise RuntimeError("The operation says no file to export to")
        list_page.download_export(
            self.operation.to,
            seconds=self.left,
            largest=self.operation.largest,
            progress=self.tell_progress,
            may_export=self.ask_to_export,
        )

    def look_before_export(self, list_page: ListPage) -> Look | None:
        """What the next looks are compared with; without it, the export is of no less use."""
        try:
            return list_page.read_look()
        except ErpError as error:
            self.failed_look = self.describe(error)
            return None

    # What the service is told and asked

    def report(self, step: str, seconds: float | None = STEP_SECONDS) -> None:
        self.step = step
        self.pipe.send(messages.Step(step, seconds))

    def tell_progress(self, done: int, total: int | None) -> None:
        self.pipe.send(messages.Received(done, total))

    def ask_for_credentials(self) -> messages.Credentials:
        return self.ask(messages.MayLogIn(), messages.Credentials)

    def ask_to_export(self) -> None:
        self.ask(messages.MayExport(), messages.Granted)

    def ask(self, question: object, kind: type[Answer]) -> Answer:
        self.pipe.send(question)
        answer = self.pipe.recv()
        if isinstance(answer, kind):
            return answer
        raise Refused

    # What went wrong

    def see_request(self, request: Request) -> None:
        """Note where the ERP's page itself leads outside the ERP's origin; Chromium does not get there."""
        leads = request.is_navigation_request() and request.url.startswith(("http:", "https:"))
        if leads and request.frame.parent_frame is None and split_origin(request.url) != split_origin(self.url):
            self.led_to = request.url

    def describe(self, error: Exception) -> messages.Failure:
        return describe_error(self.explain(error))

    def explain(self, error: Exception) -> Exception:
        """An error of Playwright as one that says what happened."""
        if self.led_to and isinstance(error, (PlaywrightError, ErpUnavailable)):
            base, address = urlsplit(self.url), urlsplit(self.led_to)
            origin = f"{address.scheme}://{address.netloc.rpartition('@')[2]}"
            return ErpLeadsElsewhere(
                address=origin, url=f"{base.scheme}://{base.netloc.rpartition('@')[2]}", suggested=origin + base.path
            )
        if isinstance(error, ExportIsWebPage):  # which is for a person who exports by hand
            return ErpAnswerUnexpected(reason=Message(_("a web page came instead of the PDF")))
        if isinstance(error, PlaywrightTimeout):
            return ErpUnavailable(reason=Message(_("the step “{step}” was not done in time"), step=self.step))
        if not isinstance(error, PlaywrightError):
            return error
        if found := re.search(r"net::ERR_(CERT_\w+|SSL_\w+|BAD_SSL\w+)", error.message):
            return ErpCertificateInvalid(reason=found[1])
        if found := re.search(r"net::ERR_(\w+)", error.message):
            cause = found[1].replace("_", " ").lower()
            return ErpUnavailable(reason=Message(_("the connection failed ({cause})"), cause=cause))
        if tells_of_end(error):
            return ErpUnavailable(reason=Message(BROWSER_ENDED, step=self.step))
        return ErpAnswerUnexpected(
            reason=Message(_("the step “{step}” failed ({cause})"), step=self.step, cause=error.message.splitlines()[0])
        )

    def capture(self, page: Page) -> None:
        """Keep what the page looked like, and its source. That it cannot be kept hides no error."""
        failed, address = self.step, urlsplit(page.url)._replace(query="", fragment="").geturl()
        self.report(messages.KEEP_PAGE, CAPTURE_STEP_SECONDS)
        try:
            page.screenshot(path=self.operation.failure.with_suffix(".png"), timeout=CAPTURE_SECONDS * 1000)
            said = f"<!-- {failed}: {address.replace('--', '%2D%2D')} -->\n"
            self.operation.failure.with_suffix(".html").write_text(said + page.evaluate(READ_PAGE))
        except (PlaywrightError, OSError) as error:
            print(f"The page of the failed step could not be kept: {error}", file=sys.stderr)


def describe_error(error: Exception) -> messages.Failure:
    if isinstance(error, SyncError):
        return messages.Failure(type(error).__name__, error.facts)
    if isinstance(error, OSError) and error.errno:
        return messages.Failure("OSError", {"errno": error.errno, "file": str(error.filename or "")})
    return messages.Failure(repr(error), {}, "".join(traceback.format_exception(error)))


def tells_of_end(error: Exception) -> bool:
    """Whether an error says that the page, the browser, or Playwright's own process has ended."""
    return isinstance(error, PlaywrightError) and bool(re.search("closed|crashed", error.message))


def read_cookies(context: BrowserContext) -> messages.Cookies:
    return [dict(cookie) for cookie in context.cookies()]
