"""The admin's front page says whether the mirror can be trusted, and if not, what is wrong and which button helps."""

import datetime as dt
from html import unescape

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from sync.coordinator import mutex, sessions
from sync.coordinator.queue import request_sync
from sync.models import Alert, OrderFormSession, SyncEvent, SyncLock, SyncRun, SyncSchedule, SyncWorker
from sync.service import get_service, list_types
from tests.factories import (
    AlertFactory,
    CustomerFactory,
    MirroredColumnFactory,
    PriceFactory,
    RecordChangeFactory,
    SyncRunFactory,
    SyncWorkerFactory,
    UserFactory,
)
from tests.sync.pages import said, url

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]

Status = SyncRun.Status
MINUTE = dt.timedelta(minutes=1)
SECOND = dt.timedelta(seconds=1)
FRONT = "/admin/"
NOW = "/admin/now/"


@pytest.fixture
def all_well():
    """Everything was mirrored a minute ago, and a worker lives."""
    now = timezone.now()
    for sync_type in list_types():
        SyncRunFactory(sync_type=sync_type, ended_ago=MINUTE, took=3 * SECOND, read=1450)
    SyncSchedule.objects.update(requested_slot=now)
    SyncWorkerFactory(name="vm:1")


def context_of(client, address=NOW):
    return client.get(address).context


def verdict(client):
    return context_of(client)["verdict"]


def problems(client):
    return context_of(client)["problems"]


def card(client, sync_type):
    return next(each for each in context_of(client)["cards"] if each["health"].sync_type == sync_type)


def buttons(problem):
    return {str(button.label): button.url for button in problem.buttons}


def text_of(client, address=FRONT):
    return " ".join(unescape(client.get(address).content.decode()).split())


# Columns that the ERP hides, and what somebody has to decide


def test_a_card_says_without_alarm_which_columns_the_erp_does_not_show(all_well, admin_client):
    now = timezone.now()
    layout = get_service("products").layout
    for column in layout.columns:
        if column.field and column.field != "pack":
            seen = now - dt.timedelta(days=1) if column.field == "vat_group" else now
            MirroredColumnFactory(field=column.field, last_seen_at=seen)
    hidden = card(admin_client, "products")["hidden"]
    assert hidden["lines"][0] == "never shown so far: PACCO"
    assert hidden["lines"][1].startswith("as of ")
    assert hidden["lines"][1].endswith(": ID ELEMENTO IVAID")
    assert "2 columns" in text_of(admin_client)
    assert card(admin_client, "customers")["hidden"]["count"] == 0
    assert problems(admin_client) == []


def test_several_price_groups_are_named_until_one_is_chosen(all_well, admin_client, settings):
    PriceFactory()
    assert problems(admin_client) == []
    PriceFactory(account="003", account_description="RIVENDITORI")
    [problem] = problems(admin_client)
    assert problem.severity == "warn"
    assert problem.what.endswith("none of these groups was chosen: 002 (DETTAGLIO (consigliato)), 003 (RIVENDITORI).")
    assert problem.todo.startswith("Set PRICE_GROUP to one of them.")
    settings.PRICE_GROUP = "003"
    assert problems(admin_client) == []


def test_a_channel_that_tells_nobody_is_named_until_an_alert_arrives(all_well, admin_client, settings):
    settings.ALERT_URL = "http://127.0.0.1:1/"
    now = timezone.now()
    error = "The alert was not delivered: the server answered with status 503."
    alert = AlertFactory(attempts=2, error=error, tried_at=now, next_attempt_at=now + dt.timedelta(minutes=1))
    [problem] = problems(admin_client)
    assert (problem.severity, problem.what) == ("warn", f"Alerts may not be arriving (web address). {error}")
    assert problem.todo.startswith("It is tried again automatically at ")
    assert buttons(problem) == {"View the alert": url(Alert, "change", alert.pk)}
    Alert.objects.update(next_attempt_at=None, given_up_at=now)
    assert problems(admin_client)[0].todo == (
        "The service no longer tries to send the alert. Correct the cause, then send it again."
    )
    AlertFactory(attempts=1, next_attempt_at=None, delivered_at=now, tried_at=now + dt.timedelta(seconds=1))
    assert problems(admin_client) == []


# The verdict


def test_when_all_is_well_the_first_line_says_so_and_nothing_else_is_said(all_well, admin_client):
    assert verdict(admin_client) == {"severity": "good", "symbol": "✓", "text": "All lists can be trusted."}
    assert problems(admin_client) == []
    assert "All lists can be trusted." in text_of(admin_client)


