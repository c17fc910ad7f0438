"""Invented values: names, addresses, numbers, amounts, and days that are no weekend."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from random import Random

from demo.erp import vocabulary as words
from demo.erp.text import round_to_cents

NO_TAX_OFFICE = "000"  # the eighth to tenth digits of a VAT number are its tax office: 001 to 100, and a few others


def make_random(seed: int, what: str, place: int) -> Random:
    """The random choices of one record, always the same."""
    return Random(f"{seed}/{what}/{place}")


def make_fedex_link(random: Random) -> str:
    """As the ERP writes it: now and then without the quote that ends the address."""
    number = f"{random.randrange(10**12):012d}"
    quote = "" if random.random() < 0.7 else '"'
    link = f"https://www.fedex.com/fedextrack/?trknbr={number}&locale=it_IT{quote}"
    return f'<a href = "{link} target="_blank">fedex {number}</a>'


def make_ups_link(random: Random) -> str:
    number = f"1Z4V26Y5{random.randrange(10**10):010d}"
    link = (
        "https://www.ups.com/track?HTMLVersion=5.0&loc=it_IT&Requester=UPSHome"
        f"&tracknum={number}&ignore=&track.x=42&track.y=6/trackdetails"
    )
    return f'<a href="{link}" target="_blank">Ups {number}</a>'


def make_practice_name(random: Random, place: int) -> str:
    """One name in forty wraps to a second line, one in two hundred to a third."""
    surname = random.choice(words.SURNAME_STARTS) + random.choice(words.SURNAME_ENDS)
    who = random.choice((random.choice(words.PRACTICE_NAMES), f"Dott. {surname}", f"Dott.ssa {surname}", surname))
    name = f"{random.choice(words.PRACTICES)} {who} {random.choice(words.PARTNERSHIPS)}".rstrip()
    if place % 200 == 77:
        return f"{name} {words.VERY_LONG_TAIL}"
    return f"{name} {random.choice(words.LONG_TAILS)}" if place % 40 == 13 else name


def make_street(random: Random, place: int) -> str:
    """One street in ninety wraps."""
    return f"{words.LONG_STREET if place % 90 == 41 else random.choice(words.STREETS)}, {1 + random.randrange(180)}"


def make_account_number(place: int) -> str:
    """Seven digits; one in fifty begins with a zero."""
    return f"0{10_000 + place:05d}" if place % 50 == 0 else f"{1 + place % 9}{place:06d}"


def make_vat_number(random: Random) -> str:
    """Eleven digits, many with a leading zero; its check digit is right, its tax office is none: nobody has it."""
    digits = [int(digit) for digit in f"{random.randrange(2 * 10**9) // 1000:07d}{NO_TAX_OFFICE}"]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    check = -(sum(digits[::2]) + sum(doubled)) % 10
    return "".join(map(str, digits)) + str(check)


def make_sdi_code(random: Random) -> str:
    return "".join(random.choices("ABCDEFGHJKLMNPQRSTUVWXYZ0123456789", k=7))


def make_amount(random: Random, low: int, high: int) -> Decimal:
    """An amount between two whole ones, to the cent."""
    return Decimal(random.randrange(low * 100, high * 100)).scaleb(-2)


def take_percent(amount: Decimal, percent: int) -> Decimal:
    return round_to_cents(amount * percent / 100)


def count_part(pieces: int, parts: int, place: int) -> int:
    """How many of the pieces are in one of so many parts."""
    return pieces * (place + 1) // parts - pieces * place // parts


def is_one_of(place: int, count: int, size: int, *, first: int) -> bool:
    """Whether a place is among `count` of `size`, spread evenly from the first of them."""
    return (place - first) * count % size < count


def find_weekday(day: date, *, forward: bool = False) -> date:
    """The day, or the Friday before it, or the Monday after it."""
    past_friday = day.weekday() - 4
    if past_friday <= 0:
        return day
    return day + timedelta(days=3 - past_friday) if forward else day - timedelta(days=past_friday)


def find_end_of_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
