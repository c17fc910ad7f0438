"""Exports are downloaded from the web front end, whatever it does in the meantime."""

import re
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat
from queue import SimpleQueue
from threading import Event, Thread
from time import sleep
from typing import Any

import pytest

from demo.erp.front_end import WaitingExport
from demo.erp.handler import Handler
from demo.erp.lists import LISTS, find_list
from demo.erp.server import DEMO_PASSWORD, DEMO_USERNAME, DemoServer
from sync.erp import transfer
from sync.erp.client import ErpList
from sync.erp.http import Download, HttpClient, SessionExpired
from sync.exceptions import ErpAnswerUnexpected, ErpLoginRejected, ErpSessionExpired, ErpUnavailable
from sync.progress import Stage, ignore_progress
from tests.concurrency.processes import PATIENCE, until
from tests.erp.conftest import ERP_LISTS, LONGEST, UNLIMITED, control, let_sessions_idle, transfers_end
from tests.erp.test_pdf import tables

CUSTOMERS = ERP_LISTS["customers"]
NEVER = 24 * 60 * 60.0  # seconds


class Cancelled(Exception):
    pass


@pytest.fixture
def fetch(client, tmp_path):
    """Fetch the customers, or another list; the file is there only if that succeeds."""

    def fetch(erp_list=CUSTOMERS, progress=ignore_progress, at_most=LONGEST):
        path = tmp_path / "export.pdf"
        try:
            return client.fetch(erp_list, to=path, at_most=at_most, progress=progress)
        except BaseException:
            assert not path.exists()
            raise

    return fetch


@pytest.fixture
def in_time():
    """The outcome of what must not wait for an ERP that does not answer."""
    with ThreadPoolExecutor() as threads:
        yield lambda work, **arguments: threads.submit(work, **arguments).result(PATIENCE)


@pytest.mark.parametrize("sync_type", ERP_LISTS)
def test_every_list_can_be_fetched(fetch, erp, tmp_path, sync_type):
    asked_at = datetime.now(tz=UTC)
    export = fetch(ERP_LISTS[sync_type])
    erp.write_export(sync_type, tmp_path / "expected.pdf")
    assert export.path.read_bytes() == (tmp_path / "expected.pdf").read_bytes()
    assert asked_at <= export.fetched_at <= datetime.now(tz=UTC)


def test_an_english_profile_is_understood(erp, tmp_path, network):
    with DemoServer(erp, profile="en") as server:
        client = HttpClient(server.url, DEMO_USERNAME, DEMO_PASSWORD, **UNLIMITED)
        control(server, "POST", "faults", fault="remembered-filter")
        client.fetch(CUSTOMERS, to=tmp_path / "export.pdf", at_most=LONGEST, progress=ignore_progress)
    [first] = tables(tmp_path / "export.pdf", 0)
    assert first[0] == ["ID", "CUSTOMER PROFILE:", "NAME", "VAT NUMBER:"]


def test_a_user_whose_language_became_english_is_understood(fetch, server):
    control(server, "POST", "faults", fault="english", times=1)
    [first] = tables(fetch().path, 0)
    assert first[0] == ["ID", "CUSTOMER PROFILE:", "NAME", "VAT NUMBER:"]


def test_the_session_is_kept_from_one_fetch_to_the_next(fetch, server):
    fetch()
    fetch()
    assert control(server, "GET", "state")["sessions"] == 1


def test_an_idle_session_is_renewed(fetch, server):
    fetch()
    [idle] = server.front_end.sessions
    let_sessions_idle(server)
    fetch()
    [renewed] = server.front_end.sessions
    assert renewed != idle


def test_progress_counts_bytes(fetch):
    seen = []
    export = fetch(progress=lambda *args: seen.append(args))
    size = export.path.stat().st_size
    assert seen[-1] == (Stage.FETCHING, size, size)


@pytest.mark.parametrize("fault", ["remembered-filter", "kept-grid-filter"])
@pytest.mark.parametrize("sync_type", ERP_LISTS)
def test_a_filter_that_a_user_left_is_ended(fetch, server, erp, tmp_path, sync_type, fault):
    control(server, "POST", "faults", fault=fault)
    export = fetch(ERP_LISTS[sync_type])
    erp.write_export(sync_type, tmp_path / "whole.pdf")
    assert export.path.read_bytes() == (tmp_path / "whole.pdf").read_bytes()
    state = control(server, "GET", "state")
    assert sync_type not in state["grid_filters"]
    assert state["filters"].get(sync_type, "") in ("", find_list(sync_type).safe_filter)


