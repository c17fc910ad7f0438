"""What happened in a campaign, and what should not have: in memory, and in files that are written at once."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from pathlib import Path
from threading import RLock
from time import time
from typing import Any


class Chronicle:
    """Any thread writes into it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lock = RLock()
        self.counts: Counter[str] = Counter()
        self.violations: dict[tuple[str, str], dict[str, Any]] = {}
        self.struck: list[Struck] = []
        self.down: list[Struck] = []  # parts that had ended, for whatever reason

    def note(self, kind: str, text: str) -> None:
        with self.lock, (self.folder / "campaign.log").open("a") as file:
            line = f"{moment(time())}  {kind:<9} {text}"
            file.write(line + "\n")
            if kind in ("fault", "healed", "VIOLATION", "course"):
                print(line, flush=True)

    def count(self, what: str) -> None:
        with self.lock:
            self.counts[what] += 1

    def violate(self, oracle: str, what: str, **evidence: Any) -> None:
        """An oracle found what should not be. The same `what` is counted, and its first evidence kept."""
        with self.lock:
            known = self.violations.get((oracle, what))
            if known:
                known |= {"times": known["times"] + 1, "last": moment(time())}
                return
            found = {"oracle": oracle, "what": what, "first": moment(time()), "last": "", "times": 1}
            found |= {"evidence": evidence, "struck before": [str(each) for each in self.recent(time() - 30, time())]}
            self.violations[oracle, what] = found
            self.note("VIOLATION", f"{oracle}: {what} {json.dumps(evidence, default=str)[:1500]}")

    def strike(self, struck: Struck, *, is_fault: bool = True) -> None:
        with self.lock:
            (self.struck if is_fault else self.down).append(struck)

    def recent(self, since: float, until: float) -> list[Struck]:
        """The faults that were at work between these moments."""
        with self.lock:
            return [each for each in self.struck + self.down if each.began <= until and (each.ended or until) >= since]


class Struck:
    """One fault at work, from a moment to another: what it touches explains what goes wrong meanwhile."""

    def __init__(self, fault: str, *, target: str, touches: frozenset[str]) -> None:
        self.fault = fault
        self.target = target
        self.touches = touches
        self.began = time()
        self.ended = 0.0  # while it is at work

    def __str__(self) -> str:
        until = moment(self.ended) if self.ended else "now"
        return f"{moment(self.began)}-{until} {self.fault}: {self.target}"


def moment(at: float) -> str:
    return f"{datetime.fromtimestamp(at).astimezone():%H:%M:%S.%f}"[:-3]
