"""What the ERP may be asked for in a day: so many logins and exports, within its hours.

Its operators once blocked a server by hand that logged in 48 to 150 times a day, also at night (seen). What is asked is
counted before it is asked, whatever comes of it, by day in Italian time and by the database's clock. All of it applies
to settings.ERP_URL; a folder is nobody's server.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.conf import settings
from django.db.models import Exists, F, Q
from django.utils import timezone

from sync.database import clock
from sync.erp_hours import ErpHours, parse_hours
from sync.exceptions import ErpClosed, ErpExportsSpent, ErpLoginsSpent
from sync.exports.values import ERP_TIME_ZONE
from sync.models import ErpDay

NO_HOURS = parse_hours("always")
HIGH = 0.8  # of a limit: somebody had better look why

hours_are_ignored = ContextVar("hours_are_ignored", default=False)  # by the run that this thread carries out


@dataclass(frozen=True)
class Use:
    """How often something was asked of the ERP on a day, and how often it may be."""

    count: int
    limit: int

    @property
    def is_spent(self) -> bool:
        return self.count >= self.limit

    @property
    def is_high(self) -> bool:
        return self.count >= HIGH * self.limit


@dataclass(frozen=True)
class Allowance:
    """What was asked of the ERP on the day of `at`, and what may be asked still."""

    at: datetime
    logins: Use
    is_login_missed: bool  # the session of exports had ended, and no login was left
    exports: Use
    looks: int
    is_open: bool  # whether `at` is within the ERP's hours

    @property
    def hours(self) -> str:
        return find_hours().text

    @property
    def resumes_at(self) -> datetime | None:
        """When the next export may be asked for; None if one may be asked for now."""
        if self.exports.is_spent or (self.is_login_missed and self.logins.is_spent):
            return find_next_day(self.at)
        return None if self.is_open else find_hours().find_opening(self.at)

    @property
    def closes_at(self) -> datetime | None:
        """When the hours that `at` is in end, if they do."""
        return find_hours().find_closing(self.at)


def find_hours() -> ErpHours:
    hours: ErpHours = settings.ERP_HOURS
    return hours if settings.ERP_URL else NO_HOURS


def read_allowance(at: datetime) -> Allowance | None:
    """None if the ERP is a folder, or not configured."""
    if not settings.ERP_URL:
        return None
    row = ErpDay.objects.filter(day=timezone.localdate(at, ERP_TIME_ZONE)).first() or ErpDay()
    return Allowance(
        at,
        logins=Use(row.logins, settings.ERP_LOGINS_A_DAY),
        is_login_missed=row.is_login_missed,
        exports=Use(row.exports, settings.ERP_EXPORTS_A_DAY),
        looks=row.looks,
        is_open=find_hours().is_open(at),
    )


def are_exports_spent(at: datetime) -> Q:
    """Of any rows: all of them if no export may be asked for any more on the day of `at`, else none."""
    return has_today(at, exports__gte=settings.ERP_EXPORTS_A_DAY)


def is_login_missing(at: datetime) -> Q:
    """Of any rows: all of them if no export is to be had on the day of `at` without a login, and none is left."""
    return has_today(at, is_login_missed=True, logins__gte=settings.ERP_LOGINS_A_DAY)


def has_today(at: datetime, **conditions: object) -> Q:
    if not settings.ERP_URL:
        return Q(pk__in=[])
    today = ErpDay.objects.filter(day=timezone.localdate(at, ERP_TIME_ZONE))
    return Q(Exists(today.filter(**conditions)))


def find_next_day(at: datetime) -> datetime:
    """The first moment within the ERP's hours that is not on the same day in Italy."""
    return find_hours().find_opening(find_midnight(at))


def find_midnight(at: datetime) -> datetime:
    """When the day in Italy ends."""
    tomorrow = timezone.localdate(at, ERP_TIME_ZONE) + timedelta(days=1)
    return datetime.combine(tomorrow, time(), ERP_TIME_ZONE)


# Spending it. Not within a transaction that may be rolled back: what was asked stays asked.


def spend_login() -> None:
    """Count a login that is about to be tried. Raises ErpClosed and ErpLoginsSpent.

    No run has more logins than there are in a day, whoever forced it.
    """
    now = check_hours()
    if not count_use("logins", now, limit=settings.ERP_LOGINS_A_DAY):
        raise ErpLoginsSpent(count=settings.ERP_LOGINS_A_DAY, until=format_resumption(find_next_day(now)))


@contextmanager
def note_missed_login() -> Iterator[None]:
    """Remember whether a run's export, which is asked for meanwhile, needs a login and none is left.

    Nothing else tells it: looks, other processes and dry runs may have sessions of their own.
    """
    try:
        yield
    except ErpLoginsSpent:
        set_login_missed(True)
        raise
    set_login_missed(False)


def set_login_missed(is_missed: bool) -> None:
    today = ErpDay.objects.filter(day=timezone.localdate(clock.now(), ERP_TIME_ZONE))
    today.exclude(is_login_missed=is_missed).update(is_login_missed=is_missed)


def spend_export() -> None:
    """Count an export that is about to be asked for. Raises ErpClosed and ErpExportsSpent."""
    now = check_hours()
    limit = None if hours_are_ignored.get() else settings.ERP_EXPORTS_A_DAY
    if not count_use("exports", now, limit=limit):
        raise ErpExportsSpent(count=limit, until=format_resumption(find_next_day(now)))


def count_look() -> None:
    """Count a look that is about to be asked for; there may be any number of them. Raises ErpClosed."""
    count_use("looks", check_hours())


@contextmanager
def ignore_hours(ignored: bool = True) -> Iterator[None]:
    """What this thread asks for meanwhile is counted, but refused neither for the hours nor for the exports spent."""
    token = hours_are_ignored.set(ignored)
    try:
        yield
    finally:
        hours_are_ignored.reset(token)


def check_hours() -> datetime:
    """The time, if the ERP may be asked now. Raises ErpClosed."""
    now = clock.now()
    hours = find_hours()
    if not (hours_are_ignored.get() or hours.is_open(now)):
        raise ErpClosed(hours=hours.text, until=format_resumption(hours.find_opening(now)))
    return now


def count_use(name: str, now: datetime, *, limit: int | None = None) -> bool:
    """Count one use, and say whether it was within the limit: of two processes that want the last, one gets it."""
    today = timezone.localdate(now, ERP_TIME_ZONE)
    unspent = ErpDay.objects.filter(day=today)
    if limit is not None:
        unspent = unspent.filter(**{f"{name}__lt": limit})
    if unspent.update(**{name: F(name) + 1}):
        return True
    ErpDay.objects.bulk_create([ErpDay(day=today)], ignore_conflicts=True)  # if this is the day's first use
    return bool(unspent.update(**{name: F(name) + 1}))


def format_resumption(moment: datetime) -> str:
    return f"{timezone.localtime(moment, ERP_TIME_ZONE):%d/%m/%Y %H:%M}"
