"""The demo ERP's lists as its screens show them: columns in export order, page by page, and their control totals.

Written from what exports look like, apart from what the sync believes about them: that is what makes the demo a test.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from typing import Any

from sync.erp.demo.text import Kind

TEXT, INTEGER, NUMBER, MONEY, PERCENT = Kind.TEXT, Kind.INTEGER, Kind.NUMBER, Kind.MONEY, Kind.PERCENT
DAY, MOMENT, YES_NO, CHECKED = Kind.DAY, Kind.MOMENT, Kind.YES_NO, Kind.CHECKED


class Total(Enum):
    """What the footer states under a column."""

    COUNT = "Count"
    SUM = "Sum"


COUNT, SUM = Total.COUNT, Total.SUM


@dataclass(frozen=True)
class ListColumn:
    """A column: its header, the field of the record it shows (none: it is always empty), its width in points."""

    header: str
    field: str
    kind: Kind = TEXT
    width: float | None = None  # as wide as the header
    total: Total | None = None


@dataclass(frozen=True)
class DemoList:
    """One list view."""

    sync_type: str
    name: str  # in its address
    title: str
    file_names: tuple[str, str]  # of its exports, in Italian and English profiles
    filters: tuple[str, str]  # the one that hides nothing, and one that a user may have left
    is_kept: Callable[[Any, date], bool]  # by the second filter
    export_item: int  # place of the export button in the toolbar
    pages: Sequence[Sequence[ListColumn]]
    newest_first: bool = False

    @property
    def key(self) -> ListColumn:
        """The column that tells one record from another."""
        return next(column for column in self.pages[0] if column.field in ("id", "number"))


C = ListColumn

CUSTOMERS = DemoList(
    sync_type="customers",
    name="CUSTTABLE_ListView_Agent",
    title="Clienti",
    file_names=("Clienti.pdf", "Customers.pdf"),
    filters=("Tutti i clienti", "Clienti con ordini quest'anno"),
    is_kept=lambda customer, _: customer.orders_this_year > 0,
    export_item=3,
    pages=[
        [
            C("ID", "id", INTEGER, 55.5, COUNT),
            C("PROFILO CLIENTE:", "account", width=90.75),
            C("NOME", "name", width=224.25),
            C("PARTITA IVA:", "vat_number", width=67.5),
        ],
        [
            C("PEC:", "pec", width=165.75),
            C("SDI:", "sdi", width=69),
            C("CODICE FISCALE:", "fiscal_code", width=84.75),
            C("TERMINI DI CONSEGNA", "delivery_mode", width=113.25),
        ],
        [
            C("VIA:", "street", width=197.25),
            C("INDIRIZZO LOGISTICO CAP", "postcode", width=129),
            C("CITTÀ", "city", width=121.5),
        ],
        [
            C("TELEFONO:", "phone", width=72.75),
            C("CELLULARE:", "mobile", width=72),
            C("URL:", "url", width=26.25),
            C("ALL’ATTENZIONE DI:", "attention", width=102.75),
            C("DATA DELL'ULTIMO ORDINE", "last_order", DAY, 137.25),
        ],
        [
            C("CONTEGGI DEGLI ORDINI EFFETTIVI", "orders_this_year", INTEGER, 172.5, SUM),
            C("TIPO DI CLIENTE", "sales_this_year", MONEY, 88.5, SUM),
            C("CONTEGGIO DEGLI ORDINI PRECEDENTE", "orders_last_year", INTEGER, 194.25, SUM),
        ],
        [
            C("VENDITE PRECEDENTE", "sales_last_year", MONEY, 111, SUM),
            C("CONTEGGIO DEGLI ORDINI PRECEDENTE 2", "orders_two_years_ago", INTEGER, 201, SUM),
            C("VENDITE PRECEDENTE", "sales_two_years_ago", MONEY, 111, SUM),
        ],
        [
            C("DESCRIZIONE:", "description", width=161.25),
            C("TYPE:", "type", width=75.75),
            C("NUMERO DI CONTO ESTERNO", "external_account", width=141.75),
        ],
        [C("IL NOSTRO NUMERO DI CONTO", "our_account", width=148.5)],
    ],
)

ORDERS = DemoList(
    sync_type="orders",
    name="SALESTABLE_ListView_Agent",
    title="Ordini",
    file_names=("Ordini.pdf", "Customer orders.pdf"),
    filters=("Tutti gli ordini", "Ordini degli ultimi 7 giorni"),
    is_kept=lambda order, today: order.created_at.date() > today - timedelta(days=7),
    export_item=5,
    newest_first=True,
    pages=[
        [
            C("ID", "id", INTEGER, 57, COUNT),
            C("ID DI VENDITA", "number", width=76.5),
            C("PROFILO CLIENTE:", "account", width=90.75),
            C("NOME VENDITE:", "customer_name", width=217.5),
        ],
        [C("NOME DI CONSEGNA", "delivery_name", width=223.5), C("INDIRIZZO DI CONSEGNA", "address", width=191.25)],
        [
            C("DATA DI CREAZIONE", "created_at", MOMENT, 101.25),
            C("DATA DI CONSEGNA", "delivery_date", DAY, 99.75),
            C("RIMANI VENDITE FINANZIARIE", "description", width=218.25),
        ],
        [
            C("RIFERIMENTO CLIENTE", "customer_reference", width=112.5),
            C("STATO DELLE VENDITE", "sales_state", width=113.25),
            C("TIPO DI ORDINE", "type", width=78),
            C("STATO DEL DOCUMENTO", "document_state", width=121.5),
        ],
        [
            C("ORIGINE VENDITE:", "origin", width=91.5),
            C("STATO DEL TRASFERIMENTO", "transfer_state", width=140.25),
            C("DATA DI TRASFERIMENTO", "transfer_date", DAY, 126.75),
        ],
        [
            C("DATA DI COMPLETAMENTO", "completion_date", DAY, 133.5),
            C("PREVENTIVO:", "is_quote", YES_NO, 68.25),
            C("APPLICA SCONTO %:", "discount", PERCENT, 99.75),
            C("IMPORTO LORDO:", "gross", MONEY, 97.5, SUM),
        ],
        [C("IMPORTO TOTALE", "total", MONEY, 97.5, SUM), C("ORDINE OMAGGIO:", "is_gift", CHECKED, 93)],
    ],
)

DDT = DemoList(
    sync_type="ddt",
    name="CUSTPACKINGSLIPJOUR_ListView",
    title="Documenti di trasporto",
    file_names=("Documenti di trasporto.pdf", "Packing slip journal.pdf"),
    filters=("Tutti", "Ultimi 30 giorni"),
    is_kept=lambda ddt, today: ddt.delivery_date > today - timedelta(days=30),
    export_item=2,
    newest_first=True,
    pages=[
        [
            C("PDF DDT", "", width=44.25),
            C("ID", "id", INTEGER, 40.5),
            C("DOCUMENTO DI TRASPORTO:", "number", width=141, total=COUNT),
            C("DATA DI CONSEGNA", "delivery_date", DAY, 99.75),
            C("ID DI VENDITA", "order_number", width=76.5),
        ],
        [C("CONTO DELL'ORDINE", "account", width=103.5), C("NOME VENDITE:", "customer_name", width=217.5)],
        [C("NOME DI CONSEGNA", "delivery_name", width=224.25), C("NOME DI CONSEGNA", "address", width=191.25)],
        [
            C("TOTALE", "pieces", INTEGER, 64.5, SUM),
            C("RIFERIMENTO CLIENTE", "customer_reference", width=112.5),
            C("DESCRIZIONE:", "description", width=218.25),
        ],
        [C("NUMERO DI TRACCIABILITÀ", "tracking", width=225), C("TERMINI DI CONSEGNA:", "terms", width=145.5)],
        [
            C("MODALITÀ DI CONSEGNA", "delivery_mode", width=124.5),
            C("ALL'ATTENZIONE DI", "attention", width=99),
            C("CITTÀ DI CONSEGNA", "delivery_city", width=204.75),
        ],
    ],
)

INVOICES = DemoList(
    sync_type="invoices",
    name="CUSTINVOICEJOUR_ListView",
    title="Fatture",
    file_names=("Fatture.pdf", "Customer invoice journal.pdf"),
    filters=("Tutti", "Fatture aperte"),
    is_kept=lambda invoice, _: invoice.closed_on is None,
    export_item=7,
    newest_first=True,
    pages=[
        [
            C("FATTURA PDF", "", width=69.75),
            C("ID FATTURA", "number", width=72),
            C("DATA FATTURA", "issued_on", DAY, 78.75),
            C("CONTO FATTURE", "account", width=84),
        ],
        [
            C("NOME DI FATTURAZIONE", "customer_name", width=216.75),
            C("QUANTITÀ", "quantity", NUMBER, 72, SUM),
            C("SALDO VENDITE MST", "net", NUMBER, 103.5, SUM),
        ],
        [
            C("SOMMA LINEA SCONTO MST", "line_discount", NUMBER, 136.5),
            C("SCONTO TOTALE:", "total_discount", NUMBER, 86.25, SUM),
            C("SOMMA FISCALE MST", "tax", NUMBER, 105.75, SUM),
            C("IMPORTO FATTURA MST", "total", NUMBER, 117.75, SUM),
        ],
        [
            C("ORDINE DI ACQUISTO", "purchase_order", width=218.25),
            C("RIFERIMENTO CLIENTE", "customer_reference", width=112.5),
            C("SCADENZA", "due_date", DAY, 56.25),
        ],
        [
            C("ID TERMINE DI PAGAMENTO", "payment_terms", width=219.75),
            C("OLTRE I GIORNI DI SCADENZA", "days_overdue", INTEGER, 148.5),
        ],
        [
            C("LIQUIDA IMPORTO MST", "settled", NUMBER, 113.25, SUM),
            C("IDENTIFICATIVO ULTIMO PAGAMENTO:", "last_payment", width=193.5),
            C("DATA DI ULTIMA LIQUIDAZIONE", "settled_on", DAY, 156.75),
        ],
        [
            C("CHIUSO", "closed_on", DAY, 50.25),
            C("IMPORTO RIMANENTE MST", "remaining", NUMBER, 130.5, SUM),
            C("ID VENDITE", "order_number", width=76.5),
        ],
    ],
)

PRODUCTS = DemoList(
    sync_type="products",
    name="INVENTTABLE_ListView",
    title="Prodotti",
    file_names=("Prodotti.pdf", "Products.pdf"),
    filters=("Tutti", "Modificati negli ultimi 30 giorni"),
    is_kept=lambda product, today: product.modified_at.date() > today - timedelta(days=30),
    export_item=4,
    pages=[
        [
            C("ID ARTICOLO", "id", width=76.5, total=COUNT),
            C("NOME ARTICOLO", "name", width=93),
            C("DESCRIZIONE", "description", width=218.25),
        ],
        [
            C("GRUPPO ARTICOLO", "group", width=99),
            C("IMMAGINE", "image", width=64.5),
            C("CONTENUTO DELL'IMBALLAGGIO", "pack_pieces", NUMBER, 105),
            C("NOME DELLA RICERCA", "search_name", width=117),
        ],
        [
            C("UNITÀ DI PREZZO", "price_unit", NUMBER, 94.5),
            C("ID GRUPPO DI PRODOTTI", "product_group", width=128.25),
            C("DESCRIZIONE GRUPPO ARTICOLO", "group_description", width=153),
            C("QTÀ MINIMA", "minimum", NUMBER, 72),
        ],
        [
            C("QTÀ MULTIPLI", "multiple", NUMBER, 79.5),
            C("QTÀ MASSIMA", "maximum", NUMBER, 77.25),
            C("FIGURA", "figure", width=48.75),
            C("DATAAREAID", "data_area", width=73.5),
            C("ID", "record_id", INTEGER, 64.5),
            C("DATETIME MODIFICATO", "modified_at", MOMENT, 117.75),
        ],
        [
            C("FERMATO", "is_stopped", YES_NO, 57.75),
            C("ID IN BLOCCO ARTICOLO", "bulk_id", width=96),
            C("PACCO", "pack", width=42),
            C("GAMBA", "shank", width=45),
            C("GRANDEZZA", "size", width=67.5),
            C("ID CONFIGURAZIONE", "configuration", width=112.5),
        ],
        [
            C("CREATO DA", "created_by", width=64.5),
            C("DATA CREATA", "created_at", MOMENT, 102),
            C("QTÀ PREDEFINITA", "default_quantity", NUMBER, 96.75),
            C("VISUALIZZA NUMERO PRODOTTO", "display_number", width=129),
        ],
        [
            C("SCONTO ASSOLUTO TOTALE", "total_discount", NUMBER, 96),
            C("SCONTO LINEA", "line_discount", width=82.5),
            C("MODIFICATO DA", "modified_by", width=86.25),
            C("ARTICOLO ORDINABILE", "is_orderable", YES_NO, 122.25),
        ],
        [
            C("PURCH PRICE PCS", "purchase_price", MONEY, 97.5),
            C("ID CONFIGURAZIONE STANDARD", "standard_configuration", width=120),
            C("QTÀ STANDARD", "standard_quantity", NUMBER, 85.5),
            C("ID ELEMENTO IVAID", "vat_group", width=106.5),
        ],
        [C("ID UNITÀ", "unit", width=51.75)],
    ],
)

PRICES = DemoList(
    sync_type="prices",
    name="PRICEDISCTABLE_ListView",
    title="Tabella prezzi",
    file_names=("Tabella prezzi.pdf", "Price table.pdf"),
    filters=("Prezzi attivi", "Prezzi riservati a un cliente"),
    is_kept=lambda price, _: bool(price.account),
    export_item=6,
    pages=[
        [
            C("ID", "id", INTEGER, 64.5, COUNT),
            C("CODICE CONTO", "account_code", width=82.5),
            C("ACCOUNT:", "account", width=61.5),
            C("DESCRIZIONE ACCOUNT:", "account_name", width=162),
            C("ITEM SELECTION:", "product_id", width=93),
        ],
        [
            C("ITEM DESCRIPTION:", "product_name", width=112.5),
            C("DA DATA", "valid_from", DAY, 54),
            C("DATA", "valid_to", DAY, 51),
            C("QUANTITÀ IMPORTO DA", "quantity_from", NUMBER, 102),
        ],
        [
            C("QUANTITÀ IMPORTO", "quantity_to", NUMBER, 105.75),
            C("UNITÀ DI PREZZO", "price_unit", NUMBER, 94.5),
            C("IMPORTO UNITARIO:", "unit_price", MONEY, 106.5),
            C("VALUTA", "currency", width=45),
            C("PREZZO NETTO BRASSELER", "is_net_price", YES_NO, 93),
        ],
    ],
)

LISTS = (CUSTOMERS, ORDERS, DDT, INVOICES, PRODUCTS, PRICES)


def list_called(name: str) -> DemoList:
    """The list of that sync type or list view name. Raises KeyError."""
    for demo_list in LISTS:
        if name in (demo_list.sync_type, demo_list.name):
            return demo_list
    raise KeyError(name)
