"""The status as JSON: for the API, and for `manage.py syncstatus --json`. The fields document it."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from sync.coordinator import turns
from sync.coordinator.turns import WaitsFor
from sync.database import clock
from sync.models import ColumnDrift, SyncRun, SyncWorker
from sync.monitoring.status import State
from sync.serializers import MessageText, Milliseconds, Serializer, StaffText

RUN_EXAMPLE = {
    "runId": 118,
    "type": "customers",
    "mode": "smart",
    "trigger": "order_form",
    "status": "succeeded",
    "priority": 100,
    "requestedAt": "2026-01-20T10:41:59+01:00",
    "notBefore": None,
    "waitsFor": None,
    "waitsUntil": None,
    "startedAt": "2026-01-20T10:42:00+01:00",
    "finishedAt": "2026-01-20T10:42:01+01:00",
    "durationMs": 912,
    "attempts": 1,
    "stage": "",
    "pagesRead": 264,
    "pages": 264,
    "readFrom": "export",
}

READ_FROM = (
    "What the run read of the list: its export, or a look at one page of its grid in the ERP. A look ends an "
    "incremental run if the list shows no change, with counts of 0, and brings a smart run the records of that page. "
    "It never proves that a record is gone."
)


class RunSerializer(Serializer):
    """One execution of a sync."""

    run_id = serializers.IntegerField(source="pk")
    type = serializers.CharField(source="sync_type")
    mode = serializers.ChoiceField(SyncRun.Mode.choices)
    trigger = serializers.ChoiceField(SyncRun.Trigger.choices)
    status = serializers.ChoiceField(SyncRun.Status.choices)
    priority = serializers.IntegerField()
    requested_at = serializers.DateTimeField()
    not_before = serializers.DateTimeField(allow_null=True)
    waits_for = serializers.ChoiceField(
        [(each.value, each.value) for each in WaitsFor],
        allow_null=True,
        help_text="What a queued run waits for: the ERP's login or hours, the next day as the exports of this one are"
        " spent, or its logins, its time, open order forms, or its turn. Null if it is not queued.",
    )
    waits_until = serializers.SerializerMethodField(
        "get_waits_until", help_text="Until when a queued run waits at least, if the clock alone decides that."
    )
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    duration_ms = Milliseconds(source="duration", allow_null=True)
    attempts = serializers.IntegerField(help_text="How many times the run was started.")
    stage = serializers.CharField(help_text="fetching, reading or applying while it runs; else empty.")
    pages_read = serializers.IntegerField()
    pages = serializers.IntegerField(allow_null=True)
    read_from = serializers.ChoiceField(
        SyncRun.Source.choices, help_text=f"{READ_FROM} Of a run that has not succeeded, `export`."
    )

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_waits_until(self, run: SyncRun) -> str | None:
        until = turns.find_end_of_wait(run, run.waits_for, clock.now())
        return serializers.DateTimeField().to_representation(until) if until else None


class ColumnDriftSerializer(Serializer):
    """A column that a list's exports no longer show, show again, or show though it is not known here."""

    column = serializers.CharField(source="title")
    change = serializers.ChoiceField(ColumnDrift.Kind.choices, source="kind")
    since = serializers.DateTimeField(source="at", help_text="The time of the first export with this change.")
    values_as_of = serializers.DateTimeField(
        allow_null=True, help_text="The time of the last export from which the column's values were read."
    )


class TypeHealthSerializer(Serializer):
    """Whether a list can be trusted, and as of when."""

    state = serializers.ChoiceField([(state.value, state.value) for state in State])
    healthy = serializers.BooleanField(source="is_trusted")
    fresh_as_of = serializers.DateTimeField(
        allow_null=True,
        help_text="When the export behind the last success was fetched, or when a look last found the list unchanged.",
    )
    late_at = serializers.DateTimeField(
        allow_null=True,
        help_text="When the list will be too old if no new export is applied, whether or not its schedule is enabled.",
    )
    consecutive_failures = serializers.IntegerField()
    error = MessageText(allow_null=True)
    last_duration_ms = Milliseconds(source="last_duration", allow_null=True)
    usual_duration_ms = Milliseconds(source="usual_duration", allow_null=True)
    running = serializers.IntegerField(source="current.pk", default=None, allow_null=True)
    queued = serializers.ListField(child=serializers.IntegerField(), source="queued_ids")
    next_due = serializers.DateTimeField(allow_null=True)
    enabled = serializers.BooleanField()
    column_changes = ColumnDriftSerializer(
        many=True,
        source="drifts",
        help_text="Columns that appeared or disappeared, until somebody marks the change as seen.",
    )


