"""What one page says, as the process that reads the PDF tells it."""

from __future__ import annotations

from typing import NamedTuple

Table = list[list[str]]


class PageTable(NamedTuple):
    """What one page shows: its number, from 1, and its rows of texts, the header first."""

    page: int
    rows: Table
    is_drawn_by_erp: bool = True  # else pdfplumber read it
