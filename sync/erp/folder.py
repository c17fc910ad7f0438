"""Exports that somebody drops into a folder."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from sync.erp.client import ErpList, Export
from sync.exceptions import ErpFolderNotFound, ErpUnavailable, ExportNotFound
from sync.progress import Progress, Stage

CHUNK = 1024 * 1024  # bytes
UNFINISHED = (".part", ".crdownload", ".download", ".tmp")  # how browsers call what they are still writing


class FolderClient:
    """Takes the newest export of a list from a folder, and leaves it there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fetch(self, erp_list: ErpList, *, to: Path, progress: Progress) -> Export:
        if not self.folder.is_dir():
            raise ErpFolderNotFound(folder=self.folder)
        try:
            newest = self.newest(erp_list)
            fetched_at = datetime.fromtimestamp(newest.stat().st_mtime, tz=UTC)
            copy(newest, to, progress=progress)
        except FileNotFoundError:
            raise ExportNotFound(folder=self.folder, expected=" or ".join(erp_list.file_names)) from None
        except OSError as error:
            raise ErpUnavailable(reason=f"{self.folder} cannot be read ({error.strerror})") from error
        return Export(to, fetched_at)

    def newest(self, erp_list: ErpList) -> Path:
        """Raises FileNotFoundError if the folder has no whole export of the list."""
        files = [path for path in self.folder.iterdir() if path.is_file()]
        unfinished = [path.name.casefold() for path in files if path.suffix.casefold() in UNFINISHED]
        names = pattern(erp_list.file_names)
        exports = [path for path in files if names.fullmatch(path.name) and not is_unfinished(path, unfinished)]
        if not exports:
            raise FileNotFoundError(self.folder)
        return max(exports, key=lambda path: path.stat().st_mtime)


def pattern(file_names: tuple[str, ...]) -> re.Pattern[str]:
    """Matches the names, in any case, and the names that browsers give further copies: `Clienti (1).pdf`."""
    stems = "|".join(re.escape(Path(name).stem) for name in file_names)
    return re.compile(rf"(?:{stems})(?: ?\(\d+\))?\.pdf", re.IGNORECASE)


def is_unfinished(path: Path, unfinished: list[str]) -> bool:
    """Whether the file only keeps the place of one that a browser is still writing beside it."""
    return not path.stat().st_size and any(name.startswith(path.stem.casefold() + ".") for name in unfinished)


def copy(source: Path, to: Path, *, progress: Progress) -> None:
    """Copy a file. If that is stopped, no part of it stays."""
    total = source.stat().st_size
    done = 0
    try:
        with source.open("rb") as reading, to.open("wb") as writing:
            progress(Stage.FETCHING, done, total)
            while chunk := reading.read(CHUNK):
                writing.write(chunk)
                done += len(chunk)
                progress(Stage.FETCHING, done, total)
    except BaseException:
        to.unlink(missing_ok=True)
        raise
