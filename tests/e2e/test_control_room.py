"""The control room as an administrator uses it: see at a glance, understand, press the right button, watch."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from demo.erp.faults import Fault
from orders.models import Price
from sync.coordinator import mutex, sessions
from sync.coordinator.queue import request_sync
from sync.coordinator.wake_ups import enqueue
from sync.models import ColumnDrift, OrderFormSession, RecordChange, SyncEvent, SyncLock, SyncRun, SyncSchedule
from sync.service import list_types
from tests.concurrency.processes import until
from tests.demo_erp import change_price
from tests.e2e.browsers import DESK, axe, screenshot
from tests.e2e.control_room import Room, last_run, quarantined_prices, strike
from tests.factories import ColumnDriftFactory, SyncRunFactory
from tests.sync.demo import run_sync

TABLET = (820, 1180)
LOOKS = [  # every language with every width, every width with every scheme, every scheme with every language
    ("it-IT", TABLET, "light"),
    ("it-IT", DESK, "dark"),
    ("en-GB", TABLET, "dark"),
    ("en-GB", DESK, "light"),
]
Status = SyncRun.Status
Trigger = SyncRun.Trigger
HOUR = timedelta(hours=1)


# From trouble to health


def test_a_failing_erp_is_noticed_understood_repaired_and_retried(room, site, erp):
    page = room.page
    expect(room.verdict).to_contain_text("All lists can be trusted.")
    with site.worker():
        # Noticed: the open page says so by itself.
        strike(erp, Fault.UNREADABLE_VALUE, "orders")
        request_sync("orders", mode="full", trigger=Trigger.SCHEDULE)
        enqueue()
        expect(room.verdict).to_contain_text("Not to be trusted: orders")
        room.expect_not_reloaded()
        expect(room.card("Orders")).to_contain_text("failing")
        screenshot(page, "noticed", full_page=True)
        # Understood: the run names the page, the row and the column.
        room.problems.first.get_by_role("link", name=re.compile("View run")).click()
        error = page.locator("#error")
        expect(error).to_contain_text("UnreadableValue")
        expect(error).to_contain_text("is not a date")
        for place in ("page", "row", "column"):
            expect(error).to_contain_text(place)
        screenshot(page, "understood", full_page=True)
        # Repaired in the ERP, which made the mistake once. Tried again, and watched.
        page.get_by_role("button", name="Try again").click()
        expect(page.locator("#story .headline")).to_contain_text("succeeded")
        run = last_run(trigger=Trigger.RETRY)
        expect(page).to_have_url(f"{site.url}/admin/sync/syncrun/{run.pk}/change/")
        assert str(run.requested_by) == "administrator"
        expect(page.locator("#story .steps")).to_contain_text("by administrator")
        room.open()
        expect(room.verdict).to_contain_text("All lists can be trusted")
        expect(room.card("Orders")).to_contain_text("healthy")


def test_a_quarantined_export_is_inspected_and_accepted(room, site, erp):
    page = room.page
    before = Price.objects.present().count()
    with site.worker():
        run = quarantined_prices(erp)
        expect(room.verdict).to_contain_text("Not to be trusted: prices")
        problem = room.problems.filter(has_text="quarantine")
        expect(problem).to_contain_text("Nothing was changed.")
        problem.get_by_role("link", name=f"View run {run.pk}").click()
        box = page.locator("#quarantine")
        expect(box).to_contain_text("Would be lost")
        screenshot(page, "quarantined", full_page=True)
        box.get_by_role("link", name="View what would be lost").click()
        lost = Price.objects.present().count() - run.read
        expect(page.locator("#content-main")).to_contain_text("Nothing has been changed so far.")
        expect(page.locator("#content-main")).to_contain_text(str(lost))
        assert Price.objects.filter(missing_since=None, removed_at=None).count() == before
        name = str(Price.objects.get(erp_id=missing_keys(run, erp)[0]))
        expect(page.locator("#content-main")).to_contain_text(name)
        screenshot(page, "what would be lost", full_page=True)
        page.get_by_role("button", name="Accept the export").click()
        expect(page.locator(".messagelist")).to_contain_text("Applied:")
        assert Price.objects.filter(missing_since__isnull=False).count() == lost
        accepted = last_run(trigger=Trigger.ACCEPT)
        assert str(accepted.requested_by) == "administrator"
        room.open()
        expect(room.card("Prices")).to_contain_text("healthy")


def missing_keys(run, erp):
    """What the ERP's filter has left out."""
    with erp.erp.lock:
        kept = {str(record.id) for record in erp.erp.find_records("prices", filtered=True)}
    return [key for key in Price.objects.values_list("erp_id", flat=True) if str(key) not in kept]


