"""A progress bar on a terminal; silent anywhere else."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Self

from tqdm import tqdm

from sync.progress import Stage

UNITS = {Stage.FETCHING: "B", Stage.READING: " pages", Stage.APPLYING: " records"}


class ProgressBar:
    """One bar, begun anew at each stage of a run."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.stage: Stage | None = None
        self.bar: tqdm | None = None  # type: ignore[type-arg]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __call__(self, stage: Stage, done: int, total: int | None) -> None:
        if not sys.stderr.isatty():
            return
        if stage != self.stage or self.bar is None:
            self.close()
            self.stage = stage
            self.bar = tqdm(
                desc=f"{self.label}: {stage}",
                total=total,
                unit=UNITS[stage],
                unit_scale=stage == Stage.FETCHING,
                leave=False,
                file=sys.stderr,
            )
        self.bar.total = total
        self.bar.update(done - self.bar.n)

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()
            self.bar = None
