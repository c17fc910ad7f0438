"""What the API's serializers and views have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, cast

from django.contrib.auth.models import User
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.viewsets import GenericViewSet

from sync.serializers import ModelSerializer, Serializer

MIRROR_FIELDS = ("changed_at", "missing_since", "is_similar")


class StrictSerializer(Serializer):
    """What a client sends. An unknown field is an error, so that a misspelt one is not silently ignored."""

    ignored_fields: ClassVar[frozenset[str]] = frozenset()  # names that mean something to others

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (unknown := set(data) - set(self.fields) - self.ignored_fields):
            raise ValidationError(
                {name: [_("This field does not exist. Check its name.")] for name in sorted(map(str, unknown))}
            )
        return super().to_internal_value(data)


class MirroredSerializer(ModelSerializer):
    is_similar = serializers.BooleanField(
        read_only=True, help_text="True if a search did not find it as it was typed, but in spite of a slip."
    )


class AnswerSerializer(Serializer):
    success = serializers.BooleanField(default=True, read_only=True, help_text="Always true; errors have false.")


class ListViewSet(ListModelMixin, GenericViewSet[Any]):
    pass  # a docstring would be that of every list


def get_user(request: Request) -> User:
    """Who is signed in: views without one let nobody in."""
    return cast(User, request.user)
