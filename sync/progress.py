"""How long work tells how far it is, and learns that it must stop."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol


class Stage(StrEnum):
    """What a run is doing."""

    FETCHING = "fetching"  # counted in bytes
    READING = "reading"  # counted in pages
    APPLYING = "applying"  # counted in records


class Progress(Protocol):
    """Called at every checkpoint, at least every 250 ms while waiting for the ERP and once a page while reading.

    Whatever it raises stops the work: that is how a run is cancelled.
    """

    def __call__(self, stage: Stage, done: int, total: int | None) -> None: ...


def ignore_progress(stage: Stage, done: int, total: int | None) -> None:
    """A progress nobody looks at."""
