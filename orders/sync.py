"""The lists of orders, DDT, invoices, products and prices, as the ERP exports them."""

from __future__ import annotations

from decimal import Decimal

from orders.models import Ddt, Invoice, Order, Price, Product
from orders.tracking import tracking
from sync.erp.client import ErpList
from sync.exports.layout import Column, ExportLayout, Footer, ignored
from sync.exports.values import boolean, date, date_time, integer, money, number, percent, text
from sync.service import SyncService


class OrderSync(SyncService):
    """Orders; a pending one has no number yet."""

    erp_list = ErpList(
        name="SALESTABLE_ListView_Agent",
        file_names=("Ordini.pdf", "Customer orders.pdf"),
        safe_filter="Tutti gli ordini",
    )
    model = Order
    layout = ExportLayout(
        key="erp_id",
        columns=[
            Column("ID", "erp_id", integer, required=True),
            Column("ID DI VENDITA", "number", text, required=True),
            Column("PROFILO CLIENTE:", "account_number", text, required=True),
            Column("NOME VENDITE:", "customer_name", text),
            Column("NOME DI CONSEGNA", "delivery_name", text),
            Column("INDIRIZZO DI CONSEGNA", "delivery_address", text),
            Column("DATA DI CREAZIONE", "ordered_at", date_time, required=True),
            Column("DATA DI CONSEGNA", "delivery_date", date, required=True),
            Column("RIMANI VENDITE FINANZIARIE", "description", text),  # mislabelled in the ERP: the agent's words
            Column("RIFERIMENTO CLIENTE", "customer_reference", text),
            Column("STATO DELLE VENDITE", "sales_status", text, required=True),
            Column("TIPO DI ORDINE", "order_type", text),
            Column("STATO DEL DOCUMENTO", "document_status", text, required=True),
            Column("ORIGINE VENDITE:", "sales_origin", text),
            Column("STATO DEL TRASFERIMENTO", "transfer_status", text, required=True),
            Column("DATA DI TRASFERIMENTO", "transfer_date", date),
            Column("DATA DI COMPLETAMENTO", "completion_date", date),
            Column("PREVENTIVO:", "is_quote", boolean),
            Column("APPLICA SCONTO %:", "discount_percent", percent),
            Column("IMPORTO LORDO:", "gross_amount", money, required=True),
            Column("IMPORTO TOTALE", "total_amount", money, required=True, added_before_rounding=True),
            Column("ORDINE OMAGGIO:", "is_gift", boolean),
        ],
        footer=Footer.REQUIRED,
    )


class DdtSync(SyncService):
    """Delivery notes."""

    erp_list = ErpList(
        name="CUSTPACKINGSLIPJOUR_ListView", file_names=("Documenti di trasporto.pdf", "Packing slip journal.pdf")
    )
    model = Ddt
    layout = ExportLayout(
        key="erp_id",
        columns=[
            ignored("PDF DDT"),
            Column("ID", "erp_id", integer, required=True),
            Column("DOCUMENTO DI TRASPORTO:", "number", text, required=True),
            Column("DATA DI CONSEGNA", "delivery_date", date, required=True),
            Column("ID DI VENDITA", "order_number", text, required=True),
            Column("CONTO DELL'ORDINE", "account_number", text, required=True),
            Column("NOME VENDITE:", "customer_name", text),
            Column("NOME DI CONSEGNA", "delivery_name", text),
            Column("NOME DI CONSEGNA", "delivery_address", text, occurrence=2),  # mislabelled in the ERP
            Column("TOTALE", "pieces", number),
            Column("RIFERIMENTO CLIENTE", "customer_reference", text),
            Column("DESCRIZIONE:", "description", text),
            Column("NUMERO DI TRACCIABILITÀ", "tracking", tracking, required=True),
            Column("TERMINI DI CONSEGNA:", "delivery_terms", text),
            Column("MODALITÀ DI CONSEGNA", "delivery_mode", text),
            Column("ALL'ATTENZIONE DI", "attention_to", text),
            Column("CITTÀ DI CONSEGNA", "delivery_city", text),
        ],
        footer=Footer.REQUIRED,
    )


class InvoiceSync(SyncService):
    """Invoices, and credit notes, whose amounts are negative. The ERP prints these amounts without a €."""

    erp_list = ErpList(name="CUSTINVOICEJOUR_ListView", file_names=("Fatture.pdf", "Customer invoice journal.pdf"))
    model = Invoice
    layout = ExportLayout(
        key="number",
        columns=[
            ignored("FATTURA PDF"),
            Column("ID FATTURA", "number", text, required=True),
            Column("DATA FATTURA", "invoice_date", date, required=True),
            Column("CONTO FATTURE", "account_number", text, required=True),
            Column("NOME DI FATTURAZIONE", "customer_name", text),
            Column("QUANTITÀ", "quantity", number),
            Column("SALDO VENDITE MST", "sales_balance", money, required=True),
            Column("SOMMA LINEA SCONTO MST", "line_discount", money, required=True),
            Column("SCONTO TOTALE:", "total_discount", money, required=True),
            Column("SOMMA FISCALE MST", "tax_amount", money, required=True),
            Column("IMPORTO FATTURA MST", "total_amount", money, required=True),
            Column("ORDINE DI ACQUISTO", "purchase_order", text),
            Column("RIFERIMENTO CLIENTE", "customer_reference", text),
            Column("SCADENZA", "due_date", date, required=True),
            Column("ID TERMINE DI PAGAMENTO", "payment_terms", text),
            Column("OLTRE I GIORNI DI SCADENZA", "days_overdue", integer),
            Column("LIQUIDA IMPORTO MST", "settled_amount", money, required=True),
            Column("IDENTIFICATIVO ULTIMO PAGAMENTO:", "last_payment_number", text),
            Column("DATA DI ULTIMA LIQUIDAZIONE", "last_settlement_date", date),
            Column("CHIUSO", "closed_date", date),  # no yes or no in the ERP's export: the day it was closed
            Column("IMPORTO RIMANENTE MST", "remaining_amount", money, required=True),
            Column("ID VENDITE", "order_number", text, required=True),
        ],
        footer=Footer.REQUIRED,
    )


