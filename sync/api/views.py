"""Asking for syncs, their status, schedules and history."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet, ViewSet

from sync.api.base import get_user
from sync.api.filters import RunFilterSet
from sync.api.pagination import Pagination
from sync.api.permissions import StaffPermissionOrReadOnly
from sync.api.serializers import (
    FinishedRunSerializer,
    ReadinessSerializer,
    RunAnswerSerializer,
    RunsAnswerSerializer,
    ScheduleAnswerSerializer,
    ScheduleChangeSerializer,
    SchedulesAnswerSerializer,
    StatusAnswerSerializer,
    WantedFullRunSerializer,
    WantedRunSerializer,
    WholeRunAnswerSerializer,
)
from sync.coordinator import queue, schedules
from sync.database import clock
from sync.models import SyncRun, SyncSchedule
from sync.monitoring import health
from sync.monitoring.readiness import check_readiness
from sync.serializers import build_reader_context
from sync.service import list_types


def accepted_response(run: SyncRun) -> Response:
    message = _("Run {run} of {type} waits for its turn.").format(run=run.pk, type=run.sync_type)
    location = {"Location": reverse("run-detail", args=[run.pk])}
    return Response(RunAnswerSerializer({"message": message, "run": run}).data, HTTPStatus.ACCEPTED, headers=location)


class SyncViewSet(ViewSet):
    """Asking for syncs."""

    permission_classes = (IsAuthenticated, StaffPermissionOrReadOnly)
    permission_required = "sync.request_syncrun"

    def request_run(self, sync_type: str, **options: Any) -> SyncRun:
        return queue.request_sync(sync_type, trigger=SyncRun.Trigger.API, by=get_user(self.request), **options)

    @extend_schema(
        operation_id="requestSync",
        request=WantedRunSerializer,
        responses={202: RunAnswerSerializer},
        examples=[OpenApiExample("In full, before the others", {"mode": "full", "priority": 9}, request_only=True)],
    )
    def create(self, request: Request, sync_type: str) -> Response:
        """Queue a sync of one list, or strengthen the one that is queued already."""
        serializer = WantedRunSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return accepted_response(self.request_run(sync_type, **serializer.validated_data))

    @extend_schema(
        operation_id="requestFullSync", request=WantedFullRunSerializer, responses={202: RunAnswerSerializer}
    )
    def create_full(self, request: Request, sync_type: str) -> Response:
        """Queue a full sync of one list: removals too."""
        serializer = WantedFullRunSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return accepted_response(self.request_run(sync_type, mode=SyncRun.Mode.FULL, **serializer.validated_data))

    @extend_schema(operation_id="requestFullSyncOfAll", request=None, responses={202: RunsAnswerSerializer})
    def create_full_of_all(self, request: Request) -> Response:
        """Queue a full sync of every list, each at its own priority."""
        runs = [self.request_run(sync_type, mode=SyncRun.Mode.FULL) for sync_type in list_types()]
        message = _("{count} runs wait for their turn.").format(count=len(runs))
        return Response(RunsAnswerSerializer({"message": message, "runs": runs}).data, HTTPStatus.ACCEPTED)


class StatusView(APIView):
    @extend_schema(
        operation_id="syncStatus",
        parameters=[OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER, description="The last ETag.")],
        responses={200: StatusAnswerSerializer, 304: None},
    )
    def get(self, request: Request) -> Response:
        """What every list's sync is doing, whether the lists can be trusted, open order forms, and the queue.

        Send the answer's `ETag` back in `If-None-Match`: while nothing has changed, the answer is an empty 304 that
        costs a fraction. What only the deletion of old history changes may be a minute late.
        """
        fingerprint = f"{health.compute_status_fingerprint()}.{get_language()}"  # errors are in the reader's language
        if is_current(request.headers.get("If-None-Match", ""), fingerprint):
            return with_etag(Response(status=HTTPStatus.NOT_MODIFIED), request.headers["If-None-Match"])
        status = health.get_status()
        serializer = StatusAnswerSerializer({"data": status}, context=build_reader_context(request.user))
        # What the status rests on, and until when the clock alone does not change it.
        etag = f'W/"{fingerprint}-{status.changes_by_itself_at.timestamp():.6f}"'
        return with_etag(Response(serializer.data), etag)


def is_current(etag: str, fingerprint: str) -> bool:
    """Whether a client's last ETag is that of the status as it is now."""
    tag, _dash, until = etag.removeprefix("W/").strip('"').partition("-")
    try:
        return tag == fingerprint and clock.now().timestamp() < float(until)
    except ValueError:  # it is not one of ours
        return False


