"""The lists of orders, DDT, invoices, products and prices, as the ERP exports them.

Orders, DDT and invoices are measured on real exports. Of products no export was ever seen: headers and values were read
from the ERP's grid in 2026, the printed form of whatever is not a text is inferred. Of prices, others have seen an
export. Which columns a list shows belongs to the ERP's session: of the products' 36 a fresh one shows 18.
"""

from __future__ import annotations

from django.conf import settings
from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Lower
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from orders.cross_checks import (
    CUSTOMER,
    DDT_CHECKS,
    INVOICE_CHECKS,
    ORDER,
    ORDER_CHECKS,
    PRICE_CHECKS,
    PRODUCT,
    PRODUCT_CHECKS,
)
from orders.models import Ddt, Invoice, Order, Price, Product
from orders.models.catalogue import ACCOUNT_CODES, VAT_RATES
from orders.pricing import list_price_groups, must_choose_price_group
from orders.tracking import read_tracking
from sync.erp.client import ErpList
from sync.exports.layout import Column, ExportLayout, Footer, Source, Total, ignored
from sync.exports.values import (
    boolean,
    code,
    date,
    date_time,
    integer,
    money,
    number,
    percent,
    record_id,
    text,
    unit_price,
)
from sync.messages import Message
from sync.models import MirroredModel
from sync.service import LossColumn, Notice, SyncService

COUNT, SUM = Total.COUNT, Total.SUM


class OrderSync(SyncService):
    """Orders; a pending one has no number yet."""

    erp_list = ErpList(
        name="SALESTABLE_ListView_Agent",
        file_names=("Ordini.pdf", "Ordini cliente.pdf", "Customer orders.pdf"),
        safe_filter="ListViewSalesTableOrdersAll",
    )
    model = Order
    references = (CUSTOMER,)
    cross_checks = ORDER_CHECKS
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
            Column("ID", "erp_id", integer, required="the key", total=COUNT),
            Column("ID DI VENDITA", "number", code, required="DDT and invoices name it"),
            Column("PROFILO CLIENTE:", "account_number", code, required="whose it is"),
            Column("NOME VENDITE:", "customer_name", text),
            Column("NOME DI CONSEGNA", "delivery_name", text),
            Column("INDIRIZZO DI CONSEGNA", "delivery_address", text),
            Column("DATA DI CREAZIONE", "ordered_at", date_time),
            Column("DATA DI CONSEGNA", "delivery_date", date),
            Column("RIMANI VENDITE FINANZIARIE", "description", text),  # mislabelled in the ERP: the agent's words
            Column("RIFERIMENTO CLIENTE", "customer_reference", text),
            Column("STATO DELLE VENDITE", "sales_status", text),
            Column("TIPO DI ORDINE", "order_type", text),
            Column("STATO DEL DOCUMENTO", "document_status", text),
            Column("ORIGINE VENDITE:", "sales_origin", text),
            Column("STATO DEL TRASFERIMENTO", "transfer_status", text),
            Column("DATA DI TRASFERIMENTO", "transfer_date", date),
            Column("DATA DI COMPLETAMENTO", "completion_date", date),
            Column("PREVENTIVO:", "is_quote", boolean),
            Column("APPLICA SCONTO %:", "discount_percent", percent),
            Column("IMPORTO LORDO:", "gross_amount", money, total=SUM),
            Column("IMPORTO TOTALE", "total_amount", money, total=SUM, added_before_rounding=True),
            Column("ORDINE OMAGGIO:", "is_gift", boolean),
            ignored("E-MAIL", Source.GRID),
        ],
        footer=Footer.REQUIRED,
    )


