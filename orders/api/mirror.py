"""Products, prices, orders, DDT and invoices, to read."""

from __future__ import annotations

from typing import ClassVar

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from customers.matching import match
from customers.models import Customer
from orders.api.values import Amount, GivenQuantity, Number, UnitPrice
from orders.drafts import no_price_text
from orders.models import Ddt, Invoice, Order, Price, Product
from orders.pricing import PriceList, price_unit
from sync.api.base import Envelope, Query, list_answer
from sync.api.mirror import OF_THE_MIRROR, MirrorQuery, MirrorView
from sync.serializers import ModelSerializer, Serializer

KEY_LENGTH = 2000


class OrderQuantitiesSerializer(Serializer):
    """What may be ordered, in pieces: `least`, and on in steps of `step`, up to `most`; all are multiples of `step`."""

    least = Number()
    step = Number()
    most = Number(allow_null=True, help_text="Null if there is no limit.")
    usual = Number(help_text="What a form begins with.")
    ignored_maximum = Number(
        allow_null=True, help_text="The ERP's maximum, if nothing could be ordered within it: it is no limit then."
    )


class ProductSerializer(ModelSerializer):
    """An article in one of its packs.

    Minimum, multiple, maximum and default quantity are what the ERP says; `orderQuantities` is what follows from them.
    """

    pack_pieces = Number(allow_null=True)
    price_unit = Number(allow_null=True)
    minimum_quantity = Number(allow_null=True)
    multiple_quantity = Number(allow_null=True)
    maximum_quantity = Number(allow_null=True)
    default_quantity = Number(allow_null=True)
    order_quantities = OrderQuantitiesSerializer()
    vat_rate = Number(allow_null=True, help_text="Percent; null if the ERP's VAT group is not known.")

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
            *OF_THE_MIRROR,
        )


class ProductQuery(MirrorQuery):
    name = serializers.CharField(
        required=False, max_length=KEY_LENGTH, help_text="An article's name, as it is written: all packs of it."
    )


class ProductsView(MirrorView):
    model = Product
    record = ProductSerializer
    query = ProductQuery
    lookups: ClassVar = {"name": "name"}

    @extend_schema(
        operation_id="listProducts", parameters=[ProductQuery], responses=list_answer(ProductSerializer, "ProductList")
    )
    def get(self, request: Request) -> Response:
        """Products by name, or what a search by code, with or without its dots, or by words finds."""
        return self.answer(request)


# Prices


class PriceSerializer(ModelSerializer):
    """What a product costs: for whom, from when to when, from what quantity to what quantity."""

    quantity_from = Number(allow_null=True)
    quantity_to = Number(allow_null=True)
    price_unit = Number(allow_null=True, help_text="Pieces that the price is for; null is one.")
    unit_price = UnitPrice(allow_null=True)

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
            *OF_THE_MIRROR,
        )


class PriceQuery(MirrorQuery):
    product = serializers.CharField(required=False, max_length=KEY_LENGTH, help_text="The product's erpId.")
    account = serializers.CharField(required=False, max_length=KEY_LENGTH, help_text="An account number.")


class PricesView(MirrorView):
    model = Price
    record = PriceSerializer
    query = PriceQuery
    lookups: ClassVar = {"account": "account", "product": "product_erp_id"}

    @extend_schema(
        operation_id="listPrices", parameters=[PriceQuery], responses=list_answer(PriceSerializer, "PriceList")
    )
    def get(self, request: Request) -> Response:
        """The price list. `/api/prices/lookup` tells which price counts today."""
        return self.answer(request)


class LookupQuery(Query):
    product = serializers.CharField(max_length=KEY_LENGTH, help_text="The product's erpId.")
    account = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        max_length=KEY_LENGTH,
        help_text="Of the customer; absent: no customer's own prices.",
    )
    quantity = GivenQuantity(required=False, help_text="In pieces; absent: the least that may be ordered.")