def test_a_filter_that_comes_back_is_ended_at_the_third_attempt(fetch, server, monkeypatch):
    control(server, "POST", "faults", fault="remembered-filter")
    asked = []

    def choose_reluctantly(demo_list, value):
        asked.append(value)
        if len(asked) == 3:
            server.front_end.filters[demo_list.sync_type] = value

    monkeypatch.setattr(server.front_end, "choose_filter", choose_reluctantly)
    fetch()
    assert asked == ["All_Customers"] * 3


def test_a_filter_that_stays_is_named(fetch, server, monkeypatch):
    control(server, "POST", "faults", fault="remembered-filter")
    monkeypatch.setattr(server.front_end, "choose_filter", lambda *_: None)
    with pytest.raises(ErpAnswerUnexpected, match="its filter cannot be set to All_Customers"):
        fetch()


def test_a_grid_filter_that_stays_is_named(fetch, server, monkeypatch):
    control(server, "POST", "faults", fault="kept-grid-filter", list="products")
    monkeypatch.setattr(server.front_end, "clear_grid_filter", lambda _: None)
    with pytest.raises(ErpAnswerUnexpected, match=r"its filter \[Oid\] % 11 = 0 cannot be cleared"):
        fetch(ERP_LISTS["products"])


def test_an_update_that_renames_filters_and_moves_the_export_button_changes_nothing(fetch, server):
    control(server, "POST", "faults", fault="remembered-filter")
    control(server, "POST", "update")
    fetch()
    assert control(server, "GET", "state")["filters"]["customers"] == "All_Customers"


def test_a_list_whose_filter_is_not_there_is_not_fetched(fetch):
    with pytest.raises(ErpAnswerUnexpected, match="its page has no filter Every_Customer"):
        fetch(ErpList(CUSTOMERS.name, CUSTOMERS.file_names, "ID", "Every_Customer"))


def test_columns_that_a_new_session_hides_are_shown_once_in_it(fetch, server, monkeypatch):
    chosen = []
    choose = server.front_end.choose_columns

    def choose_and_count(session, demo_list, places):
        chosen.append(len(places))
        choose(session, demo_list, places)

    monkeypatch.setattr(server.front_end, "choose_columns", choose_and_count)
    for expected in ([36], [36]):
        fetch(ERP_LISTS["products"])
        assert chosen == expected
    let_sessions_idle(server)
    fetch(ERP_LISTS["products"])
    assert chosen == [36, 36]


def test_a_session_that_goes_on_hiding_columns_gives_what_it_shows(fetch, server, erp, tmp_path):
    control(server, "POST", "faults", fault="hidden-columns")
    export = fetch(ERP_LISTS["products"])
    products = find_list("products")
    erp.write_export("products", tmp_path / "expected.pdf", shown=products.list_first_columns())
    assert export.path.read_bytes() == (tmp_path / "expected.pdf").read_bytes()


def test_an_export_that_nobody_fetched_is_passed_over(fetch, server):
    fetch()
    [session] = server.front_end.sessions.values()
    session.waiting[CUSTOMERS.name] = WaitingExport(set(), is_generated=True)
    assert fetch().path.read_bytes().startswith(b"%PDF")
    assert session.waiting == {}


def test_an_export_that_comes_at_once_is_taken(fetch, server, monkeypatch):
    """Where the click's answer leads to the export by itself."""
    monkeypatch.setattr(Handler, "send_list", redirect_when_an_export_waits)
    assert fetch().path.read_bytes().startswith(b"%PDF")
    until(lambda: server.front_end.exports == 1)  # the ERP counts it once it has sent the last byte


send_list = Handler.send_list


def redirect_when_an_export_waits(handler, demo_list, session, fields, **also):
    if also.get("fetches"):
        handler.redirect(f"/{demo_list.name}/")
    else:
        send_list(handler, demo_list, session, fields, **also)


@pytest.mark.parametrize("fault", ["expired-session", "html-instead-of-pdf"])
def test_a_session_that_expires_once_is_renewed_at_once(fetch, server, fault):
    control(server, "POST", "faults", fault=fault, times=1)
    fetch()


