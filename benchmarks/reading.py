"""Reading an export: how many times faster than pdfplumber alone, and in how much memory.

The export is the demo ERP's list of customers at its real size. All in one run, on one core.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "archibald.settings")
django.setup()

from _measure import best, cpu, on_one_core, pdfplumber_alone, show

from customers.sync import CustomerSync
from sync.erp.demo.erp import DemoErp
from sync.exports.reader import read_export


def read(path: Path) -> int:
    with read_export(path, CustomerSync.layout) as records:
        count = sum(1 for _ in records)
        assert not records.fallback_pages
        return count


def peak(path: Path) -> float:
    """MB, of a fresh process that reads the export and does nothing else."""
    code = (
        "import django; django.setup()\n"
        "from pathlib import Path; from customers.sync import CustomerSync\n"
        "from sync.exports.reader import read_export\n"
        f"with read_export(Path({str(path)!r}), CustomerSync.layout) as records:\n"
        "    for _ in records: pass\n"
        "status = Path('/proc/self/status').read_text()\n"
        "print(status.partition('VmHWM:')[2].split()[0])\n"
    )
    return int(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout) / 1024


def main() -> None:
    on_one_core()
    with tempfile.TemporaryDirectory() as folder:
        path, longer = Path(folder) / "Clienti.pdf", Path(folder) / "Clienti10.pdf"
        pages = DemoErp(scale=1).write_export("customers", path).pages
        longer_pages = DemoErp(scale=10).write_export("customers", longer).pages
        plumbed = pdfplumber_alone(path, pages)
        ours = best(lambda: read(path), of=5)
        memory, longer_memory = peak(path), peak(longer)
    print(f"Reading {pages} pages of customers, one core of {cpu()}")
    show("pdfplumber's extract_tables alone", f"{plumbed:.1f} s")
    show("this reader, records checked and converted", f"{ours:.3f} s")
    show("times as fast", f"{plumbed / ours:.0f}", bound="at least 150")
    show("peak memory, Django loaded", f"{memory:.0f} MB", bound="under 120 MB")
    show(
        f"more for {longer_pages / pages:.0f} times the pages",
        f"{longer_memory - memory:.1f} MB",
        bound="at most 20 MB",
    )


if __name__ == "__main__":
    main()
