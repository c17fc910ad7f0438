"""What every mirrored list's part of the API is made of."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from sync.api.base import PageQuery, page_of
from sync.database.search import LENGTH, search
from sync.models import MirroredModel
from sync.models.mirrored import MirroredQuerySet
from sync.serializers import ModelSerializer

OF_THE_MIRROR = ("changed_at", "missing_since")


class MirrorQuery(PageQuery):
    search = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=LENGTH,
        help_text="Words in any order, or parts of them; case, accents and dots do not matter. Best matches first.",
    )


class MirrorView(APIView):
    """A list of the mirror, to read. Removed records are not shown."""

    model: ClassVar[type[MirroredModel]]
    record: ClassVar[type[ModelSerializer]]
    query: ClassVar[type[MirrorQuery]] = MirrorQuery
    lookups: ClassVar[dict[str, str]] = {}  # parameter -> what it filters by

    def records(self, wanted: dict[str, Any]) -> MirroredQuerySet:
        filters = {lookup: wanted[name] for name, lookup in self.lookups.items() if name in wanted}
        return self.model.objects.present().filter(**filters)

    def answer(self, request: Request) -> Response:
        wanted = self.query.of(request)
        records = self.records(wanted)
        text = wanted.get("search", "").strip()
        if text:
            return page_of(records, request, self.record, query=wanted, keys=search(records, text))
        return page_of(records.in_order(), request, self.record, query=wanted)
