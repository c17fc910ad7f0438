"""The day of syncs, drawn: every place is a share of the width, so that it fits any screen and any paper."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator, capfirst
from django.utils.timesince import timesince
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from sync.admin.formatting import ATTEMPT_OUTCOMES, format_count, format_duration
from sync.admin.links import get_list_url
from sync.list_names import get_list_name
from sync.models import SyncRun
from sync.monitoring.timeline import HOUR, Attempt, Day, Ran, Stretch, TypeDay
from sync.translations import translate

NARROWEST = 0.3  # % of the width: three pixels on a desk's screen, four minutes of the day
LABELLED_EVERY = 3  # hours
CHANGES = ("created", "updated", "missing", "removed")
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
    ("preempted", ATTEMPT_OUTCOMES["preempted"]),
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

    @property
    def drawn_bars(self) -> SafeString:
        """As SVG. A busy day has more than a thousand: through a template they would take the longest of all."""
        latest = len(self.bars) - 1
        return format_html_join("", BAR, (fill_bar(bar, at == latest) for at, bar in enumerate(self.bars)))


BAR = (
    '<a class="bar {}" href="{}" aria-label="{}" tabindex="{}"><rect class="target" x="{}" width="{}" y="0"'
    ' height="30"/><rect class="shape" x="{}" width="{}"/>{}</a>\n'
)
ASIDE = '<svg class="aside" x="{}" y="0"><path d="M-4 1h8l-4 6z"/></svg>'


def fill_bar(bar: Mark, is_latest: bool) -> tuple[Any, ...]:
    """What BAR is filled with. With Tab one comes to the latest bar, from there with the arrow keys to the others."""
    aside = format_html(ASIDE, bar.x) if bar.kind == "preempted" else ""
    return (bar.kind, bar.address, bar.tip, 0 if is_latest else -1, bar.x, bar.width, bar.x, bar.width, aside)


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
        return Mark(format_percent(left), format_percent(right - left), **rest)


def format_percent(number: float) -> str:
    return f"{number:.3f}%"


def draw_day(day: Day) -> dict[str, Any]:
    """What the template of the picture needs."""
    scale, words = Scale(day), Words()
    return {
        "rows": [draw_row(each, scale, words) for each in day.types],
        "hours": list(draw_hours(day, scale)),
        "now": format_percent(scale.place(day.now)),
        "behind": timesince(day.start, day.now),
        "ahead": timesince(day.now, day.end),
        "legend": LEGEND,
    }


def draw_row(day: TypeDay, scale: Scale, words: Words) -> Row:
    name = capfirst(get_list_name(day.sync_type))
    return Row(
        name=name,
        address=get_list_url(SyncRun, sync_type=day.sync_type),
        bars=[draw_bar(group, name, scale, words) for group in group_attempts(day.attempts, scale)],
        waits=[scale.mark(wait.start, wait.end) for wait in day.waits],
        pauses=[draw_pause(stretch, scale) for stretch in day.pauses],
        due=list(draw_due_times(day, scale)),
    )


def draw_hours(day: Day, scale: Scale) -> Iterator[dict[str, Any]]:
    """The full hours, some with a label."""
    midnight = timezone.localtime(day.start).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
    for number in range((day.start - midnight) // HOUR + 1, (day.end - midnight) // HOUR + 1):
        at = midnight + number * HOUR
        label = f"{timezone.localtime(at):%H:%M}" if number % LABELLED_EVERY == 0 else ""
        yield {"x": format_percent(scale.place(at)), "label": label}


def draw_pause(stretch: Stretch, scale: Scale) -> Mark:
    tip = gettext("Order forms were open") + f"\n{format_stretch(stretch.start, stretch.end)}"
    return scale.mark(stretch.start, stretch.end, tip=tip)


def draw_due_times(day: TypeDay, scale: Scale) -> Iterator[Mark]:
    """One for each time at which it is due; those that would stand on each other as one."""
    stretches = [Stretch(at, at + day.usual_duration) for at in day.due]
    for first, last in group_touching(stretches, scale):
        times = format_to_second(first.start) if first == last else f"{format_stretch(first.start, last.start)}"
        yield scale.mark(
            first.start, last.end, tip=f"{capfirst(get_list_name(day.sync_type))}\n{gettext('due')} {times}"
        )


def group_touching(stretches: Iterable[Stretch], scale: Scale) -> Iterator[tuple[Stretch, Stretch]]:
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


def group_attempts(attempts: Iterable[Attempt], scale: Scale) -> Iterator[list[Attempt]]:
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


def draw_bar(group: list[Attempt], name: str, scale: Scale, words: Words) -> Mark:
    end = max(each.end for each in group)
    kind = min(map(get_kind, group), key=WORST_FIRST.index)
    lines = describe_attempt(group[0], name, words) if len(group) == 1 else describe_attempts(group, name, words)
    runs = {attempt.run.pk: attempt.run for attempt in group}
    address = words.get_url(group[0].run) if len(runs) == 1 else get_runs_url(runs.values())
    return scale.mark(group[0].start, end, kind=kind, tip="\n".join(lines), address=address)


def get_kind(attempt: Attempt) -> str:
    """The outcome, as the picture's style sheet knows it."""
    if attempt.ended is None:
        return str(attempt.run.status)
    outcome: str = attempt.ended.get("outcome", "").replace(" ", "-")
    return "retried" if outcome == "failed" or outcome not in WORST_FIRST else outcome


