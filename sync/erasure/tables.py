"""What the tables of syncs hold of a customer: records, their history, what runs and events say."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.db import connection, models

from sync.database import clock
from sync.database.migration_steps import read_chunks
from sync.database.search import list_search_texts, rebuild_words
from sync.erasure import texts
from sync.erasure.stores import Pause, Store, Subject, format_plural
from sync.mirror.staging import split_into_chunks
from sync.models import Alert, MirroredModel, RecordChange, SearchWord, SyncEvent, SyncRun
from sync.models.search_word import find_words
from sync.service import SyncService, get_service, list_services

AT_ONCE = 500  # records whose changes are in memory

WORDS: Mapping[type[models.Model], str] = {SyncRun: "run", SyncEvent: "event", Alert: "alert"}


class MirroredRecords(Store):
    """The records that the ERP no longer shows."""

    def find(self, subject: Subject, pause: Pause) -> list[str]:
        self.records: dict[str, list[MirroredModel]] = {}
        for sync_type, records in subject.gone.items():
            names = get_service(sync_type).personal_fields
            for record in records:
                if any(getattr(record, name) != get_blank(type(record), name) for name in names):
                    self.records.setdefault(sync_type, []).append(record)
        return [f"{sync_type}: {format_plural(len(found), 'record')}" for sync_type, found in self.records.items()]

    def erase(self) -> None:
        now = clock.now()
        for sync_type, records in self.records.items():
            names = get_service(sync_type).personal_fields
            for record in records:
                for name in names:
                    setattr(record, name, get_blank(type(record), name))
                record.erased_at = record.changed_at = now
                search_texts = list_search_texts(type(record))
                record.save(update_fields=[*names, *search_texts, "erased_at", "changed_at"])


def get_blank(model: type[models.Model], name: str) -> Any:
    """What a field holds of which the ERP shows nothing."""
    field: models.Field[Any, Any] = model._meta.get_field(name)  # type: ignore[assignment]
    return field.get_default()


class Changes(Store):
    """The history of his records: it leads to what they hold in the end, and to nothing that they held before."""

    def find(self, subject: Subject, pause: Pause) -> list[str]:
        self.changes: list[RecordChange] = []
        lines = []
        for service in list_services():
            before = len(self.changes)
            for records in split_into_chunks(self.records(service, subject, pause), AT_ONCE):
                pause()
                self.rewrite(service, dict(records))
            if found := len(self.changes) - before:
                lines.append(f"history of {service.sync_type}: {format_plural(found, 'change')}")
        return lines

    def records(self, service: SyncService, subject: Subject, pause: Pause) -> Iterator[tuple[str, dict[str, Any]]]:
        """The key of each record, and the values that its history may lead to."""
        names, key = service.personal_fields, service.layout.key
        blanks = {name: get_blank(service.model, name) for name in names}
        known = set()
        for record in subject.gone.get(service.sync_type, ()):
            known.add(str(getattr(record, key)))
            yield str(getattr(record, key)), blanks
        others = list(subject.shown.get(service.sync_type, ()))
        if subject.account_number:
            keys = find_keys_of_changes(service, subject.account_number, pause) - known
            others += service.model._default_manager.filter(**{f"{key}__in": keys})  # now another customer's
        for record in others:
            yield str(getattr(record, key)), {name: getattr(record, name) for name in names}

    def rewrite(self, service: SyncService, records: Mapping[str, Mapping[str, Any]]) -> None:
        changes = RecordChange.objects.filter(sync_type=service.sync_type, key__in=records).order_by("pk")
        by_record: dict[str, list[RecordChange]] = defaultdict(list)
        for change in changes:
            by_record[change.key].append(change)
        for key, of_record in by_record.items():
            for change, fields in zip(of_record, remove_past(service, of_record, records[key]), strict=True):
                if fields != change.fields:
                    change.fields = fields
                    self.changes.append(change)

    def erase(self) -> None:
        RecordChange.objects.bulk_update(self.changes, ["fields"], AT_ONCE)


def remove_past(
    service: SyncService, changes: Sequence[RecordChange], values: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """The fields of a record's changes, oldest first, as if it had never held other values than these.

    Carried out they give these values, taken back they leave nothing: a value is set by the first change that names
    it, unless what that changed was somebody's data as well, and no later one tells of it.
    """
    blanks = {name: get_blank(service.model, name) for name in values}
    seen: set[str] = set()
    for change in changes:
        fields = {}
        for name, (old, new) in change.fields.items():
            if name not in values:
                fields[name] = [old, new]
            elif change.kind == RecordChange.Kind.CREATED:
                fields[name] = [None, values[name]]
            elif name not in seen and old == blanks[name] != values[name]:
                fields[name] = [old, values[name]]
            seen.add(name)
        yield fields


def find_keys_of_changes(service: SyncService, account_number: str, pause: Pause) -> set[str]:
    """The keys of records of a list that have named this account at some time."""
    if not (field := service.account_field):
        return set()
    changes = RecordChange.objects.filter(sync_type=service.sync_type)
    rows = texts.find_rows(changes, ["fields"], [account_number], pause)
    found = [pk for pk, fields in rows if account_number in fields.get(field, ())]
    return set(RecordChange.objects.filter(pk__in=found).values_list("key", flat=True))


class SearchWords(Store):
    """The words that searches know, and no record that stays has: his, and those that others had once."""

    def find(self, subject: Subject, pause: Pause) -> list[str]:
        self.unused: list[int] = []
        for service in list_services():
            gone = [record.pk for record in subject.gone.get(service.sync_type, ())]
            used: set[str] = set()
            for chunk in read_chunks(service.model._default_manager.exclude(pk__in=gone)):
                pause()
                used |= find_words(service.model, chunk)
            words = SearchWord.objects.of(service.model).values_list("pk", "word")
            self.unused += [pk for pk, word in words if word not in used]
        return []  # what the records tell

    def erase(self) -> None:
        for chunk in split_into_chunks(self.unused, AT_ONCE):
            SearchWord.objects.filter(pk__in=chunk).delete()
        for service in list_services():
            rebuild_words(connection, service.model)


class SayingsOfRuns(Store):
    """What errors, notes, searches and events say of him, and of values of his that could not be read."""

    COLUMNS: Mapping[type[models.Model], tuple[str, ...]] = {
        SyncRun: ("error_text", "notes", "ended_attempts", "search"),
        SyncEvent: ("facts",),
        Alert: ("error",),
    }

    def find(self, subject: Subject, pause: Pause) -> list[str]:
        self.rows: dict[tuple[type[models.Model], int], dict[str, Any]] = {}
        for model, names in self.COLUMNS.items():
            for pk, *values in texts.find_rows(model._default_manager.all(), names, subject.texts, pause):
                self.replace(model, pk, dict(zip(names, values, strict=True)), subject.texts)
        for run in find_unreadable_values(subject):
            value = run.error_facts["text"]
            wanted = {*subject.texts, value}
            self.replace(SyncRun, run.pk, {name: getattr(run, name) for name in self.COLUMNS[SyncRun]}, wanted)
            for event in SyncEvent.objects.filter(run=run):
                self.replace(SyncEvent, event.pk, {"facts": event.facts}, wanted)
        found = Counter(model for model, _pk in self.rows)
        return [f"texts of {format_plural(found[model], WORDS[model])}" for model in self.COLUMNS if model in found]

    def replace(self, model: type[models.Model], pk: int, values: dict[str, Any], wanted: Iterable[str]) -> None:
        pattern = texts.build_pattern(wanted)
        changed = {name: texts.replace_texts(value, pattern) for name, value in values.items()}
        if changed != values:
            self.rows[model, pk] = changed

    def erase(self) -> None:
        for (model, pk), values in self.rows.items():
            model._default_manager.filter(pk=pk).update(**values)


def find_unreadable_values(subject: Subject) -> Iterator[SyncRun]:
    """The runs that were stopped by a value of one of his records, and say what it was."""
    for sync_type in subject.gone.keys() | subject.shown.keys():
        layout = get_service(sync_type).layout
        records = [*subject.gone.get(sync_type, ()), *subject.shown.get(sync_type, ())]
        names = {f"{layout.key_column.title} {getattr(record, layout.key)}" for record in records}
        for run in SyncRun.objects.for_type(sync_type).filter(error_text__facts__has_key="record"):
            is_his = run.error_facts["record"] in names
            if is_his and run.error_facts.get("text", texts.MARK) not in ("", texts.MARK):
                yield run
