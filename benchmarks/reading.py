"""Reading an export: how many times faster than pdfplumber alone, and in how much memory.

The export is the demo ERP's list of customers at its real size. All in one run, on one core.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import django
import pikepdf

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "archibald.settings")
django.setup()

import _measure

from customers.sync import CustomerSync
from demo.erp.erp import DemoErp
from sync.exports.pages import open_pages
from sync.exports.process import PageProcess
from sync.exports.reader import read_export

CHANGED = 8  # pages, a band


def read(path: Path, *, kept_tables: Path | None = None) -> int:
    in_a_process = partial(PageProcess, kept_tables=kept_tables)
    with read_export(path, CustomerSync.layout, open_pages=in_a_process) as records:
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


def change_first_pages(path: Path) -> None:
    """Alter some bytes of the first pages, as when a record in their rows has changed."""
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        for page in list(pdf.pages)[:CHANGED]:
            page.Contents.write(page.Contents.read_bytes() + b" ")
        pdf.save(path)


def time_almost_unchanged(path: Path, kept_tables: Path) -> tuple[float, float]:
    """Seconds to read an export without, and with the tables that were kept of one that differs in a band."""
    read(path, kept_tables=kept_tables)
    of_the_one_before = kept_tables.read_bytes()
    change_first_pages(path)

    def read_with_kept() -> None:
        kept_tables.write_bytes(of_the_one_before)
        read(path, kept_tables=kept_tables)

    return _measure.time_best(lambda: read(path), of=5), _measure.time_best(read_with_kept, of=5)


def read_here(path: Path) -> None:
    """Without a process of its own, as no run does it."""
    with read_export(path, CustomerSync.layout, open_pages=lambda path, limits, _: open_pages(path, limits)) as records:
        for _ in records:
            pass


def main() -> None:
    _measure.use_one_core()
    with tempfile.TemporaryDirectory() as folder:
        path, longer = Path(folder) / "Clienti.pdf", Path(folder) / "Clienti10.pdf"
        pages = DemoErp(scale=1).write_export("customers", path).pages
        longer_pages = DemoErp(scale=10).write_export("customers", longer).pages
        plumbed = _measure.time_pdfplumber(path, pages)
        ours = _measure.time_best(lambda: read(path), of=5)
        here = _measure.time_best(lambda: read_here(path), of=5)
        memory, longer_memory = peak(path), peak(longer)
        without, with_kept = time_almost_unchanged(path, Path(folder) / "tables")
    print(f"Reading {pages} pages of customers, one core of {_measure.find_processor()}")
    _measure.show("pdfplumber's extract_tables alone", f"{plumbed:.1f} s")
    _measure.show("this reader, records checked and converted", f"{ours:.3f} s")
    _measure.show("of which for the process that opens the PDF", f"{ours - here:.3f} s", bound="about 0.1 s")
    _measure.show("times as fast, without that process", f"{plumbed / here:.0f}", bound="at least 150")
    _measure.show("times as fast, as runs read", f"{plumbed / ours:.0f}")
    _measure.show("times as fast with kept tables, a band changed", f"{without / with_kept:.1f}", bound="at least 2.5")
    _measure.show("peak memory, Django loaded", f"{memory:.0f} MB", bound="under 120 MB")
    _measure.show(
        f"more for {longer_pages / pages:.0f} times the pages",
        f"{longer_memory - memory:.1f} MB",
        bound="at most 20 MB",
    )


if __name__ == "__main__":
    main()
