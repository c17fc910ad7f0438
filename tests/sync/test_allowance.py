"""What the ERP may be asked for: so many logins and exports in a day, within its hours."""

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from html import unescape
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.urls import reverse

from demo.erp.server import DEMO_PASSWORD, DEMO_USERNAME
from sync.coordinator import preview, queue, runner, schedules, sessions, turns
from sync.database import clock
from sync.erp import allowance
from sync.erp.client import ErpList
from sync.erp.http import HttpClient
from sync.erp_hours import EXAMPLE, parse_hours
from sync.exceptions import CannotForce, ErpClosed, ErpExportsSpent, ErpLoginsSpent
from sync.models import Alert, ErpDay, SyncEvent, SyncRun, SyncSchedule, SyncWorker
from sync.monitoring import health, retention
from sync.monitoring.diagnosis import find_problems
from sync.monitoring.fingerprint import compute_status_fingerprint
from sync.monitoring.state_changes import record_state_changes
from sync.monitoring.status import State
from sync.progress import ignore_progress
from sync.service import get_service
from sync.tasks import tick
from tests.factories import SyncRunFactory, SyncWorkerFactory, UserFactory
from tests.lists import TYPES
from tests.sync.pages import html_of, run_page, said, shown

Trigger = SyncRun.Trigger
ROME = ZoneInfo("Europe/Rome")
LONGEST = timedelta(minutes=5)  # that a fetch may take
OFFICE = parse_hours(EXAMPLE)  # Mon-Sat 07:00-20:00


def rome(text):
    """A moment by the clock in Italy; of an hour that comes twice, the first."""
    return datetime.fromisoformat(text).replace(tzinfo=ROME)


# The hours


@pytest.mark.parametrize(
    ("hours", "at", "is_open"),
    [
        (EXAMPLE, "2026-12-01 06:59:59", False),  # a Tuesday
        (EXAMPLE, "2026-12-01 07:00:00", True),
        (EXAMPLE, "2026-12-01 19:59:59", True),
        (EXAMPLE, "2026-12-01 20:00:00", False),
        (EXAMPLE, "2026-12-05 12:00:00", True),  # Saturday
        (EXAMPLE, "2026-12-06 12:00:00", False),  # Sunday
        ("Mon-Fri 07:00-20:00, Sat 08:00-13:00", "2026-12-05 12:59:59", True),
        ("Mon-Fri 07:00-20:00, Sat 08:00-13:00", "2026-12-05 13:00:00", False),
        ("mon-fri 07:00 - 20:00,sat  08:00-13:00", "2026-12-05 08:00:00", True),
        ("Fri-Mon 07:00-20:00", "2026-12-06 12:00:00", True),  # over the end of the week
        ("Fri-Mon 07:00-20:00", "2026-12-01 12:00:00", False),
        ("Mon-Sun 22:00-24:00, Mon-Sun 00:00-05:00", "2026-12-01 00:00:00", True),
        ("Mon-Sun 22:00-24:00, Mon-Sun 00:00-05:00", "2026-12-01 05:00:00", False),
        ("always", "2026-12-06 03:00:00", True),
        ("Mon-Sun 00:00-24:00", "2026-12-06 03:00:00", True),
    ],
)
def test_the_hours_are_those_of_a_week_in_italy(hours, at, is_open):
    assert parse_hours(hours).is_open(rome(at).astimezone(UTC)) == is_open


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "“” is not days and times"),
        ("7-20", "“7-20” is not days and times"),
        ("Mon-Sat 07:00-20:00,", "“” is not days and times"),
        ("Lun-Sab 07:00-20:00", "“lun” is not a day: they are Mon, Tue, Wed, Thu, Fri, Sat, Sun"),
        ("Mon 07:00-24:01", "“24:01” is not a time from 00:00 to 24:00"),
        ("Mon 07:60-20:00", "“07:60” is not a time from 00:00 to 24:00"),
        ("Mon 20:00-07:00", "“Mon 20:00-07:00” ends before it begins; for hours over midnight write two ranges"),
        ("Mon 07:00-07:00", "“Mon 07:00-07:00” ends before it begins; for hours over midnight write two ranges"),
    ],
)
def test_hours_that_cannot_be_read_say_why(text, reason):
    with pytest.raises(ValueError, match=f"^{re.escape(reason)}$"):
        parse_hours(text)


