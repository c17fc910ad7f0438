"""The code stays as easy to read as it is."""

import re
import subprocess
import sys

import pytest
from django.conf import settings

from sync.exceptions import NeedsAcceptance
from tests.project.measure_structure import repeated_names

MOST_REPEATED_NAMES = 2


def test_few_function_names_stand_in_more_than_one_module():
    repeated = repeated_names()
    assert len(repeated) <= MOST_REPEATED_NAMES, repeated


def test_the_script_that_measures_the_structure_works(real_processes):
    command = [sys.executable, "-m", "tests.project.measure_structure"]
    printed = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=600)
    assert printed.returncode == 0, printed.stderr
    assert [line.split("  ")[0] for line in printed.stdout.splitlines()[1:5]] == [
        "scheduled run",
        "smart-sync request",
        "save of a draft",
        "retry in the admin",
    ]


def test_reading_a_file_raises_no_error_that_a_person_may_accept():
    """The process that reads tells of an ExportError only; and what nobody could read is not to be applied."""
    kinds: list[type] = [NeedsAcceptance, *NeedsAcceptance.__subclasses__()]
    names = "|".join(kind.__name__ for kind in kinds)
    sources = {path.name: path.read_text() for path in (settings.BASE_DIR / "sync" / "exports").glob("*.py")}
    raising = [name for name, source in sources.items() if re.search(rf"\b({names})\b", source)]
    assert not raising, f"{raising}: raise an ExportError while a file is read, or the other error after it was read"


@pytest.mark.parametrize(
    "patch", sorted((settings.BASE_DIR / "tests" / "mutations").glob("*.patch")), ids=lambda patch: patch.stem
)
def test_a_mutation_still_applies(patch):
    checked = subprocess.run(["git", "apply", "--check", patch], cwd=settings.BASE_DIR, capture_output=True, text=True)
    assert checked.returncode == 0, f"Make {patch.name} anew from the code as it is now: {checked.stderr}"
