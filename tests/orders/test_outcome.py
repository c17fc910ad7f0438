"""What becomes of drafts: which order of the mirror a draft is, and what agents say about it."""

from datetime import timedelta
from decimal import Decimal
from unittest.mock import Mock

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from orders import drafts, outcome
from orders.drafts import DraftDeleted, SettledDraft, StaleDraft
from orders.models import Draft, Order
from orders.outcome import EARLIER, OrderTaken, UnknownOrder
from orders.totals import compute_totals
from tests.factories import (
    MIRRORED_AT,
    CustomerFactory,
    DraftFactory,
    DraftLineFactory,
    OrderFactory,
    ProductFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

ACCOUNT = "1002239"
NET, GROSS = Decimal("100.00"), Decimal("122.00")


@pytest.fixture
def customer():
    return CustomerFactory(account_number=ACCOUNT)


@pytest.fixture
def save(customer):
    """Saves a draft of 100 euro net in one line."""

    def save(*, lines=1, **fields):
        draft = DraftFactory(**{"customer": customer, **fields})
        for position in range(1, lines + 1):
            DraftLineFactory(draft=draft, position=position, unit_price=NET / lines)
        return draft

    return save


def enter(amount=NET, **fields):
    """An order of the customer, as the mirror has it a minute later."""
    placed = {"account_number": ACCOUNT, "ordered_at": timezone.now() + timedelta(minutes=1)}
    return OrderFactory(total_amount=amount, **placed | fields)


def find(draft):
    """The order that the draft is given by the next sync."""
    outcome.mark_found_drafts()
    return Draft.objects.get(pk=draft.pk).order


# Which order it is


@pytest.mark.parametrize("amount", [NET, GROSS, NET + Decimal("0.01"), GROSS - Decimal("0.01")])
def test_the_only_order_that_fits_is_the_draft(save, amount):
    draft, order = save(), enter(amount)
    assert find(draft) == order
    found = Draft.objects.get()
    assert (found.state, found.is_confirmed, found.version) == (Draft.State.FOUND, False, draft.version + 1)


@pytest.mark.parametrize(
    "fields",
    [
        {"amount": NET + Decimal("0.02")},
        {"amount": None},
        {"account_number": "1002240"},
        {"account_number": ""},
        {"ordered_at": MIRRORED_AT},
        {"ordered_at": None},
        {"is_quote": True},
        {"is_gift": True},
        {"missing_since": MIRRORED_AT},
        {"removed_at": MIRRORED_AT},
    ],
    ids=str,
)
def test_an_order_that_does_not_fit_leaves_the_draft_as_it_is(save, fields):
    draft = save()
    enter(**fields)
    assert find(draft) is None
    assert Draft.objects.get().version == draft.version


@pytest.mark.parametrize("kind", ["is_quote", "is_gift"])
def test_a_quote_or_a_gift_is_the_order_of_a_draft_that_is_one(save, kind):
    draft, order = save(**{kind: True}), enter(**{kind: True})
    enter()
    assert find(draft) == order


def test_an_order_may_be_a_little_older_than_its_draft(save):
    draft = save()
    order = enter(ordered_at=draft.changed_at - EARLIER)
    assert find(draft) == order


def test_an_order_from_before_the_draft_was_saved_again_is_not_it(save):
    old = timezone.now() - timedelta(days=21)
    draft = save(created_at=old, changed_at=old)
    enter(ordered_at=old + timedelta(minutes=1))
    Draft.objects.update(changed_at=timezone.now())
    saved_again = drafts.load_draft(draft)
    assert find(draft) is None
    assert outcome.find_fitting([saved_again]) == {draft.pk: []}
    other = save(customer=CustomerFactory(account_number="1002240"), created_at=old, changed_at=old)
    assert outcome.find_fitting([saved_again, drafts.load_draft(other)]) == {draft.pk: [], other.pk: []}


def test_each_line_may_be_rounded_otherwise(save):
    draft, order = save(lines=4), enter(NET + Decimal("0.04"))
    assert find(draft) == order


def test_shipping_may_be_in_the_amount(save):
    draft = save(shipping_amount=Decimal("15.50"), shipping_vat_rate=Decimal(22))
    order = enter(NET + Decimal("15.50"))
    assert find(draft) == order


def test_a_draft_in_another_currency_or_without_an_amount_fits_no_order(save):
    other, empty = save(currency="CHF"), DraftFactory(customer__account_number="1002240")
    enter()
    enter(Decimal(0), account_number="1002240")
    assert (find(other), find(empty)) == (None, None)


def test_an_account_that_is_blank_says_nothing(save):
    draft = save(customer=CustomerFactory(account_number=""))
    enter(account_number="")
    assert find(draft) is None


def test_of_two_orders_that_fit_none_is_given(save):
    draft, orders = save(), [enter(), enter(GROSS)]
    assert find(draft) is None
    assert outcome.find_fitting([drafts.load_draft(draft)]) == {draft.pk: orders}


def test_one_order_that_fits_two_drafts_is_given_to_none(save):
    first, second = save(), save()
    order = enter()
    assert (find(first), find(second)) == (None, None)
    outcome.confirm_order(first, order.erp_id, version=1, user=first.user)
    assert find(second) is None


def test_once_one_of_two_is_settled_the_other_is_found(save):
    first, second, order = save(), save(), enter()
    outcome.close(first, version=1)
    assert find(second) == order


def test_no_order_is_ever_given_to_two_drafts(save):
    first, second, order = save(), save(), enter()
    outcome.confirm_order(first, order.erp_id, version=1, user=first.user)
    with pytest.raises(OrderTaken):
        outcome.confirm_order(second, order.erp_id, version=1, user=second.user)
    with pytest.raises(IntegrityError), transaction.atomic():
        Draft.objects.filter(pk=second.pk).update(order=order, found_at=timezone.now())


@pytest.mark.parametrize("fields", [{"deleted_at": MIRRORED_AT}, {"closed_at": MIRRORED_AT}], ids=str)
def test_what_is_deleted_or_closed_is_not_looked_for(save, fields):
    draft = save(**fields)
    enter()
    assert find(draft) is None


def test_a_draft_is_looked_for_until_some_time_after_its_last_change(save):
    old = timezone.now() - timedelta(days=61)
    draft = save(created_at=old, changed_at=old)
    enter()
    assert find(draft) is None
    Draft.objects.update(changed_at=timezone.now())
    assert find(draft) is not None


def test_a_draft_that_was_handed_over_is_found_too(save):
    draft, order = outcome.hand_over(save(), "copied", version=1), enter()
    assert find(draft) == order


def test_a_change_at_the_same_moment_goes_before(save):
    draft, order = drafts.load_draft(save()), enter()
    outcome.hand_over(draft, "printed", version=1)
    outcome.give_order(draft, order)
    assert Draft.objects.get().order is None


def test_an_agent_who_is_faster_with_the_order_breaks_no_sync(save):
    first, second, order = save(), drafts.load_draft(save()), enter()
    outcome.confirm_order(first, order.erp_id, version=1, user=first.user)
    outcome.give_order(second, order)
    assert Draft.objects.get(pk=second.pk).order is None


def test_its_cost_does_not_grow_with_history(save, django_assert_num_queries):
    product = ProductFactory()

    def settle_some(count):
        for _ in range(count):
            draft = save(closed_at=timezone.now())
            draft.lines.update(product=product)
            OrderFactory(account_number=ACCOUNT)

    for count in (1, 20):
        settle_some(count)
        save()
        enter(Decimal(777))
        with django_assert_num_queries(4):  # drafts, lines, rejected orders, orders
            outcome.mark_found_drafts()
    Order.objects.filter(total_amount=777).update(ordered_at=MIRRORED_AT)
    with django_assert_num_queries(1):  # no draft has an order since: none is read
        outcome.mark_found_drafts()


def test_the_totals_of_a_draft_are_computed_once_for_all_orders(save, monkeypatch):
    computed = Mock(wraps=compute_totals)
    monkeypatch.setattr("orders.models.drafts.compute_totals", computed)
    draft = save()
    for _ in range(3):
        enter(Decimal(777))
    assert find(draft) is None
    computed.assert_called_once()


# Differences


def test_an_order_that_changes_its_amount_shows_the_difference(save):
    draft, order = save(), enter()
    find(draft)
    Order.objects.filter(pk=order.pk).update(total_amount=Decimal("104.00"))
    assert drafts.load_draft(draft).difference == Decimal("4.00")


def test_an_order_that_goes_missing_stays_with_its_draft(save):
    draft, order = save(), enter()
    find(draft)
    Order.objects.update(removed_at=timezone.now())
    assert drafts.load_draft(draft).order == order


# What agents say


def test_a_draft_is_handed_over_once_however_often_it_is_said(save):
    draft = save()
    said = [outcome.hand_over(draft, "copied", version=1) for _ in range(2)]
    assert [(each.state, each.handed_over_how, each.version) for each in said] == [("handed_over", "copied", 2)] * 2


def test_a_closed_draft_is_open_again(save):
    draft = outcome.hand_over(save(), "printed", version=1)
    assert outcome.close(draft, version=2).state == Draft.State.CLOSED
    assert outcome.close(draft, version=2).version == 3
    opened = outcome.reopen(draft, version=3)
    assert (opened.state, opened.handed_over_how, opened.version) == (Draft.State.OPEN, "", 4)
    assert outcome.reopen(draft, version=3).version == 4


def test_a_match_can_be_undone_and_is_not_proposed_again(save):
    draft, order = save(), enter()
    find(draft)
    for _ in range(2):
        undone = outcome.reject_order(draft, order.erp_id, version=2)
        assert (undone.state, undone.version) == (Draft.State.OPEN, 3)
    assert find(draft) is None
    assert outcome.find_fitting([undone]) == {draft.pk: []}


def test_an_agent_chooses_any_order_of_the_customer_even_one_that_was_rejected(save):
    draft, order, agent = save(), enter(Decimal("777.00"), is_quote=True), UserFactory()
    outcome.reject_order(draft, order.erp_id, version=1)
    for _ in range(2):
        chosen = outcome.confirm_order(draft, order.erp_id, version=2, user=agent)
        assert (chosen.order, chosen.confirmed_by, chosen.version) == (order, agent, 3)
    assert chosen.rejected_orders.count() == 0


def test_a_closed_draft_may_be_given_an_order(save):
    draft, order = outcome.close(save(), version=1), enter()
    assert outcome.confirm_order(draft, order.erp_id, version=2, user=draft.user).state == Draft.State.FOUND


def test_another_customer_s_order_cannot_be_chosen(save):
    draft, order = save(), enter(account_number="1002240")
    with pytest.raises(UnknownOrder):
        outcome.confirm_order(draft, order.erp_id, version=1, user=draft.user)


def test_nothing_is_done_to_a_version_that_was_not_seen(save):
    draft, order = save(), enter()
    Draft.objects.update(version=5)
    steps = [
        lambda: outcome.hand_over(draft, "copied", version=4),
        lambda: outcome.close(draft, version=4),
        lambda: outcome.confirm_order(draft, order.erp_id, version=4, user=draft.user),
        lambda: outcome.reject_order(draft, order.erp_id, version=4),
    ]
    for step in steps:
        with pytest.raises(StaleDraft):
            step()
    assert (Draft.objects.get().version, draft.rejected_orders.count()) == (5, 0)


def test_nothing_is_done_to_a_deleted_draft(save):
    draft = save()
    drafts.delete_draft(draft)
    with pytest.raises(DraftDeleted):
        outcome.close(draft, version=1)


def test_a_duplicate_of_a_deleted_draft_is_found(save):
    draft, order = save(), enter()
    assert find(draft) == order
    drafts.delete_draft(draft)
    duplicate = save()
    assert find(duplicate) == order
    restored = drafts.restore_draft(draft)
    assert (restored.state, restored.found_at, restored.confirmed_by) == (Draft.State.OPEN, None, None)


def test_a_found_draft_is_neither_closed_nor_handed_over_nor_reopened(save):
    draft = save()
    enter()
    find(draft)
    for step in (
        outcome.close,
        outcome.reopen,
        lambda draft, version: outcome.hand_over(draft, "copied", version=version),
    ):
        with pytest.raises(SettledDraft):
            step(draft, version=2)


def test_orders_to_choose_from_begin_with_those_that_fit(save):
    draft = drafts.load_draft(save())
    fitting, rejected = enter(), enter()
    later = enter(Decimal(50), ordered_at=timezone.now() + timedelta(days=1))
    old = enter(ordered_at=draft.created_at - timedelta(days=8))
    outcome.reject_order(draft, rejected.erp_id, version=1)
    offered = outcome.list_orders(draft)
    assert [each.order for each in offered] == [fitting, later, rejected]
    assert [(each.fits, each.is_rejected) for each in offered] == [(True, False), (False, False), (False, True)]
    assert old not in [each.order for each in offered]


def test_lines_are_copied_as_they_are_typed(save):
    draft = DraftFactory()
    DraftLineFactory(draft=draft, product=ProductFactory(name="9801.314.016"), quantity=Decimal(1200))
    product = ProductFactory(name="", erp_id="001627K2")
    DraftLineFactory(draft=draft, position=2, product=product, quantity=Decimal(5), discount_percent=Decimal("12.5"))
    assert drafts.load_draft(draft).text_for_erp == "9801.314.016\t1200\t\n001627K2\t5\t12,5\n"
