"""What the ERP showed when a step of a run failed: kept privately, for a time, and given to few."""

import os
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from sync import failure_files
from sync.coordinator import runner
from sync.coordinator.queue import request_sync
from sync.erasure.kept_files import FailureFiles
from sync.erasure.stores import Subject
from sync.exceptions import ErpAnswerUnexpected
from sync.models import SyncEvent, SyncRun
from sync.monitoring import retention
from tests.factories import SyncRunFactory
from tests.sync.pages import run_page, said, url

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]

Kind = SyncEvent.Kind
Status = SyncRun.Status
PAGE = "<script>alert(1)</script><td>Studio Bianchi</td>"


@pytest.fixture(autouse=True)
def export_dir(settings, tmp_path):
    settings.EXPORT_DIR = tmp_path / "exports"
    settings.EXPORT_DIR.mkdir()
    return settings.EXPORT_DIR


def leave(folder, run, *, token=7, minutes_ago=0):
    paths = [folder / f"{run.sync_type}-{run.pk}-{token}{suffix}" for suffix in failure_files.SUFFIXES]
    for path in paths:
        path.write_text(PAGE)
        os.utime(path, ((timezone.now() - timedelta(minutes=minutes_ago)).timestamp(),) * 2)
    return paths


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def address(run, kind):
    return reverse("admin:sync_syncrun_failure", args=[run.pk, kind])


@pytest.fixture
def run(export_dir):
    run = SyncRunFactory(status=Status.FAILED)
    leave(export_dir, run)
    return run


# As runs leave them


class FailingClient:
    """Keeps what the ERP showed, and fails, as often as it is told; then it asks another client."""

    def __init__(self, client, failures):
        self.client, self.failures = client, failures

    def fetch(self, erp_list, *, to, at_most, progress):
        if not self.failures:
            return self.client.fetch(erp_list, to=to, at_most=at_most, progress=progress)
        self.failures -= 1
        for suffix in failure_files.SUFFIXES:
            to.with_suffix(suffix).write_text(f"failure {self.failures}")
        raise ErpAnswerUnexpected(reason="its page has no export button")


@pytest.fixture
def client_that_fails(tiny_erp, monkeypatch):
    def make(failures):
        client = FailingClient(tiny_erp, failures)
        monkeypatch.setattr("sync.coordinator.kept_exports.get_erp_client", lambda: client)

    return make


def attempt(run):
    SyncRun.objects.filter(pk=run.pk, status=Status.QUEUED).update(not_before=None)
    runner.drain_queue()
    run.refresh_from_db()
    return run


@pytest.mark.django_db(transaction=True)
def test_a_failed_attempt_keeps_what_the_erp_showed_until_the_next_one(client_that_fails, settings):
    client_that_fails(2)
    run = request_sync("customers", mode="auto", trigger=SyncRun.Trigger.MANUAL)
    kept = []
    for _ in range(2):
        attempt(run)
        assert run.status == Status.QUEUED
        kept.append({path.suffix: path.read_text() for path in settings.EXPORT_DIR.iterdir()})
    assert kept == [dict.fromkeys(failure_files.SUFFIXES, f"failure {left}") for left in (1, 0)]
    assert attempt(run).status == Status.SUCCEEDED
    assert names(settings.EXPORT_DIR) == []


# Downloads


@pytest.mark.parametrize(("kind", "content_type"), [("png", "image/png"), ("html", "application/octet-stream")])
def test_it_is_sent_as_a_file_that_no_browser_shows_as_our_page(run, admin_client, admin_user, kind, content_type):
    assert f'href="{address(run, kind)}"' in run_page(admin_client, run)
    answer = admin_client.get(address(run, kind))
    assert answer.getvalue() == PAGE.encode()
    assert answer.headers["Content-Type"] == content_type
    assert answer.headers["Content-Disposition"] == f'attachment; filename="customers-{run.pk}.{kind}"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    event = SyncEvent.objects.get(kind=Kind.EXPORT_DOWNLOADED)
    assert (event.run, event.by, event.facts) == (run, admin_user, {"file": f"customers-{run.pk}.{kind}"})


@pytest.mark.parametrize("held", [["view_syncrun"], ["download_export"]])
def test_without_the_permission_nobody_gets_it(held, run, colleague):
    client = colleague(*held)
    assert client.get(address(run, "html")).status_code == 403
    assert address(run, "html") not in run_page(client, run)
    assert not SyncEvent.objects.exists()


def test_the_permission_is_that_of_exports(run, colleague):
    assert Permission.objects.filter(codename="download_export").exists()
    client = colleague("view_syncrun", "download_export")
    assert client.get(address(run, "png")).getvalue() == PAGE.encode()


def test_a_run_without_it_offers_none_and_no_other_file_is_sent(run, export_dir, tmp_path, admin_client):
    other = SyncRunFactory(status=Status.FAILED)
    (tmp_path / "secret.html").write_text("secret")
    (export_dir / f"customers-{other.pk}-1.html").symlink_to(tmp_path / "secret.html")
    answer = admin_client.get(address(other, "html"))
    assert (answer.url, said(answer)) == (
        url(SyncRun, "change", other.pk),
        [f"What the ERP showed in run {other.pk} is no longer kept."],
    )
    assert address(other, "html") not in run_page(admin_client, other)
    assert admin_client.get(address(run, "pdf")).status_code == 404
    assert admin_client.post(address(run, "html")).status_code == 405


# What becomes of them


def test_they_go_with_the_exports_of_failed_runs(export_dir, settings):
    days = timedelta(days=1)
    young, old, succeeded, running = (
        SyncRunFactory(status=status, ended_ago=ago)
        for status, ago in (
            (Status.FAILED, 29 * days),
            (Status.FAILED, 31 * days),
            (Status.SUCCEEDED, days),
            (Status.FAILED, 0 * days),
        )
    )
    for run in (young, old, succeeded):
        leave(export_dir, run, minutes_ago=61)
    of_none = SyncRun(sync_type="orders", pk=10**6)
    leave(export_dir, of_none, minutes_ago=61)
    leave(export_dir, running, minutes_ago=0)
    foreign = export_dir / "photo.png"
    foreign.touch()
    os.utime(foreign, (0, 0))
    retention.prune()
    kept = {f"customers-{run.pk}-7{suffix}" for run in (young, running) for suffix in failure_files.SUFFIXES}
    assert set(names(export_dir)) == kept | {"photo.png"}


def erase(subject):
    store = FailureFiles()
    lines = store.find(subject, lambda: None)
    store.erase()
    return lines


def test_they_go_when_a_customer_is_erased_but_for_lists_without_customers(
    export_dir, django_capture_on_commit_callbacks
):
    for sync_type in ("customers", "orders", "products"):
        leave(export_dir, SyncRunFactory(sync_type=sync_type, status=Status.FAILED))
    leave(export_dir, SyncRun(sync_type="suppliers", pk=1))  # no longer mirrored
    with django_capture_on_commit_callbacks(execute=True):
        lines = erase(Subject("1002345", {}, {}, frozenset({"Studio Bianchi"})))
    assert lines == ["screenshots and pages of steps that failed in the ERP: 6 files"]
    assert [path.name.partition("-")[0] for path in export_dir.iterdir()] == ["products"] * 2


def test_a_customer_of_whom_nothing_is_known_any_more_is_not_seen_on_them(export_dir, run):
    assert erase(Subject("", {}, {}, frozenset())) == []
    assert len(names(export_dir)) == 2
