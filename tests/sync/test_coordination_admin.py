"""The admin pages of the coordination: what each shows, what may be done there, by whom, and when not."""

import datetime as dt
import re
from html import unescape
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django_q.models import Schedule

from sync.admin.change_list import BoundedPaginator
from sync.coordinator import mutex, sessions
from sync.exceptions import LeaseLost
from sync.models import Alert, OrderFormSession, SyncEvent, SyncLock, SyncRun, SyncSchedule, SyncWorker
from tests.factories import AlertFactory, SyncRunFactory, SyncScheduleFactory, SyncWorkerFactory
from tests.lists import TYPES
from tests.sync.pages import html_of, run_page, said, shown, url

Kind = SyncEvent.Kind

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]

Status = SyncRun.Status
WORKERS_SILENT = {"before": "alive", "after": "silent"}
FINISHED = [Status.SUCCEEDED, Status.FAILED, Status.QUARANTINED, Status.CANCELLED]


@pytest.fixture
def schedule():
    return SyncSchedule.objects.get(sync_type="orders")


@pytest.fixture
def session(admin_user):
    return sessions.open_session(admin_user)


@pytest.fixture
def lease():
    return mutex.acquire()


def do_url(row, verb):
    return reverse(f"admin:sync_{row._meta.model_name}_do", args=[row.pk, verb])


def break_url():
    return reverse("admin:sync_synclock_break", args=[SyncLock.THE_ROW])


def page_of(client, row):
    return unescape(html_of(client, url(type(row), "change", row.pk)))


def choose(client, model, action, *rows):
    chosen = {"action": action, "_selected_action": [str(row.pk) for row in rows]}
    return client.post(url(model, "changelist"), chosen)


def queries_of(client, model):
    with CaptureQueriesContext(connection) as queries:
        shown(client, model)
    return len(queries)


# Runs: cancel, and try again


def test_a_queued_run_is_cancelled_at_once(admin_client, admin_user):
    run = SyncRunFactory(status=Status.QUEUED)
    answer = admin_client.post(do_url(run, "cancel"))
    run.refresh_from_db()
    assert (run.status, answer.url) == (Status.CANCELLED, url(SyncRun, "change", run.pk))
    assert said(answer) == [f"Run {run.pk} is cancelled."]
    assert SyncEvent.objects.get(kind=Kind.RUN_CANCELLED).by == admin_user


def test_a_running_run_is_asked_to_stop(admin_client):
    run = SyncRunFactory(status=Status.RUNNING)
    answer = admin_client.post(do_url(run, "cancel"))
    run.refresh_from_db()
    assert run.status == Status.RUNNING
    assert run.cancel_requested_at
    assert said(answer) == [f"Run {run.pk} stops at its next page."]


@pytest.mark.parametrize("status", FINISHED)
def test_a_finished_run_cannot_be_cancelled(status, admin_client):
    run = SyncRunFactory(status=status)
    assert do_url(run, "cancel") not in run_page(admin_client, run)
    answer = admin_client.post(do_url(run, "cancel"))
    assert said(answer) == [f"Run {run.pk} cannot be cancelled: it is {status}."]
    assert SyncRun.objects.get() == run


@pytest.mark.parametrize("status", FINISHED)
def test_a_finished_run_can_be_tried_again(status, admin_client, admin_user):
    run = SyncRunFactory(status=status, mode="full")
    assert do_url(run, "retry") in run_page(admin_client, run)
    answer = admin_client.post(do_url(run, "retry"))
    again = SyncRun.objects.get(retries=run)
    assert (again.status, again.mode, again.trigger, again.requested_by) == (
        Status.QUEUED,
        "full",
        SyncRun.Trigger.RETRY,
        admin_user,
    )
    assert said(answer) == [f'Run <a href="{url(SyncRun, "change", again.pk)}">{again.pk}</a> waits for its turn.']


@pytest.mark.parametrize("status", [Status.QUEUED, Status.RUNNING])
def test_a_run_that_has_not_ended_cannot_be_tried_again(status, admin_client):
    run = SyncRunFactory(status=status)
    assert do_url(run, "retry") not in run_page(admin_client, run)
    assert do_url(run, "cancel") in run_page(admin_client, run)
    answer = admin_client.post(do_url(run, "retry"))
    assert said(answer) == [f"Run {run.pk} cannot be tried again: it is {status}."]
    assert SyncRun.objects.get() == run


