"""The list of prices, as others have seen an export of it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext

from orders import pricing
from orders.models import Price
from orders.models.catalogue import ACCOUNT_CODES
from orders.sync import agreement
from orders.sync.agreement import PRODUCT
from sync.erp.client import ErpList
from sync.exports import values
from sync.exports.layout import Column, ExportLayout, Footer, Source
from sync.messages import Message
from sync.messages import gettext_noop as _
from sync.models import MirroredModel
from sync.service import CrossCheck, LossColumn, Notice, SyncService

GRID, ASSUMED = Source.GRID, Source.ASSUMED
SHOWN = 20  # unknown values that a note names


def is_named_alike(price: Any, products: list[Any]) -> bool | None:
    if not products or not price.product_name:
        return None
    return any(price.product_name in (product.name, product.description) for product in products)


def is_a_range(price: Any) -> bool | None:
    """Whether both what it is valid for and until when end after they begin."""
    pairs = ((price.valid_from, price.valid_to), (price.quantity_from, price.quantity_to))
    known = [first <= last for first, last in pairs if first is not None and last is not None]
    return all(known) if known else None


class PriceSync(SyncService):
    """Prices: Dynamics AX's table of them. CODICE CONTO says what ACCOUNT: is; see `Price`."""

    erp_list = ErpList(
        name="PRICEDISCTABLE_ListView",
        file_names=("Tabella prezzi.pdf", "Price table.pdf"),
        key="ID",
        safe_filter="ActivePrices",
    )
    model = Price
    references = (PRODUCT,)
    cross_checks = (
        CrossCheck(
            _("Prices: the product exists in the list of products"),
            fields=(),
            agrees=agreement.is_there,
            source=ASSUMED,
            evidence="about 4,520 of 4,950 that others have seen",
            reference=PRODUCT,
        ),
        CrossCheck(
            _("Prices: the product name is the name or description of the product"),
            fields=("product_name",),
            agrees=is_named_alike,
            source=ASSUMED,
            evidence="none",
            reference=PRODUCT,
            their_fields=("name", "description"),
        ),
        CrossCheck(
            _("Prices: validity and quantity do not end before they begin"),
            fields=("valid_from", "valid_to", "quantity_from", "quantity_to"),
            agrees=is_a_range,
            source=ASSUMED,
            evidence="none counted",
        ),
    )
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
            Column("ID", "erp_id", values.record_id, required="the key", source=GRID),
            Column("CODICE CONTO", "account_code", values.code, required="whose price it is", source=GRID),
            Column("ACCOUNT:", "account", values.code, required="whose price it is", source=GRID),
            Column("DESCRIZIONE ACCOUNT:", "account_description", values.text, source=GRID),
            Column("ITEM SELECTION:", "product_erp_id", values.code, required="what it is the price of", source=GRID),
            Column("ITEM DESCRIPTION:", "product_name", values.text, source=GRID),
            Column("DA DATA", "valid_from", values.date, source=GRID),
            Column("DATA", "valid_to", values.date, source=GRID),
            Column("QUANTITÀIMPORTODA", "quantity_from", values.number, source=GRID),
            Column("QUANTITÀIMPORTO", "quantity_to", values.number, source=GRID),
            Column("UNITÀ DI PREZZO", "price_unit", values.number, source=GRID),
            Column("IMPORTO UNITARIO:", "unit_price", values.unit_price, required="the price", source=GRID),
            Column("VALUTA", "currency", values.code, required="an amount is no price without it", source=GRID),
            Column("PREZZO NETTO BRASSELER", "is_net_price", values.boolean, source=GRID),
        ],
        footer=Footer.OPTIONAL,  # whether this list has one is not known
    )

    def find_records(self, account_number: str) -> models.QuerySet[MirroredModel]:
        """A customer's own prices; a price group may have the same number."""
        prices = super().find_records(account_number).annotate(code=Lower("account_code"))
        return prices.filter(code__in=ACCOUNT_CODES[Price.Audience.CUSTOMER])

    def describe_doubts(self) -> list[Message]:
        prices = Price.objects.present().annotate(code=Lower("account_code"))
        notes = []
        if nobodys := prices.filter(code__in=ACCOUNT_CODES[Price.Audience.GROUP], account="").count():
            note = _("Prices of a price group without a name, which apply to nobody: {count}.")
            notes.append(Message(note, count=nobodys))
        if incomplete := prices.filter(models.Q(unit_price=None) | models.Q(currency="")).count():
            note = _("Prices without an amount or a currency, which apply to nobody: {count}.")
            notes.append(Message(note, count=incomplete))
        if pricing.must_choose_price_group():
            groups = ", ".join(map(str, pricing.list_price_groups()))
            note = _("No group prices apply until PRICE_GROUP is set to one of these groups: {groups}.")
            notes.append(Message(note, groups=groups))
        known = {code for codes in ACCOUNT_CODES.values() for code in codes}
        counts = prices.exclude(code__in=known).values_list("account_code").annotate(count=models.Count("pk"))
        if unknown := ", ".join(f"“{code}” ({count})" for code, count in counts.order_by("-count")[:SHOWN]):
            note = _("Unknown values of CODICE CONTO, whose prices apply to nobody: {values}.")
            notes.append(Message(note, values=unknown))
        return notes

    def find_notices(self) -> list[Notice]:
        if not pricing.must_choose_price_group():
            return []
        facts = {"groups": ", ".join(map(str, pricing.list_price_groups())), "setting": settings.PRICE_GROUP}
        if settings.PRICE_GROUP:
            text = gettext("The chosen price group %(setting)s has no prices. These groups have prices: %(groups)s.")
        else:
            text = gettext(
                "There are prices for several price groups, and none of these groups was chosen: %(groups)s."
            )
        return [Notice(text % facts, gettext("Set PRICE_GROUP to one of them. Until then, no group prices apply."))]
