"""A login that the ERP rejects is tried once; then every list waits until a person acts."""

from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.core.management import call_command
from django.test import override_settings

from sync.coordinator import queue, runner, schedules, sessions
from sync.database import clock
from sync.erp import login as erp_login
from sync.exceptions import ControlTotalMismatch, ErpLoginRejected, ErpUnavailable
from sync.models import RejectedLogin, SyncEvent, SyncRun, SyncSchedule
from sync.monitoring import health
from sync.monitoring.fingerprint import compute_status_fingerprint
from sync.tasks import tick
from tests.factories import SyncRunFactory, UserFactory
from tests.lists import TYPES

pytestmark = pytest.mark.django_db(transaction=True)

Mode = SyncRun.Mode
Status = SyncRun.Status
Trigger = SyncRun.Trigger
REJECTED = ErpLoginRejected(username="agente")


@pytest.fixture(autouse=True)
def wrong_password(settings):
    settings.ERP_URL, settings.ERP_USERNAME, settings.ERP_PASSWORD = "https://erp.example/", "agente", "sbagliata"


@pytest.fixture
def erp(tiny_erp):
    """An ERP that rejects the login whatever list is asked for."""
    tiny_erp.errors = dict.fromkeys(SyncSchedule.objects.values_list("sync_type", flat=True), REJECTED)
    return tiny_erp


@pytest.fixture
def rejected(erp):
    """The run that found out, by schedule."""
    run = queue.request_sync("orders", trigger=Trigger.SCHEDULE)
    runner.drain_queue()
    run.refresh_from_db()
    erp.fetched.clear()
    return run


def known():
    """What is known of a login that is rejected."""
    rejected = erp_login.find_rejected_login()
    assert rejected
    return rejected


def statuses():
    return dict(SyncRun.objects.order_by("pk").values_list("sync_type", "status"))


def test_six_lists_that_are_due_make_one_attempt_for_hours(erp):
    for sync_type in erp.errors:
        queue.request_sync(sync_type, trigger=Trigger.SCHEDULE)
    runner.drain_queue()
    assert erp.fetched == ["orders"]
    with time_machine.travel(clock.now(), tick=False) as traveller:
        for _ in range(20):
            traveller.shift(timedelta(minutes=30))
            tick()
    assert erp.fetched == ["orders"]
    assert statuses() == {"orders": "failed"} | dict.fromkeys(set(erp.errors) - {"orders"}, "queued")


def test_what_becomes_due_meanwhile_is_not_queued_and_no_run_fails(rejected, erp):
    SyncSchedule.objects.update(requested_slot=None, counted_from=clock.now() - timedelta(days=1))
    assert schedules.request_due() == []
    assert statuses() == {"orders": "failed"}
    with override_settings(ERP_PASSWORD="giusta"):
        assert {run.sync_type for run in schedules.request_due()} == set(erp.errors)


@pytest.mark.parametrize("setting", ["ERP_URL", "ERP_USERNAME", "ERP_PASSWORD"])
def test_other_credentials_are_tried(rejected, erp, settings, setting):
    setattr(settings, setting, "other")
    assert erp_login.find_rejected_login() is None
    erp.errors.clear()
    queue.request_sync("ddt", trigger=Trigger.SCHEDULE)
    runner.drain_queue()
    assert erp.fetched == ["ddt"]


def test_the_password_is_not_kept(rejected):
    [row] = RejectedLogin.objects.values_list()
    assert "sbagliata" not in repr(row)


@pytest.mark.parametrize("trigger", [Trigger.MANUAL, Trigger.ADMIN, Trigger.API, Trigger.RETRY])
def test_a_person_s_request_is_one_new_attempt_of_its_own_list(rejected, erp, trigger):
    queue.request_sync("customers", trigger=Trigger.SCHEDULE)
    asked = queue.request_sync("products", trigger=trigger)
    queue.request_sync("prices", trigger=trigger)  # by the same person, as of all lists
    runner.drain_queue()
    assert erp.fetched == ["products"]
    asked.refresh_from_db()
    assert (asked.status, known().run) == (Status.FAILED, asked)
    assert statuses() | {"orders": "", "products": ""} == {
        "customers": "queued", "prices": "queued", "orders": "", "products": ""
    }  # fmt: skip


def test_a_request_for_a_list_that_waits_already_lets_that_run_try(rejected, erp):
    waiting = queue.request_sync("ddt", trigger=Trigger.SCHEDULE)
    assert queue.request_sync("ddt", trigger=Trigger.ADMIN) == waiting
    runner.drain_queue()
    assert erp.fetched == ["ddt"]