class DdtSync(SyncService):
    """Delivery notes."""

    erp_list = ErpList(
        name="CUSTPACKINGSLIPJOUR_ListView",
        file_names=(
            "Documenti di trasporto.pdf",
            "Giornale di registrazione bolla di consegna.pdf",
            "Packing slip journal.pdf",
        ),
        safe_filter="ListViewPackingSlipsAll",
    )
    model = Ddt
    references = (CUSTOMER, ORDER)
    cross_checks = DDT_CHECKS
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
            Column("ID", "erp_id", integer, required="the key"),
            Column("DOCUMENTO DI TRASPORTO:", "number", code, required="what it is called", total=COUNT),
            Column("DATA DI CONSEGNA", "delivery_date", date),
            Column("ID DI VENDITA", "order_number", code),
            Column("CONTO DELL'ORDINE", "account_number", code, required="whose it is"),
            Column("NOME VENDITE:", "customer_name", text),
            Column("NOME DI CONSEGNA", "delivery_name", text),
            Column("NOME DI CONSEGNA", "delivery_address", text, occurrence=2),  # mislabelled in the ERP
            Column("TOTALE", "pieces", number, total=SUM),
            Column("RIFERIMENTO CLIENTE", "customer_reference", text),
            Column("DESCRIZIONE:", "description", text),
            Column("NUMERO DI TRACCIABILITÀ", "tracking", read_tracking),
            Column("TERMINI DI CONSEGNA:", "delivery_terms", text),
            Column("MODALITÀ DI CONSEGNA", "delivery_mode", text),
            Column("ALL'ATTENZIONE DI", "attention_to", text),
            Column("CITTÀ DI CONSEGNA", "delivery_city", text),
        ],
        footer=Footer.REQUIRED,
    )


class InvoiceSync(SyncService):
    """Invoices, and credit notes, whose amounts are negative. The ERP prints these amounts without a €."""

    erp_list = ErpList(
        name="CUSTINVOICEJOUR_ListView",
        file_names=(
            "Fatture.pdf",
            "Giornale di registrazione fatture cliente.pdf",
            "Customer invoice journal.pdf",
        ),
        safe_filter="All_invoices",
    )
    model = Invoice
    references = (CUSTOMER, ORDER)
    cross_checks = INVOICE_CHECKS
    may_be_empty = True
    loss_columns = (LossColumn("customer_name"), LossColumn("invoice_date"), LossColumn("total_amount"))
    account_field = "account_number"
    personal_fields = ("account_number", "customer_name", "purchase_order", "customer_reference")
    identifying_fields = ("customer_name",)
    layout = ExportLayout(
        key="number",
        columns=[
            ignored("FATTURA PDF"),
            Column("ID FATTURA", "number", code, required="the key"),
            Column("DATA FATTURA", "invoice_date", date),
            Column("CONTO FATTURE", "account_number", code, required="whose it is"),
            Column("NOME DI FATTURAZIONE", "customer_name", text),
            Column("QUANTITÀ", "quantity", number, total=SUM),
            Column("SALDO VENDITE MST", "sales_balance", money, total=SUM),
            Column("SOMMA LINEA SCONTO MST", "line_discount", money),
            Column("SCONTO TOTALE:", "total_discount", money, total=SUM),
            Column("SOMMA FISCALE MST", "tax_amount", money, total=SUM),
            Column("IMPORTO FATTURA MST", "total_amount", money, total=SUM),
            Column("ORDINE DI ACQUISTO", "purchase_order", text),
            Column("RIFERIMENTO CLIENTE", "customer_reference", text),
            Column("SCADENZA", "due_date", date),
            Column("ID TERMINE DI PAGAMENTO", "payment_terms", text),
            Column("OLTRE I GIORNI DI SCADENZA", "days_left", integer),  # mislabelled in the ERP: until the due date
            Column("LIQUIDA IMPORTO MST", "settled_amount", money, total=SUM),
            Column("IDENTIFICATIVO ULTIMO PAGAMENTO:", "last_payment_number", code),
            Column("DATA DI ULTIMA LIQUIDAZIONE", "last_settlement_date", date),
            Column("CHIUSO", "closed_date", date),  # no yes or no in the ERP's export: the day it was closed
            Column("IMPORTO RIMANENTE MST", "remaining_amount", money, total=SUM),
            Column("ID VENDITE", "order_number", code),
        ],
        footer=Footer.REQUIRED,
    )


UNIT_PRICE = Price._meta.get_field("unit_price")
LAST_PRICE = Subquery(  # that a product had, of anybody's
    Price.objects.present()
    .filter(product_erp_id=OuterRef("erp_id"), unit_price__gt=0)
    .order_by(F("valid_from").desc(nulls_last=True), "-erp_id")
    .values("unit_price")[:1]
)
GRID, ASSUMED = Source.GRID, Source.ASSUMED
SHOWN = 20  # unknown values that a note names


