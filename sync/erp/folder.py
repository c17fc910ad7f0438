"""Exports that somebody drops into a folder."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import reduce
from pathlib import Path
from typing import BinaryIO

from sync.disk import is_full
from sync.erp import transfer
from sync.erp.client import ErpList, Export
from sync.exceptions import ErpFolderNotFound, ErpUnavailable, ExportNotFound
from sync.messages import Message
from sync.messages import gettext_noop as _
from sync.progress import Progress

UNFINISHED = (".part", ".crdownload", ".download", ".tmp")  # how browsers call what they are still writing


class FolderClient:
    """Takes the newest export of a list from a folder, and leaves it there."""

    def __init__(self, folder: Path, *, largest: int = transfer.LARGEST_EXPORT) -> None:
        self.folder = folder
        self.largest = largest  # bytes of an export

    def fetch(self, erp_list: ErpList, *, to: Path, at_most: timedelta, progress: Progress) -> Export:
        with transfer.open_new_file(to) as file:
            copy = Copy(self.folder, erp_list, file, self.largest)
            transfer.carry_out(copy, at_most=at_most, progress=progress)
        return Export(to, datetime.fromtimestamp(copy.modified, tz=UTC))


class Copy:
    """One export on its way from a folder, which may be another machine's, and hang."""

    def __init__(self, folder: Path, erp_list: ErpList, file: BinaryIO, largest: int) -> None:
        self.folder = folder
        self.erp_list = erp_list
        self.file = file
        self.largest = largest
        self.done = 0
        self.total: int | None = None
        self.modified = 0.0  # seconds since 1970

    def run(self) -> None:
        if not self.folder.is_dir():
            raise ErpFolderNotFound(folder=self.folder)
        try:
            newest = find_newest(self.folder, self.erp_list)
            found = newest.stat()
            self.modified, self.total = found.st_mtime, found.st_size
            for chunk in transfer.read_file(newest, largest=self.largest):
                self.file.write(chunk)
                self.done += len(chunk)
        except FileNotFoundError:
            raise ExportNotFound(folder=self.folder, expected=join_names(self.erp_list.file_names)) from None
        except OSError as error:
            if is_full(error):  # where the copy goes
                raise
            reason = Message(_("{folder} cannot be read ({cause})"), folder=self.folder, cause=error.strerror)
            raise ErpUnavailable(reason=reason) from error


def join_names(names: Sequence[str]) -> str:
    return reduce(lambda names, name: Message(_("{expected} or {name}"), expected=names, name=name), names)


def find_newest(folder: Path, erp_list: ErpList) -> Path:
    """Raises FileNotFoundError if the folder has no whole export of the list."""
    files = [path for path in folder.iterdir() if path.is_file()]
    unfinished = [path.name.casefold() for path in files if path.suffix.casefold() in UNFINISHED]
    names = make_pattern(erp_list.file_names)
    exports = [path for path in files if names.fullmatch(path.name) and not is_unfinished(path, unfinished)]
    if not exports:
        raise FileNotFoundError(folder)
    return max(exports, key=lambda path: path.stat().st_mtime)


def make_pattern(file_names: tuple[str, ...]) -> re.Pattern[str]:
    """Matches the names, in any case, and the names that browsers give further copies: `Clienti (1).pdf`."""
    stems = "|".join(re.escape(Path(name).stem) for name in file_names)
    return re.compile(rf"(?:{stems})(?: ?\(\d+\))?\.pdf", re.IGNORECASE)


def is_unfinished(path: Path, unfinished: list[str]) -> bool:
    """Whether the file only keeps the place of one that a browser is still writing beside it."""
    return not path.stat().st_size and any(name.startswith(path.stem.casefold() + ".") for name in unfinished)
