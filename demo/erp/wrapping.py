"""Breaking a cell's text into the lines that fit its column."""

from __future__ import annotations

import re
from functools import lru_cache

from demo.erp.font import measure

BREAKS = re.compile(r"\s+|(?<=\?)")  # the ERP breaks web addresses too


@lru_cache(maxsize=65_536)
def wrap(text: str, room: float) -> tuple[str, ...]:
    """The text as lines at most `room` points wide; a newline in it always breaks."""
    if "\n" not in text and measure(text) <= room:
        return (text,) if text else ()
    return tuple(line for paragraph in text.split("\n") for line in fill_lines(paragraph, room))


def fill_lines(paragraph: str, room: float) -> list[str]:
    """Lines of as many pieces as fit; a piece wider than the room is cut where the room ends."""
    lines = []
    line = ""
    for gap, piece in split_pieces(paragraph):
        if line and measure(line + gap + piece) > room:
            lines.append(line)
            line, gap = "", ""
        line += gap + piece
        while measure(line) > room:
            cut = count_fitting(line, room)
            lines.append(line[:cut])
            line = line[cut:]
    return [*lines, line] if line or not lines else lines


def split_pieces(paragraph: str) -> list[tuple[str, str]]:
    """What may not be broken, each with the gap before it."""
    found = []
    start = 0
    gap = ""
    for match in BREAKS.finditer(paragraph.strip()):
        found.append((gap, paragraph.strip()[start : match.start()]))
        gap, start = match.group(), match.end()
    return [*found, (gap, paragraph.strip()[start:])]


def count_fitting(line: str, room: float) -> int:
    """How many characters fit, at least one."""
    return next((count for count in range(len(line), 1, -1) if measure(line[:count]) <= room), 1)
