"""The time, by the one clock that all processes share: the database's.

What one process writes and another one judges goes by it: when a session ends, when a run may start, how fresh a list
is. The clock of a machine may be an hour off, and be put right while its processes run.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db import connection
from django.utils import timezone

ASKED_EVERY = 5.0  # seconds; in between, the database's clock is taken to go as fast as this machine's
AGREES = 0.05  # seconds: what asking takes, and SQLite rounds; so time does not go back whenever it is asked for

TRIES = 3  # at an answer that comes at once

QUESTIONS = {  # in seconds since 1970
    "postgresql": "SELECT extract(epoch FROM clock_timestamp())::float8",
    "sqlite": "SELECT (julianday('now') - 2440587.5) * 86400",
}


@dataclass(frozen=True)
class Reading:
    """The database's clock beside this process's monotonic one, both in seconds, and when they were last compared."""

    database: float
    monotonic: float
    compared: float

    def at(self, monotonic: float) -> float:
        return self.database + monotonic - self.monotonic


reading: Reading | None = None  # of this process


def now() -> datetime:
    """The time by the database's clock, aware; by this machine's where the database was never asked."""
    global reading
    if reading is None or time.monotonic() - reading.compared > ASKED_EVERY:
        reading = ask(reading) or reading
    return estimate_now()


def estimate_now() -> datetime:
    """The same without asking the database, from when it was asked last."""
    return datetime.fromtimestamp(reading.at(time.monotonic()), UTC) if reading else timezone.now()


def ask(last: Reading | None) -> Reading | None:
    """Read the database's clock. None in a transaction that has failed: the database answers nothing there."""
    connection.ensure_connection()
    session = connection.connection
    if connection.vendor == "postgresql" and session.info.transaction_status.name == "INERROR":
        return None
    for _ in range(TRIES):
        before = time.monotonic()
        with connection.wrap_database_errors:
            database = session.execute(QUESTIONS[connection.vendor]).fetchone()[0]  # in no page's log: none asked
        after = time.monotonic()
        if after - before < AGREES:  # else this process may have been stopped in between
            break
    asked = (before + after) / 2
    if last and abs(database - last.at(asked)) < AGREES:
        return Reading(last.database, last.monotonic, after)
    return Reading(database, asked, after)


def today() -> date:
    """The day in Italy."""
    return timezone.localdate(now())


def measure_lead() -> timedelta:
    """How far this machine's clock is ahead of the database's; less than nothing if it is behind."""
    return timezone.now() - now()
