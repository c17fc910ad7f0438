"""The caller's own drafts."""

from __future__ import annotations

from http import HTTPStatus

from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from customers.models import Customer
from orders import drafts
from orders.api.fields import AmountField, NumberField, PercentField, QuantityField, UnitPriceField
from orders.drafts import DraftDeleted, DraftInput, KeyReused, LineInput, NotAccepted, StaleDraft
from orders.models import Draft, Product
from orders.models.drafts import DraftQuerySet
from sync.api.base import AnswerSerializer, StrictSerializer, get_user
from sync.api.errors import Conflict, ErrorAnswerSerializer
from sync.api.fields import LARGEST_INTEGER, StrictCharField, StrictIntegerField, StrictUUIDField
from sync.api.filters import KEY_LENGTH
from sync.coordinator import sessions
from sync.serializers import ModelSerializer, Serializer

MOST_LINES = 500
NOTES_LENGTH = 5000
KEY_HEADER = "Idempotency-Key"
LONGEST_IDEMPOTENCY_KEY = 255


# What is shown


class DraftCustomerSerializer(ModelSerializer):
    name = serializers.CharField(source="shown_name", help_text="Says so if the customer's data was erased.")

    class Meta:
        model = Customer
        fields = ("erp_id", "account_number", "name", "city", "vat_number")


class DraftProductSerializer(ModelSerializer):
    pack_pieces = NumberField(allow_null=True)

    class Meta:
        model = Product
        fields = ("erp_id", "name", "description", "pack", "pack_pieces", "missing_since")


class DraftLineSerializer(Serializer):
    """So many of a product, at the price of the moment at which the draft was saved."""

    product = DraftProductSerializer()
    quantity = NumberField()
    discount_percent = NumberField()
    unit_price = UnitPriceField()
    price_unit = NumberField(help_text="Pieces that the price is for.")
    vat_rate = NumberField(allow_null=True, help_text="Percent; null if it is not known.")
    goods = AmountField(source="amounts.goods", help_text="Without VAT, after the line's discount.")
    net = AmountField(source="amounts.net", help_text="After the order's discount too.")
    vat = AmountField(
        source="amounts.vat", allow_null=True, help_text="Of this line alone; the order's is no sum of these."
    )
    gross = AmountField(source="amounts.gross", allow_null=True, help_text="Net with VAT; null if that is not known.")


class VatTotalSerializer(Serializer):
    rate = NumberField(help_text="Percent.")
    taxable = AmountField()
    amount = AmountField()


class TotalsSerializer(Serializer):
    """What the order comes to: goods less discount is net, and that with VAT, as far as that is known, is gross.

    VAT is rounded once for each rate, on what its lines come to together.
    """

    goods = AmountField()
    discount = AmountField(help_text="By the order's discount.")
    net = AmountField()
    vat_by_rate = VatTotalSerializer(many=True)
    vat = AmountField()
    net_without_vat = AmountField(help_text="The part of net whose VAT is not known: it is in gross without VAT.")
    gross = AmountField()


class DraftSerializer(Serializer):
    """An order saved here, and not yet given to the ERP."""

    id = serializers.IntegerField()
    version = serializers.IntegerField(help_text="To be sent with a change, which is refused if it is not the last.")
    customer = DraftCustomerSerializer()
    lines = DraftLineSerializer(many=True)
    discount_percent = NumberField(help_text="Of the whole order.")
    notes = serializers.CharField()
    currency = serializers.CharField()
    totals = TotalsSerializer()
    created_at = serializers.DateTimeField()
    changed_at = serializers.DateTimeField()


class ProblemSerializer(Serializer):
    """What keeps a line from being ordered."""

    field = serializers.ChoiceField(choices=["product", "quantity"])
    text = serializers.CharField(help_text="What to do, for a person.")


