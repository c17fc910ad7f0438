"""What syncs are doing, and whether the service does its work."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from sync.api.serializers import ReadinessSerializer, StatusAnswerSerializer
from sync.database import clock
from sync.monitoring import health
from sync.monitoring.fingerprint import compute_status_fingerprint
from sync.monitoring.readiness import check_readiness
from sync.serializers import build_reader_context


class StatusView(APIView):
    @extend_schema(
        operation_id="syncStatus",
        parameters=[
            OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER, description="The ETag of the last answer.")
        ],
        responses={200: StatusAnswerSerializer, 304: None},
    )
    def get(self, request: Request) -> Response:
        """What every list's sync is doing, whether the lists can be trusted, open order forms, and the queue.

        Send the answer's `ETag` back in `If-None-Match`: while nothing has changed, the answer is an empty 304 that
        costs a fraction. What only the deletion of old history changes may be a minute late.
        """
        fingerprint = f"{compute_status_fingerprint()}.{get_language()}"  # errors are in the reader's language
        if is_current(request.headers.get("If-None-Match", ""), fingerprint):
            return add_etag(Response(status=HTTPStatus.NOT_MODIFIED), request.headers["If-None-Match"])
        status = health.get_status()
        serializer = StatusAnswerSerializer({"data": status}, context=build_reader_context(request.user))
        # What the status rests on, and until when the clock alone does not change it.
        etag = f'W/"{fingerprint}-{status.changes_by_itself_at.timestamp():.6f}"'
        return add_etag(Response(serializer.data), etag)


def is_current(etag: str, fingerprint: str) -> bool:
    """Whether a client's last ETag is that of the status as it is now."""
    tag, _dash, until = etag.removeprefix("W/").strip('"').partition("-")
    try:
        return tag == fingerprint and clock.now().timestamp() < float(until)
    except ValueError:  # it is not one of ours
        return False


def add_etag(answer: Response, etag: str) -> Response:
    answer["ETag"] = etag
    answer["Cache-Control"] = "private, no-cache"  # kept, and asked for anew each time
    return answer


# Probes


def healthz(_request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is looked at."""
    return HttpResponse("ok", content_type="text/plain", headers={"Cache-Control": "no-cache"})


class ReadinessView(APIView):
    authentication_classes = ()
    permission_classes = ()

    @extend_schema(operation_id="readiness", auth=[], responses={200: ReadinessSerializer, 503: ReadinessSerializer})
    def get(self, request: Request) -> Response:
        """Whether the service works: yes or no for each part, and nothing else."""
        found = check_readiness()
        ready = all(found.values())
        status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
        return Response(ReadinessSerializer({"ready": ready, **found}).data, status)
