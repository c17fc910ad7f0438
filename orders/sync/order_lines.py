"""What one order's page in the ERP exports: its lines."""

from __future__ import annotations

from sync.exports import values
from sync.exports.layout import Column, ExportLayout, Footer, Source, Total

COUNT, SUM = Total.COUNT, Total.SUM

# The headers, the footer and its totals were read on one real export, of eleven lines on two pages. Whether UNITÀ DI
# PREZZO: is a price or the number of pieces that a price is for was not recorded: any number is taken.
LAYOUT = ExportLayout(
    key="position",
    columns=[
        Column("LINEA:", "position", values.number, required="the key", total=COUNT),
        Column("NOME ARTICOLO:", "article", values.code, required="a line is nothing without what was ordered"),
        Column("QTÀ ORDINATA", "quantity", values.number, required="nor without how much of it", total=SUM),
        Column("UNITÀ DI PREZZO:", "price_unit", values.unit_price, source=Source.ASSUMED),
        Column("SCONTO %:", "discount_percent", values.percent),
        Column("APPLICA SCONTO %:", "order_discount_percent", values.percent),
        Column("IMPORTO DELLA LINEA", "amount", values.money, required="what an order's amount is made of", total=SUM),
        Column("PREZZO NETTO:", "is_net_price", values.boolean),
        Column("NOME", "name", values.text),
    ],
    footer=Footer.REQUIRED,
)
