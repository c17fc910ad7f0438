"""Lists come in pages."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from sync.serializers import Serializer

LAST_PAGE = 1_000_000
LARGEST_PAGE = 100


class PageQuerySerializer(Serializer):
    page = serializers.IntegerField(min_value=1, max_value=LAST_PAGE, default=1)
    page_size = serializers.IntegerField(min_value=1, max_value=LARGEST_PAGE, default=20)


class Pagination(PageNumberPagination):
    """A page after the last is empty."""

    page_size = 20
    max_page_size = LARGEST_PAGE
    page_size_query_param = "pageSize"
    count_limit: int | None = None  # where counting stops, so that a long list costs no more than a short one

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> list[Any]:
        names = {self.page_query_param, self.page_size_query_param} & set(request.query_params)
        query = PageQuerySerializer(data={name: request.query_params[name] for name in names})
        query.is_valid(raise_exception=True)
        self.number, size = query.validated_data["page"], query.validated_data["page_size"]
        first = (self.number - 1) * size
        records = list(queryset[first : first + size + 1])
        self.has_next = len(records) > size
        self.count = queryset.count() if self.count_limit is None else queryset.order_by()[: self.count_limit].count()
        self.address = request.build_absolute_uri()
        return records[:size]

    def get_next_link(self) -> str | None:
        return replace_query_param(self.address, self.page_query_param, self.number + 1) if self.has_next else None

    def get_previous_link(self) -> str | None:
        return replace_query_param(self.address, self.page_query_param, self.number - 1) if self.number > 1 else None

    def get_paginated_response(self, data: Any) -> Response:
        links = {"next": self.get_next_link(), "previous": self.get_previous_link()}
        return Response({"success": True, "count": self.count, **links, "results": data})

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        page = {"type": "integer", "minimum": 1, "maximum": LAST_PAGE, "default": 1}
        page_size = {"type": "integer", "minimum": 1, "maximum": self.max_page_size, "default": self.page_size}
        return [
            {"in": "query", "name": self.page_query_param, "schema": page, "description": "The page number, from 1."},
            {"in": "query", "name": "pageSize", "schema": page_size, "description": "The number of records on a page."},
        ]

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        success = {"type": "boolean", "readOnly": True, "default": True, "description": "true: an error says false."}
        link = {"type": "string", "format": "uri", "nullable": True}
        properties = {
            "success": success,
            "count": {"type": "integer", "description": "The number of records on all pages."},
            "next": {**link, "description": "The address of the next page; null on the last page."},
            "previous": link,
            "results": schema,
        }
        return {"type": "object", "properties": properties, "required": list(properties)}