def test_a_process_with_hours_that_cannot_be_read_stops_with_an_example(real_processes):
    environment = os.environ | {"ERP_HOURS": "dalle 7 alle 20", "DJANGO_SETTINGS_MODULE": "archibald.settings"}
    command = [sys.executable, "-c", "from django.conf import settings; settings.ERP_HOURS"]
    found = subprocess.run(command, env=environment, cwd=settings.BASE_DIR, capture_output=True, text=True, check=False)
    assert found.returncode
    assert (
        "ERP_HOURS must be hours such as “Mon-Sat 07:00-20:00”, several separated by commas, or “always”: "
        "“dalle 7 alle 20” is not days and times." in found.stderr
    )


@pytest.mark.parametrize(
    ("at", "opening", "closing"),
    [
        ("2026-12-01 12:00", "2026-12-01 12:00", "2026-12-01 20:00"),
        ("2026-12-01 20:00", "2026-12-02 07:00", None),
        ("2026-12-05 21:00", "2026-12-07 07:00", None),  # Saturday evening: Monday
        ("2026-10-24 20:30", "2026-10-26 07:00", None),  # the clock is put back in between
        ("2026-03-28 20:30", "2026-03-30 07:00", None),  # and forward
    ],
)
def test_the_next_opening_and_closing_are_shown_by_the_clock_in_italy(at, opening, closing):
    assert OFFICE.find_opening(rome(at)) == rome(opening)
    assert OFFICE.find_closing(rome(at)) == (rome(closing) if closing else None)


@pytest.mark.parametrize(
    ("at", "hours"), [("2026-10-25 00:00", 25), ("2026-03-29 00:00", 23), ("2026-12-06 00:00", 24)]
)
def test_a_day_of_a_clock_change_is_as_long_as_it_is(at, hours):
    window = parse_hours("Sun 00:00-24:00").find_window(rome(at))
    assert window.closes - window.opens == timedelta(hours=hours)


def test_hours_that_begin_in_an_hour_that_does_not_exist_begin_when_the_clock_has_jumped():
    window = parse_hours("Sun 02:30-04:00").find_window(rome("2026-03-29 00:00"))
    assert (window.opens, window.closes) == (rome("2026-03-29 03:30"), rome("2026-03-29 04:00"))


@pytest.mark.parametrize(
    ("since", "minutes", "until"),
    [
        ("2026-12-01 12:00", 40, "2026-12-01 12:40"),
        ("2026-12-01 19:50", 40, "2026-12-02 07:30"),
        ("2026-12-01 19:20", 40, "2026-12-02 07:00"),  # nothing can be done at 20:00
        ("2026-12-01 23:00", 40, "2026-12-02 07:40"),
        ("2026-12-05 19:50", 40, "2026-12-07 07:30"),
        ("2026-12-05 19:50", 14 * 60, "2026-12-08 07:50"),  # more than one day's hours
        ("2026-10-24 19:50", 40, "2026-10-26 07:30"),
        ("2026-03-28 19:50", 40, "2026-03-30 07:30"),
    ],
)
def test_time_passes_within_the_hours_only(since, minutes, until):
    assert OFFICE.add_open_time(rome(since), timedelta(minutes=minutes)) == rome(until)


# The budget


@pytest.fixture
def limits(settings):
    settings.ERP_URL = "https://erp.example/Archibald"
    settings.ERP_LOGINS_A_DAY, settings.ERP_EXPORTS_A_DAY, settings.ERP_HOURS = 2, 3, parse_hours("always")


@pytest.fixture
def office(limits, settings):
    settings.ERP_HOURS = OFFICE


def counted():
    return list(ErpDay.objects.order_by("day").values_list("day", "logins", "exports", "looks"))


@pytest.mark.django_db
def test_what_is_asked_is_counted_and_refused_over_the_limit(office):
    with time_machine.travel(rome("2026-12-01 12:00"), tick=False):
        for _ in range(2):
            allowance.spend_login()
        with pytest.raises(ErpLoginsSpent, match=r"2 times today.* ERP_LOGINS_A_DAY .*from 02/12/2026 07:00"):
            allowance.spend_login()
        for _ in range(3):
            allowance.spend_export()
        with pytest.raises(ErpExportsSpent, match=r"3 exports today.* ERP_EXPORTS_A_DAY .*from 02/12/2026 07:00"):
            allowance.spend_export()
        for _ in range(5):
            allowance.count_look()
    [(_day, *counts)] = counted()
    assert counts == [2, 3, 5]


@pytest.mark.django_db
def test_nothing_is_asked_outside_the_hours_unless_it_is_forced(office):
    with time_machine.travel(rome("2026-12-01 20:00"), tick=False):
        for ask in (allowance.spend_login, allowance.spend_export, allowance.count_look):
            with pytest.raises(ErpClosed, match=r"Mon-Sat 07:00-20:00\): it is asked again from 02/12/2026 07:00"):
                ask()
            with allowance.ignore_hours():
                ask()
    [(_day, *counts)] = counted()
    assert counts == [1, 1, 1]


