"""What the demo ERP knows and shows is what is read, however it is drawn, and what is mirrored."""

from __future__ import annotations

import dataclasses
import json
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from io import StringIO
from operator import itemgetter
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from reportlab.lib import colors
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.platypus import PageBreak, SimpleDocTemplate, Table, TableStyle

from demo.erp.erp import DemoErp
from demo.erp.export import ExportedTable
from demo.erp.faults import Fault
from demo.erp.front_end import PlannedFault
from demo.erp.lists import find_list
from demo.erp.records import OrderState
from orders.models import Order, Price
from sync.exceptions import ExportTruncated
from sync.exports.erp_page import ErpPages, NotErpPage
from sync.exports.layout import Footer
from sync.exports.reader import read_export
from sync.models import RecordChange, SyncRun
from sync.service import get_service, list_services
from tests.demo_erp import CachedDemoErp
from tests.lists import DEMO_TYPES, TYPES
from tests.sync.demo import (
    TODAY,
    by_key,
    find_scale_of_two_bands,
    in_the_erp,
    is_mirrored,
    run_sync,
    unusual_notes,
    values,
)
from tests.sync.drawing import pages_in_this_process

REPEATED_HOUR = datetime(2026, 10, 25, 2, 30)  # noqa: DTZ001  # Italian, as the ERP shows it: two moments


@pytest.fixture(params=DEMO_TYPES)
def service(request):
    return get_service(request.param)


@pytest.fixture
def export(service, tmp_path):
    """A list of two bands or three: what the ERP knows, and its export."""
    erp = CachedDemoErp(scale=find_scale_of_two_bands(service.sync_type), today=TODAY)
    path = tmp_path / "export.pdf"
    erp.write_export(service.sync_type, path)
    return in_the_erp(erp, service), path


def stated_totals(sync_type):
    """The control totals that an export of the list should have."""
    columns = [column for page in find_list(sync_type).pages for column in page]
    return [(column.header, column.total.value) for column in columns if column.total]


def check_totals(service, records):
    """All were compared, and only what the ERP adds before it rounds may differ, by less than a cent a record."""
    assert [(total.column, total.function) for total in records.totals] == stated_totals(service.sync_type)
    for total in records.totals:
        assert total.agrees
        assert (total.stated == total.found) or (service.sync_type, total.column) == ("orders", "IMPORTO TOTALE")


@pytest.fixture(scope="module")
def old_erp():
    """A demo ERP in which something has happened every five minutes for two weeks."""
    erp = DemoErp(scale=0.02, today=TODAY)
    for minutes in range(0, 14 * 24 * 60, 5):
        erp.happen(at=datetime.combine(TODAY, time()) + timedelta(minutes=minutes))
    return erp


# Reading


def test_an_export_is_read_as_the_erp_has_it_and_no_page_falls_back(service, export):
    known, path = export
    with read_export(path, service.layout, open_pages=pages_in_this_process) as records:
        assert values(records) == known
        assert records.fallback_pages == []
        assert records.notes == []
        check_totals(service, records)


def test_a_demo_that_has_run_for_weeks_is_read_as_it_is(service, old_erp, tmp_path):
    old_erp.write_export(service.sync_type, tmp_path / "export.pdf")
    with read_export(tmp_path / "export.pdf", service.layout, open_pages=pages_in_this_process) as records:
        assert values(records) == in_the_erp(old_erp, service)
        assert records.notes == []
        check_totals(service, records)


def test_totals_have_room_in_a_demo_whose_lists_have_grown_past_the_real_ones(tmp_path):
    erp = DemoErp(scale=0.02, today=TODAY)
    for _ in range(12_000):
        erp.happen("new-order")
    service = get_service("customers")
    erp.write_export("customers", tmp_path / "export.pdf")
    with read_export(tmp_path / "export.pdf", service.layout, open_pages=pages_in_this_process) as records:
        assert values(records) == in_the_erp(erp, service)
        check_totals(service, records)
        assert max(total.found for total in records.totals) > 10_000_000


def test_pdfplumber_reads_the_same_records_and_totals(service, export, monkeypatch):
    known, path = export

    def refuse(*_):
        raise NotErpPage

    monkeypatch.setattr(ErpPages, "table", refuse)
    with read_export(path, service.layout, open_pages=pages_in_this_process) as records:
        assert values(records) == known
        assert records.fallback_pages == list(range(1, records.pages.count + 1))
        check_totals(service, records)