class ProductSync(SyncService):
    """Products. One article comes in several packs, each a product of its own."""

    erp_list = ErpList(
        name="INVENTTABLE_ListView",
        file_names=("Prodotti.pdf", "Products.pdf"),
        columns_to_show=(
            "ID IN BLOCCO DELL'ARTICOLO",
            "PACCO",
            "GAMBA",
            "GRANDEZZA",
            "ID DI CONFIGURAZIONE",
            "CREATO DA:",
            "DATA CREATA",
            "QTÀ PREDEFINITA:",
            "VISUALIZZA IL NUMERO DI PRODOTTO",
            "SCONTO ASSOLUTO TOTALE:",
            "SCONTO LINEA",
            "MODIFICATO DA:",
            "ARTICOLO ORDINABILE:",
            "PURCH PRICE PCS",
            "ID DI CONFIGURAZIONE STANDARD",
            "QTÀ STANDARD:",
            "ID UNITÀ",
            "ID ELEMENTO IVAID",
        ),
    )
    model = Product
    cross_checks = PRODUCT_CHECKS
    loss_columns = (
        LossColumn("description"),
        LossColumn("last_price", gettext_lazy("last price"), LAST_PRICE, UNIT_PRICE),
    )
    layout = ExportLayout(
        key="erp_id",
        columns=[
            Column("ID ARTICOLO", "erp_id", code, required="the key", source=GRID),
            Column("NOME ARTICOLO:", "name", code, required="what agents type", source=GRID),
            Column("DESCRIZIONE", "description", text, required="what agents know it by", source=GRID),
            Column("GRUPPO ARTICOLO:", "group", text, source=GRID),
            ignored("IMMAGINE:", GRID),
            Column("CONTENUTO DELL'IMBALLAGGIO", "pack_pieces", number, source=ASSUMED),
            Column("NOME DELLA RICERCA", "search_name", text, source=GRID),
            Column("UNITÀ DI PREZZO:", "price_unit", number, source=ASSUMED),
            Column("ID GRUPPO DI PRODOTTI", "product_group", code, source=GRID),
            Column("DESCRIZIONE GRUPPO ARTICOLO:", "group_description", text, source=GRID),
            Column("QTÀ MINIMA:", "minimum_quantity", number, source=ASSUMED),
            Column("QTÀ MULTIPLI:", "multiple_quantity", number, source=ASSUMED),
            Column("QTÀ MASSIMA:", "maximum_quantity", number, source=ASSUMED),
            Column("FIGURA:", "figure", text, source=GRID),
            Column("ID IN BLOCCO DELL'ARTICOLO", "bulk_product_id", code, source=GRID),
            Column("PACCO", "pack", code, source=GRID),
            Column("GAMBA", "shank", text, source=GRID),
            Column("GRANDEZZA", "size", text, source=GRID),
            Column("ID DI CONFIGURAZIONE", "configuration", code, source=GRID),
            Column("CREATO DA:", "erp_created_by", text, source=GRID),
            Column("DATA CREATA", "erp_created_at", date_time, source=ASSUMED),
            Column("DATAAREAID", "data_area", code, source=GRID),
            Column("QTÀ PREDEFINITA:", "default_quantity", number, source=ASSUMED),
            Column("VISUALIZZA IL NUMERO DI PRODOTTO", "display_number", code, source=GRID),
            Column("SCONTO ASSOLUTO TOTALE:", "total_discount", number, source=ASSUMED),
            Column("ID", "record_id", record_id, source=ASSUMED),
            Column("SCONTO LINEA", "line_discount", text, source=GRID),
            Column("MODIFICATO DA:", "erp_modified_by", text, source=GRID),
            Column("DATETIME MODIFICATO", "erp_modified_at", date_time, source=ASSUMED),
            Column("ARTICOLO ORDINABILE:", "is_orderable", boolean, source=ASSUMED),
            Column("PURCH PRICE PCS", "purchase_price", unit_price, source=ASSUMED),
            Column("ID DI CONFIGURAZIONE STANDARD", "standard_configuration", code, source=GRID),
            Column("QTÀ STANDARD:", "standard_quantity", number, source=ASSUMED),
            Column("FERMATO", "is_blocked", boolean, source=ASSUMED),
            Column("ID UNITÀ", "unit", code, source=GRID),
            Column("ID ELEMENTO IVAID", "vat_group", code, source=ASSUMED),  # hidden in every view that was seen
        ],
        footer=Footer.OPTIONAL,  # whether this list has one is not known
    )

    def describe_doubts(self) -> list[Message]:
        unknown = Product.objects.present().exclude(vat_group__in=[*VAT_RATES, ""])
        counts = unknown.values_list("vat_group").annotate(count=Count("pk")).order_by("-count", "vat_group")
        notes = []
        if count := Product.objects.present().filter(vat_group="").count():
            notes.append(Message(gettext_noop("Products whose VAT the ERP did not show: {count}."), count=count))
        if values := ", ".join(f"“{group}” ({count})" for group, count in counts[:SHOWN]):
            note = gettext_noop(
                "VAT not known, by the value of ID ELEMENTO IVAID and the number of products: {values}."
            )
            notes.append(Message(note, values=values))
        return notes


