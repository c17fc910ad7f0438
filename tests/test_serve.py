"""`manage.py serve`, before and beside what it serves."""

import os
import resource
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from sync.management.http_connections import FILES_RAISED_TO
from sync.models import SyncRun
from tests.api_server import signed_in
from tests.concurrency.processes import until
from tests.factories import UserFactory

AHEAD = Path(__file__).parent / "campaign" / "ahead"  # sets the clock of a process ahead
MANY = 195  # requests; more than connections to the database, and fewer than one address may have to the server


@pytest.mark.django_db(transaction=True)
def test_a_port_in_use_is_named():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(CommandError, match=f"^Cannot serve on 127.0.0.1, port {port}: Address already in use$"):
            call_command("serve", port=port)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 65536), ("127.0.0.1", -1), ("no address", 0)])
def test_what_cannot_be_served_on_is_named(host, port):
    with pytest.raises(CommandError, match="Cannot serve on "):
        call_command("serve", host=host, port=port)


@pytest.mark.usefixtures("real_processes")
def test_a_database_that_is_not_migrated_is_refused(tmp_path):
    done = subprocess.run(
        [sys.executable, settings.BASE_DIR / "manage.py", "serve", "--port=0"],
        env=os.environ | {"DATABASE_URL": f"sqlite:///{tmp_path / 'empty.sqlite3'}"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr == "CommandError: The database is not up to date. Run manage.py migrate first.\n"


def test_static_files_are_served_without_a_warning(serve):
    server = serve(DEBUG="true")
    status, body = server.get("/static/admin/css/base.css")
    assert status == 200
    assert b"DJANGO Admin styles" in body
    connection, answer = server.open("/static/admin/css/base.css")
    assert "no-store" not in answer.headers["Cache-Control"]
    connection.close()
    assert "Warning" not in server.log.read_text()


def test_requests_are_logged_if_that_is_asked_for(serve):
    server = serve("serve", "--access-log")
    server.get("/healthz")
    assert '"GET /healthz HTTP/1.1" 200' in server.log.read_text()


@pytest.fixture
def broken_page():
    """A page of the admin that always fails: its table is not there."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE sync_syncworker RENAME TO somewhere_else")
        yield "/admin/sync/syncworker/"
        cursor.execute("ALTER TABLE somewhere_else RENAME TO sync_syncworker")


@pytest.mark.parametrize("debug", ["true", "false"])
def test_failed_requests_leave_no_connection_to_the_database_open(serve, broken_page, client, debug):
    """Django makes error pages in threads in which no request ends, and those of DEBUG show what queries find."""
    server = serve(DEBUG=debug, SECURE_SSL_REDIRECT="false")
    client.force_login(UserFactory(is_superuser=True, is_staff=True))
    session = f"sessionid={client.cookies['sessionid'].value}"
    before = open_files(server)
    assert server.get("/nothing/here", Cookie=session)[0] == 404
    assert server.get(broken_page, Cookie=session)[0] == 500

    def fail(number):
        return server.get(["/nothing/here", broken_page][number % 2], Cookie=session)[0]

    with ThreadPoolExecutor(5) as threads:
        assert set(threads.map(fail, range(20))) == {404, 500}
    until(lambda: open_files(server) <= before)


def open_files(server):
    """How many files and sockets a server has open; a connection to the database is one, or on SQLite three."""
    return sum(1 for _ in Path(f"/proc/{server.process.pid}/fd").iterdir())


@pytest.mark.django_db(transaction=True)
def test_an_erp_that_does_not_answer_keeps_no_server_from_stopping(serve):
    """The run that an order form waits for is given back, and carried out by whoever comes next."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        erp = f"http://127.0.0.1:{silent.getsockname()[1]}"
        server = serve(ERP_URL=erp, ERP_USERNAME="a", ERP_PASSWORD="b")
        headers = {**signed_in(UserFactory()), "Prefer": "respond-async"}
        answer = requests.post(f"{server.url}/api/customers/smart-sync", headers=headers, timeout=60)
        assert answer.status_code == 202
        until(lambda: SyncRun.objects.running().exists())
        assert server.stop() == 0
    run = SyncRun.objects.get()
    assert (run.status, run.ended_attempts[0]["outcome"]) == ("queued", "handed back")


@pytest.mark.django_db(transaction=True)
def test_forms_that_wait_for_the_erp_keep_nobody_else_waiting(serve):
    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor(60) as threads:
        erp = f"http://127.0.0.1:{silent.getsockname()[1]}"
        server = serve(ERP_URL=erp, ERP_USERNAME="a", ERP_PASSWORD="b")
        headers = signed_in(UserFactory())

        def open_form(_number):
            return requests.post(f"{server.url}/api/customers/smart-sync", headers=headers, timeout=120).status_code

        forms = [threads.submit(open_form, number) for number in range(60)]
        until(lambda: SyncRun.objects.running().exists())
        assert requests.get(f"{server.url}/api/customers", headers=headers, timeout=120).status_code == 200
        # Twenty wait for fifteen seconds; those for whom there is no place do not wait for one.
        until(lambda: sum(form.done() for form in forms) >= 40)
        assert {form.result() for form in forms} == {202}
        server.stop()


@pytest.mark.django_db(transaction=True)
def test_more_requests_at_once_than_the_database_has_connections_are_all_answered(api_server):
    headers = signed_in(UserFactory())

    def ask(_number):
        return requests.get(f"{api_server.url}/api/sync/status", headers=headers, timeout=120).status_code

    with ThreadPoolExecutor(MANY) as threads:
        assert set(threads.map(ask, range(MANY))) == {200}


def test_a_server_may_open_as_many_files_as_the_system_allows(serve):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    try:
        server = serve()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)[0] == min(hard, FILES_RAISED_TO)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("limit", ["MAX_CONNECTIONS", "MAX_CONNECTIONS_PER_ADDRESS"])
def test_clients_that_keep_a_server_waiting_keep_nobody_else_waiting_nor_it_from_stopping(serve, limit):
    server = serve(**{limit: "150"})
    headers = signed_in(UserFactory())
    host, port = urlsplit(server.url).netloc.split(":")
    body = "POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{{"
    slow = ["GET / HTTP/1.1\r\nHost:"] * 300 + [body.format("/api/token")] * 45
    slow += [body.format("/api/customers/smart-sync")] * 25
    with ExitStack() as clients:
        for sent in slow:
            client = clients.enter_context(socket.create_connection((host, int(port))))
            with suppress(ConnectionResetError):
                client.sendall(sent.encode())
        for path in ("/healthz", "/api/sync/status", "/api/customers"):
            assert server.get(path, **headers)[0] == 200
        wrong = requests.post(f"{server.url}/api/token", json={"username": "a", "password": "b"}, timeout=60)
        assert wrong.status_code == 401
        assert server.stop() == 0
    log = server.log.read_text()
    assert "Traceback" not in log
    assert len(log) < 10_000


def test_answers_are_dated_by_the_databases_clock_once(serve):
    """Pages count from there: a web server whose clock is ahead would have order forms end as they are opened."""
    server = serve(PYTHONPATH=str(AHEAD), CLOCK_AHEAD="3600")
    connection, response = server.open("/api/sync/status", **signed_in(UserFactory()))
    with closing(connection):
        (date,) = response.headers.get_all("Date")
    assert abs(parsedate_to_datetime(date) - timezone.now()) < timedelta(minutes=5)


@pytest.mark.postgresql
def test_it_ends_for_certain_though_a_request_waits_for_the_database(serve):
    server = serve()
    other = connection.copy()
    with closing(other), other.cursor() as cursor, ThreadPoolExecutor() as threads:
        cursor.execute("BEGIN")
        cursor.execute("LOCK TABLE sync_syncschedule IN ACCESS EXCLUSIVE MODE")
        waiting = threads.submit(server.get, "/api/sync/status", **signed_in(UserFactory()))
        until(lambda: waits_for_a_lock())
        assert server.stop() == 0
        cursor.execute("ROLLBACK")
        assert waiting.exception()


def waits_for_a_lock():
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        return cursor.fetchone() is not None
