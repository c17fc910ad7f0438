"""Open order forms: what they pause, for how long, and how each begins."""

import itertools
import subprocess
import sys
import threading
import uuid
from datetime import datetime, timedelta

import pytest
import time_machine
from django.conf import settings
from django.utils import timezone

from sync.coordinator import queue, runner, sessions, turns
from sync.exceptions import ErpUnavailable, SessionNotFound
from sync.models import OrderFormSession, SyncEvent, SyncRun, SyncSchedule
from sync.tasks import tick
from tests.factories import SyncRunFactory, UserFactory

pytestmark = pytest.mark.django_db

Status = SyncRun.Status
NOW = datetime.fromisoformat("2026-01-20T12:00:00+01:00")


@pytest.fixture
def agent():
    return UserFactory()


@pytest.fixture
def clock():
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


def request(sync_type):
    return queue.request_sync(sync_type, trigger=SyncRun.Trigger.SCHEDULE)


def may_run():
    return [run.sync_type for run in turns.find_runnable()]


def kinds():
    return list(SyncEvent.objects.exclude(session=None).order_by("pk").values_list("kind", flat=True))


# The pause


def test_while_an_order_form_is_open_only_what_it_reads_may_run(agent):
    for sync_type in ("orders", "products"):
        SyncRunFactory(sync_type=sync_type)
    for sync_type in ("orders", "customers", "products"):
        request(sync_type)
    session = sessions.open_session(agent)
    assert may_run() == ["customers"]
    sessions.close_session(session)
    assert may_run() == ["orders", "customers", "products"]


def test_what_was_never_mirrored_waits_for_no_order_form(agent):
    SyncRunFactory(sync_type="orders")
    for sync_type in ("orders", "prices", "products"):
        request(sync_type)
    sessions.open_session(agent)
    assert may_run() == ["prices", "products"]


def test_of_two_tabs_one_closed_twice_leaves_the_other_s_pause(agent):
    SyncRunFactory(sync_type="orders")
    first, second = sessions.open_session(agent), sessions.open_session(agent)
    request("orders")
    for _ in range(2):
        sessions.close_session(first)
    assert (may_run(), OrderFormSession.objects.live().count()) == ([], 1)
    sessions.close_session(second)
    assert may_run() == ["orders"]
    assert kinds() == ["session_opened", "session_opened", "session_closed", "session_closed"]


def test_a_lost_tab_lets_the_others_go_on_after_ten_minutes_with_nothing_in_between(agent, clock):
    SyncRunFactory(sync_type="orders")
    sessions.open_session(agent)
    request("orders")
    clock.shift(timedelta(minutes=9, seconds=59))
    assert may_run() == []
    clock.shift(timedelta(seconds=1))
    assert may_run() == ["orders"]


def test_a_tab_in_use_stays_live(agent, clock):
    session = sessions.open_session(agent)
    for _ in range(5):
        clock.shift(timedelta(minutes=9))
        session = sessions.touch_session(agent, session.pk)
        assert session.is_live
    assert kinds() == ["session_opened"]


def test_what_has_ended_by_itself_is_written_down_once_at_the_next_tick(agent, clock, tiny_erp):
    session = sessions.open_session(agent)
    clock.shift(timedelta(minutes=11))
    for _ in range(2):
        tick()
    session.refresh_from_db()
    assert session.closed_at == session.expires_at
    assert kinds() == ["session_opened", "session_expired"]


def test_a_tab_that_comes_back_to_life_is_open_again(agent, clock):
    session = sessions.open_session(agent)
    clock.shift(timedelta(minutes=30))
    sessions.record_expired_sessions()
    assert sessions.touch_session(agent, session.pk).is_live
    assert kinds() == ["session_opened", "session_expired", "session_opened"]


def test_a_tab_that_is_open_again_is_not_the_oldest(agent, clock):
    first = sessions.open_session(agent)
    sessions.close_session(first)
    clock.shift(timedelta(seconds=1))
    second = sessions.open_session(agent)
    clock.shift(timedelta(seconds=1))
    sessions.touch_session(agent, first.pk)
    assert sessions.close_own_session(agent) == second


def test_a_tab_may_choose_its_own_number(agent):
    number = uuid.uuid4()
    assert sessions.touch_session(agent, number).pk == number
    assert OrderFormSession.objects.live().count() == 1


def test_another_agent_s_session_is_not_there(agent):
    session = sessions.open_session(agent)
    colleague = UserFactory()
    with pytest.raises(SessionNotFound):
        sessions.touch_session(colleague, session.pk)
    with pytest.raises(SessionNotFound):
        sessions.close_own_session(colleague, session.pk)
    assert sessions.close_own_session(colleague) is None
    session.refresh_from_db()
    assert session.is_live


def test_without_a_number_an_agent_s_oldest_session_is_closed(agent, clock):
    oldest = sessions.open_session(agent)
    clock.shift(timedelta(seconds=1))
    newest = sessions.open_session(agent)
    assert sessions.close_own_session(agent) == oldest
    assert sessions.close_own_session(agent) == newest
    assert sessions.close_own_session(agent) is None


# The smart sync