@pytest.mark.django_db
def test_a_forced_run_s_exports_are_counted_and_not_refused_but_its_logins_are(limits):
    for _ in range(3):
        allowance.spend_export()
    for _ in range(2):
        allowance.spend_login()
    with allowance.ignore_hours():
        allowance.spend_export()
        with pytest.raises(ErpLoginsSpent):
            allowance.spend_login()
    with pytest.raises(ErpExportsSpent):
        allowance.spend_export()
    [(_day, *counts)] = counted()
    assert counts == [2, 4, 0]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("last", "first"),
    [
        ("2026-12-01 23:59:59", "2026-12-02 00:00:00"),
        ("2026-07-01 23:59:59", "2026-07-02 00:00:00"),  # 22:00 UTC
        ("2026-10-25 23:59:59", "2026-10-26 00:00:00"),  # after 25 hours
        ("2026-03-29 23:59:59", "2026-03-30 00:00:00"),  # after 23
    ],
)
def test_the_day_is_italy_s(limits, last, first):
    with time_machine.travel(rome(last), tick=False):
        for _ in range(2):
            allowance.spend_login()
    with time_machine.travel(rome(first), tick=False):
        allowance.spend_login()
    days = [(str(day), logins) for day, logins, *_others in counted()]
    assert days == [(last[:10], 2), (first[:10], 1)]


@pytest.mark.django_db
def test_the_hour_that_comes_twice_is_one_of_the_same_day(limits):
    before = rome("2026-10-25 02:30")
    for moment in (before, before.astimezone(UTC) + timedelta(hours=1)):
        with time_machine.travel(moment, tick=False):
            allowance.spend_login()
    assert [(str(day), logins) for day, logins, *_others in counted()] == [("2026-10-25", 2)]


@pytest.mark.django_db(transaction=True)
def test_of_many_that_want_the_last_only_so_many_get_it(limits, settings):
    settings.ERP_EXPORTS_A_DAY = 10

    def spend(_number):
        try:
            allowance.spend_export()
        except ErpExportsSpent:
            return "refused"
        finally:
            connection.close()
        return "spent"

    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(spend, range(40)))
    assert (outcomes.count("spent"), outcomes.count("refused")) == (10, 30)
    assert [exports for _day, _logins, exports, _looks in counted()] == [10]


# The plain client


@pytest.fixture
def fetch(limits, demo_server, tmp_path):
    client = HttpClient(
        demo_server.url,
        DEMO_USERNAME,
        DEMO_PASSWORD,
        spend_login=allowance.spend_login,
        spend_export=allowance.spend_export,
    )

    def fetch(erp_list: ErpList):
        return client.fetch(erp_list, to=tmp_path / "export.pdf", at_most=LONGEST, progress=ignore_progress)

    return fetch


@pytest.mark.django_db
def test_a_client_counts_its_logins_and_exports_in_the_caller_s_transaction(fetch):
    for sync_type in ("customers", "orders", "ddt"):
        fetch(get_service(sync_type).erp_list)
    [(_day, *counts)] = counted()
    assert counts == [1, 3, 0]


@pytest.mark.django_db
def test_a_client_that_may_not_log_in_or_export_asks_for_neither(fetch, demo_server, settings):
    settings.ERP_LOGINS_A_DAY = 1
    customers = get_service("customers").erp_list
    for _ in range(3):
        fetch(customers)
    with pytest.raises(ErpExportsSpent):
        fetch(customers)
    demo_server.front_end.sessions.clear()
    with pytest.raises(ErpLoginsSpent):
        fetch(customers)
    assert demo_server.front_end.sessions == {}
    [(_day, *counts)] = counted()
    assert counts == [1, 3, 0]


# Schedules and the queue


@pytest.fixture
def counting_erp(tiny_erp, office, settings):
    """An ERP of which each fetch is an export that is counted; it may be asked from 07:00 to 20:00."""
    settings.ERP_EXPORTS_A_DAY = 100
    tiny_erp.meanwhile = lambda sync_type: allowance.spend_export()
    SyncSchedule.objects.update(counted_from=rome("2026-11-01 00:00"))
    return tiny_erp


@pytest.fixture
def at():
    """Moves the time to this, by the clock in Italy."""
    with time_machine.travel(rome("2026-12-01 12:00"), tick=False) as traveller:
        yield lambda text: traveller.move_to(rome(text))