@pytest.mark.parametrize(
    "fields", [{"sync_type": "former_list"}, {"accepts": True}], ids=["no longer mirrored", "accepts"]
)
def test_what_cannot_be_done_again_has_no_button(fields, admin_client):
    if "accepts" in fields:
        fields = {"accepts": SyncRunFactory(status=Status.QUARANTINED)}
    run = SyncRunFactory(**fields)
    assert do_url(run, "retry") not in run_page(admin_client, run)
    assert f"Run {run.pk} cannot be tried again" in said(admin_client.post(do_url(run, "retry")))[0]
    assert not SyncRun.objects.queued().exists()


def test_of_several_chosen_runs_each_is_cancelled_or_said_why_not(admin_client):
    queued, ended = SyncRunFactory(status=Status.QUEUED), SyncRunFactory(sync_type="orders")
    answer = choose(admin_client, SyncRun, "cancel", queued, ended)
    assert set(said(answer)) == {
        f"Run {queued.pk} is cancelled.",
        f"Run {ended.pk} cannot be cancelled: it is succeeded.",
    }


def test_several_chosen_runs_are_tried_again(admin_client):
    runs = [SyncRunFactory(status=Status.FAILED), SyncRunFactory(sync_type="orders")]
    choose(admin_client, SyncRun, "retry", *runs)
    assert {again.retries for again in SyncRun.objects.queued()} == set(runs)


# Schedules: run now, and change


@pytest.mark.parametrize(("verb", "mode"), [("run", "auto"), ("run_full", "full"), ("run_incremental", "incremental")])
def test_a_type_is_synced_now_from_its_schedule(verb, mode, schedule, admin_client, admin_user):
    assert do_url(schedule, verb) in page_of(admin_client, schedule)
    answer = admin_client.post(do_url(schedule, verb))
    run = SyncRun.objects.queued().get()
    assert (run.sync_type, run.mode, run.trigger, run.requested_by) == (
        "orders",
        mode,
        SyncRun.Trigger.ADMIN,
        admin_user,
    )
    assert f">{run.pk}</a> waits for its turn." in said(answer)[0]


def test_who_asks_for_a_run_ends_the_type_s_back_off(schedule, admin_client):
    admin_client.post(do_url(schedule, "run"))
    schedule.refresh_from_db()
    assert schedule.patient_since


def test_chosen_types_are_synced_now(admin_client):
    choose(admin_client, SyncSchedule, "run_full", *SyncSchedule.objects.all())
    assert SyncRun.objects.queued().filter(mode="full").count() == len(TYPES)


def test_a_type_that_is_no_longer_mirrored_is_shown_and_cannot_be_run(schedule, admin_client):
    old = SyncScheduleFactory(sync_type="former_list")
    assert old in shown(admin_client, SyncSchedule)
    assert do_url(old, "run") not in page_of(admin_client, old)
    answer = admin_client.post(do_url(old, "run"))
    assert said(answer) == ["former_list is no longer mirrored: there is nothing to run."]
    assert not SyncRun.objects.exists()


def test_the_list_of_schedules_tells_each_type_s_state(admin_client):
    SyncRunFactory(sync_type="orders")
    SyncRunFactory(sync_type="ddt", status=Status.FAILED)
    html = html_of(admin_client, url(SyncSchedule, "changelist"))
    for text in ("✓ healthy", "✗ failing", "… never synced", "45 min"):
        assert text in html


def test_a_changed_schedule_takes_effect_at_once_and_says_who_changed_it(schedule, admin_client, admin_user):
    answer = admin_client.post(url(SyncSchedule, "change", schedule.pk), {"every": 20, "first_at": 0})
    assert answer.status_code == 302
    schedule.refresh_from_db()
    assert (schedule.every, schedule.first_at, schedule.enabled) == (20, 0, False)
    assert Schedule.objects.get(name="sync orders").minutes == 20
    event = SyncEvent.objects.get(kind=Kind.SCHEDULE_CHANGED)
    assert (event.by, event.facts) == (admin_user, {"every": 20, "enabled": False})


