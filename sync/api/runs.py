"""Runs, and what may be done with them."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from sync.api.base import ListViewSet, get_user
from sync.api.filters import RunFilterSet
from sync.api.pagination import Pagination
from sync.api.permissions import StaffPermissionOrReadOnly
from sync.api.requests import make_accepted_response
from sync.api.serializers import FinishedRunSerializer, RunAnswerSerializer, WholeRunAnswerSerializer
from sync.coordinator import queue, turns
from sync.database import clock
from sync.models import SyncRun
from sync.serializers import build_reader_context


class RunPagination(Pagination):
    count_limit = 10_000


class RunViewSet(ListViewSet):
    """Runs, the latest first. `count` stops at 10,000."""

    queryset = SyncRun.objects.select_related("requested_by").order_by("-pk")
    serializer_class = FinishedRunSerializer
    filterset_class = RunFilterSet
    pagination_class = RunPagination
    permission_classes = (StaffPermissionOrReadOnly,)
    permission_required = "sync.request_syncrun"
    lookup_url_kwarg = "run_id"
    lookup_value_converter = "key"

    def get_queryset(self) -> Any:
        runs: Any = super().get_queryset()
        return runs.annotate(waits_for=turns.build_waits_for(clock.now()))

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
        """Queue a new run that repeats a finished one."""
        return make_accepted_response(queue.retry(self.get_object(), by=get_user(request)))

    @extend_schema(operation_id="cancelRun", request=None, responses=RunAnswerSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, run_id: int) -> Response:
        """Cancel a run: a queued one ends at once, a running one at its next page."""
        run = self.get_object()
        run.cancel(by=get_user(request))
        run.waits_for = turns.find_what_it_waits_for(run)
        said = _("Run {run} is cancelled.") if run.is_finished else _("Run {run} stops at its next page.")
        return Response(RunAnswerSerializer({"message": said.format(run=run.pk), "run": run}).data)

    @extend_schema(operation_id="acceptRun", request=None, responses={202: RunAnswerSerializer})
    @action(detail=True, methods=["post"], permission_required="sync.accept_syncrun")
    def accept(self, request: Request, run_id: int) -> Response:
        """Apply a quarantined export; the records it lacks are marked as missing."""
        return make_accepted_response(queue.accept(self.get_object(), by=get_user(request)))
