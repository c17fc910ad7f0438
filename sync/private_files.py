"""Files of the service that nobody but its own user may read: customers, prices and passwords are in them."""

from __future__ import annotations

import os
import shlex
import stat
from contextlib import suppress
from pathlib import Path

UMASK = 0o077  # what a process writes is its user's alone: 0600 for files, 0700 for folders
ANYBODY = stat.S_IRWXO
SIDE_FILES = ("", "-wal", "-shm", "-journal")  # which SQLite has beside a database


def make_private(folders: list[Path], *, database: Path | None) -> None:
    """Take away what others may do with the folders, the files right in them, and a SQLite database.

    They may be from before processes had a umask of their own. What cannot be changed stays as it is, and `manage.py
    check` names it.
    """
    there = [folder for folder in folders if folder.is_dir()]
    files = [file for folder in there for file in folder.iterdir()]
    side_files = [Path(f"{database}{suffix}") for suffix in SIDE_FILES if database]
    for path in (*there, *files, *side_files):
        with suppress(OSError):  # one of another user, on a disk that can only be read, or gone by now
            mode = path.lstat().st_mode
            if mode & UMASK and (stat.S_ISREG(mode) or path in there):
                path.chmod(stat.S_IMODE(mode) & ~UMASK)


def is_open(path: Path) -> bool:
    """Whether every user of the machine may read a file or a folder, or write it. Devices are not meant."""
    return (path.is_file() or path.is_dir()) and bool(path.stat().st_mode & ANYBODY)


def read_private_file(path: Path) -> str:
    """The text of a file that nobody but its owner can read or change. Raises PermissionError for another one."""
    with path.open(encoding="utf-8") as file:
        if os.fstat(file.fileno()).st_mode & UMASK:
            raise PermissionError(
                f"other users of this machine can read or change it. Run: chmod 600 {shlex.quote(str(path))}"
            )
        return file.read()
