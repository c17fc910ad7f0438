"""What can go wrong at the ERP, through a real run: it ends as it should, and changes nothing unless it succeeds."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from demo.erp.data import REAL_SIZES
from demo.erp.erp import DemoErp
from demo.erp.faults import Fault, Where
from demo.erp.front_end import PlannedFault
from demo.erp.life import HAPPENINGS
from demo.erp.lists import Total, find_list
from demo.erp.server import DEMO_PASSWORD, DEMO_USERNAME
from demo.erp.text import Kind
from orders.models import Product
from orders.pricing import PriceList
from sync import exceptions
from sync.coordinator import kept_exports, runner
from sync.coordinator.queue import accept, request_sync
from sync.erp.http import HttpClient
from sync.exceptions import WITH_BACK_OFF
from sync.mirror.columns import find_hidden_columns
from sync.models import SyncRun
from sync.service import get_service
from tests.demo_erp import CachedDemoErp
from tests.erp.conftest import UNLIMITED
from tests.lists import DEMO_TYPES as TYPES
from tests.snapshot import Rows
from tests.sync.demo import (
    TODAY,
    by_key,
    find_scale_of_two_bands,
    in_the_erp,
    in_the_mirror,
    is_mirrored,
    last_error,
    run_sync,
    unusual_notes,
)

Status = SyncRun.Status

FAILS = {  # how a run ends while the fault strikes, and what it says; in braces, what differs from list to list
    Fault.EXPIRED_SESSION: ("ErpSessionExpired", "its login page instead of the list, even after a new login"),
    Fault.HTML_INSTEAD_OF_PDF: ("ErpSessionExpired", "its login page instead of the list, even after a new login"),
    Fault.SERVER_ERROR: ("ErpAnswerUnexpected", "not with an export: status 500"),
    Fault.ERROR_BANNER: ("ErpAnswerUnexpected", "“Requested objects cannot be loaded” 3 times"),
    Fault.ERROR_RELOAD: ("ErpAnswerUnexpected", "opened anew after 3 clicks on its export item"),
    Fault.FILTER_CHANGED_AT_CLICK: ("ErpFilterChanged", "chose another filter there (xaf_xaf_a1Exclusive_Customers)"),
    Fault.CUT_CONNECTION: ("ErpUnavailable", "the connection broke during the export"),
    Fault.STALLED_CONNECTION: ("ErpUnavailable", "it sent nothing for 0.5 s"),
    Fault.TRUNCATED_FILE: ("ExportTruncated", "the PDF's end marker is missing"),
    Fault.EMPTY_FILE: ("ExportEmpty", "is empty (0 bytes)"),
    Fault.HIDDEN_KEY: ("LayoutChanged", "lacks required columns: {key}. Show them again"),
    Fault.RENAMED_COLUMN: (
        "LayoutChanged",
        "lacks required columns: {key} (unknown columns in the export: CHIAV",  # which a narrow column breaks
    ),
    Fault.WRONG_COUNT: (
        "ControlTotalMismatch",
        "The Count of {counted} is {size} in the export's records, but {one_more} in its footer:",
    ),
    Fault.WRONG_SUM: ("ControlTotalMismatch", "The Sum of {summed} is "),
    Fault.DUPLICATE_KEY: (
        "DuplicateKey",
        "{key} {first} appears twice in the export, the second time on page 1, row 2.",
    ),
    Fault.UNREADABLE_VALUE: ("UnreadableValue", "Page {date_page}, row 2, column {date}: 'n/d' is not a date"),
    Fault.MISSING_PAGE: ("BandIncomplete", "start on page {second_band} have no page with {second_page}."),
    Fault.UNEQUAL_ROWS: ("UnequalRows", "Page 2 has "),
}


NOTED = {
    Fault.EXTRA_COLUMN: "Columns that are not mirrored: NOTE INTERNE.",
    Fault.MOVED_COLUMN: "The columns are in a different order than usual.",
    Fault.HIDDEN_COLUMN: "Columns that are not in the export; their mirrored values are kept: {last_of_second_page}.",
}
PASSING = {
    Fault.EXPIRED_SESSION: 1,
    Fault.HTML_INSTEAD_OF_PDF: 1,
    Fault.ERROR_BANNER: 2,
    Fault.ERROR_RELOAD: 2,
}  # how often a run copes
FILTERS = (Fault.REMEMBERED_FILTER, Fault.KEPT_GRID_FILTER, Fault.SILENT_GRID_FILTER)


def describe_columns(sync_type: str) -> dict[str, Any]:
    """What the errors name of a list's columns, as the ERP shows them; empty if it has none such."""
    pages = find_list(sync_type).pages
    columns = [column for page in pages for column in page]
    summed = [column for column in columns if column.total is Total.SUM]
    dates = [column for column in columns if column.kind in (Kind.DAY, Kind.MOMENT)]
    second_page = [column.header for column in pages[1]]
    return {
        "counted": "".join(column.header for column in columns if column.total is Total.COUNT),
        "summed": min(summed, key=lambda each: each.kind is Kind.INTEGER).header if summed else "",
        "date": dates[0].header if dates else "",
        "date_page": next((number for number, page in enumerate(pages, start=1) if dates and dates[0] in page), 0),
        "second_page": ", ".join(second_page),
        "last_of_second_page": second_page[-1],
        "second_band": len(pages) + 1,
    }


