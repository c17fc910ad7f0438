"""The log on the console: a line for each event, however often somebody causes it."""

from __future__ import annotations

import copy
import logging
import time
from collections import Counter
from collections.abc import Hashable
from typing import TextIO

LINES = 30  # of one kind in a period
PERIOD = 60.0  # seconds
LONGEST = 2000  # characters of a message; a client chooses what it asks for
KINDS = 1000  # in a period; then lines are of one kind if they come from one logger

BY_CLIENTS = "django.security."  # loggers of what only a client can have caused: no traceback tells more


class ConsoleHandler(logging.StreamHandler[TextIO]):
    """Writes so many warnings and errors of one kind a minute, and then how many it has left out."""

    def __init__(self) -> None:
        super().__init__()
        self.began_at = time.monotonic()
        self.counts: Counter[Hashable] = Counter()
        self.left_out: dict[Hashable, logging.LogRecord] = {}  # the first of each kind, without what it refers to

    def emit(self, record: logging.LogRecord) -> None:
        if time.monotonic() - self.began_at > PERIOD:
            self.end_period()
        if record.levelno >= logging.WARNING:
            kind = self.find_kind(record)
            self.counts[kind] += 1
            if self.counts[kind] > LINES:
                if kind not in self.left_out:
                    text = shorten_record(record).getMessage()
                    self.left_out[kind] = logging.LogRecord(record.name, record.levelno, "", 0, text, None, None)
                return
        super().emit(shorten_record(record))

    def find_kind(self, record: logging.LogRecord) -> Hashable:
        source = (record.name, record.levelno)
        if record.name.startswith(BY_CLIENTS) or len(self.counts) > KINDS:
            return source
        error = record.exc_info[0] if record.exc_info else None
        return (*source, str(record.msg), error, getattr(record, "status_code", None))

    def end_period(self) -> None:
        left_out = [(self.counts[kind] - LINES, record) for kind, record in self.left_out.items()]
        self.began_at = time.monotonic()
        self.counts.clear()
        self.left_out.clear()
        for count, record in left_out:
            record.msg, record.args = "%d more lines like this were left out: %s", (count, record.msg)
            super().emit(record)

    def close(self) -> None:
        self.end_period()
        super().close()


def shorten_record(record: logging.LogRecord) -> logging.LogRecord:
    message = record.getMessage()
    is_by_client = record.name.startswith(BY_CLIENTS)
    if len(message) <= LONGEST and not (is_by_client and record.exc_info):
        return record
    short = copy.copy(record)
    short.msg, short.args = (message if len(message) <= LONGEST else f"{message[:LONGEST]}..."), None
    if is_by_client:
        short.exc_info = short.exc_text = None
    return short
