"""What is known of one customer, to read."""

from __future__ import annotations

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from customers.models import Customer
from customers.serializers import CustomerSerializer
from orders import customer_overview
from orders.api.documents import DdtSerializer, InvoiceSerializer, OrderSerializer
from orders.api.fields import AmountField
from sync.api.base import AnswerSerializer, get_user
from sync.api.filters import check_parameters
from sync.serializers import Serializer


class FreshTimesSerializer(Serializer):
    """As of when the lists are that it rests on; null for one that was never mirrored."""

    customers = serializers.DateTimeField(allow_null=True)
    orders = serializers.DateTimeField(allow_null=True)
    ddt = serializers.DateTimeField(allow_null=True)
    invoices = serializers.DateTimeField(allow_null=True)


class YearSalesSerializer(Serializer):
    """What the ERP's list of customers counts for a year; null for what it does not show."""

    year = serializers.IntegerField()
    orders = serializers.IntegerField(allow_null=True)
    sales = AmountField(allow_null=True, help_text="In euro.")


class MonthOrdersSerializer(Serializer):
    month = serializers.DateField(help_text="Its first day.")
    amount = AmountField(
        allow_null=True,
        help_text="What the month's orders come to in euro, without quotes and gifts; null if it is not known.",
    )


class OverdueSerializer(Serializer):
    count = serializers.IntegerField()
    amount = AmountField(help_text="What is still to be paid of them, in euro.")


class CustomerDraftSerializer(Serializer):
    """A draft that the caller has in hand for the customer: open, or handed over and not found in the ERP yet."""

    id = serializers.IntegerField()
    net = AmountField(source="totals.net")
    currency = serializers.CharField()
    changed_at = serializers.DateTimeField()


class CustomerOverviewSerializer(Serializer):
    """A customer with its latest documents; `/api/orders?account=` and the like have all of them."""

    customer = CustomerSerializer()
    removed_at = serializers.DateTimeField(
        source="customer.removed_at",
        allow_null=True,
        help_text="When it was removed from the mirror, as the ERP no longer showed it; null if it is there.",
    )
    fresh_as_of = FreshTimesSerializer()
    years = YearSalesSerializer(many=True, help_text="This year and the two before it, by the date of the export.")
    months = MonthOrdersSerializer(many=True, help_text="The last 24, the earliest first.")
    last_order_date = serializers.DateField(allow_null=True)
    days_since_last_order = serializers.IntegerField(allow_null=True)
    usual_days_between_orders = serializers.IntegerField(
        allow_null=True, help_text="The median of the days from one order to the next; null if there are too few."
    )
    open_amount = AmountField(
        allow_null=True,
        help_text="What is still to be paid, due or not, in euro, without open credit; null if it is not known.",
    )
    open_credit = AmountField(
        allow_null=True, help_text="What remains of credit notes, in euro, less than 0; null if it is not known."
    )
    overdue = OverdueSerializer(
        allow_null=True,
        help_text="The invoices to be paid whose due date is past, by today's date; null if it is not known.",
    )
    unclear_invoices = serializers.IntegerField(
        help_text="Invoices of which it is not known what remains to be paid, or by when."
    )
    order_count = serializers.IntegerField()
    ddt_count = serializers.IntegerField()
    invoice_count = serializers.IntegerField()
    orders = OrderSerializer(many=True, source="latest_orders")
    ddt = DdtSerializer(many=True, source="latest_ddts")
    invoices = InvoiceSerializer(many=True, source="latest_invoices")
    drafts = CustomerDraftSerializer(many=True)


class CustomerOverviewAnswerSerializer(AnswerSerializer):
    overview = CustomerOverviewSerializer()


class CustomerOverviewView(APIView):
    """What is known of a customer."""

    @extend_schema(operation_id="getCustomerOverview", responses=CustomerOverviewAnswerSerializer)
    def get(self, request: Request, customer_id: int) -> Response:
        """What is known of a customer, by its `erpId`: the latest 20 of its orders, DDT and invoices, what is open and
        overdue, its sales, how often it orders, and the caller's drafts for it.

        Also of one that was removed, as its documents are still there; 404 for one that was never mirrored.
        """
        check_parameters(request.query_params, known=())
        customer = get_object_or_404(Customer, erp_id=customer_id)
        overview = customer_overview.get_overview(customer, user=get_user(request))
        return Response(CustomerOverviewAnswerSerializer({"overview": overview}).data)
