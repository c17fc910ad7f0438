"""The OpenAPI document: what drf-spectacular cannot see by itself."""

from __future__ import annotations

from threading import Lock
from typing import Any, ClassVar

from django.conf import settings
from django.utils.translation import get_language, override
from drf_spectacular import generators
from drf_spectacular.openapi import AutoSchema
from rest_framework.serializers import CharField

from sync.api.base import StrictSerializer
from sync.api.errors import ErrorAnswerSerializer
from sync.api.fields import NO_BLANK_TEXT, TEXT, StrictCharField


class Schema(AutoSchema):
    """Every operation may answer with an error; nothing unknown may be sent, nor a text with a NUL.

    Tags are the address's first word; summary and description are the docstring of the view's method.
    """

    def get_tags(self) -> list[str]:
        return [self.path.removeprefix("/api").split("/")[1]]

    def get_operation_id(self) -> str:
        name: str = self.path.rpartition("/")[2]
        return f"list{name.capitalize()}" if self._is_list_view() else super().get_operation_id()

    def get_summary(self) -> str:
        return self.split_docstring()[0].rstrip(".")

    def get_description(self) -> str:  # type: ignore[override]
        return "\n\n".join(self.split_docstring()[1:])

    def split_docstring(self) -> list[str]:
        """The paragraphs of the view's method."""
        return super().get_description().split("\n\n")

    def get_paginated_name(self, serializer_name: str) -> str:
        return f"{serializer_name}List"

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> Any:
        mapped = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call]
        return {**mapped, "additionalProperties": False} if isinstance(serializer, StrictSerializer) else mapped

    def _map_serializer_field(self, field: Any, direction: Any, bypass_extensions: bool = False) -> Any:
        mapped = super()._map_serializer_field(field, direction, bypass_extensions)  # type: ignore[no-untyped-call]
        if direction == "request" and type(field) in (CharField, StrictCharField):
            return {**mapped, "pattern": TEXT if field.allow_blank else NO_BLANK_TEXT}
        return mapped

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        error = self._get_response_for_code(ErrorAnswerSerializer, "4XX", direction=direction)  # type: ignore[no-untyped-call]
        return bodies | {"4XX": error}


class SchemaGenerator(generators.SchemaGenerator):
    """Makes the document once for each language.

    One at a time: drf-spectacular loads its extensions at the first, and two at once failed at that.
    """

    lock = Lock()
    documents: ClassVar[dict[str, Any]] = {}

    def get_schema(self, request: Any = None, public: bool = False) -> Any:
        language = get_language()
        if language not in dict(settings.LANGUAGES):  # a client's word, as ?lang= of drf-spectacular
            language = settings.LANGUAGE_CODE
        self.api_version = None  # ?version= would be in everybody's document
        with self.lock, override(language):
            if language not in self.documents:
                self.documents[language] = super().get_schema(request, public)  # type: ignore[no-untyped-call]
            return self.documents[language]