def can_fail(fault: Fault, sync_type: str) -> bool:
    """Whether a list has what the fault makes wrong."""
    if (fault, sync_type) == (Fault.UNREADABLE_VALUE, "products"):  # whose form is only assumed: see below
        return False
    named = {Fault.WRONG_COUNT: "counted", Fault.WRONG_SUM: "summed", Fault.UNREADABLE_VALUE: "date"}.get(fault)
    return named is None or bool(describe_columns(sync_type)[named])


FAILING = [  # the web front end delivers all lists alike
    (fault, sync_type)
    for fault in FAILS
    for sync_type in (TYPES if fault.where is Where.EXPORT else ["customers"])
    if can_fail(fault, sync_type)
]


@pytest.fixture
def erp(sync_type):
    """A demo ERP whose list has two bands or three."""
    return CachedDemoErp(scale=find_scale_of_two_bands(sync_type), today=TODAY)


@pytest.fixture
def strike(demo_server):
    """Lets a fault strike: until it is cleared, or so many times."""

    def strike(fault, *, times=None):
        demo_server.front_end.plan_fault(PlannedFault(fault, times=times))

    return strike


@pytest.fixture
def clear(demo_server):
    return lambda: demo_server.front_end.clear(None)


@pytest.fixture
def impatient_client(demo_server):
    return HttpClient(demo_server.url, DEMO_USERNAME, DEMO_PASSWORD, read_timeout=0.5, **UNLIMITED)


def something_happens(erp, sync_type):
    """A record of the list comes or changes, so that the mirror is behind."""
    before = in_the_erp(erp, get_service(sync_type))
    for what in [*HAPPENINGS] * 20:
        erp.happen(what, at=datetime.combine(TODAY, time(12)))
        if in_the_erp(erp, get_service(sync_type)) != before:
            return
    pytest.fail(f"demo/erp/life.py: nothing in HAPPENINGS changes {sync_type}; write what does, and into FREQUENCIES")


def facts(erp: DemoErp, sync_type: str) -> dict[str, Any]:
    """What the errors name, by list."""
    service = get_service(sync_type)
    return {
        "name": find_list(sync_type).name,
        "key": service.layout.key_column.header,
        "first": in_the_erp(erp, service)[0][service.layout.key],
        "size": erp.count_records(sync_type),
        "one_more": erp.count_records(sync_type) + 1,
        **describe_columns(sync_type),
    }


first_syncs: dict[tuple[str, float], Rows] = {}


