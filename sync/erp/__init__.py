"""Getting exports from the ERP: which client does it is a matter of settings.

What is needed for that is imported when it is asked for: the browser's process imports this package without Django.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sync.erp.client import ErpClient


def get_erp_client() -> ErpClient:
    """The client for settings.ERP_URL or settings.ERP_FOLDER. Raises ErpNotConfigured."""
    from django.conf import settings

    from sync.erp.folder import FolderClient
    from sync.exceptions import ErpNotConfigured

    if settings.ERP_URL:
        return get_web_client(
            settings.ERP_CLIENT,
            settings.ERP_URL,
            settings.ERP_USERNAME,
            settings.ERP_PASSWORD,
            largest=settings.EXPORT_MAX_BYTES,
        )
    if settings.ERP_FOLDER:
        return FolderClient(settings.ERP_FOLDER, largest=settings.EXPORT_MAX_BYTES)
    raise ErpNotConfigured


@lru_cache(maxsize=1)
def get_web_client(kind: str, url: str, username: str, password: str, *, largest: int) -> ErpClient:
    """One per process, so that every run does not start another browser, or leave another session open in the ERP."""
    from django.conf import settings

    from sync.erp import allowance
    from sync.erp.browser.client import BrowserClient
    from sync.erp.http import HttpClient

    if kind == "http":
        return HttpClient(
            url,
            username,
            password,
            spend_login=allowance.spend_login,
            spend_export=allowance.spend_export,
            largest=largest,
        )
    return BrowserClient(
        url,
        username,
        password,
        sessions=settings.ERP_SESSIONS_DIR,
        spend_login=allowance.spend_login,
        spend_export=allowance.spend_export,
        count_look=allowance.count_look,
        executable=settings.ERP_BROWSER,
        largest=largest,
    )
