"""The customers' part of the API: the list, and what order forms do with it."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.viewsets import GenericViewSet

from customers.models import Customer
from sync.api.base import MIRROR_FIELDS, AnswerSerializer, StrictSerializer, get_user
from sync.api.errors import make_error_body
from sync.api.fields import StrictUUIDField
from sync.api.filters import MirrorFilterSet
from sync.api.request_limits import get_arrival_time
from sync.api.serializers import CountsSerializer, SessionSerializer
from sync.coordinator import sessions
from sync.coordinator.sessions import SmartSync
from sync.messages import Message
from sync.models import SyncRun
from sync.monitoring.serializers import RUN_EXAMPLE, RunSerializer
from sync.serializers import Milliseconds, ModelSerializer, Serializer
from sync.translations import PRIVATE_FACTS, hide_private_facts, translate

LIST = "customers"
Status = SyncRun.Status


class CustomerSerializer(ModelSerializer):
    """A customer, or a prospect: one without an account number."""

    class Meta:
        model = Customer
        fields = (
            "erp_id",
            "account_number",
            "name",
            "vat_number",
            "tax_code",
            "certified_email",
            "sdi_code",
            "street",
            "postcode",
            "city",
            "phone",
            "mobile",
            "website",
            "attention_to",
            "delivery_mode",
            "customer_type",
            "description",
            "last_order_date",
            "orders_this_year",
            "sales_this_year",
            "orders_last_year",
            "sales_last_year",
            *MIRROR_FIELDS,
        )


# Order forms


class FormInUseSerializer(StrictSerializer):
    """The order form that asks: the number that an earlier answer gave it, or one that it made itself."""

    ignored_fields = frozenset({"csrfmiddlewaretoken"})

    session_id = StrictUUIDField(required=False)


class SmartSyncResultSerializer(CountsSerializer):
    """What the smart sync brought, and as of when the customers are fresh."""

    duration_ms = Milliseconds(source="duration", allow_null=True)
    fresh_as_of = serializers.DateTimeField(source="exported_at", allow_null=True)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Two new customers",
            {
                "success": True,
                "message": "The customers are fresh: 2 new, 1 changed.",
                "session": {"id": "0b1c0c1e-5a3d-4c55-9a43-0c5b6c7c0f55", "expiresAt": "2026-01-20T10:52:00+01:00"},
                "run": RUN_EXAMPLE,
                "result": {
                    "read": 1452,
                    "created": 2,
                    "updated": 1,
                    "unchanged": 1449,
                    "missing": 0,
                    "removed": 0,
                    "restored": 0,
                    "durationMs": 912,
                    "freshAsOf": "2026-01-20T10:42:00+01:00",
                },
            },
        )
    ]
)
class SmartSyncAnswerSerializer(AnswerSerializer):
    message = serializers.CharField()
    session = SessionSerializer()
    run = RunSerializer()
    result = SmartSyncResultSerializer(help_text="Null while the run goes on.", allow_null=True)


class SmartSyncFailureSerializer(Serializer):
    """The order form stays open, and shows what the mirror has."""

    success = serializers.BooleanField(default=False)
    error = serializers.CharField()
    code = serializers.CharField()
    detail = serializers.DictField()
    session = SessionSerializer()
    run = RunSerializer()


def smart_sync_response(smart: SmartSync, *, for_staff: bool) -> Response:
    run = smart.run
    answer: dict[str, Any] = {"session": smart.session, "run": run, "result": None}
    if run.status == Status.SUCCEEDED:
        return Response(SmartSyncAnswerSerializer({**answer, "message": describe_success(run), "result": run}).data)
    if not run.is_finished:
        answer["message"] = _("Run {run} is fetching the customers.").format(run=run.pk)
        location = {"Location": reverse("run-detail", args=[run.pk])}
        return Response(SmartSyncAnswerSerializer(answer).data, HTTPStatus.ACCEPTED, headers=location)
    is_cancelled = run.status == Status.CANCELLED
    text = _("The run was cancelled: the customers were not updated.") if is_cancelled else run.error_text
    facts = run.error_facts
    if not for_staff:
        text = hide_private_facts(text)
        shown = text.facts if isinstance(text, Message) else {}
        facts = {name: str(fact) for name, fact in shown.items() if name not in PRIVATE_FACTS}
    failure = SmartSyncFailureSerializer(
        {**answer, **make_error_body(translate(text), run.error_class or "cancelled", facts)}
    )
    return Response(failure.data, HTTPStatus.CONFLICT if is_cancelled else HTTPStatus.BAD_GATEWAY)


def describe_success(run: SyncRun) -> str:
    changed = run.updated + run.restored
    created_text = ngettext("{count} new", "{count} new", run.created).format(count=run.created)
    changed_text = ngettext("{count} changed", "{count} changed", changed).format(count=changed)
    return _("The customers are up to date: {created}, {changed}.").format(created=created_text, changed=changed_text)


class ResumeAnswerSerializer(AnswerSerializer):
    message = serializers.CharField()
    session = SessionSerializer(allow_null=True, help_text="The one that was closed; null if none was open.")
    active_sessions = serializers.IntegerField(help_text="Order forms that are still open, of all agents.")


class CustomerViewSet(ListModelMixin, GenericViewSet[Any]):
    """Customers by name, or what a search by name, city, VAT number or account number finds."""

    queryset = Customer.objects.present()
    serializer_class = CustomerSerializer
    filterset_class = MirrorFilterSet

    @extend_schema(
        operation_id="smartSync",
        parameters=[
            OpenApiParameter(
                "Prefer", str, OpenApiParameter.HEADER, description="`respond-async`: answer at once, with the run."
            )
        ],
        responses={
            200: SmartSyncAnswerSerializer,
            202: SmartSyncAnswerSerializer,
            409: SmartSyncFailureSerializer,
            502: SmartSyncFailureSerializer,
        },
        examples=[OpenApiExample("A form that has just been opened", {}, request_only=True)],
    )
    @action(detail=False, methods=["post"], url_path="smart-sync", serializer_class=FormInUseSerializer)
    def smart_sync(self, request: Request) -> Response:
        """Open an order form, or say that it is in use, and fetch the customers just changed in the ERP.

        Other lists are not synced until every form is left, or unused for ten minutes. 200 when the customers are
        fresh; 202 with the run to watch when that takes over 15 seconds, when twenty forms wait already, or for
        `Prefer: respond-async`; 502 when the ERP gives no export that can be trusted. Forms that are opened within 15
        seconds share one run.
        """
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        preferences = request.headers.get("Prefer", "").lower().split(",")
        is_asynchronous = "respond-async" in (each.partition(";")[0].strip() for each in preferences)
        smart = sessions.request_smart_sync(
            LIST,
            user=get_user(request),
            session_id=serializer.validated_data.get("session_id"),
            patience=timedelta(0) if is_asynchronous else sessions.ANSWERED_WITHIN,
            asked_at=get_arrival_time(request._request),
        )
        return smart_sync_response(smart, for_staff=get_user(request).is_staff)

    @extend_schema(operation_id="resumeSyncs", responses=ResumeAnswerSerializer)
    @action(
        detail=False,
        methods=["post"],
        url_path="resume-syncs",
        serializer_class=FormInUseSerializer,
        parser_classes=[*api_settings.DEFAULT_PARSER_CLASSES, FormParser, MultiPartParser],  # a page that is closed
    )
    def resume_syncs(self, request: Request) -> Response:
        """Leave an order form: the one that is named, or the caller's oldest. Leaving twice is the same as once.

        For `navigator.sendBeacon`, send a form: with a session login, `csrfmiddlewaretoken` beside `sessionId`.
        """
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        session = sessions.close_own_session(get_user(request), serializer.validated_data.get("session_id"))
        still_open = sessions.count_open()
        message = (
            _("The other syncs still wait, because another order form is open.")
            if still_open
            else _("The syncs continue.")
        )
        return Response(
            ResumeAnswerSerializer({"message": message, "session": session, "active_sessions": still_open}).data
        )
