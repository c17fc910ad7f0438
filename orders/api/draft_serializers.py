"""Drafts as the API shows and takes them."""

from __future__ import annotations

import dataclasses
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from customers.models import Customer
from orders import usual_products
from orders.api.fields import AmountField, NumberField, PercentField, QuantityField, UnitPriceField
from orders.drafts import DraftInput, LineInput, PricedLine
from orders.models import Draft, Order, Price, Product
from orders.usual_products import PriceChange, Purchase, Source
from sync.api.base import AnswerSerializer, StrictSerializer
from sync.api.fields import LARGEST_INTEGER, StrictBooleanField, StrictCharField, StrictIntegerField, StrictUUIDField
from sync.api.filters import KEY_LENGTH
from sync.serializers import ModelSerializer, Serializer

MOST_LINES = 500
NOTES_LENGTH = 5000


# What is shown


class DraftCustomerSerializer(ModelSerializer):
    name = serializers.CharField(
        source="shown_name", help_text="If the customer's data was erased, a text that says so."
    )

    class Meta:
        model = Customer
        fields = ("erp_id", "account_number", "name", "city", "vat_number")


class DraftProductSerializer(ModelSerializer):
    pack_pieces = NumberField(allow_null=True)

    class Meta:
        model = Product
        fields = ("erp_id", "name", "description", "pack", "pack_pieces", "missing_since")


class DraftLineSerializer(Serializer):
    """A quantity of a product, at the price that applied when the draft was saved."""

    product = DraftProductSerializer()
    quantity = NumberField()
    discount_percent = NumberField()
    unit_price = UnitPriceField()
    price_unit = NumberField(help_text="The number of pieces that the price is for.")
    vat_rate = NumberField(allow_null=True, help_text="Percent; null if it is not known.")
    is_net_price = serializers.BooleanField(
        allow_null=True, help_text="Whether the ERP called it a net price; null if it did not say."
    )
    price_audience = serializers.ChoiceField(
        choices=Price.Audience.choices, allow_blank=True, help_text="Whom the price was for; empty if not known."
    )
    goods = AmountField(source="amounts.goods", help_text="Without VAT, after the line's discount.")
    net = AmountField(source="amounts.net", help_text="After the order's discount too.")
    vat = AmountField(
        source="amounts.vat",
        allow_null=True,
        help_text="VAT of this line alone; the order's VAT is not the sum of these.",
    )
    gross = AmountField(source="amounts.gross", allow_null=True, help_text="Net with VAT; null if that is not known.")


class VatTotalSerializer(Serializer):
    rate = NumberField(help_text="Percent.")
    taxable = AmountField()
    amount = AmountField()


class TotalsSerializer(Serializer):
    """What the order comes to: goods less discount is net; with shipping and VAT, as far as that is known, it is gross.

    VAT is rounded once for each rate, on what its lines come to together.
    """

    goods = AmountField()
    discount = AmountField(help_text="The amount that the order's discount takes off.")
    discount_percent = NumberField(help_text="What all discounts, of lines and order, take off together, in percent.")
    net = AmountField()
    shipping = AmountField(help_text="Charged for shipping, without VAT; its VAT is part of that of its rate.")
    vat_by_rate = VatTotalSerializer(many=True)
    vat = AmountField()
    net_without_vat = AmountField(help_text="The part of net whose VAT is not known; gross contains it without VAT.")
    gross = AmountField()


class DraftOrderSerializer(ModelSerializer):
    """An order as the ERP shows it."""

    class Meta:
        model = Order
        fields = (
            "erp_id",
            "number",
            "ordered_at",
            "total_amount",
            "sales_status",
            "is_quote",
            "is_gift",
            "missing_since",
            "removed_at",
        )


