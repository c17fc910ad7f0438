"""Simulated days: a clock that is moved from one moment to the next at which something is due."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from threading import Thread
from types import SimpleNamespace
from typing import Any

import time_machine
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connections
from django.utils import timezone

from demo.erp.clock import Clock, read_italian_time
from demo.erp.lists import LISTS
from demo.erp.server import DEMO_PASSWORD, DEMO_USERNAME, DemoServer
from sync import tasks
from sync.coordinator import queue, sessions, worker
from sync.database import clock
from sync.erp import get_web_client, http
from sync.erp.browser import client as browser_client
from sync.erp.browser import process
from sync.models import OrderFormSession, SyncRun, SyncSchedule
from tests.days.checks import Checks
from tests.days.plan import FIRST_DAY, Happening, What, draw_plan, find_moment
from tests.days.sabotage import SABOTAGE
from tests.demo_erp import SCALE, CachedDemoErp

NEW_PASSWORD = "another password"
QUICK_POLLS = (  # ms: the demo ERP answers at once, and its callbacks begin within 50
    "from sync.erp.browser import list_page; list_page.POLL = list_page.CALLBACK_POLL = 40"
)
EXPORT_TAKES = (5, 40)  # seconds in the ERP, by the simulated clock
LONGEST_REST = timedelta(minutes=15)  # without a look at everything
AGENTS_WAIT = timedelta(seconds=60)  # for a smart sync, by the real clock
STEPS_ASIDE_WITHIN = 30.0  # real seconds: then the simulation goes on, and says so


@dataclass(frozen=True)
class Options:
    """What is simulated."""

    days: int
    seed: int
    only: int | None = None  # number of the one day that is simulated, with an empty mirror at its beginning
    until: float = 24  # hour of the last day at which it ends
    sabotage: tuple[str, ...] = ()


class SimulatedClock(Clock):
    """The demo ERP's clock shows the simulated time, and sessions age by it."""

    def __init__(self) -> None:
        super().__init__()
        self.is_set = True

    def read(self) -> datetime:
        return read_italian_time()

    def read_seconds(self) -> float:
        return time.time()


class SimulatedErp(CachedDemoErp):
    """A small demo ERP by the simulated clock."""

    def __init__(self, today: date) -> None:
        super().__init__(scale=SCALE, today=today)
        self.clock = SimulatedClock()


class SimulatedServer(DemoServer):
    """The demo ERP on the web. Generating an export takes simulated time, in which all kinds of things may happen."""

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(SimulatedErp(simulation.first_day))
        self.simulation = simulation

    def take_time(self, name: str) -> bool:
        if name == "export":
            self.simulation.generate_export()
            return True
        return super().take_time(name)


