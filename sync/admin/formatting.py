"""How values are shown in the admin: as texts, and as small pieces of HTML."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import models
from django.urls import reverse
from django.utils import formats
from django.utils.dateformat import format as date_format
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.timezone import localdate, localtime
from django.utils.translation import gettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _

from sync.admin.links import get_list_url
from sync.models import Alert, SyncEvent, SyncLock, SyncRun, SyncWorker
from sync.monitoring import alerts
from sync.monitoring.alerts import WORDS
from sync.monitoring.health import State
from sync.translations import translate

LONGEST_NUMBER = 18  # digits; databases take every number of so many
NOTHING = "-"  # a record's page shows what a method returns as it is, a None too
STATUS_SYMBOLS = {
    SyncRun.Status.QUEUED: "…",
    SyncRun.Status.RUNNING: "▶",
    SyncRun.Status.SUCCEEDED: "✓",
    SyncRun.Status.FAILED: "✗",
    SyncRun.Status.QUARANTINED: "⚠",
    SyncRun.Status.CANCELLED: "–",
}
STATE_BADGES = {
    State.HEALTHY: ("✓", WORDS[State.HEALTHY], "succeeded"),
    State.RETRYING: ("↻", WORDS[State.RETRYING], "quarantined"),
    State.LATE: ("⚠", WORDS[State.LATE], "quarantined"),
    State.OLD: ("⚠", WORDS[State.OLD], "quarantined"),
    State.FAILING: ("✗", WORDS[State.FAILING], "failed"),
    State.QUARANTINED: ("⚠", WORDS[State.QUARANTINED], "quarantined"),
    State.PAUSED: ("‖", WORDS[State.PAUSED], ""),
    State.NEVER: ("…", WORDS[State.NEVER], "quarantined"),
}
COUNTS = {  # what may be counted of a run's records
    "read": ngettext_lazy("%(number)s read", "%(number)s read", "count"),
    "unchanged": ngettext_lazy("%(number)s unchanged", "%(number)s unchanged", "count"),
    "created": ngettext_lazy("%(number)s created", "%(number)s created", "count"),
    "updated": ngettext_lazy("%(number)s updated", "%(number)s updated", "count"),
    "missing": ngettext_lazy("%(number)s missing", "%(number)s missing", "count"),
    "removed": ngettext_lazy("%(number)s removed", "%(number)s removed", "count"),
    "restored": ngettext_lazy("%(number)s restored", "%(number)s restored", "count"),
    "left": ngettext_lazy("%(number)s left", "%(number)s left", "count"),
}
ATTEMPT_OUTCOMES = {  # why an attempt did not end its run
    "preempted": _("interrupted for an order form"),
    "handed back": _("returned to the queue by a worker that stopped"),
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
}


def format_time(at: datetime | None) -> str:
    """A time of today without its date; of another day without its seconds."""
    if at is None:
        return NOTHING
    local = localtime(at)
    return f"{local:%H:%M:%S}" if local.date() == localdate() else f"{local:%d/%m/%Y %H:%M}"


def format_datetime(value: datetime | None) -> str:
    """To the second: a lease is half a minute."""
    return date_format(localtime(value), "d/m/Y H:i:s") if value else NOTHING


def format_number(number: int | Decimal) -> str:
    """With its thousands apart."""
    return formats.number_format(number, force_grouping=True)


def format_minutes(number: int) -> str:
    return gettext("%s min") % format_number(number)


def is_number(text: str) -> bool:
    """Whether a text is a whole number, and none too large for a database."""
    return text.isdecimal() and len(text) <= LONGEST_NUMBER


def format_kept_number(kept: Any) -> str:
    """A number that was kept as a text; what is none as it is."""
    text = str(kept)
    return format_number(int(text)) if is_number(text) else text


def format_count(name: str, count: int) -> str:
    """A count of a run's records, in words: `1,450 created`."""
    return str(COUNTS[name] % {"count": count, "number": format_number(count)})


def format_field(record: models.Model, name: str) -> str:
    """One of a record's fields as the ERP prints it."""
    return format_value(record._meta.get_field(name), getattr(record, name))


def format_value(field: Any, value: Any) -> str:
    """A date, time or decimal as the ERP prints it: `20/01/2026`, `1.729,22 €`, `21,49 %`; a quantity is `1.452`.

    Numbers follow the reader's language; dates do not: month first, they would be taken for the ERP's.
    """
    if value is None or value == "":
        return NOTHING
    if isinstance(field, models.DateTimeField):
        return date_format(localtime(value), "d/m/Y H:i")
    if isinstance(field, models.DateField):
        return date_format(value, "d/m/Y")
    if isinstance(field, models.BooleanField):
        return gettext("Yes") if value else gettext("No")
    if isinstance(field, models.DurationField):
        return format_duration(value)
    if not isinstance(field, models.DecimalField):
        return str(value)
    is_amount = field.decimal_places == 2
    places = max(-value.normalize().as_tuple().exponent, 2 if is_amount or field.name.endswith("_price") else 0)
    unit = " %" if field.name.endswith("_percent") else " €" if is_amount else ""
    return f"{formats.number_format(value, places, force_grouping=True)}{unit}"