class PriceSync(SyncService):
    """Prices: Dynamics AX's table of them. CODICE CONTO says what ACCOUNT: is; see `Price`."""

    erp_list = ErpList(
        name="PRICEDISCTABLE_ListView",
        file_names=("Tabella prezzi.pdf", "Price table.pdf"),
        safe_filter="ActivePrices",
    )
    model = Price
    references = (PRODUCT,)
    cross_checks = PRICE_CHECKS
    loss_columns = (
        LossColumn("product_erp_id"),
        LossColumn("account"),
        LossColumn("unit_price"),
        LossColumn("valid_to"),
    )
    account_field = "account"
    personal_fields = ("account", "account_description")
    identifying_fields = ("account_description",)
    layout = ExportLayout(
        key="erp_id",
        columns=[
            Column("ID", "erp_id", record_id, required="the key", source=GRID),
            Column("CODICE CONTO", "account_code", code, required="whose price it is", source=GRID),
            Column("ACCOUNT:", "account", code, required="whose price it is", source=GRID),
            Column("DESCRIZIONE ACCOUNT:", "account_description", text, source=GRID),
            Column("ITEM SELECTION:", "product_erp_id", code, required="what it is the price of", source=GRID),
            Column("ITEM DESCRIPTION:", "product_name", text, source=GRID),
            Column("DA DATA", "valid_from", date, source=GRID),
            Column("DATA", "valid_to", date, source=GRID),
            Column("QUANTITÀIMPORTODA", "quantity_from", number, source=GRID),
            Column("QUANTITÀIMPORTO", "quantity_to", number, source=GRID),
            Column("UNITÀ DI PREZZO", "price_unit", number, source=GRID),
            Column("IMPORTO UNITARIO:", "unit_price", unit_price, required="the price", source=GRID),
            Column("VALUTA", "currency", code, required="an amount is no price without it", source=GRID),
            Column("PREZZO NETTO BRASSELER", "is_net_price", boolean, source=GRID),
        ],
        footer=Footer.OPTIONAL,  # whether this list has one is not known
    )

    def records_of(self, account_number: str) -> QuerySet[MirroredModel]:
        """A customer's own prices; a price group may have the same number."""
        prices = super().records_of(account_number).annotate(code=Lower("account_code"))
        return prices.filter(code__in=ACCOUNT_CODES[Price.Audience.CUSTOMER])

    def describe_doubts(self) -> list[Message]:
        prices = Price.objects.present().annotate(code=Lower("account_code"))
        notes = []
        if nobodys := prices.filter(code__in=ACCOUNT_CODES[Price.Audience.GROUP], account="").count():
            note = gettext_noop("Prices of a price group that is not named, which are nobody's: {count}.")
            notes.append(Message(note, count=nobodys))
        if incomplete := prices.filter(Q(unit_price=None) | Q(currency="")).count():
            note = gettext_noop("Prices without an amount or a currency, which are nobody's: {count}.")
            notes.append(Message(note, count=incomplete))
        if must_choose_price_group():
            groups = ", ".join(map(str, list_price_groups()))
            note = gettext_noop("No price group's price counts: set PRICE_GROUP to one of these: {groups}.")
            notes.append(Message(note, groups=groups))
        known = {code for codes in ACCOUNT_CODES.values() for code in codes}
        counts = prices.exclude(code__in=known).values_list("account_code").annotate(count=Count("pk"))
        if unknown := ", ".join(f"“{code}” ({count})" for code, count in counts.order_by("-count")[:SHOWN]):
            note = gettext_noop("CODICE CONTO not known, whose prices are nobody's: {values}.")
            notes.append(Message(note, values=unknown))
        return notes

    def find_notices(self) -> list[Notice]:
        if not must_choose_price_group():
            return []
        facts = {"groups": ", ".join(map(str, list_price_groups())), "setting": settings.PRICE_GROUP}
        if settings.PRICE_GROUP:
            text = _("There are no prices of the price group %(setting)s that was chosen, but of these: %(groups)s.")
        else:
            text = _("There are prices of several price groups, and none was chosen: %(groups)s.")
        return [Notice(text % facts, _("Set PRICE_GROUP to one of them. Until then no group's price counts."))]
