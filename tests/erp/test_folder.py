"""Exports are taken from a folder that somebody drops them into."""

import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from threading import Event

import pytest

from sync.erp.client import ErpList
from sync.erp.folder import FolderClient, find_newest
from sync.erp.transfer import CHUNK
from sync.exceptions import ErpFolderNotFound, ErpUnavailable, ExportNotFound, ExportTooLarge
from sync.progress import Stage, ignore_progress
from sync.service import list_services
from tests.erp.conftest import LONGEST, transfers_end

CUSTOMERS = ErpList("CUSTTABLE_ListView_Agent", ("Clienti.pdf", "Customers.pdf"), "ID")


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "exports"
    folder.mkdir()
    return folder


@pytest.fixture
def drop(folder):
    """Put a file into the folder, so many seconds after the epoch."""

    def drop(name, content=b"%PDF", *, at=1_000):
        (folder / name).write_bytes(content)
        os.utime(folder / name, (at, at))

    return drop


@pytest.fixture
def fetch(folder, tmp_path):
    def fetch(progress=ignore_progress, at_most=LONGEST):
        return FolderClient(folder).fetch(CUSTOMERS, to=tmp_path / "copy.pdf", at_most=at_most, progress=progress)

    return fetch


def test_the_newest_export_is_taken_and_left_there(drop, fetch, folder):
    drop("Clienti.pdf", b"old", at=1_000)
    drop("Customers.pdf", b"new", at=2_000)
    export = fetch()
    assert export.path.read_bytes() == b"new"
    assert export.fetched_at == datetime.fromtimestamp(2_000, tz=UTC)
    assert sorted(path.name for path in folder.iterdir()) == ["Clienti.pdf", "Customers.pdf"]


@pytest.mark.parametrize("name", ["Clienti.pdf", "CLIENTI.PDF", "clienti (1).pdf", "Customers(12).pdf"])
def test_names_are_recognised_as_browsers_write_them(drop, fetch, name):
    drop(name)
    fetch()


@pytest.mark.parametrize("named", ["{}.pdf", "{} (2).pdf", "{}(12).pdf", "{}.PDF"])
@pytest.mark.parametrize(
    ("sync_type", "name"),
    [
        ("customers", "Clienti"),
        ("customers", "Customers"),
        ("orders", "Ordini"),
        ("orders", "Ordini cliente"),
        ("orders", "Customer orders"),
        ("ddt", "Documenti di trasporto"),
        ("ddt", "Giornale di registrazione bolla di consegna"),
        ("ddt", "Packing slip journal"),
        ("invoices", "Fatture"),
        ("invoices", "Giornale di registrazione fatture cliente"),
        ("invoices", "Customer invoice journal"),
        ("products", "Prodotti"),
        ("products", "Products"),
        ("prices", "Tabella prezzi"),
        ("prices", "Price table"),
    ],
)
def test_every_name_that_the_erp_gives_an_export_is_recognised_as_its_lists(drop, folder, sync_type, name, named):
    drop(named.format(name))
    drop(named.format(name.upper() + " VECCHIO"))
    found = {}
    for service in list_services():
        with suppress(FileNotFoundError):
            found[service.sync_type] = find_newest(folder, service.erp_list).name
    assert found == {sync_type: named.format(name)}


@pytest.mark.parametrize(
    "name", ["Clienti.pdf.crdownload", "Clienti.pdf.part", "Clienti2.pdf", "Vecchi Clienti.pdf", "Clienti.xlsx"]
)
def test_other_files_are_not_taken(drop, fetch, name):
    drop(name)
    with pytest.raises(ExportNotFound, match=r"expected a file named Clienti\.pdf or Customers\.pdf"):
        fetch()


def test_a_file_that_only_keeps_the_place_of_a_download_is_not_taken(drop, fetch):
    drop("Clienti (1).pdf", b"")
    drop("Clienti (1).a1B2c3.pdf.part", b"%PDF")
    with pytest.raises(ExportNotFound):
        fetch()
    drop("Clienti.pdf", b"%PDF whole")
    assert fetch().path.read_bytes() == b"%PDF whole"


