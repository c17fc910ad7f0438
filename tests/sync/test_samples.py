"""The ERP's own exports, with scrambled texts, where they stand beside the project."""

from itertools import chain

import pdfplumber
import pikepdf
import pytest

from customers.models import Customer
from orders.models import Ddt, Invoice, Order
from sync import runner
from sync.exports.erp_page import ErpPages
from sync.exports.limits import Limits
from sync.models import SyncRun
from sync.queue import request_sync

SAMPLES = [
    ("customers", "Clienti.pdf", Customer, 116, 7, 24),
    ("orders", "Ordini.pdf", Order, 99, 3, 28),
    ("ddt", "Documenti di trasporto.pdf", Ddt, 53, 2, 24),
    ("invoices", "Fatture.pdf", Invoice, 74, 7, 21),
]


@pytest.mark.parametrize(("sync_type", "file", "model", "records", "totals", "pages"), SAMPLES)
@pytest.mark.django_db
def test_a_sample_is_mirrored_whole(erp_exports, sync_type, file, model, records, totals, pages):
    run = request_sync(sync_type, trigger=SyncRun.Trigger.MANUAL, given_file=erp_exports / file)
    runner.wait_for(run)
    assert (run.status, run.error_text) == (SyncRun.Status.SUCCEEDED, "")
    assert (run.read, run.created, model.objects.count()) == (records, records, records)
    assert (len(run.control_totals), run.pages, run.pages_read) == (totals, pages, pages)
    assert run.notes == []  # every page on the fast path, every column where it is expected


@pytest.mark.parametrize("file", [sample[1] for sample in SAMPLES])
def test_every_cell_is_what_pdfplumber_reads(erp_exports, file):
    """But for texts that, scrambled, grew wider than their cells: pdfplumber gives their ends to the neighbours.

    There, what was drawn is the measure: all the page's characters, in the order of drawing.
    """
    erp_pages, spoilt = ErpPages(Limits()), []
    with pikepdf.open(erp_exports / file) as pdf, pdfplumber.open(erp_exports / file) as plumbed:
        for number, page in enumerate(plumbed.pages, start=1):
            table = erp_pages.table(pdf.pages[number - 1], number).rows
            (plumbed_table,) = page.extract_tables()
            assert [len(row) for row in table] == [len(row) for row in plumbed_table]
            assert without_spaces(char["text"] for char in page.chars) == without_spaces(chain.from_iterable(table))
            spoilt += [
                (number, ours, theirs)
                for row, plumbed_row in zip(table, plumbed_table, strict=True)
                for ours, theirs in zip(row, plumbed_row, strict=True)
                if ours.split() != (theirs or "").split()
            ]
            page.close()
    assert all(has_runaway_text(erp_exports / file, number) for number, _, _ in spoilt), spoilt
    assert len(spoilt) <= 10


def without_spaces(texts):
    return "".join("".join(texts).split())


def has_runaway_text(path, number):
    """Whether a character of the page stands outside the clip that its text is drawn under."""
    with pdfplumber.open(path, pages=[number]) as pdf:
        (page,) = pdf.pages
        (table,) = page.find_tables()
        edges = {edge for cell in table.cells for edge in (cell[0], cell[2])}
        return any(char["x0"] < edge < char["x1"] for char in page.chars for edge in edges) or any(
            char["x1"] > table.bbox[2] for char in page.chars
        )
