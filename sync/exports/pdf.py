"""A PDF's pages and streams, opened strictly and unpacked within limits."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pikepdf

from sync.exceptions import (
    ExportDamaged,
    ExportEmpty,
    ExportEncrypted,
    ExportIsWebPage,
    ExportNotPdf,
    ExportTooLarge,
    ExportTruncated,
    PageUnreadable,
)

HEAD = TAIL = 1024  # bytes within which a PDF's marker stands
END_MARKER = b"%%EOF"


@dataclass(frozen=True)
class Limits:
    """How much an export may hold. The defaults leave room for 100 times the largest real list."""

    file_bytes: int = 1024**3
    pages: int = 200_000
    page_bytes: int = 16 * 1024**2  # one stream, unpacked; a real page is about 75 kB


@dataclass(frozen=True)
class OpenPdf:
    """An open PDF, and whether its page index had to be rebuilt to open it."""

    pdf: pikepdf.Pdf
    rebuilt: bool


@contextmanager
def opened(path: Path, limits: Limits) -> Iterator[OpenPdf]:
    """Open an export. Raises the ExportError that says why it cannot be read."""
    check_ends(path, limits)
    try:
        document = open_pdf(path)
    except pikepdf.PasswordError:
        raise ExportEncrypted from None
    except pikepdf.PdfError as error:
        raise ExportDamaged(reason=str(error).removeprefix(f"{path}: ")) from error
    with document.pdf:
        if document.pdf.is_encrypted:
            raise ExportEncrypted
        count = page_count(document.pdf)
        if count > limits.pages:
            raise ExportTooLarge(what=f"its number of pages ({count})", limit=limits.pages, setting="EXPORT_MAX_PAGES")
        yield document


def page_count(pdf: pikepdf.Pdf) -> int:
    try:
        return len(pdf.pages)
    except (pikepdf.PdfError, RuntimeError) as error:  # qpdf's own errors are either
        raise ExportDamaged(reason=str(error)) from error


def check_ends(path: Path, limits: Limits) -> None:
    """Tell a PDF that is all there from what else a browser can leave under that name."""
    size = path.stat().st_size
    if not size:
        raise ExportEmpty
    if size > limits.file_bytes:
        raise ExportTooLarge(what=f"its size ({size} bytes)", limit=limits.file_bytes, setting="EXPORT_MAX_BYTES")
    with path.open("rb") as file:
        head = file.read(HEAD)
        file.seek(max(0, size - TAIL))
        tail = file.read()
    if b"%PDF-" not in head:
        error = ExportIsWebPage if looks_like_html(head) else ExportNotPdf
        raise error(start=" ".join(head[:20].decode("latin-1").split()))
    if END_MARKER not in tail:
        raise ExportTruncated(reason="the PDF's end marker is missing")


def looks_like_html(head: bytes) -> bool:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return start.startswith((b"<!doctype html", b"<html", b"<head", b"<?xml", b"<!--"))


def open_pdf(path: Path) -> OpenPdf:
    """Open strictly; a PDF that only lacks a right index is opened by rebuilding it."""
    try:
        return OpenPdf(pikepdf.open(path, attempt_recovery=False), rebuilt=False)
    except pikepdf.PasswordError:
        raise
    except pikepdf.PdfError:
        return OpenPdf(pikepdf.open(path, suppress_warnings=True), rebuilt=True)


def unpacked(stream: pikepdf.Stream, *, page: int, limits: Limits) -> bytes:
    """A stream's bytes. Raises ExportTooLarge before more than the limit is unpacked."""
    data = stream.read_raw_bytes()
    for name in filters(stream):
        data = unpack(data, name, page=page, limit=limits.page_bytes)
    check_size(data, page=page, limit=limits.page_bytes)
    return data


def check_size(content: bytes, *, page: int, limit: int) -> None:
    if len(content) > limit:
        raise ExportTooLarge(what=f"page {page}, unpacked,", limit=f"{limit} bytes", setting="EXPORT_MAX_PAGE_BYTES")


def filters(stream: pikepdf.Stream) -> list[str]:
    """The names of a stream's filters, outermost first."""
    declared = stream.get("/Filter", pikepdf.Array())
    return [str(declared)] if isinstance(declared, pikepdf.Name) else [str(name) for name in declared.as_list()]


def unpack(data: bytes, name: str, *, page: int, limit: int) -> bytes:
    """Undo one filter."""
    try:
        match name:
            case "/FlateDecode":
                return inflate(data, page=page, limit=limit)
            case "/ASCII85Decode":
                return base64.a85decode(data.strip().removesuffix(b"~>"))
            case "/ASCIIHexDecode":
                return bytes.fromhex(data.decode("ascii").partition(">")[0])
    except (ValueError, zlib.error) as error:
        raise ExportDamaged(reason=f"page {page} cannot be unpacked ({error})") from error
    raise PageUnreadable(page=page, reason=f"it is packed with {name}")


def inflate(data: bytes, *, page: int, limit: int) -> bytes:
    inflater = zlib.decompressobj()
    content = inflater.decompress(data, limit + 1)
    check_size(content, page=page, limit=limit)
    if not inflater.eof:
        raise ExportDamaged(reason=f"page {page} is cut short")
    return content