@pytest.mark.parametrize("fault", ["expired-session", "html-instead-of-pdf"])
def test_a_session_that_expires_again_is_given_up(fetch, server, fault):
    control(server, "POST", "faults", fault=fault, times=2)
    with pytest.raises(ErpSessionExpired, match="its login page instead of the list, even after a new login"):
        fetch()
    fetch()


def test_a_session_that_ends_after_its_export_came_leaves_nothing_of_that(fetch, tmp_path, monkeypatch):
    check_filters, ends = Download.check_filters, iter([SessionExpired(), None])

    def lose_session(download):
        if error := next(ends):
            raise error
        check_filters(download)

    fetch()
    once = (tmp_path / "export.pdf").stat().st_size
    monkeypatch.setattr(Download, "check_filters", lose_session)
    fetch()
    assert (tmp_path / "export.pdf").stat().st_size == once


def test_a_banner_goes_away_with_another_click(fetch, server):
    control(server, "POST", "faults", fault="error-banner", times=2)
    fetch()


def test_a_banner_that_stays_is_given_up_after_three_clicks(fetch, server):
    control(server, "POST", "faults", fault="error-banner", times=3)
    with pytest.raises(ErpAnswerUnexpected, match="3 times"):
        fetch()
    assert control(server, "GET", "state")["faults"] == []


@pytest.mark.parametrize(
    ("fault", "error", "reason"),
    [
        ("server-error", ErpAnswerUnexpected, "answered, but not with an export: status 500. Open"),
        ("cut-connection", ErpUnavailable, "not provide an export: the connection broke during the export. Try again"),
    ],
)
def test_a_broken_front_end_is_unavailable(fetch, server, fault, error, reason):
    control(server, "POST", "faults", fault=fault, times=1)
    with pytest.raises(error, match=reason):
        fetch()
    fetch()


def test_an_export_that_stops_coming_is_unavailable(server, tmp_path):
    control(server, "POST", "faults", fault="stalled-connection")
    client = HttpClient(server.url, DEMO_USERNAME, DEMO_PASSWORD, read_timeout=0.3, **UNLIMITED)
    with pytest.raises(ErpUnavailable, match=r"it sent nothing for 0\.3 s"):
        client.fetch(CUSTOMERS, to=tmp_path / "export.pdf", at_most=LONGEST, progress=ignore_progress)


@pytest.mark.parametrize("fault", ["truncated-file", "wrong-count", "empty-file"])
def test_what_is_wrong_in_the_file_is_left_to_the_reader(fetch, server, erp, tmp_path, fault):
    control(server, "POST", "faults", fault=fault)
    erp.write_export("customers", tmp_path / "right.pdf")
    assert fetch().path.read_bytes() != (tmp_path / "right.pdf").read_bytes()


def test_a_wrong_password_is_rejected(server, tmp_path):
    client = HttpClient(server.url, DEMO_USERNAME, "sbagliata", **UNLIMITED)
    with pytest.raises(ErpLoginRejected, match="does not accept the login of agente"):
        client.fetch(CUSTOMERS, to=tmp_path / "export.pdf", at_most=LONGEST, progress=ignore_progress)


