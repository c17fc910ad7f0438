"""A small list, drawn as the ERP draws it, for tests of reading."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from demo.erp.pdf import Column as Drawn
from demo.erp.pdf import write_pdf
from sync.exports.layout import Column, ExportLayout, Footer, ignored
from sync.exports.limits import Limits, check_ends
from sync.exports.pages import open_pages
from sync.exports.reader import Pages, read_export
from sync.exports.values import boolean, date, integer, money, text
from sync.progress import Progress
from sync.service import SyncService

LAYOUT = ExportLayout(
    key="erp_id",
    columns=[
        ignored("IMMAGINE"),
        Column("ID", "erp_id", integer, required="the key"),
        Column("NOME:", "name", text, required="nobody is found without it"),
        Column("CONTEGGIO", "orders_last_year", integer),
        Column("VENDITE", "sales_last_year", money),
        Column("CONTEGGIO 2", "orders_before", integer),
        Column("VENDITE", "sales_before", money, occurrence=2),
        Column("ALL’ATTENZIONE DI:", "attention_to", text),
        Column("DATA DELL'ULTIMO ORDINE", "last_order", date),
        Column("BLOCCATO", "is_blocked", boolean),
    ],
)
HEADERS = [column.header for column in LAYOUT.columns]
ROW = ["System.Byte[]", "1.001", "Studio Alfa", "3", "1.200,50 €", "1", "80,00 €", "", "18/01/2026", "No"]
FOOTER = ["", "Count=2", "", "Sum=6", "Sum=2.401 €", "Sum=2", "Sum=160 €", "", "", ""]
PAGES = (3, 3, 2, 2)  # columns on each page of a band


def row(erp_id: str, **cells: str) -> list[str]:
    """A row of the list; cells by field."""
    fields = [column.field for column in LAYOUT.columns]
    values = dict(zip(fields, ROW, strict=True)) | {"erp_id": erp_id} | cells
    return [values[field] for field in fields]


TWO_ROWS = [row("1.001"), row("1.002", name="Studio Beta")]


def draw(
    path: Path,
    rows: Sequence[Sequence[str]] = TWO_ROWS,
    *,
    headers: Sequence[str] = HEADERS,
    footer: Sequence[str] | None = FOOTER,
    pages: Sequence[int] = PAGES,
    **options: Any,
) -> Path:
    """An export of these rows, with so many columns on each page of a band."""
    columns = iter([Drawn(header, width=130) for header in headers])
    strips = [[next(columns) for _ in range(size)] for size in pages]
    write_pdf(path, strips, rows, totals=footer, **options)
    return path


def pages_in_this_process(path: Path, limits: Limits, progress: Progress) -> AbstractContextManager[Pages]:
    """As the process that reads does it, a hundred times as fast as starting one for a page or two."""
    check_ends(path, limits)
    return open_pages(path, limits)


def read(path: Path, layout: ExportLayout = LAYOUT, **options: Any) -> list[dict[str, Any]]:
    """The export's records, each by field."""
    with read_export(path, layout, open_pages=pages_in_this_process, **options) as records:
        read_records = list(records)
        return [dict(zip(records.fields, record.values, strict=True)) for record in read_records]


def notes(path: Path, layout: ExportLayout = LAYOUT) -> Sequence[str]:
    with read_export(path, layout, open_pages=pages_in_this_process) as records:
        list(records)
        return records.notes


def without_footer(layout: ExportLayout = LAYOUT) -> ExportLayout:
    return ExportLayout(key=layout.key, columns=layout.columns, footer=Footer.OPTIONAL)


def draw_list(
    path: Path,
    service: SyncService,
    rows: Sequence[dict[str, str]],
    *,
    hidden: Sequence[str] = (),
    extra: Sequence[str] = (),
    **options: Any,
) -> Path:
    """An export of a mirrored list; a row has texts by field, and what it lacks is empty, as are the extra columns."""
    columns = [column for column in service.layout.columns if column.field not in hidden]
    columns += [ignored(header) for header in extra]
    texts = [[cells.get(column.field, "") for column in columns] for cells in rows]
    footer = [f"Count={len(rows)}" if column is service.layout.key_column else "" for column in columns]
    strips = [[Drawn(column.header, width=110) for column in columns[at : at + 4]] for at in range(0, len(columns), 4)]
    write_pdf(path, strips, texts, **{"totals": footer} | options)
    return path
