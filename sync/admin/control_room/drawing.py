"""Where things stand on a picture of a day: every place is a share of the width, so that it fits any screen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from django.utils import timezone

from sync.monitoring.timeline import HOUR, Attempt, Day, Stretch

NARROWEST = 0.3  # % of the width: three pixels on a desk's screen, four minutes of the day
LABELLED_EVERY = 3  # hours

Span = TypeVar("Span", Attempt, Stretch)


@dataclass(frozen=True)
class Mark:
    """Something on the picture, `width` wide from `x`, both in % of the whole; `tip` has the lines that it tells."""

    x: str
    width: str
    kind: str = ""
    tip: str = ""
    address: str = ""


class Scale:
    """Where moments of a day stand."""

    def __init__(self, day: Day) -> None:
        self.day = day
        self.length = day.end - day.start

    def locate(self, at: datetime) -> float:
        """In % of the width, within the picture."""
        return min(max((at - self.day.start) / self.length, 0), 1) * 100

    def locate_span(self, start: datetime, end: datetime) -> tuple[float, float]:
        """From where to where something is drawn that must not vanish, however short it was."""
        left = min(self.locate(start), 100 - NARROWEST)
        return left, max(self.locate(end), left + NARROWEST)

    def make_mark(self, start: datetime, end: datetime, **rest: str) -> Mark:
        left, right = self.locate_span(start, end)
        return Mark(format_percent(left), format_percent(right - left), **rest)

    def list_hours(self) -> Iterator[dict[str, Any]]:
        """The full hours, some with a label."""
        start, end = self.day.start, self.day.end
        midnight = timezone.localtime(start).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
        for number in range((start - midnight) // HOUR + 1, (end - midnight) // HOUR + 1):
            at = midnight + number * HOUR
            label = f"{timezone.localtime(at):%H:%M}" if number % LABELLED_EVERY == 0 else ""
            yield {"x": format_percent(self.locate(at)), "label": label}

    def group_touching(self, spans: Iterable[Span]) -> Iterator[list[Span]]:
        """Those that would be drawn over each other, together."""
        group: list[Span] = []
        right = 0.0
        for span in sorted(spans, key=lambda each: each.start):
            left, end = self.locate_span(span.start, span.end)
            if group and left >= right:
                yield group
                group, right = [], 0.0
            group.append(span)
            right = max(right, end)
        if group:
            yield group


def format_percent(number: float) -> str:
    return f"{number:.3f}%"


def format_to_second(at: datetime) -> str:
    return f"{timezone.localtime(at):%H:%M:%S}"


def format_stretch(start: datetime, end: datetime) -> str:
    return f"{format_to_second(start)} – {format_to_second(end)}"
