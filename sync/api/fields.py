"""Fields that take values as JSON writes them: "5" is no number, and 5 is no text."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework import serializers

LARGEST_INTEGER = 2**31 - 1  # as databases keep them, and
LARGEST_NUMBER = 2**63 - 1  # as they keep their keys
NO_UUID = UUID(int=0)
TEXT = "^[^\\u0000]+$"  # PostgreSQL keeps no NUL; where none is needed, drf-spectacular adds the empty text
NO_BLANK_TEXT = "^[^\\u0000]*[^\\u0000\\s][^\\u0000]*$"


class StrictIntegerField(serializers.IntegerField):
    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictBooleanField(serializers.BooleanField):
    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class StrictCharField(serializers.CharField):
    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictUUIDField(serializers.UUIDField):
    def get_value(self, dictionary: Any) -> Any:
        """An empty field of a form is a wrong value too: taken for none, it would mean another one."""
        return dictionary.get(self.field_name, serializers.empty)

    def to_internal_value(self, data: Any) -> UUID:
        if not isinstance(data, str) or len(data) != len(str(NO_UUID)):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)
