"""Getting exports from the ERP: which client does it is a matter of settings."""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings

from sync.erp import allowance
from sync.erp.client import ErpClient
from sync.erp.folder import FolderClient
from sync.erp.http import HttpClient
from sync.exceptions import ErpNotConfigured


def get_erp_client() -> ErpClient:
    """The client for settings.ERP_URL or settings.ERP_FOLDER. Raises ErpNotConfigured."""
    if settings.ERP_URL:
        return get_http_client(
            settings.ERP_URL, settings.ERP_USERNAME, settings.ERP_PASSWORD, largest=settings.EXPORT_MAX_BYTES
        )
    if settings.ERP_FOLDER:
        return FolderClient(settings.ERP_FOLDER, largest=settings.EXPORT_MAX_BYTES)
    raise ErpNotConfigured


@lru_cache(maxsize=1)
def get_http_client(url: str, username: str, password: str, *, largest: int) -> HttpClient:
    """One per process, so that every run does not leave another session open in the ERP."""
    return HttpClient(
        url,
        username,
        password,
        spend_login=allowance.spend_login,
        spend_export=allowance.spend_export,
        largest=largest,
    )