def test_a_schedule_that_is_saved_unchanged_is_not_changed(schedule, admin_client):
    form = {"every": schedule.every, "first_at": schedule.first_at, "enabled": "on"}
    admin_client.post(url(SyncSchedule, "change", schedule.pk), form)
    assert not SyncEvent.objects.filter(kind=Kind.SCHEDULE_CHANGED).exists()


@pytest.mark.parametrize(("name", "value"), [("every", 4), ("every", 181), ("first_at", 1441), ("every", "")])
def test_a_schedule_that_cannot_be_is_refused_beside_its_field(name, value, schedule, admin_client):
    form = {"every": 10, "first_at": 0, "enabled": "on"} | {name: value}
    answer = admin_client.post(url(SyncSchedule, "change", schedule.pk), form)
    assert name in answer.context["adminform"].form.errors
    schedule.refresh_from_db()
    assert (schedule.every, schedule.first_at) == (10, 0)


@pytest.mark.parametrize("held", [["view_syncschedule"], ["change_syncrun", "request_syncrun"]])
def test_others_do_not_change_a_schedule(held, schedule, colleague):
    answer = colleague(*held).post(url(SyncSchedule, "change", schedule.pk), {"every": 20, "first_at": 0})
    assert answer.status_code == 403
    schedule.refresh_from_db()
    assert schedule.every == 10


def test_no_schedule_is_added_or_deleted(schedule, admin_client):
    assert admin_client.get(url(SyncSchedule, "add")).status_code == 403
    assert admin_client.post(url(SyncSchedule, "delete", schedule.pk), {"post": "yes"}).status_code == 403
    assert "delete_selected" not in html_of(admin_client, url(SyncSchedule, "changelist"))


# Schedules: enable and disable


@pytest.mark.parametrize(("verb", "other", "enabled"), [("enable", "disable", True), ("disable", "enable", False)])
def test_a_schedule_is_switched_by_its_button(verb, other, enabled, schedule, admin_client, admin_user):
    SyncSchedule.objects.update(enabled=not enabled)
    assert do_url(schedule, verb) in page_of(admin_client, schedule)
    answer = admin_client.post(do_url(schedule, verb))
    schedule.refresh_from_db()
    assert schedule.enabled == enabled
    assert said(answer) == [f"The schedule of orders is {verb}d."]
    event = SyncEvent.objects.get(kind=Kind.SCHEDULE_CHANGED)
    assert (event.by, event.facts) == (admin_user, {"enabled": enabled})
    assert do_url(schedule, verb) not in page_of(admin_client, schedule)
    assert do_url(schedule, other) in page_of(admin_client, schedule)


@pytest.mark.parametrize(("verb", "enabled"), [("enable", True), ("disable", False)])
def test_a_schedule_that_is_as_it_should_be_is_not_changed(verb, enabled, schedule, admin_client):
    SyncSchedule.objects.update(enabled=enabled)
    answer = admin_client.post(do_url(schedule, verb))
    assert said(answer) == [f"The schedule of orders is already {verb}d."]
    assert not SyncEvent.objects.filter(kind=Kind.SCHEDULE_CHANGED).exists()


def test_chosen_schedules_are_disabled(admin_client):
    choose(admin_client, SyncSchedule, "disable", *SyncSchedule.objects.all())
    assert not SyncSchedule.objects.filter(enabled=True).exists()


def test_who_may_not_change_a_schedule_does_not_switch_it(schedule, colleague):
    client = colleague("view_syncschedule", "request_syncrun")
    assert do_url(schedule, "disable") not in page_of(client, schedule)
    assert client.post(do_url(schedule, "disable")).status_code == 403
    schedule.refresh_from_db()
    assert schedule.enabled


# Schedules: when they would run


NOON = dt.datetime(2026, 1, 20, 11, 0, tzinfo=dt.UTC)  # in Rome