def test_a_failed_list_is_named_with_its_error_and_the_buttons_against_it(all_well, admin_client):
    text = "The ERP does not accept the login of agente."
    run = SyncRunFactory(sync_type="prices", status=Status.FAILED, error_text=text)
    assert verdict(admin_client)["text"] == "Not to be trusted: prices"
    [problem] = problems(admin_client)
    assert problem.severity == "bad"
    assert problem.what.startswith("Prices: failed 1 time in a row, last at ")
    assert problem.what.endswith(text)
    assert buttons(problem) == {
        f"View run {run.pk}": url(SyncRun, "change", run.pk),
        "Try again": reverse("admin:sync_syncrun_do", args=[run.pk, "retry"]),
    }


def test_failures_in_a_row_are_counted(all_well, admin_client):
    SyncRunFactory.create_batch(2, sync_type="prices", status=Status.FAILED)
    assert "failed 2 times in a row" in problems(admin_client)[0].what


def test_a_quarantined_export_leads_to_what_would_be_lost(all_well, admin_client):
    text = "The export lacks 400 of the 1450 mirrored records"
    run = SyncRunFactory(status=Status.QUARANTINED, error_text=text)
    [problem] = problems(admin_client)
    assert "in quarantine" in problem.what
    assert text in problem.what
    assert "Nothing was changed." in problem.todo
    assert buttons(problem)["View what would be lost"] == reverse("admin:sync_syncrun_accept", args=[run.pk])


def test_who_may_not_accept_an_export_gets_no_button_for_it(all_well, colleague):
    run = SyncRunFactory(status=Status.QUARANTINED)
    [problem] = problems(colleague("view_syncrun", "request_syncrun"))
    assert list(buttons(problem)) == [f"View run {run.pk}", "Try again"]


@pytest.mark.parametrize("status", [Status.QUEUED, Status.RUNNING])
def test_an_export_that_was_accepted_is_not_asked_about_again(status, all_well, admin_client):
    run = SyncRunFactory(status=Status.QUARANTINED)
    SyncRunFactory(accepts=run, trigger="accept", status=status)
    [problem] = problems(admin_client)
    assert problem.todo == "Its export was accepted and waits for its turn."
    assert list(buttons(problem)) == [f"View run {run.pk}"]


def test_an_export_whose_acceptance_was_cancelled_is_asked_about_again(all_well, admin_client):
    quarantined = SyncRunFactory(status=Status.QUARANTINED)
    SyncRunFactory(accepts=quarantined, trigger="accept", status=Status.CANCELLED)
    [problem] = problems(admin_client)
    assert "View what would be lost" in buttons(problem)


def test_a_list_without_a_schedule_is_not_trusted_as_nothing_is_known_of_it(all_well, admin_client):
    SyncSchedule.objects.filter(sync_type__in=["prices", "ddt"]).delete()
    assert verdict(admin_client)["severity"] == "bad"
    assert verdict(admin_client)["text"] == "Not to be trusted: DDT, prices"
    ddt, prices = problems(admin_client)
    assert (ddt.severity, ddt.what) == ("bad", "DDT: no schedule exists, so the state is not known.")
    assert (prices.severity, prices.todo) == ("bad", "Run manage.py migrate on the server.")


def test_a_list_that_was_never_mirrored_is_not_trusted(all_well, admin_client):
    SyncRun.objects.filter(sync_type="products").delete()
    [problem] = problems(admin_client)
    assert problem.what == "Products: never synced so far."
    assert "press Run now" in problem.todo


def test_what_is_due_already_is_not_said_to_be_tried_at_a_time_that_is_past(all_well, admin_client):
    SyncSchedule.objects.filter(sync_type="products").update(
        requested_slot=None, counted_from=timezone.now() - dt.timedelta(days=1)
    )
    SyncRun.objects.filter(sync_type="products").delete()
    [problem] = problems(admin_client)
    assert problem.todo.startswith("It has been due since ")
    assert card(admin_client, "products")["next"].startswith("due since ")


def test_a_list_that_is_late_says_since_when(all_well, admin_client):
    SyncRun.objects.filter(sync_type="orders").update(exported_at=timezone.now() - dt.timedelta(hours=2))
    [problem] = problems(admin_client)
    assert problem.what.startswith("Orders: late; last updated at ")
    assert problem.what.endswith("2\xa0hours ago.")


def test_without_a_worker_nothing_runs_and_the_page_says_what_to_start(all_well, admin_client):
    SyncWorker.objects.all().delete()
    [problem] = problems(admin_client)
    assert problem.severity == "bad"
    assert problem.what == "No worker has been started yet: nothing runs automatically."
    assert problem.todo == "Start manage.py qcluster on the server."
    assert verdict(admin_client)["severity"] == "warn"
    assert "✗ none" in text_of(admin_client)