def test_an_empty_export_is_taken_for_the_reader_to_refuse(drop, fetch):
    drop("Clienti.pdf", b"")
    assert fetch().path.read_bytes() == b""


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ErpFolderNotFound, match="nowhere, which is not a folder"):
        FolderClient(tmp_path / "nowhere").fetch(
            CUSTOMERS, to=tmp_path / "copy.pdf", at_most=LONGEST, progress=ignore_progress
        )


def test_a_folder_that_cannot_be_read_is_unavailable(folder, fetch, monkeypatch):
    def refuse(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(folder), "iterdir", refuse)
    with pytest.raises(ErpUnavailable, match="Permission denied"):
        fetch()


def test_progress_counts_bytes(drop, fetch):
    drop("Clienti.pdf", b"x" * (2 * CHUNK + 1))
    seen = []
    fetch(progress=lambda *args: seen.append(args))
    total = 2 * CHUNK + 1
    assert seen[-1] == (Stage.FETCHING, total, total)


def test_a_cancelled_copy_leaves_nothing_behind(drop, fetch, tmp_path):
    drop("Clienti.pdf", b"x" * (2 * CHUNK))

    def cancel(stage, done, total):
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(progress=cancel)
    assert not (tmp_path / "copy.pdf").exists()


@pytest.fixture
def hanging(folder, monkeypatch):
    """The folder's server does not answer, until the test ends: `iterdir` waits for it."""
    answers = Event()

    def hang(self):
        answers.wait()
        return iter([self / "Clienti.pdf"])

    monkeypatch.setattr(type(folder), "iterdir", hang)
    yield answers
    answers.set()


def test_a_folder_that_hangs_is_given_up_and_what_comes_later_is_not_written(drop, hanging, fetch, tmp_path):
    drop("Clienti.pdf", b"too late")
    with pytest.raises(ErpUnavailable, match=r"the export was not complete after 0\.2 s"):
        fetch(at_most=timedelta(seconds=0.2))
    hanging.set()
    transfers_end()
    assert not (tmp_path / "copy.pdf").exists()


def test_a_folder_that_hangs_can_be_left_at_any_moment(hanging, fetch):
    called = []

    def cancel(stage, done, total):
        called.append(done)
        if len(called) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(progress=cancel)
    assert called == [0, 0, 0]


def test_a_file_over_the_limit_is_refused_before_a_byte_of_it_is_copied(drop, folder, tmp_path):
    drop("Clienti.pdf")
    os.truncate(folder / "Clienti.pdf", 1024**4)
    with pytest.raises(
        ExportTooLarge, match=r"its size \(1099511627776 bytes\) is over the limit of 10\. .*EXPORT_MAX_BYTES"
    ):
        copy(folder, tmp_path, largest=10, progress=never_more_than(0))
    assert not (tmp_path / "copy.pdf").exists()


def test_a_file_that_grows_while_it_is_copied_is_copied_up_to_the_limit(drop, folder, tmp_path, monkeypatch):
    drop("Clienti.pdf", b"x" * (2 * CHUNK))
    monkeypatch.setattr("sync.erp.transfer.os.fstat", lambda descriptor: os.stat_result([0] * 10))  # as it was, empty
    with pytest.raises(ExportTooLarge, match=r"its size \(at least 2097152 bytes\)"):
        copy(folder, tmp_path, largest=CHUNK, progress=never_more_than(CHUNK))
    assert not (tmp_path / "copy.pdf").exists()


def copy(folder, tmp_path, *, largest, progress):
    client = FolderClient(folder, largest=largest)
    return client.fetch(CUSTOMERS, to=tmp_path / "copy.pdf", at_most=LONGEST, progress=progress)


def never_more_than(most):
    def progress(stage, done, total):
        assert done <= most

    return progress
