"""What no control total protects is held against what else says the same; a run's notes name what does not agree."""

from __future__ import annotations

from datetime import UTC, datetime
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from demo.erp.life import choose_event
from sync.coordinator import runner
from sync.coordinator.queue import request_sync
from sync.mirror import cross_checks
from sync.models import SyncRun
from sync.service import get_service, list_services, list_types
from sync.translations import translate
from tests.demo_erp import CachedDemoErp
from tests.sync.demo import TODAY
from tests.sync.pages import url

NOW = datetime(2026, 1, 20, 11, tzinfo=UTC)
NOON = datetime(2026, 1, 20, 12)  # noqa: DTZ001  # Italian
Status = SyncRun.Status

ORDER = {
    "erp_id": "60.757",
    "number": "ORD/26000123",
    "account_number": "1002239",
    "customer_name": "Studio Alfa",
    "delivery_name": "Studio Alfa",
    "delivery_address": "Via Roma, 1",
    "ordered_at": "12/01/2026 10:00:00",
    "delivery_date": "14/01/2026",
    "description": "urgente",
    "transfer_date": "12/01/2026",
    "completion_date": "12/01/2026",
    "discount_percent": "21,49 %",
    "gross_amount": "108,80 €",
    "total_amount": "85,42 €",
}
DDT = {
    "erp_id": "50.001",
    "number": "DDT/26000077",
    "order_number": "ORD/26000123",
    "account_number": "1002239",
    "customer_name": "Studio Alfa",
    "delivery_name": "Studio Alfa",
    "delivery_address": "Via Roma, 1",
    "delivery_date": "14/01/2026",
    "description": "urgente",
}
INVOICE = {
    "number": "CF1/26000009",
    "invoice_date": "16/01/2026",
    "account_number": "1002239",
    "customer_name": "Studio Alfa",
    "sales_balance": "85,42",
    "line_discount": "23,38",
    "total_discount": "0",
    "tax_amount": "18,79",
    "total_amount": "104,21",
    "purchase_order": "urgente",
    "due_date": "31/03/2026",
    "days_left": "70",
    "settled_amount": "0",
    "remaining_amount": "104,21",
    "order_number": "ORD/26000123",
}
CLOSED = INVOICE | {
    "days_left": "0",
    "settled_amount": "104,21",
    "last_payment_number": "INC/26000001",
    "last_settlement_date": "20/01/2026",
    "closed_date": "20/01/2026",
    "remaining_amount": "0",
}
CUSTOMER = {
    "erp_id": "1.234",
    "account_number": "1002239",
    "name": "Studio Alfa",
    "vat_number": "00743110157",
    "external_account_number": "1234",
}
ARTICLE = {"erp_id": "001627K2", "name": "9801.314.016", "description": "Fresa", "figure": "9801"}
ARTICLE |= {"shank": "314", "size": "016"}
PRICE = {
    "erp_id": "5.637.100",
    "account_code": "Group",
    "account": "002",
    "product_erp_id": "001627K2",
    "product_name": "9801.314.016",
    "valid_from": "01/03/2025",
    "valid_to": "31/12/2154",
    "unit_price": "10,45 €",
    "currency": "EUR",
}
LISTS = {
    "customers": CUSTOMER,
    "orders": ORDER,
    "ddt": DDT,
    "invoices": INVOICE,
    "products": ARTICLE,
    "prices": PRICE,
}


FIELDS_OF_NO_CHECK = {
    "customers": "phone",
    "orders": "sales_status",
    "ddt": "pieces",
    "invoices": "quantity",
    "products": "group",
    "prices": "price_unit",
}


@pytest.fixture
def mirrored(sync_list):
    """All lists are mirrored, one record each that agrees with the others. Gives what mirrors a list again."""
    for sync_type, record in LISTS.items():
        columns = {column.field: column for column in get_service(sync_type).layout.columns}
        values = {name: columns[name].read(text) for name, text in record.items()}
        get_service(sync_type).model.objects.create(created_at=NOW, changed_at=NOW, **values)
    return sync_list


def disagreements(run):
    """The notes of cross-checks."""
    return [note for note in run.notes if ": not true for " in note or ": true for only " in note]


# One digit


