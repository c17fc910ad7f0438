"""A short campaign works, and its checks find what should not be."""

import json
import os
import subprocess
import sys

import pytest
from django.conf import settings

pytestmark = pytest.mark.usefixtures("real_processes")


def test_a_short_campaign_finds_what_is_done_behind_the_product_s_back(tmp_path):
    """Faults that every part is made for, and then what must never be: each is found."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.campaign", "--minutes=0.1", "--seed=2", "--agents=2"),
            *("--faults=Restart,DemoFault", "--sabotage=overlap,lost-draft,changed-record,forgotten-change"),
            f"--folder={tmp_path / 'campaign'}",
        ],
        cwd=settings.BASE_DIR,
        env={name: value for name, value in os.environ.items() if name != "DATABASE_URL"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    report = json.loads((tmp_path / "campaign" / "report.json").read_text())
    found = {(each["check"], each["what"]) for each in report["violations"]}
    assert found >= {
        ("overlap", "a run started before another had ended"),
        ("drafts", "acknowledged drafts are lost"),
        ("mirror", "customers changed without a run's success"),
        ("mirror", "customers is not equal to the ERP at the end"),
        ("history", "customers: created says that city became what it was not"),
        ("history", "prices: not created once, at first"),
    }
    assert report["faults"]
    assert report["runs by status"]["succeeded"] >= 2 * len(settings.SYNC_TYPES), "all lists, before and after"
    assert report["drafts"]["acknowledged"] == report["drafts"]["in the database"] + 1