def spend_all_exports():
    ErpDay.objects.update_or_create(day=clock.today(), defaults={"exports": settings.ERP_EXPORTS_A_DAY})


def queued():
    return {run.sync_type: run.waits_for for run in turns.find_queued()}


@pytest.mark.django_db(transaction=True)
def test_nothing_is_scheduled_at_night_and_one_run_of_each_list_in_the_morning(counting_erp, at):
    at("2026-12-01 20:00")
    tick()
    counting_erp.fetched.clear()
    for hour in range(21, 24):
        at(f"2026-12-01 {hour}:30")
        tick()
    for hour in range(7):
        at(f"2026-12-02 0{hour}:59:59")
        tick()
    assert (counting_erp.fetched, queued()) == ([], {})
    at("2026-12-02 07:00")
    tick()
    tick()
    assert sorted(counting_erp.fetched) == sorted(TYPES)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("closed", ["2026-12-06 12:00", "2026-10-25 02:30", "2026-03-29 03:30"])
def test_nothing_is_scheduled_on_sundays_nor_while_the_clock_is_changed(counting_erp, at, closed):
    SyncSchedule.objects.update(counted_from=rome("2026-01-01 00:00"))
    at(closed)
    tick()
    assert counting_erp.fetched == []


@pytest.mark.django_db(transaction=True)
def test_what_waits_when_the_hours_end_is_carried_out_in_the_morning(counting_erp, at):
    at("2026-12-01 19:59")
    queue.request_sync("products", trigger=Trigger.SCHEDULE)
    at("2026-12-01 20:00")
    runner.drain_queue()
    assert (counting_erp.fetched, queued()) == ([], {"products": "hours"})
    at("2026-12-02 07:00")
    runner.drain_queue()
    assert counting_erp.fetched == ["products"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("mode", ["full", "smart"])
def test_a_run_whose_hours_end_before_it_asks_goes_back_to_the_queue_and_has_not_failed(counting_erp, at, mode):
    at("2026-12-01 19:59:59")

    def begin(sync_type):
        at("2026-12-01 20:00:01")
        allowance.spend_export()

    counting_erp.meanwhile = begin
    run = queue.request_sync("customers", mode=mode, trigger=Trigger.SCHEDULE)
    runner.drain_queue()
    run.refresh_from_db()
    assert queued() == {"customers": "hours"}
    assert "outside its hours (ERP_HOURS: Mon-Sat 07:00-20:00)" in run.ended_attempts[-1]["text"]
    assert health.get_status().by_type["customers"].consecutive_failures == 0
    assert counted() == []


@pytest.mark.django_db(transaction=True)
def test_a_given_file_and_an_accepted_export_need_no_hours(counting_erp, at):
    at("2026-12-01 22:00")
    file = counting_erp.exports[get_service("products").erp_list.name]
    given = queue.request_sync("products", trigger=Trigger.MANUAL, given_file=file)
    doubtful = SyncRunFactory(sync_type="customers", status="quarantined", export_path=str(file))
    accepted = queue.accept(doubtful)
    assert {run.pk: run.waits_for for run in turns.find_queued()} == {given.pk: "turn", accepted.pk: "turn"}


@pytest.mark.django_db(transaction=True)
def test_an_export_that_was_fetched_before_the_hours_ended_is_applied_afterwards(counting_erp, at):
    at("2026-12-01 19:59:59")
    run = queue.request_sync("orders", trigger=Trigger.SCHEDULE)
    fetched = SyncRun.objects.filter(pk=run.pk)
    fetched.update(export_path="/var/exports/orders-1-1.pdf", exported_at=clock.now())
    at("2026-12-01 20:30")
    assert queued() == {"orders": "turn"}
    at("2026-12-01 21:30")  # too old to be read
    assert queued() == {"orders": "hours"}


@pytest.mark.django_db(transaction=True)
def test_a_run_whose_kept_export_is_of_no_use_waits_for_the_hours(counting_erp, at):
    at("2026-12-01 20:00")
    run = queue.request_sync("orders", trigger=Trigger.SCHEDULE)
    SyncRun.objects.filter(pk=run.pk).update(export_path="/var/exports/is-gone.pdf", exported_at=clock.now())
    runner.drain_queue()
    run.refresh_from_db()
    assert (run.attempts, run.export_path, queued()) == (1, "", {"orders": "hours"})


@pytest.mark.django_db(transaction=True)
def test_an_administrator_can_force_a_run_and_no_other_runs_with_it(counting_erp, at):
    at("2026-12-01 22:00")
    waiting = queue.request_sync("orders", trigger=Trigger.SCHEDULE)
    queue.request_sync("ddt", trigger=Trigger.ADMIN)
    administrator = UserFactory()
    forced = queue.force(waiting, by=administrator)
    assert (forced, forced.ignores_hours) == (waiting, True)
    runner.drain_queue()
    assert (counting_erp.fetched, queued()) == (["orders"], {"ddt": "hours"})
    [(_day, *counts)] = counted()
    assert counts == [0, 1, 0]
    event = SyncEvent.objects.filter(kind=SyncEvent.Kind.RUN_STRENGTHENED).get()
    assert (event.by, event.facts["ignores_hours"]) == (administrator, True)
    with pytest.raises(CannotForce, match="it is succeeded"):
        queue.force(waiting)


@pytest.mark.django_db(transaction=True)
def test_a_run_that_waits_for_its_turn_cannot_be_forced(counting_erp, at):
    run = queue.request_sync("orders", trigger=Trigger.SCHEDULE)
    with pytest.raises(CannotForce, match="it is queued"):
        queue.force(run)


@pytest.mark.django_db(transaction=True)
def test_a_forced_request_is_not_lost_on_a_run_that_comes_back_to_the_queue(counting_erp, at):
    def preempt(sync_type):
        at("2026-12-01 20:00:01")
        counting_erp.meanwhile = lambda sync_type: None
        queue.request_sync("orders", trigger=Trigger.ADMIN, ignores_hours=True)
        allowance.spend_export()

    at("2026-12-01 19:59:59")
    counting_erp.meanwhile = preempt
    run = queue.request_sync("orders", trigger=Trigger.SCHEDULE)
    runner.drain_queue()
    run.refresh_from_db()
    assert (run.ignores_hours, run.status) == (True, "queued")


@pytest.mark.django_db(transaction=True)
def test_once_the_exports_are_spent_nothing_is_scheduled_until_the_day_is_over(counting_erp, at):
    spend_all_exports()
    tick()
    queue.request_sync("orders", trigger=Trigger.ADMIN)
    queue.request_sync("ddt", trigger=Trigger.ADMIN, ignores_hours=True)
    assert queued() == {"orders": "allowance", "ddt": "turn"}
    runner.drain_queue()
    assert counting_erp.fetched == ["ddt"]
    at("2026-12-02 00:00")
    assert queued() == {"orders": "hours"}
    at("2026-12-02 07:00")
    assert queued() == {"orders": "turn"}


@pytest.mark.django_db(transaction=True)
def test_of_a_drain_only_so_many_exports_are_asked_for_as_there_are_left(counting_erp, at, settings):
    settings.ERP_EXPORTS_A_DAY = 2
    for sync_type in TYPES:
        queue.request_sync(sync_type, trigger=Trigger.SCHEDULE)
    runner.drain_queue()
    assert (len(counting_erp.fetched), set(queued().values())) == (2, {"allowance"})


@pytest.mark.django_db(transaction=True)
def test_runs_that_may_not_log_in_wait_until_tomorrow_and_have_not_failed(counting_erp, at, settings):
    settings.ERP_LOGINS_A_DAY = 1
    counting_erp.meanwhile = lambda sync_type: allowance.spend_login()
    for sync_type in TYPES:
        queue.request_sync(sync_type, trigger=Trigger.SCHEDULE)
    runner.drain_queue()
    assert set(queued().values()) == {"logins"}
    assert len(counting_erp.fetched) == 2, "the other lists need not find out"
    [waiting] = {turns.find_end_of_wait(run, run.waits_for, clock.now()) for run in turns.find_queued()}
    today = allowance.read_allowance(clock.now())
    assert today
    assert waiting == today.resumes_at == rome("2026-12-02 07:00")
    for minute in range(1, 40):
        at(f"2026-12-01 12:{minute:02}")
        schedules.request_due()
        runner.drain_queue()
    forced = queue.request_sync("products", trigger=Trigger.ADMIN, ignores_hours=True)  # lifts no limit of logins
    for minute in range(40, 60):
        at(f"2026-12-01 12:{minute:02}")
        runner.drain_queue()
    assert counting_erp.fetched[2:] == ["products"]
    forced.refresh_from_db()
    assert forced.not_before == rome("2026-12-02 07:00")
    assert not SyncRun.objects.unsuccessful().exists()
    assert not Alert.objects.exists()
    at("2026-12-02 07:00")
    settings.ERP_LOGINS_A_DAY = 100
    runner.drain_queue()
    assert queued() == {}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("options", [{"ignores_hours": True}, {"mode": "smart"}])
def test_an_export_without_a_login_lets_all_go_on(counting_erp, at, settings, options):
    settings.ERP_LOGINS_A_DAY = 1
    ErpDay.objects.create(day=clock.today(), logins=1, is_login_missed=True)
    queue.request_sync("orders", trigger=Trigger.SCHEDULE)
    assert queued() == {"orders": "logins"}
    queue.request_sync("customers", trigger=Trigger.ADMIN, **options)
    runner.drain_queue()
    assert (counting_erp.fetched, queued()) == (["customers", "orders"], {})


@pytest.mark.django_db(transaction=True)
def test_a_login_that_was_refused_to_what_is_no_export_of_a_run_stops_none(counting_erp, at, settings):
    settings.ERP_LOGINS_A_DAY = 1
    allowance.spend_login()
    counting_erp.meanwhile = lambda sync_type: allowance.spend_login()
    with pytest.raises(ErpLoginsSpent), preview.preview_sync("orders", mode="full"):
        pass
    counting_erp.meanwhile = lambda sync_type: None
    queue.request_sync("orders", trigger=Trigger.SCHEDULE)
    assert queued() == {"orders": "turn"}


@pytest.mark.django_db(transaction=True)
def test_a_login_that_is_refused_just_before_midnight_is_tried_in_the_new_day(counting_erp, at, settings):
    settings.ERP_LOGINS_A_DAY, settings.ERP_HOURS = 1, parse_hours("always")
    at("2026-12-01 23:59:59")
    allowance.spend_login()
    counting_erp.meanwhile = lambda sync_type: allowance.spend_login()
    queue.request_sync("orders", trigger=Trigger.SCHEDULE)
    runner.drain_queue()
    assert queued() == {"orders": "logins"}
    at("2026-12-02 00:00:01")
    assert queued() == {"orders": "time"}
    at("2026-12-02 00:00:30")
    runner.drain_queue()
    assert queued() == {}


def lose_the_session(at):
    allowance.spend_login()


def lose_the_last_export(at):
    ErpDay.objects.update(exports=settings.ERP_EXPORTS_A_DAY)
    allowance.spend_export()


def reach_the_end_of_the_hours(at):
    at("2026-12-01 20:00")
    allowance.spend_export()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("happens", "limit", "more"),
    [
        (lose_the_session, "ERP_LOGINS_A_DAY", 2),
        (lose_the_last_export, "ERP_EXPORTS_A_DAY", 2),
        (reach_the_end_of_the_hours, "ERP_HOURS", parse_hours("Mon-Sat 07:00-23:00")),
    ],
)
def test_a_run_goes_on_at_the_next_tick_once_more_is_allowed(counting_erp, at, settings, happens, limit, more):
    settings.ERP_LOGINS_A_DAY = settings.ERP_EXPORTS_A_DAY = 1
    ErpDay.objects.create(day=clock.today(), logins=1)
    counting_erp.meanwhile = lambda sync_type: happens(at)
    queue.request_sync("orders", trigger=Trigger.SCHEDULE)
    runner.drain_queue()
    at("2026-12-01 20:01")
    settings.ERP_HOURS = parse_hours("always") if limit != "ERP_HOURS" else settings.ERP_HOURS
    runner.drain_queue()
    [run] = turns.find_queued()
    assert (run.attempts, run.waits_for != "time") == (1, True)
    setattr(settings, limit, more)
    counting_erp.meanwhile = lambda sync_type: None
    runner.drain_queue()
    assert queued() == {}