@pytest.mark.parametrize(
    ("sync_type", "field", "text", "said"),
    [
        ("orders", "discount_percent", "31,49 %", "Orders: the gross amount minus the discount"),
        ("orders", "account_number", "1002739", "Orders: the account belongs to a known customer"),
        ("orders", "number", "ORD/26000723", "DDT: the order exists in the list of orders"),
        ("orders", "customer_name", "Studio Alfa 7", "Orders: the customer name is that of the account's customer"),
        ("orders", "delivery_date", "14/01/2016", "Orders: delivery, transfer and completion are not before the order"),
        ("orders", "completion_date", "13/01/2026", "Orders: transfer and completion are on the same day"),
        ("orders", "delivery_address", "Via Roma, 7", "DDT: the order has the same delivery address"),
        ("ddt", "account_number", "1002739", "DDT: the order has the same account and customer"),
        ("ddt", "order_number", "ORD/26000173", "DDT: the order exists in the list of orders"),
        ("ddt", "delivery_address", "Via Roma, 7", "DDT: the order has the same delivery address"),
        ("ddt", "delivery_name", "Studio Alfa 7", "DDT: the order has the same delivery name"),
        ("ddt", "delivery_date", "11/01/2026", "DDT: the delivery is not before the order"),
        ("invoices", "tax_amount", "18,29", "Invoices: the VAT is 22 %, 4 % or 0 %"),
        ("invoices", "total_amount", "104,71", "Invoices: the balance minus the total discount, plus the VAT"),
        (
            "invoices",
            "remaining_amount",
            "100,21",
            "Invoices: the remaining amount equals the amount minus the settled amount",
        ),
        ("invoices", "account_number", "1002739", "Invoices: the order has the same account"),
        ("invoices", "customer_name", "Studio Alfa 7", "Invoices: the customer name is that of the account's customer"),
        ("invoices", "order_number", "ORD/26000173", "Invoices: the order exists in the list of orders"),
        ("invoices", "due_date", "31/03/2016", "Invoices: due date and settlement are not before the invoice"),
        ("invoices", "invoice_date", "11/01/2026", "Invoices: the invoice is not before the order"),
        ("customers", "vat_number", "00743110257", "Customers: an Italian VAT number or tax code of eleven digits"),
        ("customers", "external_account_number", "1934", "Customers: the external account number equals the ID"),
        ("customers", "account_number", "1002739", "Orders: the account belongs to a known customer"),
        ("products", "size", "018", "Products: the article's name consists of figure, shank and size"),
        (
            "prices",
            "product_name",
            "9801.314.018",
            "Prices: the product name is the name or description of the product",
        ),
        ("prices", "product_erp_id", "001629K2", "Prices: the product exists in the list of products"),
        ("prices", "valid_to", "31/12/2014", "Prices: validity and quantity do not end before they begin"),
    ],
)
def test_a_digit_that_was_changed_is_noted_with_its_record(mirrored, sync_type, field, text, said):
    record = LISTS[sync_type]
    run = mirrored(sync_type, [record | {field: text}])
    assert run.status == Status.SUCCEEDED  # a note, and never an error
    notes = [note for note in disagreements(run) if note.startswith(said)]
    assert len(notes) == 1, run.notes
    assert text.removesuffix(" %") in notes[0] or record[field] in notes[0]


def test_the_run_s_page_names_the_record_in_both_languages(mirrored, admin_client):
    run = mirrored("invoices", [INVOICE | {"remaining_amount": "100,21"}])
    values = "CF1/26000009 (IMPORTO FATTURA MST 104,21, LIQUIDA IMPORTO MST 0,00, IMPORTO RIMANENTE MST 100,21)"
    english, italian = (unescape(page(admin_client, run, language)) for language in ("en", "it"))
    assert (
        f"equals the amount minus the settled amount: not true for 1 of 1 new or changed records: {values}" in english
    )
    assert (
        f"è uguale all'importo meno quello liquidato: non è vero per 1 su 1 record nuovi o modificati: {values}"
        in italian
    )


def page(client, run, language):
    address = url(SyncRun, "change", run.pk)
    return client.get(address, headers={"accept-language": language}).content.decode()


# What agrees


def test_where_all_agrees_nothing_is_noted(mirrored):
    for sync_type, record in LISTS.items():
        assert disagreements(mirrored(sync_type, [record | {FIELDS_OF_NO_CHECK[sync_type]: "3"}])) == []
    assert disagreements(mirrored("invoices", [CLOSED])) == []


def test_records_that_come_and_agree_are_not_noted(sync_list):
    for sync_type, record in LISTS.items():
        assert disagreements(sync_list(sync_type, [record])) == []


@pytest.mark.parametrize(
    "amounts",
    [
        {"tax_amount": "18,80", "total_amount": "104,21"},  # each a cent off
        {"tax_amount": "18,79", "total_amount": "104,22", "remaining_amount": "104,21"},
        {"sales_balance": "-85,42", "tax_amount": "-18,79", "total_amount": "-104,21", "remaining_amount": "-104,21"},
        {"tax_amount": "3,42", "total_amount": "88,84", "remaining_amount": "88,84"},  # 4 %
        {"tax_amount": "0", "total_amount": "85,42", "remaining_amount": "85,42"},
    ],
)
def test_what_rounding_explains_is_not_noted(mirrored, amounts):
    assert disagreements(mirrored("invoices", [INVOICE | amounts])) == []


@pytest.mark.parametrize("sync_type", LISTS)
def test_what_is_not_known_disagrees_with_nothing(sync_list, sync_type):
    key = get_service(sync_type).layout.key
    assert disagreements(sync_list(sync_type, [{key: LISTS[sync_type][key]}], hidden=hidden_of(sync_type))) == []