@pytest.fixture
def at_noon(schedule, monkeypatch):
    """Two minutes past noon, of schedules that are all counted from noon and were requested then."""
    SyncSchedule.objects.update(counted_from=NOON, requested_slot=NOON)
    monkeypatch.setattr(timezone, "now", lambda: NOON + dt.timedelta(minutes=2))
    schedule.refresh_from_db()


def preview_url(schedule, **typed):
    return reverse("admin:sync_syncschedule_preview", args=[schedule.pk], query=typed)


def previewed(client, schedule, **typed):
    """What is shown for these values: lines of text."""
    text = re.sub(r"<[^>]+>", "\n", unescape(html_of(client, preview_url(schedule, **typed))))
    return [line.strip() for line in text.splitlines() if line.strip()]


def test_the_next_times_are_shown_for_values_as_they_are_typed(at_noon, schedule, admin_client):
    SyncSchedule.objects.exclude(pk=schedule.pk).update(enabled=False)
    times = previewed(admin_client, schedule, every=15, first_at=4, enabled="on")
    assert times == ["12:04:00", "12:19:00", "12:34:00", "12:49:00", "13:04:00"]
    schedule.refresh_from_db()
    assert (schedule.every, schedule.first_at) == (10, 0)


def test_a_time_of_another_day_has_its_date(at_noon, schedule, admin_client):
    assert previewed(admin_client, schedule, every=180, first_at=1440, enabled="on")[0] == "21/01/2026 12:00"


def test_what_is_due_and_was_not_requested_runs_at_once(at_noon, schedule, admin_client):
    times = previewed(admin_client, schedule, every=10, first_at=1, enabled="on")
    assert times[:2] == ["at once", "12:11:00"]


def test_a_type_that_keeps_failing_waits_longer(at_noon, schedule, admin_client):
    SyncRunFactory.create_batch(5, sync_type="orders", status=Status.FAILED)
    assert previewed(admin_client, schedule, every=10, first_at=0, enabled="on")[0] == "12:20:00"


def test_a_disabled_schedule_never_runs(at_noon, schedule, admin_client):
    assert previewed(admin_client, schedule, every=15, first_at=5) == ["Never: the schedule is disabled."]


def test_other_lists_that_start_at_the_same_minute_are_named(at_noon, schedule, admin_client):
    SyncSchedule.objects.filter(sync_type="products").update(enabled=False)
    lines = previewed(admin_client, schedule, every=60, first_at=20, enabled="on")
    assert lines[5:] == ["At the same time as DDT: 12:20:00. One waits for the other."]


@pytest.mark.parametrize(("name", "value"), [("every", 4), ("every", 181), ("first_at", 1441), ("every", "")])
def test_what_cannot_be_is_told_as_the_form_tells_it(name, value, schedule, admin_client):
    form = {"every": 10, "first_at": 0, "enabled": "on"} | {name: value}
    answer = admin_client.post(url(SyncSchedule, "change", schedule.pk), form)
    [text] = answer.context["adminform"].form.errors[name]
    assert previewed(admin_client, schedule, **form) == [f"{name.replace('_', ' ').capitalize()}: {text}"]


def test_the_page_shows_the_next_times_before_any_script_does(at_noon, schedule, admin_client):
    html = page_of(admin_client, schedule)
    assert f'data-address="{preview_url(schedule)}"' in html
    assert "<li>12:10:00</li>" in html
    assert 'name="every" value="10" class="vIntegerField" min="5" max="180" step="1"' in html


def test_asking_beforehand_takes_the_permission_to_change(schedule, colleague):
    assert colleague("view_syncschedule").get(preview_url(schedule)).status_code == 403


def test_a_schedule_that_is_not_there_has_no_next_times(schedule, admin_client):
    assert admin_client.get(reverse("admin:sync_syncschedule_preview", args=[0])).status_code == 404
    assert admin_client.post(preview_url(schedule)).status_code == 405


# The lock


def test_the_lock_s_list_leads_to_the_one_lock(admin_client):
    assert admin_client.get(url(SyncLock, "changelist")).url == url(SyncLock, "change", SyncLock.THE_ROW)


def test_who_may_not_see_the_lock_is_told_which_permission_it_takes(colleague):
    answer = colleague("view_syncrun").get(url(SyncLock, "changelist"))
    assert answer.status_code == 403
    assert "“Can view lock”" in unescape(answer.content.decode())


