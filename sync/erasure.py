"""Erasing a customer's data from what syncs keep: records, their history, what runs say, kept exports.

Which records are a customer's, and what else holds his data, says `orders.erasure`.
"""

from __future__ import annotations

import json
import re
import time
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import DatabaseError, connection, models, transaction
from django.db.models import Func, Max, Min, Q, Value
from django.db.models.functions import Cast, Coalesce
from django.urls import NoReverseMatch, reverse
from django.utils import translation

from sync.coordinator import queue, turns
from sync.coordinator.kept_exports import OUR_EXPORT, open_export
from sync.coordinator.mutex import Lease, hold_lock, translate_lost_connection
from sync.coordinator.runner import POLLED_EVERY, recover
from sync.database import clock
from sync.exceptions import SyncError
from sync.messages import Message
from sync.mirror.comparison import split_into_chunks
from sync.models import Alert, MirroredModel, RecordChange, SyncEvent, SyncRun
from sync.progress import Stage
from sync.service import SyncService, get_service, list_services

MARK = "…"  # stands where a text was taken out of a sentence
AT_ONCE = 500  # records whose changes are in memory
KEYS_AT_ONCE = 50_000  # numbers of rows that one query looks at: PostgreSQL ends what takes a minute
TEXTS_AT_ONCE = 30  # that one query looks for: SQLite has a limit for the depth of a condition
SHOWN_ROWS = 5  # of each table

WORDS: Mapping[type[models.Model], str] = {SyncRun: "run", SyncEvent: "event", Alert: "alert"}

Pause = Callable[[], object]


@dataclass(frozen=True)
class Subject:
    """Whose data is to be erased.

    `gone` are his records that the ERP no longer shows, by list: they are anonymised. Those that it still `shown` come
    again with every export: they stay, and only what they were before goes. `texts` tell who he is wherever they stand.
    """

    account_number: str
    gone: Mapping[str, Sequence[MirroredModel]]
    shown: Mapping[str, Sequence[MirroredModel]]
    texts: frozenset[str]


class Store(ABC):
    """A place where personal data is kept."""

    @abstractmethod
    def find(self, subject: Subject, pause: Pause) -> list[str]:
        """Look for what is to be erased, and tell it, a line for each kind. Calls `pause` now and then."""

    @abstractmethod
    def erase(self) -> None:
        """Erase what was found, in the caller's transaction."""


@contextmanager
def between_syncs(waiting: Callable[[], None]) -> Iterator[Lease]:
    """Hold the lock, so that nothing is synced meanwhile; `waiting` is called while another process holds it."""
    while True:
        with hold_lock() as lease:
            if lease:
                with translate_lost_connection():
                    recover(lease)
                    yield lease
                break
        waiting()
        time.sleep(POLLED_EVERY)
    if turns.find_runnable().exists():
        queue.wake()


class MirroredRecords(Store):
    """The records that the ERP no longer shows."""

    def find(self, subject: Subject, pause: Pause) -> list[str]:
        self.records = {
            sync_type: [record for record in records if names_somebody(record, get_service(sync_type))]
            for sync_type, records in subject.gone.items()
        }
        return [f"{sync_type}: {counted(len(found), 'record')}" for sync_type, found in self.records.items() if found]

    def erase(self) -> None:
        now = clock.now()
        for sync_type, records in self.records.items():
            names = get_service(sync_type).personal_fields
            for record in records:
                for name in names:
                    setattr(record, name, blank(type(record), name))
                record.erased_at = record.changed_at = now
                record.save(update_fields=[*names, "search_text", "erased_at", "changed_at"])


def names_somebody(record: MirroredModel, service: SyncService) -> bool:
    return any(getattr(record, name) != blank(type(record), name) for name in service.personal_fields)