class Simulation:
    """Days from their beginning to their report."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.plan = draw_plan(options.days, options.seed)
        self.first_day = FIRST_DAY + timedelta(days=(options.only or 1) - 1)
        self.starts_at = find_moment(self.first_day, datetime.min.time())
        last_day = FIRST_DAY + timedelta(days=(options.only or options.days) - 1)
        self.ends_at = find_moment(last_day, datetime.min.time()) + timedelta(hours=options.until)
        self.happenings = [each for each in self.plan.happenings if each.at >= self.starts_at]  # still to come
        self.rng = Random(f"exports/{options.seed}")
        self.server = SimulatedServer(self)
        self.waiting_forms: list[Happening] = []  # to be opened as soon as an export is being generated
        self.leaving: list[tuple[datetime, Any]] = []  # when which order form is left
        self.agents: list[Thread] = []
        self.generated = 0.0  # simulated seconds that exports have taken so far

    def run(self) -> int:
        """The exit status: 1 if anything was found that should not be."""
        with (
            time_machine.travel(self.starts_at, tick=False) as self.traveller,
            self.one_clock(),
            self.server,
            self.erp_is_configured(),
        ):
            call_command("migrate", verbosity=0)
            self.user = User.objects.create_user("agent")
            self.checks = Checks(self.server, self.plan, self.first_day)
            try:
                while timezone.now() < self.ends_at:
                    self.rest()
                    self.move_on()
                self.checks.look()
                for name, sabotage in SABOTAGE.items():
                    if name in self.options.sabotage:
                        sabotage(self)
                        self.checks.look()
                self.checks.report_end()
            finally:
                self.close_client()
        return 1 if self.checks.violations else 0

    @contextmanager
    def one_clock(self) -> Iterator[None]:
        """The database's clock is this process's, and what an ERP client measures takes simulated time too."""
        measured = SimpleNamespace(monotonic=lambda: time.monotonic() + self.generated, time=time.time)
        replaced: list[tuple[Any, str, Any]] = [
            (clock, "ask", lambda last: None),
            (http, "time", measured),
            (browser_client, "time", measured),
            (process, "START", f"{QUICK_POLLS}; {process.START}"),
            (worker, "name", worker.build_name(1)),
            (worker, "WRITTEN_EVERY", 0),
        ]
        before = [(module, name, getattr(module, name)) for module, name, _ in replaced]
        for module, name, value in replaced:
            setattr(module, name, value)
        try:
            yield
        finally:
            for module, name, value in before:
                setattr(module, name, value)

    @contextmanager
    def erp_is_configured(self) -> Iterator[None]:
        settings.ERP_URL, settings.ERP_USERNAME, settings.ERP_PASSWORD = self.server.url, DEMO_USERNAME, DEMO_PASSWORD
        yield

    def close_client(self) -> None:
        """End the browser, if there is one."""
        client = get_web_client(
            settings.ERP_CLIENT,
            settings.ERP_URL,
            settings.ERP_USERNAME,
            settings.ERP_PASSWORD,
            largest=settings.EXPORT_MAX_BYTES,
        )
        if isinstance(client, browser_client.BrowserClient):
            client.close()

    # Moving the clock

    def move_on(self) -> None:
        """Move the clock to the next moment at which something is due."""
        now = timezone.now()
        moments = [now + LONGEST_REST, self.ends_at]
        moments += [schedule.find_next_slot(now) for schedule in SyncSchedule.objects.all()]
        moments += [run.not_before for run in SyncRun.objects.queued().filter(not_before__gt=now) if run.not_before]
        moments += OrderFormSession.objects.live(now).values_list("expires_at", flat=True)
        moments += [each.at for each in self.happenings[:1]]
        moments += [at for at, _session in self.leaving]
        self.traveller.move_to(max(now, min(moments)), tick=False)

    def rest(self) -> None:
        """What a worker and agents do at one moment, and a look at what came of it."""
        self.checks.check_time_since_last_look()
        self.let_happen()
        tasks.tick()
        self.join_agents()
        self.checks.look()

    def let_happen(self) -> None:
        """All that should have happened by now."""
        while self.happenings and self.happenings[0].at <= timezone.now():
            self.carry_out(self.happenings.pop(0))
        for at, session in list(self.leaving):
            if at <= timezone.now():
                self.leaving.remove((at, session))
                sessions.close_own_session(self.user, session)

    def carry_out(self, happening: Happening) -> None:
        front_end, details = self.server.front_end, happening.details
        match happening.what:
            case What.CHANGE:
                self.server.erp.happen()
                self.checks.versions.record()
            case What.FORM if details["waits_for_run"]:
                self.waiting_forms.append(happening)
            case What.FORM:
                self.open_form(happening)
            case What.FILTER:
                self.leave_filter(**details)
            case What.FORCED:
                trigger = SyncRun.Trigger.ADMIN
                queue.request_sync("orders", mode="full", trigger=trigger, by=self.user, ignores_hours=True)
            case What.UPDATE:
                front_end.update()
            case What.DOWN:
                front_end.is_down = True
                self.checks.begin_trouble(What.DOWN)
            case What.UP:
                front_end.is_down = False
                self.checks.end_trouble()
            case What.PASSWORD:
                front_end.password = NEW_PASSWORD
                self.checks.begin_trouble(What.PASSWORD)
            case What.CORRECTED:
                settings.ERP_PASSWORD = NEW_PASSWORD
                self.checks.end_trouble()

    def leave_filter(self, *, of_grid: bool, place: float) -> None:
        """A person who uses our login filters a list, and leaves it like that."""
        lists = LISTS if of_grid else [each for each in LISTS if each.choices]
        demo_list = lists[int(place * len(lists))]
        if of_grid:
            self.server.front_end.grid_filters.add(demo_list.sync_type)
        else:
            self.server.front_end.filters[demo_list.sync_type] = demo_list.forgotten

    # Order forms

    def open_form(self, happening: Happening) -> None:
        asked = sessions.request_smart_sync("customers", user=self.user, patience=AGENTS_WAIT)
        if happening.details["is_left"]:
            self.leaving.append((timezone.now() + timedelta(minutes=happening.details["minutes"]), asked.session.pk))

    def open_form_apart(self, happening: Happening) -> None:
        """As an agent does while a worker is busy."""
        try:
            self.open_form(happening)
        finally:
            connections.close_all()  # this thread's

    def join_agents(self) -> None:
        while self.agents:
            self.agents.pop().join()

    # In the ERP, while it generates an export: in a thread of its server

    def generate_export(self) -> None:
        """Let simulated time pass, in which the ERP's records change; an agent may open an order form meanwhile."""
        seconds = self.rng.uniform(*EXPORT_TAKES)
        opens_form = bool(self.waiting_forms) and not self.agents
        first = seconds * self.rng.random() if opens_form else seconds
        self.pass_time(first)
        if opens_form:
            self.agents.append(Thread(target=self.open_form_apart, args=(self.waiting_forms.pop(0),)))
            self.agents[-1].start()
            self.wait_until_run_steps_aside()
            self.pass_time(seconds - first)

    def pass_time(self, seconds: float) -> None:
        until = timezone.now() + timedelta(seconds=seconds)
        while self.happenings and self.happenings[0].what == What.CHANGE and self.happenings[0].at <= until:
            change = self.happenings.pop(0)
            self.traveller.move_to(max(timezone.now(), change.at), tick=False)
            self.carry_out(change)
        self.generated += seconds
        self.traveller.move_to(until, tick=False)

    def wait_until_run_steps_aside(self) -> None:
        """The run that asked for the export learns of the order form.

        A smart run has no reason to, nor has any while the hours keep the form's own run waiting.
        """
        if not settings.ERP_HOURS.is_open(timezone.now()):
            return
        ends_at = time.monotonic() + STEPS_ASIDE_WITHIN
        others = SyncRun.objects.running().exclude(mode=SyncRun.Mode.SMART)
        while others.exists():
            if time.monotonic() > ends_at:
                self.checks.add_violation("order form", "a run did not step aside", run=others.get().pk)
                break
            time.sleep(0.01)
        connections.close_all()  # this thread's
