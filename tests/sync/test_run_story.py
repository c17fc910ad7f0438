"""A run's page tells its story: what happened, what the export proved, what was changed, and where to look."""

import datetime as dt
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from sync.coordinator import queue
from sync.coordinator.queue import request_sync
from sync.exceptions import UnreadableRequiredValue
from sync.messages import Message
from sync.models import RecordChange, SyncRun
from sync.service import get_service
from tests.factories import CustomerFactory, RecordChangeFactory, SyncEventFactory, SyncRunFactory
from tests.sync.conftest import customers
from tests.sync.pages import url

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]

Status = SyncRun.Status


def story_of(client, run, **query):
    return client.get(reverse("admin:sync_syncrun_story", args=[run.pk], query=query or None)).context["story"]


def page_of(client, run, **query):
    return " ".join(unescape(client.get(url(SyncRun, "change", run.pk, **query)).content.decode()).split())


def quarantined(sync_customers):
    sync_customers(customers(*range(1000, 1030)))
    return sync_customers(customers(1000, 1001))


# What happened


def test_each_step_is_told_with_its_time_and_who_did_it(admin_client, admin_user):
    run = request_sync("orders", trigger=SyncRun.Trigger.ADMIN, by=admin_user)
    run.cancel(by=admin_user)
    steps = story_of(admin_client, run)["steps"]
    assert [(step["what"], step["by"]) for step in steps] == [("run queued", admin_user), ("run cancelled", admin_user)]
    assert "by admin" in page_of(admin_client, run)


def test_of_many_steps_the_latest_are_told_and_the_others_counted(admin_client):
    run = SyncRunFactory()
    SyncEventFactory.create_batch(104, kind="run_preempted", run=run)
    SyncEventFactory(kind="run_succeeded", run=run)
    story = story_of(admin_client, run)
    assert (len(story["steps"]), story["more_steps"]) == (100, 5)
    assert story["steps"][-1]["what"] == "run succeeded"
    assert "5 earlier steps" in page_of(admin_client, run)


def test_a_run_whose_events_are_no_longer_kept_still_tells_when_it_was_requested_started_and_finished(admin_client):
    steps = story_of(admin_client, SyncRunFactory())["steps"]
    assert [step["what"] for step in steps] == ["requested", "started", "finished"]


def test_earlier_attempts_say_why_they_ended(admin_client):
    at = timezone.now().isoformat()
    kept = {"outcome": "failed", "startedAt": at, "endedAt": at, "error": "ExportEmpty", "text": "The export is empty."}
    [attempt] = story_of(admin_client, SyncRunFactory(ended_attempts=[kept]))["attempts"]
    assert (str(attempt["why"]), attempt["error"]) == ("failed, will be tried again", "The export is empty.")


def test_an_attempt_of_which_little_was_kept_is_told_as_far_as_it_is(admin_client):
    [attempt] = story_of(admin_client, SyncRunFactory(ended_attempts=[{}]))["attempts"]
    assert attempt == {"started": "-", "ended": "-", "why": "", "error": ""}


def test_a_run_that_was_tried_again_leads_to_the_one_that_did_and_follows_it(admin_client, admin_user):
    run = SyncRunFactory(status=Status.FAILED)
    assert story_of(admin_client, run)["every"] == 60
    again = queue.retry(run, by=admin_user)
    story = story_of(admin_client, run)
    assert [other for other, _badge in story["after"]] == [again]
    assert story["every"] == 15
    assert f'tries again <a href="/admin/sync/syncrun/{run.pk}/change/">run {run.pk}</a>' in page_of(
        admin_client, again
    )


def test_trying_again_leads_to_the_new_run(admin_client):
    run = SyncRunFactory(status=Status.FAILED)
    answer = admin_client.post(reverse("admin:sync_syncrun_do", args=[run.pk, "retry"]))
    assert answer.url == url(SyncRun, "change", SyncRun.objects.get(retries=run).pk)


def test_a_run_in_progress_shows_its_bar_and_is_asked_for_every_second(admin_client):
    run = SyncRunFactory(
        status=Status.RUNNING,
        took=dt.timedelta(seconds=4),
        stage="reading",
        pages_read=30,
        pages=96,
        erp_time=dt.timedelta(seconds=1),
    )
    story = story_of(admin_client, run)
    assert story["every"] == 1
    assert "page 30 of 96" in story["progress"]["text"]


