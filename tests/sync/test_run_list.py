"""The admin's list of runs: what it shows, what it is narrowed and searched by, and what it may not read."""

import datetime as dt
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from sync.admin.change_list import KeyPaginator
from sync.admin.runs import run_list
from sync.exceptions import LayoutChanged
from sync.models import SyncRun
from tests.factories import SyncRunFactory, UserFactory
from tests.plans import explain
from tests.sync.pages import html_of, shown, url

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]

Status = SyncRun.Status
NOW = dt.datetime(2026, 1, 20, 11, 4, 22, tzinfo=dt.UTC)
FAILED = {"status": Status.FAILED, "error_class": "LayoutChanged", "error_text": "The export lacks columns"}


def list_page(client, **query):
    return unescape(html_of(client, url(SyncRun, "changelist", **query)))


def ago(**time):
    return timezone.now() - dt.timedelta(**time)


def asked_for_at(**named):
    """A run for each moment, and the names by which they are told apart."""
    return {SyncRunFactory(requested_at=moment).pk: name for name, moment in named.items()}


# What it shows


def test_the_list_asks_as_many_questions_for_thirty_runs_as_for_one(
    admin_client, admin_user, django_assert_num_queries
):
    SyncRunFactory(requested_by=admin_user, accepts=SyncRunFactory())
    shown(admin_client, SyncRun)
    with CaptureQueriesContext(connection) as for_two:
        shown(admin_client, SyncRun)
    SyncRunFactory.create_batch(28, requested_by=admin_user)
    with django_assert_num_queries(len(for_two)):
        assert len(shown(admin_client, SyncRun)) == 30


def test_each_run_tells_what_it_did_how_it_ended_and_who_asked(admin_client, admin_user):
    SyncRunFactory(
        status=Status.FAILED,
        error_text="The export is cut short: no <end>.\nA second line",
        started_at=NOW,
        took=dt.timedelta(seconds=1.3),
        read=17432,
        updated=2,
        mode="full",
        requested_by=admin_user,
    )
    html = html_of(admin_client, url(SyncRun, "changelist"))
    for text in (
        "✗ failed",
        "20/01/2026 12:04",
        "1.3 s",
        "17,432\xa0read · 2\xa0updated<",
        ">The export is cut short: no &lt;end&gt;.<",
        "command line · full · admin<",
    ):
        assert text in html
    assert "0 created" not in html


def test_a_run_that_did_nothing_yet_shows_a_dash(admin_client):
    SyncRunFactory(status=Status.QUEUED, requested_at=NOW)
    assert '<td class="field-outcome">-</td>' in list_page(admin_client)


def test_the_newest_come_first_whatever_order_is_asked_for(admin_client):
    names = asked_for_at(old=ago(days=3), new=ago(days=1), middle=ago(days=2))
    for place in range(1, 8):
        assert [names[run.pk] for run in shown(admin_client, SyncRun, o=str(place))] == ["new", "middle", "old"]


# What it is narrowed by


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"sync_type": "orders"}, {"orders"}),
        ({"status__exact": "failed"}, {"failed"}),
        ({"mode__exact": "full"}, {"orders"}),
        ({"trigger__exact": "schedule"}, {"orders"}),
        ({"sync_type": "orders", "status__exact": "failed"}, set()),
    ],
)
def test_runs_are_found_by_what_they_were_and_how_they_ended(query, found, admin_client):
    names = {
        SyncRunFactory(**FAILED).pk: "failed",
        SyncRunFactory(sync_type="orders", mode="full", trigger="schedule").pk: "orders",
    }
    assert {names[run.pk] for run in shown(admin_client, SyncRun, **query)} == found


def test_runs_are_found_by_who_asked_for_them(admin_client, admin_user):
    agent = UserFactory()
    theirs, the_agent_s, nobody_s = (SyncRunFactory(requested_by=user) for user in (admin_user, agent, None))
    assert shown(admin_client, SyncRun, requested_by=admin_user.pk) == [theirs]
    assert shown(admin_client, SyncRun, requested_by=agent.pk) == [the_agent_s]
    assert shown(admin_client, SyncRun, requested_by="nobody") == [nobody_s]
    assert shown(admin_client, SyncRun, requested_by="somebody") == []


def test_staff_stand_beside_the_list_and_agents_do_not(admin_client, admin_user):
    agent = UserFactory()
    html = list_page(admin_client)
    assert f'href="?requested_by={admin_user.pk}"' in html
    assert f'href="?requested_by={agent.pk}"' not in html