def test_a_free_lock_has_nothing_to_break(admin_client):
    lock = SyncLock.objects.get()
    assert "✓ free" in page_of(admin_client, lock)
    assert break_url() not in page_of(admin_client, lock)
    assert "<form method=" not in html_of(admin_client, break_url()).partition('class="asking"')[2]
    answer = admin_client.post(break_url())
    assert said(answer) == ["No process holds the lock: there is nothing to break."]


def test_a_held_lock_shows_its_holder_and_the_run_in_progress(lease, admin_client):
    run = SyncRunFactory(status=Status.RUNNING, token=lease.token)
    for html in (page_of(admin_client, SyncLock.objects.get()), html_of(admin_client, break_url())):
        for text in ("▶ held", lease.holder, url(SyncRun, "change", run.pk)):
            assert text in html


def test_a_lock_whose_holder_is_silent_says_so(lease, admin_client):
    SyncLock.objects.update(leased_until=timezone.now() - dt.timedelta(seconds=1))
    assert "the next process takes it over" in page_of(admin_client, SyncLock.objects.get())


def test_looking_never_breaks_the_lock(lease, admin_client):
    admin_client.get(break_url())
    admin_client.get(break_url(), {"post": "yes"})
    admin_client.head(break_url())
    lease.renew()


def test_who_held_a_broken_lock_can_write_no_more(lease, admin_client, admin_user):
    assert break_url() in page_of(admin_client, SyncLock.objects.get())
    answer = admin_client.post(break_url())
    assert answer.url == url(SyncLock, "change", SyncLock.THE_ROW)
    assert said(answer) == ["The lock is broken: the process that held it can no longer write."]
    assert SyncEvent.objects.get(kind=Kind.LOCK_BROKEN).by == admin_user
    with pytest.raises(LeaseLost):
        lease.renew()


@pytest.mark.parametrize("held", [["view_synclock"], ["break_synclock"], ["view_synclock", "change_synclock"]])
def test_without_the_permission_nobody_breaks_the_lock(held, lease, colleague):
    client = colleague(*held)
    assert client.get(break_url()).status_code == 403
    assert client.post(break_url()).status_code == 403
    lease.renew()
    if held == ["view_synclock"]:
        assert break_url() not in page_of(client, SyncLock.objects.get())


def test_with_the_permission_a_colleague_breaks_the_lock(lease, colleague):
    client = colleague("view_synclock", "break_synclock")
    assert break_url() in page_of(client, SyncLock.objects.get())
    client.post(break_url())
    assert SyncLock.objects.free().exists()


# Open order forms


def test_an_order_form_is_closed_by_its_button(session, admin_client, admin_user):
    assert do_url(session, "close") in page_of(admin_client, session)
    answer = admin_client.post(do_url(session, "close"))
    session.refresh_from_db()
    assert session.closed_at
    assert "is closed." in said(answer)[0]
    assert SyncEvent.objects.get(kind=Kind.SESSION_CLOSED).by == admin_user
    assert do_url(session, "close") not in page_of(admin_client, session)


@pytest.mark.parametrize("end", ["closed", "expired"])
def test_an_order_form_that_has_ended_is_not_closed_again(end, session, admin_client):
    if end == "closed":
        sessions.close_session(session)
    else:
        OrderFormSession.objects.update(expires_at=timezone.now() - dt.timedelta(minutes=1))
    session.refresh_from_db()
    before = session.closed_at
    assert do_url(session, "close") not in page_of(admin_client, session)
    assert f"– {end}" in page_of(admin_client, session)
    assert "had ended already." in said(admin_client.post(do_url(session, "close")))[0]
    session.refresh_from_db()
    assert session.closed_at == before


def test_chosen_order_forms_are_closed(session, admin_user, admin_client):
    choose(admin_client, OrderFormSession, "close", session, sessions.open_session(admin_user))
    assert not OrderFormSession.objects.live().exists()


