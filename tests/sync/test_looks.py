"""Looks at a list: what ends a run without its export, what a smart run brings of one, and what neither stands for."""

import json
from dataclasses import replace
from datetime import timedelta
from functools import partial
from types import SimpleNamespace

import pytest
import time_machine
from django.core.management import call_command
from django.utils import timezone

from customers.models import Customer
from demo.erp.faults import Fault
from orders.models import Order
from sync.coordinator import kept_exports, looks, queue, runner, sessions
from sync.exceptions import ErpAnswerUnexpected, ErpClosed, ErpLoginRejected, ErpLoginsSpent, ErpUnavailable
from sync.models import ColumnDrift, MirroredColumn, RecordChange, SeenList, SyncEvent, SyncRun
from sync.monitoring import health, retention
from sync.monitoring.serializers import RunSerializer
from sync.service import get_service
from tests.factories import CustomerFactory, SyncRunFactory, UserFactory
from tests.sync.drawing import draw_list
from tests.sync.looking_erp import ROWS, with_cell, without_column
from tests.sync.pages import html_of, url

pytestmark = pytest.mark.django_db

Mode, Source, Status, Trigger = SyncRun.Mode, SyncRun.Source, SyncRun.Status, SyncRun.Trigger
LOOK, EXPORT = ("look", "orders"), ("export", "orders")
UNAVAILABLE = ErpUnavailable(reason="its grid did not come to rest")


@pytest.fixture
def clock():
    with time_machine.travel("2026-01-20T12:00:00+01:00", tick=False) as clock:
        yield clock


def run_sync(sync_type="orders", *, trigger=Trigger.SCHEDULE, clock=None, **options):
    """A run; a second after what was before, if a clock is given: the last of two runs is known by its time."""
    if clock:
        clock.shift(timedelta(seconds=1))
    run = queue.request_sync(sync_type, trigger=trigger, **options)
    runner.wait_for(run)
    run.refresh_from_db()
    return run


def run_smart_sync(search=""):
    return run_sync("customers", mode=Mode.SMART, trigger=Trigger.ORDER_FORM, search=search)


def change_order(looking):
    record = next(looking.erp.find_records("orders"))
    world = looking.erp.world
    place = next(at for at in range(world.count("orders")) if world.find_record("orders", at).id == record.id)
    world.change("orders", place, replace(record, description="otherwise"))


def get_health(sync_type):
    return health.get_status().by_type[sync_type]


@pytest.fixture
def mirrored(looking, clock):
    """All orders and customers were exported and applied five minutes ago."""
    for sync_type in ("orders", "customers"):
        assert run_sync(sync_type).status == Status.SUCCEEDED
    clock.shift(timedelta(minutes=5))
    looking.asked.clear()
    return looking


# Did anything change?


def test_a_list_that_looks_as_at_its_last_export_is_not_exported(mirrored, mirror_state):
    before = mirror_state()
    run = run_sync()
    assert mirrored.asked == [LOOK]
    assert (run.status, run.mode, run.read_from) == (Status.SUCCEEDED, Mode.INCREMENTAL, Source.LOOK)
    assert (run.read, run.unchanged, run.export_path, run.control_totals) == (0, 0, "", [])
    assert run.exported_at == timezone.now()
    assert "20/01/2026 12:00:00" in str(run.notes[0])
    assert mirror_state() == before


def test_freshness_is_that_of_the_look(mirrored):
    run = run_sync()
    assert get_health("orders").fresh_as_of == run.exported_at
    assert get_health("orders").is_trusted


@pytest.mark.parametrize("sync_type", ["orders", "customers"])
def test_a_list_that_looks_otherwise_is_exported_in_the_same_run(sync_type, mirrored):
    mirrored.erp.happen("new-order" if sync_type == "orders" else "new-customer")
    run = run_sync(sync_type)
    assert mirrored.asked == [("look", sync_type), ("export", sync_type)]
    assert (run.read_from, run.created, run.status) == (Source.EXPORT, 1, Status.SUCCEEDED)
    mirrored.asked.clear()
    assert run_sync(sync_type).read_from == Source.LOOK  # compared with what was seen then


def test_a_changed_time_of_modification_is_noticed(mirrored):
    change_order(mirrored)
    assert run_sync().updated == 1
    assert Order.objects.filter(description="otherwise").exists()


