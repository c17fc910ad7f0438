"""Whether the ERP can be asked as the settings say, step by step; nothing is written to the mirror.

What is asked is what a run asks: the same client fetches the same exports, which are read as strictly. So each export
counts against the day's, and so does the login; there is one at most.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.utils import timezone

from sync import failure_files
from sync.coordinator import outages
from sync.coordinator.mutex import Lease
from sync.coordinator.reading import open_export
from sync.database import clock
from sync.disk import TEMPORARY_FILES, get_temporary_folder, translate_disk_errors
from sync.erp import allowance, get_erp_client, look_records
from sync.erp import login as erp_login
from sync.erp.client import ErpClient, Look, LookingErpClient, WebErpClient, ignore_step
from sync.exceptions import (
    ControlTotalMismatch,
    ErpError,
    ErpLeadsElsewhere,
    ErpLoginRejected,
    ErpNotAsked,
    ErpSessionExpired,
    ExportError,
    SyncError,
)
from sync.exports.reader import Records
from sync.exports.totals import ControlTotal
from sync.messages import Message
from sync.progress import Progress, Stage
from sync.service import SyncService

CONNECT_SECONDS = 10.0
RENEWED_BEFORE = 14  # days that a certificate is still valid: then somebody had better renew it
PORTS = {"http": 80, "https": 443}
CONCERN_ALL_LISTS = (ErpLeadsElsewhere, ErpLoginRejected, ErpNotAsked, ErpSessionExpired)


class Outcome(StrEnum):
    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass
class Step:
    """One thing that was tried. Values of the ERP's records stand in `error`, `notes`, `totals` and `files` only."""

    name: str
    sync_type: str = ""  # "": it is about all lists
    outcome: Outcome = Outcome.OK
    detail: str = ""
    seconds: float | None = None
    error: SyncError | None = None
    notes: list[str] = field(default_factory=list)
    totals: list[ControlTotal] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)  # what the ERP showed when it failed


