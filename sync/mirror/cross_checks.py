"""Records held against what else says the same, for the columns that no control total protects: amounts that follow
from others, days in their order, a customer whom two lists name alike.

Asked once a run has applied its changes, of the records that came, or changed in what a check is about, or name such a
record: a run without changes asks nothing, and no disagreement is told twice. None stops a run, as the ERP itself may
be wrong; and an assumed check that much of a list breaks is taken as wrong itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone

from sync.exports.totals import format_as_printed
from sync.messages import Message
from sync.messages import gettext_noop as _
from sync.mirror.staging import CHUNK, split_into_chunks
from sync.models import MirroredModel, RecordChange, SyncRun
from sync.progress import Progress, Stage, ignore_progress
from sync.service import CrossCheck, SyncService, get_service, list_services

SHOWN = 5  # records that a note names
LONGEST_VALUE = 100  # characters; a longer one is left out whole: what is cut is not found when somebody is erased
BROKEN_BY = 0.10  # of a list: more than this, and an assumed check is wrong, not the list
BROKEN_BY_SOME = 10  # records may break any check, however short the list

DISAGREE = _(
    "{check}: not true for {count} of {checked} new or changed records: {records}. In the whole list, not "
    "true for {all} of {total} records. Compare them with the ERP; if it shows other values, export the list again."
)
DISAGREE_IF_ASSUMED = _(
    "{check} (this is only assumed): not true for {count} of {checked} new or changed records: {records}. In the whole "
    "list, not true for {all} of {total} records. Compare them with the ERP; if it shows other values, export the list "
    "again."
)
WRONG_CHECK = _(
    "{check} (this is only assumed): true for only {agreeing} of {total} records. The assumption is considered wrong, "
    "and records are not checked against it."
)

Kind = RecordChange.Kind


@dataclass
class Finding:
    """How many records of a list a check says something of, and the keys of those that disagree."""

    checked: int = 0
    disagreeing: list[Any] = field(default_factory=list)


class AffectedRecords:
    """Whose records a check is to be asked of: those that changed, and those that name one that changed."""

    def __init__(self, service: SyncService, source: SyncService, check: CrossCheck) -> None:
        self.source = source
        self.check = check
        reference = check.reference
        self.is_own = source is service
        self.own_fields = {*check.fields, reference.field} if reference else {*check.fields}
        self.is_named = reference is not None and reference.target == service.sync_type
        self.their_fields = {*check.their_fields, reference.target_field} if reference else set()
        self.keys: set[str] = set()
        self.named: set[str] = set()  # keys of changed records that others may name
        self.once_named: set[Any] = set()  # what others called them before

    def add(self, key: str, kind: str, fields: Mapping[str, Sequence[Any]]) -> None:
        is_whole = kind != Kind.UPDATED
        if self.is_own and (is_whole or not self.own_fields.isdisjoint(fields)):
            self.keys.add(key)
        if self.is_named and (is_whole or not self.their_fields.isdisjoint(fields)):
            self.named.add(key)
            if self.check.reference and (old := fields.get(self.check.reference.target_field, (None,))[0]):
                self.once_named.add(old)

    def find_keys(self) -> set[str]:
        """With the keys of the records that name a changed one."""
        reference = self.check.reference
        found = set(self.keys)
        if reference is None or not self.named:
            return found
        target = get_service(reference.target)
        names = set(self.once_named)
        for chunk in split_into_chunks(self.named, CHUNK):
            rows = target.model.objects.filter(**{f"{target.layout.key}__in": chunk})
            names.update(rows.values_list(reference.target_field, flat=True))
        for chunk in split_into_chunks(names - {""}, CHUNK):
            rows = self.source.model.objects.present().filter(**{f"{reference.field}__in": chunk})
            found.update(map(str, rows.values_list(self.source.layout.key, flat=True)))
        return found


def describe_disagreements(
    service: SyncService, run: SyncRun, *, progress: Progress = ignore_progress
) -> list[Message]:
    """What does not agree since a run has applied its changes, for its notes."""
    concerned = [AffectedRecords(service, source, check) for source, check in find_checks(service)]
    changes = run.changes.filter(kind__in=[Kind.CREATED, Kind.UPDATED, Kind.RESTORED])
    for key, kind, fields in changes.order_by().values_list("key", "kind", "fields").iterator(CHUNK):
        for each in concerned:
            each.add(key, kind, fields)
    notes = (describe_disagreement(each.source, each.check, each.find_keys(), progress) for each in concerned)
    return [note for note in notes if note]


def find_checks(service: SyncService) -> Iterator[tuple[SyncService, CrossCheck]]:
    """The checks of a list, and those by which others name it; each with the list whose check it is."""
    services = list_services()
    types = {each.sync_type for each in services}
    for source in services:
        for check in source.cross_checks:
            targets = {check.reference.target} if check.reference else set()
            if targets <= types and service.sync_type in {source.sync_type, *targets}:
                yield source, check


def group_checks_by_field(service: SyncService) -> dict[str, list[tuple[SyncService, CrossCheck]]]:
    """By field of a list, the checks that look at it, each with the list whose check it is."""
    found: dict[str, list[tuple[SyncService, CrossCheck]]] = defaultdict(list)
    for source, check in find_checks(service):
        reference = check.reference
        names: set[str] = set()
        if source is service:
            names.update(check.fields, [reference.field] if reference else [])
        if reference and reference.target == service.sync_type:
            names.update(check.their_fields, [reference.target_field])
        for name in names:
            found[name].append((source, check))
    return found


def describe_disagreement(
    source: SyncService, check: CrossCheck, keys: Collection[str], progress: Progress
) -> Message | None:
    """What a check finds in the records of these keys; None if all agree, or it was known to be wrong before."""
    target = check.reference and get_service(check.reference.target)
    if not keys or (target and not target.model.objects.present().exists()):  # lists arrive in any order
        return None
    rows = source.model.objects.present()
    found = Finding()
    for chunk in split_into_chunks(keys, CHUNK):
        examine(source, check, rows.filter(**{f"{source.layout.key}__in": chunk}), found, progress)
    if not found.disagreeing:
        return None
    whole = Finding()
    examine(source, check, rows, whole, progress)
    if check.is_assumed and len(whole.disagreeing) > max(BROKEN_BY_SOME, BROKEN_BY * whole.checked):
        if 2 * len(found.disagreeing) <= len(whole.disagreeing):
            return None
        agreeing = whole.checked - len(whole.disagreeing)
        return Message(WRONG_CHECK, check=Message(check.text), agreeing=agreeing, total=whole.checked)
    return Message(
        DISAGREE_IF_ASSUMED if check.is_assumed else DISAGREE,
        check=Message(check.text),
        count=len(found.disagreeing),
        checked=found.checked,
        records=describe_records(source, check, found.disagreeing),
        all=len(whole.disagreeing),
        total=whole.checked,
    )


def examine(source: SyncService, check: CrossCheck, rows: Any, found: Finding, progress: Progress) -> None:
    """Add to a finding what a check says of these rows of its list."""
    key, reference = source.layout.key, check.reference
    names = dict.fromkeys([key, *check.fields, *([reference.field] if reference else [])])
    for chunk in split_into_chunks(rows.order_by().values_list(*names, named=True).iterator(CHUNK), CHUNK):
        named = fetch_named_records(check, chunk)
        for row in chunk:
            agrees = apply_check(check, row, named)
            found.checked += agrees is not None
            if agrees is False:
                found.disagreeing.append(getattr(row, key))
        progress(Stage.APPLYING, 0, None)


def apply_check(check: CrossCheck, row: Any, named: Mapping[Any, list[Any]]) -> bool | None:
    if check.reference is None:
        return check.agrees(row)
    name = getattr(row, check.reference.field)
    return check.agrees(row, named.get(name, [])) if name else None


def fetch_named_records(check: CrossCheck, rows: Iterable[Any]) -> dict[Any, list[Any]]:
    """By name, the records that these rows name."""
    reference = check.reference
    found: dict[Any, list[Any]] = defaultdict(list)
    if reference is None:
        return found
    target = get_service(reference.target)
    names = {getattr(row, reference.field) for row in rows} - {""}
    fields = dict.fromkeys([target.layout.key, reference.target_field, *check.their_fields])
    there = target.model.objects.present().filter(**{f"{reference.target_field}__in": names})
    for row in there.order_by(target.layout.key).values_list(*fields, named=True):
        found[getattr(row, reference.target_field)].append(row)
    return found


def describe_records(source: SyncService, check: CrossCheck, keys: Sequence[Any]) -> str:
    """The first of these records by name, each with the values that do not agree."""
    shown = source.model.objects.filter(**{f"{source.layout.key}__in": keys[:SHOWN]}).order_by(source.layout.key)
    texts = [f"{record} ({'; '.join(describe_values(source, check, record))})" for record in shown]
    return ", ".join(texts) + (", …" if len(keys) > len(texts) else "")


def describe_values(source: SyncService, check: CrossCheck, record: MirroredModel) -> Iterator[str]:
    reference = check.reference
    yield format_values(source, dict.fromkeys([*([reference.field] if reference else []), *check.fields]), record)
    if reference is None:
        return
    target = get_service(reference.target)
    there = target.model.objects.present().filter(**{reference.target_field: getattr(record, reference.field)})
    for other in there.order_by(target.layout.key)[:2]:
        yield f"{other}: {format_values(target, check.their_fields or [target.layout.key], other)}"


def format_values(service: SyncService, names: Iterable[str], record: MirroredModel) -> str:
    """Without what erasing a customer does not look for in notes, as what a description says of whom."""
    titles = {column.field: column.title for column in service.layout.columns}
    left_out = {*service.personal_fields} - {*service.identifying_fields, service.account_field}
    values = {name: getattr(record, name) for name in names}
    texts = {name: "…" if value and name in left_out else format_for_note(value) for name, value in values.items()}
    return ", ".join(f"{titles[name]} {text}" for name, text in texts.items())


def format_for_note(value: Any) -> str:
    """As the ERP would print it, but not longer than a note can hold."""
    match value:
        case None | "":
            return "-"
        case Decimal():
            return format_as_printed(value)
        case datetime():
            return f"{timezone.localtime(value):%d/%m/%Y %H:%M:%S}"
        case date():
            return f"{value:%d/%m/%Y}"
        case _:
            return str(value) if len(str(value)) <= LONGEST_VALUE else "…"
