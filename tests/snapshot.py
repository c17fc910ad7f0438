"""The rows of the test database at one moment, to which it can be put back."""

from __future__ import annotations

import sqlite3
from copy import copy
from itertools import count

from django.db import connection, transaction

from tests.lists import MODELS

schemas = (f"snapshot_{number}" for number in count(1))


class Snapshot:
    """What all tables hold when it is made.

    Numbers that were given since are not given again: what is still at work on a row that is gone finds no other row
    in its place.
    """

    def __init__(self) -> None:
        connection.ensure_connection()
        if connection.vendor == "sqlite":
            self.copy = sqlite3.connect(":memory:", check_same_thread=False)
            connection.connection.backup(self.copy)
        else:
            self.schema = next(schemas)
            with connection.cursor() as cursor:
                self.tables = connection.introspection.table_names(cursor)
                cursor.execute(f"CREATE SCHEMA {self.schema}")
                for table in self.tables:
                    cursor.execute(f'CREATE TABLE {self.schema}."{table}" AS TABLE public."{table}"')

    def restore(self) -> None:
        """Put the database back, for other processes too. They may be connected, but not be writing for long."""
        connection.ensure_connection()
        if connection.vendor == "sqlite":
            database = connection.connection
            numbers = dict(self.copy.execute("SELECT name, seq FROM sqlite_sequence"))
            for name, number in database.execute("SELECT name, seq FROM sqlite_sequence"):
                numbers[name] = max(number, numbers.get(name, 0))
            with self.copy:
                self.copy.execute("DELETE FROM sqlite_sequence")
                self.copy.executemany("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", numbers.items())
            self.copy.backup(database)
        else:
            with transaction.atomic(), connection.cursor() as cursor:  # foreign keys are looked at when it ends
                for table in self.tables:
                    cursor.execute(f'DELETE FROM public."{table}"')
                for table in self.tables:
                    cursor.execute(f'INSERT INTO public."{table}" SELECT * FROM {self.schema}."{table}"')

    def close(self) -> None:
        """Forget it; on PostgreSQL it goes with the database."""
        if connection.vendor == "sqlite":
            self.copy.close()


class Rows:
    """What the tables of the project's own apps hold when it is made, for a test that works in a transaction.

    Fields that Django sets to the moment at which a row is written get that of `restore`.
    """

    def __init__(self) -> None:
        self.rows = {model: list(model._base_manager.all()) for model in MODELS}

    def restore(self) -> None:
        """Put them back; what else has happened in this transaction is left as it is."""
        for model in self.rows:
            model._base_manager.all()._raw_delete(connection.alias)
        for model, rows in self.rows.items():
            model._base_manager.bulk_create(map(copy, rows))
