"""What the benchmarks share: one core, a database and processes of their own, times, and pdfplumber alone."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pdfplumber

from demo.environment import ERP_SETTINGS
from demo.erp.server import DEMO_PASSWORD, DEMO_USERNAME

MANAGE = Path(__file__).resolve().parent.parent / "manage.py"
STOPS_WITHIN = 20  # seconds
SAMPLE = 48  # pages that pdfplumber reads, evenly spread, for the time of them all


def scale(count: int) -> int:
    """So many, or with SMALL=1 a tenth of them: enough to see that a benchmark works, and roughly what it shows."""
    return -(-count // 10) if os.environ.get("SMALL") == "1" else count


def find_processor() -> str:
    """The name that the machine gives its processor."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown"


def use_one_core() -> None:
    """Keep this process, and its children, on one core."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def use_scratch(**variables: str) -> Path:
    """Settings for this process and its children: files that are gone at the end, DATABASE_URL or else SQLite."""
    scratch = tempfile.mkdtemp(prefix="archibald-benchmark-")
    # No TemporaryDirectory: a forked process forgets what is registered here, and that object then removes itself.
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    for name in ("EXPORT_DIR", "ERP_FOLDER"):
        os.environ.pop(name, None)
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "archibald.settings",
        "DATA_DIR": scratch,
        "ENV_FILE": os.devnull,
        **ERP_SETTINGS,
        **variables,
    }
    return Path(scratch)


def make_tables() -> str:
    """Migrate an empty database, and give its name. No other one: a benchmark fills and empties tables."""
    from django.core.management import call_command
    from django.db import connection

    if connection.introspection.table_names():
        sys.exit("DATABASE_URL names a database that is in use. Name an empty one, or none.")
    call_command("migrate", verbosity=0)
    return connection.display_name


@contextmanager
def run_command(*command: str, files: int | None = None, log: Path | None = None) -> Iterator[subprocess.Popen[str]]:
    """A management command in a process of its own, until the end of the block.

    It may open so many files, if that is said; what it says of errors goes to `log`, or nowhere.
    """
    limit = ["prlimit", f"--nofile={files}:{files}"] if files else []
    with (log or Path(os.devnull)).open("wb") as errors:
        process = subprocess.Popen(
            [*limit, sys.executable, str(MANAGE), *command],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.communicate(timeout=STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def time_best(work: Callable[[], Any], *, of: int = 3) -> float:
    """The shortest of several times, in seconds."""
    return min(time_once(work) for _ in range(of))


def time_once(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def find_percentile(values: list[float], percent: int) -> float:
    """The smallest value that so many percent do not exceed."""
    return sorted(values)[-(-len(values) * percent // 100) - 1]


def time_pdfplumber(path: Path, pages: int) -> float:
    """Seconds that pdfplumber's extract_tables needs for all pages of an export, from a sample of them."""
    numbers = list(range(1, pages + 1, max(1, pages // scale(SAMPLE))))

    def extract_tables() -> None:
        with pdfplumber.open(path, pages=numbers) as pdf:
            for page in pdf.pages:
                page.extract_tables()
                page.close()

    return time_once(extract_tables) * pages / len(numbers)


def show(what: str, value: str, *, bound: str = "") -> None:
    print(f"  {what:<58} {value:>14}   {bound}")


@contextmanager
def run_demo_erp(*options: str) -> Iterator[None]:
    """The demo ERP in a process of its own, which this one, and those that it starts from now on, ask."""
    from django.conf import settings

    with run_command("demo_erp", "--port=0", *options) as process:
        assert process.stdout
        address = re.search(r"http://[\w.:]+", process.stdout.readline())
        assert address, "The demo ERP did not start"
        where = {"ERP_URL": address[0], "ERP_USERNAME": DEMO_USERNAME, "ERP_PASSWORD": DEMO_PASSWORD}
        os.environ |= where
        for name, value in where.items():
            setattr(settings, name, value)
        yield
