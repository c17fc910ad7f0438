"""What the demo ERP's web front end remembers: sessions, each list's filter, the faults to come."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import Any

from sync.erp.demo.faults import Fault
from sync.erp.demo.lists import LISTS, DemoList, list_called

SESSION_IDLE = 20 * 60.0  # seconds, as ASP.NET has it


@dataclass
class Strike:
    """A fault that is to happen: to one list or any, so many times or until it is cleared."""

    fault: Fault
    sync_type: str | None = None
    times: int | None = None

    @classmethod
    def from_json(cls, request: dict[str, Any]) -> Strike:
        """Raises KeyError and ValueError for what cannot be."""
        sync_type, times = request.get("list"), request.get("times")
        if times is not None and (not isinstance(times, int) or times < 1):
            raise ValueError("times must be a number from 1, or left out")
        return cls(Fault.called(request["fault"]), list_called(sync_type).sync_type if sync_type else None, times)

    def as_json(self) -> dict[str, Any]:
        return {"fault": self.fault.label, "list": self.sync_type, "times": self.times}


class FrontEnd:
    """What the web front end remembers between requests. Any thread may use it."""

    def __init__(self, *, username: str, password: str) -> None:
        self.username = username
        self.password = password
        self.view_state = secrets.token_urlsafe(24)
        self.sessions: dict[str, float] = {}  # and when each was last used
        self.filters: dict[str, str] = {}  # the user's last, by sync type
        self.strikes: list[Strike] = []
        self.lock = Lock()
        self.exports = 0

    def log_in(self, username: str, password: str) -> str | None:
        """The new session's token, if the login is right."""
        if not (
            secrets.compare_digest(username.encode(), self.username.encode())
            and secrets.compare_digest(password.encode(), self.password.encode())
        ):
            return None
        token = secrets.token_hex(12)
        with self.lock:
            self.sessions[token] = monotonic()
        return token

    def is_logged_in(self, token: str) -> bool:
        """Whether the session is alive; asking keeps it alive."""
        now = monotonic()
        with self.lock:
            last_used = self.sessions.pop(token, None)
            if last_used is None or now - last_used > SESSION_IDLE:
                return False
            self.sessions[token] = now
            return True

    def end_session(self, token: str) -> None:
        with self.lock:
            self.sessions.pop(token, None)

    def chosen_filter(self, demo_list: DemoList) -> str:
        return self.filters.get(demo_list.sync_type, demo_list.filters[0])

    def choose_filter(self, demo_list: DemoList, name: str) -> None:
        if name in demo_list.filters:
            self.filters[demo_list.sync_type] = name

    def strike(self, strike: Strike) -> None:
        """Let a fault happen from now on; a remembered filter is there at once, until somebody changes it."""
        if strike.fault is Fault.REMEMBERED_FILTER:
            for demo_list in LISTS:
                if strike.sync_type in (None, demo_list.sync_type):
                    self.choose_filter(demo_list, demo_list.filters[1])
            return
        with self.lock:
            self.strikes.append(strike)

    def faults_for(self, demo_list: DemoList) -> set[Fault]:
        """The faults that strike this export, each once less from now on."""
        with self.lock:
            struck = [strike for strike in self.strikes if strike.sync_type in (None, demo_list.sync_type)]
            for strike in struck:
                if strike.times is not None:
                    strike.times -= 1
            self.strikes = [strike for strike in self.strikes if strike.times is None or strike.times > 0]
            return {strike.fault for strike in struck}

    def clear(self, fault: Fault | None) -> None:
        with self.lock:
            self.strikes = [strike for strike in self.strikes if fault and strike.fault is not fault]
            if fault in (None, Fault.REMEMBERED_FILTER):
                self.filters.clear()

    def as_json(self) -> dict[str, Any]:
        with self.lock:
            return {
                "sessions": len(self.sessions),
                "filters": dict(self.filters),
                "faults": [strike.as_json() for strike in self.strikes],
                "exports": self.exports,
            }