def sync_first(erp: DemoErp, sync_type: str) -> None:
    """Mirror a list for the first time. What that makes is kept, and put back for the next test of such an ERP."""
    kept = first_syncs.get(key := (sync_type, erp.world.base.scale))
    if kept:
        kept.restore()
    else:
        run_sync(sync_type)
        first_syncs[key] = Rows()


@pytest.mark.parametrize(("fault", "sync_type"), FAILING)
def test_a_run_fails_by_name_and_changes_nothing_until_the_fault_is_gone(
    db, erp, sync_type, strike, clear, fault, mirror_state, impatient_client, monkeypatch
):
    sync_first(erp, sync_type)
    something_happens(erp, sync_type)
    before = mirror_state()
    strike(fault)
    with monkeypatch.context() as meanwhile:
        if fault is Fault.STALLED_CONNECTION:
            meanwhile.setattr(kept_exports, "get_erp_client", lambda: impatient_client)
        run = run_sync(sync_type)
    name, says = FAILS[fault]
    error, text = last_error(run)
    assert error == name, text
    assert run.status == (Status.QUEUED if getattr(exceptions, error).retried_after == WITH_BACK_OFF else Status.FAILED)
    assert says.format(**facts(erp, sync_type)) in text
    assert (run.read, run.created, run.updated, run.unchanged, run.missing, run.removed) == (0, 0, 0, 0, 0, 0)
    assert mirror_state() == before
    clear()
    assert run_sync(sync_type).status == Status.SUCCEEDED
    assert is_mirrored(erp, sync_type)


def test_every_fault_that_there_is_is_shown_here():
    alone = {Fault.SILENT_FILTER, Fault.HIDDEN_COLUMNS, Fault.ENGLISH}
    of_prices_and_vat = {Fault.NEW_VAT_KEY, Fault.SECOND_PRICE_GROUP, Fault.CUSTOMER_PRICES}
    elsewhere = (Where.PAGE, Where.CHOICE, Where.CLEARING, Where.CALLBACK, Where.LOGIN, Where.REQUEST)
    of_pages = {fault for fault in Fault if fault.where in elsewhere}  # tests/erp/test_front_end.py
    of_a_browser = {
        Fault.ERROR_NAVIGATION,
        Fault.LOGIN_INSTEAD_OF_PDF,
        Fault.SLOW_EXPORT,
        Fault.ENDLESS_EXPORT,
        Fault.OTHER_FILE_NAME,
    }
    shown = {*FAILS, *NOTED, *PASSING, *FILTERS, *alone, *of_prices_and_vat, *of_pages, *of_a_browser}
    assert shown == set(Fault)


@pytest.mark.parametrize("sync_type", TYPES)
@pytest.mark.parametrize("fault", NOTED)
def test_columns_that_were_added_moved_or_hidden_are_noted_and_the_records_are_the_same(
    db, erp, sync_type, strike, clear, fault
):
    sync_first(erp, sync_type)
    if fault is not Fault.HIDDEN_COLUMN:  # whose values could not follow
        something_happens(erp, sync_type)
    strike(fault)
    run = run_sync(sync_type, mode="full")
    assert (run.status, unusual_notes(run)) == (
        Status.SUCCEEDED,
        [NOTED[fault].format(**describe_columns(sync_type))],
    ), run.error_text
    assert is_mirrored(erp, sync_type)
    clear()
    again = run_sync(sync_type, mode="full")
    assert (unusual_notes(again), again.unchanged) == ([], erp.count_records(sync_type))


@pytest.mark.parametrize("sync_type", TYPES)
def test_a_session_s_hidden_columns_keep_their_values(db, erp, sync_type, strike, clear):
    sync_first(erp, sync_type)
    before = in_the_mirror(get_service(sync_type))
    strike(Fault.HIDDEN_COLUMNS)
    run = run_sync(sync_type, mode="full")
    assert (run.status, run.unchanged) == (Status.SUCCEEDED, erp.count_records(sync_type)), run.error_text
    [note] = unusual_notes(run)
    assert note.startswith("Columns that are not in the export; their mirrored values are kept: ")
    assert in_the_mirror(get_service(sync_type)) == before
    assert find_hidden_columns(get_service(sync_type))
    clear()
    run_sync(sync_type, mode="full")
    assert find_hidden_columns(get_service(sync_type)) == []
    assert is_mirrored(erp, sync_type)