def test_once_the_login_is_accepted_everything_goes_on(rejected, erp):
    queue.request_sync("ddt", trigger=Trigger.SCHEDULE)
    erp.errors.clear()
    queue.request_sync("products", trigger=Trigger.ADMIN)
    runner.drain_queue()
    assert erp.fetched == ["products", "ddt"]
    assert erp_login.find_rejected_login() is None
    assert health.get_status().rejected_login is None


def test_a_login_that_was_accepted_is_so_although_the_export_is_refused(rejected, erp, monkeypatch):
    def refuse(*args, **options):
        raise ControlTotalMismatch(column="ID", function="Count", found="1", stated="2")

    erp.errors.clear()
    monkeypatch.setattr("sync.coordinator.reading.read_export", refuse)
    queue.request_sync("products", trigger=Trigger.ADMIN)
    runner.drain_queue()
    assert erp_login.find_rejected_login() is None


def test_an_erp_that_is_down_at_the_new_attempt_says_nothing_of_the_login(rejected, erp):
    erp.errors["products"] = ErpUnavailable(reason="it is down")
    asked = queue.request_sync("products", trigger=Trigger.ADMIN)
    runner.drain_queue()
    assert (known().attempt, known().is_tried_again) == (asked, True)


def test_an_order_form_is_answered_at_once_and_tries_nothing(rejected, erp):
    smart = sessions.request_smart_sync("customers", user=UserFactory())
    assert (smart.run, smart.run.error_class, smart.session.is_live) == (rejected, "ErpLoginRejected", True)
    assert erp.fetched == []
    assert SyncRun.objects.count() == 1


def test_an_order_form_that_waited_while_another_list_found_out_is_answered(erp):
    later = clock.now() + timedelta(hours=1)
    smart = SyncRunFactory(sync_type="customers", mode=Mode.SMART, status=Status.QUEUED, not_before=later)
    queue.request_sync("orders", trigger=Trigger.SCHEDULE)
    runner.drain_queue()
    smart.refresh_from_db()
    assert (erp.fetched, smart.status, smart.error_class) == (["orders"], Status.FAILED, "ErpLoginRejected")
    assert SyncEvent.objects.filter(run=smart, kind=SyncEvent.Kind.RUN_FAILED).exists()


def test_a_given_file_and_an_accepted_export_need_no_login(rejected, erp, tmp_path):
    given = erp.exports[next(name for name, sync_type in erp.names.items() if sync_type == "ddt")]
    by_hand = queue.request_sync("ddt", trigger=Trigger.MANUAL, given_file=given)
    kept = Path(tmp_path / "kept.pdf")
    kept.write_bytes(Path(erp.exports[next(n for n, t in erp.names.items() if t == "invoices")]).read_bytes())
    quarantined = SyncRunFactory(sync_type="invoices", status=Status.QUARANTINED, export_path=str(kept))
    accepted = queue.accept(quarantined)
    runner.drain_queue()
    for run in (by_hand, accepted):
        run.refresh_from_db()
    assert [by_hand.status, accepted.status] == [Status.SUCCEEDED, Status.SUCCEEDED]
    assert (erp.fetched, known().attempt) == ([], None)


# What is said of it


def test_the_command_line_says_one_problem_and_that_nothing_is_due(rejected, capsys):
    SyncRun.objects.exclude(pk=rejected.pk).delete()
    with pytest.raises(SystemExit):
        call_command("syncstatus")
    said = capsys.readouterr().out
    assert said.count("login of agente") == 1
    assert "no list is synced" in said
    assert "manage.py runsync" in said
    assert "never mirrored" not in said


def test_the_control_room_shows_one_problem_with_the_way_out(rejected, admin_client):
    context = admin_client.get("/admin/", headers={"accept-language": "en"}).context
    [problem] = [each for each in context["problems"] if each.severity == "bad" and "worker" not in each.what.lower()]
    assert problem.what.startswith("The ERP has not accepted the login of agente since ")
    assert "Check ERP_USERNAME and ERP_PASSWORD on the server." in problem.todo
    assert [str(button.label) for button in problem.buttons] == [f"View run {rejected.pk}", "Try again"]
    assert {card["next"] for card in context["cards"]} == {"waits until the ERP accepts the login"}
    retried = queue.retry(rejected)
    context = admin_client.get("/admin/", headers={"accept-language": "en"}).context
    [problem] = [each for each in context["problems"] if "login" in each.what]
    assert [str(button.label) for button in problem.buttons] == [f"View run {retried.pk}"]
    assert {card["next"] for card in context["cards"]} == {
        "waits until the ERP accepts the login",
        "waits for its turn",
    }


