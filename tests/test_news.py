"""What the demo's terminal tells of what happens."""

import pytest

from demo.news import News
from sync.coordinator.sessions import close_session, open_session
from sync.models import OrderFormSession, SyncEvent
from tests.factories import SyncRunFactory

Kind = SyncEvent.Kind

pytestmark = pytest.mark.django_db


@pytest.fixture
def news():
    SyncEvent.objects.record(Kind.LOCK_BROKEN)  # before it begins to listen
    return News()


@pytest.fixture
def run():
    return SyncRunFactory.build(sync_type="orders")


def said(news):
    """Its lines without their times."""
    return [line[10:] for line in news.read_lines()]


def test_a_success_says_what_it_changed(news, run):
    run.read, run.created, run.updated = 1003, 1, 2
    run.save()
    SyncEvent.objects.record(Kind.RUN_QUEUED, run=run)
    SyncEvent.objects.record(Kind.RUN_STARTED, run=run)
    SyncEvent.objects.record(Kind.RUN_SUCCEEDED, run=run)
    assert said(news) == ["orders      1,003 records read: 1 created, 2 updated"]
    assert said(news) == []


def test_a_success_that_changed_nothing_says_so(news, run):
    run.read, run.mode = 12, "smart"
    run.save()
    SyncEvent.objects.record(Kind.RUN_SUCCEEDED, run=run)
    assert said(news) == ["orders         12 records read for an order form: no change"]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Kind.RUN_FAILED, "failed: {no} end"),
        (Kind.RUN_QUARANTINED, "quarantined: {no} end"),
        (Kind.RUN_TO_BE_RETRIED, "tried again later: {no} end"),
    ],
)
def test_an_error_is_one_line(news, run, kind, text):
    run.save()
    SyncEvent.objects.record(kind, run=run, error="{no}\n  end")
    assert said(news) == [f"orders     {text}"]


def test_an_order_form_is_seen_to_come_and_go(news, admin_user):
    session = open_session(admin_user)
    close_session(session)
    assert OrderFormSession.objects.count() == 1
    assert said(news) == [
        "order form opened by admin: syncs of lists that it does not use wait until it is closed",
        "order form closed",
    ]


@pytest.mark.parametrize(
    ("before", "after", "is_told"),
    [
        ("never", "healthy", False),
        ("healthy", "paused", False),
        ("healthy", "failing", True),
        ("failing", "healthy", True),
    ],
)
def test_a_change_of_health_is_told_unless_another_line_says_it(news, before, after, is_told):
    SyncEvent.objects.record(Kind.HEALTH_CHANGED, sync_type="ddt", before=before, after=after)
    assert said(news) == ([f"ddt        was {before}, is {after}"] if is_told else [])


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_of_event_can_be_told(news, run, kind):
    run.save()
    SyncEvent.objects.record(kind, run=run, error="", before="healthy", after="late")
    said(news)


def test_workers_and_alerts_are_told_of(news, admin_user):
    SyncEvent.objects.record(Kind.WORKERS_CHANGED, before="alive", after="silent")
    SyncEvent.objects.record(
        Kind.ALERT_GIVEN_UP, sync_type="ddt", channel="web", attempts=30, error="The alert was not delivered."
    )
    SyncEvent.objects.record(Kind.ALERT_SENT_AGAIN, sync_type="ddt", by=admin_user, channel="web")
    assert said(news) == [
        "worker     was alive, is silent",
        "ddt        no alert about its state could be sent: The alert was not delivered.",
        "ddt        admin had the alert about its state sent again",
    ]