@pytest.mark.parametrize(("seed", "today"), [(1, date(2026, 1, 1)), (2, date(2028, 2, 29)), (3, date(2026, 10, 26))])
def test_other_records_of_other_days_are_read_as_the_erp_has_them(service, tmp_path, seed, today):
    erp = DemoErp(scale=0.05, seed=seed, today=today)
    erp.write_export(service.sync_type, tmp_path / "export.pdf")
    with read_export(tmp_path / "export.pdf", service.layout, open_pages=pages_in_this_process) as records:
        assert values(records) == in_the_erp(erp, service)
        assert records.notes == []
        check_totals(service, records)


def distinct(record, place):
    """The record with a value in each field that no other field of it has."""
    fields = enumerate(dataclasses.fields(record), start=1)
    return dataclasses.replace(record, **{field.name: distinct_value(field.type, at, place) for at, field in fields})


def distinct_value(kind, at, place):
    match kind.removesuffix(" | None"):
        case "bool":
            return bool(place >> (at % 4) & 1)  # the booleans of a list stand closely together
        case "int":
            return 100 * at + place
        case "Decimal":
            return Decimal(100 * at + place) / 4
        case "datetime":
            return datetime(2025, 6, 1, 8) + timedelta(days=at, minutes=place)  # noqa: DTZ001
        case "date":
            return date(2025, 1, 1) + timedelta(days=at, weeks=place)
        case "str":
            return f"{at}.{place}"


def test_no_column_is_taken_for_another(service, tmp_path):
    """Also those that are alike, or always empty, in the demo ERP."""
    erp = DemoErp(scale=0, today=TODAY)
    name = service.sync_type
    for place in range(erp.count_records(name)):
        erp.world.change(name, place, distinct(erp.world.find_record(name, place), place))
    known = in_the_erp(erp, service)
    columns = [tuple(record[field] for record in known) for field in known[0]]
    assert len(set(columns)) == len(columns)
    erp.write_export(name, tmp_path / "export.pdf")
    with read_export(tmp_path / "export.pdf", service.layout, open_pages=pages_in_this_process) as records:
        assert values(records) == known
        check_totals(service, records)


def test_an_export_without_totals_is_refused_where_the_list_always_has_them(service, tmp_path):
    erp = DemoErp(scale=0, today=TODAY)
    erp.write_export(service.sync_type, tmp_path / "export.pdf", footer=False)
    with read_export(tmp_path / "export.pdf", service.layout, open_pages=pages_in_this_process) as records:
        if service.layout.footer is Footer.REQUIRED:
            with pytest.raises(ExportTruncated, match="control totals"):
                list(records)
        else:
            assert values(records) == in_the_erp(erp, service)
            assert records.notes == ["The export has no control totals to compare."]


# Another producer

GRID = TableStyle(
    [
        ("GRID", (0, 0), (-1, -1), 0.5, colors.grey),
        ("FONT", (0, 0), (-1, -1), "Helvetica", 8, 9),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ]
)
RECORDS_PER_BAND = 7


def other_producer(path, erp, demo_list):
    """The list as another program would draw it: as wide as its texts, in bands of a few records."""
    columns = [column for page in demo_list.pages for column in page]
    table = ExportedTable(columns, faults=())
    rows = list(table.make_rows(erp.find_records(demo_list.sync_type), demo_list.key))
    headers = [column.header.replace(" ", "\n", 1) for column in columns]
    widths = [
        8
        + max(
            stringWidth(line, "Helvetica", 8)
            for row in [headers, *rows, table.make_totals()]
            for line in row[at].split("\n")
        )
        + 8
        for at in range(len(columns))
    ]
    flow = []
    for start in range(0, len(rows), RECORDS_PER_BAND):
        band = [headers, *rows[start : start + RECORDS_PER_BAND]]
        if start + RECORDS_PER_BAND >= len(rows):
            band.append(table.make_totals())
        left = 0
        for page in demo_list.pages:
            right = left + len(page)
            flow += [Table([row[left:right] for row in band], widths[left:right], style=GRID), PageBreak()]
            left = right
    SimpleDocTemplate(str(path), pagesize=(1600, 600)).build(flow)
    return path


