"""A PDF's pages and streams, opened strictly and unpacked within limits."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pikepdf

from sync.exceptions import ExportDamaged, ExportEncrypted, ExportTooLarge, PageUnreadable
from sync.exports.limits import Limits
from sync.messages import Message
from sync.messages import gettext_noop as _

NO_MEMORY = "bad_alloc"  # as qpdf warns of a stream that it therefore takes as empty
MOST_FILTERS = 3  # of a stream; the ERP packs once


@dataclass(frozen=True)
class OpenPdf:
    """An open PDF, and whether its structure was damaged and had to be rebuilt."""

    pdf: pikepdf.Pdf
    rebuilt: bool


@contextmanager
def open_document(path: Path, limits: Limits) -> Iterator[OpenPdf]:
    """Open an export. Raises the ExportError that says why it cannot be read."""
    with ExitStack() as files:
        try:
            document = open_pdf(path, limits, files)
        except pikepdf.PasswordError:
            raise ExportEncrypted from None
        except (pikepdf.PdfError, RuntimeError) as error:  # qpdf's own errors are either
            raise ExportDamaged(reason=str(error).removeprefix(f"{path}").removeprefix(": ").strip()) from error
        except UnicodeError as error:
            raise ExportDamaged(reason=Message(_("a name in it is not text ({cause})"), cause=error)) from error
        yield document


def open_pdf(path: Path, limits: Limits, files: ExitStack) -> OpenPdf:
    """Open strictly; a PDF whose structure is damaged anywhere, if only by a wrong length, is rebuilt by qpdf."""
    try:
        return OpenPdf(open_checked(path, limits, files, attempt_recovery=False), rebuilt=False)
    except pikepdf.PasswordError:
        raise
    except (pikepdf.PdfError, RuntimeError, UnicodeError, ExportDamaged):
        return OpenPdf(open_checked(path, limits, files, attempt_recovery=True), rebuilt=True)


def open_checked(path: Path, limits: Limits, files: ExitStack, *, attempt_recovery: bool) -> pikepdf.Pdf:
    """Open a PDF and check its pages. Without recovery, PdfError also for what qpdf only warns of."""
    with pikepdf.open(path, attempt_recovery=attempt_recovery, inherit_page_attributes=False) as unchanged:
        tree = unchanged.Root.get("/Pages")
        counted = (
            tree.get("/Count") if isinstance(tree, pikepdf.Dictionary) else None
        )  # qpdf leaves out what is no page
    pdf = files.enter_context(pikepdf.open(path, attempt_recovery=attempt_recovery))
    try:
        count = len(pdf.pages)
        if count > limits.pages:
            what = Message(_("its number of pages ({count})"), count=count)
            raise ExportTooLarge(what=what, limit=limits.pages, setting="EXPORT_MAX_PAGES")
        if counted != count:
            reason = Message(_("it has {count} pages, although it declares {counted}"), count=count, counted=counted)
            raise ExportDamaged(reason=reason)
        check_pages(pdf)
    finally:
        warnings = pdf.get_warnings()
        if any(NO_MEMORY in warning for warning in warnings):
            raise MemoryError(warnings[0])
    if warnings and not attempt_recovery:
        raise pikepdf.PdfError(warnings[0])
    return pdf


def check_pages(pdf: pikepdf.Pdf) -> None:
    """Every page has a content that no other page shows.

    All that pages are read from is looked at, so that qpdf warns of what is damaged before the first page is read: it
    drops what it cannot parse, and a page that lacks it would show less than the ERP drew.
    """
    pages_by_content: dict[tuple[tuple[int, int], ...], int] = {}
    seen: set[tuple[int, int]] = set()
    for number, page in enumerate(pdf.pages, start=1):
        contents = page.obj.get("/Contents")
        parts = contents.as_list() if isinstance(contents, pikepdf.Array) else [contents]
        content = tuple(part.objgen for part in parts if isinstance(part, pikepdf.Stream))
        if not content or len(content) < len(parts):
            raise ExportDamaged(reason=Message(_("page {page} has no content"), page=number))
        if (other := pages_by_content.setdefault(content, number)) != number:
            reason = Message(_("page {page} shows the content of page {other}"), page=number, other=other)
            raise ExportDamaged(reason=reason)
        find_streams(page.obj.get("/Resources"), seen)


def find_streams(found: Any, seen: set[tuple[int, int]]) -> list[pikepdf.Stream]:
    """The streams that an object holds, at any depth, but for what was seen before."""
    held: list[pikepdf.Stream] = []
    waiting = [found]
    while waiting:
        found = waiting.pop()
        if not isinstance(found, pikepdf.Object) or found.objgen in seen:
            continue
        if found.is_indirect:
            seen.add(found.objgen)
        if isinstance(found, pikepdf.Stream):
            held.append(found)
        if isinstance(found, pikepdf.Array):
            waiting.extend(reversed(found.as_list()))
        elif isinstance(found, pikepdf.Dictionary | pikepdf.Stream):
            waiting.extend(value for key, value in found.items() if key != "/Parent")
    return held


def unpack_stream(stream: pikepdf.Stream, *, page: int, limits: Limits) -> bytes:
    """A stream's bytes. Raises ExportTooLarge before more than the limit is unpacked."""
    data = stream.read_raw_bytes()
    names = list_filters(stream)
    if len(names) > MOST_FILTERS:
        raise PageUnreadable(page=page, reason=Message(_("it is compressed {count} times"), count=len(names)))
    for name in names:
        data = unpack(data, name, page=page, limit=limits.page_bytes)
    check_stream_size(data, page=page, limit=limits.page_bytes)
    return data


def check_stream_size(content: bytes, *, page: int, limit: int) -> None:
    if len(content) > limit:
        what, most = Message(_("page {page}, decompressed,"), page=page), Message(_("{count} bytes"), count=limit)
        raise ExportTooLarge(what=what, limit=most, setting="EXPORT_MAX_PAGE_BYTES")


def list_filters(stream: pikepdf.Stream) -> list[str]:
    """The names of a stream's filters, outermost first."""
    declared = stream.get("/Filter", pikepdf.Array())
    names = declared.as_list() if isinstance(declared, pikepdf.Array) else [declared]
    return [name.unparse().decode("latin-1") if isinstance(name, pikepdf.Name) else "no filter" for name in names]


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
        reason = Message(_("page {page} cannot be decompressed ({cause})"), page=page, cause=error)
        raise ExportDamaged(reason=reason) from error
    raise PageUnreadable(page=page, reason=Message(_("it is compressed with {filter}"), filter=name))


def inflate(data: bytes, *, page: int, limit: int) -> bytes:
    inflater = zlib.decompressobj()
    content = inflater.decompress(data, limit + 1)
    check_stream_size(content, page=page, limit=limit)
    if not inflater.eof:
        raise ExportDamaged(reason=Message(_("page {page} is cut short"), page=page))
    return content
