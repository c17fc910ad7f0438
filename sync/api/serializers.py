"""What the API says of runs, types, schedules and order-form sessions, and what it takes. The fields document it."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from sync.api.base import AnswerSerializer, StrictSerializer
from sync.api.fields import StrictBooleanField, StrictIntegerField
from sync.coordinator.queue import SMART_PRIORITY
from sync.models import OrderFormSession, SyncRun
from sync.monitoring.serializers import (
    AllowanceSerializer,
    KnownWorkerSerializer,
    LockSerializer,
    RejectedLoginSerializer,
    RunSerializer,
    TypeHealthSerializer,
    WorkerSerializer,
)
from sync.monitoring.status import Activity
from sync.serializers import MessageText, ModelSerializer, Serializer, StaffText

Mode = SyncRun.Mode
Status = SyncRun.Status

ORDINARY_MODES = [Mode.AUTO, Mode.FULL, Mode.INCREMENTAL]


# Runs


class RunErrorSerializer(Serializer):
    code = serializers.CharField(
        source="error_class", help_text="The kind of error, as a fixed word for programs: ErpUnavailable, ..."
    )
    text = MessageText(source="error_text", help_text="What happened, where, and what to do.")


class CountsSerializer(Serializer):
    """How many records the export had, and what became of them."""

    read = serializers.IntegerField()
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    missing = serializers.IntegerField(help_text="Absent from this full export for the first time.")
    removed = serializers.IntegerField(help_text="Absent from two full exports in a row.")
    restored = serializers.IntegerField(help_text="Shown again by the ERP.")


class RequesterField(StaffText):
    """The name of who asked for a run, which everybody reads of his own ones."""

    def get_attribute(self, run: SyncRun) -> str | None:
        is_own = run.requested_by_id is not None and run.requested_by_id == self.context.get("reader")
        return run.requested_by.username if run.requested_by and is_own else super().get_attribute(run)


class FinishedRunSerializer(RunSerializer):
    """A run with what came of it."""

    requested_by = RequesterField(
        source="requested_by.username",
        default=None,
        help_text="The user who asked for the run. For users who are not staff, null unless it is their own.",
    )
    exported_at = serializers.DateTimeField(
        allow_null=True, help_text="The moment whose data the export, or the look, shows."
    )
    counts = CountsSerializer(source="*")
    left = serializers.IntegerField(help_text="Records that differ and wait for the full run that was queued.")
    error = RunErrorSerializer(source="failure", allow_null=True)
    accepts = serializers.IntegerField(source="accepts_id", allow_null=True)
    retries = serializers.IntegerField(source="retries_id", allow_null=True)
    merged_into = serializers.IntegerField(source="merged_into_id", allow_null=True)


class ControlTotalSerializer(Serializer):
    """What the ERP states under a column, and what the records add up to."""

    column = serializers.CharField()
    function = serializers.CharField()
    stated = serializers.CharField()
    found = serializers.CharField()
    difference_allowed = serializers.CharField(source="differenceAllowed")


class CoverageSerializer(Serializer):
    """How many different records one list names of another, and how many are there, with this export in its place."""

    source = serializers.CharField(help_text="The list that refers.")  # type: ignore[assignment]  # no attribute either
    target = serializers.CharField(help_text="The list that it refers to.")
    named = serializers.IntegerField()
    found = serializers.IntegerField()
    named_before = serializers.IntegerField(
        source="namedBefore",
        allow_null=True,
        help_text="How many were named in the mirror before this run; null if that could not be compared.",
    )
    found_before = serializers.IntegerField(source="foundBefore", allow_null=True)
    allowed = serializers.IntegerField(
        help_text="How many of the named records may be missing without a person's consent."
    )


class EndedAttemptSerializer(Serializer):
    """Why a run came back to the queue."""

    outcome = serializers.CharField()
    started_at = serializers.DateTimeField(source="startedAt", allow_null=True)
    ended_at = serializers.DateTimeField(source="endedAt")
    error = serializers.CharField()
    text = MessageText()


class WholeRunSerializer(FinishedRunSerializer):
    """A run with its whole story."""

    waits_for_a_decision = serializers.BooleanField(help_text="Quarantined, and its export not accepted yet.")
    control_totals = ControlTotalSerializer(many=True)
    coverage = CoverageSerializer(many=True)
    notes = serializers.ListField(child=MessageText())
    ended_attempts = EndedAttemptSerializer(many=True)


class WantedRunSerializer(StrictSerializer):
    """How a list is to be synced."""

    mode = serializers.ChoiceField(ORDINARY_MODES, default=Mode.AUTO)
    priority = StrictIntegerField(
        min_value=1,
        max_value=SMART_PRIORITY - 1,
        required=False,
        help_text="Higher runs earlier; if absent, the list's own priority.",
    )
    ignore_hours = StrictBooleanField(
        source="ignores_hours",
        default=False,
        help_text="Run outside the ERP's hours, and though the exports of the day are spent: with the permission "
        "`sync.force_syncrun`.",
    )


class WantedFullRunSerializer(StrictSerializer):
    """How urgent a full sync is."""

    priority = WantedRunSerializer().fields["priority"]
    ignore_hours = WantedRunSerializer().fields["ignoreHours"]


class RunAnswerSerializer(AnswerSerializer):
    message = serializers.CharField()
    run = RunSerializer()


class RunsAnswerSerializer(AnswerSerializer):
    message = serializers.CharField()
    runs = RunSerializer(many=True)


class WholeRunAnswerSerializer(AnswerSerializer):
    run = WholeRunSerializer()


# Status and health


class ProgressSerializer(Serializer):
    """How far a run is."""

    stage = serializers.CharField()
    pages_read = serializers.IntegerField()
    pages = serializers.IntegerField(allow_null=True)


class TypeStatusSerializer(Serializer):
    """What a list's sync is doing, or did last."""

    type = serializers.CharField(source="sync_type")
    status = serializers.ChoiceField([(each.value, each.value) for each in Activity], source="activity")
    run_id = serializers.IntegerField(source="activity_run.pk", default=None, allow_null=True)
    mode = serializers.CharField(source="activity_run.mode", default=None, allow_null=True)
    started_at = serializers.DateTimeField(source="activity_run.started_at", default=None, allow_null=True)
    completed_at = serializers.DateTimeField(source="activity_run.finished_at", default=None, allow_null=True)
    error = MessageText(allow_null=True, help_text="The error of the last finished run; null after a success.")
    progress = ProgressSerializer(source="current", allow_null=True)


