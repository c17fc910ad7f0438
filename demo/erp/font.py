"""The typeface the demo ERP prints in: how wide a text is, and its glyph codes.

The real ERP embeds Times New Roman; Archibald Demo Serif has the same widths and kerning (see font/OFL.txt).
"""

from __future__ import annotations

import json
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path

FONT_FILE = Path(__file__).parent / "font" / "ArchibaldDemoSerif.ttf"
METRICS = json.loads((FONT_FILE.parent / "metrics.json").read_text(encoding="utf-8"))
UNITS: int = METRICS["unitsPerEm"]
SIZE = 9.75  # pt, the ERP's only size

GLYPHS: dict[str, int] = {character: glyph for character, (glyph, _) in METRICS["glyphs"].items()}
ADVANCES: dict[str, int] = {character: advance for character, (_, advance) in METRICS["glyphs"].items()}
KERNING: dict[str, int] = METRICS["kerning"]  # by pairs of characters, in font units
CODES = {ord(character): f"{glyph:04X}" for character, glyph in GLYPHS.items()}


@lru_cache(maxsize=65_536)
def measure(text: str) -> float:
    """How wide one line of text is, in points."""
    try:
        return sum(map(ADVANCES.__getitem__, text)) * SIZE / UNITS
    except KeyError as missing:
        raise ValueError(f"The demo ERP's font has no {missing.args[0]!r}, needed for {text!r}") from None


def show(text: str) -> str:
    """The operator that shows one line, unkerned."""
    return f"<{text.translate(CODES)}> Tj"


def show_kerned(text: str) -> str:
    """The operator that shows one line, with the gaps between kerned pairs closed as the ERP closes them."""
    pieces = []
    start = 0
    for position, (left, right) in enumerate(pairwise(text), start=1):
        if units := KERNING.get(left + right):
            pieces.append(f"<{text[start:position].translate(CODES)}> {format_thousandths(-units)}")
            start = position
    if not pieces:
        return show(text)
    return f"[ {' '.join(pieces)} <{text[start:].translate(CODES)}>] TJ"


@cache
def format_thousandths(units: int) -> str:
    """Font units as PDF writes them: thousandths of the font's size, to four decimals."""
    return format_decimal(units * 1000 / UNITS)


def format_decimal(value: float) -> str:
    """A number as the ERP's PDFs print it: up to four decimals, halves to even."""
    return f"{round(value * 10_000) / 10_000:.4f}".rstrip("0").rstrip(".")
