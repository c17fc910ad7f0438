"""What the sync needs from the ERP: one list's export, as a file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from sync.progress import Progress


@dataclass(frozen=True)
class ErpList:
    """One of the ERP's list views, by the names it has there."""

    name: str  # in its address, such as CUSTTABLE_ListView_Agent
    file_names: tuple[str, ...]  # of its exports, Italian and English profiles
    safe_filter: str = ""  # how the value of the filter ends that hides nothing; "": the list has no filter
    columns_to_show: tuple[str, ...] = ()  # captions of columns that a new session hides, and the sync can use


@dataclass(frozen=True)
class Export:
    """A fetched export."""

    path: Path
    fetched_at: datetime  # aware; what it shows is true of this moment


class ErpClient(Protocol):
    """Fetches exports, one at a time."""

    def fetch(self, erp_list: ErpList, *, to: Path, at_most: timedelta, progress: Progress) -> Export:
        """Write one list's export to the file `to`, streaming.

        It takes no longer than `at_most`, whatever the ERP does: what is not complete then is an ErpUnavailable.
        `progress` is called with Stage.FETCHING and bytes, at least every 250 ms; if it raises, the fetch is abandoned.
        Raises an ErpError, or ExportTooLarge before more is written than an export may have. What was written is not
        checked otherwise: that is the reader's work.
        """
