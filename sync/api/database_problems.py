"""What the database cannot do at the moment, whatever is asked of it."""

from __future__ import annotations

import logging
import sqlite3
from dataclasses import dataclass
from http import HTTPStatus

from django import db
from django.utils.translation import gettext as _

from sync import disk

logger = logging.getLogger(__name__)

# SQLSTATEs of PostgreSQL: the connection is lost, the server stops or has no more connections, a statement took too
# long, a transaction lay idle. An error of the client has none.
NO_ANSWER = ("08", "57", "53300", "25P03")


@dataclass(frozen=True)
class DatabaseProblem:
    """Why nothing can be saved."""

    status: HTTPStatus
    code: str
    text: str


def find_database_problem(error: BaseException | None) -> DatabaseProblem | None:
    """What an error says of the database; None if it is about something else. It is logged without a traceback."""
    if disk.is_full(error):
        text = _("The disk is full: nothing can be saved until an administrator frees space.")
        problem = DatabaseProblem(HTTPStatus.INSUFFICIENT_STORAGE, "disk_full", text)
    elif disk.is_read_only(error):
        text = _("The database is read-only: nothing can be saved until an administrator makes it writable again.")
        problem = DatabaseProblem(HTTPStatus.SERVICE_UNAVAILABLE, "read_only", text)
    elif is_unavailable(error):
        text = _("The database does not answer: try again in a moment.")
        problem = DatabaseProblem(HTTPStatus.SERVICE_UNAVAILABLE, "database_unavailable", text)
    else:
        return None
    logger.warning("A request could not be carried out: %s", error)
    return problem


def is_unavailable(error: BaseException | None) -> bool:
    """Whether the database is away, or too busy: whoever asks again may well be answered."""
    cause = error.__cause__ if error else None
    if not isinstance(error, (db.OperationalError, db.InterfaceError, db.InternalError)) or cause is None:
        return False
    if isinstance(cause, sqlite3.Error):
        return cause.sqlite_errorname.startswith("SQLITE_BUSY")
    state = getattr(cause, "sqlstate", None)
    return state is None or state.startswith(NO_ANSWER)