def test_a_worker_that_was_stopped_is_told_with_its_machine_and_when(all_well, admin_client):
    SyncWorker.objects.update(stopped_at=timezone.now())
    SyncWorkerFactory(name="old:1", seen_at=timezone.now() - MINUTE, stopped_at=timezone.now() - MINUTE)
    [problem] = problems(admin_client)
    assert problem.severity == "bad"
    assert problem.what.startswith("The worker on vm was stopped at ")
    assert problem.what.endswith(": nothing runs automatically.")
    assert problem.todo == "Start manage.py qcluster on the server."
    html = text_of(admin_client)
    assert "– stopped" in html
    assert "✓ responding" not in html


def test_a_worker_that_fell_silent_is_not_to_be_started_but_to_be_looked_at(all_well, admin_client):
    SyncWorker.objects.update(seen_at=timezone.now() - dt.timedelta(minutes=10))
    [problem] = problems(admin_client)
    assert problem.severity == "bad"
    assert problem.what.startswith("The worker on vm has not responded since ")
    assert problem.what.endswith(": nothing runs automatically.")
    assert "is restarted by its watchdog within 45 s" in problem.todo
    assert "restart manage.py qcluster there" in problem.todo


def test_each_silent_worker_is_a_warning_while_another_lives(all_well, admin_client):
    for name in ("b:2", "c:3"):
        SyncWorkerFactory(name=name, seen_at=timezone.now() - dt.timedelta(minutes=10))
    SyncWorkerFactory(name="d:4", stopped_at=timezone.now())
    found = problems(admin_client)
    assert [problem.severity for problem in found] == ["warn", "warn"]
    assert {problem.what.partition(" has not responded since ")[0] for problem in found} == {
        "The worker on b",
        "The worker on c",
    }
    assert all(problem.what.endswith("; the other workers continue.") for problem in found)
    html = text_of(admin_client)
    assert [html.count(state) for state in ("✓ responding", "✗ not responding", "– stopped")] == [1, 2, 1]


def test_a_silent_holder_of_the_lock_is_named_and_nothing_has_to_be_done(all_well, admin_client):
    mutex.acquire()
    SyncLock.objects.update(leased_until=timezone.now() - MINUTE)
    [problem] = problems(admin_client)
    assert "The process that holds the lock has not responded since" in problem.what
    assert "you do not need to do anything" in problem.todo


def test_a_run_that_is_to_be_tried_again_says_why_and_when(all_well, admin_client):
    text = "The ERP did not provide an export: the connection failed (Connection refused). Try again in a minute."
    at = timezone.now().isoformat()
    attempt = {"outcome": "failed", "startedAt": at, "endedAt": at, "error": "ErpUnavailable", "text": text}
    later = timezone.now() + MINUTE
    SyncRunFactory(sync_type="ddt", status=Status.QUEUED, not_before=later, ended_attempts=[attempt])
    [problem] = problems(admin_client)
    assert problem.severity == "warn"
    assert problem.what == f"DDT: {text}"
    assert problem.todo.startswith("It is tried again automatically at ")
    assert "Run now" in buttons(problem)
    assert card(admin_client, "ddt")["next"].startswith("tried again at ")
    assert "trying again" in card(admin_client, "ddt")["badge"]


@pytest.mark.parametrize(
    ("changes", "todo"),
    [
        (
            {"not_before": dt.datetime(2026, 1, 1, tzinfo=dt.UTC)},
            "It is tried again automatically when its turn comes.",
        ),
        ({"status": Status.RUNNING, "not_before": None}, "It is tried again now."),
    ],
)
def test_no_time_that_is_past_is_promised_for_the_next_attempt(all_well, admin_client, changes, todo):
    attempt = {"outcome": "failed", "error": "ErpUnavailable", "text": "The ERP is down."}
    run = SyncRunFactory(sync_type="ddt", status=Status.QUEUED, ended_attempts=[attempt])
    SyncRun.objects.filter(pk=run.pk).update(**changes)
    [problem] = problems(admin_client)
    assert (problem.what, problem.todo) == ("DDT: The ERP is down.", todo)
    assert "Run now" not in buttons(problem)
    assert "tried again at" not in card(admin_client, "ddt")["next"]


