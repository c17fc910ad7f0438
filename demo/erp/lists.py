"""The demo ERP's lists as its screens show them: columns in order, their control totals, and the filters.

Customers, orders, DDT and invoices as real exports have them: headers, widths, page breaks, totals. Products as the
real grid shows them, prices as a real export was described. Written from what is known of the real ERP, apart from
what the sync believes about it: that is what makes the demo a test.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import cached_property
from typing import Any

from demo.erp import fillers
from demo.erp.english import HEADERS
from demo.erp.pdf import FULL_WIDTH, compute_width
from demo.erp.records import OrderState, Price
from demo.erp.text import Kind

TEXT, INTEGER, NUMBER, MONEY, PERCENT = Kind.TEXT, Kind.INTEGER, Kind.NUMBER, Kind.MONEY, Kind.PERCENT
DAY, MOMENT, YES_NO, CHECKED = Kind.DAY, Kind.MOMENT, Kind.YES_NO, Kind.CHECKED


class Total(Enum):
    """What the footer states under a column."""

    COUNT = "Count"
    SUM = "Sum"


COUNT, SUM = Total.COUNT, Total.SUM


BLOCKED_ID = 7_000_000  # apart from all other prices' IDs
BLOCKED_MORE = Decimal(10)
FIELD_NAMES = {"": "DOCUMENTPDF", "modified_at": "MODIFIEDDATETIME"}


@dataclass(frozen=True)
class ListColumn:
    """A column: its header, the field of the record it shows (none: it is always empty), its width in points."""

    header: str
    field: str
    kind: Kind = TEXT
    width: float | None = None  # as wide as the header
    total: Total | None = None
    hidden: bool = False  # in each new session, until it is chosen there
    name: str = ""  # of the grid's field, if it does not follow from `field`

    @property
    def field_name(self) -> str:
        """What the grid's script calls it; but for MODIFIEDDATETIME the real names are not known."""
        return self.name or FIELD_NAMES.get(self.field) or self.field.replace("_", "").upper()

    @property
    def shown_width(self) -> float:
        return self.width or compute_width([self.header])

    def translate(self) -> ListColumn:
        header = HEADERS.get(self.header, self.header)
        return replace(self, header=header, width=max(self.width or 0, compute_width([header])))


@dataclass(frozen=True)
class Choice:
    """One choice of a list's filter: how its value ends, its texts, which records it shows on a day."""

    value: str
    italian: str
    english: str
    shows: Callable[[Any, date], bool]
    change: Callable[[Any], Any] | None = None  # what it makes of each: other records than the list has


def show_everything(*_: Any) -> bool:
    return True


@dataclass(frozen=True)
class DemoList:
    """One list view."""

    sync_type: str
    name: str  # in its address
    title: str
    file_names: tuple[str, str]  # of its exports, in Italian and in English
    export_item: int  # place of the export button in the toolbar
    grid: str  # how the id of its grid ends
    columns: Sequence[ListColumn]
    choices: Sequence[Choice] = ()  # of its filter combo
    forgotten: str = ""  # the choice that a user may have left
    grid_after_update: str = ""  # how it ends then; none: as before
    on_set_value: str = ""  # what follows when a script sets its filter: navigation, a callback, or nothing
    other_file_name: str = ""  # that was seen of its exports as well
    newest_first: bool = False  # the newest change comes first
    hidden_columns: Sequence[ListColumn] = ()  # that the grid has between the others, and no new session shows

    @property
    def key(self) -> ListColumn:
        """The column that tells one record from another."""
        return next(column for column in self.columns if column.field in ("id", "number"))

    @cached_property
    def grid_columns(self) -> Sequence[ListColumn]:
        """In the order in which they are shown: those that no session shows at first stand between the others."""
        return interleave(self.columns, self.hidden_columns)

    def list_known_columns(self) -> frozenset[int]:
        """The places of the columns that are not invented."""
        return frozenset(place for place, column in enumerate(self.grid_columns) if column in self.columns)

    @property
    def pages(self) -> list[list[ListColumn]]:
        """The columns of each page of a band, with all columns shown."""
        return divide_into_pages(self.columns)

    @property
    def safe_filter(self) -> str:
        """The choice that hides nothing; none for a list without a filter."""
        return next((choice.value for choice in self.choices if choice.shows is show_everything), "")

    def find_choice(self, value: str) -> Choice:
        """Raises KeyError."""
        for choice in self.choices:
            if choice.value == value:
                return choice
        raise KeyError(value)

    def list_first_columns(self) -> frozenset[int]:
        """The places of the columns that a new session shows."""
        return frozenset(place for place, column in enumerate(self.grid_columns) if not column.hidden)

    def list_stubborn_columns(self) -> frozenset[int]:
        """The places of the columns that are left where the column chooser does nothing.

        Of products those of a new session; of the others all but the last column of each page after the first. One
        of two columns with the same header stays: without it the other could not be told from it.
        """
        if any(column.hidden for column in self.columns):
            return self.list_first_columns()
        headers = Counter(column.header for column in self.columns)
        lasts = [page[-1] for page in self.pages[1:] if headers[page[-1].header] == 1]
        known = self.list_known_columns()
        return frozenset(place for place in known if self.grid_columns[place] not in lasts)


