"""What the demo ERP showed, and when: its journal replayed, apart from the product's reader and the running ERP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from demo.erp.erp import DemoErp
from demo.erp.life import Journal
from sync.service import list_services
from tests.sync.demo import by_key, in_the_erp

ROME = ZoneInfo("Europe/Rome")
Values = dict[str, Any]


@dataclass(frozen=True)
class Version:
    """A list between two changes of it."""

    since: float  # the journal has seconds only
    records: dict[Any, Values]
    digest: int


class ErpStates:
    """All versions of each list so far."""

    def __init__(self, *, journal: Path, scale: float) -> None:
        self.journal = Journal(journal)
        self.scale = scale
        self.erp: DemoErp | None = None
        self.replayed = 0
        self.versions: dict[str, list[Version]] = {service.sync_type: [] for service in list_services()}

    def catch_up(self) -> None:
        """Replay what has happened since the last time."""
        lines = self.journal.read_lines() if self.journal.path.is_file() else []
        if self.erp is None and lines:
            begun = self.journal.start({"seed": 816, "scale": self.scale})
            self.erp = DemoErp(
                scale=self.scale, seed=begun["seed"], today=datetime.fromisoformat(begun["today"]).date()
            )
            self.add_versions(since=0)
        for event in list(self.events())[self.replayed :]:
            assert self.erp
            self.erp.replay(event)
            self.replayed += 1
            self.add_versions(since=event.at.replace(tzinfo=ROME).timestamp())

    def events(self) -> Iterator[Any]:
        return self.journal.read_events()

    def add_versions(self, *, since: float) -> None:
        for service in list_services():
            assert self.erp
            records = by_key(service, in_the_erp(self.erp, service))
            digest = compute_digest(records)
            versions = self.versions[service.sync_type]
            if not versions or versions[-1].digest != digest:
                versions.append(Version(since, records, digest))

    def found(self, sync_type: str, digest: int) -> list[int]:
        """The numbers of the versions that look like this."""
        return [number for number, version in enumerate(self.versions[sync_type]) if version.digest == digest]

    def number_at(self, sync_type: str, at: float) -> int:
        """The version that the list certainly had at a moment, or a later one."""
        certain = [number for number, version in enumerate(self.versions[sync_type]) if version.since < at - 1]
        return max(certain, default=0)


def compute_digest(records: dict[Any, Values]) -> int:
    return hash(frozenset((key, *sorted(values.items())) for key, values in records.items()))
