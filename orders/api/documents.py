"""Orders, and the DDT and invoices that follow from them, to read."""

from __future__ import annotations

from django.db import models
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from orders.api.fields import AmountField, NumberField, UnitPriceField
from orders.models import Ddt, Invoice, Order, OrderLine
from sync.api.base import MIRROR_FIELDS, AnswerSerializer, ListViewSet, MirroredSerializer
from sync.api.filters import MirrorFilterSet, TextFilter
from sync.serializers import ModelSerializer, StaffText, build_reader_context


class DocumentFilterSet(MirrorFilterSet):
    account = TextFilter("account_number", help_text="An account number.")


class FollowingFilterSet(DocumentFilterSet):
    order = TextFilter("order_number", help_text="An order number.")


class OrderSerializer(MirroredSerializer):
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


class OrderLineSerializer(ModelSerializer):
    """A line of an order, as the order's own page in the ERP exports it."""

    position = NumberField()
    product = serializers.CharField(
        source="product.erp_id",
        allow_null=True,
        help_text="The product's `erpId`; null if it is not certain which pack of the article was ordered.",
    )
    quantity = NumberField()
    unit_price = UnitPriceField(
        allow_null=True,
        help_text="Before the line's discount. The ERP does not print it: it is derived from amount, quantity and "
        "discount, and may be off by what a cent of the amount makes.",
    )

    class Meta:
        model = OrderLine
        fields = (
            "position",
            "article",
            "product",
            "name",
            "quantity",
            "unit_price",
            "discount_percent",
            "order_discount_percent",
            "amount",
            "is_net_price",
        )


class OrderDetailSerializer(OrderSerializer):
    """An order with its lines, if they are known: they come after the order, and not of every order."""

    lines = OrderLineSerializer(many=True, read_only=True)
    lines_fetched_at = serializers.DateTimeField(
        source="lines_fetch.fetched_at",
        allow_null=True,
        read_only=True,
        help_text="When the lines were asked for; null if they are not known.",
    )
    lines_error = StaffText(
        source="lines_fetch.error_sentence",
        help_text="Why the last attempt to fetch the lines brought none; empty if it brought them, null if there was "
        "none, or to who is no staff.",
    )

    class Meta(OrderSerializer.Meta):
        fields = (*OrderSerializer.Meta.fields, "lines", "lines_fetched_at", "lines_error")  # type: ignore[assignment]


class OrderAnswerSerializer(AnswerSerializer):
    order = OrderDetailSerializer()


class OrderViewSet(ListViewSet):
    """Orders, the newest first, or what a search by number, customer or description finds."""

    queryset = Order.objects.present()
    serializer_class = OrderSerializer
    filterset_class = DocumentFilterSet
    lookup_field = "erp_id"
    lookup_url_kwarg = "order_id"
    lookup_value_converter = "key"

    @extend_schema(operation_id="getOrder", responses=OrderAnswerSerializer)
    def retrieve(self, request: Request, order_id: int) -> Response:
        """An order, with its lines if they are known."""
        lines = models.Prefetch("lines", OrderLine.objects.select_related("product").order_by("position"))
        orders = self.get_queryset().select_related("lines_fetch").prefetch_related(lines)
        order = get_object_or_404(orders, erp_id=order_id)
        context = {**self.get_serializer_context(), **build_reader_context(request.user)}
        return Response(OrderAnswerSerializer({"order": order}, context=context).data)


class DdtSerializer(MirroredSerializer):
    """A delivery note: one shipment of an order."""

    pieces = NumberField(allow_null=True)
    courier = serializers.CharField(source="shipment.courier", help_text="Empty if the ERP's tracking text names none.")
    tracking_number = serializers.CharField(source="shipment.number")
    tracking_url = serializers.CharField(
        source="shipment.url", help_text="The courier's page about the shipment; empty if not known."
    )

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


class DdtViewSet(ListViewSet):
    """DDT, the newest first, or what a search by number, customer or tracking number finds."""

    queryset = Ddt.objects.present()
    serializer_class = DdtSerializer
    filterset_class = FollowingFilterSet


class InvoiceSerializer(MirroredSerializer):
    """An invoice, or a credit note: its amounts are negative. In euro."""

    quantity = NumberField(allow_null=True)
    days_overdue = serializers.IntegerField(
        allow_null=True,
        help_text="Days since the due date, as of today; 0 if nothing is overdue, null if that is not known.",
    )
    overdue_amount = AmountField(
        allow_null=True, help_text="The amount still to be paid after the due date; null if that is not known."
    )

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


class InvoiceViewSet(ListViewSet):
    """Invoices and credit notes, the newest first, or what a search by number or customer finds."""

    queryset = Invoice.objects.present()
    serializer_class = InvoiceSerializer
    filterset_class = FollowingFilterSet
