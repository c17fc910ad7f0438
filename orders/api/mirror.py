"""Products, prices, orders, DDT and invoices, to read."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from customers.models import Customer
from orders.api.fields import AmountField, NumberField, QuantityField, UnitPriceField
from orders.drafts import describe_missing_price
from orders.models import Ddt, Invoice, Order, Price, Product
from orders.pricing import PriceList, find_price_unit
from sync.api.base import MIRROR_FIELDS, AnswerSerializer
from sync.api.filters import KEY_LENGTH, MirrorFilterSet, TextFilter, check_parameters
from sync.serializers import ModelSerializer, Serializer


class OrderQuantitiesSerializer(Serializer):
    """What may be ordered, in pieces: `least`, and on in steps of `step`, up to `most`; all are multiples of `step`."""

    least = NumberField()
    step = NumberField()
    most = NumberField(allow_null=True, help_text="Null if there is no limit.")
    usual = NumberField(help_text="What a form begins with.")
    ignored_maximum = NumberField(
        allow_null=True, help_text="The ERP's maximum, if nothing could be ordered within it: it is no limit then."
    )


class ProductSerializer(ModelSerializer):
    """An article in one of its packs.

    Minimum, multiple, maximum and default quantity are what the ERP says; `orderQuantities` is what follows from them.
    """

    pack_pieces = NumberField(allow_null=True)
    price_unit = NumberField(allow_null=True)
    minimum_quantity = NumberField(allow_null=True)
    multiple_quantity = NumberField(allow_null=True)
    maximum_quantity = NumberField(allow_null=True)
    default_quantity = NumberField(allow_null=True)
    order_quantities = OrderQuantitiesSerializer()
    vat_rate = NumberField(allow_null=True, help_text="Percent; null if the ERP's VAT group is not known.")

    class Meta:
        model = Product
        fields = (
            "erp_id",
            "name",
            "description",
            "pack",
            "pack_pieces",
            "unit",
            "minimum_quantity",
            "multiple_quantity",
            "maximum_quantity",
            "default_quantity",
            "order_quantities",
            "price_unit",
            "vat_group",
            "vat_rate",
            "is_blocked",
            "is_orderable",
            "figure",
            "shank",
            "size",
            "group_description",
            *MIRROR_FIELDS,
        )


class ProductFilterSet(MirrorFilterSet):
    name = TextFilter("name", help_text="An article's name, as it is written: all packs of it.")


class ProductViewSet(ListModelMixin, GenericViewSet[Any]):
    """Products by name, or what a search by code, with or without its dots, or by words finds."""

    queryset = Product.objects.present()
    serializer_class = ProductSerializer
    filterset_class = ProductFilterSet


# Prices


class PriceSerializer(ModelSerializer):
    """What a product costs: for whom, from when to when, from what quantity to what quantity."""

    quantity_from = NumberField(allow_null=True)
    quantity_to = NumberField(allow_null=True)
    price_unit = NumberField(allow_null=True, help_text="Pieces that the price is for; null is one.")
    unit_price = UnitPriceField(allow_null=True)

    class Meta:
        model = Price
        fields = (
            "erp_id",
            "product_erp_id",
            "product_name",
            "account_code",
            "account",
            "account_description",
            "valid_from",
            "valid_to",
            "quantity_from",
            "quantity_to",
            "unit_price",
            "price_unit",
            "currency",
            "is_net_price",
            *MIRROR_FIELDS,
        )


class PriceFilterSet(MirrorFilterSet):
    product = TextFilter("product_erp_id", help_text="The product's erpId.")
    account = TextFilter("account", help_text="An account number.")


class LookupQuerySerializer(Serializer):
    product = serializers.CharField(max_length=KEY_LENGTH, help_text="The product's erpId.")
    account = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        max_length=KEY_LENGTH,
        help_text="Of the customer; absent: no customer's own prices.",
    )
    quantity = QuantityField(required=False, help_text="In pieces; absent: the least that may be ordered.")


class LookedUpPriceSerializer(Serializer):
    """The price that counts today."""

    unit_price = UnitPriceField()
    price_unit = NumberField(help_text="Pieces that the price is for.")
    currency = serializers.CharField()
    vat_rate = NumberField(allow_null=True, help_text="Percent; null if it is not known.")
    quantity = NumberField(help_text="That the price was looked up for.")
    nearest_quantities = serializers.ListField(
        child=NumberField(),
        help_text="What may be ordered instead, next below and above; the quantity alone if it may.",
    )
    price = PriceSerializer(help_text="The line of the price list.")
    product = ProductSerializer()


class LookupAnswerSerializer(AnswerSerializer):
    price = LookedUpPriceSerializer()


class PriceViewSet(ListModelMixin, GenericViewSet[Any]):
    """The price list. `/api/prices/lookup` tells which price counts today."""

    queryset = Price.objects.present()
    serializer_class = PriceSerializer
    filterset_class = PriceFilterSet

    @extend_schema(
        operation_id="lookUpPrice",
        parameters=[LookupQuerySerializer],
        responses=LookupAnswerSerializer,
        examples=[
            OpenApiExample(
                "Five pieces for an account",
                {"product": "001627K2", "account": "1002239", "quantity": "5"},
                request_only=True,
            )
        ],
    )
    @action(detail=False)
    def lookup(self, request: Request) -> Response:
        """The price of a product that is valid today for an account and a quantity. 404 if there is none.

        A customer's own price goes before the price group's, that before everybody's; then the one of the largest
        quantity reached; then the one with the latest start.
        """
        fields = LookupQuerySerializer().fields
        check_parameters(request.query_params, known=fields, may_be_blank=fields)
        query = LookupQuerySerializer(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        wanted = query.validated_data
        product = Product.objects.find_match(erp_id=wanted["product"])
        if product is None:
            raise NotFound(_("There is no product {id}.").format(id=wanted["product"]))
        account = wanted["account"]
        if account and Customer.objects.find_match(account_number=account) is None:
            raise ValidationError({"account": [_("No customer has the account {account}.").format(account=account)]})
        quantity = wanted.get("quantity", product.order_quantities.least)
        prices = PriceList([product], account=account)
        price = prices.price(product, quantity)
        if price is None:
            raise NotFound(describe_missing_price(product, prices))
        found = {
            "unit_price": price.unit_price,
            "price_unit": find_price_unit(price, product),
            "currency": price.currency,
            "vat_rate": product.vat_rate,
            "quantity": quantity,
            "nearest_quantities": product.order_quantities.nearest(quantity),
            "price": price,
            "product": product,
        }
        return Response(LookupAnswerSerializer({"price": found}).data)


# Orders and what follows from them


class DocumentFilterSet(MirrorFilterSet):
    account = TextFilter("account_number", help_text="An account number.")


class FollowingFilterSet(DocumentFilterSet):
    order = TextFilter("order_number", help_text="An order number.")


class OrderSerializer(ModelSerializer):
    """An order as the ERP shows it. It has no number while it is pending."""

    class Meta:
        model = Order
        fields = (
            "erp_id",
            "number",
            "account_number",
            "customer_name",
            "delivery_name",
            "delivery_address",
            "ordered_at",
            "delivery_date",
            "description",
            "customer_reference",
            "sales_status",
            "document_status",
            "transfer_status",
            "order_type",
            "discount_percent",
            "gross_amount",
            "total_amount",
            "is_quote",
            "is_gift",
            *MIRROR_FIELDS,
        )


class OrderViewSet(ListModelMixin, GenericViewSet[Any]):
    """Orders, the newest first, or what a search by number, customer or description finds."""

    queryset = Order.objects.present()
    serializer_class = OrderSerializer
    filterset_class = DocumentFilterSet


class DdtSerializer(ModelSerializer):
    """A delivery note: one shipment of an order."""

    pieces = NumberField(allow_null=True)
    courier = serializers.CharField(help_text="Empty if the ERP's tracking text names none.")
    tracking_number = serializers.CharField()
    tracking_url = serializers.CharField(help_text="The courier's page about the shipment; empty if not known.")

    class Meta:
        model = Ddt
        fields = (
            "erp_id",
            "number",
            "delivery_date",
            "order_number",
            "account_number",
            "customer_name",
            "delivery_name",
            "delivery_address",
            "pieces",
            "customer_reference",
            "description",
            "tracking",
            "courier",
            "tracking_number",
            "tracking_url",
            "delivery_terms",
            "delivery_mode",
            "attention_to",
            *MIRROR_FIELDS,
        )


class DdtViewSet(ListModelMixin, GenericViewSet[Any]):
    """DDT, the newest first, or what a search by number, customer or tracking number finds."""

    queryset = Ddt.objects.present()
    serializer_class = DdtSerializer
    filterset_class = FollowingFilterSet


class InvoiceSerializer(ModelSerializer):
    """An invoice, or a credit note: its amounts are negative. In euro."""

    quantity = NumberField(allow_null=True)
    days_overdue = serializers.IntegerField(
        allow_null=True, help_text="Since the due date, today; 0 if nothing is overdue, null if that is not known."
    )
    overdue_amount = AmountField(allow_null=True, help_text="To be paid after the due date; null if that is not known.")

    class Meta:
        model = Invoice
        fields = (
            "number",
            "invoice_date",
            "order_number",
            "account_number",
            "customer_name",
            "quantity",
            "sales_balance",
            "line_discount",
            "total_discount",
            "tax_amount",
            "total_amount",
            "customer_reference",
            "purchase_order",
            "due_date",
            "payment_terms",
            "days_left",
            "days_overdue",
            "overdue_amount",
            "settled_amount",
            "remaining_amount",
            "last_payment_number",
            "last_settlement_date",
            "closed_date",
            *MIRROR_FIELDS,
        )


class InvoiceViewSet(ListModelMixin, GenericViewSet[Any]):
    """Invoices and credit notes, the newest first, or what a search by number or customer finds."""

    queryset = Invoice.objects.present()
    serializer_class = InvoiceSerializer
    filterset_class = FollowingFilterSet
