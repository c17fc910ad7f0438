"""What the disks do to syncs: what is promised of a file is on its disk."""

from pathlib import Path

import pytest

from sync.models import SyncRun
from tests.on_disk import pages_not_on_disk
from tests.sync.conftest import customers

pytestmark = pytest.mark.django_db

Status = SyncRun.Status


def test_an_export_that_a_run_keeps_survives_a_power_cut(sync_customers, settings, tmp_path):
    settings.EXPORT_DIR = tmp_path / "exports"
    sync_customers(customers(*range(1, 31)))
    run = sync_customers(customers(1))
    assert run.status == Status.QUARANTINED
    assert pages_not_on_disk(Path(run.export_path)) in (0, None)
