"""Saving drafts: what an agent wants, checked against the mirror, priced, and kept so that no save undoes another."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from customers.matching import present
from customers.models import Customer
from orders.models import Draft, DraftLine, Product
from orders.pricing import PriceList, price_unit
from orders.quantities import nearest_valid
from orders.totals import Totals, totals_of


@dataclass(frozen=True)
class WantedLine:
    product: str  # its ID in the ERP
    quantity: Decimal
    discount_percent: Decimal


@dataclass(frozen=True)
class Wanted:
    """A draft as an agent fills it in; the prices are not an agent's to say."""

    customer: int  # its ID in the ERP
    lines: Sequence[WantedLine]
    discount_percent: Decimal
    notes: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(repr(self).encode()).hexdigest()


class NotAccepted(Exception):
    """The draft cannot be saved as it is. `errors` has the texts by field; in `lines`, by the place from 0 first."""

    def __init__(self, errors: dict[str, Any]) -> None:
        super().__init__(str(errors))
        self.errors = errors


class LineProblem(Exception):
    """What keeps a line from being ordered: the field, and a text that says what to do."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(f"{field}: {text}")
        self.field = field
        self.text = text


class StaleDraft(Exception):
    """The draft was changed since the version that the change is based on. `draft` is as it is now."""

    def __init__(self, draft: Draft) -> None:
        super().__init__(f"Draft {draft.pk} is at version {draft.version}.")
        self.draft = draft


class DraftDeleted(Exception):
    """The draft was deleted meanwhile."""


class KeyReused(Exception):
    """The idempotency key has made another draft, or one that was deleted since."""


@dataclass(frozen=True)
class Priced:
    """What is wanted, at today's prices; nothing is saved."""

    customer: Customer
    draft: Draft
    lines: list[DraftLine]

    @property
    def currency(self) -> str:
        return self.draft.currency

    @property
    def totals(self) -> Totals:
        return totals_of(line.amounts for line in self.lines)


def create(wanted: Wanted, *, user: User, key: str = "") -> tuple[Draft, bool]:
    """Save a new draft, or give the one that an earlier request with the same key made; and whether it is new.

    Raises NotAccepted, or KeyReused.
    """
    if made := made_before(wanted, user=user, key=key):
        return made, False
    priced_draft = priced(wanted)
    draft = priced_draft.draft
    draft.user, draft.idempotency_key, draft.request_sha256 = user, key, wanted.sha256
    try:
        with transaction.atomic():
            draft.save()
            DraftLine.objects.bulk_create(priced_draft.lines)
    except IntegrityError:  # the same request, at the same moment
        if made := made_before(wanted, user=user, key=key):
            return made, False
        raise
    return whole(draft), True


def made_before(wanted: Wanted, *, user: User, key: str) -> Draft | None:
    draft = Draft.objects.whole().filter(user=user, idempotency_key=key).first() if key else None
    if draft and (draft.request_sha256 != wanted.sha256 or draft.deleted_at):
        raise KeyReused
    return draft


def change(draft: Draft, wanted: Wanted, *, version: int) -> Draft:
    """Save a draft anew, if nobody has since `version`.

    Raises NotAccepted, StaleDraft or DraftDeleted: then nothing is changed.
    """
    if draft.version != version:
        raise stale(draft)
    priced_draft = priced(wanted)
    with transaction.atomic():
        changed = Draft.objects.filter(pk=draft.pk, version=version, deleted_at=None).update(
            customer=priced_draft.customer,
            discount_percent=wanted.discount_percent,
            notes=wanted.notes,
            currency=priced_draft.currency,
            version=F("version") + 1,
            changed_at=timezone.now(),
        )
        if not changed:
            raise stale(draft)
        DraftLine.objects.filter(draft=draft).delete()
        for line in priced_draft.lines:
            line.draft = draft
        DraftLine.objects.bulk_create(priced_draft.lines)
        return whole(draft)  # in here: afterwards it may be somebody else's save


def stale(draft: Draft) -> Exception:
    """Why a draft cannot be changed any more."""
    now = whole(draft)
    return DraftDeleted() if now.deleted_at else StaleDraft(now)


def delete(draft: Draft) -> None:
    """Take a draft out of its owner's list; `restore` brings it back."""
    Draft.objects.filter(pk=draft.pk).update(deleted_at=timezone.now())


def restore(draft: Draft) -> Draft:
    Draft.objects.filter(pk=draft.pk).update(deleted_at=None)
    return whole(draft)


def whole(draft: Draft) -> Draft:
    return Draft.objects.whole().get(pk=draft.pk)


# Checking and pricing


def priced(wanted: Wanted) -> Priced:
    """What is wanted at today's prices. Raises NotAccepted, with all that is wrong."""
    customer = present(Customer).filter(erp_id=wanted.customer).first()
    if customer is None:
        raise NotAccepted({"customer": [_("There is no customer {id}.").format(id=wanted.customer)]})
    draft = Draft(customer=customer, discount_percent=wanted.discount_percent, notes=wanted.notes)
    ids = {line.product for line in wanted.lines}
    products = {product.erp_id: product for product in present(Product).filter(erp_id__in=ids)}
    prices = PriceList(products.values(), account=customer.account_number)
    lines: list[DraftLine] = []
    errors: dict[int, dict[str, list[str]]] = {}
    for position, line in enumerate(wanted.lines, 1):
        try:
            lines.append(priced_line(draft, position, line, products.get(line.product), prices))
        except LineProblem as problem:
            errors[position - 1] = {problem.field: [problem.text]}
    if errors:
        raise NotAccepted({"lines": errors})
    return Priced(customer, draft, lines)


def priced_line(
    draft: Draft, position: int, wanted: WantedLine, product: Product | None, prices: PriceList
) -> DraftLine:
    """A line at today's price; the first one decides on the draft's currency. Raises LineProblem."""
    if product is None:
        raise LineProblem("product", _("There is no product {id}.").format(id=wanted.product))
    if product.is_blocked or product.is_orderable is False:
        raise LineProblem("product", _("{product} cannot be ordered.").format(product=product))
    valid = nearest_valid(wanted.quantity, product)
    if valid != [wanted.quantity]:
        raise LineProblem("quantity", quantity_text(valid))
    if product.vat_rate is None:
        text = _("The VAT of {product} is not known: its group is “{group}”.")
        raise LineProblem("product", text.format(product=product, group=product.vat_group))
    price = prices.price(product, wanted.quantity)
    if price is None or price.unit_price is None:
        raise LineProblem("product", _("{product} has no price that is valid today.").format(product=product))
    draft.currency = draft.currency or price.currency
    if price.currency != draft.currency:
        text = _("An order has one currency: this price is in {currency}, those above are in {others}.")
        raise LineProblem("product", text.format(currency=price.currency, others=draft.currency))
    return DraftLine(
        draft=draft,
        position=position,
        product=product,
        quantity=wanted.quantity,
        discount_percent=wanted.discount_percent,
        unit_price=price.unit_price,
        price_unit=price_unit(price, product),
        vat_rate=product.vat_rate,
    )


def quantity_text(valid: list[Decimal]) -> str:
    """Which quantities may be ordered instead."""
    if not valid:
        return _("No quantity of it may be ordered: its maximum is under its minimum.")
    return _("May be ordered: {quantities}.").format(
        quantities=_(" or ").join(number_format(each.normalize(), use_l10n=True) for each in valid)
    )
