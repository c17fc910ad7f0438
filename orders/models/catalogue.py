"""Products and their prices."""

from __future__ import annotations

import re
from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.matching import match, present
from customers.models import Customer
from sync.models import MirroredModel, list_indexes

VAT_RATE = re.compile(r"\d{1,2}", re.ASCII)  # 22 is 22 %, 04 is 4 %


class Product(MirroredModel):
    """An article in one of its packs: each pack is a product of its own, with its own minimum and multiple."""

    search_fields = ("name", "erp_id", "description")

    erp_id = models.CharField(_("product ID"), unique=True, help_text="ID ARTICOLO")
    name = models.CharField(
        _("article name"), blank=True, default="", help_text=_("NOME ARTICOLO (the code people type)")
    )
    description = models.CharField(_("description"), blank=True, default="", help_text="DESCRIZIONE")

    group = models.CharField(_("group"), blank=True, default="", help_text="GRUPPO ARTICOLO")
    pack_pieces = models.DecimalField(
        _("pieces per pack"), max_digits=19, decimal_places=4, null=True, help_text="CONTENUTO DELL'IMBALLAGGIO"
    )
    search_name = models.CharField(_("search name"), blank=True, default="", help_text="NOME DELLA RICERCA")

    price_unit = models.DecimalField(
        _("price unit"), max_digits=19, decimal_places=4, null=True, help_text="UNITÀ DI PREZZO"
    )
    product_group = models.CharField(_("product group"), blank=True, default="", help_text="ID GRUPPO DI PRODOTTI")
    group_description = models.CharField(
        _("group description"), blank=True, default="", help_text="DESCRIZIONE GRUPPO ARTICOLO"
    )
    minimum_quantity = models.DecimalField(
        _("minimum quantity"), max_digits=19, decimal_places=4, null=True, help_text="QTÀ MINIMA"
    )

    multiple_quantity = models.DecimalField(
        _("multiple"), max_digits=19, decimal_places=4, null=True, help_text="QTÀ MULTIPLI"
    )
    maximum_quantity = models.DecimalField(
        _("maximum quantity"), max_digits=19, decimal_places=4, null=True, help_text="QTÀ MASSIMA"
    )
    figure = models.CharField(_("figure"), blank=True, default="", help_text="FIGURA")
    data_area = models.CharField(_("data area"), blank=True, default="", help_text="DATAAREAID")
    record_id = models.IntegerField(_("record ID"), null=True, help_text="ID")
    erp_modified_at = models.DateTimeField(_("modified in the ERP"), null=True, help_text="DATETIME MODIFICATO")

    is_blocked = models.BooleanField(_("blocked"), null=True, help_text="FERMATO")
    bulk_product_id = models.CharField(_("bulk product ID"), blank=True, default="", help_text="ID IN BLOCCO ARTICOLO")
    pack = models.CharField(_("pack"), blank=True, default="", help_text="PACCO")
    shank = models.CharField(_("shank"), blank=True, default="", help_text="GAMBA")
    size = models.CharField(_("size"), blank=True, default="", help_text="GRANDEZZA")
    configuration = models.CharField(_("configuration"), blank=True, default="", help_text="ID CONFIGURAZIONE")

    erp_created_by = models.CharField(_("created in the ERP by"), blank=True, default="", help_text="CREATO DA")
    erp_created_at = models.DateTimeField(_("created in the ERP"), null=True, help_text="DATA CREATA")
    default_quantity = models.DecimalField(
        _("default quantity"), max_digits=19, decimal_places=4, null=True, help_text="QTÀ PREDEFINITA"
    )
    display_number = models.CharField(
        _("display number"), blank=True, default="", help_text="VISUALIZZA NUMERO PRODOTTO"
    )

    total_discount = models.DecimalField(
        _("total discount"), max_digits=19, decimal_places=4, null=True, help_text="SCONTO ASSOLUTO TOTALE"
    )
    line_discount = models.CharField(_("line discount group"), blank=True, default="", help_text="SCONTO LINEA")
    erp_modified_by = models.CharField(_("modified in the ERP by"), blank=True, default="", help_text="MODIFICATO DA")
    is_orderable = models.BooleanField(_("orderable"), null=True, help_text="ARTICOLO ORDINABILE")

    purchase_price = models.DecimalField(
        _("purchase price per piece"), max_digits=19, decimal_places=4, null=True, help_text="PURCH PRICE PCS"
    )
    standard_configuration = models.CharField(
        _("standard configuration"), blank=True, default="", help_text="ID CONFIGURAZIONE STANDARD"
    )
    standard_quantity = models.DecimalField(
        _("standard quantity"), max_digits=19, decimal_places=4, null=True, help_text="QTÀ STANDARD"
    )
    vat_group = models.CharField(
        _("VAT group"), blank=True, default="", help_text=_("ID ELEMENTO IVAID (22 is 22 %, 04 is 4 %)")
    )
    unit = models.CharField(_("unit"), blank=True, default="", help_text="ID UNITÀ")

    class Meta:
        verbose_name = _("product")
        verbose_name_plural = _("products")
        indexes = (
            models.Index(fields=["name"]),
            *list_indexes("products", "search_text", "id"),
        )

    def __str__(self) -> str:
        return f"{self.name} ({self.erp_id})" if self.name else self.erp_id

    @property
    def vat_rate(self) -> Decimal | None:
        """Percent, as the VAT group names it; None for a group that names none."""
        return Decimal(self.vat_group) if VAT_RATE.fullmatch(self.vat_group) else None

    @property
    def priced_as(self) -> Q:
        """What its prices carry: its ID, or its pack and its article's name."""
        by_id = Q(product_erp_id=self.erp_id)
        return by_id | Q(product_erp_id=self.pack, product_name=self.name) if self.pack and self.name else by_id

    @property
    def prices(self) -> models.QuerySet[Price]:
        return present(Price).filter(self.priced_as)