def test_run_now_makes_the_next_attempt_at_once(all_well, admin_client):
    attempt = {"outcome": "failed", "error": "ErpUnavailable", "text": "The ERP is down."}
    later = timezone.now() + MINUTE
    run = SyncRunFactory(sync_type="ddt", status=Status.QUEUED, not_before=later, ended_attempts=[attempt])
    page = admin_client.get(f"/admin/sync/syncrun/{run.pk}/change/", headers={"accept-language": "en"})
    assert "Run now" in page.content.decode()
    [problem] = problems(admin_client)
    admin_client.post(problem.buttons[0].url)
    run.refresh_from_db()
    assert (run.status, run.not_before) == (Status.QUEUED, None)


def test_a_long_error_of_an_attempt_is_told_in_part(all_well, admin_client):
    attempt = {"error": "ErpUnavailable", "text": "x y " * 250_000}
    SyncRunFactory(sync_type="ddt", status=Status.QUEUED, not_before=timezone.now() + MINUTE, ended_attempts=[attempt])
    [problem] = problems(admin_client)
    assert problem.what.startswith("DDT: x y x y")
    assert len(problem.what) < 400


def test_an_attempt_of_which_little_was_kept_is_no_problem(all_well, admin_client):
    SyncRunFactory(sync_type="ddt", status=Status.QUEUED, not_before=timezone.now() + MINUTE, ended_attempts=[{}])
    assert problems(admin_client) == []


def test_a_disabled_schedule_is_told(all_well, admin_client):
    SyncSchedule.objects.filter(sync_type="ddt").update(enabled=False)
    [problem] = problems(admin_client)
    time = card(admin_client, "ddt")["fresh"]
    assert problem.what == f"Synced only on request, because their schedules are disabled: DDT (as of {time})"
    assert card(admin_client, "ddt")["next"] == "never: the schedule is disabled"


@pytest.fixture
def old_ddt(all_well):
    """DDT are as they were 60 days ago: their schedule was disabled then."""
    SyncRun.objects.filter(sync_type="ddt").update(exported_at=timezone.now() - dt.timedelta(days=60))
    SyncSchedule.objects.filter(sync_type="ddt").update(enabled=False)
    return SyncSchedule.objects.get(sync_type="ddt")


def test_a_list_that_grew_old_while_its_schedule_is_disabled_is_not_trusted(old_ddt, admin_client):
    assert verdict(admin_client)["text"] == "Not to be trusted: DDT"
    [problem] = problems(admin_client)
    assert problem.severity == "bad"
    assert problem.what.endswith(", 1\xa0month ago, and the schedule is disabled.")
    assert buttons(problem) == {
        text: reverse("admin:sync_syncschedule_do", args=[old_ddt.pk, verb])
        for text, verb in (("Run now", "run"), ("Enable", "enable"))
    }
    assert ">⚠ old</span>" in text_of(admin_client)


def test_the_buttons_of_an_old_list_do_what_they_say(old_ddt, admin_client):
    for address in buttons(problems(admin_client)[0]).values():
        admin_client.post(address)
    assert SyncRun.objects.queued().filter(sync_type="ddt").exists()
    assert SyncSchedule.objects.get(sync_type="ddt").enabled


def test_who_may_do_nothing_about_an_old_list_gets_no_buttons(old_ddt, colleague):
    [problem] = problems(colleague("view_syncrun", "view_syncschedule"))
    assert buttons(problem) == {}


def test_an_old_list_that_is_being_refreshed_says_so(old_ddt, admin_client):
    SyncRunFactory(sync_type="ddt", status=Status.QUEUED)
    [problem] = problems(admin_client)
    assert (problem.todo, problem.buttons) == ("A run waits for its turn.", [])


def test_the_gravest_comes_first(all_well, admin_client):
    SyncSchedule.objects.filter(sync_type="orders").update(enabled=False)
    SyncRunFactory(sync_type="products", status=Status.FAILED)
    assert [problem.severity for problem in problems(admin_client)] == ["bad", "warn"]


def test_a_name_in_an_error_is_text_and_no_html(all_well, admin_client):
    SyncRunFactory(sync_type="prices", status=Status.FAILED, error_text="<script>alert(1)</script>")
    html = admin_client.get(FRONT).content.decode()
    assert "<script>alert(1)</script>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_a_run_that_takes_much_longer_than_usual_is_told_and_can_be_cancelled(all_well, admin_client):
    SyncRunFactory(
        status=Status.RUNNING, took=10 * SECOND, stage="fetching"
    )  # for ten seconds, where it usually takes three
    assert problems(admin_client) == []
    SyncRun.objects.running().update(started_at=timezone.now() - MINUTE)
    [problem] = problems(admin_client)
    assert problem.severity == "warn"
    assert "The ERP may hang." in problem.what
    assert problem.todo.startswith("The attempt ends automatically if the ERP takes longer than 7 min")
    assert "Cancel" in buttons(problem)
    SyncRun.objects.running().update(mode="smart")
    [problem] = problems(admin_client)
    assert problem.todo.startswith("The attempt ends automatically if the ERP takes longer than 1 min")