def hidden_of(sync_type):
    return [column.field for column in get_service(sync_type).layout.columns if column.field and not column.required]


def test_no_check_breaks_over_records_without_values():
    for service in list_services():
        for check in service.cross_checks:
            named = [get_service(check.reference.target).model()] if check.reference else []
            rows = [service.model()] + [named] * bool(named)
            assert check.agrees(*rows) in (None, True), check.text


# What is told, and when


def test_a_disagreement_is_told_when_it_comes_and_not_again(mirrored):
    wrong = INVOICE | {"remaining_amount": "100,21"}
    assert len(disagreements(mirrored("invoices", [wrong]))) == 1
    assert disagreements(mirrored("invoices", [wrong])) == []
    assert disagreements(mirrored("invoices", [wrong | {"days_left": "69"}])) == []  # as every day
    [note] = disagreements(mirrored("invoices", [wrong, wrong | {"number": "CF1/26000010"}]))
    assert "not true for 1 of 1 new or changed records: CF1/26000010" in note
    assert "In the whole list, not true for 2 of 2 records." in note


def test_what_is_assumed_is_marked(mirrored):
    [note] = disagreements(mirrored("orders", [ORDER | {"discount_percent": "31,49 %"}]))
    assert "if there is one, equals the total (this is only assumed): not true for 1 of 1" in note


def test_an_assumption_that_much_of_a_list_breaks_is_told_once_as_wrong(sync_list):
    rows = [CUSTOMER | {"erp_id": str(number), "account_number": ""} for number in range(2000, 2011)]
    [note] = disagreements(sync_list("customers", rows))
    assert note == (
        "Customers: the external account number equals the ID (this is only assumed): true for only 0 of 11 records. "
        "The assumption is considered wrong, and records are not checked against it."
    )
    rows.append(CUSTOMER | {"erp_id": "3000", "account_number": ""})
    assert disagreements(sync_list("customers", rows)) == []


def test_what_was_measured_is_told_however_many_break_it(sync_list):
    rows = [CLOSED | {"number": f"CF1/{number}", "closed_date": "19/01/2026"} for number in range(12)]
    [note] = disagreements(sync_list("invoices", rows))
    assert "not true for 12 of 12 new or changed records: CF1/0 (" in note
    assert note.count("CF1/") == cross_checks.SHOWN
    assert "), …. In the whole list" in note


def test_two_records_of_one_number_are_both_named(mirrored):
    [note] = disagreements(mirrored("orders", [ORDER, ORDER | {"erp_id": "60.957"}]))
    assert note.startswith(
        "Orders: an order number belongs to only one order: not true for 2 of 2 new or changed records"
    )
    assert "ID 60757" in note
    assert "ID 60957" in note


def test_a_list_that_is_not_mirrored_yet_is_compared_with_nothing(sync_list):
    assert disagreements(sync_list("ddt", [DDT])) == []
    [note] = disagreements(sync_list("orders", [ORDER | {"account_number": "1002739"}]))  # of a DDT that came before
    assert note.startswith(
        "DDT: the order has the same account and customer: not true for 1 of 1 new or changed records"
    )


def test_a_note_of_long_values_is_told_in_italian_and_cuts_none(sync_list):
    long = {"delivery_address": "Viale Roma " * 8, "description": "per favore entro le dieci " * 20}
    rows = [DDT | long | {"erp_id": str(number), "number": f"DDT/{number}"} for number in range(60)]
    sync_list("orders", [ORDER])
    [note] = disagreements(sync_list("ddt", rows))
    with translation.override("it"):
        note = translate(note)
    assert note.startswith("DDT: l'ordine ha ")
    assert note.count("Viale Roma") == note.count(long["delivery_address"].strip()) * 8 > 0
    assert "per favore" not in note


def test_a_run_that_changes_nothing_asks_nothing(mirrored):
    run = mirrored("orders", [ORDER])
    with CaptureQueriesContext(connection) as queries:
        cross_checks.describe_disagreements(get_service("orders"), run)
    assert len(queries) == 1  # for its changes, of which there are none


@pytest.mark.parametrize("scale", [0.02, 0.2])
@pytest.mark.usefixtures("db")
def test_a_demo_erp_s_lists_agree_with_each_other(tmp_path, scale):
    erp, found = CachedDemoErp(scale=scale, today=TODAY), []
    for number in range(40):
        erp.happen(choose_event(1, number), at=NOON)
    for sync_type in list_types():
        path = tmp_path / f"{sync_type}.pdf"
        erp.write_export(sync_type, path)
        run = request_sync(sync_type, trigger=SyncRun.Trigger.MANUAL, given_file=path)
        runner.wait_for(run)
        assert run.status == Status.SUCCEEDED
        found += disagreements(run)
    assert found == []
