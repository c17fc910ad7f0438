"""A campaign from its start to its report."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random
from threading import Event, Thread
from time import sleep, time
from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import DatabaseError, connection, connections

from customers.models import Customer
from demo.erp.server import DEMO_PASSWORD, DEMO_USERNAME
from orders.drafts import DraftInput, LineInput, price_draft
from orders.models import Draft, Product
from sync.models import RecordChange, SyncEvent, SyncRun
from tests.campaign import faults, leftovers
from tests.campaign.checks import (
    AlertsArrive,
    Check,
    DraftsAreKept,
    HistoryAgrees,
    MirrorIsWhole,
    NoOverlap,
    NothingVanishes,
    WebAnswers,
    WorkIsDone,
)
from tests.campaign.erp_line import ErpLine
from tests.campaign.erp_states import ErpStates
from tests.campaign.event_log import ActiveFault, EventLog
from tests.campaign.faults import Fault, NotPossible, System
from tests.campaign.lines import Line
from tests.campaign.parts import Operator, Part, wait_until_it_listens
from tests.campaign.people import PASSWORD, Administrator, Agent, Client, Life, Person
from tests.campaign.receivers import MailServer, Webhook
from tests.campaign.snapshot import take_snapshot
from tests.campaign.status import StatusTellsTheTruth
from tests.lists import TYPES

Kind = SyncEvent.Kind

SCALE = 0.03  # of the demo ERP's lists
ERP_TAKES = 0.4  # seconds for an export
STOPS_WITHIN = 20  # seconds that a part has after SIGTERM; systemd's are 15, on a machine that does nothing else
FAULTS_FOR, NO_FAULTS_FOR = 70, 35  # seconds, by turns: what must come right again has to be seen coming right
AT_ONCE = 4  # faults at work
SYNCED_WITHIN = 150  # seconds that all lists have at the end
VOLUME = "16m"  # of exports


@dataclass(frozen=True)
class Options:
    minutes: float
    seed: int
    folder: Path
    faults: tuple[type[Fault], ...]
    workers: int
    agents: int
    sabotage: tuple[str, ...]  # what a test does to the database at the end, for the checks to find


class Campaign:
    """One campaign."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.random = Random(options.seed)
        self.event_log = EventLog(options.folder)
        self.mark = f"{options.folder.name}-{os.getpid()}"
        self.temporary = options.folder / "tmp"
        self.temporary.mkdir()
        self.system = self.build_system()
        self.operator = Operator(self.system.parts, self.event_log, stops_within=STOPS_WITHIN)
        self.states = ErpStates(journal=options.folder / "erp.jsonl", scale=SCALE)
        self.at_work: list[tuple[float, Fault, ActiveFault]] = []  # until when
        self.stopping = Event()
        self.failure: BaseException | None = None
        self.tracebacks: dict[str, int] = {}

    def build_system(self) -> System:
        folder, erp_port, web_port = self.options.folder, find_free_port(), find_free_port()
        erp_line, mail_server, webhook = ErpLine(erp_port), MailServer(), Webhook()
        environment = dict(os.environ) | {
            "ERP_URL": f"http://127.0.0.1:{erp_line.port}",
            "ERP_USERNAME": DEMO_USERNAME,
            "ERP_PASSWORD": DEMO_PASSWORD,
            "ALERT_EMAILS": "operator@campaign.example",
            "ALERT_URL": f"http://127.0.0.1:{webhook.port}/",
            "EMAIL_URL": f"smtp://127.0.0.1:{mail_server.port}",
            "TMPDIR": str(self.temporary),
        }
        lines: dict[str, Line] = {}
        workers = [f"worker-{number}" for number in range(1, self.options.workers + 1)]

        def part(name: str, *command: str) -> Part:
            own = {}
            if connection.vendor == "postgresql" and name != "erp":
                lines[name] = Line(find_database_socket())
                own = {"DATABASE_URL": make_database_url(lines[name].port, name)}
            return Part(name, *command, campaign=self.mark, folder=folder, environment=environment | own)

        journal = f"--state={folder / 'erp.jsonl'}"
        erp = part("erp", "demo_erp", f"--port={erp_port}", f"--scale={SCALE}", f"--delay={ERP_TAKES}", journal)
        return System(
            web=part("web", "serve", f"--port={web_port}"),
            web_port=web_port,
            workers=[part(name, "qcluster") for name in workers],
            erp=erp,
            lines=lines,
            erp_line=erp_line,
            erp_port=erp_port,
            mail_server=mail_server,
            webhook=webhook,
            exports=settings.EXPORT_DIR,
            exports_is_volume=mount_volume(settings.EXPORT_DIR),
            lease=settings.SYNC_LEASE.total_seconds(),
            event_log=self.event_log,
        )

    def run(self) -> int:
        """The exit status: 1 if anything was found that should not be."""
        try:
            self.begin()
            self.cause_faults(time() + self.options.minutes * 60)
            self.let_everything_end()
            self.check_end()
        finally:
            self.stopping.set()
            for part in self.system.parts:
                part.kill()
            if self.system.exports_is_volume:
                subprocess.run(["umount", "-l", str(self.system.exports)], check=False)
        self.report()
        return 1 if self.event_log.violations else 0

    # Beginning

    def begin(self) -> None:
        call_command("migrate", verbosity=0)
        options = self.options
        self.say(f"seed {options.seed}, {options.minutes:g} min on {connection.vendor}, {options.folder}")
        for part in self.system.parts:
            part.start()
        wait_until_it_listens(self.system.erp_port)
        wait_until_it_listens(self.system.web_port)
        self.people = self.make_people()
        self.sync_everything(since=time())
        self.prepare_agents()
        self.checks: list[Check] = [
            NoOverlap(self.system),
            NothingVanishes(self.system, self.administrators),
            DraftsAreKept(self.system, self.agents),
            MirrorIsWhole(self.system, self.states),
            WorkIsDone(self.system),
            WebAnswers(self.system),
            HistoryAgrees(self.system),
            AlertsArrive(self.system),
        ]
        self.truth = StatusTellsTheTruth(self.system)
        self.watching = [
            self.in_thread(self.watch, 1),
            self.in_thread(lambda: self.unless_shut_out(self.truth.look), 1),
            self.in_thread(lambda: self.unless_shut_out(self.truth.look_at_command), 10),
            self.in_thread(self.operator.look, 0.25),
        ]
        for person in self.people:
            person.start()
        self.say("everything is mirrored; people begin to work, and faults to happen")

    def make_people(self) -> list[Person]:
        random = self.random
        self.agents = [
            Agent(name, self.client(name), Random(random.random()))
            for name in (f"agent-{number}" for number in range(1, self.options.agents + 1))
        ]
        self.administrators = [Administrator("admin-1", self.client("admin-1"), Random(random.random()))]
        for person in (*self.agents, *self.administrators):
            is_admin = isinstance(person, Administrator)
            User.objects.create_user(person.name, password=PASSWORD, is_staff=is_admin, is_superuser=is_admin)
        life = Life("life", Client("the ERP", self.system.erp_port, self.event_log), Random(random.random()))
        return [*self.agents, *self.administrators, life]

    def client(self, name: str) -> Client:
        return Client(name, self.system.web_port, self.event_log)

    def prepare_agents(self) -> None:
        """Tell agents what can be ordered, and by whom."""
        customers = list(Customer._base_manager.order_by("pk").values_list("erp_id", flat=True)[:20])
        lines = []
        for product in Product._base_manager.order_by("pk")[:60]:
            quantity = product.order_quantities.least
            line = LineInput(product.erp_id, quantity, Decimal(0))
            if price_draft(DraftInput(customers[0], [line], Decimal(0), "")).complete:
                lines.append({"product": product.erp_id, "quantity": f"{quantity.normalize():f}"})
        for agent in self.agents:
            agent.customers, agent.lines = customers, lines

    # Striking

    def cause_faults(self, end: float) -> None:
        began, next_at = time(), time()
        while time() < end:
            self.check_threads()
            self.end_faults(until=time())
            is_pause = (time() - began) % (FAULTS_FOR + NO_FAULTS_FOR) > FAULTS_FOR
            if time() >= next_at and not is_pause and self.options.faults and len(self.at_work) < AT_ONCE:
                self.cause_fault()
                next_at = time() + self.random.uniform(1, 5)
            sleep(0.1)

    def cause_fault(self) -> None:
        possible = [each for each in self.options.faults if self.system.on_postgresql or not each.only_postgresql]
        kind = self.random.choices(possible, [faults.WEIGHTS.get(each, 1) for each in possible])[0]
        fault = kind(self.system, Random(self.random.random()))
        if any(is_alike(type(other), kind) for _, other, _ in self.at_work):
            return
        active = ActiveFault(kind.name, target="", affects=frozenset())
        try:
            active.target = fault.begin()
        except NotPossible as reason:
            self.event_log.note("skipped", f"{kind.name}: {reason}")
            self.event_log.count(f"skipped: {kind.name}")
            return
        active.affects = fault.affects
        self.event_log.add_fault(active)
        self.event_log.note("fault", f"{kind.name}: {active.target}")
        self.at_work.append((time() + fault.seconds, fault, active))

    def end_faults(self, *, until: float) -> None:
        for each in [each for each in self.at_work if each[0] <= until]:
            self.at_work.remove(each)
            _, fault, active = each
            fault.end()
            active.ended = time()
            if fault.seconds:
                self.event_log.note("ended", active.fault)

    # Watching

    def in_thread(self, work: Any, interval: float) -> Thread:
        def repeat() -> None:
            try:
                due = time()
                while not self.stopping.wait(max(0, due - time())):
                    due = max(due + interval, time())
                    work()
            except BaseException as error:
                self.failure = error
                raise
            finally:
                connections.close_all()

        thread = Thread(target=repeat, daemon=True)
        thread.start()
        return thread

    def watch(self) -> None:
        self.unless_shut_out(self.look_at_everything)

    def look_at_everything(self) -> None:
        snapshot = take_snapshot()
        for check in self.checks:
            check.look(snapshot)
        self.event_log.count("samples of the database")

    def unless_shut_out(self, look: Callable[[], None]) -> None:
        """On SQLite a process that is stopped while it writes can keep everybody out."""
        try:
            look()
        except DatabaseError as error:
            self.event_log.note("watch", f"the database does not answer: {error}")
            self.event_log.count("samples without an answer of the database")

    def check_threads(self) -> None:
        if self.failure:
            raise RuntimeError("the campaign itself has failed") from self.failure

    # The end

    def let_everything_end(self) -> None:
        """PlannedFault nothing any more, let everybody go home, and everything be synced once more."""
        self.end_faults(until=float("inf"))
        self.say("no more faults")
        for person in self.people:
            person.stopping.set()
        for person in self.people:
            person.join(60)
        deadline = time() + 60
        while not all(part.is_up for part in self.system.parts) and time() < deadline:
            self.check_threads()
            sleep(0.5)
        wait_until_it_listens(self.system.web_port)
        wait_until_it_listens(self.system.erp_port)
        faults.DemoFault(self.system, self.random).end()
        for agent in self.agents:
            agent.send_what_is_left()
        self.sync_everything(since=time())

    def sync_everything(self, *, since: float) -> None:
        """In full, as an administrator has it done, again where it fails."""
        administrator, left, asked_at = self.administrators[0], set(TYPES), dict.fromkeys(TYPES, 0.0)
        deadline = time() + SYNCED_WITHIN
        while left and time() < deadline:
            self.check_threads()
            for sync_type in left:
                if time() > asked_at[sync_type] + 20:
                    administrator.request_full(sync_type)
                    asked_at[sync_type] = time()
            sleep(0.5)
            done = SyncRun.objects.succeeded().filter(mode=SyncRun.Mode.FULL, accepts=None)
            left -= {run.sync_type for run in done if run.exported_at and run.exported_at.timestamp() > since}
        for sync_type in left:
            last = SyncRun.objects.for_type(sync_type).order_by("-pk").first()
            shown = last and {"run": last.pk, "status": last.status, "error": last.error_text}
            self.event_log.add_violation("work", f"{sync_type} is not synced, though nothing is wrong", last=shown)

    def check_end(self) -> None:
        self.say("everything is synced once more; the checks conclude")
        sleep(3)
        self.stopping.set()
        for thread in self.watching:
            thread.join()
        for what in self.options.sabotage:
            SABOTAGE[what]()
        snapshot = take_snapshot()
        for check in (*self.checks, self.truth):
            check.look(snapshot)
            check.check_end(snapshot)
        leftovers.stop([*self.system.workers, self.system.web, self.system.erp], self.event_log, within=STOPS_WITHIN)
        leftovers.find_orphans(self.mark, self.event_log)
        leftovers.find_files(self.system, self.temporary)
        self.tracebacks = leftovers.find_tracebacks(self.system)

    def say(self, text: str) -> None:
        self.event_log.note("campaign", text)

    # The report

    def report(self) -> None:
        sent = [each for agent in self.agents for each in agent.sent]
        runs = list(SyncRun.objects.all())
        attempts = Counter(each["outcome"] for run in runs for each in run.ended_attempts)
        lost = [run for run in runs if any(each["outcome"] == "lost" for each in run.ended_attempts)]
        report = {
            "seed": self.options.seed,
            "minutes": self.options.minutes,
            "database": connection.vendor,
            "faults": dict(Counter(each.fault for each in self.event_log.faults)),
            "runs by status": dict(Counter(run.status for run in runs)),
            "attempts that came back to the queue": dict(attempts),
            "runs lost and done again": sum(run.status == SyncRun.Status.SUCCEEDED for run in lost),
            "runs lost": len(lost),
            "errors": dict(Counter(run.error_class for run in runs if run.error_class)),
            "locks taken over": SyncEvent.objects.filter(kind=Kind.LOCK_TAKEN_OVER).count(),
            "drafts": {
                "sent": len(sent),
                "acknowledged": sum(each.draft_id is not None for each in sent),
                "refused": sum(each.refused for each in sent),
                "in the database": Draft.objects.count(),
            },
            "alerts": {"posted": len(self.system.webhook.posted), "mailed": len(self.system.mail_server.mails)},
            "versions of the ERP's lists": {name: len(found) for name, found in self.states.versions.items()},
            "counted": dict(sorted(self.event_log.counts.items())),
            "tracebacks": self.tracebacks,
            "violations": list(self.event_log.violations.values()),
        }
        text = json.dumps(report, indent=2, default=str)
        (self.options.folder / "report.json").write_text(text + "\n")
        print(text)
        print(f"{len(self.event_log.violations)} violations. All of it is in {self.options.folder}")


