"""Where the admin's pages are, and links to them."""

from __future__ import annotations

from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from sync.models import MirroredModel, RecordChange, SyncLock, SyncRun
from sync.service import get_service_for_model


def get_list_url(model: type[models.Model], **numbers: str) -> str:
    """Where the records of a list that carry these numbers are shown."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist", query=numbers)


def get_changes_url(record: MirroredModel) -> str:
    """Where all that syncs did to a record is shown."""
    return get_list_url(RecordChange, **get_change_lookup(record))


def get_change_lookup(record: MirroredModel) -> dict[str, str]:
    """What tells a record's changes from those of others."""
    service = get_service_for_model(type(record))
    return {"sync_type": service.sync_type, "key": str(getattr(record, service.layout.key))}


def get_run_url(run: SyncRun) -> str:
    return reverse("admin:sync_syncrun_change", args=[run.pk])


def get_lock_url(page: str) -> str:
    return reverse(f"admin:sync_synclock_{page}", args=[SyncLock.THE_ROW])


def get_next_url(request: HttpRequest) -> str:
    """Where the page from which something was done wants to lead next; empty if it does not say."""
    address = request.POST.get("next", "")
    return address if url_has_allowed_host_and_scheme(address, allowed_hosts=None) else ""
