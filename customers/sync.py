"""The customers' list, as the ERP exports it."""

from __future__ import annotations

from customers.models import Customer
from sync.erp.client import ErpList
from sync.exports.layout import Column, ExportLayout, Footer
from sync.exports.values import code, date, integer, money, text
from sync.service import LossColumn, SyncService


class CustomerSync(SyncService):
    """The agent's customers and prospects. The list has no modification time: what changed is told by comparing."""

    erp_list = ErpList(
        name="CUSTTABLE_ListView_Agent", file_names=("Clienti.pdf", "Customers.pdf"), safe_filter="All_Customers"
    )
    model = Customer
    loss_columns = (LossColumn("city"), LossColumn("last_order_date"))
    smart = True
    telling_fields = (
        *("name", "vat_number", "tax_code", "certified_email", "street", "phone", "mobile", "website", "attention_to"),
    )
    layout = ExportLayout(
        key="erp_id",
        columns=[
            Column("ID", "erp_id", integer, required="the key"),
            Column("PROFILO CLIENTE:", "account_number", code, required="orders, DDT and invoices name it"),
            Column("NOME", "name", text, required="nobody can be chosen without it"),
            Column("PARTITA IVA:", "vat_number", code),
            Column("PEC:", "certified_email", code),
            Column("SDI:", "sdi_code", code),
            Column("CODICE FISCALE:", "tax_code", code),
            Column("TERMINI DI CONSEGNA", "delivery_mode", text),  # mislabelled in the ERP: it is the courier
            Column("VIA:", "street", text),
            Column("INDIRIZZO LOGISTICO CAP", "postcode", code),
            Column("CITTÀ", "city", text),
            Column("TELEFONO:", "phone", text),
            Column("CELLULARE:", "mobile", text),
            Column("URL:", "website", code),
            Column("ALL’ATTENZIONE DI:", "attention_to", text),
            Column("DATA DELL'ULTIMO ORDINE", "last_order_date", date),
            Column("CONTEGGI DEGLI ORDINI EFFETTIVI", "orders_this_year", integer),
            Column("TIPO DI CLIENTE", "sales_this_year", money),  # mislabelled in the ERP: it is an amount
            Column("CONTEGGIO DEGLI ORDINI PRECEDENTE", "orders_last_year", integer),
            Column("VENDITE PRECEDENTE", "sales_last_year", money),
            Column("CONTEGGIO DEGLI ORDINI PRECEDENTE 2", "orders_two_years_ago", integer),
            Column("VENDITE PRECEDENTE", "sales_two_years_ago", money, occurrence=2),
            Column("DESCRIZIONE:", "description", text),
            Column("TYPE:", "customer_type", text),
            Column("NUMERO DI CONTO ESTERNO", "external_account_number", code),
            Column("IL NOSTRO NUMERO DI CONTO", "our_account_number", code),
        ],
        footer=Footer.REQUIRED,
    )
    personal_fields = tuple(column.field for column in layout.columns if column.field != "erp_id")
