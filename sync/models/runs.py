"""Runs, and what each one changed."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, models, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, pgettext_lazy

from sync import failure_files
from sync.database import clock
from sync.database.deadlocks import retry_deadlocks
from sync.exceptions import (
    CannotAccept,
    CannotCancel,
    CannotRetry,
    ControlTotalMismatch,
    LeaseLost,
    NeedsAcceptance,
    ProcessLost,
    SyncError,
)
from sync.list_names import get_list_name
from sync.messages import Message, make_storable
from sync.models.events import SyncEvent
from sync.models.message_field import MessageField
from sync.translations import translate

Kind = SyncEvent.Kind

logger = logging.getLogger(__name__)

FULL_EVERY = timedelta(hours=6)  # an automatic run is full when the last full success is older
KEPT_ATTEMPTS = 100  # of a run: while a disk is full, one is made every ten minutes
LOGGED_CHARACTERS = 1000  # of a text that is logged, on one line
LOSSES_ALLOWED = 2  # of a run's process; at the next one a person has to look
TRIES = 10  # at a row that others queue and start at the same moment

OUTCOMES = {  # what a run's row says of an attempt after which it came back to the queue
    Kind.RUN_PREEMPTED: "preempted",
    Kind.RUN_HANDED_BACK: "handed back",
    Kind.RUN_POSTPONED: "postponed",
    Kind.RUN_LOST: "lost",
    Kind.RUN_TO_BE_RETRIED: "failed",
}

UNSUCCESSFUL = Q(status__in=["failed", "quarantined"])
SMART = Q(given_file="", mode="smart")
LOOK_AT_A_PAGE = Q(mode="smart", read_from="look")
ORDINARY = Q(given_file="", accepts=None) & ~Q(mode="smart")  # runs that stand for every request of their type


class SyncRunQuerySet(models.QuerySet["SyncRun"]):
    """Runs."""

    def for_type(self, sync_type: str) -> SyncRunQuerySet:
        return self.filter(sync_type=sync_type)

    def queued(self) -> SyncRunQuerySet:
        """Those that wait, by priority and age."""
        return self.filter(status=SyncRun.Status.QUEUED).order_by("-priority", "requested_at", "pk")

    def running(self) -> SyncRunQuerySet:
        """The one that is carried out, if any."""
        return self.filter(status=SyncRun.Status.RUNNING)

    def finished(self) -> SyncRunQuerySet:
        return self.filter(finished_at__isnull=False)

    def succeeded(self) -> SyncRunQuerySet:
        return self.filter(status=SyncRun.Status.SUCCEEDED)

    def unsuccessful(self) -> SyncRunQuerySet:
        """Those that were to refresh the mirror from the ERP and did not."""
        return self.finished().filter(UNSUCCESSFUL, given_file="")

    def finished_by_themselves(self) -> SyncRunQuerySet:
        """Those that say something about the whole list.

        A cancelled run does not, nor a wrong file that somebody gave, nor a smart run that saw one page of the list.
        """
        ended = self.finished().filter(Q(status=SyncRun.Status.SUCCEEDED) | (UNSUCCESSFUL & Q(given_file="")))
        return ended.about_whole_list()

    def about_whole_list(self) -> SyncRunQuerySet:
        """Without smart runs that were read from a look: those that read an export, or found the list unchanged."""
        return self.exclude(LOOK_AT_A_PAGE)

    def from_exports(self) -> SyncRunQuerySet:
        """Without those that were read from a look, whatever it showed."""
        return self.filter(read_from=SyncRun.Source.EXPORT)

    def mergeable(self, mode: str, search: str = "") -> SyncRunQuerySet:
        """Those that stand for every request of their type, or for every smart one with the same search.

        A given file is read by itself.
        """
        return self.filter(SMART & Q(search=search) if mode == SyncRun.Mode.SMART else ORDINARY)

    def choose_mode(self, sync_type: str) -> SyncRun.Mode:
        """Of an automatic run: full if the last full success is too old, else incremental."""
        full = self.succeeded().for_type(sync_type).filter(mode=SyncRun.Mode.FULL)
        is_recent = full.filter(finished_at__gt=clock.now() - FULL_EVERY).exists()
        return SyncRun.Mode.INCREMENTAL if is_recent else SyncRun.Mode.FULL


class SyncRun(models.Model):
    """One execution of one sync type.

    queued -> running -> succeeded | failed | quarantined | cancelled
       ^---------'  preempted, given back, postponed, to be tried again, or lost with its process
    """

    class Status(models.TextChoices):
        QUEUED = "queued", _("queued")
        RUNNING = "running", _("running")
        SUCCEEDED = "succeeded", _("succeeded")
        FAILED = "failed", _("failed")
        QUARANTINED = "quarantined", _("quarantined")
        CANCELLED = "cancelled", _("cancelled")

    class Mode(models.TextChoices):
        AUTO = "auto", _("automatic")  # full or incremental, decided at the start
        FULL = "full", _("full")
        INCREMENTAL = "incremental", _("incremental")
        SMART = "smart", _("smart")

    STRONGEST_FIRST = (Mode.FULL, Mode.AUTO, Mode.INCREMENTAL)

    class Source(models.TextChoices):
        EXPORT = "export", _("export")
        LOOK = "look", _("look")  # one page of the list's grid: never the whole list

    class Trigger(models.TextChoices):
        SCHEDULE = "schedule", _("schedule")
        MANUAL = "manual", _("command line")
        ADMIN = "admin", _("admin")
        API = "api", _("API")
        ORDER_FORM = "order_form", _("order form")
        RETRY = "retry", _("retry")
        ACCEPT = "accept", _("accepted export")

    sync_type = models.CharField(_("type"), max_length=30)
    mode = models.CharField(_("mode"), max_length=20, choices=Mode, default=Mode.AUTO)
    trigger = models.CharField(_("trigger"), max_length=20, choices=Trigger)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        db_index=False,  # the list's index has it
        verbose_name=_("requested by"),
    )
    priority = models.PositiveSmallIntegerField(_("priority"))
    status = models.CharField(_("status"), max_length=20, choices=Status, default=Status.QUEUED)
    accepts = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="acceptances",
        verbose_name=_("accepts the export of"),
    )
    retries = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="retried_by",
        verbose_name=_("tries again"),
    )
    merged_into = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="merged",
        verbose_name=_("merged into"),
        help_text=_("The run of the same list that returned to the queue and also replaces this one."),
    )

    requested_at = models.DateTimeField(_("requested"), default=clock.now)
    not_before = models.DateTimeField(_("not before"), null=True, blank=True)
    cancel_requested_at = models.DateTimeField(_("cancelling requested"), null=True, blank=True)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    ignores_hours = models.BooleanField(
        _("ignores the ERP's hours"),
        default=False,
        help_text=_("An administrator lets it run outside ERP_HOURS, and although the exports of the day are spent."),
    )
    search = models.CharField(
        _("search"), max_length=200, blank=True, help_text=_("A smart run looks for records with this text, too.")
    )
    found = models.JSONField(
        _("found"),
        null=True,
        blank=True,
        help_text=_("The keys of the records that the ERP's search found; none if it was not used."),
    )
    read_from = models.CharField(
        _("read from"),
        max_length=10,
        choices=Source,
        default=Source.EXPORT,
        help_text=_(
            "A look shows one page of the list in the ERP: it can find the whole list unchanged, or bring the records "
            "of that page."
        ),
    )

    token = models.BigIntegerField(
        _("token"), null=True, blank=True, help_text=_("The lock's token while this run's process holds the lock.")
    )
    attempts = models.PositiveSmallIntegerField(
        _("attempts"), default=0, help_text=_("How many times the run was started.")
    )
    ended_attempts = MessageField(
        _("ended attempts"),
        default=list,
        blank=True,
        help_text=_("For each time the run returned to the queue, the reason."),
    )

    stage = models.CharField(_("stage"), max_length=20, blank=True)
    pages_read = models.PositiveIntegerField(_("pages read"), default=0)
    pages = models.PositiveIntegerField(_("pages"), null=True, blank=True)

    given_file = models.CharField(
        _("given file"), blank=True, help_text=_("A file that was given to be read instead of the ERP's export.")
    )
    export_path = models.CharField(_("kept export"), blank=True)
    export_sha256 = models.CharField(_("export's SHA-256"), max_length=64, blank=True)
    export_size = models.PositiveBigIntegerField(_("export's size"), null=True, blank=True, help_text=_("bytes"))
    exported_at = models.DateTimeField(
        _("exported"), null=True, blank=True, help_text=_("The moment whose data the export shows.")
    )
    erp_time = models.DurationField(_("time the ERP took"), null=True, blank=True)

    read = models.PositiveIntegerField(pgettext_lazy("counted", "read"), default=0)
    created = models.PositiveIntegerField(pgettext_lazy("counted", "created"), default=0)
    updated = models.PositiveIntegerField(pgettext_lazy("counted", "updated"), default=0)
    unchanged = models.PositiveIntegerField(pgettext_lazy("counted", "unchanged"), default=0)
    missing = models.PositiveIntegerField(pgettext_lazy("counted", "missing"), default=0)
    removed = models.PositiveIntegerField(pgettext_lazy("counted", "removed"), default=0)
    restored = models.PositiveIntegerField(pgettext_lazy("counted", "restored"), default=0)

    left = models.PositiveIntegerField(
        pgettext_lazy("counted", "left"),
        default=0,
        help_text=_("Records that differ and wait for the full run that was queued."),
    )

    control_totals = models.JSONField(_("control totals"), default=list, blank=True)
    coverage = models.JSONField(
        _("coverage"),
        default=list,
        blank=True,
        help_text=_("How many records the lists refer to in each other, and how many of these exist."),
    )
    notes = MessageField(_("notes"), default=list, blank=True)
    error_class = models.CharField(_("error"), max_length=100, blank=True)
    error_text = MessageField(_("error text"), default=str, blank=True)

    waits_for: str | None = None  # of a queued run, as coordinator.turns.find_queued finds it

    objects = SyncRunQuerySet.as_manager()

    class Meta:
        verbose_name = _("run")
        verbose_name_plural = _("runs")
        ordering = ("-requested_at", "-pk")
        permissions = [
            ("accept_syncrun", gettext_noop("Can accept a quarantined export")),
            ("request_syncrun", gettext_noop("Can ask for a sync, try one again, or cancel it")),
            ("download_export", gettext_noop("Can download a run's export")),
            ("force_syncrun", gettext_noop("Can let a run ignore the ERP's hours")),
        ]
        indexes = [
            # A condition may be one value, or null: SQLite finds no use for an index of several values.
            models.Index(fields=["sync_type", "-finished_at"], condition=Q(status="succeeded"), name="last_success"),
            models.Index(fields=["sync_type", "-exported_at"], condition=Q(status="succeeded"), name="last_export"),
            models.Index(fields=["-priority", "requested_at"], condition=Q(status="queued"), name="run_queue"),
            models.Index(fields=["sync_type", "-finished_at"], condition=Q(finished_at__isnull=False), name="last_end"),
            models.Index(fields=["-finished_at"], condition=Q(finished_at__isnull=False), name="last_end_of_any"),
            models.Index(fields=["finished_at"], condition=~Q(export_path=""), name="kept_export"),
            models.Index(fields=["finished_at"], condition=Q(export_path=""), name="oldest_run"),
            # Whatever a list of runs is narrowed to, the rows that are left out need not be looked at.
            models.Index(
                fields=["requested_at", "id", "sync_type", "status", "mode", "trigger", "requested_by"],
                name="run_list",
            ),
            models.Index(fields=["requested_at", "id"], condition=~Q(error_class=""), name="run_errors"),
        ]
        constraints = [
            # The mutex of last resort: no code path can make two runs overlap.
            models.UniqueConstraint(fields=["status"], condition=Q(status="running"), name="one_running_run"),
            models.UniqueConstraint(
                fields=["sync_type"], condition=Q(status="queued") & ORDINARY, name="one_queued_run_per_type"
            ),
            models.UniqueConstraint(
                fields=["sync_type", "search"],
                condition=Q(status="queued", given_file="", mode="smart"),
                name="one_queued_smart_run_per_search",
            ),
            # Accepted twice, an export would prove two absences.
            models.UniqueConstraint(
                fields=["accepts"],
                condition=Q(accepts__isnull=False) & ~Q(status__in=["failed", "cancelled"]),
                name="one_acceptance_of_a_run",
            ),
        ]

    def __str__(self) -> str:
        return f"{get_list_name(self.sync_type)} {self.pk}"

    @property
    def duration(self) -> timedelta | None:
        """From start to end, None while it lasts."""
        if self.started_at is None or self.finished_at is None:
            return None
        return self.finished_at - self.started_at

    @property
    def waits_for_a_decision(self) -> bool:
        """Whether it is quarantined and nobody has accepted its export."""
        failed = [self.Status.FAILED, self.Status.CANCELLED]
        return self.status == self.Status.QUARANTINED and not self.acceptances.exclude(status__in=failed).exists()

    @property
    def failure(self) -> SyncRun | None:
        """The run itself, if an error ended it."""
        return self if self.error_class else None

    @property
    def failed_attempt(self) -> dict[str, Any] | None:
        """The last of its attempts that failed, while another is to come or goes on."""
        failed = [] if self.is_finished else [attempt for attempt in self.ended_attempts if attempt.get("error")]
        return failed[-1] if failed else None

    @property
    def error_facts(self) -> dict[str, str]:
        """What the error text is made of, by name; nothing of a text alone."""
        facts = self.error_text.facts if isinstance(self.error_text, Message) else {}
        return {name: str(fact) for name, fact in facts.items()}

    @property
    def error_sentence(self) -> str:
        """The error text in the reader's language."""
        return translate(self.error_text)

    @property
    def is_finished(self) -> bool:
        return self.status not in (self.Status.QUEUED, self.Status.RUNNING)

    @property
    def is_mergeable(self) -> bool:
        """Whether it stands for every request of its type, or for every smart one."""
        return not self.given_file and self.accepts_id is None

    @property
    def standing(self) -> SyncRun:
        """The run that stands for this one: itself, or what it was merged into."""
        return self.merged_into.standing if self.merged_into else self

    @property
    def overdue_at(self) -> datetime:
        """When it will have waited too long: neither order forms nor more urgent runs keep it any longer."""
        longest: timedelta = settings.SYNC_LONGEST_PAUSE
        return self.requested_at + longest

    @property
    def waits_for_its_time(self) -> bool:
        """Whether it would run at once if its list were asked for: a given file and an acceptance stay as they are."""
        is_later = self.not_before is not None and self.not_before > clock.now()
        return self.status == self.Status.QUEUED and is_later and self.is_mergeable

    # Whether a person can do something with it, and if not, why

    def cannot_retry(self) -> CannotRetry | None:
        if not self.is_finished:
            reason = Message(gettext_noop("it is {status}."), status=Message(self.status))
            return CannotRetry(run=self.pk, reason=reason)
        if self.sync_type not in settings.SYNC_TYPES:
            reason = Message(gettext_noop("{sync_type} is no longer mirrored."), sync_type=Message(self.sync_type))
            return CannotRetry(run=self.pk, reason=reason)
        if self.accepts_id:
            reason = Message(gettext_noop("accept the export of run {run} again instead."), run=self.accepts_id)
            return CannotRetry(run=self.pk, reason=reason)
        if self.given_file and not Path(self.given_file).is_file():
            reason = Message(gettext_noop("the given file {file} no longer exists."), file=self.given_file)
            return CannotRetry(run=self.pk, reason=reason)
        return None

    def cannot_accept(self) -> CannotAccept | None:
        if self.status != self.Status.QUARANTINED:
            reason = Message(gettext_noop("it is {status}, not quarantined."), status=Message(self.status))
            return CannotAccept(run=self.pk, reason=reason)
        if self.sync_type not in settings.SYNC_TYPES:
            reason = Message(gettext_noop("{sync_type} is no longer mirrored."), sync_type=Message(self.sync_type))
            return CannotAccept(run=self.pk, reason=reason)
        if not self.waits_for_a_decision:
            return CannotAccept(run=self.pk, reason=Message(gettext_noop("it has been accepted already.")))
        if not Path(self.export_path).is_file():
            reason = Message(gettext_noop("its export is no longer kept. Run the sync again."))
            return CannotAccept(run=self.pk, reason=reason)
        if self.find_applied_since().exists():
            reason = Message(
                gettext_noop("this export or a later one has been applied in the meantime. Run the sync again.")
            )
            return CannotAccept(run=self.pk, reason=reason)
        return None

    # Whether its export was seen before

    def find_applied_since(self) -> SyncRunQuerySet:
        """The runs that applied its export, or a later one of its list; none is later that is dated in the future.

        A look is no later export: it shows one page of the list, or that nothing is to be applied.
        """
        if self.exported_at is None:
            return SyncRun.objects.none()
        until = max(self.exported_at, clock.now())
        applied = SyncRun.objects.succeeded().from_exports().for_type(self.sync_type)
        return applied.filter(exported_at__range=(self.exported_at, until))

    @property
    def later_success(self) -> SyncRun | None:
        """A run that applied a later export."""
        return self.find_applied_since().exclude(exported_at=self.exported_at).first()

    @property
    def was_applied_before(self) -> bool:
        """Whether this very export was applied, as when nobody has dropped a newer one into the ERP's folder."""
        same = self.find_applied_since().filter(exported_at=self.exported_at, export_sha256=self.export_sha256)
        return same.filter(mode=self.Mode.FULL).exists()

    # While it is carried out

    def change(self, **values: Any) -> None:
        """Save these fields of a run in progress. Raises LeaseLost if it is no longer this process's."""
        mine = SyncRun.objects.running().filter(pk=self.pk, token=self.token)
        if not mine.update(**values):
            raise LeaseLost
        for name, value in values.items():
            setattr(self, name, value)

    def refresh_for_update(self) -> None:
        """Show the run as it stands, without what was rolled back; nobody else changes it in this transaction.

        Raises LeaseLost if it is no longer this process's.
        """
        token = self.token
        self.refresh_from_db(from_queryset=SyncRun.objects.select_for_update())
        if self.token != token:
            raise LeaseLost

    def forget_export(self) -> None:
        """Delete the export that it kept, once this transaction is committed.

        What cannot be deleted then is logged, and stays for housekeeping: the run has ended as it is written.
        """
        if path := self.export_path:

            def delete() -> None:
                Path(path).unlink(missing_ok=True)

            transaction.on_commit(delete, robust=True)

    def forget_failure(self) -> None:
        """Delete what the ERP showed when a step of it failed, in the same way."""
        transaction.on_commit(partial(failure_files.delete_failure_files, self), robust=True)

    # Transitions, each in one transaction with its event. Of a run in progress they raise LeaseLost, as `change` does.

    @transaction.atomic(savepoint=False)
    def start(self, token: int) -> bool:
        """Claim a queued run for the process that holds the lock by this token. False if it no longer waits."""
        automatic = models.When(mode=self.Mode.AUTO, then=models.Value(SyncRun.objects.choose_mode(self.sync_type)))
        started = SyncRun.objects.filter(pk=self.pk, status=self.Status.QUEUED).update(
            status=self.Status.RUNNING,
            token=token,
            mode=models.Case(automatic, default=models.F("mode")),
            started_at=clock.now(),
            attempts=models.F("attempts") + 1,
            pages_read=0,
            pages=None,
            not_before=None,
        )
        if started:
            self.refresh_from_db()
            self.forget_failure()
            SyncEvent.objects.record(Kind.RUN_STARTED, run=self, attempt=self.attempts, mode=self.mode)
        return bool(started)

    @transaction.atomic(savepoint=False)
    def succeed(self, counts: dict[str, int], *, left: int) -> None:
        """End it well, in the transaction that applied its records; no export of theirs is kept any longer."""
        self.forget_export()
        self.forget_failure()
        if self.accepts_id:
            SyncRun.objects.get(pk=self.accepts_id).forget_export()
            SyncRun.objects.filter(pk=self.accepts_id).update(export_path="")
        self.finish(self.Status.SUCCEEDED, export_path="", left=left, **counts)
        SyncEvent.objects.record(Kind.RUN_SUCCEEDED, run=self, counts=counts)

    @transaction.atomic(savepoint=False)
    def fail(self, error: BaseException) -> None:
        """End it by what stopped it: quarantined if a person may accept its export, else failed."""
        is_quarantined = isinstance(error, NeedsAcceptance)
        status = self.Status.QUARANTINED if is_quarantined else self.Status.FAILED
        name, text = type(error).__name__, error.text if isinstance(error, SyncError) else str(error)
        found: dict[str, Any] = {}
        if isinstance(error, ControlTotalMismatch):
            found["control_totals"] = [total.as_json() for total in error.totals]
        self.finish(status, error_class=name, error_text=text, **found)
        kind = Kind.RUN_QUARANTINED if is_quarantined else Kind.RUN_FAILED
        SyncEvent.objects.record(kind, run=self, error_class=name, error=text)
        line = make_storable(" ".join(text.split()))[:LOGGED_CHARACTERS]
        logged = (self.pk, self.sync_type, status.value, name, line)
        transaction.on_commit(partial(logger.warning, "Run %s of %s %s: %s: %s", *logged))

    @transaction.atomic(savepoint=False)
    def refuse(self, error: SyncError) -> None:
        """End a queued run by an error that it would only meet again."""
        name = type(error).__name__
        ended = SyncRun.objects.filter(pk=self.pk, status=self.Status.QUEUED).update(
            status=self.Status.FAILED, finished_at=clock.now(), error_class=name, error_text=error.text
        )
        if ended:
            SyncEvent.objects.record(Kind.RUN_FAILED, run=self, error_class=name, error=error.text)

    @transaction.atomic(savepoint=False)
    def requeue(
        self,
        kind: SyncEvent.Kind,
        *,
        error: SyncError | None = None,
        not_before: datetime | None = None,
        **facts: Any,
    ) -> None:
        """Put it back into the queue, with the reason; if it is to be cancelled, it ends instead.

        If the type was asked for meanwhile, that request is merged into this run, which then reads a new export: who
        asked later wants to see what was changed until then.
        """
        text = error.text if error else ""
        if error and not_before:
            facts["error"] = text
            if kind == Kind.RUN_TO_BE_RETRIED:
                facts["at"] = not_before.isoformat()
        SyncEvent.objects.record(kind, run=self, **facts)
        if self.cancel_requested_at:
            self.finish_cancelled()
            return
        attempt = {
            "outcome": OUTCOMES[kind],
            "startedAt": self.started_at.isoformat() if self.started_at else None,
            "endedAt": clock.now().isoformat(),
            "error": type(error).__name__ if error and kind != Kind.RUN_POSTPONED else "",
            "text": text,
        }
        changes: dict[str, Any] = {
            "ended_attempts": [*self.ended_attempts, attempt][-KEPT_ATTEMPTS:],
            "not_before": not_before,
        }
        if kind in (Kind.RUN_LOST, Kind.RUN_TO_BE_RETRIED, Kind.RUN_POSTPONED):
            changes["export_path"] = ""  # the next attempt reads a new one
        for tries_left in reversed(range(TRIES)):
            try:
                with transaction.atomic():
                    merged = self.merge_waiting_request() if self.is_mergeable else {}
                    self.change(status=self.Status.QUEUED, token=None, stage="", **changes | merged)
                return
            except IntegrityError:  # the type was asked for in between: merge that request too
                if not tries_left:
                    raise

    def merge_waiting_request(self) -> dict[str, Any]:
        """End the request of the same type that waits, if any, and give what this run takes over from it."""
        newer = SyncRun.objects.queued().for_type(self.sync_type).mergeable(self.mode, self.search).first()
        if newer is None:
            return {}
        SyncRun.objects.filter(pk=newer.pk, status=self.Status.QUEUED).update(
            status=self.Status.CANCELLED, finished_at=clock.now(), merged_into=self
        )
        SyncEvent.objects.record(Kind.RUN_MERGED, run=newer, into=self.pk)
        self.forget_export()
        taken = {"priority": max(self.priority, newer.priority), "export_path": ""}
        if newer.ignores_hours:
            taken["ignores_hours"] = True
        if self.mode != self.Mode.SMART:
            taken["mode"] = min(map(self.Mode, (self.mode, newer.mode)), key=self.STRONGEST_FIRST.index)
        if self.trigger == self.Trigger.SCHEDULE:
            taken["trigger"] = newer.trigger  # a person wants the list as it is now: a look would not do
        return taken

    @transaction.atomic(savepoint=False)
    def lose(self) -> None:
        """Put it back into the queue as its process was lost; or fail it, the third time."""
        losses = 1 + sum(attempt["outcome"] == OUTCOMES[Kind.RUN_LOST] for attempt in self.ended_attempts)
        if losses <= LOSSES_ALLOWED:
            self.requeue(Kind.RUN_LOST, attempt=self.attempts)
        else:
            SyncEvent.objects.record(Kind.RUN_LOST, run=self, attempt=self.attempts)
            self.fail(ProcessLost(times=losses))

    @retry_deadlocks
    def cancel(self, *, by: User | None = None) -> None:
        """End it at once if it waits, at its next page if it is in progress. Raises CannotCancel."""
        now = clock.now()
        with transaction.atomic():
            SyncRun.objects.select_for_update().get(pk=self.pk)  # it neither starts nor comes back in here
            if SyncRun.objects.filter(pk=self.pk, status=self.Status.QUEUED).update(
                status=self.Status.CANCELLED, finished_at=now, cancel_requested_at=now
            ):
                SyncEvent.objects.record(Kind.RUN_CANCELLED, run=self, by=by)
            elif SyncRun.objects.running().filter(pk=self.pk).update(cancel_requested_at=now):
                SyncEvent.objects.record(Kind.RUN_CANCEL_REQUESTED, run=self, by=by)
            else:
                self.refresh_from_db()
                raise CannotCancel(run=self.pk, status=Message(self.status))
        self.refresh_from_db()

    @transaction.atomic(savepoint=False)
    def finish_cancelled(self) -> None:
        """End it in progress, as it was to be cancelled."""
        self.finish(self.Status.CANCELLED)
        SyncEvent.objects.record(Kind.RUN_CANCELLED, run=self)

    def finish(self, status: Status, **values: Any) -> None:
        self.change(status=status, finished_at=clock.now(), stage="", token=None, **values)


class RecordChange(models.Model):
    """What one run did to one record: which fields went from what to what.

    A created one has every field that its first export showed, from null: whoever carries out a record's changes one
    after the other, from an empty row of its model, gets the record. It has none if it is older than that was kept.
    """

    class Kind(models.TextChoices):
        CREATED = "created", _("created")
        UPDATED = "updated", _("updated")
        MISSING = "missing", _("missing")
        REMOVED = "removed", _("removed")
        RESTORED = "restored", _("restored")

    run = models.ForeignKey(SyncRun, models.CASCADE, related_name="changes", verbose_name=_("run"))
    sync_type = models.CharField(_("type"), max_length=30)
    key = models.CharField(_("key"), help_text=_("The record's key in the ERP."))
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    fields = models.JSONField(
        _("fields"),
        default=dict,
        blank=True,
        encoder=DjangoJSONEncoder,
        help_text=_("Each changed field with its old and its new value."),
    )

    class Meta:
        verbose_name = _("change")
        verbose_name_plural = _("changes")
        ordering = ("-pk",)
        indexes = [models.Index(fields=["sync_type", "key"], name="change_of_record")]

    def __str__(self) -> str:
        return f"{get_list_name(self.sync_type)} {self.key}: {self.get_kind_display()}"