def test_of_a_run_that_reads_for_long_nobody_says_that_the_erp_hangs_or_gives_it_up(all_well, admin_client):
    SyncRunFactory(status=Status.RUNNING, took=MINUTE, stage="reading")
    [problem] = problems(admin_client)
    assert "ERP" not in problem.what
    assert problem.todo == "The export is read and applied; the other lists wait."
    assert "Cancel" in buttons(problem)


def test_while_an_order_form_is_open_no_card_promises_what_it_pauses(all_well, admin_client, admin_user):
    sessions.open_session(admin_user)
    assert card(admin_client, "prices")["next"].endswith(", when the order forms are closed")
    assert ", in " in card(admin_client, "customers")["next"]


def test_a_failed_acceptance_is_not_offered_to_be_tried_again(all_well, admin_client):
    quarantined = SyncRunFactory(sync_type="prices", status=Status.QUARANTINED, ended_ago=MINUTE)
    SyncRunFactory(sync_type="prices", status=Status.FAILED, accepts=quarantined)
    assert "Try again" not in buttons(problems(admin_client)[0])


# Cards


def test_a_card_counts_the_records_of_the_last_export_after_a_look_too(all_well, admin_client):
    SyncRunFactory(sync_type="customers", read_from=SyncRun.Source.LOOK, read=0, mode=SyncRun.Mode.INCREMENTAL)
    assert card(admin_client, "customers")["records"] == "1,450"


def test_a_card_tells_its_list_in_figures(all_well, admin_client):
    CustomerFactory()
    told = card(admin_client, "customers")
    assert told["name"] == "Customers"
    assert (told["records"], told["took"], told["age"]) == ("1,450", "3.0 s", "1\xa0minute ago")
    assert "healthy" in told["badge"]
    assert ", in " in told["next"]


def test_a_card_tells_what_its_runs_usually_take_beside_the_last(all_well, admin_client):
    SyncRunFactory(sync_type="ddt", ended_ago=2 * MINUTE, took=2.2 * SECOND)
    assert card(admin_client, "ddt")["usual"] == "usually 2.6 s"
    assert '>3.0 s</a> <span class="quiet">usually 2.6 s</span>' in text_of(admin_client)


def test_a_list_that_was_never_mirrored_has_no_usual_duration(admin_client):
    assert card(admin_client, "ddt")["usual"] == ""


def test_a_card_shows_the_last_change_and_leads_to_it(all_well, admin_client):
    customer = CustomerFactory()
    run = SyncRunFactory(started_at=customer.changed_at, created=1)
    SyncRunFactory(started_at=customer.changed_at + 5 * MINUTE)
    change = card(admin_client, "customers")["change"]
    assert (change["run"], change["what"]) == (run, "1 created")
    assert change["address"].endswith(f"?run={run.pk}")


def test_a_sparkline_has_the_last_thirty_runs_with_their_ends_the_longest_highest(all_well, admin_client):
    for number in range(35):
        SyncRunFactory(sync_type="ddt", ended_ago=(40 - number) * MINUTE)
    SyncRunFactory(sync_type="ddt", status=Status.FAILED, ended_ago=2 * MINUTE, took=MINUTE)
    spark = card(admin_client, "ddt")["spark"]
    assert len(spark["bars"]) == 30
    assert max(spark["bars"], key=lambda bar: float(bar["height"]))["kind"] == "failed"
    assert spark["label"] == "The last 30 runs: the longest took 1 min, 1 did not succeed."


def test_cards_are_in_the_order_of_urgency(all_well, admin_client):
    assert [each["health"].sync_type for each in context_of(admin_client)["cards"]] == list_types()


# What is in progress, and what keeps the syncs in order


@pytest.fixture
def still():
    """Clocks stand still."""
    with time_machine.travel(timezone.now(), tick=False):
        yield


def test_a_run_that_reads_shows_its_pages_and_the_time_left(still, all_well, admin_client):
    progress = {"stage": "reading", "pages_read": 250, "pages": 1000, "erp_time": 6 * SECOND}
    SyncRunFactory(status=Status.RUNNING, took=10 * SECOND, **progress)
    current = context_of(admin_client)["current"]
    # 250 pages in 4 seconds: 750 more in 12.
    assert current["text"] == "reading the export · page 250 of 1,000 · 10.0 s so far · about 12.0 s left"
    assert current["percent"] == pytest.approx(100 * 10 / 22, abs=1)


