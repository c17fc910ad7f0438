"""Products, to read."""

from __future__ import annotations

from orders.api.fields import NumberField
from orders.models import Product
from sync.api.base import MIRROR_FIELDS, ListViewSet, MirroredSerializer
from sync.api.filters import MirrorFilterSet, TextFilter
from sync.serializers import Serializer


class OrderQuantitiesSerializer(Serializer):
    """What may be ordered, in pieces: `least`, and on in steps of `step`, up to `most`; all are multiples of `step`."""

    least = NumberField()
    step = NumberField()
    most = NumberField(allow_null=True, help_text="Null if there is no limit.")
    usual = NumberField(help_text="The quantity that a form proposes.")
    ignored_maximum = NumberField(
        allow_null=True, help_text="The ERP's maximum if nothing could be ordered within it; it is then ignored."
    )


class ProductSerializer(MirroredSerializer):
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
    name = TextFilter("name", help_text="An article's exact name; gives all packs of the article.")


class ProductViewSet(ListViewSet):
    """Products by name, or what a search by code, with or without its dots, or by words finds."""

    queryset = Product.objects.present()
    serializer_class = ProductSerializer
    filterset_class = ProductFilterSet
