"""What a list's export looks like: which header is which field, and how its text becomes a value."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import chain
from typing import Any

from sync.exceptions import LayoutChanged, RepeatedColumn
from sync.exports.values import SPACELESS, code, is_one_address
from sync.messages import Message
from sync.messages import gettext_noop as _

Converter = Callable[[str], Any]
UNKNOWN_SHOWN = 8  # headers; of an export in another language nearly all are unknown


class Footer(Enum):
    """Whether an export of this list must end with control totals."""

    REQUIRED = "required"
    OPTIONAL = "optional"


class Source(Enum):
    """How well the header of a column, and the form of its values, are known."""

    MEASURED = "measured"  # on real exports of the list
    GRID = "read from the grid"  # others saw the header, on the screen or in an export; the form is that of others
    ASSUMED = "assumed"  # the header was read from the grid at the most; the printed form was never seen


class Total(Enum):
    """What a footer states of a column."""

    COUNT = "Count"  # how many records there are: it says nothing of their values
    SUM = "Sum"


@dataclass(frozen=True)
class Column:
    """One column of a list.

    `convert` takes the cell's text, on one line, and raises ValueError for what it cannot read.
    `required` says why a record is nothing without this column: an export that hides it is refused. A column whose
    header was never seen must not be required. `occurrence` tells apart columns that share a header; such a column is
    known by the one that stands directly before it, which is the one declared before it.
    """

    header: str
    field: str
    convert: Converter
    required: str = ""
    source: Source = Source.MEASURED
    occurrence: int = 1
    total: Total | None = None  # what the footers of real exports state of it
    added_before_rounding: bool = False  # the ERP's Sum adds amounts with more digits than it prints

    @property
    def title(self) -> str:
        """The header as it stands in a sentence, where a last colon would be its end."""
        return self.header.removesuffix(":")

    def read(self, cell: str) -> Any:
        """A cell's value. Raises ValueError.

        The ERP breaks a text between words, and a word that is wider than its cell anywhere: of what has no spaces, a
        number, a date, a code or an e-mail address, the lines belong together.
        """
        if "\n" in cell:
            is_one_word = self.convert in SPACELESS and not (self.convert is code and " " in cell)
            is_one_word = is_one_word or is_one_address(cell.split("\n"))
            cell = cell.replace("\n", "" if is_one_word else " ")
        return self.convert(cell)

    def is_headed(self, header: str) -> bool:
        return normalise_header(header) == normalise_header(self.header)

    @property
    def is_strict(self) -> bool:
        """Whether a value that cannot be read is an error: else it is unknown, as its form is only assumed."""
        return bool(self.required) or self.source is not Source.ASSUMED


def ignored(header: str, source: Source = Source.MEASURED) -> Column:
    """A column that is known and not mirrored."""
    return Column(header, "", str, source=source)


def normalise_header(header: str) -> str:
    """A header as it is compared: straight apostrophes, composed accents, one case, no last colon.

    And no white space: a header without any, QUANTITÀIMPORTODA, has to break within the word when it wraps.
    """
    return "".join(unicodedata.normalize("NFC", header).replace("’", "'").split()).removesuffix(":").casefold()


@dataclass(frozen=True)
class Binding:
    """Where the columns of a layout stand among the headers of one export."""

    positions: dict[Column, int]
    notes: tuple[Message, ...] = ()
    unknown: tuple[str, ...] = ()  # headers of no column of the layout


@dataclass(frozen=True)
class ExportLayout:
    """The columns of one list in the ERP's own order, and the field that is its key."""

    key: str
    columns: Sequence[Column]
    footer: Footer = Footer.REQUIRED

    @property
    def key_column(self) -> Column:
        return next(column for column in self.columns if column.field == self.key)

    def bind(self, headers: Sequence[str]) -> Binding:
        """Find each column by its header. Raises LayoutChanged or RepeatedColumn, never takes one for another."""
        positions = {}
        doubtful = []
        for column in self.columns:
            found = [place for place, header in enumerate(headers) if column.is_headed(header)]
            place = self.place(column, found, headers) if found else None
            if place is not None:
                positions[column] = place
            elif found:
                doubtful.append(column)
        absent = [column for column in self.columns if column not in positions and column.field]
        if required := [column.header for column in self.columns if column.required and column not in positions]:
            raise LayoutChanged(missing=self.missing(required, headers))
        return Binding(
            positions,
            notes=tuple(self.notes(headers, positions, absent, doubtful)),
            unknown=tuple(header for header in headers if not self.knows(header)),
        )

    def missing(self, required: Sequence[str], headers: Sequence[str]) -> str:
        """Required columns that are not there, and the headers that are instead: a column may have another name now."""
        columns = ", ".join(required)
        unknown = [header for header in headers if not self.knows(header)]
        if not unknown:
            return columns
        shown = ", ".join(unknown[:UNKNOWN_SHOWN]) + (", …" if len(unknown) > UNKNOWN_SHOWN else "")
        return Message(_("{columns} (unknown columns in the export: {unknown})"), columns=columns, unknown=shown)

    def place(self, column: Column, found: Sequence[int], headers: Sequence[str]) -> int | None:
        """Which of the places found is this column's; None if others share its header, and it is not certain."""
        namesakes = [other for other in self.columns if other.is_headed(column.header)]
        if len(found) == len(namesakes) == 1:
            return found[0]
        if column.required:
            raise RepeatedColumn(header=column.title, found=len(found))
        places = {each: self.following(each, found, headers) for each in namesakes}
        for each in namesakes:
            others = [place for other in namesakes if other is not each for place in places[other]]
            left = [place for place in found if place not in others]
            if not any(map(self.before(each).is_headed, headers)):  # its neighbour is hidden
                places[each] = left
            elif not places[each]:  # a column that nobody knows may stand between
                places[each] = [place for place in left if place and not self.knows(headers[place - 1])]
        is_certain = len(found) == len(namesakes) and sorted(chain.from_iterable(places.values())) == list(found)
        return places[column][0] if is_certain and len(places[column]) == 1 else None

    def knows(self, header: str) -> bool:
        return any(column.is_headed(header) for column in self.columns)

    def before(self, column: Column) -> Column:
        return self.columns[self.columns.index(column) - 1]

    def following(self, column: Column, found: Sequence[int], headers: Sequence[str]) -> list[int]:
        """Which of the places stand directly after the column that is declared before this one."""
        return [place for place in found if place and self.before(column).is_headed(headers[place - 1])]

    def notes(
        self,
        headers: Sequence[str],
        positions: dict[Column, int],
        absent: Sequence[Column],
        doubtful: Sequence[Column],
    ) -> list[Message]:
        """What is unusual about the columns, and harmless."""
        notes: list[Message] = []

        def note(template: str, columns: Sequence[str]) -> None:
            notes.append(Message(template, columns=", ".join(columns)))

        known = set(positions.values())
        is_doubtful = [any(column.is_headed(header) for column in doubtful) for header in headers]
        if extra := [header for place, header in enumerate(headers) if place not in known and not is_doubtful[place]]:
            note(_("Columns that are not mirrored: {columns}."), extra)
        if missing := [column.header for column in absent if column not in doubtful]:
            note(_("Columns that are not in the export; their mirrored values are kept: {columns}."), missing)
        counts = Counter(map(normalise_header, headers))
        expected = Counter(normalise_header(column.header) for column in self.columns)
        added = [
            each.header
            for each in doubtful
            if counts[normalise_header(each.header)] > expected[normalise_header(each.header)]
        ]
        if added:
            note(
                _(
                    "Columns that appear more often than expected; their mirrored values are kept: {columns}. Hide "
                    "the extra columns with these names in the ERP's list."
                ),
                added,
            )
        if shared := [column.header for column in doubtful if column.header not in added]:
            note(
                _(
                    "Columns that share a header and cannot be told apart; their mirrored values are kept: {columns}. "
                    "Show all of them in the ERP's list, in their usual order."
                ),
                shared,
            )
        if list(positions.values()) != sorted(positions.values()):
            notes.append(Message(_("The columns are in a different order than usual.")))
        return notes

    def recognises(self, headers: Sequence[str]) -> bool:
        """Whether these are this list's headers, whatever is hidden or moved."""
        ours = Counter(normalise_header(column.header) for column in self.columns)
        required = [column for column in self.columns if column.required]
        return all(any(column.is_headed(header) for header in headers) for column in required) and (
            (ours & Counter(map(normalise_header, headers))).total() > len(headers) / 2
        )
