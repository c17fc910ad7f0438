"""A PDF's pages as tables, one at a time. It runs in a process of its own: see sync.exports.process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pikepdf

from sync.exceptions import ExportDamaged, PageUnreadable
from sync.exports import fallback
from sync.exports.erp_page import ErpPages, NotErpPage
from sync.exports.kept_tables import KeptTables
from sync.exports.limits import Limits
from sync.exports.page import PageTable
from sync.exports.pdf import OpenPdf, open_document
from sync.messages import Message
from sync.messages import gettext_noop as _

MOST_CELLS = 20_000  # of a page; the ERP's have 500
MOST_CHARACTERS = 500_000  # of a page; the ERP's have 10,000
# Of all pages. The densest export of the ERP has a cell for 30 bytes of the file, and a character for 2.
CELLS_IN_ALL, CELLS_OF_SIZE = 100_000, 1 / 4
CHARACTERS_IN_ALL, CHARACTERS_OF_SIZE = 10_000_000, 8


@contextmanager
def open_pages(path: Path, limits: Limits, kept: KeptTables | None = None) -> Iterator[PdfPages]:
    """Open an export. Whatever cannot be read is an ExportError, here or while iterating."""
    with open_document(path, limits) as document:
        yield PdfPages(document, limits, kept, size=path.stat().st_size)


class PdfPages:
    """The pages of an open PDF."""

    def __init__(self, document: OpenPdf, limits: Limits, kept: KeptTables | None, *, size: int) -> None:
        self.document = document
        self.erp = ErpPages(limits, kept)
        self.limits = limits
        self.count = len(document.pdf.pages)
        self.is_rebuilt = document.rebuilt
        self.sizes = SizeCheck(size)

    def __iter__(self) -> Iterator[PageTable]:
        try:
            for number, page in enumerate(self.document.pdf.pages, start=1):
                table = self.table(page, number)
                self.sizes.check(table)
                yield table
        except pikepdf.PdfError as error:
            raise ExportDamaged(reason=str(error)) from error

    def table(self, page: pikepdf.Page, number: int) -> PageTable:
        try:
            return PageTable(number, *self.erp.table(page, number))
        except NotErpPage:
            return PageTable(number, *fallback.read_table(page, number, self.limits), is_drawn_by_erp=False)


class SizeCheck:
    """Whether pages say no more than a page can show, and all of them no more than a file of this size can hold.

    What comes after them keeps one band, the keys of all records, and all values on the disk.
    """

    def __init__(self, size: int) -> None:
        self.cells = CELLS_IN_ALL + int(CELLS_OF_SIZE * size)
        self.characters = CHARACTERS_IN_ALL + CHARACTERS_OF_SIZE * size
        self.cells_left, self.characters_left = self.cells, self.characters

    def check(self, table: PageTable) -> None:
        """Raises PageUnreadable."""
        page = table.page
        cells = sum(map(len, table.rows))
        characters = sum(len(cell) for row in table.rows for cell in row)
        if cells > MOST_CELLS:
            raise PageUnreadable(page=page, reason=Message(_("it shows more than {count} cells"), count=MOST_CELLS))
        if characters > MOST_CHARACTERS:
            reason = Message(_("it shows more than {count} characters"), count=MOST_CHARACTERS)
            raise PageUnreadable(page=page, reason=reason)
        self.cells_left -= cells
        self.characters_left -= characters
        if self.cells_left < 0:
            reason = Message(_("with it, a file of this size shows more than {count} cells"), count=self.cells)
            raise PageUnreadable(page=page, reason=reason)
        if self.characters_left < 0:
            reason = Message(
                _("with it, a file of this size shows more than {count} characters"), count=self.characters
            )
            raise PageUnreadable(page=page, reason=reason)
