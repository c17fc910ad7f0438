"""What an order form says, and what it is told of the customers' smart sync."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers
from rest_framework.response import Response

from customers.models import Customer
from customers.serializers import CustomerSerializer
from sync import translations
from sync.api.base import AnswerSerializer, StrictSerializer
from sync.api.errors import make_error_body
from sync.api.fields import StrictCharField, StrictUUIDField
from sync.api.serializers import CountsSerializer, SessionSerializer
from sync.coordinator import turns
from sync.coordinator.sessions import SmartSync
from sync.database import clock
from sync.erp import allowance
from sync.messages import Message
from sync.models import SyncRun
from sync.monitoring.serializers import READ_FROM, RUN_EXAMPLE, RunSerializer
from sync.serializers import Milliseconds, Serializer

Status = SyncRun.Status

SHORTEST_SEARCH, LONGEST_SEARCH = 2, 100  # characters


class FormInUseSerializer(StrictSerializer):
    """The order form that asks: the number that an earlier answer gave it, or one that it made itself."""

    ignored_fields = frozenset({"csrfmiddlewaretoken"})

    session_id = StrictUUIDField(required=False)


class SmartSyncRequestSerializer(FormInUseSerializer):
    """The order form that asks, and whom it looks for."""

    search = StrictCharField(
        min_length=SHORTEST_SEARCH,
        max_length=LONGEST_SEARCH,
        required=False,
        help_text="A text to look for in the ERP's list of customers, if a browser asks the ERP (ERP_CLIENT).",
    )


class SmartSyncResultSerializer(CountsSerializer):
    """What the smart sync brought, and as of when it shows the customers."""

    duration_ms = Milliseconds(source="duration", allow_null=True)
    fresh_as_of = serializers.DateTimeField(source="exported_at", allow_null=True)
    read_from = serializers.ChoiceField(SyncRun.Source.choices, help_text=READ_FROM)
    found = serializers.SerializerMethodField(
        help_text="The customers that the ERP's own search shows first; null if it was not searched."
    )

    @extend_schema_field(CustomerSerializer(many=True, allow_null=True))
    def get_found(self, run: SyncRun) -> Any:
        if run.found is None:
            return None
        customers = Customer.objects.present().in_bulk(run.found, field_name="erp_id")
        return CustomerSerializer([customers[key] for key in run.found if key in customers], many=True).data


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Two new customers",
            {
                "success": True,
                "message": "The customers are up to date: 2 new, 1 changed.",
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
                    "readFrom": "export",
                    "found": None,
                },
            },
        )
    ]
)
class SmartSyncAnswerSerializer(AnswerSerializer):
    message = serializers.CharField()
    session = SessionSerializer()
    run = RunSerializer()
    result = SmartSyncResultSerializer(help_text="Null while the run is in progress.", allow_null=True)


class SmartSyncFailureSerializer(Serializer):
    """The order form stays open, and shows what the mirror has."""

    success = serializers.BooleanField(default=False)
    error = serializers.CharField()
    code = serializers.CharField()
    detail = serializers.DictField()
    session = SessionSerializer()
    run = RunSerializer()


class ResumeAnswerSerializer(AnswerSerializer):
    message = serializers.CharField()
    session = SessionSerializer(allow_null=True, help_text="The order form that was closed; null if none was open.")
    active_sessions = serializers.IntegerField(
        help_text="The number of order forms that are still open, of all agents."
    )


def make_smart_sync_response(smart: SmartSync, *, for_staff: bool) -> Response:
    run = smart.run
    answer: dict[str, Any] = {"session": smart.session, "run": run, "result": None}
    if run.status == Status.SUCCEEDED:
        return Response(SmartSyncAnswerSerializer({**answer, "message": describe_success(run), "result": run}).data)
    if not run.is_finished:
        run.waits_for = turns.find_what_it_waits_for(run)
        answer["message"] = _("Run {run} is fetching the customers.").format(run=run.pk)
        until = turns.find_end_of_wait(run, run.waits_for, clock.now())
        if until:
            answer["message"] = _("The customers are not updated before {at}: the ERP is not asked until then.").format(
                at=allowance.format_resumption(until)
            )
        location = {"Location": reverse("run-detail", args=[run.pk])}
        return Response(SmartSyncAnswerSerializer(answer).data, HTTPStatus.ACCEPTED, headers=location)
    is_cancelled = run.status == Status.CANCELLED
    text = _("The run was cancelled: the customers were not updated.") if is_cancelled else run.error_text
    facts = run.error_facts
    if not for_staff:
        text = translations.hide_private_facts(text)
        shown = text.facts if isinstance(text, Message) else {}
        facts = {name: str(fact) for name, fact in shown.items() if name not in translations.PRIVATE_FACTS}
    error = make_error_body(translations.translate(text), run.error_class or "cancelled", facts)
    failure = SmartSyncFailureSerializer({**answer, **error})
    return Response(failure.data, HTTPStatus.CONFLICT if is_cancelled else HTTPStatus.BAD_GATEWAY)


def describe_success(run: SyncRun) -> str:
    changed = run.updated + run.restored
    created_text = ngettext("{count} new", "{count} new", run.created).format(count=run.created)
    changed_text = ngettext("{count} changed", "{count} changed", changed).format(count=changed)
    is_page = run.read_from == SyncRun.Source.LOOK
    text = (
        _("The newest customers are up to date: {created}, {changed}.")
        if is_page
        else _("The customers are up to date: {created}, {changed}.")
    )
    return text.format(created=created_text, changed=changed_text)
