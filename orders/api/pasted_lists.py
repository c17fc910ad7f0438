"""Which products and quantities a pasted list names."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from orders import pasted_lists
from orders.api.fields import NumberField
from orders.api.products import ProductSerializer
from orders.pasted_lists import Doubt, TooManyLines
from sync.api.base import AnswerSerializer, StrictSerializer
from sync.api.fields import StrictCharField
from sync.serializers import Serializer

LONGEST_TEXT = 50_000  # characters


class GivenListSerializer(StrictSerializer):
    text = StrictCharField(max_length=LONGEST_TEXT, help_text="Lines of codes and quantities, at most 200.")


class PastedLineSerializer(Serializer):
    """A line of the list, and what it names."""

    text = serializers.CharField(help_text="As it was pasted.")
    code = serializers.CharField(help_text="What stands for the product, as it was written.")
    quantity = NumberField(allow_null=True, help_text="In pieces; null if none is named, or it is not clear which.")
    products = ProductSerializer(many=True, help_text="The packs of the article; empty if it is not known which it is.")
    doubts = serializers.ListField(
        child=serializers.ChoiceField(choices=[each.value for each in Doubt]),
        help_text=(
            "`code`: no product has a code that the line names in full; `codes`: it names several articles, or other "
            "ones if its words are read as one code; `packs`: the article comes in several packs; `quantity`: several "
            "numbers may be the quantity, or it counts packs; `no_quantity`: it has none; `too_long`: it has more than "
            "300 characters, and was not read."
        ),
    )


class PastedListAnswerSerializer(AnswerSerializer):
    lines = PastedLineSerializer(many=True)
    skipped = serializers.ListField(
        child=serializers.CharField(), help_text="Lines that name no product and have no digit, such as headers."
    )


class PastedListView(APIView):
    """The products and quantities of a list."""

    @extend_schema(
        operation_id="readPastedList",
        request=GivenListSerializer,
        responses=PastedListAnswerSerializer,
        examples=[OpenApiExample("Two lines", {"text": "9801.314.016 x 5\n10\tH1.314.016"}, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        """Which products and quantities a list names, one line each; nothing is saved.

        Quantity and code come in any order, between tabs, semicolons or blanks. A code counts whatever its dots, blanks
        and leading zeros, and only in full. Numbers are read as the language of the request writes them.
        """
        given = GivenListSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        try:
            found = pasted_lists.read_list(given.validated_data["text"])
        except TooManyLines as error:
            raise exceptions.ValidationError({"text": [str(error)]}) from error
        return Response(PastedListAnswerSerializer(found).data)
