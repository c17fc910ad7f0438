"""A day of syncs, as it is drawn: what ran, waited, stepped aside, was paused, is due."""

import datetime as dt
from itertools import pairwise

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from sync.admin.control_room import drawing
from sync.admin.control_room.day import draw_day
from sync.coordinator import turns
from sync.models import SyncRun, SyncSchedule
from sync.monitoring import health
from sync.monitoring.timeline import find_day
from tests.factories import OrderFormSessionFactory, SyncRunFactory
from tests.lists import TYPES
from tests.plans import explain

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]

Status = SyncRun.Status
HOUR = dt.timedelta(hours=1)
MINUTE = dt.timedelta(minutes=1)
SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def now():
    return timezone.now()


def ended(outcome, start, end, text=""):
    return {
        "outcome": outcome,
        "startedAt": start.isoformat(),
        "endedAt": end.isoformat(),
        "error": "ErpUnavailable" if text else "",
        "text": text,
    }


def day_of(sync_type):
    return next(each for each in find_day(health.get_status()).types if each.sync_type == sync_type)


def row_of(sync_type):
    rows = draw_day(health.get_status())["rows"]
    return rows[[each.sync_type for each in health.get_status().types].index(sync_type)]


def stretches(found):
    return [(each.start, each.end) for each in found]


# What the day holds


def test_a_day_is_the_last_24_hours_and_the_next_two(now):
    yesterday = SyncRunFactory(sync_type="orders", started_at=now - 23 * HOUR)
    older = SyncRunFactory(sync_type="orders", started_at=now - 25 * HOUR)
    day = find_day(health.get_status())
    assert (day.end - day.now, day.now - day.start) == (2 * HOUR, 24 * HOUR)
    assert [attempt.run.pk for attempt in day_of("orders").attempts] == [yesterday.pk]
    assert older.pk not in [attempt.run.pk for each in day.types for attempt in each.attempts]


def test_what_ended_before_the_day_is_not_part_of_it_though_its_run_is(now):
    first, second = now - 60 * HOUR, now - 30 * HOUR
    attempts = [ended("preempted", at, at + SECOND) for at in (first, second)]
    run = SyncRunFactory(started_at=now - HOUR, waited=60 * HOUR, ended_attempts=attempts)
    day = day_of("customers")
    assert stretches(day.attempts) == [(now - HOUR, run.finished_at)]
    assert stretches(day.waits) == [(second + SECOND, now - HOUR)]


def test_every_type_has_its_row_the_most_urgent_first(now):
    assert [each.sync_type for each in find_day(health.get_status()).types] == TYPES


def test_a_run_that_waited_shows_from_when_to_when(now):
    start = now - HOUR
    SyncRunFactory(sync_type="prices", started_at=start, waited=3 * MINUTE)
    day = day_of("prices")
    assert stretches(day.waits) == [(start - 3 * MINUTE, start)]
    assert stretches(day.attempts) == [(start, start + 2 * SECOND)]


def test_a_run_that_stepped_aside_shows_both_its_attempts_and_the_wait_between(now):
    first, second = now - HOUR, now - HOUR + 5 * MINUTE
    attempt = ended("preempted", first, first + SECOND)
    run = SyncRunFactory(sync_type="products", started_at=second, waited=5 * MINUTE, ended_attempts=[attempt])
    day = day_of("products")
    assert stretches(day.attempts) == [(first, first + SECOND), (second, run.finished_at)]
    assert [attempt.ended and attempt.ended["outcome"] for attempt in day.attempts] == ["preempted", None]
    assert stretches(day.waits) == [(first + SECOND, second)]


def test_a_run_in_the_queue_waits_until_now_and_has_no_bar(now):
    SyncRunFactory(sync_type="prices", status=Status.QUEUED, requested_at=now - 4 * MINUTE)
    day = day_of("prices")
    [wait] = day.waits
    assert (wait.start, wait.end >= now) == (now - 4 * MINUTE, True)
    assert day.attempts == []


