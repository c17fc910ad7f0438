"""What became of drafts: handed over to the ERP, found there as an order, or closed.

A draft is compared with the orders of its customer's account whenever some are applied to the mirror, in the same
transaction: whatever is missed once is found by the next sync, as nothing but the rows is remembered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, Q

from orders import drafts
from orders.drafts import SettledDraft
from orders.models import Draft, Order
from sync.database import clock

# An order may be older than the last save of its draft by so much: some save the draft only once they have typed the
# order, and the ERP's clock is not ours. More, and an order of the morning that is repeated in the afternoon would be
# taken for it.
EARLIER = timedelta(hours=1)
EARLIER_BY_HAND = timedelta(days=7)  # than the draft: so old are the oldest orders that an agent is offered
MOST_ORDERS = 20  # that an agent is offered for one draft


class OrderTaken(Exception):
    """Another draft has the order already."""


class UnknownOrder(Exception):
    """The draft's customer has no such order."""


@dataclass(frozen=True)
class FoundOrder:
    """An order that a draft may be."""

    order: Order
    difference: Decimal | None  # how much more it comes to, in euro
    fits: bool
    is_rejected: bool


# Finding


def mark_found_drafts() -> None:
    """Give each draft that is looked for its order, where one order fits it and no other draft fits that order.

    Where more fit, an agent is asked: `find_fitting` finds them whenever they are shown.
    """
    since = Order.objects.shown().filter(
        account_number=OuterRef("customer__account_number"),
        ordered_at__gte=OuterRef("changed_at") - EARLIER,
        draft=None,
    )
    looked_for = list(Draft.objects.looked_for().filter(Exists(since)).with_lines())  # the others are not even read
    fitting = find_fitting(looked_for)
    claims = Counter(order.pk for orders in fitting.values() for order in orders)
    for draft in looked_for:
        match fitting[draft.pk]:
            case [order] if claims[order.pk] == 1:
                give_order(draft, order)


def give_order(draft: Draft, order: Order) -> None:
    """Mark a draft as found, unless it was changed, or the order given to another one, at the same moment."""
    unchanged = Draft.objects.in_hand().filter(pk=draft.pk, version=draft.version)
    try:
        with transaction.atomic():
            unchanged.update(order=order, found_at=clock.now(), version=F("version") + 1)
    except IntegrityError:  # an agent has just given the order to another draft
        return


def find_fitting(looked_for: Sequence[Draft]) -> dict[int, list[Order]]:
    """For each of these drafts, by key, the orders that fit, the earliest first; three queries for any number.

    An order fits whose account is the customer's, that was placed since the draft was last saved, and whose amount is
    the draft's; not one that another draft has, or that was rejected.
    """
    accounts = {draft.customer.account_number for draft in looked_for} - {""}
    if not accounts:
        return {draft.pk: [] for draft in looked_for}
    rejected = find_rejected(looked_for)
    first = min(draft.changed_at for draft in looked_for) - EARLIER
    orders = Order.objects.shown().filter(account_number__in=accounts, ordered_at__gte=first, draft=None)
    by_account: dict[str, list[Order]] = {account: [] for account in accounts}
    for order in orders.order_by("ordered_at", "pk"):
        by_account[order.account_number].append(order)
    return {
        draft.pk: [
            order
            for order in by_account.get(draft.customer.account_number, ())
            if (draft.pk, order.pk) not in rejected and is_since(draft, order) and draft.fits(order)
        ]
        for draft in looked_for
    }


def find_rejected(looked_for: Sequence[Draft]) -> set[tuple[int, int]]:
    """The keys of drafts and of the orders that were rejected for them."""
    pairs = Draft.rejected_orders.through.objects.filter(draft__in=[draft.pk for draft in looked_for])
    return set(pairs.values_list("draft_id", "order_id"))


def is_since(draft: Draft, order: Order) -> bool:
    return order.ordered_at is not None and order.ordered_at >= draft.changed_at - EARLIER