# Order forms


@pytest.mark.django_db(transaction=True)
def test_order_forms_are_answered_at_once_at_night_and_leave_one_run(counting_erp, at):
    at("2026-12-01 22:00")
    smart = [sessions.request_smart_sync("customers", user=UserFactory()) for _ in range(3)]
    assert not sessions.threads
    assert {(each.run.status, each.run.waits_for, each.session.is_live) for each in smart} == {
        ("queued", "hours", True)
    }
    at("2026-12-01 22:05")
    sessions.request_smart_sync("customers", user=UserFactory())
    assert (counting_erp.fetched, queued()) == ([], {"customers": "hours"})


# Whether a list can be trusted


def mirror_everything():
    for sync_type in TYPES:
        SyncRunFactory(sync_type=sync_type)
    SyncWorkerFactory()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fetched", "now", "state"),
    [
        ("2026-12-01 19:55", "2026-12-01 23:00", State.HEALTHY),
        ("2026-12-01 19:55", "2026-12-02 07:15", State.HEALTHY),
        ("2026-12-01 19:55", "2026-12-02 07:16", State.LATE),  # 5 minutes in the evening and 15 in the morning
        ("2026-12-01 19:42", "2026-12-02 06:59", State.HEALTHY),
        ("2026-12-01 19:42", "2026-12-02 07:10", State.HEALTHY),  # a run has 10 minutes in the morning, too
        ("2026-12-01 19:42", "2026-12-02 07:11", State.LATE),
        ("2026-12-01 19:30", "2026-12-01 19:51", State.LATE),
        ("2026-12-05 19:55", "2026-12-07 07:15", State.HEALTHY),  # over Sunday
    ],
)
def test_a_list_is_not_late_because_the_erp_is_closed(office, at, fetched, now, state):
    at(fetched)
    SyncRunFactory(sync_type="orders")  # every 10 minutes
    at(now)
    assert health.get_status().by_type["orders"].state == state


