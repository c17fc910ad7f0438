"""How the records of two lists find each other: by the number both carry.

Lists arrive in any order, and a number may be blank, repeated or not known yet: there are no foreign keys between them.
"""

from __future__ import annotations

from typing import TypeVar, cast

from django.db import models

from sync.models import MirroredModel

Record = TypeVar("Record", bound=MirroredModel)


def present(model: type[Record]) -> models.QuerySet[Record]:
    """The records of a list that are not removed."""
    return cast(models.QuerySet[Record], model.objects.present())


def matching(model: type[Record], **numbers: str) -> models.QuerySet[Record]:
    """The records that carry these numbers and are not removed; none if a number is blank, which says nothing."""
    records = present(model)
    return records.filter(**numbers) if all(numbers.values()) else records.none()


def match(model: type[Record], **numbers: str) -> Record | None:
    """The record that carries these numbers; of several, the first that was mirrored."""
    return matching(model, **numbers).order_by("pk").first()