def format_duration(duration: timedelta | None) -> str:
    """Seconds, minutes and seconds, or hours and minutes; a dash for None."""
    if duration is None:
        return NOTHING
    seconds = round(duration.total_seconds(), 1)
    if seconds < 60:
        return f"{formats.number_format(seconds, 1)} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min"


def format_badge(symbol: str, label: Any, kind: str = "") -> SafeString:
    return format_html('<span class="run-status {}">{} {}</span>', kind, symbol, label)


def format_status(run: SyncRun) -> SafeString:
    """A run's status, in words, with a symbol and a colour."""
    status = SyncRun.Status(run.status)
    return format_badge(STATUS_SYMBOLS[status], status.label, status.value)


def format_state(state: str) -> SafeString:
    return format_badge(*STATE_BADGES[State(state)])


def format_lock_state(lock: SyncLock) -> SafeString:
    match lock.state:
        case SyncLock.State.FREE:
            return format_badge("✓", _("free"), "succeeded")
        case SyncLock.State.HELD:
            return format_badge("▶", _("held"), "running")
        case SyncLock.State.SILENT:
            return format_badge("⚠", _("not renewed: the next process takes it over"), "quarantined")


def format_worker_state(worker: SyncWorker) -> SafeString:
    match worker.state:
        case SyncWorker.State.ALIVE:
            return format_badge("✓", _("responding"), "succeeded")
        case SyncWorker.State.SILENT:
            return format_badge("✗", _("not responding"), "failed")
        case SyncWorker.State.STOPPED:
            return format_badge("–", _("stopped"))


def format_table(headers: Iterable[Any], rows: Iterable[Iterable[str]]) -> SafeString | str:
    """A small table; a dash if it has no rows."""
    lines = [(format_html_join("", "<td>{}</td>", ((cell,) for cell in row)),) for row in rows]
    if not lines:
        return NOTHING
    head = format_html_join("", '<th scope="col">{}</th>', ((header,) for header in headers))
    body = format_html_join("", "<tr>{}</tr>", lines)
    return format_html('<table class="small-table"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>', head, body)


def format_link(record: models.Model | None) -> SafeString | str:
    """A link to a record's page."""
    if record is None:
        return NOTHING
    address = reverse(f"admin:{record._meta.app_label}_{record._meta.model_name}_change", args=[record.pk])
    return format_html('<a href="{}">{}</a>', address, record)


def format_list_link(model: type[models.Model], text: object, **numbers: str) -> SafeString | str:
    """A link to the records of a list that carry these numbers; the text alone if one is blank."""
    if not all(numbers.values()):
        return str(text)
    return format_html('<a href="{}">{}</a>', get_list_url(model, **numbers), text)


def format_run_link(pk: int) -> SafeString:
    """A run's number, which leads to its page; the run itself is not asked for."""
    return format_html('<a href="{}">{}</a>', reverse("admin:sync_syncrun_change", args=[pk]), pk)


def describe_queued_run(run: SyncRun) -> str:
    return format_html(gettext("Run {} waits for its turn."), format_run_link(run.pk))


def format_outside_link(address: str, text: str) -> SafeString | str:
    """A link that leaves this site, in a tab of its own; the text alone without an address."""
    if not address:
        return text
    return format_html('<a href="{}" target="_blank" rel="noopener noreferrer">{}</a>', address, text)


def format_fact(name: str, fact: Any) -> Iterator[tuple[Any, Any]]:
    """A fact of an event, with a label, in the reader's words; a fact of a kind that is not known as it was kept."""
    match name, fact:
        case "counts", dict():
            for count, number in fact.items():
                if number:
                    yield get_count_label(count), format_number(number)
        case "trigger", str() if fact in SyncRun.Trigger:
            yield FACT_LABELS[name], SyncRun.Trigger(fact).label
        case "mode", str() if fact in SyncRun.Mode:
            yield FACT_LABELS[name], SyncRun.Mode(fact).label
        case "before" | "after", str() if fact in alerts.WORDS:
            yield FACT_LABELS[name], alerts.WORDS[fact]
        case "channel", str() if fact in Alert.Channel:
            yield FACT_LABELS[name], Alert.Channel(fact).label
        case "into", int():
            yield FACT_LABELS[name], format_run_link(fact)
        case "at", str():
            yield FACT_LABELS[name], format_datetime(parse_datetime(fact))
        case "every" | "first_at", int():
            yield FACT_LABELS[name], format_minutes(fact)
        case "hidden" | "shown" | "unknown" | "gone" | "columns", list():
            yield FACT_LABELS[name], Truncator(", ".join(map(str, fact))).chars(200)
        case "error", str():
            yield FACT_LABELS[name], Truncator(translate(fact)).chars(200)
        case _, bool():
            yield FACT_LABELS.get(name, name), gettext("Yes") if fact else gettext("No")
        case _:
            yield FACT_LABELS.get(name, name), Truncator(fact).chars(200)


def get_count_label(name: str) -> Any:
    """What a count of a run is called; its own name if runs no longer have it."""
    return next((field.verbose_name for field in SyncRun._meta.fields if field.name == name), name)
