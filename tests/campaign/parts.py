"""The product's processes, and an operator who starts again what has died."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep, time

from tests.campaign.event_log import ActiveFault, EventLog

PROJECT = Path(__file__).resolve().parent.parent.parent
MARK = "CAMPAIGN_PART"  # in the environment of all processes of a part
INTRODUCED = re.compile(r"Process-\w+ (ready for work|monitoring|pushing tasks) at (\d+)")
KINDS = {"ready for work": "worker child", "monitoring": "monitor", "pushing tasks": "pusher"}
CLUSTER = {"main", "guard", *KINDS.values()}
INCOMPLETE_FOR = 45  # seconds that a cluster may lack a process
STARTS_WITHIN = 60  # seconds


class Part:
    """A management command of the product, with all processes that it consists of, in a session of its own."""

    def __init__(self, name: str, *command: str, campaign: str, folder: Path, environment: dict[str, str]) -> None:
        self.name = name
        self.command = [sys.executable, str(PROJECT / "manage.py"), *command]
        self.log = folder / f"{name}.log"
        self.folder = folder
        self.mark = f"{campaign}/{name}"
        self.environment = environment | {MARK: self.mark}
        self.extra: dict[str, str] = {}  # of the next start
        self.process: subprocess.Popen[bytes] | None = None
        self.started = 0.0
        self.unfit_until = 0.0  # nothing is expected of it before
        self.told_to_stop = 0.0
        self.starts_at = 0.0
        self.incomplete_since = 0.0

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env=self.environment | self.extra,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.started, self.told_to_stop = time(), 0.0
        self.expect_nothing(5)

    def expect_nothing(self, seconds: float) -> None:
        """It has a fault: nothing is expected of it for a while."""
        self.unfit_until = max(self.unfit_until, time() + seconds)

    @property
    def is_fit(self) -> bool:
        return self.is_up and time() > self.unfit_until

    @property
    def is_up(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        return self.process.pid if self.process else 0

    def processes(self) -> list[int]:
        """All that it consists of, but for zombies."""
        return sorted(find_marked(self.mark))

    def by_kind(self) -> dict[str, int]:
        """Its processes by what they are; those of django-q2 have said so in the log."""
        alive = self.processes()
        said = dict(reversed(found) for found in INTRODUCED.findall(self.log.read_text(errors="replace")))
        kinds = {KINDS[said[str(pid)]]: pid for pid in alive if str(pid) in said}
        if self.pid in alive:
            kinds["main"] = self.pid
        guards = [find_parent(pid) for kind, pid in kinds.items() if kind != "main"]
        if guards and guards[0] in alive:
            kinds["guard"] = guards[0]
        return kinds

    def signal(self, number: int) -> None:
        for pid in self.processes():
            send(pid, number)

    def terminate(self) -> None:
        """What systemd sends to its main process."""
        if self.process and self.is_up:
            self.told_to_stop = time()
            self.process.terminate()

    def kill(self) -> None:
        for _ in range(20):
            self.signal(signal.SIGKILL)
            if not self.processes():
                break
            sleep(0.05)
        if self.process:
            self.process.wait(10)


class Operator:
    """Does within a second or two what systemd does with Restart=always and KillMode=mixed."""

    def __init__(self, parts: list[Part], event_log: EventLog, *, stops_within: float) -> None:
        self.parts = parts
        self.event_log = event_log
        self.stops_within = stops_within

    def look(self) -> None:
        for part in self.parts:
            if part.process and not part.is_up:
                self.record_end(part)
            elif part.told_to_stop and time() > part.told_to_stop + self.stops_within:
                self.event_log.add_violation(
                    "processes", f"SIGTERM does not end the {get_kind(part)}", part=part.name, left=part.by_kind()
                )
                part.kill()
            elif part.process is None and time() >= part.starts_at:
                part.start()
            elif "qcluster" in part.command:
                self.look_at_cluster(part)

    def record_end(self, part: Part) -> None:
        """Until it is there again, its end explains what is not answered."""
        assert part.process
        down = ActiveFault("down", target=part.name, affects=frozenset({get_kind(part)}))
        down.ended = time() + 6
        self.event_log.add_fault(down, is_fault=False)
        left = part.processes()
        self.event_log.note("operator", f"{part.name} ended ({part.process.returncode}), left {len(left)} processes")
        if part.told_to_stop and part.process.returncode == 0 and left:
            self.event_log.add_violation("processes", f"a stopped {get_kind(part)} leaves processes behind", left=left)
        part.kill()
        part.process, part.told_to_stop = None, 0
        part.starts_at = time() + 1
        part.expect_nothing(6)

    def look_at_cluster(self, part: Part) -> None:
        """One that lacks a process for long does no work, and its main process does not say so."""
        if part.told_to_stop or time() < part.started + 15:
            return
        kinds = part.by_kind()
        if kinds.keys() >= CLUSTER or any(find_state(pid) == "T" for pid in kinds.values()):
            part.incomplete_since = 0
        elif not part.incomplete_since:
            part.incomplete_since = time()
        elif time() > part.incomplete_since + INCOMPLETE_FOR:
            lacks = sorted(CLUSTER - kinds.keys())
            self.event_log.add_violation(
                "processes", f"a worker goes on without its {', '.join(lacks)}", part=part.name
            )
            part.incomplete_since = 0
            part.kill()


def get_kind(part: Part) -> str:
    return part.name.rstrip("-0123456789")


def find_marked(mark: str) -> Iterator[int]:
    """The processes, but for zombies, whose environment has this mark, or one that begins so."""
    wanted = f"{MARK}={mark}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if any(entry.startswith(wanted) for entry in (folder / "environ").read_bytes().split(b"\0")):
                yield int(folder.name)


def find_state(pid: int) -> str:
    """R, S, D, T or Z; nothing if there is none."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return ""


def find_parent(pid: int) -> int:
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return 0


def send(pid: int, number: int) -> None:
    assert pid > 1, "0 would be this process's own group"
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def wait_until_it_listens(port: int) -> None:
    deadline = monotonic() + STARTS_WITHIN
    while True:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert monotonic() < deadline, f"nothing listens on port {port}"
        sleep(0.1)