def test_an_export_drawn_by_another_producer_gives_the_same_records(service, tmp_path):
    erp = DemoErp(scale=0, today=TODAY)
    path = other_producer(tmp_path / "other.pdf", erp, find_list(service.sync_type))
    with read_export(path, service.layout, open_pages=pages_in_this_process) as records:
        assert values(records) == in_the_erp(erp, service)
        assert records.fallback_pages == list(range(1, records.pages.count + 1))
        bands = -(-erp.count_records(service.sync_type) // RECORDS_PER_BAND)
        assert bands > 1
        assert records.pages.count == bands * len(find_list(service.sync_type).pages)
        check_totals(service, records)


# Mirroring, over HTTP


Change = tuple[str, str, str, dict[str, Any]]  # type, key, kind, fields with their old and new values


def run_all():
    """As `runsync all` does: every type, the most urgent first."""
    runs = [run_sync(service.sync_type) for service in list_services()]
    assert [(run.sync_type, run.status, run.error_text) for run in runs] == [
        (service.sync_type, "succeeded", "") for service in list_services()
    ]
    return runs


def snapshot(erp):
    return {service.sync_type: by_key(service, in_the_erp(erp, service)) for service in list_services()}


def differences(before, after):
    """What a mirror must write to follow the ERP."""
    found: list[Change] = []
    for sync_type, records in after.items():
        for key, record in records.items():
            old = before[sync_type].get(key)
            if old is None:
                found.append((sync_type, str(key), "created", {field: (None, new) for field, new in record.items()}))
            elif old != record:
                changed = {field: (old[field], new) for field, new in record.items() if old[field] != new}
                found.append((sync_type, str(key), "updated", changed))
    return sorted(found, key=itemgetter(0, 1))


def written(runs):
    """What the runs wrote, in the same form."""
    found = []
    for change in RecordChange.objects.filter(run__in=runs):
        columns: Any = {field.name: field for field in get_service(change.sync_type).model._meta.get_fields()}
        fields = {
            name: tuple(columns[name].to_python(value) for value in old_and_new)
            for name, old_and_new in change.fields.items()
        }
        found.append((change.sync_type, change.key, change.kind, fields))
    return sorted(found, key=itemgetter(0, 1))


def test_a_first_run_of_all_mirrors_the_whole_erp(db, erp, demo_server, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        runs = run_all()
    for run in runs:
        size = erp.count_records(run.sync_type)
        assert (run.mode, run.read, run.created, run.updated, run.unchanged) == ("full", size, size, 0, 0)
        assert (unusual_notes(run), len(run.control_totals)) == ([], len(stated_totals(run.sync_type)))
        assert run.pages_read == run.pages > 0
        assert is_mirrored(erp, run.sync_type)
    assert RecordChange.objects.filter(kind="created").count() == sum(erp.world.count_all().values())
    assert not any(settings.EXPORT_DIR.iterdir())


def test_a_second_run_changes_nothing(db, demo_server, mirror_state):
    run_all()
    before = mirror_state()
    for run in run_all():
        assert (run.read, run.mode) == (run.unchanged, "incremental")
        assert (run.created, run.updated, run.missing, run.removed, run.restored) == (0, 0, 0, 0, 0)
    assert mirror_state() == before


def test_the_command_line_mirrors_all_six(db, erp, demo_server):
    output = StringIO()
    call_command("runsync", "all", "--json", stdout=output)
    described = [json.loads(line) for line in output.getvalue().splitlines()]
    assert [each["type"] for each in described] == TYPES
    for each in described:
        assert (each["status"], each["created"]) == ("succeeded", erp.count_records(each["type"]))
        assert is_mirrored(erp, each["type"])


def rows(sync_type: str) -> list[Any]:
    return list(get_service(sync_type).model.objects.all())


def numbers(documents) -> set[str]:
    return {document.number for document in documents}


def test_the_mirrored_records_find_each_other(db, erp, demo_server):
    run_all()
    for order in rows("orders"):
        assert order.customer.account_number == order.account_number
        assert order in Order.objects.matching(account_number=order.customer.account_number)
    for document in [*rows("ddt"), *rows("invoices")]:
        assert document.order.number == document.order_number
        assert document.customer == document.order.customer
    orders = {order.erp_id: order for order in rows("orders")}
    for record in erp.find_records("orders"):
        ddts = [each for each in erp.find_records("ddt") if record.number and each.order_number == record.number]
        invoices = [
            each for each in erp.find_records("invoices") if record.number and each.order_number == record.number
        ]
        assert numbers(orders[record.id].ddts) == numbers(ddts)
        assert numbers(orders[record.id].invoices) == numbers(invoices)


def test_the_mirrored_prices_find_their_products_and_accounts(db, demo_server):
    demo_server.front_end.plan_fault(PlannedFault(Fault.CUSTOMER_PRICES))
    run_all()
    names = {customer.account_number: customer.name for customer in rows("customers")}
    products = {product.erp_id for product in rows("products")}
    for price in rows("prices"):
        assert (price.product is not None) == (price.product_erp_id in products)
        assert price.product is None or price in price.product.prices
        if price.audience == Price.Audience.CUSTOMER:
            assert (price.customer.name, price.account_description) == (names[price.account], names[price.account])
        else:
            assert (price.audience, price.customer) == (Price.Audience.GROUP, None)
    audiences = {price.audience for price in rows("prices")}
    assert audiences == {Price.Audience.CUSTOMER, Price.Audience.GROUP}


def test_the_lists_find_each_other_in_whichever_order_they_arrive(db, demo_server):
    for service in reversed(list_services()):
        assert run_sync(service.sync_type).status == SyncRun.Status.SUCCEEDED
    assert all(document.order and document.customer for document in [*rows("ddt"), *rows("invoices")])
    products = {product.erp_id for product in rows("products")}
    assert all(price.product for price in rows("prices") if price.product_erp_id in products)


def test_whatever_happens_in_the_erp_one_more_run_brings_the_mirror_to_it(db, demo_server):
    erp = demo_server.erp = CachedDemoErp(scale=0, today=TODAY)
    run_all()
    kinds = set()
    for what in (
        "new-customer",
        "changed-customer",
        "changed-price",
        "changed-product",
        "new-order",
        *until_invoiced(erp),
    ):
        before = snapshot(erp)
        happened = erp.happen(what, at=REPEATED_HOUR)
        due = differences(before, snapshot(erp))
        assert due, happened
        runs = run_all()
        assert written(runs) == due, happened
        counted = [(run.created, run.updated, run.read) for run in runs]
        assert counted == [(*tally(due, run.sync_type), erp.count_records(run.sync_type)) for run in runs], happened
        kinds |= {(sync_type, kind) for sync_type, _, kind, _ in due}
    assert kinds == {
        *((sync_type, "created") for sync_type in ("customers", "orders", "ddt", "invoices")),
        *((sync_type, "updated") for sync_type in ("customers", "orders", "prices", "products")),
    }
    assert all(is_mirrored(erp, sync_type) for sync_type in DEMO_TYPES)
    for run in [run_sync(sync_type, mode="full") for sync_type in DEMO_TYPES]:
        assert (run.mode, run.unchanged, run.missing) == ("full", erp.count_records(run.sync_type), 0)


def until_invoiced(erp):
    """As many steps as the ERP's orders have before them, and one more order."""
    steps = {OrderState.PENDING: 3, OrderState.OPEN: 2, OrderState.DELIVERED: 1, OrderState.INVOICED: 0}
    left = [
        steps[order.sales_state, order.document_state, order.transfer_state] for order in erp.find_records("orders")
    ]
    return ["next-state"] * (sum(left) + steps[OrderState.PENDING])


def tally(due, sync_type):
    """Created, updated."""
    kinds = [kind for type_of_change, _, kind, _ in due if type_of_change == sync_type]
    return kinds.count("created"), kinds.count("updated")


def test_a_customer_that_just_came_or_changed_is_there_after_one_smart_run(db, erp, demo_server):
    run_all()
    before = snapshot(erp)
    for what in ("new-customer", "changed-customer"):
        erp.happen(what, at=REPEATED_HOUR)
    due = [change for change in differences(before, snapshot(erp)) if change[0] == "customers"]
    run = run_sync("customers", mode="smart")
    assert (run.status, run.created, run.updated) == (SyncRun.Status.SUCCEEDED, 1, 1)
    assert written([run]) == due
    assert is_mirrored(erp, "customers")
