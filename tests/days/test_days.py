"""Simulated days work, and their checks find what should not be; `make days` simulates many."""

import os
import re
import subprocess
import sys

import pytest
from django.conf import settings

from tests.days.plan import FIRST_DAY, What, draw_plan
from tests.days.sabotage import SABOTAGE

pytestmark = pytest.mark.usefixtures("real_processes")

SEED = 7


def simulate(what, *options):
    """The first day of the plan on which this happens, with an empty mirror at its beginning."""
    day = min(day for day, special in draw_plan(30, SEED).special.items() if special == what)
    number = (day - FIRST_DAY).days + 1
    # The plan of fewer days is another one.
    command = [sys.executable, "-m", "tests.days", "--days=30", f"--seed={SEED}", f"--only={number}", *options]
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return subprocess.run(command, cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True)


def test_the_morning_after_an_update_with_a_browser():
    done = simulate(What.UPDATE, "--client=browser", "--until=8.5")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"[1-9]\d* succeeded by look", done.stdout), done.stdout


def test_what_must_never_be_is_found():
    """The morning after the ERP's password was changed, and what is done at the end of it behind the product's back."""
    done = simulate(What.PASSWORD, "--client=http", "--until=12.5", f"--sabotage={','.join(SABOTAGE)}")
    assert done.returncode == 1, done.stdout + done.stderr
    found = set(re.findall(r"^VIOLATION  (.*), \d+ times$", done.stdout, re.MULTILINE))
    assert found == {
        "mirror: a row is not as the ERP showed it",
        "mirror: records are gone that are there",
        "mirror: records are counted as absent",
        "mirror: looks took the place of exports for too long",
        "hours: requests outside the hours",
        "allowance: too many logins on a day",
        "allowance: too many exports on a day",
        "allowance: more was asked than was counted",
        "password: a wrong password was not sent once",
        "freshness: a list is late",
        "trouble: outage is not named",
        "trouble: lists are not right again",
    }, done.stdout
