"""Say on the command line whether the mirror can be trusted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone, translation

from sync.coordinator import turns
from sync.database import clock
from sync.erp.allowance import Allowance
from sync.management.database import check_migrated
from sync.models import SyncLock, SyncRun, SyncWorker
from sync.monitoring import health
from sync.monitoring.diagnosis import find_problems
from sync.monitoring.problems import Action, Kind, Problem
from sync.monitoring.serializers import SyncStatusSerializer
from sync.monitoring.status import SyncStatus, TypeHealth

NOTHING = "-"
AGAIN = (Action.RETRIED_NOW, Action.RETRIED_LATER, Action.RETRIED_IN_TURN)


class Command(BaseCommand):
    help = (
        "Show the state of every list, the lock, the queue, open order forms and the workers. "
        "Exit status: 1 if anything is unhealthy."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, **options: Any) -> None:
        check_migrated()
        status = health.get_status()
        with translation.override("en"):
            if options["json"]:
                self.stdout.write(json.dumps(SyncStatusSerializer(status, context={"for_staff": True}).data))
            else:
                self.stdout.write("\n".join(list_lines(status)))
        if not status.is_healthy:
            raise SystemExit(1)


def list_lines(status: SyncStatus) -> Iterator[str]:
    rows = [["", "state", "fresh as of", "next due", "took", "usually"]]
    for each in status.types:
        times = [format_moment(each.fresh_as_of), format_next_due(each)]
        took = [format_exact_seconds(each.last_duration), format_exact_seconds(each.usual_duration)]
        rows.append([each.sync_type, each.state, *times, *took])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    yield ""
    yield f"Lock     {summarize_lock(status)}"
    yield f"Running  {summarize_running(status.current)}"
    yield f"Queue    {', '.join(map(summarize_queued, status.queue)) or 'empty'}"
    yield f"Forms    {summarize_forms(status)}"
    if status.allowance:
        yield f"ERP      {summarize_allowance(status.allowance)}"
    for number, line in enumerate(map(summarize_worker, status.workers)):
        yield f"{'' if number else 'Worker':8} {line}"
    if not status.workers:
        yield "Worker   none"
    yield ""
    problems = [line for problem in find_problems(status) for line in describe_problem(problem)]
    yield from problems or ["All is well."]


def format_next_due(each: TypeHealth) -> str:
    if not each.enabled:
        return "disabled"
    return "now" if each.next_due and each.next_due <= clock.now() else format_moment(each.next_due)


def summarize_lock(status: SyncStatus) -> str:
    match status.lock.state:
        case SyncLock.State.FREE:
            return "free"
        case SyncLock.State.SILENT:
            return f"NOT RENEWED, {status.lock.holder} since {format_moment(status.lock.leased_until)}"
    return f"held by {status.lock.holder} since {format_moment(status.lock.acquired_at)}"


def summarize_running(run: SyncRun | None) -> str:
    if run is None:
        return "nothing"
    pages = f", page {run.pages_read} of {run.pages}" if run.pages else ""
    return f"{run.sync_type} (run {run.pk}, {run.mode}, {run.stage or 'starting'}{pages})"


def summarize_queued(run: SyncRun) -> str:
    until = turns.find_end_of_wait(run, run.waits_for, clock.now())
    later = f" not before {format_moment(until)}" if until else ""
    return f"{run.sync_type} ({run.mode}, run {run.pk}){later}"


def summarize_forms(status: SyncStatus) -> str:
    if not status.sessions:
        return "none open"
    until = format_moment(status.paused_until)
    return f"{len(status.sessions)} open: other syncs are paused, until {until} if nobody uses them"


def summarize_allowance(today: Allowance) -> str:
    until = f" until {format_moment(today.closes_at)}" if today.closes_at else ""
    hours = f"open{until}" if today.is_open else f"CLOSED until {format_moment(today.resumes_at)}"
    used = ", ".join(
        f"{use.count} of {use.limit} {name}" for name, use in (("logins", today.logins), ("exports", today.exports))
    )
    return f"{hours} ({today.hours}); today {used}, {today.looks} looks"


def summarize_worker(worker: SyncWorker) -> str:
    if worker.stopped_at:
        return f"stopped, {worker.name} at {format_moment(worker.stopped_at)}"
    state = "responding" if worker.is_alive else "NOT RESPONDING"
    return f"{state}, {worker.name} last seen {format_moment(worker.seen_at)}"


def describe_problem(problem: Problem) -> Iterator[str]:
    """Most in words for a terminal, where there are no buttons."""
    facts = {name: FORMATS[name](value) if name in FORMATS else value for name, value in problem.facts.items()}
    name, at, error = (facts.get(name, "") for name in ("list", "time", "error"))
    match problem.kind:
        case Kind.LOGIN_REJECTED:
            yield describe_login(problem, at)
        case Kind.CLOCK_AHEAD | Kind.CLOCK_BEHIND:
            where = "ahead of" if problem.kind == Kind.CLOCK_AHEAD else "behind"
            yield f"The clock of {facts['machine']} is {facts['difference']} {where} the database's: correct it."
        case Kind.QUARANTINED:
            hint = "look at its last run in the admin, then accept the export or run the sync again"
            yield f"{name} is quarantined: {error} — {hint}"
        case Kind.FAILING:
            yield f"{name} is failing ({facts['times']} in a row): {error}"
        case Kind.NEVER_MIRRORED:
            hint = f" — it runs when it is due, or with manage.py runsync {name}"
            yield f"{name} was never synced{'' if problem.action in AGAIN else hint}"
        case Kind.OLD:
            hint = f"its schedule is disabled: run manage.py runsync {name}, or enable it in the admin"
            yield f"{name} is old: last updated at {at} — {hint}"
        case Kind.LATE:
            hint = f" — check that a worker is running (manage.py qcluster), or run manage.py runsync {name}"
            yield f"{name} is late: last updated at {at}{'' if problem.action in AGAIN else hint}"
        case Kind.RETRYING:
            yield f"{name} is tried again: {error} {describe_retry(problem)}".rstrip()
        case Kind.COLUMNS_CHANGED:
            what, _advice = problem.describe(FORMATS)
            yield f"{what} An administrator can mark that as seen in the admin."
        case Kind.NO_SCHEDULE:
            yield f"{name} has no schedule, so its state is not known — run manage.py migrate"
        case Kind.SCHEDULES_DISABLED:
            for sync_type, fresh_as_of in facts["lists"]:
                yield (
                    f"{sync_type} is as of {format_moment(fresh_as_of)}, and synced only if somebody asks: "
                    "its schedule is disabled."
                )
        case Kind.ALERT_NOT_DELIVERED:
            yield f"Alerts may not be arriving ({facts['channel']}): {error} {describe_retry(problem)}"
        case _:
            yield " ".join(problem.describe(FORMATS))


def describe_login(problem: Problem, at: str) -> str:
    what = f"The ERP has not accepted the login of {problem.facts['username']} since {at}: no list is synced"
    if problem.action == Action.WAIT_FOR_LOGIN:
        return f"{what}. It is tried again by run {problem.row.pk}."
    hint = "check ERP_USERNAME and ERP_PASSWORD; manage.py runsync TYPE, or Run now in the admin, makes one new attempt"
    return f"{what} — {hint}"


def describe_retry(problem: Problem) -> str:
    match problem.action:
        case Action.RETRIED_LATER:
            return f"It is tried again at {format_moment(problem.facts['next'])}."
        case Action.RETRIED_IN_TURN:
            return "It is tried again when its turn comes."
        case Action.SEND_AGAIN:
            return "The service no longer tries to send it; send it again in the admin."
    return ""  # it is tried again now


def format_moment(at: datetime | None) -> str:
    """A time of today without its date."""
    if at is None:
        return NOTHING
    local = timezone.localtime(at)
    return f"{local:%H:%M:%S}" if local.date() == clock.today() else f"{local:%d/%m/%Y %H:%M}"


def format_exact_seconds(duration: timedelta | None) -> str:
    return NOTHING if duration is None else f"{duration.total_seconds():.1f} s"


FORMATS: dict[str, Callable[[Any], Any]] = {
    "difference": format_exact_seconds,
    "elapsed": format_exact_seconds,
    "longest": format_exact_seconds,
    "next": format_moment,
    "time": format_moment,
    "usual": format_exact_seconds,
}
