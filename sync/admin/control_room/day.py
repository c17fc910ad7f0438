"""The day of syncs, drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.text import capfirst
from django.utils.timesince import timesince
from django.utils.translation import gettext

from sync.admin import links
from sync.admin.control_room import bars, drawing
from sync.admin.control_room.bars import LEGEND, Words
from sync.admin.control_room.drawing import Mark, Scale
from sync.list_names import get_list_name
from sync.models import SyncRun
from sync.monitoring.status import SyncStatus
from sync.monitoring.timeline import Stretch, TypeDay, find_day


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
    def joined_bars(self) -> str:
        return bars.join_bars(self.bars)


def draw_day(status: SyncStatus) -> dict[str, Any]:
    """What the template of the picture needs."""
    day = find_day(status)
    scale, words = Scale(day), Words()
    return {
        "rows": [draw_row(each, scale, words) for each in day.types],
        "hours": list(scale.list_hours()),
        "now": drawing.format_percent(scale.locate(day.now)),
        "behind": timesince(day.start, day.now),
        "ahead": timesince(day.now, day.end),
        "legend": LEGEND,
    }


def draw_row(day: TypeDay, scale: Scale, words: Words) -> Row:
    name, open_forms = capfirst(get_list_name(day.sync_type)), gettext("Order forms were open")
    return Row(
        name=name,
        address=links.get_list_url(SyncRun, sync_type=day.sync_type),
        bars=[bars.draw_bar(group, name, scale, words) for group in scale.group_touching(day.attempts)],
        waits=[scale.make_mark(wait.start, wait.end) for wait in day.waits],
        pauses=[
            scale.make_mark(
                pause.start, pause.end, tip=f"{open_forms}\n{drawing.format_stretch(pause.start, pause.end)}"
            )
            for pause in day.pauses
        ],
        due=list(draw_due_times(day, name, scale)),
    )


def draw_due_times(day: TypeDay, name: str, scale: Scale) -> Iterator[Mark]:
    """One for each time at which it is due; those that would stand on each other as one."""
    stretches = [Stretch(at, at + day.usual_duration) for at in day.due]
    for first, *others in scale.group_touching(stretches):
        last = others[-1] if others else first
        at = drawing.format_stretch(first.start, last.start) if others else drawing.format_to_second(first.start)
        yield scale.make_mark(first.start, last.end, tip=f"{name}\n{gettext('due')} {at}")
