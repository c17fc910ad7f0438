"""The facts of events, in the reader's words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.utils.dateparse import parse_datetime
from django.utils.formats import number_format
from django.utils.text import Truncator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sync import error_texts
from sync.admin.parts import field_of, minutes, moment, run_link
from sync.models import Alert, SyncRun
from sync.monitoring import alerts

FACTS = {
    "trigger": _("trigger"),
    "mode": _("mode"),
    "priority": _("priority"),
    "attempt": _("attempt"),
    "into": _("into run"),
    "at": _("again at"),
    "error": _("error"),
    "error_class": _("kind of error"),
    "from_holder": _("from"),
    "token": _("token"),
    "every": _("every"),
    "first_at": _("first at"),
    "enabled": _("enabled"),
    "before": _("before"),
    "after": _("after"),
    "channel": _("channel"),
    "attempts": _("attempts"),
    "hidden": _("no longer read"),
    "shown": _("read again"),
    "unknown": _("not known, not mirrored"),
    "gone": _("not known, and gone again"),
    "columns": _("columns"),
    "customer": _("ERP ID"),
}


def count_name(name: str) -> Any:
    """What a count of a run is called; its own name if runs no longer have it."""
    with suppress(FieldDoesNotExist):
        return field_of(SyncRun, name).verbose_name
    return name


def told_fact(name: str, fact: Any) -> Iterator[tuple[Any, Any]]:
    """A fact of an event, with a label, in the reader's words; a fact of a kind that is not known as it was kept."""
    match name, fact:
        case "counts", dict():
            for count, number in fact.items():
                if number:
                    yield count_name(count), number_format(number, force_grouping=True)
        case "trigger", str() if fact in SyncRun.Trigger:
            yield FACTS[name], SyncRun.Trigger(fact).label
        case "mode", str() if fact in SyncRun.Mode:
            yield FACTS[name], SyncRun.Mode(fact).label
        case "before" | "after", str() if fact in alerts.WORDS:
            yield FACTS[name], alerts.WORDS[fact]
        case "channel", str() if fact in Alert.Channel:
            yield FACTS[name], Alert.Channel(fact).label
        case "into", int():
            yield FACTS[name], run_link(fact)
        case "at", str():
            yield FACTS[name], moment(parse_datetime(fact))
        case "every" | "first_at", int():
            yield FACTS[name], minutes(fact)
        case "hidden" | "shown" | "unknown" | "gone" | "columns", list():
            yield FACTS[name], Truncator(", ".join(map(str, fact))).chars(200)
        case "error", str():
            yield FACTS[name], Truncator(error_texts.sentence(fact)).chars(200)
        case _, bool():
            yield FACTS.get(name, name), gettext("Yes") if fact else gettext("No")
        case _:
            yield FACTS.get(name, name), Truncator(fact).chars(200)
