"""What a campaign leaves behind: processes that do not end, files that nobody will read, tracebacks in logs."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from signal import SIGKILL
from time import sleep, time

from sync.models import SyncEvent, SyncRun
from tests.campaign.event_log import EventLog
from tests.campaign.faults import System
from tests.campaign.parts import Part, find_marked, get_kind, send

TRACEBACK = "Traceback (most recent call last):"
LED_TO_ANOTHER = (
    "During handling of the above exception, another exception occurred:",
    "The above exception was the direct cause of the following exception:",
)
EXPORT = re.compile(r"[a-z]+-(?P<run>\d+)-(?P<token>\d+)\.pdf")
EXPECTED = {  # the ends of tracebacks that faults explain
    "psycopg": "the connection to the database had a fault",
    "django.db.utils.OperationalError": "the connection to the database had a fault",
    "django.db.utils.InternalError: terminating connection": "the process was stopped in a transaction",
    "django.db.utils.InterfaceError": "the connection to the database had a fault",
    "BrokenPipeError": "the process at the other end of a pipe was killed",
    "ConnectionResetError": "the process at the other end was killed",
    "EOFError": "the process at the other end of a pipe was killed",
}


def stop(parts: list[Part], event_log: EventLog, *, within: float) -> None:
    """SIGTERM ends each of them within its bound, with all that belongs to it."""
    for part in parts:
        part.terminate()
        began = time()
        while part.is_up and time() < began + within:
            sleep(0.05)
        took = f"{time() - began:.1f} s"
        event_log.note("campaign", f"{part.name} was told to stop: {took}")
        left = part.processes()
        if part.is_up:
            kinds = part.by_kind()
            event_log.add_violation(
                "processes", f"SIGTERM does not end the {get_kind(part)}", part=part.name, left=kinds
            )
        elif left:
            event_log.add_violation("processes", f"a stopped {get_kind(part)} leaves processes behind", left=left)
        part.kill()


def find_orphans(campaign: str, event_log: EventLog) -> None:
    if orphans := list(find_marked(campaign)):
        event_log.add_violation("processes", "processes are left", pids=orphans)
        for pid in orphans:
            send(pid, SIGKILL)


def find_files(system: System, temporary: Path) -> None:
    """Exports that no row names, and temporary files of whoever was not killed."""
    named = {Path(path).name for path in SyncRun.objects.exclude(export_path="").values_list("export_path", flat=True)}
    lost = {run.pk for run in SyncRun.objects.all() if any(each["outcome"] == "lost" for each in run.ended_attempts)}
    for path in sorted(system.exports.iterdir()):
        if path.name in named:
            continue
        export = EXPORT.fullmatch(path.name)
        if export and int(export["run"]) in lost:
            system.event_log.note("file", f"{path.name} was left by a process that was killed or replaced")
            system.event_log.count("exports left by lost attempts")
        else:
            evidence = describe_run(int(export["run"])) if export else {}
            system.event_log.add_violation("files", "an export that no run names", path=path.name, **evidence)
    for path in sorted(temporary.iterdir()):
        system.event_log.note("file", f"temporary: {path.name}")
        system.event_log.count("temporary files left")


def describe_run(run_id: int) -> dict[str, object]:
    """A run and its story."""
    run = SyncRun.objects.filter(pk=run_id).values("sync_type", "mode", "status", "attempts", "ended_attempts").first()
    events = SyncEvent.objects.filter(run=run_id).order_by("pk").values_list("at", "kind", "facts")
    return {"run": run, "events": [(f"{at:%H:%M:%S.%f}", kind, facts) for at, kind, facts in events]}


def find_tracebacks(system: System) -> dict[str, int]:
    """How often each exception ended one, over all logs."""
    found: Counter[str] = Counter()
    for part in system.parts:
        for last in find_last_lines(part.log.read_text(errors="replace")):
            found[f"{part.name}: {last[:160]}"] += 1
            if not any(last.startswith(expected) for expected in EXPECTED):
                shape = re.sub(r"\d+", "N", last)[:160]
                system.event_log.add_violation(
                    "logs", f"a traceback in the log of the {get_kind(part)}: {shape}", log=part.log
                )
    return dict(found)


def find_last_lines(log: str) -> list[str]:
    """The exception of each traceback; of those that led to another one, that of the last."""
    blocks = [block for block in log.split(TRACEBACK)[1:] if not block.rstrip().endswith(LED_TO_ANOTHER)]
    lines = [[line for line in block.splitlines()[1:] if line and not line.startswith(" ")] for block in blocks]
    return [found[0] if found else "cut short" for found in lines]
