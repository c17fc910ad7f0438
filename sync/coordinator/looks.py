"""Looks: one page of a list's grid in the ERP, read where an export would show nothing new or come too late.

A scheduled run whose look shows the list as it was when its last export was applied ends with that. A smart run brings
the records of the page with the highest keys, and of the one that the ERP's search box finds. No look proves that a
record is absent; whatever else it comes to, the run reads the export.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.conf import settings

from sync import disk
from sync.coordinator import kept_exports, mutex, outages, queue
from sync.coordinator.mutex import Lease
from sync.database import clock
from sync.erp import get_erp_client, look_records
from sync.erp import login as erp_login
from sync.erp.client import Look, LookingErpClient
from sync.exceptions import (
    ErpAnswerUnexpected,
    ErpError,
    ErpLoginRejected,
    ErpLoginsSpent,
    ErpNotAsked,
    ErpNotConfigured,
    ExportError,
    FewerThanSeen,
)
from sync.exports.totals import RunningTotals
from sync.messages import Message, gettext_noop
from sync.mirror import comparison, staging
from sync.models import SeenList, SyncRun
from sync.progress import Progress, Stage
from sync.service import SyncService

LONGEST_LOOK = timedelta(seconds=30)  # of a run, a login included; at most half of what an export may take

UNCHANGED = gettext_noop(
    "The list is unchanged, as far as a look shows: its first page and its number of records in the ERP are as they "
    "were before the last export, of {exported}."
)
ONE_PAGE = gettext_noop(
    "Read from one page of the list in the ERP, not from an export: records that it does not show stay as they are "
    "until the next export."
)
FAILED = gettext_noop("A look at the list in the ERP failed, so the export was read: {error}")

Mode = SyncRun.Mode


@dataclass(frozen=True)
class Attempt:
    """What came of the look of a run: notes for it, and how long it took."""

    notes: list[Message]
    took: timedelta = timedelta(0)


def can_look() -> bool:
    """Whether the ERP's client looks at lists."""
    try:
        return isinstance(get_erp_client(), LookingErpClient)
    except ErpNotConfigured:
        return False


def try_instead_of_export(run: SyncRun, service: SyncService, lease: Lease, progress: Progress) -> Attempt:
    """Finish a run by looking at its list, if its client looks and that will do. If not, the export is to be read.

    Raises what stops the run, and ErpLoginRejected and ErpNotAsked, as the export needs the same login and hours; not
    ErpLoginsSpent, as exports have a session of their own.
    """
    has_failed = any(attempt["outcome"] == "failed" for attempt in run.ended_attempts)
    if run.given_file or run.accepts_id or has_failed or kept_exports.has_kept_export(run):
        return Attempt([])
    client = get_erp_client()
    if not isinstance(client, LookingErpClient):
        return Attempt([])
    looking = Looking(run, service, client, progress)
    try:
        if run.mode == Mode.SMART:
            bring_records(looking, lease)
        elif seen := find_comparable(run, service):
            compare(looking, seen, lease)
    except (ErpError, ExportError) as error:
        if isinstance(error, (ErpLoginRejected, ErpNotAsked)) and not isinstance(error, ErpLoginsSpent):
            raise
        return Attempt([Message(FAILED, error=error.text)], looking.took)
    return Attempt([], looking.took)


class Looking:
    """A run that looks at its list, with a deadline."""

    def __init__(self, run: SyncRun, service: SyncService, client: LookingErpClient, progress: Progress) -> None:
        self.run = run
        self.service = service
        self.client = client
        self.progress = progress
        self.began = time.monotonic()
        self.longest = min(LONGEST_LOOK, kept_exports.get_longest_fetch(run.mode) / 2)

    @property
    def took(self) -> timedelta:
        return timedelta(seconds=time.monotonic() - self.began)

    def look(self) -> Look:
        """Raises an ErpError."""
        self.run.change(stage=Stage.FETCHING)
        failure = kept_exports.name_file(self.run)
        with disk.translate_disk_errors(disk.EXPORTS, settings.EXPORT_DIR):
            failure.parent.mkdir(parents=True, exist_ok=True)
        with erp_login.note_outcome():
            look = self.client.look(
                self.service.erp_list,
                search=self.run.search,
                failure=failure,
                at_most=self.longest,
                progress=self.progress,
            )
        if self.run.mode != Mode.SMART:  # exports may fail while the looks of order forms succeed
            outages.note_answer()
        return look


# Did anything change?