@pytest.mark.parametrize("sync_type", TYPES)
def test_an_english_export_is_refused_with_what_to_do(db, erp, sync_type, strike, clear, mirror_state):
    sync_first(erp, sync_type)
    before = mirror_state()
    strike(Fault.ENGLISH)
    run = run_sync(sync_type)
    assert (run.status, run.error_class) == (Status.FAILED, "LayoutChanged"), run.error_text
    assert "in Italian" in run.error_text
    assert mirror_state() == before
    clear()
    assert run_sync(sync_type).status == Status.SUCCEEDED


@pytest.mark.parametrize("sync_type", ["products"])
def test_a_value_whose_form_is_only_assumed_is_unknown_if_it_cannot_be_read(db, erp, sync_type, strike):
    strike(Fault.UNREADABLE_VALUE)
    run = run_sync(sync_type)
    assert run.status == Status.SUCCEEDED
    [note] = unusual_notes(run)
    assert note.startswith("DATA CREATA: values that could not be read count as unknown (1, such as “n/d”): ")
    second = in_the_erp(erp, get_service(sync_type))[1]
    expected = second | {"erp_created_at": None}
    assert by_key(get_service(sync_type), in_the_mirror(get_service(sync_type)))[second["erp_id"]] == expected


# Prices and VAT


@pytest.mark.parametrize("sync_type", ["products"])
def test_a_new_vat_key_is_named_and_never_a_rate(db, erp, sync_type, strike):
    strike(Fault.NEW_VAT_KEY)
    run = run_sync(sync_type)
    unknown = [
        record.id for record in erp.find_records("products", faults=[Fault.NEW_VAT_KEY]) if record.vat_group == "7"
    ]
    said = "Unknown values of ID ELEMENTO IVAID, for which the VAT is not known, each with its number of products: “7” "
    assert unusual_notes(run) == [f"{said}({len(unknown)})."]
    rates = {product.erp_id: product.vat_rate for product in Product.objects.present()}
    assert {erp_id for erp_id, rate in rates.items() if rate is None} == set(unknown)
    truth = {"5": 22, "1": 4, "0": 0, "7": None}
    for record in erp.find_records("products", faults=[Fault.NEW_VAT_KEY]):
        assert rates[record.id] == truth[record.vat_group]


def costs(account=""):
    """What one piece and a thousand of each mirrored product cost."""
    products = list(Product.objects.present())
    prices = PriceList(products, account=account)

    def cost(product, quantity):
        price = prices.find_price(product, Decimal(quantity))
        return price and price.unit_price

    return {product.erp_id: (cost(product, 1), cost(product, 1000)) for product in products}


def truth(erp, account="", *, faults=()):
    """The same by the ERP's records: a customer's price, else the group's; the largest quantity; the latest start."""
    prices = list(erp.find_records("prices", faults=faults))

    def cost(product, quantity):
        fitting = [
            (price.account_code == "Table", price.quantity_from, price.valid_from, price.unit_price)
            for price in prices
            if price.product_id == product.id
            and (price.account_code, price.account) in (("Group", "002"), ("Table", account))
            and price.quantity_from <= quantity
        ]
        return max(fitting)[-1] if fitting else None

    return {product.id: (cost(product, 1), cost(product, 1000)) for product in erp.find_records("products")}


@pytest.mark.parametrize("sync_type", ["prices"])
def test_every_product_has_the_price_that_the_erp_gives_it(db, demo_server, sync_type, strike, settings):
    erp = demo_server.erp = CachedDemoErp(scale=0.1, today=TODAY)
    run_sync("products")
    run_sync("prices")
    known = costs()
    assert known == truth(erp)
    priced = {record.product_id for record in erp.find_records("prices") if record.account}
    assert {product for product, (price, _) in known.items() if price} == priced & set(known)
    strike(Fault.CUSTOMER_PRICES)
    run_sync("prices")
    own = [
        record
        for record in erp.find_records("prices", faults=[Fault.CUSTOMER_PRICES])
        if record.account_code == "Table"
    ]
    account = own[0].account
    assert costs(account) == truth(erp, account, faults=[Fault.CUSTOMER_PRICES])
    assert costs() == known
    assert costs(account) != known


