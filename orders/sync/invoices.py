"""The list of invoices, as the ERP exports it: measured on real exports."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from orders.models import Invoice
from orders.sync import agreement
from orders.sync.agreement import CUSTOMER, ORDER
from sync.erp.client import ErpList
from sync.exports import values
from sync.exports.layout import Column, ExportLayout, Footer, Source, Total, ignored
from sync.messages import gettext_noop as _
from sync.service import CrossCheck, LossColumn, SyncService

SUM = Total.SUM
MEASURED, ASSUMED = Source.MEASURED, Source.ASSUMED
RATES = (Decimal("0.22"), Decimal("0.04"), Decimal(0))


def adds_up(invoice: Any) -> bool | None:
    if None in (invoice.sales_balance, invoice.total_discount, invoice.tax_amount, invoice.total_amount):
        return None
    total = invoice.sales_balance - invoice.total_discount + invoice.tax_amount
    return bool(abs(total - invoice.total_amount) <= agreement.ROUNDING)


def remains(invoice: Any) -> bool | None:
    if None in (invoice.total_amount, invoice.settled_amount, invoice.remaining_amount):
        return None
    return bool(abs(invoice.total_amount - invoice.settled_amount - invoice.remaining_amount) <= agreement.ROUNDING)


def has_one_rate(invoice: Any) -> bool | None:
    """Whether the VAT is that of one rate on the whole net amount."""
    if None in (invoice.sales_balance, invoice.total_discount, invoice.tax_amount):
        return None
    net = invoice.sales_balance - invoice.total_discount
    return any(abs(net * rate - invoice.tax_amount) <= agreement.ROUNDING for rate in RATES)


def is_settled_when_closed(invoice: Any) -> bool | None:
    """Whether a closed invoice was settled on the day it was closed, and leaves no amount and no days."""
    if invoice.closed_date is None:
        return None
    return (
        invoice.last_settlement_date in (None, invoice.closed_date)
        and not invoice.remaining_amount
        and not invoice.days_left
    )


def was_paid_by_something(invoice: Any) -> bool | None:
    """Whether there is a last payment, and a day of it, if and only if an amount is settled."""
    if invoice.settled_amount is None or (invoice.last_settlement_date is None and not invoice.last_payment_number):
        return None
    return bool(invoice.settled_amount)


class InvoiceSync(SyncService):
    """Invoices, and credit notes, whose amounts are negative. The ERP prints these amounts without a €."""

    erp_list = ErpList(
        name="CUSTINVOICEJOUR_ListView",
        file_names=(
            "Fatture.pdf",
            "Giornale di registrazione fatture cliente.pdf",
            "Customer invoice journal.pdf",
        ),
        key="ID FATTURA",
        safe_filter="All_invoices",
    )
    model = Invoice
    references = (CUSTOMER, ORDER)
    cross_checks = (
        CrossCheck(
            _("Invoices: the balance minus the total discount, plus the VAT, equals the invoice's amount"),
            fields=("sales_balance", "total_discount", "tax_amount", "total_amount"),
            agrees=adds_up,
            source=ASSUMED,
            evidence="none: in 74 of 74 the amounts were scrambled apart",
        ),
        CrossCheck(
            _("Invoices: the VAT is 22 %, 4 % or 0 % of the balance minus the total discount"),
            fields=("sales_balance", "total_discount", "tax_amount"),
            agrees=has_one_rate,
            source=ASSUMED,
            evidence="22 % in 75 of 75 that others have seen; that no invoice mixes rates is inferred",
        ),
        CrossCheck(
            _("Invoices: the remaining amount equals the amount minus the settled amount"),
            fields=("total_amount", "settled_amount", "remaining_amount"),
            agrees=remains,
            source=MEASURED,
            evidence="72 of 72; of 2 others, settled in part, the amounts were scrambled apart",
        ),
        CrossCheck(
            _(
                "Invoices: a closed invoice was settled on the day it was closed, and has no remaining amount and no "
                "days left"
            ),
            fields=("closed_date", "last_settlement_date", "remaining_amount", "days_left"),
            agrees=is_settled_when_closed,
            source=MEASURED,
            evidence="47 of 47",
        ),
        CrossCheck(
            _("Invoices: an invoice with a last payment or settlement has a settled amount"),
            fields=("settled_amount", "last_payment_number", "last_settlement_date"),
            agrees=was_paid_by_something,
            source=MEASURED,
            evidence="49 of 49",
        ),
        CrossCheck(
            _("Invoices: due date and settlement are not before the invoice"),
            fields=("invoice_date", "due_date", "last_settlement_date", "closed_date"),
            agrees=lambda invoice: agreement.is_in_order(
                invoice.invoice_date, invoice.due_date, invoice.last_settlement_date, invoice.closed_date
            ),
            source=MEASURED,
            evidence="74 of 74",
        ),
        CrossCheck(
            _("Invoices: the order exists in the list of orders"),
            fields=(),
            agrees=agreement.is_there,
            source=ASSUMED,
            evidence="not counted: the exports were cut short",
            reference=ORDER,
        ),
        CrossCheck(
            _("Invoices: the order has the same account, description and customer reference"),
            fields=("account_number", "purchase_order", "customer_reference"),
            agrees=agreement.has_same(
                ("account_number", "account_number"),
                ("purchase_order", "description"),
                ("customer_reference", "customer_reference"),
            ),
            source=MEASURED,
            evidence="33 of 33, of which 7 have a description and none a reference",
            reference=ORDER,
            their_fields=("account_number", "description", "customer_reference"),
        ),
        CrossCheck(
            _("Invoices: the account belongs to a known customer"),
            fields=(),
            agrees=agreement.is_there,
            source=ASSUMED,
            evidence="not counted: the exports were cut short",
            reference=CUSTOMER,
        ),
        CrossCheck(
            _("Invoices: the customer name is that of the account's customer"),
            fields=("customer_name",),
            agrees=agreement.has_same(("customer_name", "name")),
            source=MEASURED,
            evidence="61 of 61",
            reference=CUSTOMER,
            their_fields=("name",),
        ),
        CrossCheck(
            _("Invoices: the invoice is not before the order"),
            fields=("invoice_date",),
            agrees=agreement.is_not_before_order("invoice_date"),
            source=MEASURED,
            evidence="33 of 33",
            reference=ORDER,
            their_fields=("ordered_at",),
        ),
    )
    may_be_empty = True
    loss_columns = (LossColumn("customer_name"), LossColumn("invoice_date"), LossColumn("total_amount"))
    account_field = "account_number"
    personal_fields = ("account_number", "customer_name", "purchase_order", "customer_reference")
    identifying_fields = ("customer_name",)
    layout = ExportLayout(
        key="number",
        columns=[
            ignored("FATTURA PDF"),
            Column("ID FATTURA", "number", values.code, required="the key"),
            Column("DATA FATTURA", "invoice_date", values.date),
            Column("CONTO FATTURE", "account_number", values.code, required="whose it is"),
            Column("NOME DI FATTURAZIONE", "customer_name", values.text),
            Column("QUANTITÀ", "quantity", values.number, total=SUM),
            Column("SALDO VENDITE MST", "sales_balance", values.money, total=SUM),
            Column("SOMMA LINEA SCONTO MST", "line_discount", values.money),
            Column("SCONTO TOTALE:", "total_discount", values.money, total=SUM),
            Column("SOMMA FISCALE MST", "tax_amount", values.money, total=SUM),
            Column("IMPORTO FATTURA MST", "total_amount", values.money, total=SUM),
            Column("ORDINE DI ACQUISTO", "purchase_order", values.text),
            Column("RIFERIMENTO CLIENTE", "customer_reference", values.text),
            Column("SCADENZA", "due_date", values.date),
            Column("ID TERMINE DI PAGAMENTO", "payment_terms", values.text),
            Column("OLTRE I GIORNI DI SCADENZA", "days_left", values.integer),  # mislabelled: until the due date
            Column("LIQUIDA IMPORTO MST", "settled_amount", values.money, total=SUM),
            Column("IDENTIFICATIVO ULTIMO PAGAMENTO:", "last_payment_number", values.code),
            Column("DATA DI ULTIMA LIQUIDAZIONE", "last_settlement_date", values.date),
            Column("CHIUSO", "closed_date", values.date),  # no yes or no in the ERP's export: the day it was closed
            Column("IMPORTO RIMANENTE MST", "remaining_amount", values.money, total=SUM),
            Column("ID VENDITE", "order_number", values.code),
        ],
        footer=Footer.REQUIRED,
    )
