"""The admin of rows that people may look at and only syncs may change."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.views.main import ChangeList
from django.db import models
from django.http import HttpRequest

from sync.admin.buttons import ButtonsAdmin
from sync.admin.change_list import TolerantChangeList, limit_words


class ReadOnlyAdmin(ButtonsAdmin):
    """Rows to look at."""

    list_per_page = 50
    show_full_result_count = False  # a search in a long list need not count all of it

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return TolerantChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Any], search_term: str
    ) -> tuple[models.QuerySet[Any], bool]:
        return super().get_search_results(request, queryset, limit_words(search_term))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False