# A schedule


@pytest.fixture
def short_minutes(monkeypatch):
    """Schedules a hundred and fifty times as fast as usual."""
    monkeypatch.setenv("SCHEDULE_MINUTE_SECONDS", "0.4")


def test_a_schedule_is_changed_and_obeyed(short_minutes, own_site, room, site):
    page = room.page
    with site.worker():
        # They are all disabled here, and nothing comes.
        page.goto(f"{site.url}/admin/sync/syncschedule/")
        page.locator("#result_list").get_by_role("link", name="DDT").click()
        every = page.get_by_label("Every")
        every.fill("4")
        preview = page.locator("#schedule-preview")
        expect(preview).to_contain_text("greater than or equal to 5")
        every.fill("5")
        page.get_by_label("Enabled").check()
        expect(preview.locator("li").first).to_be_visible()
        screenshot(page, "schedule", full_page=True)
        assert not SyncSchedule.objects.get(sync_type="ddt").enabled
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.locator(".messagelist")).to_contain_text("changed successfully")
        event = SyncEvent.objects.filter(kind="schedule_changed").latest("pk")
        assert (str(event.by), event.facts["every"], event.facts["enabled"]) == ("administrator", 5, True)

        def scheduled():
            enqueue("sync.tasks.tick")  # which comes once a minute
            return SyncRun.objects.filter(sync_type="ddt", trigger=Trigger.SCHEDULE, status=Status.SUCCEEDED).count()

        until(lambda: scheduled() >= 2)
        assert not SyncRun.objects.filter(trigger=Trigger.SCHEDULE).exclude(sync_type="ddt").exists()


def test_what_is_typed_before_the_page_s_script_has_come_is_previewed_too(open_page, site, administrator):
    page = open_page(user=administrator, locale="en-GB")
    held = []
    page.route("**/schedule.js", lambda route: held.append(route))
    schedule = SyncSchedule.objects.get(sync_type="ddt")
    page.goto(f"{site.url}/admin/sync/syncschedule/{schedule.pk}/change/", wait_until="commit")
    page.get_by_label("Every").fill("4")
    until(lambda: page.evaluate("true") and held)
    held[0].continue_()
    expect(page.locator("#schedule-preview")).to_contain_text("greater than or equal to 5")


# Watching


def test_a_run_is_watched_live_to_its_end(room, site, erp):
    page = room.page
    change_price(erp, Price.objects.earliest("pk").erp_id, "123.45")
    with site.worker():
        with erp.erp.lock:  # it does not answer
            room.run_now("Prices", "full")
            expect(page).to_have_url(f"{site.url}/admin/")
            page.evaluate("window.isTheSamePage = true")
            expect(room.current).to_contain_text("Prices")
            expect(room.current).to_contain_text("fetching the export")
            text = room.current.locator(".quiet")
            expect(text).not_to_have_text(text.inner_text())
            screenshot(page, "watched", full_page=True)
        expect(room.current).to_have_text("No sync is in progress.")
        expect(room.card("Prices")).to_contain_text("1 updated")
        room.expect_not_reloaded()
    run = last_run(sync_type="prices")
    assert (run.mode, run.trigger, str(run.requested_by)) == ("full", Trigger.ADMIN, "administrator")
    room.card("Prices").get_by_role("link", name="1 updated").click()
    expect(page.locator("#result_list")).to_contain_text("123.45")