# Error and quarantine


def test_an_error_names_the_page_the_row_and_the_column(admin_client):
    run = SyncRunFactory(
        status=Status.FAILED,
        error_class="UnreadableValue",
        error_text=UnreadableRequiredValue(
            page=12, row=3, header="IMPORTO", text="n/a", kind="a number", record="ID 1"
        ).text,
    )
    places = [(str(name), value) for name, value in story_of(admin_client, run)["error"]["places"]]
    assert places == [("page", "12"), ("row", "3"), ("column", "IMPORTO")]
    assert "Correct it in the ERP, then export again." in page_of(admin_client, run)


def test_of_an_error_of_a_megabyte_a_page_shows_the_beginning(admin_client):
    huge = "x y " * 250_000
    attempt = {"outcome": "lost", "text": huge}
    run = SyncRunFactory(error_class="E", error_text=Message("{key}", key=huge), ended_attempts=[attempt])
    html = page_of(admin_client, run)
    assert "x y x y" in html
    assert len(html) < 100_000


def test_a_quarantined_run_tells_facts_that_are_no_numbers_as_they_were_kept(admin_client):
    run = SyncRunFactory(
        status=Status.QUARANTINED, error_text=Message("{mirrored}, {missing}", mirrored="n/a", missing="1895")
    )
    told = story_of(admin_client, run)["quarantine"]
    assert (told["mirrored"], told["missing"]) == ("n/a", "1,895")


def test_a_quarantined_run_says_what_was_expected_what_came_and_what_would_be_lost(sync_customers, admin_client):
    run = quarantined(sync_customers)
    told = story_of(admin_client, run)["quarantine"]
    assert (told["mirrored"], told["came"], told["missing"], told["allowed"]) == ("30", "2", "28", "20")
    html = page_of(admin_client, run)
    assert "The export is in quarantine: nothing was changed" in html
    assert f'href="{reverse("admin:sync_syncrun_accept", args=[run.pk])}"' in html


def test_a_list_without_a_record_is_told_in_a_sentence_not_in_empty_figures(sync_customers, admin_client):
    html = page_of(admin_client, sync_customers([])).partition('id="quarantine"')[2].partition("</section>")[0]
    assert "The export has no records: it may be filtered." in html
    assert "Would be lost" not in html


def test_an_operator_is_told_who_can_accept(sync_customers, colleague):
    run = quarantined(sync_customers)
    client = colleague("view_syncrun", "request_syncrun")
    assert "An administrator can accept it." in page_of(client, run)
    assert reverse("admin:sync_syncrun_accept", args=[run.pk]) not in page_of(client, run)


def test_a_quarantine_that_is_settled_says_so(sync_customers, admin_client, admin_user):
    run = quarantined(sync_customers)
    queue.accept(run, by=admin_user)
    assert "This is settled: the export was accepted." in page_of(admin_client, run)


def test_an_acceptance_that_failed_is_not_told_as_done(sync_customers, admin_client):
    run = quarantined(sync_customers)
    SyncRunFactory(accepts=run, status=Status.FAILED, error_class="ExportDamaged", error_text="The export is damaged.")
    html = page_of(admin_client, run)
    assert "Accepting its export did not succeed:" in html
    assert "Its export was accepted:" not in html
    assert "View what would be lost" in html


def test_a_quarantine_that_a_later_export_has_overtaken_says_so(sync_customers, admin_client):
    run = quarantined(sync_customers)
    later = SyncRunFactory()
    html = page_of(admin_client, run)
    assert f"This is settled: run {later.pk} applied a later export." in html
    assert "clear the filter in the ERP" not in html


# What the export said