def test_another_number_of_records_is_noticed(mirrored):
    mirrored.spoil = lambda look: replace(look, count=look.count - 1)
    run_sync()
    assert mirrored.asked == [LOOK, EXPORT]


def test_a_list_of_unknown_length_is_not_taken_for_unchanged(mirrored):
    SeenList.objects.update(count=None)
    mirrored.spoil = lambda look: replace(look, count=None)
    run_sync()
    assert mirrored.asked == [LOOK, EXPORT]


@pytest.mark.parametrize(("sync_type", "hours"), [("orders", 2), ("customers", 2), ("ddt", 6)])
def test_looks_count_for_a_while_after_an_export(sync_type, hours, looking, clock):
    run_sync(sync_type)
    SyncRunFactory(sync_type=sync_type, mode=Mode.FULL, finished_at=timezone.now() + timedelta(hours=5))  # not due
    SeenList.objects.update(run=SyncRun.objects.latest("finished_at"))
    clock.shift(timedelta(hours=hours, seconds=-1))
    looking.asked.clear()
    assert run_sync(sync_type).read_from == Source.LOOK
    clock.shift(timedelta(seconds=1))
    assert run_sync(sync_type).read_from == Source.EXPORT
    assert looking.asked == [("look", sync_type), ("export", sync_type)]


def test_what_was_seen_in_the_future_as_before_a_clock_was_put_back_is_not_compared(mirrored, clock):
    clock.shift(-timedelta(minutes=10))
    assert run_sync().read_from == Source.EXPORT


@pytest.mark.parametrize("trigger", [Trigger.MANUAL, Trigger.API, Trigger.ADMIN])
def test_a_person_gets_an_export(trigger, mirrored):
    assert run_sync(trigger=trigger).read_from == Source.EXPORT
    assert mirrored.asked == [EXPORT]


def test_a_person_who_asks_for_what_a_schedule_has_queued_gets_an_export(mirrored):
    scheduled = queue.request_sync("orders", trigger=Trigger.SCHEDULE)
    assert run_sync(trigger=Trigger.API) == scheduled
    assert mirrored.asked == [EXPORT]


def test_so_does_one_who_asks_while_a_schedule_s_run_goes_on_that_comes_back(mirrored):
    run = queue.request_sync("orders", trigger=Trigger.SCHEDULE)
    assert run.start(1)
    queue.request_sync("orders", trigger=Trigger.API)
    run.requeue(SyncEvent.Kind.RUN_HANDED_BACK)
    runner.wait_for(run)
    assert mirrored.asked == [EXPORT]


def test_a_full_run_is_an_export_and_looks_put_none_off(mirrored, clock):
    for _ in range(2):
        clock.shift(timedelta(hours=1))
        assert run_sync("ddt").mode
    clock.shift(timedelta(hours=4))
    mirrored.asked.clear()
    run = run_sync("ddt")
    assert (run.mode, run.read_from) == (Mode.INCREMENTAL, Source.LOOK)
    clock.shift(timedelta(hours=1))
    run = run_sync("ddt")
    assert (run.mode, run.read_from) == (Mode.FULL, Source.EXPORT)


def test_after_a_failed_export_looks_end_no_run(mirrored, clock):
    SyncRunFactory(sync_type="orders", status=Status.FAILED, finished_at=timezone.now())
    assert run_sync(clock=clock).read_from == Source.EXPORT
    assert mirrored.asked == [EXPORT]
    assert run_sync(clock=clock).read_from == Source.LOOK


def test_an_attempt_after_a_failed_one_does_not_look(mirrored, clock):
    mirrored.erp.happen("new-order")
    mirrored.errors["export"] = UNAVAILABLE
    run = run_sync()
    assert (run.status, mirrored.asked) == (Status.QUEUED, [LOOK, EXPORT])
    mirrored.errors.clear()
    mirrored.asked.clear()
    clock.shift(timedelta(minutes=1))
    runner.wait_for(run)
    assert mirrored.asked == [EXPORT]


def test_an_attempt_that_was_postponed_is_no_failed_one(mirrored, clock):
    mirrored.errors["look"] = mirrored.errors["export"] = ErpLoginsSpent(count=12, until="21/01/2026 00:00")
    run = run_sync()
    assert (run.status, run.ended_attempts[0]["outcome"]) == (Status.QUEUED, "postponed")
    mirrored.errors.clear()
    clock.shift(timedelta(minutes=1))
    runner.wait_for(run)
    run.refresh_from_db()
    assert run.read_from == Source.LOOK


