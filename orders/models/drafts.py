"""Drafts: orders that an agent has saved here, and what became of them in the ERP."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from django.conf import settings
from django.contrib.auth.models import User
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from orders import terms
from orders.models.catalogue import Price, Product
from orders.models.documents import Order
from orders.totals import CENT, Amounts, Shipping, Totals, compute_line_amounts, compute_totals
from sync.database import clock

PERCENT = (MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(100)))
LOOKED_FOR = timedelta(days=60)  # since its last change; later an equal order is likelier to be another one

IN_HAND = Q(order=None, closed_at=None)
IN_STATE = {
    "found": Q(order__isnull=False),
    "closed": Q(order=None, closed_at__isnull=False),
}


class DraftPart(models.TextChoices):
    """The parts of an agent's list of drafts."""

    IN_HAND = "in_hand", _("To do")
    FOUND = "found", _("Found in the ERP")
    CLOSED = "closed", _("Closed")
    DELETED = "deleted", _("Deleted")


class DraftQuerySet(models.QuerySet["Draft"]):
    """Drafts."""

    def for_user(self, user: User) -> DraftQuerySet:
        """An agent's own, but for the deleted ones."""
        return self.filter(user=user, deleted_at=None)

    def in_hand(self) -> DraftQuerySet:
        """Those that are open or handed over, and not deleted."""
        return self.filter(IN_HAND, deleted_at=None)

    def list_part(self, part: DraftPart) -> DraftQuerySet:
        """A part of the list of drafts, in the order in which it is shown: what is open before what was handed over."""
        match part:
            case DraftPart.IN_HAND:
                shown = self.in_hand().alias(is_handed_over=Q(handed_over_at__isnull=False))
                return shown.order_by("is_handed_over", "-changed_at", "-pk")
            case DraftPart.DELETED:
                return self.filter(deleted_at__isnull=False).order_by("-deleted_at", "-pk")
            case _:
                return self.filter(IN_STATE[part], deleted_at=None).order_by("-changed_at", "-pk")

    def count_parts(self) -> dict[str, int]:
        """How many there are in each part of the list; one query."""
        kept = Q(deleted_at=None)
        return self.aggregate(
            in_hand=models.Count("pk", filter=IN_HAND & kept),
            found=models.Count("pk", filter=IN_STATE["found"] & kept),
            closed=models.Count("pk", filter=IN_STATE["closed"] & kept),
            deleted=models.Count("pk", filter=~kept),
        )

    def looked_for(self) -> DraftQuerySet:
        """Those whose order may still come into the mirror."""
        return self.in_hand().filter(changed_at__gte=clock.now() - LOOKED_FOR)

    def with_lines(self) -> DraftQuerySet:
        """With all that is shown of one."""
        lines = DraftLine.objects.select_related("product")
        return self.select_related("customer", "order").prefetch_related(models.Prefetch("lines", lines))


