"""Finding texts in whatever the database holds, and taking them out of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from django.db import models
from django.db.models.functions import Cast, Coalesce

from sync.messages import Message
from sync.mirror.staging import split_into_chunks

MARK = "…"  # stands where a text was taken out of a sentence
KEYS_AT_ONCE = 50_000  # numbers of rows that one query looks at: PostgreSQL ends what takes a minute
TEXTS_AT_ONCE = 30  # that one query looks for: SQLite has a limit for the depth of a condition


class JoinedTexts(models.Func):
    """All these columns as one text. Django's Concat nests, deeper than SQLite parses."""

    template = "(%(expressions)s)"
    arg_joiner = " || "

    def __init__(self, *names: str) -> None:
        texts = [Coalesce(Cast(name, models.TextField()), models.Value("")) for name in names]
        super().__init__(*texts, output_field=models.TextField())

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        """In the database's collation: the one of `search_text` has no capitals of letters with accents."""
        return self.as_sql(compiler, connection, template='((%(expressions)s) COLLATE "default")', **context)


def find_rows(
    rows: models.QuerySet[Any], names: Sequence[str], texts: Iterable[str], pause: Callable[[], object]
) -> Iterator[tuple[Any, ...]]:
    """The key and these columns of each row in which one of the texts may stand, in whatever case."""
    for wanted in split_into_chunks(sorted(texts), TEXTS_AT_ONCE) if names else ():
        condition = models.Q()
        for text in wanted:
            quoted = json.dumps(text)[1:-1]  # SQLite keeps JSON so, PostgreSQL with all letters
            for form in {text, quoted, json.dumps(text, ensure_ascii=False)[1:-1]}:
                condition |= models.Q(all_texts__icontains=form)
        joined = rows.annotate(all_texts=JoinedTexts(*names))
        for part in split_rows(joined, rows.model):
            pause()
            yield from part.filter(condition).order_by().values_list("pk", *names)


def split_rows(rows: models.QuerySet[Any], model: type[models.Model]) -> Iterator[models.QuerySet[Any]]:
    """The rows of a table, by ranges of their numbers; all at once if they have no numbers."""
    if not isinstance(model._meta.pk, models.IntegerField):
        yield rows
        return
    ends = model._base_manager.aggregate(first=models.Min("pk"), last=models.Max("pk"))
    if ends["first"] is not None:
        for first in range(ends["first"], ends["last"] + 1, KEYS_AT_ONCE):
            yield rows.filter(pk__gte=first, pk__lt=first + KEYS_AT_ONCE)


def build_pattern(texts: Iterable[str]) -> re.Pattern[str]:
    """Matches one of the texts, as whole words."""
    either = "|".join(re.escape(text) for text in sorted(texts, key=len, reverse=True))
    return re.compile(rf"(?<!\w)(?:{either})(?!\w)", re.IGNORECASE)


def replace_texts(value: Any, pattern: re.Pattern[str]) -> Any:
    """A text, or what JSON holds of texts, with a mark in the place of what is matched; a template is nobody's."""
    if isinstance(value, Message):
        return Message(value.template, **replace_texts(value.facts, pattern))
    if isinstance(value, str):
        return pattern.sub(MARK, value)
    if isinstance(value, list):
        return [replace_texts(each, pattern) for each in value]
    if isinstance(value, dict):
        return {key: replace_texts(each, pattern) for key, each in value.items()}
    return value


def find_texts(value: Any) -> Iterator[str]:
    """All texts of a value that JSON can hold, without templates."""
    if isinstance(value, Message):
        yield from find_texts([*value.facts.values()])
    elif isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from find_texts([*value, *value.values()])
    elif isinstance(value, list | tuple):
        for each in value:
            yield from find_texts(each)