class PreviewLineSerializer(Serializer):
    """A line as it was given, and what it would come to; price and amounts are null if it has a problem."""

    product = DraftProductSerializer(allow_null=True, help_text="Null if there is none.")
    quantity = NumberField(source="wanted.quantity")
    discount_percent = NumberField(source="wanted.discount_percent")
    unit_price = UnitPriceField(source="line.unit_price", allow_null=True)
    price_unit = NumberField(source="line.price_unit", allow_null=True, help_text="Pieces that the price is for.")
    vat_rate = NumberField(source="line.vat_rate", allow_null=True, help_text="Percent; null if it is not known.")
    goods = AmountField(
        source="line.amounts.goods", allow_null=True, help_text="Without VAT, after the line's discount."
    )
    net = AmountField(source="line.amounts.net", allow_null=True, help_text="After the order's discount too.")
    vat = AmountField(source="line.amounts.vat", allow_null=True, help_text="Of this line alone.")
    gross = AmountField(source="line.amounts.gross", allow_null=True, help_text="Net with VAT.")
    nearest_quantities = serializers.ListField(
        child=NumberField(),
        help_text="What may be ordered instead, next below and above; itself alone if it may; empty without a product.",
    )
    problem = ProblemSerializer(allow_null=True)


class PreviewSerializer(Serializer):
    """What a draft would come to at today's prices, as far as it is right."""

    customer = DraftCustomerSerializer(allow_null=True)
    lines = PreviewLineSerializer(many=True, help_text="One for each given line, in their order.")
    currency = serializers.CharField(help_text="Empty if no line has a price.")
    complete = serializers.BooleanField(help_text="Whether it would be saved: it has a customer, lines, no problem.")
    totals = TotalsSerializer(help_text="Of the lines without a problem.")


class PreviewAnswerSerializer(AnswerSerializer):
    draft = PreviewSerializer()


class DraftAnswerSerializer(AnswerSerializer):
    draft = DraftSerializer()


class SavedAnswerSerializer(DraftAnswerSerializer):
    message = serializers.CharField()
    draft_count = serializers.IntegerField(help_text="Of the caller.")


# What is taken


class GivenLineSerializer(StrictSerializer):
    product = StrictCharField(max_length=KEY_LENGTH, help_text="The product's erpId.")
    quantity = QuantityField(help_text="In pieces.")
    discount_percent = PercentField(default=0)


class GivenDraftSerializer(StrictSerializer):
    """A draft as a form holds it. Prices and totals are worked out here, at every save."""

    customer = StrictIntegerField(min_value=1, max_value=LARGEST_INTEGER, help_text="The customer's erpId.")
    lines = serializers.ListField(child=GivenLineSerializer(), min_length=1, max_length=MOST_LINES)
    discount_percent = PercentField(default=0, help_text="Of the whole order.")
    notes = StrictCharField(default="", allow_blank=True, max_length=NOTES_LENGTH)

    def wanted(self) -> DraftInput:
        """Raises ValidationError."""
        self.is_valid(raise_exception=True)
        return DraftInput(
            customer=self.validated_data["customer"],
            lines=[LineInput(**line) for line in self.validated_data["lines"]],
            discount_percent=self.validated_data["discount_percent"],
            notes=self.validated_data["notes"],
        )


class GivenPreviewSerializer(GivenDraftSerializer):
    """A draft as a form holds it while it is being filled in."""

    customer = StrictIntegerField(
        min_value=1,
        max_value=LARGEST_INTEGER,
        default=None,
        allow_null=True,
        help_text="The customer's erpId; without one, no customer's own prices count.",
    )
    lines = serializers.ListField(child=GivenLineSerializer(), max_length=MOST_LINES)


class NewDraftSerializer(GivenDraftSerializer):
    session_id = StrictUUIDField(
        required=False, help_text="The order form that saves it: it stays open for another while."
    )


class ChangedDraftSerializer(NewDraftSerializer):
    version = StrictIntegerField(min_value=1, max_value=LARGEST_INTEGER, help_text="That the change is based on.")


LINES = [{"product": "001627K2", "quantity": "10", "discountPercent": "10"}]
EXAMPLE = OpenApiExample("Ten pieces, a tenth off", {"customer": 80, "lines": LINES, "notes": ""}, request_only=True)
CHANGE_EXAMPLE = OpenApiExample("A change", {"customer": 80, "lines": LINES, "version": 1}, request_only=True)
REPLAYED = OpenApiParameter(
    "Idempotent-Replayed", str, OpenApiParameter.HEADER, response=[201], description="`true`: it was saved before."
)
KEY_PARAMETER = OpenApiParameter(
    KEY_HEADER,
    {"type": "string", "maxLength": LONGEST_IDEMPOTENCY_KEY},
    OpenApiParameter.HEADER,
    description="Any text of the client's own, such as a UUID: a request that is sent again makes no second draft.",
)


