"""A connection to PostgreSQL over which nothing comes any more, though nobody has closed it, is given up."""

import socket
from contextlib import closing, suppress
from datetime import timedelta
from threading import Event, Thread
from unittest.mock import patch
from urllib.parse import unquote

import pytest
from django.db import connection

from archibald.postgresql import base
from sync.coordinator import runner
from sync.coordinator.queue import request_sync
from sync.models import SyncRun
from tests.concurrency.processes import at_a_record, stop_here, until
from tests.concurrency.test_stopped_processes import drained
from tests.sync.demo import is_mirrored

pytestmark = [pytest.mark.postgresql, pytest.mark.usefixtures("demo_server")]


class Network:
    """What lies between a process and PostgreSQL: as long as `drops` is set, all that was sent is lost for ever."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.drops = Event()
        self.connections = []
        Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(f"{unquote(connection.settings_dict['HOST'])}/.s.PGSQL.5432")
                self.connections += [client, server]
                for source, target in ((client, server), (server, client)):
                    Thread(target=self.forward, args=(source, target, self.drops), daemon=True).start()

    def forward(self, source, target, drops):
        with suppress(OSError):
            while data := source.recv(65536):
                if not drops.is_set():
                    target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def close(self):
        for each in (self.listener, *self.connections):
            each.close()


@pytest.fixture
def network():
    with closing(Network()) as network:
        yield network


@pytest.fixture
def lease(settings):
    settings.SYNC_LEASE = timedelta(seconds=1)


def drain_over(port):
    """Drain, stopping once in the midst of a run, until the queue is empty, with a database that is far away."""
    connection.settings_dict |= {"HOST": "127.0.0.1", "PORT": str(port)}
    with patch.object(base, "STATEMENT_SECONDS", 1.0), patch.object(base, "ANSWER_MARGIN", 1.0):
        with at_a_record("reading", 10, stop_here):
            runner.drain_queue()
        until(lambda: not SyncRun.objects.queued().exists())
        run = request_sync("prices", trigger=SyncRun.Trigger.API)
        until(lambda: drained(run))


@pytest.mark.usefixtures("lease")
def test_a_run_whose_connection_went_silent_is_done_again_and_its_process_goes_on(start, erp, network):
    run = request_sync("customers", mode="full", trigger=SyncRun.Trigger.API)
    child = start(drain_over, network.port)
    until(lambda: child.is_stopped)
    network.drops.set()
    child.resume()
    until(lambda: drained(run))
    assert (run.status, run.attempts) == (SyncRun.Status.SUCCEEDED, 2)
    assert is_mirrored(erp, "customers")
    network.drops.clear()
    assert child.ended_well()
    assert SyncRun.objects.get(sync_type="prices").status == SyncRun.Status.SUCCEEDED


def test_a_statement_that_the_database_works_on_is_ended_by_the_database(transactional_db):
    connection.close()
    with patch.object(base, "statement_seconds", lambda: 0.1):
        with connection.cursor() as cursor, pytest.raises(Exception, match="statement timeout"):
            cursor.execute("SELECT pg_sleep(60)")
        assert connection.is_usable()
    connection.close()


def test_what_a_migration_does_may_take_its_time(transactional_db):
    connection.close()
    in_a_hurry = patch.object(base, "statement_seconds", lambda: 0.1)
    with in_a_hurry, patch.object(base, "ANSWER_MARGIN", 0.1), connection.schema_editor() as editor:
        editor.execute("SELECT pg_sleep(0.5)")
    connection.close()
