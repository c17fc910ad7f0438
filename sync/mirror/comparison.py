"""Records of an export -> rows of the mirror: created, updated, unchanged, missing, removed, restored.

Rows are written in the caller's transaction and in bulk, with a RecordChange for each record that changed.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any

from sync.database import clock
from sync.database.search import list_search_sources, list_search_texts
from sync.exceptions import ListEmpty, TooManyMissing
from sync.mirror.references import Coverage
from sync.mirror.staging import CHUNK, StagedRecords, split_into_chunks
from sync.models import RecordChange, SyncRun
from sync.progress import Progress, Stage, ignore_progress
from sync.service import SyncService

LOST_WITHOUT_ASKING = 20  # records, or
SHARE_LOST_WITHOUT_ASKING = 0.10  # of the list, whichever is more
SMART_MAX_RECORDS = 100

Kind = RecordChange.Kind
Mode = SyncRun.Mode


def count_losses_allowed(count: int) -> int:
    """How many of so many records an export may lack before a person is asked."""
    return max(LOST_WITHOUT_ASKING, int(count * SHARE_LOST_WITHOUT_ASKING))


@dataclass
class Outcome:
    """How many records an export had, and what becomes of them; `left` differ and wait for a full run."""

    read: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    missing: int = 0
    removed: int = 0
    restored: int = 0
    left: int = 0

    def count(self, differences: Iterable[Difference]) -> None:
        for difference in differences:
            setattr(self, difference.kind, getattr(self, difference.kind) + 1)

    def get_counts(self) -> dict[str, int]:
        """What a run's row keeps."""
        return {name: count for name, count in asdict(self).items() if name != "left"}


@dataclass(frozen=True)
class Difference:
    """A record that the export shows otherwise than the mirror has it."""

    kind: Kind
    key: Any
    values: Mapping[str, Any] = field(default_factory=dict)
    changes: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)  # field -> old, new
    created_at: datetime | None = None


def apply(
    service: SyncService,
    records: StagedRecords,
    *,
    run: SyncRun,
    outcome: Outcome,
    coverage: Sequence[Coverage] = (),
    absences_count: bool = True,
    shows_all: bool = True,
    progress: Progress = ignore_progress,
) -> None:
    """Bring the mirror to the export's state, in the caller's transaction. Raises NeedsAcceptance before it writes.

    `absences_count` is False for an export that was applied before: it proves no absence a second time. `shows_all` is
    False for a page of the list: it says nothing of the records that it lacks.
    """
    writer = Writer(service, records.fields, run)
    comparison = Comparison(service, records, outcome, coverage)
    if shows_all:
        found = comparison.find_differences(
            mode=run.mode, may_lose=run.accepts_id is not None, absences_count=absences_count
        )
    else:
        found = iter([comparison.find_newest(SMART_MAX_RECORDS)])
    for differences in found:
        writer.write(differences)
        outcome.count(differences)
        progress(Stage.APPLYING, outcome.read, len(records.keys))
    service.update_others()


def preview(
    service: SyncService,
    records: StagedRecords,
    *,
    mode: str,
    outcome: Outcome,
    coverage: Sequence[Coverage] = (),
    may_lose: bool = False,
) -> Iterator[Difference]:
    """What `apply` would write; the outcome is complete after the last. Raises NeedsAcceptance."""
    comparison = Comparison(service, records, outcome, coverage)
    for differences in comparison.find_differences(mode=mode, may_lose=may_lose):
        outcome.count(differences)
        yield from differences


