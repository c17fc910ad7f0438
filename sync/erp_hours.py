"""When the ERP may be asked: weekly hours, by the clock in Italy. Read by the settings, before Django is set up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import count

from sync.exports.values import ERP_TIME_ZONE

ALWAYS = "always"
EXAMPLE = "Mon-Sat 07:00-20:00"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
RANGE = re.compile(r"(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))? +(?P<opens>\d\d:\d\d) ?- ?(?P<closes>\d\d:\d\d)")
DAY = 24 * 60  # minutes
WEEK = 7 * DAY


@dataclass(frozen=True)
class Window:
    """A stretch of time in which the ERP may be asked."""

    opens: datetime  # aware
    closes: datetime  # the first moment that is no longer in it


@dataclass(frozen=True)
class ErpHours:
    """Weekly hours. Where the clock is changed they follow it: 07:00 is 07:00 as it is shown in Italy."""

    text: str  # as it was configured
    ranges: tuple[tuple[int, int], ...]  # minutes since Monday 00:00; in order, apart from each other

    @property
    def is_always(self) -> bool:
        return self.ranges == ((0, WEEK),)

    def list_windows(self, since: datetime) -> Iterator[Window]:
        """Those that end after a moment, in order and without an end; not for hours that are `always`."""
        monday = since.astimezone(ERP_TIME_ZONE).date()
        monday -= timedelta(days=monday.weekday() + 7)  # one that began on Sunday may go on
        found: Window | None = None
        for week in count():
            for opens, closes in self.ranges:
                start, end = (
                    datetime.combine(
                        monday + timedelta(days=7 * week + minutes // DAY),
                        time(minutes % DAY // 60, minutes % 60),
                        ERP_TIME_ZONE,
                    ).astimezone(UTC)
                    for minutes in (opens, closes)
                )
                if found and start <= found.closes:
                    found = Window(found.opens, max(end, found.closes))
                    continue
                if found and found.closes > since:
                    yield found
                found = Window(start, end)

    def find_window(self, at: datetime) -> Window:
        """The one that a moment is in, or the next one; not for hours that are `always`."""
        return next(self.list_windows(at))

    def is_open(self, at: datetime) -> bool:
        return self.is_always or self.find_window(at).opens <= at

    def find_opening(self, at: datetime) -> datetime:
        """The first moment from this one on at which the ERP may be asked."""
        return at if self.is_always else max(at, self.find_window(at).opens)

    def find_closing(self, at: datetime) -> datetime | None:
        """When the hours that a moment is in end; None if they do not, or it is in none."""
        return self.find_window(at).closes if not self.is_always and self.is_open(at) else None

    def add_open_time(self, since: datetime, duration: timedelta) -> datetime:
        """The moment at which the ERP could be asked for so long since another moment; it is within the hours."""
        if self.is_always:
            return since + duration
        for window in self.list_windows(since):
            start = max(since, window.opens)
            if duration < window.closes - start:
                return start + duration
            duration -= window.closes - start
        raise AssertionError("windows have no end")


def parse_hours(text: str) -> ErpHours:
    """Hours from a text such as `Mon-Fri 07:00-20:00, Sat 08:00-13:00`, or `always`. Raises ValueError."""
    if text.strip().lower() == ALWAYS:
        return ErpHours(ALWAYS, ((0, WEEK),))
    found: list[tuple[int, int]] = []
    for part in text.split(","):
        found += parse_range(part.strip())
    merged: list[tuple[int, int]] = []
    for opens, closes in sorted(found):
        if merged and opens <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(closes, merged[-1][1]))
        else:
            merged.append((opens, closes))
    return ErpHours(" ".join(text.split()), tuple(merged))


def parse_range(text: str) -> list[tuple[int, int]]:
    """One range for each of its days, in minutes since Monday 00:00."""
    match = RANGE.fullmatch(text.lower())
    if not match:
        raise ValueError(f"“{text}” is not days and times")
    first, last = match["first"], match["last"] or match["first"]
    for day in (first, last):
        if day not in DAYS:
            raise ValueError(f"“{day}” is not a day: they are {', '.join(DAYS).title()}")
    opens, closes = (parse_time(match[name]) for name in ("opens", "closes"))
    if opens >= closes:
        raise ValueError(f"“{text}” ends before it begins; for hours over midnight write two ranges")
    start, end = DAYS.index(first), DAYS.index(last)
    days = range(start, end + 1) if start <= end else [*range(start, 7), *range(end + 1)]
    return [(day * DAY + opens, day * DAY + closes) for day in days]


def parse_time(text: str) -> int:
    """Minutes since midnight."""
    hours, minutes = map(int, text.split(":"))
    if minutes > 59 or hours * 60 + minutes > DAY:
        raise ValueError(f"“{text}” is not a time from 00:00 to 24:00")
    return hours * 60 + minutes
