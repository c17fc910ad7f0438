"""Saving drafts: what an agent wants, checked against the mirror, priced, and kept so that no save undoes another."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from customers.models import Customer
from orders import order_lines, terms
from orders.models import Draft, DraftLine, Price, Product
from orders.pricing import PriceList, find_price_unit
from orders.totals import Totals, compute_totals
from sync.database import clock


@dataclass(frozen=True)
class LineInput:
    product: str  # its ID in the ERP
    quantity: Decimal
    discount_percent: Decimal


@dataclass(frozen=True)
class DraftInput:
    """A draft as an agent fills it in; the prices are not an agent's to say."""

    customer: int | None  # its ID in the ERP; None while it is not chosen
    lines: Sequence[LineInput]
    discount_percent: Decimal
    notes: str
    delivery_address: str = ""  # empty: the customer's own
    delivery_date: date | None = None
    customer_reference: str = ""
    is_gift: bool = False
    is_quote: bool = False

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


class SettledDraft(Exception):
    """The draft was found in the ERP or closed, and is not changed any more. `draft` is as it is now."""

    def __init__(self, draft: Draft) -> None:
        super().__init__(f"Draft {draft.pk} is {draft.state}.")
        self.draft = draft


class DraftDeleted(Exception):
    """The draft was deleted meanwhile."""


class KeyReused(Exception):
    """The idempotency key has made another draft, `draft` as it is now, or one that was deleted since: None."""

    def __init__(self, draft: Draft | None) -> None:
        super().__init__(f"It has made {f'draft {draft.pk}' if draft else 'a draft that was deleted'}.")
        self.draft = draft


@dataclass(frozen=True)
class PricedLine:
    """A wanted line at today's price, or the problem that keeps it from being ordered."""

    wanted: LineInput
    product: Product | None
    line: DraftLine | None = None
    price: Price | None = None  # the line of the price list that the line was priced by
    problem: LineProblem | None = None

    @property
    def nearest_quantities(self) -> list[Decimal]:
        return self.product.order_quantities.find_nearest(self.wanted.quantity) if self.product else []

    @property
    def warning(self) -> str | None:
        """What an agent should look at, though the line can be ordered."""
        if self.line and self.price and self.price.is_net_price:
            if self.line.discount_percent:
                return _("This is a net price: it is meant to have no discount.")
            if self.line.draft.discount_percent:
                return _("This is a net price: it is meant to have no discount, and the order has one.")
        return None


@dataclass(frozen=True)
class PricedDraft:
    """What is wanted, at today's prices, and what is wrong with it; nothing is saved."""

    customer: Customer | None
    draft: Draft
    lines: list[PricedLine]

    @property
    def currency(self) -> str:
        return self.draft.currency

    @property
    def orderable(self) -> list[DraftLine]:
        """The lines without a problem."""
        return [each.line for each in self.lines if each.line]

    @property
    def totals(self) -> Totals:
        return compute_totals([line.amounts for line in self.orderable], self.draft.shipping)

    @property
    def needs_approval(self) -> bool:
        return terms.needs_approval(self.totals)

    @property
    def complete(self) -> bool:
        """Whether it can be saved."""
        return self.customer is not None and 0 < len(self.lines) == len(self.orderable)


def create_draft(wanted: DraftInput, *, user: User, key: str = "") -> tuple[Draft, bool]:
    """Save a new draft, or give the one that an earlier request with the same key made; and whether it is new.

    Raises NotAccepted, or KeyReused.
    """
    if made := find_earlier_draft(wanted, user=user, key=key):
        return made, False
    draft, lines = build_draft(wanted)
    draft.user, draft.idempotency_key, draft.request_sha256 = user, key, wanted.sha256
    try:
        with transaction.atomic():
            draft.save()
            DraftLine.objects.bulk_create(lines)
            note_customer(draft.customer)
    except IntegrityError:  # the same request, at the same moment
        if made := find_earlier_draft(wanted, user=user, key=key):
            return made, False
        raise
    return load_draft(draft), True


def find_earlier_draft(wanted: DraftInput, *, user: User, key: str) -> Draft | None:
    draft = Draft.objects.with_lines().filter(user=user, idempotency_key=key).first() if key else None
    if draft and (draft.request_sha256 != wanted.sha256 or draft.deleted_at):
        raise KeyReused(None if draft.deleted_at else draft)
    return draft


def change_draft(draft: Draft, wanted: DraftInput, *, version: int) -> Draft:
    """Save a draft anew, if nobody has since `version`. One that was handed over is open again.

    Raises NotAccepted, SettledDraft, StaleDraft or DraftDeleted: then nothing is changed.
    """
    if draft.version != version or draft.is_settled:
        raise find_conflict(draft, version)
    new, lines = build_draft(wanted)
    with transaction.atomic():
        unchanged = Draft.objects.in_hand().filter(pk=draft.pk, version=version)
        changed = unchanged.update(
            handed_over_at=None,
            handed_over_how="",
            customer=new.customer,
            discount_percent=new.discount_percent,
            notes=new.notes,
            delivery_address=new.delivery_address,
            delivery_date=new.delivery_date,
            customer_reference=new.customer_reference,
            is_gift=new.is_gift,
            is_quote=new.is_quote,
            currency=new.currency,
            shipping_amount=new.shipping_amount,
            shipping_vat_rate=new.shipping_vat_rate,
            version=F("version") + 1,
            changed_at=clock.now(),
        )
        if not changed:
            raise find_conflict(draft, version)
        DraftLine.objects.filter(draft=draft).delete()
        for line in lines:
            line.draft = draft
        DraftLine.objects.bulk_create(lines)
        note_customer(new.customer)
        return load_draft(draft)  # in here: afterwards it may be somebody else's save