def is_alike(kind: type[Fault], other: type[Fault]) -> bool:
    """Whether only one of the two can be at work: the end of one would be the end of the other."""
    return kind is other or (issubclass(kind, faults.ErpLineFault) and issubclass(other, faults.ErpLineFault))


def find_free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def find_database_socket() -> str:
    """Of the private server that tests/with_postgres starts."""
    return f"{unquote(urlsplit(os.environ['DATABASE_URL']).hostname or '')}/.s.PGSQL.5432"


def make_database_url(port: int, name: str) -> str:
    return f"postgresql://archibald@127.0.0.1:{port}/postgres?application_name={name}"


def mount_volume(folder: Path) -> bool:
    """Give the exports a small volume of their own, where that is permitted."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={VOLUME}", "campaign", str(folder)]
    with suppress(OSError):
        return subprocess.run(mount, capture_output=True, check=False).returncode == 0
    return False


# What a test does to the database, for the checks to find


def overlap() -> None:
    for run in SyncRun.objects.order_by("pk")[:2]:
        SyncEvent.objects.create(kind=Kind.RUN_STARTED, run=run, sync_type=run.sync_type)


def lose_a_draft() -> None:
    draft = Draft.objects.order_by("pk")[0]
    draft.lines.all().delete()
    draft.delete()


def change_a_record() -> None:
    customer = Customer._base_manager.order_by("pk")[0]
    customer.city = "nowhere"
    customer.save()


def forget_a_change() -> None:
    RecordChange.objects.filter(sync_type="prices", kind=RecordChange.Kind.CREATED).order_by("pk")[0].delete()


SABOTAGE = {
    "overlap": overlap,
    "lost-draft": lose_a_draft,
    "changed-record": change_a_record,
    "forgotten-change": forget_a_change,
}