def blank(model: type[models.Model], name: str) -> Any:
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
                lines.append(f"history of {service.sync_type}: {counted(found, 'change')}")
        return lines

    def records(self, service: SyncService, subject: Subject, pause: Pause) -> Iterator[tuple[str, dict[str, Any]]]:
        """The key of each record, and the values that its history may lead to."""
        names, key = service.personal_fields, service.layout.key
        blanks = {name: blank(service.model, name) for name in names}
        known = set()
        for record in subject.gone.get(service.sync_type, ()):
            known.add(str(getattr(record, key)))
            yield str(getattr(record, key)), blanks
        others = list(subject.shown.get(service.sync_type, ()))
        if subject.account_number:
            keys = keys_of_changes(service, subject.account_number, pause) - known
            others += service.model._default_manager.filter(**{f"{key}__in": keys})  # now another customer's
        for record in others:
            yield str(getattr(record, key)), {name: getattr(record, name) for name in names}

    def rewrite(self, service: SyncService, records: Mapping[str, Mapping[str, Any]]) -> None:
        changes = RecordChange.objects.filter(sync_type=service.sync_type, key__in=records).order_by("pk")
        by_record: dict[str, list[RecordChange]] = defaultdict(list)
        for change in changes:
            by_record[change.key].append(change)
        for key, of_record in by_record.items():
            for change, fields in zip(of_record, without_past(service, of_record, records[key]), strict=True):
                if fields != change.fields:
                    change.fields = fields
                    self.changes.append(change)

    def erase(self) -> None:
        RecordChange.objects.bulk_update(self.changes, ["fields"], AT_ONCE)