def test_a_run_s_own_page_follows_it_from_the_queue_to_its_changes(room, site, erp):
    page = room.page
    change_price(erp, Price.objects.earliest("pk").erp_id, "123.45")
    run = request_sync("prices", mode="full", trigger=Trigger.API)
    page.goto(f"{site.url}/admin/sync/syncrun/{run.pk}/change/")
    headline = page.locator("#story .headline")
    expect(headline).to_contain_text("queued")
    page.get_by_text("All fields").click()
    with site.worker():
        enqueue()
        with erp.erp.lock:  # it does not answer
            expect(headline).to_contain_text("running")
            expect(page.locator("#progress")).to_contain_text("fetching the export")
        expect(headline).to_contain_text("succeeded")
    expect(page.locator("#changes table")).to_contain_text("→ 123.45")
    expect(page.get_by_text("Where the times start")).to_have_count(0)
    expect(page.locator("#all-fields")).to_have_attribute("open", "")


def test_a_queued_run_is_cancelled_where_it_is_seen(room, site):
    request_sync("products", trigger=Trigger.API)
    waiting = room.panel("queue")
    expect(waiting).to_contain_text("Products")
    waiting.get_by_role("button", name="Cancel Products").click()
    expect(room.page.locator(".messagelist")).to_contain_text("is cancelled")
    expect(waiting).to_contain_text("Empty: nothing waits.")


def test_an_open_order_form_is_seen_and_closed_and_the_others_go_on(room, agent):
    session = sessions.open_session(agent)
    forms = room.panel("forms")
    expect(forms).to_contain_text("agente")
    expect(forms).to_contain_text("never longer than 30 min")
    forms.get_by_role("button", name="Close").click()
    expect(forms).to_contain_text("None: nothing is paused.")
    session.refresh_from_db()
    assert not session.is_live


def test_a_stuck_lock_is_seen_and_broken_after_a_plain_warning(room):
    page = room.page
    lease = mutex.acquire()
    SyncLock.objects.update(acquired_at=timezone.now())
    request_sync("products", trigger=Trigger.API)  # whose event the page hears
    lock = room.panel("lock")
    expect(lock).to_contain_text("held")
    lock.get_by_role("link", name="View").click()
    page.get_by_role("link", name="Break the lock…").click()
    expect(page.locator("#content-main")).to_contain_text("can then no longer write, even if it is still running")
    page.get_by_role("button", name="Break the lock").click()
    expect(page.locator(".messagelist")).to_contain_text("The lock is broken")
    assert lease is not None
    assert str(SyncEvent.objects.get(kind="lock_broken").by) == "administrator"


def test_the_page_says_when_it_has_lost_the_service_and_comes_back_by_itself(own_site, room, allowed):
    allowed += [
        "ERR_CONNECTION_REFUSED",
        "ERR_INCOMPLETE_CHUNKED_ENCODING",
        "ERR_EMPTY_RESPONSE",
        "ERR_CONNECTION_RESET",
    ]
    notice = room.page.locator("#live-lost")
    expect(notice).to_be_hidden()
    own_site.stop()
    room.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(notice).to_be_visible()
    expect(notice).to_contain_text(re.compile(r"state at \d+:\d\d"))
    own_site.start()
    expect(notice).to_be_hidden()
    room.expect_not_reloaded()


@pytest.mark.parametrize("timezone_id", ["America/New_York", "Asia/Tokyo"])
def test_the_last_true_moment_is_told_in_italian_time_wherever_the_browser_is(
    site, open_page, administrator, timezone_id, allowed
):
    allowed += ["ERR_FAILED", "status of 50\\d"]
    page = open_page(user=administrator, viewport=DESK, timezone_id=timezone_id)
    earliest = timezone.localtime()
    Room(page, site).open()
    page.context.route("**/admin/now/", lambda route: route.abort())
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    notice = page.locator("#live-lost time")
    expect(notice).to_be_visible()
    latest = timezone.localtime()
    assert f"{earliest:%H:%M}" <= notice.text_content() <= f"{latest:%H:%M}"


