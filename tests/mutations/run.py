"""Break the product in many places, one at a time, and see whether the tests notice: `make mutants`.

Each patch beside this file says in its first line what it breaks, in its second which tests have to fail then. It is
applied to a copy of the project; nothing is changed here.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, STDOUT, Popen, TimeoutExpired, run
from tempfile import TemporaryDirectory

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
LONGEST = 300  # seconds that tests may take
FAILED = re.compile(r"^FAILED (.+?::.+?)(?: - .*)?$", re.MULTILINE)  # a test, in pytest's summary


@contextmanager
def copied() -> Iterator[Path]:
    """A copy of the project's files as they are; it goes with all that tests leave beside it."""
    ignored = [".git", *(PROJECT / ".gitignore").read_text().replace("/", "").split()]
    with TemporaryDirectory(prefix="mutant-", ignore_cleanup_errors=True) as folder:
        yield Path(shutil.copytree(PROJECT, Path(folder, "project"), ignore=shutil.ignore_patterns(*ignored)))


def run_tests(copy: Path, tests: Iterable[str]) -> tuple[int, str]:
    """pytest's exit status and output."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-rfEs", "-p", "no:cacheprovider", *tests]
    environment = os.environ | {"TMPDIR": str(copy.parent), "PYTHONDONTWRITEBYTECODE": "1", "PY_COLORS": "0"}
    with Popen(command, cwd=copy, env=environment, text=True, stdout=PIPE, stderr=STDOUT) as pytest:
        try:
            output, _ = pytest.communicate(timeout=LONGEST)
        except TimeoutExpired:
            pytest.send_signal(signal.SIGINT)  # it ends what its tests have started
            output, _ = pytest.communicate()
        return pytest.returncode, output


def tests_of(patch: Path) -> list[str]:
    return patch.read_text().splitlines()[1].removeprefix("Tests: ").split()


def check_tests(tests: Iterable[str]) -> None:
    """Exit unless the tests pass on the product as it is: their failing would not mean anything."""
    with copied() as copy:
        status, output = run_tests(copy, tests)
    if status or "\nSKIPPED" in output:
        sys.exit(f"{output}\nThese tests have to pass, with none left out, before anything is broken.")


def judge(patch: Path) -> str:
    """What is said of a mutation."""
    started = time.monotonic()
    with copied() as copy:
        applied = run(["git", "apply", patch], cwd=copy, stdout=PIPE, stderr=STDOUT, text=True)
        if applied.returncode:
            return f"ERROR    {patch.stem}  does not apply: {applied.stdout.strip()}"
        status, output = run_tests(copy, tests_of(patch))
    if status == 0:
        return f"SURVIVED {patch.stem}"
    if status == 1 and (failed := FAILED.search(output)):
        return f"caught   {patch.stem}  by {failed[1]}  ({time.monotonic() - started:.0f} s)"
    return f"ERROR    {patch.stem}  pytest ended with {status}: {output[-500:]}"


def main() -> None:
    parser = argparse.ArgumentParser(description="See whether the tests notice when the product is broken.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="a patch's, without .patch (default: all)")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time (default: 2)")
    options = parser.parse_args()
    patches = [HERE / f"{name}.patch" for name in options.names] or sorted(HERE.glob("*.patch"))
    if unknown := [patch.stem for patch in patches if not patch.is_file()]:
        parser.error(f"no such mutation: {', '.join(unknown)}")
    caught = 0
    with ThreadPoolExecutor(options.jobs) as pool:  # Ctrl-C reaches pytest too; its thread waits for its end
        pool.submit(check_tests, sorted({test for patch in patches for test in tests_of(patch)})).result()
        for line in pool.map(judge, patches):
            print(line, flush=True)
            caught += line.startswith("caught")
    print(f"{caught} of {len(patches)} caught")
    sys.exit(caught != len(patches))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
