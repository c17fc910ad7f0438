"""What several pages are made of."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.contrib import admin
from django.core.paginator import Paginator
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.dateformat import format as date_format
from django.utils.formats import number_format
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString
from django.utils.timezone import localdate, localtime
from django.utils.translation import gettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _

from sync.admin.read_only import NOTHING, column_of
from sync.list_names import list_name
from sync.models import RecordChange, SyncEvent, SyncRun, SyncSchedule
from sync.monitoring.alerts import WORDS
from sync.monitoring.health import State
from sync.service import SyncService, service_for

if TYPE_CHECKING:
    AnyPaginator = Paginator[Any]
else:
    AnyPaginator = Paginator


SYMBOLS = {
    SyncRun.Status.QUEUED: "…",
    SyncRun.Status.RUNNING: "▶",
    SyncRun.Status.SUCCEEDED: "✓",
    SyncRun.Status.FAILED: "✗",
    SyncRun.Status.QUARANTINED: "⚠",
    SyncRun.Status.CANCELLED: "–",
}
STATES = {
    State.HEALTHY: ("✓", WORDS[State.HEALTHY], "succeeded"),
    State.RETRYING: ("↻", WORDS[State.RETRYING], "quarantined"),
    State.LATE: ("⚠", WORDS[State.LATE], "quarantined"),
    State.OLD: ("⚠", WORDS[State.OLD], "quarantined"),
    State.FAILING: ("✗", WORDS[State.FAILING], "failed"),
    State.QUARANTINED: ("⚠", WORDS[State.QUARANTINED], "quarantined"),
    State.PAUSED: ("‖", WORDS[State.PAUSED], ""),
    State.NEVER: ("…", WORDS[State.NEVER], "quarantined"),
}
COUNTED = {  # what may be counted of a run's records
    "read": ngettext_lazy("%(number)s read", "%(number)s read", "count"),
    "unchanged": ngettext_lazy("%(number)s unchanged", "%(number)s unchanged", "count"),
    "created": ngettext_lazy("%(number)s created", "%(number)s created", "count"),
    "updated": ngettext_lazy("%(number)s updated", "%(number)s updated", "count"),
    "missing": ngettext_lazy("%(number)s missing", "%(number)s missing", "count"),
    "removed": ngettext_lazy("%(number)s removed", "%(number)s removed", "count"),
    "restored": ngettext_lazy("%(number)s restored", "%(number)s restored", "count"),
    "left": ngettext_lazy("%(number)s left", "%(number)s left", "count"),
}
LONGEST_NUMBER = 18  # digits; databases take every number of so many
LIVE_KINDS = " ".join(SyncEvent.Kind.values)  # of events that a page may follow
CAME_BACK = {  # why an attempt did not end its run
    "preempted": _("stepped aside"),
    "handed back": _("given back by a stopping worker"),
    "lost": _("lost with its process"),
    "failed": _("failed, to be tried again"),
}


class SyncTypeFilter(admin.SimpleListFilter):
    """The sync types as they are declared: asking the rows would read all of them."""

    title = _("type")
    parameter_name = "sync_type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(sync_type, list_name(sync_type)) for sync_type in settings.SYNC_TYPES]

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        return queryset.filter(sync_type=self.value()) if self.value() else queryset


class BoundedPaginator(AnyPaginator):
    """Counts and pages no further than the limit, so that no page of a long list reads all of it."""

    limit = 10_000  # rows; nobody turns two hundred pages

    @cached_property
    def count(self) -> int:
        rows = cast("models.QuerySet[Any]", self.object_list)
        return rows.order_by()[: self.limit].count()


def clock(at: datetime | None) -> str:
    """A time of today without its date; of another day without its seconds."""
    if at is None:
        return NOTHING
    local = localtime(at)
    return f"{local:%H:%M:%S}" if local.date() == localdate() else f"{local:%d/%m/%Y %H:%M}"


def moment(value: datetime | None) -> str:
    """To the second: a lease is half a minute."""
    return date_format(localtime(value), "d/m/Y H:i:s") if value else NOTHING


def minutes(number: int) -> str:
    return gettext("%s min") % number_format(number, force_grouping=True)


def field_of(model: type[models.Model], name: str) -> models.Field[Any, Any]:
    return cast("models.Field[Any, Any]", model._meta.get_field(name))


def time_in(model: type[models.Model], name: str) -> Any:
    return column_of(field_of(model, name), show=moment)


def is_number(text: str) -> bool:
    """Whether a text is a whole number, and none too large for a database."""
    return text.isdecimal() and len(text) <= LONGEST_NUMBER


def with_thousands_apart(kept: Any) -> str:
    """A number that was kept as a text; what is none as it is."""
    text = str(kept)
    return number_format(int(text), force_grouping=True) if is_number(text) else text


def counted(name: str, count: int) -> str:
    """A count of a run's records, in words: `1,450 created`."""
    return str(COUNTED[name] % {"count": count, "number": number_format(count, force_grouping=True)})


def service_of(sync_type: str) -> SyncService | None:
    """None for a type that was mirrored once and is no more."""
    return service_for(sync_type) if sync_type in settings.SYNC_TYPES else None


@admin.display(description=_("type"), ordering="sync_type")
def type_column(row: SyncRun | RecordChange | SyncSchedule) -> str:
    return list_name(row.sync_type)


type_name: Any = type_column  # in a fieldset too, of which the stubs know names alone


def badge(symbol: str, label: Any, kind: str = "") -> SafeString:
    return format_html('<span class="run-status {}">{} {}</span>', kind, symbol, label)


def status_badge(run: SyncRun) -> SafeString:
    """A run's status, in words, with a symbol and a colour."""
    status = SyncRun.Status(run.status)
    return badge(SYMBOLS[status], status.label, status.value)


def state_badge(state: str) -> SafeString:
    return badge(*STATES[State(state)])


def run_address(run: SyncRun) -> str:
    return reverse("admin:sync_syncrun_change", args=[run.pk])


def run_link(pk: int) -> SafeString:
    """A run's number, which leads to its page; the run itself is not asked for."""
    return format_html('<a href="{}">{}</a>', reverse("admin:sync_syncrun_change", args=[pk]), pk)


def way_back(request: HttpRequest) -> str:
    """Where the page from which something was done wants to lead next; empty if it does not say."""
    address = request.POST.get("next", "")
    return address if url_has_allowed_host_and_scheme(address, allowed_hosts=None) else ""


def run_waits(run: SyncRun) -> str:
    return format_html(gettext("Run {} waits for its turn."), run_link(run.pk))


def table(headers: Iterable[Any], rows: Iterable[Iterable[str]]) -> SafeString | str:
    """A small table; a dash if it has no rows."""
    lines = [(format_html_join("", "<td>{}</td>", ((cell,) for cell in row)),) for row in rows]
    if not lines:
        return NOTHING
    head = format_html_join("", '<th scope="col">{}</th>', ((header,) for header in headers))
    body = format_html_join("", "<tr>{}</tr>", lines)
    return format_html('<table class="small-table"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>', head, body)
