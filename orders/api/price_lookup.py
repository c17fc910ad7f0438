"""Which price counts today."""

from __future__ import annotations

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from customers.models import Customer
from orders.api.fields import NumberField, QuantityField, UnitPriceField
from orders.api.prices import PriceSerializer
from orders.api.products import ProductSerializer
from orders.models import Product
from orders.pricing import PriceList, find_price_unit
from sync.api.base import AnswerSerializer
from sync.api.filters import KEY_LENGTH, check_parameters
from sync.serializers import Serializer


class LookupQuerySerializer(Serializer):
    product = serializers.CharField(max_length=KEY_LENGTH, help_text="The product's erpId.")
    account = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        max_length=KEY_LENGTH,
        help_text="The customer's account number; if absent, no customer's own prices are used.",
    )
    quantity = QuantityField(
        required=False, help_text="In pieces; if absent, the smallest quantity that can be ordered."
    )


class LookedUpPriceSerializer(Serializer):
    """The price that counts today."""

    unit_price = UnitPriceField()
    price_unit = NumberField(help_text="The number of pieces that the price is for.")
    currency = serializers.CharField()
    vat_rate = NumberField(allow_null=True, help_text="Percent; null if it is not known.")
    quantity = NumberField(help_text="The quantity for which the price was looked up.")
    nearest_quantities = serializers.ListField(
        child=NumberField(),
        help_text=(
            "The next quantities below and above that can be ordered; only the quantity itself if it can be ordered."
        ),
    )
    price = PriceSerializer(help_text="The line of the price list.")
    product = ProductSerializer()


class LookupAnswerSerializer(AnswerSerializer):
    price = LookedUpPriceSerializer()


class LookupView(APIView):
    """The price of a product that is valid today."""

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
    def get(self, request: Request) -> Response:
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
            raise exceptions.NotFound(_("There is no product {id}.").format(id=wanted["product"]))
        account = wanted["account"]
        if account and Customer.objects.find_match(account_number=account) is None:
            text = _("No customer has the account {account}.").format(account=account)
            raise exceptions.ValidationError({"account": [text]})
        quantity = wanted.get("quantity", product.order_quantities.least)
        prices = PriceList([product], account=account)
        price = prices.find_price(product, quantity)
        if price is None:
            raise exceptions.NotFound(prices.describe_missing(product))
        found = {
            "unit_price": price.unit_price,
            "price_unit": find_price_unit(price, product),
            "currency": price.currency,
            "vat_rate": product.vat_rate,
            "quantity": quantity,
            "nearest_quantities": product.order_quantities.find_nearest(quantity),
            "price": price,
            "product": product,
        }
        return Response(LookupAnswerSerializer({"price": found}).data)