@pytest.mark.parametrize("sync_type", ["prices"])
def test_a_second_price_group_has_to_be_chosen_from(db, demo_server, sync_type, strike, settings):
    erp = demo_server.erp = CachedDemoErp(scale=0.1, today=TODAY)
    run_sync("products")
    strike(Fault.SECOND_PRICE_GROUP)
    run_sync("prices")
    assert set(costs().values()) == {(None, None)}
    [notice] = get_service("prices").find_notices()
    assert "002" in notice.text
    assert "003" in notice.text
    settings.PRICE_GROUP = "002"
    assert costs() == truth(erp)
    assert get_service("prices").find_notices() == []


@pytest.mark.parametrize("sync_type", ["customers"])
@pytest.mark.parametrize(("fault", "times"), PASSING.items())
def test_a_fault_that_passes_is_got_over_within_the_run(db, erp, sync_type, demo_server, strike, fault, times):
    sync_first(erp, sync_type)
    something_happens(erp, sync_type)
    strike(fault, times=times)
    run = run_sync(sync_type)
    assert (run.status, unusual_notes(run)) == (Status.SUCCEEDED, [])
    assert demo_server.front_end.planned == []
    assert is_mirrored(erp, sync_type)


@pytest.mark.parametrize(
    ("fault", "sync_type"),
    [
        *((Fault.REMEMBERED_FILTER, name) for name in TYPES if find_list(name).choices),
        *((Fault.KEPT_GRID_FILTER, name) for name in TYPES),
        *((Fault.SILENT_GRID_FILTER, name) for name in TYPES),
    ],
)
def test_a_filter_that_the_erp_remembers_is_reset(db, erp, fault, sync_type, demo_server, strike):
    demo_list = find_list(sync_type)
    strike(fault)
    front_end = demo_server.front_end
    assert front_end.keeps_grid_filter(demo_list) or front_end.get_filter(demo_list) != demo_list.safe_filter
    run = run_sync(sync_type)
    assert (run.status, unusual_notes(run), run.read) == (Status.SUCCEEDED, [], erp.count_records(sync_type))
    assert not front_end.keeps_grid_filter(demo_list)
    assert front_end.get_filter(demo_list) == demo_list.safe_filter
    assert is_mirrored(erp, sync_type)


# A silent filter


@pytest.fixture
def larger_erp(sync_type, demo_server):
    """One whose filter leaves out more than is removed without asking."""
    demo_server.erp = CachedDemoErp(scale=max(0.05, 52 / REAL_SIZES[sync_type]), today=TODAY)
    return demo_server.erp


@pytest.mark.parametrize(("sync_type", "mode"), [*((name, "full") for name in TYPES), ("invoices", "incremental")])
def test_an_export_that_was_filtered_silently_is_quarantined(
    db, larger_erp, sync_type, strike, clear, mirror_state, mode
):
    sync_first(larger_erp, sync_type)
    something_happens(larger_erp, sync_type)
    before = mirror_state()
    strike(Fault.SILENT_FILTER)
    for _ in range(2):  # as often as it comes
        run = run_sync(sync_type, mode=mode)
        assert (run.status, run.error_class) == (Status.QUARANTINED, "TooManyMissing")
        assert "It may be filtered: nothing was applied" in run.error_text
        assert mirror_state() == before
    clear()
    assert run_sync(sync_type).status == Status.SUCCEEDED
    assert is_mirrored(larger_erp, sync_type)


