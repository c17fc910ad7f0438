"""What several change lists are made of: filters, paginators and searches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Page, Paginator
from django.db import DataError, connection, models, transaction
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from sync.list_names import get_list_name

if TYPE_CHECKING:
    AnyPaginator = Paginator[Any]
else:
    AnyPaginator = Paginator

WORDS_SEARCHED = 50  # each makes the query longer, which has a limit


class SyncTypeFilter(admin.SimpleListFilter):
    """The sync types as they are declared: asking the rows would read all of them."""

    title = _("type")
    parameter_name = "sync_type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(sync_type, get_list_name(sync_type)) for sync_type in settings.SYNC_TYPES]

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        return queryset.filter(sync_type=self.value()) if self.value() else queryset


class BoundedPaginator(AnyPaginator):
    """Counts and pages no further than the limit, so that no page of a long list reads all of it."""

    limit = 10_000  # rows; nobody turns two hundred pages

    @property
    def rows(self) -> models.QuerySet[Any]:
        return cast("models.QuerySet[Any]", self.object_list)

    @cached_property
    def count(self) -> int:
        return self.rows.order_by()[: self.limit].count()


class KeyPaginator(BoundedPaginator):
    """Reads the keys of all its rows at once, which an index holds, and of the rows those of one page."""

    @cached_property
    def keys(self) -> list[Any]:
        with prefer_index():
            return list(self.rows.values_list("pk", flat=True)[: self.limit])

    @cached_property
    def count(self) -> int:
        return len(self.keys)

    def page(self, number: Any) -> Page[Any]:
        number = self.validate_number(number)
        first = (number - 1) * self.per_page
        return Page(self.rows.filter(pk__in=self.keys[first : first + self.per_page]), number, self)


@contextmanager
def prefer_index() -> Iterator[None]:
    """Let PostgreSQL walk along an index, where it would rather read the table: it takes each step for a far one."""
    if connection.vendor != "postgresql":
        yield
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL random_page_cost = 1")
        yield


class TolerantChangeList(ChangeList):
    """A list whose address may ask for what no database can hold: Django then leads to the whole list."""

    def get_results(self, request: HttpRequest) -> None:
        try:
            super().get_results(request)
        except (OverflowError, DataError) as error:
            raise IncorrectLookupParameters(error) from error


def limit_words(typed: str) -> str:
    return " ".join(typed.split()[:WORDS_SEARCHED])