def test_who_was_signed_out_meanwhile_is_told(room, allowed):
    allowed.append("status of 401 .*/api/sync/events")
    room.page.context.clear_cookies()
    room.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    notice = room.page.locator("#live-signed-out")
    expect(notice).to_be_visible()
    expect(notice.get_by_role("link", name="Sign in again")).to_be_visible()


@pytest.mark.parametrize("leaves_it", [False, True])
def test_what_somebody_has_chosen_is_not_changed_by_an_event(room, leaves_it):
    mode = room.page.get_by_label("Mode for Prices")
    mode.focus()
    room.page.keyboard.press("f")
    if leaves_it:
        room.page.keyboard.press("Tab")
    request_sync("products", trigger=Trigger.API)
    expect(room.panel("queue")).to_contain_text("Products")
    expect(mode).to_have_value("full")
    expect(room.page.locator(":focus")).to_have_text("Run now") if leaves_it else expect(mode).to_be_focused()


def test_a_button_never_becomes_another_run_s(room):
    first = request_sync("orders", trigger=Trigger.API)
    request_sync("products", trigger=Trigger.API)
    button = room.panel("queue").get_by_role("button", name="Cancel Orders")
    button.focus()
    expect(room.panel("queue")).to_contain_text("Products")
    first.cancel()
    expect(button).to_have_count(0)
    expect(room.page.get_by_role("button", name="Cancel Products")).not_to_be_focused()


def test_ten_open_tabs_leave_the_server_free_for_an_eleventh(room, site):
    for _ in range(10):
        tab = room.page.context.new_page()
        tab.goto(f"{site.url}/admin/")
        expect(tab.locator("#verdict")).to_be_visible()
        hide(tab)
    request_sync("products", trigger=Trigger.API)
    expect(room.panel("queue")).to_contain_text("Products")


def hide(page):
    """As when another tab comes before it, which a browser without windows does not do by itself."""
    page.evaluate(
        """() => {
            Object.defineProperty(document, "visibilityState", {value: "hidden", configurable: true});
            document.dispatchEvent(new Event("visibilitychange"));
        }"""
    )


def see_again(page):
    page.evaluate("() => { delete document.visibilityState; document.dispatchEvent(new Event('visibilitychange')); }")


def test_a_hidden_page_rests_and_is_right_when_it_is_seen_again(room, site):
    room.page.clock.install()
    room.open()
    expect(room.verdict).to_be_visible()
    seen = Room(room.page.context.new_page(), site).open()
    hide(room.page)
    asked = []
    room.page.on("request", lambda request: asked.append(request.url))
    request_sync("products", trigger=Trigger.API)
    expect(seen.panel("queue")).to_contain_text("Products")
    room.page.clock.fast_forward("10:00")
    expect(room.panel("queue")).not_to_contain_text("Products")
    assert asked == []
    see_again(room.page)
    expect(room.panel("queue")).to_contain_text("Products")


def test_a_page_whose_events_were_refused_hears_them_again(own_site, room, allowed):
    allowed += ["(status of|answer) 502", "ERR_CONNECTION", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_EMPTY_RESPONSE"]
    room.page.context.route("**/api/sync/events", lambda route: route.fulfill(status=502, body="restarting"))
    own_site.stop()
    expect(room.page.locator("#live-lost")).to_be_visible()
    with room.page.expect_response(lambda answer: answer.status == 502):
        own_site.start()
    expect(room.page.locator("#live-lost")).to_be_hidden()
    with room.page.expect_response(lambda answer: answer.url.endswith("/api/sync/events") and answer.ok):
        room.page.context.unroute("**/api/sync/events")
    request_sync("products", trigger=Trigger.API)
    expect(room.panel("queue")).to_contain_text("Products")  # without an event it would take thirty


def test_a_page_that_is_come_back_to_is_live(room, site):
    page = room.page
    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))")
    with page.expect_request("**/api/sync/events"):
        page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    request_sync("products", trigger=Trigger.API)
    expect(room.panel("queue")).to_contain_text("Products")


