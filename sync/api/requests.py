"""Asking for syncs."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from sync.api.base import get_user
from sync.api.permissions import StaffPermissionOrReadOnly
from sync.api.serializers import (
    RunAnswerSerializer,
    RunsAnswerSerializer,
    WantedFullRunSerializer,
    WantedRunSerializer,
)
from sync.coordinator import queue, turns
from sync.database import clock
from sync.erp import allowance
from sync.models import SyncRun
from sync.service import list_types

FORCE = "sync.force_syncrun"


class SyncViewSet(ViewSet):
    """Asking for syncs."""

    permission_classes = (StaffPermissionOrReadOnly,)
    permission_required = "sync.request_syncrun"

    def request_run(self, sync_type: str, **options: Any) -> SyncRun:
        """Raises PermissionDenied for who may not let a run ignore the ERP's hours, and wants it to."""
        if options.get("ignores_hours") and not get_user(self.request).has_perm(FORCE):
            raise PermissionDenied(_("Only staff with the permission “{name}” may do this.").format(name=FORCE))
        return queue.request_sync(sync_type, trigger=SyncRun.Trigger.API, by=get_user(self.request), **options)

    @extend_schema(
        operation_id="requestSync",
        request=WantedRunSerializer,
        responses={202: RunAnswerSerializer},
        examples=[OpenApiExample("In full, before the others", {"mode": "full", "priority": 9}, request_only=True)],
    )
    def create(self, request: Request, sync_type: str) -> Response:
        """Queue a sync of one list, or make the one that is already queued more urgent or complete."""
        serializer = WantedRunSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return make_accepted_response(self.request_run(sync_type, **serializer.validated_data))

    @extend_schema(
        operation_id="requestFullSync", request=WantedFullRunSerializer, responses={202: RunAnswerSerializer}
    )
    def create_full(self, request: Request, sync_type: str) -> Response:
        """Queue a full sync of one list, which also removes records."""
        serializer = WantedFullRunSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return make_accepted_response(self.request_run(sync_type, mode=SyncRun.Mode.FULL, **serializer.validated_data))

    @extend_schema(operation_id="requestFullSyncOfAll", request=None, responses={202: RunsAnswerSerializer})
    def create_full_of_all(self, request: Request) -> Response:
        """Queue a full sync of every list, each at its own priority."""
        runs = [self.request_run(sync_type, mode=SyncRun.Mode.FULL) for sync_type in list_types()]
        for run in runs:
            run.waits_for = turns.find_what_it_waits_for(run)
        message = _("{count} runs wait for their turn.").format(count=len(runs))
        return Response(RunsAnswerSerializer({"message": message, "runs": runs}).data, HTTPStatus.ACCEPTED)


def make_accepted_response(run: SyncRun) -> Response:
    run.waits_for = turns.find_what_it_waits_for(run)
    facts = {"run": run.pk, "type": run.sync_type}
    message = _("Run {run} of {type} waits for its turn.").format(**facts)
    until = turns.find_end_of_wait(run, run.waits_for, clock.now())
    if until and run.waits_for in turns.REASONS:
        reason = _(turns.REASONS[run.waits_for])
        at = allowance.format_resumption(until)
        message = _("Run {run} of {type} waits until {at}: {reason}.").format(**facts, at=at, reason=reason)
    location = {"Location": reverse("run-detail", args=[run.pk])}
    return Response(RunAnswerSerializer({"message": message, "run": run}).data, HTTPStatus.ACCEPTED, headers=location)