def test_an_erp_that_is_not_there_is_unavailable(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # not listening
        client = HttpClient(f"http://127.0.0.1:{taken.getsockname()[1]}/", "agente", "", **UNLIMITED)
        with pytest.raises(ErpUnavailable, match=r"the connection failed \(Connection refused\)"):
            client.fetch(CUSTOMERS, to=tmp_path / "export.pdf", at_most=LONGEST, progress=ignore_progress)


def test_a_list_that_is_not_there_is_unavailable(fetch):
    with pytest.raises(ErpAnswerUnexpected, match="status 404"):
        fetch(ErpList("AGENTS_ListView", ("Agenti.pdf",), "ID"))


@pytest.mark.parametrize("sync_type", [each.sync_type for each in LISTS])
def test_a_fetch_can_be_abandoned_every_250_ms_while_the_erp_is_generating(
    fetch, server, in_time, monkeypatch, sync_type
):
    waited, called = [], []

    class Asked(SimpleQueue[Any]):
        def get(self, block=True, timeout=None):
            waited.append(timeout)
            return super().get(block, timeout)

    def cancel_when_generating(stage, done, total):
        called.append(done)
        if len(called) > 10:
            raise Cancelled

    monkeypatch.setattr(transfer, "SimpleQueue", Asked)
    server.delay = NEVER
    with pytest.raises(Cancelled):
        in_time(fetch, erp_list=ERP_LISTS[sync_type], progress=cancel_when_generating)
    assert (called, len(waited)) == ([0] * 11, 11)
    assert max(waited) < 0.25


def test_a_fetch_is_abandoned_while_the_export_stalls(fetch, server, in_time):
    control(server, "POST", "faults", fault="stalled-connection")

    def cancel_half_way(stage, done, total):
        if done:
            assert done < total
            raise Cancelled

    with pytest.raises(Cancelled):
        in_time(fetch, progress=cancel_half_way)


def test_an_abandoned_fetch_leaves_no_connection_behind(fetch, server):
    def cancel(stage, done, total):
        if control(server, "GET", "state")["sessions"]:
            raise Cancelled

    server.delay = NEVER
    for _ in range(3):
        with pytest.raises(Cancelled):
            fetch(progress=cancel)
    server.delay = 0
    fetch()


def whole_request(client):
    """What a client asks, the form that it posts too."""
    request = client.recv(256 * 1024)
    head, _, body = request.partition(b"\r\n\r\n")
    [length] = re.findall(rb"Content-Length: (\d+)", head) or [0]
    while len(body) < int(length):
        body += client.recv(256 * 1024)
    return head + b"\r\n\r\n" + body if request else b""


class DribblingProxy:
    """Stands before an ERP, and from the so-manieth answer on gives one byte after the other, for ever."""

    def __init__(self, server, *, from_answer):
        self.server = server.http.server_address
        self.answers_left = from_answer - 1
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self.stopping = Event()
        Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with suppress(OSError):  # closed
            while True:
                Thread(target=self.carry, args=(self.listening.accept()[0],), daemon=True).start()

    def carry(self, client):
        with client, suppress(OSError):  # gone
            while request := whole_request(client):
                with socket.create_connection(self.server) as erp:
                    erp.sendall(request.replace(b"Connection: keep-alive", b"Connection: close"))
                    answer = b"".join(iter(lambda: erp.recv(64 * 1024), b""))
                if self.answers_left:
                    self.answers_left -= 1
                    client.sendall(answer)
                else:
                    self.dribble(client, answer)

    def dribble(self, client, answer):
        for byte in chain(answer, repeat(ord(" "))):
            client.sendall(bytes([byte]))
            if self.stopping.wait(0.01):
                return


@pytest.fixture
def dribbling(server):
    proxies = []

    def dribble(from_answer):
        proxies.append(DribblingProxy(server, from_answer=from_answer))
        return HttpClient(f"http://127.0.0.1:{proxies[-1].port}/", DEMO_USERNAME, DEMO_PASSWORD, **UNLIMITED)

    yield dribble
    for proxy in proxies:
        proxy.stopping.set()
        proxy.listening.close()


ANSWERS = [
    *("the redirect to the login", "the login page", "the login", "the page after it", "the list", "the click"),
    "the export",
]


@pytest.mark.parametrize("phase", ANSWERS)
def test_an_erp_that_gives_one_byte_after_the_other_is_given_up_wherever_it_does(dribbling, in_time, tmp_path, phase):
    client = dribbling(from_answer=1 + ANSWERS.index(phase))
    with pytest.raises(ErpUnavailable, match=r"not provide an export: the export was not complete after 1 s\."):
        in_time(
            client.fetch,
            erp_list=CUSTOMERS,
            to=tmp_path / "export.pdf",
            at_most=timedelta(seconds=1),
            progress=ignore_progress,
        )
    assert not (tmp_path / "export.pdf").exists()
    transfers_end()


def test_an_erp_that_dribbles_before_the_first_word_of_tls_is_given_up(in_time, network, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        client = HttpClient(
            f"https://127.0.0.1:{listening.getsockname()[1]}/", "agente", "", read_timeout=NEVER, **UNLIMITED
        )

        def say_nothing_for_ever():
            with listening.accept()[0] as connected, suppress(OSError):  # gone
                connected.sendall(b"\x16\x03\x03\x3f\xff")  # a record of 16 kB, of which a byte comes now and then
                while connected.send(b"\0"):
                    sleep(0.01)

        Thread(target=say_nothing_for_ever, daemon=True).start()
        with pytest.raises(ErpUnavailable, match=r"not complete after 0\.5 s"):
            in_time(
                client.fetch,
                erp_list=CUSTOMERS,
                to=tmp_path / "export.pdf",
                at_most=timedelta(seconds=0.5),
                progress=ignore_progress,
            )