def test_a_run_that_was_deleted_meanwhile_is_said_to_be_gone(room, site, allowed):
    allowed.append("status of 404")
    run = SyncRunFactory(sync_type="products", ended_ago=3 * HOUR)
    room.page.goto(f"{site.url}/admin/sync/syncrun/{run.pk}/change/")
    expect(room.page.locator("#story")).to_be_visible()
    run.delete()
    request_sync("orders", trigger=Trigger.API)
    expect(room.page.locator("#live-gone")).to_be_visible()


# The picture of the day


@pytest.fixture
def three_runs(site):
    fields = {"sync_type": "products", "trigger": Trigger.SCHEDULE, "took": timedelta(minutes=2)}
    return [SyncRunFactory(**fields, ended_ago=hours * HOUR) for hours in (9, 6, 3)]


def bars(page):
    return page.get_by_role("group", name="Products").locator("a.bar")


def test_the_pointer_on_a_bar_tells_its_run_and_a_click_opens_it(three_runs, room, site):
    bar, tip = bars(room.page).nth(1), room.page.locator("#day-tip")
    expect(tip).to_be_hidden()
    bar.hover()
    expect(tip).to_contain_text(f"Products · run {three_runs[1].pk} · succeeded")
    screenshot(room.page, "pointed at", full_page=True)
    bar.click()
    expect(room.page).to_have_url(f"{site.url}/admin/sync/syncrun/{three_runs[1].pk}/change/")


def test_the_first_tap_tells_and_the_second_opens(three_runs, open_page, administrator, site):
    page = open_page(user=administrator, locale="en-GB", viewport=TABLET, has_touch=True)
    Room(page, site).open()
    bar, tip = bars(page).nth(1), page.locator("#day-tip")
    bar.tap()
    expect(tip).to_contain_text(f"run {three_runs[1].pk}")
    expect(page).to_have_url(f"{site.url}/admin/")
    bar.tap()
    expect(page).to_have_url(f"{site.url}/admin/sync/syncrun/{three_runs[1].pk}/change/")


def test_with_the_keys_one_goes_from_run_to_run(three_runs, room, site):
    page, tip = room.page, room.page.locator("#day-tip")
    page.locator("#picture").get_by_role("link", name="Products", exact=True).focus()
    page.keyboard.press("Tab")
    latest = last_run(sync_type="products", trigger=Trigger.MANUAL)
    expect(tip).to_contain_text(f"run {latest.pk}")
    page.keyboard.press("ArrowLeft")
    expect(tip).to_contain_text(f"run {three_runs[2].pk}")
    page.keyboard.press("ArrowLeft")
    expect(tip).to_contain_text(f"run {three_runs[1].pk}")
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{site.url}/admin/sync/syncrun/{three_runs[1].pk}/change/")


def test_it_can_be_printed(three_runs, room):
    room.page.emulate_media(media="print")
    expect(room.page.locator("#picture")).to_be_visible()
    expect(room.page.get_by_role("button", name="Run Prices now")).to_be_hidden()
    screenshot(room.page, "printed", full_page=True)


# How every page looks


@pytest.fixture
def full_history(site, erp, agent):
    """One run of each end, a change, an open form, a queue, a problem."""
    failed = SyncRunFactory(sync_type="orders", status=Status.FAILED, ended_ago=2 * HOUR)
    for hours in (5, 8, 20):
        SyncRunFactory(sync_type="prices", ended_ago=hours * HOUR)
    SyncRunFactory(sync_type="ddt", status=Status.CANCELLED, ended_ago=4 * HOUR)
    strike(erp, Fault.SILENT_FILTER, "prices")
    quarantined = run_sync("prices", mode="full")
    ColumnDriftFactory()
    sessions.open_session(agent)
    request_sync("products", trigger=Trigger.API)
    return {"failed": failed, "quarantined": quarantined, "applied": last_run(sync_type="customers")}


