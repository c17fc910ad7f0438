"""Where a run in execution shows how far it is, and learns that it must stop."""

from __future__ import annotations

import time
from datetime import datetime

from django.db.models import Exists, Value

from sync.coordinator import turns, worker
from sync.coordinator.mutex import Lease
from sync.exceptions import HandedBack, LeaseLost, Preempted, RunCancelled
from sync.models import SyncRun
from sync.progress import Progress, Stage

LOOKS_EVERY = 0.05  # seconds between two looks at what a run should know; 0.25 is promised
RECORDED_EVERY = 0.5  # seconds between two writes of a run's progress

Mode = SyncRun.Mode


class Checkpoint:
    """The progress of a run: passed on, written down, and where the run learns that it must stop."""

    def __init__(self, run: SyncRun, lease: Lease, progress: Progress) -> None:
        self.run = run
        self.lease = lease
        self.progress = progress
        stepped_aside = [each["endedAt"] for each in run.ended_attempts if each["outcome"] == "preempted"]
        # Once it has waited too long, it steps aside once more at most: it would never come to its end.
        was_overdue = any(datetime.fromisoformat(ended) > run.overdue_at for ended in stepped_aside)
        self.steps_aside = run.mode != Mode.SMART and not was_overdue
        self.looked = self.written = 0.0  # seconds, monotonic

    def __call__(self, stage: Stage, done: int, total: int | None) -> None:
        self.progress(stage, done, total)
        now = time.monotonic()
        if now - self.looked >= LOOKS_EVERY:
            self.look()
            self.looked = now
        if stage == Stage.READING and now - self.written >= RECORDED_EVERY:
            self.run.change(stage=stage, pages_read=done, pages=total)
            self.written = now

    def look(self) -> None:
        """Raises an Interrupted if the run has to stop."""
        worker.prove_life()
        if worker.is_stopping():
            raise HandedBack
        if self.lease.keep():
            worker.write_heartbeat()
        smart = Exists(turns.find_runnable().filter(mode=Mode.SMART)) if self.steps_aside else Value(False)
        row = SyncRun.objects.running().filter(pk=self.run.pk, token=self.run.token)
        found = row.values_list("cancel_requested_at", smart).first()
        if found is None:
            raise LeaseLost
        cancel_requested_at, smart_run_waits = found
        if cancel_requested_at:
            raise RunCancelled
        if smart_run_waits:
            raise Preempted
