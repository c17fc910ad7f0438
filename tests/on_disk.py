"""What the machine has put on its disk, and what would be gone if its power were cut now."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

CACHESTAT = 451  # its number among Linux's system calls, from 6.5 on


class Pages(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("cached", "unwritten", "in_writing", "evicted", "lately_evicted")]


class Range(ctypes.Structure):
    _fields_ = [("begin", ctypes.c_uint64), ("length", ctypes.c_uint64)]


def pages_not_on_disk(path: Path) -> int | None:
    """How many pages of a file the kernel has still to write; None if it does not say."""
    pages, whole = Pages(), Range(0, 0)
    with path.open("rb") as file:
        refused = ctypes.CDLL(None).syscall(CACHESTAT, file.fileno(), ctypes.byref(whole), ctypes.byref(pages), 0)
    return None if refused or not counts_pages(path.parent) else pages.unwritten + pages.in_writing


def counts_pages(folder: Path) -> bool:
    """Whether the kernel knows which pages of this file system are on the disk: of one in memory, none has to be."""
    probe = folder / f"probe-{os.getpid()}"
    pages, whole = Pages(), Range(0, 0)
    try:
        with probe.open("w+b", buffering=0) as file:
            file.write(b"not on the disk")
            ctypes.CDLL(None).syscall(CACHESTAT, file.fileno(), ctypes.byref(whole), ctypes.byref(pages), 0)
    finally:
        probe.unlink()
    return bool(pages.unwritten + pages.in_writing)
