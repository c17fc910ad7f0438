"""The caller's own drafts."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import exceptions
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from orders import drafts, outcome, usual_products
from orders.api.draft_serializers import (
    ChangedDraftSerializer,
    DraftAnswerSerializer,
    DraftSerializer,
    FoundOrdersAnswerSerializer,
    GivenHandOverSerializer,
    GivenOrderSerializer,
    GivenPreviewSerializer,
    GivenVersionSerializer,
    NewDraftSerializer,
    PreviewAnswerSerializer,
    SavedAnswerSerializer,
)
from orders.drafts import DraftDeleted, KeyReused, NotAccepted, SettledDraft, StaleDraft
from orders.models import Draft
from orders.models.drafts import DraftQuerySet
from orders.outcome import OrderTaken, UnknownOrder
from sync.api.base import ListViewSet, get_user
from sync.api.errors import Conflict, ErrorAnswerSerializer
from sync.coordinator import sessions

KEY_HEADER = "Idempotency-Key"
LONGEST_IDEMPOTENCY_KEY = 255

LINES = [{"product": "001627K2", "quantity": "10", "discountPercent": "10"}]
EXAMPLE = OpenApiExample("Ten pieces, a tenth off", {"customer": 80, "lines": LINES, "notes": ""}, request_only=True)
CHANGE_EXAMPLE = OpenApiExample("A change", {"customer": 80, "lines": LINES, "version": 1}, request_only=True)
REPLAYED = OpenApiParameter(
    "Idempotent-Replayed",
    str,
    OpenApiParameter.HEADER,
    response=[201],
    description="`true` if the draft was saved by an earlier request with this key.",
)
KEY_PARAMETER = OpenApiParameter(
    KEY_HEADER,
    {"type": "string", "maxLength": LONGEST_IDEMPOTENCY_KEY},
    OpenApiParameter.HEADER,
    description="A text of the client's own, such as a UUID. A second request with the same key makes no second draft.",
)


class DraftViewSet(ListViewSet):
    """The caller's drafts, the last changed first."""

    queryset = Draft.objects.with_lines()
    serializer_class = DraftSerializer
    lookup_url_kwarg = "draft_id"
    lookup_value_converter = "key"

    def get_queryset(self) -> DraftQuerySet:
        return Draft.objects.for_user(get_user(self.request)).with_lines()

    def handle_exception(self, exc: Exception) -> Response:
        match exc:
            case NotAccepted():
                exc = exceptions.ValidationError(exc.errors)
            case DraftDeleted():
                exc = exceptions.NotFound()
            case StaleDraft(draft=draft):
                text = _("The draft was changed meanwhile, and is at version {version}. Look at it, then save again.")
                now = DraftSerializer(draft).data
                exc = Conflict(text.format(version=draft.version), code="stale", draft=now)
            case SettledDraft(draft=draft):
                exc = Conflict(describe_settled(draft), code="settled", draft=DraftSerializer(draft).data)
            case OrderTaken():
                exc = Conflict(_("Another draft is this order already. Choose another order."), code="order_taken")
            case UnknownOrder():
                exc = exceptions.NotFound(_("This customer has no such order."))
            case KeyReused(draft=draft):
                text = _(
                    "This Idempotency-Key was already used for another draft, or for one that was deleted since. "
                    "Send a new key."
                )
                made = {"draft": DraftSerializer(draft).data} if draft else {}
                exc = Conflict(text, code="idempotency_key_reused", **made)
        return super().handle_exception(exc)

    @extend_schema(
        operation_id="createDraft",
        parameters=[KEY_PARAMETER, REPLAYED],
        request=NewDraftSerializer,
        responses={201: SavedAnswerSerializer, 409: ErrorAnswerSerializer},
        examples=[EXAMPLE],
    )
    def create(self, request: Request) -> Response:
        """Save a draft. 400 names what is wrong with it.

        A key that made another draft is a 409, with that draft as it is in `detail.draft` unless it was deleted.
        """
        given = NewDraftSerializer(data=request.data)
        wanted = given.to_input()
        keep_form_live(given, request)
        draft, is_new = drafts.create_draft(wanted, user=get_user(request), key=read_idempotency_key(request))
        answer = make_saved_response(draft, request, status=HTTPStatus.CREATED)
        answer["Location"] = reverse("draft-detail", args=[draft.pk])
        if not is_new:
            answer["Idempotent-Replayed"] = "true"
        return answer

    @extend_schema(operation_id="getDraft", responses=DraftAnswerSerializer)
    def retrieve(self, request: Request, draft_id: int) -> Response:
        """One of the caller's drafts."""
        return Response(DraftAnswerSerializer({"draft": self.get_object()}).data)

    @extend_schema(
        operation_id="changeDraft",
        request=ChangedDraftSerializer,
        responses={200: SavedAnswerSerializer, 409: ErrorAnswerSerializer},
        examples=[CHANGE_EXAMPLE],
    )
    def update(self, request: Request, draft_id: int) -> Response:
        """Save the whole draft anew, at today's prices.

        If it was changed since `version` the answer is a 409 with `detail.draft` as it is: nothing is lost.
        """
        draft = self.get_object()
        given = ChangedDraftSerializer(data=request.data)
        wanted = given.to_input()
        keep_form_live(given, request)
        changed = drafts.change_draft(draft, wanted, version=given.validated_data["version"])
        return make_saved_response(changed, request)

    @extend_schema(operation_id="deleteDraft", responses={204: None})
    def destroy(self, request: Request, draft_id: int) -> Response:
        """Delete a draft; `restore` brings it back."""
        drafts.delete_draft(self.get_object())
        return Response(status=HTTPStatus.NO_CONTENT)

    @extend_schema(operation_id="restoreDraft", request=None, responses=SavedAnswerSerializer)
    @action(detail=True, methods=["post"])
    def restore(self, request: Request, draft_id: int) -> Response:
        """Restore a deleted draft. A draft that is not deleted stays as it is."""
        draft = get_object_or_404(Draft, pk=draft_id, user=get_user(request))
        return make_saved_response(drafts.restore_draft(draft), request, message=_("Draft restored. ({total})"))

    @extend_schema(operation_id="listOrdersOfDraft", responses=FoundOrdersAnswerSerializer)
    @action(detail=True, methods=["get"], pagination_class=None)
    def orders(self, request: Request, draft_id: int) -> Response:
        """The customer's orders that the draft may be: those that fit first, then the latest."""
        found = outcome.list_orders(self.get_object())
        return Response(FoundOrdersAnswerSerializer({"orders": found}).data)

    @extend_schema(
        operation_id="handOverDraft",
        request=GivenHandOverSerializer,
        responses={200: DraftAnswerSerializer, 409: ErrorAnswerSerializer},
    )
    @action(detail=True, methods=["post"], url_path="hand-over")
    def hand_over(self, request: Request, draft_id: int) -> Response:
        """Note that the draft was printed, copied or entered in the ERP."""
        return self.answer_change(outcome.hand_over, GivenHandOverSerializer(data=request.data))

    @extend_schema(
        operation_id="closeDraft",
        request=GivenVersionSerializer,
        responses={200: DraftAnswerSerializer, 409: ErrorAnswerSerializer},
    )
    @action(detail=True, methods=["post"])
    def close(self, request: Request, draft_id: int) -> Response:
        """Put the draft away without an order; it is not looked for in the ERP any more."""
        return self.answer_change(outcome.close, GivenVersionSerializer(data=request.data))

    @extend_schema(
        operation_id="reopenDraft",
        request=GivenVersionSerializer,
        responses={200: DraftAnswerSerializer, 409: ErrorAnswerSerializer},
    )
    @action(detail=True, methods=["post"])
    def reopen(self, request: Request, draft_id: int) -> Response:
        """Make a closed draft, or one that was handed over, open again."""
        return self.answer_change(outcome.reopen, GivenVersionSerializer(data=request.data))

    @extend_schema(
        operation_id="confirmOrderOfDraft",
        request=GivenOrderSerializer,
        responses={200: DraftAnswerSerializer, 409: ErrorAnswerSerializer},
    )
    @action(detail=True, methods=["post"])
    def confirm(self, request: Request, draft_id: int) -> Response:
        """Say which of the customer's orders the draft is, whether it fits or not."""
        given = GivenOrderSerializer(data=request.data)
        return self.answer_change(outcome.confirm_order, given, user=get_user(request))

    @extend_schema(
        operation_id="rejectOrderOfDraft",
        request=GivenOrderSerializer,
        responses={200: DraftAnswerSerializer, 409: ErrorAnswerSerializer},
    )
    @action(detail=True, methods=["post"])
    def reject(self, request: Request, draft_id: int) -> Response:
        """Say that an order is not this draft. A draft that was found as that order is looked for again."""
        return self.answer_change(outcome.reject_order, GivenOrderSerializer(data=request.data))

    def answer_change(self, change: Callable[..., Draft], given: GivenVersionSerializer, **more: Any) -> Response:
        draft = self.get_object()
        given.is_valid(raise_exception=True)
        return Response(DraftAnswerSerializer({"draft": change(draft, **given.validated_data, **more)}).data)

    @extend_schema(operation_id="previewDraft", responses=PreviewAnswerSerializer, examples=[EXAMPLE])
    @action(detail=False, methods=["post"], serializer_class=GivenPreviewSerializer)
    def preview(self, request: Request) -> Response:
        """What a draft would come to, with nothing saved; each line that cannot be ordered says why.

        Each line says how the customer ordered the product the last time.
        """
        given = GivenPreviewSerializer(data=request.data)
        priced = drafts.price_draft(given.to_input())
        products = {line.product.pk for line in priced.lines if line.product}
        draft = given.validated_data["draft"]
        last = usual_products.find_last_purchases(priced.customer, products, except_draft=draft)
        return Response(PreviewAnswerSerializer({"draft": priced}, context={"last_purchases": last}).data)