class Comparison:
    """One export beside the list's rows; reads only."""

    def __init__(
        self, service: SyncService, records: StagedRecords, outcome: Outcome, coverage: Sequence[Coverage] = ()
    ) -> None:
        self.service = service
        self.rows = service.model.objects.all()
        self.key = service.layout.key
        self.records = records
        self.place = records.fields.index(self.key)
        self.outcome = outcome
        self.coverage = coverage

    def find_differences(self, *, mode: str, may_lose: bool, absences_count: bool = True) -> Iterator[list[Difference]]:
        """All that a run of this mode must write, in batches."""
        newly_absent, again_absent = self.find_absent_keys()
        if not may_lose:
            self.check_volume(len(newly_absent))
            for each in self.coverage:
                each.check()
        if mode == Mode.SMART:
            yield self.find_newest(SMART_MAX_RECORDS)
        else:
            yield from self.compare_records()
        if mode == Mode.FULL and absences_count:
            yield [Difference(Kind.MISSING, key) for key in newly_absent]
            yield [Difference(Kind.REMOVED, key) for key in again_absent]

    def find_absent_keys(self) -> tuple[list[Any], list[Any]]:
        """The keys of records that the export lacks: absent for the first time, and absent again."""
        rows = self.rows.present().values_list(self.key, "missing_since")
        absent = [row for row in rows.iterator(CHUNK) if row[0] not in self.records.keys]
        return [key for key, since in absent if not since], [key for key, since in absent if since]

    def check_volume(self, newly_absent: int) -> None:
        """The footer of a filtered export agrees with itself: only the mirror knows that records are lacking."""
        mirrored = self.rows.present().count()
        if not (self.records.keys or self.service.may_be_empty or self.was_accepted_empty()):
            raise ListEmpty
        allowed = count_losses_allowed(mirrored)
        if newly_absent > allowed:
            raise TooManyMissing(missing=newly_absent, mirrored=mirrored, allowed=allowed)

    def was_accepted_empty(self) -> bool:
        runs = SyncRun.objects.for_type(self.service.sync_type).succeeded().from_exports()
        last = runs.order_by("-finished_at").first()
        return last is not None and last.read == 0

    def compare_records(self) -> Iterator[list[Difference]]:
        """The records that differ, chunk by chunk; all are counted as read, the others as unchanged."""
        for chunk in self.records.read_chunks():
            mirrored = self.fetch_rows([values[self.place] for values in chunk])
            found = [self.compare_record(values, mirrored.get(values[self.place])) for values in chunk]
            differences = [difference for difference in found if difference]
            self.outcome.read += len(chunk)
            self.outcome.unchanged += len(chunk) - len(differences)
            yield differences

    def fetch_rows(self, keys: Sequence[Any]) -> dict[Any, tuple[Any, ...]]:
        """The rows of these keys: when first mirrored, missing, removed, then their values."""
        names = (*self.records.fields, "created_at", "missing_since", "removed_at")
        rows = self.rows.filter(**{f"{self.key}__in": keys}).values_list(*names)
        return {row[self.place]: row for row in rows}

    def compare_record(self, values: tuple[Any, ...], row: tuple[Any, ...] | None) -> Difference | None:
        key = values[self.place]
        if row is None:
            return Difference(Kind.CREATED, key, self.name_values(values))
        *old, created_at, missing_since, removed_at = row
        is_present = missing_since is None and removed_at is None
        if is_present and tuple(old) == values:
            return None
        pairs = zip(self.records.fields, old, values, strict=True)
        changes = {name: (before, after) for name, before, after in pairs if before != after}
        kind = Kind.UPDATED if is_present else Kind.RESTORED
        return Difference(kind, key, self.name_values(values), changes, created_at)

    def name_values(self, values: tuple[Any, ...]) -> dict[str, Any]:
        return dict(zip(self.records.fields, values, strict=True))

    def find_newest(self, count: int) -> list[Difference]:
        """The differences of the highest keys; the others are left."""
        newest = heapq.nlargest(
            count, chain.from_iterable(self.compare_records()), key=lambda difference: difference.key
        )
        self.outcome.left = self.outcome.read - self.outcome.unchanged - len(newest)
        return newest


class Writer:
    """Writes differences in bulk, each with its RecordChange."""

    def __init__(self, service: SyncService, fields: Sequence[str], run: SyncRun) -> None:
        self.model = service.model
        self.key = service.layout.key
        self.fields = fields
        self.search_texts = list_search_texts(service.model)
        self.run = run
        self.now = clock.now()

    def write(self, differences: Sequence[Difference]) -> None:
        if not differences:
            return
        by_kind: dict[Kind, list[Difference]] = {kind: [] for kind in Kind}
        for difference in differences:
            by_kind[difference.kind].append(difference)
        self.create(by_kind[Kind.CREATED])
        self.overwrite(by_kind[Kind.UPDATED] + by_kind[Kind.RESTORED])
        self.mark(by_kind[Kind.MISSING], missing_since=self.now, changed_at=self.now)
        self.mark(by_kind[Kind.REMOVED], removed_at=self.now, changed_at=self.now)
        RecordChange.objects.bulk_create([self.build_change(difference) for difference in differences], CHUNK)

    def create(self, differences: Sequence[Difference]) -> None:
        rows = [self.model(created_at=self.now, changed_at=self.now, **each.values) for each in differences]
        self.model.objects.bulk_create(rows, CHUNK)

    def overwrite(self, differences: Sequence[Difference]) -> None:
        """One upsert for many rows, as the rows of an update differ in every value."""
        kept = self.fetch_hidden_values(differences)
        rows = [
            self.model(
                created_at=each.created_at or self.now, changed_at=self.now, **each.values, **kept.get(each.key, {})
            )
            for each in differences
        ]
        changing = [name for name in self.fields if name != self.key]
        self.model.objects.bulk_create(
            rows,
            CHUNK,
            update_conflicts=True,
            unique_fields=[self.key],
            update_fields=[*changing, *self.search_texts, "changed_at", "missing_since", "removed_at", "erased_at"],
        )

    def fetch_hidden_values(self, differences: Sequence[Difference]) -> dict[Any, dict[str, Any]]:
        """By key, the mirrored values that records are found by too, though the export hides their columns."""
        hidden = sorted(list_search_sources(self.model).difference(self.fields))
        if not hidden:
            return {}
        rows = self.model.objects.filter(**{f"{self.key}__in": [each.key for each in differences]})
        return {row.pop(self.key): row for row in rows.values(self.key, *hidden)}

    def mark(self, differences: Sequence[Difference], **values: datetime) -> None:
        for chunk in split_into_chunks(differences, CHUNK):
            self.model.objects.filter(**{f"{self.key}__in": [each.key for each in chunk]}).update(**values)

    def build_change(self, difference: Difference) -> RecordChange:
        fields = difference.changes
        if difference.kind == Kind.CREATED:  # all that its export showed: a record can be told from its changes alone
            fields = {name: (None, value) for name, value in difference.values.items()}
        return RecordChange(
            run=self.run,
            sync_type=self.run.sync_type,
            key=str(difference.key),
            kind=difference.kind,
            fields=fields,
        )
