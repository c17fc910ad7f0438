"""Getting exports from the ERP: which client does it is a matter of settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sync.exceptions import ErpNotConfigured

if TYPE_CHECKING:
    from sync.erp.client import ErpClient


def erp_client() -> ErpClient:
    """The client for settings.ERP_URL or settings.ERP_FOLDER. Raises ErpNotConfigured."""
    from django.conf import settings

    if settings.ERP_URL:
        from sync.erp.http import HttpClient

        return HttpClient(settings.ERP_URL, settings.ERP_USERNAME, settings.ERP_PASSWORD)
    if settings.ERP_FOLDER:
        from sync.erp.folder import FolderClient

        return FolderClient(settings.ERP_FOLDER)
    raise ErpNotConfigured
