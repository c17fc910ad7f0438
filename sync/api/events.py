"""Events as they happen: server-sent events."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.db import connections
from django.http import StreamingHttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from sync.api.authentication import is_still_signed_in
from sync.api.base import get_user
from sync.api.errors import TooManyRequests
from sync.api.fields import LARGEST_NUMBER
from sync.models import SyncEvent
from sync.monitoring import live
from sync.monitoring.broadcast import find_start

LAST_EVENT_ID = "Last-Event-ID"
TRY_AGAIN_AFTER = 30  # seconds, for who has too many streams


class JSONErrorNegotiation(DefaultContentNegotiation):
    """An EventSource accepts nothing but a stream, and must be told what is wrong all the same."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, str(renderer.media_type)


class EventsQuerySerializer(serializers.Serializer[Any]):
    """Which events, from where on."""

    type = serializers.MultipleChoiceField(choices=list(settings.SYNC_TYPES))
    kind = serializers.MultipleChoiceField(choices=SyncEvent.Kind.values)
    lastEventId = serializers.IntegerField(min_value=0, max_value=LARGEST_NUMBER, default=None)  # noqa: N815


class EventsView(APIView):
    """GET: a stream that tells each event once, in order, and goes on where the client was cut off."""

    http_method_names = ["get", "options"]  # noqa: RUF012
    content_negotiation_class = JSONErrorNegotiation

    @extend_schema(
        operation_id="syncEvents",
        summary="Events as they happen (server-sent events)",
        description=(
            "A stream without an end, as `text/event-stream`. Each event has its number as `id`, its kind as `event`, "
            "and as `data` an object: `id`, `kind`, `type` (null if it is about no list), `at`, `runId` (null if it "
            "is about no run), `facts`: to staff also which machine and process had held the lock. "
            "A comment is sent when nothing has happened for 15 seconds. A client that "
            "comes back with the last id that it had misses nothing and gets nothing twice; without one it gets what "
            "happens from now on. The stream ends after ten minutes, or when the server stops; browsers come back by "
            "themselves. It ends within 15 seconds when its user signs out."
        ),
        parameters=[
            OpenApiParameter(
                "type", str, many=True, enum=list(settings.SYNC_TYPES), description="Only events of these lists."
            ),
            OpenApiParameter(
                "kind", str, many=True, enum=SyncEvent.Kind.values, description="Only events of these kinds."
            ),
            OpenApiParameter(
                LAST_EVENT_ID, int, OpenApiParameter.HEADER, description="Continue after the event with this id."
            ),
            OpenApiParameter(
                "lastEventId",
                int,
                description="The same as the header Last-Event-ID, for clients that cannot set headers.",
            ),
        ],
        responses={
            (200, "text/event-stream"): OpenApiResponse(str, description="The stream."),
            400: OpenApiResponse(dict, description="A parameter is wrong; the answer names it."),
            429: OpenApiResponse(dict, description="The user has too many streams, or requests."),
        },
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        asked = read_query(request)
        user = get_user(request)
        subscription = live.subscribe(user.pk)
        if subscription is None:
            text = _("You already have {count} pages or programs that listen to events. Close some of them.")
            detail = text.format(count=settings.MAX_STREAMS_PER_USER)
            raise TooManyRequests(detail, TRY_AGAIN_AFTER, "too_many_streams")
        number = find_start(asked["lastEventId"])
        # Hundreds of listeners would keep hundreds of connections, and need none.
        connections.close_all()
        chosen = {"types": asked["type"], "kinds": asked["kind"]}
        events = live.listen(
            number,
            **chosen,
            subscription=subscription,
            for_staff=user.is_staff,
            is_allowed=lambda: is_still_signed_in(request),
        )
        return StreamingHttpResponse(
            events if isinstance(request._request, ASGIRequest) else live.run_in_this_thread(events),
            content_type="text/event-stream",
            # An encoding, though it is none: whatever compresses would hold events back.
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no", "Content-Encoding": "identity"},
        )


def read_query(request: Request) -> dict[str, Any]:
    """What the request asks for. A browser that reconnects sends the header: it is newer than the address."""
    given: dict[str, Any] = {name: request.query_params.getlist(name) for name in ("type", "kind")}
    number = request.headers.get(LAST_EVENT_ID) or request.query_params.get("lastEventId")
    query = EventsQuerySerializer(data=given if number is None else given | {"lastEventId": number})
    query.is_valid(raise_exception=True)
    asked: dict[str, Any] = query.validated_data
    return asked
