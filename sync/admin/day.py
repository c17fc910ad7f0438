"""The day of syncs, drawn: every place is a share of the width, so that it fits any screen and any paper."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.text import Truncator, capfirst
from django.utils.timesince import timesince
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from sync import error_texts
from sync.admin.parts import CAME_BACK, clock, list_name, run_address
from sync.models import SyncRun
from sync.read_only_admin import list_address, printed_duration
from sync.timeline import HOUR, Attempt, Day, Stretch, TypeDay

NARROWEST = 0.3  # % of the width: three pixels on a desk's screen, four minutes of the day
LABELLED_EVERY = 3  # hours
RUNS_TOLD = 4  # of a bar that stands for several
ERROR_CHARACTERS = 120

WORST_FIRST = (
    "failed",
    "lost",
    "quarantined",
    "retried",
    "running",
    "preempted",
    "handed-back",
    "cancelled",
    "succeeded",
)
LEGEND = [
    ("succeeded", SyncRun.Status.SUCCEEDED.label),
    ("failed", SyncRun.Status.FAILED.label),
    ("quarantined", SyncRun.Status.QUARANTINED.label),
    ("preempted", CAME_BACK["preempted"]),
    ("cancelled", SyncRun.Status.CANCELLED.label),
    ("running", SyncRun.Status.RUNNING.label),
    ("wait", _("waits")),
    ("pause", _("paused by order forms")),
    ("due", _("due")),
]


@dataclass(frozen=True)
class Mark:
    """Something on the picture, `width` wide from `x`, both in % of the whole; `tip` has the lines that it tells."""

    x: str
    width: str
    kind: str = ""
    tip: str = ""
    address: str = ""


@dataclass(frozen=True)
class Row:
    """A sync type's row."""

    name: str
    address: str
    bars: list[Mark]
    waits: list[Mark]
    pauses: list[Mark]
    due: list[Mark]


class Scale:
    """Where moments of a day stand."""

    def __init__(self, day: Day) -> None:
        self.day = day
        self.length = day.end - day.start

    def place(self, at: datetime) -> float:
        """In % of the width, within the picture."""
        return min(max((at - self.day.start) / self.length, 0), 1) * 100

    def extent(self, start: datetime, end: datetime) -> tuple[float, float]:
        """From where to where something is drawn that must not vanish, however short it was."""
        left = min(self.place(start), 100 - NARROWEST)
        return left, max(self.place(end), left + NARROWEST)

    def mark(self, start: datetime, end: datetime, **rest: str) -> Mark:
        left, right = self.extent(start, end)
        return Mark(percent(left), percent(right - left), **rest)


def percent(number: float) -> str:
    return f"{number:.3f}%"


def drawn(day: Day) -> dict[str, Any]:
    """What the template of the picture needs."""
    scale = Scale(day)
    return {
        "rows": [drawn_row(each, scale) for each in day.types],
        "hours": list(hours(day, scale)),
        "now": percent(scale.place(day.now)),
        "behind": timesince(day.start, day.now),
        "ahead": timesince(day.now, day.end),
        "legend": LEGEND,
    }


def drawn_row(day: TypeDay, scale: Scale) -> Row:
    name = list_name(day.sync_type)
    return Row(
        name=name,
        address=list_address(SyncRun, sync_type=day.sync_type),
        bars=[bar(group, name, scale) for group in grouped(day.attempts, scale)],
        waits=[scale.mark(wait.start, wait.end) for wait in day.waits],
        pauses=[pause(stretch, scale) for stretch in day.pauses],
        due=list(due_marks(day, scale)),
    )


