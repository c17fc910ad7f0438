"""The page tables of a list's last export, kept in a file: most pages of the next one are the same, byte for byte.

A table is kept under a digest of everything that it is made of. A page of which a byte has changed is read anew, and so
is every page after the reading itself has changed: a file of another version is left aside.
"""

from __future__ import annotations

import gzip
import json
import os
import sys
import zlib
from functools import partial
from hashlib import sha256
from pathlib import Path

from sync.exports.page import Table

MOST_BYTES = 32 * 1024**2  # of tables; ten times as many as the longest real list has
# What a table depends on, beside its page.
MADE_BY = ("code_maps.py", "erp_page.py", "kept_tables.py", "page.py", "pdf.py")


class KeptTables:
    """The tables of one list's pages, by their sources. Without a path nothing is kept.

    `problem` is why the file could not be read or written, as on a full disk: pages are read all the same.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.problem = ""
        self.tables: dict[bytes, bytes] = {}
        if path:
            try:
                self.tables = load(path)
            except OSError as error:
                self.problem = str(error)
        self.used: dict[bytes, bytes] = {}  # those of this export
        self.size = 0
        self.has_new = False

    def table(self, source: bytes) -> Table | None:
        text = self.tables.get(source)
        return Table(*json.loads(text)) if text else None

    def keep(self, source: bytes, table: Table) -> None:
        """Have a table kept, for the next export, if there is room."""
        if self.path is None or source in self.used:
            return
        text = self.tables.get(source)
        if text is None:
            text = json.dumps(table, separators=(",", ":")).encode()
            self.has_new = True
        if self.size + len(text) <= MOST_BYTES:
            self.used[source] = text
            self.size += len(text)

    def save(self) -> None:
        """Write the tables of this export in place of those of the one before."""
        if self.path is None or not (self.has_new or len(self.used) < len(self.tables)):
            return
        lines = [version(), *(source.hex().encode() + b" " + text for source, text in self.used.items())]
        try:
            write(self.path, gzip.compress(b"\n".join(lines), compresslevel=3))
        except OSError as error:
            self.problem = str(error)


def write(path: Path, data: bytes) -> None:
    """Write a file that its owner alone can read, in place of the one before once it is whole."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.new")  # always the same: what a killed process leaves is written over
    with open(new, "wb", opener=partial(os.open, mode=0o600)) as file:
        file.write(data)
    new.replace(path)


def load(path: Path) -> dict[bytes, bytes]:
    """What is kept in a file; nothing if there is none, or another version or a cut has left what cannot be used."""
    try:
        with gzip.open(path) as file:
            first, *lines = file.read(2 * MOST_BYTES).split(b"\n")
    except (FileNotFoundError, EOFError, gzip.BadGzipFile, zlib.error):
        return {}
    if first != version():
        return {}
    return {bytes.fromhex(line[:64].decode()): line[65:] for line in lines}


def version() -> bytes:
    """What reads the pages: the modules' own text, and the Python that they run on."""
    texts = [(Path(__file__).parent / name).read_bytes() for name in MADE_BY]
    return sha256(b"".join([sys.version.encode(), *texts])).hexdigest().encode()
