"""A database whose disk is full, for this process or, under `tests.small_database`, for others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import DatabaseError, connection

ALL_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
REFUSE = """
    CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$
"""


@contextmanager
def full_database() -> Iterator[None]:
    """What SQLite may not grow by any more, it has filled; PostgreSQL says of each row that there is no room for it."""
    if connection.vendor == "sqlite":
        with full_sqlite():
            yield
    else:
        with full_postgresql():
            yield


@contextmanager
def full_sqlite() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS filler (data)")
        cursor.execute("PRAGMA page_count")
        [pages] = cursor.fetchone()
        cursor.execute(f"PRAGMA max_page_count = {pages}")
        for size in (4000, 400, 4):
            with suppress(DatabaseError):
                while True:
                    cursor.execute("INSERT INTO filler VALUES (zeroblob(%s))", [size])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE filler")
            cursor.execute("PRAGMA max_page_count = 1073741823")


@contextmanager
def full_postgresql() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(REFUSE)
        cursor.execute(ALL_TABLES)
        for [table] in cursor.fetchall():
            cursor.execute(
                f'CREATE TRIGGER no_room BEFORE INSERT OR UPDATE ON "{table}" FOR EACH ROW EXECUTE FUNCTION no_room()'
            )
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION no_room CASCADE")
