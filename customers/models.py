"""The mirrored customers."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sync.models import AMOUNT, TEXT, MirroredModel, list_indexes
from sync.models.search_field import SearchField


class Customer(MirroredModel):
    """A customer, or a prospect: one that has no account number yet and has never ordered."""

    search_fields = ("name", "city", "account_number", "vat_number", "phone", "mobile")

    erp_id = models.IntegerField(_("ERP ID"), unique=True, help_text="ID")
    account_number = models.CharField(_("account number"), **TEXT, help_text="PROFILO CLIENTE:")
    name = models.CharField(_("name"), **TEXT, help_text="NOME")
    vat_number = models.CharField(_("VAT number"), **TEXT, help_text="PARTITA IVA:")

    certified_email = models.CharField(_("certified e-mail"), **TEXT, help_text="PEC:")
    sdi_code = models.CharField(_("SDI code"), **TEXT, help_text="SDI:")
    tax_code = models.CharField(_("tax code"), **TEXT, help_text="CODICE FISCALE:")
    delivery_mode = models.CharField(
        _("delivery mode"), **TEXT, help_text=_("TERMINI DI CONSEGNA (mislabelled: the courier)")
    )

    street = models.CharField(_("street"), **TEXT, help_text="VIA:")
    postcode = models.CharField(_("postcode"), **TEXT, help_text="INDIRIZZO LOGISTICO CAP")
    city = models.CharField(_("city"), **TEXT, help_text="CITTÀ")

    phone = models.CharField(_("phone"), **TEXT, help_text="TELEFONO:")
    mobile = models.CharField(_("mobile"), **TEXT, help_text="CELLULARE:")
    website = models.CharField(_("website"), **TEXT, help_text="URL:")
    attention_to = models.CharField(_("attention to"), **TEXT, help_text="ALL’ATTENZIONE DI:")
    last_order_date = models.DateField(_("last order"), null=True, help_text="DATA DELL'ULTIMO ORDINE")

    orders_this_year = models.IntegerField(
        _("orders this year"), null=True, help_text=_("CONTEGGI DEGLI ORDINI EFFETTIVI (this year)")
    )
    sales_this_year = models.DecimalField(
        _("sales this year"), **AMOUNT, null=True, help_text=_("TIPO DI CLIENTE (mislabelled: sales this year)")
    )
    orders_last_year = models.IntegerField(
        _("orders last year"), null=True, help_text=_("CONTEGGIO DEGLI ORDINI PRECEDENTE (last year)")
    )
    sales_last_year = models.DecimalField(
        _("sales last year"), **AMOUNT, null=True, help_text=_("VENDITE PRECEDENTE (the first of two: last year)")
    )
    orders_two_years_ago = models.IntegerField(
        _("orders two years ago"), null=True, help_text=_("CONTEGGIO DEGLI ORDINI PRECEDENTE 2 (two years ago)")
    )
    sales_two_years_ago = models.DecimalField(
        _("sales two years ago"),
        **AMOUNT,
        null=True,
        help_text=_("VENDITE PRECEDENTE (the second of two: two years ago)"),
    )

    description = models.CharField(_("description"), **TEXT, help_text="DESCRIZIONE:")
    customer_type = models.CharField(_("customer type"), **TEXT, help_text="TYPE:")
    external_account_number = models.CharField(
        _("external account number"), **TEXT, help_text="NUMERO DI CONTO ESTERNO"
    )
    our_account_number = models.CharField(_("our account number"), **TEXT, help_text="IL NOSTRO NUMERO DI CONTO")

    details_text = SearchField(_("details to search"), sources=("street", "postcode", "certified_email"))

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        indexes = (
            models.Index(fields=["account_number"]),
            models.Index(fields=["name"]),
            *list_indexes("customers", "search_text", "id"),
        )

    def __str__(self) -> str:
        return self.shown_name or f"ID {self.erp_id}"

    @property
    def shown_name(self) -> str:
        """The name, or that there is none any more, in the reader's language."""
        return gettext("Erased customer (ID %s)") % self.erp_id if self.erased_at else self.name
