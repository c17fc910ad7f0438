"""Orders, and the DDT and invoices that follow from them, to read."""

from __future__ import annotations

from rest_framework import serializers

from orders.api.fields import AmountField, NumberField
from orders.models import Ddt, Invoice, Order
from sync.api.base import MIRROR_FIELDS, ListViewSet
from sync.api.filters import MirrorFilterSet, TextFilter
from sync.serializers import ModelSerializer


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


class OrderViewSet(ListViewSet):
    """Orders, the newest first, or what a search by number, customer or description finds."""

    queryset = Order.objects.present()
    serializer_class = OrderSerializer
    filterset_class = DocumentFilterSet


class DdtSerializer(ModelSerializer):
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


class InvoiceSerializer(ModelSerializer):
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
