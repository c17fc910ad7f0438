"""What the sync needs from the ERP: one list's export, as a file; or a look at the first page of the list.

And what the page of one record exports.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol, runtime_checkable

from sync.progress import Progress


@dataclass(frozen=True)
class ErpList:
    """One of the ERP's list views, by the names it has there."""

    name: str  # in its address, such as CUSTTABLE_ListView_Agent
    file_names: tuple[str, ...]  # of its exports, Italian and English profiles
    key: str  # caption of the column that tells one record from another
    safe_filter: str = ""  # how the value of the filter ends that hides nothing; "": the list has no filter
    columns_to_show: tuple[str, ...] = ()  # captions of columns that a new session hides, and the sync can use
    modified: str = "MODIFIEDDATETIME"  # the grid's field with the time of a record's last change; "": it has none


@dataclass(frozen=True)
class ErpRecordList(ErpList):
    """A list on the page of one record, which a toolbar above it exports. Its name is the record's in its address."""

    toolbar: str = ""  # part of the ids of the toolbar's items


@dataclass(frozen=True)
class Look:
    """The first page of a list's grid: the latest changes first, or the highest keys if no changes are dated."""

    headers: tuple[str, ...]  # captions of the columns that the session shows, in their order
    rows: tuple[tuple[str, ...], ...]  # what the cells show, as many in each row as there are headers
    keys: tuple[str, ...]  # of the rows, as the grid prints them
    modified: tuple[str, ...]  # when each row was last changed, as the grid prints it; none for a list without
    count: int | None  # of records in the whole list, by the grid's footer or its pager; None if neither says it
    seen_at: datetime  # aware; what it shows is true of this moment
    found: Look | None = None  # what the ERP's search box finds, if something was searched for


@dataclass(frozen=True)
class Export:
    """A fetched export."""

    path: Path
    fetched_at: datetime  # aware; what it shows is true of this moment
    seen: Look | None = None  # the list just before the export was asked for, if the client looks


class ErpClient(Protocol):
    """Fetches exports, one at a time."""

    def fetch(self, erp_list: ErpList, *, to: Path, at_most: timedelta, progress: Progress) -> Export:
        """Write one list's export to the file `to`, streaming.

        It takes no longer than `at_most`, whatever the ERP does: what is not complete then is an ErpUnavailable.
        `progress` is called with Stage.FETCHING and bytes, at least every 250 ms; if it raises, the fetch is abandoned.
        Raises an ErpError, or ExportTooLarge before more is written than an export may have. What was written is not
        checked otherwise: that is the reader's work. A client that keeps a screenshot and the page of a step that
        failed writes them beside `to`, with the suffixes .png and .html.
        """


@runtime_checkable
class LookingErpClient(ErpClient, Protocol):
    """Looks at lists, too; one operation at a time."""

    def look(
        self, erp_list: ErpList, *, search: str = "", failure: Path, at_most: timedelta, progress: Progress
    ) -> Look:
        """Read the first page of a list; and of the records that the ERP's search box finds, if `search` is given.

        `at_most` and `progress` as for `fetch`. Where a step fails, a screenshot and the page are kept beside
        `failure`, with the suffixes .png and .html. Raises an ErpError.
        """


@runtime_checkable
class RecordErpClient(ErpClient, Protocol):
    """Fetches what a record's own page exports, too; one operation at a time."""

    def fetch_record_list(
        self, record_list: ErpRecordList, *, to: Path, at_most: timedelta, progress: Progress
    ) -> Export:
        """Write the export of a list on a record's page to the file `to`, as `fetch` does."""


@runtime_checkable
class WebErpClient(ErpClient, Protocol):
    """Asks a web front end, step by step.

    `report` is called at the beginning of each step with what it does, such as "log in", by the thread that waits for
    the operation. `spend_login` is called before each login; what it raises refuses the login, and ends the operation.
    """

    report: Callable[[str], object]
    spend_login: Callable[[], object]

    def close(self) -> None:
        """End what is kept from one operation to the next, but for the ERP's session; another operation may follow."""


def ignore_step(step: str) -> None:
    """A report that nobody reads."""
