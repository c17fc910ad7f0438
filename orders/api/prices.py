"""The price list, to read."""

from __future__ import annotations

from orders.api.fields import NumberField, UnitPriceField
from orders.models import Price
from sync.api.base import MIRROR_FIELDS, ListViewSet, MirroredSerializer
from sync.api.filters import MirrorFilterSet, TextFilter


class PriceSerializer(MirroredSerializer):
    """What a product costs: for whom, from when to when, from what quantity to what quantity."""

    quantity_from = NumberField(allow_null=True)
    quantity_to = NumberField(allow_null=True)
    price_unit = NumberField(allow_null=True, help_text="The number of pieces that the price is for; null means one.")
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


class PriceViewSet(ListViewSet):
    """The price list. `/api/prices/lookup` tells which price counts today."""

    queryset = Price.objects.present()
    serializer_class = PriceSerializer
    filterset_class = PriceFilterSet