def test_control_totals_are_compared_line_by_line(admin_client):
    total = {"column": "VENDITE", "function": "Sum", "differenceAllowed": "0.50"}
    run = SyncRunFactory(
        export_sha256="0f" * 32,
        export_size=2_411_724,
        control_totals=[
            total | {"stated": "240100.5", "found": "240100.75"},
            total | {"stated": "1895", "found": "1900"},
        ],
        notes=["The column <NUOVA> is not known."],
    )
    lines = story_of(admin_client, run)["totals"]
    assert [(line["stated"], line["found"], line["difference"], line["agrees"]) for line in lines] == [
        ("240,100.5", "240,100.75", "0.25", True),
        ("1,895", "1,900", "5", False),
    ]
    html = admin_client.get(url(SyncRun, "change", run.pk)).content.decode()
    for text in (
        "0f" * 32,
        "2.3\xa0MB",
        "<li>The column &lt;NUOVA&gt; is not known.</li>",
        "(may differ by 0.50, because",
    ):
        assert text in html


@pytest.mark.parametrize(
    ("kept", "told"),
    [
        ({"stated": "1895", "found": "1895"}, ("1,895", "1,895", "0", True)),
        ({"stated": "NaN", "found": "1895"}, ("NaN", "1895", "-", False)),
        ({"stated": "1895", "found": "many"}, ("1895", "many", "-", False)),
        ({"found": "1895"}, ("-", "1895", "-", False)),
    ],
)
def test_a_total_without_its_numbers_is_told_as_it_was_kept(kept, told, admin_client):
    [line] = story_of(admin_client, SyncRunFactory(control_totals=[kept]))["totals"]
    assert (line["stated"], line["found"], line["difference"], line["agrees"]) == told


def test_a_run_whose_totals_did_not_agree_shows_all_of_them(sync_customers, admin_client):
    layout = get_service("customers").layout
    footer = ["Count=3" if column is layout.key_column else "" for column in layout.columns]
    run = sync_customers(customers(1000, 1001), totals=footer)
    assert (run.status, run.error_class) == (Status.FAILED, "ControlTotalMismatch")
    [line] = story_of(admin_client, run)["totals"]
    assert (line["column"], line["stated"], line["found"], line["agrees"]) == ("ID", "3", "2", False)


# What it changed


def test_changes_are_shown_with_the_record_s_name_and_old_and_new_values(admin_client):
    customer = CustomerFactory(erp_id=1001, name="Studio Rossi")
    run = SyncRunFactory(updated=1)
    RecordChangeFactory(run=run, key="1001", fields={"city": ["Roma", "Milano"]})
    [row] = story_of(admin_client, run)["changes"]["rows"]
    assert row["name"] == str(customer)
    assert row["fields"] == [("city", "Roma", "Milano")]
    assert "Roma → <strong>Milano</strong>" in page_of(admin_client, run)


def test_of_a_created_record_the_story_tells_how_many_values_it_began_with_and_where_they_are(admin_client):
    run = SyncRunFactory(created=1)
    change = RecordChangeFactory(run=run, kind="created", fields={"erp_id": [None, 1001], "name": [None, "Studio"]})
    [row] = story_of(admin_client, run)["changes"]["rows"]
    assert row["fields"] == []
    assert f'<a href="/admin/sync/recordchange/{change.pk}/change/">2 first values</a>' in page_of(admin_client, run)


def test_changes_can_be_narrowed_to_a_kind(admin_client):
    run = SyncRunFactory(created=1, updated=1)
    RecordChangeFactory(run=run, kind="created")
    RecordChangeFactory(run=run, kind="updated")
    story = story_of(admin_client, run, kind="created")
    assert [row["kind"] for row in story["changes"]["rows"]] == ["created"]
    assert [count["kind"] for count in story["counts"] if count["is_chosen"]] == ["created"]
    assert len(story_of(admin_client, run, kind="nonsense")["changes"]["rows"]) == 2
    assert "kind=created" in story_of(admin_client, run, kind="created")["address"]


def test_of_many_changes_the_first_are_shown_and_all_are_a_click_away(admin_client):
    run = SyncRunFactory(updated=25)
    RecordChangeFactory.create_batch(25, run=run)
    changes = story_of(admin_client, run, kind="updated")["changes"]
    assert (len(changes["rows"]), changes["has_more"]) == (20, True)
    listed = admin_client.get(changes["all"]).context["cl"].result_list
    assert len(listed) == 25


def test_who_may_not_see_changes_sees_how_many_there_were(colleague):
    run = SyncRunFactory(updated=1)
    RecordChangeFactory(run=run, key="1001", fields={"city": ["Roma", "Milano"]})
    html = page_of(colleague("view_syncrun"), run)
    assert "Milano" not in html
    assert "1 updated" in html


