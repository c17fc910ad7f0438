"""What a list's export looks like: which header is which field, and how its text becomes a value."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

Converter = Callable[[str], Any]


class Footer(Enum):
    """Whether an export of this list must end with control totals."""

    REQUIRED = "required"
    OPTIONAL = "optional"


@dataclass(frozen=True)
class Column:
    """One column of a list.

    `convert` takes the cell's text, white space already normalised, and raises ValueError for what it cannot read.
    `occurrence` tells apart columns that share a header; such a column is known by the one that stands directly before
    it, which is the one declared before it.
    """

    header: str
    field: str
    convert: Converter
    required: bool = False
    occurrence: int = 1
    aliases: tuple[str, ...] = ()
    added_before_rounding: bool = False  # the ERP's Sum adds amounts with more digits than it prints


def ignored(header: str) -> Column:
    """A column that is known and not mirrored."""
    return Column(header, "", str)


def normalised(header: str) -> str:
    """A header as it is compared: one space between words, straight apostrophes, composed accents, one case."""
    return " ".join(unicodedata.normalize("NFC", header).replace("’", "'").split()).casefold()


@dataclass(frozen=True)
class ExportLayout:
    """The columns of one list in the ERP's own order, and the field that is its key."""

    key: str
    columns: Sequence[Column]
    footer: Footer = Footer.REQUIRED
