"""Exports and looks by a real browser, in a process that this one can end at any moment."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Lock
from typing import Any

from sync.database import clock
from sync.erp import transfer
from sync.erp.browser import messages
from sync.erp.browser.kept_session import KeptSession
from sync.erp.browser.process import MOST_MEMORY, BrowserProcess
from sync.erp.client import ErpList, ErpRecordList, Export, Look
from sync.exceptions import ErpUnavailable, SyncError
from sync.messages import Message
from sync.messages import gettext_noop as _
from sync.progress import Progress, Stage

logger = logging.getLogger(__name__)

BETWEEN_CHECKPOINTS = 0.1  # seconds
START_SECONDS = 60.0  # that the browser may take to start
GRACE = 5.0  # seconds: the process ends a step by itself, with a screenshot, before it is ended
ENDING = 1.0  # seconds: the same for the whole operation
BETWEEN_MEASUREMENTS = 5.0  # seconds, of the browser's memory
BROWSER_ENDED = _("the browser ended during the step “{step}”")


def do_nothing(*_arguments: object) -> None:
    pass


class BrowserClient:
    """Fetches and looks, one at a time. Two sessions of the ERP, as that answers only one request of each at a time:
    a look need not wait for an export that was given up. Nor for a browser to start: each session has its own, as the
    one of an export that is given up is ended. Looks keep the session of exports alive.

    `spend_login` and `spend_export` are called before each, and raise the error that refuses it. `report` learns of
    each step by its name.
    """

    def __init__(
        self,
        url: str,
        username: str,
        password: str,
        *,
        sessions: Path,
        spend_login: Callable[[], object] = do_nothing,
        spend_export: Callable[[], object] = do_nothing,
        count_look: Callable[[], object] = do_nothing,
        report: Callable[[str], object] = do_nothing,
        executable: str = "",
        largest: int = transfer.LARGEST_EXPORT,
    ) -> None:
        self.url = url.rstrip("/")
        self.credentials = messages.Credentials(username, password)
        self.sessions = sessions
        self.spend_login = spend_login
        self.spend_export = spend_export
        self.count_look = count_look
        self.report = report
        self.executable = executable
        self.largest = largest  # bytes of an export
        self.processes: dict[str, BrowserProcess] = {}  # by the session that they use
        self.in_use = Lock()

    def fetch(self, erp_list: ErpList, *, to: Path, at_most: timedelta, progress: Progress) -> Export:
        try:
            outcome, seconds = self.carry_out("exports", erp_list, at_most, progress, failure=to, to=to)
        except BaseException:
            to.unlink(missing_ok=True)
            raise
        if outcome.failed_look:
            logger.warning("No look before the export of %s: %s", erp_list.name, outcome.failed_look.rebuild())
        return Export(to, clock.now() - timedelta(seconds=seconds), outcome.look)

    def fetch_record_list(
        self, record_list: ErpRecordList, *, to: Path, at_most: timedelta, progress: Progress
    ) -> Export:
        return self.fetch(record_list, to=to, at_most=at_most, progress=progress)

    def look(
        self, erp_list: ErpList, *, search: str = "", failure: Path, at_most: timedelta, progress: Progress
    ) -> Look:
        self.count_look()
        outcome, _seconds = self.carry_out(
            self.choose_session(), erp_list, at_most, progress, failure=failure, search=search
        )
        if outcome.look is None:
            raise RuntimeError("The browser's process gives no look")
        return outcome.look

    def choose_session(self) -> str:
        """The session that a look uses: that of exports if it would expire otherwise, as most runs only look.

        Else each export that comes after 20 minutes of looks would need a login.
        """
        exports, looks = (self.open_session(name) for name in ("exports", "looks"))
        exports.load()
        looks.load()
        renews = exports.is_to_be_renewed and exports.idle_seconds > looks.idle_seconds
        return "exports" if renews else "looks"

    def open_session(self, name: str) -> KeptSession:
        return KeptSession(self.sessions, name, url=self.url, username=self.credentials.username)

    def close(self) -> None:
        """End the browsers. The next operation starts another one, with the session that there is."""
        for name in list(self.processes):
            self.end_process(name)

    def provide_process(self, name: str) -> BrowserProcess:
        """The browser of a session, started if there is none. Raises ErpBrowserMissing."""
        if name in self.processes and self.processes[name].owner != os.getpid():
            self.end_process(name)
        if name not in self.processes:
            self.processes[name] = BrowserProcess(self.url, self.executable)
        return self.processes[name]

    def end_process(self, name: str) -> None:
        """End the browser of a session; one of the process which this one was forked from is forgotten."""
        process = self.processes.pop(name, None)
        if process and process.owner == os.getpid():
            process.kill()

    def carry_out(
        self, name: str, erp_list: ErpList, at_most: timedelta, progress: Progress, **details: Any
    ) -> tuple[messages.Outcome, float]:
        """One operation in a session of the ERP; and for how many seconds its export had been asked for."""
        ends_at = time.monotonic() + at_most.total_seconds()

        def wait() -> None:
            progress(Stage.FETCHING, 0, None)
            if time.monotonic() > ends_at:
                raise ErpUnavailable(
                    reason=Message(
                        _("another operation used the ERP's session for {seconds} s"),
                        seconds=f"{at_most.total_seconds():g}",
                    )
                )

        session = self.open_session(name)
        with self.wait_for_turn(wait), session.lock(wait):
            session.save()
            while True:
                exchange = Exchange(self, name, session, erp_list, ends_at, progress, details)
                try:
                    return exchange.carry_out(), time.monotonic() - exchange.asked
                except BrowserEnded:
                    # One that ended since the last operation is replaced; nothing was asked of the ERP yet.
                    if not exchange.is_reused or exchange.has_begun:
                        raise ErpUnavailable(reason=Message(BROWSER_ENDED, step=exchange.step)) from None

    @contextmanager
    def wait_for_turn(self, wait: Callable[[], None]) -> Iterator[None]:
        while not self.in_use.acquire(timeout=BETWEEN_CHECKPOINTS):
            wait()
        try:
            yield
        finally:
            self.in_use.release()


class BrowserEnded(Exception):
    """The browser's process, or the browser, ended by itself."""