def find_comparable(run: SyncRun, service: SyncService) -> SeenList | None:
    """What was seen when the list's last export was applied, if it is right to end this run by comparing a look.

    Only a schedule's incremental run may end so; not once the export is older than looks count for, nor after a run
    of the list has failed: what is broken about exports must show.
    """
    if run.trigger != SyncRun.Trigger.SCHEDULE or run.mode != Mode.INCREMENTAL:
        return None
    now = clock.now()
    recent = SeenList.objects.filter(seen_at__gt=now - service.looks_count_for, seen_at__lte=now)
    seen = recent.filter(sync_type=service.sync_type).select_related("run").first()
    runs = SyncRun.objects.for_type(service.sync_type).order_by("-finished_at")
    last_export, last_end = runs.succeeded().from_exports().first(), runs.finished_by_themselves().first()
    has_failed = last_end is None or last_end.status != SyncRun.Status.SUCCEEDED
    return None if seen is None or seen.run != last_export or has_failed else seen


def compare(looking: Looking, seen: SeenList, lease: Lease) -> None:
    """Finish the run if the list is as it was seen. One of unknown length is never taken for unchanged."""
    look = looking.look()
    if look.count is None or (list_rows(look), look.count) != (seen.rows, seen.count):
        return
    run = looking.run
    with mutex.fenced(lease):
        exported = kept_exports.format_export_time(seen.run.exported_at)
        finish(run, comparison.Outcome(), look, [Message(UNCHANGED, exported=exported)])


def list_rows(look: Look) -> list[list[str]]:
    """Key and modification time of each row, as SeenList keeps them."""
    modified = look.modified or ("",) * len(look.keys)
    return [list(row) for row in zip(look.keys, modified, strict=True)]


def check_count(seen: Look | None, read: RunningTotals) -> None:
    """Raises FewerThanSeen if an export lacks more records of the list as it was seen just before than it may lose.

    No mirror has to know the list for that. Rows without an ID may be among those that the ERP counts; that it counts
    no others that its exports omit is assumed.
    """
    rows = read.records + read.placeholders
    if seen and seen.count is not None and seen.count - rows > comparison.count_losses_allowed(seen.count):
        raise FewerThanSeen(read=read.records, seen=seen.count)


def keep_seen_list(run: SyncRun, look: Look) -> None:
    """Keep what was seen just before a run's export was asked for; in the transaction that applies it."""
    seen = {"run": run, "rows": list_rows(look), "count": look.count, "seen_at": find_time(look)}
    SeenList.objects.update_or_create(sync_type=run.sync_type, defaults=seen)


# Smart runs


def bring_records(looking: Looking, lease: Lease) -> None:
    """Apply the records of the first page, and those that the ERP's search finds, and finish the run."""
    run, service = looking.run, looking.service
    look = looking.look()
    records = look_records.read_records(join(look), service.layout, name=service.sync_type)
    with staging.stage(records) as staged:
        outcome = comparison.Outcome()
        run.change(stage=Stage.APPLYING)
        with mutex.fenced(lease):
            comparison.apply(service, staged, run=run, outcome=outcome, shows_all=False, progress=looking.progress)
            if look.found:
                run.change(found=[service.layout.key_column.read(key) for key in look.found.keys])
            finish(run, outcome, look, [Message(ONE_PAGE)])
            if outcome.left:
                trigger = SyncRun.Trigger(run.trigger)
                queue.request_sync(run.sync_type, mode=Mode.FULL, trigger=trigger, by=run.requested_by)


def join(look: Look) -> Look:
    """A list's first page with what a search has found, each record once. Raises ErpAnswerUnexpected."""
    if not look.rows:
        raise ErpAnswerUnexpected(reason=Message(gettext_noop("the list's first page shows no records")))
    if look.found is None:
        return look
    if look.found.headers != look.headers:
        raise ErpAnswerUnexpected(reason=Message(gettext_noop("the list's columns changed between two looks")))
    rows = {key: row for each in (look, look.found) for key, row in zip(each.keys, each.rows, strict=True)}
    return replace(look, rows=tuple(rows.values()), keys=tuple(rows))


# Both


def finish(run: SyncRun, outcome: comparison.Outcome, look: Look, notes: list[Message]) -> None:
    """End a run well that was read from a look, in the transaction that applies what it shows."""
    run.change(read_from=SyncRun.Source.LOOK, exported_at=find_time(look), notes=notes)
    run.succeed(outcome.get_counts(), left=outcome.left)


def find_time(look: Look) -> datetime:
    """The moment of which a look is true; the clock of the machine that looked may be ahead of the database's."""
    return min(clock.now(), look.seen_at)
