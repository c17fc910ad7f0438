"""Say on the command line what works with the ERP, step by step."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from sync.coordinator import runner
from sync.coordinator.erp_check import ErpCheck, Outcome, Step
from sync.database import clock
from sync.erp import allowance
from sync.exceptions import DiskFull, ErpClosed, LeaseLost
from sync.management import erp_report
from sync.management.database import check_migrated
from sync.management.progress_bar import ProgressBar
from sync.service import get_service, list_types


class Command(BaseCommand):
    help = (
        "Try everything that a sync asks of the ERP, and say what works: the settings, the connection, the login, and "
        "of each list its page, filters, columns, export and control totals. Nothing is written to the mirror; no sync "
        "runs meanwhile. It logs in once at most, and exports each list once. "
        "Exit status: 0 all well, 1 something failed, 2 wrong usage."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--list",
            action="append",
            dest="types",
            metavar="TYPE",
            choices=list(settings.SYNC_TYPES),
            help="check this list only; may be repeated",
        )
        parser.add_argument(
            "--report",
            metavar="FILE",
            type=Path,
            help="write a text that can be sent to somebody: without names, addresses, numbers and amounts",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object, at the end")
        parser.add_argument("--ignore-hours", action="store_true", help="ask the ERP outside ERP_HOURS too")

    def handle(self, *, types: list[str] | None, report: Path | None, ignore_hours: bool, **options: Any) -> None:
        check_migrated()
        with allowance.ignore_hours(ignore_hours):
            self.check_erp(types, report, options)

    def check_erp(self, types: list[str] | None, report: Path | None, options: dict[str, Any]) -> None:
        try:
            allowance.check_hours()
        except ErpClosed as error:
            raise CommandError(f"{error} To ask it now, with its operators' consent, add --ignore-hours.") from None
        self.as_json, self.is_waiting = options["json"], False
        services = [get_service(name) for name in list_types() if not types or name in types]
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
        try:
            with runner.hold_lock_between_syncs(self.say_that_it_waits) as lease, ProgressBar("ERP") as progress:
                check = ErpCheck(services, lease=lease, tell=self.show, progress=progress)
                check.run()
        except LeaseLost:
            raise CommandError("Another process took the lock: the check was given up. Run it again.") from None
        except DiskFull as error:
            raise CommandError(str(error)) from None
        except KeyboardInterrupt:
            self.stderr.write("Stopped. Nothing was left behind.")
            raise SystemExit(1) from None
        if self.as_json:
            self.stdout.write(describe_check(check))
        if report:
            at = timezone.localtime(clock.now())
            report.write_text(erp_report.write_report(check, at=at))
            self.stderr.write(f"The report is in {report}.")
        if check.has_failed:
            raise SystemExit(1)

    def say_that_it_waits(self) -> None:
        if not self.is_waiting:
            self.is_waiting = True
            self.stderr.write("Waiting for the sync in progress to end.")

    def show(self, step: Step) -> None:
        if self.as_json:
            return
        style = {Outcome.OK: self.style.SUCCESS, Outcome.FAILED: self.style.ERROR, Outcome.SKIPPED: self.style.WARNING}
        self.stdout.write(style[step.outcome](erp_report.format_step(step)))
        for line in list_details(step):
            self.stdout.write(f"    {line}")
        self.stdout.flush()


def list_details(step: Step) -> list[str]:
    lines = [str(step.error)] if step.error else []
    lines += [f"note: {note}" for note in step.notes]
    for total in step.totals:
        agrees = "agrees" if total.agrees else f"does not agree: the records add up to {total.found}"
        lines.append(f"{erp_report.format_total_name(total)}: {total.stated} {agrees}")
    return lines + [f"kept: {path}" for path in step.files]


def describe_check(check: ErpCheck) -> str:
    """A check as other programs read it."""
    steps = [
        {
            "list": step.sync_type or None,
            "step": str(step.name),
            "outcome": step.outcome,
            "seconds": None if step.seconds is None else round(step.seconds, 3),
            "detail": step.detail,
            "error": f"{type(step.error).__name__}: {step.error}" if step.error else None,
            "notes": list(map(str, step.notes)),
            "controlTotals": [total.as_json() for total in step.totals],
            "files": list(map(str, step.files)),
        }
        for step in check.steps
    ]
    return json.dumps({"ok": not check.has_failed, "steps": steps})
