"""Maps from a font's codes to characters, before anything makes an entry of each code."""

from __future__ import annotations

import re

from sync.exceptions import PageUnreadable
from sync.messages import Message
from sync.messages import gettext_noop as _

MOST_CODES = 65_536  # all that two bytes can say; the ERP's fonts have a hundred
ENTRY = 3  # texts, of a range: its first code, its last, and the first character
RANGES = re.compile(rb"begin(?:bf|cid|notdef)range")
ARRAY = re.compile(rb"\[[^\[\]]*\]")  # may stand for the characters of a range
RANGE = re.compile(rb"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>\s*(?:<|\d)")


def check_map(data: bytes, page: int) -> None:
    """Raises PageUnreadable for a map of more codes than there are: 20 bytes can name a thousand million.

    Each pattern is tried from one place on only as far as the next such place, so that a map takes no longer than its
    length.
    """
    if data.count(b"<") > ENTRY * MOST_CODES or count_in_ranges(data) > MOST_CODES:
        reason = Message(_("one of its fonts has more than {count} codes"), count=MOST_CODES)
        raise PageUnreadable(page=page, reason=reason)


def count_in_ranges(data: bytes) -> int:
    count = 0
    for section in RANGES.split(data)[1:]:
        entries = ARRAY.sub(b"<>", section.partition(b"end")[0])
        count += sum(max(1, int(last, 16) - int(first, 16) + 1) for first, last in RANGE.findall(entries))
    return count
