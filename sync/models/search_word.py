"""The words of records that a slip may stand for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from sync.database import migration_steps, similar_words
from sync.database.search import list_search_texts
from sync.models.search_field import BytewiseTextField

CHUNK = 1000  # rows that are written at once


class SearchWordQuerySet(models.QuerySet["SearchWord"]):
    def of(self, model: type[models.Model]) -> SearchWordQuerySet:
        return self.filter(table_name=model._meta.db_table)

    def add_words(self, model: type[models.Model], records: Iterable[Any]) -> None:
        """Keep the words of these records of a list, whose search texts are made."""
        words = sorted(find_words(model, records))
        rows = [SearchWord(table_name=model._meta.db_table, word=word) for word in words]
        self.bulk_create(rows, CHUNK, ignore_conflicts=True)

    def add_all_words(self, model: Any) -> None:
        """Keep the words of all records of a list, removed ones too."""
        records = model._base_manager.using(self.db).only("pk", *list_search_texts(model))
        for chunk in migration_steps.read_chunks(records):
            self.add_words(model, chunk)


class SearchWord(models.Model):
    """A word without digits that a record of a list has, or had once: it is kept until a customer is erased."""

    table_name = models.CharField(_("table"), max_length=63)
    word = BytewiseTextField(_("word"))

    objects = SearchWordQuerySet.as_manager()

    class Meta:
        db_table = similar_words.TABLE
        verbose_name = _("search word")
        verbose_name_plural = _("search words")
        constraints = (models.UniqueConstraint(fields=["table_name", "word"], name="one_row_per_search_word"),)

    def __str__(self) -> str:
        return self.word


def find_words(model: type[models.Model], records: Iterable[Any]) -> set[str]:
    """The words without digits of these records' search texts."""
    names = list_search_texts(model)
    return {word for each in records for name in names for word in similar_words.split_kept(getattr(each, name))}
