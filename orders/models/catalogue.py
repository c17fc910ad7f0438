"""Products and their prices."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from orders.quantities import OrderQuantities, compute_order_quantities
from sync.models import NUMBER, TEXT, MirroredModel, list_indexes

# ID ELEMENTO IVAID is a foreign key. The ERP's grid shows 5 for the group 22 (4,416 products), 1 for the group 04
# (121) and 0 for none (1, a course); whether an export prints the key or the group was never seen, so both are known.
# Anything else is unknown, never a percentage: 5 is also a rate that Italian law has.
VAT_RATES = {"5": Decimal(22), "22": Decimal(22), "1": Decimal(4), "04": Decimal(4), "0": Decimal(0)}


class Product(MirroredModel):
    """An article in one of its packs: each pack is a product of its own, with its own minimum and multiple."""

    search_fields = ("name", "erp_id", "description")

    erp_id = models.CharField(_("product ID"), unique=True, help_text="ID ARTICOLO")
    name = models.CharField(_("article name"), **TEXT, help_text=_("NOME ARTICOLO: (the code people type)"))
    description = models.CharField(_("description"), **TEXT, help_text="DESCRIZIONE")
    group = models.CharField(_("group"), **TEXT, help_text="GRUPPO ARTICOLO:")
    pack_pieces = models.DecimalField(_("pieces per pack"), **NUMBER, null=True, help_text="CONTENUTO DELL'IMBALLAGGIO")
    search_name = models.CharField(_("search name"), **TEXT, help_text="NOME DELLA RICERCA")
    price_unit = models.DecimalField(_("price unit"), **NUMBER, null=True, help_text="UNITÀ DI PREZZO:")
    product_group = models.CharField(_("product group"), **TEXT, help_text="ID GRUPPO DI PRODOTTI")
    group_description = models.CharField(_("group description"), **TEXT, help_text="DESCRIZIONE GRUPPO ARTICOLO:")
    minimum_quantity = models.DecimalField(_("minimum quantity"), **NUMBER, null=True, help_text="QTÀ MINIMA:")
    multiple_quantity = models.DecimalField(_("multiple"), **NUMBER, null=True, help_text="QTÀ MULTIPLI:")
    maximum_quantity = models.DecimalField(_("maximum quantity"), **NUMBER, null=True, help_text="QTÀ MASSIMA:")
    figure = models.CharField(_("figure"), **TEXT, help_text="FIGURA:")

    bulk_product_id = models.CharField(_("bulk product ID"), **TEXT, help_text="ID IN BLOCCO DELL'ARTICOLO")
    pack = models.CharField(_("pack"), **TEXT, help_text="PACCO")
    shank = models.CharField(_("shank"), **TEXT, help_text="GAMBA")
    size = models.CharField(_("size"), **TEXT, help_text="GRANDEZZA")
    configuration = models.CharField(_("configuration"), **TEXT, help_text="ID DI CONFIGURAZIONE")
    erp_created_by = models.CharField(_("created in the ERP by"), **TEXT, help_text="CREATO DA:")
    erp_created_at = models.DateTimeField(_("created in the ERP"), null=True, help_text="DATA CREATA")
    data_area = models.CharField(_("data area"), **TEXT, help_text="DATAAREAID")
    default_quantity = models.DecimalField(_("default quantity"), **NUMBER, null=True, help_text="QTÀ PREDEFINITA:")
    display_number = models.CharField(_("display number"), **TEXT, help_text="VISUALIZZA IL NUMERO DI PRODOTTO")
    total_discount = models.DecimalField(_("total discount"), **NUMBER, null=True, help_text="SCONTO ASSOLUTO TOTALE:")
    record_id = models.BigIntegerField(_("record ID"), null=True, help_text="ID")
    line_discount = models.CharField(_("line discount group"), **TEXT, help_text="SCONTO LINEA")
    erp_modified_by = models.CharField(_("modified in the ERP by"), **TEXT, help_text="MODIFICATO DA:")
    erp_modified_at = models.DateTimeField(_("modified in the ERP"), null=True, help_text="DATETIME MODIFICATO")
    is_orderable = models.BooleanField(_("orderable"), null=True, help_text="ARTICOLO ORDINABILE:")
    purchase_price = models.DecimalField(
        _("purchase price per piece"), **NUMBER, null=True, help_text="PURCH PRICE PCS"
    )
    standard_configuration = models.CharField(
        _("standard configuration"), **TEXT, help_text="ID DI CONFIGURAZIONE STANDARD"
    )
    standard_quantity = models.DecimalField(_("standard quantity"), **NUMBER, null=True, help_text="QTÀ STANDARD:")
    is_blocked = models.BooleanField(_("blocked"), null=True, help_text="FERMATO")
    unit = models.CharField(_("unit"), **TEXT, help_text="ID UNITÀ")
    vat_group = models.CharField(
        _("VAT group"), **TEXT, help_text=_("ID ELEMENTO IVAID (5 or 22: 22 %; 1 or 04: 4 %; 0: none)")
    )

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
        """Percent; None if it is not known."""
        return VAT_RATES.get(self.vat_group)

    @property
    def order_quantities(self) -> OrderQuantities:
        """How many of it may be ordered."""
        return compute_order_quantities(self)

    @property
    def prices(self) -> models.QuerySet[Price]:
        return Price.objects.present().filter(product_erp_id=self.erp_id)


class Price(MirroredModel):
    """What a product costs: for whom, from when to when, and from what quantity to what quantity.

    A row of Dynamics AX's price table: CODICE CONTO says whether ACCOUNT: is one customer's account number, a price
    group, or nothing as the price is everybody's. Of 4,955 active prices seen, all say Group, for the group 002 but for
    three, whose ACCOUNT: is empty: those are nobody's.
    """

    class Audience(models.TextChoices):
        CUSTOMER = "customer", _("one customer")
        GROUP = "group", _("a price group")
        EVERYBODY = "everybody", _("everybody")

    search_fields = ("product_name", "product_erp_id", "account", "account_description")

    erp_id = models.BigIntegerField(_("ERP ID"), unique=True, help_text="ID")
    account_code = models.CharField(_("account code"), **TEXT, help_text="CODICE CONTO")
    account = models.CharField(_("account"), **TEXT, help_text="ACCOUNT:")
    account_description = models.CharField(_("account description"), **TEXT, help_text="DESCRIZIONE ACCOUNT:")
    product_erp_id = models.CharField(_("product ID"), **TEXT, help_text=_("ITEM SELECTION: (the product's ID)"))

    product_name = models.CharField(_("article name"), **TEXT, help_text="ITEM DESCRIPTION:")
    valid_from = models.DateField(_("valid from"), null=True, help_text="DA DATA")
    valid_to = models.DateField(_("valid to"), null=True, help_text="DATA")
    quantity_from = models.DecimalField(_("quantity from"), **NUMBER, null=True, help_text="QUANTITÀIMPORTODA")

    quantity_to = models.DecimalField(_("quantity to"), **NUMBER, null=True, help_text="QUANTITÀIMPORTO")
    price_unit = models.DecimalField(_("price unit"), **NUMBER, null=True, help_text="UNITÀ DI PREZZO")
    unit_price = models.DecimalField(_("unit price"), **NUMBER, null=True, help_text="IMPORTO UNITARIO:")
    currency = models.CharField(_("currency"), **TEXT, help_text="VALUTA")
    is_net_price = models.BooleanField(_("net price"), null=True, help_text="PREZZO NETTO BRASSELER")

    class Meta:
        verbose_name = _("price")
        verbose_name_plural = _("prices")
        indexes = (
            models.Index(fields=["product_erp_id"]),
            models.Index(fields=["product_name"]),
            models.Index(fields=["account"]),
            # The price groups there are, without a look at the rows.
            models.Index(
                fields=["account_code", "account", "removed_at"],
                condition=models.Q(removed_at=None),
                name="price_accounts",
            ),
            *list_indexes("prices", "search_text", "id"),
        )

    def __str__(self) -> str:
        return f"{self.product_name or self.product_erp_id} (ID {self.erp_id})"

    @property
    def audience(self) -> Audience | None:
        """Whom it is for; None if CODICE CONTO has a word that is not known."""
        code = self.account_code.strip().casefold()
        return next((audience for audience, words in ACCOUNT_CODES.items() if code in words), None)

    @property
    def customer(self) -> Customer | None:
        """Whose own price it is."""
        return (
            Customer.objects.find_match(account_number=self.account)
            if self.audience == Price.Audience.CUSTOMER
            else None
        )

    @property
    def product(self) -> Product | None:
        return Product.objects.find_match(erp_id=self.product_erp_id)


# What CODICE CONTO says, in lower case. The English words are Dynamics AX's own, and Group was seen; that an Italian
# profile prints the Italian ones is assumed.
ACCOUNT_CODES = {
    Price.Audience.CUSTOMER: ("table", "tabella"),
    Price.Audience.GROUP: ("group", "gruppo"),
    Price.Audience.EVERYBODY: ("all", "tutto", "tutti"),
}
