"""What opening and leaving the order form does to the syncs, in a real browser."""

import re
from datetime import timedelta
from email.utils import formatdate

import pytest
import time_machine
from django.utils import timezone
from playwright.sync_api import expect

from demo.erp.faults import Fault
from demo.erp.front_end import PlannedFault
from sync.coordinator import runner
from sync.coordinator.queue import request_sync
from sync.models import OrderFormSession, SyncRun
from tests.concurrency.processes import until
from tests.demo_erp import new_customer
from tests.e2e.order_form import OrderForm, expect_sessions, live_sessions

Status = SyncRun.Status


@pytest.fixture
def form(page, site):
    return OrderForm(page, site)


@pytest.fixture
def ask_for_orders():
    """Asks for a sync that order forms keep waiting."""

    def asked():
        run = request_sync("orders", mode="full", trigger=SyncRun.Trigger.MANUAL)
        runner.drain_queue()
        run.refresh_from_db()
        return run

    return asked


def smart_run():
    return SyncRun.objects.filter(mode=SyncRun.Mode.SMART).latest("pk")


def test_smart_sync_triggers_on_entry(form, agent):
    form.open_fresh()
    run = smart_run()
    assert (run.status, run.trigger, run.requested_by) == (Status.SUCCEEDED, SyncRun.Trigger.ORDER_FORM, agent)
    expect(form.news).to_have_text(re.compile(r"^Clienti aggiornati alle \d\d:\d\d \(nessuna novità\) Aggiorna$"))


def test_the_form_can_be_used_until_the_customers_are_fresh_for_which_the_erp_is_asked_once(form, erp, customer):
    exports = erp.front_end.exports
    with erp.erp.lock:  # it does not answer
        form.open()
        form.type(customer.account_number)
        expect(form.options).to_have_count(1)
        form.press("Enter")
        expect(form.line(1).product).to_be_focused()
        expect(form.news).to_have_text("Aggiornamento clienti…")
        until(lambda: smart_run().stage == "fetching")
    expect(form.news).to_contain_text("Clienti aggiornati")
    assert (smart_run().status, erp.front_end.exports) == (Status.SUCCEEDED, exports + 1)


def test_save_stays_on_the_page(form, agent, fill):
    form.open_fresh()
    fill(form)
    form.save()
    form.expect_saved(1)
    assert form.page.url.endswith("/orders/new")
    expect(form.customer).to_be_focused()
    expect(form.customer).to_have_value("")
    expect(form.line(1).product).to_have_value("")
    expect(form.page.get_by_role("group", name="Riga")).to_have_count(1)


def test_the_banner_shows_the_count(form, fill):
    form.open_fresh()
    for count in (1, 2, 3):
        fill(form)
        form.save()
        form.expect_saved(count)
    expect(form.banner).to_contain_text("Bozza salvata! (3 bozze totali)")


def test_done_goes_to_drafts(form, fill):
    form.open_fresh()
    fill(form)
    form.save()
    form.expect_saved(1)
    form.page.get_by_role("link", name="Fatto").click()
    form.page.wait_for_url("**/drafts")
    expect(form.page.get_by_role("heading", name="Bozze")).to_be_visible()
    expect_sessions(0)


def test_leaving_resumes_the_syncs(form, site, ask_for_orders):
    form.open_fresh()
    run = ask_for_orders()
    assert run.status == Status.QUEUED
    with site.worker():
        form.page.get_by_role("link", name="Bozze").click()
        expect_sessions(0)
        until(lambda: SyncRun.objects.get(pk=run.pk).status == Status.SUCCEEDED)


def test_a_second_tab_counts_up(form, context, site):
    form.open_fresh()
    expect_sessions(1)
    OrderForm(context.new_page(), site).open_fresh()
    expect_sessions(2)
    form.page.bring_to_front()
    expect(form.pause).to_contain_text("(2 moduli aperti)")


def test_closing_all_resumes(open_context, allowed, site, ask_for_orders):
    # While a service worker is at hand, Chromium loses about one in a hundred messages of tabs that are closed on a
    # busy machine; such a session ends by itself.
    context = open_context(service_workers="block")
    allowed.append("Service Worker registration blocked")
    form = OrderForm(context.new_page(), site).open_fresh()
    second = OrderForm(context.new_page(), site).open_fresh()
    form.page.close(run_before_unload=True)
    expect_sessions(1)
    assert ask_for_orders().status == Status.QUEUED
    second.page.close(run_before_unload=True)
    expect_sessions(0)
    assert ask_for_orders().status == Status.SUCCEEDED


def test_left_alone_for_11_minutes_the_others_resume_by_themselves(form, ask_for_orders):
    form.page.clock.install()
    form.open_fresh()
    assert ask_for_orders().status == Status.QUEUED
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        assert ask_for_orders().status == Status.SUCCEEDED
    OrderFormSession.objects.update(expires_at=timezone.now() - timedelta(minutes=1))  # the server's clock stands still
    form.page.clock.fast_forward("11:00")
    expect(form.pause).to_have_text("Gli altri aggiornamenti proseguono")


# Beyond the nine