@pytest.mark.parametrize(("live", "found"), [("yes", {"live"}), ("no", {"closed", "expired"})])
def test_order_forms_are_found_by_whether_they_are_live(live, found, session, admin_user, admin_client):
    closed, expired = sessions.open_session(admin_user), sessions.open_session(admin_user)
    sessions.close_session(closed)
    OrderFormSession.objects.filter(pk=expired.pk).update(expires_at=timezone.now() - dt.timedelta(minutes=1))
    names = {session.pk: "live", closed.pk: "closed", expired.pk: "expired"}
    assert {names[row.pk] for row in shown(admin_client, OrderFormSession, live=live)} == found


# Events and workers


def test_events_are_told_in_the_reader_s_words(admin_client, admin_user, session):
    run = SyncRunFactory()
    SyncEvent.objects.record(Kind.RUN_QUEUED, run=run, by=admin_user, trigger="order_form", mode="full")
    SyncEvent.objects.record(Kind.RUN_SUCCEEDED, run=run, counts={"read": 17432, "created": 0})
    SyncEvent.objects.record(Kind.RUN_MERGED, run=run, into=run.pk)
    SyncEvent.objects.record(Kind.HEALTH_CHANGED, sync_type="orders", before="never", after="healthy")
    SyncEvent.objects.record(Kind.SCHEDULE_CHANGED, sync_type="orders", every=20, enabled=False)
    SyncEvent.objects.record(Kind.RUN_TO_BE_RETRIED, run=run, error="<gone>", at="2026-01-20T11:04:22+00:00")
    SyncEvent.objects.record(Kind.RUN_LOST, run=run, unheard_of=["a"])
    html = html_of(admin_client, url(SyncEvent, "changelist"))
    for text in (
        "trigger</span> order form",
        "mode</span> full",
        "read</span> 17,432",
        f'into run</span> <a href="{url(SyncRun, "change", run.pk)}">{run.pk}</a>',
        "before</span> never synced",
        "after</span> healthy",
        "every</span> 20 min",
        "enabled</span> No",
        "error</span> &lt;gone&gt;",
        "again at</span> 20/01/2026 12:04",
        "unheard_of</span> [&#x27;a&#x27;]",
        url(OrderFormSession, "change", session.pk),
    ):
        assert text in html
    assert "created</span>" not in html


def test_a_count_that_runs_no_longer_have_is_told_by_its_own_name(admin_client):
    event = SyncEvent.objects.record(Kind.RUN_SUCCEEDED, run=SyncRunFactory(), counts={"skipped": 3, "read": None})
    assert "skipped</span> 3" in html_of(admin_client, url(SyncEvent, "changelist"))
    assert "skipped" in run_page(admin_client, event.run)


def test_the_newest_event_comes_first(admin_client):
    first, second = (SyncEvent.objects.record(Kind.RUN_QUEUED, run=SyncRunFactory()) for _ in range(2))
    assert shown(admin_client, SyncEvent) == [second, first]


def test_events_are_found_by_kind_type_and_run(admin_client):
    lost = SyncEvent.objects.record(Kind.RUN_LOST, run=SyncRunFactory())
    failed = SyncEvent.objects.record(Kind.RUN_FAILED, run=SyncRunFactory(sync_type="orders"))
    assert shown(admin_client, SyncEvent, kind__exact="run_lost") == [lost]
    assert shown(admin_client, SyncEvent, sync_type="orders") == [failed]
    assert shown(admin_client, SyncEvent, run=failed.run_id) == [failed]
    assert url(SyncEvent, "changelist", run=lost.run_id) in run_page(admin_client, lost.run)


def test_no_list_of_events_counts_all_of_them(admin_client, monkeypatch):
    monkeypatch.setattr(BoundedPaginator, "limit", 3)
    for _ in range(5):
        SyncEvent.objects.record(Kind.RUN_LOST, run=SyncRunFactory())
    html = html_of(admin_client, url(SyncEvent, "changelist"))
    assert "only the newest 3 are shown" in html


def test_a_silent_worker_is_told_from_one_that_is_alive(admin_client):
    SyncWorkerFactory()
    assert "✗ not responding" not in html_of(admin_client, url(SyncWorker, "changelist"))
    SyncWorkerFactory(seen_at=timezone.now() - dt.timedelta(minutes=4))
    html = html_of(admin_client, url(SyncWorker, "changelist"))
    assert "✓ responding" in html
    assert "✗ not responding" in html
    assert "– stopped" not in html
    SyncWorkerFactory(stopped_at=timezone.now())
    assert "– stopped" in html_of(admin_client, url(SyncWorker, "changelist"))


