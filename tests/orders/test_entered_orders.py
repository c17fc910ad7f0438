"""Drafts that are entered in the demo ERP by hand are found by the next sync of its orders, from its PDF."""

from decimal import Decimal

import pytest
from django.utils import timezone

from customers.models import Customer
from orders import outcome
from orders.models import Draft, Order
from sync.coordinator import queue, runner
from sync.models import SyncRun
from tests.demo_erp import SCALE, CachedDemoErp
from tests.factories import DraftFactory, DraftLineFactory


@pytest.fixture
def erp(transactional_db):
    return CachedDemoErp(scale=SCALE)


@pytest.fixture
def sync_list(erp, tmp_path):
    """Syncs a list from the export that the demo ERP draws now."""

    def sync(sync_type):
        path = tmp_path / f"{sync_type}.pdf"
        erp.write_export(sync_type, path)
        run = queue.request_sync(sync_type, mode="full", trigger=SyncRun.Trigger.MANUAL, given_file=path)
        runner.wait_for(run)
        run.refresh_from_db()
        assert run.status == SyncRun.Status.SUCCEEDED, run.error_text

    return sync


@pytest.fixture
def draft(erp, sync_list):
    sync_list("customers")
    sync_list("orders")
    customer = Customer.objects.present().exclude(account_number="").order_by("erp_id").first()
    draft = DraftFactory(customer=customer)
    DraftLineFactory(draft=draft, quantity=3)
    return draft


def enter(erp, draft, amount):
    """What an agent does in the ERP, a moment after the draft was saved."""
    now = timezone.localtime().replace(tzinfo=None)
    erp.enter_order(draft.customer.account_number, amount, at=now)


def test_a_draft_that_is_entered_is_found_within_one_sync(erp, draft, sync_list):
    enter(erp, draft, draft.totals.net)
    sync_list("orders")
    found = Draft.objects.get()
    assert (found.state, found.difference) == (Draft.State.FOUND, Decimal(0))
    assert found.order == Order.objects.order_by("-erp_id").first()


def test_of_two_that_fit_the_agent_is_asked(erp, draft, sync_list):
    for amount in (draft.totals.net, draft.totals.gross):
        enter(erp, draft, amount)
    sync_list("orders")
    waiting = Draft.objects.with_lines().get()
    assert (waiting.state, len(outcome.find_fitting([waiting])[waiting.pk])) == (Draft.State.OPEN, 2)
