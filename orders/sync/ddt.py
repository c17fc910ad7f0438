"""The list of delivery notes (DDT), as the ERP exports it: measured on real exports."""

from __future__ import annotations

from orders.models import Ddt
from orders.sync import agreement
from orders.sync.agreement import CUSTOMER, ORDER
from orders.tracking import read_tracking
from sync.erp.client import ErpList
from sync.exports import values
from sync.exports.layout import Column, ExportLayout, Footer, Source, Total, ignored
from sync.messages import gettext_noop as _
from sync.service import CrossCheck, LossColumn, Reference, SyncService

COUNT, SUM = Total.COUNT, Total.SUM
MEASURED, ASSUMED = Source.MEASURED, Source.ASSUMED


class DdtSync(SyncService):
    """Delivery notes."""

    erp_list = ErpList(
        name="CUSTPACKINGSLIPJOUR_ListView",
        file_names=(
            "Documenti di trasporto.pdf",
            "Giornale di registrazione bolla di consegna.pdf",
            "Packing slip journal.pdf",
        ),
        key="ID",
        safe_filter="ListViewPackingSlipsAll",
    )
    model = Ddt
    references = (CUSTOMER, ORDER)
    cross_checks = (
        CrossCheck(
            _("DDT: a DDT number belongs to only one DDT"),
            fields=("number",),
            agrees=agreement.is_only_one,
            source=MEASURED,
            evidence="all 53",
            reference=Reference("number", target="ddt", target_field="number"),
        ),
        CrossCheck(
            _("DDT: the order exists in the list of orders"),
            fields=(),
            agrees=agreement.is_there,
            source=MEASURED,
            evidence="53 of 53",
            reference=ORDER,
        ),
        CrossCheck(
            _("DDT: the order has the same account and customer"),
            fields=("account_number", "customer_name"),
            agrees=agreement.has_same(("account_number", "account_number"), ("customer_name", "customer_name")),
            source=MEASURED,
            evidence="53 of 53",
            reference=ORDER,
            their_fields=("account_number", "customer_name"),
        ),
        CrossCheck(
            _("DDT: the order has the same delivery address, description and customer reference"),
            fields=("delivery_address", "description", "customer_reference"),
            agrees=agreement.has_same(
                ("delivery_address", "delivery_address"),
                ("description", "description"),
                ("customer_reference", "customer_reference"),
            ),
            source=MEASURED,
            evidence="53 of 53, of which 11 have a description and none a reference",
            reference=ORDER,
            their_fields=("delivery_address", "description", "customer_reference"),
        ),
        CrossCheck(
            _("DDT: the order has the same delivery name"),
            fields=("delivery_name",),
            agrees=agreement.has_same(("delivery_name", "delivery_name")),
            source=ASSUMED,
            evidence="51 of 53",
            reference=ORDER,
            their_fields=("delivery_name",),
        ),
        CrossCheck(
            _("DDT: the delivery is not before the order"),
            fields=("delivery_date",),
            agrees=agreement.is_not_before_order("delivery_date"),
            source=MEASURED,
            evidence="53 of 53",
            reference=ORDER,
            their_fields=("ordered_at",),
        ),
    )
    may_be_empty = True
    loss_columns = (LossColumn("customer_name"), LossColumn("delivery_date"), LossColumn("pieces"))
    account_field = "account_number"
    personal_fields = (
        *("account_number", "customer_name", "delivery_name", "delivery_address", "delivery_city", "attention_to"),
        *("description", "customer_reference"),
        "tracking",  # the courier's page names who got the parcel
    )
    identifying_fields = ("customer_name", "delivery_name", "delivery_address", "attention_to")
    layout = ExportLayout(
        key="erp_id",
        columns=[
            ignored("PDF DDT"),
            Column("ID", "erp_id", values.integer, required="the key"),
            Column("DOCUMENTO DI TRASPORTO:", "number", values.code, required="what it is called", total=COUNT),
            Column("DATA DI CONSEGNA", "delivery_date", values.date),
            Column("ID DI VENDITA", "order_number", values.code),
            Column("CONTO DELL'ORDINE", "account_number", values.code, required="whose it is"),
            Column("NOME VENDITE:", "customer_name", values.text),
            Column("NOME DI CONSEGNA", "delivery_name", values.text),
            Column("NOME DI CONSEGNA", "delivery_address", values.text, occurrence=2),  # mislabelled in the ERP
            Column("TOTALE", "pieces", values.number, total=SUM),
            Column("RIFERIMENTO CLIENTE", "customer_reference", values.text),
            Column("DESCRIZIONE:", "description", values.text),
            Column("NUMERO DI TRACCIABILITÀ", "tracking", read_tracking),
            Column("TERMINI DI CONSEGNA:", "delivery_terms", values.text),
            Column("MODALITÀ DI CONSEGNA", "delivery_mode", values.text),
            Column("ALL'ATTENZIONE DI", "attention_to", values.text),
            Column("CITTÀ DI CONSEGNA", "delivery_city", values.text),
        ],
        footer=Footer.REQUIRED,
    )