def test_a_list_whose_schedule_is_disabled_waits_for_no_login(rejected, admin_client):
    SyncSchedule.objects.filter(sync_type="products").update(enabled=False)
    cards = admin_client.get("/admin/", headers={"accept-language": "en"}).context["cards"]
    [card] = [card for card in cards if card["health"].sync_type == "products"]
    assert card["next"] == "never: the schedule is disabled"


def test_trouble_of_another_kind_is_still_told(rejected, admin_client):
    SyncRunFactory(sync_type="ddt", status=Status.FAILED, error_class="ExportEmpty", error_text="It is empty.")
    context = admin_client.get("/admin/", headers={"accept-language": "en"}).context
    [problem] = [each for each in context["problems"] if each.what.startswith("DDT")]
    assert "It is empty." in problem.what
    assert problem.todo == "No sync is tried until the ERP accepts the login."


def test_the_api_says_it(rejected, client):
    client.force_login(UserFactory())
    status = client.get("/api/sync/status").json()["data"]
    assert status["health"]["allHealthy"] is False
    told = status["rejectedLogin"]
    assert (told["runId"], told["nextAttempt"]) == (rejected.pk, None)
    assert "agente" not in str(told), "any agent can ask for it"
    answer = client.post("/api/customers/smart-sync", {}, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (502, "ErpLoginRejected")
    assert answer.json()["session"]["id"]


def test_runsync_says_what_a_list_waits_for(rejected, erp, capsys):
    with pytest.raises(SystemExit) as ended:
        call_command("runsync", "all")
    said = capsys.readouterr()
    assert ended.value.code == 1
    assert erp.fetched == ["orders"]
    assert said.out.count("it waits until the login is corrected") == len(TYPES) - 1


def test_a_dry_run_of_all_lists_tries_a_rejected_login_once(erp):
    with pytest.raises(SystemExit) as ended:
        call_command("runsync", "all", "--dry-run")
    assert (ended.value.code, erp.fetched) == (1, ["orders"])
    queue.request_sync("orders", trigger=Trigger.SCHEDULE)
    runner.drain_queue()
    assert erp.fetched == ["orders"]


def test_an_order_form_is_answered_by_a_refused_run_if_no_run_found_out(erp, client):
    erp_login.note_rejected()
    client.force_login(UserFactory())
    for _form in range(2):
        answer = client.post("/api/customers/smart-sync", {}, content_type="application/json")
        assert (answer.status_code, answer.json()["code"]) == (502, "ErpLoginRejected")
    run = SyncRun.objects.get()
    assert (run.status, run.attempts, known().run, erp.fetched) == (Status.FAILED, 0, run, [])


def test_the_control_room_tells_of_a_rejection_that_no_run_found(erp, admin_client):
    erp_login.note_rejected()
    context = admin_client.get("/admin/", headers={"accept-language": "en"}).context
    [problem] = [each for each in context["problems"] if "login" in each.what]
    assert (problem.severity, problem.buttons) == ("bad", [])
    assert admin_client.get("/api/sync/status").json()["data"]["rejectedLogin"]["runId"] is None


def test_a_rejection_outlives_its_run(rejected):
    rejected.delete()
    assert known().run is None


def test_nothing_is_healthy_while_no_list_is_synced(rejected, erp):
    for sync_type in erp.errors:
        SyncRunFactory(sync_type=sync_type, finished_at=clock.now())
    status = health.get_status()
    assert (status.untrusted, status.is_healthy) == ([], False)
    assert {each.next_due for each in status.types} == {None}


def test_the_status_is_another_once_the_login_is_rejected_and_once_it_is_tried_again(erp):
    seen = [compute_status_fingerprint()]
    run = SyncRunFactory(sync_type="orders", status=Status.FAILED)
    seen.append(compute_status_fingerprint())
    erp_login.note_rejected(run)
    seen.append(compute_status_fingerprint())
    erp_login.allow_attempt(SyncRunFactory(sync_type="orders", status=Status.QUEUED, given_file=""))
    seen.append(compute_status_fingerprint())
    assert len(set(seen)) == 4