def with_etag(answer: Response, etag: str) -> Response:
    answer["ETag"] = etag
    answer["Cache-Control"] = "private, no-cache"  # kept, and asked for anew each time
    return answer


# Schedules


def with_next_due(rows: QuerySet[SyncSchedule]) -> list[SyncSchedule]:
    """Schedules of what is mirrored, the most urgent type first, each with the next moment at which it is due."""
    due: dict[str, datetime | None] = {each.sync_type: each.next_due for each in health.get_status().types}
    found = {row.sync_type: row for row in rows}
    for name, row in found.items():
        row.next_due = due.get(name)  # type: ignore[attr-defined]
    return [found[name] for name in due if name in found]


class ScheduleViewSet(ViewSet):
    permission_classes = (IsAuthenticated, StaffPermissionOrReadOnly)
    permission_required = "sync.change_syncschedule"
    lookup_field = "sync_type"
    lookup_value_converter = "sync_type"

    @extend_schema(operation_id="syncSchedules", responses=SchedulesAnswerSerializer)
    def list(self, request: Request) -> Response:
        """When each list is synced by itself."""
        return Response(SchedulesAnswerSerializer({"schedules": with_next_due(SyncSchedule.objects.all())}).data)

    @extend_schema(
        operation_id="changeSyncSchedule",
        request=ScheduleChangeSerializer,
        responses=ScheduleAnswerSerializer,
        examples=[OpenApiExample("Every quarter of an hour", {"intervalMinutes": 15}, request_only=True)],
    )
    def partial_update(self, request: Request, sync_type: str) -> Response:
        """Change when a list is synced, from now on and without a restart."""
        serializer = ScheduleChangeSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        if serializer.validated_data:
            schedules.change_schedule(sync_type, **serializer.validated_data, by=get_user(request))
        [schedule] = with_next_due(SyncSchedule.objects.filter(sync_type=sync_type))
        return Response(ScheduleAnswerSerializer({"schedule": schedule}).data)


# History


class RunPagination(Pagination):
    count_limit = 10_000


class RunViewSet(ListModelMixin, GenericViewSet[SyncRun]):
    """Runs, the latest first. `count` stops at 10,000."""

    queryset = SyncRun.objects.select_related("requested_by").order_by("-pk")
    serializer_class = FinishedRunSerializer
    filterset_class = RunFilterSet
    pagination_class = RunPagination
    permission_classes = (IsAuthenticated, StaffPermissionOrReadOnly)
    permission_required = "sync.request_syncrun"
    lookup_url_kwarg = "run_id"
    lookup_value_converter = "key"

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), **build_reader_context(self.request.user)}

    @extend_schema(operation_id="getRun", responses=WholeRunAnswerSerializer)
    def retrieve(self, request: Request, run_id: int) -> Response:
        """A run with its whole story: control totals, notes, attempts, error."""
        return Response(
            WholeRunAnswerSerializer({"run": self.get_object()}, context=self.get_serializer_context()).data
        )

    @extend_schema(operation_id="retryRun", request=None, responses={202: RunAnswerSerializer})
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, run_id: int) -> Response:
        """Queue a run that does again what a finished one was to do."""
        return accepted_response(queue.retry(self.get_object(), by=get_user(request)))

    @extend_schema(operation_id="cancelRun", request=None, responses=RunAnswerSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, run_id: int) -> Response:
        """End a queued run at once, a running one at its next page."""
        run = self.get_object()
        run.cancel(by=get_user(request))
        said = _("Run {run} is cancelled.") if run.is_finished else _("Run {run} stops at its next page.")
        return Response(RunAnswerSerializer({"message": said.format(run=run.pk), "run": run}).data)

    @extend_schema(operation_id="acceptRun", request=None, responses={202: RunAnswerSerializer})
    @action(detail=True, methods=["post"], permission_required="sync.accept_syncrun")
    def accept(self, request: Request, run_id: int) -> Response:
        """Apply a quarantined export after all: what it lacks is marked as missing."""
        return accepted_response(queue.accept(self.get_object(), by=get_user(request)))


# Probes


def healthz(_request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is looked at."""
    return HttpResponse("ok", content_type="text/plain", headers={"Cache-Control": "no-cache"})


class ReadinessView(APIView):
    authentication_classes = ()
    permission_classes = ()

    @extend_schema(operation_id="readiness", auth=[], responses={200: ReadinessSerializer, 503: ReadinessSerializer})
    def get(self, request: Request) -> Response:
        """Whether the service does its work: yes or no for each part, and nothing else."""
        found = check_readiness()
        ready = all(found.values())
        status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
        return Response(ReadinessSerializer({"ready": ready, **found}).data, status)
