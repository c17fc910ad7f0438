"""When types sync by themselves. django-q2's own scheduler wakes them here, by a clock that the test moves."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from importlib import import_module
from itertools import pairwise

import pytest
import time_machine
from django.conf import settings as project
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.utils import timezone
from django_q.models import OrmQ, Schedule
from django_q.scheduler import scheduler
from django_q.signing import SignedPackage

from sync import tasks
from sync.coordinator import queue, runner, schedules, wake_ups
from sync.exceptions import InvalidSchedule
from sync.models import SyncEvent, SyncRun, SyncSchedule
from sync.monitoring import retention
from tests.factories import ScheduleFactory, SyncRunFactory, UserFactory

pytestmark = pytest.mark.django_db

Status, Trigger = SyncRun.Status, SyncRun.Trigger
FIRST_AT = {name: declared["first_at"] // timedelta(minutes=1) for name, declared in project.SYNC_TYPES.items()}
EVERY = {name: declared["every"] // timedelta(minutes=1) for name, declared in project.SYNC_TYPES.items()}
START = datetime(2026, 1, 20, 6, 0, tzinfo=UTC)
LOOKS = timedelta(seconds=30)  # as often as django-q2 looks
SELDOM = timedelta(minutes=5)  # every slot is looked at, and a simulation takes less time


@pytest.fixture
def failing():
    """The types whose runs fail."""
    return set()


@pytest.fixture
def clock(monkeypatch, failing):
    """A clock that stands at START, schedules that were just made, and runs that end as soon as they start."""

    def execute(run, *, lease, progress):
        status = Status.FAILED if run.sync_type in failing else Status.SUCCEEDED
        SyncRun.objects.filter(pk=run.pk).update(status=status, started_at=timezone.now(), finished_at=timezone.now())

    monkeypatch.setattr(runner, "execute", execute)
    monkeypatch.setattr("sync.tasks.record_state_changes", lambda: None)  # shown elsewhere, as is what is deleted
    monkeypatch.setattr(retention, "prune", lambda: None)
    monkeypatch.setattr("django_q.scheduler.close_old_django_connections", lambda: None)  # it would end the test's
    with time_machine.travel(START, tick=False) as traveller:
        Schedule.objects.all().delete()
        OrmQ.objects.all().delete()
        SyncSchedule.objects.all().delete()
        schedules.create_missing_rows()
        yield traveller


def deliver():
    """Do what waits for a worker, as a worker would."""
    for task in OrmQ.objects.order_by("pk"):
        package = SignedPackage.loads(task.payload)
        task.delete()
        module, name = package["func"].rsplit(".", 1)
        getattr(import_module(module), name)(*package["args"], **package["kwargs"])


def look():
    scheduler()
    deliver()


def live(clock, step=LOOKS, **time):
    """A worker's life for so long, with a look at each step."""
    until = timezone.now() + timedelta(**time)
    while timezone.now() < until:
        clock.shift(step)
        look()


def minutes_of(sync_type):
    """When its scheduled runs were asked for, in minutes from START."""
    runs = SyncRun.objects.for_type(sync_type).filter(trigger=Trigger.SCHEDULE).order_by("requested_at")
    return [(at - START) / timedelta(minutes=1) for at in runs.values_list("requested_at", flat=True)]


# Rows


def test_migrating_makes_a_schedule_for_each_type_and_one_tick():
    call_command("migrate", verbosity=0)
    rows = {row.sync_type: (row.every, row.first_at) for row in SyncSchedule.objects.all()}
    assert rows == {name: (EVERY[name], FIRST_AT[name]) for name in project.SYNC_TYPES}
    names = sorted(Schedule.objects.values_list("name", flat=True))
    assert names == sorted(["sync tick", *(f"sync {name}" for name in project.SYNC_TYPES)])


def test_migrating_again_keeps_what_was_changed(clock):
    schedules.change_schedule("orders", every=20, enabled=False)
    clock.shift(timedelta(hours=3))
    schedules.create_missing_rows()
    row = SyncSchedule.objects.get(sync_type="orders")
    assert (row.every, row.enabled, row.counted_from) == (20, False, START)
    assert Schedule.objects.count() == len(project.SYNC_TYPES) + 1


# Time goes by


def test_a_day_has_each_type_run_as_often_as_it_should_and_when_it_should(clock):
    live(clock, minutes=95, seconds=30)  # a little longer than it takes until everything repeats itself
    live(clock, SELDOM, hours=23)
    expected = {"orders": 144, "customers": 48, "invoices": 48, "prices": 48, "ddt": 32, "products": 16}
    day = {name: [minute for minute in minutes_of(name) if minute < 24 * 60] for name in expected}
    assert {name: len(minutes) for name, minutes in day.items()} == expected
    for name, minutes in day.items():
        late = [at - (FIRST_AT[name] + number * EVERY[name]) for number, at in enumerate(minutes)]
        assert 0 <= min(late) <= max(late) <= 1, name
    assert SyncRun.objects.exclude(status=Status.SUCCEEDED).count() == 0


