"""What is known of an event, in the reader's words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.text import Truncator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sync.admin import formatting, links
from sync.models import Alert, SyncEvent, SyncRun
from sync.monitoring.alert_channels import WORDS
from sync.translations import translate

ATTEMPT_OUTCOMES = {  # why an attempt did not end its run
    "preempted": _("interrupted for an order form"),
    "handed back": _("returned to the queue by a worker that stopped"),
    "postponed": _("the ERP could not be asked"),
    "lost": _("its process died or hung"),
    "failed": _("failed, will be tried again"),
}

EVENT_KINDS = " ".join(SyncEvent.Kind.values)  # of events that a page may follow

FACT_LABELS = {
    "trigger": _("trigger"),
    "mode": _("mode"),
    "priority": _("priority"),
    "attempt": _("attempt"),
    "into": _("merged into run"),
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
    "gone": _("not known, no longer shown"),
    "columns": _("columns"),
    "customer": _("ERP ID"),
    "file": _("file"),
    "ignores_hours": _("ignores the ERP's hours"),
}


def format_fact(name: str, fact: Any) -> Iterator[tuple[Any, Any]]:
    """A fact of an event, with a label, in the reader's words; a fact of a kind that is not known as it was kept."""
    match name, fact:
        case "counts", dict():
            labels = {field.name: field.verbose_name for field in SyncRun._meta.fields}
            for count, number in fact.items():
                if number:
                    yield labels.get(count, count), formatting.format_number(number)
        case "trigger", str() if fact in SyncRun.Trigger:
            yield FACT_LABELS[name], SyncRun.Trigger(fact).label
        case "mode", str() if fact in SyncRun.Mode:
            yield FACT_LABELS[name], SyncRun.Mode(fact).label
        case "before" | "after", str() if fact in WORDS:
            yield FACT_LABELS[name], WORDS[fact]
        case "channel", str() if fact in Alert.Channel:
            yield FACT_LABELS[name], Alert.Channel(fact).label
        case "into", int():
            yield FACT_LABELS[name], links.format_run_link(fact)
        case "at", str():
            yield FACT_LABELS[name], formatting.format_datetime(parse_datetime(fact))
        case "every" | "first_at", int():
            yield FACT_LABELS[name], formatting.format_minutes(fact)
        case "hidden" | "shown" | "unknown" | "gone" | "columns", list():
            yield FACT_LABELS[name], Truncator(", ".join(map(str, fact))).chars(200)
        case "error", str():
            yield FACT_LABELS[name], Truncator(translate(fact)).chars(200)
        case _, bool():
            yield FACT_LABELS.get(name, name), gettext("Yes") if fact else gettext("No")
        case _:
            yield FACT_LABELS.get(name, name), Truncator(fact).chars(200)