def test_a_look_is_compared_only_with_the_export_that_was_applied_last(mirrored, tmp_path):
    path = tmp_path / "Ordini.pdf"
    mirrored.erp.write_export("orders", path)
    assert run_sync(trigger=Trigger.MANUAL, given_file=path).status == Status.SUCCEEDED
    assert run_sync().read_from == Source.EXPORT
    assert mirrored.asked == [EXPORT]


def test_after_an_export_without_a_look_there_is_nothing_to_compare(looking):
    looking.is_seen = False
    run_sync()
    run_sync()
    assert looking.asked == [EXPORT, EXPORT]


@pytest.mark.parametrize("error", [UNAVAILABLE, ErpAnswerUnexpected(reason="a page")])
def test_a_look_that_fails_is_noted_and_the_export_is_read(error, mirrored):
    mirrored.errors["look"] = error
    run = run_sync()
    assert mirrored.asked == [LOOK, EXPORT]
    assert (run.status, run.read_from) == (Status.SUCCEEDED, Source.EXPORT)
    assert str(run.notes[0]) == f"A look at the list in the ERP failed, so the export was read: {error}"


@pytest.mark.parametrize("smart", [False, True])
@pytest.mark.parametrize("error", [ErpLoginRejected(username="agente"), ErpClosed(hours="x", until="y")])
def test_where_the_login_fails_no_export_is_tried(smart, error, mirrored):
    mirrored.errors["look"] = error
    run_smart_sync() if smart else run_sync()
    assert [kind for kind, _ in mirrored.asked] == ["look"]


@pytest.mark.parametrize("smart", [False, True])
def test_a_look_that_may_not_log_in_leaves_exports_their_session(smart, mirrored):
    mirrored.errors["look"] = ErpLoginsSpent(count=12, until="21/01/2026 00:00")
    run = run_smart_sync() if smart else run_sync()
    assert [kind for kind, _ in mirrored.asked] == ["look", "export"]
    assert (run.status, run.read_from) == (Status.SUCCEEDED, Source.EXPORT)


def test_a_run_that_is_cancelled_while_it_looks_reads_no_export(mirrored):
    run = queue.request_sync("orders", trigger=Trigger.SCHEDULE)
    mirrored.spoil = lambda look: run.cancel() or replace(look, count=0)
    answer = mirrored.answer
    mirrored.answer = lambda *args: (run.cancel(), answer(*args))
    runner.wait_for(run)
    run.refresh_from_db()
    assert (run.status, mirrored.asked) == (Status.CANCELLED, [LOOK])


def test_a_run_that_only_looked_does_not_count_as_an_empty_list_that_was_accepted(mirrored):
    assert run_sync("customers").read == 0
    mirrored.is_seen = False
    mirrored.erp.write_export = lambda _name, path: draw_list(path, get_service("customers"), [])
    run = run_sync("customers", trigger=Trigger.MANUAL)
    assert (run.status, run.error_class) == (Status.QUARANTINED, "ListEmpty")


def test_the_second_of_a_look_is_not_what_a_run_usually_takes(mirrored, clock):
    before = get_health("orders").usual_duration
    for _ in range(3):
        run = run_sync()
        SyncRun.objects.filter(pk=run.pk).update(started_at=run.finished_at - timedelta(hours=1))
    assert get_health("orders").usual_duration == before


def test_runs_that_looks_are_compared_with_outlive_the_looks(mirrored, settings, clock):
    full = SyncRun.objects.get(sync_type="orders")
    first, last = (run_sync(trigger=Trigger.MANUAL, clock=clock) for _ in range(2))
    looked = run_sync(clock=clock)
    SeenList.objects.filter(sync_type="orders").update(run=first)
    settings.KEEP_RUNS = settings.KEEP_CHANGES = timedelta(days=30)
    clock.shift(timedelta(days=31))
    for _ in range(2):
        retention.prune()
    kept = set(SyncRun.objects.filter(sync_type="orders"))
    assert kept == {full, first, last, looked}