class DraftSerializer(Serializer):
    """An order saved here, and what became of it in the ERP."""

    id = serializers.IntegerField()
    version = serializers.IntegerField(
        help_text="Send it with a change; the change is refused if this is not the latest version."
    )
    customer = DraftCustomerSerializer()
    lines = DraftLineSerializer(many=True)
    discount_percent = NumberField(help_text="Discount on the whole order, in percent.")
    notes = serializers.CharField()
    delivery_address = serializers.CharField(help_text="Empty: the customer's own.")
    delivery_date = serializers.DateField(allow_null=True, help_text="The date that the customer wants; may be null.")
    customer_reference = serializers.CharField()
    is_gift = serializers.BooleanField()
    is_quote = serializers.BooleanField()
    currency = serializers.CharField()
    totals = TotalsSerializer()
    needs_approval = serializers.BooleanField(
        help_text="Whether all discounts together are above APPROVAL_ABOVE_PERCENT; false if that is not set."
    )
    created_at = serializers.DateTimeField()
    changed_at = serializers.DateTimeField()
    state = serializers.ChoiceField(choices=Draft.State.choices)
    handed_over_at = serializers.DateTimeField(allow_null=True)
    handed_over_how = serializers.ChoiceField(choices=Draft.HandOver.choices, allow_blank=True)
    closed_at = serializers.DateTimeField(allow_null=True)
    found_at = serializers.DateTimeField(allow_null=True)
    is_confirmed = serializers.BooleanField(help_text="Whether a person chose the order.")
    order = DraftOrderSerializer(allow_null=True, help_text="What it is in the ERP; null if it was not found.")
    difference = AmountField(
        allow_null=True,
        help_text=(
            "How much more the order comes to, in euro. That the ERP's amount is the nearest of net, net with "
            "shipping, and gross is assumed. Null without an order, or if the ERP shows no amount."
        ),
    )
    text_for_erp = serializers.CharField(
        help_text=(
            "A line for each of its lines: code, quantity and discount in percent, with tabs between them. That the "
            "ERP takes them like this is assumed."
        )
    )


class ProblemSerializer(Serializer):
    """Why a line cannot be ordered."""

    field = serializers.ChoiceField(choices=["product", "quantity"])
    text = serializers.CharField(help_text="What to do, as a sentence for people.")


class PurchaseSerializer(Serializer):
    """A line of a past draft or order of the customer."""

    document = serializers.ChoiceField(source="source", choices=[each.value for each in Source])
    at = serializers.DateTimeField(help_text="When the draft was last saved, or the order made.")
    quantity = NumberField()
    unit_price = UnitPriceField(allow_null=True, help_text="Before discounts; null if it cannot be told.")
    is_derived = serializers.BooleanField(
        help_text="Whether the price was worked out from an amount, and a cent of that may be missing or too many."
    )
    price_unit = NumberField(help_text="The number of pieces that the price is for.")
    currency = serializers.CharField()
    discount_percent = NumberField()
    order_discount_percent = NumberField(help_text="The discount on that whole order.")


class PreviewLineSerializer(Serializer):
    """A line as it was given, and what it would come to; price and amounts are null if it has a problem."""

    product = DraftProductSerializer(allow_null=True, help_text="Null if there is none.")
    quantity = NumberField(source="wanted.quantity")
    discount_percent = NumberField(source="wanted.discount_percent")
    unit_price = UnitPriceField(source="line.unit_price", allow_null=True)
    price_unit = NumberField(
        source="line.price_unit", allow_null=True, help_text="The number of pieces that the price is for."
    )
    is_net_price = serializers.BooleanField(
        source="price.is_net_price",
        allow_null=True,
        help_text="Whether the ERP calls it a net price; null if it does not say, or without a price.",
    )
    price_audience = serializers.ChoiceField(
        source="price.audience", choices=Price.Audience.choices, allow_null=True, help_text="Whom the price is for."
    )
    vat_rate = NumberField(source="line.vat_rate", allow_null=True, help_text="Percent; null if it is not known.")
    goods = AmountField(
        source="line.amounts.goods", allow_null=True, help_text="Without VAT, after the line's discount."
    )
    net = AmountField(source="line.amounts.net", allow_null=True, help_text="After the order's discount too.")
    vat = AmountField(source="line.amounts.vat", allow_null=True, help_text="VAT of this line alone.")
    gross = AmountField(source="line.amounts.gross", allow_null=True, help_text="Net with VAT.")
    nearest_quantities = serializers.ListField(
        child=NumberField(),
        help_text=(
            "The next quantities below and above that can be ordered; only the quantity itself if it can be ordered; "
            "empty without a product."
        ),
    )
    problem = ProblemSerializer(allow_null=True)
    warning = serializers.CharField(
        allow_null=True,
        help_text="What to look at, as a sentence for people, such as a discount on a net price. It can be ordered.",
    )
    last = serializers.SerializerMethodField(help_text="How the customer ordered it the last time; null if never.")
    price_change = serializers.SerializerMethodField(
        "get_price_change",
        help_text="What has become of the price since, discounts apart; null if one of the two is not known.",
    )

    def find_last(self, line: PricedLine) -> Purchase | None:
        last_purchases: dict[int, Purchase] = self.context["last_purchases"]
        return last_purchases.get(line.product.pk) if line.product else None

    @extend_schema_field(PurchaseSerializer(allow_null=True))
    def get_last(self, line: PricedLine) -> Any:
        last = self.find_last(line)
        return PurchaseSerializer(last).data if last else None

    @extend_schema_field(serializers.ChoiceField(choices=[each.value for each in PriceChange], allow_null=True))
    def get_price_change(self, line: PricedLine) -> str | None:
        return usual_products.compare_price(self.find_last(line), line)