@pytest.mark.parametrize("sync_type", ["invoices"])
def test_a_quarantined_export_that_is_accepted_is_applied(db, larger_erp, sync_type, strike):
    sync_first(larger_erp, sync_type)
    strike(Fault.SILENT_FILTER)
    acceptance = accept(run_sync(sync_type))
    runner.wait_for(acceptance)
    left = len(list(larger_erp.find_records(sync_type, filtered=True)))
    assert (acceptance.status, acceptance.read, acceptance.unchanged) == (Status.SUCCEEDED, left, left)
    assert (acceptance.missing, acceptance.removed) == (larger_erp.count_records(sync_type) - left, 0)


# The way to the ERP


@pytest.mark.parametrize("sync_type", ["customers"])
def test_a_run_is_cancelled_while_the_erp_stalls(db, erp, sync_type, strike, demo_server, mirror_state):
    """Ctrl-C is heard while the export is awaited, and the run goes back to the queue, in good order."""
    sync_first(erp, sync_type)
    before = mirror_state()
    strike(Fault.STALLED_CONNECTION, times=1)
    run = request_sync(sync_type, trigger=SyncRun.Trigger.MANUAL)

    def interrupted(stage, done, total):
        if not demo_server.front_end.planned:  # it has struck: the export never comes to its end
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runner.wait_for(run, progress=interrupted)
    run.refresh_from_db()
    assert (run.status, run.ended_attempts[0]["outcome"]) == (Status.QUEUED, "handed back")
    assert mirror_state() == before
    assert run_sync(sync_type).status == Status.SUCCEEDED


@pytest.mark.parametrize("sync_type", ["customers"])
def test_a_wrong_password_is_told(db, erp, sync_type, demo_server, settings):
    settings.ERP_PASSWORD = "wrong"
    run = run_sync(sync_type)
    assert (run.status, run.error_class) == (Status.FAILED, "ErpLoginRejected")
    assert f"login of {DEMO_USERNAME}" in run.error_text
    settings.ERP_PASSWORD = DEMO_PASSWORD
    assert run_sync(sync_type).status == Status.SUCCEEDED


@pytest.mark.parametrize("sync_type", ["customers"])
def test_an_erp_that_never_comes_to_an_end_is_told(db, erp, sync_type, strike, settings, mirror_state):
    sync_first(erp, sync_type)
    before = mirror_state()
    strike(Fault.STALLED_CONNECTION)
    settings.ERP_EXPORT_TIMEOUT = timedelta(seconds=1)
    run = run_sync(sync_type)
    told = "The ERP did not provide an export: the export was not complete after 1 s. Try again in a minute."
    assert (run.status, last_error(run)) == (Status.QUEUED, ("ErpUnavailable", told))
    assert mirror_state() == before


@pytest.mark.parametrize("sync_type", ["customers"])
def test_an_erp_that_is_down_is_told(db, erp, sync_type, demo_server, mirror_state):
    sync_first(erp, sync_type)
    before = mirror_state()
    demo_server.stop()
    run = run_sync(sync_type)
    assert (run.status, last_error(run)[0]) == (Status.QUEUED, "ErpUnavailable")
    assert mirror_state() == before


# Another list's export


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    """An export of each list."""
    folder = tmp_path_factory.mktemp("exports")
    erp = CachedDemoErp(scale=0, today=TODAY)
    for sync_type in TYPES:
        erp.write_export(sync_type, folder / f"{sync_type}.pdf")
    return folder


@pytest.mark.parametrize("sync_type", TYPES)
@pytest.mark.parametrize("given", TYPES)
def test_an_export_of_another_list_is_named_as_what_it_is(db, exports, mirror_state, sync_type, given):
    if given == sync_type:
        assert run_sync(sync_type, given_file=exports / f"{given}.pdf").status == Status.SUCCEEDED
        return
    before = mirror_state()
    run = run_sync(sync_type, given_file=exports / f"{given}.pdf")
    assert (run.status, run.error_class) == (Status.FAILED, "WrongList")
    assert run.error_text == f"This is an export of {given}, not of {sync_type}. Nothing was applied."
    assert mirror_state() == before
