"""What happened in a campaign, and what should not have: in memory, and in files that are written at once."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from pathlib import Path
from threading import RLock
from time import time
from typing import Any


class EventLog:
    """Any thread writes into it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lock = RLock()
        self.counts: Counter[str] = Counter()
        self.violations: dict[tuple[str, str], dict[str, Any]] = {}
        self.faults: list[ActiveFault] = []
        self.down: list[ActiveFault] = []  # parts that had ended, for whatever reason

    def note(self, kind: str, text: str) -> None:
        with self.lock, (self.folder / "campaign.log").open("a") as file:
            line = f"{format_moment(time())}  {kind:<9} {text}"
            file.write(line + "\n")
            if kind in ("fault", "ended", "VIOLATION", "campaign"):
                print(line, flush=True)

    def count(self, what: str) -> None:
        with self.lock:
            self.counts[what] += 1

    def add_violation(self, check: str, what: str, **evidence: Any) -> None:
        """An check found what should not be. The same `what` is counted, and its first evidence kept."""
        with self.lock:
            known = self.violations.get((check, what))
            if known:
                known |= {"times": known["times"] + 1, "last": format_moment(time())}
                return
            found = {"check": check, "what": what, "first": format_moment(time()), "last": "", "times": 1}
            found |= {
                "evidence": evidence,
                "faults before": [str(each) for each in self.find_faults(time() - 30, time())],
            }
            self.violations[check, what] = found
            self.note("VIOLATION", f"{check}: {what} {json.dumps(evidence, default=str)[:1500]}")

    def add_fault(self, active: ActiveFault, *, is_fault: bool = True) -> None:
        with self.lock:
            (self.faults if is_fault else self.down).append(active)

    def find_faults(self, since: float, until: float) -> list[ActiveFault]:
        """The faults that were at work between these moments."""
        with self.lock:
            return [each for each in self.faults + self.down if each.began <= until and (each.ended or until) >= since]


class ActiveFault:
    """One fault at work, from a moment to another: what it affects explains what goes wrong meanwhile."""

    def __init__(self, fault: str, *, target: str, affects: frozenset[str]) -> None:
        self.fault = fault
        self.target = target
        self.affects = affects
        self.began = time()
        self.ended = 0.0  # while it is at work

    def __str__(self) -> str:
        until = format_moment(self.ended) if self.ended else "now"
        return f"{format_moment(self.began)}-{until} {self.fault}: {self.target}"


def format_moment(at: float) -> str:
    return f"{datetime.fromtimestamp(at).astimezone():%H:%M:%S.%f}"[:-3]