def interleave(shown: Sequence[ListColumn], hidden: Sequence[ListColumn]) -> list[ListColumn]:
    """The hidden columns spread evenly among the shown ones."""
    mixed: list[ListColumn] = []
    for place, column in enumerate(shown):
        start, end = (at * len(hidden) // len(shown) for at in (place, place + 1))
        mixed += [*hidden[start:end], column]
    return mixed


def divide_into_pages(columns: Iterable[ListColumn]) -> list[list[ListColumn]]:
    """The columns of each page of a band: as many as stand between the margins.

    This gives every page break of the real exports; and with products' columns as wide as their headers the numbers
    of pages that were seen: 5 with the columns of a new session, 8 with all but the VAT, 9 with all.
    """
    pages: list[list[ListColumn]] = []
    room = 0.0
    for column in columns:
        if column.shown_width > room:
            pages.append([])
            room = FULL_WIDTH
        pages[-1].append(column)
        room -= column.shown_width
    return pages


def make_today_filter(field: str) -> Callable[[Any, date], bool]:
    return lambda record, today: take_day(getattr(record, field)) == today


def make_week_filter(field: str) -> Callable[[Any, date], bool]:
    return lambda record, today: take_day(getattr(record, field)).isocalendar()[:2] == today.isocalendar()[:2]


def make_month_filter(field: str) -> Callable[[Any, date], bool]:
    return lambda record, today: take_day(getattr(record, field)).replace(day=1) == today.replace(day=1)


def make_three_months_filter(field: str) -> Callable[[Any, date], bool]:
    return lambda record, today: take_day(getattr(record, field)) > today - timedelta(days=92)


def is_of_blocked(price: Price, _: date) -> bool:
    return price.id % 7 == 0


def block_price(price: Price) -> Price:
    """A price that applied once, under an ID of its own."""
    return replace(price, id=price.id + BLOCKED_ID, unit_price=price.unit_price + BLOCKED_MORE)


def take_day(value: date) -> date:
    return value.date() if isinstance(value, datetime) else value


C = ListColumn

# As the real ERP mislabels it. Products have theirs under a header of its own, until the ERP is updated.
CHANGED_AT = C("CITTÀ DI FATTURAZIONE", "modified_at", MOMENT, 112.5, hidden=True)


def make_hidden_columns(count: int, *, known: Sequence[ListColumn] = (CHANGED_AT,)) -> list[ListColumn]:
    """So many columns that no new session shows: in their midst those that are known, the others invented."""
    made = [C(caption, "", hidden=True, name=name) for name, caption in fillers.CAPTIONS.items()]
    made = made[: count - len(known)]
    return [*made[: len(made) // 2], *known, *made[len(made) // 2 :]]


CUSTOMERS = DemoList(
    sync_type="customers",
    name="CUSTTABLE_ListView_Agent",
    title="Clienti",
    file_names=("Clienti.pdf", "Customers.pdf"),
    export_item=6,
    grid="LE_v2",
    on_set_value="callback",
    choices=[
        Choice("All_Customers", "Tutti i clienti", "All customers", show_everything),
        Choice("Exclusive_Customers", "Clienti esclusivi", "Exclusive customers", lambda each, _: bool(each.account)),
        Choice("Free_Customers", "Clienti liberi", "Free customers", lambda each, _: not each.account),
    ],
    forgotten="Exclusive_Customers",
    hidden_columns=make_hidden_columns(11, known=()),  # that they are so many is assumed
    columns=[
        C("ID", "id", INTEGER, 55.5, COUNT),
        C("PROFILO CLIENTE:", "account", width=90.75),
        C("NOME", "name", width=224.25),
        C("PARTITA IVA:", "vat_number", width=67.5),
        C("PEC:", "pec", width=165.75),
        C("SDI:", "sdi", width=69),
        C("CODICE FISCALE:", "fiscal_code", width=84.75),
        C("TERMINI DI CONSEGNA", "delivery_mode", width=113.25),
        C("VIA:", "street", width=197.25),
        C("INDIRIZZO LOGISTICO CAP", "postcode", width=129),
        C("CITTÀ", "city", width=121.5),
        C("TELEFONO:", "phone", width=72.75),
        C("CELLULARE:", "mobile", width=72),
        C("URL:", "url", width=26.25),
        C("ALL’ATTENZIONE DI:", "attention", width=102.75),
        C("DATA DELL'ULTIMO ORDINE", "last_order", DAY, 137.25),
        C("CONTEGGI DEGLI ORDINI EFFETTIVI", "orders_this_year", INTEGER, 172.5, SUM),
        C("TIPO DI CLIENTE", "sales_this_year", MONEY, 88.5, SUM),
        C("CONTEGGIO DEGLI ORDINI PRECEDENTE", "orders_last_year", INTEGER, 194.25, SUM),
        C("VENDITE PRECEDENTE", "sales_last_year", MONEY, 111, SUM),
        C("CONTEGGIO DEGLI ORDINI PRECEDENTE 2", "orders_two_years_ago", INTEGER, 201, SUM),
        C("VENDITE PRECEDENTE", "sales_two_years_ago", MONEY, 111, SUM),
        C("DESCRIZIONE:", "description", width=161.25),
        C("TYPE:", "type", width=75.75),
        C("NUMERO DI CONTO ESTERNO", "external_account", width=141.75),
        C("IL NOSTRO NUMERO DI CONTO", "our_account", width=148.5),
    ],
)

ORDERS = DemoList(
    sync_type="orders",
    name="SALESTABLE_ListView_Agent",
    title="Ordini",
    file_names=("Ordini cliente.pdf", "Customer orders.pdf"),
    export_item=7,
    grid="LE_v5",
    grid_after_update="LE_v6",
    on_set_value="navigation",
    other_file_name="Ordini.pdf",
    choices=[
        Choice("ListViewSalesTableOrdersAll", "Tutti gli ordini", "All orders", show_everything),
        Choice("ListViewSalesTableOrdersToday", "Ordini odierni", "Today's orders", make_today_filter("created_at")),
        Choice(
            "ListViewSalesTableOrdersWeek",
            "Ordini della settimana",
            "This week's orders",
            make_week_filter("created_at"),
        ),
        Choice(
            "ListViewSalesTableOrdersMonth", "Ordini del mese", "This month's orders", make_month_filter("created_at")
        ),
        Choice(
            "ListViewSalesTableOrdersOpen",
            "Ordini inseriti",
            "Open orders",
            lambda order, _: order.sales_state == OrderState.OPEN[0],
        ),
        Choice(
            "ListViewSalesTableOrdersCompleted",
            "Ordini completati",
            "Completed orders",
            lambda order, _: order.sales_state == OrderState.INVOICED[0],
        ),
        Choice(
            "ListViewSalesTableOrdersApproval",
            "Ordini in attesa di approvazione",
            "Orders awaiting approval",
            lambda order, _: order.transfer_state == OrderState.PENDING[2],
        ),
    ],
    forgotten="ListViewSalesTableOrdersMonth",
    newest_first=True,
    hidden_columns=make_hidden_columns(40),
    columns=[
        C("ID", "id", INTEGER, 57, COUNT),
        C("ID DI VENDITA", "number", width=76.5),
        C("PROFILO CLIENTE:", "account", width=90.75),
        C("NOME VENDITE:", "customer_name", width=217.5),
        C("NOME DI CONSEGNA", "delivery_name", width=223.5),
        C("INDIRIZZO DI CONSEGNA", "address", width=191.25),
        C("DATA DI CREAZIONE", "created_at", MOMENT, 101.25),
        C("DATA DI CONSEGNA", "delivery_date", DAY, 99.75),
        C("RIMANI VENDITE FINANZIARIE", "description", width=218.25),
        C("RIFERIMENTO CLIENTE", "customer_reference", width=112.5),
        C("STATO DELLE VENDITE", "sales_state", width=113.25),
        C("TIPO DI ORDINE", "type", width=78),
        C("STATO DEL DOCUMENTO", "document_state", width=121.5),
        C("ORIGINE VENDITE:", "origin", width=91.5),
        C("STATO DEL TRASFERIMENTO", "transfer_state", width=140.25),
        C("DATA DI TRASFERIMENTO", "transfer_date", DAY, 126.75),
        C("DATA DI COMPLETAMENTO", "completion_date", DAY, 133.5),
        C("PREVENTIVO:", "is_quote", YES_NO, 68.25),
        C("APPLICA SCONTO %:", "discount", PERCENT, 99.75),
        C("IMPORTO LORDO:", "gross", MONEY, 97.5, SUM),
        C("IMPORTO TOTALE", "total", MONEY, 97.5, SUM),
        C("ORDINE OMAGGIO:", "is_gift", CHECKED, 93),
        C("E-MAIL", "email", width=135),  # that it comes last is assumed
    ],
)

DDT = DemoList(
    sync_type="ddt",
    name="CUSTPACKINGSLIPJOUR_ListView",
    title="Documenti di trasporto",
    file_names=("Giornale di registrazione bolla di consegna.pdf", "Packing slip journal.pdf"),
    export_item=3,
    grid="LE_v7",
    other_file_name="Documenti di trasporto.pdf",
    choices=[
        Choice("ListViewPackingSlipsToday", "Oggi", "Today", make_today_filter("delivery_date")),
        Choice("ListViewPackingSlipsWeek", "Questa settimana", "This week", make_week_filter("delivery_date")),
        Choice("ListViewPackingSlipsMonth", "Questo mese", "This month", make_month_filter("delivery_date")),
        Choice(
            "ListViewPackingSlips3Months", "Ultimi 3 mesi", "Last 3 months", make_three_months_filter("delivery_date")
        ),
        Choice("ListViewPackingSlipsAll", "Tutti", "All", show_everything),
    ],
    forgotten="ListViewPackingSlipsMonth",
    newest_first=True,
    hidden_columns=make_hidden_columns(16),
    columns=[
        C("PDF DDT", "", width=44.25),
        C("ID", "id", INTEGER, 40.5),
        C("DOCUMENTO DI TRASPORTO:", "number", width=141, total=COUNT),
        C("DATA DI CONSEGNA", "delivery_date", DAY, 99.75),
        C("ID DI VENDITA", "order_number", width=76.5),
        C("CONTO DELL'ORDINE", "account", width=103.5),
        C("NOME VENDITE:", "customer_name", width=217.5),
        C("NOME DI CONSEGNA", "delivery_name", width=224.25),
        C("NOME DI CONSEGNA", "address", width=191.25),
        C("TOTALE", "pieces", INTEGER, 64.5, SUM),
        C("RIFERIMENTO CLIENTE", "customer_reference", width=112.5),
        C("DESCRIZIONE:", "description", width=218.25),
        C("NUMERO DI TRACCIABILITÀ", "tracking", width=225),
        C("TERMINI DI CONSEGNA:", "terms", width=145.5),
        C("MODALITÀ DI CONSEGNA", "delivery_mode", width=124.5),
        C("ALL'ATTENZIONE DI", "attention", width=99),
        C("CITTÀ DI CONSEGNA", "delivery_city", width=204.75),
    ],
)

INVOICES = DemoList(
    sync_type="invoices",
    name="CUSTINVOICEJOUR_ListView",
    title="Fatture",
    file_names=("Giornale di registrazione fatture cliente.pdf", "Customer invoice journal.pdf"),
    export_item=3,
    grid="LE_v8",
    other_file_name="Fatture.pdf",
    choices=[
        Choice("Last_3_months_invoices", "Ultimi 3 mesi", "Last 3 months", make_three_months_filter("issued_on")),
        Choice("Open_invoices", "Fatture aperte", "Open invoices", lambda invoice, _: invoice.closed_on is None),
        Choice(
            "Overdue_invoices",
            "Fatture scadute",
            "Overdue invoices",
            lambda invoice, today: invoice.closed_on is None and invoice.due_date < today,
        ),
        Choice("All_invoices", "Tutti", "All", show_everything),
    ],
    forgotten="Open_invoices",
    newest_first=True,
    hidden_columns=make_hidden_columns(25),
    columns=[
        C("FATTURA PDF", "", width=69.75),
        C("ID FATTURA", "number", width=72),
        C("DATA FATTURA", "issued_on", DAY, 78.75),
        C("CONTO FATTURE", "account", width=84),
        C("NOME DI FATTURAZIONE", "customer_name", width=216.75),
        C("QUANTITÀ", "quantity", NUMBER, 72, SUM),
        C("SALDO VENDITE MST", "net", NUMBER, 103.5, SUM),
        C("SOMMA LINEA SCONTO MST", "line_discount", NUMBER, 136.5),
        C("SCONTO TOTALE:", "total_discount", NUMBER, 86.25, SUM),
        C("SOMMA FISCALE MST", "tax", NUMBER, 105.75, SUM),
        C("IMPORTO FATTURA MST", "total", NUMBER, 117.75, SUM),
        C("ORDINE DI ACQUISTO", "purchase_order", width=218.25),
        C("RIFERIMENTO CLIENTE", "customer_reference", width=112.5),
        C("SCADENZA", "due_date", DAY, 56.25),
        C("ID TERMINE DI PAGAMENTO", "payment_terms", width=219.75),
        C("OLTRE I GIORNI DI SCADENZA", "days_left", INTEGER, 148.5),
        C("LIQUIDA IMPORTO MST", "settled", NUMBER, 113.25, SUM),
        C("IDENTIFICATIVO ULTIMO PAGAMENTO:", "last_payment", width=193.5),
        C("DATA DI ULTIMA LIQUIDAZIONE", "settled_on", DAY, 156.75),
        C("CHIUSO", "closed_on", DAY, 50.25),
        C("IMPORTO RIMANENTE MST", "remaining", NUMBER, 130.5, SUM),
        C("ID VENDITE", "order_number", width=76.5),
    ],
)

PRODUCTS = DemoList(
    sync_type="products",
    name="INVENTTABLE_ListView",
    title="Prodotti",
    file_names=("Prodotti.pdf", "Products.pdf"),
    export_item=3,
    grid="LE_v8",
    columns=[
        C("ID ARTICOLO", "id", total=COUNT),  # that products have a footer is assumed
        C("NOME ARTICOLO:", "name"),
        C("DESCRIZIONE", "description", width=225.75),
        C("GRUPPO ARTICOLO:", "group"),
        C("IMMAGINE:", "image", width=66),
        C("CONTENUTO DELL'IMBALLAGGIO", "pack_pieces", NUMBER),
        C("NOME DELLA RICERCA", "search_name"),
        C("UNITÀ DI PREZZO:", "price_unit", NUMBER),
        C("ID GRUPPO DI PRODOTTI", "product_group"),
        C("DESCRIZIONE GRUPPO ARTICOLO:", "group_description"),
        C("QTÀ MINIMA:", "minimum", NUMBER),
        C("QTÀ MULTIPLI:", "multiple", NUMBER),
        C("QTÀ MASSIMA:", "maximum", NUMBER),
        C("FIGURA:", "figure"),
        C("ID IN BLOCCO DELL'ARTICOLO", "bulk_id", hidden=True),
        C("PACCO", "pack", hidden=True),
        C("GAMBA", "shank", hidden=True),
        C("GRANDEZZA", "size", hidden=True),
        C("ID DI CONFIGURAZIONE", "configuration", hidden=True),
        C("CREATO DA:", "created_by", hidden=True),
        C("DATA CREATA", "created_at", MOMENT, 87, hidden=True),
        C("DATAAREAID", "data_area"),
        C("QTÀ PREDEFINITA:", "default_quantity", NUMBER, hidden=True),
        C("VISUALIZZA IL NUMERO DI PRODOTTO", "display_number", hidden=True),
        C("SCONTO ASSOLUTO TOTALE:", "total_discount", NUMBER, hidden=True),
        C("ID", "record_id", INTEGER, 48),
        C("SCONTO LINEA", "line_discount", hidden=True),
        C("MODIFICATO DA:", "modified_by", hidden=True),
        C("DATETIME MODIFICATO", "modified_at", MOMENT),
        C("ARTICOLO ORDINABILE:", "is_orderable", YES_NO, hidden=True),
        C("PURCH PRICE PCS", "purchase_price", MONEY, hidden=True),
        C("ID DI CONFIGURAZIONE STANDARD", "standard_configuration", hidden=True),
        C("QTÀ STANDARD:", "standard_quantity", NUMBER, hidden=True),
        C("FERMATO", "is_stopped", YES_NO),
        C("ID UNITÀ", "unit", hidden=True),
        C("ID ELEMENTO IVAID", "vat_group", hidden=True),
    ],
)

PRICES = DemoList(
    sync_type="prices",
    name="PRICEDISCTABLE_ListView",
    title="Tabella prezzi",
    file_names=("Tabella prezzi.pdf", "Price table.pdf"),
    export_item=3,
    grid="LE_v9",
    grid_after_update="LE_v16",
    on_set_value="navigation",
    choices=[
        Choice("ActivePrices", "Prezzi attivi", "Active prices", show_everything),
        Choice("BlockedPrices", "Prezzi bloccati", "Blocked prices", is_of_blocked, block_price),
    ],
    forgotten="BlockedPrices",
    hidden_columns=make_hidden_columns(32),
    columns=[
        C("ID", "id", INTEGER, 64.5, COUNT),  # that prices have a footer is assumed
        C("CODICE CONTO", "account_code"),
        C("ACCOUNT:", "account"),
        C("DESCRIZIONE ACCOUNT:", "account_name"),
        C("ITEM SELECTION:", "product_id"),
        C("ITEM DESCRIPTION:", "product_name", width=168),  # wide enough for the page break that was seen
        C("DA DATA", "valid_from", DAY, 54),
        C("DATA", "valid_to", DAY, 51),
        C("QUANTITÀIMPORTODA", "quantity_from", NUMBER),
        C("QUANTITÀIMPORTO", "quantity_to", NUMBER),
        C("UNITÀ DI PREZZO", "price_unit", NUMBER),
        C("IMPORTO UNITARIO:", "unit_price", MONEY),
        C("VALUTA", "currency"),
        C("PREZZO NETTO BRASSELER", "is_net_price", YES_NO),
    ],
)

LISTS = (CUSTOMERS, ORDERS, DDT, INVOICES, PRODUCTS, PRICES)


# What one order's own page exports. Headers, order, page break and totals as one real export had them; widths, and how
# a line's number and quantity are printed, are assumed.
ORDER_LINES = DemoList(
    sync_type="order-lines",
    name="SALESTABLE_DetailViewAgent",
    title="Righe ordine",
    file_names=("Salesline.pdf", "Salesline.pdf"),
    export_item=1,
    grid="LE_v12",
    columns=[
        C("LINEA:", "number", INTEGER, 45, COUNT),
        C("NOME ARTICOLO:", "article", width=90),
        C("QTÀ ORDINATA", "quantity", Kind.PIECES, 81, SUM),
        C("UNITÀ DI PREZZO:", "price_unit", NUMBER, 90),
        C("SCONTO %:", "discount", PERCENT, 57),
        C("APPLICA SCONTO %:", "order_discount", PERCENT, 99.75),
        C("IMPORTO DELLA LINEA", "amount", MONEY, 111, SUM),
        C("PREZZO NETTO:", "is_net_price", CHECKED, 81),
        C("NOME", "name", width=240),
    ],
)


def make_lines_list(order_id: int) -> DemoList:
    """The list on one order's page."""
    return replace(ORDER_LINES, name=f"{ORDER_LINES.name}/{order_id}")


def find_list(name: str) -> DemoList:
    """The list of that sync type or list view name. Raises KeyError."""
    for demo_list in LISTS:
        if name in (demo_list.sync_type, demo_list.name):
            return demo_list
    raise KeyError(name)