@pytest.mark.django_db
def test_no_alert_comes_at_night(office, at, settings):
    settings.ALERT_EMAILS = ["it@example.com"]
    at("2026-12-01 19:59")
    mirror_everything()
    record_state_changes()
    Alert.objects.all().delete()
    for now in ("2026-12-01 20:30", "2026-12-02 00:00", "2026-12-02 06:59"):
        at(now)
        SyncWorker.objects.update(seen_at=clock.now())
        record_state_changes()
    assert not Alert.objects.exists()


@pytest.mark.django_db
def test_what_is_due_next_is_what_will_be_asked_for(office, at):
    SyncSchedule.objects.update(counted_from=rome("2026-11-01 00:00"))
    mirror_everything()
    at("2026-12-01 22:00")
    assert {each.next_due for each in health.get_status().types} == {rome("2026-12-02 07:00")}
    at("2026-12-01 12:00")
    SyncSchedule.objects.update(requested_slot=clock.now())
    by_type = {each.sync_type: each.next_due for each in health.get_status().types}
    assert by_type["orders"] == rome("2026-12-01 12:10")
    spend_all_exports()
    assert {each.next_due for each in health.get_status().types} == {rome("2026-12-02 07:00")}


# What people see of it


def run_command(name, *arguments):
    """Exit status and standard output."""
    output = StringIO()
    try:
        call_command(name, *arguments, stdout=output, stderr=output)
    except SystemExit as end:
        return end.code, output.getvalue()
    return 0, output.getvalue()


