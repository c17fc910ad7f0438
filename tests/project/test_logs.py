"""The log, whatever somebody does to fill it."""

import io
import logging
import time
from contextlib import closing

import pytest

from archibald import logs
from archibald.logs import ConsoleHandler


@pytest.fixture
def console():
    """A logger, and what it has written."""
    written = io.StringIO()
    handler = ConsoleHandler()
    handler.setStream(written)
    logger = logging.Logger("some.module")
    logger.addHandler(handler)
    with closing(handler):
        yield logger, lambda: written.getvalue().splitlines()


def test_of_many_lines_of_one_kind_some_are_written_and_the_others_counted(console, monkeypatch):
    logger, lines = console
    for number in range(1000):
        logger.warning("Refused: %s", number)
    logger.error("Something else")
    assert lines() == [*(f"Refused: {number}" for number in range(logs.LINES)), "Something else"]
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + logs.PERIOD + 1)
    logger.warning("Refused: %s", "again")
    assert lines()[logs.LINES + 1 :] == [
        f"{1000 - logs.LINES} more lines like this were left out: Refused: {logs.LINES}",
        "Refused: again",
    ]


def test_what_was_left_out_is_counted_at_the_end(console):
    logger, lines = console
    for number in range(logs.LINES + 2):
        logger.warning("Refused: %s", number)
    logger.handlers[0].close()
    assert lines()[-1] == f"2 more lines like this were left out: Refused: {logs.LINES}"


def test_what_was_asked_for_is_not_left_out(console):
    logger, lines = console
    for number in range(1000):
        logger.info("A request: %s", number)
    assert len(lines()) == 1000


def test_texts_without_end_are_cut_and_kinds_without_end_are_one(console):
    logger, lines = console
    for number in range(5000):
        logger.warning(f"{number} {'x' * 100_000}")
    assert len(lines()) <= logs.KINDS + logs.LINES + 1
    assert max(map(len, lines())) == logs.LONGEST + 3


def test_a_traceback_is_written_of_a_bug_and_not_of_what_only_a_client_can_cause(console):
    logger, lines = console
    for name in ("django.request", "django.security.DisallowedHost"):
        logger.name = name
        try:
            raise ValueError
        except ValueError:
            logger.exception("Seen by %s", name)
    assert lines()[-2:] == ["ValueError", "Seen by django.security.DisallowedHost"]
    assert lines()[:2] == ["Seen by django.request", "Traceback (most recent call last):"]


def test_a_wrong_host_is_one_line(serve):
    server = serve()
    before = server.log.read_text()
    for path in ("/", "/api/sync/status", "/healthz"):
        assert server.get(path, Host="else.example")[0] == 400
    lines = server.log.read_text().removeprefix(before).splitlines()
    assert len(lines) == 3, lines
    assert all("Invalid HTTP_HOST header: 'else.example'" in line for line in lines)
