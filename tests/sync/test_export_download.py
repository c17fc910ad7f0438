"""Downloading the export that a run has kept: what is sent, to whom, and from where alone."""

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient
from django.urls import reverse

from sync.admin.runs import downloads
from sync.models import SyncEvent, SyncRun
from tests.factories import SyncRunFactory
from tests.sync.pages import run_page, said, url

Kind = SyncEvent.Kind

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]

CONTENT = b"%PDF-1.7 " + bytes(range(256)) * 1000


@pytest.fixture(autouse=True)
def export_dir(settings, tmp_path):
    settings.EXPORT_DIR = tmp_path / "exports"
    settings.EXPORT_DIR.mkdir()
    return settings.EXPORT_DIR


@pytest.fixture
def run(export_dir):
    return run_of(export_dir / "customers-1-1.pdf")


def run_of(path):
    path.write_bytes(CONTENT)
    return SyncRunFactory(status=SyncRun.Status.FAILED, export_path=str(path))


def export_url(run):
    return reverse("admin:sync_syncrun_export", args=[run.pk])


def content_of(answer):
    assert answer.status_code == 200
    return answer.getvalue()


def test_a_kept_export_is_sent_whole_as_a_file_of_its_own_name(run, admin_client):
    answer = admin_client.get(export_url(run))
    assert content_of(answer) == CONTENT
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="customers-{run.pk}.pdf"'
    assert answer.headers["Content-Length"] == str(len(CONTENT))


def test_no_cache_keeps_it_and_no_browser_guesses_what_it_is(run, admin_client):
    answer = admin_client.get(export_url(run), headers={"accept-encoding": "gzip"})
    assert content_of(answer) == CONTENT
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert {"private", "no-store"} <= set(answer.headers["Cache-Control"].split(", "))


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_an_asynchronous_server_sends_it_a_block_at_a_time(run, encoding, admin_user, monkeypatch):
    monkeypatch.setattr(downloads, "BLOCK", 4096)

    @async_to_sync
    async def download():
        client = AsyncClient(headers={"accept-encoding": encoding})
        await client.aforce_login(admin_user)
        answer: Any = await client.get(export_url(run))
        return [block async for block in answer]

    blocks = download()
    assert b"".join(blocks) == CONTENT
    assert max(map(len, blocks)) == 4096


def test_who_downloaded_it_is_kept_as_an_event(run, admin_client, admin_user):
    content_of(admin_client.get(export_url(run)))
    event = SyncEvent.objects.get(kind=Kind.EXPORT_DOWNLOADED)
    assert (event.run, event.by, event.sync_type) == (run, admin_user, "customers")


def test_the_run_s_page_offers_the_download(run, admin_client):
    assert f'href="{export_url(run)}"' in run_page(admin_client, run)


@pytest.mark.parametrize("held", [["view_syncrun"], ["download_export"], ["view_syncrun", "accept_syncrun"]])
def test_without_the_permission_nobody_downloads_an_export(held, run, colleague):
    client = colleague(*held)
    assert client.get(export_url(run)).status_code == 403
    assert export_url(run) not in run_page(client, run)
    assert not SyncEvent.objects.exists()


def test_with_the_permission_a_colleague_downloads_it(run, colleague):
    client = colleague("view_syncrun", "download_export")
    assert export_url(run) in run_page(client, run)
    assert content_of(client.get(export_url(run))) == CONTENT


@pytest.mark.parametrize("method", ["post", "head", "delete"])
def test_an_export_is_only_read(method, run, admin_client):
    assert getattr(admin_client, method)(export_url(run)).status_code == 405
    assert not SyncEvent.objects.exists()


def is_refused(client, run):
    answer = client.get(export_url(run))
    assert answer.url == url(SyncRun, "change", run.pk)
    assert said(answer) == [f"The export of run {run.pk} is no longer kept."]
    assert export_url(run) not in run_page(client, run)
    assert not SyncEvent.objects.exists()
    return True


def test_an_export_that_is_no_longer_kept_leads_back_to_the_run(export_dir, admin_client):
    assert is_refused(admin_client, SyncRunFactory())
    assert is_refused(admin_client, SyncRunFactory(export_path=str(export_dir / "customers-2-1.pdf")))
    assert is_refused(admin_client, SyncRunFactory(export_path=str(export_dir)))


def test_a_file_elsewhere_is_never_sent(export_dir, tmp_path, admin_client):
    outside = run_of(tmp_path / "secret.pdf")
    assert is_refused(admin_client, outside)
    outside.export_path = str(export_dir / ".." / "secret.pdf")
    outside.save()
    assert is_refused(admin_client, outside)


def test_a_link_to_a_file_elsewhere_is_never_followed(export_dir, tmp_path, admin_client):
    (tmp_path / "secret.pdf").write_bytes(CONTENT)
    link = export_dir / "customers-3-1.pdf"
    link.symlink_to(tmp_path / "secret.pdf")
    assert is_refused(admin_client, SyncRunFactory(export_path=str(link)))


def test_a_folder_for_exports_may_be_a_link_itself(settings, run, tmp_path, admin_client):
    linked = tmp_path / "linked"
    linked.symlink_to(settings.EXPORT_DIR)
    settings.EXPORT_DIR = linked
    assert content_of(admin_client.get(export_url(run))) == CONTENT


def test_a_run_that_is_not_there_has_no_export(admin_client):
    assert admin_client.get(reverse("admin:sync_syncrun_export", args=[1])).status_code == 404
