"""Run syncs from the command line."""

from __future__ import annotations

import json
import signal
import sys
from argparse import ArgumentTypeError
from itertools import islice
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from sync.coordinator import queue, runner, turns
from sync.coordinator.preview import preview_sync
from sync.database import clock
from sync.erp import allowance
from sync.exceptions import ErpLoginRejected, ErpNotAsked, NeedsAcceptance, SyncError
from sync.management.database import check_migrated
from sync.management.progress_bar import ProgressBar
from sync.mirror.comparison import Outcome
from sync.models import SyncRun
from sync.service import get_service, list_types

Status = SyncRun.Status
EXIT_STATUS = {
    Status.SUCCEEDED: 0,
    Status.FAILED: 1,
    Status.CANCELLED: 1,
    Status.QUARANTINED: 3,
    Status.QUEUED: 4,
    Status.RUNNING: 4,
}
SEVEREST_FIRST = (1, 3, 4, 0)
DIFFERENCES_SHOWN = 20


class Command(BaseCommand):
    help = (
        "Sync one list, or all lists, with the ERP. "
        "Exit status: 0 applied, 1 failed or cancelled, 2 wrong usage, 3 quarantined, 4 still waiting."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("sync_type", metavar="TYPE", choices=[*settings.SYNC_TYPES, "all"], help="%(choices)s")
        parser.add_argument("--mode", choices=SyncRun.Mode.values, default=SyncRun.Mode.AUTO)
        parser.add_argument(
            "--file", metavar="EXPORT.pdf", type=parse_file, help="read this file instead of the ERP's export"
        )
        parser.add_argument("--dry-run", action="store_true", help="show what would change, without writing anything")
        parser.add_argument("--json", action="store_true", help="print one JSON object for each list")
        parser.add_argument(
            "--ignore-hours",
            action="store_true",
            help="ask the ERP although it is outside ERP_HOURS, or the exports of the day are spent",
        )
        parser.add_argument("--no-wait", action="store_true", help="queue the run and return at once")
        self.parser = parser

    def handle(self, *, sync_type: str, mode: str, **options: Any) -> None:
        self.check_usage(sync_type, mode, options)
        check_migrated()
        chosen = list_types() if sync_type == "all" else [sync_type]
        if options["dry_run"]:
            statuses = [self.preview(name, mode, options) for name in chosen]
        else:
            statuses = self.run(chosen, mode, options)
        if status := next(status for status in SEVEREST_FIRST if status in statuses):
            raise SystemExit(status)

    def check_usage(self, sync_type: str, mode: str, options: dict[str, Any]) -> None:
        if options["file"] and sync_type == "all":
            self.parser.error("--file is an export of one list: name that list instead of 'all'")
        if mode == SyncRun.Mode.SMART and (sync_type == "all" or not get_service(sync_type).smart):
            self.parser.error(f"there is no smart sync of {sync_type}")
        if options["no_wait"] and (options["dry_run"] or options["file"] or mode == SyncRun.Mode.SMART):
            self.parser.error(
                "--no-wait only queues a run: it cannot be combined with --dry-run, --file or --mode smart"
            )

    def run(self, types: list[str], mode: str, options: dict[str, Any]) -> list[int]:
        """Queue a run of each type, carry them out, and give their exit statuses."""
        trigger, given_file = SyncRun.Trigger.MANUAL, options["file"]
        asked_at = clock.now()
        forced = options["ignore_hours"]
        runs = [
            queue.request_sync(name, mode=mode, trigger=trigger, given_file=given_file, ignores_hours=forced)
            for name in types
        ]
        statuses = []
        for run in runs:
            ended = run if options["no_wait"] else self.wait_for(run, is_ours=run.requested_at >= asked_at)
            self.show(ended, as_json=options["json"])
            statuses.append(EXIT_STATUS[Status(ended.status)])
        return statuses

    def wait_for(self, run: SyncRun, *, is_ours: bool) -> SyncRun:
        """Wait for a run. A process that is told to stop gives back what it does; Ctrl-C cancels only its own run."""
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
        try:
            with ProgressBar(run.sync_type) as progress:
                return runner.wait_for(run, progress=progress)
        except KeyboardInterrupt:
            run.refresh_from_db()
            if run.status == Status.QUEUED and is_ours:
                run.cancel()
            self.show(run, as_json=False)
            raise SystemExit(EXIT_STATUS[Status(run.status)]) from None

    def show(self, run: SyncRun, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(describe_run(run)))
        elif run.status == Status.SUCCEEDED:
            seconds = run.duration.total_seconds() if run.duration else 0
            self.stdout.write(f"{run.sync_type}: {format_counts(run)} ({run.mode}, run {run.pk}, {seconds:.1f} s)")
            if run.read_from == SyncRun.Source.EXPORT:
                self.stdout.write(f"  Control totals that agree: {len(run.control_totals)}")
            self.show_coverage(run)
        elif run.is_finished:
            number = f"run {run.pk}" if run.pk else "dry run"
            said = f"{run.status}. {run.error_text}" if run.error_text else run.status
            self.stderr.write(self.style.ERROR(f"{run.sync_type}: {said} ({number})"))
        else:
            self.stdout.write(f"{run.sync_type}: {run.status} as run {run.pk}{explain_waiting(run)}.")
        if not as_json:
            for note in run.notes:
                self.stdout.write(f"  {note}")
        self.stdout.flush()  # before what follows on standard error

    def show_coverage(self, run: SyncRun) -> None:
        for each in run.coverage:
            there = "are in this export" if each["target"] == run.sync_type else "are mirrored"
            self.stdout.write(
                f"  {each['target'].capitalize()} that {each['source']} name: {each['named']}, "
                f"of which {each['found']} {there}"
            )

    def preview(self, sync_type: str, mode: str, options: dict[str, Any]) -> int:
        """Show what a run would do. Its end is told the same way as that of a run."""
        try:
            with (
                allowance.ignore_hours(options["ignore_hours"]),
                ProgressBar(sync_type) as progress,
                preview_sync(sync_type, mode=mode, given_file=options["file"], progress=progress) as preview,
            ):
                shown = list(islice(preview.differences, DIFFERENCES_SHOWN))
                more = sum(1 for _ in preview.differences)
        except SyncError as error:
            status = Status.QUARANTINED if isinstance(error, NeedsAcceptance) else Status.FAILED
            run = SyncRun(sync_type=sync_type, mode=mode, status=status)
            run.error_class, run.error_text = type(error).__name__, error.text
            self.show(run, as_json=options["json"])
            if isinstance(error, (ErpLoginRejected, ErpNotAsked)):  # the other lists would only end the same way
                raise SystemExit(EXIT_STATUS[status]) from None
            return EXIT_STATUS[status]
        totals = [total.as_json() for total in preview.records.totals]
        run = SyncRun(sync_type=sync_type, mode=preview.mode, control_totals=totals, **preview.outcome.get_counts())
        run.coverage = [each.as_json() for each in preview.coverage]
        if options["json"]:
            self.stdout.write(json.dumps(describe_run(run) | {"status": "dry-run"}))
            return 0
        self.stdout.write(f"{sync_type}: {format_counts(run)} (dry run, {preview.mode}: nothing was written)")
        self.show_coverage(run)
        for difference in shown:
            changes = ", ".join(f"{name} {old!s} → {new!s}" for name, (old, new) in difference.changes.items())
            self.stdout.write(f"  {difference.kind} {difference.key}{': ' if changes else ''}{changes}")
        if more:
            self.stdout.write(f"  and {more} more")
        return 0


def explain_waiting(run: SyncRun) -> str:
    """Why a run that is not waited for any more has not ended."""
    if run.status != Status.QUEUED:
        return " in another process"
    waits_for = turns.find_what_it_waits_for(run)
    until = turns.find_end_of_wait(run, waits_for, clock.now())
    if until and waits_for in turns.REASONS:
        at = allowance.format_resumption(until)
        advice = "" if waits_for == turns.WaitsFor.LOGINS else " (--ignore-hours runs it now)"
        return f"; it waits until {at}: {turns.REASONS[waits_for]}{advice}"
    match waits_for:
        case turns.WaitsFor.LOGIN:
            return "; it waits until the login is corrected, or a person asks for a new attempt"
        case turns.WaitsFor.TIME if run.not_before:
            why = run.ended_attempts[-1]["text"] if run.ended_attempts else ""
            return f"; it is tried again at {timezone.localtime(run.not_before):%H:%M:%S}. {why}".rstrip(".")
        case turns.WaitsFor.FORMS:
            return "; it waits until the open order forms are closed"
    return "; this command does not wait for it"


def parse_file(name: str) -> Path:
    path = Path(name)
    if not path.is_file():
        raise ArgumentTypeError(f"{name} is not a file")
    return path.resolve()


def format_counts(run: SyncRun) -> str:
    return ", ".join(f"{getattr(run, name)} {name}" for name in Outcome().get_counts())


def describe_run(run: SyncRun) -> dict[str, Any]:
    """A run as other programs read it."""
    return {
        "type": run.sync_type,
        "status": run.status,
        "mode": run.mode,
        "readFrom": run.read_from,
        **{name: getattr(run, name) for name in Outcome().get_counts()},
        "controlTotals": run.control_totals,
        "durationMs": round(run.duration.total_seconds() * 1000) if run.duration else None,
        "error": f"{run.error_class}: {run.error_text}" if run.error_class else None,
        "runId": run.pk,
    }
