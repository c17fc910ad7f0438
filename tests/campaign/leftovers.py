"""What a campaign leaves behind: processes that do not end, files that nobody will read, tracebacks in logs."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from signal import SIGKILL
from time import sleep, time

from sync.models import SyncEvent, SyncRun
from tests.campaign.chronicle import Chronicle
from tests.campaign.faults import Stage
from tests.campaign.parts import Part, kind_of, marked, send

TRACEBACK = "Traceback (most recent call last):"
LED_TO_ANOTHER = (
    "During handling of the above exception, another exception occurred:",
    "The above exception was the direct cause of the following exception:",
)
EXPORT = re.compile(r"[a-z]+-(?P<run>\d+)-(?P<token>\d+)\.pdf")
EXPECTED = {  # the ends of tracebacks that what was struck explains
    "psycopg": "the connection to the database was struck",
    "django.db.utils.OperationalError": "the connection to the database was struck",
    "django.db.utils.InternalError: terminating connection": "the process was stopped in a transaction",
    "django.db.utils.InterfaceError": "the connection to the database was struck",
    "BrokenPipeError": "the process at the other end of a pipe was killed",
    "ConnectionResetError": "the process at the other end was killed",
    "EOFError": "the process at the other end of a pipe was killed",
}


def stop(parts: list[Part], chronicle: Chronicle, *, within: float) -> None:
    """SIGTERM ends each of them within its bound, with all that belongs to it."""
    for part in parts:
        part.terminate()
        began = time()
        while part.is_up and time() < began + within:
            sleep(0.05)
        took = f"{time() - began:.1f} s"
        chronicle.note("course", f"{part.name} was told to stop: {took}")
        left = part.processes()
        if part.is_up:
            kinds = part.by_kind()
            chronicle.violate("processes", f"SIGTERM does not end the {kind_of(part)}", part=part.name, left=kinds)
        elif left:
            chronicle.violate("processes", f"a stopped {kind_of(part)} leaves processes behind", left=left)
        part.kill()


def find_orphans(campaign: str, chronicle: Chronicle) -> None:
    if orphans := list(marked(campaign)):
        chronicle.violate("processes", "processes are left", pids=orphans)
        for pid in orphans:
            send(pid, SIGKILL)


def find_files(stage: Stage, temporary: Path) -> None:
    """Exports that no row names, and temporary files of whoever was not killed."""
    named = {Path(path).name for path in SyncRun.objects.exclude(export_path="").values_list("export_path", flat=True)}
    lost = {run.pk for run in SyncRun.objects.all() if any(each["outcome"] == "lost" for each in run.ended_attempts)}
    for path in sorted(stage.exports.iterdir()):
        if path.name in named:
            continue
        export = EXPORT.fullmatch(path.name)
        if export and int(export["run"]) in lost:
            stage.chronicle.note("file", f"{path.name} was left by a process that was killed or replaced")
            stage.chronicle.count("exports left by lost attempts")
        else:
            evidence = described(int(export["run"])) if export else {}
            stage.chronicle.violate("files", "an export that no run names", path=path.name, **evidence)
    for path in sorted(temporary.iterdir()):
        stage.chronicle.note("file", f"temporary: {path.name}")
        stage.chronicle.count("temporary files left")


def described(run_id: int) -> dict[str, object]:
    """A run and its story."""
    run = SyncRun.objects.filter(pk=run_id).values("sync_type", "mode", "status", "attempts", "ended_attempts").first()
    events = SyncEvent.objects.filter(run=run_id).order_by("pk").values_list("at", "kind", "facts")
    return {"run": run, "events": [(f"{at:%H:%M:%S.%f}", kind, facts) for at, kind, facts in events]}


def find_tracebacks(stage: Stage) -> dict[str, int]:
    """How often each exception ended one, over all logs."""
    found: Counter[str] = Counter()
    for part in stage.parts:
        for last in last_lines(part.log.read_text(errors="replace")):
            found[f"{part.name}: {last[:160]}"] += 1
            if not any(last.startswith(expected) for expected in EXPECTED):
                shape = re.sub(r"\d+", "N", last)[:160]
                stage.chronicle.violate("logs", f"a traceback in the log of the {kind_of(part)}: {shape}", log=part.log)
    return dict(found)


def last_lines(log: str) -> list[str]:
    """The exception of each traceback; of those that led to another one, that of the last."""
    blocks = [block for block in log.split(TRACEBACK)[1:] if not block.rstrip().endswith(LED_TO_ANOTHER)]
    lines = [[line for line in block.splitlines()[1:] if line and not line.startswith(" ")] for block in blocks]
    return [found[0] if found else "cut short" for found in lines]