def note_customer(customer: Customer) -> None:
    """The lines of the orders of a customer for whom a draft is saved are asked for, if any are."""
    if settings.ORDER_LINES_A_DAY:
        order_lines.note_customer_looked_at(customer)


def find_conflict(draft: Draft, version: int) -> Exception:
    """Why a draft cannot be changed any more by who knows this version."""
    now = load_draft(draft)
    if now.deleted_at:
        return DraftDeleted()
    return SettledDraft(now) if now.version == version else StaleDraft(now)


def delete_draft(draft: Draft) -> None:
    """Take a draft out of its owner's list; `restore_draft` brings it back.

    Its order is free for another draft, such as a duplicate; restored in time, the draft is looked for anew.
    """
    Draft.objects.filter(pk=draft.pk).update(deleted_at=clock.now(), order=None, found_at=None, confirmed_by=None)


def restore_draft(draft: Draft) -> Draft:
    Draft.objects.filter(pk=draft.pk).update(deleted_at=None)
    return load_draft(draft)


def load_draft(draft: Draft) -> Draft:
    return Draft.objects.with_lines().get(pk=draft.pk)


# Checking and pricing


def build_draft(wanted: DraftInput) -> tuple[Draft, list[DraftLine]]:
    """A draft and its lines at today's prices, to be saved. Raises NotAccepted, with all that is wrong."""
    found = price_draft(wanted)
    problems = {place: each.problem for place, each in enumerate(found.lines) if each.problem}
    if problems:
        raise NotAccepted({"lines": {place: {each.field: [each.text]} for place, each in problems.items()}})
    return found.draft, found.orderable


def price_draft(wanted: DraftInput) -> PricedDraft:
    """What is wanted at today's prices: those of all accounts, without a customer.

    Raises NotAccepted if there is no such customer.
    """
    customer = find_customer(wanted)
    draft = Draft(
        customer=customer,
        discount_percent=wanted.discount_percent,
        notes=wanted.notes,
        delivery_address=wanted.delivery_address,
        delivery_date=wanted.delivery_date,
        customer_reference=wanted.customer_reference,
        is_gift=wanted.is_gift,
        is_quote=wanted.is_quote,
    )
    ids = {line.product for line in wanted.lines}
    products = {product.erp_id: product for product in Product.objects.present().filter(erp_id__in=ids)}
    prices = PriceList(products.values(), account=customer.account_number if customer else "")
    lines = []
    for position, line in enumerate(wanted.lines, 1):
        product = products.get(line.product)
        try:
            priced = price_line(draft, position, line, product, prices)
        except LineProblem as problem:
            priced = PricedLine(line, product, problem=problem)
        lines.append(priced)
    found = PricedDraft(customer, draft, lines)
    shipping = terms.find_shipping(found.totals.net, draft.currency)
    draft.shipping_amount, draft.shipping_vat_rate = shipping.amount, shipping.vat_rate
    return found


def find_customer(wanted: DraftInput) -> Customer | None:
    if wanted.customer is None:
        return None
    customer = Customer.objects.present().filter(erp_id=wanted.customer).first()
    if customer is None:
        raise NotAccepted({"customer": [_("There is no customer {id}.").format(id=wanted.customer)]})
    return customer


def price_line(
    draft: Draft, position: int, wanted: LineInput, product: Product | None, prices: PriceList
) -> PricedLine:
    """A line at today's price; the first one decides on the draft's currency. Raises LineProblem."""
    if product is None:
        raise LineProblem("product", _("There is no product {id}.").format(id=wanted.product))
    if product.is_blocked or product.is_orderable is False:
        raise LineProblem("product", _("{product} cannot be ordered.").format(product=product))
    valid = product.order_quantities.find_nearest(wanted.quantity)
    if valid != [wanted.quantity]:
        quantities = _(" or ").join(number_format(each.normalize(), use_l10n=True) for each in valid)
        raise LineProblem("quantity", _("You can order: {quantities}.").format(quantities=quantities))
    price = prices.find_price(product, wanted.quantity)
    if price is None or price.unit_price is None:
        raise LineProblem("product", prices.describe_missing(product))
    draft.currency = draft.currency or price.currency
    if price.currency != draft.currency:
        text = _("An order can have only one currency: this price is in {currency}, the prices above are in {others}.")
        raise LineProblem("product", text.format(currency=price.currency, others=draft.currency))
    line = DraftLine(
        draft=draft,
        position=position,
        product=product,
        quantity=wanted.quantity,
        discount_percent=wanted.discount_percent,
        unit_price=price.unit_price,
        price_unit=find_price_unit(price, product),
        vat_rate=product.vat_rate,
        is_net_price=price.is_net_price,
        price_audience=price.audience or "",
    )
    return PricedLine(wanted, product, line=line, price=price)