def test_a_run_that_waits_for_the_erp_is_measured_by_how_long_its_like_took(still, all_well, admin_client):
    SyncRun.objects.filter(sync_type="customers").delete()
    SyncRunFactory(took=40 * SECOND)
    SyncRunFactory(status=Status.RUNNING, took=10 * SECOND, stage="fetching")
    current = context_of(admin_client)["current"]
    assert current["text"] == "fetching the export · 10.0 s so far · about 30.0 s left"
    assert current["percent"] == pytest.approx(25, abs=1)


def test_a_run_that_takes_longer_than_usual_says_so_and_its_bar_knows_no_end(still, all_well, admin_client):
    SyncRunFactory(status=Status.RUNNING, took=10 * SECOND, stage="fetching")
    current = context_of(admin_client)["current"]
    assert current["text"] == "fetching the export · 10.0 s so far · usually 3.0 s"
    assert current["percent"] is None


def test_a_first_run_has_a_bar_that_knows_no_end(still, admin_client):
    SyncRunFactory(status=Status.RUNNING, took=10 * SECOND, stage="fetching")
    current = context_of(admin_client)["current"]
    assert (current["percent"], current["text"]) == (None, "fetching the export · 10.0 s so far")


def test_a_run_that_a_clock_ahead_of_ours_started_has_lasted_no_time(still, all_well, admin_client):
    SyncRunFactory(status=Status.RUNNING, took=-5 * SECOND, stage="fetching")
    current = context_of(admin_client)["current"]
    assert (current["percent"], current["text"]) == (0, "fetching the export · 0.0 s so far · about 3.0 s left")


def test_while_a_run_is_in_progress_the_page_asks_every_second(all_well, admin_client):
    assert 'data-every="30"' in text_of(admin_client)
    SyncRunFactory(status=Status.RUNNING)
    assert 'data-every="1"' in text_of(admin_client)


def test_the_queue_is_in_the_order_in_which_it_will_run_with_what_each_waits_for(all_well, admin_client, admin_user):
    sessions.open_session(admin_user)
    for sync_type in ("products", "orders", "customers"):
        request_sync(sync_type, trigger=SyncRun.Trigger.API)
    queue = context_of(admin_client)["queue"]["runs"]
    assert [(each["name"], each["why"]) for each in queue] == [
        ("Customers", "waits for its turn"),
        ("Orders", "waits until the order forms are closed"),
        ("Products", "waits until the order forms are closed"),
    ]


def test_what_may_run_though_a_form_is_open_is_not_said_to_wait_for_it(all_well, admin_client, admin_user):
    sessions.open_session(admin_user)
    SyncRunFactory(sync_type="orders", status=Status.QUEUED, requested_at=timezone.now() - 31 * MINUTE)  # too long
    SyncRun.objects.filter(sync_type="prices").delete()  # never mirrored
    assert ", when the order forms are closed" not in card(admin_client, "prices")["next"]
    request_sync("prices", trigger=SyncRun.Trigger.API)
    request_sync("ddt", trigger=SyncRun.Trigger.API)
    queue = context_of(admin_client)["queue"]["runs"]
    assert [(each["name"], each["why"]) for each in queue] == [
        ("Orders", "waits for its turn"),
        ("Prices", "waits for its turn"),
        ("DDT", "waits until the order forms are closed"),
    ]
    assert card(admin_client, "orders")["next"] == "waits for its turn"


def test_of_a_long_queue_the_first_are_shown_and_all_are_a_click_away(all_well, admin_client):
    for number in range(25):
        SyncRunFactory(sync_type="prices", status=Status.QUEUED, given_file=f"/exports/{number}.pdf")
    context = context_of(admin_client)
    assert (len(context["queue"]["runs"]), context["queue"]["more"]) == (20, 5)
    html = text_of(admin_client)
    assert 'Queue <span class="count">25</span>' in html
    assert f'<a href="{context["queue"]["address"]}">and 5 more</a>' in html
    assert len(admin_client.get(context["queue"]["address"]).context["cl"].result_list) == 25


def test_a_run_is_cancelled_from_the_front_page_and_leads_back_to_it(all_well, admin_client):
    run = request_sync("products", trigger=SyncRun.Trigger.API)
    [queued] = context_of(admin_client)["queue"]["runs"]
    answer = admin_client.post(queued["cancel"], {"next": FRONT})
    assert answer.url == FRONT
    run.refresh_from_db()
    assert run.status == Status.CANCELLED