# Every page


def make_event(by):
    run = SyncRunFactory(requested_by=by)
    SyncEvent.objects.record(Kind.RUN_MERGED, run=run, by=by, into=run.pk, trigger="api")
    return sessions.open_session(by).events.get()


@pytest.mark.parametrize(
    "make",
    [make_event, sessions.open_session, lambda by: SyncWorkerFactory(), lambda by: SyncScheduleFactory()],
    ids=["events", "order forms", "workers", "schedules"],
)
def test_a_list_asks_as_many_questions_for_thirty_rows_as_for_two(make, admin_client, admin_user):
    row, _other = make(admin_user), make(admin_user)
    queries_of(admin_client, type(row))
    for_two = queries_of(admin_client, type(row))
    for _ in range(28):
        make(admin_user)
    assert queries_of(admin_client, type(row)) == for_two


READ_ONLY: list[Any] = [SyncLock, OrderFormSession, SyncEvent, SyncWorker]


@pytest.fixture
def one_of_each(session, schedule):
    SyncWorkerFactory()
    return {model: model.objects.first() for model in (*READ_ONLY, SyncSchedule)}


@pytest.mark.parametrize("model", READ_ONLY)
def test_what_syncs_write_nobody_adds_changes_or_deletes(model, one_of_each, admin_client):
    row = one_of_each[model]
    assert admin_client.get(url(model, "add")).status_code == 403
    assert admin_client.post(url(model, "change", row.pk), {}).status_code == 403
    assert admin_client.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("model", [*READ_ONLY, SyncSchedule])
def test_who_may_view_looks_and_does_nothing(model, one_of_each, colleague):
    row = one_of_each[model]
    client = colleague(f"view_{model._meta.model_name}")
    assert client.get(url(model, "changelist"), follow=True).status_code == 200
    html = page_of(client, row)
    assert "/do/" not in html
    assert ">None<" not in html


@pytest.mark.parametrize("model", [*READ_ONLY, SyncSchedule])
def test_who_may_not_view_does_not_look(model, one_of_each, colleague):
    client = colleague("request_syncrun", "break_synclock", "close_orderformsession")
    assert client.get(url(model, "changelist")).status_code == 403
    assert client.get(url(model, "change", one_of_each[model].pk)).status_code == 403


VERBS = [
    ("run to cancel", "cancel", "request_syncrun"),
    ("ended run", "retry", "request_syncrun"),
    ("schedule", "run", "request_syncrun"),
    ("schedule", "run_full", "request_syncrun"),
    ("order form", "close", "close_orderformsession"),
]


@pytest.fixture
def rows(session, schedule):
    return {
        "run to cancel": SyncRunFactory(status=Status.QUEUED, sync_type="prices"),
        "ended run": SyncRunFactory(),
        "schedule": schedule,
        "order form": session,
    }


def everything():
    return [list(model.objects.order_by("pk").values()) for model in (SyncRun, OrderFormSession, SyncEvent)]


@pytest.mark.parametrize(("name", "verb", "permission"), VERBS)
def test_looking_never_does_anything(name, verb, permission, rows, admin_client):
    before = everything()
    assert admin_client.get(do_url(rows[name], verb)).status_code == 405
    assert admin_client.head(do_url(rows[name], verb)).status_code == 405
    assert everything() == before


@pytest.mark.parametrize(("name", "verb", "permission"), VERBS)
def test_another_site_does_nothing_in_somebody_s_name(name, verb, permission, rows, admin_user, client):
    client.handler.enforce_csrf_checks = True
    client.force_login(admin_user)
    before = everything()
    assert client.post(do_url(rows[name], verb)).status_code == 403
    assert everything() == before