@pytest.mark.parametrize(
    ("title", "found"),
    [
        ("any time", {"now", "yesterday", "5 days", "20 days", "40 days"}),
        ("today", {"now"}),
        ("yesterday", {"yesterday"}),
        ("last 7 days", {"now", "yesterday", "5 days"}),
        ("last 30 days", {"now", "yesterday", "5 days", "20 days"}),
    ],
)
def test_runs_are_found_by_the_days_they_were_asked_for_on(title, found, admin_client):
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    names = asked_for_at(now=timezone.now(), yesterday=midnight - dt.timedelta(seconds=1))
    names |= asked_for_at(**{f"{days} days": ago(days=days) for days in (5, 20, 40)})
    changelist = admin_client.get(url(SyncRun, "changelist")).context["cl"]
    choices = next(spec for spec in changelist.filter_specs if spec.title == "requested").choices(changelist)
    address = next(choice["query_string"] for choice in choices if str(choice["display"]) == title)
    answer = admin_client.get(url(SyncRun, "changelist") + address)
    assert {names[run.pk] for run in answer.context["cl"].result_list} == found
    assert f'<li class="selected">\n    <a href="{address}">{title}</a>' in unescape(answer.content.decode())


def test_a_link_names_any_stretch_of_time_and_the_list_says_which(admin_client):
    within, at_its_end = SyncRunFactory(requested_at=NOW), SyncRunFactory(requested_at=NOW + dt.timedelta(hours=1))
    stretch = {
        "requested_at__gte": NOW.isoformat(),
        "requested_at__lt": at_its_end.requested_at.isoformat(),
    }
    assert shown(admin_client, SyncRun, **stretch) == [within]
    assert "20/01/2026 12:04 – 20/01/2026 13:04" in list_page(admin_client, **stretch)
    assert "20/01/2026 12:04 – -" in list_page(admin_client, requested_at__gte="2026-01-20T12:04:22")


@pytest.mark.parametrize(
    "query",
    [
        {"requested_at__gte": "yesterday"},
        {"requested_at__gte": "0001-01-01"},
        {"requested_at__gte": "0001-01-01T00:00:00+05:00"},
        {"requested_at__lt": "9999-12-31T23:59:59Z"},
        {"p": "9", "q": "LayoutChanged"},
        {"sync_type": "\0"},
        {"status__exact": "\0"},
        {"requested_by": "\0"},
    ],
)
def test_an_address_that_makes_no_sense_is_no_error(query, admin_client):
    SyncRunFactory()
    assert admin_client.get(url(SyncRun, "changelist", **query), follow=True).status_code == 200


@pytest.mark.parametrize("digits", [19, 30, 5000])
@pytest.mark.parametrize("name", ["q", "requested_by"])
def test_a_number_that_no_database_holds_finds_nothing(name, digits, admin_client):
    SyncRunFactory()
    assert shown(admin_client, SyncRun, **{name: "9" * digits}) == []


def test_a_long_error_is_told_in_part(admin_client):
    SyncRunFactory(status=Status.FAILED, error_text="x y " * 250_000)
    assert "x y " * 250 not in list_page(admin_client)


# Searching


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("columns", {"failed"}),
        ("LACKS  columns", {"failed"}),
        ("layoutchanged", {"failed"}),
        ("the export is cut", {"cut"}),
        ("no such thing", set()),
        ("admin", {"admin's"}),
        ("ADMIN", {"admin's"}),
    ],
)
def test_runs_are_searched_by_words_of_their_error_or_by_who_asked(typed, found, admin_client, admin_user):
    cut = {"error_class": "ExportTruncated", "error_text": "The export is cut short"}
    names = {
        SyncRunFactory(**FAILED).pk: "failed",
        SyncRunFactory(**FAILED | cut).pk: "cut",
        SyncRunFactory(requested_by=admin_user, error_text="words of no error that ended it: columns").pk: "admin's",
    }
    assert {names[run.pk] for run in shown(admin_client, SyncRun, q=typed)} == found


def test_an_error_is_found_by_the_words_it_is_told_in(admin_client, settings):
    settings.LANGUAGE_CODE = "it"
    run = SyncRunFactory(**FAILED | {"error_text": LayoutChanged(missing="CITTÀ").text})
    SyncRunFactory(**FAILED)
    assert shown(admin_client, SyncRun, q="Mancano colonne") == shown(admin_client, SyncRun, q="città") == [run]


