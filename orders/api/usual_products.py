"""What a customer has ordered before, to order it again."""

from __future__ import annotations

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from customers.models import Customer
from orders import usual_products
from orders.api.draft_serializers import ProblemSerializer, PurchaseSerializer
from orders.api.fields import NumberField, UnitPriceField
from orders.api.products import ProductSerializer
from orders.usual_products import PriceChange
from sync.api.base import AnswerSerializer
from sync.api.fields import LARGEST_INTEGER
from sync.api.filters import check_parameters
from sync.serializers import Serializer


class UsualProductsQuerySerializer(Serializer):
    draft = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=LARGEST_INTEGER,
        help_text="A draft that is being changed: its own lines are no past order.",
    )


class OfferedLineSerializer(Serializer):
    """A product as it was ordered the last time, and what it would cost today."""

    product = ProductSerializer(allow_null=True, help_text="Null if it is not certain which pack it was.")
    article = serializers.CharField(source="last.article", help_text="The article's code, if there is no product.")
    count = serializers.IntegerField(help_text="In how many of the orders that are known it stands.")
    last = PurchaseSerializer()
    unit_price = UnitPriceField(
        source="today.line.unit_price", allow_null=True, help_text="Today's, for the last quantity; null without one."
    )
    price_unit = NumberField(source="today.line.price_unit", allow_null=True)
    currency = serializers.CharField(source="today.line.draft.currency", allow_null=True)
    price_change = serializers.ChoiceField(
        choices=[each.value for each in PriceChange],
        allow_null=True,
        help_text="What has become of the price since, discounts apart; null if one of the two is not known.",
    )
    problem = ProblemSerializer(
        source="today.problem", allow_null=True, help_text="Why the last quantity cannot be ordered today."
    )


class UsualProductsAnswerSerializer(AnswerSerializer):
    products = OfferedLineSerializer(many=True, help_text="The most usual first, at most 40.")
    last_order = OfferedLineSerializer(many=True, help_text="The lines of the last order; empty if none is known.")


class UsualProductsView(APIView):
    """What a customer usually orders."""

    @extend_schema(
        operation_id="listUsualProducts",
        parameters=[UsualProductsQuerySerializer],
        responses=UsualProductsAnswerSerializer,
    )
    def get(self, request: Request, customer_id: int) -> Response:
        """What a customer usually orders, and the last order: as it was ordered, and what it would cost today.

        The lines of all agents' drafts count, and those of the ERP's orders as far as they are mirrored. Deleted
        drafts, quotes and gifts do not. Products come by how often and how lately they were ordered: an order of half a
        year ago counts half.
        """
        check_parameters(request.query_params, known=UsualProductsQuerySerializer().fields)
        query = UsualProductsQuerySerializer(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        customer = Customer.objects.present().filter(erp_id=customer_id).first()
        if customer is None:
            raise exceptions.NotFound(_("There is no customer {id}.").format(id=customer_id))
        found = usual_products.find_usual_products(customer, except_draft=query.validated_data.get("draft"))
        return Response(UsualProductsAnswerSerializer(found).data)
