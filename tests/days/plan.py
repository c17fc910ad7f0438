"""What happens on simulated days, drawn from a seed: changes in the ERP, order forms, and what goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

ROME = ZoneInfo("Europe/Rome")
FIRST_DAY = date(2026, 3, 2)  # a Monday; the clock is put forward in the night to the 29th
SATURDAY, SUNDAY = 5, 6
CHANGES_A_DAY = 40  # of the ERP's records, on a working day
CHANGES_ON_SUNDAY = 2  # as by an import
FORMS_A_DAY = (5, 15)
FILTERED_DAYS = 0.5  # of the working days: somebody leaves a filter in the ERP
FORCED_DAYS = 0.15  # of the working days: an administrator has a list synced at night


class What(StrEnum):
    """What can happen."""

    CHANGE = "change"  # of a record in the ERP
    FORM = "order form"  # an agent opens one
    FILTER = "filter"  # a person leaves one in the ERP
    FORCED = "forced run"  # outside the hours, by an administrator
    UPDATE = "update"  # of the ERP's pages, over night
    DOWN = "outage"
    UP = "end of the outage"
    PASSWORD = "new password"  # in the ERP
    CORRECTED = "corrected password"  # in our settings


@dataclass(frozen=True)
class Happening:
    """One of them, and when."""

    at: datetime  # aware
    what: What
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """What happens on all days, in order."""

    happenings: list[Happening]
    special: dict[date, What]  # the days that are not like others, and why


def find_moment(day: date, at: time) -> datetime:
    """An Italian time as an aware moment."""
    return datetime.combine(day, at, ROME).astimezone(UTC)


def draw_plan(days: int, seed: int) -> Plan:
    """The same for the same seed. What is special comes on days of its own; with few days there is less of it."""
    rng = Random(f"days/{seed}")
    dates = [FIRST_DAY + timedelta(days=day) for day in range(days)]
    special = choose_special_days([day for day in dates[1:] if day.weekday() < SATURDAY], rng)
    happenings: list[Happening] = []
    for day in dates:
        happenings += draw_day(day, rng)
        if day in special:
            happenings += draw_special(day, special[day], rng)
    happenings.sort(key=lambda each: each.at)
    return Plan(happenings, {day: kinds[0] for day, kinds in special.items()})


def choose_special_days(candidates: list[date], rng: Random) -> dict[date, tuple[What, str]]:
    """An update, two outages and a changed password, each on a day of its own while there are any."""
    kinds = [(What.UPDATE, ""), (What.DOWN, "an hour"), (What.PASSWORD, ""), (What.DOWN, "the morning")]
    count = min(len(kinds), len(candidates))
    return dict(zip(rng.sample(candidates, count), kinds, strict=False))


def draw_day(day: date, rng: Random) -> Iterator[Happening]:
    """What an ordinary day brings; the same number of draws from `rng` whatever it is like."""
    is_sunday = day.weekday() == SUNDAY
    for _ in range(CHANGES_ON_SUNDAY if is_sunday else CHANGES_A_DAY):
        yield Happening(draw_moment(day, 7.25, 19.75, rng), What.CHANGE)
    if is_sunday:
        return
    for _ in range(rng.randint(*FORMS_A_DAY)):
        yield Happening(
            draw_moment(day, *rng.choices([(7.5, 19.5), (5, 7), (20, 23)], [17, 1, 2])[0], rng),
            What.FORM,
            {
                "minutes": rng.uniform(1, 20),
                "is_left": rng.random() < 0.8,
                "waits_for_run": rng.random() < 0.35,
            },
        )
    if rng.random() < FILTERED_DAYS:
        of_grid = rng.random() < 0.3
        yield Happening(draw_moment(day, 8, 18, rng), What.FILTER, {"of_grid": of_grid, "place": rng.random()})
    if rng.random() < FORCED_DAYS:
        yield Happening(draw_moment(day, 21, 23, rng), What.FORCED)


def draw_special(day: date, kind: tuple[What, str], rng: Random) -> Iterator[Happening]:
    match kind:
        case What.UPDATE, _:
            yield Happening(find_moment(day, time(2, 30)), What.UPDATE)
        case What.DOWN, "an hour":
            begins = draw_moment(day, 9, 17, rng)
            yield Happening(begins, What.DOWN)
            yield Happening(begins + timedelta(hours=1), What.UP)
        case What.DOWN, _:
            yield Happening(find_moment(day, time(6, 30)), What.DOWN)
            yield Happening(draw_moment(day, 12, 13, rng), What.UP)
        case What.PASSWORD, _:
            yield Happening(find_moment(day, time(0, 30)), What.PASSWORD)
            yield Happening(draw_moment(day, 10, 12, rng), What.CORRECTED)


def draw_moment(day: date, since: float, until: float, rng: Random) -> datetime:
    """A moment between two times, in hours since midnight."""
    return find_moment(day, time()) + timedelta(seconds=round(rng.uniform(since, until) * 3600))
