"""A whole sync of our own time: read, check, apply; the ERP's time apart.

Each is set beside pdfplumber's time for the same pages. One run, one core, a SQLite file.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

scratch = tempfile.TemporaryDirectory()
os.environ |= {"DJANGO_SETTINGS_MODULE": "archibald.settings", "DATA_DIR": scratch.name, "ENV_FILE": os.devnull}
os.environ.pop("DATABASE_URL", None)

import django

django.setup()

import _measure
from django.core.management import call_command

from demo.erp.erp import DemoErp
from sync.coordinator import runner
from sync.coordinator.queue import request_sync
from sync.models import SyncRun


def sync(sync_type: str, path: Path) -> SyncRun:
    run = request_sync(sync_type, mode="full", trigger=SyncRun.Trigger.MANUAL, given_file=path)
    runner.wait_for(run)
    assert run.status == SyncRun.Status.SUCCEEDED, run.error_text
    return run


def measure(erp: DemoErp, sync_type: str, *, first_bound: str, again_bound: str) -> None:
    path = Path(scratch.name) / f"{sync_type}.pdf"
    written = erp.write_export(sync_type, path)
    plumbed = _measure.time_pdfplumber(path, written.pages)
    first = _measure.time_once(lambda: sync(sync_type, path))
    again = _measure.time_once(lambda: sync(sync_type, path))
    _measure.show(
        f"{sync_type}: pdfplumber alone, {written.pages} pages, {written.records} records", f"{plumbed:.1f} s"
    )
    _measure.show(f"{sync_type}: first sync", f"{first:.2f} s", bound=first_bound)
    _measure.show(f"{sync_type}: times as fast", f"{plumbed / first:.0f}")
    _measure.show(f"{sync_type}: again, nothing changed", f"{again:.2f} s", bound=again_bound)
    _measure.show(f"{sync_type}: times as fast", f"{plumbed / again:.0f}")


def main() -> None:
    _measure.use_one_core()
    call_command("migrate", verbosity=0)
    erp = DemoErp(scale=1)
    print(f"Syncing a list from its export to the mirror, one core of {_measure.find_processor()}")
    measure(erp, "customers", first_bound="under 1 s", again_bound="under 0.5 s")
    measure(erp, "products", first_bound="under 3 s", again_bound="")


if __name__ == "__main__":
    main()
