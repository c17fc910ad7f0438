"""Lists held against each other, by the keys that they carry: prices name products, orders name customers.

A filtered export agrees with itself, and a first one has no mirror to differ from; but what the other lists name, and
it lacks, shows that it is not whole. The measure is the mirror as it is: an export may not leave many more names
without their record than have none already.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sync.exceptions import TooManyUnmatched
from sync.messages import Message
from sync.mirror.staging import StagedRecords
from sync.models import MirroredModel, SyncRun
from sync.progress import Progress, Stage, ignore_progress
from sync.service import Reference, SyncService, get_service, list_services

# Of 4,950 articles that prices name, about 430 (8.7 %) have no product in a healthy ERP; beside a list of products that
# was filtered to 419, at least 91.5 % have none. What DDT, invoices and orders name was never counted; nearly all of
# it should be there, as these lists are the agent's own.
UNMATCHED_AT_FIRST = 1 / 3  # of what is named: four times the healthy share, little more than a third of the other
UNMATCHED_MORE = 0.10  # than before, of what is named: a new price list may come an hour before its products
UNMATCHED_WITHOUT_ASKING = 40  # at first, or more than before: the ERP's short samples lack as many
LOOKS_EVERY = 1000  # values of the mirror

Values = Mapping[str, set[Any]]  # by field


@dataclass(frozen=True)
class Count:
    """How many different records one list names, and how many of these the other one has."""

    named: int
    found: int

    @classmethod
    def of(cls, naming: set[Any], there: set[Any]) -> Count:
        return cls(len(naming), len(naming & there))

    @property
    def unmatched(self) -> int:
        return self.named - self.found


@dataclass(frozen=True)
class Coverage:
    """What one list names of another with the export in place of its own list; and before, if that was mirrored."""

    source: str  # sync type of the list that names
    target: str  # sync type of the list that is named
    now: Count
    before: Count | None

    @property
    def allowed(self) -> int:
        """How many of the named records may be missing without a person's consent."""
        usual = self.before.unmatched / self.before.named if self.before else 0
        more = UNMATCHED_MORE if self.before else UNMATCHED_AT_FIRST
        return round(usual * self.now.named) + max(UNMATCHED_WITHOUT_ASKING, int(more * self.now.named))

    def check(self) -> None:
        """Raises TooManyUnmatched."""
        if self.now.unmatched > self.allowed:
            raise TooManyUnmatched(
                source=Message(self.source),
                target=Message(self.target),
                named=self.now.named,
                unmatched=self.now.unmatched,
                allowed=self.allowed,
            )

    def as_json(self) -> dict[str, Any]:
        return {
            "source": self.source,
            "target": self.target,
            "named": self.now.named,
            "found": self.now.found,
            "namedBefore": self.before.named if self.before else None,
            "foundBefore": self.before.found if self.before else None,
            "allowed": self.allowed,
        }


def get_compared_fields(service: SyncService) -> set[str]:
    """The fields of a list by which it is held against others."""
    own = {reference.field for reference in service.references}
    theirs = {each.target_field for _source, each in list_references() if each.target == service.sync_type}
    return own | theirs


def compare_export(service: SyncService, records: StagedRecords, *, mode: str, progress: Progress) -> list[Coverage]:
    """The export held against the other lists; not for an order form, which waits, and takes nothing away."""
    if mode == SyncRun.Mode.SMART:
        return []
    return compare_values(service, records.collect_values(get_compared_fields(service), progress), progress=progress)


def compare_values(service: SyncService, exported: Values, *, progress: Progress = ignore_progress) -> list[Coverage]:
    """An export held against each list that it names, or that names it; both have to be mirrored, or in the export."""
    found = []
    for source, reference in list_references():
        is_source = source.sync_type == service.sync_type
        field = reference.field if is_source else reference.target_field
        if not (is_source or reference.target == service.sync_type) or field not in exported:
            continue
        naming = fetch_values(source.model, reference.field, progress)
        there = fetch_values(get_service(reference.target).model, reference.target_field, progress)
        before = Count.of(naming, there) if naming and there else None
        if naming and not is_source:
            found.append(Coverage(source.sync_type, reference.target, Count.of(naming, exported[field]), before))
        elif there and is_source and exported[field]:
            found.append(Coverage(source.sync_type, reference.target, Count.of(exported[field], there), before))
    return found


def list_references() -> Iterator[tuple[SyncService, Reference]]:
    """What the mirrored lists name of each other."""
    services = list_services()
    types = {service.sync_type for service in services}
    return ((each, reference) for each in services for reference in each.references if reference.target in types)


def fetch_values(model: type[MirroredModel], field: str, progress: Progress) -> set[Any]:
    """The different values of a field in the records that the ERP shows."""
    rows = model.objects.filter(missing_since=None).exclude(**{field: ""}).order_by().values_list(field, flat=True)
    values = set()
    for number, value in enumerate(rows.distinct().iterator(), start=1):
        values.add(value)
        if number % LOOKS_EVERY == 0:
            progress(Stage.APPLYING, 0, None)
    return values