def hours(day: Day, scale: Scale) -> Iterator[dict[str, Any]]:
    """The full hours, some with a label."""
    midnight = timezone.localtime(day.start).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
    for number in range((day.start - midnight) // HOUR + 1, (day.end - midnight) // HOUR + 1):
        at = midnight + number * HOUR
        label = f"{timezone.localtime(at):%H:%M}" if number % LABELLED_EVERY == 0 else ""
        yield {"x": percent(scale.place(at)), "label": label}


def pause(stretch: Stretch, scale: Scale) -> Mark:
    tip = gettext("Order forms were open") + f"\n{clock(stretch.start)} – {clock(stretch.end)}"
    return scale.mark(stretch.start, stretch.end, tip=tip)


def due_marks(day: TypeDay, scale: Scale) -> Iterator[Mark]:
    """One for each time at which it is due; those that would stand on each other as one."""
    stretches = [Stretch(at, at + day.usual_duration) for at in day.due]
    for first, last in touching(stretches, scale):
        times = clock(first.start) if first == last else f"{clock(first.start)} – {clock(last.start)}"
        yield scale.mark(first.start, last.end, tip=f"{capfirst(list_name(day.sync_type))}\n{gettext('due')} {times}")


def touching(stretches: Iterable[Stretch], scale: Scale) -> Iterator[tuple[Stretch, Stretch]]:
    """The first and the last of those that touch each other when drawn."""
    group: list[Stretch] = []
    for stretch in stretches:
        if group and scale.extent(stretch.start, stretch.end)[0] >= scale.extent(group[-1].start, group[-1].end)[1]:
            yield group[0], group[-1]
            group = []
        group.append(stretch)
    if group:
        yield group[0], group[-1]


# Bars


def grouped(attempts: Iterable[Attempt], scale: Scale) -> Iterator[list[Attempt]]:
    """Attempts that would be drawn over each other, together."""
    group: list[Attempt] = []
    right = 0.0
    for attempt in sorted(attempts, key=lambda each: each.start):
        left, end = scale.extent(attempt.start, attempt.end)
        if group and left >= right:
            yield group
            group, right = [], 0.0
        group.append(attempt)
        right = max(right, end)
    if group:
        yield group


def bar(group: list[Attempt], name: str, scale: Scale) -> Mark:
    start, end = min(each.start for each in group), max(each.end for each in group)
    kind = min(map(kind_of, group), key=WORST_FIRST.index)
    runs = {attempt.run.pk: attempt.run for attempt in group}
    lines = told(group[0], name) if len(group) == 1 else told_together(group, name, start, end)
    address = run_address(group[0].run) if len(runs) == 1 else runs_of(runs.values())
    return scale.mark(start, end, kind=kind, tip="\n".join(lines), address=address)


def kind_of(attempt: Attempt) -> str:
    """The outcome, as the picture's style sheet knows it."""
    if attempt.ended is None:
        return str(attempt.run.status)
    outcome: str = attempt.ended["outcome"]
    return "retried" if outcome == "failed" else outcome.replace(" ", "-")


def outcome_of(attempt: Attempt) -> str:
    if attempt.ended is None:
        return str(SyncRun.Status(attempt.run.status).label)
    return str(CAME_BACK.get(attempt.ended["outcome"], attempt.ended["outcome"]))


def told(attempt: Attempt, name: str) -> Iterator[str]:
    """An attempt, line by line."""
    run = attempt.run
    yield " · ".join([capfirst(name), gettext("run %s") % run.pk, outcome_of(attempt)])
    duration = printed_duration(attempt.end - attempt.start)
    yield f"{clock(attempt.start)} – {clock(attempt.end)} · {duration} · {run.get_mode_display()}"
    if attempt.ended is None and run.status == SyncRun.Status.SUCCEEDED:
        yield changed(run)
    if error := error_texts.sentence(attempt.ended["text"]) if attempt.ended else run.error_sentence:
        yield Truncator(error.partition("\n")[0]).chars(ERROR_CHARACTERS)


def changed(run: SyncRun) -> str:
    """What a run changed, in a few words."""
    counts = {name: getattr(run, name) for name in ("created", "updated", "missing", "removed")}
    words = [
        f"{number_format(count, force_grouping=True)} {SyncRun._meta.get_field(name).verbose_name}"  # type: ignore[union-attr]
        for name, count in counts.items()
        if count
    ]
    return ", ".join(words) or gettext("no changes")


def told_together(group: list[Attempt], name: str, start: datetime, end: datetime) -> Iterator[str]:
    """Attempts that share a bar: how many ended how, and the latest of them."""
    count = ngettext("%d attempt", "%d attempts", len(group)) % len(group)
    yield f"{capfirst(name)} · {count} · {clock(start)} – {clock(end)}"
    yield ", ".join(f"{number} {outcome}" for outcome, number in Counter(map(outcome_of, group)).most_common())
    for attempt in group[: -RUNS_TOLD - 1 : -1]:
        yield f"{clock(attempt.start)} {gettext('run %s') % attempt.run.pk} {outcome_of(attempt)}"


def runs_of(runs: Iterable[SyncRun]) -> str:
    """The list of these runs, and of those requested between them."""
    requested = sorted(run.requested_at for run in runs)
    query = {
        "sync_type": next(iter(runs)).sync_type,
        "requested_at__gte": requested[0].isoformat(),
        "requested_at__lt": (requested[-1] + timedelta(seconds=1)).isoformat(),
    }
    return reverse("admin:sync_syncrun_changelist", query=query)