def test_eight_hours_down_are_made_up_by_one_run_of_each_type(clock):
    live(clock, SELDOM, hours=2)
    before = Counter(SyncRun.objects.values_list("sync_type", flat=True))
    clock.shift(timedelta(hours=8))
    live(clock, minutes=4)
    after = Counter(SyncRun.objects.values_list("sync_type", flat=True))
    assert after - before == Counter(project.SYNC_TYPES.keys())
    live(clock, minutes=max(EVERY.values()))
    for name in project.SYNC_TYPES:
        later = [at for at in minutes_of(name) if at > 10 * 60 + 4]
        assert {int(at - FIRST_AT[name]) % EVERY[name] for at in later} == {0}, name


@pytest.mark.parametrize("night", [datetime(2026, 3, 28, 22, tzinfo=UTC), datetime(2026, 10, 24, 22, tzinfo=UTC)])
def test_a_night_in_which_the_clocks_are_changed_moves_no_run(clock, night):
    clock.move_to(night)
    SyncSchedule.objects.update(counted_from=night, requested_slot=None)
    wake_ups.update_wake_ups()
    look()
    live(clock, SELDOM, hours=6)
    requested = defaultdict(list)
    for sync_type, at in SyncRun.objects.values_list("sync_type", "requested_at"):
        requested[sync_type].append((at - night) / timedelta(minutes=1))
    for name, minutes in requested.items():
        slots = range(FIRST_AT[name], 6 * 60, EVERY[name])
        assert [int(minute) for minute in sorted(minutes) if minute < 6 * 60] == list(slots), name


def test_a_task_that_is_delivered_twice_makes_one_run(clock):
    clock.shift(timedelta(minutes=10))
    for _ in range(2):
        tasks.scheduled("orders")
        tasks.tick()
    assert SyncRun.objects.for_type("orders").count() == 1


# Changes


def test_editing_one_moves_no_other_and_needs_no_restart(clock):
    live(clock, SELDOM, hours=1)
    others = Schedule.objects.exclude(name="sync orders").exclude(name="sync tick")
    before = list(others.order_by("pk").values_list("name", "next_run", "minutes"))
    schedules.change_schedule("orders", every=15, first_at=3)
    assert list(others.order_by("pk").values_list("name", "next_run", "minutes")) == before
    live(clock, minutes=50)
    assert [int(at) for at in minutes_of("orders") if at > 60.5] == [63, 78, 93, 108]
    assert [int(at) for at in minutes_of("ddt")] == [20, 65]


def test_a_row_edited_in_the_database_is_followed_at_the_next_tick(clock):
    live(clock, minutes=11)
    SyncSchedule.objects.filter(sync_type="orders").update(every=30)
    live(clock, minutes=2)
    row = Schedule.objects.get(name="sync orders")
    assert (row.minutes, row.next_run) == (30, START + timedelta(minutes=30))


def test_a_disabled_type_runs_only_when_asked_for(clock):
    schedules.change_schedule("orders", enabled=False)
    live(clock, minutes=31)
    assert minutes_of("orders") == []
    assert len(minutes_of("prices")) == 1
    schedules.change_schedule("orders", enabled=True)
    live(clock, minutes=20)
    assert [int(at) for at in minutes_of("orders")] == [31, 40, 50]


@pytest.mark.parametrize("change", [{"every": 4}, {"every": 181}, {"first_at": -1}, {"first_at": 1441}, {"every": "x"}])
def test_what_is_no_schedule_is_refused(clock, change):
    before = SyncSchedule.objects.filter(sync_type="orders").values().get()
    with pytest.raises(InvalidSchedule, match="The schedule of orders cannot be changed: "):
        schedules.change_schedule("orders", **change)
    assert SyncSchedule.objects.filter(sync_type="orders").values().get() == before
    assert not SyncEvent.objects.filter(kind="schedule_changed").exists()


def test_a_change_is_an_event_with_who_made_it(clock):
    user = UserFactory()
    schedules.change_schedule("ddt", every=60, by=user)
    event = SyncEvent.objects.get(kind="schedule_changed")
    assert (event.sync_type, event.by, event.facts) == ("ddt", user, {"every": 60})


# Damage