def describe_settled(draft: Draft) -> str:
    """Why it is not changed any more, and what to do."""
    if draft.order:
        text = _(
            "The draft is order {order} in the ERP, and cannot be changed. Duplicate it, or say on its page that it is "
            "not this order."
        )
        return text.format(order=draft.order)
    return _("The draft is closed. Reopen it first, or duplicate it.")


def read_idempotency_key(request: Request) -> str:
    key = request.headers.get(KEY_HEADER, "")
    if len(key) > LONGEST_IDEMPOTENCY_KEY or not key.isprintable():
        text = _("At most {count} printable characters.").format(count=LONGEST_IDEMPOTENCY_KEY)
        raise exceptions.ValidationError({KEY_HEADER: [text]})
    return key


def keep_form_live(given: NewDraftSerializer, request: Request) -> None:
    """The form that saves is in use. Raises SessionNotFound for another agent's."""
    if session_id := given.validated_data.get("session_id"):
        sessions.keep_live(get_user(request), session_id)


def make_saved_response(draft: Draft, request: Request, *, status: int = HTTPStatus.OK, message: str = "") -> Response:
    count = Draft.objects.for_user(get_user(request)).in_hand().count()
    total = ngettext("{count} draft in all", "{count} drafts in all", count).format(count=count)
    message = (message or _("Draft saved! ({total})")).format(total=total)
    return Response(SavedAnswerSerializer({"message": message, "draft": draft, "draft_count": count}).data, status)
