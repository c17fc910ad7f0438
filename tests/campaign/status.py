"""Whether `syncstatus` tells the truth: what it says beside what the tool knows."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from time import time
from typing import Any

from django.conf import settings

from sync.models import SyncLock, SyncRun, SyncSchedule, SyncWorker
from sync.monitoring import health
from sync.monitoring.serializers import SyncStatusSerializer
from sync.monitoring.status import GRACE
from sync.service import get_service, list_types
from tests.campaign.checks import Check
from tests.campaign.faults import System
from tests.campaign.parts import PROJECT, find_state
from tests.campaign.snapshot import Snapshot, read_database_time, to_seconds

SLACK = 3.0  # seconds between what is said and what is looked at
SILENT_AFTER = SyncWorker.SILENT_AFTER.total_seconds()
FIRST_BEAT = 90  # seconds that a worker may take to be heard of: ticks come once a minute


@dataclass(frozen=True)
class Facts:
    """What a status rests on: if it is the same before and after, what was said can be held against it."""

    lock: tuple[str, datetime | None, int]  # its token rises whenever it is taken
    failed_last: dict[str, int | None]  # by type, the run that ended last, or waits to be tried again, if it failed
    longest: dict[str, float]  # by type, seconds that what it shows may be old


def read_facts() -> Facts:
    return Facts(
        lock=SyncLock.objects.values_list("holder", "leased_until", "token").get(),
        failed_last={name: find_failed_last(name) for name in list_types()},
        longest={row.sync_type: (row.interval + GRACE).total_seconds() for row in SyncSchedule.objects.order_by("pk")},
    )


def find_failed_last(sync_type: str) -> int | None:
    runs = SyncRun.objects.for_type(sync_type)
    last = runs.finished_by_themselves().order_by("-finished_at").first()
    if last and last.status != SyncRun.Status.SUCCEEDED:
        return last.pk
    retried = runs.queued().exclude(mode=SyncRun.Mode.SMART).first()
    attempt = retried.ended_attempts[-1] if retried and retried.ended_attempts else {}
    if not retried or attempt.get("outcome") != "failed":
        return None
    return retried.pk if last is None or read(attempt["endedAt"]) > to_seconds(last.finished_at) else None


class StatusTellsTheTruth(Check):
    """Each second."""

    def __init__(self, system: System) -> None:
        super().__init__(system)
        self.asleep_since = self.fit_since = time()

    def look(self, snapshot: Snapshot | None = None) -> None:
        """What the product says in this process."""
        self.event_log.count("samples of the status")
        self.note_workers()
        self.compare(lambda: dict(SyncStatusSerializer(health.get_status(), context={"for_staff": True}).data))

    def look_at_command(self) -> None:
        """What it says on the command line, which takes longer."""
        self.event_log.count("samples of syncstatus")
        self.compare(self.ask)

    def compare(self, ask: Callable[[], dict[str, Any]]) -> None:
        before, asked_at = read_facts(), read_database_time()
        said = ask()
        if said and not asked_at - 1 <= read(said["at"]) <= read_database_time() + 1:
            self.add_violation("it is of another time", at=said["at"], asked_at=asked_at)
        if said and before == read_facts():
            self.judge(said, before)

    def check_end(self, snapshot: Snapshot) -> None:
        """Everything has just been synced: all is well, and it says so."""
        self.look_at_command()
        said = self.ask()
        if said and not said["healthy"]:
            states = {name: each["state"] for name, each in said["types"].items()}
            self.add_violation("not healthy though all is well", states=states, worker=said["worker"])

    def add_violation(self, what: str, **evidence: Any) -> None:
        self.event_log.add_violation("status", what, **evidence)

    def note_workers(self) -> None:
        up = [worker for worker in self.system.workers if worker.is_up and find_state(worker.pid) != "T"]
        if up:
            self.asleep_since = time()
        if not any(worker.is_fit for worker in self.system.workers):
            self.fit_since = time()

    def ask(self) -> dict[str, Any]:
        """The command, in a process of its own."""
        done = subprocess.run(
            [sys.executable, str(PROJECT / "manage.py"), "syncstatus", "--json"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        try:
            said: dict[str, Any] = json.loads(done.stdout)
        except ValueError:
            self.add_violation("syncstatus says nothing", status=done.returncode, error=done.stderr[-2000:])
            return {}
        if (done.returncode == 0) != said["healthy"] or done.returncode not in (0, 1):
            self.add_violation("the exit status does not fit", status=done.returncode, healthy=said["healthy"])
        return said

    def judge(self, said: dict[str, Any], known: Facts) -> None:
        at = read_database_time()
        self.judge_worker(said["worker"])
        self.judge_lock(said["lock"], known, read(said["at"]))
        for name, each in said["types"].items():
            self.judge_type(name, each, known, at)
        parts = [said["worker"]["alive"], *(each["healthy"] for each in said["types"].values())]
        if said["healthy"] and not all(parts):
            self.add_violation("all is said to be well, and the parts are not", said=said)

    def judge_worker(self, said: dict[str, Any]) -> None:
        now = time()
        if said["alive"] and now > self.asleep_since + SILENT_AFTER + SLACK:
            self.add_violation("a worker is said to live, and none does", said=said)
        if not said["alive"] and now > self.fit_since + FIRST_BEAT:
            self.add_violation("no worker is said to live, and one does", said=said)
        if said["seenAt"] and read(said["seenAt"]) > now + SLACK:
            self.add_violation("a worker was heard of in the future", said=said)

    def judge_lock(self, said: dict[str, Any], known: Facts, at: float) -> None:
        holder, until, _ = known.lock
        if to_seconds(until) > at + settings.SYNC_LEASE.total_seconds() + SLACK:
            self.add_violation("the lock is held for longer than a lease", until=until, at=at)
        if said["holder"] != holder or (said["held"] and to_seconds(until) < at - SLACK):
            self.add_violation("the lock is said to be held, and is not", said=said, holder=holder, until=until)

    def judge_type(self, name: str, said: dict[str, Any], known: Facts, at: float) -> None:
        fresh = read(said["freshAsOf"]) if said["freshAsOf"] else 0.0
        evidence = {"type": name, "state": said["state"], "fresh as of": said["freshAsOf"]}
        if fresh > at + 1:
            self.add_violation("a list is fresh as of the future", **evidence)
        if fresh and not self.was_asked_for(name, fresh):
            self.add_violation("a list is fresh as of a moment at which nobody asked the ERP", **evidence)
        if said["state"] == "healthy" and said["enabled"] and fresh < at - known.longest[name] - SLACK:
            self.add_violation("a list is healthy, and too old", **evidence)
        if said["state"] == "healthy" and known.failed_last[name]:
            self.add_violation(
                "a list is healthy, and its last attempt failed", run=known.failed_last[name], **evidence
            )

    def was_asked_for(self, name: str, moment: float) -> bool:
        """Whether the export button of the list was clicked then."""
        clicks = list(self.system.erp_line.clicks[get_service(name).erp_list.name])
        return any(abs(click - moment) < SLACK for click in clicks)


def read(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