def get_outcome(attempt: Attempt, words: Words) -> str:
    if attempt.ended is None:
        return words.of_status[attempt.run.status]
    outcome = attempt.ended.get("outcome", "")
    return str(ATTEMPT_OUTCOMES.get(outcome, outcome))


class Words:
    """What bars tell again and again, translated and looked up once."""

    def __init__(self) -> None:
        self.run = gettext("run %s")
        self.of_status = {status.value: str(status.label) for status in SyncRun.Status}
        self.of_mode = {mode.value: str(mode.label) for mode in SyncRun.Mode}
        self.address = reverse("admin:sync_syncrun_change", args=[0])

    def get_url(self, run: Ran) -> str:
        return self.address.replace("/0/", f"/{run.pk}/")


def describe_changes(run: Ran | SyncRun) -> str:
    """What a run changed, in a few words."""
    counts = ((name, getattr(run, name)) for name in CHANGES)
    return ", ".join(format_count(name, count) for name, count in counts if count) or gettext("no changes")


def describe_attempt(attempt: Attempt, name: str, words: Words) -> Iterator[str]:
    """An attempt, line by line."""
    run = attempt.run
    yield f"{name} · {words.run % run.pk} · {get_outcome(attempt, words)}"
    duration = format_duration(attempt.end - attempt.start)
    yield f"{format_stretch(attempt.start, attempt.end)} · {duration} · {words.of_mode[run.mode]}"
    if attempt.ended is None and run.status == SyncRun.Status.SUCCEEDED:
        yield describe_changes(run)
    if error := translate(attempt.ended.get("text", "") if attempt.ended else run.error_text):
        yield Truncator(error.partition("\n")[0]).chars(ERROR_CHARACTERS)


def describe_attempts(group: list[Attempt], name: str, words: Words) -> Iterator[str]:
    """Attempts that share a bar: how many ended how, and the latest of them."""
    count = ngettext("%d attempt", "%d attempts", len(group)) % len(group)
    yield f"{name} · {count} · {format_stretch(group[0].start, max(each.end for each in group))}"
    outcomes = Counter(get_outcome(each, words) for each in group)
    yield ", ".join(f"{number} {outcome}" for outcome, number in outcomes.most_common())
    for attempt in group[: -RUNS_TOLD - 1 : -1]:
        yield f"{format_to_second(attempt.start)} {words.run % attempt.run.pk} {get_outcome(attempt, words)}"


def format_to_second(at: datetime) -> str:
    return f"{timezone.localtime(at):%H:%M:%S}"


def format_stretch(start: datetime, end: datetime) -> str:
    return f"{format_to_second(start)} – {format_to_second(end)}"


def get_runs_url(runs: Iterable[Ran]) -> str:
    """The list of these runs, and of those requested between them."""
    requested = sorted(run.requested_at for run in runs)
    query = {
        "sync_type": next(iter(runs)).sync_type,
        "requested_at__gte": requested[0].isoformat(),
        "requested_at__lt": (requested[-1] + timedelta(seconds=1)).isoformat(),
    }
    return reverse("admin:sync_syncrun_changelist", query=query)
