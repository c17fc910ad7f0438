"""How much an export may hold and cost, and what can be told of a file without opening it as a PDF."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sync.exceptions import ExportEmpty, ExportIsWebPage, ExportNotPdf, ExportTooLarge, ExportTruncated
from sync.messages import Message
from sync.messages import gettext_noop as _

HEAD = TAIL = 1024  # bytes within which a PDF's marker stands
END_MARKER = b"%%EOF"


@dataclass(frozen=True)
class Limits:
    """How much an export may hold and cost. The defaults leave room for 100 times the largest real list."""

    file_bytes: int = 1024**3
    pages: int = 200_000
    page_bytes: int = 16 * 1024**2  # one stream, unpacked; a real page is about 75 kB
    memory_bytes: int = 350 * 1024**2  # of the process that reads, beside what the file's size deserves
    seconds: float = 10  # of processor time, for opening, for each page, and in all beside what the size deserves


def check_ends(path: Path, limits: Limits) -> None:
    """Tell a PDF that is all there from what else a browser can leave under that name."""
    size = path.stat().st_size
    if not size:
        raise ExportEmpty
    if size > limits.file_bytes:
        what = Message(_("its size ({size} bytes)"), size=size)
        raise ExportTooLarge(what=what, limit=limits.file_bytes, setting="EXPORT_MAX_BYTES")
    with path.open("rb") as file:
        head = file.read(HEAD)
        file.seek(max(0, size - TAIL))
        tail = file.read()
    if b"%PDF-" not in head:
        start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
        is_html = start.startswith((b"<!doctype html", b"<html", b"<head", b"<?xml", b"<!--"))
        error = ExportIsWebPage if is_html else ExportNotPdf
        raise error(start=" ".join(head[:20].decode("latin-1").split()))
    if END_MARKER not in tail:
        raise ExportTruncated(reason=Message(_("the PDF's end marker is missing")))