def list_orders(draft: Draft) -> list[FoundOrder]:
    """The orders of the draft's customer that it may be: those that fit first, then the latest; at most MOST_ORDERS."""
    fitting = {order.pk for order in find_fitting([draft])[draft.pk]}
    rejected = find_rejected([draft])
    since = draft.created_at - EARLIER_BY_HAND
    orders = Order.objects.matching(account_number=draft.customer.account_number)
    orders = orders.filter(Q(draft=None) | Q(draft=draft), ordered_at__gte=since).order_by("-ordered_at", "-pk")
    found = [
        FoundOrder(order, draft.find_difference(order), order.pk in fitting, (draft.pk, order.pk) in rejected)
        for order in orders[:MOST_ORDERS]
    ]
    return sorted(found, key=lambda each: not each.fits)


# What agents say


def hand_over(draft: Draft, how: str, *, version: int) -> Draft:
    """Note that a draft was printed, copied or entered in the ERP.

    Like all that follow: what is so already is answered as done. Raises SettledDraft, StaleDraft or DraftDeleted.
    """
    now = drafts.load_draft(draft)
    if now.state == Draft.State.HANDED_OVER and now.handed_over_how == how:
        return now
    if now.is_settled:
        raise SettledDraft(now)
    return change_state(draft, version, handed_over_at=clock.now(), handed_over_how=how)


def close(draft: Draft, *, version: int) -> Draft:
    """Put a draft away without an order."""
    now = drafts.load_draft(draft)
    if now.closed_at:
        return now
    if now.order:
        raise SettledDraft(now)
    return change_state(draft, version, closed_at=clock.now())


def reopen(draft: Draft, *, version: int) -> Draft:
    """Make a draft open again that was closed or handed over; one that was found only after `reject_order`."""
    now = drafts.load_draft(draft)
    if now.state == Draft.State.OPEN:
        return now
    if now.order:
        raise SettledDraft(now)
    return change_state(draft, version, closed_at=None, handed_over_at=None, handed_over_how="")


def confirm_order(draft: Draft, order: int, *, version: int, user: User) -> Draft:
    """Say which order of its customer a draft is, by its ID in the ERP, whether it fits or not.

    Raises UnknownOrder, or OrderTaken if another draft has it.
    """
    now = drafts.load_draft(draft)
    chosen = get_customer_order(now, order)
    if now.order == chosen:
        return now
    if now.order:
        raise SettledDraft(now)
    try:
        with transaction.atomic():
            draft.rejected_orders.remove(chosen)
            return change_state(draft, version, order=chosen, found_at=clock.now(), confirmed_by=user, closed_at=None)
    except IntegrityError as error:
        raise OrderTaken from error


def reject_order(draft: Draft, order: int, *, version: int) -> Draft:
    """Say that an order, by its ID in the ERP, is not this draft; it is not proposed again. Raises UnknownOrder.

    A draft that had been found as this order is what it was before.
    """
    now = drafts.load_draft(draft)
    rejected = now.order if now.order and now.order.erp_id == order else get_customer_order(now, order)
    if now.order != rejected and now.rejected_orders.contains(rejected):
        return now
    taken_back: dict[str, Any] = {}
    if now.order == rejected:
        taken_back = {"order": None, "found_at": None, "confirmed_by": None}
    with transaction.atomic():
        draft.rejected_orders.add(rejected)
        return change_state(draft, version, **taken_back)


def get_customer_order(draft: Draft, erp_id: int) -> Order:
    """Raises UnknownOrder for one that is not the customer's, or that the ERP does not show any more."""
    found = Order.objects.matching(account_number=draft.customer.account_number).filter(erp_id=erp_id).first()
    if found is None:
        raise UnknownOrder
    return found


def change_state(draft: Draft, version: int, **changes: Any) -> Draft:
    """Change a draft if it is at this version still. Raises StaleDraft or DraftDeleted."""
    with transaction.atomic():
        unchanged = Draft.objects.filter(pk=draft.pk, version=version, deleted_at=None)
        if not unchanged.update(version=F("version") + 1, **changes):
            raise drafts.find_conflict(draft, version)
        return drafts.load_draft(draft)