class Draft(models.Model):
    """An order saved by an agent: for whom, what, at what prices when it was last saved, and what became of it."""

    class State(models.TextChoices):
        OPEN = "open", _("open")
        HANDED_OVER = "handed_over", _("handed over")
        FOUND = "found", _("found in the ERP")
        CLOSED = "closed", _("closed")

    class HandOver(models.TextChoices):
        """How an agent took a draft to the ERP."""

        PRINTED = "printed", _("printed")
        COPIED = "copied", _("copied")
        ENTERED = "entered", _("entered in the ERP")

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

    handed_over_at = models.DateTimeField(_("handed over"), null=True, editable=False)
    handed_over_how = models.CharField(
        _("handed over how"), max_length=10, blank=True, choices=HandOver.choices, editable=False
    )
    order = models.OneToOneField(  # so that no order is given to two drafts
        Order, models.PROTECT, null=True, editable=False, verbose_name=_("order"), related_name="draft"
    )
    found_at = models.DateTimeField(_("found in the ERP"), null=True, editable=False)
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        editable=False,
        verbose_name=_("confirmed by"),
        related_name="+",
        help_text=_("Who chose the order; empty if it was the only one that fits."),
    )
    closed_at = models.DateTimeField(_("closed"), null=True, editable=False)
    rejected_orders = models.ManyToManyField(
        Order, related_name="+", verbose_name=_("rejected orders"), help_text=_("Orders that are not this draft.")
    )

    idempotency_key = models.CharField(
        _("idempotency key"),
        max_length=255,
        blank=True,
        editable=False,
        help_text=_("The Idempotency-Key of the request that created the draft."),
    )
    request_sha256 = models.CharField(_("request's SHA-256"), max_length=64, blank=True, editable=False)

    objects = DraftQuerySet.as_manager()
    fitting_orders: Sequence[Order] = ()  # in the list of drafts: those that it may be

    class Meta:
        verbose_name = _("draft")
        verbose_name_plural = _("drafts")
        ordering = ("-changed_at", "-pk")
        indexes = [
            models.Index(fields=["user", "-changed_at"], condition=Q(deleted_at=None), name="drafts_of_agent"),
            models.Index(fields=["changed_at"], condition=IN_HAND & Q(deleted_at=None), name="drafts_in_hand"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "idempotency_key"], condition=~Q(idempotency_key=""), name="one_draft_per_request"
            ),
            # A draft that was found is at its end: nothing is left to close.
            models.CheckConstraint(condition=Q(order=None) | Q(closed_at=None), name="found_drafts_are_not_closed"),
            models.CheckConstraint(
                condition=Q(order=None, found_at=None) | Q(order__isnull=False, found_at__isnull=False),
                name="found_drafts_have_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer} {self.pk}"

    @property
    def state(self) -> State:
        if self.order_id is not None:
            return self.State.FOUND
        if self.closed_at:
            return self.State.CLOSED
        return self.State.HANDED_OVER if self.handed_over_at else self.State.OPEN

    @property
    def is_confirmed(self) -> bool:
        """Whether a person chose its order."""
        return self.confirmed_by_id is not None

    @property
    def is_settled(self) -> bool:
        """Whether it is found or closed: then it is not changed any more."""
        return self.order_id is not None or self.closed_at is not None

    @property
    def difference(self) -> Decimal | None:
        """How much more its order in the ERP comes to; None without an order, or if the ERP shows no amount."""
        return self.find_difference(self.order) if self.order else None

    def find_difference(self, order: Order) -> Decimal | None:
        """How much more an order comes to than the draft, in euro; None if the ERP shows no amount.

        Whether IMPORTO TOTALE has shipping and VAT in it is not known: that it is the nearest of net, net with
        shipping, and gross is assumed.
        """
        if order.total_amount is None:
            return None
        totals = self.totals
        meant = (totals.net, totals.net + totals.shipping, totals.gross)
        return min((order.total_amount - amount for amount in meant), key=abs)

    def fits(self, order: Order) -> bool:
        """Whether an order's amount is that of the draft, and it is a quote or a gift only if the draft is.

        Each line may be rounded otherwise, by a cent. A draft in another currency fits none, as mirrored amounts are
        in euro; nor does one that comes to nothing.
        """
        difference = self.find_difference(order)
        return (
            (bool(order.is_quote), bool(order.is_gift)) == (self.is_quote, self.is_gift)
            and self.currency == "EUR"
            and self.totals.net > 0
            and difference is not None
            and abs(difference) <= CENT * len(self.lines.all())
        )

    @property
    def text_for_erp(self) -> str:
        """The lines as they are typed into the ERP: code, quantity and discount in percent, with tabs between them.

        That the ERP takes them in this order and form is assumed. Numbers are Italian, as in its exports.
        """
        return "".join(f"{line.text_for_erp}\n" for line in self.lines.all())

    @cached_property
    def totals(self) -> Totals:
        """Computed once, as a draft is compared with many orders: lines that are changed later are not in them."""
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
    is_net_price = models.BooleanField(
        _("net price"), null=True, help_text=_("Whether the ERP called the price a net price; empty if it did not say.")
    )
    price_audience = models.CharField(
        _("price for"),
        max_length=10,
        blank=True,
        choices=Price.Audience.choices,
        help_text=_("Whom the price was for."),
    )

    class Meta:
        verbose_name = _("draft line")
        verbose_name_plural = _("draft lines")
        ordering = ("draft", "position")
        constraints = [models.UniqueConstraint(fields=["draft", "position"], name="one_line_per_position")]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.product}"

    @property
    def text_for_erp(self) -> str:
        discount = format_italian(self.discount_percent) if self.discount_percent else ""
        return f"{self.product.name or self.product.erp_id}\t{format_italian(self.quantity)}\t{discount}"

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


def format_italian(number: Decimal) -> str:
    """Without thousands separators, whatever the reader's language is."""
    return f"{number.normalize():f}".replace(".", ",")
