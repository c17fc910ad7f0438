"""The ERP's texts as values: Italian numbers, dates and booleans, read strictly.

A converter takes a cell's text, on one line and with single spaces. Empty is None, or "" for a text. What it cannot
read is a ValueError whose message says what was expected: "a number", "a date (dd/mm/yyyy)".
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from sync.messages import Message
from sync.messages import gettext_noop as _

ERP_TIME_ZONE = ZoneInfo("Europe/Rome")  # the ERP prints local Italian time
NUMBER = re.compile(r"-?(?:\d{1,3}(?:\.\d{3})+|\d+)(?:,\d+)?", re.ASCII)
DATE = re.compile(r"(\d{2})/(\d{2})/(\d{4})(?: ?00:00:00)?", re.ASCII)
DATE_TIME = re.compile(r"(\d{2})/(\d{2})/(\d{4})(?: ?(\d{2}):(\d{2})(?::(\d{2}))?)?", re.ASCII)
E_MAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@.]{2,}")
FULL_LINE = 0.6  # of the characters of another full line, at least: letters have unequal widths
NO_DATE = dt.date.min  # 01/01/0001: a .NET date that nobody has set
BOOLEANS = {"checked": True, "unchecked": False, "si": True, "sì": True, "no": False}
TEXT_LENGTH = 2000  # characters; PostgreSQL indexes no longer ones
MONEY_PLACES = 2  # and of percentages
NUMBER_PLACES = 4  # as the mirror keeps them: what it cannot keep exactly is not read
NUMBER_DIGITS = 15  # as SQLite keeps them exactly
LARGEST_INTEGER = 2**31 - 1
LARGEST_RECORD_ID = 2**63 - 1
RECORD_ID_DIGITS = 19

cached = lru_cache(maxsize=4096)  # the same few thousand texts stand in most cells


def text(cell: str) -> str:
    """The text itself, where leading zeros matter."""
    if "\0" in cell or len(cell) > TEXT_LENGTH or not is_unicode(cell):
        raise ValueError(
            Message(_("a text of at most {count} valid Unicode characters"), count=TEXT_LENGTH),
        )
    return cell


def code(cell: str) -> str:
    """A text that is one word, if the ERP does not put a space into it: a key, a number with letters, an address."""
    return text(cell)


def is_one_address(lines: Sequence[str]) -> bool:
    """Whether lines are the parts of one e-mail address, which has no spaces: none of them is one by itself.

    Before an address that was broken, a word may stand on a line of its own: it leaves that line half empty, while a
    word is only broken where its line is full.
    """
    if not E_MAIL.fullmatch("".join(lines)) or any(map(E_MAIL.fullmatch, lines)):
        return False
    first, *others = lines
    is_word_before = len(first) < FULL_LINE * max(map(len, others)) and E_MAIL.fullmatch("".join(others))
    return not is_word_before


def is_unicode(cell: str) -> bool:
    try:
        cell.encode()
    except UnicodeEncodeError:
        return False
    return True


def decimal(cell: str, *, places: int, kind: str, digits: int = NUMBER_DIGITS) -> Decimal:
    """An Italian number of at most `places` decimals."""
    if not NUMBER.fullmatch(cell):
        raise ValueError(Message(kind))
    value = Decimal(cell.replace(".", "").replace(",", "."))
    _sign, found, exponent = value.as_tuple()
    if -int(exponent) > places or len(found) > digits:
        exact = _("{kind} of at most {places} decimals and {digits} digits")
        raise ValueError(Message(exact, kind=Message(kind), places=places, digits=digits))
    return value


@cached
def number(cell: str) -> Decimal | None:
    """`1.452` is 1452, `1,5` is 1.5, `9.518,1` is 9518.1."""
    return decimal(cell, places=NUMBER_PLACES, kind=_("a number")) if cell else None


@cached
def integer(cell: str) -> int | None:
    """A whole number; IDs too are printed with thousands separators: `60.757` is 60757."""
    if not cell:
        return None
    value = decimal(cell, places=0, kind=_("a whole number"))
    if abs(value) > LARGEST_INTEGER:
        raise ValueError(Message(_("a whole number up to {largest}"), largest=LARGEST_INTEGER))
    return int(value)


@cached
def record_id(cell: str) -> int | None:
    """The ID of a record whose size is not known: Dynamics AX counts its records in 64 bits."""
    if not cell:
        return None
    value = decimal(cell, places=0, digits=RECORD_ID_DIGITS, kind=_("a whole number"))
    if abs(value) > LARGEST_RECORD_ID:
        raise ValueError(Message(_("a whole number up to {largest}"), largest=LARGEST_RECORD_ID))
    return int(value)


@cached
def money(cell: str) -> Decimal | None:
    """An amount in euro, to the cent: `623.935,84 €`."""
    return decimal(cell.strip("€ "), places=MONEY_PLACES, kind=_("an amount in euro")) if cell else None


@cached
def unit_price(cell: str) -> Decimal | None:
    """A price, which may have more decimals than an amount: `10,45 €`, `0,1234`."""
    return number(cell.strip("€ "))


@cached
def percent(cell: str) -> Decimal | None:
    """`21,49 %` is 21.49."""
    return decimal(cell.removesuffix("%").rstrip(), places=MONEY_PLACES, kind=_("a percentage")) if cell else None


@cached
def date(cell: str) -> dt.date | None:
    """`18/01/2026`; the midnight that a date may be printed with says nothing. `01/01/0001` is none."""
    if not cell:
        return None
    if not (match := DATE.fullmatch(cell)):
        raise ValueError(Message(_("a date (dd/mm/yyyy)")))
    day, month, year = map(int, match.groups())
    try:
        day_read = dt.date(year, month, day)
    except ValueError:
        raise ValueError(Message(_("a date that exists (dd/mm/yyyy)"))) from None
    return None if day_read == NO_DATE else day_read


@cached
def date_time(cell: str) -> dt.datetime | None:
    """`20/01/2026 12:04:22`, Italian local time, as UTC; without seconds or a time, as far as it goes.

    `01/01/0001 00:00:00` is none. An hour that a clock change skips does not exist.
    UTC, because Python never finds the hour that a clock change repeats equal to the same moment elsewhere: such a
    record would differ from its mirror for ever.
    """
    if not cell:
        return None
    if not (match := DATE_TIME.fullmatch(cell)):
        raise ValueError(Message(_("a date and time (dd/mm/yyyy hh:mm:ss)")))
    day, month, year, hour, minute, second = map(int, match.groups(default="0"))
    try:
        local = dt.datetime(year, month, day, hour, minute, second)  # noqa: DTZ001  # its zone follows
        if (local.date(), local.time()) == (NO_DATE, dt.time.min):
            return None
        moment = local.replace(tzinfo=ERP_TIME_ZONE).astimezone(dt.UTC)
        exists = moment.astimezone(ERP_TIME_ZONE).replace(tzinfo=None) == local
    except (ValueError, OverflowError):
        exists = False
    if not exists:
        raise ValueError(Message(_("a date and time that exist (dd/mm/yyyy hh:mm:ss)")))
    return moment


def boolean(cell: str) -> bool | None:
    """`Checked`, `Unchecked`, `Si`, `Sì`, `No`."""
    if not cell:
        return None
    try:
        return BOOLEANS[cell.casefold()]
    except KeyError:
        raise ValueError(Message(_("a yes or no (Si, No, Checked, Unchecked)"))) from None


NUMERIC = frozenset({number, integer, record_id, money, unit_price, percent})  # what a control total can add up
SPACELESS = NUMERIC | {date, date_time, boolean, code}
