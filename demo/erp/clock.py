"""The demo ERP's clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from time import monotonic
from zoneinfo import ZoneInfo

ERP_TIME_ZONE = ZoneInfo("Europe/Rome")


class Clock:
    """Shows local Italian time. Who sets it sets the ERP's today and ages its sessions; it goes on from there."""

    def __init__(self) -> None:
        self.ahead = timedelta()
        self.is_set = False

    def read(self) -> datetime:
        """Local Italian time, without a time zone, to the second."""
        return read_italian_time() + self.ahead

    def read_seconds(self) -> float:
        """Seconds since some moment, for what lasts."""
        return monotonic() + self.ahead.total_seconds()

    def set(self, now: datetime) -> None:
        """Let it show this local Italian time from now on."""
        self.ahead = now.replace(microsecond=0, tzinfo=None) - read_italian_time()
        self.is_set = True


def read_italian_time() -> datetime:
    return datetime.now(ERP_TIME_ZONE).replace(microsecond=0, tzinfo=None)
