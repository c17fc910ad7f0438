"""Drafts: orders that an agent has saved here and not yet given to the ERP."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.contrib.auth.models import User
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from orders import terms
from orders.models.catalogue import Product
from orders.totals import Amounts, Shipping, Totals, compute_line_amounts, compute_totals
from sync.database import clock

PERCENT = (MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(100)))


class DraftQuerySet(models.QuerySet["Draft"]):
    """Drafts."""

    def for_user(self, user: User) -> DraftQuerySet:
        """An agent's own, but for the deleted ones."""
        return self.filter(user=user, deleted_at=None)

    def with_lines(self) -> DraftQuerySet:
        """With all that is shown of one."""
        lines = DraftLine.objects.select_related("product")
        return self.select_related("customer").prefetch_related(models.Prefetch("lines", lines))


class Draft(models.Model):
    """An order saved by an agent: for whom, what, and at what prices when it was last saved."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, verbose_name=_("agent"))
    customer = models.ForeignKey(Customer, models.PROTECT, verbose_name=_("customer"))
    discount_percent = models.DecimalField(
        _("discount %"), max_digits=5, decimal_places=2, default=Decimal(0), validators=PERCENT
    )
    notes = models.TextField(_("notes"), blank=True)
    delivery_address = models.CharField(
        _("delivery address"), max_length=500, blank=True, help_text=_("Empty: the customer's own.")
    )
    delivery_date = models.DateField(_("wanted delivery date"), null=True, blank=True)
    customer_reference = models.CharField(_("customer reference"), max_length=100, blank=True)
    is_gift = models.BooleanField(_("gift order"), default=False)
    is_quote = models.BooleanField(_("quote"), default=False)

    currency = models.CharField(_("currency"))
    shipping_amount = models.DecimalField(
        _("shipping amount"),
        max_digits=19,
        decimal_places=2,
        default=Decimal(0),
        help_text=_("Charged for shipping when the draft was saved, without VAT."),
    )
    shipping_vat_rate = models.DecimalField(_("VAT % on shipping"), max_digits=5, decimal_places=2, default=Decimal(0))

    version = models.PositiveIntegerField(
        _("version"),
        default=1,
        help_text=_("Increases with each change. A change based on an older version is refused."),
    )
    created_at = models.DateTimeField(_("created"), default=clock.now, editable=False)
    changed_at = models.DateTimeField(_("last changed"), default=clock.now, editable=False)
    deleted_at = models.DateTimeField(_("deleted"), null=True, editable=False)

    idempotency_key = models.CharField(
        _("idempotency key"),
        max_length=255,
        blank=True,
        editable=False,
        help_text=_("The Idempotency-Key of the request that created the draft."),
    )
    request_sha256 = models.CharField(_("request's SHA-256"), max_length=64, blank=True, editable=False)

    objects = DraftQuerySet.as_manager()

    class Meta:
        verbose_name = _("draft")
        verbose_name_plural = _("drafts")
        ordering = ("-changed_at", "-pk")
        indexes = [models.Index(fields=["user", "-changed_at"], condition=Q(deleted_at=None), name="drafts_of_agent")]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "idempotency_key"], condition=~Q(idempotency_key=""), name="one_draft_per_request"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer} {self.pk}"

    @property
    def totals(self) -> Totals:
        return compute_totals([line.amounts for line in self.lines.all()], self.shipping)

    @property
    def shipping(self) -> Shipping:
        return Shipping(self.shipping_amount, self.shipping_vat_rate)

    @property
    def needs_approval(self) -> bool:
        return terms.needs_approval(self.totals)


class DraftLine(models.Model):
    """A quantity of a product, at the price that applied when the draft was saved."""

    draft = models.ForeignKey(Draft, models.CASCADE, related_name="lines", verbose_name=_("draft"))
    position = models.PositiveSmallIntegerField(_("position"))
    product = models.ForeignKey(Product, models.PROTECT, verbose_name=_("product"))
    quantity = models.DecimalField(_("quantity"), max_digits=19, decimal_places=4)
    discount_percent = models.DecimalField(
        _("discount %"), max_digits=5, decimal_places=2, default=Decimal(0), validators=PERCENT
    )
    unit_price = models.DecimalField(_("unit price"), max_digits=19, decimal_places=4)
    price_unit = models.DecimalField(
        _("price unit"),
        max_digits=19,
        decimal_places=4,
        default=Decimal(1),
        help_text=_("The number of pieces that the price is for."),
    )
    vat_rate = models.DecimalField(
        _("VAT %"), max_digits=5, decimal_places=2, null=True, help_text=_("Empty if the VAT was not known.")
    )

    class Meta:
        verbose_name = _("draft line")
        verbose_name_plural = _("draft lines")
        ordering = ("draft", "position")
        constraints = [models.UniqueConstraint(fields=["draft", "position"], name="one_line_per_position")]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.product}"

    @property
    def amounts(self) -> Amounts:
        """What the line comes to in its order."""
        return compute_line_amounts(
            quantity=self.quantity,
            unit_price=self.unit_price,
            price_unit=self.price_unit,
            discount=self.discount_percent,
            order_discount=self.draft.discount_percent,
            vat_rate=self.vat_rate,
        )