@pytest.mark.parametrize(("locale", "viewport", "scheme"), LOOKS)
def test_no_page_has_a_serious_fault_or_scrolls_sideways(
    full_history, open_page, administrator, site, locale, viewport, scheme
):
    page = open_page(user=administrator, locale=locale, viewport=viewport, color_scheme=scheme)
    place = f"{locale[:2]}-{viewport[0]}-{scheme}"
    faults = {}
    for name, address in addresses(full_history).items():
        page.goto(f"{site.url}/admin/{address}")
        expect(page.locator("#content")).to_be_visible()
        screenshot(page, f"admin-{name}-{place}", full_page=True)
        # Django's search box has a magnifying glass for a label, with an alternative text.
        faults[name] = [fault for fault in axe(page) if "#searchbar" not in fault]
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            faults[name].append("it scrolls sideways")
        if page.evaluate(
            "[...document.querySelectorAll('.form-row')].some((row) => 0 < row.clientWidth && row.clientWidth < 300)"
        ):
            faults[name].append("a form is squeezed")
    assert not any(faults.values()), "\n".join(f"{name}: {fault}" for name in faults for fault in faults[name])


@pytest.mark.parametrize("width", [768, 820, 1024, 1120, 1121, 1280, 1400])
@pytest.mark.parametrize(("locale", "scheme"), [("it-IT", "light"), ("en-GB", "dark")])
def test_the_list_of_runs_is_cut_nowhere(full_history, open_page, administrator, site, width, locale, scheme):
    page = open_page(user=administrator, locale=locale, viewport=(width, 1180), color_scheme=scheme)
    page.goto(f"{site.url}/admin/sync/syncrun/")
    expect(page.locator("#result_list")).to_be_visible()
    screenshot(page, f"runs-{locale[:2]}-{width}-{scheme}", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    cut = page.evaluate(
        """() => {
            const filters = document.querySelector("#changelist-filter").getBoundingClientRect();
            const isCut = (element) => {
                const { left, right, top, bottom } = element.getBoundingClientRect();
                const isCovered = left < filters.right && filters.left < right && top < filters.bottom
                    && filters.top < bottom;
                return isCovered || right > innerWidth || element.scrollWidth > element.clientWidth + 1;
            };
            const parts = [".results", "#toolbar", ".actions", "#changelist-form"];
            return parts.filter((part) => isCut(document.querySelector(part)));
        }"""
    )
    assert cut == []


def addresses(history):
    change = RecordChange.objects.latest("pk")
    price = Price.objects.earliest("pk")
    session = OrderFormSession.objects.get()
    return {
        "front": "",
        **{f"run-{name}": f"sync/syncrun/{run.pk}/change/" for name, run in history.items()},
        "runs": "sync/syncrun/",
        "accept": f"sync/syncrun/{history['quarantined'].pk}/accept/",
        "changes": "sync/recordchange/",
        "change": f"sync/recordchange/{change.pk}/change/",
        "schedules": "sync/syncschedule/",
        "schedule": f"sync/syncschedule/{SyncSchedule.objects.earliest('pk').pk}/change/",
        "lock": "sync/synclock/1/change/",
        "break": "sync/synclock/1/break/",
        "sessions": "sync/orderformsession/",
        "session": f"sync/orderformsession/{session.pk}/change/",
        "workers": "sync/syncworker/",
        "events": "sync/syncevent/",
        "column-changes": "sync/columndrift/",
        "column-change": f"sync/columndrift/{ColumnDrift.objects.get().pk}/change/",
        "prices": "orders/price/",
        "price": f"orders/price/{price.pk}/change/",
    }


def test_all_lists_are_there(room):
    assert len(list_types()) == room.page.locator(".card").count()
