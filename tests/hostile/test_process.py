"""What the process that reads does for whoever started it: it ends when it must, and tells why."""

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sync.exceptions import ExportDamaged, ExportReaderKilled, ExportTooCostly, RunCancelled
from sync.exports import process
from sync.exports.limits import Limits
from sync.exports.process import PageProcess
from sync.exports.reader import read_export
from sync.progress import ignore_progress
from tests.hostile.measuring import LAYOUT
from tests.hostile.writing import HEADERS, HELVETICA, Pdf, drawn_otherwise, list_of_two
from tests.hostile.zoo import TABLE

ENDS_WITHIN = 30  # seconds

pytestmark = pytest.mark.usefixtures("real_processes")


@pytest.fixture
def export(tmp_path):
    path = tmp_path / "list.pdf"
    path.write_bytes(list_of_two().written())
    return path


@pytest.fixture
def slow_export(tmp_path):
    """One page, of which pdfplumber has some seconds."""
    pdf = Pdf()
    pdf.add_page(drawn_otherwise(TABLE, more=b"q " * 400_000), HELVETICA)
    path = tmp_path / "slow.pdf"
    path.write_bytes(pdf.written())
    return path


class Watch:
    """A progress that does something at one of its calls."""

    def __init__(self, act, *, at):
        self.act, self.at, self.calls = act, at, 0

    def __call__(self, stage, done, total):
        self.calls += 1
        if self.calls == self.at:
            self.act()


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until_gone(pid):
    deadline = time.monotonic() + ENDS_WITHIN
    while is_alive(pid):
        assert time.monotonic() < deadline, "The process that reads goes on"
        time.sleep(0.02)


