"""Disks: that what was written to them is there."""

from __future__ import annotations

import os
from pathlib import Path


def make_durable(path: Path) -> None:
    """Have a file on its disk, by its name: a power cut takes neither."""
    for each in (path, path.parent):
        descriptor = os.open(each, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
