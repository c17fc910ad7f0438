"""What the demo ERP's web front end remembers: sessions, the user's filters, the faults to come."""

from __future__ import annotations

import secrets
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any
from uuid import uuid4

from demo.erp.clock import Clock
from demo.erp.faults import Fault, Where
from demo.erp.grid import GridState
from demo.erp.lists import LISTS, ORDER_LINES, DemoList, find_list
from demo.erp.web import RELEASES, MenuItem, Release

SESSION_IDLE = 20 * 60.0  # seconds, as ASP.NET has it
SESSION_COOKIE = "ASP.NET_SessionId"
VIEW_STATE_SIZE = 19_000  # bytes, that make a form of about 26 kB
MENU_NUMBERS = range(4, 30)  # that a filter's item of the menu may have


@dataclass
class PlannedFault:
    """A fault that is to happen: to one list or any, so many times or until it is cleared."""

    fault: Fault
    sync_type: str | None = None
    times: int | None = None

    def __post_init__(self) -> None:
        self.sync_type = self.sync_type or self.fault.sync_type
        if self.fault.sync_type not in (None, self.sync_type):
            raise ValueError(f"{self.fault.label} can strike {self.fault.sync_type} only")

    @classmethod
    def from_json(cls, request: dict[str, Any]) -> PlannedFault:
        """Raises KeyError and ValueError for what cannot be."""
        sync_type, times = request.get("list"), request.get("times")
        if sync_type and sync_type != ORDER_LINES.sync_type:
            sync_type = find_list(sync_type).sync_type
        if times is not None and (not isinstance(times, int) or times < 1):
            raise ValueError("times must be a number from 1, or left out")
        return cls(Fault.called(request["fault"]), sync_type or None, times)

    def as_json(self) -> dict[str, Any]:
        return {"fault": self.fault.label, "list": self.sync_type, "times": self.times}

    def concerns(self, demo_list: DemoList) -> bool:
        return self.sync_type in (None, demo_list.sync_type)


@dataclass
class WaitingExport:
    """An export that was asked for, until it is fetched."""

    faults: set[Fault]
    is_generated: bool  # which took its time already


@dataclass
class Session:
    """A login, until it idles. What its grids show belongs to it, and so does an export that was asked for."""

    cookies: dict[str, str]  # all are needed
    last_used: float
    grid: int  # a number in the ids of its grids
    columns: dict[str, frozenset[int]] = field(default_factory=dict)  # their places, as the column chooser was told
    waiting: dict[str, WaitingExport] = field(default_factory=dict)  # to be fetched, by list
    grids: defaultdict[str, GridState] = field(default_factory=lambda: defaultdict(GridState))  # by list
    menus: dict[str, Sequence[MenuItem]] = field(default_factory=dict)  # as its pages showed them last, by list
    fields: dict[str, frozenset[str]] = field(default_factory=dict)  # that a form of its pages has, by list
    view_states: defaultdict[str, str] = field(default_factory=lambda: defaultdict(make_view_state))  # by list
    menu_numbers: defaultdict[str, int] = field(  # of the items that hold the lists' filters
        default_factory=lambda: defaultdict(lambda: secrets.choice(MENU_NUMBERS))
    )
    failed: set[str] = field(default_factory=set)  # lists whose next page says that an export failed
    busy: Lock = field(default_factory=Lock)  # held while one of its requests is answered

    def get_columns(self, demo_list: DemoList) -> frozenset[int]:
        """The places of the columns that a list shows."""
        return self.columns.get(demo_list.sync_type, demo_list.list_first_columns())


def make_view_state() -> str:
    return secrets.token_urlsafe(VIEW_STATE_SIZE)