@pytest.mark.parametrize("typed", ["{run}", "9" * 30, "%", "_"])
def test_what_stands_in_no_error_finds_nothing(typed, admin_client):
    SyncRunFactory(**FAILED)
    assert shown(admin_client, SyncRun, q=typed) == []


def test_of_very_many_words_the_first_fifty_are_searched_for(admin_client):
    run = SyncRunFactory(**FAILED)
    assert shown(admin_client, SyncRun, q="columns " * 50 + "unheard-of " * 3000) == [run]


def test_a_run_is_found_by_its_number_and_no_other_whose_error_has_it(admin_client):
    run = SyncRunFactory()
    SyncRunFactory(status=Status.FAILED, error_text=f"like run {run.pk}")
    assert shown(admin_client, SyncRun, q=f" {run.pk} ") == [run]


def test_a_search_is_narrowed_like_the_list(admin_client):
    run = SyncRunFactory(**FAILED, sync_type="orders")
    SyncRunFactory(**FAILED)
    assert shown(admin_client, SyncRun, q="columns", sync_type="orders") == [run]


def test_a_search_reads_the_newest_errors_only(admin_client, monkeypatch):
    monkeypatch.setattr(run_list, "ERRORS_SEARCHED", 2)
    SyncRunFactory(**FAILED, requested_at=ago(hours=3))
    newest = [SyncRunFactory(**FAILED, requested_at=ago(hours=1)), SyncRunFactory(**FAILED, requested_at=ago(hours=2))]
    assert shown(admin_client, SyncRun, q="columns") == newest


def test_runs_without_an_error_do_not_keep_older_errors_from_being_found(admin_client, monkeypatch):
    monkeypatch.setattr(run_list, "ERRORS_SEARCHED", 2)
    errors = [SyncRunFactory(**FAILED, requested_at=ago(hours=hours)) for hours in (3, 4)]
    for hours in (0, 1, 2):
        SyncRunFactory(requested_at=ago(hours=hours))
    assert shown(admin_client, SyncRun, q="columns") == errors


# What it may not read


def test_no_list_counts_all_runs(admin_client, monkeypatch):
    monkeypatch.setattr(KeyPaginator, "limit", 3)
    SyncRunFactory.create_batch(5)
    with CaptureQueriesContext(connection) as queries:
        html = list_page(admin_client)
    assert not [query for query in queries if "COUNT(" in query["sql"]]
    assert "only the newest 3 are shown" in html
    assert "only the newest" not in list_page(admin_client, status__exact="failed")


def test_pages_follow_one_another_to_the_last(admin_client, monkeypatch):
    monkeypatch.setattr("sync.admin.sync_run.SyncRunAdmin.list_per_page", 2)
    runs = [SyncRunFactory(requested_at=ago(minutes=minutes)) for minutes in range(5)]
    pages = [shown(admin_client, SyncRun, p=str(number)) for number in (1, 2, 3)]
    assert pages == [runs[:2], runs[2:4], runs[4:]]


def test_a_list_that_finds_nothing_reads_no_run(admin_client):
    SyncRunFactory()
    with CaptureQueriesContext(connection) as queries:
        assert shown(admin_client, SyncRun, status__exact="failed", sync_type="orders") == []
    assert len([query for query in queries if 'FROM "sync_syncrun"' in query["sql"]]) == 1


@pytest.mark.parametrize(
    "query",
    [{}, {"status__exact": "failed"}, {"sync_type": "orders", "mode__exact": "smart"}, {"requested_by": "nobody"}],
)
def test_what_a_list_leaves_out_is_not_looked_at(query, admin_client):
    SyncRunFactory()
    with CaptureQueriesContext(connection) as queries:
        shown(admin_client, SyncRun, **query)
    keys = next(each["sql"] for each in queries if each["sql"].startswith('SELECT "sync_syncrun"."id"'))
    plan = explain(keys)
    assert "Index Only Scan Backward using run_list" in plan or "USING COVERING INDEX run_list" in plan


def test_nothing_is_done_with_all_pages_at_once(admin_client):
    SyncRunFactory.create_batch(60)
    html = list_page(admin_client)
    assert "0 of 50 selected" in html
    assert "Select all 60" not in html