class ErpCheck:
    """Tries one thing after the other; `tell` is called with each step once it has ended."""

    def __init__(
        self, services: list[SyncService], *, lease: Lease, tell: Callable[[Step], object], progress: Progress
    ) -> None:
        self.services = services
        self.lease = lease
        self.tell = tell
        self.show_progress = progress
        self.steps: list[Step] = []
        self.captions: dict[str, tuple[str, ...]] = {}  # of the columns that each list was seen to have
        self.sync_type = ""  # of the list that is tried
        self.current: Step | None = None
        self.began = 0.0  # the current step, in seconds, monotonic
        self.logins = 0
        self.is_logging_in = False
        self.is_login_lost = False  # the ERP asked for a second one
        self.fetched_without_login = 0  # lists

    @property
    def has_failed(self) -> bool:
        return any(step.outcome is Outcome.FAILED for step in self.steps)

    def run(self) -> None:
        """Raises what says nothing of the ERP: LeaseLost, DiskFull."""
        failure_files.delete_check_files()
        client = self.find_client()
        if client is None:
            return
        blocker = "" if not settings.ERP_URL or self.connect(urlsplit(settings.ERP_URL)) else "the ERP was not reached"
        with self.watch(client), make_folder() as folder:
            for service in self.services:
                self.sync_type = service.sync_type
                if blocker:
                    self.add(Step("export", service.sync_type, Outcome.SKIPPED, blocker))
                else:
                    blocker = self.check_list(client, service, folder / f"{service.sync_type}.pdf")
        self.sync_type = ""
        if settings.ERP_URL:
            self.judge_session()

    # Steps

    def begin(self, name: str) -> None:
        self.current, self.began = Step(name, self.sync_type), time.monotonic()

    def end(self, detail: str = "", **found: Any) -> None:
        if self.current:
            step, self.current = self.current, None
            step.seconds = time.monotonic() - self.began
            step.detail = detail or step.detail
            for name, value in found.items():
                setattr(step, name, value)
            self.add(step)

    def fail(self, error: SyncError, **found: Any) -> None:
        if self.current is None:
            self.begin("export")
        self.end(error=error, outcome=Outcome.FAILED, **found)

    def add(self, step: Step) -> None:
        self.steps.append(step)
        self.tell(step)

    def keep_going(self, stage: Stage, done: int, total: int | None) -> None:
        self.lease.keep()
        self.show_progress(stage, done, total)

    # The way there

    def find_client(self) -> ErpClient | None:
        missing = [
            name for name in ("ERP_USERNAME", "ERP_PASSWORD") if settings.ERP_URL and not getattr(settings, name)
        ]
        told = "; ".join(f"{name} {value}" for name, value in list_settings().items())
        try:
            client = get_erp_client()
        except ErpError as error:
            self.begin("settings")
            self.fail(error)
            return None
        if missing:
            self.add(Step("settings", outcome=Outcome.FAILED, detail=f"{told}. Set {' and '.join(missing)}."))
            return None
        self.add(Step("settings", detail=told))
        return client

    def connect(self, address: SplitResult) -> bool:
        """Whether the ERP's machine answers."""
        host, port = address.hostname or "", address.port or PORTS[address.scheme]
        self.begin("reachable")
        try:
            socket.create_connection((host, port), timeout=CONNECT_SECONDS).close()
        except OSError as error:
            why = f"{host} port {port} does not answer ({error.strerror or error}). If a browser on this machine cannot"
            advice = "open it either, the network or the ERP is down, or its operators block this machine: ask them."
            self.end(f"{why} {advice}", outcome=Outcome.FAILED)
            return False
        self.end(f"{host} port {port}")
        if address.scheme == "http":
            self.add(Step("certificate", outcome=Outcome.SKIPPED, detail="plain HTTP: whoever is on the way can read"))
            return True
        self.begin("certificate")
        try:
            expires = read_expiry(host, port)
        except OSError as error:
            cause = getattr(error, "verify_message", "") or error.strerror or str(error)
            why = f"the certificate of {host} is not trusted ({cause}). Use the name that it is made out to in ERP_URL,"
            self.end(f"{why} or have the ERP's operators put it right.", outcome=Outcome.FAILED)
            return True  # browsers and systems differ in whom they trust: the client decides
        days = (expires - clock.now()).days
        advice = "; have the ERP's operators renew it" if days < RENEWED_BEFORE else ""
        self.end(f"valid for {days} days, until {timezone.localtime(expires):%d/%m/%Y}{advice}")
        return True

    @contextmanager
    def watch(self, client: ErpClient) -> Iterator[None]:
        """Learn of a web client's steps, and let it log in once."""
        if not isinstance(client, WebErpClient):
            yield
            return
        spend_login = client.spend_login
        client.report, client.spend_login = self.follow, partial(self.spend_login, spend_login)
        try:
            yield
        finally:
            client.report, client.spend_login = ignore_step, spend_login
            client.close()

    def follow(self, step: str) -> None:
        """What a client reports: a step that it begins, or, with facts, what it found in the current one."""
        if self.current and isinstance(step, Message) and step.facts:
            self.current.notes.append(step)
            return
        self.end()
        if self.is_logging_in:  # and goes on: the ERP accepted the login, whatever becomes of the export
            self.is_logging_in = False
            erp_login.note_accepted()
        self.begin(step)

    def spend_login(self, spend: Callable[[], object]) -> None:
        if self.logins:
            self.is_login_lost = True
            raise ErpSessionExpired
        spend()
        self.logins += 1
        self.is_logging_in = True

    def judge_session(self) -> None:
        """Whether a login lasts for more than one list."""
        logins = "1 login" if self.logins else "no login was needed"
        if self.is_login_lost:
            detail = "the ERP asked for a second login, which was refused: it does not keep the session of the first"
            self.add(Step("session kept", outcome=Outcome.FAILED, detail=detail))
        elif self.fetched_without_login:
            self.add(Step("session kept", detail=f"{logins}; lists exported without one: {self.fetched_without_login}"))
        else:
            detail = f"{logins}; no list was exported without one: check two or more to see whether a session lasts"
            self.add(Step("session kept", outcome=Outcome.SKIPPED, detail=detail))

    # A list

    def check_list(self, client: ErpClient, service: SyncService, path: Path) -> str:
        """Why no further list can be asked for; "" if they can."""
        logins_before = self.logins
        if not isinstance(client, WebErpClient):
            self.begin("copy the newest file")
        try:
            longest = settings.ERP_EXPORT_TIMEOUT
            with erp_login.note_outcome():
                export = client.fetch(service.erp_list, to=path, at_most=longest, progress=self.keep_going)
        except (ErpError, ExportError) as error:
            self.is_logging_in = False  # a login that nothing answered was not accepted
            self.fail(error, files=failure_files.keep_check_files(path))
            return "see above" if isinstance(error, CONCERN_ALL_LISTS) else ""
        outages.note_answer()
        self.fetched_without_login += self.logins == logins_before
        self.end()
        detail = f"{path.stat().st_size} bytes, as of {timezone.localtime(export.fetched_at):%d/%m/%Y %H:%M:%S}"
        self.add(Step("file", service.sync_type, detail=detail))
        self.read(service, path, export.seen, is_looking=isinstance(client, LookingErpClient))
        path.unlink()
        return ""

    def read(self, service: SyncService, path: Path, seen: Look | None, *, is_looking: bool) -> None:
        comparison = LookComparison(service, seen) if seen else None
        self.begin("read")
        count = 0
        try:
            with open_export(path, service, self.keep_going) as records:
                for record in records:
                    count += 1
                    if comparison:
                        comparison.compare(records.fields, record.values)
        except ExportError as error:
            self.fail(error, totals=error.totals if isinstance(error, ControlTotalMismatch) else [])
            return
        self.end(f"{count} records, {records.pages.count} pages", notes=list(records.notes))
        self.add(Step("columns", service.sync_type, detail=describe_columns(service, records)))
        captions = seen.headers if seen else [*(column.title for column in records.columns), *records.unknown]
        self.captions[service.sync_type] = tuple(captions)
        totals = Step("control totals", service.sync_type, totals=list(records.totals))
        if not records.totals:
            totals.outcome, totals.detail = Outcome.SKIPPED, "the export has none"
        self.add(totals)
        if comparison:
            self.add(comparison.judge(count))
        elif is_looking:
            why = "the list could not be looked at before the export: the log above says why"
            self.add(Step("look", service.sync_type, Outcome.FAILED, why))


