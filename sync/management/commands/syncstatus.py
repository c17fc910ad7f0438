"""Say on the command line whether the mirror can be trusted."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone, translation

from sync.database import clock
from sync.management.database import check_migrated
from sync.mirror.columns import describe_drifts
from sync.models import Alert, RejectedLogin, SyncLock, SyncRun, SyncWorker
from sync.monitoring import alerts, health
from sync.monitoring.health import State, SyncStatus, TypeHealth, WrongClock
from sync.monitoring.serializers import SyncStatusSerializer

NOTHING = "-"
WHAT_TO_DO = {
    State.QUARANTINED: "look at its last run in the admin, and accept the export or run the sync again",
    State.FAILING: "",  # its error says it
    State.NEVER: "it runs when it is due, or with manage.py runsync {type}",
    State.OLD: "its schedule is disabled: run manage.py runsync {type}, or enable it in the admin",
    State.LATE: "see that a worker runs (manage.py qcluster), or run manage.py runsync {type}",
}


class Command(BaseCommand):
    help = (
        "Show the state of every sync type, the lock, open order forms, the queue and the worker. "
        "Exit status: 1 if anything is unhealthy."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, **options: Any) -> None:
        check_migrated()
        status = health.status()
        as_json = SyncStatusSerializer(status, context={"for_staff": True})
        self.stdout.write(json.dumps(as_json.data) if options["json"] else text(status))
        if not status.is_healthy:
            raise SystemExit(1)


def text(status: SyncStatus) -> str:
    return "\n".join(
        [
            *table([["", "state", "fresh as of", "next due", "took", "usually"], *map(row, status.types)]),
            "",
            f"Lock     {lock(status)}",
            f"Running  {running(status.current)}",
            f"Queue    {', '.join(map(queued, status.queue)) or 'empty'}",
            f"Forms    {forms(status)}",
            *workers(status),
            "",
            *problems(status),
        ]
    )


def row(each: TypeHealth) -> list[str]:
    return [
        each.sync_type,
        each.state,
        moment(each.fresh_as_of),
        next_due(each),
        seconds(each.last_duration),
        seconds(each.usual_duration),
    ]


def next_due(each: TypeHealth) -> str:
    if not each.enabled:
        return "disabled"
    return "now" if each.next_due and each.next_due <= clock.now() else moment(each.next_due)


def table(rows: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def lock(status: SyncStatus) -> str:
    match status.lock.state:
        case SyncLock.State.FREE:
            return "free"
        case SyncLock.State.SILENT:
            return f"SILENT, {status.lock.holder} since {moment(status.lock.leased_until)}"
    return f"held by {status.lock.holder} since {moment(status.lock.acquired_at)}"


def running(run: SyncRun | None) -> str:
    if run is None:
        return "nothing"
    pages = f", page {run.pages_read} of {run.pages}" if run.pages else ""
    return f"{run.sync_type} (run {run.pk}, {run.mode}, {run.stage or 'starting'}{pages})"


def queued(run: SyncRun) -> str:
    later = f" not before {moment(run.not_before)}" if run.not_before and run.not_before > clock.now() else ""
    return f"{run.sync_type} ({run.mode}, run {run.pk}){later}"


def forms(status: SyncStatus) -> str:
    if not status.sessions:
        return "none open"
    return (
        f"{len(status.sessions)} open: other syncs are paused, until {moment(status.paused_until)} if nobody uses them"
    )


def workers(status: SyncStatus) -> list[str]:
    """A line for each."""
    lines = [worker_line(worker) for worker in status.workers] or ["none"]
    return [f"{'Worker' if line == lines[0] else '':8} {line}" for line in lines]


def worker_line(worker: SyncWorker) -> str:
    if worker.stopped_at:
        return f"stopped, {worker.name} at {moment(worker.stopped_at)}"
    return f"{'alive' if worker.is_alive else 'SILENT'}, {worker.name} last seen {moment(worker.seen_at)}"


def problems(status: SyncStatus) -> list[str]:
    """What is wrong, and what to do about it."""
    rejected = [login_problem(status.rejected_login)] if status.rejected_login else []
    found = [problem(each) for each in status.types if not (each.is_trusted or (rejected and each.waits_for_login))]
    found += [asked_only(each) for each in status.types if not each.enabled and each.is_trusted]
    if not rejected:
        found += [retried(each.sync_type, run) for each in status.types for run in each.retried]
    unknown = "{} has no schedule, so its state is not known — run manage.py migrate"
    found += map(unknown.format, status.without_schedule)
    found += map(clock_problem, status.wrong_clocks)
    with translation.override("en"):
        found += [f"{each.text} {each.action}" for each in health.worker_problems(status, say_time=moment)]
        found += [f"{notice.text} {notice.action}" for _volume, notice in health.disk_problems(status)]
        found += [drifted(each) for each in status.types if each.drifts]
        found += [f"{sync_type}: {notice.text} {notice.action}" for sync_type, notice in health.notices()]
    found += map(trouble, alerts.troubles())
    return rejected + found or ["All is well."]


def login_problem(login: RejectedLogin) -> str:
    what = f"The ERP has not accepted the login of {login.username} since {moment(login.at)}: no list is synced"
    if login.is_tried_again and login.attempt:
        return f"{what}. It is tried again by run {login.attempt.pk}."
    return f"{what} — check ERP_USERNAME and ERP_PASSWORD; manage.py runsync TYPE, or Run now, is one new attempt"


def clock_problem(each: WrongClock) -> str:
    where = "ahead of" if each.ahead > timedelta(0) else "behind"
    return f"The clock of {each.machine} is {seconds(abs(each.ahead))} {where} the database's: set it right."


def trouble(alert: Alert) -> str:
    again = again_at(alert.next_attempt_at) if alert.next_attempt_at else "It was given up."
    return f"Nobody may be told of changes ({alert.channel}): {alert.error} {again}"


def retried(sync_type: str, run: SyncRun) -> str:
    why = f"{sync_type} is tried again: {(run.failed_attempt or {}).get('text', '')}"
    return why if run.status == SyncRun.Status.RUNNING else f"{why} {again_at(run.not_before)}"


def again_at(at: datetime | None) -> str:
    """When something is tried again. A time that is past is no promise."""
    if at and at > clock.now():
        return f"It is tried again at {moment(at)}."
    return "It is tried again as soon as it is its turn."


def problem(each: TypeHealth) -> str:
    why = f": {each.failure.error_text}" if each.failure and each.state in (State.FAILING, State.QUARANTINED) else ""
    count = f" ({each.consecutive_failures} in a row)" if each.state == State.FAILING else ""
    says_more = each.retried and each.state in (State.NEVER, State.LATE)  # another line: it is tried again
    hint = "" if says_more else WHAT_TO_DO[each.state].format(type=each.sync_type)
    age = f", as of {moment(each.fresh_as_of)}" if each.state in (State.LATE, State.OLD) else ""
    state = "was never mirrored" if each.state == State.NEVER else f"is {each.state}{age}"
    return f"{each.sync_type} {state}{count}{why}{' — ' if hint else ''}{hint}"


def drifted(each: TypeHealth) -> str:
    changes = describe_drifts(each.drifts)
    return f"{each.sync_type}: the columns have changed. {changes} An administrator can mark that as seen in the admin."


def asked_only(each: TypeHealth) -> str:
    age = f"{each.sync_type} is as of {moment(each.fresh_as_of)}"
    return f"{age}, and synced only if somebody asks: its schedule is disabled."


def moment(at: datetime | None) -> str:
    """A time of today without its date."""
    if at is None:
        return NOTHING
    local = timezone.localtime(at)
    return f"{local:%H:%M:%S}" if local.date() == clock.today() else f"{local:%d/%m/%Y %H:%M}"


def seconds(duration: timedelta | None) -> str:
    return NOTHING if duration is None else f"{duration.total_seconds():.1f} s"
