"""Serializers and fields that take values strictly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, cast
from uuid import UUID

from django.contrib.auth.models import User
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from sync.serializers import Serializer

LARGEST_INTEGER = 2**31 - 1  # as databases keep them, and
LARGEST_NUMBER = 2**63 - 1  # as they keep their keys
NO_UUID = UUID(int=0)
TEXT = "^[^\\u0000]+$"  # PostgreSQL keeps no NUL; where none is needed, drf-spectacular adds the empty text
NO_BLANK_TEXT = "^[^\\u0000]*[^\\u0000\\s][^\\u0000]*$"
MIRROR_FIELDS = ("changed_at", "missing_since")


class Given(Serializer):
    """What a client sends. A name that means nothing is an error: misspelt, it would be taken for not given."""

    besides: ClassVar[frozenset[str]] = frozenset()  # names that mean something to others

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (unknown := set(data) - set(self.fields) - self.besides):
            raise ValidationError({name: [_("There is no such field.")] for name in sorted(map(str, unknown))})
        return super().to_internal_value(data)


class Envelope(Serializer):
    success = serializers.BooleanField(default=True, read_only=True, help_text="true: an error says false.")


# Values as JSON writes them: "5" is no number, and 5 is no text


class StrictInteger(serializers.IntegerField):
    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictBoolean(serializers.BooleanField):
    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class StrictText(serializers.CharField):
    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictUuid(serializers.UUIDField):
    def get_value(self, dictionary: Any) -> Any:
        """An empty field of a form is a wrong value too: taken for none, it would mean another one."""
        return dictionary.get(self.field_name, serializers.empty)

    def to_internal_value(self, data: Any) -> UUID:
        if not isinstance(data, str) or len(data) != len(str(NO_UUID)):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


def user_of(request: Request) -> User:
    """Who is signed in: views without one let nobody in."""
    return cast(User, request.user)
