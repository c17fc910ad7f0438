"""Where the admin's pages are, and links to them."""

from __future__ import annotations

from django.contrib.admin.utils import quote
from django.db import models
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext

from sync.admin import formatting
from sync.admin.formatting import NOTHING
from sync.coordinator import turns
from sync.database import clock
from sync.models import MirroredModel, RecordChange, SyncLock, SyncRun
from sync.service import get_service_for_model


def get_list_url(model: type[models.Model], **numbers: str) -> str:
    """Where the records of a list that carry these numbers are shown."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist", query=numbers)


def get_url(row: models.Model, page: str = "change", *args: str, query: dict[str, str] | None = None) -> str:
    """Where one of a row's pages is."""
    name = f"admin:{row._meta.app_label}_{row._meta.model_name}_{page}"
    return reverse(name, args=[quote(row.pk), *args], query=query)


def get_lock_url(page: str = "change") -> str:
    return get_url(SyncLock(pk=SyncLock.THE_ROW), page)


def get_button_url(row: models.Model, name: str) -> str:
    """Where a button of a row's page posts to."""
    return get_url(row, "do", name)


def get_changes_url(record: MirroredModel) -> str:
    """Where all that syncs did to a record is shown."""
    return get_list_url(RecordChange, **get_change_lookup(record))


def get_change_lookup(record: MirroredModel) -> dict[str, str]:
    """What tells a record's changes from those of others."""
    service = get_service_for_model(type(record))
    return {"sync_type": service.sync_type, "key": str(getattr(record, service.layout.key))}


def redirect_to_next(request: HttpRequest, row: models.Model) -> HttpResponseRedirect:
    """To where the page from which something was done wants to lead next; to a row's page if it does not say."""
    address = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(address, allowed_hosts=None)
    return HttpResponseRedirect(address if is_ours else get_url(row))


# As HTML


def format_link(record: models.Model | None, text: object = None) -> str:
    """A link to a record's page, called like the record or otherwise."""
    if record is None:
        return NOTHING
    return format_html('<a href="{}">{}</a>', get_url(record), text or record)


def format_list_link(model: type[models.Model], text: object, **numbers: str) -> str:
    """A link to the records of a list that carry these numbers; the text alone if one is blank."""
    if not all(numbers.values()):
        return str(text)
    return format_html('<a href="{}">{}</a>', get_list_url(model, **numbers), text)


def format_run_link(pk: int) -> str:
    """A run's number, which leads to its page; the run itself is not asked for."""
    return format_html('<a href="{}">{}</a>', reverse("admin:sync_syncrun_change", args=[pk]), pk)


def format_outside_link(address: str, text: str) -> str:
    """A link that leaves this site, in a tab of its own; the text alone without an address."""
    if not address:
        return text
    return format_html('<a href="{}" target="_blank" rel="noopener noreferrer">{}</a>', address, text)


def describe_queued_run(run: SyncRun) -> str:
    """What is said to who has just asked for a run."""
    number = format_link(run, run.pk)
    waits_for = turns.find_what_it_waits_for(run)
    until = turns.find_end_of_wait(run, waits_for, clock.now())
    if until and waits_for in turns.REASONS:
        reason = gettext(turns.REASONS[waits_for])
        return format_html(gettext("Run {} waits until {}: {}."), number, formatting.format_time(until), reason)
    return format_html(gettext("Run {} waits for its turn."), number)
