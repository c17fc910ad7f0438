"""An export, read to its end and found whole, with its records in a temporary file."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import IO, Any, TypeVar

from sync import disk
from sync.exports.reader import Records
from sync.progress import Progress, Stage, ignore_progress

CHUNK = 1000  # records in memory at a time

T = TypeVar("T")


@dataclass(frozen=True)
class StagedRecords:
    """A whole and trusted export: its records in a temporary file, the keys of all of them in memory."""

    file: IO[bytes]
    fields: Sequence[str]
    keys: set[Any]

    def read_chunks(self) -> Iterator[list[tuple[Any, ...]]]:
        """The records' values, CHUNK at a time."""
        self.file.seek(0)
        while True:
            try:
                yield pickle.load(self.file)  # noqa: S301  # this process wrote it
            except EOFError:
                return

    def collect_values(self, fields: Iterable[str], progress: Progress = ignore_progress) -> dict[str, set[Any]]:
        """Of each of these fields that the export shows, all values but the empty text."""
        places = {name: self.fields.index(name) for name in fields if name in self.fields}
        found: dict[str, set[Any]] = {name: set() for name in places}
        for chunk in self.read_chunks() if places else ():
            for name, place in places.items():
                found[name].update(values[place] for values in chunk)
            progress(Stage.APPLYING, 0, len(self.keys))
        return {name: values - {""} for name, values in found.items()}


@contextmanager
def stage(records: Records) -> Iterator[StagedRecords]:
    """Read an export to its end. Raises its ExportError, and then nothing has been written anywhere."""
    with (
        disk.translate_disk_errors(disk.TEMPORARY_FILES, disk.get_temporary_folder()),
        tempfile.TemporaryFile(prefix="archibald-") as file,
    ):
        for chunk in split_into_chunks((record.values for record in records), CHUNK):
            pickle.dump(chunk, file, protocol=pickle.HIGHEST_PROTOCOL)
        file.flush()
        yield StagedRecords(file, records.fields, records.keys)


def split_into_chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Items, `size` at a time."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