def test_a_run_reads_in_another_process(export):
    """What parses PDFs is not even loaded in the process of the run."""
    code = (
        "import django, sys; django.setup()\n"
        "from pathlib import Path\n"
        "from sync.coordinator.reading import open_export\n"
        "from sync.exceptions import LayoutChanged\n"
        "from sync.progress import ignore_progress\n"
        "from sync.service import get_service\n"
        "try:\n"
        "    with open_export(Path(sys.argv[1]), get_service('customers'), ignore_progress) as records: list(records)\n"
        "except LayoutChanged as error: print(error)\n"
        "print({'pikepdf', 'pdfplumber', 'pdfminer'} & {*sys.modules})\n"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    told = subprocess.run(
        [sys.executable, "-c", code, export], env=environment, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    assert told[0].startswith("The export lacks required columns: PROFILO CLIENTE:")
    assert told[1:] == ["set()"]


def test_a_run_that_must_stop_stops_within_a_page(slow_export):
    def cancel():
        raise RunCancelled

    watch = Watch(cancel, at=8)
    pages = PageProcess(slow_export, Limits(), watch)
    with pytest.raises(RunCancelled), pages:
        next(iter(pages))
    assert pages.read == 0
    assert not is_alive(pages.process.pid)


def test_nothing_is_left_of_it(export):
    before = sorted(Path("/proc/self/fd").iterdir())
    for _ in range(3):
        with PageProcess(export, Limits(), ignore_progress) as pages:
            next(iter(pages))
    assert sorted(Path("/proc/self/fd").iterdir()) == before
    with pytest.raises(ChildProcessError):
        os.waitpid(pages.process.pid, os.WNOHANG)


@pytest.mark.parametrize(
    ("end", "error", "said"),
    [
        (signal.SIGKILL, ExportReaderKilled, "ended the process that reads the export (SIGKILL), at page 1"),
        (signal.SIGSEGV, ExportDamaged, "page 1 makes the program that reads it crash"),
    ],
)
def test_how_it_was_ended_is_told(slow_export, end, error, said):
    with PageProcess(slow_export, Limits(), lambda *progress: None) as pages:
        os.kill(pages.process.pid, end)
        with pytest.raises(error) as told:
            next(iter(pages))
    assert said in str(told.value)


def test_libraries_that_get_no_memory_are_told_as_too_costly(slow_export):
    """The system's loader ends a process with 127 then."""
    started = subprocess.Popen(
        ["sh", "-c", "read request; exit 127"], bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with (
        pytest.raises(ExportTooCostly, match=r"its opening takes more than \d+ MB of memory"),
        PageProcess(slow_export, Limits(), lambda *progress: None, started=started),
    ):
        pass


def test_a_page_that_takes_too_long_is_named(slow_export):
    with pytest.raises(ExportTooCostly, match=r"page 1 takes more than 0\.5 s of processor time.*EXPORT_MAX_SECONDS"):
        read(slow_export, Limits(seconds=0.5))


def test_a_page_that_takes_too_much_memory_is_named(slow_export):
    with pytest.raises(ExportTooCostly, match=r"page 1 takes more than 60 MB of memory.*EXPORT_MAX_MEMORY_BYTES"):
        read(slow_export, Limits(memory_bytes=60 * 1024**2))


def test_all_pages_together_have_a_limit_of_time(tmp_path):
    pdf = Pdf()
    for number in range(1, 41):
        pdf.add_page(drawn_otherwise([HEADERS, [f"{number}", "Alfa", ""]], more=b"q " * 20_000), HELVETICA)
    path = tmp_path / "list.pdf"
    path.write_bytes(pdf.written())
    with pytest.raises(ExportTooCostly, match=r"page \d+ takes more than 0\.4 s of processor time"):
        read(path, Limits(seconds=0.4))


def read(path, limits):
    with read_export(path, LAYOUT, limits=limits) as records:
        return len(list(records))


def test_it_ends_when_whoever_started_it_is_killed(slow_export):
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from sync.exports.limits import Limits\n"
        "from sync.exports.process import PageProcess\n"
        "with PageProcess(Path(sys.argv[1]), Limits(seconds=1000), lambda *progress: None) as pages:\n"
        "    print(pages.process.pid, flush=True)\n"
        "    next(iter(pages))\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, slow_export], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        assert is_alive(pid)
        parent.kill()
    wait_until_gone(pid)


def test_one_that_was_ended_before_it_was_told_what_to_read_is_told(export):
    """As when the system runs out of memory while the ERP is asked."""
    with process.start_process() as started:
        started.kill()
        started.wait()
        with (
            pytest.raises(ExportReaderKilled, match=r"process that reads the export \(SIGKILL\), at its opening"),
            PageProcess(export, Limits(), ignore_progress, started=started),
        ):
            pass


@pytest.mark.parametrize("told_to_all", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_that_comes_to_all_processes_is_answered_by_whoever_started_it(slow_export, told_to_all):
    with PageProcess(slow_export, Limits(), lambda *progress: None) as pages:
        os.kill(pages.process.pid, told_to_all)
        (page,) = pages
    assert page.rows[0] == TABLE[0]


READS = (
    "import sys\n"
    "from pathlib import Path\n"
    "from sync.exports.limits import Limits\n"
    "from sync.exports.process import PageProcess\n"
    "with PageProcess(Path(sys.argv[1]), Limits(), lambda *progress: None) as pages:\n"
    "    sys.exit(len(list(pages)) != 1)\n"
)


@pytest.mark.parametrize(
    ("which", "allowed"), [(resource.RLIMIT_DATA, 300 * 1024**2), (resource.RLIMIT_FSIZE, 1024**2)]
)
def test_what_the_system_allows_less_of_stays(export, which, allowed):
    """As under `ulimit -d`: no process may ask for more again."""
    subprocess.run(
        [sys.executable, "-c", READS, export],
        check=True,
        preexec_fn=lambda: resource.setrlimit(which, (allowed, allowed)),
    )


def test_a_parent_without_output_reads_all_the_same(export):
    subprocess.run(["/bin/sh", "-c", 'exec "$0" -c "$1" "$2" >&- 2>&-', sys.executable, READS, export], check=True)


def test_a_file_that_has_vanished_is_told(export, monkeypatch):
    start = process.start_python
    monkeypatch.setattr(process, "start_python", lambda: [export.unlink(), start()][1])
    with pytest.raises(RuntimeError, match="FileNotFoundError"), PageProcess(export, Limits(), ignore_progress):
        pass


def test_it_gets_no_password(export, monkeypatch):
    monkeypatch.setenv("ERP_PASSWORD", "secret")
    with PageProcess(export, Limits(), ignore_progress) as pages:
        environment = Path(f"/proc/{pages.process.pid}/environ").read_bytes()
    assert b"PYTHONPATH=" in environment
    assert b"secret" not in environment


def test_a_bug_in_it_keeps_its_traceback(export, monkeypatch):
    code = (
        "from sync.exports import child, pages\n"
        "def open_pages(*which): return 1 / 0\n"
        "pages.open_pages = open_pages\n"
        "child.main()\n"
    )
    start = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda args, **how: start([*args[:-1], code], **how))
    with pytest.raises(RuntimeError, match="ZeroDivisionError") as told, PageProcess(export, Limits(), ignore_progress):
        pass
    assert "in open_pages" in told.value.__notes__[0]
