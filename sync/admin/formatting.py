"""How values are shown in the admin: as texts, and as small pieces of HTML."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import models
from django.utils import formats, timezone
from django.utils.dateformat import format as date_format
from django.utils.html import format_html, format_html_join
from django.utils.timesince import timesince
from django.utils.translation import gettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _

from sync.models import SyncLock, SyncRun, SyncWorker
from sync.monitoring.alert_channels import WORDS
from sync.monitoring.status import State
from sync.monitoring.timeline import Ran

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
CHANGES = ("created", "updated", "missing", "removed")
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


def format_time(at: datetime | None) -> str:
    """A time of today without its date; of another day without its seconds."""
    if at is None:
        return NOTHING
    local = timezone.localtime(at)
    return f"{local:%H:%M:%S}" if local.date() == timezone.localdate() else f"{local:%d/%m/%Y %H:%M}"


def format_age(at: datetime | None, now: datetime) -> str:
    if at is None:
        return ""
    if now - at < timedelta(minutes=1):
        return gettext("just now")
    return gettext("%s ago") % timesince(at, now, depth=1)


def format_datetime(value: datetime | None) -> str:
    """To the second: a lease is half a minute."""
    return date_format(timezone.localtime(value), "d/m/Y H:i:s") if value else NOTHING


def format_number(number: int | Decimal | None) -> str:
    """With its thousands apart."""
    return NOTHING if number is None else formats.number_format(number, force_grouping=True)


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


def format_changes(run: Ran | SyncRun) -> str:
    """What a run changed, in a few words."""
    counts = ((name, getattr(run, name)) for name in CHANGES)
    return ", ".join(format_count(name, count) for name, count in counts if count) or gettext("no changes")


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
        return date_format(timezone.localtime(value), "d/m/Y H:i")
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


def format_badge(symbol: str, label: Any, kind: str = "") -> str:
    return format_html('<span class="run-status {}">{} {}</span>', kind, symbol, label)


def format_status(run: SyncRun) -> str:
    """A run's status, in words, with a symbol and a colour."""
    status = SyncRun.Status(run.status)
    return format_badge(STATUS_SYMBOLS[status], status.label, status.value)


def format_state(state: str) -> str:
    return format_badge(*STATE_BADGES[State(state)])


def format_lock_state(lock: SyncLock) -> str:
    match lock.state:
        case SyncLock.State.FREE:
            return format_badge("✓", _("free"), "succeeded")
        case SyncLock.State.HELD:
            return format_badge("▶", _("held"), "running")
        case SyncLock.State.SILENT:
            return format_badge("⚠", _("not renewed: the next process takes it over"), "quarantined")


def format_worker_state(worker: SyncWorker) -> str:
    match worker.state:
        case SyncWorker.State.ALIVE:
            return format_badge("✓", _("responding"), "succeeded")
        case SyncWorker.State.SILENT:
            return format_badge("✗", _("not responding"), "failed")
        case SyncWorker.State.STOPPED:
            return format_badge("–", _("stopped"))


def format_table(headers: Iterable[Any], rows: Iterable[Iterable[str]]) -> str:
    """A small table; a dash if it has no rows."""
    lines = [(format_html_join("", "<td>{}</td>", ((cell,) for cell in row)),) for row in rows]
    if not lines:
        return NOTHING
    head = format_html_join("", '<th scope="col">{}</th>', ((header,) for header in headers))
    body = format_html_join("", "<tr>{}</tr>", lines)
    return format_html('<table class="small-table"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>', head, body)