class LockSerializer(Serializer):
    """The lock that a process must hold to sync."""

    held = serializers.BooleanField(source="is_held")
    holder = StaffText(help_text="Machine, process and acquisition; null for users who are not staff.")
    since = serializers.DateTimeField(source="acquired_at", allow_null=True)
    leased_until = serializers.DateTimeField(allow_null=True)
    token = serializers.IntegerField()


class SessionsSerializer(Serializer):
    """Open order forms, and the pause that they make."""

    live = serializers.IntegerField(source="session_count")
    paused = serializers.BooleanField(source="is_paused")
    paused_until = serializers.DateTimeField(allow_null=True)


class WorkerSerializer(Serializer):
    """The worker that was heard of last, of those that live, if any does."""

    alive = serializers.BooleanField(source="has_worker")
    name = StaffText(
        source="worker.name", default=None, help_text="Machine and process; null for users who are not staff."
    )
    seen_at = serializers.DateTimeField(source="worker.seen_at", default=None, allow_null=True)


class KnownWorkerSerializer(Serializer):
    """One worker."""

    name = StaffText(help_text="Machine and process; null for users who are not staff.")
    state = serializers.ChoiceField([(each.value, each.value) for each in SyncWorker.State])
    started_at = serializers.DateTimeField()
    seen_at = serializers.DateTimeField()
    stopped_at = serializers.DateTimeField(allow_null=True)


class RejectedLoginSerializer(Serializer):
    """A login that the ERP did not accept: no list is synced until it changes, or a person asks for a run."""

    since = serializers.DateTimeField(source="at")
    run_id = serializers.IntegerField(
        allow_null=True, help_text="The run whose login was rejected; null if a check or a dry run found out."
    )
    next_attempt = serializers.IntegerField(
        source="attempt_id",
        allow_null=True,
        help_text="The run that may try the login again, because a person asked for it.",
    )


class ErpUseSerializer(Serializer):
    """How often something was asked of the ERP today, and how often it may be."""

    count = serializers.IntegerField()
    limit = serializers.IntegerField()


class AllowanceSerializer(Serializer):
    """What may be asked of the ERP's web front end, and what was asked today; a day is Italy's."""

    open = serializers.BooleanField(source="is_open", help_text="Whether it is within the ERP's hours (ERP_HOURS).")
    hours = serializers.CharField(help_text="As configured: days and times in Italy, or `always`.")
    closes_at = serializers.DateTimeField(allow_null=True, help_text="When the hours end that it is within, if any.")
    resumes_at = serializers.DateTimeField(
        allow_null=True,
        help_text="Outside the hours, and once the exports of the day are spent: when lists are synced again.",
    )
    logins = ErpUseSerializer()
    exports = ErpUseSerializer()
    looks = serializers.IntegerField(help_text="Pages of lists that were read instead of an export.")


class WrongClockSerializer(Serializer):
    """A machine whose clock is more than a few seconds off."""

    machine = serializers.CharField()
    seconds_ahead = serializers.FloatField(
        help_text="How far the clock is ahead of the database's, in seconds; negative if it is behind."
    )


class VolumeSerializer(Serializer):
    """A file system of this machine that the service writes to."""

    folder = serializers.CharField()
    free_bytes = serializers.IntegerField(source="free")
    low = serializers.BooleanField(source="is_low")
    full = serializers.BooleanField(source="is_full")


class SyncStatusSerializer(Serializer):
    """Everything at one moment, as `manage.py syncstatus --json` prints it."""

    at = serializers.DateTimeField()
    healthy = serializers.BooleanField(source="is_healthy")
    types = serializers.DictField(child=TypeHealthSerializer(), source="by_type")
    lock = LockSerializer()
    sessions = SessionsSerializer(source="*")
    current = RunSerializer(allow_null=True)
    queue = RunSerializer(many=True)
    worker = WorkerSerializer(source="*")
    workers = KnownWorkerSerializer(
        many=True, help_text="Responding workers first, then those not responding, then the stopped ones."
    )
    rejected_login = RejectedLoginSerializer(allow_null=True)
    erp = AllowanceSerializer(
        source="allowance", allow_null=True, help_text="Null if lists come from a folder, or no ERP is configured."
    )
    wrong_clocks = WrongClockSerializer(many=True)
    disks = VolumeSerializer(many=True, source="volumes")