@pytest.mark.django_db(transaction=True)
def test_the_command_line_says_why_a_run_waits_and_can_force_it(counting_erp, at):
    at("2026-12-01 22:00")
    status, output = run_command("runsync", "orders")
    assert (status, counting_erp.fetched) == (4, [])
    assert (
        "it waits until 02/12/2026 07:00: the ERP is not asked outside its hours (--ignore-hours runs it now)" in output
    )
    status, output = run_command("runsync", "orders", "--ignore-hours")
    assert (status, counting_erp.fetched) == (0, ["orders"])


@pytest.mark.django_db(transaction=True)
def test_a_dry_run_asks_for_nothing_outside_the_hours_unless_it_is_forced(counting_erp, at):
    at("2026-12-01 22:00")
    status, output = run_command("runsync", "all", "--dry-run")
    assert (status, output.count("The ERP is not asked outside its hours")) == (1, 1)
    assert run_command("runsync", "orders", "--dry-run", "--ignore-hours")[0] == 0


@pytest.mark.django_db(transaction=True)
def test_the_command_line_says_what_was_asked_today(office, at):
    ErpDay.objects.create(day=clock.today(), logins=1, exports=2, looks=40)
    _status, output = run_command("syncstatus")
    assert "ERP      open until 20:00:00 (Mon-Sat 07:00-20:00); today 1 of 2 logins, 2 of 3 exports, 40 looks" in output
    _status, output = run_command("syncstatus", "--json")
    assert json.loads(output)["erp"] == {
        "open": True,
        "hours": "Mon-Sat 07:00-20:00",
        "closesAt": "2026-12-01T20:00:00+01:00",
        "resumesAt": None,
        "logins": {"count": 1, "limit": 2},
        "exports": {"count": 2, "limit": 3},
        "looks": 40,
    }
    at("2026-12-05 20:00")
    queue.request_sync("orders", trigger=Trigger.SCHEDULE)
    _status, output = run_command("syncstatus")
    assert "ERP      CLOSED until 07/12/2026 07:00 (Mon-Sat 07:00-20:00); today 0 of 2 logins" in output
    assert "not before 07/12/2026 07:00" in output


