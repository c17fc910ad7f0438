"""The demo ERP's records in the mirror's own words, written apart from the layouts: neither can be wrong alone."""

from __future__ import annotations

import html
import re
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

from demo.erp.data import REAL_SIZES
from demo.erp.erp import DemoErp
from demo.erp.lists import find_list
from sync.coordinator import runner
from sync.coordinator.queue import request_sync
from sync.database import search
from sync.exports.reader import Records
from sync.models import MirroredModel, SyncRun
from sync.service import SyncService, get_service
from tests.demo_erp import CachedDemoErp

TODAY = date(2026, 1, 20)
ROME = ZoneInfo("Europe/Rome")
LINK_TEXT = re.compile(r"<a .*>(.*)</a>")
FIELDS = {  # what the mirror calls otherwise than the demo ERP, beside `erp_id`, which is its `id`
    "customers": {
        "account_number": "account",
        "certified_email": "pec",
        "sdi_code": "sdi",
        "tax_code": "fiscal_code",
        "website": "url",
        "attention_to": "attention",
        "last_order_date": "last_order",
        "customer_type": "type",
        "external_account_number": "external_account",
        "our_account_number": "our_account",
    },
    "orders": {
        "account_number": "account",
        "delivery_address": "address",
        "ordered_at": "created_at",
        "sales_status": "sales_state",
        "order_type": "type",
        "document_status": "document_state",
        "sales_origin": "origin",
        "transfer_status": "transfer_state",
        "discount_percent": "discount",
        "gross_amount": "gross",
        "total_amount": "net",  # the total as it is printed
    },
    "ddt": {
        "account_number": "account",
        "delivery_address": "address",
        "delivery_terms": "terms",
        "attention_to": "attention",
    },
    "invoices": {
        "invoice_date": "issued_on",
        "account_number": "account",
        "sales_balance": "net",
        "tax_amount": "tax",
        "total_amount": "total",
        "settled_amount": "settled",
        "last_payment_number": "last_payment",
        "last_settlement_date": "settled_on",
        "closed_date": "closed_on",
        "remaining_amount": "remaining",
    },
    "products": {
        "minimum_quantity": "minimum",
        "multiple_quantity": "multiple",
        "maximum_quantity": "maximum",
        "erp_modified_at": "modified_at",
        "is_blocked": "is_stopped",
        "bulk_product_id": "bulk_id",
        "erp_created_by": "created_by",
        "erp_created_at": "created_at",
        "erp_modified_by": "modified_by",
    },
    "prices": {"account_description": "account_name", "product_erp_id": "product_id"},
}

Values = dict[str, Any]


@cache
def find_scale_of_two_bands(sync_type: str) -> float:
    """The smallest scale at which the demo ERP's export of a list has two bands or three."""
    with TemporaryDirectory() as folder:
        for records in (25, 40, 55, 70, 90, 120):
            scale = records / REAL_SIZES[sync_type]
            written = CachedDemoErp(scale=scale, today=TODAY).write_export(sync_type, Path(folder, "export.pdf"))
            if 2 <= written.pages / len(find_list(sync_type).pages) <= 3:
                return scale
    raise AssertionError(f"demo/erp/data.py: REAL_SIZES: {sync_type} has too few records for two bands")


def name_in_the_erp(service: SyncService, field: str) -> str:
    """What the demo ERP calls a field of the mirror."""
    return {"erp_id": "id", **FIELDS.get(service.sync_type, {})}.get(field, field)


def in_the_erp(erp: DemoErp, service: SyncService) -> list[Values]:
    """What the ERP knows of a list, in the order in which it shows it."""
    names = {field: name_in_the_erp(service, field) for field in mirrored_fields(service.model)}
    records = list(erp.find_records(service.sync_type))
    unknown = [field for field, name in names.items() if not hasattr(records[0], name)]
    assert not unknown, (
        f"Write into FIELDS of tests/sync/demo.py what demo/erp/records.py calls these fields of {service.sync_type}: "
        + ", ".join(f'"{field}": "…"' for field in unknown)
    )
    return [{field: as_mirrored(getattr(record, name)) for field, name in names.items()} for record in records]


def as_mirrored(value: Any) -> Any:
    match value:
        case datetime():
            return value.replace(tzinfo=ROME).astimezone(UTC)
        case str():
            link = LINK_TEXT.fullmatch(value)
            return html.unescape(link[1]) if link else " ".join(value.split())
        case _:
            return value


def mirrored_fields(model: type[MirroredModel]) -> list[str]:
    """The fields that the ERP owns."""
    own = {field.name for field in MirroredModel._meta.get_fields()} | {"id", *search.list_search_texts(model)}
    return [field.name for field in model._meta.fields if field.name not in own]


def in_the_mirror(service: SyncService) -> list[Values]:
    """The rows of a list that are present, by key."""
    return list(service.model.objects.present().order_by(service.layout.key).values(*mirrored_fields(service.model)))


def by_key(service: SyncService, records: list[Values]) -> dict[Any, Values]:
    return {record[service.layout.key]: record for record in records}


def is_mirrored(erp: DemoErp, sync_type: str) -> bool:
    """Whether the mirror shows a list as the ERP does, and nothing that the ERP does not."""
    service = get_service(sync_type)
    theirs, ours = in_the_erp(erp, service), in_the_mirror(service)
    return len(ours) == len(theirs) and by_key(service, ours) == by_key(service, theirs)


def values(records: Records) -> list[Values]:
    """The values of an export's records by field."""
    return [dict(zip(records.fields, record.values, strict=True)) for record in records]


def unusual_notes(run: SyncRun) -> list[str]:
    """What is noted beside what a healthy ERP's lists always give cause to note."""
    usual = ("Columns seen in an export for the first time", "Prices of a price group without a name")
    return [note for note in run.notes if not note.startswith(usual)]


def last_error(run: SyncRun) -> tuple[str, str]:
    """The name and the text of what stopped a run's last attempt: for good, or until it is tried again."""
    if run.status == SyncRun.Status.QUEUED:
        return run.ended_attempts[-1]["error"], run.ended_attempts[-1]["text"]
    return run.error_class, run.error_text


def run_sync(sync_type: str, *, mode: str = "auto", **options: Any) -> SyncRun:
    """Ask for a sync of the ERP that the settings name, and carry it out."""
    run = request_sync(sync_type, mode=mode, trigger=SyncRun.Trigger.MANUAL, **options)
    runner.wait_for(run)
    return run
