"""Errors as clients see them: `{success: false, error, code, detail}` with the right status."""

from __future__ import annotations

import math
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import exceptions, serializers, status

from sync.serializers import Serializer


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Wrong values",
            {
                "success": False,
                "error": "Not accepted: priority.",
                "code": "invalid",
                "detail": {"priority": ["Ensure this value is less than or equal to 99."]},
            },
        )
    ]
)
class ErrorAnswerSerializer(Serializer):
    """Why a request was not carried out, and what to do."""

    success = serializers.BooleanField(default=False, help_text="Always false.")
    error = serializers.CharField(help_text="What is wrong, as a sentence for people.")
    code = serializers.CharField(help_text="The kind of error, as a fixed word for programs.")
    detail = serializers.DictField(help_text="The facts of the error; for wrong values, the texts for each field.")


class Conflict(exceptions.APIException):
    """What was asked for does not fit how things stand."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"

    def __init__(self, text: str, *, code: str = "conflict", **facts: Any) -> None:
        super().__init__(text, code)
        self.facts = facts


class TooManyRequests(exceptions.Throttled):
    """More of something than is allowed: what was counted, and in how many seconds to come again."""

    def __init__(self, text: str, seconds: int, code: str | None = None) -> None:
        if seconds >= 120:
            again = _("Wait {minutes} minutes, then try again.").format(minutes=math.ceil(seconds / 60))
        else:
            again = ngettext(
                "Wait {seconds} second, then try again.", "Wait {seconds} seconds, then try again.", seconds
            ).format(seconds=seconds)
        super().__init__(detail=f"{text} {again}", code=code)
        self.wait = seconds


def make_error_body(text: str, code: str, detail: Any) -> dict[str, Any]:
    return {"success": False, "error": text, "code": code, "detail": detail}