def unit_price(cell: str) -> Decimal | None:
    """The price of one piece: with or without its €, and with more decimals than an amount."""
    return number(cell.removesuffix("€").rstrip())


class ProductSync(SyncService):
    """Products. Their headers are known from documentation alone, which writes some in two ways."""

    erp_list = ErpList(name="INVENTTABLE_ListView", file_names=("Prodotti.pdf", "Products.pdf"))
    model = Product
    layout = ExportLayout(
        key="erp_id",
        columns=[
            Column("ID ARTICOLO", "erp_id", text, required=True),
            Column("NOME ARTICOLO", "name", text, required=True),
            Column("DESCRIZIONE", "description", text, required=True),
            Column("GRUPPO ARTICOLO", "group", text),
            ignored("IMMAGINE"),
            Column("CONTENUTO DELL'IMBALLAGGIO", "pack_pieces", number),
            Column("NOME DELLA RICERCA", "search_name", text),
            Column("UNITÀ DI PREZZO", "price_unit", number),
            Column("ID GRUPPO DI PRODOTTI", "product_group", text),
            Column("DESCRIZIONE GRUPPO ARTICOLO", "group_description", text),
            Column("QTÀ MINIMA", "minimum_quantity", number, required=True),
            Column("QTÀ MULTIPLI", "multiple_quantity", number, required=True),
            Column("QTÀ MASSIMA", "maximum_quantity", number, required=True),
            Column("FIGURA", "figure", text),
            Column("DATAAREAID", "data_area", text),
            Column("ID", "record_id", integer),
            Column("DATETIME MODIFICATO", "erp_modified_at", date_time),
            Column("FERMATO", "is_blocked", boolean, required=True),
            Column("ID IN BLOCCO ARTICOLO", "bulk_product_id", text, aliases=("ID IN BLOCCO DELL'ARTICOLO",)),
            Column("PACCO", "pack", text),
            Column("GAMBA", "shank", text),
            Column("GRANDEZZA", "size", text),
            Column("ID CONFIGURAZIONE", "configuration", text, aliases=("ID DI CONFIGURAZIONE",)),
            Column("CREATO DA", "erp_created_by", text),
            Column("DATA CREATA", "erp_created_at", date_time),
            Column("QTÀ PREDEFINITA", "default_quantity", number),
            Column("VISUALIZZA NUMERO PRODOTTO", "display_number", text, aliases=("VISUALIZZA IL NUMERO DI PRODOTTO",)),
            Column("SCONTO ASSOLUTO TOTALE", "total_discount", number),
            Column("SCONTO LINEA", "line_discount", text),
            Column("MODIFICATO DA", "erp_modified_by", text),
            Column("ARTICOLO ORDINABILE", "is_orderable", boolean, required=True),
            Column("PURCH PRICE PCS", "purchase_price", unit_price),
            Column(
                "ID CONFIGURAZIONE STANDARD",
                "standard_configuration",
                text,
                aliases=("ID DI CONFIGURAZIONE STANDARD",),
            ),
            Column("QTÀ STANDARD", "standard_quantity", number),
            Column("ID ELEMENTO IVAID", "vat_group", text, required=True),
            Column("ID UNITÀ", "unit", text),
        ],
        footer=Footer.OPTIONAL,
    )


class PriceSync(SyncService):
    """Prices, by account and quantity. Their headers are known from documentation alone, as the products' are."""

    erp_list = ErpList(
        name="PRICEDISCTABLE_ListView",
        file_names=("Tabella prezzi.pdf", "Price table.pdf"),
        safe_filter="Prezzi attivi",
    )
    model = Price
    layout = ExportLayout(
        key="erp_id",
        columns=[
            Column("ID", "erp_id", integer, required=True),
            Column("CODICE CONTO", "account_code", text, required=True),
            Column("ACCOUNT:", "account", text, required=True),
            Column("DESCRIZIONE ACCOUNT:", "account_description", text),
            Column("ITEM SELECTION:", "product_erp_id", text, required=True),
            Column("ITEM DESCRIPTION:", "product_name", text, required=True),
            Column("DA DATA", "valid_from", date, required=True),
            Column("DATA", "valid_to", date, required=True),
            Column("QUANTITÀ IMPORTO DA", "quantity_from", number, required=True, aliases=("QUANTITÀIMPORTODA",)),
            Column("QUANTITÀ IMPORTO", "quantity_to", number, required=True, aliases=("QUANTITÀIMPORTO",)),
            Column("UNITÀ DI PREZZO", "price_unit", number),
            Column("IMPORTO UNITARIO:", "unit_price", money, required=True),
            Column("VALUTA", "currency", text, required=True),
            Column("PREZZO NETTO BRASSELER", "is_net_price", boolean),
        ],
        footer=Footer.OPTIONAL,
    )
