"""A look's rows are read with the list's own layout, as strictly as an export's."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from customers.sync import CustomerSync
from orders.sync.invoices import InvoiceSync
from sync.erp import look_records
from sync.erp.client import Look
from sync.exceptions import LayoutChanged, UnreadableValue, WrongList
from sync.exports.layout import ExportLayout


def make_look(*rows: dict[str, str], headers: list[str]) -> Look:
    texts = tuple(tuple(row.get(header, "") for header in headers) for row in rows)
    return Look(tuple(headers), texts, keys=(), modified=(), count=None, seen_at=datetime.now(UTC))


def read(look: Look, layout: ExportLayout) -> list[dict[str, Any]]:
    records = look_records.read_records(look, layout)
    values = [record.values for record in records]
    return [dict(zip(records.fields, each, strict=True)) for each in values]


CUSTOMER_HEADERS = [column.header for column in CustomerSync.layout.columns]
INVOICE_HEADERS = ["ID FATTURA", "DATA FATTURA", "CONTO FATTURE", "NOME DI FATTURAZIONE", "IMPORTO FATTURA MST"]


def test_customers_are_read_as_from_an_export() -> None:
    row = {"ID": "60.757", "PROFILO CLIENTE:": "1002345", "NOME": "Studio Verdi", "TIPO DI CLIENTE": "1.234,50 €"}
    [customer] = read(make_look(row, headers=CUSTOMER_HEADERS), CustomerSync.layout)
    assert (customer["erp_id"], customer["account_number"], customer["name"]) == (60757, "1002345", "Studio Verdi")
    assert customer["sales_this_year"] == Decimal("1234.50")
    assert customer["last_order_date"] is None


def test_headers_that_stand_twice_are_told_apart_by_their_places() -> None:
    look = make_look(dict.fromkeys(CUSTOMER_HEADERS, ""), headers=CUSTOMER_HEADERS)
    cells = list(look.rows[0])
    cells[0], cells[1], cells[2] = "1", "1000001", "Studio Neri"
    first, second = [place for place, header in enumerate(CUSTOMER_HEADERS) if header == "VENDITE PRECEDENTE"]
    cells[first], cells[second] = "10,00 €", "20,00 €"
    [customer] = read(Look(look.headers, (tuple(cells),), (), (), None, look.seen_at), CustomerSync.layout)
    assert (customer["sales_last_year"], customer["sales_two_years_ago"]) == (10, 20)


@pytest.mark.parametrize("text", ["(360,65)", "(360,65 €)", "(360,65) €", "-360,65 €"])
def test_a_credit_note_is_negative_however_the_grid_prints_it(text: str) -> None:
    row = {"ID FATTURA": "CF1/26000001", "CONTO FATTURE": "1002345", "IMPORTO FATTURA MST": text}
    [invoice] = read(make_look(row, headers=INVOICE_HEADERS), InvoiceSync.layout)
    assert invoice["total_amount"] == Decimal("-360.65")


def test_parentheses_in_a_text_are_no_sign() -> None:
    row = {"ID FATTURA": "CF1/26000001", "CONTO FATTURE": "1002345", "NOME DI FATTURAZIONE": "(12)"}
    [invoice] = read(make_look(row, headers=INVOICE_HEADERS), InvoiceSync.layout)
    assert invoice["customer_name"] == "(12)"


@pytest.mark.parametrize("text", ["(360,65", "360.65", "(-360,65)", "1/20/2026"])
def test_an_amount_that_cannot_be_read_is_named(text: str) -> None:
    row = {"ID FATTURA": "CF1/26000001", "CONTO FATTURE": "1002345", "IMPORTO FATTURA MST": text}
    with pytest.raises(UnreadableValue) as caught:
        read(make_look(row, headers=INVOICE_HEADERS), InvoiceSync.layout)
    assert caught.value.facts["header"] == "IMPORTO FATTURA MST"
    assert caught.value.facts["record"] == "ID FATTURA CF1/26000001"


def test_a_look_that_found_nothing_has_no_records() -> None:
    assert read(make_look(headers=CUSTOMER_HEADERS), CustomerSync.layout) == []


def test_a_column_that_is_required_and_not_shown_is_named() -> None:
    with pytest.raises(LayoutChanged):
        read(make_look({"ID": "1"}, headers=["ID", "NOME"]), CustomerSync.layout)


def test_another_list_is_recognised() -> None:
    look = make_look(headers=INVOICE_HEADERS)
    records = look_records.read_records(look, CustomerSync.layout, other_layouts={"invoices": InvoiceSync.layout})
    with pytest.raises(WrongList):
        list(records)