class HealthSerializer(Serializer):
    all_healthy = serializers.BooleanField(
        source="is_healthy", help_text="Every list, the worker, the ERP's login, and room on the disks."
    )
    services = serializers.DictField(child=TypeHealthSerializer(), source="by_type")


class SmartSyncStatusSerializer(Serializer):
    """Open order forms, and the pause that they make."""

    active_sessions = serializers.IntegerField(source="session_count")
    syncs_paused = serializers.BooleanField(source="is_paused")
    safety_timeout_active = serializers.BooleanField(
        source="is_paused",
        help_text="True during a pause, which ends automatically at pausedUntil if nobody uses the forms.",
    )
    paused_until = serializers.DateTimeField(allow_null=True)


class StatusDataSerializer(Serializer):
    statuses = TypeStatusSerializer(many=True, source="types")
    health = HealthSerializer(source="*")
    smart_sync = SmartSyncStatusSerializer(source="*")
    current = RunSerializer(allow_null=True)
    queue = RunSerializer(
        many=True, help_text="Queued runs, the most urgent first; those that may not start yet at the end."
    )
    worker = WorkerSerializer(source="*")
    workers = KnownWorkerSerializer(
        many=True, help_text="Responding workers first, then those not responding, then the stopped ones."
    )
    lock = LockSerializer()
    rejected_login = RejectedLoginSerializer(allow_null=True)
    erp = AllowanceSerializer(
        source="allowance", allow_null=True, help_text="Null if lists come from a folder, or no ERP is configured."
    )


class StatusAnswerSerializer(AnswerSerializer):
    data = StatusDataSerializer()  # type: ignore[assignment]  # no attribute: the serializer's class takes it away


class ReadinessSerializer(Serializer):
    """Whether the service works."""

    ready = serializers.BooleanField()
    database = serializers.BooleanField(help_text="The database answers, its tables exist, and it can be written to.")
    disk = serializers.BooleanField(help_text="No folder that this machine writes to is full.")
    worker = serializers.BooleanField(help_text="A worker has responded in the last minutes.")
    lock = serializers.BooleanField(help_text="The lock is free, or the process that holds it is responding.")
    freshness = serializers.BooleanField(help_text="Every list can be trusted.")


# Schedules


class ScheduleSerializer(Serializer):
    """When a list is synced automatically."""

    type = serializers.CharField(source="sync_type")
    interval_minutes = serializers.IntegerField(source="every")
    start_delay_minutes = serializers.IntegerField(
        source="first_at",
        help_text="Minutes after the start time that all schedules share, so that they do not run at the same time.",
    )
    enabled = serializers.BooleanField()
    next_due = serializers.DateTimeField(
        allow_null=True, help_text="Null while the schedule is disabled, and while the ERP does not accept the login."
    )


class ScheduleChangeSerializer(StrictSerializer):
    """What is to be changed; the rest stays."""

    interval_minutes = StrictIntegerField(source="every", min_value=5, max_value=180, required=False)
    start_delay_minutes = StrictIntegerField(source="first_at", min_value=0, max_value=1440, required=False)
    enabled = StrictBooleanField(required=False)


class ScheduleAnswerSerializer(AnswerSerializer):
    schedule = ScheduleSerializer()


@extend_schema_serializer(many=False)
class SchedulesAnswerSerializer(AnswerSerializer):
    schedules = ScheduleSerializer(many=True)


# Order-form sessions


class SessionSerializer(ModelSerializer):
    """One open order form."""

    class Meta:
        model = OrderFormSession
        fields = ("id", "expires_at", "closed_at")