def test_a_form_that_is_used_again_after_its_session_ended_begins_anew(form):
    form.page.clock.install()
    form.open_fresh()
    OrderFormSession.objects.update(expires_at=timezone.now() - timedelta(minutes=1))
    form.page.clock.fast_forward("11:00")
    assert live_sessions() == 0
    form.type("ro")
    expect_sessions(1)
    assert OrderFormSession.objects.count() == 1


def test_a_killed_browser_s_session_ends_by_itself(open_own_browser, site, ask_for_orders):
    own = open_own_browser()
    OrderForm(own.page, site).open_fresh()
    own.kill()
    assert ask_for_orders().status == Status.QUEUED
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        assert ask_for_orders().status == Status.SUCCEEDED


def test_reloading_counts_one(form):
    form.open_fresh()
    for _ in range(3):
        form.page.reload()
        expect(form.news).to_contain_text("Clienti aggiornati")
    expect_sessions(1)


def test_back_and_forward_count_one_or_none(form):
    form.open_fresh()
    form.page.get_by_role("link", name="Bozze").click()
    form.page.wait_for_url("**/drafts")
    expect_sessions(0)
    form.page.go_back()
    expect(form.news).to_contain_text("Clienti aggiornati")
    expect_sessions(1)
    form.page.go_forward()
    form.page.wait_for_url("**/drafts")
    expect_sessions(0)


def test_a_copied_tab_is_a_form_of_its_own(form, context, site, fill):
    form.open_fresh()
    form.type("Rossi")
    with context.expect_page() as opened:  # it gets a copy of the first tab's session storage
        form.page.evaluate("window.open('/orders/new')")
    copy = OrderForm(opened.value, site)
    expect(copy.news).to_contain_text("Clienti aggiornati")
    expect(copy.customer).to_have_value("")
    expect(form.customer).to_have_value("Rossi")
    expect_sessions(2)


def test_a_copied_tab_is_a_form_of_its_own_however_slowly_the_browser_locks(form, context, site):
    form.page.add_init_script(  # of the first tab only
        """const request = LockManager.prototype.request;
           LockManager.prototype.request = async function (...asked) {
             await new Promise((proceed) => setTimeout(proceed, 1500));
             return request.apply(this, asked);
           };"""
    )
    form.open_fresh()
    form.type("Rossi")
    until(lambda: form.page.evaluate("navigator.locks.query()")["held"])
    with context.expect_page() as opened:
        form.page.evaluate("window.open('/orders/new')")
    copy = OrderForm(opened.value, site)
    expect(copy.news).to_contain_text("Clienti aggiornati")
    expect(copy.customer).to_have_value("")
    expect(form.customer).to_have_value("Rossi")


def test_a_customer_created_in_the_erp_just_before_entry_is_found(form, erp):
    came = new_customer(erp, name="Studio Appena Nato", account="7654321")
    form.open()
    form.type("appena")  # before the customers are fresh
    expect(form.options).to_contain_text(["Studio Appena Nato"])
    expect(form.news).to_contain_text("(1 nuovo)")
    form.press("Enter")
    expect(form.page.locator("#customer-facts")).to_contain_text("7654321")
    assert came.account == "7654321"


def test_an_erp_that_fails_is_named_with_the_time_of_what_is_here(form, erp, allowed):
    allowed.append("502")
    erp.front_end.plan_fault(PlannedFault(Fault.SERVER_ERROR, times=1))
    form.open()
    expect(form.news).to_contain_text(
        "Clienti non aggiornati. L'ERP non fornisce l'esportazione. I clienti mostrati sono quelli delle"
    )
    form.page.get_by_role("button", name="Riprova").click()
    expect(form.news).to_contain_text("Clienti aggiornati")
    expect_sessions(1)


def test_outside_the_erp_s_hours_the_form_says_when_the_customers_are_updated_and_watches_nothing(form):
    asked = []

    def answer_at_night(route):
        night = {"waitsFor": "hours", "waitsUntil": "2036-12-02T07:00:00+01:00", "status": "queued", "runId": 1}
        session = {"id": route.request.post_data_json["sessionId"], "expiresAt": "2026-12-02T07:00:00+01:00"}
        body = {"success": True, "message": "", "session": session, "run": night, "result": None}
        route.fulfill(status=202, json=body, headers={"Location": "/api/sync/runs/1", "Date": formatdate(usegmt=True)})

    form.page.route("**/smart-sync", answer_at_night)
    form.page.on("request", lambda request: asked.append(request.url))
    form.open()
    expect(form.news).to_contain_text(
        "L'ERP non viene interrogato fuori orario. Prossimo aggiornamento dei clienti: 02/12/36 07:00. "
        "I clienti mostrati sono quelli delle"
    )
    form.page.unroute("**/smart-sync")
    form.page.get_by_role("button", name="Riprova").click()
    expect(form.news).to_contain_text("Clienti aggiornati")
    assert not [address for address in asked if "/api/sync/runs/1" in address]


def test_a_form_opened_with_poor_reception_begins_its_session_when_it_can(form, allowed):
    allowed.append("ERR_INTERNET_DISCONNECTED")
    form.page.route("**/smart-sync", lambda route: route.abort("internetdisconnected"))
    form.open()
    expect(form.news).to_contain_text("Clienti non aggiornati. Nessuna connessione al servizio.")
    form.page.unroute("**/smart-sync")
    expect(form.news).to_contain_text("Clienti aggiornati")
    expect_sessions(1)
