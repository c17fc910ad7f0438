"""What goes wrong: each fault says where it is at work and what that affects, lasts a while, and is put right again."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from random import Random
from time import monotonic, sleep
from typing import Any, ClassVar

from django.db import connection

from tests.campaign.erp_line import ErpLine
from tests.campaign.event_log import EventLog
from tests.campaign.lines import Line
from tests.campaign.parts import CLUSTER, PROJECT, Part, get_kind, send
from tests.campaign.receivers import MailServer, Webhook
from tests.lists import TYPES

SYNC_DEMO_FAULTS = (  # those that change no record that is applied
    "expired-session",
    "html-instead-of-pdf",
    "server-error",
    "error-banner",
    "cut-connection",
    "stalled-connection",
    "remembered-filter",
    "kept-grid-filter",
    "silent-grid-filter",
    "truncated-file",
    "empty-file",
    "silent-filter",
    "hidden-columns",
    "hidden-column",
    "hidden-key",
    "moved-column",
    "renamed-column",
    "extra-column",
    "wrong-count",
    "wrong-sum",
    "duplicate-key",
    "unreadable-value",
    "missing-page",
    "unequal-rows",
)
HIDING = ("hidden-columns", "hidden-column")
AHEAD = Path(__file__).parent / "ahead"


@dataclass
class System:
    """The running product and its surroundings: all that can have a fault."""

    web: Part
    web_port: int
    workers: list[Part]
    erp: Part
    lines: dict[str, Line]  # to the database, by part
    erp_line: ErpLine
    erp_port: int
    mail_server: MailServer
    webhook: Webhook
    exports: Path
    exports_is_volume: bool
    lease: float
    event_log: EventLog

    @property
    def on_postgresql(self) -> bool:
        return bool(self.lines)

    @property
    def parts(self) -> list[Part]:
        return [self.web, *self.workers, self.erp]


class NotPossible(Exception):
    """This fault is not possible now, or not here."""


class Fault:
    """One thing that goes wrong."""

    name: ClassVar[str]
    only_postgresql: ClassVar[bool] = False
    lasts: ClassVar[tuple[float, float]] = (0, 0)  # seconds, or leases
    affects: frozenset[str] = frozenset()

    def __init__(self, system: System, random: Random) -> None:
        self.system = system
        self.random = random
        self.seconds = random.uniform(*self.lasts)

    def begin(self) -> str:
        """Let it happen, and say where. Raises NotPossible."""
        raise NotImplementedError

    def end(self) -> None:
        """Put right what does not pass by itself."""

    def choose_part(self, part: Part) -> Part:
        if not part.is_up:
            raise NotPossible(f"{part.name} is down")
        self.affects |= {get_kind(part)}
        part.expect_nothing(self.seconds + 2 * self.system.lease + 10)
        return part


# Processes


class Kill(Fault):
    name = "SIGKILL of a main process"

    def begin(self) -> str:
        part = self.choose_part(self.random.choice(self.system.parts))
        send(part.pid, signal.SIGKILL)
        return part.name


class KillOneOfACluster(Fault):
    name = "SIGKILL of one process of a worker"

    def begin(self) -> str:
        part = self.choose_part(self.random.choice(self.system.workers))
        kind = self.random.choice(sorted(CLUSTER - {"main"}))
        kinds = part.by_kind()
        if kind not in kinds:
            raise NotPossible(f"{part.name} has no {kind} now")
        send(kinds[kind], signal.SIGKILL)
        return f"{part.name}, {kind} {kinds[kind]}"


class Freeze(Fault):
    """For one or two leases; on SQLite whoever else writes may have to wait for it."""

    name = "SIGSTOP"

    def begin(self) -> str:
        part = self.choose_part(self.random.choice(self.system.parts))
        self.seconds = self.system.lease * self.random.uniform(1, 2)
        part.expect_nothing(self.seconds + 2 * self.system.lease + 10)
        if not self.system.on_postgresql:
            self.affects |= {"database"}
        kinds = part.by_kind()
        kind = self.random.choice([*sorted(kinds), "all"])
        self.pids = part.processes() if kind == "all" else [kinds[kind]]
        for pid in self.pids:
            send(pid, signal.SIGSTOP)
        return f"{part.name}, {kind}, for {self.seconds:.1f} s"

    def end(self) -> None:
        for pid in self.pids:
            send(pid, signal.SIGCONT)


class FreezeInATransaction(Freeze):
    """Whatever transaction it is in: one that starts a run, applies it, requests one, opens a form."""

    name = "SIGSTOP in a transaction"
    only_postgresql = True

    def begin(self) -> str:
        part = self.choose_part(self.random.choice([self.system.web, *self.system.workers]))
        self.seconds = self.system.lease * self.random.uniform(1, 3)
        part.expect_nothing(self.seconds + 2 * self.system.lease + 10)
        deadline = monotonic() + 4
        while monotonic() < deadline:
            if not self.transactions(part):
                sleep(0.001)
                continue
            self.pids = part.processes()
            for pid in self.pids:
                send(pid, signal.SIGSTOP)
            sleep(0.1)
            if queries := self.transactions(part):
                return f"{part.name}, for {self.seconds:.1f} s, after {queries[0][:100]}"
            self.end()
        raise NotPossible(f"{part.name} was met in no transaction")

    def transactions(self, part: Part) -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT query FROM pg_stat_activity WHERE application_name = %s AND state LIKE 'idle in transaction%%'",
                [part.name],
            )
            return [row[0] for row in cursor.fetchall()]


class Restart(Fault):
    name = "SIGTERM and started again"

    def begin(self) -> str:
        part = self.choose_part(self.random.choice(self.system.parts))
        part.terminate()
        return part.name


class ClockAhead(Fault):
    """Of one machine: on SQLite all processes have the same clock."""

    name = "clock ahead"
    only_postgresql = True
    lasts = (15, 30)

    def begin(self) -> str:
        self.part = self.choose_part(self.random.choice(self.system.workers))
        seconds = self.random.choice((5 * 60, 60 * 60))
        self.part.extra = {"CLOCK_AHEAD": str(seconds), "PYTHONPATH": os.pathsep.join([str(AHEAD), str(PROJECT)])}
        self.part.terminate()
        return f"{self.part.name}, by {seconds // 60} min"

    def end(self) -> None:
        self.part.extra = {}
        self.part.expect_nothing(2 * self.system.lease + 10)
        self.part.terminate()


# The database


class DatabaseLine(Fault):
    only_postgresql = True
    does: ClassVar[Callable[[Line], None]]

    def begin(self) -> str:
        part = self.choose_part(self.random.choice([self.system.web, *self.system.workers]))
        self.line = self.system.lines[part.name]
        if part is self.system.web:
            self.affects |= {"database"}
        type(self).does(self.line)
        return f"{part.name}, for {self.seconds:.1f} s"

    def end(self) -> None:
        self.line.restore()


class DatabaseCut(DatabaseLine):
    name = "connections to the database cut"
    lasts = (0.5, 6)
    does = Line.cut


class DatabaseSilent(DatabaseLine):
    name = "connections to the database dead in silence"
    lasts = (2, 10)
    does = Line.swallow


class DatabaseHeld(DatabaseLine):
    name = "connections to the database held up"
    lasts = (2, 10)
    does = Line.hold


# The ERP


class DemoFault(Fault):
    name = "the ERP's own fault"
    lasts = (4, 10)
    affects = frozenset({"erp"})

    def begin(self) -> str:
        label, sync_type = self.random.choice(SYNC_DEMO_FAULTS), self.random.choice((None, *TYPES))
        times = self.random.choice((1, 2, None))
        self.ask("POST", "/demo/faults", {"fault": label, "list": sync_type, "times": times})
        self.affects |= {"columns"} if label in HIDING else set()
        return f"{label}, {sync_type or 'any list'}, {times or 'all'} times for {self.seconds:.1f} s"

    def end(self) -> None:
        with suppress(NotPossible):  # it is killed, and has forgotten its faults; or frozen, and is asked at the end
            self.ask("DELETE", "/demo/faults")

    def ask(self, method: str, path: str, body: Any = None) -> None:
        http = HTTPConnection("127.0.0.1", self.system.erp_port, timeout=5)
        try:
            http.request(method, path, None if body is None else json.dumps(body))
            if (answer := http.getresponse()).status != 200:
                raise NotPossible(f"the ERP answers with {answer.status}")
        except (OSError, HTTPException) as error:
            raise NotPossible(f"the ERP does not answer: {error}") from None
        finally:
            http.close()


class ErpLineFault(Fault):
    affects = frozenset({"erp"})
    lasts = (5, 20)
    sets: ClassVar[str]

    def begin(self) -> str:
        self.system.erp_line.restored.clear()
        setattr(self.system.erp_line, self.sets, True)
        return f"for {self.seconds:.1f} s"

    def end(self) -> None:
        self.system.erp_line.restore()


class ErpDribbles(ErpLineFault):
    name = "the ERP sends a byte each half second"
    lasts = (10, 40)
    sets = "dribbles"


class ErpHangs(ErpLineFault):
    name = "the ERP does not answer"
    sets = "hangs"


class ErpRejectsLogins(ErpLineFault):
    name = "the ERP rejects logins"
    sets = "rejects_logins"


class ErpSendsOtherLists(ErpLineFault):
    name = "the ERP sends another list's export"
    sets = "sends_other_lists"


class ErpDoublesPages(ErpLineFault):
    name = "the ERP sends a page twice"
    sets = "doubles_pages"


# Surroundings


class MailServerSilent(Fault):
    name = "the mail server accepts and never answers"
    lasts = (8, 20)
    affects = frozenset({"alerts"})

    def begin(self) -> str:
        self.system.mail_server.speaks.clear()
        return f"for {self.seconds:.1f} s"

    def end(self) -> None:
        self.system.mail_server.speaks.set()


class WebhookFails(Fault):
    name = "the webhook answers 503"
    lasts = (5, 15)
    affects = frozenset({"alerts"})

    def begin(self) -> str:
        self.system.webhook.fails = True
        return f"for {self.seconds:.1f} s"

    def end(self) -> None:
        self.system.webhook.fails = False


class ExportsFull(Fault):
    name = "the exports' volume is full"
    lasts = (4, 10)
    affects = frozenset({"volume"})

    def begin(self) -> str:
        if not self.system.exports_is_volume:
            raise NotPossible("no volume may be mounted here")
        self.path = self.system.exports / "filler"
        with suppress(OSError), self.path.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(65_536))
        return f"for {self.seconds:.1f} s"

    def end(self) -> None:
        self.path.unlink(missing_ok=True)


ALL: tuple[type[Fault], ...] = (
    Kill,
    KillOneOfACluster,
    Freeze,
    FreezeInATransaction,
    Restart,
    ClockAhead,
    DatabaseCut,
    DatabaseSilent,
    DatabaseHeld,
    DemoFault,
    ErpDribbles,
    ErpHangs,
    ErpRejectsLogins,
    ErpSendsOtherLists,
    ErpDoublesPages,
    MailServerSilent,
    WebhookFails,
    ExportsFull,
)
WEIGHTS = {Kill: 2, KillOneOfACluster: 4, Freeze: 4, FreezeInATransaction: 3, Restart: 2, DemoFault: 4}  # the others: 1