class LookComparison:
    """A look beside the export that came after it."""

    def __init__(self, service: SyncService, seen: Look) -> None:
        self.service = service
        self.seen = seen
        self.error: ExportError | None = None
        self.unmatched: dict[Any, dict[str, Any]] = {}  # records of the look that the export has not shown yet
        self.different: set[str] = set()  # fields
        try:
            records = look_records.read_records(seen, service.layout, name=service.sync_type)
            for record in records:
                values = dict(zip(records.fields, record.values, strict=True))
                self.unmatched[values[service.layout.key]] = values
        except ExportError as error:
            self.error = error

    def compare(self, fields: list[str], values: tuple[Any, ...]) -> None:
        found = dict(zip(fields, values, strict=True))
        looked = self.unmatched.pop(found[self.service.layout.key], {})
        self.different |= {name for name in looked.keys() & found.keys() if looked[name] != found[name]}

    def judge(self, count: int) -> Step:
        step = Step("look", self.service.sync_type, detail=f"{len(self.seen.rows)} rows of {self.seen.count}")
        problems = []
        if self.seen.count not in (None, count):
            problems.append(f"the export has {count} records")
        if self.unmatched:
            problems.append(f"the export lacks {len(self.unmatched)} of the rows")
        if self.different:
            titles = {column.field: column.title for column in self.service.layout.columns}
            problems.append(f"the export differs in {', '.join(sorted(titles[name] for name in self.different))}")
        if self.error:
            step.outcome, step.error = Outcome.FAILED, self.error
        elif problems:
            step.outcome = Outcome.FAILED
            step.detail += f": {'; '.join(problems)}. Check again: somebody may have saved a record in between."
        else:
            step.detail += ", equal to the export's"
        return step


@contextmanager
def make_folder() -> Iterator[Path]:
    """A folder for exports that is gone afterwards, whatever happens."""
    with (
        translate_disk_errors(TEMPORARY_FILES, get_temporary_folder()),
        TemporaryDirectory(prefix="archibald-") as folder,
    ):
        yield Path(folder)


def list_settings() -> dict[str, str]:
    """How the ERP is asked, without a secret."""
    if not settings.ERP_URL:
        return {"ERP_FOLDER": str(settings.ERP_FOLDER or "not set")}
    address = urlsplit(settings.ERP_URL)
    told = {
        "ERP_CLIENT": settings.ERP_CLIENT,
        "ERP_URL": address._replace(netloc=address.netloc.rpartition("@")[2]).geturl(),
        "ERP_USERNAME": "is set" if settings.ERP_USERNAME else "is not set",
        "ERP_PASSWORD": "is set" if settings.ERP_PASSWORD else "is not set",
        "ERP_HOURS": settings.ERP_HOURS.text,
    }
    if used := allowance.read_allowance(clock.now()):
        told["logins today"] = f"{used.logins.count} of {used.logins.limit}"
        told["exports today"] = f"{used.exports.count} of {used.exports.limit}"
    if rejected := erp_login.find_rejected_login():
        told["login"] = f"rejected on {timezone.localtime(rejected.at):%d/%m/%Y %H:%M}, and tried once more now"
    return told


def read_expiry(host: str, port: int) -> datetime:
    """When the certificate that is shown there expires. Raises OSError if it is not trusted."""
    context = ssl.create_default_context()
    with (
        socket.create_connection((host, port), timeout=CONNECT_SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=host) as connection,
    ):
        certificate = connection.getpeercert() or {}
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)


def describe_columns(service: SyncService, records: Records) -> str:
    shown = records.columns
    hidden = [column.title for column in service.layout.columns if column.field and column not in shown]
    parts = [f"{len(shown)} shown"]
    if hidden:
        parts.append(f"hidden: {', '.join(hidden)}")
    if unknown := [header for header in records.unknown if header]:
        parts.append(f"not known here: {', '.join(unknown)}")
    return "; ".join(parts)
