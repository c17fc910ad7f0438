"""What serializers are made of: names in camelCase, durations, and texts that say less to who is no staff."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from rest_framework import serializers

from sync.camel_case import to_camel_case
from sync.translations import hide_private_facts, translate


class CamelCase:
    # Fields are named as in Python, and shown in camelCase. (A docstring would be shown to clients.)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = {}
        for name, field in super().get_fields().items():  # type: ignore[misc]
            shown = to_camel_case(name)
            if shown != name:
                source = field.source or name
                field.source = None if source == shown else source
            fields[shown] = field
        return fields


class Serializer(CamelCase, serializers.Serializer[Any]):
    pass


class ModelSerializer(CamelCase, serializers.ModelSerializer[Any]):
    pass


class Milliseconds(serializers.IntegerField):
    """A duration."""

    def to_representation(self, value: Any) -> int:
        milliseconds: float = value / timedelta(milliseconds=1)
        return round(milliseconds)


# Who reads


def build_reader_context(user: Any) -> dict[str, Any]:
    """The context in which serializers show what this user may read."""
    return {"for_staff": user.is_staff, "reader": user.pk}


class StaffText(serializers.CharField):
    """What staff read, who see it in the admin too. To others it is null."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"allow_null": True, "read_only": True, **options})

    def get_attribute(self, instance: Any) -> Any:
        return super().get_attribute(instance) if self.context.get("for_staff") else None


class MessageText(serializers.CharField):
    """What a sync says, in the reader's language; to agents without the ERP's user and without the server's folders."""

    def to_representation(self, value: Any) -> str:
        return translate(value if self.context.get("for_staff") else hide_private_facts(value))