def test_what_was_seen_is_kept_only_if_its_export_was_applied(mirrored):
    seen = SeenList.objects.get(sync_type="customers")
    mirrored.erp.happen("new-customer")
    mirrored.erp.write_export = lambda _name, path: draw_list(path, get_service("customers"), [])
    run = run_sync("customers", trigger=Trigger.MANUAL)
    assert run.status == Status.QUARANTINED
    assert SeenList.objects.get(sync_type="customers").rows == seen.rows


# Smart runs


@pytest.fixture
def in_use(mirrored):
    """The customers are mirrored; then one comes, the one before is renamed, and so is the oldest."""
    world = mirrored.erp.world
    mirrored.erp.happen("new-customer")
    count = world.count("customers")
    for place in (0, count - 2):
        record = world.find_record("customers", place)
        world.change("customers", place, replace(record, name=f"Studio Rinominato {place}"))
    return mirrored


def get_places(looking):
    """The IDs of all customers, the newest first."""
    return sorted((record.id for record in looking.erp.find_records("customers")), reverse=True)


def test_a_smart_run_brings_the_records_of_the_first_page(in_use):
    before = Customer.objects.count()
    run = run_smart_sync()
    assert in_use.asked == [("look", "customers")]
    assert (run.status, run.read_from, run.read, run.created, run.updated) == ("succeeded", Source.LOOK, ROWS, 1, 1)
    assert (run.missing, run.removed, run.left, run.control_totals, run.coverage) == (0, 0, 0, [], [])
    assert run.exported_at == timezone.now()
    newest, before_it, *_, oldest = get_places(in_use)
    assert Customer.objects.count() == before + 1
    assert Customer.objects.get(erp_id=before_it).name.startswith("Studio Rinominato")
    assert not Customer.objects.get(erp_id=oldest).name.startswith("Studio Rinominato")
    assert set(RecordChange.objects.filter(run=run).values_list("key", "kind")) == {
        (str(newest), "created"),
        (str(before_it), "updated"),
    }


def test_what_a_look_does_not_show_is_not_absent(in_use):
    run_smart_sync()
    assert not Customer.objects.exclude(missing_since=None).exists()


def test_a_smart_run_with_a_search_brings_what_the_erp_finds(in_use):
    run = run_smart_sync("rinominato 0")
    oldest = get_places(in_use)[-1]
    assert in_use.asked == [("look", "customers"), ("search", "rinominato 0")]
    assert (run.found, run.created, run.updated, run.read) == ([oldest], 1, 2, ROWS + 1)
    assert Customer.objects.get(erp_id=oldest).name == "Studio Rinominato 0"


def test_a_record_that_both_looks_show_is_read_once(in_use):
    newest = get_places(in_use)[0]
    run = run_smart_sync(next(c.name for c in in_use.erp.find_records("customers") if c.id == newest))
    assert newest in run.found
    assert run.created == 1


def test_a_search_that_finds_nothing_says_so(in_use):
    run = run_smart_sync("nobody is called so")
    assert (run.status, run.found) == (Status.SUCCEEDED, [])


def test_a_record_that_was_absent_comes_back_by_a_look(in_use):
    newest = get_places(in_use)[3]
    Customer.objects.filter(erp_id=newest).update(missing_since=timezone.now())
    assert run_smart_sync().restored == 1
    assert Customer.objects.get(erp_id=newest).missing_since is None


def test_a_look_says_nothing_of_columns_and_keeps_the_values_of_hidden_ones(in_use):
    columns = list(MirroredColumn.objects.order_by("pk").values())
    before_it = get_places(in_use)[1]
    Customer.objects.filter(erp_id=before_it).update(city="Kept")
    in_use.spoil = lambda look: without_column(look, "CITTÀ")
    run = run_smart_sync()
    assert (run.created, run.updated) == (1, 1)
    assert Customer.objects.get(erp_id=before_it).city == "Kept"
    assert not ColumnDrift.objects.exists()
    assert list(MirroredColumn.objects.order_by("pk").values()) == columns