def test_no_other_site_is_led_to(all_well, admin_client):
    run = request_sync("products", trigger=SyncRun.Trigger.API)
    address = reverse("admin:sync_syncrun_do", args=[run.pk, "cancel"])
    answer = admin_client.post(address, {"next": "https://example.org/"})
    assert answer.url == url(SyncRun, "change", run.pk)


def test_an_open_order_form_is_shown_with_its_agent_and_can_be_closed(all_well, admin_client, admin_user):
    session = sessions.open_session(admin_user)
    [form] = context_of(admin_client)["forms"]["open"]
    assert form["agent"] == "admin"
    admin_client.post(form["close"], {"next": FRONT})
    session.refresh_from_db()
    assert not session.is_live
    assert SyncEvent.objects.get(kind="session_closed").by == admin_user


def test_many_order_forms_are_counted_and_the_first_shown(all_well, admin_client, admin_user):
    for _ in range(25):
        sessions.open_session(admin_user)
    forms = context_of(admin_client)["forms"]
    assert (len(forms["open"]), forms["more"]) == (20, 5)
    assert "and 5 more" in text_of(admin_client)


def test_the_lock_shows_its_holder_since_when_and_its_token(all_well, admin_client):
    mutex.acquire()
    lock = SyncLock.objects.get()
    html = text_of(admin_client)
    assert lock.holder in html
    assert f"<dt>token</dt><dd>{lock.token}</dd>" in html


def test_the_worker_shows_its_name_and_when_it_was_heard_of(all_well, admin_client):
    html = text_of(admin_client)
    assert '<dt>name</dt><dd class="name">vm:1</dd>' in html
    assert "last response" in html


def test_what_is_empty_says_so(all_well, admin_client):
    html = text_of(admin_client)
    assert "None: nothing is paused." in html
    assert "Empty: nothing waits." in html


# Run now


@pytest.mark.parametrize("mode", ["auto", "full", "incremental"])
def test_a_list_is_synced_now_in_the_chosen_mode_by_whoever_asked(mode, all_well, admin_client, admin_user):
    asked = {"sync_type": "prices", "mode": mode, "next": FRONT}
    answer = admin_client.post(reverse("request_run"), asked)
    run = SyncRun.objects.get(status=Status.QUEUED)
    assert (run.sync_type, run.mode, run.trigger, run.requested_by) == ("prices", mode, "admin", admin_user)
    assert answer.url == FRONT
    assert f"/{run.pk}/change/" in said(answer)[0]


@pytest.mark.parametrize(
    "asked", [{"sync_type": "nothing", "mode": "full"}, {"sync_type": "prices", "mode": "smart"}, {}]
)
def test_what_cannot_be_asked_for_is_refused(asked, all_well, admin_client):
    assert admin_client.post(reverse("request_run"), asked).status_code == 400
    assert not SyncRun.objects.queued().exists()


# Who sees it


def test_who_may_see_runs_sees_the_control_room_and_only_the_buttons_they_may_press(all_well, colleague):
    SyncRunFactory(sync_type="prices", status=Status.FAILED)
    client = colleague("view_syncrun")
    assert "Not to be trusted: prices" in text_of(client)
    html = text_of(client)
    assert "Run now" not in html.replace("press Run now", "")
    assert ">Try again<" not in html
    assert client.post(reverse("request_run"), {"sync_type": "prices", "mode": "full"}).status_code == 403


def test_with_the_permission_there_are_buttons(all_well, colleague):
    SyncRunFactory(sync_type="prices", status=Status.FAILED)
    client = colleague("view_syncrun", "request_syncrun")
    assert ">Run now<" in text_of(client)
    assert ">Try again<" in text_of(client)


def test_the_names_of_agents_are_for_whoever_may_see_order_forms(all_well, colleague, admin_user):
    admin_user.first_name = "Agente Rossi"
    admin_user.save()
    sessions.open_session(admin_user)
    html = text_of(colleague("view_syncrun"))
    assert "Agente Rossi" not in html
    assert 'Open order forms <span class="count">1</span>' in html
    assert "None: nothing is paused." not in html
    assert "The other lists wait until" in html


def test_who_may_see_order_forms_and_not_close_them_gets_no_button_for_it(all_well, colleague, admin_user):
    sessions.open_session(admin_user)
    client = colleague("view_syncrun", "view_orderformsession")
    [form] = context_of(client)["forms"]["open"]
    assert (form["agent"], form["close"]) == ("admin", "")
    assert ">Close<" not in text_of(client)


def test_who_holds_the_lock_is_for_whoever_may_see_it(all_well, colleague):
    mutex.acquire()
    html = text_of(colleague("view_syncrun"))
    assert SyncLock.objects.get().holder not in html
    assert "▶ held" in html


