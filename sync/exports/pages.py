"""A PDF's pages as tables, one at a time. It runs in a process of its own: see sync.exports.process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pikepdf

from sync.exceptions import ExportDamaged
from sync.exports import fallback
from sync.exports.erp_page import ErpPages, NotErpPage
from sync.exports.kept_tables import KeptTables
from sync.exports.limits import Limits
from sync.exports.page import PageTable
from sync.exports.pdf import OpenPdf, opened


@contextmanager
def open_pages(path: Path, limits: Limits, kept: KeptTables | None = None) -> Iterator[PdfPages]:
    """Open an export. Whatever cannot be read is an ExportError, here or while iterating."""
    with opened(path, limits) as document:
        yield PdfPages(document, limits, kept)


class PdfPages:
    """The pages of an open PDF."""

    def __init__(self, document: OpenPdf, limits: Limits, kept: KeptTables | None) -> None:
        self.document = document
        self.erp = ErpPages(limits, kept)
        self.limits = limits
        self.count = len(document.pdf.pages)
        self.is_rebuilt = document.rebuilt

    def __iter__(self) -> Iterator[PageTable]:
        try:
            for number, page in enumerate(self.document.pdf.pages, start=1):
                yield self.table(page, number)
        except pikepdf.PdfError as error:
            raise ExportDamaged(reason=str(error)) from error

    def table(self, page: pikepdf.Page, number: int) -> PageTable:
        try:
            return PageTable(number, *self.erp.table(page, number))
        except NotErpPage:
            return PageTable(number, *fallback.read_table(page, number, self.limits), is_drawn_by_erp=False)
