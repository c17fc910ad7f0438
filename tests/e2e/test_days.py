"""A day of each user, from the first page to the last: what a browser has to show on every database."""

import re

import pytest
from playwright.sync_api import expect

from demo.erp.faults import Fault
from orders.models import Draft, Price
from sync.coordinator.queue import request_sync
from sync.coordinator.wake_ups import enqueue
from sync.models import SyncRun, SyncSchedule
from tests.concurrency.processes import until
from tests.demo_erp import change_price, new_customer
from tests.e2e.control_room import last_run, quarantined_prices, strike
from tests.e2e.order_form import OrderForm, customers, expect_sessions, goods

pytestmark = pytest.mark.day

Status, Trigger = SyncRun.Status, SyncRun.Trigger


def test_an_agent_s_day(open_page, site, erp, agent):
    """Sign in, find a customer who has just come, save three orders, change one, delete one, think better of it."""
    page = open_page(user=None)
    page.goto(f"{site.url}/orders/new")
    page.get_by_label("Nome utente").fill("agente")
    page.get_by_label("Password").fill("una parola segreta")
    came = new_customer(erp, name="Studio Appena Nato", account="7654321")
    page.keyboard.press("Enter")
    form = OrderForm(page, site)
    expect(form.news).to_contain_text("Clienti aggiornati")
    expect(form.news).to_contain_text("(1 nuovo)")
    orders = request_sync("orders", mode="full", trigger=Trigger.SCHEDULE)
    with site.worker():
        products = list(goods())[:3]
        for number, account in enumerate((came.account, *(each.account_number for each in list(customers())[:2])), 1):
            form.type(account)
            form.press("Enter")
            for product in products[:number]:
                form.add(product)
            form.save()
            form.expect_saved(number)
        orders.refresh_from_db()
        assert orders.status == Status.QUEUED
        page.get_by_role("link", name="Fatto").click()
        page.wait_for_url("**/drafts")
        expect_sessions(0)
        until(lambda: SyncRun.objects.get(pk=orders.pk).status == Status.SUCCEEDED)

    page.get_by_role("link", name="Studio Appena Nato", exact=True).click()
    form.notes.fill("Chiamare prima")
    form.save()
    form.expect_saved(3)
    page.get_by_role("link", name="Fatto").click()
    page.get_by_role("button", name=re.compile("^Elimina.*Studio Appena Nato")).click()
    expect(page.get_by_role("button", name="Annulla")).to_be_focused()
    assert Draft.objects.for_user(agent).count() == 2
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Studio Appena Nato", exact=True)).to_be_focused()

    drafts = {draft.customer.name: draft for draft in Draft.objects.for_user(agent)}
    assert sorted(draft.lines.count() for draft in drafts.values()) == [1, 2, 3]
    kept = drafts["Studio Appena Nato"]
    assert (kept.notes, kept.version, kept.lines.get().product) == ("Chiamare prima", 2, products[0])


def test_an_administrator_s_day(room, site, erp):
    """Notice a failure and repair it, run a list and see what changed, accept an export, slow a schedule down."""
    page = room.page
    expect(room.verdict).to_contain_text("All lists can be trusted.")
    with site.worker():
        strike(erp, Fault.UNREADABLE_VALUE, "orders")
        request_sync("orders", mode="full", trigger=Trigger.SCHEDULE)
        enqueue()
        expect(room.verdict).to_contain_text("Not to be trusted: orders")
        room.problems.first.get_by_role("link", name=re.compile("View run")).click()
        expect(page.locator("#error")).to_contain_text("is not a date")
        page.get_by_role("button", name="Try again").click()
        expect(page.locator("#story .headline")).to_contain_text("succeeded")

        change_price(erp, Price.objects.earliest("pk").erp_id, "123.45")
        room.open().run_now("Prices", "full")
        expect(room.card("Prices")).to_contain_text("1 updated")
        room.card("Prices").get_by_role("link", name="1 updated").click()
        expect(page.locator("#result_list")).to_contain_text("123.45")

        run = quarantined_prices(erp)
        room.open()
        expect(room.verdict).to_contain_text("Not to be trusted: prices")
        room.problems.filter(has_text="quarantine").get_by_role("link", name=f"View run {run.pk}").click()
        page.locator("#quarantine").get_by_role("link", name="View what would be lost").click()
        lost = Price.objects.present().count() - run.read
        page.get_by_role("button", name="Accept the export").click()
        expect(page.locator(".messagelist")).to_contain_text("Applied:")
    assert Price.objects.filter(missing_since__isnull=False).count() == lost > 0
    assert str(last_run(trigger=Trigger.ACCEPT).requested_by) == "administrator"

    page.goto(f"{site.url}/admin/sync/syncschedule/")
    page.locator("#result_list").get_by_role("link", name="DDT").click()
    page.get_by_label("Every").fill("60")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".messagelist")).to_contain_text("changed successfully")
    assert SyncSchedule.objects.get(sync_type="ddt").every == 60
