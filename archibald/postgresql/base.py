"""Django's PostgreSQL backend, with an end to every wait: for a process that is frozen, for a database that is gone.

Whoever takes part in the syncs holds rows that others wait for. So a transaction that does nothing for a lease is ended
by the database, whatever it was for; and a statement that gets no answer ends together with its connection.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import psycopg
from django.conf import settings
from django.db.backends.postgresql import base
from django.db.backends.postgresql.schema import DatabaseSchemaEditor
from psycopg.abc import PQGen

CONNECT_SECONDS = 10
STATEMENT_SECONDS = 60.0  # that a statement may take; more if a lease is longer, as it may wait for one to pass
ANSWER_MARGIN = 5.0  # seconds after which the client gives up an answer that the database had to give by then
KEEPALIVE_SECONDS = 5  # of silence on a connection, then a sign of life is asked for
KEEPALIVES = 3  # without an answer, and the other side is gone


class SchemaEditor(DatabaseSchemaEditor):
    """Migrations take as long as they take."""

    def __enter__(self) -> SchemaEditor:
        super().__enter__()
        self.execute("SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0")
        self.connection.connection.__dict__.pop("wait", None)
        return self


class DatabaseWrapper(base.DatabaseWrapper):
    SchemaEditorClass = SchemaEditor

    def get_connection_params(self) -> dict[str, Any]:
        """What the URL says of a connection wins."""
        given: dict[str, Any] = super().get_connection_params()
        silence = KEEPALIVE_SECONDS * KEEPALIVES * 1000
        limits = {
            "idle_in_transaction_session_timeout": milliseconds(settings.SYNC_LEASE.total_seconds()),
            "statement_timeout": milliseconds(statement_seconds()),
            "tcp_keepalives_idle": KEEPALIVE_SECONDS,
            "tcp_keepalives_interval": KEEPALIVE_SECONDS,
            "tcp_keepalives_count": KEEPALIVES - 1,
            "tcp_user_timeout": silence,
        }
        options = " ".join(f"-c {name}={value}" for name, value in limits.items())
        return {
            "connect_timeout": CONNECT_SECONDS,
            "keepalives_idle": KEEPALIVE_SECONDS,
            "keepalives_interval": KEEPALIVE_SECONDS,
            "keepalives_count": KEEPALIVES - 1,
            "tcp_user_timeout": silence,
            **given,
            "options": f"{options} {given.get('options', '')}".strip(),
        }

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        connection.wait = partial(wait_in_time, connection, connection.wait, statement_seconds() + ANSWER_MARGIN)
        return connection


class NoAnswer(psycopg.OperationalError):
    """The database did not answer, though the network says nothing of it."""


def wait_in_time(
    connection: psycopg.Connection[Any], wait: Callable[..., Any], seconds: float, gen: PQGen[Any], **options: Any
) -> Any:
    """psycopg's `Connection.wait`, which ends. Raises NoAnswer, and then the connection is closed."""
    try:
        return wait(end_in_time(gen, seconds), **options)
    except NoAnswer:
        connection.pgconn.finish()  # else whoever uses it next would wait for the rest
        raise


def end_in_time(gen: PQGen[Any], seconds: float) -> PQGen[Any]:
    """The same steps of a conversation with the database. Raises NoAnswer when nothing has come for so long."""
    heard = time.monotonic()
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            if ready:
                heard = time.monotonic()
            elif time.monotonic() - heard > seconds:
                raise NoAnswer(f"the database did not answer within {seconds:g} seconds")
            wanted = gen.send(ready)
    except StopIteration as end:
        return end.value


def statement_seconds() -> float:
    return max(STATEMENT_SECONDS, 2 * settings.SYNC_LEASE.total_seconds())


def milliseconds(seconds: float) -> int:
    return int(seconds * 1000)
