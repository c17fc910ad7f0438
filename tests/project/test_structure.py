"""The code stays as easy to read as it is."""

import subprocess
import sys

from django.conf import settings

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
