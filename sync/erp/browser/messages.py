"""What the service and the browser's process tell each other, pickled, over a pair of sockets."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sync import exceptions
from sync.erp.client import ErpList, Look
from sync.messages import gettext_noop as _

KEEP_PAGE = _("keep the page of the failed step")  # the step after the one that failed

Cookies = list[dict[str, Any]]  # as Playwright gives and takes them


# To the browser's process


@dataclass(frozen=True)
class Setup:
    """How Chromium is started; the first message."""

    url: str  # ERP_URL; nothing is asked of another origin
    executable: str  # Chromium's path
    idle_seconds: float  # without an operation, after which it ends


@dataclass(frozen=True)
class Operation:
    """One thing to be asked of the ERP: an export, if `to` says where it is written, or a look."""

    erp_list: ErpList
    cookies: Cookies
    are_columns_shown: bool  # in this session of the ERP, already
    seconds: float  # that it may take
    busy_seconds: float  # that the ERP may go on with an export of this session that was given up
    failure: Path  # beside it, with other suffixes, a screenshot and the page of a step that failed are written
    to: Path | None = None
    largest: int = 0  # bytes of an export
    search: str = ""  # of a look


@dataclass(frozen=True)
class Credentials:
    """Answers MayLogIn."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Granted:
    """Answers MayExport."""


@dataclass(frozen=True)
class Refused:
    """Answers either question; the service knows why."""


# From the browser's process


@dataclass(frozen=True)
class Launched:
    sessions: frozenset[int]  # of the system's: all of Chromium's and Playwright's processes belong to them


@dataclass(frozen=True)
class Step:
    """What is done now."""

    name: str
    seconds: float | None = None  # that it may take; None: what is left of the operation


@dataclass(frozen=True)
class Received:
    """So much of the export, in bytes, has come."""

    done: int
    total: int | None


@dataclass(frozen=True)
class MayLogIn:
    """Asks for name and password, once the ERP shows its login page."""


@dataclass(frozen=True)
class MayExport:
    """Asks before the click on the export item."""


@dataclass(frozen=True)
class LoggedIn:
    """The ERP began a session."""

    cookies: Cookies


@dataclass(frozen=True)
class ColumnsShown:
    """The list's columns are shown from now on, in this session of the ERP."""


@dataclass(frozen=True)
class Failure:
    """An error: one of ours by its class and facts, one of the system by its number; a bug has its traceback."""

    error: str
    facts: dict[str, Any]
    traceback: str = ""

    def rebuild(self) -> Exception:
        """The error, to be raised in the service."""
        if self.traceback:
            bug = RuntimeError(self.error)
            bug.add_note(self.traceback)
            return bug
        if self.error == "OSError":
            return OSError(self.facts["errno"], os.strerror(self.facts["errno"]), self.facts["file"])
        kind: type[exceptions.SyncError] = getattr(exceptions, self.error)
        return kind(**self.facts)


@dataclass(frozen=True)
class Outcome:
    """What became of an operation; what is put in order afterwards changes nothing of it."""

    look: Look | None = None
    failure: Failure | None = None
    failed_look: Failure | None = None  # of an export: the look before it, without which it goes on


@dataclass(frozen=True)
class Ended:
    """All is in order again; the last message of an operation."""

    cookies: Cookies | None  # None: they are not known, and what is kept stays
    is_browser_usable: bool = True