def without_past(
    service: SyncService, changes: Sequence[RecordChange], values: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """The fields of a record's changes, oldest first, as if it had never held other values than these.

    Carried out they give these values, taken back they leave nothing: a value is set by the first change that names
    it, unless what that changed was somebody's data as well, and no later one tells of it.
    """
    blanks = {name: blank(service.model, name) for name in values}
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


def keys_of_changes(service: SyncService, account_number: str, pause: Pause) -> set[str]:
    """The keys of records of a list that have named this account at some time."""
    if not (field := service.account_field):
        return set()
    changes = RecordChange.objects.filter(sync_type=service.sync_type)
    rows = rows_with(changes, ["fields"], [account_number], pause)
    found = [pk for pk, fields in rows if account_number in fields.get(field, ())]
    return set(RecordChange.objects.filter(pk__in=found).values_list("key", flat=True))


class SayingsOfRuns(Store):
    """What errors, notes and events say of him, and of values of his that could not be read."""

    COLUMNS: Mapping[type[models.Model], tuple[str, ...]] = {
        SyncRun: ("error_text", "notes", "ended_attempts"),
        SyncEvent: ("facts",),
        Alert: ("error",),
    }

    def find(self, subject: Subject, pause: Pause) -> list[str]:
        self.rows: dict[tuple[type[models.Model], int], dict[str, Any]] = {}
        for model, names in self.COLUMNS.items():
            for pk, *values in rows_with(model._default_manager.all(), names, subject.texts, pause):
                self.replace(model, pk, dict(zip(names, values, strict=True)), subject.texts)
        for run in unreadable_values(subject):
            value = run.error_facts["text"]
            texts = {*subject.texts, value}
            self.replace(SyncRun, run.pk, {name: getattr(run, name) for name in self.COLUMNS[SyncRun]}, texts)
            for event in SyncEvent.objects.filter(run=run):
                self.replace(SyncEvent, event.pk, {"facts": event.facts}, texts)
        found = [model for model, _pk in self.rows]
        return [f"texts of {counted(found.count(model), WORDS[model])}" for model in self.COLUMNS if model in found]

    def replace(self, model: type[models.Model], pk: int, values: dict[str, Any], texts: Iterable[str]) -> None:
        pattern = pattern_of(texts)
        changed = {name: replaced(value, pattern) for name, value in values.items()}
        if changed != values:
            self.rows[model, pk] = changed

    def erase(self) -> None:
        for (model, pk), values in self.rows.items():
            model._default_manager.filter(pk=pk).update(**values)


def unreadable_values(subject: Subject) -> Iterator[SyncRun]:
    """The runs that were stopped by a value of one of his records, and say what it was."""
    for sync_type in subject.gone.keys() | subject.shown.keys():
        layout = get_service(sync_type).layout
        records = [*subject.gone.get(sync_type, ()), *subject.shown.get(sync_type, ())]
        names = {f"{layout.key_column.title} {getattr(record, layout.key)}" for record in records}
        for run in SyncRun.objects.for_type(sync_type).filter(error_text__facts__has_key="record"):
            is_his = run.error_facts["record"] in names
            if is_his and run.error_facts.get("text", MARK) not in ("", MARK):
                yield run


class KeptExports(Store):
    """The files that runs have kept: a PDF is deleted whole, as nothing can be taken out of it for certain."""

    def find(self, subject: Subject, pause: Pause) -> list[str]:
        self.runs: list[SyncRun] = []
        self.files: list[Path] = []
        lines = []
        kept = SyncRun.objects.exclude(export_path="").order_by("pk")
        for run in kept:
            if why := reason_to_delete(run, subject, pause):
                self.runs.append(run)
                self.files.append(Path(run.export_path))
                lines.append(f"export of run {run.pk} ({run.sync_type}, {run.status}): {why}")
        named = {run.export_path for run in kept}
        strays = [path for path in our_exports() if str(path) not in named]
        self.files += strays
        return [*lines, *(f"export {path.name}: of no run, left by a process that was killed" for path in strays)]

    def erase(self) -> None:
        for waiting in SyncRun.objects.queued().filter(accepts__in=self.runs):
            waiting.cancel()  # it has nothing to apply any more
        SyncRun.objects.filter(pk__in=[run.pk for run in self.runs]).update(export_path="")
        for path in self.files:
            transaction.on_commit(partial(path.unlink, missing_ok=True))


class PageTables(Store):
    """What was read of each list's last export. Nothing is lost with it: the next export is read in full."""

    def find(self, subject: Subject, pause: Pause) -> list[str]:
        is_known = bool(subject.texts or subject.account_number)
        types = [service.sync_type for service in list_services() if service.personal_fields and is_known]
        self.files = [path for name in types for path in settings.PAGE_TABLES_DIR.glob(f"{name}*")]
        return [f"page tables kept from the last exports: {counted(len(self.files), 'file')}"] if self.files else []

    def erase(self) -> None:
        for path in self.files:
            transaction.on_commit(partial(path.unlink, missing_ok=True))


def our_exports() -> list[Path]:
    """The files that runs have made, but for what one that goes on is just fetching."""
    folder: Path = settings.EXPORT_DIR
    being_fetched = tuple(f"{run.sync_type}-{run.pk}-" for run in SyncRun.objects.running())
    files = folder.iterdir() if folder.is_dir() else ()
    return [path for path in files if OUR_EXPORT.fullmatch(path.name) and not path.name.startswith(being_fetched)]


def reason_to_delete(run: SyncRun, subject: Subject, pause: Pause) -> str:
    """Why a run's export may not be kept; "" if it holds nothing of his."""
    path = Path(run.export_path)
    if not path.is_file():
        return ""
    if run.sync_type not in settings.SYNC_TYPES:
        return "of a list that is no longer mirrored"
    service = get_service(run.sync_type)
    if not service.personal_fields:
        return ""
    try:
        return "names him" if is_named_in(path, service, subject, pause) else ""
    except SyncError as error:
        return f"cannot be read ({type(error).__name__}), and may name him"


def is_named_in(path: Path, service: SyncService, subject: Subject, pause: Pause) -> bool:
    """Whether an export has a record of his. Raises ExportError if it cannot be read to its end."""
    key, sync_type = service.layout.key, service.sync_type
    records = [*subject.gone.get(sync_type, ()), *subject.shown.get(sync_type, ())]
    known = {getattr(record, key) for record in records}
    told = subject.texts | ({subject.account_number} - {""})

    def progress(stage: Stage, done: int, total: int | None) -> None:  # noqa: ARG001
        pause()

    with open_export(path, service, progress) as exported:
        for record in exported:
            if record.values[exported.fields.index(key)] in known or not told.isdisjoint(record.values):
                return True
    return False


def remaining(subject: Subject, *, from_erp: bool) -> list[str]:
    """Where else in the database one of his texts stands, but not the text: a person has to look at it.

    Either in the records of others and their history, which come from the ERP and can be changed there alone, or in all
    other tables, whatever these are.
    """
    if not subject.texts:
        return []
    pattern = pattern_of(subject.texts)
    lines = []
    for model in apps.get_models():
        if issubclass(model, MirroredModel | RecordChange) != from_erp:
            continue
        fields = [field for field in model._meta.concrete_fields if holds_text(field)]
        names = [field.attname for field in fields]
        found = {}
        for pk, *values in rows_with(without_shown(model, subject), names, subject.texts, lambda: None):
            if where := [
                field
                for field, value in zip(fields, values, strict=True)
                if any(pattern.search(text) for text in texts_in(value))
            ]:
                found[pk] = where
        lines += [row_line(model, pk, found[pk]) for pk in list(found)[:SHOWN_ROWS]]
        if len(found) > SHOWN_ROWS:
            lines.append(f"... and {len(found) - SHOWN_ROWS} more of these")
    return lines


def row_line(model: type[models.Model], pk: Any, fields: Iterable[models.Field[Any, Any]]) -> str:
    """A row by its name, its number and its page in the admin, if it has one, with the fields to look at."""
    with translation.override("en"):
        line = f"{model._meta.verbose_name} {pk} ({', '.join(str(field.verbose_name) for field in fields)})"
    try:
        return f"{line}: {reverse(f'admin:{model._meta.app_label}_{model._meta.model_name}_change', args=[pk])}"
    except NoReverseMatch:
        return line


def holds_text(field: models.Field[Any, Any]) -> bool:
    return isinstance(field, models.CharField | models.TextField | models.JSONField)


def without_shown(model: type[models.Model], subject: Subject) -> models.QuerySet[Any]:
    """All rows of a table but those of records that the ERP still shows."""
    rows = model._base_manager.all()
    for sync_type, records in subject.shown.items():
        service = get_service(sync_type)
        if model is service.model:
            rows = rows.exclude(pk__in=[record.pk for record in records])
        elif model is RecordChange:
            keys = [str(getattr(record, service.layout.key)) for record in records]
            rows = rows.exclude(sync_type=sync_type, key__in=keys)
    return rows


def compact_database() -> str:
    """Have a SQLite file forget what was erased: its free pages and its log hold it still. What is wrong, if anything.

    PostgreSQL does so by itself, when it vacuums.
    """
    if connection.vendor != "sqlite":
        return ""
    try:
        with connection.cursor() as cursor:
            cursor.execute("VACUUM")
            [(is_busy, *_)] = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    except DatabaseError as error:
        return str(error)
    return "another process was reading it" if is_busy else ""


# Finding texts


class Joined(Func):
    """All these columns as one text. Django's Concat nests, deeper than SQLite parses."""

    template = "(%(expressions)s)"
    arg_joiner = " || "

    def __init__(self, *names: str) -> None:
        texts = [Coalesce(Cast(name, models.TextField()), Value("")) for name in names]
        super().__init__(*texts, output_field=models.TextField())

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        """In the database's collation: the one of `search_text` has no capitals of letters with accents."""
        return self.as_sql(compiler, connection, template='((%(expressions)s) COLLATE "default")', **context)


def rows_with(
    rows: models.QuerySet[Any], names: Sequence[str], texts: Iterable[str], pause: Pause
) -> Iterator[tuple[Any, ...]]:
    """The key and these columns of each row in which one of the texts may stand, in whatever case."""
    for wanted in split_into_chunks(sorted(texts), TEXTS_AT_ONCE) if names else ():
        condition = Q()
        for text in wanted:
            quoted = json.dumps(text)[1:-1]  # SQLite keeps JSON so, PostgreSQL with all letters
            for form in {text, quoted, json.dumps(text, ensure_ascii=False)[1:-1]}:
                condition |= Q(all_texts__icontains=form)
        joined = rows.annotate(all_texts=Joined(*names))
        for part in parts_of(joined, rows.model):
            pause()
            yield from part.filter(condition).order_by().values_list("pk", *names)


def parts_of(rows: models.QuerySet[Any], model: type[models.Model]) -> Iterator[models.QuerySet[Any]]:
    """The rows of a table, by ranges of their numbers; all at once if they have no numbers."""
    if not isinstance(model._meta.pk, models.IntegerField):
        yield rows
        return
    ends = model._base_manager.aggregate(first=Min("pk"), last=Max("pk"))
    if ends["first"] is not None:
        for first in range(ends["first"], ends["last"] + 1, KEYS_AT_ONCE):
            yield rows.filter(pk__gte=first, pk__lt=first + KEYS_AT_ONCE)


def pattern_of(texts: Iterable[str]) -> re.Pattern[str]:
    """Matches one of the texts, as whole words."""
    either = "|".join(re.escape(text) for text in sorted(texts, key=len, reverse=True))
    return re.compile(rf"(?<!\w)(?:{either})(?!\w)", re.IGNORECASE)


def replaced(value: Any, pattern: re.Pattern[str]) -> Any:
    """A text, or what JSON holds of texts, with a mark in the place of what is matched; a template is nobody's."""
    if isinstance(value, Message):
        return Message(value.template, **replaced(value.facts, pattern))
    if isinstance(value, str):
        return pattern.sub(MARK, value)
    if isinstance(value, list):
        return [replaced(each, pattern) for each in value]
    if isinstance(value, dict):
        return {key: replaced(each, pattern) for key, each in value.items()}
    return value


def texts_in(value: Any) -> Iterator[str]:
    """All texts of a value that JSON can hold, without templates."""
    if isinstance(value, Message):
        yield from texts_in([*value.facts.values()])
    elif isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from texts_in([*value, *value.values()])
    elif isinstance(value, list | tuple):
        for each in value:
            yield from texts_in(each)


def counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
