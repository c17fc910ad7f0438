"""What PostgreSQL does about transactions that wait for each other: it ends one, which has to be begun anew."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import OperationalError, connection

P = ParamSpec("P")
T = TypeVar("T")

DEADLOCK = "40P01"  # PostgreSQL's code
TRIES = 5


def retry_deadlocks(function: Callable[P, T]) -> Callable[P, T]:
    """Call a function again whose transaction the database has ended for another one's sake.

    Within a larger transaction, all of which is undone, it is whoever began that who has to.
    """

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        for _ in range(TRIES - 1):
            try:
                return function(*args, **kwargs)
            except OperationalError as error:
                if connection.in_atomic_block or getattr(error.__cause__, "sqlstate", None) != DEADLOCK:
                    raise
        return function(*args, **kwargs)

    return call