class FrontEnd:
    """What the web front end remembers between requests. Any thread may use it."""

    def __init__(self, *, username: str, password: str, clock: Clock) -> None:
        self.username = username
        self.password = password
        self.clock = clock
        self.login_view_state = make_view_state()  # of pages that belong to no session
        self.sessions: dict[str, Session] = {}
        self.filters: dict[str, str] = {}  # the values of the user's last choices, by sync type
        self.grid_filters: set[str] = set()  # the lists whose grid keeps a filter of the user
        self.silent_grid_filters: set[str] = set()  # those of them whose grid does not show it
        self.grid_pages: defaultdict[str, int] = defaultdict(int)  # that the user went to last, by sync type
        self.planned: list[PlannedFault] = []
        self.lock = Lock()
        self.release: Release = RELEASES[0]
        self.is_down = False  # it closes every connection without an answer
        self.is_mute = False  # it takes every request and answers none
        self.exports = 0
        self.overlaps = 0  # requests that came while another one of the session was answered
        self.logins: dict[str, Counter[str]] = defaultdict(Counter)  # succeeded and failed ones, by the clock's day
        self.exports_by_day: Counter[str] = Counter()
        self.requests_by_hour: Counter[str] = Counter()  # of pages and callbacks
        self.clicks: Counter[str] = Counter()  # on items of lists' menus, by their text

    def log_in(self, username: str, password: str) -> Session | None:
        """A session, if the login is right."""
        is_right = secrets.compare_digest(username.encode(), self.username.encode()) and secrets.compare_digest(
            password.encode(), self.password.encode()
        )
        with self.lock:
            self.logins[self.clock.read().date().isoformat()]["succeeded" if is_right else "failed"] += 1
        if not is_right:
            return None
        token = secrets.token_hex(12)
        cookies = {
            SESSION_COOKIE: token,
            "Login": secrets.token_hex(32),
            "UserName": self.username,
            "ClientId": str(uuid4()),
        }
        session = Session(cookies, last_used=self.clock.read_seconds(), grid=secrets.randbelow(10**8))
        with self.lock:
            self.sessions[token] = session
        return session

    def find_session(self, cookies: Mapping[str, str]) -> Session | None:
        """The session that these cookies belong to, if it is alive; asking keeps it alive."""
        now = self.clock.read_seconds()
        token = cookies.get(SESSION_COOKIE, "")
        with self.lock:
            session = self.sessions.get(token)
            if session is None or not session.cookies.items() <= cookies.items():
                return None
            if not 0 <= now - session.last_used <= SESSION_IDLE:  # or the clock was set back
                del self.sessions[token]
                return None
            session.last_used = now
            return session

    def end_session(self, session: Session) -> None:
        with self.lock:
            self.sessions.pop(session.cookies[SESSION_COOKIE], None)

    def end_sessions(self) -> None:
        with self.lock:
            self.sessions.clear()

    def update(self) -> None:
        """Be updated over night: what clients knew by number or name is something else, and every session has ended."""
        self.release = RELEASES[(RELEASES.index(self.release) + 1) % len(RELEASES)]
        self.end_sessions()

    def count_request(self) -> None:
        with self.lock:
            self.requests_by_hour[f"{self.clock.read():%Y-%m-%dT%H}"] += 1

    def count_export(self) -> None:
        with self.lock:
            self.exports += 1
            self.exports_by_day[self.clock.read().date().isoformat()] += 1

    def count_overlap(self) -> None:
        with self.lock:
            self.overlaps += 1

    def count_click(self, item: MenuItem) -> None:
        with self.lock:
            self.clicks[item.text] += 1

    def get_filter(self, demo_list: DemoList) -> str:
        """The value of the choice that the user made last; none for a list without a filter."""
        return self.filters.get(demo_list.sync_type, demo_list.safe_filter)

    def choose_filter(self, demo_list: DemoList, value: str) -> None:
        if Fault.STUCK_FILTER in self.take_faults(demo_list, Where.CHOICE):
            return
        if any(choice.value == value for choice in demo_list.choices):
            self.filters[demo_list.sync_type] = value

    def keeps_grid_filter(self, demo_list: DemoList) -> bool:
        return demo_list.sync_type in self.grid_filters

    def shows_grid_filter(self, demo_list: DemoList) -> bool:
        return demo_list.sync_type in self.grid_filters - self.silent_grid_filters

    def clear_grid_filter(self, demo_list: DemoList) -> None:
        if Fault.STUCK_GRID_FILTER not in self.take_faults(demo_list, Where.CLEARING):
            self.grid_filters.discard(demo_list.sync_type)
            self.silent_grid_filters.discard(demo_list.sync_type)

    def choose_columns(self, session: Session, demo_list: DemoList, places: Collection[int]) -> None:
        """What the column chooser was told."""
        if not self.is_planned(demo_list, Fault.HIDDEN_COLUMNS):
            session.columns[demo_list.sync_type] = frozenset(places)

    def leave_filter(self, demo_list: DemoList) -> None:
        """Have the list's filter stand where a person left it."""
        if demo_list.choices:
            self.filters[demo_list.sync_type] = demo_list.forgotten

    def leave_grid_filter(self, demo_list: DemoList, *, is_silent: bool = False) -> None:
        """Have the list's grid keep a filter, which it shows or not."""
        self.grid_filters.add(demo_list.sync_type)
        self.silent_grid_filters.discard(demo_list.sync_type)
        if is_silent:
            self.silent_grid_filters.add(demo_list.sync_type)

    def plan_fault(self, planned: PlannedFault) -> None:
        """Let a fault happen from now on; a filter is left there at once, until somebody changes it."""
        concerned = [demo_list for demo_list in LISTS if planned.concerns(demo_list)]
        if planned.fault is Fault.REMEMBERED_FILTER:
            for demo_list in concerned:
                self.leave_filter(demo_list)
        elif planned.fault in (Fault.KEPT_GRID_FILTER, Fault.SILENT_GRID_FILTER):
            for demo_list in concerned:
                self.leave_grid_filter(demo_list, is_silent=planned.fault is Fault.SILENT_GRID_FILTER)
        else:
            with self.lock:
                self.planned.append(planned)

    def is_planned(self, demo_list: DemoList, fault: Fault) -> bool:
        """Whether a fault is about to strike a list."""
        with self.lock:
            return any(planned.fault is fault and planned.concerns(demo_list) for planned in self.planned)

    def take_faults(self, demo_list: DemoList, *wheres: Where) -> set[Fault]:
        """The faults that strike here, each once less from now on; those of an export, if nothing is said."""
        with self.lock:
            due = [
                planned
                for planned in self.planned
                if planned.concerns(demo_list) and planned.fault.where in (wheres or (Where.EXPORT, Where.DELIVERY))
            ]
            for planned in due:
                if planned.times is not None:
                    planned.times -= 1
            self.planned = [planned for planned in self.planned if planned.times is None or planned.times > 0]
            return {planned.fault for planned in due}

    def clear(self, fault: Fault | None) -> None:
        with self.lock:
            self.planned = [planned for planned in self.planned if fault and planned.fault is not fault]
            if fault in (None, Fault.REMEMBERED_FILTER):
                self.filters.clear()
            if fault in (None, Fault.KEPT_GRID_FILTER, Fault.SILENT_GRID_FILTER):
                self.grid_filters.clear()
                self.silent_grid_filters.clear()
            if fault is None:
                self.grid_pages.clear()

    def as_json(self) -> dict[str, Any]:
        with self.lock:
            return {
                "sessions": len(self.sessions),
                "filters": dict(self.filters),
                "grid_filters": sorted(self.grid_filters),
                "faults": [planned.as_json() for planned in self.planned],
                "exports": self.exports,
                "exports_by_day": dict(self.exports_by_day),
                "logins": {
                    day: {"succeeded": of["succeeded"], "failed": of["failed"]} for day, of in self.logins.items()
                },
                "overlaps": self.overlaps,
                "requests_by_hour": dict(self.requests_by_hour),
                "clicks": dict(self.clicks),
                "clock": self.clock.read().isoformat(),
            }
