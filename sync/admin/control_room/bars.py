"""The bars of a day's picture: each an attempt, or several that would be drawn over each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import timedelta

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.text import Truncator
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from sync.admin import formatting, links
from sync.admin.control_room import drawing
from sync.admin.control_room.drawing import Mark, Scale
from sync.admin.event_facts import ATTEMPT_OUTCOMES
from sync.models import SyncRun
from sync.monitoring.timeline import Attempt, Ran
from sync.translations import translate

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
BAR = (
    '<a class="bar {}" href="{}" aria-label="{}" tabindex="{}"><rect class="target" x="{}" width="{}" y="0"'
    ' height="30"/><rect class="shape" x="{}" width="{}"/>{}</a>\n'
)
ASIDE = '<svg class="aside" x="{}" y="0"><path d="M-4 1h8l-4 6z"/></svg>'


def join_bars(bars: list[Mark]) -> str:
    """As SVG. A busy day has more than a thousand: through a template they would take the longest of all."""
    latest = len(bars) - 1
    return format_html_join(
        "",
        BAR,
        (
            (
                bar.kind,
                bar.address,
                bar.tip,
                0 if place == latest else -1,  # with Tab one comes to the latest, from there with the arrow keys
                *(bar.x, bar.width) * 2,
                format_html(ASIDE, bar.x) if bar.kind == "preempted" else "",
            )
            for place, bar in enumerate(bars)
        ),
    )


def draw_bar(group: list[Attempt], name: str, scale: Scale, words: Words) -> Mark:
    end = max(each.end for each in group)
    kind = min(map(get_kind, group), key=WORST_FIRST.index)
    lines = describe_attempt(group[0], name, words) if len(group) == 1 else describe_attempts(group, name, words)
    runs = {attempt.run.pk: attempt.run for attempt in group}
    address = words.get_url(group[0].run) if len(runs) == 1 else get_runs_url(runs.values())
    return scale.make_mark(group[0].start, end, kind=kind, tip="\n".join(lines), address=address)


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


def describe_attempt(attempt: Attempt, name: str, words: Words) -> Iterator[str]:
    """An attempt, line by line."""
    run = attempt.run
    yield f"{name} · {words.run % run.pk} · {get_outcome(attempt, words)}"
    duration = formatting.format_duration(attempt.end - attempt.start)
    yield f"{drawing.format_stretch(attempt.start, attempt.end)} · {duration} · {words.of_mode[run.mode]}"
    if attempt.ended is None and run.status == SyncRun.Status.SUCCEEDED:
        yield formatting.format_changes(run)
    if error := translate(attempt.ended.get("text", "") if attempt.ended else run.error_text):
        yield Truncator(error.partition("\n")[0]).chars(ERROR_CHARACTERS)


def describe_attempts(group: list[Attempt], name: str, words: Words) -> Iterator[str]:
    """Attempts that share a bar: how many ended how, and the latest of them."""
    count = ngettext("%d attempt", "%d attempts", len(group)) % len(group)
    yield f"{name} · {count} · {drawing.format_stretch(group[0].start, max(each.end for each in group))}"
    outcomes = Counter(get_outcome(each, words) for each in group)
    yield ", ".join(f"{number} {outcome}" for outcome, number in outcomes.most_common())
    for attempt in group[: -RUNS_TOLD - 1 : -1]:
        yield f"{drawing.format_to_second(attempt.start)} {words.run % attempt.run.pk} {get_outcome(attempt, words)}"


def get_runs_url(runs: Iterable[Ran]) -> str:
    """The list of these runs, and of those requested between them."""
    requested = sorted(run.requested_at for run in runs)
    query = {
        "sync_type": next(iter(runs)).sync_type,
        "requested_at__gte": requested[0].isoformat(),
        "requested_at__lt": (requested[-1] + timedelta(seconds=1)).isoformat(),
    }
    return links.get_list_url(SyncRun, **query)