class PreviewSerializer(Serializer):
    """What a draft would come to at today's prices, as far as it is right."""

    customer = DraftCustomerSerializer(allow_null=True)
    lines = PreviewLineSerializer(many=True, help_text="One for each given line, in the same order.")
    currency = serializers.CharField(help_text="Empty if no line has a price.")
    complete = serializers.BooleanField(
        help_text="Whether the draft could be saved: it has a customer, lines and no problem."
    )
    totals = TotalsSerializer(help_text="Totals of the lines without a problem.")
    needs_approval = serializers.BooleanField(
        help_text="Whether all discounts together are above APPROVAL_ABOVE_PERCENT; false if that is not set."
    )


class PreviewAnswerSerializer(AnswerSerializer):
    draft = PreviewSerializer()


class DraftAnswerSerializer(AnswerSerializer):
    draft = DraftSerializer()


class SavedAnswerSerializer(DraftAnswerSerializer):
    message = serializers.CharField()
    draft_count = serializers.IntegerField(help_text="How many drafts of the user are open or handed over.")


class FoundOrderSerializer(Serializer):
    """An order that a draft may be."""

    order = DraftOrderSerializer()
    difference = AmountField(allow_null=True, help_text="How much more it comes to, in euro, as that of a draft.")
    fits = serializers.BooleanField(help_text="Whether time and amount are those of the draft.")
    is_rejected = serializers.BooleanField(help_text="Whether the agent said that it is not this draft.")


class FoundOrdersAnswerSerializer(AnswerSerializer):
    orders = FoundOrderSerializer(many=True)


# What is taken


class GivenLineSerializer(StrictSerializer):
    product = StrictCharField(max_length=KEY_LENGTH, help_text="The product's erpId.")
    quantity = QuantityField(help_text="The quantity in pieces.")
    discount_percent = PercentField(default=0)


class GivenDraftSerializer(StrictSerializer):
    """A draft as a form holds it. Prices and totals are worked out here, at every save."""

    customer = StrictIntegerField(min_value=1, max_value=LARGEST_INTEGER, help_text="The customer's erpId.")
    lines = serializers.ListField(child=GivenLineSerializer(), min_length=1, max_length=MOST_LINES)
    discount_percent = PercentField(default=0, help_text="Discount on the whole order, in percent.")
    notes = StrictCharField(default="", allow_blank=True, max_length=NOTES_LENGTH)
    delivery_address = StrictCharField(
        default="",
        allow_blank=True,
        max_length=Draft._meta.get_field("delivery_address").max_length,
        help_text="Empty: the customer's own.",
    )
    delivery_date = serializers.DateField(
        default=None, allow_null=True, help_text="The date that the customer wants, as 2026-12-31."
    )
    customer_reference = StrictCharField(
        default="", allow_blank=True, max_length=Draft._meta.get_field("customer_reference").max_length
    )
    is_gift = StrictBooleanField(default=False)
    is_quote = StrictBooleanField(default=False)

    def to_input(self) -> DraftInput:
        """Raises ValidationError."""
        self.is_valid(raise_exception=True)
        names = {each.name for each in dataclasses.fields(DraftInput)} - {"lines"}
        return DraftInput(
            lines=[LineInput(**line) for line in self.validated_data["lines"]],
            **{name: self.validated_data[name] for name in names},
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
    draft = StrictIntegerField(
        min_value=1,
        max_value=LARGEST_INTEGER,
        default=None,
        allow_null=True,
        help_text="The draft that is being changed: its own lines are no past order.",
    )
    lines = serializers.ListField(child=GivenLineSerializer(), max_length=MOST_LINES)


class NewDraftSerializer(GivenDraftSerializer):
    session_id = StrictUUIDField(
        required=False, help_text="The order form that saves the draft; saving keeps it open for another ten minutes."
    )


class ChangedDraftSerializer(NewDraftSerializer):
    version = StrictIntegerField(
        min_value=1, max_value=LARGEST_INTEGER, help_text="The version that the change is based on."
    )


class GivenVersionSerializer(StrictSerializer):
    """Which version of a draft something is done with."""

    version = StrictIntegerField(min_value=1, max_value=LARGEST_INTEGER, help_text="The latest version that is known.")


class GivenHandOverSerializer(GivenVersionSerializer):
    how = serializers.ChoiceField(choices=Draft.HandOver.choices)


class GivenOrderSerializer(GivenVersionSerializer):
    order = StrictIntegerField(min_value=1, max_value=LARGEST_INTEGER, help_text="The order's erpId.")
