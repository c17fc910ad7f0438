"""The customers' list, as the ERP exports it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from customers.models import Customer
from sync.erp.client import ErpList
from sync.exports import values
from sync.exports.layout import Column, ExportLayout, Footer, Source, Total
from sync.messages import gettext_noop as _
from sync.service import CrossCheck, LossColumn, Reference, SyncService

COUNT, SUM = Total.COUNT, Total.SUM
ELEVEN_DIGITS = re.compile("[0-9]{11}")


def has_check_digits(customer: Any) -> bool | None:
    """Whether the last digits follow from the others, as those of Italian companies do; None if there are none."""
    numbers = [text for text in (customer.vat_number, customer.tax_code) if ELEVEN_DIGITS.fullmatch(text)]
    return all(map(has_check_digit, numbers)) if numbers else None


def has_check_digit(number: str) -> bool:
    digits = [int(digit) for digit in number]
    return (sum(digits[::2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])) % 10 == 0


class CustomerSync(SyncService):
    """The agent's customers and prospects. The list has no modification time: what changed is told by comparing."""

    erp_list = ErpList(
        name="CUSTTABLE_ListView_Agent",
        file_names=("Clienti.pdf", "Customers.pdf"),
        key="ID",
        safe_filter="All_Customers",
        modified="",
    )
    model = Customer
    loss_columns = (LossColumn("city"), LossColumn("last_order_date"))
    looks_count_for = timedelta(hours=2)
    smart = True

    identifying_fields = (
        *("name", "vat_number", "tax_code", "certified_email", "street", "phone", "mobile", "website", "attention_to"),
        *("account_number", "external_account_number", "our_account_number"),  # which notes of comparisons name
    )
    cross_checks = (
        CrossCheck(
            _("Customers: an account number belongs to only one customer"),
            fields=("account_number",),
            agrees=lambda _, customers: len(customers) == 1,
            source=Source.MEASURED,
            evidence="all 14 that there are",
            reference=Reference("account_number", target="customers", target_field="account_number"),
        ),
        CrossCheck(
            _("Customers: the external account number equals the ID"),
            fields=("erp_id", "external_account_number"),
            agrees=lambda customer: (
                customer.external_account_number.replace(".", "") == str(customer.erp_id)
                if customer.external_account_number
                else None
            ),
            source=Source.ASSUMED,
            evidence="10 of 10; in 106 others the two were scrambled apart",
        ),
        CrossCheck(
            _("Customers: an Italian VAT number or tax code of eleven digits has the right check digit"),
            fields=("vat_number", "tax_code"),
            agrees=has_check_digits,
            source=Source.ASSUMED,
            evidence="it is the law; in the exports they were scrambled",
        ),
    )
    layout = ExportLayout(
        key="erp_id",
        columns=[
            Column("ID", "erp_id", values.integer, required="the key", total=COUNT),
            Column("PROFILO CLIENTE:", "account_number", values.code, required="orders, DDT and invoices name it"),
            Column("NOME", "name", values.text, required="nobody can be chosen without it"),
            Column("PARTITA IVA:", "vat_number", values.code),
            Column("PEC:", "certified_email", values.code),
            Column("SDI:", "sdi_code", values.code),
            Column("CODICE FISCALE:", "tax_code", values.code),
            Column("TERMINI DI CONSEGNA", "delivery_mode", values.text),  # mislabelled in the ERP: the courier
            Column("VIA:", "street", values.text),
            Column("INDIRIZZO LOGISTICO CAP", "postcode", values.code),
            Column("CITTÀ", "city", values.text),
            Column("TELEFONO:", "phone", values.text),
            Column("CELLULARE:", "mobile", values.text),
            Column("URL:", "website", values.code),
            Column("ALL’ATTENZIONE DI:", "attention_to", values.text),
            Column("DATA DELL'ULTIMO ORDINE", "last_order_date", values.date),
            Column("CONTEGGI DEGLI ORDINI EFFETTIVI", "orders_this_year", values.integer, total=SUM),
            Column("TIPO DI CLIENTE", "sales_this_year", values.money, total=SUM),  # mislabelled in the ERP: an amount
            Column("CONTEGGIO DEGLI ORDINI PRECEDENTE", "orders_last_year", values.integer, total=SUM),
            Column("VENDITE PRECEDENTE", "sales_last_year", values.money, total=SUM),
            Column("CONTEGGIO DEGLI ORDINI PRECEDENTE 2", "orders_two_years_ago", values.integer, total=SUM),
            Column("VENDITE PRECEDENTE", "sales_two_years_ago", values.money, total=SUM, occurrence=2),
            Column("DESCRIZIONE:", "description", values.text),
            Column("TYPE:", "customer_type", values.text),
            Column("NUMERO DI CONTO ESTERNO", "external_account_number", values.code),
            Column("IL NOSTRO NUMERO DI CONTO", "our_account_number", values.code),
        ],
        footer=Footer.REQUIRED,
    )
    personal_fields = tuple(column.field for column in layout.columns if column.field != "erp_id")