@pytest.mark.django_db(transaction=True)
def test_an_order_form_begins_with_the_customers_of_this_moment(agent, tiny_erp):
    smart = sessions.request_smart_sync("customers", user=agent)
    assert (smart.run.status, smart.run.mode, smart.run.created) == (Status.SUCCEEDED, "smart", 1)
    assert (smart.run.requested_by, smart.session.is_live) == (agent, True)


@pytest.mark.django_db(transaction=True)
def test_a_second_form_joins_a_smart_sync_of_fifteen_seconds(agent, tiny_erp):
    with time_machine.travel(NOW, tick=False) as clock:
        first = sessions.request_smart_sync("customers", user=agent)
        clock.shift(timedelta(seconds=14))
        second = sessions.request_smart_sync("customers", user=agent)
        clock.shift(timedelta(seconds=2))
        third = sessions.request_smart_sync("customers", user=agent)
    assert second.run == first.run
    assert third.run != first.run
    assert (tiny_erp.fetched, OrderFormSession.objects.count()) == (["customers"] * 2, 3)


@pytest.mark.django_db(transaction=True)
def test_a_smart_sync_that_fails_leaves_the_form_open_and_is_not_joined(agent, tiny_erp):
    tiny_erp.errors["customers"] = ErpUnavailable(reason="it is down")
    first = sessions.request_smart_sync("customers", user=agent)
    assert (first.run.status, first.run.error_class, first.session.is_live) == (Status.FAILED, "ErpUnavailable", True)
    tiny_erp.errors.clear()
    second = sessions.request_smart_sync("customers", user=agent, session_id=first.session.pk)
    assert (second.run.status, second.session) == (Status.SUCCEEDED, first.session)


@pytest.mark.django_db(transaction=True)
def test_a_smart_sync_waits_for_the_erp_for_less_long_than_other_runs(agent, tiny_erp, settings):
    settings.ERP_SMART_TIMEOUT, settings.ERP_EXPORT_TIMEOUT = timedelta(seconds=7), timedelta(seconds=70)
    sessions.request_smart_sync("customers", user=agent)
    queue.request_sync("customers", trigger=SyncRun.Trigger.MANUAL)
    runner.drain_queue()
    assert tiny_erp.given == [timedelta(seconds=7), timedelta(seconds=70)]


@pytest.mark.django_db(transaction=True)
def test_who_has_no_patience_gets_the_run_to_watch(agent, tiny_erp):
    smart = sessions.request_smart_sync("customers", user=agent, patience=timedelta(0))
    for thread in threading.enumerate():
        if thread.name == f"run {smart.run.pk}":
            thread.join(timeout=30)
    smart.run.refresh_from_db()
    assert smart.run.status == Status.SUCCEEDED


# Fairness


def test_what_has_waited_for_the_longest_pause_gets_its_turn(agent, clock):
    SyncRunFactory(sync_type="products")
    request("products")
    for minute in range(31):
        sessions.open_session(agent)
        assert may_run() == (["products"] if minute >= 30 else [])
        clock.shift(timedelta(minutes=1))


def test_a_run_that_stepped_aside_when_it_had_waited_too_long_does_not_again(agent, clock, tiny_erp):
    run = request("products")
    clock.shift(timedelta(minutes=31))
    asked = []

    def an_order_form_opens(sync_type):
        if sync_type == "products":
            asked.append(queue.request_sync("customers", mode="smart", trigger=SyncRun.Trigger.ORDER_FORM, by=agent))

    tiny_erp.meanwhile = an_order_form_opens
    runner.wait_for(run)
    assert tiny_erp.fetched == ["products", "customers", "products"]
    assert (run.status, [attempt["outcome"] for attempt in run.ended_attempts]) == (Status.SUCCEEDED, ["preempted"])


def test_an_endless_stream_of_order_forms_starves_no_list(agent, clock, tiny_erp):
    """Five hours in which a form opens every five minutes, and stays open for ten."""
    SyncSchedule.objects.update(counted_from=NOW)
    for _ in range(5 * 12):
        sessions.open_session(agent)
        queue.request_sync("customers", mode="smart", trigger=SyncRun.Trigger.ORDER_FORM, by=agent)
        tick()
        clock.shift(timedelta(minutes=5))
    assert OrderFormSession.objects.live().exists()
    for schedule in SyncSchedule.objects.all():
        runs = SyncRun.objects.succeeded().for_type(schedule.sync_type).exclude(mode="smart").order_by("finished_at")
        ends = [schedule.first_slot, *(run.finished_at for run in runs if run.finished_at), timezone.now()]
        longest = max(later - earlier for earlier, later in itertools.pairwise(ends))
        assert longest <= schedule.interval + timedelta(minutes=30 + 5), schedule


@pytest.mark.django_db(transaction=True)
def test_a_process_that_has_seen_none_of_it_pauses_all_the_same(agent, process_environment):
    SyncRunFactory(sync_type="products")
    session = sessions.open_session(agent)
    command = [sys.executable, "manage.py", "runsync", "products"]
    environment = process_environment | {"ERP_URL": "", "ERP_FOLDER": ""}
    statuses = []
    for _ in range(2):
        ended = subprocess.run(command, cwd=settings.BASE_DIR, env=environment, capture_output=True, timeout=60)
        statuses.append((ended.returncode, SyncRun.objects.latest("pk").attempts))
        sessions.close_session(session)
    assert statuses == [(4, 0), (1, 1)]  # it waits; then it runs, and fails for want of an ERP