def test_a_run_that_was_cancelled_while_it_waited_to_be_tried_again_is_not_drawn_as_running_on(now):
    first = now - HOUR
    attempt = ended("failed", first, first + SECOND, "The ERP did not answer")
    run = {"started_at": first, "took": 10 * MINUTE, "ended_attempts": [attempt]}
    SyncRunFactory(sync_type="ddt", status=Status.CANCELLED, **run)
    day = day_of("ddt")
    assert stretches(day.attempts) == [(first, first + SECOND)]
    assert stretches(day.waits) == [(first + SECOND, first + 10 * MINUTE)]


def test_a_running_run_reaches_until_now(now):
    SyncRunFactory(sync_type="orders", status=Status.RUNNING, started_at=now - MINUTE)
    [attempt] = day_of("orders").attempts
    assert attempt.start == now - MINUTE
    assert attempt.end >= now


def test_open_order_forms_pause_all_lists_but_the_one_they_read_overlapping_ones_once(now):
    OrderFormSessionFactory(opened_at=now - HOUR, closed_at=now - HOUR + 4 * MINUTE)
    OrderFormSessionFactory(opened_at=now - HOUR + 2 * MINUTE, closed_at=now - HOUR + 7 * MINUTE)
    OrderFormSessionFactory(opened_at=now - 30 * MINUTE)  # nobody closed it: it ended by itself after ten minutes
    assert stretches(day_of("prices").pauses) == [
        (now - HOUR, now - HOUR + 7 * MINUTE),
        (now - 30 * MINUTE, now - 20 * MINUTE),
    ]
    assert day_of("customers").pauses == []


def test_a_pause_that_reaches_beyond_the_day_is_cut_at_its_edges(now):
    OrderFormSessionFactory(opened_at=now - 25 * HOUR, expires_at=now - 23 * HOUR)
    OrderFormSessionFactory(opened_at=now - HOUR, expires_at=now + 3 * HOUR)
    day = find_day(health.get_status())
    first, last = day.types[0].pauses
    assert (first.start, last.end) == (day.start, day.end)


def test_what_is_due_stands_at_its_times_and_a_disabled_schedule_is_never_due(now):
    SyncSchedule.objects.update(requested_slot=now)
    SyncSchedule.objects.filter(sync_type="ddt").update(enabled=False)
    due = day_of("customers").due
    assert len(due) in (3, 4)  # every 30 minutes in two hours
    assert {later - earlier for earlier, later in pairwise(due)} == {30 * MINUTE}
    assert day_of("ddt").due == []


def test_the_day_asks_as_many_questions_for_thirty_runs_as_for_one(now, django_assert_num_queries):
    status = health.get_status()
    SyncRunFactory(sync_type="orders", started_at=now - HOUR)
    with django_assert_num_queries(3):
        find_day(status)
    attempts = [ended("lost", now - HOUR, now - HOUR)]
    for number in range(30):
        SyncRunFactory(sync_type="orders", started_at=now - HOUR - number * MINUTE, ended_attempts=attempts)
    with django_assert_num_queries(3):
        draw_day(status)


# How it is drawn


def number(text):
    return float(text.removesuffix("%"))


def test_a_bar_stands_where_its_run_was_and_tells_it(now):
    run = SyncRunFactory(sync_type="orders", started_at=now - 12 * HOUR, took=13 * MINUTE, created=3, updated=1)
    [bar] = row_of("orders").bars
    assert number(bar.x) == pytest.approx(100 * 12 / 26, abs=0.1)
    assert number(bar.width) == pytest.approx(100 * 13 / (26 * 60), abs=0.01)
    first, second, third = bar.tip.splitlines()
    assert first == f"Orders · run {run.pk} · succeeded"
    assert second.endswith("· 13 min · automatic")
    assert third == "3 created, 1 updated"
    assert bar.address.endswith(f"/{run.pk}/change/")


@pytest.mark.parametrize("status", [Status.SUCCEEDED, Status.FAILED, Status.QUARANTINED, Status.CANCELLED])
def test_a_bar_is_of_the_kind_of_its_run_s_end(status, now):
    SyncRunFactory(sync_type="orders", started_at=now - HOUR, status=status)
    [bar] = row_of("orders").bars
    assert bar.kind == status


