"""Numbers of orders as JSON shows and takes them: texts, so that no cent is lost on the way."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

NUMBER = re.compile(r"\d+(\.\d+)?", re.ASCII)
LARGEST_QUANTITY = 1_000_000


class NumberField(serializers.DecimalField):
    """A number to show: no more decimals than it has."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=None, decimal_places=None, **kwargs)

    def to_representation(self, value: Any) -> Any:
        return f"{Decimal(value).normalize():f}"


class UnitPriceField(NumberField):
    """Two decimals, or as many more as it has."""

    def to_representation(self, value: Any) -> Any:
        places = max(2, -int(Decimal(value).normalize().as_tuple().exponent))
        return f"{Decimal(value):.{places}f}"


class AmountField(serializers.DecimalField):
    """To the cent."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=None, decimal_places=2, **kwargs)


class StrictNumberField(serializers.DecimalField):
    """A number as a client writes it: `5`, `"5"` or `"5.5"`; 5.5 is not exact."""

    def to_internal_value(self, data: Any) -> Decimal:
        if isinstance(data, (bool, float)) or not NUMBER.fullmatch(str(data)):
            self.fail("invalid")
        return super().to_internal_value(data)


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string", "pattern": r"^[0-9]{1,6}(\.[0-9]{1,4})?$"},
            {"type": "integer", "minimum": 0, "maximum": LARGEST_QUANTITY},
        ]
    }
)
class QuantityField(StrictNumberField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            max_digits=11, decimal_places=4, min_value=Decimal(0), max_value=Decimal(LARGEST_QUANTITY), **kwargs
        )


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string", "pattern": r"^(100(\.0{1,2})?|[0-9]{1,2}(\.[0-9]{1,2})?)$"},
            {"type": "integer", "minimum": 0, "maximum": 100},
        ]
    }
)
class PercentField(StrictNumberField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=5, decimal_places=2, min_value=Decimal(0), max_value=Decimal(100), **kwargs)