def test_a_record_is_named_for_whoever_may_see_its_list(colleague):
    CustomerFactory(erp_id=1001, name="Studio Rossi")
    run = SyncRunFactory(updated=1)
    RecordChangeFactory(run=run, key="1001", fields={"city": ["Roma", "Milano"]})
    client = colleague("view_syncrun", "view_recordchange")
    [row] = story_of(client, run)["changes"]["rows"]
    assert row["name"] == ""
    assert "Studio Rossi" not in page_of(client, run)


# What it costs, and who sees it


def test_a_story_asks_as_many_questions_for_a_long_run_as_for_a_short_one(admin_client, admin_user):
    short, long = SyncRunFactory(updated=1), SyncRunFactory(updated=20)
    RecordChangeFactory(run=short)
    SyncEventFactory(run=short, by=admin_user)
    RecordChangeFactory.create_batch(20, run=long, fields={"city": ["Roma", "Milano"]})
    SyncEventFactory.create_batch(20, run=long, by=admin_user)

    def queries(run):
        with CaptureQueriesContext(connection) as captured:
            story_of(admin_client, run)
        return len(captured)

    assert queries(long) == queries(short)
    assert RecordChange.objects.count() == 21


def test_the_story_is_for_whoever_may_see_runs(colleague):
    run = SyncRunFactory()
    client = colleague("view_customer")
    assert client.get(reverse("admin:sync_syncrun_story", args=[run.pk])).status_code == 403


def test_a_look_that_found_the_list_unchanged_says_so_and_counts_nothing(admin_client):
    run = SyncRunFactory(read_from=SyncRun.Source.LOOK, read=0, unchanged=0)
    page = page_of(admin_client, run)
    assert "read from: look" in page
    assert "A page of the list has no control totals." in page
    assert story_of(admin_client, run)["counts"] == []


def test_a_run_that_is_not_there_has_no_story(admin_client):
    assert admin_client.get(reverse("admin:sync_syncrun_story", args=[99])).status_code == 404


# What protects the columns


def protection_of(client, run):
    return story_of(client, run)["protection"]


def test_columns_are_told_by_what_protects_them(admin_client):
    totals = [
        {"column": header, "function": function, "stated": "1", "found": "1"}
        for header, function in (("ID", "Count"), ("IMPORTO LORDO:", "Sum"), ("IMPORTO TOTALE", "Sum"))
    ]
    run = SyncRunFactory(sync_type="orders", status=Status.SUCCEEDED, control_totals=totals)
    told = protection_of(admin_client, run)
    assert told["summed"] == ["IMPORTO LORDO", "IMPORTO TOTALE"]
    assert told["is_counted"]
    assert "APPLICA SCONTO %" in told["compared"]
    assert (told["numbers_alone"], told["others_alone"][:2]) == ([], ["STATO DELLE VENDITE", "TIPO DI ORDINE"])
    page = page_of(admin_client, run)
    assert "<dt>protected by a sum</dt><dd>IMPORTO LORDO, IMPORTO TOTALE</dd>" in page
    assert "only the number of records, no values" in page


def test_numbers_that_nothing_protects_are_told_first(sync_list, admin_client):
    told = protection_of(admin_client, sync_list("invoices", [{"number": "CF1/26000001", "quantity": "3"}]))
    assert (told["summed"], told["numbers_alone"]) == ([], ["QUANTITÀ", "SOMMA LINEA SCONTO MST"])


def test_a_column_that_the_export_did_not_show_is_not_among_them(sync_list, admin_client):
    rows = [{"number": "CF1/26000001"}]
    shown = sync_list("invoices", rows)
    hidden = sync_list("invoices", rows, hidden=["line_discount"])
    for run, numbers in ((shown, ["QUANTITÀ", "SOMMA LINEA SCONTO MST"]), (hidden, ["QUANTITÀ"])):
        assert protection_of(admin_client, run)["numbers_alone"] == numbers


def test_of_an_export_that_was_not_read_nothing_is_told(admin_client):
    assert protection_of(admin_client, SyncRunFactory(sync_type="orders", status=Status.FAILED)) is None