@pytest.mark.parametrize(
    "damage",
    [
        {"func": "builtins.print"},
        {"args": "'products',"},
        {"kwargs": "a=1"},
        {"minutes": 1000},
        {"repeats": 0},
        {"schedule_type": Schedule.ONCE},
        {"cluster": "elsewhere"},
        {"next_run": None},
        {"next_run": START + timedelta(days=9)},
        {"next_run": START + timedelta(minutes=7)},
    ],
)
def test_a_tampered_wake_up_is_mended_by_the_tick(clock, damage):
    rows = Schedule.objects.filter(name="sync orders")
    rows.update(next_run=START + timedelta(minutes=10))
    before = rows.values().get()
    rows.update(**damage)
    tasks.tick()
    assert rows.values().get() == before


def test_deleted_and_doubled_wake_ups_are_mended_by_the_tick(clock):
    clock.shift(timedelta(minutes=1))
    Schedule.objects.filter(name="sync orders").delete()
    ScheduleFactory(name="sync ddt", func="sync.tasks.scheduled", args="'ddt',")
    tasks.tick()
    assert Schedule.objects.filter(name="sync orders", next_run=START + timedelta(minutes=10)).count() == 1
    assert Schedule.objects.filter(name="sync ddt").count() == 1


def test_nothing_is_missed_while_a_wake_up_is_broken(clock):
    Schedule.objects.filter(name="sync orders").update(func="no.such.function", repeats=0)
    live(clock, minutes=21)
    assert [int(at) for at in minutes_of("orders")] == [0, 10, 20]


def test_a_schedule_whose_arguments_cannot_be_read_is_refused():
    with pytest.raises(ValidationError, match="cannot be read"):
        ScheduleFactory(args="not python")
    assert ScheduleFactory(args="'python', 1")


# Patience


def test_after_five_failures_the_interval_doubles_up_to_four_hours(clock, failing):
    failing.add("prices")
    live(clock, SELDOM, hours=10)
    minutes = [int(at) for at in minutes_of("prices")]
    between = [after - before for before, after in pairwise(minutes)]
    assert between == [30, 30, 30, 30, 60, 120, 240]
    assert SyncEvent.objects.filter(sync_type="prices", kind="run_queued").count() == len(minutes)


@pytest.mark.parametrize(
    ("every", "failures", "minutes"),
    [(10, 4, 0), (10, 5, 20), (10, 6, 40), (10, 9, 240), (10, 99, 240), (180, 5, 240), (90, 5, 180)],
)
def test_how_long_a_failing_type_waits(every, failures, minutes):
    assert schedules.compute_back_off(timedelta(minutes=every), failures=failures) == timedelta(minutes=minutes)


def test_a_success_ends_the_wait(clock, failing):
    failing.add("prices")
    live(clock, SELDOM, minutes=10 + 4 * 30)
    failing.clear()
    live(clock, SELDOM, minutes=120)
    assert [int(at) for at in minutes_of("prices")] == [10, 40, 70, 100, 130, 190, 220, 250]


@pytest.mark.parametrize("trigger", [Trigger.MANUAL, Trigger.API, Trigger.RETRY])
def test_a_person_s_request_ends_the_wait(clock, trigger):
    SyncRunFactory.create_batch(7, sync_type="prices", status=Status.FAILED)
    schedule = SyncSchedule.objects.get(sync_type="prices")
    assert schedule.find_failures().count() == 7
    clock.shift(timedelta(seconds=1))
    queue.request_sync("prices", trigger=trigger)
    schedule.refresh_from_db()
    assert schedule.find_failures().count() == 0


def test_only_failures_of_the_list_itself_count(clock):
    SyncRunFactory.create_batch(9, status=Status.FAILED, mode="smart")
    SyncRunFactory.create_batch(9, status=Status.CANCELLED)
    SyncRunFactory.create_batch(9, status=Status.QUEUED, given_file="Clienti.pdf")
    SyncRunFactory.create_batch(2, status=Status.QUARANTINED)
    SyncRunFactory(status=Status.FAILED)
    assert SyncSchedule.objects.get(sync_type="customers").find_failures().count() == 3


def test_the_next_due_moment_is_the_one_at_which_it_runs(clock, failing):
    failing.add("prices")
    live(clock, SELDOM, hours=3)
    assert int(minutes_of("prices")[-1]) == 130
    schedule = SyncSchedule.objects.get(sync_type="prices")
    due = schedules.find_next_due(schedule, now=timezone.now(), is_failing=True)
    assert due == START + timedelta(minutes=190)
    live(clock, minutes=11)
    assert int(minutes_of("prices")[-1]) == 190


def test_a_clock_that_was_ahead_stops_no_type(clock):
    ahead = START + timedelta(days=365)
    SyncSchedule.objects.update(requested_slot=ahead)
    SyncEvent.objects.create(kind="run_queued", at=ahead)
    tasks.tick()
    assert SyncRun.objects.for_type("orders").exists()
    assert not SyncSchedule.objects.filter(requested_slot=ahead).exists()