class LookedUpPrice(Serializer):
    """The price that counts today."""

    unit_price = UnitPrice()
    price_unit = Number(help_text="Pieces that the price is for.")
    currency = serializers.CharField()
    vat_rate = Number(allow_null=True, help_text="Percent; null if it is not known.")
    quantity = Number(help_text="That the price was looked up for.")
    nearest_quantities = serializers.ListField(
        child=Number(), help_text="What may be ordered instead, next below and above; the quantity alone if it may."
    )
    price = PriceSerializer(help_text="The line of the price list.")
    product = ProductSerializer()


class LookupAnswer(Envelope):
    price = LookedUpPrice()


class PriceLookupView(APIView):
    @extend_schema(
        operation_id="lookUpPrice",
        parameters=[LookupQuery],
        responses=LookupAnswer,
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
        wanted = LookupQuery.of(request)
        product = match(Product, erp_id=wanted["product"])
        if product is None:
            raise NotFound(_("There is no product {id}.").format(id=wanted["product"]))
        account = wanted["account"]
        if account and match(Customer, account_number=account) is None:
            raise ValidationError({"account": [_("No customer has the account {account}.").format(account=account)]})
        quantity = wanted.get("quantity", product.order_quantities.least)
        prices = PriceList([product], account=account)
        price = prices.price(product, quantity)
        if price is None:
            raise NotFound(no_price_text(product, prices))
        found = {
            "unit_price": price.unit_price,
            "price_unit": price_unit(price, product),
            "currency": price.currency,
            "vat_rate": product.vat_rate,
            "quantity": quantity,
            "nearest_quantities": product.order_quantities.nearest(quantity),
            "price": price,
            "product": product,
        }
        return Response(LookupAnswer({"price": found}).data)


# Orders and what follows from them


class DocumentQuery(MirrorQuery):
    account = serializers.CharField(required=False, max_length=KEY_LENGTH, help_text="An account number.")


class FollowingQuery(DocumentQuery):
    order = serializers.CharField(required=False, max_length=KEY_LENGTH, help_text="An order number.")


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
            *OF_THE_MIRROR,
        )


class OrdersView(MirrorView):
    model = Order
    record = OrderSerializer
    query = DocumentQuery
    lookups: ClassVar = {"account": "account_number"}

    @extend_schema(
        operation_id="listOrders", parameters=[DocumentQuery], responses=list_answer(OrderSerializer, "OrderList")
    )
    def get(self, request: Request) -> Response:
        """Orders, the newest first, or what a search by number, customer or description finds."""
        return self.answer(request)


class DdtSerializer(ModelSerializer):
    """A delivery note: one shipment of an order."""

    pieces = Number(allow_null=True)
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
            *OF_THE_MIRROR,
        )


class DdtView(MirrorView):
    model = Ddt
    record = DdtSerializer
    query = FollowingQuery
    lookups: ClassVar = {"account": "account_number", "order": "order_number"}

    @extend_schema(operation_id="listDdt", parameters=[FollowingQuery], responses=list_answer(DdtSerializer, "DdtList"))
    def get(self, request: Request) -> Response:
        """DDT, the newest first, or what a search by number, customer or tracking number finds."""
        return self.answer(request)


class InvoiceSerializer(ModelSerializer):
    """An invoice, or a credit note: its amounts are negative. In euro."""

    quantity = Number(allow_null=True)
    days_overdue = serializers.IntegerField(
        allow_null=True, help_text="Since the due date, today; 0 if nothing is overdue, null if that is not known."
    )
    overdue_amount = Amount(allow_null=True, help_text="To be paid after the due date; null if that is not known.")

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
            *OF_THE_MIRROR,
        )


class InvoicesView(MirrorView):
    model = Invoice
    record = InvoiceSerializer
    query = FollowingQuery
    lookups: ClassVar = {"account": "account_number", "order": "order_number"}

    @extend_schema(
        operation_id="listInvoices",
        parameters=[FollowingQuery],
        responses=list_answer(InvoiceSerializer, "InvoiceList"),
    )
    def get(self, request: Request) -> Response:
        """Invoices and credit notes, the newest first, or what a search by number or customer finds."""
        return self.answer(request)