def test_at_most_a_hundred_records_of_a_look_are_applied_and_a_full_run_follows(in_use, monkeypatch):
    monkeypatch.setattr("sync.mirror.comparison.SMART_MAX_RECORDS", 1)
    run = run_smart_sync()
    assert (run.created + run.updated, run.left) == (1, 1)
    assert SyncRun.objects.queued().get().mode == Mode.FULL


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (lambda look: with_cell(look, "ID", "x"), "UnreadableRequiredValue"),
        (lambda look: with_cell(look, "DATA DELL'ULTIMO ORDINE", "n/d"), "UnreadableValue"),
        (lambda look: without_column(look, "NOME"), "LayoutChanged"),
        (lambda look: replace(look, rows=(), keys=()), "ErpAnswerUnexpected"),
    ],
)
def test_a_look_that_cannot_be_trusted_is_replaced_by_the_export(spoil, error, in_use):
    in_use.spoil = spoil
    run = run_smart_sync()
    assert in_use.asked == [("look", "customers"), ("export", "customers")]
    assert (run.status, run.read_from, run.created, run.updated) == (Status.SUCCEEDED, Source.EXPORT, 1, 2)
    assert run.notes[0].startswith("A look at the list in the ERP failed, so the export was read: ")


def test_an_erp_that_gives_no_look_has_the_rest_of_the_time_for_the_export(in_use, settings, monkeypatch):
    monkeypatch.setattr(looks, "time", SimpleNamespace(monotonic=iter(range(0, 1000, 10)).__next__))
    in_use.given.clear()
    in_use.errors["look"] = UNAVAILABLE
    run = run_smart_sync()
    assert (run.status, run.read_from) == (Status.SUCCEEDED, Source.EXPORT)
    look, export = in_use.given
    assert look == looks.LONGEST_LOOK
    assert export < settings.ERP_SMART_TIMEOUT


def test_a_smart_run_makes_no_list_fresh_and_none_healthy_again(in_use):
    before = get_health("customers").fresh_as_of
    SyncRunFactory(sync_type="customers", status=Status.FAILED, finished_at=timezone.now())
    assert run_smart_sync().status == Status.SUCCEEDED
    found = get_health("customers")
    assert (found.state, found.fresh_as_of, found.consecutive_failures) == ("failing", before, 1)


def test_a_list_that_only_looks_have_shown_was_never_mirrored(looking):
    run_smart_sync()
    assert Customer.objects.count() == ROWS
    found = get_health("customers")
    assert (found.state, found.fresh_as_of) == ("never", None)
    assert run_sync("customers").mode == Mode.FULL


def test_a_quarantined_export_can_be_accepted_though_looks_came_later(in_use):
    for number in range(40):
        CustomerFactory(erp_id=900_000 + number)
    run = run_sync("customers", trigger=Trigger.MANUAL, mode=Mode.FULL)
    assert run.status == Status.QUARANTINED
    assert run_smart_sync().status == Status.SUCCEEDED
    assert run.cannot_accept() is None


@pytest.mark.parametrize("is_changed", [False, True])
def test_an_export_that_waits_is_read_after_a_look_that_brought_nothing(is_changed, in_use, clock, monkeypatch):
    if not is_changed:
        run_smart_sync()
        clock.shift(timedelta(seconds=1))
    run = queue.request_sync("customers", trigger=Trigger.MANUAL)
    original = kept_exports.obtain_export

    def step_aside(*args):
        obtained = original(*args)
        monkeypatch.setattr(kept_exports, "obtain_export", original)
        queue.request_sync("customers", mode=Mode.SMART, trigger=Trigger.ORDER_FORM)
        return obtained

    monkeypatch.setattr(kept_exports, "obtain_export", step_aside)
    runner.wait_for(run)
    run.refresh_from_db()
    assert run.status == Status.SUCCEEDED
    assert in_use.asked.count(("export", "customers")) == (2 if is_changed else 1)


# Searches of order forms


def request_smart(search="", **options):
    return queue.request_sync("customers", mode=Mode.SMART, trigger=Trigger.ORDER_FORM, search=search, **options)


def test_smart_runs_with_different_searches_wait_beside_each_other():
    runs = [request_smart(search) for search in ("rossi", "bianchi", "", "rossi", "")]
    assert len(set(runs)) == 3
    assert sorted(run.search for run in SyncRun.objects.queued()) == ["", "bianchi", "rossi"]


def test_a_smart_run_that_comes_back_takes_over_only_the_same_search():
    run = request_smart("rossi")
    assert run.start(1)
    same, other = request_smart("rossi"), request_smart("bianchi")
    run.requeue(SyncEvent.Kind.RUN_LOST)
    assert set(SyncRun.objects.queued()) == {run, other}
    same.refresh_from_db()
    assert same.standing == run