@pytest.mark.django_db
def test_a_folder_has_no_hours(settings, at):
    settings.ERP_FOLDER, settings.ERP_HOURS = settings.DATA_DIR, OFFICE
    at("2026-12-01 22:00")
    queue.request_sync("orders", trigger=Trigger.SCHEDULE)
    assert (queued(), health.get_status().allowance) == ({"orders": "turn"}, None)
    allowance.count_look()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("logins", "exports", "kinds"),
    [
        (7, 79, []),
        (8, 80, ["exports_high", "logins_high"]),
        (10, 80, ["exports_high", "logins_spent"]),
        (8, 100, ["exports_spent", "logins_high"]),
        (11, 101, ["exports_spent", "logins_spent"]),
    ],
)
def test_what_is_spent_or_nearly_is_a_problem(office, settings, at, logins, exports, kinds):
    settings.ERP_LOGINS_A_DAY, settings.ERP_EXPORTS_A_DAY = 10, 100
    mirror_everything()
    ErpDay.objects.create(day=clock.today(), logins=logins, exports=exports)
    found = [each for each in find_problems(health.get_status()) if "logins" in each.kind or "exports" in each.kind]
    assert [problem.kind for problem in found] == kinds
    assert {problem.kind for problem in found if problem.is_grave} == {"exports_spent"}.intersection(kinds)
    assert {problem.facts["next"] for problem in found} <= {rome("2026-12-02 07:00")}


@pytest.mark.django_db
def test_the_status_is_told_anew_when_something_was_asked_and_when_the_hours_end(office, at):
    before = compute_status_fingerprint()
    allowance.count_look()
    assert compute_status_fingerprint() != before
    at("2026-12-01 19:59:30")
    assert health.get_status().changes_by_itself_at == rome("2026-12-01 20:00")
    at("2026-12-02 06:59:30")
    assert health.get_status().changes_by_itself_at == rome("2026-12-02 07:00")
    at("2026-12-01 23:59:30")
    assert health.get_status().changes_by_itself_at == rome("2026-12-02 00:00")


@pytest.mark.django_db
def test_the_control_room_shows_what_was_asked_and_that_the_erp_is_closed(office, at, admin_client, in_english):
    ErpDay.objects.create(day=clock.today(), logins=1, exports=2, looks=40)
    panel = html_of(admin_client, "/admin/").partition('id="panel-erp"')[2]
    assert "<dd>1 of 2</dd>" in panel
    assert "<dd>2 of 3</dd>" in panel
    assert "<dd>40</dd>" in panel
    assert "It may be asked until 20:00" in panel
    at("2026-12-01 22:00")
    assert "Closed: it is asked again from 02/12/2026 07:00" in html_of(admin_client, "/admin/")


@pytest.mark.django_db
def test_a_run_s_page_says_why_it_waits_and_an_administrator_can_force_it(office, at, colleague, in_english):
    at("2026-12-01 22:00")
    run = queue.request_sync("orders", trigger=Trigger.ADMIN)
    force = reverse("admin:sync_syncrun_do", args=[run.pk, "force"])
    page = run_page(colleague("view_syncrun", "request_syncrun"), run)
    assert "Waits until 02/12/2026 07:00: the ERP is not asked outside its hours." in unescape(page)
    assert force not in page
    assert colleague("view_syncrun", "request_syncrun").post(force).status_code == 403
    administrator = colleague("view_syncrun", "force_syncrun")
    assert force in run_page(administrator, run)
    administrator.post(force)
    run.refresh_from_db()
    assert (run.ignores_hours, queued()) == (True, {"orders": "turn"})
    assert force not in run_page(administrator, run)


@pytest.mark.django_db
def test_who_asks_in_the_control_room_is_told_until_when_the_run_waits(office, at, admin_client, in_english):
    at("2026-12-01 22:00")
    answer = admin_client.post(reverse("request_run"), {"sync_type": "orders", "mode": "auto"})
    [text] = said(answer)
    assert "waits until 02/12/2026 07:00: the ERP is not asked outside its hours." in text


@pytest.mark.django_db
def test_days_are_listed_and_kept_as_long_as_runs(office, at, admin_client):
    kept, old = clock.today() - settings.KEEP_RUNS, clock.today() - settings.KEEP_RUNS - timedelta(days=1)
    ErpDay.objects.bulk_create([ErpDay(day=kept, logins=7), ErpDay(day=old)])
    retention.prune()
    assert shown(admin_client, ErpDay) == [ErpDay.objects.get(day=kept)]