@pytest.mark.parametrize(("name", "verb", "permission"), VERBS)
def test_without_the_permission_nothing_is_done(name, verb, permission, rows, colleague):
    row = rows[name]
    kind = row._meta.model_name
    client = colleague(f"view_{kind}", f"change_{kind}", f"delete_{kind}")
    before = everything()
    assert client.post(do_url(row, verb)).status_code == 403
    choose(client, type(row), verb, row)
    assert do_url(row, verb) not in page_of(client, row)
    assert everything() == before


@pytest.mark.parametrize(("name", "verb", "permission"), VERBS)
def test_who_may_not_view_the_row_does_nothing_with_it(name, verb, permission, rows, colleague):
    client = colleague(permission)
    before = everything()
    assert client.post(do_url(rows[name], verb)).status_code == 403
    assert everything() == before


@pytest.mark.parametrize(("name", "verb", "permission"), VERBS)
def test_with_the_permission_there_is_a_button_and_an_action(name, verb, permission, rows, colleague):
    row = rows[name]
    client = colleague(f"view_{row._meta.model_name}", permission)
    assert do_url(row, verb) in page_of(client, row)
    assert f'<option value="{verb}">' in html_of(client, url(type(row), "changelist"))
    before = everything()
    assert client.post(do_url(row, verb)).status_code == 302
    assert everything() != before


def test_what_is_not_there_cannot_be_done(admin_client, session):
    assert admin_client.post(do_url(session, "open")).status_code == 404
    assert admin_client.post(reverse("admin:sync_syncrun_do", args=[1, "cancel"])).status_code == 404


def test_django_q2_s_own_pages_are_no_way_round(admin_client):
    registered = {model._meta.app_label for model in admin.site._registry}
    assert apps.get_app_config("django_q").label not in registered
    assert "/admin/django_q/" not in html_of(admin_client, reverse("admin:index"))


# Who is told


def test_the_alerts_are_listed_with_what_became_of_them(admin_client):
    delivered = {"attempts": 1, "next_attempt_at": None, "delivered_at": timezone.now()}
    AlertFactory(channel=Alert.Channel.MAIL, **delivered)
    AlertFactory(attempts=3, error="The alert was not delivered: the server answered with status 503.")
    AlertFactory(next_attempt_at=None, given_up_at=timezone.now(), event__sync_type="", event__facts=WORKERS_SILENT)
    html = html_of(admin_client, url(Alert, "changelist"))
    changes = ("orders: healthy → failing", "worker: responding → not responding")
    for text in (*changes, "✓ delivered", "… waiting", "✗ given up"):
        assert text in html
    assert "The alert was not delivered: the server answered with status 503." in html
    assert "✓ delivered" not in html_of(admin_client, url(Alert, "changelist") + "?state=waiting")


def test_the_list_of_alerts_asks_as_much_of_many_as_of_one(admin_client):
    AlertFactory()
    one = queries_of(admin_client, Alert)
    AlertFactory.create_batch(5)
    assert queries_of(admin_client, Alert) == one


def test_an_alert_that_was_given_up_is_sent_again(admin_client, admin_user):
    alert = AlertFactory(attempts=30, next_attempt_at=None, given_up_at=timezone.now(), error="no")
    assert do_url(alert, "resend") in page_of(admin_client, alert)
    answer = admin_client.post(do_url(alert, "resend"))
    assert said(answer) == [f"Alert {alert.pk} is sent again within a minute."]
    assert Alert.objects.due().filter(attempts=0, given_up_at=None, error="").exists()
    assert SyncEvent.objects.get(kind=Kind.ALERT_SENT_AGAIN).by == admin_user


def test_an_alert_that_was_not_tried_yet_is_not_sent_again(admin_client):
    alert = AlertFactory()
    assert do_url(alert, "resend") not in page_of(admin_client, alert)


def test_the_events_of_alerts_and_workers_are_told_in_words(admin_client):
    SyncEvent.objects.record(Kind.WORKERS_CHANGED, before="alive", after="silent")
    SyncEvent.objects.record(Kind.ALERT_GIVEN_UP, channel="web", attempts=30, error="The alert was not delivered: no.")
    html = html_of(admin_client, url(SyncEvent, "changelist"))
    for text in ("State of the workers changed", "not responding", "Sending of an alert given up", "web address", "30"):
        assert text.casefold() in html.casefold()
