"""The column that searches look into."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from sync.database.search import build_search_text

if TYPE_CHECKING:
    TextField = models.TextField[str, str]
else:
    TextField = models.TextField


class BytewiseTextField(TextField):
    """A text that is compared byte by byte, as SQLite does by itself: one index serves beginnings and order."""

    def db_parameters(self, connection: BaseDatabaseWrapper) -> Any:
        collation = {"collation": "C"} if connection.vendor == "postgresql" else {}
        return super().db_parameters(connection) | collation


class SearchField(BytewiseTextField):
    """A search text of a record, made of other fields whenever it is saved: of its model's `search_fields`, if none is
    named.

    Migrations know the fields, so that a change of them is one that asks for a migration: rows keep their texts.
    """

    def __init__(self, verbose_name: Any = None, *, sources: tuple[str, ...] = (), **options: Any) -> None:
        super().__init__(verbose_name, default="", editable=False, **options)
        self.sources = sources

    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False) -> None:
        super().contribute_to_class(cls, name, private_only)
        self.sources = self.sources or getattr(cls, "search_fields", ())

    def deconstruct(self) -> tuple[str, str, list[Any], dict[str, Any]]:
        name, path, args, options = super().deconstruct()
        given = {option: value for option, value in options.items() if option not in ("default", "editable")}
        return str(name), path, list(args), {**given, "sources": self.sources}

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        text = self.build_text(model_instance)
        setattr(model_instance, self.attname, text)
        return text

    def build_text(self, record: models.Model) -> str:
        return build_search_text(getattr(record, name) for name in self.sources)