def test_the_name_of_the_worker_is_for_whoever_may_see_workers(all_well, colleague):
    SyncWorker.objects.update(name="machine:1")
    html = text_of(colleague("view_syncrun"))
    assert "machine:1" not in html
    assert "✓ responding" in html
    assert "last response" in html
    SyncWorker.objects.update(stopped_at=timezone.now())
    html = text_of(colleague("view_syncrun"))
    assert "A worker was stopped at" in html
    assert "on machine" not in html


def test_other_staff_see_their_pages_without_the_control_room(all_well, colleague):
    client = colleague("view_customer")
    html = text_of(client)
    assert "control-room" not in html
    assert "/admin/customers/customer/" in html


@pytest.mark.parametrize("address", [NOW, "/admin/day/"])
def test_the_parts_are_for_whoever_may_see_runs(address, all_well, colleague):
    assert colleague("view_customer").get(address).status_code == 403


@pytest.mark.parametrize("address", [FRONT, NOW, "/admin/day/", "/admin/run/"])
def test_who_is_not_signed_in_is_asked_to(address, client):
    answer = client.get(address)
    assert answer.status_code == 302
    assert answer.url.startswith("/admin/login/")


def test_an_agent_has_no_admin(client):
    client.force_login(UserFactory())
    assert client.get(FRONT).status_code == 302


def test_looking_changes_nothing(all_well, admin_client):
    before = SyncEvent.objects.count(), SyncRun.objects.count()
    for address in (FRONT, NOW, "/admin/day/"):
        assert admin_client.get(address).status_code == 200
    assert admin_client.get(reverse("request_run")).status_code == 405
    assert (SyncEvent.objects.count(), SyncRun.objects.count()) == before


# What it costs


def queries(client, address):
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


@pytest.mark.parametrize("address", [FRONT, NOW, "/admin/day/"])
def test_it_asks_as_many_questions_after_a_long_history_as_after_a_short_one(
    address, all_well, admin_client, admin_user
):
    for sync_type in list_types():
        SyncRunFactory(sync_type=sync_type, status=Status.FAILED, ended_ago=20 * MINUTE)
        request_sync(sync_type, trigger=SyncRun.Trigger.API)
    sessions.open_session(admin_user)
    few = queries(admin_client, address)
    for number in range(30):
        for sync_type in list_types():
            RecordChangeFactory(run=SyncRunFactory(sync_type=sync_type, ended_ago=(5 + number) * MINUTE))
            SyncRunFactory(sync_type=sync_type, status=Status.FAILED, ended_ago=(20 + number) * MINUTE)
        sessions.open_session(UserFactory())
        SyncRunFactory(sync_type="prices", status=Status.QUEUED, given_file=f"/exports/{number}.pdf")
    assert OrderFormSession.objects.live().count() == 31
    assert queries(admin_client, address) == few


def test_a_late_list_that_is_tried_again_is_told_when_and_not_that_it_is_its_turn(all_well, admin_client):
    SyncRun.objects.filter(sync_type="orders").update(exported_at=timezone.now() - 60 * MINUTE)
    attempt = {"outcome": "failed", "error": "ErpUnavailable", "text": "The ERP is down."}
    later = timezone.now() + MINUTE
    SyncRunFactory(sync_type="orders", status=Status.QUEUED, ended_attempts=[attempt], not_before=later)
    of_orders = [problem for problem in problems(admin_client) if problem.what.startswith("Orders")]
    assert [problem.severity for problem in of_orders] == ["bad", "warn"]
    assert {problem.todo.rpartition(" at ")[0] for problem in of_orders} == {"It is tried again automatically"}


@pytest.mark.parametrize(("given_file", "buttons"), [("", ["Run now", "View run"]), ("/a.pdf", ["View run"])])
def test_run_now_is_no_button_of_a_given_file_that_waits_for_room(all_well, admin_client, given_file, buttons):
    attempt = {"outcome": "failed", "error": "DiskFull", "text": "The disk is full."}
    later = timezone.now() + MINUTE
    run = SyncRunFactory(
        sync_type="orders", status=Status.QUEUED, ended_attempts=[attempt], not_before=later, given_file=given_file
    )
    [problem] = [problem for problem in problems(admin_client) if problem.what.startswith("Orders")]
    assert [str(button.label).removesuffix(f" {run.pk}") for button in problem.buttons] == buttons
    page = admin_client.get(reverse("admin:sync_syncrun_change", args=[run.pk]))
    assert ("Run now" in [str(button.label) for button in page.context["buttons"]]) is (not given_file)
