"""What orders are made of, as their own pages in the ERP export it, and what is known of each order's export."""

from __future__ import annotations

from decimal import Decimal
from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from orders.models.catalogue import Product
from orders.models.documents import Order
from sync.models import AMOUNT, NUMBER, TEXT
from sync.models.message_field import MessageField
from sync.translations import translate

UNIT_PRICE_PLACES = Decimal("0.0001")


class OrderLineQuerySet(models.QuerySet["OrderLine"]):
    """Lines of orders."""

    def for_account(self, account_number: str) -> Self:
        """Those of a customer's orders that the ERP still shows, the latest order first; none without a number."""
        if not account_number:
            return self.none()
        lines = self.filter(order__account_number=account_number, order__removed_at=None)
        return lines.order_by("-order__ordered_at", "-order__pk", "position")


class OrderLine(models.Model):
    """A line of an order as the ERP prints it.

    The ERP names an article, whose name several products share, one for each pack: `product` is null unless there is
    no doubt.
    """

    order = models.ForeignKey(Order, models.CASCADE, related_name="lines", verbose_name=_("order"))
    position = models.DecimalField(_("position"), **NUMBER, help_text="LINEA:")
    article = models.CharField(_("article name"), help_text=_("NOME ARTICOLO: (the code people type)"))
    product = models.ForeignKey(
        Product, models.SET_NULL, null=True, related_name="order_lines", verbose_name=_("product")
    )
    quantity = models.DecimalField(_("quantity"), **NUMBER, help_text="QTÀ ORDINATA")
    price_unit = models.DecimalField(
        _("price unit"),
        **NUMBER,
        null=True,
        help_text=_("UNITÀ DI PREZZO: (whether it is a price or the pieces that a price is for is not known)"),
    )
    discount_percent = models.DecimalField(_("discount %"), **AMOUNT, null=True, help_text="SCONTO %:")
    order_discount_percent = models.DecimalField(
        _("order's discount %"), **AMOUNT, null=True, help_text="APPLICA SCONTO %:"
    )
    amount = models.DecimalField(_("amount"), **AMOUNT, help_text="IMPORTO DELLA LINEA")
    is_net_price = models.BooleanField(_("net price"), null=True, help_text="PREZZO NETTO:")
    name = models.CharField(_("name"), **TEXT, help_text="NOME")

    objects = OrderLineQuerySet.as_manager()

    class Meta:
        verbose_name = _("order line")
        verbose_name_plural = _("order lines")
        ordering = ("order", "position")
        constraints = [models.UniqueConstraint(fields=["order", "position"], name="one_order_line_per_position")]

    def __str__(self) -> str:
        return f"{self.quantity.normalize():f} × {self.article}"

    @property
    def unit_price(self) -> Decimal | None:
        """What a piece cost in euro before the line's discount; None if that cannot be told.

        The export does not print it: it is derived from amount, quantity and discount, so that a cent of the amount
        may be missing or too many.
        """
        share_paid = 1 - (self.discount_percent or Decimal(0)) / 100
        if not self.quantity or not share_paid:
            return None
        return (self.amount / self.quantity / share_paid).quantize(UNIT_PRICE_PLACES)


class OrderLinesFetch(models.Model):
    """When an order's lines were asked for last, and what came of it."""

    order = models.OneToOneField(Order, models.CASCADE, related_name="lines_fetch", verbose_name=_("order"))
    order_changed_at = models.DateTimeField(
        _("state of the order"), help_text=_("When the order had last changed as its lines were asked for.")
    )
    tried_at = models.DateTimeField(_("last tried"))
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=1, help_text=_("For this state of the order."))
    fetched_at = models.DateTimeField(
        _("lines fetched"), null=True, help_text=_("When the lines that are kept were asked for; empty if none are.")
    )
    error_class = models.CharField(_("error"), max_length=100, blank=True)
    error_text = MessageField(
        _("error text"), default=str, blank=True, help_text=_("Why the last attempt brought no lines.")
    )

    class Meta:
        verbose_name = _("fetch of order lines")
        verbose_name_plural = _("fetches of order lines")

    def __str__(self) -> str:
        return str(self.order)

    @property
    def error_sentence(self) -> str:
        """Why the last attempt brought no lines, in the reader's language; empty if it brought them."""
        return translate(self.error_text)


class LookedAtCustomer(models.Model):
    """A customer for whom a draft was saved lately: the lines of whose orders are worth asking for."""

    customer = models.OneToOneField(Customer, models.CASCADE, related_name="+", verbose_name=_("customer"))
    looked_at = models.DateTimeField(_("last looked at"), db_index=True)

    class Meta:
        verbose_name = _("customer looked at")
        verbose_name_plural = _("customers looked at")
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.customer)