@pytest.mark.django_db(transaction=True)
def test_a_recent_smart_run_is_joined_for_the_same_search_alone(in_use):
    agent = UserFactory()

    def ask(search=""):
        return sessions.request_smart_sync("customers", user=agent, search=search).run

    first, second = ask(), ask("rinominato 0")
    assert first != second
    assert (ask(), ask("rinominato 0")) == (first, second)


def test_the_layout_s_key_is_the_column_that_looks_go_by():
    for sync_type in ("customers", "orders", "ddt", "invoices", "products", "prices"):
        service = get_service(sync_type)
        assert service.layout.key_column.is_headed(service.erp_list.key)


# How it is shown


@pytest.mark.usefixtures("in_english")
def test_a_run_s_page_and_the_list_say_that_it_was_read_from_a_look(mirrored, admin_client):
    run = run_sync()
    html = html_of(admin_client, url(SyncRun, "change", run.pk))
    assert "The list is unchanged, as far as a look shows" in html
    assert 'id="protection"' not in html
    assert ">look<" in html_of(admin_client, url(SyncRun, "changelist"))


def test_runsync_says_what_was_read(mirrored, capsys):
    call_command("runsync", "customers", "--mode", "smart", "--json")
    assert json.loads(capsys.readouterr().out)["readFrom"] == "look"
    call_command("runsync", "customers", "--mode", "smart")
    said = capsys.readouterr().out
    assert "Read from one page of the list in the ERP, not from an export" in said
    assert "Control totals" not in said


def test_the_api_says_what_was_read(mirrored):
    assert RunSerializer(run_sync()).data["readFrom"] == "look"


# What was seen before an export


def test_a_first_export_that_lacks_what_was_seen_before_it_waits_for_a_person(looking, monkeypatch):
    count = looking.erp.count_records("products")
    whole = looking.erp.write_export
    monkeypatch.setattr(looking.erp, "write_export", partial(whole, faults=[Fault.SILENT_FILTER]))
    run = run_sync("products")
    assert (run.status, run.error_class) == (Status.QUARANTINED, "FewerThanSeen")
    assert f"has {run.read} records, although the ERP's page of the list counted {count} just before" in run.error_text
    assert run.read < count - 20
    assert not get_service("products").model.objects.exists()
    accepted = queue.accept(run, by=UserFactory())
    runner.wait_for(accepted)
    accepted.refresh_from_db()
    assert accepted.status == Status.SUCCEEDED
    assert get_service("products").model.objects.count() == run.read


def test_an_export_may_lack_a_few_of_the_records_that_were_seen(looking, monkeypatch):
    make_look = looking.make_look
    monkeypatch.setattr(looking, "make_look", lambda *of: replace(make_look(*of), count=make_look(*of).count + 20))
    assert run_sync("products").status == Status.SUCCEEDED
    monkeypatch.setattr(looking, "make_look", lambda *of: replace(make_look(*of), count=make_look(*of).count + 21))
    assert run_sync("products").error_class == "FewerThanSeen"


@pytest.mark.parametrize(("count", "error"), [(1000, ""), (1001, "FewerThanSeen")])
def test_an_export_may_lack_a_tenth_of_the_records_that_were_seen(count, error, looking, monkeypatch):
    make_look = looking.make_look
    rows = [{"erp_id": str(number), "name": f"Studio {number}"} for number in range(1, 901)]
    looking.erp.write_export = lambda _name, path: draw_list(path, get_service("customers"), rows)
    monkeypatch.setattr(looking, "make_look", lambda *of: replace(make_look(*of), count=count))
    assert run_sync("customers").error_class == error


def test_rows_without_an_id_may_be_among_those_that_were_seen(looking, monkeypatch):
    make_look = looking.make_look
    rows = [{"erp_id": str(number), "name": f"Studio {number}"} for number in range(1, 6)] + [{"erp_id": "0"}] * 30
    looking.erp.write_export = lambda _name, path: draw_list(path, get_service("customers"), rows)
    monkeypatch.setattr(looking, "make_look", lambda *of: replace(make_look(*of), count=len(rows)))
    run = run_sync("customers")
    assert (run.status, run.read) == (Status.SUCCEEDED, 5), run.error_text