class DraftViewSet(ListModelMixin, GenericViewSet[Draft]):
    """The caller's drafts, the last changed first."""

    queryset = Draft.objects.with_lines()
    serializer_class = DraftSerializer
    lookup_url_kwarg = "draft_id"
    lookup_value_converter = "key"

    def get_queryset(self) -> DraftQuerySet:
        return Draft.objects.for_user(get_user(self.request)).with_lines()

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, NotAccepted):
            exc = ValidationError(exc.errors)
        return super().handle_exception(NotFound() if isinstance(exc, DraftDeleted) else exc)

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
        wanted = given.wanted()
        note_activity(given, request)
        try:
            draft, is_new = drafts.create_draft(wanted, user=get_user(request), key=read_idempotency_key(request))
        except KeyReused as error:
            text = _(
                "This Idempotency-Key was already used for another draft, or for one that was deleted since. "
                "Send a new key."
            )
            made = {"draft": DraftSerializer(error.draft).data} if error.draft else {}
            raise Conflict(text, code="idempotency_key_reused", **made) from None
        answer = saved_response(draft, request, status=HTTPStatus.CREATED)
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
        wanted = given.wanted()
        note_activity(given, request)
        try:
            changed = drafts.change_draft(draft, wanted, version=given.validated_data["version"])
        except StaleDraft as error:
            text = _("The draft was changed meanwhile, and is at version {version}. Look at it, then save again.")
            now = DraftSerializer(error.draft).data
            raise Conflict(text.format(version=error.draft.version), code="stale", draft=now) from None
        return saved_response(changed, request)

    @extend_schema(operation_id="deleteDraft", responses={204: None})
    def destroy(self, request: Request, draft_id: int) -> Response:
        """Delete a draft; `restore` brings it back."""
        drafts.delete_draft(self.get_object())
        return Response(status=HTTPStatus.NO_CONTENT)

    @extend_schema(operation_id="restoreDraft", request=None, responses=SavedAnswerSerializer)
    @action(detail=True, methods=["post"])
    def restore(self, request: Request, draft_id: int) -> Response:
        """Bring back a draft that was deleted. One that was not stays as it is."""
        draft = get_object_or_404(Draft, pk=draft_id, user=get_user(request))
        return saved_response(drafts.restore_draft(draft), request, message=_("Draft restored. ({total})"))

    @extend_schema(operation_id="previewDraft", responses=PreviewAnswerSerializer, examples=[EXAMPLE])
    @action(detail=False, methods=["post"], serializer_class=GivenPreviewSerializer)
    def preview(self, request: Request) -> Response:
        """What a draft would come to, with nothing saved; each line that cannot be ordered says why."""
        priced = drafts.price_draft(GivenPreviewSerializer(data=request.data).wanted())
        return Response(PreviewAnswerSerializer({"draft": priced}).data)


def read_idempotency_key(request: Request) -> str:
    key = request.headers.get(KEY_HEADER, "")
    if len(key) > LONGEST_IDEMPOTENCY_KEY or not key.isprintable():
        text = _("At most {count} printable characters.").format(count=LONGEST_IDEMPOTENCY_KEY)
        raise ValidationError({KEY_HEADER: [text]})
    return key


def note_activity(given: NewDraftSerializer, request: Request) -> None:
    """The form that saves is in use. Raises SessionNotFound for another agent's."""
    if session_id := given.validated_data.get("session_id"):
        sessions.keep_live(get_user(request), session_id)


def saved_response(draft: Draft, request: Request, *, status: int = HTTPStatus.OK, message: str = "") -> Response:
    count = Draft.objects.for_user(get_user(request)).count()
    total = ngettext("{count} draft in all", "{count} drafts in all", count).format(count=count)
    message = (message or _("Draft saved! ({total})")).format(total=total)
    return Response(SavedAnswerSerializer({"message": message, "draft": draft, "draft_count": count}).data, status)
