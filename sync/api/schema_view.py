"""The OpenAPI document as it is served."""

from __future__ import annotations

from threading import Lock
from typing import Any

from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.request import Request
from rest_framework.response import Response

making = Lock()


class SchemaView(SpectacularAPIView):
    """One document at a time: drf-spectacular loads its extensions at the first, and two at once failed at that."""

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        with making:
            document: Response = super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]
            return document
