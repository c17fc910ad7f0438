"""The list of orders, as the ERP exports it: measured on real exports."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from orders import outcome
from orders.models import Order
from orders.sync import agreement
from orders.sync.agreement import CUSTOMER
from sync.erp.client import ErpList
from sync.exports import values
from sync.exports.layout import Column, ExportLayout, Footer, Source, Total, ignored
from sync.messages import gettext_noop as _
from sync.service import CrossCheck, LossColumn, Reference, SyncService

COUNT, SUM = Total.COUNT, Total.SUM
MEASURED, ASSUMED = Source.MEASURED, Source.ASSUMED
HALF_A_PERCENT_S_PLACE = Decimal("0.00005")  # discounts are printed as 21,49 %


def has_discount(order: Any) -> bool | None:
    if not order.discount_percent or order.gross_amount is None or order.total_amount is None:
        return None
    expected = order.gross_amount * (100 - order.discount_percent) / 100
    allowed = abs(order.gross_amount) * HALF_A_PERCENT_S_PLACE + agreement.ROUNDING
    return bool(abs(expected - order.total_amount) <= allowed)


class OrderSync(SyncService):
    """Orders; a pending one has no number yet."""

    erp_list = ErpList(
        name="SALESTABLE_ListView_Agent",
        file_names=("Ordini.pdf", "Ordini cliente.pdf", "Customer orders.pdf"),
        key="ID",
        safe_filter="ListViewSalesTableOrdersAll",
    )
    model = Order
    looks_count_for = timedelta(hours=2)
    references = (CUSTOMER,)
    cross_checks = (
        CrossCheck(
            _("Orders: an order number belongs to only one order"),
            fields=("number",),
            agrees=agreement.is_only_one,
            source=MEASURED,
            evidence="all 99",
            reference=Reference("number", target="orders", target_field="number"),
        ),
        CrossCheck(
            _("Orders: the account belongs to a known customer"),
            fields=(),
            agrees=agreement.is_there,
            source=ASSUMED,
            evidence="not counted: the exports were cut short",
            reference=CUSTOMER,
        ),
        CrossCheck(
            _("Orders: the customer name is that of the account's customer"),
            fields=("customer_name",),
            agrees=agreement.has_same(("customer_name", "name")),
            source=ASSUMED,
            evidence="72 of 75: a customer may have got another name since",
            reference=CUSTOMER,
            their_fields=("name",),
        ),
        CrossCheck(
            _("Orders: delivery, transfer and completion are not before the order"),
            fields=("ordered_at", "delivery_date", "transfer_date", "completion_date"),
            agrees=lambda order: agreement.is_in_order(
                agreement.get_order_day(order), order.delivery_date, order.transfer_date, order.completion_date
            ),
            source=MEASURED,
            evidence="99 of 99",
        ),
        CrossCheck(
            _("Orders: transfer and completion are on the same day"),
            fields=("transfer_date", "completion_date"),
            agrees=lambda order: (
                order.transfer_date == order.completion_date if order.transfer_date and order.completion_date else None
            ),
            source=MEASURED,
            evidence="99 of 99",
        ),
        CrossCheck(
            _("Orders: the gross amount minus the discount, if there is one, equals the total"),
            fields=("gross_amount", "discount_percent", "total_amount"),
            agrees=has_discount,
            source=ASSUMED,
            evidence="none: in 36 of 36 the amounts were scrambled apart",
        ),
    )
    may_be_empty = True
    loss_columns = (LossColumn("customer_name"), LossColumn("ordered_at"), LossColumn("total_amount"))
    account_field = "account_number"
    personal_fields = (
        *("account_number", "customer_name", "delivery_name", "delivery_address"),
        *("description", "customer_reference"),
    )
    identifying_fields = ("customer_name", "delivery_name", "delivery_address")
    layout = ExportLayout(
        key="erp_id",
        columns=[
            Column("ID", "erp_id", values.integer, required="the key", total=COUNT),
            Column("ID DI VENDITA", "number", values.code, required="DDT and invoices name it"),
            Column("PROFILO CLIENTE:", "account_number", values.code, required="whose it is"),
            Column("NOME VENDITE:", "customer_name", values.text),
            Column("NOME DI CONSEGNA", "delivery_name", values.text),
            Column("INDIRIZZO DI CONSEGNA", "delivery_address", values.text),
            Column("DATA DI CREAZIONE", "ordered_at", values.date_time),
            Column("DATA DI CONSEGNA", "delivery_date", values.date),
            Column("RIMANI VENDITE FINANZIARIE", "description", values.text),  # mislabelled: the agent's words
            Column("RIFERIMENTO CLIENTE", "customer_reference", values.text),
            Column("STATO DELLE VENDITE", "sales_status", values.text),
            Column("TIPO DI ORDINE", "order_type", values.text),
            Column("STATO DEL DOCUMENTO", "document_status", values.text),
            Column("ORIGINE VENDITE:", "sales_origin", values.text),
            Column("STATO DEL TRASFERIMENTO", "transfer_status", values.text),
            Column("DATA DI TRASFERIMENTO", "transfer_date", values.date),
            Column("DATA DI COMPLETAMENTO", "completion_date", values.date),
            Column("PREVENTIVO:", "is_quote", values.boolean),
            Column("APPLICA SCONTO %:", "discount_percent", values.percent),
            Column("IMPORTO LORDO:", "gross_amount", values.money, total=SUM),
            Column("IMPORTO TOTALE", "total_amount", values.money, total=SUM, added_before_rounding=True),
            Column("ORDINE OMAGGIO:", "is_gift", values.boolean),
            ignored("E-MAIL", Source.GRID),
        ],
        footer=Footer.REQUIRED,
    )

    def update_others(self) -> None:
        outcome.mark_found_drafts()
