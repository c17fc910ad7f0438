"""Where a customer's orders went."""

from __future__ import annotations

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from customers.models import Customer
from orders import delivery_addresses
from sync.api.base import AnswerSerializer


class DeliveryAddressesAnswerSerializer(AnswerSerializer):
    delivery_addresses = serializers.ListField(
        child=serializers.CharField(), help_text="Name and address in one line each; the last used first, 20 at most."
    )


class DeliveryAddressesView(APIView):
    """Where a customer's orders went."""

    @extend_schema(operation_id="listDeliveryAddresses", responses=DeliveryAddressesAnswerSerializer)
    def get(self, request: Request, customer_id: int) -> Response:
        """The delivery addresses of the mirrored orders of a customer, by its erpId."""
        customer = get_object_or_404(Customer.objects.present(), erp_id=customer_id)
        found = delivery_addresses.list_delivery_addresses(customer)
        return Response(DeliveryAddressesAnswerSerializer({"delivery_addresses": found}).data)
