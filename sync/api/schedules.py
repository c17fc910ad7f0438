"""When each list is synced automatically."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from sync.api.base import get_user
from sync.api.permissions import StaffPermissionOrReadOnly
from sync.api.serializers import ScheduleAnswerSerializer, ScheduleChangeSerializer, SchedulesAnswerSerializer
from sync.coordinator import schedules
from sync.models import SyncSchedule
from sync.monitoring import health


class ScheduleViewSet(ViewSet):
    permission_classes = (StaffPermissionOrReadOnly,)
    permission_required = "sync.change_syncschedule"
    lookup_field = "sync_type"
    lookup_value_converter = "sync_type"

    @extend_schema(operation_id="syncSchedules", responses=SchedulesAnswerSerializer)
    def list(self, request: Request) -> Response:
        """When each list is synced automatically."""
        return Response(SchedulesAnswerSerializer({"schedules": list_with_next_due(SyncSchedule.objects.all())}).data)

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
        [schedule] = list_with_next_due(SyncSchedule.objects.filter(sync_type=sync_type))
        return Response(ScheduleAnswerSerializer({"schedule": schedule}).data)


def list_with_next_due(rows: models.QuerySet[SyncSchedule]) -> list[SyncSchedule]:
    """Schedules of what is mirrored, the most urgent type first, each with the next moment at which it is due."""
    due: dict[str, datetime | None] = {each.sync_type: each.next_due for each in health.get_status().types}
    found = {row.sync_type: row for row in rows}
    for name, row in found.items():
        row.next_due = due.get(name)  # type: ignore[attr-defined]
    return [found[name] for name in due if name in found]
