"""The list of products.

No export of it was ever seen: headers and values were read from the ERP's grid in 2026, the printed form of whatever is
not a text is inferred. Which columns a list shows belongs to the ERP's session: of these 36 a fresh one shows 18.
"""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy

from orders.models import Price, Product
from orders.models.catalogue import VAT_RATES
from sync.erp.client import ErpList
from sync.exports import values
from sync.exports.layout import Column, ExportLayout, Footer, Source, ignored
from sync.messages import Message
from sync.messages import gettext_noop as _
from sync.service import CrossCheck, LossColumn, SyncService

GRID, ASSUMED = Source.GRID, Source.ASSUMED
SHOWN = 20  # unknown values that a note names
UNIT_PRICE = Price._meta.get_field("unit_price")
LAST_PRICE = models.Subquery(  # that a product had, of anybody's
    Price.objects.present()
    .filter(product_erp_id=models.OuterRef("erp_id"), unit_price__gt=0)
    .order_by(models.F("valid_from").desc(nulls_last=True), "-erp_id")
    .values("unit_price")[:1]
)


def is_name_of_parts(product: Any) -> bool | None:
    parts = (product.figure, product.shank, product.size)
    return product.name == ".".join(parts) if product.name and all(parts) else None


class ProductSync(SyncService):
    """Products. One article comes in several packs, each a product of its own."""

    erp_list = ErpList(
        name="INVENTTABLE_ListView",
        file_names=("Prodotti.pdf", "Products.pdf"),
        key="ID ARTICOLO",
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
    cross_checks = (
        CrossCheck(
            _("Products: the article's name consists of figure, shank and size"),
            fields=("name", "figure", "shank", "size"),
            agrees=is_name_of_parts,
            source=ASSUMED,
            evidence="none",
        ),
    )
    loss_columns = (
        LossColumn("description"),
        LossColumn("last_price", gettext_lazy("last price"), LAST_PRICE, UNIT_PRICE),
    )
    layout = ExportLayout(
        key="erp_id",
        columns=[
            Column("ID ARTICOLO", "erp_id", values.code, required="the key", source=GRID),
            Column("NOME ARTICOLO:", "name", values.code, required="what agents type", source=GRID),
            Column("DESCRIZIONE", "description", values.text, required="what agents know it by", source=GRID),
            Column("GRUPPO ARTICOLO:", "group", values.text, source=GRID),
            ignored("IMMAGINE:", GRID),
            Column("CONTENUTO DELL'IMBALLAGGIO", "pack_pieces", values.number, source=ASSUMED),
            Column("NOME DELLA RICERCA", "search_name", values.text, source=GRID),
            Column("UNITÀ DI PREZZO:", "price_unit", values.number, source=ASSUMED),
            Column("ID GRUPPO DI PRODOTTI", "product_group", values.code, source=GRID),
            Column("DESCRIZIONE GRUPPO ARTICOLO:", "group_description", values.text, source=GRID),
            Column("QTÀ MINIMA:", "minimum_quantity", values.number, source=ASSUMED),
            Column("QTÀ MULTIPLI:", "multiple_quantity", values.number, source=ASSUMED),
            Column("QTÀ MASSIMA:", "maximum_quantity", values.number, source=ASSUMED),
            Column("FIGURA:", "figure", values.text, source=GRID),
            Column("ID IN BLOCCO DELL'ARTICOLO", "bulk_product_id", values.code, source=GRID),
            Column("PACCO", "pack", values.code, source=GRID),
            Column("GAMBA", "shank", values.text, source=GRID),
            Column("GRANDEZZA", "size", values.text, source=GRID),
            Column("ID DI CONFIGURAZIONE", "configuration", values.code, source=GRID),
            Column("CREATO DA:", "erp_created_by", values.text, source=GRID),
            Column("DATA CREATA", "erp_created_at", values.date_time, source=ASSUMED),
            Column("DATAAREAID", "data_area", values.code, source=GRID),
            Column("QTÀ PREDEFINITA:", "default_quantity", values.number, source=ASSUMED),
            Column("VISUALIZZA IL NUMERO DI PRODOTTO", "display_number", values.code, source=GRID),
            Column("SCONTO ASSOLUTO TOTALE:", "total_discount", values.number, source=ASSUMED),
            Column("ID", "record_id", values.record_id, source=ASSUMED),
            Column("SCONTO LINEA", "line_discount", values.text, source=GRID),
            Column("MODIFICATO DA:", "erp_modified_by", values.text, source=GRID),
            Column("DATETIME MODIFICATO", "erp_modified_at", values.date_time, source=ASSUMED),
            Column("ARTICOLO ORDINABILE:", "is_orderable", values.boolean, source=ASSUMED),
            Column("PURCH PRICE PCS", "purchase_price", values.unit_price, source=ASSUMED),
            Column("ID DI CONFIGURAZIONE STANDARD", "standard_configuration", values.code, source=GRID),
            Column("QTÀ STANDARD:", "standard_quantity", values.number, source=ASSUMED),
            Column("FERMATO", "is_blocked", values.boolean, source=ASSUMED),
            Column("ID UNITÀ", "unit", values.code, source=GRID),
            Column("ID ELEMENTO IVAID", "vat_group", values.code, source=ASSUMED),  # hidden in every view that was seen
        ],
        footer=Footer.OPTIONAL,  # whether this list has one is not known
    )

    def describe_doubts(self) -> list[Message]:
        unknown = Product.objects.present().exclude(vat_group__in=[*VAT_RATES, ""])
        counts = unknown.values_list("vat_group").annotate(count=models.Count("pk")).order_by("-count", "vat_group")
        notes = []
        if count := Product.objects.present().filter(vat_group="").count():
            notes.append(Message(_("Products for which the ERP did not show the VAT: {count}."), count=count))
        if groups := ", ".join(f"“{group}” ({count})" for group, count in counts[:SHOWN]):
            note = _(
                "Unknown values of ID ELEMENTO IVAID, for which the VAT is not known, each with its number of "
                "products: {values}."
            )
            notes.append(Message(note, values=groups))
        return notes