@pytest.mark.parametrize(
    ("outcome", "kind", "words"),
    [
        ("preempted", "preempted", "interrupted for an order form"),
        ("lost", "lost", "its process died or hung"),
        ("failed", "retried", "failed, will be tried again"),
        ("handed back", "handed-back", "returned to the queue by a worker that stopped"),
        ("unheard-of", "retried", "unheard-of"),
    ],
)
def test_an_attempt_that_came_back_says_why(outcome, kind, words, now):
    first = now - 2 * HOUR
    attempt = ended(outcome, first, first + SECOND)
    SyncRunFactory(sync_type="orders", started_at=now - HOUR, waited=HOUR, ended_attempts=[attempt])
    came_back, _succeeded = row_of("orders").bars
    assert came_back.kind == kind
    assert words in came_back.tip


def test_an_attempt_of_which_little_was_kept_takes_no_picture_down(now):
    first = (now - 2 * HOUR).isoformat()
    kept = [{}, {"startedAt": first}, {"startedAt": first, "endedAt": first}]
    SyncRunFactory(sync_type="orders", started_at=now - HOUR, waited=HOUR, ended_attempts=kept)
    assert [bar.kind for bar in row_of("orders").bars] == ["retried", "succeeded"]


def test_a_short_run_can_still_be_seen_and_one_at_the_edge_stays_inside(now):
    SyncRunFactory(sync_type="orders", started_at=now - 12 * HOUR, took=SECOND)
    SyncRunFactory(sync_type="orders", started_at=now - 25 * HOUR, took=HOUR + SECOND)
    for bar in row_of("orders").bars:
        assert number(bar.width) == pytest.approx(drawing.NARROWEST)
        assert number(bar.x) >= 0


def test_runs_too_close_to_tell_apart_share_a_bar_that_tells_the_worst_and_leads_to_all(now):
    for number in range(3):
        SyncRunFactory(started_at=now - HOUR + number * 20 * SECOND)
    failed = SyncRunFactory(started_at=now - HOUR + 30 * SECOND, status=Status.FAILED)
    [bar] = row_of("customers").bars
    assert bar.kind == "failed"
    assert "4 attempts" in bar.tip
    assert "3 succeeded, 1 failed" in bar.tip
    assert f"run {failed.pk} failed" in bar.tip
    assert "sync_type=customers" in bar.address
    assert "requested_at__gte" in bar.address


def test_the_shared_bar_s_list_has_exactly_its_runs(now, admin_client):
    runs = [SyncRunFactory(started_at=now - HOUR + number * 20 * SECOND) for number in range(3)]
    SyncRunFactory(started_at=now - 3 * HOUR)
    SyncRunFactory(sync_type="orders", started_at=now - HOUR)
    bar = row_of("customers").bars[-1]
    listed = admin_client.get(bar.address).context["cl"].result_list
    assert {run.pk for run in listed} == {run.pk for run in runs}


def test_two_runs_ten_minutes_apart_have_a_bar_each(now):
    SyncRunFactory(sync_type="orders", started_at=now - HOUR)
    SyncRunFactory(sync_type="orders", started_at=now - HOUR + 10 * MINUTE)
    assert len(row_of("orders").bars) == 2


def test_due_times_too_close_to_tell_apart_are_one_hollow_bar(now, settings):
    SyncSchedule.objects.update(requested_slot=now)
    assert len(row_of("orders").due) in (12, 13)  # every ten minutes
    SyncSchedule.objects.filter(sync_type="orders").update(every=5)
    settings.SCHEDULE_MINUTE = dt.timedelta(seconds=10)
    assert len(row_of("orders").due) == 1


def test_every_third_hour_has_a_label():
    hours = draw_day(health.get_status())["hours"]
    assert len(hours) in (25, 26)
    labels = [hour["label"] for hour in hours if hour["label"]]
    assert len(labels) in (8, 9)
    assert {"00:00", "12:00"} <= set(labels)


def test_pauses_are_found_by_an_index():
    with CaptureQueriesContext(connection) as queries:
        turns.find_pauses(timezone.now())
    assert "session_end" in explain(queries.captured_queries[0]["sql"])
