"""Disks: whether one is full, how much is free, and that what was written is there."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.utils import DatabaseError

from sync.exceptions import DiskFull
from sync.messages import Message
from sync.messages import gettext_noop as _

logger = logging.getLogger(__name__)

SAID_EVERY = 60.0  # seconds, of each thing that is left
said: dict[str, float] = {}  # when, monotonic

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
NO_ROOM_IN_POSTGRESQL = "53100"  # SQLSTATE
READ_ONLY_IN_POSTGRESQL = "25006"  # SQLSTATE
NO_TEMPORARY_FOLDER = "No usable temporary directory"  # which Python says when each that it knows is full
LOW = 100 * 1024**2  # bytes free, under which somebody had better make room
FULL = 64 * 1024  # bytes free, with which no transaction can be written

DATABASE, EXPORTS, TEMPORARY_FILES = _("the database"), _("exports"), _("temporary files")
DATABASE_SERVER = _("the database server")


def make_durable(path: Path) -> None:
    """Have a file on its disk, by its name: a power cut takes neither."""
    for each in (path, path.parent):
        descriptor = os.open(each, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


# What an error says


def is_full(error: BaseException | None) -> bool:
    """Whether an error, or one that it was raised from, says that a disk is full or a quota used up."""
    while error:
        if says_no_room(error):
            return True
        error = error.__cause__
    return False


def says_no_room(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno in NO_ROOM or NO_TEMPORARY_FOLDER in str(error)
    if isinstance(error, sqlite3.Error):
        name = getattr(error, "sqlite_errorname", "")
        # Opened on a full disk, a database cannot even be read: there is no room for what its processes share.
        return name == "SQLITE_FULL" or (name.startswith("SQLITE_IOERR") and list_volumes()[0].is_full)
    return getattr(error, "sqlstate", None) == NO_ROOM_IN_POSTGRESQL


def is_read_only(error: BaseException | None) -> bool:
    """Whether an error, or one that it was raised from, says that the database can only be read."""
    while error:
        if str(getattr(error, "sqlite_errorname", "")).startswith("SQLITE_READONLY"):
            return True
        if getattr(error, "sqlstate", None) == READ_ONLY_IN_POSTGRESQL:
            return True
        error = error.__cause__
    return False


@contextmanager
def translate_disk_errors(files: str, folder: Path) -> Iterator[None]:
    """Raises DiskFull, which names the folder, if there is no room for what is written in here."""
    try:
        yield
    except OSError as error:
        if not is_full(error):
            raise
        raise DiskFull(files=Message(files), place=folder) from error


@contextmanager
def translate_database_errors() -> Iterator[None]:
    """Raises DiskFull if there is no room for the database."""
    try:
        yield
    except DatabaseError as error:
        if not is_full(error):
            raise
        place: Path | Message = Message(DATABASE_SERVER)
        if connection.vendor == "sqlite":
            place = Path(connection.settings_dict["NAME"]).parent
        raise DiskFull(files=Message(DATABASE), place=place) from error


@contextmanager
def skip_if_disk_full(what: str) -> Iterator[None]:
    """Leave off what is done again anyway, and say so in the log, now and then, while a disk is full."""
    try:
        yield
    except (OSError, DatabaseError, DiskFull) as error:
        if not is_full(error):
            raise
        if time.monotonic() - said.get(what, -SAID_EVERY) >= SAID_EVERY:
            said[what] = time.monotonic()
            logger.warning("%s, as the disk is full: %s", what, error)


# How much is free


@dataclass(frozen=True)
class Volume:
    """A file system of this machine, one of its folders that the service writes to, and what it keeps there."""

    folder: Path
    files: tuple[str, ...]
    free: int  # bytes

    @property
    def is_low(self) -> bool:
        return self.free < LOW

    @property
    def is_full(self) -> bool:
        return self.free < FULL


def list_volumes() -> list[Volume]:
    """The file systems that the service writes to on this machine, first the database's, if that is SQLite."""
    folders = {EXPORTS: settings.EXPORT_DIR, TEMPORARY_FILES: get_temporary_folder()}
    if connection.vendor == "sqlite":
        folders = {DATABASE: Path(connection.settings_dict["NAME"]).parent} | folders
    found: dict[int, Volume] = {}
    for files, folder in folders.items():
        there = next(each for each in (folder, *folder.absolute().parents) if each.is_dir())
        device = there.stat().st_dev
        before = found.get(device)
        found[device] = Volume(
            before.folder if before else there,
            (*before.files, files) if before else (files,),
            shutil.disk_usage(there).free,
        )
    return list(found.values())


def get_temporary_folder() -> Path:
    """Where temporary files are to be. Python takes another folder if this one is full when a process begins."""
    return Path(os.environ.get("TMPDIR") or "/tmp")  # noqa: S108  # nothing is written to it by this name
