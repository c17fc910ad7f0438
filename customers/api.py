"""The customers' part of the API: the list, and what order forms do with it."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import parsers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings

from customers.models import Customer
from customers.order_forms import (
    FormInUseSerializer,
    ResumeAnswerSerializer,
    SmartSyncAnswerSerializer,
    SmartSyncFailureSerializer,
    SmartSyncRequestSerializer,
    make_smart_sync_response,
)
from customers.serializers import CustomerSerializer
from sync.api.base import ListViewSet, get_user
from sync.api.filters import MirrorFilterSet
from sync.api.request_limits import get_arrival_time
from sync.coordinator import sessions
from sync.models import OrderFormSession


class CustomerViewSet(ListViewSet):
    """Customers by name, or what a search by name, city, number, telephone, street or certified e-mail finds."""

    queryset = Customer.objects.present()
    serializer_class = CustomerSerializer
    filterset_class = MirrorFilterSet

    @extend_schema(
        operation_id="smartSync",
        parameters=[
            OpenApiParameter(
                "Prefer",
                str,
                OpenApiParameter.HEADER,
                description="`respond-async`: answer at once with the run, without waiting for its end.",
            )
        ],
        responses={
            200: SmartSyncAnswerSerializer,
            202: SmartSyncAnswerSerializer,
            409: SmartSyncFailureSerializer,
            502: SmartSyncFailureSerializer,
        },
        examples=[
            OpenApiExample("A form that has just been opened", {}, request_only=True),
            OpenApiExample("A customer who is not in the list yet", {"search": "Rossi"}, request_only=True),
        ],
    )
    @action(detail=False, methods=["post"], url_path="smart-sync", serializer_class=SmartSyncRequestSerializer)
    def smart_sync(self, request: Request) -> Response:
        """Open an order form, or say that it is in use, and fetch the customers just changed in the ERP.

        Other lists are not synced until every form is left, or unused for ten minutes. 200 when the customers are
        fresh; 202 with the run to watch when that takes over 15 seconds, when twenty forms wait already, or for
        `Prefer: respond-async`, or at once while the ERP is not asked, as outside its hours; 502 when the ERP gives no
        export that can be trusted. Forms that are opened within 15 seconds share one run.

        With `search`, the ERP is also searched for a customer who is not found here: `result.found` has whom it shows.
        """
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        preferences = request.headers.get("Prefer", "").lower().split(",")
        is_asynchronous = "respond-async" in (each.partition(";")[0].strip() for each in preferences)
        smart = sessions.request_smart_sync(
            "customers",
            user=get_user(request),
            session_id=serializer.validated_data.get("session_id"),
            patience=timedelta(0) if is_asynchronous else sessions.ANSWERED_WITHIN,
            asked_at=get_arrival_time(request._request),
            search=serializer.validated_data.get("search", ""),
        )
        return make_smart_sync_response(smart, for_staff=get_user(request).is_staff)

    @extend_schema(operation_id="resumeSyncs", responses=ResumeAnswerSerializer)
    @action(
        detail=False,
        methods=["post"],
        url_path="resume-syncs",
        serializer_class=FormInUseSerializer,
        # A page that is closed sends a form.
        parser_classes=[*api_settings.DEFAULT_PARSER_CLASSES, parsers.FormParser, parsers.MultiPartParser],
    )
    def resume_syncs(self, request: Request) -> Response:
        """Close an order form: the one that is named, or the caller's oldest. Closing it twice is the same as once.

        For `navigator.sendBeacon`, send a form: with a session login, `csrfmiddlewaretoken` beside `sessionId`.
        """
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        session = sessions.close_own_session(get_user(request), serializer.validated_data.get("session_id"))
        still_open = OrderFormSession.objects.live().count()
        message = (
            _("The other syncs still wait, because another order form is open.")
            if still_open
            else _("The syncs continue.")
        )
        return Response(
            ResumeAnswerSerializer({"message": message, "session": session, "active_sessions": still_open}).data
        )
