"""What one page says, as the process that reads the PDF tells it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Table(NamedTuple):
    """Rows of texts, the header first, and where these begin and end, from the topmost edge on.

    A newline in a text is where the ERP broke it. Edges are in points from the page's lower edge.
    """

    rows: list[list[str]]
    edges: list[float]


class PageTable(NamedTuple):
    """What one page shows: its number, from 1, and its table."""

    page: int
    rows: list[list[str]]
    edges: Sequence[float] = ()
    is_drawn_by_erp: bool = True  # else pdfplumber read it