class Price(MirroredModel):
    """What a piece of a product costs: for whom, from when to when, and from what quantity to what quantity."""

    search_fields = ("product_name", "product_erp_id", "account", "account_description")

    erp_id = models.IntegerField(_("ERP ID"), unique=True, help_text="ID")
    account_code = models.CharField(_("account code"), blank=True, default="", help_text="CODICE CONTO")
    account = models.CharField(_("account"), blank=True, default="", help_text="ACCOUNT:")
    account_description = models.CharField(
        _("account description"), blank=True, default="", help_text="DESCRIZIONE ACCOUNT:"
    )
    product_erp_id = models.CharField(
        _("product ID"), blank=True, default="", help_text=_("ITEM SELECTION: (the product's ID, or its pack)")
    )

    product_name = models.CharField(_("article name"), blank=True, default="", help_text="ITEM DESCRIPTION:")
    valid_from = models.DateField(_("valid from"), null=True, help_text="DA DATA")
    valid_to = models.DateField(_("valid to"), null=True, help_text="DATA")
    quantity_from = models.DecimalField(
        _("quantity from"), max_digits=19, decimal_places=4, null=True, help_text="QUANTITÀ IMPORTO DA"
    )

    quantity_to = models.DecimalField(
        _("quantity to"), max_digits=19, decimal_places=4, null=True, help_text="QUANTITÀ IMPORTO"
    )
    price_unit = models.DecimalField(
        _("price unit"), max_digits=19, decimal_places=4, null=True, help_text="UNITÀ DI PREZZO"
    )
    unit_price = models.DecimalField(
        _("unit price"), max_digits=19, decimal_places=4, null=True, help_text="IMPORTO UNITARIO:"
    )
    currency = models.CharField(_("currency"), blank=True, default="", help_text="VALUTA")
    is_net_price = models.BooleanField(_("net price"), null=True, help_text="PREZZO NETTO BRASSELER")

    class Meta:
        verbose_name = _("price")
        verbose_name_plural = _("prices")
        indexes = (
            models.Index(fields=["product_erp_id"]),
            models.Index(fields=["product_name"]),
            models.Index(fields=["account"]),
            *list_indexes("prices", "search_text", "id"),
        )

    def __str__(self) -> str:
        return f"{self.product_name or self.product_erp_id} (ID {self.erp_id})"

    @property
    def customer(self) -> Customer | None:
        """Whose own price it is; None if it is for all accounts."""
        return match(Customer, account_number=self.account)

    @property
    def product(self) -> Product | None:
        return match(Product, erp_id=self.product_erp_id) or match(
            Product, pack=self.product_erp_id, name=self.product_name
        )