class Exchange:
    """One operation: what is told to the browser's process, and what it tells and asks."""

    def __init__(
        self,
        client: BrowserClient,
        name: str,
        session: KeptSession,
        erp_list: ErpList,
        ends_at: float,
        progress: Progress,
        details: dict[str, Any],
    ) -> None:
        self.client = client
        self.name = name
        self.session = session
        self.erp_list = erp_list
        self.ends_at = ends_at
        self.progress = progress
        self.details = details
        self.step = _("start the browser")
        self.step_ends_at = time.monotonic() + START_SECONDS
        self.is_reused = name in client.processes
        self.has_begun = False  # to ask the ERP
        self.done = 0
        self.total: int | None = None
        self.asked = time.monotonic()
        self.refusal: Exception | None = None
        self.outcome: messages.Outcome | None = None
        self.measured = time.monotonic()

    def carry_out(self) -> messages.Outcome:
        client, session = self.client, self.session
        try:
            self.process = client.provide_process(self.name)
            operation = messages.Operation(
                self.erp_list,
                session.cookies,
                self.erp_list.name in session.lists_with_columns,
                self.ends_at - time.monotonic() - ENDING,
                session.busy_seconds,
                largest=client.largest,
                **self.details,
            )
            try:
                self.process.send(operation)
                self.converse()
            except (EOFError, ConnectionError):
                raise BrowserEnded from None
            if self.process.is_worn:
                client.end_process(self.name)
        except (BrowserEnded, ErpUnavailable):
            client.end_process(self.name)
            if not self.outcome:
                raise
            logger.warning("The browser was ended after %s, in the step: %s", self.erp_list.name, self.step)
        except BaseException:
            client.end_process(self.name)
            raise
        if self.outcome is None:
            raise RuntimeError("The browser's process ended the operation without an outcome")
        if self.outcome.failure:
            raise self.refusal or self.outcome.failure.rebuild()
        return self.outcome

    def converse(self) -> None:
        """Answer what the process asks, until it has ended the operation."""
        told = time.monotonic()
        while True:
            message = self.process.receive(within=BETWEEN_CHECKPOINTS)
            match message:
                case messages.Launched(sessions):
                    self.process.sessions |= sessions
                case messages.Step(name, seconds):
                    self.begin_step(name, seconds)
                case messages.Received(done, total):
                    self.done, self.total = done, total
                case messages.MayLogIn():
                    self.answer(self.client.spend_login, self.client.credentials)
                case messages.MayExport():
                    self.answer(self.note_export, messages.Granted())
                case messages.LoggedIn(cookies):
                    self.session.begin(cookies)
                    self.session.save()
                case messages.ColumnsShown():
                    self.session.lists_with_columns.append(self.erp_list.name)
                    self.session.save()
                case messages.Outcome(failure=failure):
                    self.outcome = message
                    if not failure and self.session.exporting_since:
                        self.session.exporting_since = None
                        self.session.save()
                case messages.Ended(cookies, is_browser_usable):
                    self.end(cookies, is_browser_usable)
                    return
            if message is None or time.monotonic() > told + BETWEEN_CHECKPOINTS:
                told = time.monotonic()
                self.progress(Stage.FETCHING, self.done, self.total)
                self.check_limits(told)

    def end(self, cookies: messages.Cookies | None, is_browser_usable: bool) -> None:
        """Keep the session as it is now. Raises BrowserEnded; nothing is told if one from before had ended already."""
        if cookies is not None:
            self.session.cookies = cookies
        self.session.save()
        if not is_browser_usable:
            if self.is_reused and not self.has_begun:
                self.outcome = None
            raise BrowserEnded

    def begin_step(self, name: str, seconds: float | None) -> None:
        self.has_begun = True
        self.step = name
        self.step_ends_at = self.ends_at if seconds is None else time.monotonic() + seconds + GRACE
        if name != messages.KEEP_PAGE:
            self.client.report(name)

    def note_export(self) -> None:
        """The ERP may be generating an export from now on, whatever becomes of this process."""
        self.client.spend_export()
        self.process.exports_left -= 1
        self.session.exporting_since = time.time()
        self.session.save()
        self.asked = time.monotonic()
        self.step_ends_at = self.ends_at

    def answer(self, spend: Callable[[], object], granted: object) -> None:
        try:
            spend()
        except SyncError as error:
            self.refusal = error
            self.process.send(messages.Refused())
        else:
            self.process.send(granted)

    def check_limits(self, now: float) -> None:
        if now > min(self.ends_at, self.step_ends_at):
            raise ErpUnavailable(reason=Message(_("the step “{step}” was not done in time"), step=self.step))
        if now > self.measured + BETWEEN_MEASUREMENTS:
            self.measured = now
            if self.process.memory > MOST_MEMORY:
                limit = Message(_("the browser takes more than {count} MB of memory"), count=MOST_MEMORY // 1024**2)
                raise ErpUnavailable(reason=limit)
